/* Results as JSON, one object a line: what `--format json` prints. */
#ifndef APP_EVENTS_H
#define APP_EVENTS_H

#include "app/online.h"
#include "app/summary.h"
#include "app/tally.h"
#include "app/whoami.h"
#include "base/buf.h"
#include "engine/report.h"
#include "model/job_execution.h"
#include "model/ledger.h"
#include "model/outcome.h"
#include "policy/diagnostics.h"
#include "policy/match.h"

/* Each appends one line. */
void events_row(struct buf *out, const char *policy, const char *target,
                const struct job_execution *execution, const struct verdict *verdict);
/* The same with the place of the clause that decided, or the clauses that were passed, as "verdict" event. */
void events_verdict(struct buf *out, const struct policy *policy, const char *target,
                    const struct job_execution *execution, const struct verdict *verdict);
/* A row that was settled; answer may be NULL. */
void events_settled(struct buf *out, const char *policy, const char *target, const struct plan_row *row,
                    enum outcome outcome, const struct answer *answer);
/* Every outcome is there, and they add up to `selected`. */
void events_report(struct buf *out, int64_t selected, const int64_t outcomes[OUTCOME_COUNT], int exit_status);
void events_summary(struct buf *out, const struct summary_sum *sum);
void events_diagnostic(struct buf *out, const struct diagnostic *diagnostic);
/* online: NULL where the configuration alone was looked at. */
void events_check(struct buf *out, const struct diagnostics *diagnostics, const struct online *online,
                  int exit_status);
void events_online(struct buf *out, const struct online_target *target);
/* What became of a policy in a target. reasons: why rows were not deleted, of report_reason(); may be NULL.
 */
void events_target(struct buf *out, const char *policy, const char *target, const struct report *report,
                   const struct tally *reasons, int exit_status);
void events_identity(struct buf *out, const struct identity *identity);
void events_whoami(struct buf *out, size_t targets, size_t failed, int exit_status);

#endif
