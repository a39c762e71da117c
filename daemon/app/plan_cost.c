/* See app/plan_cost.h. */
#include "app/plan_cost.h"

#include "base/time.h"
#include "model/operation.h"

#define SHARE_DEFAULT 995
#define DAY_MINUTES   (24 * 60)

static int64_t rate_per_1000s(const struct target *target, enum operation operation)
{
    int64_t quota = target->quota_per_1000s[operation];
    if (quota == 0) {
        quota = (int64_t)operation_default_quota(operation) * 1000;
    }
    return quota * (target->share_permille > 0 ? target->share_permille : SHARE_DEFAULT) / 1000;
}

/* Milliseconds; what does not fit is as long as can be. */
static int64_t at_rate_ms(int64_t calls, int64_t per_1000s)
{
    const int64_t factor = 1000 * TIME_MS_PER_SECOND;
    if (per_1000s <= 0) {
        return 0;
    }
    return calls > INT64_MAX / factor ? INT64_MAX : calls * factor / per_1000s;
}

int64_t plan_cost_window_ms(const struct policy *policy)
{
    const struct window *window = &policy->window;
    int minutes = window->end - window->begin;
    return (minutes < 0 ? minutes + DAY_MINUTES : minutes) * TIME_MS_PER_MINUTE;
}

static void limit(const struct policy *policy, struct plan_cost *cost)
{
    cost->allowed_ms = plan_cost_window_ms(policy);
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
                               .looks = policy->verify_risky ? 0 : executions,
                               .delete_per_1000s = rate_per_1000s(target, OPERATION_DELETE_EXECUTION),
                               .look_per_1000s = rate_per_1000s(target, OPERATION_DESCRIBE_EXECUTION)};
    int64_t delete_ms = at_rate_ms(cost->deletions, cost->delete_per_1000s);
    int64_t look_ms = at_rate_ms(cost->looks, cost->look_per_1000s);
    cost->calls = cost->deletions + cost->looks;
    cost->ms = delete_ms > look_ms ? delete_ms : look_ms;
    limit(policy, cost);
    cost->runs = count_runs(policy, cost, executions + later);
}
