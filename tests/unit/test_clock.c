/* Clocks under the deleter and the sweep: the date that is signed, clocks that are set, a machine that
 * sleeps, a service that tells no time. */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/deletion.h"
#include "tap.h"

#include <string.h>

#define MINUTE_NS (60 * TIME_NS_PER_SECOND)

/* --- the gate's sample --- */

static int64_t signed_ms, wall_at_sending_ms;

static void note_date(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION) {
        signed_ms = call->signed_at_ms;
        wall_at_sending_ms = RIG_START_MS + test->sent_ns[0] / TIME_NS_PER_MS + test->rig.wall_step_ms;
    }
}

static void the_gates_clock_sample_is_the_date_that_is_signed(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.before = note_date;
    test.rig.wall_step_ms = 30000;
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(signed_ms, wall_at_sending_ms);
    deletion_finish(&test);
}

/* --- the machine sleeps --- */

static int64_t sleep_ns;

static void sleep_at_intent(struct rig *rig, const struct ledger_request *request)
{
    if (request->operation == LEDGER_INTENT && request->attempt == 1)
        rig->suspended_ns += sleep_ns;
}

static void a_check_is_too_old_after_the_machine_slept(void **state)
{
    (void)state;
    for (int minutes = 0; minutes <= 2; minutes++) {
        struct deletion test;
        deletion_begin(&test, 1);
        sleep_ns = minutes * MINUTE_NS;
        test.rig.written = sleep_at_intent;
        assert_true(deletion_run(&test, 600));
        assert_int_equal(test.outcome[0], OUTCOME_DELETED);
        assert_int_equal(test.sends[0], 1);
        assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], minutes == 0 ? 1 : 2);
        deletion_finish(&test);
    }
}

static void set_back_in_flight(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && test->rig.calls[OPERATION_DESCRIBE_EXECUTION] == 1)
        test->rig.wall_step_ms = -40000;
}

/* Else the check would seem to be as much younger. */
static void a_clock_that_is_set_during_a_check_makes_it_void(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.before = set_back_in_flight;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 2);
    deletion_finish(&test);
}

static void sleep_in_flight(struct deletion *test, const struct call *call)
{
    if (call->operation == OPERATION_DELETE_EXECUTION && test->sends[0] == 1)
        test->rig.suspended_ns += sleep_ns;
}

/* The answer is lost while the machine sleeps; its signature has died meanwhile, so that nothing is left to
 * wait for. It is looked at all the same, however long that was. */
static void sleep_counts_for_the_life_of_a_signature(void **state)
{
    (void)state;
    for (int minutes = 10; minutes <= 1000; minutes *= 10) {
        struct deletion test;
        deletion_begin(&test, 1);
        sleep_ns = minutes * MINUTE_NS;
        test.deletes = "lD";
        test.before = sleep_in_flight;
        assert_true(deletion_run(&test, 30));
        assert_int_equal(test.outcome[0], OUTCOME_DELETED);
        assert_int_equal(test.sends[0], 2);
        deletion_finish(&test);
    }
}

/* --- the wall clock is set --- */

static int64_t step_ms;

static void set_clock(void *ctx)
{
    struct deletion *test = ctx;
    test->rig.wall_step_ms = step_ms;
}

static void step_at_first_intent(struct rig *rig, const struct ledger_request *request)
{
    if (request->operation == LEDGER_INTENT && request->attempt == 1)
        rig->wall_step_ms = 5000;
}

/* Whether the check is needless was decided on a clock that was set since. */
static void with_a_set_clock_even_risky_checks(void **state)
{
    struct deletion test;
    bool never = false;
    (void)state;
    deletion_begin(&test, 1);
    test.policy.verify_risky = true;
    facts_want(test.facts, "job-1");
    rig_run(&test.rig, &never, 10);
    test.rig.written = step_at_first_intent;
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 1);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 1);
    deletion_finish(&test);
}

static void a_quarantine_takes_as_long_whatever_the_wall_clock_says(void **state)
{
    static const int64_t steps[] = {-86400000, -3600000, -30000, 30000, 3600000, 86400000};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct deletion test;
        deletion_begin(&test, 1);
        test.deletes = "L";
        step_ms = steps[i];
        virtual_at(test.rig.world, 20 * TIME_NS_PER_SECOND, set_clock, &test);
        assert_true(deletion_run(&test, 7200));
        int64_t waited_ns = test.looked_ns[0] - test.sent_ns[0];
        assert_true(waited_ns > 300 * TIME_NS_PER_SECOND && waited_ns < 305 * TIME_NS_PER_SECOND);
        assert_int_equal(test.outcome[0], OUTCOME_DELETED_PRESUMED);
        deletion_finish(&test);
    }
}

static void a_skewed_clock_lengthens_the_quarantine(void **state)
{
    static const int64_t steps[] = {-50000, 50000};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct deletion test;
        deletion_begin(&test, 1);
        test.deletes = "L";
        test.rig.wall_step_ms = steps[i];
        assert_true(deletion_run(&test, 7200));
        int64_t waited_ns = test.looked_ns[0] - test.sent_ns[0];
        assert_true(waited_ns > 350 * TIME_NS_PER_SECOND && waited_ns < 355 * TIME_NS_PER_SECOND);
        deletion_finish(&test);
    }
}

/* --- the wall clock is set while listing --- */

struct listing {
    struct rig rig;
    struct report report;
    bool done;
};

static void on_listed(void *owner, const struct report *report)
{
    struct listing *test = owner;
    test->report = *report;
    test->done = true;
}

static void set_clock_ahead(void *ctx)
{
    struct listing *test = ctx;
    test->rig.wall_step_ms = 400 * TIME_MS_PER_DAY;
}

/* How much a policy selects that wants 500 days where nothing is older than 400, when the wall clock is set
 * 400 days ahead at this moment. */
static int64_t select_when_set_ahead(int64_t at_ms, int64_t *listed)
{
    struct listing test = {0};
    struct policy policy;
    struct target target = {.name = "simulated", .signature_life_ms = 300000};
    struct fleet *fleet = rig_init_fleet(&test.rig, rig_seed(1), NULL);
    struct sweep_config config = {.env = &test.rig.env,
                                  .dispatcher = test.rig.dispatcher,
                                  .ledger = &test.rig.ledger,
                                  .policy = &policy,
                                  .target = &target,
                                  .observer = {.owner = &test, .done = on_listed}};
    rig_policy(&policy);
    policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    policy.match.older_than_ms = 500 * TIME_MS_PER_DAY;
    virtual_at(test.rig.world, at_ms * TIME_NS_PER_MS, set_clock_ahead, &test);
    struct sweep *sweep = sweep_start(&config);
    assert_true(rig_run(&test.rig, &test.done, 3600));
    *listed += test.report.listed;
    sweep_destroy(sweep);
    rig_finish(&test.rig);
    fleet_destroy(fleet);
    return test.report.selected;
}

static void a_wall_clock_that_is_set_while_listing_makes_nothing_older(void **state)
{
    int64_t listed = 0;
    (void)state;
    for (int64_t at_ms = 0; at_ms < 3000; at_ms += 20)
        assert_int_equal(select_when_set_ahead(at_ms, &listed), 0);
    assert_true(listed > 0);
}

/* --- a service that tells no time --- */

static void leave_out_date(struct rig *rig, const struct call *call)
{
    (void)rig;
    ((struct call *)(uintptr_t)call)->answer.server_date_ms = 0;
}

static void nothing_is_deleted_where_the_service_tells_no_time(void **state)
{
    (void)state;
    for (int risky = 0; risky < 2; risky++) {
        struct deletion test;
        bool never = false;
        deletion_begin(&test, 3);
        test.rig.answered = leave_out_date;
        test.policy.verify_risky = risky;
        facts_want(test.facts, "job-1");
        rig_run(&test.rig, &never, 10);
        assert_true(deletion_run(&test, 600));
        assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
        assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], test.settled);
        assert_non_null(strstr(deleter_stopped(test.deleter, NULL)->msg, "Date"));
        deletion_finish(&test);
    }
}

/* --- a look that is throttled for ever --- */

static void a_look_that_is_throttled_for_an_hour_is_unknown(void **state)
{
    struct deletion test;
    (void)state;
    deletion_begin(&test, 1);
    test.deletes = "L";
    test.describes = "=T";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_UNKNOWN);
    int64_t waited_ns = test.settled_ns[0] - test.sent_ns[0];
    assert_true(waited_ns > 3900 * TIME_NS_PER_SECOND && waited_ns < 3980 * TIME_NS_PER_SECOND);
    deletion_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_gates_clock_sample_is_the_date_that_is_signed),
    cmocka_unit_test(a_check_is_too_old_after_the_machine_slept),
    cmocka_unit_test(a_clock_that_is_set_during_a_check_makes_it_void),
    cmocka_unit_test(sleep_counts_for_the_life_of_a_signature),
    cmocka_unit_test(with_a_set_clock_even_risky_checks),
    cmocka_unit_test(a_quarantine_takes_as_long_whatever_the_wall_clock_says),
    cmocka_unit_test(a_skewed_clock_lengthens_the_quarantine),
    cmocka_unit_test(a_wall_clock_that_is_set_while_listing_makes_nothing_older),
    cmocka_unit_test(nothing_is_deleted_where_the_service_tells_no_time),
    cmocka_unit_test(a_look_that_is_throttled_for_an_hour_is_unknown),
};

TAP_MAIN(tests)
