/* See policy/pace.h. */
#include "policy/pace.h"

#include "base/time.h"

#define SHARE_DEFAULT 995
#define DAY_MINUTES   (24 * 60)

int64_t pace_per_1000s(const struct target *target, enum operation operation)
{
    int64_t quota = target->quota_per_1000s[operation];
    if (quota == 0) {
        quota = (int64_t)operation_default_quota(operation) * 1000;
    }
    return quota * (target->share_permille > 0 ? target->share_permille : SHARE_DEFAULT) / 1000;
}

/* What does not fit is as long as can be. */
static int64_t calls_ms(const struct target *target, enum operation operation, int64_t calls)
{
    const int64_t factor = 1000 * TIME_MS_PER_SECOND;
    int64_t rate = pace_per_1000s(target, operation);
    if (rate <= 0) {
        return 0;
    }
    return calls > INT64_MAX / factor ? INT64_MAX : calls * factor / rate;
}

int64_t pace_looks(const struct policy *policy, int64_t executions)
{
    bool unseen = policy->verify_risky && policy->archive_directory == NULL;
    return unseen ? 0 : executions;
}

int64_t pace_deletion_ms(const struct policy *policy, const struct target *target, int64_t executions)
{
    int64_t delete_ms = calls_ms(target, OPERATION_DELETE_EXECUTION, executions);
    int64_t look_ms = calls_ms(target, OPERATION_DESCRIBE_EXECUTION, pace_looks(policy, executions));
    return delete_ms > look_ms ? delete_ms : look_ms;
}

int64_t pace_window_ms(const struct policy *policy)
{
    int minutes = policy->window.end - policy->window.begin;
    return (minutes < 0 ? minutes + DAY_MINUTES : minutes) * TIME_MS_PER_MINUTE;
}
