/* See sim/disk_file.h. */
#include "sim/disk_file.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 512

/* --- bytes -----------------------------------------------------------------------------------------------
 */

static void make_room(struct bytes *bytes, size_t size)
{
    if (size > bytes->room) {
        bytes->room = size * 2 + 4096;
        bytes->data = mem_realloc(bytes->data, bytes->room, 1);
    }
}

static void resize(struct bytes *bytes, size_t size)
{
    make_room(bytes, size);
    if (size > bytes->size) {
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    }
    bytes->size = size;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- changes ---------------------------------------------------------------------------------------------
 */

static void note_change(struct disk_file *file, int64_t offset, int64_t length)
{
    int64_t size = (int64_t)file->now.size;
    int64_t kept = offset < size ? smaller(length, size - offset) : 0;
    if (file->change_count == file->change_room) {
        file->change_room = file->change_room * 2 + 16;
        file->changes = mem_realloc(file->changes, file->change_room, sizeof *file->changes);
    }
    struct change *change = &file->changes[file->change_count++];
    *change = (struct change){.offset = offset,
                              .length = length,
                              .size_before = size,
                              .kept_at = file->before.size,
                              .kept = (size_t)kept};
    make_room(&file->before, file->before.size + (size_t)kept);
    if (kept > 0) {
        memcpy(file->before.data + file->before.size, file->now.data + offset, (size_t)kept);
    }
    file->before.size += (size_t)kept;
}

void disk_file_write(struct disk_file *file, const void *data, int64_t offset, int64_t length)
{
    note_change(file, offset, length);
    if ((size_t)(offset + length) > file->now.size) {
        resize(&file->now, (size_t)(offset + length));
    }
    memcpy(file->now.data + offset, data, (size_t)length);
}

static void take_back(struct disk_file *file, const struct change *change)
{
    resize(&file->now, (size_t)change->size_before);
    if (change->kept > 0) {
        memcpy(file->now.data + change->offset, file->before.data + change->kept_at, change->kept);
    }
}

/* Only its first sectors reached the disk. Where the file had grown already, zeros follow. */
static void tear(struct disk_file *file, struct random *random, const struct change *change)
{
    int64_t sectors = (change->length + SECTOR - 1) / SECTOR;
    int64_t written = (int64_t)random_below(random, (uint64_t)sectors) * SECTOR;
    uint8_t *part = mem_alloc((size_t)written + 1);
    size_t grown = file->now.size;
    memcpy(part, file->now.data + change->offset, (size_t)written);
    take_back(file, change);
    if (random_below(random, 2) == 0 && grown > file->now.size) {
        resize(&file->now, grown);
    }
    if ((size_t)(change->offset + written) > file->now.size) {
        resize(&file->now, (size_t)(change->offset + written));
    }
    memcpy(file->now.data + change->offset, part, (size_t)written);
    free(part);
}

void disk_file_synced(struct disk_file *file)
{
    file->change_count = 0;
    file->before.size = 0;
}

void disk_file_lose(struct disk_file *file, struct random *random, bool everything)
{
    size_t survive = everything ? 0 : (size_t)random_below(random, file->change_count + 1);
    while (file->change_count > survive) {
        const struct change *change = &file->changes[--file->change_count];
        bool torn = !everything && file->change_count == survive && change->length > 0 &&
                    change->offset + change->length <= (int64_t)file->now.size &&
                    random_below(random, 2) == 0;
        if (torn) {
            tear(file, random, change);
        } else {
            take_back(file, change);
        }
    }
    disk_file_synced(file);
    file->poisoned = false;
    if (!file->created_synced && (everything || random_below(random, 2) == 0)) {
        file->exists = false;
    }
}

void disk_file_resize(struct disk_file *file, size_t size)
{
    if (size < file->now.size) {
        note_change(file, (int64_t)size, (int64_t)(file->now.size - size));
    }
    resize(&file->now, size);
}

static void copy_bytes(struct bytes *to, const struct bytes *from)
{
    *to = (struct bytes){0};
    resize(to, from->size);
    if (from->size > 0) {
        memcpy(to->data, from->data, from->size);
    }
}

void disk_file_copy(struct disk_file *to, const struct disk_file *from)
{
    *to = *from;
    to->shm = NULL;
    to->changes = mem_calloc(from->change_count + 1, sizeof *to->changes);
    to->change_room = from->change_count;
    copy_bytes(&to->now, &from->now);
    copy_bytes(&to->before, &from->before);
    if (from->change_count > 0) {
        memcpy(to->changes, from->changes, from->change_count * sizeof *to->changes);
    }
}

void disk_file_finish(struct disk_file *file)
{
    free(file->now.data);
    free(file->before.data);
    free(file->changes);
}
