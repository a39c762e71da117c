/* What keeps a sweep from doing harm as a whole: the plan against abort_if and limits, the clock, and a run
 * of refusals. Pure. */
#ifndef ENGINE_GUARD_H
#define ENGINE_GUARD_H

#include "base/err.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define GUARD_SKEW_MAX_MS  60000 /* further off, nothing is deleted: ages and signatures cannot be trusted */
#define GUARD_REFUSALS_MAX 10    /* so many in a row stop a sweep */

/* limits.per_run: whether one more row is taken into a plan of so many. */
bool guard_takes(const struct policy *policy, int64_t selected);

/* abort_if: -1 with ERR_INVALID when the plan must not be applied. matched is what the policy selects before
 * limits cut it, so that a policy that suddenly reaches too far is not drained in portions either; listed:
 * the executions in scope, 0 where that is not known. */
int guard_plan(const struct policy *policy, int64_t matched, int64_t listed, struct err *err);

/* -1 with ERR_INVALID when the clocks are too far apart to delete, or when nothing is known of the service's:
 * then neither ages nor the life of a signature can be told. */
int guard_clock(bool known, int64_t skew_ms, struct err *err);

/* Counts rows that were refused for good, in a row; any other answer about a row ends the run. */
struct guard_run {
    int refusals;
};
/* True when the run is long enough to stop. */
bool guard_refused(struct guard_run *run);
void guard_answered(struct guard_run *run);

#endif
