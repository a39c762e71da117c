/* A file of the simulated disk: its present bytes and, since the last sync, what every write replaced, so
 * that a crash can take back the latest of them. */
#ifndef SIM_DISK_FILE_H
#define SIM_DISK_FILE_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct change { /* a write or a truncation that is not synced */
    int64_t offset, length;
    int64_t size_before;
    size_t kept_at, kept; /* what stood there: so many bytes of `before`, from kept_at */
};

struct bytes {
    uint8_t *data;
    size_t size, room;
};

struct disk_file {
    char name[96];
    bool exists, created_synced;
    bool poisoned; /* a sync failed: the next ones claim success, and what was written is lost at the end */
    struct bytes now, before;
    struct change *changes;
    size_t change_count, change_room;
    struct shm *shm; /* the VFS's */
};

void disk_file_resize(struct disk_file *file, size_t size); /* a change, as writing is */
void disk_file_write(struct disk_file *file, const void *data, int64_t offset, int64_t length);
void disk_file_synced(struct disk_file *file); /* nothing can be taken back any more */
/* A crash: of what is not synced a random prefix survives, the last write of it perhaps torn; or nothing. */
void disk_file_lose(struct disk_file *file, struct random *random, bool everything);
void disk_file_copy(struct disk_file *to, const struct disk_file *from); /* to: zeroed memory */
void disk_file_finish(struct disk_file *file);

#endif
