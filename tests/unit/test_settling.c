/* Runs that are gone on with and do not get through: their time is over, they stop themselves, the service is
 * not to be reached. What the process before may have sent is settled all the same, and they are at their
 * end. Deletions are slow, so that most of the plan has not been taken up by then. */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/rig.h"
#include "tap.h"

#include <string.h>

#define SEED         3
#define THINGS       120 /* so that hardly a row waits for another one of its job and thing */
#define SIGNATURE_MS 300000
#define WAIT_MS      (SIGNATURE_MS + 62000) /* for what the process before sent */
#define SHA          "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define FROZEN_AT    60 /* the request at which the ledger of the first process fails */
#define ROWS_MAX     512

struct again {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct protect_rule rule;
    struct protect_list protect;
    struct target target;
    struct sweep *sweep;
    struct report report;
    struct ledger_request found; /* the run that is open */
    bool doubtful[ROWS_MAX];     /* its rows that the first process may have sent */
    int doubts;
    int64_t deletions, looks; /* of the present process */
    bool unreachable, denied; /* the service answers nothing, or refuses deletions */
    bool done;
};

/* Instead of the fleet. */
static void answer_badly(struct rig *rig, struct call *call)
{
    bool denied = call->operation == OPERATION_DELETE_EXECUTION;
    (void)rig;
    call->answer.class = denied ? ANSWER_DENIED : ANSWER_AMBIGUOUS;
    call->answer.http_status = denied ? 403 : 0;
}

static void on_sent(struct rig *rig, const struct call *call)
{
    struct again *test = rig->ctx;
    bool deletion = call->operation == OPERATION_DELETE_EXECUTION;
    test->deletions += deletion;
    test->looks += call->operation == OPERATION_DESCRIBE_EXECUTION;
    rig->answer = test->unreachable || (test->denied && deletion) ? answer_badly : NULL;
}

static void on_done(void *owner, const struct report *report)
{
    struct again *test = owner;
    test->report = *report;
    test->done = true;
}

static void renew_process(struct again *test)
{
    struct dispatcher_config config = {.quota_per_1000s = {[OPERATION_DELETE_EXECUTION] = 1000}};
    dispatcher_destroy(test->rig.dispatcher);
    test->rig.dispatcher = dispatcher_create(&test->rig.env, &test->rig.service, &config);
    test->deletions = test->looks = 0;
    test->done = false;
}

static struct sweep_config config_of(struct again *test)
{
    return (struct sweep_config){.env = &test->rig.env,
                                 .dispatcher = test->rig.dispatcher,
                                 .ledger = &test->rig.ledger,
                                 .policy = &test->policy,
                                 .target = &test->target,
                                 .policy_sha256 = SHA,
                                 .observer = {.owner = test, .done = on_done}};
}

static void end_process(struct again *test)
{
    assert_true(rig_run(&test->rig, &test->done, 6 * 3600));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
    sweep_destroy(test->sweep);
    test->sweep = NULL;
}

static void on_found(struct ledger_request *request)
{
    *(bool *)request->owner = true;
}

static bool is_open(struct again *test)
{
    bool found = false;
    test->found = (struct ledger_request){.operation = LEDGER_OPEN_RUN, .done = on_found, .owner = &found};
    test->rig.ledger.submit(test->rig.ledger.ctx, &test->found);
    assert_true(rig_run(&test->rig, &found, 60));
    return test->found.run != 0;
}

/* The rows of the record with this doubt; all of it is of one run. */
static void find_doubts(struct again *test)
{
    struct ledger_row_state state;
    struct plan_row plan;
    for (int row = 0; ledger_memory_row(test->rig.memory, 1, row, &plan, &state); row++) {
        assert_in_range(row, 0, ROWS_MAX - 1);
        test->doubtful[row] = plan.open || plan.unsure;
        test->doubts += test->doubtful[row];
    }
}

static void make_fleet(struct again *test)
{
    struct fleet_config config = {.seed = SEED,
                                  .things = THINGS,
                                  .jobs = 3,
                                  .executions = 3 * THINGS,
                                  .now_ms = RIG_START_MS - TIME_MS_PER_HOUR,
                                  .reuse_numbers = true};
    struct virtual_config world = {.seed = SEED,
                                   .start_ms = RIG_START_MS,
                                   .lost_after = 100000,
                                   .lost_before = 100000,
                                   .latency_min_ns = 20 * TIME_NS_PER_MS,
                                   .latency_max_ns = 300 * TIME_NS_PER_MS};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota[i] = -1;
    }
    test->fleet = world.fleet = fleet_create(&config);
    rig_init(&test->rig, &world, NULL);
    test->rig.ctx = test;
    test->rig.sent = on_sent;
}

/* A first process ends in the middle of its deletions, and leaves doubts. */
static void begin(struct again *test)
{
    *test = (struct again){.target = {.name = "simulated", .signature_life_ms = SIGNATURE_MS}};
    make_fleet(test);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    renew_process(test);
    struct sweep_config config = config_of(test);
    test->rig.ledger_fails_at = FROZEN_AT;
    test->sweep = sweep_start(&config);
    end_process(test);
    assert_int_equal(test->report.end, SWEEP_STOPPED);
    test->rig.ledger_fails_at = 0;
    assert_true(is_open(test) && test->found.begun);
    find_doubts(test);
    assert_in_range(test->doubts, 2, test->report.selected - 20);
}

static void begin_again(struct again *test)
{
    renew_process(test);
    struct sweep_config config = config_of(test);
    test->sweep = sweep_resume(&config, &test->found);
}

static void turn_for(struct again *test, int64_t ms)
{
    virtual_run(test->rig.world, NULL, NULL, virtual_mono_ns(test->rig.world) + ms * TIME_NS_PER_MS);
}

static void finish(struct again *test)
{
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
}

/* What was in doubt has an outcome: what was looked at is known, and may be of use. */
static void expect_settled(struct again *test, bool known)
{
    struct ledger_row_state state;
    struct plan_row plan;
    for (int row = 0; ledger_memory_row(test->rig.memory, 1, row, &plan, &state); row++) {
        if (test->doubtful[row]) {
            assert_int_not_equal(state.outcome, OUTCOME_PENDING);
            assert_int_equal(state.outcome == OUTCOME_UNKNOWN, !known);
        }
    }
}

static void expect_at_its_end(struct again *test, enum sweep_end end)
{
    assert_int_equal(test->report.end, end);
    assert_true(test->report.outcomes[OUTCOME_NOT_ATTEMPTED] > 10);
    assert_true(test->report.recorded);
    assert_false(is_open(test));
}

/* --- its time is over --- */

static void its_time_is_over_among_the_deletions(void **state)
{
    struct again test;
    (void)state;
    begin(&test);
    test.policy.max_duration_ms = 5 * TIME_MS_PER_SECOND;
    begin_again(&test);
    end_process(&test);
    assert_in_range(test.deletions, 1, 6); /* one a second */
    expect_at_its_end(&test, SWEEP_LIMITED);
    assert_string_equal(report_end_name(&test.report), "max_duration");
    expect_settled(&test, true);
    finish(&test);
}

/* Nothing is looked at before the requests of the dead process are dead, too. */
static void its_window_closes_while_it_waits_for_what_was_sent_before(void **state)
{
    struct again test;
    (void)state;
    begin(&test);
    int64_t now_ms = test.rig.env.wall_ms(test.rig.env.ctx);
    int64_t minute = now_ms / TIME_MS_PER_MINUTE % (24 * 60);
    test.policy.window = (struct window){(uint16_t)minute, (uint16_t)(minute + 2)};
    begin_again(&test);
    turn_for(&test, WAIT_MS - 1000);
    assert_false(test.done);
    assert_int_equal(test.looks, 0);
    end_process(&test);
    assert_int_equal(test.deletions, 0);
    expect_at_its_end(&test, SWEEP_LIMITED);
    assert_string_equal(report_end_name(&test.report), "window");
    expect_settled(&test, true);
    finish(&test);
}

/* The group cannot be read, and nobody waits for it any more. */
static void its_window_closes_while_the_registry_is_asked_what_is_protected(void **state)
{
    static const char *const groups[] = {"no-such-group", NULL};
    struct again test;
    (void)state;
    begin(&test);
    rig_patterns(&test.rule.groups, groups);
    test.protect = (struct protect_list){.rules = &test.rule, .count = 1};
    test.policy.protect = &test.protect;
    int64_t now_ms = test.rig.env.wall_ms(test.rig.env.ctx);
    int64_t minute = now_ms / TIME_MS_PER_MINUTE % (24 * 60);
    test.policy.window = (struct window){(uint16_t)minute, (uint16_t)(minute + 1)};
    test.rig.wall_step_ms += TIME_MS_PER_MINUTE - 1 - now_ms % TIME_MS_PER_MINUTE;
    begin_again(&test);
    end_process(&test);
    assert_int_equal(test.deletions, 0);
    expect_at_its_end(&test, SWEEP_LIMITED);
    expect_settled(&test, true);
    finish(&test);
}

static void its_time_is_over_during_a_pause(void **state)
{
    struct again test;
    (void)state;
    begin(&test);
    test.policy.max_duration_ms = 20 * TIME_MS_PER_SECOND;
    begin_again(&test);
    dispatcher_hold(test.rig.dispatcher, true);
    end_process(&test);
    assert_int_equal(test.deletions, 0);
    expect_at_its_end(&test, SWEEP_LIMITED);
    expect_settled(&test, true);
    finish(&test);
}

/* --- it cannot --- */

/* Deletions are refused until it stops itself. */
static void it_stops_itself(void **state)
{
    struct again test;
    (void)state;
    begin(&test);
    begin_again(&test);
    test.denied = true;
    end_process(&test);
    assert_int_equal(test.report.why, ANSWER_DENIED);
    expect_at_its_end(&test, SWEEP_STOPPED);
    expect_settled(&test, true);
    finish(&test);
}

/* An hour of looks without an answer, and no more. */
static void the_service_is_not_to_be_reached(void **state)
{
    struct again test;
    (void)state;
    begin(&test);
    test.policy.max_duration_ms = 1;
    test.unreachable = true;
    begin_again(&test);
    int64_t began_ns = virtual_mono_ns(test.rig.world);
    end_process(&test);
    int64_t took_ms = (virtual_mono_ns(test.rig.world) - began_ns) / TIME_NS_PER_MS;
    assert_in_range(took_ms, TIME_MS_PER_HOUR, WAIT_MS + TIME_MS_PER_HOUR + 3 * TIME_MS_PER_MINUTE);
    assert_true(test.looks > 20);
    assert_int_equal(test.deletions, 0);
    expect_settled(&test, false);
    assert_true(report_failed(&test.report));
    expect_at_its_end(&test, SWEEP_LIMITED);
    finish(&test);
}

/* --- it is ended while it settles --- */

/* Told to stop, it looks at what it has in hand, and leaves the rest to the next process. */
static void it_is_canceled_while_it_settles(void **state)
{
    int reopened = 0;
    (void)state;
    for (int64_t after_ms = 1000; after_ms < WAIT_MS + 1500; after_ms += after_ms < WAIT_MS ? 90000 : 100) {
        struct again test;
        begin(&test);
        test.policy.max_duration_ms = 1;
        begin_again(&test);
        turn_for(&test, after_ms);
        if (!test.done) {
            sweep_cancel(test.sweep, false);
        }
        end_process(&test);
        bool open = is_open(&test);
        assert_int_equal(test.report.recorded, !open);
        assert_int_equal(test.report.end, open ? SWEEP_CANCELED : test.report.end);
        reopened += open;
        if (open) {
            begin_again(&test);
            end_process(&test);
        }
        expect_at_its_end(&test, test.report.end);
        expect_settled(&test, true);
        finish(&test);
    }
    assert_in_range(reopened, 3, 1000);
}

/* At each request of its ledger in turn; nothing that the next one cannot take up. */
static void it_is_killed_while_it_settles(void **state)
{
    bool killed = true;
    int64_t kills = 0;
    (void)state;
    for (int64_t more = 1; killed; more++) {
        struct again test;
        begin(&test);
        test.policy.max_duration_ms = 1;
        test.rig.ledger_fails_at = test.rig.ledger_requests + more;
        begin_again(&test);
        end_process(&test);
        killed = test.rig.ledger_requests >= test.rig.ledger_fails_at;
        kills += killed;
        test.rig.ledger_fails_at = 0;
        assert_int_equal(is_open(&test), killed);
        if (killed) {
            begin_again(&test);
            end_process(&test);
        }
        assert_int_equal(test.deletions, 0);
        expect_at_its_end(&test, SWEEP_LIMITED);
        expect_settled(&test, true);
        finish(&test);
    }
    assert_in_range(kills, 5, 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(its_time_is_over_among_the_deletions),
    cmocka_unit_test(its_window_closes_while_it_waits_for_what_was_sent_before),
    cmocka_unit_test(its_window_closes_while_the_registry_is_asked_what_is_protected),
    cmocka_unit_test(its_time_is_over_during_a_pause),
    cmocka_unit_test(it_stops_itself),
    cmocka_unit_test(the_service_is_not_to_be_reached),
    cmocka_unit_test(it_is_canceled_while_it_settles),
    cmocka_unit_test(it_is_killed_while_it_settles),
};

TAP_MAIN(tests)
