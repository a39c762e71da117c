/* Reading the configuration: files to a checked struct config, or to diagnostics. */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "base/err.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFIG_FILE_MAX  (1024 * 1024)
#define CONFIG_DEPTH_MAX 32
#define CONFIG_NODES_MAX 10000

/* Reads path and every *.yaml of the folder policies.d beside it (in the order of their names). All or
 * nothing: NULL when there was any error; diagnostics then say all of them. Warnings alone do not fail. The
 * caller owns one reference. Refuses what others can write, and anything but regular files. */
struct config *config_load(const char *path, struct diagnostics *diagnostics);

/* The same from text that is in memory already, as one file of this name: for tests and fuzzing. */
struct config *config_load_text(const char *name, const char *text, size_t length,
                                struct diagnostics *diagnostics);

/* What the main file says of the program itself (state_directory, control), whatever is wrong with it
 * otherwise: for who has to find a daemon that may have refused the file. No targets, no policies. Where the
 * file cannot be read at all (*readable: false) it is as if it said nothing. */
struct config *config_peek(const char *path, bool *readable);

#endif
