/* From listed executions to the rows of a plan: the policy's decision on each, what must see them together
 * (engine/sieve.h), the limits, and the way to the ledger (engine/plan_writer.h). */
#ifndef ENGINE_SELECTOR_H
#define ENGINE_SELECTOR_H

#include "engine/env.h"
#include "engine/report.h"
#include "engine/things.h"
#include "model/ledger.h"
#include "model/scratch.h"
#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct selector;

struct selector_config {
    const struct env *env;
    struct ledger *ledger;
    const struct scratch *scratch; /* NULL: a policy that needs it cannot be planned */
    int64_t run;
    const struct run_header *header;                                   /* its; for a policy with a grace */
    void (*sha256)(const void *data, size_t length, uint8_t hash[32]); /* likewise */
    const struct policy *policy;
    const struct things *things; /* NULL: the policy asks nothing of them */
    bool given;                  /* all rows come through selector_take() */
    struct report *report;       /* listed, selected, remaining and in_grace are counted there */
    void *owner;
    /* Too many rows are on their way, or no longer. May run from inside selector_add(). */
    void (*pause)(void *owner, bool pause);
    /* The verdict on each row, once: at once, or behind the last row where keep rules count. May be NULL. */
    void (*row)(void *owner, const struct job_execution *execution, const struct verdict *verdict);
    void (*warning)(void *owner, const char *text);
    /* The ledger did not take a row, or there is no room to sort them: err says why. Once; done() follows. */
    void (*failed)(void *owner, const struct err *err, bool of_ledger);
    void (*done)(
        void *owner); /* once after selector_finish(), from the loop: the ledger has answered for all */
};

struct selector *selector_create(const struct selector_config *config);
/* Only when nothing is on its way to the ledger. Takes NULL. */
void selector_destroy(struct selector *selector);

/* One execution in scope, at a moment of the service's clock. */
void selector_add(struct selector *selector, const struct job *job, const struct job_execution *execution,
                  int64_t now_ms);
/* A row that was given, at a moment of the service's clock: all are selected, so that the report says what
 * became of each. What cannot be sent, or is protected, is settled when its turn comes; where nothing is
 * deleted no turn comes, and its outcome is counted here. */
void selector_take(struct selector *selector, const struct plan_row *row, int64_t now_ms, bool deletes);
/* Behind the last row, at a moment of the service's clock. complete: false when the list is not; then rows
 * that must be seen together are left out: what stands in the plan is for the record. */
void selector_finish(struct selector *selector, bool complete, int64_t now_ms);
void selector_cancel(struct selector *selector); /* done() still comes, soon */

#endif
