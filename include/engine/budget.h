/* The retry budget of one lane: an account of failures. While there are tokens, the pace alone decides when
 * requests leave. When a run of failures has used them up, the service is left in peace but for one probe at
 * a time, after 1 s, 2 s, 4 s and so on up to one a minute, until one of them succeeds. Everything else
 * waits.
 *
 * The figures are those of the AWS SDKs' standard mode since 2026-11 (a bucket of 500 tokens). Pure. */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include <stdint.h>

#define BUDGET_TOKENS         500
#define BUDGET_COST_TRANSIENT 14
#define BUDGET_COST_THROTTLE  5
#define BUDGET_SUCCESS        1 /* given back for a success that repeated nothing */

struct budget {
    int tokens;
    int probes;       /* since it was emptied */
    int64_t probe_ns; /* when the next probe may leave; of no meaning while there are tokens */
};

void budget_init(struct budget *budget);

/* The earliest moment for the next request: INT64_MIN while there are tokens. */
int64_t budget_next_ns(const struct budget *budget);
/* A request leaves now; not before budget_next_ns(). */
void budget_take(struct budget *budget, int64_t now_ns);
/* It failed at this cost. */
void budget_charge(struct budget *budget, int cost, int64_t now_ns);
/* It succeeded: this is given back (what its last failure cost, else BUDGET_SUCCESS). */
void budget_refund(struct budget *budget, int cost);

#endif
