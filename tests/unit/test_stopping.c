/* How a deleter stops: at once where nothing has to be waited for. */
#include "base/time.h"
#include "engine/steps.h"
#include "sim/deletion.h"
#include "tap.h"

static void nothing(void *ctx)
{
    (void)ctx;
}

/* The time passes also where nothing happens meanwhile. */
static void run_for(struct deletion *test, int64_t ms)
{
    int64_t until_ns = virtual_mono_ns(test->rig.world) + ms * TIME_NS_PER_MS;
    virtual_at(test->rig.world, until_ns, nothing, NULL);
    virtual_run(test->rig.world, NULL, NULL, until_ns);
}

/* Rows as for a lane of one deletion in 50 s. */
static void begin_slowly(struct deletion *test, int rows)
{
    static const struct dispatcher_config slow = {.quota_per_1000s = {[OPERATION_DELETE_EXECUTION] = 20}};
    deletion_begin(test, rows);
    facts_destroy(test->facts);
    dispatcher_destroy(test->rig.dispatcher);
    test->rig.dispatcher = dispatcher_create(&test->rig.env, &test->rig.service, &slow);
    test->facts = facts_create(test->rig.dispatcher);
}

/* A client that has no keys for a while: a deletion waits in it, and has not left. */
struct keyless {
    struct job_service inner;
    bool missing;
    struct {
        struct call *call;
        bool recalled;
    } waiting[DELETION_ROWS_MAX];
    int count;
};

static void submit_keyless(void *ctx, struct call *call)
{
    struct keyless *keyless = ctx;
    if (keyless->missing && call->operation == OPERATION_DELETE_EXECUTION) {
        keyless->waiting[keyless->count].recalled = false;
        keyless->waiting[keyless->count++].call = call;
    } else {
        keyless->inner.submit(keyless->inner.ctx, call);
    }
}

static void recall_keyless(void *ctx, struct call *call)
{
    struct keyless *keyless = ctx;
    for (int i = 0; i < keyless->count; i++) {
        if (keyless->waiting[i].call == call) {
            keyless->waiting[i].recalled = true;
        }
    }
}

static void take_keys(struct deletion *test, struct keyless *keyless)
{
    *keyless = (struct keyless){.inner = test->rig.service, .missing = true};
    test->rig.service =
        (struct job_service){.ctx = keyless, .submit = submit_keyless, .recall = recall_keyless};
}

static void bring_keys(struct keyless *keyless)
{
    keyless->missing = false;
    for (int i = 0; i < keyless->count; i++) {
        struct call *call = keyless->waiting[i].call;
        if (keyless->waiting[i].recalled) {
            call->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "Canceled"};
            call->done(call);
        } else {
            keyless->inner.submit(keyless->inner.ctx, call);
        }
    }
    keyless->count = 0;
}

static void few_rows_are_taken_up_where_the_lane_is_slow(void **state)
{
    struct deletion test;
    (void)state;
    begin_slowly(&test, 20);
    deletion_start(&test);
    assert_int_equal(test.added, 8); /* in ROW_CHECK they count too */
    assert_true(deletion_run(&test, 20 * 51));
    deletion_finish(&test);
}

static void what_waits_for_its_slot_is_not_waited_for(void **state)
{
    struct deletion test;
    (void)state;
    begin_slowly(&test, 20);
    deletion_start(&test);
    run_for(&test, 5000);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 1);
    deleter_cancel(test.deleter, false);
    run_for(&test, 1000);
    assert_int_equal(deleter_rows(test.deleter), 0);
    assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], test.added - 1);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 1);
    deletion_finish(&test);
}

/* Each was looked at before, and is again, because that was too long ago. */
static void what_was_held_is_looked_at_again_before_it_goes(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 30);
    deletion_start(&test);
    run_for(&test, 1000);
    dispatcher_hold(test.rig.dispatcher, true);
    run_for(&test, 1000); /* what was on its way comes back */
    int sent = test.rig.calls[OPERATION_DELETE_EXECUTION];
    assert_in_range(sent, 1, 20);
    run_for(&test, 600000);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], sent);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], sent);
    deletion_replace(&test, 29);
    int looks = test.rig.calls[OPERATION_DESCRIBE_EXECUTION];
    dispatcher_hold(test.rig.dispatcher, false);
    run_for(&test, 60000);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 29);
    assert_int_equal(test.outcomes[OUTCOME_REPLACED], 1);
    assert_true(test.rig.calls[OPERATION_DESCRIBE_EXECUTION] - looks >= 30 - sent);
    deletion_finish(&test);
}

static void what_was_lost_is_settled_while_deletions_are_held(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 3);
    test.deletes = "L";
    deletion_start(&test);
    run_for(&test, 1000);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 3);
    dispatcher_hold(test.rig.dispatcher, true);
    run_for(&test, 400000);
    assert_int_equal(test.outcomes[OUTCOME_DELETED_PRESUMED], 3);
    deletion_finish(&test);
}

static void a_look_without_an_answer_is_given_up_in_a_hurry(void **state)
{
    (void)state;
    for (int64_t at_ms = 302000; at_ms < 304000; at_ms += 10) {
        struct deletion test;
        deletion_begin(&test, 1);
        test.deletes = "L";
        test.describes = "=A";
        deletion_start(&test);
        run_for(&test, at_ms);
        deleter_cancel(test.deleter, true);
        run_for(&test, 1000);
        assert_int_equal(test.outcome[0], OUTCOME_UNKNOWN);
        deletion_finish(&test);
    }
}

static void ten_checks_that_are_refused_stop_it(void **state)
{
    struct deletion test;
    enum answer_class why;
    (void)state;
    deletion_begin(&test, 60);
    test.describes = "A";
    assert_true(deletion_run(&test, 600));
    assert_int_equal(deleter_stopped(test.deleter, &why)->code, ERR_PERMISSION);
    assert_int_equal(why, ANSWER_DENIED);
    assert_int_equal(test.outcomes[OUTCOME_FAILED], 10);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    deletion_finish(&test);
}

/* Keys that are none, or that the service takes no longer, say nothing of a row: not one has failed. */
static void without_keys_it_stops_at_once_and_no_row_fails(void **state)
{
    static const struct {
        const char *describes, *deletes;
        enum answer_class why;
    } table[] = {{"K", "D", ANSWER_DENIED},
                 {"=", "K", ANSWER_DENIED},
                 {"=====K", "DDK", ANSWER_DENIED},
                 {"E", "D", ANSWER_EXPIRED},
                 {"=", "E", ANSWER_EXPIRED}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct deletion test;
        enum answer_class why;
        deletion_begin(&test, 60);
        test.describes = table[i].describes;
        test.deletes = table[i].deletes;
        assert_true(deletion_run(&test, 600));
        assert_int_not_equal(deleter_stopped(test.deleter, &why)->code, ERR_NONE);
        assert_int_equal(why, table[i].why);
        assert_int_equal(test.settled, test.added);
        assert_int_equal(test.outcomes[OUTCOME_FAILED], 0);
        assert_true(test.outcomes[OUTCOME_NOT_ATTEMPTED] > 0);
        assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED] + test.outcomes[OUTCOME_DELETED], test.settled);
        deletion_finish(&test);
    }
}

static void a_row_may_meet_some_sessions_that_end(void **state)
{
    struct deletion test;
    enum answer_class why;
    (void)state;
    deletion_begin(&test, 1);
    test.describes = "EEE=";
    test.deletes = "EEED";
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 1);
    assert_int_equal(deleter_stopped(test.deleter, &why)->code, ERR_NONE);
    deletion_finish(&test);
}

/* A pause may take days: what the run was told of the job may be about another by then. */
static void what_was_held_is_looked_at_also_where_that_is_left_out(void **state)
{
    struct deletion test;
    bool never = false;
    (void)state;
    deletion_begin(&test, 3);
    test.policy.verify_risky = true;
    facts_want(test.facts, "job-1");
    rig_run(&test.rig, &never, 10);
    dispatcher_hold(test.rig.dispatcher, true);
    deletion_start(&test);
    run_for(&test, 2 * TIME_MS_PER_DAY);
    deletion_replace(&test, 1);
    dispatcher_hold(test.rig.dispatcher, false);
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 3);
    assert_int_equal(test.outcome[1], OUTCOME_REPLACED);
    assert_int_equal(test.sends[1], 0);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 2);
    deletion_finish(&test);
}

/* Three rows that wait for keys when the pause comes, which ends before the keys are there or after. */
static void pauses(bool risky, bool ends_first)
{
    struct deletion test;
    struct keyless keyless;
    bool never = false;
    deletion_begin(&test, 3);
    test.policy.verify_risky = risky;
    facts_want(test.facts, "job-1");
    rig_run(&test.rig, &never, 10);
    take_keys(&test, &keyless);
    deletion_start(&test);
    run_for(&test, 1000);
    assert_int_equal(keyless.count, 3);
    dispatcher_hold(test.rig.dispatcher, true);
    deletion_replace(&test, 1);
    if (ends_first) {
        run_for(&test, 70000);
        dispatcher_hold(test.rig.dispatcher, false);
        bring_keys(&keyless);
    } else {
        bring_keys(&keyless);
        run_for(&test, 2 * TIME_MS_PER_DAY);
        assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
        dispatcher_hold(test.rig.dispatcher, false);
    }
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 2);
    assert_int_equal(test.outcome[1], OUTCOME_REPLACED);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 2);
    deletion_finish(&test);
}

static void what_waits_for_keys_is_held_too(void **state)
{
    (void)state;
    pauses(false, false);
    pauses(true, false);
    pauses(false, true);
    pauses(true, true);
}

static void what_waits_for_keys_does_not_leave_after_the_end(void **state)
{
    struct deletion test;
    struct keyless keyless;
    (void)state;
    deletion_begin(&test, 3);
    take_keys(&test, &keyless);
    deletion_start(&test);
    run_for(&test, 1000);
    assert_int_equal(keyless.count, 3);
    deleter_cancel(test.deleter, false);
    bring_keys(&keyless);
    run_for(&test, 1000);
    assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], 3);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    deletion_finish(&test);
}

/* It is no failure of its own, however often. */
static void a_row_bears_many_pauses(void **state)
{
    struct deletion test;
    struct keyless keyless;
    (void)state;
    deletion_begin(&test, 1);
    take_keys(&test, &keyless);
    deletion_start(&test);
    for (int i = 0; i < 2 * DELETER_UNSENT_MAX; i++) {
        run_for(&test, 1000);
        assert_int_equal(keyless.count, 1);
        dispatcher_hold(test.rig.dispatcher, true);
        bring_keys(&keyless);
        keyless.missing = true;
        dispatcher_hold(test.rig.dispatcher, false);
    }
    keyless.missing = false;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 1);
    deletion_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(few_rows_are_taken_up_where_the_lane_is_slow),
    cmocka_unit_test(what_waits_for_its_slot_is_not_waited_for),
    cmocka_unit_test(what_was_held_is_looked_at_again_before_it_goes),
    cmocka_unit_test(what_was_held_is_looked_at_also_where_that_is_left_out),
    cmocka_unit_test(what_waits_for_keys_is_held_too),
    cmocka_unit_test(what_waits_for_keys_does_not_leave_after_the_end),
    cmocka_unit_test(a_row_bears_many_pauses),
    cmocka_unit_test(what_was_lost_is_settled_while_deletions_are_held),
    cmocka_unit_test(a_look_without_an_answer_is_given_up_in_a_hurry),
    cmocka_unit_test(ten_checks_that_are_refused_stop_it),
    cmocka_unit_test(without_keys_it_stops_at_once_and_no_row_fails),
    cmocka_unit_test(a_row_may_meet_some_sessions_that_end),
};

TAP_MAIN(tests)
