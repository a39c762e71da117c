/* Finding the configuration. */
#include "app/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int copy_path(char *path, size_t size, struct err *err, const char *folder, const char *rest)
{
    int length = snprintf(path, size, "%s%s", folder, rest);
    if (length < 0 || (size_t)length >= size) {
        return err_set(err, ERR_TOO_BIG, "the path of the configuration is over %zu bytes", size - 1);
    }
    return 0;
}

/* The user's own file; an empty path when neither variable says where. The XDG Base Directory Specification
 * has relative paths ignored. */
static int user_file(char *path, size_t size, struct err *err)
{
    const char *config_home = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    path[0] = '\0';
    if (config_home != NULL && config_home[0] == '/') {
        return copy_path(path, size, err, config_home, "/jobsweep/jobsweep.yaml");
    }
    if (home != NULL && home[0] == '/') {
        return copy_path(path, size, err, home, "/.config/jobsweep/jobsweep.yaml");
    }
    return 0;
}

static int find_for_user(char *path, size_t size, struct err *err)
{
    if (access("jobsweep.yaml", F_OK) == 0) {
        return copy_path(path, size, err, "", "jobsweep.yaml");
    }
    if (user_file(path, size, err) != 0) {
        return -1;
    }
    if (path[0] != '\0' && access(path, F_OK) == 0) {
        return 0;
    }
    if (access(CONFIG_FILE_DEFAULT, F_OK) == 0) {
        return copy_path(path, size, err, "", CONFIG_FILE_DEFAULT);
    }
    return err_set(err, ERR_NOT_FOUND,
                   "no configuration: none of ./jobsweep.yaml, %s%s%s exists; name one with --config", path,
                   path[0] != '\0' ? ", " : "", CONFIG_FILE_DEFAULT);
}

int config_file_find(const char *explicit_path, bool system, char *path, size_t size, struct err *err)
{
    if (explicit_path != NULL) {
        return copy_path(path, size, err, "", explicit_path);
    }
    if (!system) {
        return find_for_user(path, size, err);
    }
    if (access(CONFIG_FILE_DEFAULT, F_OK) != 0) {
        return err_set(
            err, ERR_NOT_FOUND, "no configuration: %s does not exist; name one with --config%s",
            CONFIG_FILE_DEFAULT,
            access("jobsweep.yaml", F_OK) == 0 ? " (--config jobsweep.yaml for the one in this folder)" : "");
    }
    return copy_path(path, size, err, "", CONFIG_FILE_DEFAULT);
}
