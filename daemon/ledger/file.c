/* See ledger/file.h. */
#include "ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
