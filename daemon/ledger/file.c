/* See ledger/file.h. */
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW)

static int give_to_owner(int fd, const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    struct stat status;
    if (slash != NULL && (size_t)(slash - path) < sizeof folder - 1) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    return stat(folder, &status) != 0 ? -1 : fchown(fd, status.st_uid, status.st_gid);
}

int file_open(const char *path)
{
    int fd = open(path, FLAGS | O_CREAT | O_EXCL, 0600);
    if (fd < 0) {
        return errno == EEXIST ? open(path, FLAGS) : -1;
    }
    if (geteuid() != 0 || give_to_owner(fd, path) == 0) {
        return fd;
    }
    int why = errno;
    unlink(path);
    close(fd);
    errno = why;
    return -1;
}

/* Not every file system has such files; there it has a name for a moment. */
int file_open_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/jobsweep-XXXXXX", folder);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) || length < 0 ||
        (size_t)length >= sizeof path) {
        return fd;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}
