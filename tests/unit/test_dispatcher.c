/* The dispatcher with a service that answers as it is told, under virtual time. */
#include "tap.h"
#include "unit/dispatch_bench.h"

#include <stdio.h>
#include <string.h>

/* --- pace ---------------------------------------------------------------------------------------------- */

static void calls_leave_at_the_slots_of_their_lane(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    for (int i = 0; i < 100; i++)
        bench_submit(bench, i, READ);
    assert_int_equal(bench->sent_count, 0);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 100);
    for (int i = 1; i < 100; i++)
        assert_int_equal(bench->sent_ns[i] - bench->sent_ns[i - 1], 100502513);
    bench_close(bench);
}

static void each_operation_has_a_lane_of_its_own(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    for (int i = 0; i < 40; i++)
        bench_submit(bench, i, i % 2 ? READ : DELETE);
    bench_run(bench, 2 * S - MS);
    assert_int_equal(bench->sent_count, 40);
    bench_close(bench);
}

static void concurrency_is_over_all_lanes_and_shared_fairly(void **state)
{
    (void)state;
    struct bench *bench = bench_open(&(struct dispatcher_config){.concurrency = 1});
    bench_script(bench, &(struct scripted){ANSWER_DONE, 0, S, false}, 1);
    for (int i = 0; i < 40; i++)
        bench_submit(bench, i, i < 20 ? READ : DELETE);
    bench_run(bench, 20 * S);
    assert_int_equal(bench->in_flight_most, 1);
    int reads = 0;
    for (int i = 0; i < 20; i++)
        reads += bench->sent[i] == READ;
    assert_in_range(reads, 7, 13);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 40);
    bench_close(bench);
}

static void a_service_that_hangs_gets_few_calls(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    for (int i = 0; i < 50; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 10 * S); /* the round trip is 30 ms: 10 a second, twice, is below the least, 4 */
    assert_int_equal(bench->done_count, 50);
    bench_script(bench, &(struct scripted){.hang = true}, 1);
    for (int i = 50; i < 100; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 100 * S);
    assert_int_equal(bench->in_flight, 4);
    for (int i = 50; i < 100; i++)
        bench_cancel(bench, i);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 100);
    bench_close(bench);
}

static void a_time_to_wait_stops_the_lane_but_no_other(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED, .retry_after_ms = 20000}, {0}};
    bench_script(bench, answers, 2);
    for (int i = 0; i < 3; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 90 * MS);
    bench_submit(bench, 3, DELETE);
    bench_run(bench, 21 * S);
    assert_int_equal(bench->sent_count, 2);
    assert_int_equal(bench->sent[1], DELETE);
    bench_run(bench, 3600 * S);
    assert_true(bench->sent_ns[2] >= 22 * S);
    assert_int_equal(bench->done_count, 4);
    bench_close(bench);
}

/* --- repetition ---------------------------------------------------------------------------------------- */

static void a_read_is_repeated_by_what_its_answer_means(void **state)
{
    (void)state;
    const struct {
        enum answer_class class;
        int attempts; /* when it is always answered so */
    } rows[] = {{ANSWER_DONE, 1},    {ANSWER_NOT_SENT, 8}, {ANSWER_AMBIGUOUS, 8},
                {ANSWER_EXPIRED, 4}, {ANSWER_SKEWED, 2},   {ANSWER_DENIED, 1},
                {ANSWER_INVALID, 1}, {ANSWER_GONE, 1},     {ANSWER_STATE, 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench *bench = bench_open_default();
        struct dispatch *dispatch = bench_run_one(bench, READ, &(struct scripted){.class = rows[i].class}, 1);
        assert_int_equal(dispatch->call.answer.class, rows[i].class);
        assert_int_equal(dispatch->attempts, rows[i].attempts);
        assert_int_equal(bench->sent_count, rows[i].attempts);
        bench_close(bench);
    }
}

static void a_deletion_is_sent_once_whatever_comes(void **state)
{
    (void)state;
    for (int class = 0; class < ANSWER_CLASS_COUNT; class ++) {
        struct bench *bench = bench_open_default();
        struct dispatch *dispatch =
            bench_run_one(bench, DELETE, &(struct scripted){.class = (enum answer_class) class}, 1);
        assert_int_equal(dispatch->call.answer.class, class);
        assert_int_equal(bench->sent_count, 1);
        bench_close(bench);
    }
}

static void a_throttled_read_is_repeated_without_limit(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_script(bench, &(struct scripted){.class = ANSWER_THROTTLED}, 1);
    bench_submit(bench, 0, READ);
    bench_run(bench, 1200 * S);
    assert_int_equal(bench->done_count, 0);
    assert_true(bench->sent_count > 20);
    bench_script(bench, &(struct scripted){.class = ANSWER_DONE}, 1);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 1);
    struct lane_view view;
    dispatcher_lane(bench->dispatcher, READ, &view);
    assert_int_equal(view.sent, bench->sent_count);
    assert_int_equal(view.throttled, bench->sent_count - 1);
    assert_int_equal(view.retried, bench->sent_count - 1);
    bench_close(bench);
}

static void while_one_rests_the_others_go_on(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED}, {0}};
    bench_script(bench, answers, 2);
    for (int i = 0; i < 10; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 10);
    assert_int_equal(bench->sent_count, 11);
    bench_close(bench);
}

static void an_empty_budget_leaves_one_probe_a_minute(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_script(bench, &(struct scripted){.class = ANSWER_AMBIGUOUS}, 1);
    for (int i = 0; i < MANY; i++)
        bench_submit(bench, i, DELETE);
    bench_run(bench, 60 * S);
    int before = bench->sent_count; /* 36 empty it; then 1, 2, 4, 8, 16 and 32 s apart */
    assert_in_range(before, 37, 46);
    bench_run(bench, 660 * S);
    assert_in_range(bench->sent_count - before, 9, 12);
    bench_script(bench, &(struct scripted){.class = ANSWER_DONE}, 1);
    bench_run(bench, 780 * S);
    assert_int_equal(bench->done_count, MANY);
    bench_close(bench);
}

/* --- gate and cancel ----------------------------------------------------------------------------------- */

static void what_the_gate_sees_is_what_is_signed(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    for (int i = 0; i < 30; i++) {
        bench_submit(bench, i, DELETE);
        bench->calls[i].gate = bench_gate;
    }
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 30);
    assert_int_equal(bench->done[29]->call.signed_at_ms, WALL_MS + bench->sent_ns[29] / MS);
    assert_int_equal(bench->gate_ms, WALL_MS + bench->sent_ns[29] / MS);
    bench_close(bench);
}

static void a_gate_that_refuses_costs_no_slot_and_sends_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench->gate = false;
    for (int i = 0; i < 30; i++) {
        bench_submit(bench, i, DELETE);
        bench->calls[i].gate = bench_gate;
    }
    bench_submit(bench, 30, DELETE);
    bench_run(bench, 50 * MS);
    assert_int_equal(bench->done_count, 31);
    assert_int_equal(bench->sent_count, 1);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(bench->calls[i].call.answer.class, ANSWER_NOT_SENT);
        assert_string_equal(bench->calls[i].call.answer.code, "Withheld");
        assert_int_equal(bench->calls[i].call.signed_at_ms, 0);
    }
    bench_close(bench);
}

static void while_it_is_held_no_deletion_leaves_and_reads_do(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    dispatcher_hold(bench->dispatcher, true);
    for (int i = 0; i < 40; i++)
        bench_submit(bench, i, i % 2 ? READ : DELETE);
    bench_run(bench, 600 * S);
    assert_int_equal(bench->sent_count, 20);
    assert_int_equal(bench->done_count, 20);
    bench_cancel(bench, 0); /* one that waits can still be taken back */
    bench_run(bench, 601 * S);
    assert_int_equal(bench->done_count, 21);
    dispatcher_hold(bench->dispatcher, false);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 40);
    assert_int_equal(bench->sent_count, 39);
    assert_true(bench->sent_ns[38] - bench->sent_ns[20] >= 17 * 100 * MS); /* no burst for the time lost */
    bench_close(bench);
}

static void what_has_not_left_is_taken_back_when_they_are_held(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_script(bench, &(struct scripted){.class = ANSWER_NOT_SENT, .hang = true}, 1);
    bench->service.recall = bench_recall;
    for (int i = 0; i < 4; i++) {
        bench_submit(bench, i, i == 0 ? READ : DELETE);
    }
    bench_run(bench, 150 * MS);
    assert_int_equal(bench->sent_count, 3); /* two of them deletions */
    bench->inside = true;
    dispatcher_hold(bench->dispatcher, true);
    bench->inside = false;
    assert_int_equal(bench->recalled, 2);
    bench_run(bench, 200 * MS);
    assert_int_equal(bench->done_count, 2);
    for (int i = 1; i < 3; i++) {
        assert_true(bench->calls[i].recalled);
        assert_int_equal(bench->calls[i].call.answer.class, ANSWER_NOT_SENT);
    }
    dispatcher_hold(bench->dispatcher, true);
    assert_int_equal(bench->recalled, 2);
    dispatcher_recall(bench->dispatcher, &bench->calls[3]); /* waits here */
    dispatcher_recall(bench->dispatcher, &bench->calls[1]); /* outside */
    assert_int_equal(bench->recalled, 2);
    bench_cancel(bench, 0);
    bench_cancel(bench, 3);
    bench_run(bench, 300 * MS);
    assert_int_equal(bench->done_count, 4);
    bench_close(bench);
}

static void a_canceled_one_that_waits_never_leaves(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    for (int i = 0; i < 3; i++)
        bench_submit(bench, i, READ);
    bench_cancel(bench, 1);
    bench_cancel(bench, 1);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 3);
    assert_int_equal(bench->sent_count, 2);
    assert_ptr_equal(bench->done[0], &bench->calls[1]);
    assert_int_equal(bench->calls[1].call.answer.class, ANSWER_NOT_SENT);
    assert_string_equal(bench->calls[1].call.answer.code, "Canceled");
    bench_cancel(bench, 1); /* it is outside: nothing happens */
    bench_run(bench, 7200 * S);
    assert_int_equal(bench->done_count, 3);
    bench_close(bench);
}

static void a_canceled_one_that_rests_ends_at_once(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_script(bench, &(struct scripted){.class = ANSWER_THROTTLED, .retry_after_ms = 60000}, 1);
    bench_submit(bench, 0, READ);
    bench_run(bench, 31 * MS);
    assert_int_equal(bench->calls[0].state, DISPATCH_RESTING);
    bench_cancel(bench, 0);
    bench_run(bench, 32 * MS);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->done[0]->call.answer.class, ANSWER_NOT_SENT);
    assert_int_equal(bench->done[0]->attempts, 1);
    bench_close(bench);
}

static void a_canceled_one_in_flight_is_not_repeated(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_script(bench, &(struct scripted){.hang = true}, 1);
    bench_submit(bench, 0, READ);
    bench_run(bench, 10 * MS);
    bench_cancel(bench, 0);
    bench_cancel(bench, 0);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->canceled, 1);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->sent_count, 1);
    assert_int_equal(bench->done[0]->call.answer.class, ANSWER_AMBIGUOUS);
    bench_close(bench);
}

static void submit_again(struct dispatch *dispatch)
{
    struct bench *bench = dispatch->owner;
    call_again(&dispatch->call);
    if (bench->done_count++ < 20)
        dispatcher_submit(bench->dispatcher, dispatch);
}

static void done_may_submit_again(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    bench_submit(bench, 0, READ);
    bench->calls[0].done = submit_again;
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 21);
    assert_int_equal(bench->sent_count, 21);
    bench_close(bench);
}

static void destroy_it(struct dispatch *dispatch)
{
    struct bench *bench = dispatch->owner;
    dispatcher_destroy(bench->dispatcher);
    bench->dispatcher = NULL;
}

static void done_of_the_last_one_may_destroy(void **state)
{
    (void)state;
    for (int canceled = 0; canceled < 2; canceled++) {
        struct bench *bench = bench_open_default();
        bench_submit(bench, 0, READ);
        bench->calls[0].done = destroy_it;
        if (canceled)
            bench_cancel(bench, 0);
        bench_run(bench, 3600 * S);
        assert_null(bench->dispatcher);
        bench_close(bench);
    }
}

/* --- what it tells ------------------------------------------------------------------------------------- */

static void an_episode_is_told_when_it_begins_and_when_it_ends(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED}, {.class = ANSWER_THROTTLED}, {0}};
    for (int i = 0; i < 40; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 60 * S);
    bench_script(bench, answers, 3);
    for (int i = 40; i < 80; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 100 * S);
    assert_int_equal(bench->begins, 1);
    assert_int_equal(bench->ends, 0);
    assert_true(bench->rate_now < bench->rate_before);
    struct lane_view view;
    dispatcher_lane(bench->dispatcher, READ, &view);
    assert_true(view.episode);
    bench_run(bench, 350 * S);
    bench_submit(bench, 80, READ);
    bench_run(bench, 400 * S);
    assert_int_equal(bench->begins, 1);
    assert_int_equal(bench->ends, 1);
    assert_true(bench->rate_now > 9800);
    bench_close(bench);
}

static void the_skew_comes_from_the_answers(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    assert_int_equal(dispatcher_skew_ms(bench->dispatcher), 0);
    bench_submit(bench, 0, READ);
    bench_run(bench, S);
    assert_int_equal(dispatcher_skew_ms(bench->dispatcher), 7000);
    bench_close(bench);
}

static void the_learned_rate_can_be_kept(void **state)
{
    (void)state;
    struct bench *bench = bench_open_default();
    assert_int_equal(dispatcher_learned_rate(bench->dispatcher, READ), 9950);
    dispatcher_set_learned_rate(bench->dispatcher, READ, 4000);
    assert_int_equal(dispatcher_learned_rate(bench->dispatcher, READ), 4000);
    for (int i = 0; i < 20; i++)
        bench_submit(bench, i, READ);
    bench_run(bench, 2 * S);
    assert_in_range(bench->sent_count, 8, 10);
    bench_run(bench, 60 * S);
    bench_close(bench);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(calls_leave_at_the_slots_of_their_lane),
    cmocka_unit_test(each_operation_has_a_lane_of_its_own),
    cmocka_unit_test(concurrency_is_over_all_lanes_and_shared_fairly),
    cmocka_unit_test(a_service_that_hangs_gets_few_calls),
    cmocka_unit_test(a_time_to_wait_stops_the_lane_but_no_other),
    cmocka_unit_test(a_read_is_repeated_by_what_its_answer_means),
    cmocka_unit_test(a_deletion_is_sent_once_whatever_comes),
    cmocka_unit_test(a_throttled_read_is_repeated_without_limit),
    cmocka_unit_test(while_one_rests_the_others_go_on),
    cmocka_unit_test(an_empty_budget_leaves_one_probe_a_minute),
    cmocka_unit_test(what_the_gate_sees_is_what_is_signed),
    cmocka_unit_test(a_gate_that_refuses_costs_no_slot_and_sends_nothing),
    cmocka_unit_test(while_it_is_held_no_deletion_leaves_and_reads_do),
    cmocka_unit_test(what_has_not_left_is_taken_back_when_they_are_held),
    cmocka_unit_test(a_canceled_one_that_waits_never_leaves),
    cmocka_unit_test(a_canceled_one_that_rests_ends_at_once),
    cmocka_unit_test(a_canceled_one_in_flight_is_not_repeated),
    cmocka_unit_test(done_may_submit_again),
    cmocka_unit_test(done_of_the_last_one_may_destroy),
    cmocka_unit_test(an_episode_is_told_when_it_begins_and_when_it_ends),
    cmocka_unit_test(the_skew_comes_from_the_answers),
    cmocka_unit_test(the_learned_rate_can_be_kept),
};

TAP_MAIN(tests)
