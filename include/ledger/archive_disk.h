/* The few things that the archive does with a disk: the system's, or a test's. */
#ifndef LEDGER_ARCHIVE_DISK_H
#define LEDGER_ARCHIVE_DISK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive_disk {
    void *ctx;
    /* Creates the file, for its owner alone, and makes its name durable. The file, or -1 with err: ERR_LOCKED
     * when there is one of that name, else ERR_ARCHIVE. */
    int (*create)(void *ctx, const char *directory, const char *name, struct err *err);
    ssize_t (*write)(void *ctx, int file, const void *bytes, size_t length); /* as write(2), at the end */
    int (*sync)(void *ctx, int file);                                        /* 0, or -1 with errno */
    int (*cut)(void *ctx, int file, int64_t length); /* back to this length, if it can be: 0, or -1 */
    void (*close)(void *ctx, int file);
};

/* The directory is made with mode 0700 where it is missing, but not its parents. One that others can write,
 * that belongs to somebody else or that is a symbolic link is refused. What root makes belongs to whoever has
 * the folder that it is made in, so that a service which is not root can go on there. */
const struct archive_disk *archive_disk_system(void);

/* Whether this user could archive there, as far as can be seen without a change. -1 with ERR_NOT_FOUND: what
 * it would be made in is missing; else ERR_ARCHIVE. */
int archive_disk_look(const char *directory, struct err *err);

#endif
