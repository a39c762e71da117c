/* What the service does with one call: throttle, validate, then carry out. Every refusal of the model is made
 * here, with the code, status and wording of the service where they are known (service model `iot`,
 * 2015-05-28). */
#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_model.h"
#include "sim/fleet_search.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *code;
    enum answer_class class;
} refusals[] = {{"ThrottlingException", ANSWER_THROTTLED},
                {"InvalidRequestException", ANSWER_INVALID},
                {"ResourceNotFoundException", ANSWER_GONE},
                {"InvalidStateTransitionException", ANSWER_STATE}};

void fleet_refuse(struct call *call, int http_status, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(call->answer.message, sizeof call->answer.message, format, arguments);
    va_end(arguments);
    text_copy(call->answer.code, sizeof call->answer.code, code);
    call->answer.http_status = http_status;
    call->answer.class = ANSWER_INVALID;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (strcmp(refusals[i].code, code) == 0) {
            call->answer.class = refusals[i].class;
        }
    }
}

/* --- before it is carried out --- */

static bool check_name(struct call *call, const char *member, const char *value, bool valid,
                       const char *pattern)
{
    if (!valid) {
        fleet_refuse(call, 400, "InvalidRequestException",
                     "1 validation error detected: Value '%.100s' at '%s' failed to satisfy constraint: "
                     "Member must satisfy regular expression pattern: %s",
                     value, member, pattern);
    }
    return valid;
}

bool fleet_check_job(struct call *call)
{
    return check_name(call, "jobId", call->job_id, job_id_valid(call->job_id), "[a-zA-Z0-9_-]+");
}

bool fleet_check_thing(struct call *call)
{
    return check_name(call, "thingName", call->thing_name, thing_name_valid(call->thing_name),
                      "[a-zA-Z0-9:_-]+");
}

bool fleet_check_group(struct call *call)
{
    return check_name(call, "thingGroupName", call->group_name, thing_group_name_valid(call->group_name),
                      "[a-zA-Z0-9:_-]+");
}

static bool check_page(struct call *call)
{
    if (call->max_results >= 1 && call->max_results <= PAGE_MAX) {
        return true;
    }
    fleet_refuse(call, 400, "InvalidRequestException",
                 "1 validation error detected: Value '%d' at 'maxResults' failed to satisfy constraint: "
                 "Member must be between 1 and %d",
                 call->max_results, PAGE_MAX);
    return false;
}

static bool valid(struct call *call)
{
    switch (call->operation) {
    case OPERATION_LIST_JOBS:
    case OPERATION_LIST_THINGS:
        return check_page(call);
    case OPERATION_LIST_THINGS_IN_GROUP:
        return check_page(call) && fleet_check_group(call);
    case OPERATION_DESCRIBE_THING:
        return fleet_check_thing(call);
    case OPERATION_LIST_EXECUTIONS_FOR_JOB:
        return check_page(call) && fleet_check_job(call);
    case OPERATION_LIST_EXECUTIONS_FOR_THING:
        return check_page(call) && fleet_check_thing(call) && (!call->job_id[0] || fleet_check_job(call));
    case OPERATION_DESCRIBE_JOB:
        return fleet_check_job(call);
    case OPERATION_DESCRIBE_EXECUTION:
    case OPERATION_DELETE_EXECUTION:
        return fleet_check_job(call) && fleet_check_thing(call);
    case OPERATION_SEARCH_INDEX:
    case OPERATION_GET_CALLER_IDENTITY:
    case OPERATION_GET_SERVICE_QUOTA:
    case OPERATION_COUNT:
        break;
    }
    return true;
}

/* --- carried out --- */

static void describe_job(struct fleet *fleet, struct call *call)
{
    const struct fleet_job *found = fleet_job(fleet, call->job_id);
    if (!found) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Job %s cannot be found.", call->job_id);
        return;
    }
    struct job *job = &call->job;
    text_copy(job->job_id, sizeof job->job_id, call->job_id);
    text_copy(job->namespace_id, sizeof job->namespace_id, found->namespace_id);
    memcpy(job->counts, found->counts, sizeof job->counts);
    job->status = found->status;
    job->continuous = found->continuous;
    job->retries = found->retries;
    job->described = true;
    fleet_stamp(found->created_ms, &job->created_at);
}

bool fleet_know_job(struct fleet *fleet, const char *job_id, struct job *job)
{
    struct call call;
    call_init(&call, OPERATION_DESCRIBE_JOB);
    text_copy(call.job_id, sizeof call.job_id, job_id);
    describe_job(fleet, &call);
    *job = call.job;
    call_finish(&call);
    return job->described;
}

static uint64_t execution_named(struct fleet *fleet, struct call *call)
{
    const struct fleet_job *job = fleet_job(fleet, call->job_id);
    uint32_t thing = names_find(fleet->thing_names, call->thing_name); /* it may be deleted already */
    uint64_t identity = 0;
    if (job && thing != UINT32_MAX && call->number == 0 && call->operation == OPERATION_DESCRIBE_EXECUTION) {
        identity = fleet_newest(fleet, (uint32_t)(job - fleet->jobs), thing);
    } else if (job && thing != UINT32_MAX) {
        identity = fleet_find(fleet, call->job_id, call->thing_name, call->number, NULL);
    }
    if (!identity) {
        fleet_refuse(call, 404, "ResourceNotFoundException",
                     "Job execution %" PRId64 " of job %s on thing %s cannot be found.", call->number,
                     call->job_id, call->thing_name);
    }
    return identity;
}

static void describe_execution(struct fleet *fleet, struct call *call)
{
    uint64_t identity = execution_named(fleet, call);
    if (identity) {
        fleet_show(fleet, identity, &call->execution);
    }
}

/* "The job execution must be QUEUED or in a terminal state" (developer guide, manage-job-cli); the API page
 * leaves QUEUED out. With force IN_PROGRESS goes too. */
static void delete_execution(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    uint64_t identity = execution_named(fleet, call);
    if (!identity) {
        return;
    }
    struct record *record = fleet_record(fleet, identity);
    bool running = record->status == EXECUTION_IN_PROGRESS;
    if (running && !call->force) {
        fleet_refuse(call, 409, "InvalidStateTransitionException",
                     "Job execution is in state IN_PROGRESS, and cannot be deleted without force.");
        return;
    }
    record->forced = running;
    fleet->counts.forced += running;
    fleet->counts.deleted++;
    fleet_drop(fleet, identity, now_ms);
}

static void list_things(struct fleet *fleet, struct call *call)
{
    const struct fleet_things_filter filter = {
        .type = call->thing_type, .attribute = call->attribute_name, .value = call->attribute_value};
    if (!fleet->filter && (filter.type || filter.attribute)) {
        fleet->filter = &filter;
        fleet_list_things(fleet, call);
        fleet->filter = NULL;
    } else {
        fleet_list_things(fleet, call);
    }
}

static void search(struct fleet *fleet, struct call *call)
{
    struct err err;
    struct search *parsed = search_parse(call->query, &err);
    if (!parsed) {
        fleet_refuse(call, 400, "InvalidQueryException", "%s", err.msg);
        return;
    }
    fleet_search(fleet, call, parsed, fleet_text_mark(call->query, 3));
    search_free(parsed);
}

static void carry_out(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    switch (call->operation) {
    case OPERATION_LIST_JOBS:
        fleet_list_jobs(fleet, call);
        break;
    case OPERATION_DESCRIBE_JOB:
        describe_job(fleet, call);
        break;
    case OPERATION_LIST_EXECUTIONS_FOR_JOB:
    case OPERATION_LIST_EXECUTIONS_FOR_THING:
        fleet_list_executions(fleet, call);
        break;
    case OPERATION_LIST_THINGS:
    case OPERATION_LIST_THINGS_IN_GROUP:
        list_things(fleet, call);
        break;
    case OPERATION_DESCRIBE_THING:
        fleet_describe_thing(fleet, call);
        break;
    case OPERATION_SEARCH_INDEX:
        search(fleet, call);
        break;
    case OPERATION_DESCRIBE_EXECUTION:
        describe_execution(fleet, call);
        break;
    case OPERATION_DELETE_EXECUTION:
        delete_execution(fleet, call, now_ms);
        break;
    case OPERATION_GET_CALLER_IDENTITY:
        text_copy(call->account, sizeof call->account, fleet->account);
        snprintf(call->arn, sizeof call->arn, "arn:aws:iam::%s:user/sweeper", fleet->account);
        break;
    case OPERATION_GET_SERVICE_QUOTA: /* iotsim's own */
    case OPERATION_COUNT:
        break;
    }
}

static void put_time(struct buf *out, const char *member, const struct timestamp *time)
{
    if (timestamp_present(time)) {
        buf_printf(out, ",\"%s\":%s", member, time->text);
    }
}

/* What tells one incarnation from another, in the service's form. */
static void write_execution(const struct job_execution *execution, struct buf *out)
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    buf_printf(out, "{\"execution\":{\"jobId\":\"%s\",\"thingArn\":\"thing/%s\",\"executionNumber\":%" PRId64,
               execution->job_id, execution->thing_name, execution->number);
    buf_printf(out, ",\"status\":\"%s\"", execution_status_name(fingerprint->status));
    put_time(out, "queuedAt", &fingerprint->queued_at);
    put_time(out, "startedAt", &fingerprint->started_at);
    put_time(out, "lastUpdatedAt", &fingerprint->last_updated_at);
    buf_printf(out, ",\"versionNumber\":%" PRId64 "}}", fingerprint->version_number);
}

void fleet_document(struct call *call)
{
    struct buf text;
    buf_init(&text, CALL_DOCUMENT_MAX);
    if (call->operation == OPERATION_DESCRIBE_JOB) {
        buf_printf(&text, "{\"job\":{\"jobId\":\"%s\",\"status\":\"%s\"}}", call->job.job_id,
                   job_status_name(call->job.status));
    } else {
        write_execution(&call->execution, &text);
    }
    free(call->document);
    call->document = text.data;
    call->document_length = text.length;
}

void fleet_answer(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    uint64_t high = random_next(&fleet->random), low = random_next(&fleet->random);
    call->answer = (struct answer){.class = ANSWER_DONE, .http_status = 200};
    call->answer.server_date_ms = now_ms - now_ms % 1000; /* the Date header knows whole seconds */
    snprintf(call->answer.request_id, sizeof call->answer.request_id,
             "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64, high >> 32,
             high >> 16 & 0xffff, high & 0xfff, low >> 52, low & UINT64_C(0xffffffffffff));
}

void fleet_execute(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    fleet_answer(fleet, call, now_ms);
    fleet->counts.calls[call->operation]++;
    if (!quota_take(&fleet->quotas[call->operation], now_ms)) {
        fleet->counts.throttled[call->operation]++;
        fleet_refuse(call, 400, "ThrottlingException", "Rate exceeded");
        return;
    }
    if (valid(call)) {
        carry_out(fleet, call, now_ms);
    }
    if (call->wants_document && call->answer.class == ANSWER_DONE) {
        fleet_document(call);
    }
}

void fleet_execute_stale(struct fleet *fleet, struct call *call, int64_t now_ms, int64_t as_of_ms)
{
    fleet->as_of_ms = as_of_ms;
    fleet_execute(fleet, call, now_ms);
    fleet->as_of_ms = 0;
}

void fleet_use_quota(struct fleet *fleet, enum operation operation, int64_t now_ms)
{
    quota_take(&fleet->quotas[operation], now_ms);
}

int64_t fleet_quota(const struct fleet *fleet, enum operation operation)
{
    return fleet->quotas[operation].rate;
}
