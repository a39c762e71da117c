/* See engine/plan_writer.h. */
#include "engine/plan_writer.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define BATCHES_MAX 8 /* with the ledger before listing pauses: 2,000 rows, about 1 MB */

struct batch {
    struct plan_writer *writer;
    struct ledger_request request;
    struct plan_row rows[LEDGER_BATCH];
    size_t count;
};

struct plan_writer {
    struct plan_writer_config config;
    struct batch *filling;
    int writing; /* batches with the ledger */
};

struct plan_writer *plan_writer_create(const struct plan_writer_config *config)
{
    struct plan_writer *writer = mem_zalloc(sizeof *writer);
    writer->config = *config;
    return writer;
}

void plan_writer_destroy(struct plan_writer *writer)
{
    if (writer != NULL) {
        free(writer->filling);
    }
    free(writer);
}

static void on_written(struct ledger_request *request)
{
    struct batch *batch = request->owner;
    struct plan_writer *writer = batch->writer;
    struct err err = request->err;
    writer->writing--;
    free(batch);
    if (writer->writing < BATCHES_MAX) {
        writer->config.pause(writer->config.owner, false);
    }
    writer->config.written(writer->config.owner, &err);
}

void plan_writer_flush(struct plan_writer *writer)
{
    struct batch *batch = writer->filling;
    struct ledger *ledger = writer->config.ledger;
    writer->filling = NULL;
    if (batch == NULL) {
        return;
    }
    batch->request = (struct ledger_request){.operation = LEDGER_ADD_ROWS,
                                             .run = writer->config.run,
                                             .rows = batch->rows,
                                             .count = batch->count,
                                             .done = on_written,
                                             .owner = batch};
    writer->writing++;
    ledger->submit(ledger->ctx, &batch->request);
    if (writer->writing >= BATCHES_MAX) {
        writer->config.pause(writer->config.owner, true);
    }
}

void plan_writer_add(struct plan_writer *writer, const struct job_execution *execution,
                     const struct verdict *verdict)
{
    if (writer->filling == NULL) {
        writer->filling = mem_alloc(sizeof *writer->filling);
        writer->filling->writer = writer;
        writer->filling->count = 0;
    }
    struct batch *batch = writer->filling;
    struct plan_row *row = &batch->rows[batch->count++];
    *row = (struct plan_row){.execution = *execution, .force = verdict->force};
    memcpy(row->reason, verdict->reason, sizeof row->reason);
    if (batch->count == LEDGER_BATCH) {
        plan_writer_flush(writer);
    }
}

bool plan_writer_idle(const struct plan_writer *writer)
{
    return writer->writing == 0;
}
