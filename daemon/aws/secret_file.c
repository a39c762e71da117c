/* See aws/secret_file.h. Names are compared by the files that they lead to, never as text. */
#include "aws/secret_file.h"

#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool closed_to_others(const struct stat *status)
{
    return (status->st_mode & (S_IRWXO | S_IWGRP)) == 0 &&
           (status->st_uid == 0 || status->st_uid == geteuid());
}

/* Splits the path behind its folder; NULL when it names no file in a folder. */
static const char *split(const char *path, char *folder, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash[1] == '\0' || !text_copy(folder, size, path)) {
        return NULL;
    }
    folder[slash == path ? 1 : slash - path] = '\0';
    return slash + 1;
}

static bool passed_by_manager(const char *path, const struct stat *opened)
{
    const char *given = getenv("CREDENTIALS_DIRECTORY");
    char folder[PATH_MAX];
    struct stat directory, parent, entry;
    const char *name = split(path, folder, sizeof folder);
    if (given == NULL || given[0] != '/' || name == NULL || lstat(given, &directory) != 0 ||
        !S_ISDIR(directory.st_mode) || stat(folder, &parent) != 0 || !same_file(&directory, &parent)) {
        return false;
    }
    /* lstat() of a symbolic link is the link, and no longer the file that was opened. */
    return lstat(path, &entry) == 0 && same_file(&entry, opened) && opened->st_nlink == 1 &&
           closed_to_others(&directory) && closed_to_others(opened);
}

int secret_file_check(const char *path, int fd, struct err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return err_set(err, ERR_INVALID, "%s: not a regular file", path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0 || passed_by_manager(path, &status)) {
        return 0;
    }
    return err_set(err, ERR_PERMISSION, "%s: others may read this file (mode %04o); run: chmod 600 %s", path,
                   (unsigned)(status.st_mode & 07777), path);
}
