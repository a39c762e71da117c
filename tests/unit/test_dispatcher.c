/* The dispatcher with a service that answers as it is told, under virtual time. */
#include "tap.h"

#include "base/time.h"
#include "engine/dispatcher.h"
#include "sim/virtual.h"

#include <stdio.h>
#include <string.h>

#define S       TIME_NS_PER_SECOND
#define MS      TIME_NS_PER_MS
#define WALL_MS INT64_C(1800000000000)
#define MANY    200
#define READ    OPERATION_DESCRIBE_EXECUTION
#define DELETE  OPERATION_DELETE_EXECUTION
#define SCRIPT  16

/* What the service answers, in this order; the last entry for ever. */
struct scripted {
    enum answer_class class;
    int64_t retry_after_ms;
    int64_t latency_ns; /* 30 ms when 0 */
    bool hang;          /* until it is canceled */
};

struct bench {
    struct virtual_world *world;
    struct job_service service;
    struct dispatcher *dispatcher;
    struct dispatch calls[MANY];
    struct scripted script[SCRIPT];
    int script_count, script_at;
    int64_t sent_ns[10000];
    enum operation sent[10000];
    int sent_count, canceled, in_flight, in_flight_most;
    int done_count;
    struct dispatch *done[MANY];
    int64_t done_ns[MANY];
    bool inside; /* of a call into the dispatcher: done() must not come */
    bool gate;
    int64_t gate_ms;
    int begins, ends;
    int64_t rate_before, rate_now;
};

/* --- the service --------------------------------------------------------------------------------------- */

static void answer(void *ctx)
{
    struct call *call = ctx;
    struct bench *bench = call->service;
    bench->in_flight--;
    call->done(call);
}

static void service_submit(void *ctx, struct call *call)
{
    struct bench *bench = ctx;
    const struct scripted *scripted = &bench->script[bench->script_at];
    if (bench->script_at + 1 < bench->script_count)
        bench->script_at++;
    call->service = bench;
    call->answer.class = scripted->class;
    call->answer.http_status = scripted->class == ANSWER_DONE ? 200
                               : scripted->class == ANSWER_NOT_SENT || scripted->class == ANSWER_AMBIGUOUS
                                   ? 0
                                   : 400;
    call->answer.retry_after_ms = scripted->retry_after_ms;
    call->answer.server_date_ms = WALL_MS + 7000;
    call->answer.received_ms = WALL_MS;
    bench->sent[bench->sent_count] = call->operation;
    bench->sent_ns[bench->sent_count++] = virtual_mono_ns(bench->world);
    bench->in_flight++;
    if (bench->in_flight > bench->in_flight_most)
        bench->in_flight_most = bench->in_flight;
    if (!scripted->hang) {
        int64_t latency = scripted->latency_ns ? scripted->latency_ns : 30 * MS;
        virtual_at(bench->world, virtual_mono_ns(bench->world) + latency, answer, call);
    }
}

static void service_cancel(void *ctx, struct call *call)
{
    struct bench *bench = ctx;
    bench->canceled++;
    call->answer.class = ANSWER_AMBIGUOUS;
    snprintf(call->answer.code, sizeof(call->answer.code), "Canceled");
    virtual_at(bench->world, virtual_mono_ns(bench->world), answer, call);
}

/* --- the submitter ------------------------------------------------------------------------------------- */

static void on_done(struct dispatch *dispatch)
{
    struct bench *bench = dispatch->owner;
    assert_false(bench->inside);
    bench->done_ns[bench->done_count] = virtual_mono_ns(bench->world);
    bench->done[bench->done_count++] = dispatch;
}

static bool on_gate(struct dispatch *dispatch, int64_t wall_ms)
{
    struct bench *bench = dispatch->owner;
    bench->gate_ms = wall_ms;
    return bench->gate;
}

static void on_episode(void *owner, enum operation operation, bool begins, int64_t before, int64_t now)
{
    struct bench *bench = owner;
    assert_int_equal(operation, READ);
    *(begins ? &bench->begins : &bench->ends) += 1;
    bench->rate_before = before;
    bench->rate_now = now;
}

static struct bench *open_bench(const struct dispatcher_config *config)
{
    static struct bench bench;
    struct virtual_config world = {.seed = 1, .start_ms = WALL_MS};
    struct dispatcher_config dispatching = *config;
    memset(&bench, 0, sizeof(bench));
    bench.world = virtual_create(&world);
    bench.service = (struct job_service){&bench, service_submit, service_cancel};
    bench.script_count = 1; /* ANSWER_DONE */
    bench.gate = true;
    dispatching.episode = on_episode;
    dispatching.episode_owner = &bench;
    bench.dispatcher = dispatcher_create(virtual_env(bench.world), &bench.service, &dispatching);
    return &bench;
}

static struct bench *open_default(void)
{
    return open_bench(&(struct dispatcher_config){0});
}

static void close_bench(struct bench *bench)
{
    dispatcher_destroy(bench->dispatcher);
    assert_false(virtual_step(bench->world)); /* no timer is left */
    virtual_destroy(bench->world);
}

static void script(struct bench *bench, const struct scripted *scripted, int count)
{
    memcpy(bench->script, scripted, (size_t)count * sizeof(*scripted));
    bench->script_count = count;
    bench->script_at = 0;
}

static void submit(struct bench *bench, int i, enum operation operation)
{
    struct dispatch *dispatch = &bench->calls[i];
    call_init(&dispatch->call, operation);
    dispatch->done = on_done;
    dispatch->owner = bench;
    bench->inside = true;
    dispatcher_submit(bench->dispatcher, dispatch);
    bench->inside = false;
}

static void cancel(struct bench *bench, int i)
{
    bench->inside = true;
    dispatcher_cancel(bench->dispatcher, &bench->calls[i]);
    bench->inside = false;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

/* Time passes even if nothing else happens. */
static void run(struct bench *bench, int64_t until_ns)
{
    virtual_at(bench->world, until_ns, nothing, NULL);
    virtual_run(bench->world, NULL, NULL, until_ns);
}

/* One call of this operation, answered so: how it ended. */
static struct dispatch *run_one(struct bench *bench, enum operation operation,
                                const struct scripted *scripted, int count)
{
    script(bench, scripted, count);
    submit(bench, 0, operation);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->calls[0].state, DISPATCH_OUTSIDE);
    return bench->done[0];
}

/* --- pace ---------------------------------------------------------------------------------------------- */

static void calls_leave_at_the_slots_of_their_lane(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    for (int i = 0; i < 100; i++)
        submit(bench, i, READ);
    assert_int_equal(bench->sent_count, 0);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 100);
    for (int i = 1; i < 100; i++)
        assert_int_equal(bench->sent_ns[i] - bench->sent_ns[i - 1], 100502513);
    close_bench(bench);
}

static void each_operation_has_a_lane_of_its_own(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    for (int i = 0; i < 40; i++)
        submit(bench, i, i % 2 ? READ : DELETE);
    run(bench, 2 * S - MS);
    assert_int_equal(bench->sent_count, 40);
    close_bench(bench);
}

static void concurrency_is_over_all_lanes_and_shared_fairly(void **state)
{
    (void)state;
    struct bench *bench = open_bench(&(struct dispatcher_config){.concurrency = 1});
    script(bench, &(struct scripted){ANSWER_DONE, 0, S, false}, 1);
    for (int i = 0; i < 40; i++)
        submit(bench, i, i < 20 ? READ : DELETE);
    run(bench, 20 * S);
    assert_int_equal(bench->in_flight_most, 1);
    int reads = 0;
    for (int i = 0; i < 20; i++)
        reads += bench->sent[i] == READ;
    assert_in_range(reads, 7, 13);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 40);
    close_bench(bench);
}

static void a_service_that_hangs_gets_few_calls(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    for (int i = 0; i < 50; i++)
        submit(bench, i, READ);
    run(bench, 10 * S); /* the round trip is 30 ms: 10 a second, twice, is below the least, 4 */
    assert_int_equal(bench->done_count, 50);
    script(bench, &(struct scripted){.hang = true}, 1);
    for (int i = 50; i < 100; i++)
        submit(bench, i, READ);
    run(bench, 100 * S);
    assert_int_equal(bench->in_flight, 4);
    for (int i = 50; i < 100; i++)
        cancel(bench, i);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 100);
    close_bench(bench);
}

static void a_time_to_wait_stops_the_lane_but_no_other(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED, .retry_after_ms = 20000}, {0}};
    script(bench, answers, 2);
    for (int i = 0; i < 3; i++)
        submit(bench, i, READ);
    run(bench, 90 * MS);
    submit(bench, 3, DELETE);
    run(bench, 21 * S);
    assert_int_equal(bench->sent_count, 2);
    assert_int_equal(bench->sent[1], DELETE);
    run(bench, 3600 * S);
    assert_true(bench->sent_ns[2] >= 22 * S);
    assert_int_equal(bench->done_count, 4);
    close_bench(bench);
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
        struct bench *bench = open_default();
        struct dispatch *dispatch = run_one(bench, READ, &(struct scripted){.class = rows[i].class}, 1);
        assert_int_equal(dispatch->call.answer.class, rows[i].class);
        assert_int_equal(dispatch->attempts, rows[i].attempts);
        assert_int_equal(bench->sent_count, rows[i].attempts);
        close_bench(bench);
    }
}

static void a_deletion_is_sent_once_whatever_comes(void **state)
{
    (void)state;
    for (int class = 0; class < ANSWER_CLASS_COUNT; class ++) {
        struct bench *bench = open_default();
        struct dispatch *dispatch =
            run_one(bench, DELETE, &(struct scripted){.class = (enum answer_class) class}, 1);
        assert_int_equal(dispatch->call.answer.class, class);
        assert_int_equal(bench->sent_count, 1);
        close_bench(bench);
    }
}

static void a_throttled_read_is_repeated_without_limit(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    script(bench, &(struct scripted){.class = ANSWER_THROTTLED}, 1);
    submit(bench, 0, READ);
    run(bench, 1200 * S);
    assert_int_equal(bench->done_count, 0);
    assert_true(bench->sent_count > 20);
    script(bench, &(struct scripted){.class = ANSWER_DONE}, 1);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 1);
    struct lane_view view;
    dispatcher_lane(bench->dispatcher, READ, &view);
    assert_int_equal(view.sent, bench->sent_count);
    assert_int_equal(view.throttled, bench->sent_count - 1);
    assert_int_equal(view.retried, bench->sent_count - 1);
    close_bench(bench);
}

static void while_one_rests_the_others_go_on(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED}, {0}};
    script(bench, answers, 2);
    for (int i = 0; i < 10; i++)
        submit(bench, i, READ);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 10);
    assert_int_equal(bench->sent_count, 11);
    close_bench(bench);
}

static void an_empty_budget_leaves_one_probe_a_minute(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    script(bench, &(struct scripted){.class = ANSWER_AMBIGUOUS}, 1);
    for (int i = 0; i < MANY; i++)
        submit(bench, i, DELETE);
    run(bench, 60 * S);
    int before = bench->sent_count; /* 36 empty it; then 1, 2, 4, 8, 16 and 32 s apart */
    assert_in_range(before, 37, 46);
    run(bench, 660 * S);
    assert_in_range(bench->sent_count - before, 9, 12);
    script(bench, &(struct scripted){.class = ANSWER_DONE}, 1);
    run(bench, 780 * S);
    assert_int_equal(bench->done_count, MANY);
    close_bench(bench);
}

/* --- gate and cancel ----------------------------------------------------------------------------------- */

static void what_the_gate_sees_is_what_is_signed(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    for (int i = 0; i < 30; i++) {
        submit(bench, i, DELETE);
        bench->calls[i].gate = on_gate;
    }
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 30);
    assert_int_equal(bench->done[29]->call.signed_at_ms, WALL_MS + bench->sent_ns[29] / MS);
    assert_int_equal(bench->gate_ms, WALL_MS + bench->sent_ns[29] / MS);
    close_bench(bench);
}

static void a_gate_that_refuses_costs_no_slot_and_sends_nothing(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    bench->gate = false;
    for (int i = 0; i < 30; i++) {
        submit(bench, i, DELETE);
        bench->calls[i].gate = on_gate;
    }
    submit(bench, 30, DELETE);
    run(bench, 50 * MS);
    assert_int_equal(bench->done_count, 31);
    assert_int_equal(bench->sent_count, 1);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(bench->calls[i].call.answer.class, ANSWER_NOT_SENT);
        assert_string_equal(bench->calls[i].call.answer.code, "Withheld");
        assert_int_equal(bench->calls[i].call.signed_at_ms, 0);
    }
    close_bench(bench);
}

static void while_it_is_held_no_deletion_leaves_and_reads_do(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    dispatcher_hold(bench->dispatcher, true);
    for (int i = 0; i < 40; i++)
        submit(bench, i, i % 2 ? READ : DELETE);
    run(bench, 600 * S);
    assert_int_equal(bench->sent_count, 20);
    assert_int_equal(bench->done_count, 20);
    cancel(bench, 0); /* one that waits can still be taken back */
    run(bench, 601 * S);
    assert_int_equal(bench->done_count, 21);
    dispatcher_hold(bench->dispatcher, false);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 40);
    assert_int_equal(bench->sent_count, 39);
    assert_true(bench->sent_ns[38] - bench->sent_ns[20] >= 17 * 100 * MS); /* no burst for the time lost */
    close_bench(bench);
}

static void a_canceled_one_that_waits_never_leaves(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    for (int i = 0; i < 3; i++)
        submit(bench, i, READ);
    cancel(bench, 1);
    cancel(bench, 1);
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 3);
    assert_int_equal(bench->sent_count, 2);
    assert_ptr_equal(bench->done[0], &bench->calls[1]);
    assert_int_equal(bench->calls[1].call.answer.class, ANSWER_NOT_SENT);
    assert_string_equal(bench->calls[1].call.answer.code, "Canceled");
    cancel(bench, 1); /* it is outside: nothing happens */
    run(bench, 7200 * S);
    assert_int_equal(bench->done_count, 3);
    close_bench(bench);
}

static void a_canceled_one_that_rests_ends_at_once(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    script(bench, &(struct scripted){.class = ANSWER_THROTTLED, .retry_after_ms = 60000}, 1);
    submit(bench, 0, READ);
    run(bench, 31 * MS);
    assert_int_equal(bench->calls[0].state, DISPATCH_RESTING);
    cancel(bench, 0);
    run(bench, 32 * MS);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->done[0]->call.answer.class, ANSWER_NOT_SENT);
    assert_int_equal(bench->done[0]->attempts, 1);
    close_bench(bench);
}

static void a_canceled_one_in_flight_is_not_repeated(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    script(bench, &(struct scripted){.hang = true}, 1);
    submit(bench, 0, READ);
    run(bench, 10 * MS);
    cancel(bench, 0);
    cancel(bench, 0);
    run(bench, 3600 * S);
    assert_int_equal(bench->canceled, 1);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->sent_count, 1);
    assert_int_equal(bench->done[0]->call.answer.class, ANSWER_AMBIGUOUS);
    close_bench(bench);
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
    struct bench *bench = open_default();
    submit(bench, 0, READ);
    bench->calls[0].done = submit_again;
    run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 21);
    assert_int_equal(bench->sent_count, 21);
    close_bench(bench);
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
        struct bench *bench = open_default();
        submit(bench, 0, READ);
        bench->calls[0].done = destroy_it;
        if (canceled)
            cancel(bench, 0);
        run(bench, 3600 * S);
        assert_null(bench->dispatcher);
        close_bench(bench);
    }
}

/* --- what it tells ------------------------------------------------------------------------------------- */

static void an_episode_is_told_when_it_begins_and_when_it_ends(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    const struct scripted answers[] = {{.class = ANSWER_THROTTLED}, {.class = ANSWER_THROTTLED}, {0}};
    for (int i = 0; i < 40; i++)
        submit(bench, i, READ);
    run(bench, 60 * S);
    script(bench, answers, 3);
    for (int i = 40; i < 80; i++)
        submit(bench, i, READ);
    run(bench, 100 * S);
    assert_int_equal(bench->begins, 1);
    assert_int_equal(bench->ends, 0);
    assert_true(bench->rate_now < bench->rate_before);
    struct lane_view view;
    dispatcher_lane(bench->dispatcher, READ, &view);
    assert_true(view.episode);
    run(bench, 350 * S);
    submit(bench, 80, READ);
    run(bench, 400 * S);
    assert_int_equal(bench->begins, 1);
    assert_int_equal(bench->ends, 1);
    assert_true(bench->rate_now > 9800);
    close_bench(bench);
}

static void the_skew_comes_from_the_answers(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    assert_int_equal(dispatcher_skew_ms(bench->dispatcher), 0);
    submit(bench, 0, READ);
    run(bench, S);
    assert_int_equal(dispatcher_skew_ms(bench->dispatcher), 7000);
    close_bench(bench);
}

static void the_learned_rate_can_be_kept(void **state)
{
    (void)state;
    struct bench *bench = open_default();
    assert_int_equal(dispatcher_learned_rate(bench->dispatcher, READ), 9950);
    dispatcher_set_learned_rate(bench->dispatcher, READ, 4000);
    assert_int_equal(dispatcher_learned_rate(bench->dispatcher, READ), 4000);
    for (int i = 0; i < 20; i++)
        submit(bench, i, READ);
    run(bench, 2 * S);
    assert_in_range(bench->sent_count, 8, 10);
    run(bench, 60 * S);
    close_bench(bench);
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
