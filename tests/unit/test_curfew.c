/* Runs whose time is up: what they leave, how they end, and that a closed window lets nothing begin. */
#include "base/time.h"
#include "engine/curfew.h"
#include "engine/sweep.h"
#include "sim/rig.h"
#include "tap.h"

#define FLEET_SEED 3

struct single { /* one sweep; the world begins at midnight, UTC */
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct target target;
    struct sweep *sweep;
    struct report report;
    bool done, planned;
};

static void on_done(void *owner, const struct report *report)
{
    struct single *test = owner;
    test->report = *report;
    test->done = true;
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct single *test = owner;
    (void)so_far;
    test->planned = true;
}

static void begin(struct single *test)
{
    const struct virtual_config calm = {0};
    *test = (struct single){.target = {.name = "simulated", .signature_life_ms = 300000}};
    test->fleet = rig_init_fleet(&test->rig, FLEET_SEED, &calm);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
}

static void sweep(struct single *test, bool plan_only)
{
    struct sweep_config config = {.env = &test->rig.env,
                                  .dispatcher = test->rig.dispatcher,
                                  .ledger = &test->rig.ledger,
                                  .policy = &test->policy,
                                  .target = &test->target,
                                  .plan_only = plan_only,
                                  .observer = {.owner = test, .planned = on_planned, .done = on_done}};
    test->sweep = sweep_start(&config);
    assert_true(rig_run(&test->rig, &test->done, 3600));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

static void finish(struct single *test)
{
    sweep_destroy(test->sweep);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
}

/* It deleted some, left some, and neither is a failure. */
static void expect_cut(const struct single *test, enum sweep_limit limit, const char *name)
{
    const int64_t *outcomes = test->report.outcomes;
    assert_int_equal(test->report.end, SWEEP_LIMITED);
    assert_int_equal(test->report.limit, limit);
    assert_string_equal(report_end_name(&test->report), name);
    assert_true(outcomes[OUTCOME_DELETED] > 0);
    assert_true(outcomes[OUTCOME_NOT_ATTEMPTED] > 0);
    assert_int_equal(outcomes[OUTCOME_DELETED] + outcomes[OUTCOME_NOT_ATTEMPTED], test->report.selected);
    assert_int_equal(report_left(&test->report), outcomes[OUTCOME_NOT_ATTEMPTED]);
    assert_false(report_failed(&test->report));
    assert_true(test->report.recorded);
}

static void a_run_that_takes_too_long_leaves_the_rest(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.max_duration_ms = 3 * TIME_MS_PER_SECOND;
    sweep(&test, false);
    expect_cut(&test, LIMIT_DURATION, "max_duration");
    finish(&test);
}

static void a_run_that_reaches_the_end_of_the_window_leaves_the_rest(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.window = (struct window){23 * 60, 1};
    test.rig.wall_step_ms = 57 * TIME_MS_PER_SECOND; /* three seconds are left */
    sweep(&test, false);
    expect_cut(&test, LIMIT_WINDOW, "window");
    finish(&test);
}

static void time_that_is_up_while_it_lists_deletes_nothing(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.max_duration_ms = 1;
    sweep(&test, false);
    assert_int_equal(test.report.end, SWEEP_LIMITED);
    assert_int_equal(test.report.limit, LIMIT_DURATION);
    assert_false(test.planned);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    finish(&test);
}

static void a_closed_window_lets_nothing_begin(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.window = (struct window){60, 300};
    sweep(&test, false);
    assert_int_equal(test.report.end, SWEEP_LIMITED);
    assert_int_equal(test.report.limit, LIMIT_WINDOW);
    assert_int_equal(test.report.selected, 0);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        assert_int_equal(test.rig.calls[i], 0);
    }
    finish(&test);
}

static void a_plan_may_be_made_at_any_time(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.window = (struct window){60, 300};
    test.policy.max_duration_ms = 1;
    sweep(&test, true);
    assert_int_equal(test.report.end, SWEEP_PLANNED);
    assert_true(test.report.selected > 20);
    finish(&test);
}

static void a_ledger_that_fails_counts_for_more_than_a_closed_window(void **state)
{
    struct single test;
    (void)state;
    begin(&test);
    test.policy.window = (struct window){60, 300};
    test.rig.ledger_fails_at = 1;
    sweep(&test, false);
    assert_int_equal(test.report.end, SWEEP_STOPPED);
    assert_int_equal(test.report.err.code, ERR_IO);
    finish(&test);
}

static void what_comes_first_ends_it(void **state)
{
    static const struct {
        int64_t max_s;
        int begin, end;
        int64_t passed_s, wall_s;
        enum sweep_limit limit;
        int64_t left_s; /* -1: for ever */
    } rows[] = {
        {0, 0, 0, 5000, 0, LIMIT_ROWS, -1},       {60, 0, 0, 10, 0, LIMIT_ROWS, 50},
        {60, 0, 0, 60, 0, LIMIT_DURATION, 0},     {0, 0, 10, 0, 30, LIMIT_ROWS, 570},
        {0, 0, 10, 0, 600, LIMIT_WINDOW, 0},      {60, 0, 10, 0, 30, LIMIT_ROWS, 60},
        {6000, 0, 10, 0, 30, LIMIT_ROWS, 570},    {60, 0, 10, 60, 600, LIMIT_WINDOW, 0},
        {0, 1380, 10, 0, 86340, LIMIT_ROWS, 660},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct policy policy = {.max_duration_ms = rows[i].max_s * TIME_MS_PER_SECOND,
                                      .window = {rows[i].begin, rows[i].end}};
        const struct curfew curfew = {.policy = &policy, .began_ns = 7};
        int64_t left_ns;
        assert_int_equal(curfew_look(&curfew, 7 + rows[i].passed_s * TIME_NS_PER_SECOND,
                                     rows[i].wall_s * TIME_MS_PER_SECOND, &left_ns),
                         rows[i].limit);
        if (rows[i].limit == LIMIT_ROWS) {
            assert_int_equal(left_ns, rows[i].left_s < 0 ? INT64_MAX : rows[i].left_s * TIME_NS_PER_SECOND);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_that_takes_too_long_leaves_the_rest),
    cmocka_unit_test(a_run_that_reaches_the_end_of_the_window_leaves_the_rest),
    cmocka_unit_test(time_that_is_up_while_it_lists_deletes_nothing),
    cmocka_unit_test(a_closed_window_lets_nothing_begin),
    cmocka_unit_test(a_plan_may_be_made_at_any_time),
    cmocka_unit_test(a_ledger_that_fails_counts_for_more_than_a_closed_window),
    cmocka_unit_test(what_comes_first_ends_it),
};

TAP_MAIN(tests)
