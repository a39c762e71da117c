/* Reading a file that decides about deletions: only a regular file, only one that nobody else can write, and
 * only if it stands still meanwhile. */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/stat.h>

struct source {
    int fd;
    struct stat before; /* as it was when it was opened */
};

/* folder: a descriptor that name is relative to, or AT_FDCWD. Refuses symbolic links, everything but regular
 * files, owners other than root and the user, and files that group or others can write. Returns -1 with
 * ERR_NOT_FOUND, ERR_PERMISSION or ERR_IO. */
int source_open(struct source *source, int folder, const char *name, struct err *err);
/* Appends the content and closes. -1 with ERR_IO, with ERR_TOO_BIG when out is full, with ERR_INVALID when
 * the file has changed since it was opened. */
int source_read(struct source *source, struct buf *out, struct err *err);

/* Closes what somebody else has read from its descriptor. -1 with ERR_IO, with ERR_INVALID when the file has
 * changed since it was opened; err may be NULL. */
int source_close(struct source *source, struct err *err);

/* The rule about owners and modes alone, for who opens by other rules. -1 with ERR_PERMISSION. */
int source_check_owner(const struct stat *stat, struct err *err);
/* The same rules for a folder: a descriptor that the caller closes, or -1. */
int source_open_folder(const char *path, struct err *err);

#endif
