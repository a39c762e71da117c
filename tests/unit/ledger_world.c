/* See ledger_world.h. */
#include "ledger_world.h"

#include "base/mem.h"
#include "ledger/db.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ledger_world_wake(void *ctx)
{
    sem_post(&((struct ledger_world *)ctx)->woken);
}

int64_t ledger_world_ms(void *ctx)
{
    return ((struct ledger_world *)ctx)->now_ms++;
}

void ledger_world_digest(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES])
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

void ledger_world_open(struct ledger_world *world, bool threaded)
{
    struct err err = {0};
    struct ledger_durable_config config = {.directory = world->directory,
                                           .vfs = world->vfs,
                                           .threaded = threaded,
                                           .wake = ledger_world_wake,
                                           .wall_ms = ledger_world_ms,
                                           .ctx = world,
                                           .sha256 = ledger_world_digest};
    world->durable = ledger_durable_open(&config, &err);
    if (world->durable == NULL) {
        fail_msg("%s", err.msg);
    }
}

void ledger_world_close(struct ledger_world *world)
{
    ledger_durable_close(world->durable);
    world->durable = NULL;
}

int ledger_world_start(void **state)
{
    struct ledger_world *world = mem_zalloc(sizeof *world);
    strcpy(world->directory, "/tmp/jobsweep-ledger-XXXXXX");
    world->now_ms = INT64_C(1795489200000);
    sem_init(&world->woken, 0, 0);
    *state = world;
    if (mkdtemp(world->directory) == NULL) {
        return -1;
    }
    ledger_world_open(world, false);
    return 0;
}

int ledger_world_stop(void **state)
{
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "lock", "reserve"};
    struct ledger_world *world = *state;
    char path[128];
    ledger_durable_close(world->durable);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", world->directory, names[i]);
        unlink(path);
    }
    rmdir(world->directory);
    free(world);
    return 0;
}

int64_t ledger_world_count(const struct ledger_world *world, const char *sql)
{
    char path[128];
    struct err err = {0};
    struct db_statement *statement = NULL;
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct db *db = db_open(path, NULL, true, &err);
    assert_non_null(db);
    assert_non_null(db_use(db, &statement, sql, &err));
    assert_int_equal(db_step(statement, &err), 1);
    int64_t result = db_int(statement, 0);
    db_close(db);
    return result;
}

struct store *ledger_world_store(struct ledger_world *world, bool read_only)
{
    char path[128];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct store_config config = {.path = path,
                                  .read_only = read_only,
                                  .wall_ms = ledger_world_ms,
                                  .ctx = world,
                                  .sha256 = ledger_world_digest};
    struct store *store = store_open(&config, &err);
    if (store == NULL) {
        fail_msg("%s", err.msg);
    }
    return store;
}

void ledger_world_expect_whole(struct ledger_world *world, int64_t expected)
{
    struct err err = {0};
    int64_t records;
    struct store *store = ledger_world_store(world, true);
    if (store_verify(store, &records, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(records, expected);
    store_close(store);
}

static void on_done(struct ledger_request *request)
{
    ((struct ledger_world *)request->owner)->done++;
}

void ledger_world_submit(struct ledger_world *world, struct ledger_request *request)
{
    struct ledger *ledger = ledger_durable_face(world->durable);
    request->done = on_done;
    request->owner = world;
    ledger->submit(ledger->ctx, request);
}

enum err_code ledger_world_ask(struct ledger_world *world, struct ledger_request request,
                               struct ledger_request *answered)
{
    struct ledger_request local;
    struct ledger_request *used = answered != NULL ? answered : &local;
    *used = request;
    ledger_world_submit(world, used);
    ledger_durable_work(world->durable);
    ledger_durable_drain(world->durable);
    return used->err.code;
}

struct plan_row ledger_world_row(int64_t number)
{
    struct plan_row row = {.execution.number = number, .execution.fingerprint.status = EXECUTION_FAILED};
    snprintf(row.execution.job_id, sizeof row.execution.job_id, "job-%d", (int)(number % 7));
    snprintf(row.execution.thing_name, sizeof row.execution.thing_name, "thing:%d", (int)number);
    strcpy(row.reason, "status FAILED, age over 30d");
    timestamp_parse("1560787023.636", &row.execution.fingerprint.queued_at);
    timestamp_parse("1.560787025E9", &row.execution.fingerprint.last_updated_at);
    return row;
}

int64_t ledger_world_plan(struct ledger_world *world, int64_t count)
{
    struct run_header header = {.policy = "p",
                                .target = "t",
                                .account = "123456789012",
                                .region = "eu-west-1",
                                .started_ms = world->now_ms};
    struct ledger_request started;
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_START_RUN, .header = &header},
                         &started),
        ERR_NONE);
    for (int64_t i = 0; i < count; i++) {
        struct plan_row row = ledger_world_row(i + 1);
        assert_int_equal(
            ledger_world_ask(world,
                             (struct ledger_request){
                                 .operation = LEDGER_ADD_ROWS, .run = started.run, .rows = &row, .count = 1},
                             NULL),
            ERR_NONE);
    }
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = started.run},
                         NULL),
        ERR_NONE);
    return started.run;
}

enum err_code ledger_world_intent(struct ledger_world *world, int64_t run, int64_t row, int attempt)
{
    return ledger_world_ask(
        world,
        (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = row, .attempt = attempt},
        NULL);
}

enum err_code ledger_world_result(struct ledger_world *world, int64_t run, int64_t row, int attempt,
                                  enum outcome outcome)
{
    struct ledger_request request = {.operation = LEDGER_RESULT,
                                     .run = run,
                                     .row = row,
                                     .attempt = attempt,
                                     .outcome = outcome,
                                     .signed_at_ms = world->now_ms};
    strcpy(request.answer.request_id, "0123-4567");
    request.answer.http_status = 200;
    return ledger_world_ask(world, request, NULL);
}

enum err_code ledger_world_end(struct ledger_world *world, int64_t run)
{
    struct ledger_request request = {
        .operation = LEDGER_END_RUN, .run = run, .ended_ms = world->now_ms, .note = "finished"};
    return ledger_world_ask(world, request, NULL);
}
