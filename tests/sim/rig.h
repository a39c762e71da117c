/* What a test of the engine stands on: a virtual world, a dispatcher, and a ledger in memory, with the points
 * in between where a test looks or interferes. The service is the world's fleet, or a function of the test.
 */
#ifndef SIM_RIG_H
#define SIM_RIG_H

#include "engine/dispatcher.h"
#include "ledger/memory.h"
#include "policy/policy.h"
#include "sim/librarian.h"
#include "sim/virtual.h"

#define RIG_START_MS INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct rig {
    struct virtual_world *world;
    struct dispatcher *dispatcher;
    struct ledger_memory *memory;
    struct env env;       /* the world's, with a wall clock that can be set */
    struct ledger ledger; /* in front of memory's: slow, and failing when told */
    int64_t wall_step_ms; /* how far the wall clock was set */
    int64_t suspended_ns; /* how long the machine slept, in whole milliseconds: both clocks and the service's
                             went on, while nothing ran */

    /* The test's; each may be NULL. */
    void *ctx;
    void (*answer)(struct rig *rig, struct call *call); /* instead of the fleet: fills answer and result; the
                                                           rest is as for a complete 200 */
    void (*sent)(struct rig *rig, const struct call *call);     /* it is handed to the service */
    void (*answered)(struct rig *rig, const struct call *call); /* before the engine hears of it */
    void (*written)(struct rig *rig, const struct ledger_request *request);
    int64_t ledger_fails_at; /* the ledger is frozen from this request on, counted from 1; 0: never */
    int64_t ledger_delay_ns; /* from a request to its being durable */
    int64_t ledger_apart_ns; /* each request is durable so long after the one before it; 0: all at once */
    int64_t lost_signed_ms;  /* what LEDGER_START_RUN answers; 0: what the ledger says */

    int64_t calls[OPERATION_COUNT], ledger_requests;
    struct shelf *shelf; /* what is archived */
    struct librarian *librarian;
    struct job_service service;
    struct ledger_request *failing, *apart;
    int64_t apart_ns;                                   /* when the last of them is passed on */
    void (*start_done)(struct ledger_request *request); /* of the START_RUN under way, and its owner */
    void *start_owner;
};

/* Zeroed memory is what it begins with; dispatcher may be NULL for the defaults. */
void rig_init(struct rig *rig, const struct virtual_config *world,
              const struct dispatcher_config *dispatcher);
void rig_finish(struct rig *rig);
void rig_reopen_archive(struct rig *rig); /* as another process does */

/* The same over a small fleet of this seed without quotas: 120 executions of 6 things in 3 jobs, numbers are
 * reused. The fleet is the caller's, and is destroyed after the rig. faults may be NULL; of it only the
 * faults and the skew count. */
struct fleet *rig_init_fleet(struct rig *rig, uint64_t seed, const struct virtual_config *faults);

/* Runs until *done is true; false when that did not happen within so much virtual time from now. */
bool rig_run(struct rig *rig, const bool *done, int64_t seconds);

/* A policy of this name that takes SUCCEEDED executions older than 30 days in all jobs and things. */
void rig_policy(struct policy *policy);
/* Makes the list the include list of one name match: patterns ends with NULL and stays the caller's. */
void rig_patterns(struct pattern_list *list, const char *const *patterns);

/* JOBSWEEP_SEED and JOBSWEEP_SEEDS from the environment, else these. */
uint64_t rig_seed(uint64_t seed);
uint64_t rig_seeds(uint64_t seeds);

#endif
