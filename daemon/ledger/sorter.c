/* See ledger/sorter.h.
 *
 * Records fill a piece of memory; when it is full they are sorted and written behind what the file holds, as
 * one run. next() sorts what is left in memory and then takes the smallest of all runs' first records, each
 * run being read through its own part of the memory. What never filled the memory never touches the disk. */
#include "ledger/sorter.h"

#include "base/mem.h"
#include "ledger/file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES   4 /* two lengths of 16 bits in front of each record */
#define WINDOW_BYTES (4 * (HEAD_BYTES + SCRATCH_RECORD_MAX)) /* of a run, at least */

struct run {
    int64_t from, end;           /* of the file: what is still to be read */
    unsigned char *window;       /* a part of it */
    size_t size, start, length;  /* of the window: its room, the first unread byte, bytes from there */
    const unsigned char *record; /* the smallest that is left; NULL: none */
};

struct sorter {
    const struct sorter_place *place;
    unsigned char *memory;
    size_t used;
    uint32_t *offsets; /* of the records in memory */
    size_t count, room;
    int fd;
    int64_t file_bytes;
    struct run *runs;
    size_t run_count, run_room;
    size_t *heap; /* runs that have records, the smallest first */
    size_t heap_count;
    bool merging;
    bool reading; /* next() was called */
    size_t next;  /* of those in memory, where there is no file */
};

static size_t length_at(const unsigned char *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static size_t record_bytes(const unsigned char *record)
{
    return HEAD_BYTES + length_at(record) + length_at(record + 2);
}

static int compare_records(const unsigned char *a, const unsigned char *b)
{
    size_t left = length_at(a), right = length_at(b);
    int order = memcmp(a + HEAD_BYTES, b + HEAD_BYTES, left < right ? left : right);
    return order != 0 ? order : (left > right) - (left < right);
}

static int compare_offsets(const void *left, const void *right, void *memory)
{
    const unsigned char *bytes = memory;
    return compare_records(bytes + *(const uint32_t *)left, bytes + *(const uint32_t *)right);
}

static struct sorter *open_sorter(void *ctx, struct err *err)
{
    (void)err;
    struct sorter *sorter = mem_zalloc(sizeof *sorter);
    sorter->place = ctx;
    sorter->memory = mem_alloc(sorter->place->memory_bytes);
    sorter->fd = -1;
    return sorter;
}

static void close_sorter(struct sorter *sorter)
{
    if (sorter == NULL) {
        return;
    }
    if (sorter->fd >= 0) {
        close(sorter->fd);
    }
    free(sorter->memory);
    free(sorter->offsets);
    free(sorter->runs);
    free(sorter->heap);
    free(sorter);
}

/* --- writing ------------------------------------------------------------------------------------------- */

static int fail(const struct sorter *sorter, const char *what, struct err *err)
{
    return err_set(err, ERR_IO, "scratch space in %s cannot be %s: %s", sorter->place->folder, what,
                   strerror(errno));
}

static int make_file(struct sorter *sorter, struct err *err)
{
    sorter->fd = file_open_nameless(sorter->place->folder);
    return sorter->fd >= 0 ? 0 : fail(sorter, "made", err);
}

static int write_all(struct sorter *sorter, const unsigned char *bytes, size_t length, struct err *err)
{
    while (length > 0) {
        ssize_t written = pwrite(sorter->fd, bytes, length, sorter->file_bytes);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return fail(sorter, "written", err);
        }
        sorter->file_bytes += written;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* In the order of the offsets, collected into larger writes. */
static int write_records(struct sorter *sorter, struct err *err)
{
    unsigned char chunk[64 * 1024];
    size_t filled = 0;
    for (size_t i = 0; i < sorter->count; i++) {
        const unsigned char *record = sorter->memory + sorter->offsets[i];
        size_t length = record_bytes(record);
        if (filled + length > sizeof chunk) {
            if (write_all(sorter, chunk, filled, err) != 0) {
                return -1;
            }
            filled = 0;
        }
        memcpy(chunk + filled, record, length);
        filled += length;
    }
    return write_all(sorter, chunk, filled, err);
}

static void sort_memory(struct sorter *sorter)
{
    qsort_r(sorter->offsets, sorter->count, sizeof *sorter->offsets, compare_offsets, sorter->memory);
}

static int spill(struct sorter *sorter, struct err *err)
{
    if (sorter->count == 0) {
        return 0;
    }
    if (sorter->fd < 0 && make_file(sorter, err) != 0) {
        return -1;
    }
    if (sorter->run_count == sorter->run_room) {
        sorter->run_room = sorter->run_room == 0 ? 16 : 2 * sorter->run_room;
        sorter->runs = mem_realloc(sorter->runs, sorter->run_room, sizeof *sorter->runs);
    }
    sort_memory(sorter);
    struct run *run = &sorter->runs[sorter->run_count++];
    *run = (struct run){.from = sorter->file_bytes};
    int result = write_records(sorter, err);
    run->end = sorter->file_bytes;
    sorter->used = sorter->count = 0;
    return result;
}

static int add_record(struct sorter *sorter, const struct scratch_record *record, struct err *err)
{
    size_t length = HEAD_BYTES + record->key_length + record->value_length;
    if (record->key_length + record->value_length > SCRATCH_RECORD_MAX || sorter->reading) {
        return err_set(err, ERR_INVALID, "a record that cannot be sorted");
    }
    if (sorter->used + length > sorter->place->memory_bytes && spill(sorter, err) != 0) {
        return -1;
    }
    if (sorter->count == sorter->room) {
        sorter->room = sorter->room == 0 ? 1024 : 2 * sorter->room;
        sorter->offsets = mem_realloc(sorter->offsets, sorter->room, sizeof *sorter->offsets);
    }
    unsigned char *at = sorter->memory + sorter->used;
    at[0] = (unsigned char)(record->key_length >> 8);
    at[1] = (unsigned char)record->key_length;
    at[2] = (unsigned char)(record->value_length >> 8);
    at[3] = (unsigned char)record->value_length;
    memcpy(at + HEAD_BYTES, record->key, record->key_length);
    memcpy(at + HEAD_BYTES + record->key_length, record->value, record->value_length);
    sorter->offsets[sorter->count++] = (uint32_t)sorter->used;
    sorter->used += length;
    return 0;
}

/* --- reading back -------------------------------------------------------------------------------------- */

static int read_window(struct sorter *sorter, struct run *run, struct err *err)
{
    memmove(run->window, run->window + run->start, run->length);
    run->start = 0;
    while (run->from < run->end && run->length < run->size) {
        size_t wanted = run->size - run->length;
        if ((int64_t)wanted > run->end - run->from) {
            wanted = (size_t)(run->end - run->from);
        }
        ssize_t got = pread(sorter->fd, run->window + run->length, wanted, run->from);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return fail(sorter, "read", err);
        }
        run->length += (size_t)got;
        run->from += got;
    }
    return 0;
}

static bool whole(const struct run *run)
{
    return run->length >= HEAD_BYTES && run->length >= record_bytes(run->window + run->start);
}

/* Moves the run to its next record. */
static int advance(struct sorter *sorter, struct run *run, struct err *err)
{
    if (run->record != NULL) {
        size_t length = record_bytes(run->record);
        run->start += length;
        run->length -= length;
    }
    run->record = NULL;
    if (!whole(run) && read_window(sorter, run, err) != 0) {
        return -1;
    }
    if (run->length == 0) {
        return 0;
    }
    if (!whole(run)) {
        return err_set(err, ERR_BROKEN, "scratch space in %s has changed", sorter->place->folder);
    }
    run->record = run->window + run->start;
    return 0;
}

static bool before(const struct sorter *sorter, size_t a, size_t b)
{
    return compare_records(sorter->runs[sorter->heap[a]].record, sorter->runs[sorter->heap[b]].record) < 0;
}

static void sink(struct sorter *sorter, size_t at)
{
    for (;;) {
        size_t smallest = at, left = 2 * at + 1, right = left + 1;
        smallest = left < sorter->heap_count && before(sorter, left, smallest) ? left : smallest;
        smallest = right < sorter->heap_count && before(sorter, right, smallest) ? right : smallest;
        if (smallest == at) {
            return;
        }
        size_t run = sorter->heap[at];
        sorter->heap[at] = sorter->heap[smallest];
        sorter->heap[smallest] = run;
        at = smallest;
    }
}

static int begin_merge(struct sorter *sorter, struct err *err)
{
    if (spill(sorter, err) != 0) {
        return -1;
    }
    size_t window = sorter->place->memory_bytes / sorter->run_count;
    if (window < WINDOW_BYTES) { /* so many runs: more memory than promised, rather than none */
        window = WINDOW_BYTES;
        sorter->memory = mem_realloc(sorter->memory, sorter->run_count, window);
    }
    sorter->heap = mem_calloc(sorter->run_count, sizeof *sorter->heap);
    for (size_t i = 0; i < sorter->run_count; i++) {
        struct run *run = &sorter->runs[i];
        run->window = sorter->memory + i * window;
        run->size = window;
        if (advance(sorter, run, err) != 0) {
            return -1;
        }
        sorter->heap[sorter->heap_count++] = i; /* no run is empty */
    }
    for (size_t i = sorter->heap_count; i > 0; i--) {
        sink(sorter, i - 1);
    }
    return 0;
}

/* The record that was given last belongs to the run at the top: only now may it go. */
static int advance_top(struct sorter *sorter, struct err *err)
{
    struct run *run = &sorter->runs[sorter->heap[0]];
    if (advance(sorter, run, err) != 0) {
        return -1;
    }
    if (run->record == NULL) {
        sorter->heap[0] = sorter->heap[--sorter->heap_count];
    }
    sink(sorter, 0);
    return 0;
}

static int merge_next(struct sorter *sorter, const unsigned char **record, struct err *err)
{
    int result = sorter->merging ? advance_top(sorter, err) : begin_merge(sorter, err);
    sorter->merging = true;
    if (result == 0 && sorter->heap_count > 0) {
        *record = sorter->runs[sorter->heap[0]].record;
    }
    return result;
}

static int next_record(struct sorter *sorter, struct scratch_record *record, struct err *err)
{
    const unsigned char *found = NULL;
    if (!sorter->reading && sorter->run_count == 0 && sorter->count > 0) {
        sort_memory(sorter);
    }
    sorter->reading = true;
    if (sorter->run_count > 0) {
        if ((!sorter->merging || sorter->heap_count > 0) && merge_next(sorter, &found, err) != 0) {
            return -1;
        }
    } else if (sorter->next < sorter->count) {
        found = sorter->memory + sorter->offsets[sorter->next++];
    }
    if (found == NULL) {
        return 0;
    }
    *record = (struct scratch_record){.key = found + HEAD_BYTES,
                                      .key_length = length_at(found),
                                      .value = found + HEAD_BYTES + length_at(found),
                                      .value_length = length_at(found + 2)};
    return 1;
}

void sorter_scratch(struct scratch *scratch, struct sorter_place *place)
{
    *scratch = (struct scratch){
        .ctx = place, .open = open_sorter, .add = add_record, .next = next_record, .close = close_sorter};
}
