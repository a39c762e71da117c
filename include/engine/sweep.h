/* A sweep: one run of one policy in one target. It lists, decides, writes the plan to the ledger, compares it
 * with the guards, and deletes. Everything else (files, terminals, logs) is the observer's business. */
#ifndef ENGINE_SWEEP_H
#define ENGINE_SWEEP_H

#include "engine/aside.h"
#include "engine/dispatcher.h"
#include "engine/env.h"
#include "engine/given.h"
#include "engine/report.h"
#include "engine/route.h"
#include "model/archive.h"
#include "model/ledger.h"
#include "model/scratch.h"
#include "policy/match.h"
#include "policy/policy.h"

struct sweep;

/* All callbacks run from the loop, never from inside sweep_start() or sweep_cancel(). Any but done may be
 * NULL. */
struct sweep_observer {
    void *owner;
    /* The route and what it costs, before anything is listed. */
    void (*route)(void *owner, const struct route *route);
    struct aside aside; /* told what a listing leaves aside; its owner is not looked at */
    /* Each execution in scope, once, with the verdict on it; rows that limits leave for later come as kept,
     * and so do rows that were given and cannot be deleted as they are. */
    void (*row)(void *owner, const struct job_execution *execution, const struct verdict *verdict);
    /* The plan is sealed; deletion (if any) comes next. */
    void (*planned)(void *owner, const struct report *so_far);
    /* One selected row is settled. */
    void (*settled)(void *owner, const struct plan_row *row, enum outcome outcome,
                    const struct answer *answer);
    /* Something a person should know that does not end the sweep; one line. */
    void (*warning)(void *owner, const char *text);
    void (*done)(void *owner, const struct report *report);
};

struct sweep_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    struct ledger *ledger;
    /* NULL, or the one thing that is looked at, in all of its executions, whatever the policy wants: to
     * explain it. plan_only is true then. */
    const char *only_thing;
    struct archive *archive;       /* NULL: none, and a policy that archives deletes nothing */
    const struct scratch *scratch; /* NULL: none, and a policy that needs it ends with an error */
    /* Of rows in a grace, and of what selects them. NULL: a policy with a grace cannot be planned. */
    void (*sha256)(const void *data, size_t length, uint8_t hash[32]);
    const struct policy *policy; /* of the configuration that the sweep was started with; outlives it */
    const struct target *target;
    /* For the record; NULL: unknown, or as the target has it. */
    const char *policy_sha256, *account, *region;
    /* NULL: the policy's rows are listed. Else these are taken, and all count as selected: the policy says
     * only how they are deleted (force, verify), and the guards count them. */
    const struct row_source *source;
    /* Of rows of a source: nothing is sent from this wall time on, what was is settled, and the rest ends as
     * not attempted, the sweep as SWEEP_STOPPED with ERR_EXPIRED; 0: no such time. */
    int64_t until_ms;
    const char *origin; /* of the rows of a source, for the record: one line; NULL: none */
    bool
        plan_only; /* decide, delete nothing; also when the policy observes or the target allows plans only */
    struct sweep_observer observer;
};

/* Never more than one deletion is in the hands of the service for each (job, thing), over all sweeps with one
 * dispatcher. Where the ledger knows of a request of an earlier run in the same account and region whose fate
 * was never found out, nothing is deleted until that request is surely dead. */
struct sweep *sweep_start(const struct sweep_config *config);
/* Goes on with a run that an earlier process did not end: found is an answered LEDGER_OPEN_RUN. First it
 * waits until nothing that the process sent can take effect any more, if it sent anything; then what may have
 * been sent is verified. The rest of the plan is applied only if the guards had let it pass (an intent
 * exists) and still would, and the policy is still the same (by name and SHA-256) and still deletes;
 * otherwise it ends as not attempted, and one without an intent does so at once. It does so, too, where its
 * policy's time is over before it got through, or it is stopped as any sweep may be: what may have been sent
 * is verified all the same, for an hour at most, and the run is at its end. Only where it is canceled or the
 * ledger fails before all rows were gone through does it stay open: see `recorded` of its report. config's
 * target must be the run's, by account and region. Nothing is listed: the report's `listed` stays 0. */
struct sweep *sweep_resume(const struct sweep_config *config, const struct ledger_request *found);
/* Stops selecting and sending; what was sent is settled first (quarantine included, unless hurry). */
void sweep_cancel(struct sweep *sweep, bool hurry);
/* After done() only. Takes NULL. */
void sweep_destroy(struct sweep *sweep);

struct sweep_progress {
    bool deleting; /* else listing */
    int64_t listed, selected, settled, quarantined;
    int64_t quarantined_ms; /* until the last of the quarantined can be looked at */
    int64_t waiting_ms; /* above 0: until a lost request of an earlier run is surely dead; then it deletes */
    int64_t pages;      /* of the listing, that have come */
    int64_t calls;      /* that were made; of a runner, by the runs that go on */
    int64_t jobs, jobs_listed; /* scopes to list and those finished; 0 when not known yet */
    bool waits_turn;         /* of who follows a daemon's runs: until others in that account and region end */
    int64_t runs, runs_done; /* of a runner: submitted, and ended; 0 of a sweep */
    int64_t runs_listing;    /* of a runner, while others delete already; they will have more to do */
    int64_t remaining_ms;    /* estimate from the lanes' pace; -1 when not known, or nothing more is sent */
};
void sweep_progress(const struct sweep *sweep, struct sweep_progress *progress);

#endif
