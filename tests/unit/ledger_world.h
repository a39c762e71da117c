/* A durable ledger in a directory of its own, and requests on it, for its tests. */
#ifndef LEDGER_WORLD_H
#define LEDGER_WORLD_H

#include "ledger/durable.h"
#include "ledger/store.h"

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger_world {
    char directory[64];
    const char *vfs; /* NULL: the system's */
    struct ledger_durable *durable;
    int64_t now_ms; /* goes on by 1 with each look at it */
    sem_t woken;    /* by the writer thread */
    int done;       /* requests that were answered */
};

/* Setup and teardown of a test: *state is the world, its ledger open and not threaded. */
int ledger_world_start(void **state);
int ledger_world_stop(void **state);

void ledger_world_open(struct ledger_world *world, bool threaded);
void ledger_world_close(struct ledger_world *world);

/* What the ledger is given: a clock, a digest that is quick and spreads its input, and who is woken. */
int64_t ledger_world_ms(void *ctx);
void ledger_world_digest(const void *data, size_t length, uint8_t hash[STORE_HASH_BYTES]);
void ledger_world_wake(void *ctx);

/* What a query on the file, which may be open, says: one number. */
int64_t ledger_world_count(const struct ledger_world *world, const char *sql);
/* The file by itself; store_close() is the caller's. */
struct store *ledger_world_store(struct ledger_world *world, bool read_only);
/* Verifies it, with so many records. */
void ledger_world_expect_whole(struct ledger_world *world, int64_t expected);

void ledger_world_submit(struct ledger_world *world, struct ledger_request *request);
/* Submits and carries out; answered may be NULL. */
enum err_code ledger_world_ask(struct ledger_world *world, struct ledger_request request,
                               struct ledger_request *answered);

struct plan_row ledger_world_row(int64_t number);
/* A run with a sealed plan of so many rows, numbered from 1. */
int64_t ledger_world_plan(struct ledger_world *world, int64_t count);
enum err_code ledger_world_intent(struct ledger_world *world, int64_t run, int64_t row, int attempt);
enum err_code ledger_world_result(struct ledger_world *world, int64_t run, int64_t row, int attempt,
                                  enum outcome outcome);
enum err_code ledger_world_end(struct ledger_world *world, int64_t run);

#endif
