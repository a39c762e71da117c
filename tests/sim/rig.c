/* See sim/rig.h. */
#include "sim/rig.h"

#include "base/mem.h"
#include "base/time.h"
#include "seed.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define SCRIPTED_LATENCY_NS (20 * TIME_NS_PER_MS)
#define ARCHIVE_DELAY_NS    (30 * TIME_NS_PER_MS)

/* --- the clock --- */

static const struct env *inner(const void *ctx)
{
    const struct rig *rig = ctx;
    return virtual_env(rig->world);
}

static int64_t mono_ns(void *ctx)
{
    const struct rig *rig = ctx;
    return inner(ctx)->mono_ns(inner(ctx)->ctx) + rig->suspended_ns;
}

static int64_t wall_ms(void *ctx)
{
    const struct rig *rig = ctx;
    return inner(ctx)->wall_ms(inner(ctx)->ctx) + rig->wall_step_ms + rig->suspended_ns / TIME_NS_PER_MS;
}

static uint64_t draw(void *ctx, enum random_stream stream)
{
    return inner(ctx)->random(inner(ctx)->ctx, stream);
}

static void start(void *ctx, struct env_timer *timer, int64_t at_ns)
{
    const struct rig *rig = ctx;
    inner(ctx)->start(inner(ctx)->ctx, timer, at_ns - rig->suspended_ns);
}

static void stop(void *ctx, struct env_timer *timer)
{
    inner(ctx)->stop(inner(ctx)->ctx, timer);
}

/* --- the service --- */

struct spied {
    struct rig *rig;
    void (*done)(struct call *call);
    void *owner;
};

static void on_done(struct call *call)
{
    struct spied *spied = call->owner;
    struct rig *rig = spied->rig;
    call->done = spied->done;
    call->owner = spied->owner;
    int64_t suspended_ms = rig->suspended_ns / TIME_NS_PER_MS;
    call->answer.received_ms += rig->wall_step_ms + suspended_ms;
    call->answer.server_date_ms += call->answer.server_date_ms != 0 ? suspended_ms : 0;
    free(spied);
    if (rig->answered)
        rig->answered(rig, call);
    call->done(call);
}

static void on_scripted(void *ctx)
{
    struct call *call = ctx;
    struct rig *rig = ((struct spied *)call->owner)->rig;
    int64_t now_ms = inner(rig)->wall_ms(inner(rig)->ctx);
    call->answer = (struct answer){.class = ANSWER_DONE,
                                   .http_status = 200,
                                   .server_date_ms = now_ms / 1000 * 1000,
                                   .received_ms = now_ms};
    rig->answer(rig, call);
    call->service = NULL;
    call->done(call);
}

static void submit(void *ctx, struct call *call)
{
    struct rig *rig = ctx;
    struct spied *spied = mem_zalloc(sizeof *spied);
    *spied = (struct spied){.rig = rig, .done = call->done, .owner = call->owner};
    call->done = on_done;
    call->owner = spied;
    rig->calls[call->operation]++;
    if (rig->sent)
        rig->sent(rig, call);
    if (rig->answer)
        virtual_at(rig->world, virtual_mono_ns(rig->world) + SCRIPTED_LATENCY_NS, on_scripted, call);
    else
        virtual_service(rig->world)->submit(virtual_service(rig->world)->ctx, call);
}

static void cancel(void *ctx, struct call *call)
{
    struct rig *rig = ctx;
    if (!rig->answer) /* a scripted service does not hear of it */
        virtual_service(rig->world)->cancel(virtual_service(rig->world)->ctx, call);
}

/* --- the ledger --- */

static void fail_requests(void *ctx)
{
    struct rig *rig = ctx;
    while (rig->failing) {
        struct ledger_request *request = rig->failing;
        DL_DELETE(rig->failing, request);
        err_set(&request->err, ERR_IO, "the ledger's disk is full");
        request->done(request);
    }
}

static void drain(void *ctx)
{
    struct rig *rig = ctx;
    ledger_memory_drain(rig->memory);
}

static void wake(void *ctx)
{
    struct rig *rig = ctx;
    virtual_at(rig->world, virtual_mono_ns(rig->world) + rig->ledger_delay_ns, drain, rig);
}

static void on_started(struct ledger_request *request)
{
    struct rig *rig = request->owner;
    request->done = rig->start_done;
    request->owner = rig->start_owner;
    request->lost_signed_ms = rig->lost_signed_ms;
    request->done(request);
}

static void pass_on(struct rig *rig, struct ledger_request *request)
{
    ledger_memory_face(rig->memory)->submit(ledger_memory_face(rig->memory)->ctx, request);
}

static void pass_first(void *ctx)
{
    struct rig *rig = ctx;
    struct ledger_request *request = rig->apart;
    DL_DELETE(rig->apart, request);
    pass_on(rig, request);
}

static void hold_apart(struct rig *rig, struct ledger_request *request)
{
    int64_t now_ns = virtual_mono_ns(rig->world);
    rig->apart_ns = (rig->apart_ns > now_ns ? rig->apart_ns : now_ns) + rig->ledger_apart_ns;
    DL_APPEND(rig->apart, request);
    virtual_at(rig->world, rig->apart_ns, pass_first, rig);
}

static void submit_request(void *ctx, struct ledger_request *request)
{
    struct rig *rig = ctx;
    rig->ledger_requests++;
    if (rig->written)
        rig->written(rig, request);
    if (request->operation == LEDGER_START_RUN && rig->lost_signed_ms != 0) {
        rig->start_done = request->done;
        rig->start_owner = request->owner;
        request->done = on_started;
        request->owner = rig;
    }
    if (rig->ledger_fails_at == 0 || rig->ledger_requests < rig->ledger_fails_at) {
        if (rig->ledger_apart_ns != 0)
            hold_apart(rig, request);
        else
            pass_on(rig, request);
        return;
    }
    if (!rig->failing)
        virtual_at(rig->world, virtual_mono_ns(rig->world) + rig->ledger_delay_ns, fail_requests, rig);
    DL_APPEND(rig->failing, request);
}

/* --- the rig --- */

void rig_reopen_archive(struct rig *rig)
{
    librarian_destroy(rig->librarian);
    rig->librarian = librarian_create(
        &(struct librarian_config){.world = rig->world, .shelf = rig->shelf, .delay_ns = ARCHIVE_DELAY_NS});
}

void rig_init(struct rig *rig, const struct virtual_config *world, const struct dispatcher_config *dispatcher)
{
    static const struct dispatcher_config defaults;
    rig->world = virtual_create(world);
    rig->env = (struct env){
        .ctx = rig, .mono_ns = mono_ns, .wall_ms = wall_ms, .random = draw, .start = start, .stop = stop};
    rig->service = (struct job_service){.ctx = rig, .submit = submit, .cancel = cancel};
    rig->ledger = (struct ledger){.ctx = rig, .submit = submit_request};
    rig->memory = ledger_memory_create(wake, rig);
    rig->shelf = shelf_create(world->seed);
    rig->librarian = librarian_create(
        &(struct librarian_config){.world = rig->world, .shelf = rig->shelf, .delay_ns = ARCHIVE_DELAY_NS});
    rig->dispatcher = dispatcher_create(&rig->env, &rig->service, dispatcher ? dispatcher : &defaults);
}

struct fleet *rig_init_fleet(struct rig *rig, uint64_t seed, const struct virtual_config *faults)
{
    struct virtual_config world = faults ? *faults : (struct virtual_config){0};
    struct fleet_config config = {.seed = seed,
                                  .things = 6,
                                  .jobs = 3,
                                  .executions = 120,
                                  .now_ms = RIG_START_MS - TIME_MS_PER_HOUR,
                                  .reuse_numbers = true};
    for (int i = 0; i < OPERATION_COUNT; i++)
        config.quota[i] = -1;
    world.fleet = fleet_create(&config);
    world.seed = seed;
    world.start_ms = RIG_START_MS;
    world.latency_min_ns = 20 * TIME_NS_PER_MS;
    world.latency_max_ns = 300 * TIME_NS_PER_MS;
    rig_init(rig, &world, NULL);
    return world.fleet;
}

void rig_finish(struct rig *rig)
{
    dispatcher_destroy(rig->dispatcher);
    librarian_destroy(rig->librarian);
    shelf_destroy(rig->shelf);
    ledger_memory_destroy(rig->memory);
    virtual_destroy(rig->world);
}

static bool is_true(void *ctx)
{
    const bool *done = ctx;
    return *done;
}

bool rig_run(struct rig *rig, const bool *done, int64_t seconds)
{
    return virtual_run(rig->world, is_true, (void *)(uintptr_t)done,
                       virtual_mono_ns(rig->world) + seconds * TIME_NS_PER_SECOND);
}

void rig_policy(struct policy *policy)
{
    static char description[] = "";
    *policy = (struct policy){
        .name = "test",
        .description = description,
        .enforce = true,
        .match = {.status_bits = EXECUTION_BIT(EXECUTION_SUCCEEDED), .older_than_ms = 30 * TIME_MS_PER_DAY},
        .selected_over = 1000000};
}

void rig_patterns(struct pattern_list *list, const char *const *patterns)
{
    list->patterns = (char **)(uintptr_t)patterns;
    for (list->count = 0; patterns[list->count]; list->count++) {
    }
}

uint64_t rig_seed(uint64_t seed)
{
    return number_from("JOBSWEEP_SEED", seed);
}

uint64_t rig_seeds(uint64_t seeds)
{
    return number_from("JOBSWEEP_SEEDS", seeds);
}
