/* See ledger/reserve.h. */
#include "ledger/reserve.h"

#include "base/mem.h"

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
    int fd;
    int64_t held;
    char *directory;
};

struct reserve *reserve_open(const char *directory, struct err *err)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/reserve", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &status) != 0) {
        err_set(err, ERR_IO, "'%s': %s", path, err_errno(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    struct reserve *reserve = mem_zalloc(sizeof *reserve);
    reserve->fd = fd;
    reserve->directory = mem_strdup(directory);
    return reserve;
}

void reserve_close(struct reserve *reserve)
{
    if (reserve == NULL) {
        return;
    }
    close(reserve->fd);
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
    int code = posix_fallocate(reserve->fd, 0, wanted); /* what an earlier process left is looked at, too */
    if (code != 0) {
        return err_set(err, ERR_IO, "no room for the ledger in '%s', %" PRId64 " MiB for the answers: %s",
                       reserve->directory, wanted / STEP_BYTES, err_errno(code));
    }
    reserve->held = wanted;
    return 0;
}

bool reserve_give(struct reserve *reserve)
{
    struct stat status;
    if (reserve == NULL || fstat(reserve->fd, &status) != 0 || status.st_size == 0) {
        return false;
    }
    int64_t left = status.st_size > STEP_BYTES ? status.st_size - STEP_BYTES : 0;
    reserve->held = 0;
    return ftruncate(reserve->fd, left) == 0;
}
