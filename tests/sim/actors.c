/* See sim/actors.h. Each actor has a stream of random numbers of its own and acts again and again until the
 * world heals. */
#include "sim/actors.h"

#include "base/mem.h"
#include "base/time.h"
#include "sim/rules.h"

#include <stdlib.h>
#include <string.h>

#define ENOUGH 300 /* and three times the executions at the start: then nothing more is born */
#define TRIES  8   /* to find an execution that the actor can do something with */

struct one {
    struct actors *actors;
    enum actor actor;
    struct random random;
};

struct actors {
    const struct site *site;
    struct sim *sim; /* the site's */
    struct one each[ACTOR_COUNT];
    bool *took; /* by identity */
    size_t room;
};

static void note(struct actors *actors, uint64_t identity)
{
    if (identity >= actors->room) {
        size_t room = identity * 2 + 64;
        actors->took = mem_realloc(actors->took, room, sizeof *actors->took);
        memset(&actors->took[actors->room], 0, room - actors->room);
        actors->room = room;
    }
    actors->took[identity] = true;
}

bool actors_took(const struct actors *actors, uint64_t identity)
{
    return identity < actors->room && actors->took[identity];
}

static uint64_t draw(struct one *one, uint64_t bound)
{
    return random_below(&one->random, bound);
}

/* verify: risky relies on such jobs to make nothing new; so the actors keep to it. */
static bool may_create(const struct actors *actors, const char *job_id)
{
    struct job job;
    bool known = fleet_know_job(actors->site->fleet, job_id, &job);
    return known && !(actors->sim->scenario->risky && rules_settled(&job));
}

/* --- what they do ----------------------------------------------------------------------------------------
 */

static void take(struct one *one, uint64_t identity)
{
    struct sim *sim = one->actors->sim;
    if (fleet_remove(one->actors->site->fleet, identity, sim_service_ms(sim)) == 0) {
        return;
    }
    note(one->actors, identity);
    sim->totals.acts[one->actor]++;
    sim_tell(sim, "%s: takes identity %llu", actor_name(one->actor), (unsigned long long)identity);
}

/* One that looks alike differs in a field at least. What follows a deletion of ours was queued after it. */
static unsigned draw_differences(struct one *one, uint64_t identity)
{
    unsigned differences = actors_took(one->actors, identity) ? 0 : FLEET_OTHER_QUEUED;
    while (differences == 0) {
        differences = 1u << draw(one, 5) | (draw(one, 3) == 0 ? (unsigned)draw(one, 32) : 0);
    }
    return differences;
}

static void fill(struct one *one, uint64_t identity, bool twin)
{
    struct sim *sim = one->actors->sim;
    struct fleet_execution old;
    int64_t now_ms = sim_service_ms(sim);
    bool enough =
        (int64_t)fleet_identities(one->actors->site->fleet) > 3 * sim->scenario->executions + ENOUGH;
    if (enough || !fleet_identity(one->actors->site->fleet, identity, &old) ||
        !may_create(one->actors, old.execution.job_id)) {
        return;
    }
    uint64_t born = 0;
    if (twin) {
        born = fleet_reincarnate(one->actors->site->fleet, identity, draw_differences(one, identity), now_ms);
    } else {
        static const enum execution_status states[] = {EXECUTION_SUCCEEDED, EXECUTION_FAILED,
                                                       EXECUTION_TIMED_OUT, EXECUTION_QUEUED,
                                                       EXECUTION_IN_PROGRESS};
        int64_t age_ms = (int64_t)draw(one, 2) * (int64_t)draw(one, 300) * TIME_MS_PER_DAY;
        born = fleet_add_execution(one->actors->site->fleet, old.execution.job_id, old.execution.thing_name,
                                   states[draw(one, 5)], now_ms - age_ms - (int64_t)draw(one, 5000), now_ms);
    }
    sim->totals.acts[one->actor] += born != 0;
    sim_tell(sim, "%s: identity %llu is born after %llu: %s/%s/%lld", actor_name(one->actor),
             (unsigned long long)born, (unsigned long long)identity, old.execution.job_id,
             old.execution.thing_name, (long long)old.execution.number);
}

static uint64_t find_one(struct one *one, bool deleted)
{
    struct fleet_execution found;
    uint64_t count = fleet_identities(one->actors->site->fleet);
    for (int i = 0; i < TRIES && count > 0; i++) {
        uint64_t identity = 1 + draw(one, count);
        if (fleet_identity(one->actors->site->fleet, identity, &found) &&
            (found.deleted_ms != 0) == deleted) {
            return identity;
        }
    }
    return 0;
}

static void progress(struct one *one)
{
    struct sim *sim = one->actors->sim;
    struct fleet_execution found;
    static const enum execution_status next[] = {EXECUTION_IN_PROGRESS, EXECUTION_SUCCEEDED,
                                                 EXECUTION_FAILED};
    uint64_t identity = find_one(one, false);
    if (!fleet_identity(one->actors->site->fleet, identity, &found) ||
        rules_terminal(found.execution.fingerprint.status)) {
        return;
    }
    fleet_set_status(one->actors->site->fleet, identity, next[draw(one, 3)], sim_service_ms(sim));
    sim->totals.acts[one->actor]++;
}

static void act(struct one *one)
{
    uint64_t identity = find_one(one, one->actor == ACTOR_CREATES);
    if (one->actor == ACTOR_PROGRESSES) {
        progress(one);
    }
    if (one->actor == ACTOR_PROGRESSES || identity == 0) {
        return;
    }
    if (one->actor != ACTOR_CREATES) {
        take(one, identity);
    }
    if (one->actor != ACTOR_DELETES) {
        fill(one, identity, one->actor == ACTOR_TWINS);
    }
}

static void on_time(void *ctx)
{
    struct one *one = ctx;
    struct sim *sim = one->actors->sim;
    int64_t every_ms = sim->scenario->actor_every_ms[one->actor];
    if (sim->healed) {
        return;
    }
    act(one);
    int64_t wait_ms = 1 + (int64_t)draw(one, (uint64_t)(2 * every_ms));
    virtual_at(sim->world, virtual_mono_ns(sim->world) + wait_ms * TIME_NS_PER_MS, on_time, one);
}

/* --- because of us ---------------------------------------------------------------------------------------
 */

struct plot { /* a number that is taken or filled later */
    struct one *one;
    uint64_t identity;
    bool takes, fills, twin;
};

static void on_plot(void *ctx)
{
    struct plot *plot = ctx;
    if (!plot->one->actors->sim->healed && plot->takes) {
        take(plot->one, plot->identity);
    }
    if (!plot->one->actors->sim->healed && plot->fills) {
        fill(plot->one, plot->identity, plot->twin);
    }
    free(plot);
}

static void plan(struct one *one, const struct call *call, int64_t within_ms)
{
    struct sim *sim = one->actors->sim;
    uint64_t identity = fleet_latest(one->actors->site->fleet, call->job_id, call->thing_name, call->number);
    if (identity == 0) {
        return;
    }
    struct plot *plot = mem_alloc(sizeof *plot);
    *plot = (struct plot){.one = one, .identity = identity};
    plot->takes = draw(one, 3) > 0;
    plot->fills = draw(one, 4) > 0;
    plot->twin = draw(one, 2) == 0;
    virtual_at(sim->world,
               virtual_mono_ns(sim->world) + (int64_t)draw(one, (uint64_t)within_ms) * TIME_NS_PER_MS,
               on_plot, plot);
}

static bool wants(struct one *one)
{
    int64_t percent = one->actors->sim->scenario->actor_every_ms[one->actor];
    return percent > 0 && (int64_t)draw(one, 100) < percent;
}

void actors_heard(struct actors *actors, const struct call *call)
{
    struct sim *sim = actors->sim;
    if (sim->healed) {
        return;
    }
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && wants(&actors->each[ACTOR_AMBUSHES])) {
        plan(&actors->each[ACTOR_AMBUSHES], call, 600);
    }
    if (call->operation == OPERATION_DELETE_EXECUTION && call->answer.class == ANSWER_AMBIGUOUS &&
        wants(&actors->each[ACTOR_AFTER_LOSSES])) {
        plan(&actors->each[ACTOR_AFTER_LOSSES], call, SIM_LIFE_MS);
    }
    if (wants(&actors->each[ACTOR_NEIGHBOUR])) {
        fleet_use_quota(actors->site->fleet, call->operation, sim_service_ms(sim));
        sim->totals.acts[ACTOR_NEIGHBOUR]++;
    }
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct actors *actors_create(const struct site *site)
{
    struct sim *sim = site->sim;
    struct actors *actors = mem_zalloc(sizeof *actors);
    actors->site = site;
    actors->sim = sim;
    for (int i = 0; i < ACTOR_COUNT; i++) {
        struct one *one = &actors->each[i];
        *one = (struct one){.actors = actors, .actor = (enum actor)i};
        site_stream(site, 300 + (uint64_t)i, &one->random);
        if (i < ACTOR_AMBUSHES && sim->scenario->actor_every_ms[i] > 0) {
            virtual_at(sim->world, TIME_NS_PER_SECOND, on_time, one);
        }
    }
    return actors;
}

void actors_destroy(struct actors *actors)
{
    if (!actors) {
        return;
    }
    free(actors->took);
    free(actors);
}
