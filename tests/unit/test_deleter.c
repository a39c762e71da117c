/* The state machine of deletion, against the scripted service of sim/deletion.h, which also checks at each
 * transmission that the intent is durable and force only where it belongs. */
#include "base/time.h"
#include "sim/deletion.h"
#include "tap.h"

#include <string.h>

/* Runs one row with this script and expects this end. */
static void expect(const char *describes, const char *deletes, enum outcome outcome, int sends)
{
    struct deletion test;
    struct ledger_row_state state;
    deletion_begin(&test, 1);
    test.describes = describes;
    test.deletes = deletes;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], outcome);
    assert_int_equal(test.sends[0], sends);
    deletion_ledger(&test, 0, &state);
    assert_int_equal(state.outcome, outcome);
    assert_int_equal(state.intents, sends);
    deletion_finish(&test);
}

static void a_row_is_checked_and_deleted(void **state)
{
    (void)state;
    expect("=", "D", OUTCOME_DELETED, 1);
}

static void each_answer_ends_or_repeats_the_row(void **state)
{
    (void)state;
    expect("=", "TTTD", OUTCOME_DELETED, 4);
    expect("=", "NNND", OUTCOME_DELETED, 4);
    expect("=", "NNNNNNNN", OUTCOME_FAILED, 8);
    expect("=", "ED", OUTCOME_DELETED, 2);
    expect("=", "EEED", OUTCOME_DELETED, 4);
    expect("=", "EEEE", OUTCOME_NOT_ATTEMPTED, 4); /* there are no keys: no row has failed */
    expect("=", "SD", OUTCOME_DELETED, 2);
    expect("=", "SS", OUTCOME_FAILED, 2);
    expect("=", "A", OUTCOME_FAILED, 1);
    expect("=", "I", OUTCOME_FAILED, 1);
    expect("=", "X", OUTCOME_STATE_CHANGED, 1);
}

static void a_lost_answer_is_verified_and_repeated_three_times_at_most(void **state)
{
    (void)state;
    expect("=", "L", OUTCOME_DELETED_PRESUMED, 1);
    expect("=", "Z", OUTCOME_DELETED_PRESUMED, 1);
    expect("=", "lD", OUTCOME_DELETED, 2);
    expect("=", "llD", OUTCOME_DELETED, 3);
    expect("=", "lll", OUTCOME_FAILED, 3);
    expect("=", "lTTlD", OUTCOME_DELETED, 5);
}

static void an_execution_that_cannot_be_checked_is_not_deleted(void **state)
{
    (void)state;
    expect("A", "D", OUTCOME_FAILED, 0);
    expect("L", "D", OUTCOME_FAILED, 0);
    expect("W", "D", OUTCOME_FAILED, 0);
}

static void a_row_that_is_gone_before_the_check_is_gone(void **state)
{
    struct deletion test;
    struct ledger_row_state row;
    (void)state;
    deletion_begin(&test, 1);
    test.exists[0] = false;
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcome[0], OUTCOME_GONE);
    assert_int_equal(test.sends[0], 0);
    deletion_ledger(&test, 0, &row);
    assert_int_equal(row.intents, 0);
    assert_int_equal(row.outcome, OUTCOME_GONE);
    deletion_finish(&test);
}

static void remove_before_delete(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION)
        test->exists[0] = false;
}

static void a_row_that_goes_between_check_and_deletion_is_gone(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.before = remove_before_delete;
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcome[0], OUTCOME_GONE);
    deletion_finish(&test);
}

/* Which field of the fingerprint is another: 0 status, 1 queuedAt, 2 startedAt, 3 lastUpdatedAt. */
static void change_field(struct job_execution *execution, int field)
{
    struct timestamp *times[] = {NULL, &execution->fingerprint.queued_at, &execution->fingerprint.started_at,
                                 &execution->fingerprint.last_updated_at};
    if (field == 0)
        execution->fingerprint.status = EXECUTION_FAILED;
    else
        timestamp_parse("1700000777.5", times[field]);
}

static bool change_at_start(struct deletion *test, int field)
{
    deletion_begin(test, 1);
    deletion_start(test);
    change_field(&test->stored[0], field);
    return deletion_run(test, 60);
}

static void any_other_fingerprint_is_left_alone(void **state)
{
    (void)state;
    for (int field = 0; field < 4; field++) {
        struct deletion test;
        assert_true(change_at_start(&test, field));
        assert_int_equal(test.outcome[0], OUTCOME_REPLACED);
        assert_int_equal(test.sends[0], 0);
        assert_true(test.exists[0]);
        deletion_finish(&test);
    }
}

static void the_look_waits_until_the_signature_is_too_old(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    assert_true(deletion_run(&test, 7200));
    assert_true(test.looked_ns[0] - test.sent_ns[0] > 300 * TIME_NS_PER_SECOND);
    assert_true(test.looked_ns[0] - test.sent_ns[0] < 310 * TIME_NS_PER_SECOND);
    deletion_finish(&test);
}

/* After the lost deletion has been executed, somebody takes the number again. */
static void replace_after_loss(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && test->sends[0] > 0)
        deletion_replace(test, 0);
}

static void a_newcomer_after_a_lost_answer_is_never_touched(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "LD";
    test.before = replace_after_loss;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    assert_int_equal(test.sends[0], 1);
    assert_true(test.exists[0]);
    deletion_finish(&test);
}

static void raise_version_after_loss(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && test->sends[0] > 0)
        test->stored[0].fingerprint.version_number = 4;
}

static void the_version_number_of_the_check_joins_the_fingerprint(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "lD";
    test.before = raise_version_after_loss;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    assert_int_equal(test.sends[0], 1);
    deletion_finish(&test);
}

static void remove_after_loss(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION && test->sends[0] > 1)
        test->exists[0] = false;
}

static void not_found_after_a_lost_answer_is_presumed_our_own_doing(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "lD";
    test.before = remove_after_loss;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    assert_int_equal(test.sends[0], 2);
    deletion_finish(&test);
}

static void a_look_without_an_answer_for_an_hour_is_unknown(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    test.describes = "=A";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_UNKNOWN);
    assert_true(test.settled_ns[0] - test.sent_ns[0] > 3900 * TIME_NS_PER_SECOND);
    deletion_finish(&test);
}

static void a_look_that_is_answered_in_the_end_settles(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    test.describes = "=AAAWAAA=";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    deletion_finish(&test);
}

static void ten_refusals_in_a_row_stop_it(void **state)
{
    struct deletion test;
    enum answer_class why;
    (void)state;
    deletion_begin(&test, 60);
    test.deletes = "A";
    assert_true(deletion_run(&test, 600));
    assert_int_equal(deleter_stopped(test.deleter, &why)->code, ERR_PERMISSION);
    assert_int_equal(why, ANSWER_DENIED);
    assert_int_equal(test.settled, test.added);
    assert_true(test.outcomes[OUTCOME_FAILED] >= 10 && test.outcomes[OUTCOME_FAILED] < 20);
    assert_int_equal(test.outcomes[OUTCOME_FAILED] + test.outcomes[OUTCOME_NOT_ATTEMPTED], test.settled);
    deletion_finish(&test);
}

static void refusals_with_deletions_in_between_do_not_stop_it(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 40);
    test.deletes = "AAAAAAAAADAAAAAAAAADAAAAAAAAADAAAAAAAAAD";
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_FAILED], 36);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 4);
    deletion_finish(&test);
}

static void one_pair_has_one_deletion_at_a_time(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 3);
    for (int i = 1; i < 3; i++) {
        strcpy(test.stored[i].thing_name, test.stored[0].thing_name);
        test.stored[i].number = i + 1;
    }
    test.deletes = "lD";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 3);
    assert_true(test.sent_ns[1] >= test.settled_ns[0]);
    assert_true(test.sent_ns[2] >= test.settled_ns[1]);
    assert_true(test.looked_ns[1] >= test.settled_ns[0]); /* and the check is not made before its turn */
    deletion_finish(&test);
}

static void a_pair_is_free_as_soon_as_its_deletion_is_answered(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 2);
    strcpy(test.stored[1].thing_name, test.stored[0].thing_name);
    test.stored[1].number = 2;
    assert_true(deletion_run(&test, 5));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 2);
    deletion_finish(&test);
}

static void a_quarantine_delays_its_own_row_only(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 60);
    test.deletes = "llllllllllllllllllllllllllllllD";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 60);
    for (int i = 0; i < 60; i++)
        assert_true(test.sends[i] == 2 || test.settled_ns[i] < 60 * TIME_NS_PER_SECOND);
    deletion_finish(&test);
}

/* --- clocks --- */

static int64_t step_ms;

static void step_clock_at_intent(struct rig *rig, const struct ledger_request *request)
{
    if (request->operation == LEDGER_INTENT && request->attempt == 1)
        rig->wall_step_ms = step_ms;
}

static void a_clock_set_between_check_and_gate_needs_a_new_check(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    step_ms = 10000;
    test.rig.written = step_clock_at_intent;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 1);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 2);
    deletion_finish(&test);
}

static void a_clock_set_far_off_stops_deletion(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct deletion test;
        deletion_begin(&test, 1);
        step_ms = sign * 600000;
        test.rig.written = step_clock_at_intent;
        assert_true(deletion_run(&test, 600));
        assert_int_equal(test.sends[0], 0);
        assert_int_equal(test.outcome[0], OUTCOME_NOT_ATTEMPTED);
        assert_non_null(strstr(deleter_stopped(test.deleter, NULL)->msg, "clock"));
        deletion_finish(&test);
    }
}

static void set_clock_forward(void *ctx)
{
    struct deletion *test = ctx;
    test->rig.wall_step_ms = 3600000;
}

static void a_clock_set_forward_does_not_shorten_a_quarantine(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    virtual_at(test.rig.world, 20 * TIME_NS_PER_SECOND, set_clock_forward, &test);
    assert_true(deletion_run(&test, 7200));
    assert_true(test.looked_ns[0] - test.sent_ns[0] > 300 * TIME_NS_PER_SECOND);
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    deletion_finish(&test);
}

static void check_bound(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION)
        assert_int_equal(call->leave_by_ns, test->looked_ns[0] + 60 * TIME_NS_PER_SECOND);
}

static void a_deletion_says_until_when_its_check_lets_it_leave(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.before = check_bound;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.sends[0], 1);
    deletion_finish(&test);
}

static void delay_first_intent(struct rig *rig, const struct ledger_request *request)
{
    bool first = request->operation == LEDGER_INTENT && request->attempt == 1;
    rig->ledger_delay_ns = first ? 61 * TIME_NS_PER_SECOND : 0;
}

static void a_check_older_than_a_minute_does_not_pass_the_gate(void **state)
{
    struct deletion test;
    struct ledger_row_state row;
    (void)state;
    deletion_begin(&test, 1);
    test.rig.written = delay_first_intent;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 1);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 2);
    deletion_ledger(&test, 0, &row);
    assert_int_equal(row.intents, 2);
    assert_int_equal(row.results, 2);
    deletion_finish(&test);
}

/* --- verify: risky --- */

static void know_the_job(struct deletion *test)
{
    bool never = false;
    test->policy.verify_risky = true;
    facts_want(test->facts, "job-1");
    rig_run(&test->rig, &never, 10);
}

static void risky_leaves_out_the_check_only_where_the_job_allows_it(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 5);
    know_the_job(&test);
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 5);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 0);
    deletion_finish(&test);
    deletion_begin(&test, 5); /* nothing is known of the job */
    test.policy.verify_risky = true;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 5);
    deletion_finish(&test);
}

static void risky_verifies_after_a_lost_answer_all_the_same(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    know_the_job(&test);
    test.deletes = "LD";
    test.before = replace_after_loss;
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
    assert_int_equal(test.sends[0], 1);
    deletion_finish(&test);
}

/* --- the end of all --- */

/* Twelve rows of so many things; cancels after so many events. False when it was over before. */
static bool cancel_after(int events, bool hurry, int things, int64_t ledger_apart_ns)
{
    struct deletion test;
    deletion_begin(&test, 12);
    test.rig.ledger_apart_ns = ledger_apart_ns;
    for (int i = things; i < 12; i++) {
        strcpy(test.stored[i].thing_name, test.stored[i % things].thing_name);
        test.stored[i].number = 1 + i / things;
    }
    test.deletes = "DLlTNDLlEZXAD";
    deletion_start(&test);
    for (int i = 0; i < events && !test.done; i++)
        assert_true(virtual_step(test.rig.world));
    bool canceled = !test.done;
    int settled = test.settled;
    deleter_cancel(test.deleter, hurry);
    assert_int_equal(test.settled, settled); /* not from inside */
    while (deleter_rows(test.deleter) > 0)
        assert_true(virtual_step(test.rig.world));
    assert_int_equal(test.settled, test.added);
    assert_int_equal(test.outcomes[OUTCOME_PENDING], 0);
    if (!hurry)
        assert_int_equal(test.outcomes[OUTCOME_UNKNOWN], 0);
    deletion_finish(&test);
    return canceled;
}

static void a_cancel_at_any_moment_settles_what_was_sent(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        int events = 0;
        while (cancel_after(events, kind & 1, kind & 2 ? 3 : 12, kind & 4 ? 30 * TIME_NS_PER_MS : 0)) {
            events++;
        }
        assert_in_range(events, 50, 10000);
    }
}

static void a_hurried_cancel_does_not_wait_for_a_quarantine(void **state)
{
    struct deletion test;
    bool never = false;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    deletion_start(&test);
    rig_run(&test.rig, &never, 30);
    assert_int_equal(deleter_quarantined(test.deleter), 1);
    assert_in_range(deleter_quarantine_left_ns(test.deleter) / TIME_NS_PER_SECOND, 1, 400);
    deleter_cancel(test.deleter, false);
    rig_run(&test.rig, &never, 30);
    assert_int_equal(test.settled, 0);
    deleter_cancel(test.deleter, true);
    rig_run(&test.rig, &never, 1);
    assert_int_equal(test.outcome[0], OUTCOME_UNKNOWN);
    deletion_finish(&test);
}

/* The ledger fails at this request; false when the rows were settled before. */
static bool fail_ledger_at(int64_t request)
{
    struct deletion test;
    deletion_begin(&test, 12);
    test.deletes = "DLlTNDLlEZXAD";
    test.rig.ledger_fails_at = request;
    assert_true(deletion_run(&test, 7200));
    bool failed = test.rig.ledger_requests >= request;
    assert_int_equal(test.settled, test.added);
    assert_int_equal(deleter_stopped(test.deleter, NULL)->code, failed ? ERR_IO : ERR_NONE);
    for (int i = 0; i < test.added && failed; i++) {
        struct ledger_row_state state;
        struct plan_row plan;
        ledger_memory_row(test.rig.memory, test.run, i, &plan, &state);
        bool open = state.intents > state.results && test.sends[i] == state.intents;
        bool refused = !plan.open && !plan.unsure; /* whatever was sent is known to have done nothing */
        if (state.outcome != OUTCOME_PENDING)
            assert_int_equal(test.outcome[i], state.outcome);
        else if (open || (!test.exists[i] && test.sends[i] > 0))
            assert_int_equal(test.outcome[i], OUTCOME_UNKNOWN);
        else if (test.sends[i] == 0 || refused)
            assert_int_equal(test.outcome[i], OUTCOME_NOT_ATTEMPTED);
    }
    deletion_finish(&test);
    return failed;
}

static void a_ledger_that_fails_at_any_moment_freezes_deletion(void **state)
{
    int64_t request = 1;
    (void)state;
    while (fail_ledger_at(request)) {
        request++;
    }
    assert_in_range(request, 24, 1000);
}

static void a_failed_ledger_does_not_wait_for_a_quarantine(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 2);
    test.deletes = "LD";
    test.rig.ledger_fails_at = 4; /* two intents and the lost answer are on record */
    assert_true(deletion_run(&test, 30));
    assert_int_equal(test.outcomes[OUTCOME_UNKNOWN], 2);
    deletion_finish(&test);
}

static void a_slow_lane_gets_through_with_fresh_checks(void **state)
{
    static const struct dispatcher_config slow = {
        .quota_per_1000s = {[OPERATION_DELETE_EXECUTION] = 20}}; /* one in 50 s */
    struct deletion test;
    (void)state;
    deletion_begin(&test, 20);
    facts_destroy(test.facts);
    dispatcher_destroy(test.rig.dispatcher);
    test.rig.dispatcher = dispatcher_create(&test.rig.env, &test.rig.service, &slow);
    test.facts = facts_create(test.rig.dispatcher);
    assert_true(deletion_run(&test, 20 * 51));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 20);
    deletion_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_row_is_checked_and_deleted),
    cmocka_unit_test(each_answer_ends_or_repeats_the_row),
    cmocka_unit_test(a_lost_answer_is_verified_and_repeated_three_times_at_most),
    cmocka_unit_test(an_execution_that_cannot_be_checked_is_not_deleted),
    cmocka_unit_test(a_row_that_is_gone_before_the_check_is_gone),
    cmocka_unit_test(a_row_that_goes_between_check_and_deletion_is_gone),
    cmocka_unit_test(any_other_fingerprint_is_left_alone),
    cmocka_unit_test(the_look_waits_until_the_signature_is_too_old),
    cmocka_unit_test(a_newcomer_after_a_lost_answer_is_never_touched),
    cmocka_unit_test(the_version_number_of_the_check_joins_the_fingerprint),
    cmocka_unit_test(not_found_after_a_lost_answer_is_presumed_our_own_doing),
    cmocka_unit_test(a_look_without_an_answer_for_an_hour_is_unknown),
    cmocka_unit_test(a_look_that_is_answered_in_the_end_settles),
    cmocka_unit_test(ten_refusals_in_a_row_stop_it),
    cmocka_unit_test(refusals_with_deletions_in_between_do_not_stop_it),
    cmocka_unit_test(one_pair_has_one_deletion_at_a_time),
    cmocka_unit_test(a_pair_is_free_as_soon_as_its_deletion_is_answered),
    cmocka_unit_test(a_quarantine_delays_its_own_row_only),
    cmocka_unit_test(a_deletion_says_until_when_its_check_lets_it_leave),
    cmocka_unit_test(a_clock_set_between_check_and_gate_needs_a_new_check),
    cmocka_unit_test(a_clock_set_far_off_stops_deletion),
    cmocka_unit_test(a_clock_set_forward_does_not_shorten_a_quarantine),
    cmocka_unit_test(a_check_older_than_a_minute_does_not_pass_the_gate),
    cmocka_unit_test(risky_leaves_out_the_check_only_where_the_job_allows_it),
    cmocka_unit_test(risky_verifies_after_a_lost_answer_all_the_same),
    cmocka_unit_test(a_cancel_at_any_moment_settles_what_was_sent),
    cmocka_unit_test(a_hurried_cancel_does_not_wait_for_a_quarantine),
    cmocka_unit_test(a_ledger_that_fails_at_any_moment_freezes_deletion),
    cmocka_unit_test(a_failed_ledger_does_not_wait_for_a_quarantine),
    cmocka_unit_test(a_slow_lane_gets_through_with_fresh_checks),
};

TAP_MAIN(tests)
