/* What the daemon logs and how: its options, and where they say nothing `log` of the configuration. */
#ifndef APP_LOGGING_H
#define APP_LOGGING_H

#include "app/options.h"
#include "policy/diagnostics.h"
#include "policy/policy.h"

/* config: NULL while there is none. */
void logging_set_up(const struct options *options, const struct config *config);
/* What is wrong with a configuration: events where lines are JSON, else as diagnostics_print(). */
void logging_diagnostics(const struct diagnostics *diagnostics);

#endif
