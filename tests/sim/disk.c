/* See sim/disk.h. The bytes are sim/disk_file.h's. Handles belong to an era; a crash begins a new one. */
#include "sim/disk.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "sim/disk_file.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX   8
#define SECTOR      512
#define SHM_REGIONS 64
/* Julian days of 1970-01-01, in milliseconds */
#define JULIAN_MS INT64_C(210866760000000)

struct shm { /* shared memory of the WAL's index: gone with the last handle or the power */
    int handles;
    void *regions[SHM_REGIONS];
};

struct disk {
    sqlite3_vfs vfs;
    char name[32];
    struct random random;
    struct disk_file files[FILES_MAX];
    int64_t limit, reserve;
    int era;
    enum disk_trouble trouble;
    int64_t operations_left;
    bool died, spared;
    int64_t failures[DISK_TROUBLE_COUNT];
};

struct handle {
    sqlite3_file base;
    struct disk *disk;
    struct disk_file *file;
    struct shm *shm;
    int era;
    bool delete_on_close;
};

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* --- trouble ---------------------------------------------------------------------------------------------
 */

/* Whether this operation fails: it is one that the trouble can befall. */
static bool befalls(struct handle *handle, enum disk_trouble trouble)
{
    struct disk *disk = handle->disk;
    if (handle->era != disk->era || disk->died) {
        return true;
    }
    if (disk->trouble != trouble || disk->spared || disk->operations_left-- > 0) {
        return false;
    }
    disk->failures[trouble]++;
    disk->trouble = DISK_FINE;
    return true;
}

static bool dies(struct handle *handle)
{
    if (handle->disk->trouble == DISK_DEATH && handle->era == handle->disk->era &&
        befalls(handle, DISK_DEATH)) {
        handle->disk->died = true;
    }
    return handle->disk->died;
}

int64_t disk_size(const struct disk *disk)
{
    int64_t size = disk->reserve;
    for (int i = 0; i < FILES_MAX; i++) {
        if (disk->files[i].exists) {
            size += (int64_t)disk->files[i].now.size;
        }
    }
    return size;
}

static bool is_full(struct disk *disk, const struct disk_file *file, int64_t end)
{
    int64_t more = end - (int64_t)file->now.size;
    if (disk->limit == 0 || more <= 0 || disk_size(disk) + more <= disk->limit) {
        return false;
    }
    disk->failures[DISK_FINE]++;
    return true;
}

/* --- a file's methods ------------------------------------------------------------------------------------
 */

static struct handle *handle_of(sqlite3_file *base)
{
    return (struct handle *)base;
}

static void drop_shm(struct shm *shm)
{
    if (!shm || --shm->handles > 0) {
        return;
    }
    for (int i = 0; i < SHM_REGIONS; i++) {
        free(shm->regions[i]);
    }
    free(shm);
}

static int on_shm_unmap(sqlite3_file *base, int delete)
{
    struct handle *handle = handle_of(base);
    (void)delete;
    if (handle->shm && handle->file->shm == handle->shm && handle->shm->handles == 1) {
        handle->file->shm = NULL;
    }
    drop_shm(handle->shm);
    handle->shm = NULL;
    return SQLITE_OK;
}

static int on_close(sqlite3_file *base)
{
    struct handle *handle = handle_of(base);
    on_shm_unmap(base, 0);
    if (handle->era != handle->disk->era) {
        return SQLITE_OK;
    }
    if (handle->file->poisoned) {
        disk_file_lose(handle->file, &handle->disk->random, false);
    }
    if (handle->delete_on_close) {
        handle->file->exists = false;
    }
    return SQLITE_OK;
}

static int on_read(sqlite3_file *base, void *data, int length, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    const struct bytes *now = &handle->file->now;
    if (dies(handle) || befalls(handle, DISK_READ_ERROR)) {
        return SQLITE_IOERR_READ;
    }
    int64_t there = offset < (int64_t)now->size ? smaller(length, (int64_t)now->size - offset) : 0;
    if (there > 0) {
        memcpy(data, now->data + offset, (size_t)there);
    }
    memset((char *)data + there, 0, (size_t)(length - there));
    return there == length ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *base, const void *data, int length, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    if (dies(handle) || befalls(handle, DISK_WRITE_ERROR)) {
        return SQLITE_IOERR_WRITE;
    }
    if (is_full(handle->disk, handle->file, offset + length)) {
        return SQLITE_FULL;
    }
    bool half = befalls(handle, DISK_SHORT_WRITE);
    disk_file_write(handle->file, data, offset, half ? length / 2 : length);
    return half ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

static int on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = handle_of(base);
    struct disk_file *file = handle->file;
    if (dies(handle) || befalls(handle, DISK_WRITE_ERROR)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    disk_file_resize(file, (size_t)size);
    return SQLITE_OK;
}

static int on_sync(sqlite3_file *base, int flags)
{
    struct handle *handle = handle_of(base);
    (void)flags;
    if (dies(handle)) {
        return SQLITE_IOERR_FSYNC;
    }
    if (befalls(handle, DISK_SYNC_ERROR)) {
        handle->file->poisoned = true;
        return SQLITE_IOERR_FSYNC;
    }
    if (!handle->file->poisoned) {
        disk_file_synced(handle->file);
    }
    handle->file->created_synced = true;
    return SQLITE_OK;
}

static int on_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
    struct handle *handle = handle_of(base);
    *size = (int64_t)handle->file->now.size;
    return handle->era == handle->disk->era ? SQLITE_OK : SQLITE_IOERR_FSTAT;
}

static int on_lock(sqlite3_file *base, int level)
{
    struct handle *handle = handle_of(base);
    (void)level;
    return handle->era == handle->disk->era ? SQLITE_OK : SQLITE_IOERR_LOCK;
}

static int on_unlock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int on_check_reserved(sqlite3_file *base, int *result)
{
    (void)base;
    *result = 0;
    return SQLITE_OK;
}

static int on_control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR;
}

static int on_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the system's: a torn write harms no neighbour */
}

static int on_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **memory)
{
    struct handle *handle = handle_of(base);
    *memory = NULL;
    if (handle->era != handle->disk->era || region >= SHM_REGIONS) {
        return SQLITE_IOERR_SHMMAP;
    }
    if (!handle->shm) {
        if (!handle->file->shm) {
            handle->file->shm = mem_zalloc(sizeof *handle->shm);
        }
        handle->shm = handle->file->shm;
        handle->shm->handles++;
    }
    if (!handle->shm->regions[region] && extend) {
        handle->shm->regions[region] = mem_zalloc((size_t)size);
    }
    *memory = handle->shm->regions[region];
    return SQLITE_OK;
}

/* One connection at a time has a file, so that nobody is in the way. */
static int on_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    struct handle *handle = handle_of(base);
    (void)offset;
    (void)count;
    return (flags & SQLITE_SHM_UNLOCK) || handle->era == handle->disk->era ? SQLITE_OK : SQLITE_IOERR_SHMLOCK;
}

static void on_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

static const sqlite3_io_methods METHODS = {.iVersion = 2,
                                           .xClose = on_close,
                                           .xRead = on_read,
                                           .xWrite = on_write,
                                           .xTruncate = on_truncate,
                                           .xSync = on_sync,
                                           .xFileSize = on_file_size,
                                           .xLock = on_lock,
                                           .xUnlock = on_unlock,
                                           .xCheckReservedLock = on_check_reserved,
                                           .xFileControl = on_control,
                                           .xSectorSize = on_sector_size,
                                           .xDeviceCharacteristics = on_characteristics,
                                           .xShmMap = on_shm_map,
                                           .xShmLock = on_shm_lock,
                                           .xShmBarrier = on_shm_barrier,
                                           .xShmUnmap = on_shm_unmap};

/* --- the disk's methods ----------------------------------------------------------------------------------
 */

static struct disk *disk_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static struct disk_file *find(struct disk *disk, const char *name)
{
    for (int i = 0; i < FILES_MAX; i++) {
        if (disk->files[i].exists && strcmp(disk->files[i].name, name) == 0) {
            return &disk->files[i];
        }
    }
    return NULL;
}

static struct disk_file *create(struct disk *disk, const char *name)
{
    for (int i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk->files[i];
        if (file->exists || file->shm) {
            continue;
        }
        text_copy(file->name, sizeof file->name, name);
        file->exists = true;
        file->created_synced = file->poisoned = false;
        file->now.size = 0;
        disk_file_synced(file);
        return file;
    }
    return NULL;
}

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *flags_out)
{
    struct disk *disk = disk_of(vfs);
    struct handle *handle = handle_of(base);
    memset(handle, 0, sizeof *handle);
    struct disk_file *file = name ? find(disk, name) : NULL;
    if (!file && (flags & SQLITE_OPEN_CREATE) && !disk->died) {
        file = create(disk, name ? name : "temporary");
    }
    if (!file) {
        return SQLITE_CANTOPEN;
    }
    *handle = (struct handle){.disk = disk, .file = file, .era = disk->era};
    handle->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    handle->base.pMethods = &METHODS;
    if (flags_out) {
        *flags_out = flags;
    }
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct disk *disk = disk_of(vfs);
    struct disk_file *file = find(disk, name);
    (void)sync;
    if (disk->died) {
        return SQLITE_IOERR_DELETE;
    }
    if (!file) {
        return SQLITE_IOERR_DELETE_NOENT;
    }
    file->exists = false;
    return SQLITE_OK;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    const struct disk_file *file = find(disk_of(vfs), name);
    *result = file && ((flags & SQLITE_ACCESS_READWRITE) || file->now.size > 0 || !flags);
    return SQLITE_OK;
}

static int on_full_path(sqlite3_vfs *vfs, const char *name, int room, char *path)
{
    (void)vfs;
    text_copy(path, (size_t)room, name);
    return SQLITE_OK;
}

static int on_random(sqlite3_vfs *vfs, int length, char *bytes)
{
    for (int i = 0; i < length; i++) {
        bytes[i] = (char)random_next(&disk_of(vfs)->random);
    }
    return length;
}

static int on_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int on_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ms)
{
    (void)vfs;
    *ms = JULIAN_MS;
    return SQLITE_OK;
}

static int on_time(sqlite3_vfs *vfs, double *days)
{
    (void)vfs;
    *days = (double)JULIAN_MS / 86400000.0;
    return SQLITE_OK;
}

static int on_last_error(sqlite3_vfs *vfs, int room, char *text)
{
    (void)vfs;
    (void)room;
    (void)text;
    return 0;
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct disk *disk_create(const char *name, uint64_t seed)
{
    struct disk *disk = mem_zalloc(sizeof *disk);
    text_copy(disk->name, sizeof disk->name, name);
    random_seed(&disk->random, seed);
    disk->vfs = (sqlite3_vfs){.iVersion = 2,
                              .szOsFile = (int)sizeof(struct handle),
                              .mxPathname = 90,
                              .zName = disk->name,
                              .pAppData = disk,
                              .xOpen = on_open,
                              .xDelete = on_delete,
                              .xAccess = on_access,
                              .xFullPathname = on_full_path,
                              .xRandomness = on_random,
                              .xSleep = on_sleep,
                              .xCurrentTime = on_time,
                              .xGetLastError = on_last_error,
                              .xCurrentTimeInt64 = on_time_ms};
    sqlite3_vfs_register(&disk->vfs, 1);
    sqlite3_randomness(0, NULL); /* seeds itself anew from the default VFS */
    return disk;
}

void disk_destroy(struct disk *disk)
{
    if (!disk) {
        return;
    }
    sqlite3_vfs_unregister(&disk->vfs);
    for (int i = 0; i < FILES_MAX; i++) {
        disk_file_finish(&disk->files[i]);
    }
    free(disk);
}

const char *disk_name(const struct disk *disk)
{
    return disk->name;
}

void disk_crash(struct disk *disk)
{
    disk->era++;
    disk->died = false;
    disk->trouble = DISK_FINE;
    for (int i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk->files[i];
        file->shm = NULL; /* whoever has it open frees it */
        if (file->exists) {
            disk_file_lose(file, &disk->random, false);
        }
    }
}

struct disk *disk_aftermath(const struct disk *disk, const char *name)
{
    struct disk *copy = disk_create(name, 0);
    for (int i = 0; i < FILES_MAX; i++) {
        const struct disk_file *file = &disk->files[i];
        struct disk_file *to = &copy->files[i];
        if (!file->exists) {
            continue;
        }
        disk_file_copy(to, file);
        disk_file_lose(to, &copy->random, true);
    }
    return copy;
}

void disk_trouble(struct disk *disk, enum disk_trouble trouble, int64_t operations)
{
    disk->trouble = trouble;
    disk->operations_left = operations;
}

void disk_limit(struct disk *disk, int64_t bytes)
{
    disk->limit = bytes;
}

int disk_set_reserve(struct disk *disk, int64_t bytes)
{
    if (disk->died) {
        return EIO;
    }
    if (disk->limit != 0 && bytes > disk->reserve && disk_size(disk) + bytes - disk->reserve > disk->limit) {
        disk->failures[DISK_FINE]++;
        return ENOSPC;
    }
    disk->reserve = bytes;
    return 0;
}

int64_t disk_reserve(const struct disk *disk)
{
    return disk->reserve;
}

void disk_spare(struct disk *disk, bool spare)
{
    disk->spared = spare;
}

bool disk_died(const struct disk *disk)
{
    return disk->died;
}

int64_t disk_failures(const struct disk *disk, enum disk_trouble trouble)
{
    return disk->failures[trouble];
}

bool disk_log_synced(const struct disk *disk)
{
    for (int i = 0; i < FILES_MAX; i++) {
        if (disk->files[i].exists && strstr(disk->files[i].name, "-wal") && disk->files[i].change_count > 0) {
            return false;
        }
    }
    return true;
}
