/* What is counted for those who watch a daemon, and what it is told as. Pure: others count, look and serve
 * (app/monitor.h). Nothing is counted for policies and targets that are not configured, and nothing at all
 * where the configuration wants no metrics.
 *
 * So that there are at most METRICS_SERIES_MAX pairs of policy and target, and as many targets, whatever is
 * configured: `target` is the target's name where that is few enough, else the name of its entry in the
 * file, and else "*" for all of them together. What stands for several is their sum; of plans and successes
 * the latest, of waits the longest, of the ends of credentials the earliest. No name of a job or a thing is
 * ever told. */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "app/process.h"
#include "base/buf.h"
#include "engine/dispatcher.h"
#include "engine/report.h"
#include "ledger/durable.h"
#include "model/call.h"
#include "model/outcome.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define METRICS_SERIES_MAX 500

struct metrics;

struct metrics *metrics_create(int64_t started_ms);
void metrics_destroy(struct metrics *metrics); /* takes NULL */

/* This configuration is in force from now on; it stays until the next one is. What was counted goes on where
 * its policy and target are still there under the same names. */
void metrics_configured(struct metrics *metrics, const struct config *config, int64_t now_ms);
/* Another one was refused, and the one before stays in force. */
void metrics_refused(struct metrics *metrics);

/* --- counting: all take NULL for the metrics, and do nothing then --- */

/* One selected row is settled. OUTCOME_NOT_ATTEMPTED is left to metrics_ended(), which knows of all. */
void metrics_settled(struct metrics *metrics, const struct policy *policy, const struct target *target,
                     enum outcome outcome);
void metrics_ended(struct metrics *metrics, const struct policy *policy, const struct target *target,
                   enum run_result result, const struct report *report);
/* An attempt was answered; repeated: it was not the first one of its call. */
void metrics_answered(struct metrics *metrics, const struct target *target, const struct call *call,
                      bool repeated);

/* --- looking: right before each metrics_print() --- */

void metrics_look(struct metrics *metrics); /* what was seen by the last look is forgotten */
void metrics_lane(struct metrics *metrics, const struct target *target, enum operation operation,
                  const struct lane_view *lane);
void metrics_credentials(struct metrics *metrics, const struct target *target, int64_t end_ms); /* 0: never */

struct metrics_state {
    int64_t runs;        /* that wait or are under way */
    int64_t quarantined; /* executions */
    struct ledger_durable_state ledger;
    struct process_usage process;
};

/* Appends all of it as text. */
void metrics_print(const struct metrics *metrics, const struct metrics_state *state, struct buf *out);

#endif
