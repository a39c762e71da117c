/* The one who knows the truth of a site and checks, at every step, what must never be otherwise: the right
 * target, eligible, intent first, audited, no double send, the budget, the guards, one configuration per
 * decision, and accounts that add up. It keeps its own copy of what the ledger must hold, over crashes. */
#ifndef SIM_ORACLE_H
#define SIM_ORACLE_H

#include "engine/report.h"
#include "model/archive.h"
#include "model/ledger.h"
#include "policy/policy.h"
#include "sim/sim.h"

struct oracle;
struct attempt; /* one transmission of a deletion */

struct oracle *oracle_create(const struct site *site);
void oracle_destroy(struct oracle *oracle); /* takes NULL */

/* --- what the wire sees --- */

/* A call leaves. NULL unless it is a deletion. */
struct attempt *oracle_sent(struct oracle *oracle, const struct call *call);
/* One that was sent and waited for keys or a connection leaves now. */
void oracle_leaves(struct oracle *oracle, struct attempt *attempt);
/* What a deletion asked, once more; for call_finish() later. */
void oracle_repeat(const struct attempt *attempt, struct call *call);
/* The service carried it out, and this one is gone. */
void oracle_executed(struct oracle *oracle, struct attempt *attempt, uint64_t identity);
struct oracle_view {
    const struct call *call;
    struct attempt *attempt;
    int64_t sent_ns, as_of_ms; /* of a read: when it was asked, and of which moment the answer is */
    uint64_t shown;            /* whom it showed */
};
void oracle_answered(struct oracle *oracle, const struct oracle_view *view);

/* --- what the process does --- */

void oracle_started(struct oracle *oracle); /* a new process: new lanes, nothing learned */
struct oracle_run {
    const struct policy *policy;
    bool look_only;   /* the target allows no more than plans */
    bool given;       /* its rows are given, not listed */
    int64_t until_ms; /* nothing is sent from this moment of the process's clock on; 0: none */
    int64_t resumed;  /* 0: it is a new one */
};
void oracle_run_begins(struct oracle *oracle, const struct oracle_run *begun);
void oracle_planned(struct oracle *oracle, const struct report *so_far);
/* waits: it would be selected, but for its grace or for limits. */
void oracle_listed(struct oracle *oracle, const struct job_execution *execution, bool selected, bool waits);
void oracle_settled(struct oracle *oracle, const struct plan_row *row, enum outcome outcome);
void oracle_canceled(struct oracle *oracle);
/* Deletions are paused, or no longer; then `waiting` of them were held back. */
void oracle_paused(struct oracle *oracle, bool paused, int64_t waiting);
void oracle_run_ends(struct oracle *oracle, const struct report *report);

void oracle_archived(struct oracle *oracle, const struct archive_request *request); /* or failed */

/* --- what the ledger is asked and says --- */

void oracle_asks(struct oracle *oracle, const struct ledger_request *request);
void oracle_recorded(struct oracle *oracle, const struct ledger_request *request); /* or failed */
/* The process is gone. What the ledger had not confirmed may be there or not. */
void oracle_crashed(struct oracle *oracle);
/* What the ledger gives after a restart: each run's rows must be what was confirmed, or further. */
void oracle_found_row(struct oracle *oracle, int64_t run, int64_t number, const struct plan_row *row);
void oracle_found_run(struct oracle *oracle, int64_t run, int64_t rows, bool open); /* after its rows */
int64_t oracle_runs(const struct sim *sim); /* the highest number of a run of any site */
/* The one of the site whose run it is. */
struct oracle *oracle_of_run(const struct sim *sim, int64_t run);

/* --- the end --- */

/* Everything healed and is over: nothing is left that these policies, swept from then on by the service's
 * clock, would take, and every loss is accounted for. */
void oracle_judge(struct oracle *oracle, const struct policy *const policies[], int count, int64_t from_ms);

#endif
