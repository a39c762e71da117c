/* What a policy asks of things, against the simulated registry: whose executions go, whose stay, and that
 * nothing goes when the registry could not be read to its end. */
#include "engine/things.h"

#include "base/text.h"
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_registry.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_OF_ONE 1000 /* more than finding things out takes */

struct registry {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct protect_list protect;
    struct protect_rule rule;
    struct target target;
    struct sweep *sweep;
    struct report report;
    bool done, known;
    char warned[512];
    bool *eligible; /* by identity */
    bool drop_group;
};

static void on_done(void *owner, const struct report *report)
{
    struct registry *test = owner;
    test->report = *report;
    test->done = true;
}

static void on_warning(void *owner, const char *text)
{
    struct registry *test = owner;
    text_copy(test->warned, sizeof test->warned, text);
}

static void begin_with(struct registry *test, int things, int jobs, int executions)
{
    struct fleet_config config = {.seed = 7,
                                  .things = things,
                                  .jobs = jobs,
                                  .executions = executions,
                                  .groups = 7,
                                  .thing_types = 3,
                                  .thing_attributes = 4,
                                  .now_ms = RIG_START_MS - TIME_MS_PER_HOUR};
    struct virtual_config world = {.seed = 7,
                                   .start_ms = RIG_START_MS,
                                   .latency_min_ns = 20 * TIME_NS_PER_MS,
                                   .latency_max_ns = 300 * TIME_NS_PER_MS};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota[i] = -1;
    }
    *test = (struct registry){.target = {.name = "simulated", .signature_life_ms = 300000}};
    test->fleet = world.fleet = fleet_create(&config);
    rig_init(&test->rig, &world, NULL);
    test->rig.ctx = test;
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
}

static void begin(struct registry *test)
{
    begin_with(test, 60, 4, 1200);
}

static void finish(struct registry *test)
{
    sweep_destroy(test->sweep);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
    free(test->eligible);
}

static void start(struct registry *test)
{
    struct sweep_config config = {.env = &test->rig.env,
                                  .dispatcher = test->rig.dispatcher,
                                  .ledger = &test->rig.ledger,
                                  .policy = &test->policy,
                                  .target = &test->target,
                                  .observer = {.owner = test, .warning = on_warning, .done = on_done}};
    test->done = false;
    test->sweep = sweep_start(&config);
}

static void sweep(struct registry *test)
{
    start(test);
    assert_true(rig_run(&test->rig, &test->done, 86400));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

/* --- whose executions go ------------------------------------------------------------------------------- */

struct wanted {
    struct registry *test;
    bool (*thing)(const struct registry *test, const struct fleet_thing_about *thing);
    int64_t count;
};

static void judge(void *ctx, const struct fleet_execution *found)
{
    struct wanted *wanted = ctx;
    struct registry *test = wanted->test;
    const struct job_execution *execution = &found->execution;
    const struct fingerprint *print = &execution->fingerprint;
    struct fleet_thing_about thing;
    struct job job;
    bool eligible = fleet_thing_about(test->fleet, execution->thing_name, &thing) && /* it exists */
                    wanted->thing(test, &thing) && execution_status_terminal(print->status) &&
                    RIG_START_MS - print->last_updated_at.ms > test->policy.match.older_than_ms &&
                    fleet_know_job(test->fleet, execution->job_id, &job) &&
                    policy_wants_job(&test->policy, &job, NULL);
    test->eligible[found->identity] = eligible;
    wanted->count += eligible;
}

/* Sweeps, and compares with what should go, execution by execution. */
static void assert_goes(struct registry *test,
                        bool (*thing)(const struct registry *test, const struct fleet_thing_about *thing))
{
    struct wanted wanted = {.test = test, .thing = thing};
    uint64_t count = fleet_identities(test->fleet);
    test->eligible = calloc(count + 1, sizeof *test->eligible);
    fleet_each(test->fleet, false, judge, &wanted);
    assert_in_range(wanted.count, 10, 800);
    sweep(test);
    assert_int_equal(test->report.end, SWEEP_FINISHED);
    assert_int_equal(test->report.selected, wanted.count);
    for (uint64_t i = 1; i <= count; i++) {
        struct fleet_execution found;
        fleet_identity(test->fleet, i, &found);
        assert_int_equal(found.deleted_ms != 0, test->eligible[i]);
    }
}

static bool within(const struct registry *test, const struct fleet_thing_about *thing, const char *group)
{
    struct fleet_group_about about;
    if (thing->group == NULL || strcmp(thing->group, group) == 0) {
        return thing->group != NULL;
    }
    fleet_group_about(test->fleet, thing->group, &about);
    for (size_t i = 0; i < about.ancestor_count; i++) {
        if (strcmp(about.ancestors[i], group) == 0) {
            return true;
        }
    }
    return false;
}

static bool has(const struct fleet_thing_about *thing, const char *name, const char *value)
{
    for (size_t i = 0; i < thing->attribute_count; i++) {
        if (strcmp(thing->attributes[i].name, name) == 0) {
            return strcmp(thing->attributes[i].value, value) == 0;
        }
    }
    return false;
}

static bool in_group_1(const struct registry *test, const struct fleet_thing_about *thing)
{
    return within(test, thing, "group-1");
}

static bool not_in_group_1(const struct registry *test, const struct fleet_thing_about *thing)
{
    return !within(test, thing, "group-1");
}

static bool of_type_1(const struct registry *test, const struct fleet_thing_about *thing)
{
    (void)test;
    return strcmp(thing->type, "type-1") == 0;
}

static bool of_lima_and_late(const struct registry *test, const struct fleet_thing_about *thing)
{
    (void)test;
    return has(thing, "site", "lima") && has(thing, "ring", "late");
}

static bool of_lima(const struct registry *test, const struct fleet_thing_about *thing)
{
    (void)test;
    return has(thing, "site", "lima");
}

static bool of_group_2_or_type_1_but_not_lima(const struct registry *test,
                                              const struct fleet_thing_about *thing)
{
    return (within(test, thing, "group-2") || of_type_1(test, thing)) && !of_lima(test, thing);
}

static void a_group_means_the_things_in_it_and_in_the_groups_below(void **state)
{
    static const char *const groups[] = {"group-1", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    rig_patterns(&test.policy.match.groups, groups);
    assert_goes(&test, in_group_1);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 0);
    finish(&test);
}

static void a_type_means_the_things_of_it(void **state)
{
    static const char *const types[] = {"type-1", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    rig_patterns(&test.policy.match.types, types);
    assert_goes(&test, of_type_1);
    finish(&test);
}

static struct attribute LIMA_AND_LATE[] = {{(char[]){"site"}, (char[]){"lima"}},
                                           {(char[]){"ring"}, (char[]){"late"}}};

static void attributes_must_all_be_there(void **state)
{
    struct registry test;
    (void)state;
    begin(&test);
    test.policy.match.attributes = (struct attribute_list){LIMA_AND_LATE, 2};
    assert_goes(&test, of_lima_and_late);
    finish(&test);
}

static void a_query_means_the_things_that_it_finds(void **state)
{
    char query[] = "attributes.site:lima AND attributes.ring:late";
    struct registry test;
    (void)state;
    begin(&test);
    fleet_limit_pages(test.fleet, 2);
    test.policy.match.query = query;
    assert_goes(&test, of_lima_and_late);
    assert_true(test.rig.calls[OPERATION_SEARCH_INDEX] > 1); /* to the last page */
    finish(&test);
}

static void blocks_ask_as_well(void **state)
{
    static const char *const groups[] = {"group-2", NULL}, *const types[] = {"type-1", NULL};
    struct match any[2], none = {.query = NULL};
    struct registry test;
    (void)state;
    begin(&test);
    memset(any, 0, sizeof any);
    rig_patterns(&any[0].groups, groups);
    rig_patterns(&any[1].types, types);
    none.attributes = (struct attribute_list){LIMA_AND_LATE, 1};
    test.policy.match.any_of = any;
    test.policy.match.any_of_count = 2;
    test.policy.match.none_of = &none;
    test.policy.match.none_of_count = 1;
    assert_goes(&test, of_group_2_or_type_1_but_not_lima);
    finish(&test);
}

/* A thing that the registry no longer knows was perhaps in the group: its executions stay. */
static void of_a_thing_that_was_deleted_nothing_is_known(void **state)
{
    static const char *const groups[] = {"group-1", NULL};
    struct match none = {.query = NULL};
    struct registry test;
    struct call call;
    (void)state;
    begin(&test);
    call_init(&call, OPERATION_COUNT);
    for (int i = 1; i < 40; i += 2) {
        snprintf(call.thing_name, sizeof call.thing_name, "gw-%06d", i);
        fleet_delete_thing(test.fleet, &call, RIG_START_MS - TIME_MS_PER_HOUR);
    }
    rig_patterns(&none.groups, groups);
    test.policy.match.none_of = &none;
    test.policy.match.none_of_count = 1;
    assert_goes(&test, not_in_group_1);
    finish(&test);
}

/* --- protection ---------------------------------------------------------------------------------------- */

static void protect_group_1(struct registry *test)
{
    static const char *const groups[] = {"group-1", NULL};
    rig_patterns(&test->rule.groups, groups);
    test->protect = (struct protect_list){&test->rule, 1};
    test->policy.protect = &test->protect;
}

static void a_protected_group_is_left_alone(void **state)
{
    struct registry test;
    (void)state;
    begin(&test);
    protect_group_1(&test);
    assert_goes(&test, not_in_group_1);
    finish(&test);
}

static void things_that_are_named_are_described_and_the_registry_is_not_listed(void **state)
{
    static const char *const names[] = {"gw-000001", "gw-000002", "gw-000003", "gw-000004", "nobody", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    protect_group_1(&test);
    rig_patterns(&test.policy.match.thing.include, names);
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 5);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    finish(&test);
}

static void on_known(void *owner)
{
    struct registry *test = owner;
    test->known = true;
}

static struct things *things_of(struct registry *test, bool protect_only)
{
    return things_create(&(struct things_config){.env = &test->rig.env,
                                                 .dispatcher = test->rig.dispatcher,
                                                 .policy = &test->policy,
                                                 .protect_only = protect_only,
                                                 .owner = test,
                                                 .warning = on_warning});
}

/* Rows that were selected earlier: what is protected today is asked anew, of their things alone. */
static void rows_of_a_plan_are_protected_by_the_groups_of_today(void **state)
{
    static const struct {
        const char *thing, *moves_to;
        bool protected;
    } rows[] = {{"gw-000001", "group-3", true}, /* below group-1 */
                {"gw-000002", "group-2", false},
                {"gw-000003", "group-1", true},
                {"nobody", NULL, true}};
    struct registry test;
    (void)state;
    begin(&test);
    protect_group_1(&test);
    struct things *things = things_of(&test, true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fleet_thing_set_group(test.fleet, rows[i].thing, rows[i].moves_to);
        things_only(things, rows[i].thing);
    }
    assert_true(things_needed(things));
    struct match_facts facts = things_facts(things, NULL);
    assert_non_null(protect_find(&test.protect, &facts, "fw-0000", "gw-000002", RIG_START_MS)); /* not yet */
    things_start(things, on_known, &test);
    assert_true(rig_run(&test.rig, &test.known, 3600));
    assert_int_equal(things_failure(things, NULL)->code, ERR_NONE);
    facts = things_facts(things, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(protect_find(&test.protect, &facts, "fw-0000", rows[i].thing, RIG_START_MS) != NULL,
                         rows[i].protected);
    }
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 4);
    things_destroy(things);
    finish(&test);
}

/* --- the route ----------------------------------------------------------------------------------------- */

static bool in_small(const struct registry *test, const struct fleet_thing_about *thing)
{
    (void)test;
    return thing->group != NULL && strcmp(thing->group, "group-6") == 0;
}

static void a_small_group_is_listed_by_thing(void **state)
{
    static const char *const groups[] = {"group-6", NULL};
    struct registry test;
    (void)state;
    begin_with(&test, 60, 40, 4000);
    rig_patterns(&test.policy.match.groups, groups);
    assert_goes(&test, in_small);
    assert_int_equal(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB], 0);
    assert_in_range(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_THING], 4, 20);
    finish(&test);
}

/* --- what cannot be read to its end -------------------------------------------------------------------- */

static void assert_nothing_goes(struct registry *test, const char *why)
{
    sweep(test);
    assert_int_equal(test->report.end, SWEEP_FAILED);
    assert_non_null(strstr(test->report.err.msg, why));
    assert_int_equal(test->report.selected, 0);
    assert_int_equal(test->rig.calls[OPERATION_LIST_JOBS], 0);
    assert_int_equal(test->rig.calls[OPERATION_DELETE_EXECUTION], 0);
    finish(test);
}

static void a_group_that_does_not_exist_fails_the_run(void **state)
{
    static const char *const groups[] = {"group-1", "grup-2", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    rig_patterns(&test.policy.match.groups, groups);
    assert_nothing_goes(&test, "ListThingsInThingGroup grup-2: ResourceNotFoundException");
    begin(&test);
    rig_patterns(&test.rule.groups, groups);
    test.protect = (struct protect_list){&test.rule, 1};
    test.policy.protect = &test.protect;
    assert_nothing_goes(&test, "ListThingsInThingGroup grup-2: ResourceNotFoundException");
}

static void a_query_that_is_refused_fails_the_run(void **state)
{
    char query[] = "attributes.site:[a TO b]";
    struct registry test;
    (void)state;
    begin(&test);
    test.policy.match.query = query;
    assert_nothing_goes(&test, "SearchIndex attributes.site:[a TO b]: InvalidQueryException");
}

static void on_sent(struct rig *rig, const struct call *call)
{
    struct registry *test = rig->ctx;
    struct call drop;
    if (call->operation == OPERATION_LIST_THINGS_IN_GROUP && call->next_token != NULL) {
        call_init(&drop, OPERATION_COUNT);
        text_copy(drop.group_name, sizeof drop.group_name, call->group_name);
        fleet_delete_group(test->fleet, &drop);
        test->drop_group = true;
    }
}

/* An incomplete set would let go what is protected. */
static void a_group_that_vanishes_between_its_pages_fails_the_run(void **state)
{
    static const char *const groups[] = {"group-6", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    fleet_limit_pages(test.fleet, 2);
    test.rig.sent = on_sent;
    rig_patterns(&test.rule.groups, groups);
    test.protect = (struct protect_list){&test.rule, 1};
    test.policy.protect = &test.protect;
    assert_nothing_goes(&test, "ResourceNotFoundException");
    assert_true(test.drop_group);
}

static void skip_a_row(struct rig *rig, struct call *call)
{
    (void)rig;
    call->page.skipped = 1;
    text_copy(call->page.skipped_why, sizeof call->page.skipped_why, "the thing is not of the type");
}

static void a_row_that_cannot_be_read_fails_the_run(void **state)
{
    static const char *const types[] = {"type-1", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    test.rig.answer = skip_a_row;
    rig_patterns(&test.policy.match.types, types);
    assert_nothing_goes(&test, "ListThings: 1 things of the answer cannot be used: the thing is not of");
}

static void a_type_that_no_thing_has_is_told(void **state)
{
    static const char *const types[] = {"tipe-1", NULL};
    struct registry test;
    (void)state;
    begin(&test);
    rig_patterns(&test.policy.match.types, types);
    sweep(&test);
    assert_int_equal(test.report.selected, 0);
    assert_string_equal(test.warned, "no thing is of the type tipe-1");
    finish(&test);
}

/* Wherever it is, nothing stays behind, and nothing is deleted. */
static void a_sweep_is_canceled_while_things_are_found_out(void **state)
{
    static const char *const names[] = {"gw-000001", "gw-000002", "gw-000003", NULL};
    (void)state;
    for (int named = 0; named < 2; named++) {
        bool surveying = true;
        for (int events = 0; events < EVENTS_OF_ONE && surveying; events++) {
            struct registry test;
            begin(&test);
            protect_group_1(&test);
            if (named == 1) {
                rig_patterns(&test.policy.match.thing.include, names);
            }
            start(&test);
            for (int i = 0; i < events; i++) {
                virtual_step(test.rig.world);
            }
            surveying = test.rig.calls[OPERATION_LIST_JOBS] == 0;
            sweep_cancel(test.sweep, false);
            assert_true(rig_run(&test.rig, &test.done, 3600));
            assert_int_equal(test.report.end, SWEEP_CANCELED);
            assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
            finish(&test);
        }
        assert_false(surveying);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_group_means_the_things_in_it_and_in_the_groups_below),
    cmocka_unit_test(a_type_means_the_things_of_it),
    cmocka_unit_test(attributes_must_all_be_there),
    cmocka_unit_test(a_query_means_the_things_that_it_finds),
    cmocka_unit_test(blocks_ask_as_well),
    cmocka_unit_test(of_a_thing_that_was_deleted_nothing_is_known),
    cmocka_unit_test(a_protected_group_is_left_alone),
    cmocka_unit_test(things_that_are_named_are_described_and_the_registry_is_not_listed),
    cmocka_unit_test(rows_of_a_plan_are_protected_by_the_groups_of_today),
    cmocka_unit_test(a_small_group_is_listed_by_thing),
    cmocka_unit_test(a_group_that_does_not_exist_fails_the_run),
    cmocka_unit_test(a_query_that_is_refused_fails_the_run),
    cmocka_unit_test(a_group_that_vanishes_between_its_pages_fails_the_run),
    cmocka_unit_test(a_row_that_cannot_be_read_fails_the_run),
    cmocka_unit_test(a_type_that_no_thing_has_is_told),
    cmocka_unit_test(a_sweep_is_canceled_while_things_are_found_out),
};

TAP_MAIN(tests)
