/* Deleting with force: only what is IN_PROGRESS, only where plan and policy both say so. The scripted service
 * of sim/deletion.h checks at each transmission that force is there exactly where it belongs, and refuses
 * what is not finished without it. */
#include "base/time.h"
#include "sim/deletion.h"
#include "tap.h"

#include <string.h>

static void begin(struct deletion *test, int rows, enum execution_status status, bool force)
{
    deletion_begin(test, rows);
    test->policy.force = force;
    for (int i = 0; i < rows; i++)
        test->stored[i].fingerprint.status = status;
}

/* One row of this status, under a policy that forces or not. */
static void expect(enum execution_status status, bool force, bool force_planned, enum outcome outcome)
{
    struct deletion test;
    struct ledger_row_state row;
    begin(&test, 1, status, force);
    test.force_planned = force_planned;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], outcome);
    assert_int_equal(test.sends[0], outcome == OUTCOME_DELETED);
    assert_int_equal(test.exists[0], outcome != OUTCOME_DELETED);
    deletion_ledger(&test, 0, &row);
    assert_int_equal(row.outcome, outcome);
    assert_int_equal(row.intents, test.sends[0]);
    deletion_finish(&test);
}

static void what_is_not_finished_goes_only_with_force(void **state)
{
    (void)state;
    expect(EXECUTION_IN_PROGRESS, true, false, OUTCOME_DELETED);
    expect(EXECUTION_IN_PROGRESS, false, false, OUTCOME_FAILED);
    expect(EXECUTION_QUEUED, true, false, OUTCOME_FAILED);
    expect(EXECUTION_UNKNOWN, true, false, OUTCOME_FAILED);
}

static void a_ledger_that_says_force_where_nobody_did_is_not_obeyed(void **state)
{
    (void)state;
    expect(EXECUTION_IN_PROGRESS, false, true, OUTCOME_FAILED);
    expect(EXECUTION_QUEUED, true, true, OUTCOME_FAILED);
    expect(EXECUTION_SUCCEEDED, true, true, OUTCOME_DELETED); /* sent without: the service's check */
}

static void finished_rows_of_a_forcing_policy_go_without_force(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 12, EXECUTION_IN_PROGRESS, true);
    for (int i = 0; i < 12; i += 2)
        test.stored[i].fingerprint.status = i % 4 == 0 ? EXECUTION_FAILED : EXECUTION_TIMED_OUT;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 12);
    deletion_finish(&test);
}

static void run_again(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION)
        test->stored[0].fingerprint.status = EXECUTION_IN_PROGRESS;
}

/* The policy forces, but the row was planned as finished: the refusal is the end of it. */
static void a_conflict_never_leads_to_force(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1, EXECUTION_SUCCEEDED, true);
    test.before = run_again;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_STATE_CHANGED);
    assert_int_equal(test.sends[0], 1);
    assert_true(test.exists[0]);
    deletion_finish(&test);
}

static void report_progress(struct job_execution *execution, int what)
{
    if (what == 0)
        execution->fingerprint.status = EXECUTION_SUCCEEDED;
    timestamp_parse("1767225611.5", &execution->fingerprint.last_updated_at);
    execution->fingerprint.version_number++;
}

static void an_execution_whose_device_has_reported_since_the_plan_is_left_alone(void **state)
{
    (void)state;
    for (int what = 0; what < 2; what++) {
        struct deletion test;
        begin(&test, 1, EXECUTION_IN_PROGRESS, true);
        deletion_start(&test);
        report_progress(&test.stored[0], what);
        assert_true(deletion_run(&test, 600));
        assert_int_equal(test.outcome[0], OUTCOME_STATE_CHANGED);
        assert_int_equal(test.sends[0], 0);
        assert_true(test.exists[0]);
        deletion_finish(&test);
    }
}

static void replace(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DESCRIBE_EXECUTION)
        deletion_replace(test, 0);
}

static void another_incarnation_of_a_running_one_is_replaced(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1, EXECUTION_IN_PROGRESS, true);
    test.before = replace;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_REPLACED);
    assert_int_equal(test.sends[0], 0);
    deletion_finish(&test);
}

static void progress_after_loss(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && test->sends[0] > 0)
        report_progress(&test->stored[0], 0);
}

/* The answer is lost and nothing was executed; meanwhile the device reports. It is there, so it was not
 * deleted, and it is not what was selected any more. */
static void progress_after_a_lost_answer_is_a_changed_state(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1, EXECUTION_IN_PROGRESS, true);
    test.deletes = "lD";
    test.before = progress_after_loss;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_STATE_CHANGED);
    assert_int_equal(test.sends[0], 1);
    assert_true(test.exists[0]);
    deletion_finish(&test);
}

static void a_lost_answer_is_repeated_with_force_only_if_nothing_has_changed(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1, EXECUTION_IN_PROGRESS, true);
    test.deletes = "lD";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 2);
    deletion_finish(&test);
}

static void risky_never_leaves_out_the_check_of_a_running_one(void **state)
{
    struct deletion test;
    bool never = false;
    (void)state;
    begin(&test, 4, EXECUTION_IN_PROGRESS, true);
    test.stored[3].fingerprint.status = EXECUTION_FAILED;
    test.policy.verify_risky = true;
    facts_want(test.facts, "job-1");
    rig_run(&test.rig, &never, 10);
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 4);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 3);
    deletion_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_not_finished_goes_only_with_force),
    cmocka_unit_test(a_ledger_that_says_force_where_nobody_did_is_not_obeyed),
    cmocka_unit_test(finished_rows_of_a_forcing_policy_go_without_force),
    cmocka_unit_test(a_conflict_never_leads_to_force),
    cmocka_unit_test(an_execution_whose_device_has_reported_since_the_plan_is_left_alone),
    cmocka_unit_test(another_incarnation_of_a_running_one_is_replaced),
    cmocka_unit_test(progress_after_a_lost_answer_is_a_changed_state),
    cmocka_unit_test(a_lost_answer_is_repeated_with_force_only_if_nothing_has_changed),
    cmocka_unit_test(risky_never_leaves_out_the_check_of_a_running_one),
};

TAP_MAIN(tests)
