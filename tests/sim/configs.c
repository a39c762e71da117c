/* See sim/configs.h. Every version is kept: a run ends with the one that it began with. */
#include "sim/configs.h"

#include "base/mem.h"
#include "base/time.h"
#include "sim/kept.h"

#include <stdio.h>
#include <stdlib.h>

#define RULES_MAX 3

struct version {
    struct policy policy;
    struct keep_rule keep[RULES_MAX];
    struct protect_rule protect_rule;
    struct protect_list protect;
    char sha256[65];
    bool is_short; /* its time is too short to get through */
    struct version *older;
};

struct configs {
    const struct sim *sim;
    struct random random;
    struct random extras, graces, times; /* so that what a seed has besides does not move the rest */
    struct version *present[SCENARIO_POLICIES_MAX];
    int count, versions;
    bool risky, plan_only;
    int64_t executions;
};

static bool chance(struct configs *configs, unsigned percent)
{
    return random_below(&configs->random, 100) < percent;
}

static int64_t below(struct configs *configs, int64_t bound)
{
    return (int64_t)random_below(&configs->random, (uint64_t)bound);
}

static void include(struct pattern_list *list, const char *const *patterns, size_t count)
{
    list->patterns = (char **)(uintptr_t)patterns;
    list->count = count;
}

static void draw_names(struct configs *configs, struct policy *policy)
{
    static const char *const firmware[] = {"fw-*"}, *const two_jobs[] = {"fw-0000", "fw-0002"},
                             *const things[] = {"gw-000001", "gw-000003"}, *const some[] = {"gw-00000?"};
    if (chance(configs, 30))
        include(&policy->match.job_id.include, firmware, 1);
    else if (chance(configs, 15))
        include(&policy->match.job_id.include, two_jobs, 2);
    if (chance(configs, 15))
        include(&policy->match.thing.include, things, 2);
    else if (chance(configs, 15))
        include(&policy->match.thing.include, some, 1);
}

/* So that one of the fleet's executions is just old enough, or will be in a moment: that shows whose clock
 * counts. */
static int64_t draw_age(struct configs *configs)
{
    struct fleet_execution found;
    uint64_t identity = 1 + (uint64_t)below(configs, configs->executions);
    int64_t age_ms = 0;
    if (chance(configs, 50) && fleet_identity(configs->sim->sites[0].fleet, identity, &found))
        age_ms = sim_service_ms(configs->sim) - found.execution.fingerprint.last_updated_at.ms;
    age_ms += below(configs, 20 * TIME_MS_PER_SECOND);
    return age_ms > TIME_MS_PER_DAY ? age_ms : (1 + below(configs, 200)) * TIME_MS_PER_DAY;
}

/* --- what a seed has besides -----------------------------------------------------------------------------
 */

static int64_t up_to(struct configs *configs, int64_t most)
{
    return 1 + (int64_t)random_below(&configs->extras, (uint64_t)most);
}

static bool has(struct configs *configs, enum extra extra)
{
    int percent = configs->sim->scenario->extras[extra];
    return percent > 0 && up_to(configs, 100) <= percent;
}

static void draw_keep(struct configs *configs, struct version *version)
{
    struct policy *policy = &version->policy;
    policy->keep = version->keep;
    policy->keep_count = (size_t)up_to(configs, RULES_MAX);
    for (size_t i = 0; i < policy->keep_count; i++) {
        struct keep_rule *rule = &version->keep[i];
        rule->kind =
            up_to(configs, 2) == 1 ? KEEP_LAST : (enum keep_kind)(up_to(configs, KEEP_KIND_COUNT) - 1);
        rule->per = (enum keep_per)up_to(configs, PER_COUNT - 1);
        rule->last = rule->daily = rule->weekly = rule->monthly = up_to(configs, 5);
        rule->within_ms = up_to(configs, 200) * TIME_MS_PER_DAY;
        if (rule->kind == KEEP_WITHIN) {
            rule->per = PER_NOTHING;
        }
    }
    if (up_to(configs, 3) == 1) { /* the rules alone say what goes */
        policy->match.older_than_ms = 0;
    }
}

static void draw_protect(struct configs *configs, struct version *version)
{
    static const char *const jobs[] = {"fw-0000", "fw-000?", "*2"}, *const things[] = {"gw-000001", "*3"};
    struct protect_rule *rule = &version->protect_rule;
    bool by_job = up_to(configs, 2) == 1;
    if (by_job) {
        include(&rule->job_ids, &jobs[up_to(configs, 3) - 1], 1);
    } else {
        include(&rule->things, &things[up_to(configs, 2) - 1], 1);
    }
    version->protect = (struct protect_list){.rules = rule, .count = 1};
    version->policy.protect = &version->protect;
}

static void draw_extras(struct configs *configs, struct version *version)
{
    struct policy *policy = &version->policy;
    if (has(configs, EXTRA_KEEP)) {
        draw_keep(configs, version);
    }
    if (has(configs, EXTRA_PROTECT)) {
        draw_protect(configs, version);
    }
    if (has(configs, EXTRA_PER_THING)) {
        policy->per_thing = up_to(configs, 6);
    }
    if (has(configs, EXTRA_ORDER)) {
        policy->order = up_to(configs, 2) == 1 ? ORDER_OLDEST_FIRST : ORDER_NEWEST_FIRST;
    }
    if (has(configs, EXTRA_MAX_DURATION)) {
        policy->max_duration_ms = (12 + up_to(configs, 48)) * TIME_MS_PER_MINUTE;
    }
    if (has(configs, EXTRA_ARCHIVE)) {
        static char directory[] = "/archive";
        policy->archive_directory = directory;
        policy->archive_optional = has(configs, EXTRA_OPTIONAL);
    }
}

/* Where rows are judged together, tests/unit/test_grace.c does it. */
static void draw_grace(struct configs *configs, struct version *version)
{
    struct policy *policy = &version->policy;
    int percent = configs->sim->scenario->extras[EXTRA_GRACE];
    bool drawn = (int)random_below(&configs->graces, 100) < percent;
    int64_t minutes = 2 + (int64_t)random_below(&configs->graces, 15);
    policy->selection = version->sha256;
    if (drawn && !kept_needed(policy)) {
        policy->grace_ms = minutes * TIME_MS_PER_MINUTE;
    }
}

/* Some seconds for much that goes, so that no more than a part of a plan can. */
static void draw_time(struct configs *configs, struct version *version)
{
    struct policy *policy = &version->policy;
    int percent = configs->sim->scenario->extras[EXTRA_SHORT];
    bool drawn = (int)random_below(&configs->times, 100) < percent;
    int64_t seconds = 10 + (int64_t)random_below(&configs->times, 20);
    version->is_short = drawn && !configs->sim->healed;
    if (version->is_short) {
        policy->max_duration_ms = seconds * TIME_MS_PER_SECOND;
        policy->match.older_than_ms = TIME_MS_PER_DAY;
        policy->match.status_bits |= EXECUTION_TERMINAL_BITS;
        policy->match.job_id = policy->match.thing = (struct name_match){0};
        policy->per_run = 0;
    }
}

/* --- versions --------------------------------------------------------------------------------------------
 */

static void draw(struct configs *configs, int number)
{
    struct version *version = mem_zalloc(sizeof *version);
    struct policy *policy = &version->policy;
    static char no_text[] = "";
    snprintf(policy->name, sizeof policy->name, "policy-%d", number);
    snprintf(version->sha256, sizeof version->sha256, "%064d", ++configs->versions);
    policy->description = no_text;
    policy->enforce = !chance(configs, 4);
    policy->match.older_than_ms = draw_age(configs);
    policy->match.status_bits = (unsigned)below(configs, EXECUTION_BIT(EXECUTION_STATUS_COUNT));
    policy->match.status_bits &= EXECUTION_TERMINAL_BITS;
    policy->match.status_bits |= EXECUTION_BIT(EXECUTION_SUCCEEDED);
    policy->force = chance(configs, 10);
    if (policy->force)
        policy->match.status_bits |= EXECUTION_BIT(EXECUTION_IN_PROGRESS);
    policy->per_run = chance(configs, 15) ? 1 + below(configs, 60) + configs->executions / 1000 * 100 : 0;
    policy->selected_over = chance(configs, 5) ? below(configs, 20) : 1000000;
    policy->verify_risky = configs->risky && chance(configs, 60);
    draw_names(configs, policy);
    draw_extras(configs, version);
    draw_grace(configs, version);
    draw_time(configs, version);
    version->older = configs->present[number];
    configs->present[number] = version;
}

struct configs *configs_create(const struct sim *sim)
{
    const struct scenario *scenario = sim->scenario;
    struct configs *configs = mem_zalloc(sizeof *configs);
    configs->sim = sim;
    scenario_stream(scenario, 400, &configs->random);
    scenario_stream(scenario, 410, &configs->extras);
    configs->count = scenario->policies;
    scenario_stream(scenario, 401, &configs->graces);
    scenario_stream(scenario, 402, &configs->times);
    configs->risky = scenario->risky;
    configs->executions = scenario->executions;
    for (int i = 0; i < configs->count; i++)
        draw(configs, i);
    return configs;
}

void configs_destroy(struct configs *configs)
{
    for (int i = 0; i < configs->count; i++)
        while (configs->present[i]) {
            struct version *version = configs->present[i];
            configs->present[i] = version->older;
            free(version);
        }
    free(configs);
}

int configs_count(const struct configs *configs)
{
    return configs->count;
}

const struct policy *configs_policy(const struct configs *configs, int number, const char **sha256)
{
    if (sha256)
        *sha256 = configs->present[number]->sha256;
    return &configs->present[number]->policy;
}

int configs_find(const struct configs *configs, const char *name)
{
    int number;
    bool fits = sscanf(name, "policy-%d", &number) == 1 && number >= 0 && number < configs->count;
    return fits ? number : -1;
}

bool configs_plan_only(const struct configs *configs)
{
    return configs->plan_only;
}

void configs_reload(struct configs *configs)
{
    configs->plan_only = chance(configs, 20);
    if (!configs->plan_only) /* else the policies stay, so that a run that is resumed has its own again */
        draw(configs, (int)below(configs, configs->count));
}

/* The same policy, but for its time. What a version points to it has for as long as there are any. */
static void give_time(struct configs *configs, int number)
{
    struct version *version = mem_zalloc(sizeof *version);
    *version = *configs->present[number];
    version->older = configs->present[number];
    version->is_short = false;
    version->policy.max_duration_ms = 0;
    snprintf(version->sha256, sizeof version->sha256, "%064d", ++configs->versions);
    configs->present[number] = version;
}

void configs_heal(struct configs *configs)
{
    for (int i = 0; i < configs->count; i++) {
        if (configs->present[i]->is_short) {
            give_time(configs, i);
        }
    }
}

void configs_use(struct configs *configs, const struct policy *policy)
{
    struct version *version = configs->present[0];
    while (configs->count > 1)
        free(configs->present[--configs->count]);
    version->policy = *policy;
    version->policy.selection = version->sha256;
    snprintf(version->policy.name, sizeof version->policy.name, "policy-0");
}
