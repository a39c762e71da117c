/* Where the daemon's control socket is: for the daemon that makes it, and for who wants to talk to it. */
#ifndef APP_CONTROL_PLACE_H
#define APP_CONTROL_PLACE_H

#include "base/err.h"
#include "policy/policy.h"

/* control.socket; where that is not given, control.sock in /run/jobsweep ($RUNTIME_DIRECTORY) if the state is
 * in the system's directory, else in the state directory. SOCKET_NONE where none is wanted. -1 with
 * ERR_TOO_BIG, or as state_directory_find(). */
int control_place(const struct config *config, char path[SOCKET_PATH_MAX + 1], struct err *err);

#endif
