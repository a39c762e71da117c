/* What was missed while the daemon was down: for each policy with `catch_up: once`, in each of its targets,
 * whether a firing lies between its last run, as the ledger knows it, and now. One that never ran has missed
 * nothing. */
#ifndef APP_CATCH_UP_H
#define APP_CATCH_UP_H

#include "model/ledger.h"
#include "policy/policy.h"

#include <stdint.h>

struct catch_up;

/* missed() comes for each such pair; done() last, both from the loop. A ledger that fails misses nothing.
 * config is referred to until the end. NULL, and no done(), where no policy wants it. */
struct catch_up *catch_up_start(struct ledger *ledger, struct config *config, int64_t now_ms,
                                void (*missed)(void *owner, const char *policy, const char *target,
                                               int64_t due_ms),
                                void (*done)(void *owner), void *owner);
void catch_up_destroy(struct catch_up *catch_up); /* after done() only, also from inside; takes NULL */

#endif
