/* The bodies of successful answers: the names and types of the service model, times as seconds with a
 * fraction, in the fleet's own literal text. */
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/iotsim_route.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- parts --- */

static const char *partition(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0)
        return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

void iotsim_arn(const struct iotsim_place *place, const char *kind, const char *name,
                char arn[IOTSIM_ARN_MAX])
{
    snprintf(arn, IOTSIM_ARN_MAX, "arn:%s:iot:%s:%s:%s/%s", partition(place->region), place->region,
             place->account, kind, name);
}

static void put_arn(const struct iotsim_asked *asked, const char *kind, const char *name, struct buf *out)
{
    char arn[IOTSIM_ARN_MAX];
    iotsim_arn(asked->place, kind, name, arn);
    buf_printf(out, "\"%s\"", arn);
}

static void put_time(struct buf *out, const char *member, const struct timestamp *timestamp)
{
    if (timestamp->text[0])
        buf_printf(out, ",\"%s\":%s", member, timestamp->text);
}

static void put_moment(struct buf *out, const char *member, int64_t ms)
{
    struct timestamp timestamp;
    fleet_stamp(ms, &timestamp);
    put_time(out, member, &timestamp);
}

static void end_page(const struct call *call, struct buf *out)
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

void iotsim_show_executions(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    buf_text(out, "{\"executionSummaries\":[");
    for (size_t i = 0; i < page->count; i++) {
        const struct job_execution *execution = &page->executions[i];
        buf_text(out, i ? ",{" : "{");
        if (asked->call.operation == OPERATION_LIST_EXECUTIONS_FOR_JOB) {
            buf_text(out, "\"thingArn\":");
            put_arn(asked, "thing", execution->thing_name, out);
        } else {
            buf_printf(out, "\"jobId\":\"%s\"", execution->job_id);
        }
        buf_text(out, ",\"jobExecutionSummary\":{");
        put_states(out, execution);
        buf_text(out, ",\"retryAttempt\":0}}");
    }
    end_page(&asked->call, out);
}

void iotsim_show_execution(const struct iotsim_asked *asked, struct buf *out)
{
    const struct job_execution *execution = &asked->call.execution;
    buf_printf(out, "{\"execution\":{\"jobId\":\"%s\",\"thingArn\":", execution->job_id);
    put_arn(asked, "thing", execution->thing_name, out);
    buf_text(out, ",\"forceCanceled\":false,\"statusDetails\":{\"detailsMap\":{}},");
    put_states(out, execution);
    buf_printf(out, ",\"versionNumber\":%" PRId64 "}}", execution->fingerprint.version_number);
}

/* --- jobs --- */

static void put_job(const struct iotsim_asked *asked, const char *job_id, const struct fleet_job_about *about,
                    struct buf *out)
{
    buf_text(out, "\"jobArn\":");
    put_arn(asked, "job", job_id, out);
    buf_printf(out, ",\"jobId\":\"%s\",\"targetSelection\":\"%s\",\"status\":\"%s\"", job_id,
               about->continuous ? "CONTINUOUS" : "SNAPSHOT", job_status_name(about->status));
    put_moment(out, "createdAt", about->created_ms);
    put_moment(out, "lastUpdatedAt", about->updated_ms);
    put_moment(out, "completedAt", about->completed_ms);
    buf_text(out, ",\"isConcurrent\":false");
}

/* These filters work on the page that was made: it gets shorter, as the service's pages may be. */
static bool passes(const struct iotsim_asked *asked, const struct fleet_job_about *about)
{
    const char *selection = iotsim_asked_param(asked, "targetSelection");
    const char *group = iotsim_asked_param(asked, "thingGroupName");
    const char *namespace_id = iotsim_asked_param(asked, "namespaceId");
    if (selection && strcmp(selection, about->continuous ? "CONTINUOUS" : "SNAPSHOT") != 0)
        return false;
    if (group && strcmp(group, about->target_group) != 0)
        return false;
    return !namespace_id || strcmp(namespace_id, about->namespace_id) == 0;
}

void iotsim_show_jobs(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    const char *separator = "{";
    buf_text(out, "{\"jobs\":[");
    for (size_t i = 0; i < page->count; i++) {
        struct fleet_job_about about;
        if (!fleet_job_about(asked->place->fleet, page->jobs[i].job_id, &about) || !passes(asked, &about))
            continue;
        buf_text(out, separator);
        put_job(asked, page->jobs[i].job_id, &about, out);
        buf_text(out, "}");
        separator = ",{";
    }
    end_page(&asked->call, out);
}

static void put_counts(const struct job *job, struct buf *out)
{
    static const char *const members[EXECUTION_STATUS_COUNT] = {
        [EXECUTION_QUEUED] = "Queued",       [EXECUTION_IN_PROGRESS] = "InProgress",
        [EXECUTION_SUCCEEDED] = "Succeeded", [EXECUTION_FAILED] = "Failed",
        [EXECUTION_TIMED_OUT] = "TimedOut",  [EXECUTION_REJECTED] = "Rejected",
        [EXECUTION_REMOVED] = "Removed",     [EXECUTION_CANCELED] = "Canceled"};
    buf_text(out, ",\"jobProcessDetails\":{");
    for (int i = EXECUTION_QUEUED; i < EXECUTION_STATUS_COUNT; i++)
        buf_printf(out, "%s\"numberOf%sThings\":%" PRId64, i > EXECUTION_QUEUED ? "," : "", members[i],
                   job->counts[i]);
    buf_text(out, "}");
}

void iotsim_show_job(const struct iotsim_asked *asked, struct buf *out)
{
    const struct job *job = &asked->call.job;
    struct fleet_job_about about;
    if (!fleet_job_about(asked->place->fleet, job->job_id, &about))
        return;
    buf_text(out, "{\"job\":{");
    put_job(asked, job->job_id, &about, out);
    buf_text(out, ",\"targets\":[");
    if (about.target_group[0])
        put_arn(asked, "thinggroup", about.target_group, out);
    buf_text(out, "]");
    put_counts(job, out);
    if (about.namespace_id[0])
        buf_printf(out, ",\"namespaceId\":\"%s\"", about.namespace_id);
    if (job->retries)
        buf_text(out, ",\"jobExecutionsRetryConfig\":{\"criteriaList\":["
                      "{\"failureType\":\"ALL\",\"numberOfRetries\":3}]}");
    buf_text(out, ",\"presignedUrlConfig\":{},\"timeoutConfig\":{}}}");
}

void iotsim_show_job_made(const struct iotsim_asked *asked, struct buf *out)
{
    buf_text(out, "{\"jobArn\":");
    put_arn(asked, "job", asked->call.job_id, out);
    buf_printf(out, ",\"jobId\":\"%s\"}", asked->call.job_id);
}

/* --- things and groups --- */

void iotsim_show_things(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    buf_text(out, "{\"things\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_printf(out, "%s{\"thingName\":\"%s\",\"thingArn\":", i ? "," : "", page->things[i]);
        put_arn(asked, "thing", page->things[i], out);
        buf_text(out, ",\"attributes\":{},\"version\":1}");
    }
    end_page(&asked->call, out);
}

void iotsim_show_thing(const struct iotsim_asked *asked, struct buf *out)
{
    const char *name = asked->call.thing_name;
    buf_printf(out, "{\"defaultClientId\":\"%s\",\"thingName\":\"%s\",\"thingId\":\"%s\",\"thingArn\":", name,
               name, asked->call.answer.request_id);
    put_arn(asked, "thing", name, out);
    buf_text(out, ",\"attributes\":{},\"version\":1}");
}

void iotsim_show_members(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    buf_text(out, "{\"things\":[");
    for (size_t i = 0; i < page->count; i++)
        buf_printf(out, "%s\"%s\"", i ? "," : "", page->things[i]);
    end_page(&asked->call, out);
}

static void put_group(const struct iotsim_asked *asked, const char *member, const char *arn, const char *name,
                      struct buf *out)
{
    buf_printf(out, "\"%s\":\"%s\",\"%s\":", member, name, arn);
    put_arn(asked, "thinggroup", name, out);
}

void iotsim_show_groups(const struct iotsim_asked *asked, struct buf *out)
{
    const struct page *page = &asked->call.page;
    buf_text(out, "{\"thingGroups\":[");
    for (size_t i = 0; i < page->count; i++) {
        buf_text(out, i ? ",{" : "{");
        put_group(asked, "groupName", "groupArn", page->things[i], out);
        buf_text(out, "}");
    }
    end_page(&asked->call, out);
}

void iotsim_show_group(const struct iotsim_asked *asked, struct buf *out)
{
    const char *parent = asked->call.thing_name; /* see fleet_admin.h */
    buf_text(out, "{");
    put_group(asked, "thingGroupName", "thingGroupArn", asked->call.group_name, out);
    if (parent[0])
        buf_printf(out, ",\"thingGroupMetadata\":{\"parentGroupName\":\"%s\"}", parent);
    buf_text(out, ",\"version\":1}");
}
