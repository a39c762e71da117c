/* What lint says, against what the evaluator does: on random policies and fleets nothing that it says is
 * wrong. JOBSWEEP_SEED is the first case, JOBSWEEP_CASES how many. */
#include "base/random.h"
#include "policy/glob.h"
#include "policy/keep.h"
#include "policy/lint.h"
#include "policy/load.h"
#include "policy/match.h"
#include "policy/targets.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY       INT64_C(86400000)
#define NOW       (INT64_C(20400) * DAY + DAY / 3)
#define FLEET_MAX 80
#define POLICIES  2
#define KEEPS     5

static struct random rng;

static int below(int bound)
{
    return (int)random_below(&rng, (uint64_t)bound);
}

static bool one_in(int bound)
{
    return below(bound) == 0;
}

/* --- patterns --- */

static void draw_text(char *out, int length, const char *letters)
{
    for (int i = 0; i < length; i++) {
        out[i] = letters[below((int)strlen(letters))];
    }
    out[length] = '\0';
}

static void a_pattern_covers_another_only_where_all_that_fits_does(void **state)
{
    uint64_t seed = number_from("JOBSWEEP_SEED", 1);
    int covered = 0;
    (void)state;
    printf("# seed %llu\n", (unsigned long long)seed);
    random_seed(&rng, seed);
    for (int i = 0; i < 20000; i++) {
        char wide[8], narrow[8], text[8];
        draw_text(wide, below(6), "ab?**");
        draw_text(narrow, below(6), "ab?*");
        bool covers = glob_covers(wide, narrow);
        covered += covers;
        for (int j = 0; covers && j < 50; j++) {
            draw_text(text, below(7), "ab");
            if (glob_match(narrow, text) && !glob_match(wide, text)) {
                fail_msg("\"%s\" does not cover \"%s\": \"%s\"", wide, narrow, text);
            }
        }
    }
    assert_in_range(covered, 1000, 15000);
    assert_true(glob_covers("fw-*", "fw-1?-*"));
    assert_true(glob_covers("*", "?*"));
    assert_true(glob_covers("a*", "a*"));
    assert_false(glob_covers("fw-?", "fw-*"));
    assert_false(glob_covers("fw-1", "fw-?"));
    assert_false(glob_covers("fw-1*", "fw-*"));
    assert_false(glob_covers("?", "*"));
}

/* --- a world --- */

static const char *const NAMES[] = {"a*", "a1", "b*", "*", "a?", "?1"};
static char *names[6];

static struct world {
    struct job jobs[4];
    struct job_execution fleet[FLEET_MAX];
    int count;
    struct match blocks[POLICIES][2];
    struct keep_rule keep[POLICIES][KEEPS];
    struct policy policies[POLICIES];
    struct target target;
    struct config config;
} world;
static size_t target_number;

static void draw_names(struct name_match *match)
{
    if (one_in(2)) {
        size_t from = (size_t)below(6);
        match->include = (struct pattern_list){&names[from], 1 + (from < 5 && one_in(3))};
    }
    if (one_in(5)) {
        match->exclude = (struct pattern_list){&names[below(6)], 1};
    }
}

static void draw_keep(struct policy *policy, struct keep_rule *rules)
{
    policy->keep = rules;
    policy->keep_count = (size_t)(one_in(2) ? 1 + below(KEEPS) : 0);
    for (size_t i = 0; i < policy->keep_count; i++) {
        int64_t number = one_in(2) ? 1 : 1 + below(20);
        rules[i] = (struct keep_rule){.place = {.line = (int)i + 1},
                                      .kind = (enum keep_kind)below(KEEP_KIND_COUNT),
                                      .per = (enum keep_per)(PER_TARGET + below(PER_COUNT - PER_TARGET)),
                                      .last = number,
                                      .daily = number,
                                      .weekly = number > 3 ? 3 : number,
                                      .monthly = number > 3 ? 2 : number,
                                      .within_ms = (1 + below(20)) * DAY};
        rules[i].per = rules[i].kind == KEEP_WITHIN ? PER_NOTHING : rules[i].per;
    }
}

static void draw_policy(int number)
{
    struct policy *policy = &world.policies[number];
    struct match *match = &policy->match;
    snprintf(policy->name, sizeof policy->name, "p%d", number);
    policy->place = (struct place){.file = "f", .line = 100 + number};
    policy->targets = &target_number;
    policy->target_count = 1;
    policy->scheduled = one_in(3);
    policy->enforce = one_in(3);
    match->status_bits = one_in(3) ? EXECUTION_BIT(EXECUTION_FAILED) : EXECUTION_TERMINAL_BITS;
    match->age_field = one_in(4) ? AGE_QUEUED_AT : AGE_LAST_UPDATED_AT;
    match->older_than_ms = one_in(4) ? 0 : (1 + below(20)) * DAY;
    draw_names(&match->job_id);
    draw_names(&match->thing);
    match->job_selection = one_in(6) ? SELECTION_CONTINUOUS : SELECTION_ANY;
    match->job_status_bits = one_in(6) ? 1u << JOB_IN_PROGRESS | 1u << JOB_COMPLETED : 0;
    if (one_in(3) || match->older_than_ms == 0) {
        match->any_of = world.blocks[number];
        match->any_of_count = (size_t)(1 + below(2));
        for (size_t i = 0; i < match->any_of_count; i++) {
            match->any_of[i] = (struct match){.status_bits = one_in(2) ? EXECUTION_BIT(EXECUTION_FAILED) : 0,
                                              .age_field = one_in(4) ? AGE_QUEUED_AT : AGE_LAST_UPDATED_AT,
                                              .older_than_ms = (1 + below(20)) * DAY};
        }
    }
    draw_keep(policy, world.keep[number]);
}

static struct timestamp draw_time(void)
{
    struct timestamp time = {.ms = NOW - below(80) * DAY / 2};
    if (one_in(20)) {
        return (struct timestamp){0};
    }
    snprintf(time.text, sizeof time.text, "%lld", (long long)(time.ms / 1000));
    return time;
}

static void draw_world(uint64_t seed)
{
    random_seed(&rng, seed);
    memset(&world, 0, sizeof world);
    for (int i = 0; i < 6; i++) {
        names[i] = (char *)(uintptr_t)NAMES[i];
    }
    for (int i = 0; i < 4; i++) {
        world.jobs[i] = (struct job){.status = one_in(2) ? JOB_IN_PROGRESS : JOB_COMPLETED,
                                     .continuous = one_in(3),
                                     .described = true};
        snprintf(world.jobs[i].job_id, sizeof world.jobs[i].job_id, "%c%d", i < 2 ? 'a' : 'b', i % 2);
    }
    for (world.count = 0; world.count < FLEET_MAX; world.count++) {
        struct job_execution *execution = &world.fleet[world.count];
        *execution = (struct job_execution){
            .number = world.count + 1,
            .fingerprint = {.status = one_in(2) ? EXECUTION_FAILED : EXECUTION_SUCCEEDED,
                            .queued_at = draw_time(),
                            .last_updated_at = draw_time()}};
        memcpy(execution->job_id, world.jobs[below(4)].job_id, sizeof execution->job_id);
        snprintf(execution->thing_name, sizeof execution->thing_name, "%c%d", one_in(2) ? 'a' : 'b',
                 below(2));
    }
    for (int i = 0; i < POLICIES; i++) {
        draw_policy(i);
    }
    world.config = (struct config){
        .targets = &world.target, .target_count = 1, .policies = world.policies, .policy_count = POLICIES};
}

/* --- what policies decide --- */

static struct verdict verdict_of(const struct policy *policy, const struct job_execution *execution)
{
    struct verdict verdict;
    struct match_facts facts = {0};
    for (int i = 0; i < 4; i++) {
        if (strcmp(world.jobs[i].job_id, execution->job_id) == 0) {
            facts.job = &world.jobs[i];
        }
    }
    policy_decide(policy, &facts, execution, NOW, &verdict);
    return verdict;
}

static const struct policy *sorting;

static int compare(const void *a, const void *b)
{
    return keep_compare(sorting, a, b);
}

/* Which stay, by any rule that counts, one bit for each of the fleet in its own order. */
static void count(const struct policy *policy, enum keep_per per, bool kept[FLEET_MAX])
{
    for (int i = 0; i < world.count; i++) {
        struct keep_group group;
        bool begun = false;
        for (int before = 0; before < i; before++) {
            begun = begun || keep_together(per, &world.fleet[before], &world.fleet[i]);
        }
        keep_begin(&group, policy, per);
        for (int j = i; !begun && j < world.count; j++) {
            bool member = keep_together(per, &world.fleet[i], &world.fleet[j]) &&
                          verdict_of(policy, &world.fleet[j]).counts;
            kept[j] = (member && keep_next(&group, &world.fleet[j]) != NULL) || kept[j];
        }
    }
}

static void decide(const struct policy *policy, bool deleted[FLEET_MAX])
{
    bool kept[FLEET_MAX] = {false};
    sorting = policy;
    qsort(world.fleet, (size_t)world.count, sizeof world.fleet[0], compare);
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        count(policy, (enum keep_per)per, kept);
    }
    for (int i = 0; i < world.count; i++) {
        struct verdict verdict = verdict_of(policy, &world.fleet[i]);
        deleted[i] = (verdict.delete || verdict.undecided) && !kept[i];
    }
}

/* --- what lint says --- */

struct said {
    bool covered[POLICIES], idle[KEEPS + 1];
    const struct policy *policy; /* whose rules are meant */
};

static void on_said(void *owner, const struct place *place, const char *message)
{
    struct said *said = owner;
    if (place->line >= 100) {
        said->covered[place->line - 100] = true;
    } else if (strstr(message, "never decides") != NULL) {
        said->idle[place->line] = true;
    }
}

static struct said ask_lint(const struct policy *only)
{
    struct said said = {.policy = only};
    struct config config = world.config;
    if (only != NULL) {
        config.policies = (struct policy *)(uintptr_t)only;
        config.policy_count = 1;
    }
    lint_policies(&config, on_said, &said);
    return said;
}

/* All rules that are told go at once: nothing may change. */
static int drop_idle(struct policy *policy)
{
    bool before[FLEET_MAX], after[FLEET_MAX];
    struct said said = ask_lint(policy);
    int dropped = 0;
    decide(policy, before);
    for (size_t i = 0; i < policy->keep_count; i++) {
        if (said.idle[policy->keep[i].place.line]) {
            dropped++;
        } else {
            policy->keep[i - (size_t)dropped] = policy->keep[i];
        }
    }
    policy->keep_count -= (size_t)dropped;
    decide(policy, after);
    assert_memory_equal(before, after, sizeof before);
    return dropped;
}

static void a_rule_that_never_decides_can_go(void **state)
{
    uint64_t first = number_from("JOBSWEEP_SEED", 1), cases = number_from("JOBSWEEP_CASES", 1500);
    int dropped = 0;
    (void)state;
    printf("# seeds from %llu\n", (unsigned long long)first);
    for (uint64_t seed = first; seed < first + cases; seed++) {
        draw_world(seed);
        int of_this = drop_idle(&world.policies[0]);
        dropped += of_this;
    }
    assert_true(cases < 1000 || dropped > 200);
}

static void assert_covered(const struct policy *narrow, const struct policy *wide, uint64_t seed)
{
    for (int i = 0; i < world.count; i++) {
        struct verdict verdict = verdict_of(narrow, &world.fleet[i]);
        bool deletes = verdict.delete || verdict.undecided;
        if (deletes && !verdict_of(wide, &world.fleet[i]).delete) {
            fail_msg("seed %llu: %s on %s, policy %s", (unsigned long long)seed, world.fleet[i].job_id,
                     world.fleet[i].thing_name, narrow->name);
        }
    }
}

static void a_policy_that_is_covered_deletes_nothing_that_the_other_would_not(void **state)
{
    uint64_t first = number_from("JOBSWEEP_SEED", 1), cases = number_from("JOBSWEEP_CASES", 1500);
    int covered = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + cases * 10; seed++) {
        draw_world(seed);
        struct said said = ask_lint(NULL);
        for (int i = 0; i < POLICIES; i++) {
            if (said.covered[i]) {
                covered++;
                assert_covered(&world.policies[i], &world.policies[1 - i], seed);
            }
        }
    }
    assert_true(cases < 1000 || covered > 100);
}

/* As many targets as there may be: to compare each with each, for each two policies, took minutes. */
static void many_policies_in_many_targets_are_compared(void **state)
{
    struct diagnostics diagnostics;
    struct buf text;
    (void)state;
    buf_init(&text, 1024 * 1024);
    buf_text(&text,
             "version: 1\ntargets:\n  prod:\n    regions: [eu-west-1, eu-west-2, us-east-1, us-west-2]\n"
             "    accounts: [");
    for (int i = 0; i < TARGETS_MAX / 4; i++) {
        buf_printf(&text, "%s\"%012d\"", i > 0 ? ", " : "", 100000000 + i);
    }
    buf_text(&text, "]\npolicies:\n");
    for (int i = 0; i < 100; i++) {
        buf_printf(
            &text,
            "  - {name: p%d, targets: [prod], match: {job_id: {include: [\"%d-*\"]}, age: {older_than: "
            "30d}}}\n",
            i, i);
    }
    buf_text(&text,
             "  - {name: in-part, targets: [\"*/eu-west-1\"], match: {job_id: {include: [\"7-old-*\"]}, age: "
             "{older_than: 60d}}}\n");
    diagnostics_init(&diagnostics);
    struct config *config = config_load_text("many.yaml", buf_string(&text), text.length, &diagnostics);
    assert_non_null(config);
    assert_int_equal(config->target_count, TARGETS_MAX);
    assert_int_equal(diagnostics.warnings, 1);
    assert_non_null(strstr(diagnostics.items[0].message, "the policy 'p7'"));
    config_unref(config);
    diagnostics_finish(&diagnostics);
    buf_finish(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pattern_covers_another_only_where_all_that_fits_does),
    cmocka_unit_test(a_rule_that_never_decides_can_go),
    cmocka_unit_test(a_policy_that_is_covered_deletes_nothing_that_the_other_would_not),
    cmocka_unit_test(many_policies_in_many_targets_are_compared),
};

TAP_MAIN(tests)
