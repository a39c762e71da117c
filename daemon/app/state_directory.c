/* Where the ledger is kept. */
#include "app/state_directory.h"

#include "app/config_file.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int copy_path(char *path, size_t size, struct err *err, const char *folder, const char *rest)
{
    int length = snprintf(path, size, "%s%s", folder, rest);
    if (length < 0 || (size_t)length >= size) {
        return err_set(err, ERR_TOO_BIG, "the path of the state directory is over %zu bytes", size - 1);
    }
    return 0;
}

static bool is_systems(const struct config *config)
{
    return config->file_count > 0 && strcmp(config->files[0], CONFIG_FILE_DEFAULT) == 0;
}

int state_directory_find(const struct config *config, char *path, size_t size, struct err *err)
{
    const char *state_home = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (config->state_directory != NULL) {
        return copy_path(path, size, err, config->state_directory, "");
    }
    if (is_systems(config)) {
        return copy_path(path, size, err, STATE_DIRECTORY_SYSTEM, "");
    }
    if (state_home != NULL && state_home[0] == '/') {
        return copy_path(path, size, err, state_home, "/jobsweep");
    }
    if (home != NULL && home[0] == '/') {
        return copy_path(path, size, err, home, "/.local/state/jobsweep");
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no state directory: set state_directory in the configuration, or HOME");
}

static int make_one(const char *path, struct err *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return 0;
    }
    enum err_code code = errno == ENOENT || errno == ENOTDIR                   ? ERR_NOT_FOUND
                         : errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION
                                                                               : ERR_IO;
    return err_set(err, code, "state directory '%s': %s", path, err_errno(errno));
}

/* Only below the user's own home: a mistake in a configured path must not begin a ledger somewhere new. */
static int make_parents(const char *path, struct err *err)
{
    char part[PATH_MAX];
    struct stat status;
    text_copy(part, sizeof part, path);
    for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(part, &status) != 0 && make_one(part, err) != 0) {
            return -1;
        }
        *slash = '/';
    }
    return 0;
}

/* Whoever can write there can put another ledger in the place of this one. */
static int check_writers(const char *path, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) {
        return 0; /* what is wrong otherwise shows when the ledger is opened */
    }
    return err_set(err, ERR_PERMISSION, "state directory '%s' can be written by %s (chmod go-w)", path,
                   (status.st_mode & S_IWOTH) != 0 ? "everybody" : "its group");
}

int state_directory_make(const struct config *config, char *path, size_t size, struct err *err)
{
    bool own = config->state_directory == NULL && !is_systems(config);
    if (state_directory_find(config, path, size, err) != 0 || (own && make_parents(path, err) != 0)) {
        return -1;
    }
    return make_one(path, err) != 0 ? -1 : check_writers(path, err);
}
