/* Which (job, thing) pairs have a deletion under way: one at a time for each, the others wait in line. All
 * sweeps of one target share them. A pair whose last request was given up stays barred until that request
 * can no longer run. */
#ifndef ENGINE_PAIRS_H
#define ENGINE_PAIRS_H

#include <stdbool.h>
#include <stdint.h>

struct pairs;

/* Embedded in whatever stands in line. */
struct pair_claim {
    void *owner;
    struct pair *pair; /* NULL when it has no claim */
    struct pair_claim *prev, *next;
};

struct pairs *pairs_create(void);
void pairs_destroy(struct pairs *pairs); /* no claim may be left; takes NULL */

/* True: the pair is yours until released. False: you stand in line. now_ns is the monotonic clock. */
bool pairs_claim(struct pairs *pairs, const char *job_id, const char *thing_name, struct pair_claim *claim,
                 int64_t now_ns);
/* Until when the claim's pair is barred: before that not even its holder may send. In the past: it is free.
 */
int64_t pairs_barred_ns(const struct pair_claim *claim);
/* Gives the pair up, or the place in line. barred_ns: until then a request about it may still run; 0: none
 * can. Returns the claim whose turn it is now, NULL when nobody's turn came. */
struct pair_claim *pairs_release(struct pairs *pairs, struct pair_claim *claim, int64_t barred_ns);

#endif
