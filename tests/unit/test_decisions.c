/* Whole random policies, written down and read as a configuration, through a whole sweep: over a simulated
 * fleet that is listed by job or by thing, in pages of any size, decided, counted, held back by a grace,
 * limited, guarded and in half of the cases deleted; against the manual's sentences, applied to everything in
 * memory. JOBSWEEP_SEED is the first case, JOBSWEEP_CASES how many. */
#include "aws/crypto.h"
#include "base/random.h"
#include "base/time.h"
#include "engine/sweep.h"
#include "ledger/sorter.h"
#include "policy/keep.h"
#include "policy/load.h"
#include "retention_sentences.h"
#include "retention_text.h"
#include "seed.h"
#include "sim/fleet_registry.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A sweep begins, and has decided, so long after a full hour of the world: all moments that matter to it are
 * full hours, or lie at least so far apart from these. */
#define BEGINS_MS  INT64_C(10000)
#define JUDGED_MS  INT64_C(20000)
#define DECIDED_MS INT64_C(50000)
#define UNLIMITED  INT64_C(1000000)

struct outcome_of_one {
    int told;
    bool goes;
    enum verdict_cause cause;
    char reason[PLAN_REASON_MAX + 1];
};

struct decision { /* one case */
    uint64_t seed;
    struct random random;
    struct rig rig;
    struct fleet *fleet;
    struct sorter_place place;
    struct scratch scratch;
    struct config *config;
    struct sweep *sweep;
    struct report report;
    struct route route;
    bool done;
    int64_t planned_ms; /* ours, when the plan was complete */
    struct outcome_of_one found[FLEET_MAX];
    int order[FLEET_MAX], ordered; /* of those that go */

    /* The sentences'. */
    bool selected_before[FLEET_MAX]; /* by the run before, and long enough ago */
    bool reached[FLEET_MAX];         /* it goes unless a limit leaves it */
    bool in_grace[FLEET_MAX];
    int64_t reaches, graced;
};

static struct totals {
    int64_t cases, refused, executions, go, limited, graced, kept, guarded, deleted, explained, by_thing;
} totals;

static int below(struct decision *test, int bound)
{
    return (int)random_below(&test->random, (uint64_t)bound);
}

static bool one_in(struct decision *test, int bound)
{
    return below(test, bound) == 0;
}

__attribute__((format(printf, 2, 3))) static void disagree(const struct decision *test, const char *format,
                                                           ...)
{
    char text[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fail_msg("JOBSWEEP_SEED=%llu: %s", (unsigned long long)test->seed, text);
}

/* --- the world becomes a fleet ------------------------------------------------------------------------- */

static void place_thing(struct decision *test, int thing)
{
    static const char *const groups[] = {"g0", "g1", NULL}, *const types[] = {"t0", "t1", NULL},
                             *const tiers[] = {"edge", "core", NULL};
    char name[8];
    world_name_thing(thing, name);
    fleet_place_thing(test->fleet, name, groups[world.group_of[thing]], types[world.type_of[thing]]);
    if (tiers[world.tier_of[thing]] != NULL) {
        fleet_thing_set_attribute(test->fleet, name, "tier", tiers[world.tier_of[thing]]);
    }
    for (int query = 0; query < 2; query++) {
        if ((world.queries[thing] >> query & 1) != 0) {
            fleet_thing_set_attribute(test->fleet, name, query == 0 ? "q0" : "q1", "yes");
        }
    }
}

/* A service knows no execution without a state. */
static void drop_stateless(void)
{
    int count = 0;
    for (int i = 0; i < world.count; i++) {
        if (world.fleet[i].fingerprint.status != EXECUTION_UNKNOWN) {
            world.fleet[count++] = world.fleet[i];
        }
    }
    world.count = count;
}

static void place_fleet(struct decision *test)
{
    struct fleet_config config = {.seed = test->seed, .now_ms = NOW - HOUR};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota[i] = -1;
    }
    test->fleet = fleet_create(&config);
    fleet_place_group(test->fleet, "g0", NULL);
    fleet_place_group(test->fleet, "g1", world.nested ? "g0" : NULL);
    for (int i = 0; i < THINGS; i++) {
        place_thing(test, i);
    }
    for (int i = 0; i < 5; i++) {
        fleet_place_job(test->fleet, &world.jobs[i]);
    }
    drop_stateless();
    for (int i = 0; i < world.count; i++) {
        assert_int_not_equal(fleet_place_execution(test->fleet, &world.fleet[i]), 0);
    }
    fleet_limit_pages(test->fleet, one_in(test, 3) ? -1 : 1 + below(test, 7));
}

/* --- what the world's policy has not ------------------------------------------------------------------- */

static void draw_bounds(struct decision *test)
{
    struct policy *policy = &world.policy;
    policy->enforce = one_in(test, 2);
    policy->verify_risky = one_in(test, 4);
    policy->order = (enum sweep_order)below(test, 3);
    policy->grace_ms = one_in(test, 4) ? (2 + below(test, 40)) * HOUR : 0;
    policy->per_run = one_in(test, 3) ? 1 + below(test, 12) : 0;
    policy->per_thing = one_in(test, 3) ? 1 + below(test, 4) : 0;
    policy->selected_over = one_in(test, 4) ? 1 + below(test, 20) : UNLIMITED;
    policy->selected_over_percent = one_in(test, 4) ? 1 + below(test, 100) : 0;
}

/* --- one sweep ----------------------------------------------------------------------------------------- */

static int number_of(const struct decision *test, const struct job_execution *execution)
{
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *known = &world.fleet[i];
        if (known->number == execution->number && strcmp(known->job_id, execution->job_id) == 0 &&
            strcmp(known->thing_name, execution->thing_name) == 0) {
            return i;
        }
    }
    disagree(test, "%s/%s/%d is no execution of the fleet", execution->job_id, execution->thing_name,
             (int)execution->number);
    return -1;
}

static void on_route(void *owner, const struct route *route)
{
    struct decision *test = owner;
    test->route = *route;
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct decision *test = owner;
    int number = number_of(test, execution);
    struct outcome_of_one *found = &test->found[number];
    found->told++;
    found->goes = verdict->delete;
    found->cause = verdict->cause;
    snprintf(found->reason, sizeof found->reason, "%s", verdict->reason);
    if (verdict->delete) {
        test->order[test->ordered++] = number;
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct decision *test = owner;
    (void)so_far;
    test->planned_ms = test->rig.env.wall_ms(test->rig.env.ctx);
}

static void on_done(void *owner, const struct report *report)
{
    struct decision *test = owner;
    test->report = *report;
    test->done = true;
}

static void sweep(struct decision *test, bool plan_only, const char *only_thing)
{
    struct sweep_config config = {
        .env = &test->rig.env,
        .dispatcher = test->rig.dispatcher,
        .ledger = &test->rig.ledger,
        .scratch = &test->scratch,
        .sha256 = crypto_sha256,
        .policy = &test->config->policies[0],
        .target = &test->config->targets[0],
        .plan_only = plan_only,
        .only_thing = only_thing,
        .observer = {
            .owner = test, .route = on_route, .row = on_row, .planned = on_planned, .done = on_done}};
    memset(test->found, 0, sizeof test->found);
    test->ordered = 0;
    test->done = false;
    test->sweep = sweep_start(&config);
    if (!rig_run(&test->rig, &test->done, 3600)) {
        disagree(test, "the sweep does not end");
    }
    sweep_destroy(test->sweep);
    if (test->report.end == SWEEP_FAILED || test->report.end == SWEEP_STOPPED) {
        disagree(test, "the sweep ends as %s: %s", report_end_name(&test->report), test->report.err.msg);
    }
    if (test->planned_ms > world.now_ms - JUDGED_MS + DECIDED_MS) {
        disagree(test, "planning took so long that its moment matters");
    }
}

/* --- the sentences on what follows match, keep and protect --------------------------------------------- */

/* Which of two goes first. Ties: by number, and then by name. */
static bool goes_before(int left, int right)
{
    const struct job_execution *a = &world.fleet[left], *b = &world.fleet[right];
    if (world.policy.order == ORDER_NEWEST_FIRST) {
        return said_newer(a, b);
    }
    bool alike = policy_age_time(&world.policy, &a->fingerprint)->ms ==
                     policy_age_time(&world.policy, &b->fingerprint)->ms &&
                 a->number == b->number;
    return alike ? said_newer(a, b) : said_newer(b, a);
}

/* Of those that are reached, the first of each thing go. */
static bool within_thing(const struct decision *test, int number)
{
    int before = 0;
    for (int i = 0; i < world.count; i++) {
        before += test->reached[i] &&
                  strcmp(world.fleet[i].thing_name, world.fleet[number].thing_name) == 0 &&
                  goes_before(i, number);
    }
    return world.policy.per_thing == 0 || before < world.policy.per_thing;
}

static bool within_run(const struct decision *test, int number)
{
    int before = 0;
    for (int i = 0; i < world.count; i++) {
        before += test->reached[i] && within_thing(test, i) && goes_before(i, number);
    }
    return world.policy.per_run == 0 || before < world.policy.per_run;
}

static void reach(struct decision *test)
{
    test->reaches = test->graced = 0;
    for (int i = 0; i < world.count; i++) {
        bool said = said_delete(&world.fleet[i]);
        test->in_grace[i] = said && world.policy.grace_ms > 0 && !test->selected_before[i];
        test->reached[i] = said && !test->in_grace[i];
        test->reaches += test->reached[i];
        test->graced += test->in_grace[i];
    }
}

static bool said_guarded(const struct decision *test)
{
    const struct policy *policy = &world.policy;
    return test->reaches > policy->selected_over ||
           (policy->selected_over_percent > 0 &&
            test->reaches * 100 > test->report.listed * policy->selected_over_percent);
}

/* --- and the comparison -------------------------------------------------------------------------------- */

static void compare_one(const struct decision *test, int number, bool goes)
{
    const struct job_execution *execution = &world.fleet[number];
    const struct outcome_of_one *found = &test->found[number];
    if (found->told > 1 || found->goes != goes || (test->in_grace[number] && found->cause != CAUSE_GRACE) ||
        (test->reached[number] && !goes && found->cause != CAUSE_LIMIT)) {
        disagree(test, "%s/%s/%d, told %d times, %s (%s), but the sentences say it %s", execution->job_id,
                 execution->thing_name, (int)execution->number, found->told, found->goes ? "goes" : "stays",
                 found->reason,
                 goes                     ? "goes"
                 : test->in_grace[number] ? "is in its grace"
                 : test->reached[number]  ? "is left by a limit"
                                          : "stays");
    }
}

/* Without an order any of those that are reached may be the ones that go. */
static void compare(struct decision *test)
{
    const struct policy *policy = &world.policy;
    int64_t may_go = 0;
    for (int i = 0; i < world.count; i++) {
        bool first = test->reached[i] && within_thing(test, i);
        may_go += first;
        bool goes = policy->order == ORDER_LISTED && policy->per_run > 0 && test->found[i].goes
                        ? first
                        : first && within_run(test, i);
        if (policy->order != ORDER_LISTED || policy->per_run == 0 || test->found[i].goes) {
            compare_one(test, i, goes);
        }
        totals.kept += test->found[i].cause == CAUSE_KEEP && test->found[i].told == 1;
    }
    int64_t go = policy->per_run > 0 && policy->per_run < may_go ? policy->per_run : may_go;
    if (test->ordered != go || test->report.selected != go || test->report.remaining != test->reaches - go ||
        test->report.in_grace != test->graced || test->report.listed > world.count) {
        disagree(test,
                 "%lld go, %lld are left, %lld in grace; the sentences say %lld, %lld, %lld (%d exist, %lld "
                 "listed)",
                 (long long)test->report.selected, (long long)test->report.remaining,
                 (long long)test->report.in_grace, (long long)go, (long long)(test->reaches - go),
                 (long long)test->graced, world.count, (long long)test->report.listed);
    }
    for (int i = 1; i < test->ordered && policy->order != ORDER_LISTED; i++) {
        if (!goes_before(test->order[i - 1], test->order[i])) {
            disagree(test, "the rows do not come in their order");
        }
    }
    totals.limited += test->reaches - go;
    totals.graced += test->graced;
}

/* What the fleet has lost is what the plan showed, if it was to be deleted at all. */
static void compare_fleet(const struct decision *test)
{
    bool guarded = said_guarded(test);
    if (world.policy.enforce && guarded != (test->report.end == SWEEP_GUARDED)) {
        disagree(test, "it ends as %s, and %lld of %lld are reached", report_end_name(&test->report),
                 (long long)test->reaches, (long long)test->report.listed);
    }
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *execution = &world.fleet[i];
        bool exists =
            fleet_find(test->fleet, execution->job_id, execution->thing_name, execution->number, NULL) != 0;
        if (exists == (world.policy.enforce && !guarded && test->found[i].goes)) {
            disagree(test, "%s/%s/%d %s (%s)", execution->job_id, execution->thing_name,
                     (int)execution->number, exists ? "is still there" : "is gone", test->found[i].reason);
        }
        totals.deleted += !exists;
        totals.go += test->found[i].goes;
    }
    totals.guarded += guarded;
    totals.by_thing += test->route.by_thing;
}

/* What `jobsweep explain` asks: one thing, in all of its executions, whatever the policy wants. Where others
 * count as well it cannot know. */
static void compare_thing(struct decision *test)
{
    const struct policy *policy = &world.policy;
    char thing_name[8];
    if (policy->grace_ms > 0 || keep_uses(policy, PER_TARGET) || keep_uses(policy, PER_JOB)) {
        return;
    }
    world_name_thing(below(test, THINGS), thing_name);
    sweep(test, true, thing_name);
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *execution = &world.fleet[i];
        const struct outcome_of_one *found = &test->found[i];
        bool wanted = strcmp(execution->thing_name, thing_name) == 0;
        bool goes = found->goes || (found->told > 0 && found->cause == CAUSE_LIMIT);
        if (found->told != wanted || goes != (wanted && test->reached[i])) {
            disagree(test, "explained: %s/%s/%d, told %d times, %s (%s), but the sentences say it %s",
                     execution->job_id, execution->thing_name, (int)execution->number, found->told,
                     goes ? "goes" : "stays", found->reason, test->reached[i] ? "goes" : "stays");
        }
        totals.explained += wanted;
    }
}

/* --- a case -------------------------------------------------------------------------------------------- */

static void on_passed(void *ctx)
{
    struct decision *test = ctx;
    test->done = true;
}

/* Time goes on, to shortly after this full hour. */
static void pass(struct decision *test, int64_t now_ms)
{
    int64_t ms = now_ms + BEGINS_MS - test->rig.env.wall_ms(test->rig.env.ctx);
    test->done = false;
    virtual_at(test->rig.world, virtual_mono_ns(test->rig.world) + ms * TIME_NS_PER_MS, on_passed, test);
    assert_true(rig_run(&test->rig, &test->done, ms));
    world.now_ms = now_ms + JUDGED_MS;
}

/* The run before the one in question, of a policy with a grace: what it selects begins to wait. */
static void begin_grace(struct decision *test)
{
    bool long_enough = !one_in(test, 4);
    reach(test);
    sweep(test, true, NULL);
    compare(test);
    for (int i = 0; i < world.count; i++) {
        test->selected_before[i] = test->in_grace[i] && long_enough;
    }
    pass(test, NOW + world.policy.grace_ms + (long_enough ? HOUR : -HOUR));
}

/* False where the manual has it refused. */
static bool configure(struct decision *test)
{
    struct diagnostics diagnostics;
    struct buf text;
    buf_init(&text, 65536);
    diagnostics_init(&diagnostics);
    world_print(&text);
    test->config = config_load_text("drawn.yaml", text.data, text.length, &diagnostics);
    if ((test->config != NULL) != said_usable()) {
        struct buf said;
        buf_init(&said, 65536);
        diagnostics_print(&diagnostics, &said);
        disagree(test, "%s\n%s", buf_string(&text), buf_string(&said));
    }
    diagnostics_finish(&diagnostics);
    buf_finish(&text);
    for (int i = 0; test->config != NULL && i < OPERATION_COUNT; i++) {
        test->config->targets[0].quota_per_1000s[i] = INT64_C(10000) * 1000;
    }
    return test->config != NULL;
}

static void begin(struct decision *test, uint64_t seed)
{
    *test = (struct decision){.seed = seed, .place = {.folder = "/tmp", .memory_bytes = 16 * 1024}};
    random_seed(&test->random, seed ^ UINT64_C(0x6465636964656400));
    world_draw(seed);
    setenv("TZ", world.zone_name, 1);
    tzset();
    draw_bounds(test);
}

static void start(struct decision *test)
{
    place_fleet(test);
    sorter_scratch(&test->scratch, &test->place);
    rig_init(&test->rig,
             &(struct virtual_config){.seed = test->seed,
                                      .fleet = test->fleet,
                                      .start_ms = NOW + BEGINS_MS,
                                      .latency_min_ns = TIME_NS_PER_MS,
                                      .latency_max_ns = 20 * TIME_NS_PER_MS},
             NULL);
    world.now_ms = NOW + JUDGED_MS;
}

static void try_case(uint64_t seed)
{
    static struct decision test;
    begin(&test, seed);
    totals.cases++;
    if (!configure(&test)) {
        totals.refused++;
        return;
    }
    start(&test);
    if (world.policy.grace_ms > 0) {
        begin_grace(&test);
    }
    reach(&test);
    compare_thing(&test);
    sweep(&test, false, NULL);
    compare(&test);
    compare_fleet(&test);
    totals.executions += world.count;
    rig_finish(&test.rig);
    fleet_destroy(test.fleet);
    config_unref(test.config);
}

static void what_a_sweep_plans_and_deletes_is_what_the_sentences_say(void **state)
{
    (void)state;
    int64_t first = number_from("JOBSWEEP_SEED", 1), cases = number_from("JOBSWEEP_CASES", 1000);
    print_message("# JOBSWEEP_SEED=%lld JOBSWEEP_CASES=%lld\n", (long long)first, (long long)cases);
    world_load();
    for (int64_t seed = first; seed < first + cases; seed++) {
        try_case((uint64_t)seed);
    }
    world_unload();
    print_message("# %lld cases, %lld refused, %lld by thing, %lld guarded; %lld executions, %lld explained: "
                  "%lld go, %lld deleted, %lld kept by a rule, %lld left by limits, %lld in a grace\n",
                  (long long)totals.cases, (long long)totals.refused, (long long)totals.by_thing,
                  (long long)totals.guarded, (long long)totals.executions, (long long)totals.explained,
                  (long long)totals.go, (long long)totals.deleted, (long long)totals.kept,
                  (long long)totals.limited, (long long)totals.graced);
    if (cases >= 100) { /* else all might agree because nothing ever happens */
        int64_t each[] = {totals.explained, totals.by_thing * 10, totals.guarded * 10, totals.go,
                          totals.deleted,   totals.kept,          totals.limited,      totals.graced};
        for (size_t i = 0; i < sizeof each / sizeof each[0]; i++) {
            assert_true(each[i] > totals.cases / 16);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_a_sweep_plans_and_deletes_is_what_the_sentences_say),
};

TAP_MAIN(tests)
