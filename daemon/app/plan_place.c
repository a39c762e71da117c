/* See app/plan_place.h. */
#include "app/plan_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char BEGINNING[] = "{\"jobsweep_plan\":";

/* Of a regular file: whether it may go. */
static bool is_ours(const char *path, struct err *err)
{
    char begins[sizeof BEGINNING - 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, begins, sizeof begins) : -1;
    int why = errno;
    if (fd >= 0) {
        close(fd);
    }
    if (length < 0) {
        err_set(err, ERR_IO, "%s: %s", path, err_errno(why));
        return false;
    }
    if (length == 0 || (length == sizeof begins && memcmp(begins, BEGINNING, sizeof begins) == 0)) {
        return true;
    }
    err_set(err, ERR_INVALID, "%s exists and is no plan of jobsweep: it is not replaced", path);
    return false;
}

static int try_to_make(const char *path, struct err *err)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary) {
        return err_set(err, ERR_TOO_BIG, "the path of the plan is over %zu bytes", sizeof temporary - 8);
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", path, err_errno(errno));
    }
    close(fd);
    unlink(temporary);
    return 0;
}

int plan_place_check(const char *path, struct err *err)
{
    struct stat status;
    if (strcmp(path, "-") == 0 || path[0] == '\0') {
        return err_set(err, ERR_INVALID, "--output takes the name of a file, not \"%s\"", path);
    }
    if (stat(path, &status) == 0) {
        if (!S_ISREG(status.st_mode)) {
            return err_set(err, ERR_INVALID, "%s is no regular file: it is not replaced", path);
        }
        if (!is_ours(path, err)) {
            return -1;
        }
    }
    return try_to_make(path, err);
}
