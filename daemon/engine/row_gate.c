/* See engine/row_gate.h. */
#include "engine/row_gate.h"

#include "base/time.h"
#include "policy/match.h"

#include <stdlib.h>

bool row_gate_expired(const struct row_shared *shared, int64_t wall_ms)
{
    return shared->until_ms != 0 && wall_ms >= shared->until_ms;
}

bool row_gate_check_holds(const struct row *row, const struct clock_sample *now)
{
    int64_t age_ns = now->mono_ns - row->check.mono_ns;
    bool paused = row->shared->releases != dispatcher_releases(row->shared->dispatcher);
    if (row->check_needless) {
        return !clock_stepped(&row->shared->brake.clock, now) && !paused;
    }
    return row->checked && age_ns <= DELETER_CHECK_LIFE_MS * TIME_NS_PER_MS &&
           !clock_stepped(&row->check, now);
}

const struct protect_rule *row_gate_protection(const struct row *row, const struct clock_sample *now)
{
    const struct row_shared *shared = row->shared;
    const struct job_execution *execution = &row->plan.execution;
    const struct match_facts facts = things_facts(shared->things, NULL);
    int64_t service_ms = dispatcher_service_ms(shared->dispatcher);
    return protect_find(shared->protect, &facts, execution->job_id, execution->thing_name,
                        service_ms != 0 ? service_ms : now->wall_ms);
}

int64_t row_gate_skew_ms(const struct row_shared *shared, int64_t wall_ms)
{
    int64_t skew_ms = brake_skew_ms(&shared->brake, dispatcher_skew_ms(shared->dispatcher));
    int64_t service_ms = dispatcher_service_ms(shared->dispatcher);
    int64_t now_ms = service_ms != 0 ? service_ms - wall_ms : 0;
    return llabs(now_ms) > llabs(skew_ms) ? now_ms : skew_ms;
}

bool row_gate_opens(const struct row *row, const struct clock_sample *now)
{
    const struct row_shared *shared = row->shared;
    return !shared->brake.stopping && !row_gate_expired(shared, now->wall_ms) &&
           row_gate_check_holds(row, now) && step_sending(&row->plan, shared->force) != SENDING_NEVER;
}
