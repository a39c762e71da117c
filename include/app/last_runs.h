/* The last run of each policy in each target, as the ledger knows it: what a daemon that has just begun can
 * tell. */
#ifndef APP_LAST_RUNS_H
#define APP_LAST_RUNS_H

#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>

struct last_runs;

/* found() comes for each pair that has run, with the answer to LEDGER_LAST_RUN, until it returns false or the
 * ledger fails; done() last, both from the loop. config is referred to until the end. NULL, and no done(),
 * where there is no pair. */
struct last_runs *last_runs_start(struct ledger *ledger, struct config *config,
                                  bool (*found)(void *owner, const char *policy, const char *target,
                                                const struct ledger_request *last),
                                  void (*done)(void *owner), void *owner);
void last_runs_destroy(struct last_runs *last_runs); /* after done() only, also from inside; takes NULL */

#endif
