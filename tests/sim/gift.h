/* Rows that are given to a sweep instead of listed: those of a plan, which have fingerprints and end with the
 * plan's expiry, or those that a person names, of whom some are gone or never were. */
#ifndef SIM_GIFT_H
#define SIM_GIFT_H

#include "engine/given.h"
#include "policy/policy.h"
#include "sim/sim.h"

struct gift {
    struct row_source source;
    struct plan_row *rows;
    size_t count, next;
    int64_t until_ms;                /* of a plan; 0: none */
    char origin[RUN_ORIGIN_MAX + 1]; /* for the ledger */
    struct policy named;             /* what stands behind rows that a person named */
    struct gift *older;              /* the site's */
};

/* policy: the rows of a plan of it; NULL: a person's. May be empty. */
struct gift *gift_draw(const struct site *site, struct random *random, const struct policy *policy);
void gifts_destroy(struct gift *latest); /* and all that are older; takes NULL */

/* What is known of the policy of such rows when their run is resumed: its name. It deletes nothing. */
struct policy gift_nobody(const char *name);

/* What the origin of a run says: is it a gift at all, and until when is it one? */
bool gift_is_origin(const char *origin);
int64_t gift_until_ms(const char *origin); /* 0: no such time */

#endif
