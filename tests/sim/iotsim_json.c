/* The bodies of successful answers: the names and types of the service model, times as seconds with a
 * fraction, in the fleet's own literal text. */
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_registry.h"
#include "sim/iotsim_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MINUTES 60  /* of the jobs that have a timeout: those with retries */
#define TARGETS_MAX     100 /* things that a job's description names */

/* --- parts --- */

static const char *partition(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0) {
        return "aws-cn";
    }
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

void iotsim_arn(const struct iotsim_place *place, const char *kind, const char *name,
                char arn[IOTSIM_ARN_MAX])
{
    snprintf(arn, IOTSIM_ARN_MAX, "arn:%s:iot:%s:%s:%s/%s", partition(place->region), place->region,
             place->account, kind, name);
}

void iotsim_put_arn(const struct iotsim_asked *asked, const char *kind, const char *name, struct buf *out)
{
    char arn[IOTSIM_ARN_MAX];
    iotsim_arn(asked->place, kind, name, arn);
    buf_printf(out, "\"%s\"", arn);
}

static void put_time(struct buf *out, const char *member, const struct timestamp *timestamp)
{
    if (timestamp->text[0]) {
        buf_printf(out, ",\"%s\":%s", member, timestamp->text);
    }
}

void iotsim_put_moment(struct buf *out, const char *member, int64_t ms)
{
    struct timestamp timestamp;
    fleet_stamp(ms, &timestamp);
    put_time(out, member, &timestamp);
}

void iotsim_end_page(const struct call *call, struct buf *out)
{
    buf_text(out, "]");
    if (call->page.next_token) {
        buf_text(out, ",\"nextToken\":");
        text_json(out, call->page.next_token);
    }
    buf_text(out, "}");
}

/* --- executions --- */

static void put_states(struct buf *out, const struct job_execution *execution)
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    buf_printf(out, "\"status\":\"%s\"", execution_status_name(fingerprint->status));
    put_time(out, "queuedAt", &fingerprint->queued_at);
    put_time(out, "startedAt", &fingerprint->started_at);
    put_time(out, "lastUpdatedAt", &fingerprint->last_updated_at);
    buf_printf(out, ",\"executionNumber\":%" PRId64, execution->number);
}

/* Of a list for a thing: the job belongs to the namespace that was asked for. */
static bool in_namespace(const struct iotsim_asked *asked, const struct job_execution *execution)
{
    struct fleet_job_about about;
    const char *wanted = iotsim_asked_param(asked, "namespaceId");
    return !wanted || (fleet_job_about(asked->place->fleet, execution->job_id, &about) &&
                       strcmp(about.namespace_id, wanted) == 0);
}

void iotsim_show_executions(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    const char *separator = "{";
    buf_text(out, "{\"executionSummaries\":[");
    for (size_t i = 0; i < page->count; i++) {
        const struct job_execution *execution = &page->executions[i];
        if (!in_namespace(asked, execution)) {
            continue;
        }
        buf_text(out, separator);
        if (asked->call.operation == OPERATION_LIST_EXECUTIONS_FOR_JOB) {
            buf_text(out, "\"thingArn\":");
            iotsim_put_arn(asked, "thing", execution->thing_name, out);
        } else {
            buf_printf(out, "\"jobId\":\"%s\"", execution->job_id);
        }
        buf_text(out, ",\"jobExecutionSummary\":{");
        put_states(out, execution);
        buf_text(out, ",\"retryAttempt\":0}}");
        separator = ",{";
    }
    iotsim_end_page(&asked->call, out);
}

/* What devices say of themselves: one word that goes with the state. */
static const char *detail_of(enum execution_status status)
{
    switch (status) {
    case EXECUTION_IN_PROGRESS:
        return "\"step\":\"download\"";
    case EXECUTION_SUCCEEDED:
        return "\"step\":\"done\"";
    case EXECUTION_FAILED:
        return "\"reason\":\"checksum\"";
    case EXECUTION_REJECTED:
        return "\"reason\":\"busy\"";
    default:
        return "";
    }
}

/* Of a job that has a timeout, while the execution runs: what is left of it. */
static void put_time_left(const struct iotsim_asked *asked, const struct fleet_job_about *about,
                          struct buf *out)
{
    const struct fingerprint *fingerprint = &asked->call.execution.fingerprint;
    int64_t left_s =
        TIMEOUT_MINUTES * 60 - (asked->call.answer.server_date_ms - fingerprint->started_at.ms) / 1000;
    if (fingerprint->status == EXECUTION_IN_PROGRESS && about->retries) {
        buf_printf(out, ",\"approximateSecondsBeforeTimedOut\":%" PRId64, left_s > 0 ? left_s : 0);
    }
}

void iotsim_show_execution(const struct iotsim_asked *asked, struct buf *out)
{
    const struct job_execution *execution = &asked->call.execution;
    struct fleet_job_about about;
    bool known = fleet_job_about(asked->place->fleet, execution->job_id, &about);
    bool forced = fleet_force_canceled(asked->place->fleet, execution);
    buf_printf(out, "{\"execution\":{\"jobId\":\"%s\",\"thingArn\":", execution->job_id);
    iotsim_put_arn(asked, "thing", execution->thing_name, out);
    if (execution->fingerprint.status == EXECUTION_CANCELED) {
        buf_printf(out, ",\"forceCanceled\":%s", forced ? "true" : "false");
    }
    buf_printf(out, ",\"statusDetails\":{\"detailsMap\":{%s}},", detail_of(execution->fingerprint.status));
    put_states(out, execution);
    if (known) {
        put_time_left(asked, &about, out);
    }
    buf_printf(out, ",\"versionNumber\":%" PRId64 "}}", execution->fingerprint.version_number);
}

/* --- jobs --- */

static void put_job(const struct iotsim_asked *asked, const char *job_id, const struct fleet_job_about *about,
                    struct buf *out)
{
    buf_text(out, "\"jobArn\":");
    iotsim_put_arn(asked, "job", job_id, out);
    buf_printf(out, ",\"jobId\":\"%s\",\"targetSelection\":\"%s\",\"status\":\"%s\"", job_id,
               about->continuous ? "CONTINUOUS" : "SNAPSHOT", job_status_name(about->status));
    iotsim_put_moment(out, "createdAt", about->created_ms);
    iotsim_put_moment(out, "lastUpdatedAt", about->updated_ms);
    iotsim_put_moment(out, "completedAt", about->completed_ms);
    buf_text(out, ",\"isConcurrent\":false");
}

/* ListJobs tells the group's id of CONTINUOUS jobs. */
static void put_group_id(const struct iotsim_asked *asked, const struct fleet_job_about *about,
                         struct buf *out)
{
    struct fleet_group_about group;
    if (about->continuous && fleet_group_about(asked->place->fleet, about->target_group, &group)) {
        buf_printf(out, ",\"thingGroupId\":\"%s\"", group.id);
    }
}

/* These filters work on the page that was made: it gets shorter, as the service's pages may be. */
static bool passes(const struct iotsim_asked *asked, const struct fleet_job_about *about)
{
    const char *group_id = iotsim_asked_param(asked, "thingGroupId");
    struct fleet_group_about target;
    const char *selection = iotsim_asked_param(asked, "targetSelection");
    const char *group = iotsim_asked_param(asked, "thingGroupName");
    const char *namespace_id = iotsim_asked_param(asked, "namespaceId");
    if (selection && strcmp(selection, about->continuous ? "CONTINUOUS" : "SNAPSHOT") != 0) {
        return false;
    }
    if (group && strcmp(group, about->target_group) != 0) {
        return false;
    }
    if (group_id && (!fleet_group_about(asked->place->fleet, about->target_group, &target) ||
                     strcmp(group_id, target.id) != 0)) {
        return false;
    }
    return !namespace_id || strcmp(namespace_id, about->namespace_id) == 0;
}

void iotsim_show_jobs(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    const char *separator = "{";
    buf_text(out, "{\"jobs\":[");
    for (size_t i = 0; i < page->count; i++) {
        struct fleet_job_about about;
        if (!fleet_job_about(asked->place->fleet, page->jobs[i].job_id, &about) || !passes(asked, &about)) {
            continue;
        }
        buf_text(out, separator);
        put_job(asked, page->jobs[i].job_id, &about, out);
        put_group_id(asked, &about, out);
        buf_text(out, "}");
        separator = ",{";
    }
    iotsim_end_page(&asked->call, out);
}

static void put_counts(const struct job *job, struct buf *out)
{
    static const char *const members[EXECUTION_STATUS_COUNT] = {
        [EXECUTION_QUEUED] = "Queued",       [EXECUTION_IN_PROGRESS] = "InProgress",
        [EXECUTION_SUCCEEDED] = "Succeeded", [EXECUTION_FAILED] = "Failed",
        [EXECUTION_TIMED_OUT] = "TimedOut",  [EXECUTION_REJECTED] = "Rejected",
        [EXECUTION_REMOVED] = "Removed",     [EXECUTION_CANCELED] = "Canceled"};
    for (int i = EXECUTION_QUEUED; i < EXECUTION_STATUS_COUNT; i++) {
        buf_printf(out, ",\"numberOf%sThings\":%" PRId64, members[i], job->counts[i]);
    }
    buf_text(out, "}");
}

/* The group that the job was made for, or the things. */
static void put_targets(const struct iotsim_asked *asked, const struct fleet_job_about *about,
                        struct buf *out)
{
    const char *names[TARGETS_MAX];
    if (about->target_group[0]) {
        iotsim_put_arn(asked, "thinggroup", about->target_group, out);
        return;
    }
    size_t count = fleet_job_things(asked->place->fleet, asked->call.job.job_id, names, TARGETS_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i ? "," : "");
        iotsim_put_arn(asked, "thing", names[i], out);
    }
}

static void put_text(struct buf *out, const char *member, const char *text)
{
    if (text) {
        buf_printf(out, ",\"%s\":", member);
        text_json(out, text);
    }
}

static void put_configs(const struct fleet_job_about *about, struct buf *out)
{
    buf_text(out, ",\"presignedUrlConfig\":{}");
    if (about->retries) {
        buf_printf(out,
                   ",\"timeoutConfig\":{\"inProgressTimeoutInMinutes\":%d},\"jobExecutionsRetryConfig\":{"
                   "\"criteriaList\":[{\"failureType\":\"ALL\",\"numberOfRetries\":3}]},"
                   "\"jobExecutionsRolloutConfig\":{\"maximumPerMinute\":50},\"abortConfig\":{"
                   "\"criteriaList\":[{\"failureType\":\"FAILED\",\"action\":\"CANCEL\","
                   "\"thresholdPercentage\":50.0,\"minNumberOfExecutedThings\":10}]}",
                   TIMEOUT_MINUTES);
    } else {
        buf_text(out, ",\"timeoutConfig\":{}");
    }
    if (about->status == JOB_SCHEDULED) {
        buf_text(out, ",\"schedulingConfig\":{\"startTime\":\"2099-01-01T00:00\"}");
    }
}

void iotsim_show_job(const struct iotsim_asked *asked, struct buf *out)
{
    const struct job *job = &asked->call.job;
    struct fleet_job_about about;
    if (!fleet_job_about(asked->place->fleet, job->job_id, &about)) {
        return;
    }
    buf_text(out, "{\"job\":{");
    put_job(asked, job->job_id, &about, out);
    if (about.status == JOB_CANCELED) {
        buf_printf(out, ",\"forceCanceled\":%s", about.force_canceled ? "true" : "false");
    }
    put_text(out, "reasonCode", about.reason_code);
    put_text(out, "comment", about.comment);
    buf_text(out, ",\"targets\":[");
    put_targets(asked, &about, out);
    buf_text(out, "],\"jobProcessDetails\":{\"processingTargets\":[");
    if (about.continuous && about.status == JOB_IN_PROGRESS && about.target_group[0]) {
        iotsim_put_arn(asked, "thinggroup", about.target_group, out);
    }
    buf_text(out, "]");
    put_counts(job, out);
    if (about.namespace_id[0]) {
        put_text(out, "namespaceId", about.namespace_id);
    }
    put_configs(&about, out);
    buf_text(out, "}}");
}

/* Of a job that was not made by hand: what an update would look like. */
void iotsim_show_document(const struct iotsim_asked *asked, struct buf *out)
{
    struct fleet_job_about about;
    char made[128];
    if (!fleet_job_about(asked->place->fleet, asked->call.job_id, &about)) {
        return;
    }
    snprintf(made, sizeof made, "{\"operation\":\"install\",\"package\":\"%s\"}", asked->call.job_id);
    buf_text(out, "{\"document\":");
    text_json(out, about.document ? about.document : made);
    buf_text(out, "}");
}

void iotsim_show_job_made(const struct iotsim_asked *asked, struct buf *out)
{
    buf_text(out, "{\"jobArn\":");
    iotsim_put_arn(asked, "job", asked->call.job_id, out);
    buf_printf(out, ",\"jobId\":\"%s\"}", asked->call.job_id);
}
