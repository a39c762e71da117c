/* The grace of a policy: how long an execution must have been selected before it goes. */
#ifndef POLICY_GRACE_H
#define POLICY_GRACE_H

#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* since_ms: when the first of the runs that all selected it was complete; 0: none has. now_ms is of the same
 * clock. */
bool grace_over(const struct policy *policy, int64_t since_ms, int64_t now_ms);
/* The verdict on one that waits: it is kept, with the cause, the reason and the place. */
void grace_explain(const struct policy *policy, int64_t since_ms, struct verdict *verdict);

#endif
