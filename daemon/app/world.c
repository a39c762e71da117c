/* The one event loop of a process and what hangs on it. Whatever keeps the ledger says through an async
 * handle, from any thread, that it has something to tell; the loop then drains it. */
#include "app/world.h"

#include "app/grace_look.h"
#include "app/loop_env.h"
#include "aws/crypto.h"
#include "base/mem.h"
#include "ledger/archive.h"
#include "ledger/durable.h"
#include "ledger/memory.h"
#include "ledger/sorter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct loop_env *loop_env;
    struct http_client *http;
    uv_async_t told;
    struct ledger_memory *memory; /* one of these two is NULL */
    struct ledger_durable *durable;
    struct grace_look *look;        /* of a plan */
    struct archive_writer *archive; /* NULL where nothing is deleted */
    struct sorter_place place;
    struct scratch scratch;
    char *scratch_folder;
    bool service;
};

static void on_ledger_wake(void *ctx)
{
    struct world *world = ctx;
    uv_async_send(&world->told);
}

static void on_told(uv_async_t *handle)
{
    struct world *world = handle->data;
    if (world->durable != NULL) {
        ledger_durable_drain(world->durable);
        archive_writer_drain(world->archive);
    } else {
        ledger_memory_drain(world->memory);
    }
}

static int64_t on_wall_ms(void *ctx)
{
    const struct env *env = world_env(ctx);
    return env->wall_ms(env->ctx);
}

static int open_ledger(struct world *world, const struct world_config *config, struct err *err)
{
    if (config->state_directory == NULL) {
        world->memory = ledger_memory_create(on_ledger_wake, world);
        ledger_memory_forget_rows(world->memory);
        world->look = config->plans != NULL ? grace_look_open(config->plans) : NULL;
        if (world->look != NULL) {
            ledger_memory_look_up_graces(world->memory, grace_look_answer, world->look);
        }
        return 0;
    }
    const struct ledger_durable_config durable = {.directory = config->state_directory,
                                                  .program = config->program,
                                                  .threaded = true,
                                                  .wake = on_ledger_wake,
                                                  .wall_ms = on_wall_ms,
                                                  .ctx = world,
                                                  .sha256 = crypto_sha256,
                                                  .retain_ms = config->retain_ms};
    const struct archive_writer_config archive = {
        .threaded = true, .wake = on_ledger_wake, .wall_ms = on_wall_ms, .ctx = world};
    world->archive = archive_writer_create(&archive);
    world->durable = ledger_durable_open(&durable, err);
    return world->durable != NULL ? 0 : -1;
}

/* Not /tmp, which is often in memory. */
static void find_scratch(struct world *world, const struct world_config *config)
{
    const char *folder = config->state_directory != NULL ? config->state_directory : getenv("TMPDIR");
    world->scratch_folder = mem_strdup(folder != NULL && folder[0] == '/' ? folder : "/var/tmp");
    world->place =
        (struct sorter_place){.folder = world->scratch_folder, .memory_bytes = SORTER_MEMORY_BYTES};
    sorter_scratch(&world->scratch, &world->place);
}

static int open_all(struct world *world, const struct world_config *config, struct err *err)
{
    world->loop_env = loop_env_create(&world->loop, err);
    if (world->loop_env == NULL) {
        return -1;
    }
    world->http = http_client_create(&world->loop, &config->http, err);
    return world->http != NULL ? open_ledger(world, config, err) : -1;
}

/* libuv aborts the process where it gets no pipe for its signals, which it opens after an epoll descriptor.
 */
static bool may_open_loop(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    int third = fcntl(ends[0], F_DUPFD_CLOEXEC, 0);
    close(ends[0]);
    close(ends[1]);
    return third >= 0 && close(third) == 0;
}

struct world *world_create(const struct world_config *config, struct err *err)
{
    struct world *world = mem_zalloc(sizeof *world);
    world->service = config->service;
    int status = may_open_loop() ? uv_loop_init(&world->loop) : UV_EMFILE;
    if (status != 0) {
        err_set(err, ERR_INTERNAL, "event loop: %s", uv_strerror(status));
        free(world);
        return NULL;
    }
    uv_async_init(&world->loop, &world->told, on_told); /* fails only where the loop did not begin */
    world->told.data = world;
    find_scratch(world, config);
    if (open_all(world, config, err) != 0) {
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

/* The writers may tell something until they have ended: so they end first. */
void world_destroy(struct world *world)
{
    if (world == NULL) {
        return;
    }
    ledger_durable_close(world->durable);
    archive_writer_destroy(world->archive);
    uv_close((uv_handle_t *)&world->told, NULL);
    if (world->http != NULL) {
        http_client_destroy(world->http, on_http_closed, world);
    } else {
        loop_env_destroy(world->loop_env);
    }
    uv_run(&world->loop, UV_RUN_DEFAULT);
    ledger_memory_destroy(world->memory);
    grace_look_close(world->look);
    uv_loop_close(&world->loop);
    free(world->scratch_folder);
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

bool world_is_service(const struct world *world)
{
    return world->service;
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
    return world->durable != NULL ? ledger_durable_face(world->durable) : ledger_memory_face(world->memory);
}

struct archive *world_archive(const struct world *world)
{
    return world->archive != NULL ? archive_writer_face(world->archive) : NULL;
}

void world_look_at_ledger(const struct world *world, struct ledger_durable_state *state)
{
    *state = (struct ledger_durable_state){0};
    if (world->durable != NULL) {
        ledger_durable_look(world->durable, state);
    }
}

const struct scratch *world_scratch(const struct world *world)
{
    return &world->scratch;
}
