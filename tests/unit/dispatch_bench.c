/* See unit/dispatch_bench.h. */
#include "unit/dispatch_bench.h"

#include "tap.h"

#include <stdio.h>
#include <string.h>

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
    if (bench->script_at + 1 < bench->script_count) {
        bench->script_at++;
    }
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
    if (bench->in_flight > bench->in_flight_most) {
        bench->in_flight_most = bench->in_flight;
    }
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

void bench_recall(void *ctx, struct call *call)
{
    struct bench *bench = ctx;
    bench->recalled++;
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

bool bench_gate(struct dispatch *dispatch, int64_t wall_ms)
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

struct bench *bench_open(const struct dispatcher_config *config)
{
    static struct bench bench;
    struct virtual_config world = {.seed = 1, .start_ms = WALL_MS};
    struct dispatcher_config dispatching = *config;
    memset(&bench, 0, sizeof(bench));
    bench.world = virtual_create(&world);
    bench.service = (struct job_service){&bench, service_submit, service_cancel, NULL};
    bench.script_count = 1; /* ANSWER_DONE */
    bench.gate = true;
    dispatching.episode = on_episode;
    dispatching.episode_owner = &bench;
    bench.dispatcher = dispatcher_create(virtual_env(bench.world), &bench.service, &dispatching);
    return &bench;
}

struct bench *bench_open_default(void)
{
    return bench_open(&(struct dispatcher_config){0});
}

void bench_close(struct bench *bench)
{
    dispatcher_destroy(bench->dispatcher);
    assert_false(virtual_step(bench->world)); /* no timer is left */
    virtual_destroy(bench->world);
}

void bench_script(struct bench *bench, const struct scripted *scripted, int count)
{
    memcpy(bench->script, scripted, (size_t)count * sizeof(*scripted));
    bench->script_count = count;
    bench->script_at = 0;
}

void bench_submit(struct bench *bench, int i, enum operation operation)
{
    struct dispatch *dispatch = &bench->calls[i];
    call_init(&dispatch->call, operation);
    dispatch->done = on_done;
    dispatch->owner = bench;
    bench->inside = true;
    dispatcher_submit(bench->dispatcher, dispatch);
    bench->inside = false;
}

void bench_cancel(struct bench *bench, int i)
{
    bench->inside = true;
    dispatcher_cancel(bench->dispatcher, &bench->calls[i]);
    bench->inside = false;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

void bench_run(struct bench *bench, int64_t until_ns)
{
    virtual_at(bench->world, until_ns, nothing, NULL);
    virtual_run(bench->world, NULL, NULL, until_ns);
}

struct dispatch *bench_run_one(struct bench *bench, enum operation operation, const struct scripted *scripted,
                               int count)
{
    bench_script(bench, scripted, count);
    bench_submit(bench, 0, operation);
    bench_run(bench, 3600 * S);
    assert_int_equal(bench->done_count, 1);
    assert_int_equal(bench->calls[0].state, DISPATCH_OUTSIDE);
    return bench->done[0];
}
