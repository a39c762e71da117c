/* The last run of each policy in each target, as the ledger knows it. */
#ifndef APP_LAST_RUNS_H
#define APP_LAST_RUNS_H

#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>

struct last_runs;

struct last_runs_config {
    struct ledger *ledger;
    struct config *config;                      /* referred to until the end */
    bool (*wants)(const struct policy *policy); /* NULL: every policy */
    /* For each pair that has run, with the answer to LEDGER_LAST_RUN, until it returns false or the ledger
     * fails; from the loop. policy and target are the configuration's. */
    bool (*found)(void *owner, const struct policy *policy, const struct target *target,
                  const struct ledger_request *last);
    void (*done)(void *owner); /* last, from the loop */
    void *owner;
};

/* NULL, and no done(), where there is no pair. */
struct last_runs *last_runs_start(const struct last_runs_config *config);
void last_runs_destroy(struct last_runs *last_runs); /* after done() only, also from inside; takes NULL */

#endif
