/* See app/plan_cost.h. */
#include "app/plan_cost.h"

#include "policy/pace.h"

static void limit(const struct policy *policy, struct plan_cost *cost)
{
    cost->allowed_ms = pace_window_ms(policy);
    cost->limit = cost->allowed_ms > 0 ? LIMIT_WINDOW : LIMIT_ROWS;
    if (policy->max_duration_ms > 0 &&
        (cost->allowed_ms == 0 || policy->max_duration_ms <= cost->allowed_ms)) {
        cost->allowed_ms = policy->max_duration_ms;
        cost->limit = LIMIT_DURATION;
    }
}

/* A run takes what its limits allow, and what its time does. */
static int64_t count_runs(const struct policy *policy, const struct plan_cost *cost, int64_t rows)
{
    int64_t per_run = policy->per_run > 0 && policy->per_run < rows ? policy->per_run : rows;
    if (cost->allowed_ms > 0 && cost->ms > cost->allowed_ms) {
        double in_time = (double)cost->deletions / (double)cost->ms * (double)cost->allowed_ms;
        per_run = in_time < (double)per_run ? (int64_t)in_time : per_run;
    }
    return per_run > 0 ? (rows + per_run - 1) / per_run : rows;
}

void plan_cost(const struct policy *policy, const struct target *target, int64_t executions, int64_t later,
               struct plan_cost *cost)
{
    *cost = (struct plan_cost){.deletions = executions,
                               .looks = pace_looks(policy, executions),
                               .delete_per_1000s = pace_per_1000s(target, OPERATION_DELETE_EXECUTION),
                               .look_per_1000s = pace_per_1000s(target, OPERATION_DESCRIBE_EXECUTION),
                               .ms = pace_deletion_ms(policy, target, executions)};
    cost->calls = cost->deletions + cost->looks;
    limit(policy, cost);
    cost->runs = count_runs(policy, cost, executions + later);
}
