/* What a test thinks up, put into a fleet as it is: see sim/fleet.h. */
#include "base/text.h"
#include "sim/fleet_model.h"

void fleet_place_group(struct fleet *fleet, const char *name, const char *parent)
{
    uint32_t above = parent ? fleet_group(fleet, parent) : NO_GROUP;
    uint32_t group = fleet_put_group(fleet, name);
    fleet->groups[group].parent = above;
}

void fleet_place_thing(struct fleet *fleet, const char *name, const char *group, const char *type)
{
    fleet_put_thing(fleet, name);
    fleet_thing_set_group(fleet, name, group);
    fleet_thing_set_type(fleet, name, type);
}

void fleet_place_job(struct fleet *fleet, const struct job *job)
{
    uint32_t index = fleet_put_job(fleet, job->job_id); /* may move fleet->jobs */
    struct fleet_job *placed = &fleet->jobs[index];
    placed->status = job->status;
    placed->continuous = job->continuous;
    placed->retries = job->retries;
    text_copy(placed->namespace_id, sizeof placed->namespace_id, job->namespace_id);
    placed->created_ms = placed->updated_ms = fleet->made_ms;
}

uint64_t fleet_place_execution(struct fleet *fleet, const struct job_execution *execution)
{
    const struct fingerprint *print = &execution->fingerprint;
    uint32_t job = names_find(fleet->job_names, execution->job_id);
    uint32_t thing = names_find(fleet->thing_names, execution->thing_name);
    if (!fleet_job(fleet, execution->job_id) || !fleet_thing(fleet, execution->thing_name) ||
        print->status == EXECUTION_UNKNOWN) {
        return 0;
    }
    uint64_t identity = fleet_put_execution(fleet, job, thing, print->queued_at.ms);
    fleet_restate(fleet, identity, print->status);
    struct record *record = fleet_record(fleet, identity);
    record->number = execution->number;
    record->started_ms = print->started_at.ms;
    record->updated_ms = print->last_updated_at.ms;
    return identity;
}
