/* See policy/source.h. */
#include "policy/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#define CHUNK 65536

int source_check_owner(const struct stat *stat, struct err *err)
{
    if (stat->st_uid != 0 && stat->st_uid != geteuid()) {
        return err_set(err, ERR_PERMISSION, "belongs to user %u: only root or user %u may own it",
                       (unsigned)stat->st_uid, (unsigned)geteuid());
    }
    if ((stat->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return err_set(err, ERR_PERMISSION, "can be written by %s (mode %04o): use chmod go-w",
                       (stat->st_mode & S_IWOTH) != 0 ? "everybody" : "its group",
                       (unsigned)stat->st_mode & 07777u);
    }
    return 0;
}

static int refuse_open(struct err *err)
{
    if (errno == ELOOP) {
        return err_set(err, ERR_PERMISSION, "is a symbolic link: only files and folders themselves are read");
    }
    return err_set(err,
                   errno == ENOENT   ? ERR_NOT_FOUND
                   : errno == EACCES ? ERR_PERMISSION
                                     : ERR_IO,
                   "cannot be opened: %s", err_errno(errno));
}

int source_open(struct source *source, int folder, const char *name, struct err *err)
{
    /* Without O_NONBLOCK the opening of a FIFO would wait for a writer. */
    source->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (source->fd < 0) {
        return refuse_open(err);
    }
    if (fstat(source->fd, &source->before) != 0) {
        err_set(err, ERR_IO, "cannot be read: %s", err_errno(errno));
    } else if (!S_ISREG(source->before.st_mode)) {
        err_set(err, ERR_PERMISSION, "is no regular file");
    } else if (source_check_owner(&source->before, err) == 0) {
        return 0;
    }
    close(source->fd);
    return -1;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int read_all(int fd, struct buf *out, struct err *err)
{
    char chunk[CHUNK];
    for (;;) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0) {
            return 0;
        }
        if (got < 0 && errno != EINTR) {
            return err_set(err, ERR_IO, "cannot be read: %s", err_errno(errno));
        }
        if (got > 0 && !buf_append(out, chunk, (size_t)got)) {
            return err_set(err, ERR_TOO_BIG, "is larger than %zu bytes", out->max);
        }
    }
}

int source_close(struct source *source, struct err *err)
{
    struct stat after;
    struct err ignored, *why = err != NULL ? err : &ignored;
    const struct stat *before = &source->before;
    int result = 0;
    if (fstat(source->fd, &after) != 0) {
        result = err_set(why, ERR_IO, "cannot be read: %s", err_errno(errno));
    } else if (after.st_size != before->st_size || !same_time(&after.st_mtim, &before->st_mtim) ||
               !same_time(&after.st_ctim, &before->st_ctim)) {
        result = err_set(why, ERR_INVALID, "changed while it was read");
    }
    close(source->fd);
    return result;
}

int source_read(struct source *source, struct buf *out, struct err *err)
{
    size_t before = out->length;
    int result = read_all(source->fd, out, err);
    if (source_close(source, result == 0 ? err : NULL) != 0 || result != 0) {
        return -1;
    }
    return out->length - before == (size_t)source->before.st_size
               ? 0
               : err_set(err, ERR_INVALID, "changed while it was read");
}

int source_open_folder(const char *path, struct err *err)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        /* With O_DIRECTORY a symbolic link is ENOTDIR. */
        return errno == ENOTDIR ? err_set(err, ERR_PERMISSION, "is no folder (links are not followed)")
                                : refuse_open(err);
    }
    int result = fstat(fd, &stat) == 0 ? source_check_owner(&stat, err)
                                       : err_set(err, ERR_IO, "cannot be read: %s", err_errno(errno));
    if (result != 0) {
        close(fd);
        return -1;
    }
    return fd;
}
