/* See engine/sweep.h: how far it is. */
#include "base/time.h"
#include "engine/sweep_private.h"

/* Milliseconds that so many calls take at a lane's pace. */
static int64_t at_pace(const struct sweep *sweep, enum operation operation, int64_t calls)
{
    struct lane_view lane;
    dispatcher_lane(sweep->config.dispatcher, operation, &lane);
    return lane.rate_per_1000s > 0 ? calls * 1000 * TIME_MS_PER_SECOND / lane.rate_per_1000s : -1;
}

static int64_t calls_made(const struct sweep *sweep)
{
    int64_t calls = 0;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        struct lane_view lane;
        dispatcher_lane(sweep->config.dispatcher, (enum operation)i, &lane);
        calls += lane.sent - sweep->calls_before[i];
    }
    return calls;
}

void sweep_progress(const struct sweep *sweep, struct sweep_progress *progress)
{
    const struct report *report = &sweep->report;
    *progress = (struct sweep_progress){.deleting = sweep->state >= STATE_DELETING,
                                        .listed = report->listed,
                                        .selected = report->selected,
                                        .settled = sweep->settled,
                                        .calls = calls_made(sweep),
                                        .remaining_ms = -1};
    struct supply_view view = {.calls_left = -1};
    if (sweep->supply != NULL) {
        supply_view(sweep->supply, &view);
        progress->jobs = view.scopes;
        progress->jobs_listed = view.scopes_done;
        progress->pages = view.pages;
    }
    if (sweep->apply != NULL) {
        progress->waiting_ms = apply_waits_ms(sweep->apply);
        int64_t rows = progress->selected - progress->settled;
        bool only = apply_quarantined(sweep->apply, &progress->quarantined, &progress->quarantined_ms);
        progress->remaining_ms = only ? -1 : at_pace(sweep, OPERATION_DELETE_EXECUTION, rows);
    } else if (sweep->state == STATE_SUPPLYING && view.calls_left >= 0) {
        progress->remaining_ms = at_pace(sweep, view.operation, view.calls_left);
    }
}
