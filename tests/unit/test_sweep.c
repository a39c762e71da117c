/* One sweep after the other in virtual time: how each kind ends, what the clock and the limits decide, and
 * that nothing goes wrong wherever the disk fails or somebody cancels. For everything at once, with faults
 * and other actors: test_simulator. JOBSWEEP_SEED is the first seed. */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/rig.h"
#include "sim/simulation.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define FLEET_SEED    3
#define CALM_SEEDS    40
#define EVENTS_OF_ONE 4000 /* more than a small sweep has */

struct single { /* one sweep */
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct target target;
    struct sweep *sweep;
    struct report report;
    bool done;
    bool no_archive; /* the sweep gets none */
    bool plan_only;
    int warnings;
};

static void on_done(void *owner, const struct report *report)
{
    struct single *test = owner;
    test->report = *report;
    test->done = true;
}

static void on_warning(void *owner, const char *text)
{
    struct single *test = owner;
    (void)text;
    test->warnings++;
}

/* A calm world in which the policy selects a good deal. */
static void begin(struct single *test, int64_t skew_ms)
{
    struct virtual_config world = {.skew_ms = skew_ms};
    *test = (struct single){.target = {.name = "simulated", .signature_life_ms = 300000}};
    test->fleet = rig_init_fleet(&test->rig, FLEET_SEED, &world);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
}

static void sweep(struct single *test)
{
    struct sweep_config config = {.env = &test->rig.env,
                                  .dispatcher = test->rig.dispatcher,
                                  .ledger = &test->rig.ledger,
                                  .policy = &test->policy,
                                  .target = &test->target,
                                  .plan_only = test->plan_only,
                                  .archive = test->no_archive ? NULL : librarian_face(test->rig.librarian),
                                  .observer = {.owner = test, .warning = on_warning, .done = on_done}};
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

/* --- ends ------------------------------------------------------------------------------------------------
 */

static void an_observing_policy_or_target_deletes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct single test;
        begin(&test, 0);
        test.policy.enforce = i == 0;
        test.target.plan_only = i == 0;
        sweep(&test);
        assert_int_equal(test.report.end, SWEEP_PLANNED);
        assert_true(test.report.selected > 20);
        assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED], test.report.selected);
        assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
        assert_false(report_failed(&test.report));
        finish(&test);
    }
}

static void deny(struct rig *rig, struct call *call)
{
    (void)rig;
    call->answer.class = ANSWER_DENIED;
    call->answer.http_status = 403;
}

static void on_asked(struct ledger_request *request)
{
    *(bool *)request->owner = true;
}

static bool is_last_run(struct single *test)
{
    bool asked = false;
    struct run_header header = {.target = "simulated"};
    struct ledger_request request = {
        .operation = LEDGER_LAST_RUN, .header = &header, .done = on_asked, .owner = &asked};
    snprintf(header.policy, sizeof header.policy, "%s", test->policy.name);
    test->rig.ledger.submit(test->rig.ledger.ctx, &request);
    assert_true(rig_run(&test->rig, &asked, 60));
    return request.run != 0;
}

/* Whether the service lets it list or not. */
static void a_plan_of_what_would_be_deleted_is_no_run_of_its_policy_however_it_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct single test;
        bool denied = i % 2 == 1;
        begin(&test, 0);
        test.plan_only = i < 2;
        test.rig.answer = denied ? deny : NULL;
        sweep(&test);
        assert_int_equal(test.report.end, denied           ? SWEEP_FAILED
                                          : test.plan_only ? SWEEP_PLANNED
                                                           : SWEEP_FINISHED);
        assert_true(test.report.recorded);
        assert_int_equal(is_last_run(&test), !test.plan_only);
        finish(&test);
    }
}

static void a_plan_over_the_guard_deletes_nothing(void **state)
{
    struct single test;
    (void)state;
    begin(&test, 0);
    test.policy.selected_over = 20;
    test.policy.per_run = 10; /* does not hide how far the policy reaches */
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_GUARDED);
    assert_int_equal(test.report.err.code, ERR_INVALID);
    assert_int_equal(test.report.selected, 10);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    finish(&test);
}

static void what_is_archived_is_in_the_report(void **state)
{
    static char directory[] = "/archive";
    struct single test;
    (void)state;
    begin(&test, 0);
    test.policy.archive_directory = directory;
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_int_equal(test.report.archive.executions, test.report.outcomes[OUTCOME_DELETED]);
    assert_true(test.report.archive.executions > 20);
    assert_in_range(test.report.archive.jobs, 1, 3);
    assert_int_equal(test.report.archive.missing, 0);
    assert_string_equal(test.report.archive.file, shelf_name(test.rig.shelf, 0));
    assert_int_equal(shelf_open_files(test.rig.shelf), 0);
    finish(&test);
}

static void an_archive_that_fails_stops_the_run_unless_it_is_optional(void **state)
{
    static char directory[] = "/archive";
    (void)state;
    for (int optional = 0; optional < 2; optional++) {
        struct single test;
        begin(&test, 0);
        test.policy.archive_directory = directory;
        test.policy.archive_optional = optional == 1;
        shelf_trouble(test.rig.shelf, SHELF_SYNC_ERROR, 2);
        sweep(&test);
        int64_t deleted = test.report.outcomes[OUTCOME_DELETED];
        assert_int_equal(test.report.end, optional ? SWEEP_FINISHED : SWEEP_STOPPED);
        assert_int_equal(test.report.err.code, optional ? ERR_NONE : ERR_ARCHIVE);
        assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED] > 0, !optional);
        assert_int_equal(test.warnings, optional);
        assert_int_equal(test.report.archive.missing > 0, optional);
        assert_int_equal(report_failed(&test.report), !optional);
        assert_true(optional ? test.report.archive.executions < deleted
                             : test.report.archive.executions >= deleted);
        finish(&test);
    }
}

static void a_policy_that_archives_deletes_nothing_where_there_is_no_archive(void **state)
{
    static char directory[] = "/archive";
    struct single test;
    (void)state;
    begin(&test, 0);
    test.policy.archive_directory = directory;
    test.no_archive = true;
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FAILED);
    assert_int_equal(test.report.err.code, ERR_ARCHIVE);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    finish(&test);
}

static void a_limit_drains_in_portions(void **state)
{
    struct single test;
    (void)state;
    begin(&test, 0);
    test.policy.per_run = 7;
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_LIMITED);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], 7);
    assert_true(test.report.remaining > 20);
    finish(&test);
}

static void a_clock_that_is_wrong_stops_before_the_first_deletion(void **state)
{
    struct single test;
    (void)state;
    begin(&test, -12000);
    test.rig.wall_step_ms = 240000; /* requests are still accepted */
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_STOPPED);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    assert_non_null(strstr(test.report.err.msg, "clock"));
    finish(&test);
}

static void where_nothing_can_match_no_clock_is_needed(void **state)
{
    static char named[] = "fw-0000", *include[] = {named}, *exclude[] = {named};
    struct single test;
    (void)state;
    begin(&test, 0);
    test.policy.match.job_id =
        (struct name_match){.include = {.patterns = include, .count = 1}, .exclude = {exclude, 1}};
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_int_equal(test.report.selected, 0);
    assert_int_equal(test.report.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB], 0);
    finish(&test);
}

static void ages_are_measured_on_the_clock_of_the_service(void **state)
{
    static const int64_t skew_ms = -12000;
    struct fleet_execution found;
    struct single test;
    (void)state;
    begin(&test, skew_ms);
    int64_t now_ms = RIG_START_MS + skew_ms;
    int64_t updated_ms =
        now_ms - test.policy.match.older_than_ms + 8000; /* too young there, old enough here */
    uint64_t young =
        fleet_add_execution(test.fleet, "fw-0000", "gw-000000", EXECUTION_SUCCEEDED, updated_ms, now_ms);
    test.policy.per_run = 50; /* it ends before the young one has its age */
    sweep(&test);
    assert_true(fleet_identity(test.fleet, young, &found));
    assert_int_equal(found.deleted_ms, 0);
    finish(&test);
}

static void the_first_error_of_the_ledger_ends_it_wherever_it_comes(void **state)
{
    (void)state;
    for (int64_t request = 1;; request++) {
        struct single test;
        begin(&test, 0);
        test.policy.per_run = 6;
        test.rig.ledger_fails_at = request;
        sweep(&test);
        bool failed = test.rig.ledger_requests >= request;
        assert_int_equal(test.report.end, failed ? SWEEP_STOPPED : SWEEP_LIMITED);
        assert_int_equal(test.report.err.code, failed ? ERR_IO : ERR_NONE);
        finish(&test);
        if (!failed)
            break;
    }
}

/* --- judged by the oracle of the simulator ----------------------------------------------------------------
 */

static void expect_whole(const struct scenario *scenario, const struct simulation *result)
{
    if (result->broken[0])
        fail_msg("seed %llu: %s", (unsigned long long)scenario->seed, result->broken);
}

static void draw_calm(struct scenario *scenario, uint64_t seed)
{
    scenario_draw(scenario, seed, true, false);
    scenario->skew_ms %= 50000;
    scenario->runs = 1;
}

static void a_calm_sweep_leaves_nothing_that_the_policy_selects(void **state)
{
    uint64_t first = rig_seed(1);
    (void)state;
    for (uint64_t seed = first; seed < first + CALM_SEEDS; seed++) {
        struct sim_totals totals = {0};
        struct simulation result;
        struct scenario scenario;
        struct policy policy;
        draw_calm(&scenario, seed);
        rig_policy(&policy);
        simulation_run(&scenario, &policy, false, &totals, &result);
        expect_whole(&scenario, &result);
        assert_int_equal(totals.outcomes[OUTCOME_DELETED], totals.deletions);
        assert_int_equal(totals.ends[SWEEP_FINISHED], totals.runs);
        for (int i = OUTCOME_DELETED + 1; i < OUTCOME_COUNT; i++)
            assert_int_equal(totals.outcomes[i], 0);
    }
}

/* The same small sweep, with one accident: at its first event, its second, and so on. */
static void at_every_event(enum accident_kind kind, int64_t amount, int64_t stride)
{
    int64_t runs = 0;
    for (int64_t step = 1; step < EVENTS_OF_ONE; step += stride) {
        struct sim_totals totals = {0};
        struct simulation result;
        struct scenario scenario;
        struct policy policy;
        draw_calm(&scenario, 7);
        rig_policy(&policy);
        policy.per_run = 12;
        scenario.executions = 60;
        scenario.accidents[0] = (struct accident){.kind = kind, .at_step = step, .amount = amount};
        scenario.accident_count = 1;
        simulation_run(&scenario, &policy, false, &totals, &result);
        expect_whole(&scenario, &result);
        if (totals.accidents[kind] == 0)
            break; /* it was over before */
        runs++;
    }
    assert_true(runs > 20);
}

static void a_cancel_at_any_event_keeps_the_accounts(void **state)
{
    (void)state;
    at_every_event(ACCIDENT_CANCEL, 0, 2);
    at_every_event(ACCIDENT_HURRY, 0, 2);
}

static void a_kill_at_any_event_loses_nothing(void **state)
{
    (void)state;
    at_every_event(ACCIDENT_KILL, 0, 1);
}

static void a_disk_that_fails_at_any_event_loses_nothing(void **state)
{
    (void)state;
    at_every_event(ACCIDENT_DISK_WRITE, 0, 4);
    at_every_event(ACCIDENT_DISK_SHORT, 1, 4);
    at_every_event(ACCIDENT_DISK_SYNC, 0, 4);
    at_every_event(ACCIDENT_DISK_DEATH, 2, 4);
    at_every_event(ACCIDENT_DISK_FULL, 0, 4);
    at_every_event(ACCIDENT_DISK_FULL, 20000, 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_observing_policy_or_target_deletes_nothing),
    cmocka_unit_test(a_plan_of_what_would_be_deleted_is_no_run_of_its_policy_however_it_ends),
    cmocka_unit_test(a_plan_over_the_guard_deletes_nothing),
    cmocka_unit_test(what_is_archived_is_in_the_report),
    cmocka_unit_test(an_archive_that_fails_stops_the_run_unless_it_is_optional),
    cmocka_unit_test(a_policy_that_archives_deletes_nothing_where_there_is_no_archive),
    cmocka_unit_test(a_limit_drains_in_portions),
    cmocka_unit_test(a_clock_that_is_wrong_stops_before_the_first_deletion),
    cmocka_unit_test(where_nothing_can_match_no_clock_is_needed),
    cmocka_unit_test(ages_are_measured_on_the_clock_of_the_service),
    cmocka_unit_test(the_first_error_of_the_ledger_ends_it_wherever_it_comes),
    cmocka_unit_test(a_calm_sweep_leaves_nothing_that_the_policy_selects),
    cmocka_unit_test(a_cancel_at_any_event_keeps_the_accounts),
    cmocka_unit_test(a_kill_at_any_event_loses_nothing),
    cmocka_unit_test(a_disk_that_fails_at_any_event_loses_nothing),
};

TAP_MAIN(tests)
