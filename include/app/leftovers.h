/* Runs that an earlier process began and did not end: found in the ledger at the start, and made into runs
 * for the runner, which brings them to their end before anything new begins where they were. */
#ifndef APP_LEFTOVERS_H
#define APP_LEFTOVERS_H

#include "app/runner.h"
#include "base/err.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stddef.h>

struct leftovers;

/* Asks the ledger. found() comes once, from the loop. */
struct leftovers *leftovers_find(struct ledger *ledger, void (*found)(void *owner), void *owner);
/* After found(), when no run made from it is in a runner. Takes NULL. */
void leftovers_destroy(struct leftovers *leftovers);

const struct err *
leftovers_err(const struct leftovers *leftovers); /* ERR_NONE, or why the ledger said nothing */
size_t leftovers_count(const struct leftovers *leftovers);
const struct run_header *leftovers_header(const struct leftovers *leftovers, size_t index);

/* Fills what is asked of a run: config, policy, target, resumed, until_ms; the rest stays. The policy is
 * config's where it is still there for that target, else one of the same name that deletes nothing: what may
 * have been sent is settled all the same. Rows that were given have no such policy, nor has a plan from a
 * file that expired before now_ms: nothing more of them is sent. -1 with ERR_NOT_FOUND when config has no
 * target in the run's account and region: then it is left open. */
int leftovers_fill(struct leftovers *leftovers, size_t index, struct config *config, int64_t now_ms,
                   struct run *run, struct err *err);

#endif
