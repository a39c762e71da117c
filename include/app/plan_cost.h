/* What a plan takes to be carried out: calls, and time at the target's quotas (policy/pace.h). Pure. */
#ifndef APP_PLAN_COST_H
#define APP_PLAN_COST_H

#include "engine/report.h"
#include "policy/policy.h"

#include <stdint.h>

struct plan_cost {
    int64_t deletions, looks, calls;          /* calls: both; a look is a DescribeJobExecution */
    int64_t delete_per_1000s, look_per_1000s; /* what the target takes of its quotas */
    int64_t ms;                               /* both go on at a time: of the slower one */
    int64_t allowed_ms;                       /* that one run may take; 0: as long as it likes */
    enum sweep_limit limit;                   /* where it may not: LIMIT_WINDOW or LIMIT_DURATION */
    int64_t runs; /* until what is planned and what limits left for later is deleted, about; 0: nothing is */
};

/* Deleting so many, each looked at before unless the policy says otherwise, when so many more are left for
 * later by limits. */
void plan_cost(const struct policy *policy, const struct target *target, int64_t executions, int64_t later,
               struct plan_cost *cost);

#endif
