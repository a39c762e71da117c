/* Which (job, thing) pairs have a deletion under way: one at a time for each, the others wait in line. */
#ifndef ENGINE_PAIRS_H
#define ENGINE_PAIRS_H

#include <stdbool.h>

struct pairs;

/* Embedded in whatever stands in line. */
struct pair_claim {
    void *owner;
    struct pair *pair; /* NULL when it has no claim */
    struct pair_claim *prev, *next;
};

struct pairs *pairs_create(void);
void pairs_destroy(struct pairs *pairs); /* no claim may be left; takes NULL */

/* True: the pair is yours until released. False: you stand in line. */
bool pairs_claim(struct pairs *pairs, const char *job_id, const char *thing_name, struct pair_claim *claim);
/* Gives the pair up, or the place in line. Returns the claim whose turn it is now, NULL when nobody's turn
 * came. */
struct pair_claim *pairs_release(struct pairs *pairs, struct pair_claim *claim);

#endif
