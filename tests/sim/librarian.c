/* See sim/librarian.h. The way of a request: on_submit() -> on_work() when the group is due -> on_drain() ->
 * on_passed() -> its own done(). */
#include "sim/librarian.h"

#include "base/mem.h"
#include "ledger/archive.h"

#include <stdlib.h>

struct librarian {
    struct librarian_config config;
    struct archive face;
    struct archive_writer *writer;
    bool working, draining, silent;
};

struct passed { /* a request on its way */
    struct librarian *librarian;
    void (*done)(struct archive_request *request);
    void *owner;
};

static void on_passed(struct archive_request *request)
{
    struct passed *passed = request->owner;
    struct librarian *librarian = passed->librarian;
    request->done = passed->done;
    request->owner = passed->owner;
    free(passed);
    if (librarian->config.answered != NULL && !librarian->silent) {
        librarian->config.answered(librarian->config.ctx, request);
    }
    request->done(request);
}

static void on_drain(void *ctx)
{
    struct librarian *librarian = ctx;
    librarian->draining = false;
    archive_writer_drain(librarian->writer);
}

static void on_wake(void *ctx)
{
    struct librarian *librarian = ctx;
    if (!librarian->draining) {
        librarian->draining = true;
        virtual_at_process(librarian->config.world, virtual_mono_ns(librarian->config.world), on_drain,
                           librarian);
    }
}

static void on_work(void *ctx)
{
    struct librarian *librarian = ctx;
    librarian->working = false;
    archive_writer_work(librarian->writer);
}

static void on_submit(void *ctx, struct archive_request *request)
{
    struct librarian *librarian = ctx;
    struct virtual_world *world = librarian->config.world;
    struct passed *passed = mem_alloc(sizeof *passed);
    *passed = (struct passed){.librarian = librarian, .done = request->done, .owner = request->owner};
    request->done = on_passed;
    request->owner = passed;
    archive_writer_face(librarian->writer)->submit(archive_writer_face(librarian->writer)->ctx, request);
    if (!librarian->working) {
        librarian->working = true;
        virtual_at_process(world, virtual_mono_ns(world) + librarian->config.delay_ns, on_work, librarian);
    }
}

static int64_t wall_ms(void *ctx)
{
    const struct librarian *librarian = ctx;
    const struct env *env = virtual_env(librarian->config.world);
    return env->wall_ms(env->ctx);
}

struct librarian *librarian_create(const struct librarian_config *config)
{
    struct librarian *librarian = mem_zalloc(sizeof *librarian);
    librarian->config = *config;
    librarian->face = (struct archive){.ctx = librarian, .submit = on_submit};
    librarian->writer = archive_writer_create(&(struct archive_writer_config){
        .wake = on_wake, .wall_ms = wall_ms, .ctx = librarian, .disk = shelf_disk(config->shelf)});
    shelf_restart(config->shelf);
    return librarian;
}

void librarian_destroy(struct librarian *librarian)
{
    if (librarian != NULL) {
        archive_writer_destroy(librarian->writer);
        free(librarian);
    }
}

struct archive *librarian_face(struct librarian *librarian)
{
    return &librarian->face;
}

void librarian_silence(struct librarian *librarian)
{
    librarian->silent = true;
}
