/* See sim/shelf.h. */
#include "sim/shelf.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define PPM        1000000
#define FILE_BYTES ((size_t)64 * 1024 * 1024)

struct file {
    char name[512];
    struct buf bytes;
    size_t synced;
    bool open;
};

struct shelf {
    struct archive_disk disk;
    struct random random;
    struct file **files;
    size_t count, syncs;
    int64_t left[SHELF_TROUBLE_COUNT], failures;
    int ppm;
    bool down;
};

/* Every kind is asked for each time, so that one that is left out does not move the others. */
static bool befalls(struct shelf *shelf, enum shelf_trouble trouble)
{
    bool drawn = shelf->ppm > 0 && random_below(&shelf->random, PPM) < (uint64_t)shelf->ppm;
    bool due = shelf->left[trouble] == 0;
    shelf->left[trouble] -= shelf->left[trouble] > 0;
    shelf->failures += drawn || due;
    return drawn || due;
}

static int find(const struct shelf *shelf, const char *name)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (strcmp(shelf->files[i]->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int create(void *ctx, const char *directory, const char *name, struct err *err)
{
    struct shelf *shelf = ctx;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    if (befalls(shelf, SHELF_CREATE_ERROR) || shelf->down) {
        return err_set(err, ERR_ARCHIVE, "archive '%s': %s", path, err_errno(EACCES));
    }
    if (find(shelf, path) >= 0) {
        return err_set(err, ERR_LOCKED, "archive '%s': %s", path, err_errno(EEXIST));
    }
    struct file *file = mem_zalloc(sizeof *file);
    text_copy(file->name, sizeof file->name, path);
    buf_init(&file->bytes, FILE_BYTES);
    file->open = true;
    shelf->files = mem_realloc(shelf->files, shelf->count + 1, sizeof(struct file *));
    shelf->files[shelf->count] = file;
    return (int)shelf->count++;
}

static ssize_t write_end(void *ctx, int number, const void *bytes, size_t length)
{
    struct shelf *shelf = ctx;
    struct file *file = shelf->files[number];
    bool fails = befalls(shelf, SHELF_WRITE_ERROR), full = befalls(shelf, SHELF_FULL);
    bool half = befalls(shelf, SHELF_SHORT_WRITE) && length > 1;
    errno = fails || !file->open ? EIO : ENOSPC;
    if (fails || !file->open || (full && length < 2)) {
        return -1;
    }
    size_t part = full || half ? length / 2 : length;
    buf_append(&file->bytes, bytes, part);
    return full ? -1 : (ssize_t)part;
}

static int sync_file(void *ctx, int number)
{
    struct shelf *shelf = ctx;
    struct file *file = shelf->files[number];
    shelf->syncs++;
    if (befalls(shelf, SHELF_SYNC_ERROR) || !file->open) {
        errno = EIO;
        return -1;
    }
    file->synced = file->bytes.length;
    return 0;
}

static int cut(void *ctx, int number, int64_t length)
{
    struct shelf *shelf = ctx;
    struct file *file = shelf->files[number];
    if (!file->open || length > (int64_t)file->bytes.length) {
        errno = EIO;
        return -1;
    }
    file->bytes.length = (size_t)length;
    return 0;
}

static void close_file(void *ctx, int number)
{
    struct shelf *shelf = ctx;
    shelf->files[number]->open = false;
}

struct shelf *shelf_create(uint64_t seed)
{
    struct shelf *shelf = mem_zalloc(sizeof *shelf);
    shelf->disk = (struct archive_disk){.ctx = shelf,
                                        .create = create,
                                        .write = write_end,
                                        .sync = sync_file,
                                        .cut = cut,
                                        .close = close_file};
    random_seed(&shelf->random, seed);
    for (int i = 0; i < SHELF_TROUBLE_COUNT; i++) {
        shelf->left[i] = -1;
    }
    return shelf;
}

void shelf_destroy(struct shelf *shelf)
{
    for (size_t i = 0; shelf != NULL && i < shelf->count; i++) {
        buf_finish(&shelf->files[i]->bytes);
        free(shelf->files[i]);
    }
    free(shelf != NULL ? shelf->files : NULL);
    free(shelf);
}

const struct archive_disk *shelf_disk(struct shelf *shelf)
{
    return &shelf->disk;
}

void shelf_trouble(struct shelf *shelf, enum shelf_trouble trouble, int64_t operations)
{
    shelf->left[trouble] = operations;
}

void shelf_rate(struct shelf *shelf, int ppm)
{
    shelf->ppm = ppm;
}

void shelf_crash(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        struct file *file = shelf->files[i];
        size_t loose = file->bytes.length - file->synced;
        file->bytes.length = file->synced + random_below(&shelf->random, loose + 1);
        file->synced = file->bytes.length;
        file->open = false;
    }
    shelf->down = true;
}

void shelf_restart(struct shelf *shelf)
{
    shelf->down = false;
}

size_t shelf_files(const struct shelf *shelf)
{
    return shelf->count;
}

size_t shelf_open_files(const struct shelf *shelf)
{
    size_t count = 0;
    for (size_t i = 0; i < shelf->count; i++) {
        count += shelf->files[i]->open;
    }
    return count;
}

size_t shelf_syncs(const struct shelf *shelf)
{
    return shelf->syncs;
}

const char *shelf_name(const struct shelf *shelf, size_t file)
{
    return shelf->files[file]->name;
}

bool shelf_unsynced(const struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++) {
        if (shelf->files[i]->synced != shelf->files[i]->bytes.length) {
            return true;
        }
    }
    return false;
}

int64_t shelf_failures(const struct shelf *shelf)
{
    return shelf->failures;
}

/* One frame; false when it is torn. */
static bool read_frame(ZSTD_DCtx *context, ZSTD_inBuffer *in, struct buf *out)
{
    char bytes[16384];
    size_t left = 1, produced = sizeof bytes;
    while (left != 0 && (in->pos < in->size || produced == sizeof bytes)) {
        ZSTD_outBuffer room = {.dst = bytes, .size = sizeof bytes};
        left = ZSTD_decompressStream(context, &room, in);
        if (ZSTD_isError(left)) {
            return false;
        }
        produced = room.pos;
        buf_append(out, bytes, room.pos);
    }
    return left == 0;
}

bool shelf_read(const struct shelf *shelf, size_t number, bool synced, struct buf *out)
{
    const struct file *file = shelf->files[number];
    ZSTD_inBuffer in = {.src = buf_string(&file->bytes), .size = synced ? file->synced : file->bytes.length};
    ZSTD_DCtx *context = ZSTD_createDCtx();
    bool whole = true;
    while (whole && in.pos < in.size) {
        whole = read_frame(context, &in, out);
    }
    ZSTD_freeDCtx(context);
    return whole;
}
