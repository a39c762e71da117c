/* What tests of the dispatcher share: one with a service that answers as it is told, under virtual time. */
#ifndef TESTS_DISPATCH_BENCH_H
#define TESTS_DISPATCH_BENCH_H

#include "base/time.h"
#include "engine/dispatcher.h"
#include "sim/virtual.h"

#include <stdbool.h>

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
    int sent_count, canceled, recalled, in_flight, in_flight_most;
    int done_count;
    struct dispatch *done[MANY];
    int64_t done_ns[MANY];
    bool inside; /* of a call into the dispatcher: done() must not come */
    bool gate;
    int64_t gate_ms;
    int begins, ends;
    int64_t rate_before, rate_now;
};

/* There is one at a time. */
struct bench *bench_open(const struct dispatcher_config *config);
struct bench *bench_open_default(void);
void bench_close(struct bench *bench); /* no timer may be left */

void bench_script(struct bench *bench, const struct scripted *scripted, int count);
void bench_submit(struct bench *bench, int i, enum operation operation);
void bench_cancel(struct bench *bench, int i);
/* Time passes even if nothing else happens. */
void bench_run(struct bench *bench, int64_t until_ns);
/* One call of this operation, answered so: how it ended. */
struct dispatch *bench_run_one(struct bench *bench, enum operation operation, const struct scripted *scripted,
                               int count);

/* For a dispatch: says bench->gate. */
bool bench_gate(struct dispatch *dispatch, int64_t wall_ms);
/* For bench->service: it has not left. */
void bench_recall(void *ctx, struct call *call);

#endif
