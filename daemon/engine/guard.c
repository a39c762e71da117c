/* See engine/guard.h. */
#include "engine/guard.h"

#include "base/text.h"
#include "base/time.h"

bool guard_takes(const struct policy *policy, int64_t selected)
{
    return policy->per_run == 0 || selected < policy->per_run;
}

static bool over_percent(int64_t matched, int64_t listed, int64_t percent)
{
    return percent > 0 && listed > 0 && matched * 100 > listed * percent;
}

int guard_plan(const struct policy *policy, int64_t matched, int64_t listed, struct err *err)
{
    char found[32], allowed[32];
    if (matched > policy->selected_over) {
        return err_set(err, ERR_INVALID,
                       "%s job executions match, more than abort_if.selected_over allows (%s)",
                       text_thousands(found, matched), text_thousands(allowed, policy->selected_over));
    }
    if (over_percent(matched, listed, policy->selected_over_percent)) {
        return err_set(err, ERR_INVALID,
                       "%s of %s job executions in scope match, more than abort_if.selected_over_percent "
                       "allows (%lld %%)",
                       text_thousands(found, matched), text_thousands(allowed, listed),
                       (long long)policy->selected_over_percent);
    }
    return 0;
}

int guard_clock(bool known, int64_t skew_ms, struct err *err)
{
    if (!known) {
        return err_set(err, ERR_INVALID, "the service's answers have no Date, so its clock is not known");
    }
    int64_t apart_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    if (apart_ms <= GUARD_SKEW_MAX_MS) {
        return 0;
    }
    char apart[32];
    return err_set(err, ERR_INVALID, "this machine's clock is %s %s the service's (60 s are allowed)",
                   time_about(apart_ms, apart), skew_ms < 0 ? "ahead of" : "behind");
}

bool guard_refused(struct guard_run *run)
{
    run->refusals++;
    return run->refusals >= GUARD_REFUSALS_MAX;
}

void guard_answered(struct guard_run *run)
{
    run->refusals = 0;
}
