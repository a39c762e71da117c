/* The one event loop of a process and what hangs on it. */
#include "app/world.h"

#include "app/loop_env.h"
#include "base/mem.h"
#include "ledger/memory.h"

#include <stdlib.h>

struct world {
    uv_loop_t loop;
    struct loop_env *loop_env;
    struct http_client *http;
    struct ledger_memory *ledger;
    struct env_timer drain; /* the ledger is drained from the loop, as soon as it has something to do */
};

static void on_ledger_wake(void *ctx)
{
    struct world *world = ctx;
    const struct env *env = world_env(world);
    env->start(env->ctx, &world->drain, env->mono_ns(env->ctx));
}

static void on_drain(struct env_timer *timer)
{
    struct world *world = timer->owner;
    ledger_memory_drain(world->ledger);
}

struct world *world_create(struct err *err)
{
    struct world *world = mem_zalloc(sizeof *world);
    int status = uv_loop_init(&world->loop);
    if (status != 0) {
        err_set(err, ERR_IO, "event loop: %s", uv_strerror(status));
        free(world);
        return NULL;
    }
    world->drain.fire = on_drain;
    world->drain.owner = world;
    world->ledger = ledger_memory_create(on_ledger_wake, world);
    world->loop_env = loop_env_create(&world->loop, err);
    if (world->loop_env != NULL)
        world->http = http_client_create(&world->loop, &(struct http_limits){0}, err);
    if (world->http == NULL) {
        world_destroy(world);
        return NULL;
    }
    return world;
}

static void on_http_closed(void *owner)
{
    struct world *world = owner;
    loop_env_destroy(world->loop_env);
}

void world_destroy(struct world *world)
{
    if (world == NULL)
        return;
    if (world->http != NULL)
        http_client_destroy(world->http, on_http_closed, world);
    else
        loop_env_destroy(world->loop_env);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    ledger_memory_destroy(world->ledger);
    uv_loop_close(&world->loop);
    free(world);
}

void world_run(struct world *world)
{
    uv_run(&world->loop, UV_RUN_DEFAULT);
}

void world_stop(struct world *world)
{
    uv_stop(&world->loop);
}

uv_loop_t *world_loop(struct world *world)
{
    return &world->loop;
}

const struct env *world_env(const struct world *world)
{
    return loop_env_face(world->loop_env);
}

struct http_client *world_http(const struct world *world)
{
    return world->http;
}

struct ledger *world_ledger(const struct world *world)
{
    return ledger_memory_face(world->ledger);
}
