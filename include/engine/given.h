/* Rows that are given instead of listed: by a person, or by a plan that was made before. Whoever has them
 * (a file, most of the time) hands them out one by one, so that memory stays bounded. Of a row that comes
 * without a fingerprint, DescribeJobExecution tells it: several at a time, through its lane. */
#ifndef ENGINE_GIVEN_H
#define ENGINE_GIVEN_H

#include "base/err.h"
#include "engine/dispatcher.h"
#include "engine/env.h"
#include "model/ledger.h"

#include <stdbool.h>
#include <stdint.h>

#define GIVEN_ASKED_MAX 64  /* descriptions under way or in the lane */
#define GIVEN_AT_ONCE   250 /* rows taken before others get their turn */

struct row_source {
    void *ctx;
    /* 1 and the next row: its execution, reason and force; 0 after the last one; -1 with err. A status that
     * is not EXECUTION_UNKNOWN says that its whole fingerprint is known; else number 0 means the newest. */
    int (*next)(void *ctx, struct plan_row *row, struct err *err);
    int64_t count;     /* how many there are; for estimates */
    int64_t listed;    /* executions in scope of the policy when it selected them; 0: not known */
    int64_t remaining; /* that its limits left for later then: abort_if counts them, too */
    int64_t newest;    /* rows without a number, as a person gave them; for reports */
    bool force;        /* rows that are found IN_PROGRESS when they are described go, too, with force */
};

struct given;

struct given_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    const struct row_source *source; /* outlives it */
    void *owner;
    /* One row, with its fingerprint, in no certain order. One that does not exist has none: its status is
     * EXECUTION_UNKNOWN and no time is present. */
    void (*row)(void *owner, const struct plan_row *row);
    void (*done)(void *owner); /* once. No callback comes from inside given_start(), _pause() or _cancel() */
};

struct given_view {
    struct err err;        /* ERR_NONE, ERR_CANCELED, or why not every row is known */
    enum answer_class why; /* the answer behind err; ANSWER_DONE when it was none */
    int64_t taken;         /* rows so far */
};

struct given *given_start(const struct given_config *config);
/* While paused no further row is taken; descriptions under way still come. */
void given_pause(struct given *given, bool pause);
void given_cancel(struct given *given);  /* a wish: done() still comes */
void given_destroy(struct given *given); /* after done(); takes NULL */

const struct given_view *given_view(const struct given *given);

#endif
