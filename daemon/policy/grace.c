/* See policy/grace.h. */
#include "policy/grace.h"

#include "base/time.h"

#include <stdio.h>

bool grace_over(const struct policy *policy, int64_t since_ms, int64_t now_ms)
{
    return policy->grace_ms == 0 || (since_ms > 0 && now_ms - since_ms >= policy->grace_ms);
}

void grace_explain(const struct policy *policy, int64_t since_ms, struct verdict *verdict)
{
    char grace[48], since[21], until[21];
    verdict->delete = verdict->force = false;
    verdict->cause = CAUSE_GRACE;
    verdict->place = &policy->grace_place;
    time_duration(policy->grace_ms, grace);
    if (since_ms == 0) {
        snprintf(verdict->reason, sizeof verdict->reason, "in its grace (%s): no earlier run selected it",
                 grace);
        return;
    }
    time_rfc3339(since_ms, since);
    time_rfc3339(since_ms + policy->grace_ms, until);
    snprintf(verdict->reason, sizeof verdict->reason, "in its grace (%.14s) until %s, selected since %s",
             grace, until, since);
}
