/* The rows of a plan on their way to the ledger, in batches, so that memory stays bounded however large the
 * plan is: whoever makes rows is told to pause while too many are on their way. */
#ifndef ENGINE_PLAN_WRITER_H
#define ENGINE_PLAN_WRITER_H

#include "model/ledger.h"
#include "policy/match.h"

#include <stdbool.h>

struct plan_writer;

struct plan_writer_config {
    struct ledger *ledger;
    int64_t run;
    void *owner;
    /* Too many batches are on their way, or no longer. May run from inside plan_writer_add(). */
    void (*pause)(void *owner, bool pause);
    /* The ledger has answered for a batch: err is ERR_NONE, or why it did not take it. From the loop. */
    void (*written)(void *owner, const struct err *err);
};

struct plan_writer *plan_writer_create(const struct plan_writer_config *config);
/* Only when nothing is on its way. Takes NULL. */
void plan_writer_destroy(struct plan_writer *writer);

/* Appends one row: an execution that goes, and why. */
void plan_writer_add(struct plan_writer *writer, const struct job_execution *execution,
                     const struct verdict *verdict);
/* Hands on what is there, be it less than a batch. */
void plan_writer_flush(struct plan_writer *writer);
bool plan_writer_idle(const struct plan_writer *writer); /* nothing is on its way */

#endif
