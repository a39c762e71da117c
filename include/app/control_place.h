/* Where the daemon's control socket is: for the daemon that makes it, and for who wants to talk to it. */
#ifndef APP_CONTROL_PLACE_H
#define APP_CONTROL_PLACE_H

#include "base/err.h"
#include "policy/policy.h"

#include <limits.h>
#include <stdbool.h>

/* control.socket; where that is not given, control.sock in /run/jobsweep ($RUNTIME_DIRECTORY) if the state is
 * in the system's directory, else in the state directory. SOCKET_NONE where none is wanted. -1 with
 * ERR_TOO_BIG, or as state_directory_find(). */
int control_place(const struct config *config, char path[SOCKET_PATH_MAX + 1], struct err *err);

/* How to reach the daemon. */
struct control_way {
    char socket[SOCKET_PATH_MAX + 1];
    char state[PATH_MAX]; /* the state directory; "": not known */
    bool guessed;         /* the configuration cannot be read at all, and may name another socket */
};

/* The socket that is named, or the one of the configuration, whatever is wrong with that otherwise; both may
 * be NULL (config_file_find()). -1 with ERR_INVALID: none is wanted; else as the two above. */
int control_way_find(struct control_way *way, const char *socket, const char *config_path, struct err *err);

#endif
