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

/* null where there is nothing to be said. */
static void text_member(struct buf *out, const char *key, const char *value)
{
    if (value != NULL && *value != '\0') {
        string_member(out, key, value);
    } else {
        buf_printf(out, ",\"%s\":null", key);
    }
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

void events_target(struct buf *out, const char *policy, const char *target, const struct report *report,
                   int exit_status)
{
    buf_text(out, "{\"event\":\"target\"");
    string_member(out, "policy", policy);
    string_member(out, "target", target);
    string_member(out, "end", report_end_name(report));
    buf_printf(out, ",\"listed\":%" PRId64 ",\"selected\":%" PRId64, report->listed, report->selected);
    if (report->in_grace > 0) {
        buf_printf(out, ",\"in_grace\":%" PRId64, report->in_grace);
    }
    if (report->newest > 0) {
        buf_printf(out, ",\"without_number\":%" PRId64, report->newest);
    }
    text_member(out, "error", report->err.code != ERR_NONE ? report->err.msg : NULL);
    buf_printf(out, ",\"exit\":%d}\n", exit_status);
}

void events_identity(struct buf *out, const struct identity *identity)
{
    char expires[21] = "";
    if (identity->expires_ms != 0) {
        time_rfc3339(identity->expires_ms, expires);
    }
    buf_text(out, "{\"event\":\"identity\"");
    string_member(out, "target", identity->target->name);
    text_member(out, "account", identity->account);
    text_member(out, "region", identity->region);
    text_member(out, "arn", identity->arn);
    text_member(out, "role_arn", identity->target->role_arn);
    text_member(out, "source", identity->source);
    text_member(out, "expires_at", expires);
    text_member(out, "host", identity->host);
    text_member(out, "error", identity->err.code != ERR_NONE ? identity->err.msg : NULL);
    buf_text(out, "}\n");
}

void events_whoami(struct buf *out, size_t targets, size_t failed, int exit_status)
{
    buf_printf(out, "{\"event\":\"whoami\",\"targets\":%zu,\"failed\":%zu,\"exit\":%d}\n", targets, failed,
               exit_status);
}
