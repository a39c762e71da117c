/* What the manual says of policies that must see executions together (keep rules, limits.per_thing, order),
 * applied to all rows of one listing at once, sorted in memory: the second opinion on engine/sieve and
 * policy/keep, of which nothing is called here. Calendars are UTC's. */
#ifndef SIM_KEPT_H
#define SIM_KEPT_H

#include "model/job_execution.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kept_row {
    struct job_execution execution;
    bool counts;   /* the policy holds for it whatever its age: rules_ignore() has no word */
    bool goes;     /* it would go, if no keep rule held: rules_keep() */
    bool surely;   /* it would have gone before anything was listed: rules_keep() by that moment */
    bool selected; /* it was */
    bool kept;     /* kept_mark(): a keep rule holds */
};

struct kept { /* zeroed memory is empty */
    struct kept_row *rows;
    size_t count, room;
};

bool kept_needed(const struct policy *policy);
void kept_add(struct kept *kept, const struct kept_row *row);
/* Fills in `kept` of all rows, by the policy's rules at this moment. */
void kept_mark(struct kept *kept, const struct policy *policy, int64_t service_ms);
/* After kept_mark(), of a whole listing: what of the selection is wrong, and the row; NULL when nothing is.
 * For the one kept_mark() was told of a moment not before the listing's end, for the other not after its
 * beginning. */
const char *kept_flaw(const struct kept *kept, const struct policy *policy, const struct kept_row **row);
const char *kept_missing(const struct kept *kept, const struct policy *policy, const struct kept_row **row);
void kept_finish(struct kept *kept); /* empty again */

#endif
