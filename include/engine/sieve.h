/* What must see the rows together before any of them may go: keep rules that count, grace, limits.per_thing,
 * order.
 * The rows pass through scratch space, sorted by what each step looks at, so that memory does not grow with
 * them. */
#ifndef ENGINE_SIEVE_H
#define ENGINE_SIEVE_H

#include "engine/env.h"
#include "model/ledger.h"
#include "model/scratch.h"
#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>

struct sieve;

/* Where it is known since when rows are selected. */
struct grace_source {
    struct ledger *ledger;
    int64_t run;
    const struct run_header *header; /* of the run; outlives the sieve */
    void (*sha256)(const void *data, size_t length, uint8_t hash[32]);
};

struct sieve_config {
    const struct env *env;
    const struct scratch *scratch;
    const struct policy *policy;
    struct grace_source grace; /* of a policy with a grace */
    void *owner;
    /* What became of a row that would go: once for each, from the loop. later: the limit on its thing leaves
     * it for the next time; its verdict then keeps it, and so does that of one in its grace. In the policy's
     * order, where it has one. */
    void (*row)(void *owner, const struct job_execution *execution, const struct verdict *verdict,
                bool later);
    /* Once, from the loop, after sieve_run(). */
    void (*done)(void *owner, const struct err *err, bool of_ledger);
};

/* Does the policy need any of it? */
bool sieve_needed(const struct policy *policy);
/* Must the sieve see this row? Not only those that would go: some only count. */
bool sieve_wants(const struct policy *policy, const struct verdict *verdict);

struct sieve *sieve_create(const struct sieve_config *config);
/* Takes one row. -1 when there is no room for it: then the sieve must not run. */
int sieve_add(struct sieve *sieve, const struct job_execution *execution, const struct verdict *verdict,
              struct err *err);
/* After the last row, at a moment of the service's clock. Goes on by itself, a part at a time, until done().
 */
void sieve_run(struct sieve *sieve, int64_t now_ms);
void sieve_pause(struct sieve *sieve, bool pause); /* of rows; it may be told while they come */
/* No further row comes; done() does, with ERR_CANCELED. May be told while rows come. */
void sieve_cancel(struct sieve *sieve);
/* done() does not come any more. Not from inside row(). Takes NULL. */
void sieve_destroy(struct sieve *sieve);

#endif
