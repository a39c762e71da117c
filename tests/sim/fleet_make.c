/* Making a fleet: what a seed and a configuration give at the start. Jobs are ordered so that even a few show
 * the kinds that matter; executions are spread over them evenly. */
#include "base/time.h"
#include "sim/fleet_model.h"

#include <stdio.h>
#include <string.h>

#define OLDEST_DAYS 400

static void make_groups(struct fleet *fleet, int count)
{
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "group-%d", i);
        uint32_t group = fleet_put_group(fleet, name);
        if (i > 0) {
            fleet->groups[group].parent = (uint32_t)(i - 1) / 2;
        }
    }
}

static void make_things(struct fleet *fleet, int count, int groups)
{
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, i % 16 == 5 ? "gw-%06d:radio" : "gw-%06d", i);
        uint32_t thing = fleet_put_thing(fleet, name);
        if (groups > 0) {
            fleet->things[thing].group = (uint32_t)(i % groups);
        }
    }
}

static enum job_status job_status_for(int i, int jobs)
{
    if (i % 9 == 8) {
        return JOB_SCHEDULED;
    }
    if (i % 3 == 1 || jobs == 1) {
        return JOB_IN_PROGRESS;
    }
    return i % 5 == 2 ? JOB_CANCELED : JOB_COMPLETED;
}

static void make_job(struct fleet *fleet, int i, const struct fleet_config *config)
{
    char job_id[JOB_ID_MAX + 1];
    bool ota = config->jobs >= 4 && i == config->jobs - 1;
    bool greengrass = config->jobs >= 5 && i == config->jobs - 2;
    snprintf(job_id, sizeof job_id,
             ota          ? "AFR_OTA-ota-%04d"
             : greengrass ? "5d3c9a1e-%04d-4e07-b1d2-90f2a6c4e7aa"
                          : "fw-%04d",
             i);
    uint32_t index = fleet_put_job(fleet, job_id); /* may move fleet->jobs */
    struct fleet_job *job = &fleet->jobs[index];
    job->status = ota || greengrass ? JOB_IN_PROGRESS : job_status_for(i, config->jobs);
    job->continuous = greengrass || (job->status == JOB_IN_PROGRESS && i % 2 == 0);
    job->retries = i % 4 == 1;
    if (greengrass) {
        snprintf(job->namespace_id, sizeof job->namespace_id, "aws-gg-deployment");
    }
    if (i % 8 == 7) {
        job->number_base = INT64_C(4855000000) + i;
    }
    if (config->groups > 0 && (job->continuous || i % 2)) {
        job->target = (uint32_t)(i % config->groups);
    }
    job->created_ms = config->now_ms - (OLDEST_DAYS + 1) * TIME_MS_PER_DAY - i * TIME_MS_PER_HOUR;
    job->updated_ms = job->created_ms + TIME_MS_PER_HOUR;
    if (job->status == JOB_COMPLETED || job->status == JOB_CANCELED) {
        job->completed_ms = config->now_ms;
    }
}

/* A job that is over has no pending executions; a canceled one may leave some in progress behind. */
static enum execution_status execution_status_for(struct fleet *fleet, enum job_status job_status)
{
    static const struct {
        int below; /* of 100 */
        enum execution_status status;
    } table[] = {{12, EXECUTION_QUEUED},  {20, EXECUTION_IN_PROGRESS}, {70, EXECUTION_SUCCEEDED},
                 {82, EXECUTION_FAILED},  {88, EXECUTION_TIMED_OUT},   {92, EXECUTION_REJECTED},
                 {95, EXECUTION_REMOVED}, {100, EXECUTION_CANCELED}};
    uint64_t from = job_status == JOB_COMPLETED ? 20 : job_status == JOB_CANCELED ? 12 : 0;
    int drawn = (int)(from + random_below(&fleet->random, 100 - from));
    size_t i = 0;
    while (drawn >= table[i].below) {
        i++;
    }
    return table[i].status;
}

static void make_execution(struct fleet *fleet, uint32_t job, uint32_t thing, int64_t now_ms)
{
    int64_t updated_ms = now_ms - (int64_t)random_below(&fleet->random, OLDEST_DAYS * TIME_MS_PER_DAY);
    int64_t took_ms = (int64_t)random_below(&fleet->random, 6 * TIME_MS_PER_HOUR);
    enum execution_status status = execution_status_for(fleet, fleet->jobs[job].status);
    uint64_t identity = fleet_put_execution(fleet, job, thing, updated_ms - took_ms);
    struct record *record = fleet_record(fleet, identity);
    fleet_restate(fleet, identity, status);
    record->updated_ms = status == EXECUTION_QUEUED ? record->queued_ms : updated_ms;
    if (status == EXECUTION_QUEUED || status == EXECUTION_REMOVED || status == EXECUTION_CANCELED) {
        return;
    }
    record->started_ms = record->queued_ms + took_ms / 2;
    record->version = 2 + (uint32_t)random_below(&fleet->random, 3);
}

static void make_executions(struct fleet *fleet, const struct fleet_config *config)
{
    uint32_t things = names_count(fleet->thing_names), jobs = names_count(fleet->job_names);
    if (!things || !jobs) {
        return;
    }
    int64_t made = 0;
    for (uint64_t round = 0; made < config->executions; round++) {
        for (uint32_t job = 0; job < jobs && made < config->executions; job++) {
            if (fleet->jobs[job].status == JOB_SCHEDULED) {
                continue; /* it has not begun */
            }
            make_execution(fleet, job, (uint32_t)((round + job) % things), config->now_ms);
            made++;
        }
    }
}

void fleet_make(struct fleet *fleet, const struct fleet_config *config)
{
    make_groups(fleet, config->groups);
    make_things(fleet, config->things, config->groups);
    for (int i = 0; i < config->jobs; i++) {
        make_job(fleet, i, config);
    }
    make_executions(fleet, config);
}
