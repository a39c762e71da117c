/* Runs that were interrupted, taken up again. The first process ends with its ledger frozen at each request
 * in turn, which leaves every prefix of the record that a crash could leave, over a fleet whose answers get
 * lost; then a second process, with a dispatcher that knows nothing, resumes the run. The fleet knows what
 * was lost. */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/deletion.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define ROWS         12
#define PAIRS_MAX    64
#define SIGNATURE_MS 300000
#define SHA          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

struct sent { /* the latest deletion of one (job, thing) */
    char job_id[JOB_ID_MAX + 1], thing_name[THING_NAME_MAX + 1];
    int64_t at_ns;
    int process;
};

struct restart {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct target target;
    struct sweep *sweep;
    struct report report;
    int process;          /* 1, and 2 after the restart */
    int64_t deletions[3]; /* by process */
    int64_t until_ms;     /* of the plan; 0: it does not expire */
    struct sent sent[PAIRS_MAX];
    int sent_count;
    int warnings;
    bool hurry; /* a process was canceled in a hurry: outcomes may be unknown */
    bool done;
};

/* --- what is watched --- */

static struct sent *find_sent(struct restart *test, const struct call *call)
{
    for (int i = 0; i < test->sent_count; i++) {
        struct sent *sent = &test->sent[i];
        if (strcmp(sent->job_id, call->job_id) == 0 && strcmp(sent->thing_name, call->thing_name) == 0)
            return sent;
    }
    assert_true(test->sent_count < PAIRS_MAX);
    struct sent *sent = &test->sent[test->sent_count++];
    strcpy(sent->job_id, call->job_id);
    strcpy(sent->thing_name, call->thing_name);
    return sent;
}

static void on_sent(struct rig *rig, const struct call *call)
{
    struct restart *test = rig->ctx;
    if (call->operation != OPERATION_DELETE_EXECUTION)
        return;
    struct sent *sent = find_sent(test, call);
    int64_t now_ns = virtual_mono_ns(rig->world);
    assert_true(test->until_ms == 0 || rig->env.wall_ms(rig->env.ctx) < test->until_ms);
    bool by_other = sent->process != 0 && sent->process != test->process;
    if (by_other && now_ns - sent->at_ns <= SIGNATURE_MS * TIME_NS_PER_MS)
        fail_msg("%s/%s is sent %lld ms after the process before sent it", call->job_id, call->thing_name,
                 (long long)((now_ns - sent->at_ns) / TIME_NS_PER_MS));
    sent->at_ns = now_ns;
    sent->process = test->process;
    test->deletions[test->process]++;
}

static void on_warning(void *owner, const char *text)
{
    struct restart *test = owner;
    (void)text;
    test->warnings++;
}

static void on_done(void *owner, const struct report *report)
{
    struct restart *test = owner;
    assert_false(test->done);
    test->report = *report;
    test->done = true;
}

/* --- the two processes --- */

static void begin(struct restart *test, uint64_t seed)
{
    static const struct virtual_config faults = {.skew_ms = 20000,
                                                 .lost_before = 60000,
                                                 .lost_after = 60000,
                                                 .lost_late = 60000,
                                                 .error_500_executed = 60000,
                                                 .not_sent = 60000};
    *test = (struct restart){.process = 1};
    test->rig.ctx = test;
    test->rig.sent = on_sent;
    test->fleet = rig_init_fleet(&test->rig, seed, &faults);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    test->policy.match.older_than_ms = TIME_MS_PER_DAY;
    test->policy.per_run = ROWS;
    test->target = (struct target){.name = "simulated", .signature_life_ms = SIGNATURE_MS};
}

static struct sweep_config config_of(struct restart *test, const char *sha256)
{
    return (struct sweep_config){.env = &test->rig.env,
                                 .dispatcher = test->rig.dispatcher,
                                 .ledger = &test->rig.ledger,
                                 .policy = &test->policy,
                                 .target = &test->target,
                                 .policy_sha256 = sha256,
                                 .until_ms = test->until_ms,
                                 .observer = {.owner = test, .warning = on_warning, .done = on_done}};
}

static void end_process(struct restart *test)
{
    assert_true(rig_run(&test->rig, &test->done, 6 * 3600));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
    sweep_destroy(test->sweep);
    test->sweep = NULL;
}

/* The first process, which ends when its ledger gets this request. False when it was done before. */
static bool interrupt(struct restart *test, int64_t request)
{
    test->rig.ledger_fails_at = request;
    struct sweep_config config = config_of(test, SHA);
    test->sweep = sweep_start(&config);
    end_process(test);
    return test->rig.ledger_requests >= request;
}

static void on_found(struct ledger_request *request)
{
    bool *found = request->owner;
    *found = true;
}

static void find_open(struct restart *test, struct ledger_request *request)
{
    bool found = false;
    *request = (struct ledger_request){.operation = LEDGER_OPEN_RUN, .done = on_found, .owner = &found};
    test->rig.ledger.submit(test->rig.ledger.ctx, request);
    assert_true(rig_run(&test->rig, &found, 60));
}

/* The second process, so long after the first one; it begins to resume. */
static void restart(struct restart *test, const struct ledger_request *found, const char *sha256,
                    int64_t seconds)
{
    bool never = false;
    rig_run(&test->rig, &never, seconds);
    dispatcher_destroy(test->rig.dispatcher);
    test->rig.dispatcher =
        dispatcher_create(&test->rig.env, &test->rig.service, &(struct dispatcher_config){0});
    test->process = 2;
    test->done = false;
    test->warnings = 0;
    struct sweep_config config = config_of(test, sha256);
    test->sweep = sweep_resume(&config, found);
}

/* --- the judgement --- */

/* The row of the plan that a lost execution was; its fingerprint has to be the plan's. */
static void judge_loss(void *ctx, const struct fleet_execution *lost)
{
    struct restart *test = ctx;
    struct ledger_row_state state;
    struct plan_row plan;
    for (int64_t row = 0; ledger_memory_row(test->rig.memory, 1, row, &plan, &state); row++) {
        const struct job_execution *a = &plan.execution, *b = &lost->execution;
        if (strcmp(a->job_id, b->job_id) != 0 || strcmp(a->thing_name, b->thing_name) != 0 ||
            a->number != b->number)
            continue;
        assert_null(fingerprint_difference(&a->fingerprint, &b->fingerprint));
        bool told = state.outcome == OUTCOME_DELETED || state.outcome == OUTCOME_DELETED_PRESUMED ||
                    state.outcome == OUTCOME_PENDING || (test->hurry && state.outcome == OUTCOME_UNKNOWN);
        if (!told)
            fail_msg("row %lld is gone and told as %s", (long long)row, outcome_name(state.outcome));
        return;
    }
    fail_msg("%s/%s is gone and was not in the plan", lost->execution.job_id, lost->execution.thing_name);
}

static void count_loss(void *ctx, const struct fleet_execution *lost)
{
    (void)lost;
    ++*(int64_t *)ctx;
}

static int64_t count_lost(const struct restart *test)
{
    int64_t lost = 0;
    fleet_each(test->fleet, true, count_loss, &lost);
    return lost;
}

static void finish(struct restart *test)
{
    bool never = false;
    rig_run(&test->rig, &never, 2 * SIGNATURE_MS / 1000); /* what was lost may still be carried out */
    fleet_each(test->fleet, true, judge_loss, test);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
}

/* --- the tests --- */

/* Resumes what was found, and expects that it got through; true if it had begun to delete. */
static bool expect_resumed(struct restart *test, struct ledger_request *found, int64_t delay_s)
{
    bool begun = found->begun;
    int64_t requests = test->rig.ledger_requests;
    restart(test, found, SHA, delay_s);
    end_process(test);
    const int64_t *outcomes = test->report.outcomes;
    int64_t gone = outcomes[OUTCOME_DELETED] + outcomes[OUTCOME_DELETED_PRESUMED];
    assert_int_equal(test->report.end, SWEEP_FINISHED);
    assert_int_equal(gone + outcomes[OUTCOME_FAILED] + outcomes[OUTCOME_NOT_ATTEMPTED],
                     test->report.selected);
    assert_int_equal(count_lost(test), gone);
    if (begun) {
        assert_int_equal(outcomes[OUTCOME_NOT_ATTEMPTED], 0);
    } else {
        assert_int_equal(test->deletions[1] + test->deletions[2], 0);
        assert_int_equal(test->rig.ledger_requests - requests, 1); /* its end: no row is read */
    }
    find_open(test, found);
    assert_int_equal(found->run, 0);
    return begun;
}

/* Every prefix of the record, with a restart at once, within the life of a signature, and after it. */
static void a_run_goes_on_where_it_was_interrupted(void **state)
{
    static const int64_t delays[] = {0, 100, 1000};
    (void)state;
    for (int delay = 0; delay < 3; delay++) {
        int64_t request = 1, resumed = 0;
        for (bool interrupted = true; interrupted; request++) {
            struct restart test;
            struct ledger_request found;
            begin(&test, rig_seed(1) + (uint64_t)request);
            interrupted = interrupt(&test, request);
            test.rig.ledger_fails_at = 0;
            find_open(&test, &found);
            resumed += found.run != 0 && expect_resumed(&test, &found, delays[delay]);
            finish(&test);
        }
        assert_in_range(request, 25, 1000);
        assert_in_range(resumed, 20, 1000);
    }
}

/* Marks the rows that may have been sent, for all the record knows; returns how many. */
static int mark_doubtful(const struct restart *test, bool doubtful[ROWS])
{
    struct ledger_row_state state;
    struct plan_row plan;
    int count = 0;
    for (int row = 0; row < ROWS; row++) {
        bool there = ledger_memory_row(test->rig.memory, 1, row, &plan, &state);
        doubtful[row] = there && (plan.open || plan.unsure);
        count += doubtful[row];
    }
    return count;
}

/* What was in doubt has an outcome now. */
static void expect_no_doubt(const struct restart *test, const bool doubtful[ROWS])
{
    struct ledger_row_state state;
    struct plan_row plan;
    for (int row = 0; row < ROWS; row++) {
        if (!doubtful[row])
            continue;
        ledger_memory_row(test->rig.memory, 1, row, &plan, &state);
        assert_true(state.outcome == OUTCOME_DELETED_PRESUMED || state.outcome == OUTCOME_NOT_ATTEMPTED ||
                    state.outcome == OUTCOME_FAILED);
    }
}

static void expect_no_doubt_or_deleted(const struct restart *test, const bool doubtful[ROWS])
{
    struct ledger_row_state state;
    struct plan_row plan;
    for (int row = 0; row < ROWS; row++) {
        ledger_memory_row(test->rig.memory, 1, row, &plan, &state);
        assert_true(!doubtful[row] || (state.outcome != OUTCOME_PENDING && state.outcome != OUTCOME_UNKNOWN));
    }
}

/* The policy is another one: what may have been sent is looked at, and nothing is sent. */
static void a_run_of_a_changed_policy_is_only_settled(void **state)
{
    static const char *const others[] = {"another", NULL};
    int doubts = 0;
    (void)state;
    for (int64_t request = 1; request < 60; request++) {
        struct restart test;
        struct ledger_request found;
        begin(&test, rig_seed(1) + (uint64_t)request);
        interrupt(&test, request);
        test.rig.ledger_fails_at = 0;
        find_open(&test, &found);
        if (found.run != 0) {
            bool doubtful[ROWS];
            doubts += mark_doubtful(&test, doubtful);
            restart(&test, &found, others[request % 2], 0);
            end_process(&test);
            expect_no_doubt(&test, doubtful);
            assert_int_equal(test.deletions[2], 0);
            assert_int_equal(test.report.outcomes[OUTCOME_UNKNOWN], 0);
            find_open(&test, &found);
            assert_int_equal(found.run, 0);
        }
        finish(&test);
    }
    assert_in_range(doubts, 20, 1000);
}

/* Ways in which a run that has begun must not go on: observing now, a target that can only be looked at, a
 * record of more rows than the guards allow. */
static void a_run_that_may_not_delete_any_more_is_only_settled(void **state)
{
    (void)state;
    for (int way = 0; way < 6; way++) {
        struct restart test;
        struct ledger_request found;
        begin(&test, rig_seed(1));
        assert_true(interrupt(&test, 14));
        test.rig.ledger_fails_at = 0;
        find_open(&test, &found);
        assert_true(found.begun);
        test.policy.enforce = way != 0;
        test.target.plan_only = way == 1;
        if (way == 2)
            test.policy.per_run = ROWS - 1;
        if (way == 3)
            test.policy.selected_over = ROWS - 1;
        if (way == 4)
            strcpy(test.policy.name, "renamed");
        if (way == 5)
            test.policy.window = (struct window){12 * 60, 13 * 60}; /* it is shortly after midnight */
        restart(&test, &found, SHA, 0);
        end_process(&test);
        assert_int_equal(test.deletions[2], 0);
        assert_int_equal(test.report.end, way == 5 ? SWEEP_LIMITED : SWEEP_FINISHED);
        assert_true(test.report.recorded);
        finish(&test);
    }
}

/* The wait for what may still take effect does not count: else it would never get anywhere. */
static void the_longest_duration_of_a_resumed_run_begins_behind_its_wait(void **state)
{
    struct restart test;
    struct ledger_request found;
    (void)state;
    begin(&test, rig_seed(1));
    assert_true(interrupt(&test, 14));
    test.rig.ledger_fails_at = 0;
    find_open(&test, &found);
    test.policy.max_duration_ms = TIME_MS_PER_MINUTE;
    restart(&test, &found, SHA, 0);
    end_process(&test);
    assert_true(test.deletions[2] > 0);
    finish(&test);
}

/* The plan expires so long after the second process has taken its run up: while it waits for the life of a
 * signature, or among the deletions. What may have been sent is looked at all the same, and the run ends. */
static void a_plan_that_expires_meanwhile_is_only_settled(void **state)
{
    int cut = 0, through = 0;
    (void)state;
    for (int64_t after_ms = 0; after_ms < 5 * SIGNATURE_MS; after_ms += 1900) {
        struct restart test;
        struct ledger_request found;
        bool doubtful[ROWS];
        begin(&test, rig_seed(1));
        assert_true(interrupt(&test, 14));
        test.rig.ledger_fails_at = 0;
        find_open(&test, &found);
        assert_true(found.begun);
        mark_doubtful(&test, doubtful);
        test.until_ms = test.rig.env.wall_ms(test.rig.env.ctx) + after_ms;
        restart(&test, &found, SHA, 0);
        end_process(&test);
        expect_no_doubt_or_deleted(&test, doubtful);
        bool stopped = test.report.end == SWEEP_STOPPED;
        assert_int_equal(test.report.err.code, stopped ? ERR_EXPIRED : ERR_NONE);
        assert_int_equal(test.report.outcomes[OUTCOME_NOT_ATTEMPTED] > 0, stopped);
        assert_true(after_ms >= SIGNATURE_MS / 2 || test.deletions[2] == 0);
        cut += stopped && test.deletions[2] > 0;
        through += !stopped;
        find_open(&test, &found);
        assert_int_equal(found.run, 0);
        finish(&test);
    }
    assert_in_range(cut, 5, 3000);
    assert_in_range(through, 5, 3000);
}

/* Nothing is deleted while what another run of the dead process sent may take effect. */
static void a_resumed_run_waits_for_the_life_of_a_signature(void **state)
{
    struct restart test;
    struct ledger_request found;
    struct sweep_progress progress;
    bool never = false;
    (void)state;
    begin(&test, rig_seed(1));
    assert_true(interrupt(&test, 14));
    test.rig.ledger_fails_at = 0;
    find_open(&test, &found);
    restart(&test, &found, SHA, 0);
    assert_int_equal(test.warnings, 0); /* not from inside */
    rig_run(&test.rig, &never, SIGNATURE_MS / 1000);
    assert_int_equal(test.warnings, 1);
    assert_int_equal(test.deletions[2], 0);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION] > 0, true);
    sweep_progress(test.sweep, &progress);
    assert_in_range(progress.waiting_ms, 60000, 63000);
    end_process(&test);
    assert_true(test.deletions[2] > 0);
    finish(&test);
}

/* Canceled at any moment, the run stays open as long as anything of it is in doubt, and can be taken up
 * again.
 */
static void a_resumed_run_that_is_canceled_can_be_resumed_again(void **state)
{
    int reopened = 0;
    (void)state;
    for (int hurry = 0; hurry < 2; hurry++) {
        for (int64_t after_ms = 0; after_ms < 370000; after_ms += after_ms < 360000 ? 40000 : 200) {
            struct restart test;
            struct ledger_request found;
            bool never = false, doubtful[ROWS];
            begin(&test, rig_seed(1));
            test.hurry = hurry;
            assert_true(interrupt(&test, 14));
            test.rig.ledger_fails_at = 0;
            find_open(&test, &found);
            restart(&test, &found, SHA, 0);
            virtual_run(test.rig.world, NULL, NULL,
                        virtual_mono_ns(test.rig.world) + after_ms * TIME_NS_PER_MS);
            if (!test.done)
                sweep_cancel(test.sweep, hurry);
            end_process(&test);
            rig_run(&test.rig, &never, hurry ? 400 : 0);
            find_open(&test, &found);
            reopened += found.run != 0;
            assert_int_equal(test.report.recorded, found.run == 0);
            if (found.run != 0) {
                restart(&test, &found, SHA, 0);
                end_process(&test);
                assert_int_equal(test.report.end, SWEEP_FINISHED);
                find_open(&test, &found);
            }
            assert_int_equal(found.run, 0);
            assert_int_equal(mark_doubtful(&test, doubtful), 0);
            finish(&test);
        }
    }
    assert_in_range(reopened, 10, 1000);
}

static int intents;
static bool open_intent; /* the last of them has no result on record */

/* The attempts of a row are numbered through, whoever makes them; a result that is of no attempt says so. */
static void check_number(struct rig *rig, const struct ledger_request *request)
{
    bool durable = rig->ledger_fails_at == 0 || rig->ledger_requests < rig->ledger_fails_at;
    if (request->operation == LEDGER_INTENT)
        assert_int_equal(request->attempt, intents + 1);
    if (request->operation == LEDGER_RESULT)
        assert_int_equal(request->attempt, open_intent ? intents : 0);
    if (durable) {
        intents += request->operation == LEDGER_INTENT;
        open_intent = request->operation == LEDGER_INTENT;
    }
}

/* One row whose answers are lost, nothing executed; the ledger fails at this request, and the next process
 * goes on. */
static void expect_restarted(int64_t request, const char *then, enum outcome outcome, int sends)
{
    struct deletion test;
    struct ledger_row_state state;
    bool never = false;
    deletion_begin(&test, 1);
    test.deletes = "l";
    test.rig.ledger_fails_at = request;
    test.rig.written = check_number;
    intents = 0;
    open_intent = false;
    assert_true(deletion_run(&test, 7200));
    test.deletes = then;
    rig_run(&test.rig, &never, 400);
    deletion_restart(&test);
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], outcome);
    assert_int_equal(test.sends[0], sends);
    deletion_ledger(&test, 0, &state);
    assert_int_equal(state.outcome, outcome);
    deletion_finish(&test);
}

/* INTENT, RESULT (lost), INTENT, RESULT (lost), INTENT, RESULT (lost), RESULT (failed) */
static void three_attempts_are_counted_over_processes(void **state)
{
    (void)state;
    expect_restarted(1, "lll", OUTCOME_FAILED, 3); /* nothing was sent yet */
    expect_restarted(2, "lll", OUTCOME_FAILED, 3); /* one, without a result */
    expect_restarted(3, "lll", OUTCOME_FAILED, 3);
    expect_restarted(4, "lll", OUTCOME_FAILED, 3); /* two, the second without a result */
    expect_restarted(5, "lll", OUTCOME_FAILED, 3);
    expect_restarted(6, "D", OUTCOME_FAILED, 3); /* all three, the third without a result */
    expect_restarted(7, "D", OUTCOME_FAILED, 3);
    expect_restarted(2, "D", OUTCOME_DELETED, 2);
    expect_restarted(2, "L", OUTCOME_DELETED_PRESUMED, 2);
}

static void give_more_rows(struct rig *rig, const struct ledger_request *request)
{
    struct restart *test = rig->ctx;
    if (request->operation != LEDGER_SEAL_PLAN)
        return;
    struct plan_row row = {.execution = {.job_id = "fw-0000", .thing_name = "gw-000000", .number = 1},
                           .reason = "smuggled in"};
    row.execution.fingerprint.status = EXECUTION_SUCCEEDED;
    static bool written;
    struct ledger_request add = {.operation = LEDGER_ADD_ROWS,
                                 .run = request->run,
                                 .rows = &row,
                                 .count = 1,
                                 .done = on_found,
                                 .owner = &written};
    struct ledger *face = ledger_memory_face(test->rig.memory);
    face->submit(face->ctx, &add);
    ledger_memory_drain(test->rig.memory);
}

static void a_ledger_that_gives_more_rows_than_the_guards_saw_stops_the_sweep(void **state)
{
    struct restart test;
    (void)state;
    begin(&test, rig_seed(1));
    test.rig.written = give_more_rows;
    interrupt(&test, INT64_MAX);
    assert_int_equal(test.report.end, SWEEP_STOPPED);
    assert_int_equal(test.report.err.code, ERR_INTERNAL);
    assert_int_equal(test.deletions[1], 0);
    finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_goes_on_where_it_was_interrupted),
    cmocka_unit_test(a_run_of_a_changed_policy_is_only_settled),
    cmocka_unit_test(a_plan_that_expires_meanwhile_is_only_settled),
    cmocka_unit_test(a_run_that_may_not_delete_any_more_is_only_settled),
    cmocka_unit_test(the_longest_duration_of_a_resumed_run_begins_behind_its_wait),
    cmocka_unit_test(a_resumed_run_waits_for_the_life_of_a_signature),
    cmocka_unit_test(a_resumed_run_that_is_canceled_can_be_resumed_again),
    cmocka_unit_test(three_attempts_are_counted_over_processes),
    cmocka_unit_test(a_ledger_that_gives_more_rows_than_the_guards_saw_stops_the_sweep),
};

TAP_MAIN(tests)
