/* See sim/bookkeeper.h. The happy path of a request: on_submit() -> on_work() when the commit is due ->
 * on_drain()
 * -> on_passed() -> its own done(). */
#include "sim/bookkeeper.h"

#include "base/mem.h"
#include "base/time.h"
#include "ledger/durable.h"
#include "ledger/store.h"
#include "sim/oracle.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define DIRECTORY "state"
#define FILE_NAME DIRECTORY "/ledger.db"

struct face { /* for the runs of one site */
    struct bookkeeper *bookkeeper;
    struct oracle *oracle;
    struct ledger ledger;
};

struct bookkeeper {
    struct sim *sim;
    struct face faces[SCENARIO_SITES_MAX];
    struct ledger_durable *durable;
    struct reserve_disk reserve;
    bool working, draining, dead, failed, unsynced;
};

struct passed { /* a request on its way */
    const struct face *face;
    void (*done)(struct ledger_request *request);
    void *owner;
};

static int64_t wall_ms(void *ctx)
{
    return sim_wall_ms(ctx);
}

static int64_t bookkeeper_wall_ms(void *ctx)
{
    return sim_wall_ms(((struct bookkeeper *)ctx)->sim);
}

/* Spreads its input well enough to find what was not meant to change. */
static void digest(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES])
{
    const uint8_t *bytes = data;
    uint64_t state = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++) {
        state = (state ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    for (int i = 0; i < STORE_HASH_BYTES; i++) {
        state = (state ^ (uint64_t)i) * UINT64_C(0x100000001b3);
        hash[i] = (uint8_t)(state >> 32);
    }
}

/* --- requests --------------------------------------------------------------------------------------------
 */

/* Nothing ever went wrong with the disk but that it was full. */
static bool only_full(const struct sim *sim)
{
    for (int i = DISK_FINE + 1; i < DISK_TROUBLE_COUNT; i++) {
        if (disk_failures(sim->disk, (enum disk_trouble)i) > 0) {
            return false;
        }
    }
    return true;
}

static void on_passed(struct ledger_request *request)
{
    struct passed *passed = request->owner;
    const struct face *face = passed->face;
    struct bookkeeper *bookkeeper = face->bookkeeper;
    request->done = passed->done;
    request->owner = passed->owner;
    free(passed);
    bookkeeper->failed = bookkeeper->failed || request->err.code == ERR_IO;
    if (!bookkeeper->dead) {
        sim_tell(bookkeeper->sim, "recorded operation %d, run %lld, row %lld: %s", (int)request->operation,
                 (long long)request->run, (long long)request->row, request->err.msg);
        oracle_recorded(face->oracle, request);
        if (request->operation == LEDGER_RESULT && request->err.code == ERR_IO &&
            only_full(bookkeeper->sim)) {
            sim_break(bookkeeper->sim, "audited: a full disk loses a result: %s", request->err.msg);
        }
        if (bookkeeper->unsynced && request->err.code == ERR_NONE && request->operation == LEDGER_INTENT) {
            sim_break(bookkeeper->sim, "intent first: an intent was confirmed that is not synced");
        }
        if (request->err.code == ERR_INTERNAL) {
            sim_break(bookkeeper->sim, "audited: %s", request->err.msg);
        }
    }
    request->done(request);
}

static void on_drain(void *ctx)
{
    struct bookkeeper *bookkeeper = ctx;
    bookkeeper->draining = false;
    ledger_durable_drain(bookkeeper->durable);
}

static void on_wake(void *ctx)
{
    struct bookkeeper *bookkeeper = ctx;
    if (bookkeeper->draining) {
        return;
    }
    bookkeeper->draining = true;
    virtual_at_process(bookkeeper->sim->world, virtual_mono_ns(bookkeeper->sim->world), on_drain, bookkeeper);
}

static void on_work(void *ctx)
{
    struct bookkeeper *bookkeeper = ctx;
    bookkeeper->working = false;
    ledger_durable_work(bookkeeper->durable);
    if (!bookkeeper->dead && !bookkeeper->failed && !disk_log_synced(bookkeeper->sim->disk)) {
        bookkeeper->unsynced = true; /* fine if it failed: see on_passed() */
    }
}

static void on_submit(void *ctx, struct ledger_request *request)
{
    const struct face *face = ctx;
    struct bookkeeper *bookkeeper = face->bookkeeper;
    struct sim *sim = bookkeeper->sim;
    struct passed *passed = mem_alloc(sizeof *passed);
    *passed = (struct passed){.face = face, .done = request->done, .owner = request->owner};
    request->done = on_passed;
    request->owner = passed;
    if (!bookkeeper->dead) {
        oracle_asks(face->oracle, request);
    }
    ledger_durable_face(bookkeeper->durable)->submit(ledger_durable_face(bookkeeper->durable)->ctx, request);
    if (bookkeeper->working) {
        return;
    }
    bookkeeper->working = true;
    int64_t commit_ns = sim->healed ? TIME_NS_PER_MS : sim->scenario->commit_ns;
    virtual_at_process(sim->world, virtual_mono_ns(sim->world) + commit_ns, on_work, bookkeeper);
}

/* --- looking at it ---------------------------------------------------------------------------------------
 */

static void ignore(struct ledger_request *request)
{
    (void)request;
}

static bool is_open(struct store *store, int64_t run)
{
    struct ledger_request open = {.operation = LEDGER_OPEN_RUN, .from = run - 1, .done = ignore};
    return store_apply(store, &open) == 0 && open.run == run;
}

static void look_at_run(struct sim *sim, struct store *store, int64_t run)
{
    static struct plan_row rows[LEDGER_BATCH];
    struct oracle *oracle = oracle_of_run(sim, run);
    int64_t from = 0;
    for (;;) {
        struct ledger_request read = {.operation = LEDGER_READ_ROWS,
                                      .run = run,
                                      .rows = rows,
                                      .count = LEDGER_BATCH,
                                      .from = from,
                                      .done = ignore};
        if (store_apply(store, &read) != 0 || read.count == 0) {
            break;
        }
        for (size_t i = 0; i < read.count; i++) {
            oracle_found_row(oracle, run, from + (int64_t)i, &rows[i]);
        }
        from += (int64_t)read.count;
    }
    oracle_found_run(oracle, run, from, is_open(store, run));
}

static struct store *open_store(struct sim *sim, const struct disk *disk, struct err *err)
{
    struct store_config config = {
        .path = FILE_NAME, .vfs = disk_name(disk), .wall_ms = wall_ms, .ctx = sim, .sha256 = digest};
    return store_open(&config, err);
}

/* Rows of all runs; with nobody having it open. */
static void look(struct sim *sim, bool verify)
{
    struct err err = {0};
    int64_t records;
    disk_spare(sim->disk, true);
    struct store *store = open_store(sim, sim->disk, &err);
    if (!store || (verify && store_verify(store, &records, &err) != 0)) {
        sim_break(sim, "audited: the ledger: %s", err.msg);
    }
    struct ledger_request open = {.operation = LEDGER_OPEN_RUN, .done = ignore};
    if (store && verify && (store_apply(store, &open) != 0 || open.run != 0)) {
        sim_break(sim, "progress: run %lld never ended", (long long)open.run);
    }
    for (int64_t run = 1; store && run <= oracle_runs(sim); run++) {
        look_at_run(sim, store, run);
    }
    store_close(store);
    disk_spare(sim->disk, false);
}

void bookkeeper_verify(struct sim *sim)
{
    look(sim, true);
}

bool bookkeeper_aftermath_row(struct sim *sim, int64_t run, int64_t number, struct plan_row *row)
{
    struct err err = {0};
    struct disk *disk = disk_aftermath(sim->disk, "aftermath");
    struct store *store = open_store(sim, disk, &err);
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = run, .rows = row, .count = 1, .from = number, .done = ignore};
    bool found = store && store_apply(store, &read) == 0 && read.count == 1;
    store_close(store);
    disk_destroy(disk);
    return found;
}

static int64_t reserve_size(void *ctx)
{
    return disk_reserve(ctx);
}

static int resize_reserve(void *ctx, int64_t bytes)
{
    return disk_set_reserve(ctx, bytes);
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct bookkeeper *bookkeeper_open(struct sim *sim)
{
    struct bookkeeper *bookkeeper = mem_zalloc(sizeof *bookkeeper);
    struct err err = {0};
    struct ledger_durable_config config = {.directory = DIRECTORY,
                                           .vfs = disk_name(sim->disk),
                                           .reserve_disk = &bookkeeper->reserve,
                                           .wake = on_wake,
                                           .wall_ms = bookkeeper_wall_ms,
                                           .ctx = bookkeeper,
                                           .sha256 = digest,
                                           .retain_ms = sim->scenario->retain_ms};
    look(sim, false);
    bookkeeper->sim = sim;
    bookkeeper->reserve =
        (struct reserve_disk){.ctx = sim->disk, .size = reserve_size, .resize = resize_reserve};
    for (int i = 0; i < sim->site_count; i++) {
        struct face *face = &bookkeeper->faces[i];
        *face = (struct face){.bookkeeper = bookkeeper, .oracle = sim->sites[i].oracle};
        face->ledger = (struct ledger){.ctx = face, .submit = on_submit};
    }
    bookkeeper->durable = ledger_durable_open(&config, &err);
    if (!bookkeeper->durable) {
        sim_tell(sim, "the ledger cannot be opened: %s", err.msg);
        if (err.code != ERR_IO) {
            sim_break(sim, "audited: the ledger cannot be opened: %s", err.msg);
        }
        free(bookkeeper);
        return NULL;
    }
    return bookkeeper;
}

void bookkeeper_close(struct bookkeeper *bookkeeper)
{
    if (!bookkeeper) {
        return;
    }
    ledger_durable_close(bookkeeper->durable);
    free(bookkeeper);
}

struct ledger *bookkeeper_face(struct bookkeeper *bookkeeper, const struct site *site)
{
    return &bookkeeper->faces[site->number].ledger;
}

void bookkeeper_fail(struct bookkeeper *bookkeeper)
{
    bookkeeper->dead = true;
}

bool bookkeeper_failed(const struct bookkeeper *bookkeeper)
{
    return bookkeeper->failed;
}
