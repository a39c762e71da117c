/* The daemon's metrics: counted as app/metrics.h has it, looked at when somebody asks, and served where the
 * configuration says. */
#ifndef APP_MONITOR_H
#define APP_MONITOR_H

#include "app/metrics.h"
#include "app/runner.h"
#include "app/world.h"
#include "base/err.h"
#include "policy/policy.h"

struct monitor;

struct monitor *monitor_create(struct world *world);
void monitor_destroy(struct monitor *monitor); /* takes NULL; its memory goes with a turn of the loop */

struct metrics *monitor_metrics(const struct monitor *monitor);
void monitor_watch(struct monitor *monitor, const struct runner *runner); /* NULL: no more */

/* Listens where this configuration says, besides where it does already. -1 with the errors of
 * metrics_server_create(). One of the two below follows, unless it failed. */
int monitor_prepare(struct monitor *monitor, const struct config *config, struct err *err);
/* The configuration is in force: it listens nowhere else any more, and counts by it. */
void monitor_commit(struct monitor *monitor, const struct config *config);
void monitor_abandon(struct monitor *monitor); /* all is as before */

#endif
