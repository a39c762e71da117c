/* A configuration of two targets, and a ledger in memory of what has run of it. */
#ifndef UNIT_PAST_RUNS_H
#define UNIT_PAST_RUNS_H

#include "ledger/memory.h"
#include "policy/policy.h"

struct past_runs {
    struct ledger_memory *memory;
    struct ledger *ledger;
    struct config *config;
};

/* policies: what stands behind `policies:`; the targets are eu and us. */
void past_runs_begin(struct past_runs *past, const char *policies);
void past_runs_end(struct past_runs *past);
void past_runs_add(struct past_runs *past, const char *policy, const char *target, int64_t started_ms,
                   int64_t ended_ms); /* 0: it has not ended */
/* A plan that was shown to a person, and no more. */
void past_runs_show(struct past_runs *past, const char *policy, const char *target, int64_t started_ms);
void past_runs_answer(
    struct past_runs *past); /* everything that is asked of the ledger, one after the other */

#endif
