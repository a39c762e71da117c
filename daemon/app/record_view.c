/* Records of the ledger, one line each. */
#include "app/record_view.h"

#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>

#define LINE_MAX_BYTES 8192
#define NARROW_INDENT  4

static bool has_row(const struct store_record *record)
{
    return record->row >= 0;
}

static bool is_result(const struct store_record *record)
{
    return strcmp(record->kind, "result") == 0;
}

/* --- for people ---------------------------------------------------------------------------------------- */

static void put_execution(struct buf *out, const struct job_execution *execution)
{
    struct buf text;
    buf_init(&text, 512);
    job_execution_print(&text, execution);
    text_visible(out, buf_string(&text));
    buf_finish(&text);
}

static void put_run(struct buf *out, const struct run_header *header)
{
    text_visible(out, header->policy);
    buf_text(out, " in ");
    text_visible(out, header->target);
    if (strncmp(header->origin, "plan ", 5) == 0) { /* enough of its digest to know it by */
        buf_printf(out, " (plan %.12s)", header->origin + 5);
    }
}

/* Whether both fit into a line, with two blanks between them. */
static bool fits(const struct view_style *style, const struct buf *left, const struct buf *right)
{
    return style->columns == 0 || left->length + 2 + right->length <= (size_t)style->columns;
}

static void put_settled(const struct store_record *record, struct buf *what, struct buf *why)
{
    char time[21];
    time_rfc3339(record->at_ms, time);
    buf_printf(what, "%s  %-16s  ", time, outcome_name(record->outcome));
    put_execution(what, &record->plan.execution);
    buf_printf(what, "  %s", execution_status_name(record->plan.execution.fingerprint.status));
    put_run(why, &record->header);
    buf_printf(why, ": %s", record->plan.reason);
    if (record->answer.code[0] != '\0') {
        buf_printf(why, "; %s", record->answer.code);
    }
}

/* In a narrow place the reasons go below. */
void record_view_settled(const struct store_record *record, const struct view_style *style, struct buf *out)
{
    struct buf what, why;
    buf_init(&what, LINE_MAX_BYTES);
    buf_init(&why, LINE_MAX_BYTES);
    put_settled(record, &what, &why);
    if (fits(style, &what, &why)) {
        buf_text(out, buf_string(&what));
        buf_text(out, "  ");
        text_visible(out, buf_string(&why));
        buf_char(out, '\n');
    } else {
        view_wrap(out, style, buf_string(&what), 0, NARROW_INDENT);
        buf_printf(out, "%*s", NARROW_INDENT, "");
        view_wrap(out, style, buf_string(&why), NARROW_INDENT, NARROW_INDENT);
    }
    buf_finish(&what);
    buf_finish(&why);
}

static void put_attempt(struct buf *out, const struct store_record *record)
{
    buf_char(out, ' ');
    put_execution(out, &record->plan.execution);
    if (record->attempt > 0) {
        buf_printf(out, " attempt %d", record->attempt);
    }
}

static void put_answer(struct buf *out, const struct store_record *record)
{
    const struct answer *answer = &record->answer;
    buf_printf(out, ": %s", answer_class_name(answer->class));
    if (answer->http_status != 0) {
        buf_printf(out, " %d", answer->http_status);
    }
    buf_text(out, answer->code[0] != '\0' ? " " : "");
    text_visible(out, answer->code);
    if (answer->request_id[0] != '\0') {
        buf_text(out, ", request ");
        text_visible(out, answer->request_id);
    }
    if (record->signed_at_ms > 0 && answer->received_ms >= record->signed_at_ms) {
        buf_printf(out, ", %" PRId64 " ms", answer->received_ms - record->signed_at_ms);
    }
    if (record->outcome != OUTCOME_PENDING) {
        buf_printf(out, " -> %s", outcome_name(record->outcome));
    }
}

static void put_any(const struct store_record *record, struct buf *out)
{
    char time[21];
    time_rfc3339(record->at_ms, time);
    buf_printf(out, "%s  #%" PRId64 " %s run %" PRId64, time, record->sequence, record->kind, record->run);
    if (has_row(record)) {
        put_attempt(out, record);
    } else {
        buf_text(out, ", ");
        put_run(out, &record->header);
    }
    if (is_result(record)) {
        put_answer(out, record);
    }
    if (record->note[0] != '\0') {
        buf_text(out, ": ");
        text_visible(out, record->note);
    }
}

void record_view_any(const struct store_record *record, const struct view_style *style, struct buf *out)
{
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    put_any(record, &line);
    view_wrap(out, style, buf_string(&line), 0, NARROW_INDENT);
    buf_finish(&line);
}

/* --- JSON ------------------------------------------------------------------------------------------------
 */

static void put_string(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, ",\"%s\":", key);
    if (value[0] != '\0') {
        text_json(out, value);
    } else {
        buf_text(out, "null");
    }
}

static void put_number(struct buf *out, const char *key, int64_t value)
{
    buf_printf(out, ",\"%s\":%" PRId64, key, value);
}

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[32] = "";
    if (ms > 0) { /* as time_rfc3339(), and the milliseconds that it cuts */
        time_rfc3339(ms, text);
        struct buf exact;
        buf_init(&exact, sizeof text);
        buf_printf(&exact, "%.19s.%03dZ", text, (int)(ms % 1000));
        text_copy(text, sizeof text, buf_string(&exact));
        buf_finish(&exact);
    }
    put_string(out, key, text);
}

static void put_row(struct buf *out, const struct plan_row *row)
{
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    put_string(out, "job_id", row->execution.job_id);
    put_string(out, "thing_name", row->execution.thing_name);
    put_number(out, "execution_number", row->execution.number);
    put_string(out, "status", execution_status_name(fingerprint->status));
    put_string(out, "queued_at", fingerprint->queued_at.text);
    put_string(out, "started_at", fingerprint->started_at.text);
    put_string(out, "last_updated_at", fingerprint->last_updated_at.text);
    put_number(out, "version_number", fingerprint->version_number);
    put_string(out, "reason", row->reason);
}

static void put_result(struct buf *out, const struct store_record *record)
{
    const struct answer *answer = &record->answer;
    put_time(out, "signed_at", record->signed_at_ms);
    put_time(out, "received_at", answer->received_ms);
    put_string(out, "class", answer_class_name(answer->class));
    put_number(out, "http_status", answer->http_status);
    put_string(out, "code", answer->code);
    put_string(out, "request_id", answer->request_id);
    put_string(out, "outcome", record->outcome != OUTCOME_PENDING ? outcome_name(record->outcome) : "");
}

void record_view_json(const struct store_record *record, struct buf *out)
{
    const struct run_header *header = &record->header;
    buf_text(out, "{\"event\":\"history\"");
    put_string(out, "kind", record->kind);
    put_time(out, "time", record->at_ms);
    put_number(out, "sequence", record->sequence);
    put_number(out, "run", record->run);
    put_string(out, "policy", header->policy);
    put_string(out, "policy_sha256", header->policy_sha256);
    put_string(out, "target", header->target);
    put_string(out, "account", header->account);
    put_string(out, "region", header->region);
    if (header->origin[0] != '\0') {
        put_string(out, "origin", header->origin);
    }
    if (has_row(record)) {
        put_row(out, &record->plan);
        put_number(out, "attempt", record->attempt);
    }
    if (is_result(record)) {
        put_result(out, record);
    }
    if (record->note[0] != '\0') {
        put_string(out, "note", record->note);
    }
    buf_text(out, "}\n");
}
