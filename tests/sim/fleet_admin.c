/* The operations of fleet_admin.h. */
#include "sim/fleet_admin.h"

#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_model.h"

#include <stdlib.h>
#include <string.h>

bool fleet_job_about(const struct fleet *fleet, const char *job_id, struct fleet_job_about *about)
{
    const struct fleet_job *job = fleet_job(fleet, job_id);
    if (!job) {
        return false;
    }
    *about = (struct fleet_job_about){.status = job->status,
                                      .continuous = job->continuous,
                                      .created_ms = job->created_ms,
                                      .updated_ms = job->updated_ms,
                                      .completed_ms = job->completed_ms,
                                      .retries = job->retries,
                                      .force_canceled = job->force_canceled,
                                      .reason_code = job->reason_code,
                                      .comment = job->comment,
                                      .document = job->document};
    text_copy(about->namespace_id, sizeof about->namespace_id, job->namespace_id);
    if (job->target != NO_GROUP) {
        text_copy(about->target_group, sizeof about->target_group,
                  names_text(fleet->group_names, job->target));
    }
    return true;
}

/* --- things --- */

static struct fleet_thing *named_thing(struct fleet *fleet, struct call *call)
{
    struct fleet_thing *thing = fleet_check_thing(call) ? fleet_thing(fleet, call->thing_name) : NULL;
    if (!thing && call->answer.class == ANSWER_DONE) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing %s cannot be found.", call->thing_name);
    }
    return thing;
}

void fleet_describe_thing(struct fleet *fleet, struct call *call)
{
    const struct fleet_thing *thing = named_thing(fleet, call);
    call->group_name[0] = '\0';
    if (thing && thing->group != NO_GROUP) {
        text_copy(call->group_name, sizeof call->group_name, names_text(fleet->group_names, thing->group));
    }
}

void fleet_create_thing(struct fleet *fleet, struct call *call)
{
    if (fleet_check_thing(call) && !fleet_thing(fleet, call->thing_name)) {
        fleet_put_thing(fleet, call->thing_name);
    }
}

void fleet_delete_thing(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    struct fleet_thing *thing = named_thing(fleet, call);
    if (!thing) {
        return;
    }
    for (uint32_t i = 0; i < thing->executions.count; i++) {
        const struct record *record = fleet_record(fleet, thing->executions.items[i]);
        if (record->status == EXECUTION_QUEUED || record->status == EXECUTION_IN_PROGRESS) {
            fleet_set_status(fleet, thing->executions.items[i], EXECUTION_REMOVED, now_ms);
        }
    }
    thing->exists = false;
}

/* --- groups --- */

static uint32_t named_group(struct fleet *fleet, struct call *call)
{
    uint32_t group = fleet_check_group(call) ? fleet_group(fleet, call->group_name) : NO_GROUP;
    if (group == NO_GROUP && call->answer.class == ANSWER_DONE) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing group %s cannot be found.",
                     call->group_name);
    }
    return group;
}

void fleet_describe_group(struct fleet *fleet, struct call *call)
{
    uint32_t group = named_group(fleet, call);
    call->thing_name[0] = '\0';
    if (group != NO_GROUP && fleet->groups[group].parent != NO_GROUP) {
        text_copy(call->thing_name, sizeof call->thing_name,
                  names_text(fleet->group_names, fleet->groups[group].parent));
    }
}

void fleet_create_group(struct fleet *fleet, struct call *call, const char *parent)
{
    uint32_t above = parent ? fleet_group(fleet, parent) : NO_GROUP;
    if (parent && above == NO_GROUP) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing group %.128s cannot be found.", parent);
    } else if (fleet_check_group(call) && fleet_group(fleet, call->group_name) == NO_GROUP) {
        uint32_t group = fleet_put_group(fleet, call->group_name);
        fleet->groups[group].parent = above;
    }
}

void fleet_delete_group(struct fleet *fleet, struct call *call)
{
    uint32_t group = named_group(fleet, call);
    if (group == NO_GROUP) {
        return;
    }
    for (uint32_t i = 0; i < names_count(fleet->group_names); i++) {
        if (fleet->groups[i].exists && fleet->groups[i].parent == group) {
            fleet_refuse(call, 400, "InvalidRequestException",
                         "Cannot delete thing group %s when there are still child groups attached to it.",
                         call->group_name);
            return;
        }
    }
    fleet->groups[group].exists = false;
    for (uint32_t i = 0; i < names_count(fleet->thing_names); i++) {
        if (fleet->things[i].group == group) {
            fleet->things[i].group = NO_GROUP;
        }
    }
    for (uint32_t i = 0; i < names_count(fleet->job_names); i++) {
        if (fleet->jobs[i].target == group) {
            fleet->jobs[i].target = NO_GROUP;
        }
    }
}

/* --- jobs --- */

static struct fleet_job *named_job(struct fleet *fleet, struct call *call)
{
    struct fleet_job *job = fleet_check_job(call) ? fleet_job(fleet, call->job_id) : NULL;
    if (!job && call->answer.class == ANSWER_DONE) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Job %s cannot be found.", call->job_id);
    }
    return job;
}

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static bool over(const struct fleet_job *job)
{
    return job->status == JOB_COMPLETED || job->status == JOB_CANCELED;
}

void fleet_create_job(struct fleet *fleet, struct call *call, bool continuous, const char *document,
                      int64_t now_ms)
{
    if (!fleet_check_job(call)) {
        return;
    }
    if (fleet_job(fleet, call->job_id)) {
        fleet_refuse(call, 409, "ResourceAlreadyExistsException", "Job %s already exists.", call->job_id);
        return;
    }
    uint32_t index = fleet_put_job(fleet, call->job_id); /* may move fleet->jobs */
    fleet->jobs[index].status = JOB_IN_PROGRESS;
    fleet->jobs[index].continuous = continuous;
    fleet->jobs[index].document = copy(document);
    fleet->jobs[index].created_ms = fleet->jobs[index].updated_ms = now_ms;
}

/* Calls each() for the job's executions that exist, oldest first; each() may delete the one it is given. */
static void each_of_job(struct fleet *fleet, const struct fleet_job *job,
                        void (*each)(struct fleet *fleet, uint64_t identity, int64_t now_ms), int64_t now_ms)
{
    uint32_t count = job->executions.count;
    uint32_t *identities = mem_calloc(count + 1, sizeof *identities); /* a copy: deleting moves them */
    if (count) {
        memcpy(identities, job->executions.items, count * sizeof *identities);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!fleet_record(fleet, identities[i])->deleted_ms) {
            each(fleet, identities[i], now_ms);
        }
    }
    free(identities);
}

static void cancel_queued(struct fleet *fleet, uint64_t identity, int64_t now_ms)
{
    if (fleet_record(fleet, identity)->status == EXECUTION_QUEUED) {
        fleet_set_status(fleet, identity, EXECUTION_CANCELED, now_ms);
    }
}

static void cancel_pending(struct fleet *fleet, uint64_t identity, int64_t now_ms)
{
    cancel_queued(fleet, identity, now_ms);
    if (fleet_record(fleet, identity)->status == EXECUTION_IN_PROGRESS) {
        fleet_set_status(fleet, identity, EXECUTION_CANCELED, now_ms);
        fleet_record(fleet, identity)->force_canceled = true;
    }
}

void fleet_cancel_job(struct fleet *fleet, struct call *call, const char *reason_code, const char *comment,
                      int64_t now_ms)
{
    struct fleet_job *job = named_job(fleet, call);
    if (!job) {
        return;
    }
    if (over(job)) {
        fleet_refuse(call, 400, "InvalidRequestException", "Job %s is over and cannot be canceled.",
                     call->job_id);
        return;
    }
    each_of_job(fleet, job, call->force ? cancel_pending : cancel_queued, now_ms);
    job->status = JOB_CANCELED;
    job->force_canceled = call->force;
    job->reason_code = copy(reason_code);
    job->comment = copy(comment);
    job->updated_ms = job->completed_ms = now_ms;
}

void fleet_delete_job(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    struct fleet_job *job = named_job(fleet, call);
    if (!job) {
        return;
    }
    if (!over(job) && !call->force) {
        fleet_refuse(call, 409, "InvalidStateTransitionException",
                     "Job is in state %s, and cannot be deleted without force.",
                     job_status_name(job->status));
        return;
    }
    each_of_job(fleet, job, fleet_drop, now_ms);
    job->exists = false;
}

/* --- executions --- */

void fleet_cancel_execution(struct fleet *fleet, struct call *call, int64_t now_ms)
{
    struct fleet_job *job = named_job(fleet, call);
    if (!job || !fleet_check_thing(call)) {
        return;
    }
    uint32_t thing = names_find(fleet->thing_names, call->thing_name);
    uint64_t identity = thing == UINT32_MAX ? 0 : fleet_newest(fleet, (uint32_t)(job - fleet->jobs), thing);
    if (!identity) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "There is no execution of job %s on thing %s.",
                     call->job_id, call->thing_name);
        return;
    }
    enum execution_status status = (enum execution_status)fleet_record(fleet, identity)->status;
    if (status != EXECUTION_QUEUED && !(status == EXECUTION_IN_PROGRESS && call->force)) {
        fleet_refuse(call, 409, "InvalidStateTransitionException",
                     "Job execution is in state %s, and cannot be canceled%s.", execution_status_name(status),
                     status == EXECUTION_IN_PROGRESS ? " without force" : "");
        return;
    }
    fleet_set_status(fleet, identity, EXECUTION_CANCELED, now_ms);
    fleet_record(fleet, identity)->force_canceled = status == EXECUTION_IN_PROGRESS;
}

bool fleet_force_canceled(const struct fleet *fleet, const struct job_execution *execution)
{
    uint64_t identity = fleet_find(fleet, execution->job_id, execution->thing_name, execution->number, NULL);
    return identity && fleet_record(fleet, identity)->force_canceled;
}
