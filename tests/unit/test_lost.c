/* Requests whose fate nobody knows: a sweep begins to delete only when those of earlier runs are surely dead,
 * and two sweeps of one dispatcher never have two live requests for one (job, thing). */
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define SWEEPS       2
#define PAIRS_MAX    64
#define SIGNATURE_MS 300000
#define LONGEST_MS   362000 /* the signature, a minute of skew, the margin */

struct pair { /* the latest deletion of one (job, thing) */
    char job_id[JOB_ID_MAX + 1], thing_name[THING_NAME_MAX + 1];
    int64_t sent_ns;
    bool alive; /* not answered, or lost: it may run as long as its signature lives */
};

struct losing {
    struct rig rig;
    struct fleet *fleet;
    struct policy policy;
    struct target target;
    struct sweep *sweeps[SWEEPS];
    struct report reports[SWEEPS];
    int left; /* sweeps that are not done */
    bool done;
    struct pair pairs[PAIRS_MAX];
    int pair_count;
    int64_t first_ns; /* when the first deletion left; 0: none yet */
    char warning[128];
};

static struct pair *find_pair(struct losing *test, const struct call *call)
{
    for (int i = 0; i < test->pair_count; i++) {
        struct pair *pair = &test->pairs[i];
        if (strcmp(pair->job_id, call->job_id) == 0 && strcmp(pair->thing_name, call->thing_name) == 0)
            return pair;
    }
    assert_true(test->pair_count < PAIRS_MAX);
    struct pair *pair = &test->pairs[test->pair_count++];
    strcpy(pair->job_id, call->job_id);
    strcpy(pair->thing_name, call->thing_name);
    return pair;
}

static void on_sent(struct rig *rig, const struct call *call)
{
    struct losing *test = rig->ctx;
    int64_t now_ns = virtual_mono_ns(rig->world);
    if (call->operation != OPERATION_DELETE_EXECUTION)
        return;
    struct pair *pair = find_pair(test, call);
    if (pair->alive && now_ns - pair->sent_ns <= SIGNATURE_MS * TIME_NS_PER_MS)
        fail_msg("%s/%s has two live requests", call->job_id, call->thing_name);
    pair->sent_ns = now_ns;
    pair->alive = true;
    if (test->first_ns == 0)
        test->first_ns = now_ns;
}

static void on_answered(struct rig *rig, const struct call *call)
{
    struct losing *test = rig->ctx;
    if (call->operation == OPERATION_DELETE_EXECUTION && call->answer.class != ANSWER_AMBIGUOUS)
        find_pair(test, call)->alive = false;
}

static void on_warning(void *owner, const char *text)
{
    struct losing *test = owner;
    if (strncmp(text, "waits", 5) == 0)
        snprintf(test->warning, sizeof test->warning, "%s", text);
}

static void on_done(void *owner, const struct report *report)
{
    struct losing *test = owner;
    assert_int_equal(report_outcome_sum(report), report->selected);
    test->reports[--test->left] = *report; /* in the order of their ends, the last first */
    test->done = test->left == 0;
}

static void begin(struct losing *test, uint64_t seed, const struct virtual_config *faults)
{
    *test = (struct losing){0};
    test->rig.ctx = test;
    test->rig.sent = on_sent;
    test->rig.answered = on_answered;
    test->fleet = rig_init_fleet(&test->rig, seed, faults);
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
    test->policy.match.older_than_ms = TIME_MS_PER_DAY;
    test->target = (struct target){.name = "simulated", .signature_life_ms = SIGNATURE_MS};
}

static void start(struct losing *test)
{
    struct sweep_config config = {.env = &test->rig.env,
                                  .dispatcher = test->rig.dispatcher,
                                  .ledger = &test->rig.ledger,
                                  .policy = &test->policy,
                                  .target = &test->target,
                                  .observer = {.owner = test, .warning = on_warning, .done = on_done}};
    test->done = false;
    test->sweeps[test->left++] = sweep_start(&config);
}

static void run(struct losing *test)
{
    assert_true(rig_run(&test->rig, &test->done, 6 * 3600));
}

static void finish(struct losing *test)
{
    for (int i = 0; i < SWEEPS; i++)
        sweep_destroy(test->sweeps[i]);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
}

/* --- requests of earlier runs --- */

/* One that was signed so long before the sweep, by the service's clock; with the wall clock set while it
 * waits. Returns how long after its beginning the sweep sent its first deletion. */
static int64_t first_after_ms(int64_t signed_before_ms, int64_t skew_ms, int64_t step_ms)
{
    struct losing test;
    struct virtual_config faults = {.skew_ms = skew_ms};
    bool never = false;
    begin(&test, rig_seed(1), &faults);
    test.policy.per_run = 3;
    test.rig.lost_signed_ms = RIG_START_MS + skew_ms - signed_before_ms;
    start(&test);
    rig_run(&test.rig, &never, 8);
    test.rig.wall_step_ms = step_ms;
    rig_run(&test.rig, &never, LONGEST_MS / 1000);
    int64_t first_ms = test.first_ns / TIME_NS_PER_MS;
    sweep_cancel(test.sweeps[0], false);
    run(&test);
    finish(&test);
    return first_ms;
}

static void a_sweep_waits_until_a_lost_request_is_dead_by_the_services_clock(void **state)
{
    static const int64_t skews[] = {-30000, 0, 30000};
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_in_range(first_after_ms(0, skews[i], 0), 300000, 304000);
        assert_in_range(first_after_ms(100000, skews[i], 0), 200000, 204000);
        assert_in_range(first_after_ms(250000, skews[i], 0), 50000, 54000);
        assert_in_range(first_after_ms(400000, skews[i], 0), 1, 8000);
    }
}

static void a_wall_clock_that_is_set_neither_shortens_nor_stretches_the_wait(void **state)
{
    (void)state;
    assert_in_range(first_after_ms(100000, 0, 40000), 200000, 204000);
    assert_in_range(first_after_ms(100000, 0, -40000), 200000, 204000);
}

static void a_date_that_cannot_be_believed_costs_the_longest_wait_and_no_more(void **state)
{
    (void)state;
    assert_in_range(first_after_ms(-30000, 0, 0), 330000, 334000); /* this machine's clock was ahead */
    assert_in_range(first_after_ms(-INT64_C(86400000), 0, 0), LONGEST_MS - 2000, LONGEST_MS + 1000);
    assert_in_range(first_after_ms(INT64_C(1800000000000) * 2, 0, 0), LONGEST_MS - 2000, LONGEST_MS + 1000);
}

/* What was lost was lost before the run began, so that the time that the plan took counts. The ledger takes
 * ten seconds each for the beginning, the rows, the seal, the rows again, and the first intent. */
static void the_longest_wait_counts_from_the_beginning_of_the_run(void **state)
{
    struct losing test;
    (void)state;
    begin(&test, rig_seed(1), NULL);
    test.policy.per_run = 3;
    test.rig.ledger_delay_ns = 10 * TIME_NS_PER_SECOND;
    test.rig.lost_signed_ms = RIG_START_MS * 2;
    start(&test);
    run(&test);
    int64_t first_ms = test.first_ns / TIME_NS_PER_MS;
    assert_in_range(first_ms, LONGEST_MS + 30000, LONGEST_MS + 31000);
    finish(&test);
}

static void it_says_that_it_waits_and_for_how_long(void **state)
{
    struct losing test;
    struct sweep_progress progress;
    bool never = false;
    (void)state;
    begin(&test, rig_seed(1), NULL);
    test.rig.lost_signed_ms = RIG_START_MS - 100000;
    start(&test);
    rig_run(&test.rig, &never, 100);
    assert_non_null(strstr(test.warning, " s for a lost request of an earlier run"));
    sweep_progress(test.sweeps[0], &progress);
    assert_in_range(progress.waiting_ms, 100000, 103000);
    run(&test);
    sweep_progress(test.sweeps[0], &progress);
    assert_int_equal(progress.waiting_ms, 0);
    assert_int_equal(test.reports[0].end, SWEEP_FINISHED);
    finish(&test);
}

static void a_sweep_that_waits_can_be_canceled(void **state)
{
    (void)state;
    for (int hurry = 0; hurry < 2; hurry++) {
        struct losing test;
        bool never = false;
        begin(&test, rig_seed(1), NULL);
        test.rig.lost_signed_ms = RIG_START_MS;
        start(&test);
        rig_run(&test.rig, &never, 60);
        sweep_cancel(test.sweeps[0], hurry);
        assert_true(rig_run(&test.rig, &test.done, 1));
        assert_int_equal(test.reports[0].end, SWEEP_CANCELED);
        assert_true(test.reports[0].selected > 0);
        assert_int_equal(test.reports[0].outcomes[OUTCOME_NOT_ATTEMPTED], test.reports[0].selected);
        finish(&test);
    }
}

static void what_deletes_nothing_does_not_wait(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        struct losing test;
        begin(&test, rig_seed(1), NULL);
        test.policy.enforce = way == 0;
        if (way == 0)
            test.policy.match.older_than_ms = 10000 * TIME_MS_PER_DAY;
        test.rig.lost_signed_ms = RIG_START_MS;
        start(&test);
        assert_true(rig_run(&test.rig, &test.done, 60));
        finish(&test);
    }
}

/* --- one sweep after the other --- */

static const struct virtual_config LOSSES = {.lost_before = 100000,
                                             .lost_after = 50000,
                                             .lost_late = 100000,
                                             .error_500_executed = 50000,
                                             .not_sent = 50000};

/* The first is given up with requests whose fate is not known; the second knows of them from the ledger, and
 * deletes nothing before the latest of them is dead. */
static void a_sweep_after_one_that_was_given_up_waits_for_its_requests(void **state)
{
    int waited = 0;
    (void)state;
    for (uint64_t seed = rig_seed(1); seed < rig_seed(1) + 20; seed++) {
        struct losing test;
        bool never = false;
        int64_t latest_ns = 0;
        begin(&test, seed, &LOSSES);
        start(&test);
        rig_run(&test.rig, &never, 5 + (int64_t)seed % 10);
        sweep_cancel(test.sweeps[0], true);
        run(&test);
        bool lost = test.reports[0].outcomes[OUTCOME_UNKNOWN] > 0;
        for (int i = 0; i < test.pair_count; i++)
            if (test.pairs[i].alive && test.pairs[i].sent_ns > latest_ns)
                latest_ns = test.pairs[i].sent_ns;
        test.first_ns = 0;
        sweep_destroy(test.sweeps[0]);
        start(&test);
        run(&test);
        assert_int_equal(test.reports[0].end, SWEEP_FINISHED);
        if (lost)
            assert_true(test.first_ns > latest_ns + SIGNATURE_MS * TIME_NS_PER_MS);
        waited += lost;
        finish(&test);
    }
    assert_in_range(waited, 3, 20);
}

/* --- two sweeps of one dispatcher --- */

static void two_sweeps_of_the_same_things_never_have_two_live_requests(void **state)
{
    (void)state;
    for (uint64_t seed = rig_seed(1); seed < rig_seed(1) + 20; seed++) {
        struct losing test;
        begin(&test, seed, &LOSSES);
        start(&test);
        start(&test);
        run(&test);
        assert_int_equal(test.reports[0].end, SWEEP_FINISHED);
        assert_int_equal(test.reports[1].end, SWEEP_FINISHED);
        assert_int_equal(test.reports[0].outcomes[OUTCOME_UNKNOWN], 0);
        finish(&test);
    }
}

/* The one that goes on may not use a pair that the other gave up before its request is dead. */
static void a_sweep_that_is_given_up_bars_its_pairs_for_the_other(void **state)
{
    int64_t unknown = 0;
    (void)state;
    for (uint64_t seed = rig_seed(1); seed < rig_seed(1) + 40; seed++) {
        struct losing test;
        bool never = false;
        begin(&test, seed, &LOSSES);
        start(&test);
        start(&test);
        rig_run(&test.rig, &never, 5 + (int64_t)seed % 10);
        sweep_cancel(test.sweeps[0], true);
        run(&test);
        unknown += test.reports[1].outcomes[OUTCOME_UNKNOWN];
        assert_int_equal(test.reports[0].end, SWEEP_FINISHED);
        assert_int_equal(test.reports[0].outcomes[OUTCOME_UNKNOWN], 0);
        finish(&test);
    }
    assert_true(unknown > 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_sweep_waits_until_a_lost_request_is_dead_by_the_services_clock),
    cmocka_unit_test(a_wall_clock_that_is_set_neither_shortens_nor_stretches_the_wait),
    cmocka_unit_test(a_date_that_cannot_be_believed_costs_the_longest_wait_and_no_more),
    cmocka_unit_test(the_longest_wait_counts_from_the_beginning_of_the_run),
    cmocka_unit_test(it_says_that_it_waits_and_for_how_long),
    cmocka_unit_test(a_sweep_that_waits_can_be_canceled),
    cmocka_unit_test(what_deletes_nothing_does_not_wait),
    cmocka_unit_test(a_sweep_after_one_that_was_given_up_waits_for_its_requests),
    cmocka_unit_test(two_sweeps_of_the_same_things_never_have_two_live_requests),
    cmocka_unit_test(a_sweep_that_is_given_up_bars_its_pairs_for_the_other),
};

TAP_MAIN(tests)
