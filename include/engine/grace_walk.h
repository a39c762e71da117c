/* What a run selects on its way past the ledger, which tells since when each was selected. Rows come in the
 * order of their keys and are handed on in batches; few are in memory, however many there are. */
#ifndef ENGINE_GRACE_WALK_H
#define ENGINE_GRACE_WALK_H

#include "model/ledger.h"

#include <stdbool.h>
#include <stdint.h>

struct grace_walk;

struct grace_walk_config {
    struct ledger *ledger;
    int64_t run;
    const struct run_header *header; /* of the run; outlives the walk */
    int64_t now_ms;                  /* the service's clock */
    void *owner;
    /* Too many batches are on their way, or no longer. May run from inside grace_walk_add(). */
    void (*pause)(void *owner, bool pause);
    /* Since when the row is selected; 0: no run before did. From the loop, once for each. */
    void (*row)(void *owner, const struct job_execution *execution, int64_t since_ms);
    /* Once after grace_walk_end(), maybe from inside of it; err is ERR_NONE, or why the ledger did not take a
     * batch: then the rows of some were not told. */
    void (*done)(void *owner, const struct err *err);
};

struct grace_walk *grace_walk_create(const struct grace_walk_config *config);
/* Only when nothing is on its way. Takes NULL. */
void grace_walk_destroy(struct grace_walk *walk);

/* The next row; keys ascend. */
void grace_walk_add(struct grace_walk *walk, const uint8_t key[GRACE_KEY_BYTES],
                    const struct job_execution *execution);
/* No further row comes. complete: false when some are missing; then it only waits for what is on its way. */
void grace_walk_end(struct grace_walk *walk, bool complete);

/* What an execution goes by: a digest of its names, number, status and times, so that one that has changed is
 * another. 16 bytes of SHA-256: among ten million the chance of two that are the same is below 10^-24, and
 * then one of them would go too early or wait once more. */
void grace_key(void (*sha256)(const void *data, size_t length, uint8_t hash[32]),
               const struct job_execution *execution, uint8_t key[GRACE_KEY_BYTES]);

#endif
