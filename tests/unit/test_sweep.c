/* Whole sweeps in virtual time, over seeded fleets, judged by the oracle of sim/trial.h.
 * JOBSWEEP_SEED is the first seed, JOBSWEEP_SEEDS how many. */
#include "base/time.h"
#include "sim/trial.h"
#include "sim/trial_world.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define SEEDS 250

static void expect_whole(const struct trial *trial)
{
    if (trial->broken[0])
        fail_msg("seed %llu: %s", (unsigned long long)trial->seed, trial->broken);
}

/* --- seeds -----------------------------------------------------------------------------------------------
 */

static uint64_t run_seed(uint64_t seed, struct trial_hits *hits, int64_t ends[], int64_t outcomes[])
{
    struct trial trial;
    trial_begin(&trial, seed, false);
    trial_sweep(&trial);
    expect_whole(&trial);
    uint64_t hash = virtual_trace_hash(trial.rig.world);
    hits->sent += trial.hits.sent;
    hits->in_trip += trial.hits.in_trip;
    hits->late += trial.hits.late;
    ends[trial.report.end]++;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        outcomes[i] += trial.report.outcomes[i];
    trial_finish(&trial);
    return hash;
}

static void print_totals(const struct trial_hits *hits, const int64_t ends[], const int64_t outcomes[])
{
    printf("# %lld deletions;", (long long)hits->sent);
    printf(" newcomers hit within the round trip after the check: %lld, by a lost request run late: %lld\n#",
           (long long)hits->in_trip, (long long)hits->late);
    for (int i = 1; i < OUTCOME_COUNT; i++)
        printf(" %s %lld", outcome_name((enum outcome)i), (long long)outcomes[i]);
    printf("\n#");
    for (int i = SWEEP_FINISHED; i <= SWEEP_FAILED; i++)
        printf(" %s %lld", sweep_end_name((enum sweep_end)i), (long long)ends[i]);
    printf("\n");
}

static void no_seed_breaks_a_rule(void **state)
{
    uint64_t first = rig_seed(1), count = rig_seeds(SEEDS);
    struct trial_hits hits = {0};
    int64_t ends[SWEEP_FAILED + 1] = {0}, outcomes[OUTCOME_COUNT] = {0};
    (void)state;
    printf("# seeds %llu..%llu\n", (unsigned long long)first, (unsigned long long)(first + count - 1));
    for (uint64_t seed = first; seed < first + count; seed++)
        run_seed(seed, &hits, ends, outcomes);
    print_totals(&hits, ends, outcomes);
}

static void the_same_seed_gives_the_same_trace(void **state)
{
    struct trial_hits hits = {0};
    int64_t ends[SWEEP_FAILED + 1] = {0}, outcomes[OUTCOME_COUNT] = {0};
    uint64_t first = rig_seed(1);
    (void)state;
    for (uint64_t seed = first; seed < first + 10; seed++)
        assert_int_equal(run_seed(seed, &hits, ends, outcomes), run_seed(seed, &hits, ends, outcomes));
}

static void a_calm_sweep_leaves_nothing_that_the_policy_selects(void **state)
{
    uint64_t first = rig_seed(1);
    (void)state;
    for (uint64_t seed = first; seed < first + 40; seed++) {
        struct trial trial;
        trial_begin(&trial, seed, true);
        trial.policy.per_run = 0;
        trial.policy.selected_over = 1000000;
        trial_sweep(&trial);
        expect_whole(&trial);
        assert_int_equal(trial.report.end, SWEEP_FINISHED);
        assert_int_equal(trial.report.outcomes[OUTCOME_DELETED], trial.report.selected);
        assert_int_equal(trial.rig.calls[OPERATION_DELETE_EXECUTION], trial.report.selected);
        trial_expect_clean(&trial);
        expect_whole(&trial);
        trial_finish(&trial);
    }
}

/* --- ends ------------------------------------------------------------------------------------------------
 */

/* A calm world in which the policy selects a good deal. */
static void begin(struct trial *trial)
{
    trial_begin(trial, 3, true);
    rig_policy(&trial->policy);
    trial->policy.status_bits = EXECUTION_TERMINAL_BITS;
}

static void an_observing_policy_or_target_deletes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct trial trial;
        begin(&trial);
        trial.policy.enforce = i == 0;
        trial.target.plan_only = i == 0;
        trial_sweep(&trial);
        expect_whole(&trial);
        assert_int_equal(trial.report.end, SWEEP_PLANNED);
        assert_true(trial.report.selected > 20);
        assert_int_equal(trial.report.outcomes[OUTCOME_NOT_ATTEMPTED], trial.report.selected);
        assert_int_equal(trial.rig.calls[OPERATION_DELETE_EXECUTION], 0);
        assert_false(report_failed(&trial.report));
        trial_finish(&trial);
    }
}

static void a_plan_over_the_guard_deletes_nothing(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    trial.policy.selected_over = 20;
    trial.policy.per_run = 10; /* does not hide how far the policy reaches */
    trial_sweep(&trial);
    expect_whole(&trial);
    assert_int_equal(trial.report.end, SWEEP_GUARDED);
    assert_int_equal(trial.report.err.code, ERR_INVALID);
    assert_int_equal(trial.report.selected, 10);
    assert_int_equal(trial.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    trial_finish(&trial);
}

static void a_limit_drains_in_portions(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    trial.policy.per_run = 7;
    trial_sweep(&trial);
    expect_whole(&trial);
    assert_int_equal(trial.report.end, SWEEP_LIMITED);
    assert_int_equal(trial.report.outcomes[OUTCOME_DELETED], 7);
    assert_true(trial.report.remaining > 20);
    trial_finish(&trial);
}

static void set_clock(struct trial *trial)
{
    trial->rig.wall_step_ms = 240000; /* requests are still accepted */
}

static void a_clock_that_is_wrong_stops_before_the_first_deletion(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    set_clock(&trial);
    trial_sweep(&trial);
    assert_int_equal(trial.report.end, SWEEP_STOPPED);
    assert_int_equal(trial.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    assert_non_null(strstr(trial.report.err.msg, "clock"));
    trial_finish(&trial);
}

static void ages_are_measured_on_the_clock_of_the_service(void **state)
{
    struct trial trial;
    (void)state;
    begin(&trial);
    assert_true(trial_skew_ms(&trial) < -6000);
    int64_t now_ms = trial_service_ms(&trial);
    int64_t updated_ms = now_ms - trial.policy.older_than_ms + 5000; /* too young there, old enough here */
    uint64_t young =
        fleet_add_execution(trial.fleet, "fw-0000", "gw-000000", EXECUTION_SUCCEEDED, updated_ms, now_ms);
    struct fleet_execution found;
    trial_sweep(&trial);
    assert_true(fleet_identity(trial.fleet, young, &found));
    assert_int_equal(found.deleted_ms, 0);
    trial_finish(&trial);
}

static void set_clock_ahead(void *ctx)
{
    struct trial *trial = ctx;
    trial->rig.wall_step_ms = 400 * TIME_MS_PER_DAY;
}

/* Nothing is older than 400 days, and the policy wants 500; at some moment while pages are on their way the
 * wall clock is set 400 days ahead. */
static void a_wall_clock_that_is_set_while_listing_makes_nothing_older(void **state)
{
    int64_t listed = 0;
    (void)state;
    for (int64_t at_ms = 0; at_ms < 3000; at_ms += 100) {
        struct trial trial;
        begin(&trial);
        trial.policy.older_than_ms = 500 * TIME_MS_PER_DAY;
        virtual_at(trial.rig.world, at_ms * TIME_NS_PER_MS, set_clock_ahead, &trial);
        trial_sweep(&trial);
        listed += trial.report.listed;
        assert_int_equal(trial.report.selected, 0);
        trial_finish(&trial);
    }
    assert_true(listed > 0);
}

static void the_first_error_of_the_ledger_ends_it_wherever_it_comes(void **state)
{
    (void)state;
    for (int64_t request = 1;; request++) {
        struct trial trial;
        begin(&trial);
        trial.policy.per_run = 6;
        trial.rig.ledger_fails_at = request;
        trial_sweep(&trial);
        expect_whole(&trial);
        bool failed = trial.rig.ledger_requests >= request;
        assert_int_equal(trial.report.end, failed ? SWEEP_STOPPED : SWEEP_LIMITED);
        assert_int_equal(trial.report.err.code, failed ? ERR_IO : ERR_NONE);
        trial_finish(&trial);
        if (!failed)
            break;
    }
}

static void cancel(void *ctx)
{
    struct trial *trial = ctx;
    if (!trial->done)
        sweep_cancel(trial->sweep, false);
}

static void a_cancel_at_any_time_keeps_the_accounts(void **state)
{
    (void)state;
    for (int64_t at_ms = 0; at_ms < 20000; at_ms += 150) {
        struct trial trial;
        begin(&trial);
        virtual_at(trial.rig.world, at_ms * TIME_NS_PER_MS, cancel, &trial);
        trial_sweep(&trial);
        expect_whole(&trial);
        assert_true(trial.report.end == SWEEP_CANCELED || trial.report.end == SWEEP_FINISHED);
        assert_int_equal(trial.report.outcomes[OUTCOME_UNKNOWN], 0);
        assert_int_equal(trial.report.outcomes[OUTCOME_DELETED_PRESUMED],
                         0); /* what was sent was not given up */
        trial_finish(&trial);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(no_seed_breaks_a_rule),
    cmocka_unit_test(the_same_seed_gives_the_same_trace),
    cmocka_unit_test(a_calm_sweep_leaves_nothing_that_the_policy_selects),
    cmocka_unit_test(an_observing_policy_or_target_deletes_nothing),
    cmocka_unit_test(a_plan_over_the_guard_deletes_nothing),
    cmocka_unit_test(a_limit_drains_in_portions),
    cmocka_unit_test(a_clock_that_is_wrong_stops_before_the_first_deletion),
    cmocka_unit_test(ages_are_measured_on_the_clock_of_the_service),
    cmocka_unit_test(a_wall_clock_that_is_set_while_listing_makes_nothing_older),
    cmocka_unit_test(the_first_error_of_the_ledger_ends_it_wherever_it_comes),
    cmocka_unit_test(a_cancel_at_any_time_keeps_the_accounts),
};

TAP_MAIN(tests)
