/* What `jobsweep plan` and `jobsweep sweep` do with a selection: run it, show how far it is, print what came
 * of it, and make one exit status of all. Interrupted once it settles what was sent; twice, it hurries. */
#ifndef APP_SESSION_H
#define APP_SESSION_H

#include "app/exit_status.h"
#include "app/options.h"
#include "app/selection.h"
#include "policy/policy.h"

/* Runs every pair; with plan_only, and where a pair does not delete, it is only planned. The caller keeps
 * config and selection. */
enum exit_status session_run(const struct options *options, struct config *config,
                             const struct selection *selection, bool plan_only);

#endif
