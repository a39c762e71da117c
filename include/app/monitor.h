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

/* Listens where this configuration says, and no longer where it does not. -1 with the errors of
 * metrics_server_create(): then all is as before. */
int monitor_configure(struct monitor *monitor, const struct config *config, struct err *err);

#endif
