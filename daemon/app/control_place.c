/* See app/control_place.h. */
#include "app/control_place.h"

#include "app/config_file.h"
#include "app/state_directory.h"
#include "base/text.h"
#include "policy/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNTIME_DIRECTORY_SYSTEM "/run/jobsweep"

static const char *runtime_directory(void)
{
    const char *given = getenv("RUNTIME_DIRECTORY"); /* several are separated by colons */
    bool usable = given != NULL && given[0] == '/' && strchr(given, ':') == NULL;
    return usable ? given : RUNTIME_DIRECTORY_SYSTEM;
}

int control_place(const struct config *config, char path[SOCKET_PATH_MAX + 1], struct err *err)
{
    char state[PATH_MAX];
    if (config->control_socket != NULL) {
        text_copy(path, SOCKET_PATH_MAX + 1, config->control_socket); /* its length was checked */
        return 0;
    }
    if (state_directory_find(config, state, sizeof state, err) != 0) {
        return -1;
    }
    const char *folder = strcmp(state, STATE_DIRECTORY_SYSTEM) == 0 ? runtime_directory() : state;
    int length = snprintf(path, SOCKET_PATH_MAX + 1, "%s/control.sock", folder);
    if (length < 0 || length > SOCKET_PATH_MAX) {
        return err_set(err, ERR_TOO_BIG,
                       "the path of the control socket, in %s, is over %d bytes: set control.socket", folder,
                       SOCKET_PATH_MAX);
    }
    return 0;
}

/* The state directory in any case, if it can be known. */
static int look_up(struct control_way *way, const char *file, bool named, struct err *err)
{
    struct err ignored;
    bool readable;
    struct config *config = config_peek(file, &readable);
    way->guessed = !readable && !named;
    if (state_directory_find(config, way->state, sizeof way->state, &ignored) != 0) {
        way->state[0] = '\0';
    }
    int result = named ? 0 : control_place(config, way->socket, err);
    config_unref(config);
    if (result == 0 && !named && strcmp(way->socket, SOCKET_NONE) == 0) {
        return err_set(err, ERR_INVALID, "%s wants no control socket (control.socket)", file);
    }
    return result;
}

int control_way_find(struct control_way *way, const char *socket, const char *config_path, struct err *err)
{
    char file[PATH_MAX];
    *way = (struct control_way){0};
    if (socket != NULL && !text_copy(way->socket, sizeof way->socket, socket)) {
        return err_set(err, ERR_TOO_BIG, "--socket: a path of %d bytes at most", SOCKET_PATH_MAX);
    }
    if (config_file_find(config_path, geteuid() == 0, file, sizeof file, err) != 0) {
        return socket != NULL ? 0 : -1;
    }
    return look_up(way, file, socket != NULL, err);
}
