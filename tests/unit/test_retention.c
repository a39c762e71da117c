/* Random policies over random fleets: the evaluator, which sees one execution at a time, against the
 * sentences of the manual, applied to everything at once. What is not known may only keep more. JOBSWEEP_SEED
 * is the first case, JOBSWEEP_CASES how many. */
#include "base/random.h"
#include "policy/keep.h"
#include "policy/match.h"
#include "policy/zone.h"
#include "tap.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define HOUR       INT64_C(3600000)
#define DAY        (24 * HOUR)
#define NOW        (INT64_C(20400) * DAY + 11 * HOUR)
#define FLEET_MAX  60
#define BLOCKS_MAX 64
#define THINGS     4

static struct random rng;

static int below(int bound)
{
    return (int)random_below(&rng, (uint64_t)bound);
}

static bool one_in(int bound)
{
    return below(bound) == 0;
}

/* --- a world ------------------------------------------------------------------------------------------- */

static const char *const NAMES[] = {"a*", "*1", "a1", "?2", "b*", "*"};
static char *names_of[6];
static char *groups_of[] = {(char *)"g0", (char *)"g1"};
static struct attribute attributes_of[] = {{(char *)"tier", (char *)"edge"},
                                           {(char *)"tier", (char *)"core"}};

static struct world {
    struct job jobs[5];
    bool job_known[5], things_known;
    int group_of[THINGS], tier_of[THINGS];
    struct job_execution fleet[FLEET_MAX];
    int count;
    struct match blocks[BLOCKS_MAX];
    int blocks_used;
    struct keep_rule keep[KEEP_RULES_MAX];
    struct protect_rule rules[2];
    struct protect_list protect;
    struct policy policy;
    const char *zone_name;
} world;

static struct zone *zones[3];
static const char *const ZONES[] = {"Europe/Berlin", "America/St_Johns", "Pacific/Apia"};

static void draw_patterns(struct pattern_list *list)
{
    size_t from = (size_t)below(6);
    *list = (struct pattern_list){&names_of[from], 1 + (from < 5 && one_in(2))};
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
        match->attributes = (struct attribute_list){attributes_of, (size_t)(1 + one_in(4))};
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
    return match;
}

static void draw_keep(void)
{
    world.policy.keep = world.keep;
    world.policy.keep_count = (size_t)below(5);
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

static void draw_fleet(void)
{
    world.things_known = !one_in(3);
    for (int i = 0; i < 5; i++) {
        struct job *job = &world.jobs[i];
        *job = (struct job){.status = (enum job_status)(1 + below(3)), .described = true};
        job->continuous = one_in(4);
        world.job_known[i] = !one_in(4);
        snprintf(job->job_id, sizeof job->job_id, "%c%d", i < 3 ? 'a' : 'b', i % 3);
        snprintf(job->namespace_id, sizeof job->namespace_id, "%s", one_in(8) ? "gg" : "");
    }
    for (int i = 0; i < THINGS; i++) {
        world.group_of[i] = below(3);
        world.tier_of[i] = below(3);
    }
    world.count = 0;
    for (int i = 0; i < 5 * THINGS * 3; i++) {
        if (!one_in(3) && world.count < FLEET_MAX) {
            struct job_execution *execution = &world.fleet[world.count++];
            *execution = (struct job_execution){.number = 1 + i / (5 * THINGS)};
            memcpy(execution->job_id, world.jobs[i % 5].job_id, sizeof execution->job_id);
            snprintf(execution->thing_name, sizeof execution->thing_name, "%c%d", i / 5 % 2 ? 'a' : 'b',
                     i / 5 % THINGS);
            execution->fingerprint = (struct fingerprint){
                .status = (enum execution_status)below(EXECUTION_STATUS_COUNT),
                .queued_at = draw_time(),
                .started_at = draw_time(),
                .last_updated_at = draw_time(),
            };
        }
    }
}

static void draw_world(uint64_t seed)
{
    random_seed(&rng, seed);
    memset(&world, 0, sizeof world);
    draw_fleet();
    world.policy.match = draw_block(2);
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

static int thing_number(const char *thing_name)
{
    return thing_name[1] - '0';
}

static enum truth thing_fact(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                             const char *value)
{
    (void)owner;
    (void)name;
    int thing = thing_number(thing_name);
    if (fact == THING_IN_GROUP) {
        return world.group_of[thing] == value[1] - '0' ? TRUTH_YES : TRUTH_NO;
    }
    return world.tier_of[thing] == (value[0] == 'e' ? 0 : 1) ? TRUTH_YES : TRUTH_NO;
}

static const struct job *job_of(const struct job_execution *execution)
{
    for (int i = 0; i < 5; i++) {
        if (strcmp(world.jobs[i].job_id, execution->job_id) == 0) {
            return &world.jobs[i];
        }
    }
    return NULL;
}

/* --- the sentences ------------------------------------------------------------------------------------- */

/* What a clause about age is taken for. A time that was not told counts against deletion: in none_of too. */
enum reach { AS_AGED, AS_AGED_IN_NONE_OF, WIDEST, NARROWEST };

static bool fits(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (fnmatch(list->patterns[i], text, 0) == 0) {
            return true;
        }
    }
    return false;
}

static const struct timestamp *said_time(enum age_field field, const struct job_execution *execution)
{
    const struct timestamp *const times[] = {&execution->fingerprint.last_updated_at,
                                             &execution->fingerprint.queued_at,
                                             &execution->fingerprint.started_at};
    return times[field];
}

static bool said_groups(const struct pattern_list *groups, const struct job_execution *execution)
{
    bool within = groups->count == 0;
    for (size_t i = 0; i < groups->count; i++) {
        within |= world.group_of[thing_number(execution->thing_name)] == groups->patterns[i][1] - '0';
    }
    return within;
}

static bool said_names(const struct match *match, const struct job_execution *execution)
{
    const struct job *job = job_of(execution);
    bool tiers = match->attributes.count == 0 ||
                 (match->attributes.count == 1 && world.tier_of[thing_number(execution->thing_name)] == 0);
    return (match->status_bits == 0 || (match->status_bits >> execution->fingerprint.status & 1u) != 0) &&
           (match->job_id.include.count == 0 || fits(&match->job_id.include, execution->job_id)) &&
           !fits(&match->job_id.exclude, execution->job_id) &&
           (match->thing.include.count == 0 || fits(&match->thing.include, execution->thing_name)) &&
           !fits(&match->thing.exclude, execution->thing_name) &&
           (match->job_status_bits == 0 || (match->job_status_bits >> job->status & 1u) != 0) &&
           (match->job_selection == SELECTION_ANY ||
            (match->job_selection == SELECTION_CONTINUOUS) == job->continuous) &&
           said_groups(&match->groups, execution) && tiers;
}

static bool said_match(const struct match *match, const struct job_execution *execution, enum reach reach)
{
    bool any = match->any_of_count == 0, none = true, aged = true;
    static const enum reach inside_of_none_of[] = {AS_AGED_IN_NONE_OF, AS_AGED, NARROWEST, WIDEST};
    for (size_t i = 0; i < match->any_of_count; i++) {
        any |= said_match(&match->any_of[i], execution, reach);
    }
    for (size_t i = 0; i < match->none_of_count; i++) {
        none &= !said_match(&match->none_of[i], execution, inside_of_none_of[reach]);
    }
    if (match->older_than_ms > 0) {
        const struct timestamp *time = said_time(match->age_field, execution);
        bool told = time->text[0] != '\0', over = told && NOW - time->ms > match->older_than_ms;
        aged =
            reach == WIDEST || (reach == AS_AGED && over) || (reach == AS_AGED_IN_NONE_OF && (over || !told));
    }
    return said_names(match, execution) && any && none && aged;
}

static bool said_reserved(const struct job_execution *execution)
{
    const struct match *match = &world.policy.match;
    const struct job *job = job_of(execution);
    bool running = job->continuous && job->status == JOB_IN_PROGRESS;
    bool asked =
        match->job_selection == SELECTION_CONTINUOUS && (match->job_status_bits >> JOB_IN_PROGRESS & 1u) != 0;
    for (size_t i = 0; i < match->job_id.include.count; i++) {
        if (strcmp(match->job_id.include.patterns[i], execution->job_id) == 0) {
            return false;
        }
    }
    return job->namespace_id[0] != '\0' || (running && !asked);
}

static bool said_counts(const struct job_execution *execution)
{
    enum execution_status status = execution->fingerprint.status;
    bool final = execution_status_terminal(status) || (world.policy.force && status == EXECUTION_IN_PROGRESS);
    for (int field = 0; field < 3; field++) {
        const struct timestamp *time = said_time((enum age_field)field, execution);
        if (time->text[0] != '\0' && time->ms > NOW + 5 * 60000) {
            return false;
        }
    }
    return final && said_match(&world.policy.match, execution, WIDEST) && !said_reserved(execution) &&
           said_time(world.policy.match.age_field, execution)->text[0] != '\0';
}

static bool said_protected(const struct job_execution *execution)
{
    for (size_t i = 0; i < world.protect.count; i++) {
        const struct protect_rule *rule = &world.rules[i];
        if ((rule->job_ids.count == 0 || fits(&rule->job_ids, execution->job_id)) &&
            (rule->things.count == 0 || fits(&rule->things, execution->thing_name)) &&
            said_groups(&rule->groups, execution) && (rule->until_ms == 0 || NOW < rule->until_ms)) {
            return true;
        }
    }
    return false;
}

static bool same_group(enum keep_per per, const struct job_execution *a, const struct job_execution *b)
{
    bool things = strcmp(a->thing_name, b->thing_name) == 0, jobs = strcmp(a->job_id, b->job_id) == 0;
    return per == PER_TARGET || (per == PER_THING && things) || (per == PER_JOB && jobs) || (things && jobs);
}

/* The C library's view of the calendar. */
static void label_of(const struct keep_rule *rule, const struct job_execution *execution, char label[32])
{
    struct tm tm;
    time_t seconds = said_time(world.policy.match.age_field, execution)->ms / 1000;
    localtime_r(&seconds, &tm);
    strftime(label, 32,
             rule->kind == KEEP_DAILY    ? "%Y-%m-%d"
             : rule->kind == KEEP_WEEKLY ? "%G-%V"
                                         : "%Y-%m",
             &tm);
}

static bool newer(const struct job_execution *a, const struct job_execution *b)
{
    int64_t x = said_time(world.policy.match.age_field, a)->ms;
    int64_t y = said_time(world.policy.match.age_field, b)->ms;
    if (x != y) {
        return x > y;
    }
    if (a->number != b->number) {
        return a->number > b->number;
    }
    int order = strcmp(a->job_id, b->job_id);
    return order != 0 ? order < 0 : strcmp(a->thing_name, b->thing_name) < 0;
}

/* last: fewer than so many of the group are newer. daily and the like: none of its day is newer, and fewer
 * than so many days of the group are. */
static bool said_rule(const struct keep_rule *rule, const struct job_execution *execution)
{
    char labels[FLEET_MAX][32], mine[32];
    int newer_ones = 0, newer_labels = 0;
    if (rule->kind == KEEP_WITHIN) {
        return NOW - said_time(world.policy.match.age_field, execution)->ms <= rule->within_ms;
    }
    label_of(rule, execution, mine);
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *other = &world.fleet[i];
        if (!said_counts(other) || !same_group(rule->per, other, execution) || !newer(other, execution)) {
            continue;
        }
        bool known = false;
        label_of(rule, other, labels[newer_labels]);
        for (int j = 0; j < newer_labels; j++) {
            known |= strcmp(labels[j], labels[newer_labels]) == 0;
        }
        if (rule->kind != KEEP_LAST && strcmp(labels[newer_labels], mine) == 0) {
            return false;
        }
        newer_labels += !known;
        newer_ones++;
    }
    return (rule->kind == KEEP_LAST ? newer_ones : newer_labels) < rule->last;
}

static bool said_aged(const struct match *match)
{
    bool all = match->any_of_count > 0;
    for (size_t i = 0; i < match->any_of_count; i++) {
        all &= said_aged(&match->any_of[i]);
    }
    return all || match->older_than_ms > 0;
}

static bool said_delete(const struct job_execution *execution)
{
    bool usable = said_aged(&world.policy.match) || world.policy.keep_count > 0;
    if (!usable || !said_counts(execution) || !said_match(&world.policy.match, execution, AS_AGED) ||
        said_protected(execution)) {
        return false;
    }
    for (size_t i = 0; i < world.policy.keep_count; i++) {
        if (said_rule(&world.keep[i], execution)) {
            return false;
        }
    }
    return true;
}

/* --- the evaluator ------------------------------------------------------------------------------------- */

static struct verdict verdicts[FLEET_MAX];
static const struct keep_rule *kept_by[FLEET_MAX];
static enum keep_per sorting_by;

static int by_group(const void *left, const void *right)
{
    const struct job_execution *a = &world.fleet[*(const int *)left], *b = &world.fleet[*(const int *)right];
    int thing = strcmp(a->thing_name, b->thing_name), job = strcmp(a->job_id, b->job_id);
    if (sorting_by != PER_TARGET && sorting_by != PER_JOB && thing != 0) {
        return thing;
    }
    if (sorting_by != PER_TARGET && sorting_by != PER_THING && job != 0) {
        return job;
    }
    return keep_compare(&world.policy, a, b);
}

static void walk_groups(enum keep_per per)
{
    int order[FLEET_MAX], count = 0;
    struct keep_group group;
    for (int i = 0; i < world.count; i++) {
        if (verdicts[i].counts) {
            order[count++] = i;
        }
    }
    sorting_by = per;
    qsort(order, (size_t)count, sizeof order[0], by_group);
    for (int i = 0; i < count; i++) {
        const struct job_execution *execution = &world.fleet[order[i]];
        if (i == 0 || !keep_together(per, execution, &world.fleet[order[i - 1]])) {
            keep_begin(&group, &world.policy, per);
        }
        const struct keep_rule *rule = keep_next(&group, execution);
        kept_by[order[i]] = kept_by[order[i]] != NULL ? kept_by[order[i]] : rule;
    }
}

static void evaluate(void)
{
    for (int i = 0; i < world.count; i++) {
        const struct job *job = job_of(&world.fleet[i]);
        struct match_facts facts = {.job = world.job_known[job - world.jobs] ? job : NULL,
                                    .thing = world.things_known ? thing_fact : NULL};
        policy_decide(&world.policy, &facts, &world.fleet[i], NOW, &verdicts[i]);
        assert_false(verdicts[i].delete &&verdicts[i].undecided);
        kept_by[i] = NULL;
    }
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(&world.policy, (enum keep_per)per)) {
            walk_groups((enum keep_per)per);
        }
    }
    for (int i = 0; i < world.count; i++) {
        keep_settle(&verdicts[i], kept_by[i]);
        assert_false(verdicts[i].undecided);
        assert_true(verdicts[i].reason[0] != '\0');
    }
}

static bool all_known(void)
{
    bool known = world.things_known;
    for (int i = 0; i < 5; i++) {
        known &= world.job_known[i];
    }
    return known;
}

static void compare(uint64_t seed, int totals[3])
{
    bool known = all_known();
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *execution = &world.fleet[i];
        /* A job that nothing is known of is left out by its id alone: nothing is promised there. */
        if (!world.job_known[job_of(execution) - world.jobs]) {
            continue;
        }
        bool said = said_delete(execution);
        totals[0]++;
        totals[1] += said;
        totals[2] += kept_by[i] != NULL && !verdicts[i].delete;
        if (known ? verdicts[i].delete != said : verdicts[i].delete &&!said && world.policy.keep_count == 0) {
            fail_msg("JOBSWEEP_SEED=%llu: %s/%s/%d: %s (%s), but the sentences say %s",
                     (unsigned long long)seed, execution->job_id, execution->thing_name,
                     (int)execution->number, verdicts[i].delete ? "goes" : "stays", verdicts[i].reason,
                     said ? "it goes" : "it stays");
        }
        if (known && kept_by[i] != NULL && !said_rule(kept_by[i], execution)) {
            fail_msg("JOBSWEEP_SEED=%llu: '%s' does not hold", (unsigned long long)seed, verdicts[i].reason);
        }
    }
}

static int64_t number_from(const char *name, int64_t otherwise)
{
    return getenv(name) != NULL ? strtoll(getenv(name), NULL, 0) : otherwise;
}

static void load_zones(void)
{
    struct err err;
    for (int i = 0; i < 6; i++) {
        names_of[i] = (char *)(uintptr_t)NAMES[i];
    }
    for (int i = 0; i < 3; i++) {
        if (zone_load(ZONES[i], &zones[i], &err) != 0) {
            fail_msg("%s", err.msg);
        }
    }
}

static void the_evaluator_agrees_with_the_sentences(void **state)
{
    (void)state;
    int totals[3] = {0};
    int64_t first = number_from("JOBSWEEP_SEED", 1), cases = number_from("JOBSWEEP_CASES", 5000);
    print_message("# JOBSWEEP_SEED=%lld JOBSWEEP_CASES=%lld\n", (long long)first, (long long)cases);
    load_zones();
    for (int64_t seed = first; seed < first + cases; seed++) {
        draw_world((uint64_t)seed);
        setenv("TZ", world.zone_name, 1);
        tzset();
        evaluate();
        compare((uint64_t)seed, totals);
    }
    print_message("# %d executions, %d go, %d kept by a rule that counts\n", totals[0], totals[1], totals[2]);
    for (int i = 0; i < 3; i++) {
        zone_destroy(zones[i]);
    }
    if (cases >= 1000) { /* else all might agree because nothing ever goes */
        assert_true(totals[1] > totals[0] / 100 && totals[2] > totals[0] / 100);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_evaluator_agrees_with_the_sentences),
};

TAP_MAIN(tests)
