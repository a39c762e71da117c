/* Protected groups: of rows that were listed just now, of rows that are given, of runs that were interrupted.
 */
#include "base/text.h"
#include "base/time.h"
#include "engine/things.h"
#include "tap.h"
#include "unit/registry_world.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MAX 1200

struct given_rows {
    struct plan_row rows[ROWS_MAX];
    size_t count, next;
};

static void a_protected_group_is_left_alone(void **state)
{
    struct registry test;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    registry_assert_goes(&test, registry_not_in_group_1);
    registry_finish(&test);
}

static void a_rule_that_has_ended_asks_for_no_group(void **state)
{
    static const char *const groups[] = {"long-gone", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    rig_patterns(&test.rule.groups, groups);
    test.rule.until_ms = RIG_START_MS - 1;
    registry_sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_true(test.report.selected > 100);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS_IN_GROUP], 0);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    registry_finish(&test);
}

static void things_that_are_named_are_described_and_the_registry_is_not_listed(void **state)
{
    static const char *const names[] = {"gw-000001", "gw-000002", "gw-000003", "gw-000004", "nobody", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    rig_patterns(&test.policy.match.thing.include, names);
    registry_sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 5);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    registry_finish(&test);
}

static void on_known(void *owner)
{
    bool *known = owner;
    *known = true;
}

static void on_warning(void *owner, const char *text)
{
    (void)owner;
    fail_msg("%s", text);
}

static struct things *things_of(struct registry *test)
{
    return things_create(&(struct things_config){.env = &test->rig.env,
                                                 .dispatcher = test->rig.dispatcher,
                                                 .policy = &test->policy,
                                                 .protect_only = true,
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
    bool known = false;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    struct things *things = things_of(&test);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fleet_thing_set_group(test.fleet, rows[i].thing, rows[i].moves_to);
        things_only(things, rows[i].thing);
    }
    assert_true(things_needed(things));
    struct match_facts facts = things_facts(things, NULL);
    assert_non_null(protect_find(&test.protect, &facts, "fw-0000", "gw-000002", RIG_START_MS)); /* not yet */
    things_start(things, on_known, &known);
    assert_true(rig_run(&test.rig, &known, 3600));
    assert_int_equal(things_failure(things, NULL)->code, ERR_NONE);
    facts = things_facts(things, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(protect_find(&test.protect, &facts, "fw-0000", rows[i].thing, RIG_START_MS) != NULL,
                         rows[i].protected);
    }
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_THING], 4);
    things_destroy(things);
    registry_finish(&test);
}

static void give(void *ctx, const struct fleet_execution *found)
{
    struct given_rows *given = ctx;
    if (execution_status_terminal(found->execution.fingerprint.status)) {
        struct plan_row *row = &given->rows[given->count++];
        *row = (struct plan_row){.execution = found->execution, .reason = "planned"};
        row->execution.fingerprint.version_number = 0;
    }
}

static int next_row(void *ctx, struct plan_row *row, struct err *err)
{
    struct given_rows *given = ctx;
    (void)err;
    if (given->next == given->count) {
        return 0;
    }
    *row = given->rows[given->next++];
    return 1;
}

static int64_t count_protected(const struct registry *test, const struct given_rows *given)
{
    int64_t count = 0;
    for (size_t i = 0; i < given->count; i++) {
        struct fleet_thing_about thing;
        count += !fleet_thing_about(test->fleet, given->rows[i].execution.thing_name, &thing) ||
                 registry_in_group_1(test, &thing);
    }
    return count;
}

static void apply(struct registry *test, struct given_rows *given)
{
    struct row_source source = {.ctx = given, .next = next_row};
    struct sweep_config config = registry_config_of(test);
    fleet_each(test->fleet, false, give, given);
    source.count = (int64_t)given->count;
    config.source = &source;
    test->policy.selected_over = INT64_MAX;
    test->sweep = sweep_start(&config);
    assert_true(rig_run(&test->rig, &test->done, 86400));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

/* A plan in a file: who is in a protected group when it is applied stays, and who is not known any more. */
static void rows_that_are_given_are_asked_about_anew(void **state)
{
    static struct given_rows given;
    struct registry test;
    struct call call;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    call_init(&call, OPERATION_COUNT);
    strcpy(call.thing_name, "gw-000006");
    fleet_delete_thing(test.fleet, &call, RIG_START_MS - TIME_MS_PER_HOUR);
    apply(&test, &given);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    int64_t protected = count_protected(&test, &given);
    assert_in_range(protected, 10, (int64_t)given.count - 10);
    assert_int_equal(test.report.outcomes[OUTCOME_PROTECTED], protected);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], (int64_t)given.count - protected);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    registry_finish(&test);
}

static void rows_that_are_given_stay_when_a_group_cannot_be_read(void **state)
{
    static struct given_rows given;
    static const char *const groups[] = {"grup-1", NULL};
    struct registry test;
    (void)state;
    registry_begin(&test);
    registry_protect_group_1(&test);
    rig_patterns(&test.rule.groups, groups);
    apply(&test, &given);
    assert_int_equal(test.report.end, SWEEP_FAILED);
    assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED], (int64_t)given.count);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    registry_finish(&test);
}

static void on_found(struct ledger_request *request)
{
    bool *found = request->owner;
    *found = true;
}

/* The process ends after some deletions; the next one goes on with its plan, by the protection of then. */
static void resume_with(struct registry *test, const char *const *groups)
{
    bool found = false;
    struct ledger_request open = {.operation = LEDGER_OPEN_RUN, .done = on_found, .owner = &found};
    registry_begin(test);
    test->rig.ledger_fails_at = 40;
    registry_sweep(test);
    sweep_destroy(test->sweep);
    assert_in_range(test->rig.calls[OPERATION_DELETE_EXECUTION], 1, 60);
    test->rig.ledger_fails_at = 0;
    test->rig.ledger.submit(test->rig.ledger.ctx, &open);
    assert_true(rig_run(&test->rig, &found, 60));
    assert_true(open.begun);
    registry_protect_group_1(test);
    rig_patterns(&test->rule.groups, groups);
    struct sweep_config config = registry_config_of(test);
    test->done = false;
    test->sweep = sweep_resume(&config, &open);
    assert_true(rig_run(&test->rig, &test->done, 86400));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

static void an_interrupted_run_goes_on_with_the_protection_of_now(void **state)
{
    static const char *const group_1[] = {"group-1", NULL}, *const wrong[] = {"grup-1", NULL};
    struct registry test;
    (void)state;
    resume_with(&test, group_1);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_true(test.report.outcomes[OUTCOME_PROTECTED] > 10);
    assert_true(test.report.outcomes[OUTCOME_DELETED] > 100);
    registry_finish(&test);
    resume_with(&test, wrong); /* what may have been sent is settled, and no more */
    assert_int_equal(test.report.end, SWEEP_FAILED);
    assert_int_equal(test.report.outcomes[OUTCOME_PROTECTED], 0);
    assert_true(test.report.outcomes[OUTCOME_DELETED] + test.report.outcomes[OUTCOME_DELETED_PRESUMED] > 0);
    assert_true(test.report.outcomes[OUTCOME_NOT_ATTEMPTED] > 100);
    registry_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_protected_group_is_left_alone),
    cmocka_unit_test(a_rule_that_has_ended_asks_for_no_group),
    cmocka_unit_test(things_that_are_named_are_described_and_the_registry_is_not_listed),
    cmocka_unit_test(rows_of_a_plan_are_protected_by_the_groups_of_today),
    cmocka_unit_test(rows_that_are_given_are_asked_about_anew),
    cmocka_unit_test(rows_that_are_given_stay_when_a_group_cannot_be_read),
    cmocka_unit_test(an_interrupted_run_goes_on_with_the_protection_of_now),
};

TAP_MAIN(tests)
