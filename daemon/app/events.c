/* Results as JSON, one object a line. */
#include "app/events.h"

#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>

static void string_member(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, ",\"%s\":", key);
    text_json(out, value);
}

static void time_member(struct buf *out, const char *key, const struct timestamp *time)
{
    char text[21];
    if (!timestamp_present(time)) {
        buf_printf(out, ",\"%s\":null", key);
        return;
    }
    time_rfc3339(time->ms, text);
    string_member(out, key, text);
}

static void row_members(struct buf *out, const char *policy, const char *target,
                        const struct job_execution *execution, const struct verdict *verdict)
{
    string_member(out, "policy", policy);
    string_member(out, "target", target);
    string_member(out, "job_id", execution->job_id);
    string_member(out, "thing_name", execution->thing_name);
    buf_printf(out, ",\"execution_number\":%" PRId64, execution->number);
    string_member(out, "status", execution_status_name(execution->fingerprint.status));
    time_member(out, "queued_at", &execution->fingerprint.queued_at);
    time_member(out, "started_at", &execution->fingerprint.started_at);
    time_member(out, "last_updated_at", &execution->fingerprint.last_updated_at);
    string_member(out, "verdict", verdict->delete ? "delete" : "keep");
    string_member(out, "reason", verdict->reason);
}

void events_row(struct buf *out, const char *policy, const char *target,
                const struct job_execution *execution, const struct verdict *verdict)
{
    buf_text(out, "{\"event\":\"row\"");
    row_members(out, policy, target, execution, verdict);
    buf_text(out, "}\n");
}

void events_verdict(struct buf *out, const char *policy, const char *target,
                    const struct job_execution *execution, const struct verdict *verdict)
{
    const struct place *place = verdict->place;
    buf_text(out, "{\"event\":\"verdict\"");
    row_members(out, policy, target, execution, verdict);
    if (place != NULL && place->line > 0) {
        string_member(out, "file", place->file);
        buf_printf(out, ",\"line\":%d,\"column\":%d", place->line, place->column);
    }
    buf_text(out, "}\n");
}

void events_report(struct buf *out, const struct report *report, int exit_status)
{
    buf_printf(out, "{\"event\":\"report\",\"selected\":%" PRId64 ",\"outcomes\":{", report->selected);
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        buf_printf(out, "%s\"%s\":%" PRId64, outcome == OUTCOME_DELETED ? "" : ",",
                   outcome_name((enum outcome)outcome), report->outcomes[outcome]);
    }
    buf_printf(out, "},\"exit\":%d}\n", exit_status);
}

void events_diagnostic(struct buf *out, const struct diagnostic *diagnostic)
{
    buf_text(out, "{\"event\":\"diagnostic\"");
    string_member(out, "file", diagnostic->file);
    buf_printf(out, ",\"line\":%d,\"column\":%d", diagnostic->line, diagnostic->column);
    string_member(out, "severity", diagnostic->warning ? "warning" : "error");
    string_member(out, "message", diagnostic->message);
    buf_text(out, "}\n");
}

void events_check(struct buf *out, const struct diagnostics *diagnostics, int exit_status)
{
    buf_printf(out, "{\"event\":\"check\",\"errors\":%zu,\"warnings\":%zu,\"exit\":%d}\n",
               diagnostics->errors, diagnostics->warnings, exit_status);
}
