/* See app/control_place.h. */
#include "app/control_place.h"

#include "app/state_directory.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
