/* See app/control_events.h. */
#include "app/control_events.h"

#include "app/archive_report.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "model/outcome.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- writing ------------------------------------------------------------------------------------------- */

void member_text(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, ",\"%s\":", key);
    if (text != NULL) {
        text_json(out, text);
    } else {
        buf_text(out, "null");
    }
}

void member_time(struct buf *out, const char *key, int64_t ms)
{
    char text[21];
    if (ms != 0) {
        time_rfc3339(ms, text);
    }
    member_text(out, key, ms != 0 ? text : NULL);
}

void member_number(struct buf *out, const char *key, int64_t number)
{
    if (number < 0) {
        member_text(out, key, NULL);
    } else {
        buf_printf(out, ",\"%s\":%" PRId64, key, number);
    }
}

void member_truth(struct buf *out, const char *key, bool truth)
{
    buf_printf(out, ",\"%s\":%s", key, truth ? "true" : "false");
}

void control_event(struct buf *out, const char *event)
{
    buf_printf(out, "{\"event\":\"%s\"", event);
}

void control_event_error(struct buf *out, const char *message)
{
    control_event(out, "error");
    member_text(out, "message", message);
    buf_text(out, "}\n");
}

void control_event_end(struct buf *out, enum exit_status status)
{
    control_event(out, "end");
    member_number(out, "exit", status);
    buf_text(out, "}\n");
}

/* Those that were made. */
static void print_calls(const struct report *report, struct buf *out)
{
    bool any = false;
    buf_text(out, ",\"calls\":{");
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (report->calls[i] > 0) {
            buf_printf(out, "%s\"%s\":%" PRId64, any ? "," : "", operation_name((enum operation)i),
                       report->calls[i]);
            any = true;
        }
    }
    buf_char(out, '}');
}

void control_event_result(struct buf *out, const char *policy, const char *target,
                          const struct report *report, enum exit_status status)
{
    control_event(out, "result");
    member_text(out, "policy", policy);
    member_text(out, "target", target);
    member_text(out, "end", report_end_name(report));
    member_time(out, "started_at", report->started_ms);
    member_time(out, "ended_at", report->ended_ms);
    member_number(out, "took_ms", report->started_ms != 0 ? report->ended_ms - report->started_ms : -1);
    member_number(out, "listed", report->listed);
    member_number(out, "skipped", report->skipped);
    member_number(out, "selected", report->selected);
    member_number(out, "remaining", report->remaining);
    member_number(out, "in_grace", report->in_grace);
    buf_text(out, ",\"outcomes\":{");
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        buf_printf(out, "%s\"%s\":%" PRId64, outcome == OUTCOME_DELETED ? "" : ",",
                   outcome_name((enum outcome)outcome), report->outcomes[outcome]);
    }
    buf_char(out, '}');
    print_calls(report, out);
    archive_report_json(report, out);
    member_text(out, "error", report->err.code != ERR_NONE ? report->err.msg : NULL);
    member_number(out, "exit", status);
    buf_text(out, "}\n");
}

void control_event_recalled(struct buf *out, const char *policy, const char *target,
                            const struct report *report)
{
    control_event(out, "result");
    member_text(out, "policy", policy);
    member_text(out, "target", target);
    member_text(out, "by", "ledger");
    member_text(out, "end", report_end_name(report));
    member_time(out, "started_at", report->started_ms);
    member_time(out, "ended_at", report->ended_ms);
    member_number(out, "took_ms", report->ended_ms - report->started_ms);
    member_number(out, "selected", report->selected);
    buf_text(out, "}\n");
}

void control_event_progress(struct buf *out, const struct sweep_progress *progress, int64_t rate_per_1000s)
{
    control_event(out, "progress");
    member_truth(out, "deleting", progress->deleting);
    member_number(out, "listed", progress->listed);
    member_number(out, "calls", progress->calls);
    member_truth(out, "waits_turn", progress->waits_turn);
    member_number(out, "lists", progress->jobs);
    member_number(out, "lists_done", progress->jobs_listed);
    member_number(out, "selected", progress->selected);
    member_number(out, "settled", progress->settled);
    member_number(out, "quarantined", progress->quarantined);
    member_number(out, "quarantined_ms", progress->quarantined_ms);
    member_number(out, "waiting_ms", progress->waiting_ms);
    member_number(out, "rate_per_1000s", rate_per_1000s);
    member_number(out, "remaining_ms", progress->remaining_ms);
    buf_text(out, "}\n");
}

void control_event_diagnostic(struct buf *out, const struct diagnostic *diagnostic)
{
    control_event(out, "diagnostic");
    member_text(out, "file", diagnostic->file);
    member_number(out, "line", diagnostic->line);
    member_number(out, "column", diagnostic->column);
    member_text(out, "severity", diagnostic->warning ? "warning" : "error");
    member_text(out, "message", diagnostic->message);
    member_text(out, "source", diagnostic->source);
    member_number(out, "caret", diagnostic->caret);
    buf_text(out, "}\n");
}

/* --- reading ------------------------------------------------------------------------------------------- */

const char *control_text(const struct json_value *line, const char *key)
{
    const char *text = json_string(json_get(line, key));
    return text != NULL ? text : "";
}

int64_t control_number(const struct json_value *line, const char *key)
{
    int64_t number;
    return json_int64(json_get(line, key), &number) ? number : 0;
}

bool control_truth(const struct json_value *line, const char *key)
{
    bool truth;
    return json_truth(json_get(line, key), &truth) && truth;
}

int64_t control_time(const struct json_value *line, const char *key)
{
    struct err ignored;
    int64_t ms;
    return time_parse_rfc3339(control_text(line, key), &ms, &ignored) == 0 ? ms : 0;
}

/* One word stands for both. */
void control_read_end(const char *word, struct report *report)
{
    for (int end = SWEEP_FINISHED; end <= SWEEP_FAILED; end++) {
        for (int limit = LIMIT_ROWS; limit <= LIMIT_DURATION; limit++) {
            struct report candidate = {.end = (enum sweep_end)end, .limit = (enum sweep_limit)limit};
            if (strcmp(report_end_name(&candidate), word) == 0) {
                report->end = candidate.end;
                report->limit = candidate.limit;
                return;
            }
        }
    }
    report->end = SWEEP_FAILED;
}

static void read_archive(const struct json_value *archive, struct archivist_view *view)
{
    view->executions = control_number(archive, "executions");
    view->jobs = control_number(archive, "jobs");
    view->missing = control_number(archive, "missing");
    text_copy(view->file, sizeof view->file, control_text(archive, "file"));
    if (view->missing > 0) {
        err_set(&view->err, ERR_ARCHIVE, "the daemon's log says why");
    }
}

/* The moments are told in seconds, how far they are apart in milliseconds. */
static int64_t read_end_ms(const struct json_value *line)
{
    int64_t took_ms;
    return json_int64(json_get(line, "took_ms"), &took_ms) ? control_time(line, "started_at") + took_ms
                                                           : control_time(line, "ended_at");
}

void control_read_result(const struct json_value *line, struct report *report, enum exit_status *status)
{
    const struct json_value *outcomes = json_get(line, "outcomes"), *calls = json_get(line, "calls");
    const char *error = json_string(json_get(line, "error"));
    *report = (struct report){.listed = control_number(line, "listed"),
                              .selected = control_number(line, "selected"),
                              .remaining = control_number(line, "remaining"),
                              .in_grace = control_number(line, "in_grace"),
                              .started_ms = control_time(line, "started_at"),
                              .skipped = control_number(line, "skipped"),
                              .ended_ms = read_end_ms(line)};
    control_read_end(control_text(line, "end"), report);
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        report->outcomes[outcome] = control_number(outcomes, outcome_name((enum outcome)outcome));
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        report->calls[i] = control_number(calls, operation_name((enum operation)i));
    }
    read_archive(json_get(line, "archive"), &report->archive);
    if (error != NULL) {
        err_set(&report->err, ERR_INVALID, "%s", error);
    }
    *status = (enum exit_status)control_number(line, "exit");
}

void control_read_progress(const struct json_value *line, struct sweep_progress *progress,
                           int64_t *rate_per_1000s)
{
    int64_t remaining_ms;
    bool known = json_int64(json_get(line, "remaining_ms"), &remaining_ms);
    *progress = (struct sweep_progress){.deleting = control_truth(line, "deleting"),
                                        .listed = control_number(line, "listed"),
                                        .calls = control_number(line, "calls"),
                                        .waits_turn = control_truth(line, "waits_turn"),
                                        .jobs = control_number(line, "lists"),
                                        .jobs_listed = control_number(line, "lists_done"),
                                        .selected = control_number(line, "selected"),
                                        .settled = control_number(line, "settled"),
                                        .quarantined = control_number(line, "quarantined"),
                                        .quarantined_ms = control_number(line, "quarantined_ms"),
                                        .waiting_ms = control_number(line, "waiting_ms"),
                                        .remaining_ms = known ? remaining_ms : -1};
    *rate_per_1000s = control_number(line, "rate_per_1000s");
}

void control_read_diagnostic(const struct json_value *line, struct diagnostics *diagnostics)
{
    const struct place place = {.file = control_text(line, "file"),
                                .line = (int)control_number(line, "line"),
                                .column = (int)control_number(line, "column")};
    bool warning = strcmp(control_text(line, "severity"), "warning") == 0;
    const char *source = json_string(json_get(line, "source"));
    bool kept = diagnostics_room(diagnostics);
    diagnostics_add(diagnostics, &place, warning, NULL, "%s", control_text(line, "message"));
    if (kept && source != NULL) { /* cut already, and made visible */
        struct diagnostic *item = &diagnostics->items[diagnostics->count - 1];
        item->source = mem_strdup(source);
        item->caret = (int)control_number(line, "caret");
    }
}
