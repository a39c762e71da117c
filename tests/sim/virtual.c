/* The virtual world: see virtual.h.
 *
 * The happy path of a call: submit() draws a latency and a fault; half the latency later execute_call() hands
 * the call to the fleet, and after the whole of it answer_call() gives it back.
 * The ways out: a fault replaces the execution, the answer, or both (before_execution(), after_execution());
 * cancel_call() answers early and leaves it to chance whether the service still sees the request. */
#include "sim/virtual.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/time.h"
#include "sim/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AFTER_EACH_MAX    8
#define FAULT_SCALE       1000000
#define TIMEOUT_NS        (10 * TIME_NS_PER_SECOND)
#define SIGNATURE_LIFE_MS 300000
#define FNV_OFFSET        UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME         UINT64_C(0x100000001b3)

enum fault {
    FAULT_NONE,
    FAULT_NOT_SENT,
    FAULT_LOST_BEFORE,
    FAULT_LOST_AFTER,
    FAULT_LOST_LATE,
    FAULT_500_EXECUTED,
    FAULT_500_REFUSED,
    FAULT_503,
    FAULT_THROTTLED
};

enum side { THE_WORLD, THE_PROCESS };

struct event {
    struct heap_entry entry;
    enum side side; /* whose heap it is in */
    void (*run)(struct virtual_world *world, struct event *event);
    void *subject;
    void (*function)(void *ctx); /* virtual_at(); its ctx is the subject */
};

struct request { /* a call that is with the service; call.service points here */
    struct call *call;
    enum fault fault;
    bool executed; /* or never to be */
    int64_t answer_at_ns;
    struct event *next; /* its only pending event */
};

struct virtual_world {
    struct virtual_config config;
    struct env env;
    struct job_service service;
    int64_t now_ns;
    uint64_t seq, hash;
    struct random streams[RANDOM_STREAM_COUNT], chance;
    struct heap heaps[2];
    int64_t stands_until_ns, wall_offset_ms;
    struct {
        void (*function)(void *ctx);
        void *ctx;
    } after_each[AFTER_EACH_MAX];
    size_t after_each_count;
};

/* --- events -------------------------------------------------------------------------------------------- */

static struct event *schedule(struct virtual_world *world, enum side side, int64_t at_ns,
                              void (*run)(struct virtual_world *world, struct event *event), void *subject)
{
    struct event *event = mem_zalloc(sizeof(*event));
    event->entry.at_ns = at_ns > world->now_ns ? at_ns : world->now_ns;
    event->entry.seq = world->seq++;
    event->side = side;
    event->run = run;
    event->subject = subject;
    heap_put(&world->heaps[side], &event->entry);
    return event;
}

/* Takes it out of its heap; the event is the caller's then. */
static void unschedule(struct virtual_world *world, struct event *event)
{
    heap_remove(&world->heaps[event->side], &event->entry);
}

/* What happens next, and when: what belongs to the process waits while it stands still. NULL for nothing. */
static struct event *next_event(const struct virtual_world *world, int64_t *at_ns)
{
    struct event *other = heap_first(&world->heaps[THE_WORLD]), *our = heap_first(&world->heaps[THE_PROCESS]);
    bool late = our && our->entry.at_ns < world->stands_until_ns;
    int64_t our_ns = late ? world->stands_until_ns : our ? our->entry.at_ns : 0;
    bool others_first =
        other && (!our || (late ? other->entry.at_ns <= our_ns : heap_earlier(&other->entry, &our->entry)));
    *at_ns = others_first ? other->entry.at_ns : our_ns;
    return others_first ? other : our;
}

/* --- the trace ----------------------------------------------------------------------------------------- */

static void trace_bytes(struct virtual_world *world, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i++) {
        world->hash = (world->hash ^ at[i]) * FNV_PRIME;
    }
}

static void trace_number(struct virtual_world *world, int64_t number)
{
    trace_bytes(world, &number, sizeof(number));
}

static void trace_call(struct virtual_world *world, const struct call *call, const char *step)
{
    trace_bytes(world, step, strlen(step));
    trace_number(world, (int64_t)call->operation);
    trace_bytes(world, call->job_id, strlen(call->job_id));
    trace_bytes(world, call->thing_name, strlen(call->thing_name));
    trace_number(world, call->number);
    trace_number(world, (int64_t)call->answer.class);
    trace_bytes(world, call->answer.code, strlen(call->answer.code));
}

/* --- the env ------------------------------------------------------------------------------------------- */

static int64_t env_mono_ns(void *ctx)
{
    const struct virtual_world *world = ctx;
    return world->now_ns;
}

static int64_t env_wall_ms(void *ctx)
{
    const struct virtual_world *world = ctx;
    return world->config.start_ms + world->now_ns / TIME_NS_PER_MS + world->wall_offset_ms;
}

static uint64_t env_random(void *ctx, enum random_stream stream)
{
    struct virtual_world *world = ctx;
    return random_next(&world->streams[stream]);
}

static void fire_timer(struct virtual_world *world, struct event *event)
{
    struct env_timer *timer = event->subject;
    (void)world;
    timer->armed = false;
    timer->impl = NULL;
    timer->fire(timer);
}

static void env_stop(void *ctx, struct env_timer *timer)
{
    if (!timer->armed) {
        return;
    }
    unschedule(ctx, timer->impl);
    free(timer->impl);
    timer->impl = NULL;
    timer->armed = false;
}

static void env_start(void *ctx, struct env_timer *timer, int64_t at_ns)
{
    env_stop(ctx, timer);
    timer->at_ns = at_ns;
    timer->armed = true;
    timer->impl = schedule(ctx, THE_PROCESS, at_ns, fire_timer, timer);
}

/* --- the service --------------------------------------------------------------------------------------- */

static int64_t service_ms(struct virtual_world *world)
{
    return world->config.start_ms + world->now_ns / TIME_NS_PER_MS + world->config.skew_ms;
}

static enum fault draw_fault(struct virtual_world *world)
{
    const struct virtual_config *config = &world->config;
    const int rates[] = {[FAULT_NOT_SENT] = config->not_sent,
                         [FAULT_LOST_BEFORE] = config->lost_before,
                         [FAULT_LOST_AFTER] = config->lost_after,
                         [FAULT_LOST_LATE] = config->lost_late,
                         [FAULT_500_EXECUTED] = config->error_500_executed,
                         [FAULT_500_REFUSED] = config->error_500_refused,
                         [FAULT_503] = config->error_503,
                         [FAULT_THROTTLED] = config->throttled};
    int64_t left = (int64_t)random_below(&world->chance, FAULT_SCALE);
    for (int fault = FAULT_NOT_SENT; fault <= FAULT_THROTTLED; fault++) {
        left -= rates[fault];
        if (left < 0) {
            return (enum fault)fault;
        }
    }
    return FAULT_NONE;
}

static int64_t draw_latency(struct virtual_world *world)
{
    int64_t least = world->config.latency_min_ns, most = world->config.latency_max_ns;
    return most > least ? least + (int64_t)random_below(&world->chance, (uint64_t)(most - least + 1)) : least;
}

/* Replaces whatever the call has for an answer. A status means that the service spoke. */
static void answer_with(struct virtual_world *world, struct call *call, enum answer_class class, int status,
                        const char *code)
{
    call_again(call);
    call->answer.class = class;
    call->answer.http_status = status;
    snprintf(call->answer.code, sizeof(call->answer.code), "%s", code);
    snprintf(call->answer.message, sizeof(call->answer.message), "simulated");
    if (status != 0) {
        call->answer.server_date_ms = service_ms(world) / TIME_MS_PER_SECOND * TIME_MS_PER_SECOND;
    }
}

static bool signature_fits(struct virtual_world *world, const struct call *call)
{
    int64_t life = world->config.signature_life_ms ? world->config.signature_life_ms : SIGNATURE_LIFE_MS;
    int64_t age = service_ms(world) - call->signed_at_ms;
    return call->signed_at_ms == 0 || (age <= life && age >= -life);
}

static void execute(struct virtual_world *world, struct call *call)
{
    if (signature_fits(world, call)) {
        fleet_execute(world->config.fleet, call, service_ms(world));
    } else {
        answer_with(world, call, ANSWER_SKEWED, 403, "InvalidSignatureException");
    }
    trace_call(world, call, "executed");
}

/* A deletion that the client has given up and the service has not seen yet. */
static void execute_late(struct virtual_world *world, struct event *event)
{
    struct call *call = event->subject;
    execute(world, call);
    call_finish(call);
    free(call);
}

static void schedule_late(struct virtual_world *world, const struct call *call)
{
    if (call->operation != OPERATION_DELETE_EXECUTION) {
        return;
    }
    int64_t life = world->config.signature_life_ms ? world->config.signature_life_ms : SIGNATURE_LIFE_MS;
    struct call *late = mem_zalloc(sizeof(*late));
    call_init(late, call->operation);
    memcpy(late->job_id, call->job_id, sizeof(late->job_id));
    memcpy(late->thing_name, call->thing_name, sizeof(late->thing_name));
    late->number = call->number;
    late->force = call->force;
    late->signed_at_ms = call->signed_at_ms;
    int64_t delay_ms = (int64_t)random_below(&world->chance, (uint64_t)(life + 1));
    schedule(world, THE_WORLD, world->now_ns + delay_ms * TIME_NS_PER_MS, execute_late, late);
}

/* What the fault does instead of the execution; false when the call is to be executed. */
static bool before_execution(struct virtual_world *world, struct request *request)
{
    struct call *call = request->call;
    switch (request->fault) {
    case FAULT_NOT_SENT:
        answer_with(world, call, ANSWER_NOT_SENT, 0, "ConnectionFailed");
        return true;
    case FAULT_LOST_LATE:
        schedule_late(world, call);
        answer_with(world, call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
        return true;
    case FAULT_LOST_BEFORE:
        answer_with(world, call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
        return true;
    case FAULT_500_REFUSED:
        answer_with(world, call, ANSWER_AMBIGUOUS, 500, "InternalFailureException");
        return true;
    case FAULT_503:
        answer_with(world, call, ANSWER_AMBIGUOUS, 503, "ServiceUnavailableException");
        return true;
    case FAULT_THROTTLED:
        answer_with(world, call, ANSWER_THROTTLED, 400, "ThrottlingException");
        return true;
    default:
        return false;
    }
}

static void after_execution(struct virtual_world *world, struct request *request)
{
    if (request->fault == FAULT_LOST_AFTER) {
        answer_with(world, request->call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
    } else if (request->fault == FAULT_500_EXECUTED) {
        answer_with(world, request->call, ANSWER_AMBIGUOUS, 500, "InternalFailureException");
    }
}

static void answer_call(struct virtual_world *world, struct event *event)
{
    struct request *request = event->subject;
    struct call *call = request->call;
    call->service = NULL;
    call->answer.received_ms = env_wall_ms(world);
    trace_call(world, call, "answered");
    free(request);
    call->done(call);
}

static void execute_call(struct virtual_world *world, struct event *event)
{
    struct request *request = event->subject;
    if (!before_execution(world, request)) {
        execute(world, request->call);
        after_execution(world, request);
    }
    request->executed = true;
    request->next = schedule(world, THE_PROCESS, request->answer_at_ns, answer_call, request);
}

static bool is_lost(enum fault fault)
{
    return fault == FAULT_LOST_BEFORE || fault == FAULT_LOST_AFTER || fault == FAULT_LOST_LATE;
}

static void service_submit(void *ctx, struct call *call)
{
    struct virtual_world *world = ctx;
    if (!world->config.fleet || call->service) {
        abort(); /* a bug of the test: no fleet, or one call submitted twice */
    }
    struct request *request = mem_zalloc(sizeof(*request));
    int64_t latency = draw_latency(world);
    request->call = call;
    request->fault = draw_fault(world);
    request->answer_at_ns = world->now_ns + latency;
    if (is_lost(request->fault) && random_below(&world->chance, 2) == 0) {
        request->answer_at_ns += TIMEOUT_NS;
    }
    call->service = request;
    request->next = schedule(world, THE_WORLD, world->now_ns + latency / 2, execute_call, request);
}

static void cancel_call(void *ctx, struct call *call)
{
    struct virtual_world *world = ctx;
    struct request *request = call->service;
    if (!request) {
        return;
    }
    bool left = request->executed || random_below(&world->chance, 2) == 0;
    if (left && !request->executed) {
        schedule_late(world, call);
    }
    answer_with(world, call, left ? ANSWER_AMBIGUOUS : ANSWER_NOT_SENT, 0, "Canceled");
    unschedule(world, request->next);
    free(request->next);
    request->executed = true;
    request->next = schedule(world, THE_PROCESS, world->now_ns, answer_call, request);
}

/* --- the world ----------------------------------------------------------------------------------------- */

struct virtual_world *virtual_create(const struct virtual_config *config)
{
    struct virtual_world *world = mem_zalloc(sizeof(*world));
    world->config = *config;
    world->hash = FNV_OFFSET;
    world->env = (struct env){.ctx = world,
                              .mono_ns = env_mono_ns,
                              .wall_ms = env_wall_ms,
                              .random = env_random,
                              .start = env_start,
                              .stop = env_stop};
    world->service = (struct job_service){.ctx = world, .submit = service_submit, .cancel = cancel_call};
    random_seed(&world->chance, config->seed);
    for (int i = 0; i < RANDOM_STREAM_COUNT; i++) {
        random_seed(&world->streams[i], config->seed + 1 + (uint64_t)i);
    }
    return world;
}

static void discard(struct heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        struct event *event = (struct event *)heap->items[i];
        if (event->run == execute_late) {
            call_finish(event->subject);
        }
        if (event->run == execute_late || event->run == execute_call || event->run == answer_call) {
            free(event->subject);
        }
        free(event);
    }
    heap_finish(heap);
}

void virtual_destroy(struct virtual_world *world)
{
    if (!world) {
        return;
    }
    discard(&world->heaps[THE_WORLD]);
    discard(&world->heaps[THE_PROCESS]);
    free(world);
}

void virtual_set_faults(struct virtual_world *world, const struct virtual_config *config)
{
    struct virtual_config kept = world->config;
    world->config = *config;
    world->config.seed = kept.seed;
    world->config.fleet = kept.fleet;
    world->config.start_ms = kept.start_ms;
    world->config.skew_ms = kept.skew_ms;
    world->config.latency_min_ns = kept.latency_min_ns;
    world->config.latency_max_ns = kept.latency_max_ns;
    world->config.signature_life_ms = kept.signature_life_ms;
}

const struct env *virtual_env(struct virtual_world *world)
{
    return &world->env;
}

const struct job_service *virtual_service(struct virtual_world *world)
{
    return &world->service;
}

int64_t virtual_mono_ns(const struct virtual_world *world)
{
    return world->now_ns;
}

static void run_function(struct virtual_world *world, struct event *event)
{
    (void)world;
    event->function(event->subject);
}

void virtual_at(struct virtual_world *world, int64_t at_ns, void (*function)(void *ctx), void *ctx)
{
    schedule(world, THE_WORLD, at_ns, run_function, ctx)->function = function;
}

void virtual_at_process(struct virtual_world *world, int64_t at_ns, void (*function)(void *ctx), void *ctx)
{
    schedule(world, THE_PROCESS, at_ns, run_function, ctx)->function = function;
}

void virtual_stand_still(struct virtual_world *world, int64_t until_ns)
{
    if (until_ns > world->stands_until_ns) {
        world->stands_until_ns = until_ns;
    }
}

void virtual_set_wall(struct virtual_world *world, int64_t offset_ms)
{
    world->wall_offset_ms = offset_ms;
}

size_t virtual_pending(const struct virtual_world *world, bool process)
{
    return world->heaps[process ? THE_PROCESS : THE_WORLD].count;
}

void virtual_note(struct virtual_world *world, const void *bytes, size_t length)
{
    trace_bytes(world, bytes, length);
}

void virtual_after_each(struct virtual_world *world, void (*function)(void *ctx), void *ctx)
{
    if (world->after_each_count == AFTER_EACH_MAX) {
        abort();
    }
    world->after_each[world->after_each_count].function = function;
    world->after_each[world->after_each_count++].ctx = ctx;
}

static void run_event(struct virtual_world *world, struct event *event, int64_t at_ns)
{
    unschedule(world, event);
    world->now_ns = at_ns > world->now_ns ? at_ns : world->now_ns;
    event->run(world, event);
    free(event);
}

bool virtual_step(struct virtual_world *world)
{
    int64_t at_ns;
    struct event *event = next_event(world, &at_ns);
    if (!event) {
        return false;
    }
    trace_number(world, at_ns);
    trace_number(world, (int64_t)event->entry.seq);
    run_event(world, event, at_ns);
    for (size_t i = 0; i < world->after_each_count; i++) {
        world->after_each[i].function(world->after_each[i].ctx);
    }
    return true;
}

bool virtual_run(struct virtual_world *world, bool (*done)(void *ctx), void *ctx, int64_t until_ns)
{
    int64_t at_ns;
    while (!(done && done(ctx))) {
        if (!next_event(world, &at_ns)) {
            return false;
        }
        if (at_ns > until_ns) {
            world->now_ns = until_ns > world->now_ns ? until_ns : world->now_ns;
            return false;
        }
        virtual_step(world);
    }
    return true;
}

bool virtual_wind_up(struct virtual_world *world, bool (*done)(void *ctx), void *ctx, int64_t events)
{
    int64_t now_ns = world->now_ns;
    struct event *event;
    while (events-- > 0 && (event = heap_first(&world->heaps[THE_PROCESS])) != NULL && !done(ctx)) {
        run_event(world, event, event->entry.at_ns);
    }
    world->now_ns = now_ns;
    return done(ctx);
}

uint64_t virtual_trace_hash(const struct virtual_world *world)
{
    return world->hash;
}
