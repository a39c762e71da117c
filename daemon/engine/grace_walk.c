/* See engine/grace_walk.h.
 *
 * The happy path: grace_walk_add() fills a batch; submit() hands it to the ledger; on_answered() tells its
 * rows, or submits it once more where the ledger had walked through a part; grace_walk_end() submits the last
 * one, which may be empty, and when none is on its way any more done() is called (end()). The ways out: a
 * batch that the ledger does not take (failure), grace_walk_end() of what is not complete. */
#include "engine/grace_walk.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_MAX 16 /* with the ledger before rows pause: 4,000 rows, about 2 MB */

struct batch {
    struct grace_walk *walk;
    struct ledger_request request;
    struct ledger_grace graces[LEDGER_BATCH];
    struct job_execution executions[LEDGER_BATCH];
};

struct grace_walk {
    struct grace_walk_config config;
    struct batch *filling; /* NULL: the next row begins one */
    uint8_t last[GRACE_KEY_BYTES];
    bool begun, ended; /* a batch was submitted; the last was, or none is any more */
    int waiting;       /* batches with the ledger */
    struct err failure;
};

struct grace_walk *grace_walk_create(const struct grace_walk_config *config)
{
    struct grace_walk *walk = mem_zalloc(sizeof *walk);
    walk->config = *config;
    return walk;
}

void grace_walk_destroy(struct grace_walk *walk)
{
    if (walk != NULL) {
        free(walk->filling);
    }
    free(walk);
}

static void end(struct grace_walk *walk)
{
    if (walk->ended && walk->waiting == 0) {
        struct err err = walk->failure;
        walk->config.done(walk->config.owner, &err); /* the walk may be gone now */
    }
}

static void tell(struct grace_walk *walk, const struct batch *batch)
{
    for (size_t i = 0; i < batch->request.count; i++) {
        walk->config.row(walk->config.owner, &batch->executions[i], batch->graces[i].since_ms);
    }
}

static void on_answered(struct ledger_request *request)
{
    struct batch *batch = request->owner;
    struct grace_walk *walk = batch->walk;
    struct ledger *ledger = walk->config.ledger;
    bool failed = request->err.code != ERR_NONE;
    if (!failed && request->more && walk->failure.code == ERR_NONE) {
        ledger->submit(ledger->ctx, request);
        return;
    }
    if (failed && walk->failure.code == ERR_NONE) {
        walk->failure = request->err;
    } else if (walk->failure.code == ERR_NONE) {
        tell(walk, batch);
    }
    free(batch);
    if (--walk->waiting == BATCHES_MAX - 1 && !walk->ended) {
        walk->config.pause(walk->config.owner, false);
    }
    end(walk);
}

static void submit(struct grace_walk *walk, bool last)
{
    struct batch *batch = walk->filling;
    struct ledger *ledger = walk->config.ledger;
    struct ledger_request *request = &batch->request;
    walk->filling = NULL;
    request->graces_first = !walk->begun;
    request->graces_last = last;
    memcpy(request->graces_after, walk->last, GRACE_KEY_BYTES);
    if (request->count > 0) {
        memcpy(walk->last, batch->graces[request->count - 1].key, GRACE_KEY_BYTES);
    }
    walk->begun = true;
    walk->waiting++;
    ledger->submit(ledger->ctx, request);
}

static void begin_batch(struct grace_walk *walk)
{
    struct batch *batch = mem_alloc(sizeof *batch);
    batch->walk = walk;
    batch->request = (struct ledger_request){.operation = LEDGER_GRACES,
                                             .run = walk->config.run,
                                             .header = walk->config.header,
                                             .graces = batch->graces,
                                             .now_ms = walk->config.now_ms,
                                             .done = on_answered,
                                             .owner = batch};
    walk->filling = batch;
}

void grace_walk_add(struct grace_walk *walk, const uint8_t key[GRACE_KEY_BYTES],
                    const struct job_execution *execution)
{
    if (walk->failure.code != ERR_NONE) {
        return; /* done() will tell */
    }
    if (walk->filling != NULL && walk->filling->request.count == LEDGER_BATCH) {
        submit(walk, false);
    }
    if (walk->filling == NULL) {
        begin_batch(walk);
    }
    struct batch *batch = walk->filling;
    size_t at = batch->request.count++;
    batch->graces[at] = (struct ledger_grace){0};
    memcpy(batch->graces[at].key, key, GRACE_KEY_BYTES);
    batch->executions[at] = *execution;
    if (walk->waiting >= BATCHES_MAX) {
        walk->config.pause(walk->config.owner, true);
    }
}

void grace_walk_end(struct grace_walk *walk, bool complete)
{
    walk->ended = true;
    if (complete && walk->failure.code == ERR_NONE) {
        if (walk->filling == NULL) {
            begin_batch(walk);
        }
        submit(walk, true);
    }
    end(walk);
}

/* --- keys --- */

static void put_text(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text) + 1); /* no name and no time has a zero byte in it */
}

void grace_key(void (*sha256)(const void *data, size_t length, uint8_t hash[32]),
               const struct job_execution *execution, uint8_t key[GRACE_KEY_BYTES])
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    struct buf text;
    uint8_t hash[32];
    buf_init(&text, 1024);
    put_text(&text, execution->job_id);
    put_text(&text, execution->thing_name);
    put_text(&text, fingerprint->queued_at.text);
    put_text(&text, fingerprint->started_at.text);
    put_text(&text, fingerprint->last_updated_at.text);
    buf_printf(&text, "%lld %d", (long long)execution->number, (int)fingerprint->status);
    sha256(buf_string(&text), text.length, hash);
    memcpy(key, hash, GRACE_KEY_BYTES);
    buf_finish(&text);
}
