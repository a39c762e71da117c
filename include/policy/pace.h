/* How long deletions take at the quotas of a target, and how long a policy lets them. Pure. */
#ifndef POLICY_PACE_H
#define POLICY_PACE_H

#include "policy/policy.h"

#include <stdint.h>

/* What the target takes of the quota of an operation, in requests per 1,000 s. */
int64_t pace_per_1000s(const struct target *target, enum operation operation);
/* How many of these are looked at right before their deletion. With verify: risky it may be fewer than all:
 * what its job says decides, and is not known here; what is archived is always looked at. */
int64_t pace_looks(const struct policy *policy, int64_t executions);
/* Deleting so many. Unless the policy says `verify: risky` each is looked at before, on a lane of its own:
 * the slower of the two counts. */
int64_t pace_deletion_ms(const struct policy *policy, const struct target *target, int64_t executions);

/* How long the window is open, by the clock on the wall; 0: there is none. */
int64_t pace_window_ms(const struct policy *policy);

#endif
