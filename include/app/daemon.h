/* jobsweepd: loads the configuration, sweeps by the policies' schedules, obeys signals, tells the service
 * manager. */
#ifndef APP_DAEMON_H
#define APP_DAEMON_H

#include "app/exit_status.h"
#include "app/options.h"

/* Runs until SIGTERM or SIGINT (with options->once: until every policy was swept once in each of its
 * targets). SIGHUP loads the configuration again; a broken one is told and changes nothing. */
enum exit_status daemon_run(const struct options *options);

#endif
