/* What stops the deletions of one sweep: a wish, a wrong clock, a run of refusals, a ledger that fails. Once
 * stopped it stays so, and the first reason is the one that is told. It also keeps what the latest answer
 * said about the clocks. Pure: the caller wakes its rows when a function says that something is new. */
#ifndef ENGINE_BRAKE_H
#define ENGINE_BRAKE_H

#include "base/err.h"
#include "engine/guard.h"
#include "engine/steps.h"
#include "model/call.h"
#include "model/outcome.h"

#include <stdbool.h>
#include <stdint.h>

#define BRAKE_FAILED_MIN 20 /* fewer settled rows say nothing of a percentage */

struct brake {
    bool stopping;  /* nothing more passes the gate; what was sent is still settled */
    bool expired;   /* it stopped because the time was over: nothing is sent, all that was is settled */
    bool hurry;     /* rows whose answer is not there are given up as unknown */
    struct err err; /* why it stopped itself; ERR_NONE when it did not */
    enum answer_class why; /* of the last of a run of refusals, else ANSWER_DONE */
    struct guard_run run;
    int64_t settled, failed;   /* rows, by outcome; those that were not attempted do not count */
    struct clock_sample clock; /* at the latest Date header */
    int64_t skew_ms;           /* by that header: the dispatcher's median follows a step slowly */
};

/* Each returns true when rows must be woken: deletion stops, or hurries, from now on. */
bool brake_stop(struct brake *brake, bool hurry);
/* The time until which the rows may be deleted is over. */
bool brake_expire(struct brake *brake);
/* An intent could not be written: nothing more is sent, but there may still be room for results. */
bool brake_withhold(struct brake *brake, const struct err *err);
/* A result could not be written: without a record nothing may be sent, and nothing can be settled any more.
 */
bool brake_freeze(struct brake *brake, const struct err *err);
/* An answer came, at this moment. median_ms is dispatcher_skew_ms(); known: a Date header was ever seen. */
bool brake_answered(struct brake *brake, const struct answer *answer, const struct clock_sample *now,
                    int64_t median_ms, bool known);
/* A row was refused for good with this call's answer. Where that goes for all rows (step_is_for_all()) it
 * stops at once. */
bool brake_refused(struct brake *brake, const struct call *call);
/* A row's document cannot be archived. for_all: nor can those of others, and it stops at once; why: see
 * struct archiving. */
bool brake_unarchived(struct brake *brake, const struct err *err, enum answer_class why, bool for_all);
/* A row was settled. failed_percent: abort_if.failed_over_percent, 0: none. Stops once BRAKE_FAILED_MIN rows
 * or more are settled and more than this part of them failed or are unknown. */
bool brake_settled(struct brake *brake, enum outcome outcome, int64_t failed_percent);

/* The skew that a request signed now must reckon with: the larger one of the median and the latest one. */
int64_t brake_skew_ms(const struct brake *brake, int64_t median_ms);

#endif
