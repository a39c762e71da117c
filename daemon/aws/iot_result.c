/* See aws/iot_result.h. Every member of an answer may be missing; what a row cannot do without is its names
 * and its number. A status that we do not know stays EXECUTION_UNKNOWN or JOB_UNKNOWN, which nothing selects.
 */
#include "aws/iot_result.h"

#include "aws/json.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The readers below return NULL, or what is wrong with the value. */

/* --- executions --- */

/* An absent time is fine and stays absent. */
static bool read_time(const struct json_value *object, const char *key, struct timestamp *time)
{
    const struct json_value *value = json_get(object, key);
    const char *text = json_number(value);

    *time = (struct timestamp){0};
    return !value || (text && timestamp_parse(text, time));
}

/* The members that summaries and descriptions share. */
static const char *read_state(const struct json_value *object, struct job_execution *execution)
{
    struct fingerprint *fingerprint = &execution->fingerprint;
    const char *status = json_string(json_get(object, "status"));

    if (!json_int64(json_get(object, "executionNumber"), &execution->number) || execution->number <= 0) {
        return "executionNumber is no whole number above 0";
    }
    fingerprint->status = status ? execution_status_parse(status) : EXECUTION_UNKNOWN;
    if (!read_time(object, "queuedAt", &fingerprint->queued_at)) {
        return "queuedAt is no time";
    }
    if (!read_time(object, "startedAt", &fingerprint->started_at)) {
        return "startedAt is no time";
    }
    if (!read_time(object, "lastUpdatedAt", &fingerprint->last_updated_at)) {
        return "lastUpdatedAt is no time";
    }
    return NULL;
}

static const char *read_thing_name(const char *name, char out[THING_NAME_MAX + 1])
{
    if (!name || !thing_name_valid(name)) {
        return "the thing name is missing or breaks its rule";
    }
    text_copy(out, THING_NAME_MAX + 1, name);
    return NULL;
}

static const char *read_job_id(const struct json_value *object, char out[JOB_ID_MAX + 1])
{
    const char *job_id = json_string(json_get(object, "jobId"));

    if (!job_id || !job_id_valid(job_id)) {
        return "jobId is missing or breaks its rule";
    }
    text_copy(out, JOB_ID_MAX + 1, job_id);
    return NULL;
}

/* arn:<partition>:iot:<region>:<account>:thing/<name>. A name can hold ':' but no '/', so it starts at the
 * first ":thing/" and not at the last ':'. */
static const char *read_thing_arn(const struct json_value *object, char out[THING_NAME_MAX + 1])
{
    const char *arn = json_string(json_get(object, "thingArn"));
    const char *name = arn && strncmp(arn, "arn:", 4) == 0 ? strstr(arn, ":thing/") : NULL;

    return read_thing_name(name ? name + strlen(":thing/") : NULL, out);
}

/* A row names the job or the thing; the other is the one that was asked for. */
static const char *read_summary(const struct call *call, const struct json_value *row,
                                struct job_execution *execution)
{
    const struct json_value *summary = json_get(row, "jobExecutionSummary");
    const char *wrong;

    *execution = (struct job_execution){0};
    if (call->operation == OPERATION_LIST_EXECUTIONS_FOR_JOB) {
        text_copy(execution->job_id, sizeof(execution->job_id), call->job_id);
        wrong = read_thing_arn(row, execution->thing_name);
    } else {
        text_copy(execution->thing_name, sizeof(execution->thing_name), call->thing_name);
        wrong = read_job_id(row, execution->job_id);
    }
    return wrong ? wrong : read_state(summary, execution);
}

static const char *read_execution(const struct call *call, const struct json_value *object,
                                  struct job_execution *execution)
{
    const struct json_value *version = json_get(object, "versionNumber");
    int64_t *version_number = &execution->fingerprint.version_number;
    const char *wrong;

    *execution = (struct job_execution){0};
    wrong = read_job_id(object, execution->job_id);
    if (!wrong) {
        wrong = read_thing_arn(object, execution->thing_name);
    }
    if (!wrong) {
        wrong = read_state(object, execution);
    }
    if (!wrong && version && (!json_int64(version, version_number) || *version_number < 0)) {
        wrong = "versionNumber is no whole number";
    }
    if (!wrong && (strcmp(execution->job_id, call->job_id) != 0 ||
                   strcmp(execution->thing_name, call->thing_name) != 0 ||
                   (call->number > 0 && execution->number != call->number))) {
        wrong = "it is another execution than the one asked for";
    }
    return wrong;
}

/* --- jobs --- */

static const char *read_job(const struct json_value *object, struct job *job)
{
    const char *status = json_string(json_get(object, "status"));
    const char *selection = json_string(json_get(object, "targetSelection"));

    *job = (struct job){0};
    job->status = status ? job_status_parse(status) : JOB_UNKNOWN;
    /* A continuous job can make new executions: what is not known to be a snapshot is taken for one of these.
     */
    job->continuous = !selection || strcmp(selection, "SNAPSHOT") != 0;
    if (!read_time(object, "createdAt", &job->created_at)) {
        return "createdAt is no time";
    }
    return read_job_id(object, job->job_id);
}

/* They are good for estimates only: one that makes no sense counts as none. */
static void read_counts(const struct json_value *details, int64_t counts[EXECUTION_STATUS_COUNT])
{
    static const char *const keys[EXECUTION_STATUS_COUNT] = {
        [EXECUTION_QUEUED] = "numberOfQueuedThings",
        [EXECUTION_IN_PROGRESS] = "numberOfInProgressThings",
        [EXECUTION_SUCCEEDED] = "numberOfSucceededThings",
        [EXECUTION_FAILED] = "numberOfFailedThings",
        [EXECUTION_TIMED_OUT] = "numberOfTimedOutThings",
        [EXECUTION_REJECTED] = "numberOfRejectedThings",
        [EXECUTION_REMOVED] = "numberOfRemovedThings",
        [EXECUTION_CANCELED] = "numberOfCanceledThings",
    };

    for (int i = 0; i < EXECUTION_STATUS_COUNT; i++) {
        if (!keys[i] || !json_int64(json_get(details, keys[i]), &counts[i]) || counts[i] < 0) {
            counts[i] = 0;
        }
    }
}

static const char *read_described_job(const struct call *call, const struct json_value *object,
                                      struct job *job)
{
    const struct json_value *namespace_id = json_get(object, "namespaceId");
    const char *text = json_string(namespace_id);
    const char *wrong = read_job(object, job);

    if (wrong) {
        return wrong;
    }
    if (strcmp(job->job_id, call->job_id) != 0) {
        return "it is another job than the one asked for";
    }
    if (namespace_id && (!text || !namespace_id_valid(text))) {
        return "namespaceId breaks its rule";
    }
    if (text) {
        text_copy(job->namespace_id, sizeof(job->namespace_id), text);
    }
    job->retries = json_get(object, "jobExecutionsRetryConfig") != NULL;
    job->described = true;
    read_counts(json_get(object, "jobProcessDetails"), job->counts);
    return NULL;
}

/* --- things --- */

/* What the service was asked to filter is checked again: a thing that is not as asked for is no such thing.
 */
static const char *read_listed_thing(const struct call *call, const struct json_value *row,
                                     char out[THING_NAME_MAX + 1])
{
    const char *type = json_string(json_get(row, "thingTypeName"));
    const char *value = call->attribute_name
                            ? json_string(json_get(json_get(row, "attributes"), call->attribute_name))
                            : NULL;

    if (call->thing_type && (!type || strcmp(type, call->thing_type) != 0)) {
        return "the thing is not of the type that was asked for";
    }
    if (call->attribute_name &&
        (!value || (call->attribute_value && strcmp(value, call->attribute_value) != 0))) {
        return "the thing has not the attribute that was asked for";
    }
    return read_thing_name(json_string(json_get(row, "thingName")), out);
}

static const char *read_described_thing(const struct call *call, const struct json_value *object)
{
    const char *name = json_string(json_get(object, "thingName"));

    return name && strcmp(name, call->thing_name) == 0 ? NULL : "it is another thing than the one asked for";
}

/* --- pages --- */

static bool lists_things(enum operation operation)
{
    return operation == OPERATION_LIST_THINGS || operation == OPERATION_LIST_THINGS_IN_GROUP ||
           operation == OPERATION_SEARCH_INDEX;
}

static const char *read_row(struct call *call, const struct json_value *row)
{
    struct page *page = &call->page;

    switch (call->operation) {
    case OPERATION_LIST_JOBS:
        return read_job(row, &page->jobs[page->count]);
    case OPERATION_LIST_THINGS:
        return read_listed_thing(call, row, page->things[page->count]);
    case OPERATION_SEARCH_INDEX:
        return read_thing_name(json_string(json_get(row, "thingName")), page->things[page->count]);
    case OPERATION_LIST_THINGS_IN_GROUP:
        return read_thing_name(json_string(row), page->things[page->count]);
    default:
        return read_summary(call, row, &page->executions[page->count]);
    }
}

static void count_skip(struct page *page, const char *why)
{
    for (size_t i = 0; i < PAGE_SKIPS_MAX; i++) {
        if (page->skips[i].count == 0 || strcmp(page->skips[i].why, why) == 0) {
            page->skips[i].why = why;
            page->skips[i].count++;
            return;
        }
    }
}

static void read_rows(struct call *call, const struct json_value *rows)
{
    struct page *page = &call->page;
    const size_t count = json_count(rows);

    if (call->operation == OPERATION_LIST_JOBS) {
        page->jobs = mem_calloc(count + 1, sizeof(*page->jobs));
    } else if (lists_things(call->operation)) {
        page->things = mem_calloc(count + 1, sizeof(*page->things));
    } else {
        page->executions = mem_calloc(count + 1, sizeof(*page->executions));
    }

    for (size_t i = 0; i < count; i++) {
        const char *wrong = read_row(call, json_at(rows, i));
        if (!wrong) {
            page->count++;
            continue;
        }
        count_skip(page, wrong);
        if (page->skipped++ == 0) {
            snprintf(page->skipped_why, sizeof(page->skipped_why), "row %zu: %s", i + 1, wrong);
        }
    }
}

static const char *rows_key(enum operation operation)
{
    return operation == OPERATION_LIST_JOBS ? "jobs"
           : lists_things(operation)        ? "things"
                                            : "executionSummaries";
}

static void note_stranger(void *ctx, const char *key, const struct json_value *value)
{
    bool *strange = ctx;
    *strange = *strange || (value && strcmp(key, "nextToken") != 0);
}

/* A page without rows may leave out the array, but then there is nothing in it besides the token: a message
 * in JSON from somewhere on the way is no empty page. */
static bool page_shaped(const struct json_value *root, const char *key)
{
    const struct json_value *rows = json_get(root, key);
    bool strange = false;

    if (!json_is_object(root)) {
        return false;
    }
    json_members(root, note_stranger, &strange);
    return json_is_array(rows) || (!rows && !strange);
}

static int read_page(struct call *call, const struct json_value *root, struct err *err)
{
    const char *key = rows_key(call->operation);
    const struct json_value *rows = json_get(root, key);
    const struct json_value *token = json_get(root, "nextToken");
    const char *text = json_string(token);

    if (!page_shaped(root, key)) {
        return err_set(err, ERR_SYNTAX, "the answer holds no %s", key);
    }
    if (json_count(rows) > PAGE_MAX) {
        return err_set(err, ERR_TOO_BIG, "a page of %zu rows, more than %d", json_count(rows), PAGE_MAX);
    }
    if (token && !text) {
        return err_set(err, ERR_SYNTAX, "nextToken is no string");
    }
    if (text && strlen(text) > NEXT_TOKEN_MAX) {
        return err_set(err, ERR_TOO_BIG, "nextToken has %zu bytes, more than %d", strlen(text),
                       NEXT_TOKEN_MAX);
    }

    read_rows(call, rows);
    call->page.next_token = text && text[0] ? mem_strdup(text) : NULL;
    return 0;
}

/* Raw line ends stand between tokens only: strings that hold one are no JSON. */
static void keep_document(struct call *call, const char *body, size_t length)
{
    if (length > CALL_DOCUMENT_MAX) {
        return;
    }
    call->document = mem_alloc(length + 1);
    call->document_length = length;
    call->document[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        bool line_end = body[i] == '\n' || body[i] == '\r';
        call->document[i] = line_end ? ' ' : body[i];
    }
}

/* --- quotas --- */

/* {"Quota":{"Value":10.0, ...}}: requests a second, for all that we ask for. */
static const char *read_quota(struct call *call, const struct json_value *quota)
{
    const char *text = json_number(json_get(quota, "Value"));
    double value = text ? strtod(text, NULL) : 0;

    if (!(value >= 0.001 && value <= 1e9)) {
        return "Value is no number of requests";
    }
    call->quota_per_1000s = (int64_t)(value * 1000 + 0.5);
    return NULL;
}

int iot_result_read(struct call *call, const char *body, size_t length, struct err *err)
{
    struct json_doc *doc = json_parse(body, length, err);
    const char *wrong = NULL;
    int result = 0;

    if (!doc) {
        return -1;
    }
    const struct json_value *root = json_root(doc);
    if (call->operation == OPERATION_DESCRIBE_JOB) {
        wrong = read_described_job(call, json_get(root, "job"), &call->job);
    } else if (call->operation == OPERATION_DESCRIBE_EXECUTION) {
        wrong = read_execution(call, json_get(root, "execution"), &call->execution);
    } else if (call->operation == OPERATION_DESCRIBE_THING) {
        wrong = read_described_thing(call, root);
    } else if (call->operation == OPERATION_GET_SERVICE_QUOTA) {
        wrong = read_quota(call, json_get(root, "Quota"));
    } else {
        result = read_page(call, root, err);
    }

    if (wrong) {
        call->job = (struct job){0};
        call->execution = (struct job_execution){0};
        result = err_set(err, ERR_SYNTAX, "%s: %s", operation_name(call->operation), wrong);
    }
    if (result == 0 && call->wants_document) {
        keep_document(call, body, length);
    }
    json_free(doc);
    return result;
}
