/* What the ledger in memory keeps of graces: sorted arrays. A run makes a new one beside the old, which
 * takes its place when the run counts. */
#ifndef LEDGER_MEMORY_GRACE_H
#define LEDGER_MEMORY_GRACE_H

#include "model/ledger.h"

#include <stdbool.h>

struct memory_graces; /* NULL: nothing is kept */

/* LEDGER_GRACES and LEDGER_COUNT_GRACES. false: out of order. */
bool memory_graces_walk(struct memory_graces **graces, struct ledger_request *request);
bool memory_graces_count(struct memory_graces **graces, const struct ledger_request *request);
/* What is kept of the policy in the account and region goes. */
void memory_graces_forget(struct memory_graces **graces, const struct run_header *header);
void memory_graces_finish(struct memory_graces **graces);

#endif
