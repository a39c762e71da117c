/* Where the ledger is kept. */
#ifndef APP_STATE_DIRECTORY_H
#define APP_STATE_DIRECTORY_H

#include "base/err.h"
#include "policy/policy.h"

#include <stddef.h>

#define STATE_DIRECTORY_SYSTEM "/var/lib/jobsweep"

/* config's state_directory; else the system's where config is the system's (CONFIG_FILE_DEFAULT); else
 * $XDG_STATE_HOME/jobsweep (~/.local/state by default). -1 with ERR_NOT_FOUND when nothing says where,
 * ERR_TOO_BIG for a path that is too long. */
int state_directory_find(const struct config *config, char *path, size_t size, struct err *err);

/* The same for an engine: makes it, with mode 0700, unless it is there; the user's own with what leads to it.
 * -1 also with ERR_IO, ERR_NOT_FOUND or ERR_PERMISSION, the latter for one that others can write, too. */
int state_directory_make(const struct config *config, char *path, size_t size, struct err *err);

#endif
