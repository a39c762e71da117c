/* See engine/report.h. */
#include "engine/report.h"

bool report_failed(const struct report *report)
{
    switch (report->end) {
    case SWEEP_FINISHED:
    case SWEEP_PLANNED:
    case SWEEP_LIMITED:
        return report->outcomes[OUTCOME_FAILED] > 0 || report->outcomes[OUTCOME_UNKNOWN] > 0 ||
               report->outcomes[OUTCOME_PENDING] > 0;
    case SWEEP_GUARDED:
    case SWEEP_STOPPED:
    case SWEEP_CANCELED:
    case SWEEP_FAILED:
        break;
    }
    return true;
}

bool report_without_plan(const struct report *report)
{
    return (report->end == SWEEP_FAILED || report->end == SWEEP_CANCELED) && report->selected == 0;
}

bool report_denied(const struct report *report)
{
    return report->why == ANSWER_DENIED || report->why == ANSWER_EXPIRED ||
           report->err.code == ERR_CREDENTIALS;
}

int64_t report_outcome_sum(const struct report *report)
{
    int64_t sum = 0;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        sum += report->outcomes[i];
    }
    return sum;
}

const char *report_end_name(const struct report *report)
{
    static const char *const limits[] = {
        [LIMIT_ROWS] = "limit", [LIMIT_WINDOW] = "window", [LIMIT_DURATION] = "max_duration"};
    return report->end == SWEEP_LIMITED ? limits[report->limit] : sweep_end_name(report->end);
}

int64_t report_left(const struct report *report)
{
    return report->remaining + report->outcomes[OUTCOME_NOT_ATTEMPTED];
}

const char *sweep_end_name(enum sweep_end end)
{
    static const char *const names[] = {
        [SWEEP_FINISHED] = "finished", [SWEEP_PLANNED] = "planned", [SWEEP_GUARDED] = "guard",
        [SWEEP_LIMITED] = "limit",     [SWEEP_STOPPED] = "stopped", [SWEEP_CANCELED] = "canceled",
        [SWEEP_FAILED] = "failed",
    };
    return names[end];
}
