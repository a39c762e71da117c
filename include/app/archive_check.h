/* What `check` finds of the directories that policies archive into. */
#ifndef APP_ARCHIVE_CHECK_H
#define APP_ARCHIVE_CHECK_H

#include "policy/diagnostics.h"
#include "policy/policy.h"

/* Adds warnings, one for each directory: the machine that deletes may be another. What would lie in a state
 * directory that does not exist yet is fine. */
void archive_check(const struct config *config, struct diagnostics *diagnostics);

#endif
