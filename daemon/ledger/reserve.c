/* See ledger/reserve.h. */
#include "ledger/reserve.h"

#include "base/mem.h"
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A result changes a page of 4 KiB of its own at worst, and again one when that is full; a transaction's
 * other pages (the run, the chain's end, what lies above in the tree) are written again with each. */
#define RESULT_BYTES 8192
#define STEP_BYTES   (1024 * 1024) /* what is taken and given back at a time; the first is for those others */

struct reserve {
    struct reserve_disk disk;
    int fd; /* the system's disk */
    int64_t held, least;
    char *directory;
};

static int64_t file_size(void *ctx)
{
    const struct reserve *reserve = ctx;
    struct stat status;
    return fstat(reserve->fd, &status) == 0 ? status.st_size : 0;
}

static int resize_file(void *ctx, int64_t bytes)
{
    const struct reserve *reserve = ctx;
    if (bytes < file_size(ctx)) {
        return ftruncate(reserve->fd, bytes) == 0 ? 0 : errno;
    }
    return posix_fallocate(reserve->fd, 0, bytes); /* what an earlier process left is looked at, too */
}

static int open_file(struct reserve *reserve, struct err *err)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/reserve", reserve->directory);
    reserve->fd = file_open(path);
    reserve->disk = (struct reserve_disk){.ctx = reserve, .size = file_size, .resize = resize_file};
    return reserve->fd >= 0 ? 0 : err_set(err, ERR_IO, "'%s': %s", path, err_errno(errno));
}

struct reserve *reserve_open(const char *directory, const struct reserve_disk *disk, bool left_open,
                             struct err *err)
{
    struct reserve *reserve = mem_zalloc(sizeof *reserve);
    reserve->fd = -1;
    reserve->directory = mem_strdup(directory);
    if (disk != NULL) {
        reserve->disk = *disk;
    } else if (open_file(reserve, err) != 0) {
        reserve_close(reserve);
        return NULL;
    }
    reserve->least = left_open ? reserve->disk.size(reserve->disk.ctx) : 0;
    return reserve;
}

void reserve_close(struct reserve *reserve)
{
    if (reserve == NULL) {
        return;
    }
    if (reserve->fd >= 0) {
        close(reserve->fd);
    }
    free(reserve->directory);
    free(reserve);
}

int reserve_grow(struct reserve *reserve, size_t results, struct err *err)
{
    int64_t wanted = (int64_t)results * RESULT_BYTES + 2 * STEP_BYTES - 1;
    wanted -= wanted % STEP_BYTES;
    if (wanted <= reserve->held) {
        return 0;
    }
    wanted = reserve->least > wanted ? reserve->least : wanted;
    int code = reserve->disk.resize(reserve->disk.ctx, wanted);
    if (code != 0) {
        return err_set(err, ERR_IO, "no room for the ledger in '%s', %" PRId64 " MiB for the answers: %s",
                       reserve->directory, wanted / STEP_BYTES, err_errno(code));
    }
    reserve->held = wanted;
    return 0;
}

bool reserve_give(struct reserve *reserve)
{
    int64_t size = reserve != NULL ? reserve->disk.size(reserve->disk.ctx) : 0;
    if (size == 0) {
        return false;
    }
    reserve->held = 0;
    return reserve->disk.resize(reserve->disk.ctx, size > STEP_BYTES ? size - STEP_BYTES : 0) == 0;
}
