/* Results as JSON, one object a line. */
#include "app/events.h"

#include "app/archive_report.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    string_member(out, "cause", verdict_cause_name(verdict->cause));
}

void events_row(struct buf *out, const char *policy, const char *target,
                const struct job_execution *execution, const struct verdict *verdict)
{
    buf_text(out, "{\"event\":\"row\"");
    row_members(out, policy, target, execution, verdict);
    buf_text(out, "}\n");
}

void events_settled(struct buf *out, const char *policy, const char *target, const struct plan_row *row,
                    enum outcome outcome, const struct answer *answer)
{
    struct verdict verdict = {.delete = true};
    bool said = answer != NULL && outcome != OUTCOME_DELETED;
    text_copy(verdict.reason, sizeof verdict.reason, row->reason);
    buf_text(out, "{\"event\":\"row\"");
    row_members(out, policy, target, &row->execution, &verdict);
    string_member(out, "outcome", outcome_name(outcome));
    text_member(out, "code", said ? answer->code : NULL);
    text_member(out, "message", said ? answer->message : NULL);
    buf_text(out, "}\n");
}

static void place_members(struct buf *out, const struct place *place)
{
    if (place != NULL && place->line > 0) {
        string_member(out, "file", place->file);
        buf_printf(out, ",\"line\":%d,\"column\":%d", place->line, place->column);
    }
}

struct clauses {
    struct buf *out;
    size_t count;
};

static void add_clause(void *owner, const char *clause, const struct place *place)
{
    struct clauses *clauses = owner;
    buf_printf(clauses->out, "%s{\"clause\":", clauses->count++ > 0 ? "," : "");
    text_json(clauses->out, clause);
    place_members(clauses->out, place);
    buf_char(clauses->out, '}');
}

void events_verdict(struct buf *out, const struct policy *policy, const char *target,
                    const struct job_execution *execution, const struct verdict *verdict)
{
    struct clauses clauses = {.out = out};
    buf_text(out, "{\"event\":\"verdict\"");
    row_members(out, policy->name, target, execution, verdict);
    place_members(out, verdict->place);
    if (verdict->delete) {
        buf_text(out, ",\"clauses\":[");
        policy_each_clause(policy, add_clause, &clauses);
        buf_char(out, ']');
    }
    buf_text(out, "}\n");
}

static void outcomes_member(struct buf *out, const int64_t outcomes[OUTCOME_COUNT])
{
    buf_text(out, ",\"outcomes\":{");
    for (int outcome = OUTCOME_DELETED; outcome < OUTCOME_COUNT; outcome++) {
        buf_printf(out, "%s\"%s\":%" PRId64, outcome == OUTCOME_DELETED ? "" : ",",
                   outcome_name((enum outcome)outcome), outcomes[outcome]);
    }
    buf_char(out, '}');
}

void events_report(struct buf *out, int64_t selected, const int64_t outcomes[OUTCOME_COUNT], int exit_status)
{
    buf_printf(out, "{\"event\":\"report\",\"selected\":%" PRId64, selected);
    outcomes_member(out, outcomes);
    buf_printf(out, ",\"exit\":%d}\n", exit_status);
}

void events_summary(struct buf *out, const struct summary_sum *sum)
{
    buf_printf(out, "{\"event\":\"sum\",\"runs\":%zu,\"failed\":%zu", sum->runs, sum->failed);
    buf_printf(out, ",\"listed\":%" PRId64 ",\"selected\":%" PRId64 ",\"kept\":%" PRId64, sum->listed,
               sum->selected, sum->kept);
    buf_printf(out, ",\"in_grace\":%" PRId64, sum->in_grace);
    buf_printf(out, ",\"remaining\":%" PRId64 ",\"skipped\":%" PRId64 ",\"calls\":%" PRId64, sum->remaining,
               sum->skipped, sum->calls);
    buf_printf(out, ",\"deleting_calls\":%" PRId64 ",\"deleting_ms\":%" PRId64, sum->deleting_calls,
               sum->deleting_ms);
    text_member(out, "slowest_target", sum->slowest != NULL ? sum->slowest->name : NULL);
    buf_text(out, "}\n");
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

void events_check(struct buf *out, const struct diagnostics *diagnostics, const struct online *online,
                  int exit_status)
{
    buf_printf(out, "{\"event\":\"check\",\"errors\":%zu,\"warnings\":%zu", diagnostics->errors,
               diagnostics->warnings);
    if (online != NULL) {
        buf_printf(out, ",\"targets\":%zu,\"failed\":%zu", online->count, online->failed);
    }
    buf_printf(out, ",\"exit\":%d}\n", exit_status);
}

/* The texts are "outcome: reason", see report_reason(). */
static void reasons_member(struct buf *out, const struct tally *tally)
{
    size_t size = 0;
    struct counted *reasons = tally != NULL ? tally_sorted(tally, &size) : NULL;
    buf_text(out, ",\"reasons\":[");
    for (size_t i = 0; i < size; i++) {
        const char *colon = strstr(reasons[i].text, ": ");
        char outcome[32] = "";
        if (colon != NULL) {
            snprintf(outcome, sizeof outcome, "%.*s", (int)(colon - reasons[i].text), reasons[i].text);
        }
        buf_printf(out, "%s{\"outcome\":", i > 0 ? "," : "");
        text_json(out, outcome);
        string_member(out, "reason", colon != NULL ? colon + 2 : reasons[i].text);
        buf_printf(out, ",\"count\":%" PRId64 "}", reasons[i].count);
    }
    buf_char(out, ']');
    free(reasons);
}

void events_target(struct buf *out, const char *policy, const char *target, const struct report *report,
                   const struct tally *reasons, int exit_status)
{
    buf_text(out, "{\"event\":\"target\"");
    string_member(out, "policy", policy);
    string_member(out, "target", target);
    string_member(out, "end", report_end_name(report));
    buf_printf(out, ",\"listed\":%" PRId64 ",\"selected\":%" PRId64, report->listed, report->selected);
    buf_printf(out, ",\"remaining\":%" PRId64 ",\"skipped\":%" PRId64, report->remaining, report->skipped);
    if (report->in_grace > 0) {
        buf_printf(out, ",\"in_grace\":%" PRId64, report->in_grace);
    }
    outcomes_member(out, report->outcomes);
    reasons_member(out, reasons);
    if (report->newest > 0) {
        buf_printf(out, ",\"without_number\":%" PRId64, report->newest);
    }
    archive_report_json(report, out);
    text_member(out, "error", report->err.code != ERR_NONE ? report->err.msg : NULL);
    buf_printf(out, ",\"exit\":%d}\n", exit_status);
}

static void identity_members(struct buf *out, const struct identity *identity)
{
    char expires[21] = "";
    if (identity->expires_ms != 0) {
        time_rfc3339(identity->expires_ms, expires);
    }
    string_member(out, "target", identity->target->name);
    text_member(out, "account", identity->account);
    text_member(out, "region", identity->region);
    text_member(out, "arn", identity->arn);
    text_member(out, "role_arn", identity->target->role_arn);
    text_member(out, "source", identity->source);
    text_member(out, "expires_at", expires);
    text_member(out, "host", identity->host);
    text_member(out, "error", identity->err.code != ERR_NONE ? identity->err.msg : NULL);
}

void events_identity(struct buf *out, const struct identity *identity)
{
    buf_text(out, "{\"event\":\"identity\"");
    identity_members(out, identity);
    buf_text(out, "}\n");
}

static void call_object(struct buf *out, const struct probe *probe)
{
    char action[64];
    snprintf(action, sizeof action, "iot:%s", operation_name(probe->operation));
    buf_text(out, "{\"result\":");
    text_json(out, probe_result_name(probe->result));
    string_member(out, "action", action);
    string_member(out, "resource", probe->resource);
    text_member(out, "error", probe->result != PROBE_ALLOWED ? probe->err.msg : NULL);
    buf_char(out, '}');
}

static void rate_member(struct buf *out, const char *key, int64_t per_1000s)
{
    if (per_1000s == 0) {
        buf_printf(out, ",\"%s\":null", key);
        return;
    }
    buf_printf(out, ",\"%s\":%" PRId64 ".%03d", key, per_1000s / 1000, (int)(per_1000s % 1000));
}

static void quota_members(struct buf *out, const struct online_target *target)
{
    buf_text(out, ",\"quotas\":[");
    for (size_t i = 0; i < target->quota_count; i++) {
        const struct online_quota *quota = &target->quotas[i];
        buf_printf(out, "%s{\"operation\":\"%s\"", i > 0 ? "," : "", operation_name(quota->operation));
        rate_member(out, "used", quota->used);
        rate_member(out, "account", quota->of_account);
        buf_char(out, '}');
    }
    buf_char(out, ']');
    text_member(out, "quotas_error",
                target->quotas_failed.code != ERR_NONE ? target->quotas_failed.msg : NULL);
}

void events_online(struct buf *out, const struct online_target *target)
{
    buf_text(out, "{\"event\":\"online\"");
    identity_members(out, target->identity);
    buf_text(out, ",\"calls\":[");
    for (size_t i = 0; i < target->probes.count; i++) {
        buf_text(out, i > 0 ? "," : "");
        call_object(out, &target->probes.probes[i]);
    }
    buf_printf(out, "],\"calls_left_out\":%zu,\"not_tested\":[%s]", target->probes.left_out,
               target->probes.needed[OPERATION_DELETE_EXECUTION] ? "\"iot:DeleteJobExecution\"" : "");
    quota_members(out, target);
    if (target->clock_known) {
        buf_printf(out, ",\"clock_skew_ms\":%" PRId64, target->skew_ms);
    }
    text_member(out, "clock_error", target->clock.code != ERR_NONE ? target->clock.msg : NULL);
    buf_printf(out, ",\"exit\":%d}\n", target->status);
}

void events_whoami(struct buf *out, size_t targets, size_t failed, int exit_status)
{
    buf_printf(out, "{\"event\":\"whoami\",\"targets\":%zu,\"failed\":%zu,\"exit\":%d}\n", targets, failed,
               exit_status);
}
