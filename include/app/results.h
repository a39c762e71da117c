/* How the last run of each policy in each target ended. */
#ifndef APP_RESULTS_H
#define APP_RESULTS_H

#include "app/exit_status.h"
#include "engine/report.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct results;

struct result {
    enum exit_status status;
    uint64_t number; /* grows with each that is noted */
    bool failed;     /* as report_failed() has it; of one that is recalled: by its end alone */
    bool recalled;   /* an earlier process had it: its end, its times and what it selected are known, and no
                        more */
    enum sweep_end end;
    enum sweep_limit limit;
    int64_t listed, selected, remaining, outcomes[OUTCOME_COUNT], calls[OPERATION_COUNT];
    int64_t started_ms, ended_ms;
    char *error; /* NULL: none */
};

struct results *results_create(void);
void results_destroy(struct results *results); /* takes NULL */

/* Not of what the configuration has not, or no more: its run began before a reload. */
void results_note(struct results *results, const struct config *config, const char *policy,
                  const char *target, const struct report *report, enum exit_status status);
/* From the ledger, unless one is known already. */
void results_recall(struct results *results, const struct config *config, const char *policy,
                    const char *target, const struct report *report);
/* NULL: it has not run. Valid until the next call that changes something. */
const struct result *results_find(const struct results *results, const char *policy, const char *target);
/* As much of the report as was kept. */
struct report result_report(const struct result *result);
/* Forgets what the configuration has no more. */
void results_prune(struct results *results, const struct config *config);

/* Calls each() for those that did not end well, as report_failed() has it, the latest first, up to so many;
 * how many there are. */
size_t results_failed(const struct results *results, size_t most,
                      void (*each)(void *ctx, const char *policy, const char *target,
                                   const struct result *result),
                      void *ctx);

#endif
