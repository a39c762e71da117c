/* See retention_world.h. */
#include "retention_world.h"

#include "base/random.h"
#include "policy/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct random rng;

static int below(int bound)
{
    return (int)random_below(&rng, (uint64_t)bound);
}

static bool one_in(int bound)
{
    return below(bound) == 0;
}

#define PATTERNS 8

static const char *const NAMES[PATTERNS] = {"a*", "*1", "a1", "?2", "b*", "*", "AFR_OTA-b?", "AFR_OTA-b1"};
static char *names_of[PATTERNS];
static char *groups_of[] = {(char *)"g0", (char *)"g1"}, *types_of[] = {(char *)"t0", (char *)"t1"},
            *queries_of[] = {(char *)"attributes.q0:yes", (char *)"attributes.q1:yes"};
static char namespace_of[] = "gg";
static struct attribute attributes_of[] = {{(char *)"tier", (char *)"edge"}, {(char *)"q0", (char *)"yes"}};

struct world world;

static struct zone *zones[3];
static const char *const ZONES[] = {"Europe/Berlin", "America/St_Johns", "Pacific/Apia"};

static void draw_patterns(struct pattern_list *list)
{
    size_t from = (size_t)below(PATTERNS);
    *list = (struct pattern_list){&names_of[from], 1 + (from + 1 < PATTERNS && one_in(2))};
}

static struct match draw_block(int depth);

static void draw_inner(struct match **blocks, size_t *count, int depth)
{
    *count = (size_t)(1 + below(2));
    if (world.blocks_used + (int)*count > BLOCKS_MAX) {
        *count = 0;
        return;
    }
    *blocks = &world.blocks[world.blocks_used];
    world.blocks_used += (int)*count;
    for (size_t i = 0; i < *count; i++) {
        (*blocks)[i] = draw_block(depth - 1);
    }
}

static void draw_of_things(struct match *match)
{
    if (one_in(4)) {
        draw_patterns(&match->thing.include);
    }
    if (one_in(8)) {
        draw_patterns(&match->thing.exclude);
    }
    if (one_in(6)) {
        match->groups = (struct pattern_list){groups_of, (size_t)(1 + below(2))};
    }
    if (one_in(6)) {
        match->attributes = (struct attribute_list){attributes_of, (size_t)(1 + one_in(3))};
    }
    if (one_in(8)) {
        match->types = (struct pattern_list){types_of, (size_t)(1 + below(2))};
    }
    if (one_in(8)) {
        match->query = queries_of[below(2)];
    }
}

static struct match draw_block(int depth)
{
    struct match match = {0};
    if (one_in(3)) {
        match.status_bits = (unsigned)random_next(&rng) & EXECUTION_TERMINAL_BITS;
    }
    if (one_in(3)) {
        draw_patterns(&match.job_id.include);
    }
    if (one_in(6)) {
        draw_patterns(&match.job_id.exclude);
    }
    if (one_in(6)) {
        match.job_status_bits = 1u << (1 + below(3)) | 1u << JOB_COMPLETED;
    }
    if (one_in(8)) {
        match.job_selection = one_in(2) ? SELECTION_SNAPSHOT : SELECTION_CONTINUOUS;
    }
    if (one_in(12)) {
        match.namespace_id = namespace_of;
    }
    draw_of_things(&match);
    if (one_in(3)) {
        match.age_field = (enum age_field)below(3);
        match.older_than_ms = (1 + below(60)) * DAY / 2;
    }
    if (depth > 0 && one_in(3)) {
        draw_inner(&match.any_of, &match.any_of_count, depth);
    }
    if (depth > 0 && one_in(3)) {
        draw_inner(&match.none_of, &match.none_of_count, depth);
    }
    static const struct match nothing;
    if (memcmp(&match, &nothing, sizeof match) == 0) { /* a block must ask for something */
        match.status_bits = EXECUTION_BIT(EXECUTION_SUCCEEDED);
    }
    return match;
}

static void draw_keep(void)
{
    world.policy.keep = world.keep;
    world.policy.keep_count = (size_t)below(4);
    for (size_t i = 0; i < world.policy.keep_count; i++) {
        struct keep_rule *rule = &world.keep[i];
        *rule = (struct keep_rule){.kind = (enum keep_kind)below(KEEP_KIND_COUNT),
                                   .per = (enum keep_per)(PER_TARGET + below(PER_COUNT - PER_TARGET))};
        rule->last = rule->daily = rule->weekly = rule->monthly = 1 + below(4);
        rule->within_ms = (1 + below(20)) * DAY / 2;
        if (rule->kind == KEEP_WITHIN) {
            rule->per = PER_NOTHING;
        }
    }
}

static void draw_protect(void)
{
    world.protect = (struct protect_list){world.rules, (size_t)(one_in(3) ? 1 + below(2) : 0)};
    world.policy.protect = &world.protect;
    for (size_t i = 0; i < world.protect.count; i++) {
        struct protect_rule *rule = &world.rules[i];
        *rule = (struct protect_rule){.until_ms = one_in(2) ? NOW + (below(3) - 1) * HOUR : 0};
        if (one_in(2)) {
            draw_patterns(&rule->job_ids);
        }
        if (one_in(2) || rule->job_ids.count == 0) {
            draw_patterns(&rule->things);
        }
        if (one_in(4)) {
            rule->groups = (struct pattern_list){groups_of, 1};
        }
    }
}

static struct timestamp draw_time(void)
{
    struct timestamp time = {.ms = NOW - below(100) * 6 * HOUR};
    if (one_in(30)) {
        return (struct timestamp){0};
    }
    if (one_in(30)) {
        time.ms = NOW + (one_in(2) ? 4 : 6) * 60000;
    } else if (one_in(4)) {
        time.ms = NOW - below(14) * 30 * DAY;
    }
    snprintf(time.text, sizeof time.text, "%lld", (long long)(time.ms / 1000));
    return time;
}

void world_name_thing(int thing, char *name)
{
    sprintf(name, "%c%d", thing % 2 == 1 ? 'a' : 'b', thing);
}

static void draw_fleet(void)
{
    world.things_known = !one_in(3);
    world.nested = one_in(2);
    for (int i = 0; i < 5; i++) {
        struct job *job = &world.jobs[i];
        *job = (struct job){.status = (enum job_status)(1 + below(3)), .described = true};
        job->continuous = one_in(4);
        world.job_known[i] = !one_in(4);
        snprintf(job->job_id, sizeof job->job_id, i == 4 && one_in(3) ? OTA_PREFIX "%c%d" : "%c%d",
                 i < 3 ? 'a' : 'b', i % 3);
        snprintf(job->namespace_id, sizeof job->namespace_id, "%s", one_in(8) ? "gg" : "");
    }
    for (int i = 0; i < THINGS; i++) {
        world.group_of[i] = below(3);
        world.tier_of[i] = below(3);
        world.type_of[i] = below(3);
        world.queries[i] = below(4);
    }
    world.count = 0;
    for (int i = 0; i < 5 * THINGS * 3; i++) {
        if (!one_in(3) && world.count < FLEET_MAX) {
            struct job_execution *execution = &world.fleet[world.count++];
            *execution = (struct job_execution){.number = 1 + i / (5 * THINGS)};
            memcpy(execution->job_id, world.jobs[i % 5].job_id, sizeof execution->job_id);
            world_name_thing(i / 5 % THINGS, execution->thing_name);
            execution->fingerprint = (struct fingerprint){
                .status = (enum execution_status)below(EXECUTION_STATUS_COUNT),
                .queued_at = draw_time(),
                .started_at = draw_time(),
                .last_updated_at = draw_time(),
            };
        }
    }
}

void world_draw(uint64_t seed)
{
    random_seed(&rng, seed);
    memset(&world, 0, sizeof world);
    world.now_ms = NOW;
    draw_fleet();
    world.policy.match = draw_block(below(3));
    if (world.policy.match.status_bits == 0) {
        world.policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    }
    world.policy.force = one_in(6);
    if (world.policy.force) {
        world.policy.match.status_bits |= EXECUTION_BIT(EXECUTION_IN_PROGRESS);
    }
    draw_keep();
    draw_protect();
    int zone = below(4);
    world.policy.zone = zone < 3 ? zones[zone] : NULL;
    world.zone_name = zone < 3 ? ZONES[zone] : "UTC";
}

int world_thing_number(const char *thing_name)
{
    return thing_name[1] - '0';
}

bool world_within(int thing, const char *group)
{
    int number = group[1] - '0';
    return world.group_of[thing] == number || (world.nested && number == 0 && world.group_of[thing] == 1);
}

bool world_found(int thing, const char *query)
{
    return (world.queries[thing] >> (query[strlen("attributes.q")] - '0') & 1) != 0;
}

enum truth world_thing_fact(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                            const char *value)
{
    (void)owner;
    int thing = world_thing_number(thing_name);
    if (fact == THING_IN_GROUP) {
        return world_within(thing, value) ? TRUTH_YES : TRUTH_NO;
    }
    if (fact == THING_OF_TYPE) {
        return world.type_of[thing] == value[1] - '0' ? TRUTH_YES : TRUTH_NO;
    }
    if (fact == THING_IN_QUERY) {
        return world_found(thing, value) ? TRUTH_YES : TRUTH_NO;
    }
    bool has = strcmp(name, "tier") == 0 ? world.tier_of[thing] == 0 : world_found(thing, queries_of[0]);
    return has ? TRUTH_YES : TRUTH_NO;
}

const struct job *world_job_of(const struct job_execution *execution)
{
    for (int i = 0; i < 5; i++) {
        if (strcmp(world.jobs[i].job_id, execution->job_id) == 0) {
            return &world.jobs[i];
        }
    }
    return NULL;
}

void world_load(void)
{
    struct err err;
    for (int i = 0; i < PATTERNS; i++) {
        names_of[i] = (char *)(uintptr_t)NAMES[i];
    }
    for (int i = 0; i < 3; i++) {
        if (zone_load(ZONES[i], &zones[i], &err) != 0) {
            fprintf(stderr, "%s\n", err.msg);
            abort();
        }
    }
}

void world_unload(void)
{
    for (int i = 0; i < 3; i++) {
        zone_destroy(zones[i]);
    }
}
