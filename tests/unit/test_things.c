/* What a policy asks of things, against the simulated registry: whose executions go, whose stay, and that
 * nothing goes when the registry could not be read to its end. */
#include "base/text.h"
#include "base/time.h"
#include "tap.h"
#include "unit/registry_world.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_OF_ONE 1000 /* more than finding things out takes */

/* --- whose executions go --- */

static bool has(const struct fleet_thing_about *thing, const char *name, const char *value)
{
    for (size_t i = 0; i < thing->attribute_count; i++) {
        if (strcmp(thing->attributes[i].name, name) == 0) {
            return strcmp(thing->attributes[i].value, value) == 0;
        }
    }
    return false;
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
    return (registry_within(test, thing, "group-2") || of_type_1(test, thing)) && !of_lima(test, thing);
}

static void a_group_means_the_things_in_it_and_in_the_groups_below(void **state)
{
    static const char *const groups[] = {"group-1", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    rig_patterns(&test.policy.match.groups, groups);
    registry_assert_goes(&test, registry_in_group_1);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 0);
    registry_finish(&test);
}

static void a_type_means_the_things_of_it(void **state)
{
    static const char *const types[] = {"type-1", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    rig_patterns(&test.policy.match.types, types);
    registry_assert_goes(&test, of_type_1);
    registry_finish(&test);
}

static struct attribute LIMA_AND_LATE[] = {{(char[]){"site"}, (char[]){"lima"}},
                                           {(char[]){"ring"}, (char[]){"late"}}};

static void attributes_must_all_be_there(void **state)
{
    struct registry test;
    (void)state;
    registry_begin(&test);
    test.policy.match.attributes = (struct attribute_list){LIMA_AND_LATE, 2};
    registry_assert_goes(&test, of_lima_and_late);
    registry_finish(&test);
}

static void a_query_means_the_things_that_it_finds(void **state)
{
    char query[] = "attributes.site:lima AND attributes.ring:late";
    struct registry test;
    (void)state;
    registry_begin(&test);
    fleet_limit_pages(test.fleet, 2);
    test.policy.match.query = query;
    registry_assert_goes(&test, of_lima_and_late);
    assert_true(test.rig.calls[OPERATION_SEARCH_INDEX] > 1); /* to the last page */
    registry_finish(&test);
}

static void blocks_ask_as_well(void **state)
{
    static const char *const groups[] = {"group-2", NULL}, *const types[] = {"type-1", NULL};
    struct match any[2], none = {.query = NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    memset(any, 0, sizeof any);
    rig_patterns(&any[0].groups, groups);
    rig_patterns(&any[1].types, types);
    none.attributes = (struct attribute_list){LIMA_AND_LATE, 1};
    test.policy.match.any_of = any;
    test.policy.match.any_of_count = 2;
    test.policy.match.none_of = &none;
    test.policy.match.none_of_count = 1;
    registry_assert_goes(&test, of_group_2_or_type_1_but_not_lima);
    registry_finish(&test);
}

/* A thing that the registry no longer knows was perhaps in the group: its executions stay. */
static void of_a_thing_that_was_deleted_nothing_is_known(void **state)
{
    static const char *const groups[] = {"group-1", NULL};
    struct match none = {.query = NULL};
    struct registry test;
    struct call call;
    (void)state;
    registry_begin(&test);
    call_init(&call, OPERATION_COUNT);
    for (int i = 1; i < 40; i += 2) {
        snprintf(call.thing_name, sizeof call.thing_name, "gw-%06d", i);
        fleet_delete_thing(test.fleet, &call, RIG_START_MS - TIME_MS_PER_HOUR);
    }
    rig_patterns(&none.groups, groups);
    test.policy.match.none_of = &none;
    test.policy.match.none_of_count = 1;
    registry_assert_goes(&test, registry_not_in_group_1);
    registry_finish(&test);
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
    registry_begin_with(&test, 60, 40, 4000);
    rig_patterns(&test.policy.match.groups, groups);
    registry_assert_goes(&test, in_small);
    assert_int_equal(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB], 0);
    assert_in_range(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_THING], 4, 20);
    registry_finish(&test);
}

/* --- what cannot be read to its end -------------------------------------------------------------------- */

static void assert_nothing_goes(struct registry *test, const char *why)
{
    registry_sweep(test);
    assert_int_equal(test->report.end, SWEEP_FAILED);
    assert_non_null(strstr(test->report.err.msg, why));
    assert_int_equal(test->report.selected, 0);
    assert_int_equal(test->rig.calls[OPERATION_LIST_JOBS], 0);
    assert_int_equal(test->rig.calls[OPERATION_DELETE_EXECUTION], 0);
    registry_finish(test);
}

static void a_group_that_does_not_exist_fails_the_run(void **state)
{
    static const char *const groups[] = {"group-1", "grup-2", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    rig_patterns(&test.policy.match.groups, groups);
    assert_nothing_goes(&test, "ListThingsInThingGroup grup-2: ResourceNotFoundException");
    registry_begin(&test);
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
    registry_begin(&test);
    test.policy.match.query = query;
    assert_nothing_goes(&test, "SearchIndex attributes.site:[a TO b]: InvalidQueryException");
}

/* The index may have ended its answer there, and what it did not tell would go. */
static void a_query_that_may_have_been_cut_lets_nothing_go(void **state)
{
    char query[] = "thingName:gw*";
    struct match none = {.query = query};
    struct registry test;
    (void)state;
    registry_begin_with(&test, 500, 4, 1200);
    test.policy.match.none_of = &none;
    test.policy.match.none_of_count = 1;
    assert_nothing_goes(&test, "SearchIndex thingName:gw*: exactly 500 things");
    registry_begin_with(&test, 500, 4, 1200);
    test.policy.match.query = query; /* where a "no" keeps it does not matter */
    registry_sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    registry_finish(&test);
}

static bool group_dropped;

static void on_sent(struct rig *rig, const struct call *call)
{
    struct registry *test = rig->ctx;
    struct call drop;
    if (call->operation == OPERATION_LIST_THINGS_IN_GROUP && call->next_token != NULL) {
        call_init(&drop, OPERATION_COUNT);
        text_copy(drop.group_name, sizeof drop.group_name, call->group_name);
        fleet_delete_group(test->fleet, &drop);
        group_dropped = true;
    }
}

/* An incomplete set would let go what is protected. */
static void a_group_that_vanishes_between_its_pages_fails_the_run(void **state)
{
    static const char *const groups[] = {"group-6", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    fleet_limit_pages(test.fleet, 2);
    test.rig.sent = on_sent;
    rig_patterns(&test.rule.groups, groups);
    test.protect = (struct protect_list){&test.rule, 1};
    test.policy.protect = &test.protect;
    assert_nothing_goes(&test, "ResourceNotFoundException");
    assert_true(group_dropped);
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
    registry_begin(&test);
    test.rig.answer = skip_a_row;
    rig_patterns(&test.policy.match.types, types);
    assert_nothing_goes(&test, "ListThings: 1 things of the answer cannot be used: the thing is not of");
}

static void a_type_that_no_thing_has_is_told(void **state)
{
    static const char *const types[] = {"tipe-1", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    rig_patterns(&test.policy.match.types, types);
    registry_sweep(&test);
    assert_int_equal(test.report.selected, 0);
    assert_string_equal(test.warned, "no thing is of the type tipe-1");
    registry_finish(&test);
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
            registry_begin(&test);
            registry_protect_group_1(&test);
            if (named == 1) {
                rig_patterns(&test.policy.match.thing.include, names);
            }
            registry_start(&test);
            for (int i = 0; i < events; i++) {
                virtual_step(test.rig.world);
            }
            surveying = test.rig.calls[OPERATION_LIST_JOBS] == 0;
            sweep_cancel(test.sweep, false);
            assert_true(rig_run(&test.rig, &test.done, 3600));
            assert_int_equal(test.report.end, SWEEP_CANCELED);
            assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
            registry_finish(&test);
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
    cmocka_unit_test(a_small_group_is_listed_by_thing),
    cmocka_unit_test(a_group_that_does_not_exist_fails_the_run),
    cmocka_unit_test(a_query_that_is_refused_fails_the_run),
    cmocka_unit_test(a_query_that_may_have_been_cut_lets_nothing_go),
    cmocka_unit_test(a_group_that_vanishes_between_its_pages_fails_the_run),
    cmocka_unit_test(a_row_that_cannot_be_read_fails_the_run),
    cmocka_unit_test(a_type_that_no_thing_has_is_told),
    cmocka_unit_test(a_sweep_is_canceled_while_things_are_found_out),
};

TAP_MAIN(tests)
