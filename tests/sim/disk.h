/* A disk in memory, as a VFS of SQLite: what is synced survives a crash, and of what was written since then a
 * random prefix, the last write of it torn at a sector of 512 bytes or ending in zeros. It can be slow to
 * tell, fail, be full, write half, and die in the middle of things. sqlite3.h is included in disk.c alone. */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

enum disk_trouble {
    DISK_FINE,
    DISK_READ_ERROR,
    DISK_WRITE_ERROR,
    DISK_SHORT_WRITE, /* half of it is written */
    DISK_SYNC_ERROR,  /* and what was to be synced may be lost */
    DISK_DEATH,       /* the machine stops: nothing works until disk_crash() */
    DISK_TROUBLE_COUNT
};

/* name: the VFS's, while it exists; also the default one, so that SQLite draws its random numbers here. */
struct disk *disk_create(const char *name, uint64_t seed);
void disk_destroy(struct disk *disk); /* every file must have been closed; takes NULL */
const char *disk_name(const struct disk *disk);

/* The power goes: files that are open then fail whatever is asked of them, and can only be closed. */
void disk_crash(struct disk *disk);
/* A copy as the worst crash would leave it: what is not synced is lost. */
struct disk *disk_aftermath(const struct disk *disk, const char *name);

/* The operation after this many that the trouble can befall fails once. */
void disk_trouble(struct disk *disk, enum disk_trouble trouble, int64_t operations);
/* Bytes that all files together may have; 0: no limit. Above it, writing fails with ENOSPC. */
void disk_limit(struct disk *disk, int64_t bytes);
void disk_spare(struct disk *disk, bool spare); /* meanwhile no trouble befalls it, and none comes nearer */
/* Room that is taken up and can be given back: 0, or ENOSPC. It stays when the power goes. */
int disk_set_reserve(struct disk *disk, int64_t bytes);
int64_t disk_reserve(const struct disk *disk);
bool disk_died(const struct disk *disk);                                   /* of DISK_DEATH */
int64_t disk_failures(const struct disk *disk, enum disk_trouble trouble); /* so far; DISK_FINE: ENOSPC */
int64_t disk_size(const struct disk *disk);
bool disk_log_synced(const struct disk *disk); /* a crash would lose nothing of SQLite's write-ahead log */

#endif
