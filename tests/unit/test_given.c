/* Sweeps of rows that were given, in virtual time over a small fleet: what is looked at first, what goes,
 * what is told of the rest, and that nothing goes wrong wherever the ledger fails, answers get lost, or
 * somebody cancels. JOBSWEEP_SEED is the seed of the fleet. */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MAX     200
#define SIGNATURE_MS 300000
#define SHA          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

struct gift {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct target target;
    struct plan_row rows[ROWS_MAX];
    size_t count, next;
    size_t fails_at; /* the source has no more than so many, and says that it failed; 0: never */
    struct row_source source;
    struct protect_rule rule;
    struct protect_list protect;
    struct sweep *sweep;
    struct report report;
    int64_t kept, going; /* as the observer was told */
    bool planned, done;
};

static int next_row(void *ctx, struct plan_row *row, struct err *err)
{
    struct gift *test = ctx;
    if (test->fails_at > 0 && test->next == test->fails_at) {
        return err_set(err, ERR_IO, "the disk is gone");
    }
    if (test->next == test->count) {
        return 0;
    }
    *row = test->rows[test->next++];
    return 1;
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct gift *test = owner;
    (void)execution;
    test->kept += !verdict->delete;
    test->going += verdict->delete;
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct gift *test = owner;
    assert_int_equal(so_far->selected, test->count);
    assert_int_equal(test->rig.calls[OPERATION_DELETE_EXECUTION], 0);
    test->planned = true;
}

static void on_done(void *owner, const struct report *report)
{
    struct gift *test = owner;
    assert_false(test->done);
    test->report = *report;
    test->done = true;
}

/* One more row, by its names alone. */
static struct plan_row *give(struct gift *test, const char *job_id, const char *thing_name, int64_t number)
{
    assert_true(test->count < ROWS_MAX);
    struct plan_row *row = &test->rows[test->count++];
    *row = (struct plan_row){.execution.number = number};
    strcpy(row->execution.job_id, job_id);
    strcpy(row->execution.thing_name, thing_name);
    snprintf(row->reason, sizeof row->reason, "given in rows:%zu", test->count);
    return row;
}

static void give_one(void *ctx, const struct fleet_execution *found)
{
    const struct job_execution *execution = &found->execution;
    give(ctx, execution->job_id, execution->thing_name, execution->number);
}

/* With its fingerprint, as a plan knows it. */
static void give_planned(void *ctx, const struct fleet_execution *found)
{
    struct gift *test = ctx;
    if (execution_status_terminal(found->execution.fingerprint.status)) {
        give_one(ctx, found);
        test->rows[test->count - 1].execution = found->execution;
        test->rows[test->count - 1].execution.fingerprint.version_number = 0;
    }
}

static void begin(struct gift *test, const struct virtual_config *faults)
{
    *test = (struct gift){.target = {.name = "simulated", .signature_life_ms = SIGNATURE_MS}};
    test->fleet = rig_init_fleet(&test->rig, rig_seed(3), faults);
    rig_policy(&test->policy);
    test->policy.selected_over = INT64_MAX;
    test->source = (struct row_source){.ctx = test, .next = next_row};
}

static struct sweep_config config_of(struct gift *test)
{
    test->source.count = (int64_t)test->count;
    return (struct sweep_config){
        .env = &test->rig.env,
        .dispatcher = test->rig.dispatcher,
        .ledger = &test->rig.ledger,
        .policy = &test->policy,
        .target = &test->target,
        .policy_sha256 = SHA,
        .source = &test->source,
        .origin = "rows of a test",
        .observer = {.owner = test, .row = on_row, .planned = on_planned, .done = on_done}};
}

static void end(struct gift *test)
{
    assert_true(rig_run(&test->rig, &test->done, 6 * 3600));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

static void sweep(struct gift *test)
{
    struct sweep_config config = config_of(test);
    test->sweep = sweep_start(&config);
    end(test);
}

static void look_only(struct gift *test)
{
    struct sweep_config config = config_of(test);
    config.plan_only = true;
    test->sweep = sweep_start(&config);
    end(test);
}

static void protect_first_job(struct gift *test)
{
    static const char *const jobs[] = {"fw-0000", NULL};
    rig_patterns(&test->rule.job_ids, jobs);
    test->protect = (struct protect_list){.rules = &test->rule, .count = 1};
    test->policy.protect = &test->protect;
}

static void finish(struct gift *test)
{
    sweep_destroy(test->sweep);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
}

static void count_one(void *ctx, const struct fleet_execution *found)
{
    (void)found;
    ++*(int64_t *)ctx;
}

static int64_t count_deleted(const struct gift *test)
{
    int64_t count = 0;
    fleet_each(test->fleet, true, count_one, &count);
    return count;
}

static int64_t count_status(const struct gift *test, enum execution_status status)
{
    int64_t count = 0;
    for (size_t i = 0; i < test->count; i++) {
        struct fleet_execution found;
        const struct job_execution *execution = &test->rows[i].execution;
        count += fleet_find(test->fleet, execution->job_id, execution->thing_name, execution->number,
                            &found) != 0 &&
                 found.execution.fingerprint.status == status;
    }
    return count;
}

/* --- what goes -------------------------------------------------------------------------------------------
 */

static void what_is_finished_goes_and_the_rest_is_told(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_one, &test);
    int64_t all = (int64_t)test.count;
    int64_t unfinished = count_status(&test, EXECUTION_QUEUED) + count_status(&test, EXECUTION_IN_PROGRESS);
    give(&test, "no-such-job", "gw-000000", 1);
    give(&test, "fw-0000", "gw-000000", 99999);
    sweep(&test);
    assert_in_range(unfinished, 2, 100);
    assert_int_equal(test.report.end, SWEEP_FINISHED);
    assert_int_equal(test.report.selected, all + 2);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], all - unfinished);
    assert_int_equal(test.report.outcomes[OUTCOME_STATE_CHANGED], unfinished);
    assert_int_equal(test.report.outcomes[OUTCOME_GONE], 2);
    assert_int_equal(count_deleted(&test), all - unfinished);
    assert_int_equal(test.kept, unfinished + 2);
    assert_true(test.planned);
    assert_int_equal(test.rig.calls[OPERATION_LIST_JOBS], 0);
    finish(&test);
}

static void in_progress_goes_with_force_and_queued_never(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_one, &test);
    int64_t queued = count_status(&test, EXECUTION_QUEUED);
    assert_in_range(queued, 1, 100);
    assert_in_range(count_status(&test, EXECUTION_IN_PROGRESS), 1, 100);
    test.policy.force = test.source.force = true;
    sweep(&test);
    assert_int_equal(test.report.outcomes[OUTCOME_STATE_CHANGED], queued);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], test.report.selected - queued);
    assert_int_equal(count_deleted(&test), test.report.selected - queued);
    finish(&test);
}

static void without_a_number_the_newest_is_meant(void **state)
{
    struct gift test;
    struct fleet_execution found;
    (void)state;
    begin(&test, NULL);
    uint64_t older = fleet_add_execution(test.fleet, "fw-0000", "gw-000000", EXECUTION_SUCCEEDED,
                                         RIG_START_MS - 2000, RIG_START_MS - 2000);
    uint64_t newest = fleet_add_execution(test.fleet, "fw-0000", "gw-000000", EXECUTION_SUCCEEDED,
                                          RIG_START_MS - 1000, RIG_START_MS - 1000);
    give(&test, "fw-0000", "gw-000000", 0);
    sweep(&test);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], 1);
    assert_true(fleet_identity(test.fleet, newest, &found) && found.deleted_ms != 0);
    assert_true(fleet_identity(test.fleet, older, &found) && found.deleted_ms == 0);
    finish(&test);
}

static void a_dry_run_looks_at_each_and_deletes_none(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_one, &test);
    give(&test, "no-such-job", "gw-000000", 1);
    look_only(&test);
    assert_int_equal(test.report.end, SWEEP_PLANNED);
    assert_int_equal(test.report.outcomes[OUTCOME_GONE], 1);
    assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED], test.going);
    assert_true(test.report.outcomes[OUTCOME_STATE_CHANGED] > 0);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], test.count);
    assert_int_equal(count_deleted(&test), 0);
    finish(&test);
}

static void what_is_protected_stays(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_planned, &test);
    protect_first_job(&test);
    sweep(&test);
    int64_t protected = test.report.outcomes[OUTCOME_PROTECTED];
    assert_in_range(protected, 1, 100);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], test.report.selected - protected);
    assert_int_equal(count_deleted(&test), test.report.selected - protected);
    finish(&test);
}

static void a_dry_run_shows_what_is_protected(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_planned, &test);
    protect_first_job(&test);
    look_only(&test);
    int64_t protected = test.report.outcomes[OUTCOME_PROTECTED];
    assert_in_range(protected, 1, 100);
    assert_int_equal(test.kept, protected);
    assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED], test.report.selected - protected);
    finish(&test);
}

/* --- what was planned before ------------------------------------------------------------------------------
 */

/* Others act between the plan and its application. */
static void a_planned_row_that_changed_since_is_left_alone(void **state)
{
    struct gift test;
    struct fleet_execution found;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_planned, &test);
    struct job_execution first = test.rows[0].execution, second = test.rows[1].execution;
    assert_true(fleet_remove(test.fleet,
                             fleet_find(test.fleet, first.job_id, first.thing_name, first.number, NULL),
                             RIG_START_MS) != 0);
    assert_true(fleet_find(test.fleet, second.job_id, second.thing_name, second.number, &found) != 0);
    char *digit = &test.rows[1].execution.fingerprint.last_updated_at.text[0];
    *digit = *digit == '9' ? '8' : '9';
    sweep(&test);
    assert_int_equal(test.report.outcomes[OUTCOME_GONE], 1);
    assert_int_equal(test.report.outcomes[OUTCOME_REPLACED], 1);
    assert_int_equal(test.report.outcomes[OUTCOME_DELETED], test.report.selected - 2);
    assert_true(fleet_find(test.fleet, second.job_id, second.thing_name, second.number, &found) != 0);
    /* each was looked at once, right before its deletion: a plan's fingerprints are not asked for */
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], test.count);
    finish(&test);
}

static void the_guards_count_what_is_given(void **state)
{
    struct gift test;
    (void)state;
    begin(&test, NULL);
    fleet_each(test.fleet, false, give_planned, &test);
    test.policy.selected_over = (int64_t)test.count - 1;
    sweep(&test);
    assert_int_equal(test.report.end, SWEEP_GUARDED);
    assert_int_equal(count_deleted(&test), 0);
    finish(&test);
}

/* --- what goes wrong -------------------------------------------------------------------------------------
 */

static void a_source_that_fails_deletes_nothing(void **state)
{
    (void)state;
    for (size_t at = 1; at < 120; at += 17) {
        struct gift test;
        begin(&test, NULL);
        fleet_each(test.fleet, false, give_one, &test);
        test.fails_at = at;
        sweep(&test);
        assert_int_equal(test.report.end, SWEEP_FAILED);
        assert_int_equal(test.report.err.code, ERR_IO);
        assert_int_equal(count_deleted(&test), 0);
        finish(&test);
    }
}

static void deny_after_a_while(struct rig *rig, struct call *call)
{
    fleet_execute(((struct gift *)rig->ctx)->fleet, call, RIG_START_MS);
    if (rig->calls[OPERATION_DESCRIBE_EXECUTION] >= 30) {
        call->answer =
            (struct answer){.class = ANSWER_DENIED, .http_status = 403, .code = "AccessDeniedException"};
    }
}

static void tell_of_another(struct rig *rig, struct call *call)
{
    fleet_execute(((struct gift *)rig->ctx)->fleet, call, RIG_START_MS);
    call->execution.number++;
}

static void a_row_that_cannot_be_looked_at_deletes_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct gift test;
        begin(&test, NULL);
        fleet_each(test.fleet, false, give_one, &test);
        test.rig.ctx = &test;
        test.rig.answer = i == 0 ? deny_after_a_while : tell_of_another;
        sweep(&test);
        assert_int_equal(test.report.end, SWEEP_FAILED);
        assert_int_equal(test.report.why, i == 0 ? ANSWER_DENIED : ANSWER_DONE);
        assert_non_null(strstr(test.report.err.msg, "DescribeJobExecution"));
        assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
        finish(&test);
    }
}

static void the_first_error_of_the_ledger_ends_it_wherever_it_comes(void **state)
{
    bool failed = true;
    (void)state;
    for (int64_t request = 1; failed; request++) {
        struct gift test;
        begin(&test, NULL);
        give(&test, "no-such-job", "gw-000000", 1);
        fleet_each(test.fleet, false, give_one, &test);
        test.count = 12;
        test.rig.ledger_fails_at = request;
        sweep(&test);
        failed = test.rig.ledger_requests >= request;
        assert_int_equal(test.report.end, failed ? SWEEP_STOPPED : SWEEP_FINISHED);
        finish(&test);
    }
}

static void a_cancel_ends_it_at_any_event(void **state)
{
    bool early = true;
    int canceled = 0;
    (void)state;
    for (int events = 1; early; events += 7) {
        struct gift test;
        begin(&test, NULL);
        fleet_each(test.fleet, false, give_one, &test);
        struct sweep_config config = config_of(&test);
        test.sweep = sweep_start(&config);
        for (int i = 0; i < events && !test.done; i++) {
            virtual_step(test.rig.world);
        }
        early = !test.done;
        sweep_cancel(test.sweep, false);
        end(&test);
        if (test.report.end == SWEEP_FINISHED) { /* it was too late for that */
            assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED], 0);
        } else {
            assert_true(early);
            assert_int_equal(test.report.end, SWEEP_CANCELED);
        }
        canceled += test.report.end == SWEEP_CANCELED;
        assert_int_equal(test.report.outcomes[OUTCOME_DELETED] +
                             test.report.outcomes[OUTCOME_DELETED_PRESUMED],
                         count_deleted(&test));
        finish(&test);
    }
    assert_in_range(canceled, 50, 10000);
}

/* --- after a crash ---------------------------------------------------------------------------------------
 */

static void on_found(struct ledger_request *request)
{
    *(bool *)request->owner = true;
}

static void find_open(struct gift *test, struct ledger_request *request)
{
    bool found = false;
    *request = (struct ledger_request){.operation = LEDGER_OPEN_RUN, .done = on_found, .owner = &found};
    test->rig.ledger.submit(test->rig.ledger.ctx, request);
    assert_true(rig_run(&test->rig, &found, 60));
}

/* As app/leftovers takes it up where no policy stands behind the rows: one that observes. */
static void settle_rest(struct gift *test, const struct ledger_request *found)
{
    sweep_destroy(test->sweep);
    dispatcher_destroy(test->rig.dispatcher);
    test->rig.dispatcher =
        dispatcher_create(&test->rig.env, &test->rig.service, &(struct dispatcher_config){0});
    test->policy.enforce = test->done = false;
    struct sweep_config config = config_of(test);
    config.source = NULL;
    config.origin = NULL;
    test->sweep = sweep_resume(&config, found);
    end(test);
}

/* The first process ends with its ledger frozen at each request in turn; answers get lost. */
static void what_an_interrupted_run_sent_is_settled_and_the_rest_is_left(void **state)
{
    static const struct virtual_config faults = {
        .lost_before = 100000, .lost_after = 100000, .lost_late = 50000, .error_500_executed = 50000};
    int64_t left = 0, resumed = 0;
    bool interrupted = true;
    (void)state;
    for (int64_t request = 1; interrupted; request++) {
        struct gift test;
        struct ledger_request found;
        begin(&test, &faults);
        fleet_each(test.fleet, false, give_planned, &test);
        test.count = 10;
        test.rig.ledger_fails_at = request;
        sweep(&test);
        interrupted = test.rig.ledger_requests >= request;
        int64_t sent = test.rig.calls[OPERATION_DELETE_EXECUTION];
        test.rig.ledger_fails_at = 0;
        find_open(&test, &found);
        resumed += found.run != 0;
        if (found.run != 0) {
            assert_string_equal(found.found.origin, "rows of a test");
            settle_rest(&test, &found);
            assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], sent); /* none more */
            assert_int_equal(test.report.outcomes[OUTCOME_UNKNOWN], 0);
            assert_int_equal(test.report.outcomes[OUTCOME_DELETED] +
                                 test.report.outcomes[OUTCOME_DELETED_PRESUMED],
                             count_deleted(&test));
            left += test.report.outcomes[OUTCOME_NOT_ATTEMPTED];
            find_open(&test, &found);
            assert_int_equal(found.run, 0);
        }
        finish(&test);
    }
    assert_in_range(resumed, 20, 1000);
    assert_in_range(left, 50, 10000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_finished_goes_and_the_rest_is_told),
    cmocka_unit_test(in_progress_goes_with_force_and_queued_never),
    cmocka_unit_test(without_a_number_the_newest_is_meant),
    cmocka_unit_test(a_dry_run_looks_at_each_and_deletes_none),
    cmocka_unit_test(what_is_protected_stays),
    cmocka_unit_test(a_dry_run_shows_what_is_protected),
    cmocka_unit_test(a_planned_row_that_changed_since_is_left_alone),
    cmocka_unit_test(the_guards_count_what_is_given),
    cmocka_unit_test(a_source_that_fails_deletes_nothing),
    cmocka_unit_test(a_row_that_cannot_be_looked_at_deletes_nothing),
    cmocka_unit_test(the_first_error_of_the_ledger_ends_it_wherever_it_comes),
    cmocka_unit_test(a_cancel_ends_it_at_any_event),
    cmocka_unit_test(what_an_interrupted_run_sent_is_settled_and_the_rest_is_left),
};

TAP_MAIN(tests)
