/* See sim/trial_world.h. */
#include "sim/trial_world.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPM 1000000

static uint64_t draw(struct trial *trial, uint64_t bound)
{
    return random_below(&trial->random, bound);
}

static bool chance(struct trial *trial, unsigned percent)
{
    return draw(trial, 100) < percent;
}

/* The skew is a function of the seed alone, so that it needs no place in the trial. */
int64_t trial_skew_ms(const struct trial *trial)
{
    return (int64_t)(trial->seed * 7919 % 60001) - 30000;
}

int64_t trial_service_ms(const struct trial *trial)
{
    return RIG_START_MS + virtual_mono_ns(trial->rig.world) / TIME_NS_PER_MS + trial_skew_ms(trial);
}

const struct job *trial_job(const struct trial *trial, const char *job_id)
{
    for (int i = 0; i < trial->job_count; i++)
        if (strcmp(trial->jobs[i].job_id, job_id) == 0)
            return &trial->jobs[i];
    return NULL;
}

/* --- the actors ------------------------------------------------------------------------------------------
 */

static void note_theirs(struct trial *trial, uint64_t identity)
{
    if (identity >= trial->theirs_room) {
        size_t room = identity * 2 + 64;
        trial->theirs = mem_realloc(trial->theirs, room, sizeof *trial->theirs);
        memset(&trial->theirs[trial->theirs_room], 0, room - trial->theirs_room);
        trial->theirs_room = room;
    }
    trial->theirs[identity] = true;
}

/* With verify: risky we rely on such jobs to make nothing new; so the actors keep to it. */
static bool makes_nothing_new(const struct trial *trial, const char *job_id)
{
    const struct job *job = trial_job(trial, job_id);
    return trial->policy.verify_risky && !job->continuous && !job->retries &&
           (job->status == JOB_COMPLETED || job->status == JOB_CANCELED);
}

static void take_number(struct trial *trial, const struct job_execution *execution, bool reborn)
{
    uint64_t identity =
        fleet_find(trial->fleet, execution->job_id, execution->thing_name, execution->number, NULL);
    int64_t now_ms = trial_service_ms(trial);
    if (identity) {
        fleet_remove(trial->fleet, identity, now_ms);
        note_theirs(trial, identity);
    }
    if (!reborn || makes_nothing_new(trial, execution->job_id))
        return;
    int64_t age_ms = (int64_t)draw(trial, 200) * TIME_MS_PER_DAY + (int64_t)draw(trial, 100000);
    static const enum execution_status states[] = {EXECUTION_SUCCEEDED, EXECUTION_FAILED, EXECUTION_QUEUED,
                                                   EXECUTION_IN_PROGRESS};
    fleet_add_execution(trial->fleet, execution->job_id, execution->thing_name, states[draw(trial, 4)],
                        now_ms - age_ms, now_ms);
}

static void act(void *ctx)
{
    struct trial *trial = ctx;
    struct fleet_counts counts;
    struct fleet_execution found;
    if (!trial->actors_active)
        return;
    fleet_counts(trial->fleet, &counts);
    uint64_t identity = 1 + draw(trial, (uint64_t)(counts.executions + counts.deleted) + 1);
    if (fleet_identity(trial->fleet, identity, &found) && found.deleted_ms == 0) {
        uint64_t what = draw(trial, 10);
        if (what < 8)
            take_number(trial, &found.execution, what < 6);
        else if (found.execution.fingerprint.status == EXECUTION_QUEUED ||
                 found.execution.fingerprint.status == EXECUTION_IN_PROGRESS)
            fleet_set_status(trial->fleet, identity, EXECUTION_SUCCEEDED, trial_service_ms(trial));
    }
    int64_t wait_ns = (int64_t)(200 + draw(trial, 8000)) * TIME_NS_PER_MS;
    virtual_at(trial->rig.world, virtual_mono_ns(trial->rig.world) + wait_ns, act, trial);
}

struct plot { /* a number to be taken later */
    struct trial *trial;
    struct job_execution execution;
};

static void carry_out(void *ctx)
{
    struct plot *plot = ctx;
    if (plot->trial->actors_active)
        take_number(plot->trial, &plot->execution, true);
    free(plot);
}

static void plan_to_take(struct trial *trial, const struct call *call, int64_t within_ms)
{
    struct plot *plot = mem_zalloc(sizeof *plot);
    plot->trial = trial;
    strcpy(plot->execution.job_id, call->job_id);
    strcpy(plot->execution.thing_name, call->thing_name);
    plot->execution.number = call->number;
    int64_t wait_ns = (int64_t)draw(trial, (uint64_t)within_ms) * TIME_NS_PER_MS;
    virtual_at(trial->rig.world, virtual_mono_ns(trial->rig.world) + wait_ns, carry_out, plot);
}

void trial_mischief(struct trial *trial, const struct call *call)
{
    if (!trial->actors_active)
        return;
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && chance(trial, 2))
        plan_to_take(trial, call, 400);
    if (call->operation == OPERATION_DELETE_EXECUTION && call->answer.class == ANSWER_AMBIGUOUS &&
        chance(trial, 20))
        plan_to_take(trial, call, 300000);
}

/* --- accidents -------------------------------------------------------------------------------------------
 */

static void cancel(void *ctx)
{
    struct trial *trial = ctx;
    if (!trial->done)
        sweep_cancel(trial->sweep, trial->seed % 2 == 0);
}

static void draw_accidents(struct trial *trial)
{
    if (chance(trial, 15))
        virtual_at(trial->rig.world, (int64_t)draw(trial, 120000) * TIME_NS_PER_MS, cancel, trial);
    if (chance(trial, 10))
        trial->rig.ledger_fails_at = 1 + (int64_t)draw(trial, 400);
    if (chance(trial, 30))
        trial->rig.ledger_delay_ns = (int64_t)draw(trial, 200) * TIME_NS_PER_MS;
}

static int fault_rate(struct trial *trial)
{
    return chance(trial, 50) ? (int)draw(trial, PPM / 20) : 0;
}

static void draw_faults(struct trial *trial, struct virtual_config *config)
{
    config->not_sent = fault_rate(trial);
    config->lost_before = fault_rate(trial);
    config->lost_after = fault_rate(trial);
    config->lost_late = fault_rate(trial);
    config->error_500_executed = fault_rate(trial);
    config->error_500_refused = fault_rate(trial);
    config->error_503 = fault_rate(trial);
    config->throttled = fault_rate(trial);
}

void trial_heal(struct trial *trial)
{
    struct virtual_config calm = {0};
    trial->actors_active = trial->mischief = false;
    virtual_set_faults(trial->rig.world, &calm);
}

/* --- the world -------------------------------------------------------------------------------------------
 */

static void draw_policy(struct trial *trial)
{
    static const char *const any_fw[] = {"fw-*", NULL}, *const two_jobs[] = {"fw-0000", "fw-0002", NULL},
                             *const things[] = {"gw-000001", "gw-000003", NULL},
                             *const some_things[] = {"gw-00000?", NULL};
    struct policy *policy = &trial->policy;
    rig_policy(policy);
    policy->older_than_ms = (int64_t)(1 + draw(trial, 200)) * TIME_MS_PER_DAY;
    policy->status_bits =
        (unsigned)draw(trial, EXECUTION_BIT(EXECUTION_STATUS_COUNT)) & EXECUTION_TERMINAL_BITS;
    policy->status_bits |= EXECUTION_BIT(EXECUTION_SUCCEEDED);
    if (chance(trial, 30))
        rig_patterns(&policy->job_id.include, any_fw);
    else if (chance(trial, 20))
        rig_patterns(&policy->job_id.include, two_jobs);
    if (chance(trial, 20))
        rig_patterns(&policy->thing.include, things);
    else if (chance(trial, 20))
        rig_patterns(&policy->thing.include, some_things);
    if (chance(trial, 15))
        policy->per_run = 1 + (int64_t)draw(trial, 60);
    if (chance(trial, 5))
        policy->selected_over = (int64_t)draw(trial, 20);
    policy->verify_risky = chance(trial, 25);
}

static void describe_job(struct trial *trial, struct job *job)
{
    struct call call;
    call_init(&call, OPERATION_DESCRIBE_JOB);
    strcpy(call.job_id, job->job_id);
    fleet_execute(trial->fleet, &call, RIG_START_MS);
    *job = call.job;
    call_finish(&call);
}

/* Asked at a time long before the sweep, so that its quota is full again. */
static void know_jobs(struct trial *trial)
{
    struct call call;
    call_init(&call, OPERATION_LIST_JOBS);
    fleet_execute(trial->fleet, &call, RIG_START_MS);
    for (size_t i = 0; i < call.page.count && i < TRIAL_JOBS_MAX; i++)
        trial->jobs[trial->job_count++] = call.page.jobs[i];
    call_finish(&call);
    for (int i = 0; i < trial->job_count; i++)
        describe_job(trial, &trial->jobs[i]);
}

void trial_make_world(struct trial *trial, bool calm)
{
    struct fleet_config fleet = {.seed = trial->seed,
                                 .things = 2 + (int)draw(trial, 12),
                                 .jobs = 1 + (int)draw(trial, chance(trial, 10) ? 40 : 14),
                                 .executions = 20 + (int64_t)draw(trial, 300),
                                 .now_ms = RIG_START_MS - TIME_MS_PER_HOUR,
                                 .reuse_numbers = true};
    struct virtual_config world = {.seed = trial->seed,
                                   .start_ms = RIG_START_MS,
                                   .skew_ms = trial_skew_ms(trial),
                                   .latency_min_ns = 20 * TIME_NS_PER_MS,
                                   .latency_max_ns =
                                       20 * TIME_NS_PER_MS + (int64_t)draw(trial, 800) * TIME_NS_PER_MS};
    for (int i = 0; i < OPERATION_COUNT; i++)
        fleet.quota[i] = -1; /* the oracle counts by itself */
    trial->fleet = fleet_create(&fleet);
    know_jobs(trial);
    draw_policy(trial);
    if (!calm)
        draw_faults(trial, &world);
    world.fleet = trial->fleet;
    rig_init(&trial->rig, &world, NULL);
    trial->target = (struct target){.name = "simulated", .signature_life_ms = 300000};
    if (calm)
        return;
    draw_accidents(trial);
    trial->actors_active = chance(trial, 70);
    trial->mischief = chance(trial, 70);
    virtual_at(trial->rig.world, TIME_NS_PER_SECOND, act, trial);
}
