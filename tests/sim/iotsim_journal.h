/* The journal of deletions: what happened to each DeleteJobExecution, one JSON object a line, written at
 * once, so that a test can follow it (a FIFO will do) and act at that very moment. `n` numbers the requests
 * from 1.
 *
 *   {"n","event":"received","ms","target","date","signature"}
 *   {"n","event":"executed","ms","identity","job","thing","number","status","queued_at","started_at",
 *    "last_updated_at","version"}    the execution is gone
 *   {"n","event":"refused","ms","status","code"}
 *   {"n","event":"reborn","ms","identity","job","thing","number"}    another actor made it anew
 *   {"n","event":"answered","ms","status"} or {"n","event":"lost","ms","fault"}
 *   {"n","event":"closed","ms"}    nothing more follows, whatever came before
 *
 * Every function does nothing where there is no journal, or for a request that is no deletion. */
#ifndef SIM_IOTSIM_JOURNAL_H
#define SIM_IOTSIM_JOURNAL_H

#include "base/err.h"
#include "sim/fleet.h"

#include <stdint.h>

struct iotsim;
struct iotsim_request;
struct iotsim_reply;

int iotsim_journal_open(struct iotsim *sim, struct err *err);
void iotsim_journal_close(struct iotsim *sim);

void iotsim_journal_received(struct iotsim *sim, struct iotsim_request *request,
                             int64_t now_ms); /* numbers it */
/* What the fleet made of it: execution is what it was before, with identity 0 for none. */
void iotsim_journal_executed(struct iotsim *sim, const struct iotsim_request *request,
                             const struct call *call, const struct fleet_execution *execution,
                             int64_t now_ms);
void iotsim_journal_reborn(struct iotsim *sim, const struct iotsim_request *request,
                           const struct fleet_execution *execution, int64_t now_ms);
/* fault: FAULT_NONE when the answer goes out whole. */
void iotsim_journal_answered(struct iotsim *sim, const struct iotsim_request *request,
                             const struct iotsim_reply *reply, int fault, int64_t now_ms);
void iotsim_journal_closed(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms);

#endif
