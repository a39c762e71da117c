/* Finding and reading the configuration for a program. */
#ifndef APP_CONFIG_FILE_H
#define APP_CONFIG_FILE_H

#include "base/err.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_DEFAULT "/etc/jobsweep/jobsweep.yaml"

/* Where the configuration is: explicit_path when it is not NULL. Otherwise, for the system (the daemon, and
 * root), CONFIG_FILE_DEFAULT; for anybody else the first that exists of ./jobsweep.yaml,
 * $XDG_CONFIG_HOME/jobsweep/jobsweep.yaml (~/.config by default) and CONFIG_FILE_DEFAULT. -1 with
 * ERR_NOT_FOUND: none exists, and where it was looked for; ERR_TOO_BIG: a path is too long. */
int config_file_find(const char *explicit_path, bool system, char *path, size_t size, struct err *err);

#endif
