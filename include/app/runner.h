/* Sweeps of (policy, target) pairs: one at a time, in the order of their submission, for each account and
 * region, whatever the targets are called that name it, and for each target; others side by side. Before
 * each, the account that the credentials belong to is compared with the target's; where a role is assumed, it
 * is for this policy alone (policy/iam.h). A target that fails stops no other. Where a run that an earlier
 * process left open could not be brought to its end, nothing new begins until it was submitted again and
 * could. */
#ifndef APP_RUNNER_H
#define APP_RUNNER_H

#include "app/world.h"
#include "aws/credentials.h"
#include "engine/report.h"
#include "engine/sweep.h"
#include "policy/policy.h"

#include <stdbool.h>

struct metrics;
struct runner;
struct target_state;
struct site;

enum run_state {
    RUN_OUTSIDE,  /* zeroed memory, or done() was called */
    RUN_WAITING,  /* for its target, and its account and region */
    RUN_LOADING,  /* the paces that were learned there */
    RUN_TURN,     /* waits for its turn to ask STS */
    RUN_CHECKING, /* whose account it is */
    RUN_SWEEPING,
    RUN_SAVING, /* the paces learned */
    RUN_ENDED   /* done() comes next */
};

/* One sweep. Embedded in its owner's struct; stays where it is until done(). */
struct run {
    /* asked */
    struct config *config; /* a reference is held from submit until done */
    const struct policy *policy;
    const struct target *target;
    bool plan_only;
    const char *only_thing;               /* see struct sweep_config */
    const struct ledger_request *resumed; /* NULL: a new run; else an answered LEDGER_OPEN_RUN to go on with,
                                             which outlives the run */
    const struct row_source
        *source; /* NULL: the policy lists; else as struct sweep_config, outlives the run */
    const char *origin;
    int64_t until_ms; /* see struct sweep_config */
    struct sweep_observer
        observer; /* of its callbacks `owner` is this run; owner and done are not looked at */
    void (*done)(struct run *run);
    void *owner;

    /* answered */
    struct report report; /* a sweep that could not begin has ended as SWEEP_FAILED */
    bool misconfigured;   /* it could not, for what the configuration says of its target */
    bool settled;         /* its end is in the ledger */
    char host[256];       /* where its calls went, "host" or "host:port"; "" when it made none */

    /* the runner's */
    enum run_state state;
    bool canceled;
    struct err refused; /* why it cannot begin; ERR_NONE while it can */
    struct runner *runner;
    struct target_state *place;
    struct site *site;
    struct run_header where;       /* account and region, for the paces */
    struct ledger_request request; /* for them, too */
    struct credentials_turn turn;  /* for GetCallerIdentity */
    struct dispatch identity;
    struct sweep *sweep;
    bool listed;                           /* among those that are looked at next */
    struct run *prev, *next;               /* all, in the order of their submission */
    struct run *target_prev, *target_next; /* of its target */
    struct run *site_prev, *site_next;     /* of its account and region */
    struct run *ready_prev, *ready_next;   /* those that are looked at next */
};

struct runner_config {
    struct world *world;
    /* Throttling begins or is over in a lane of this target; rates in requests per 1,000 s. May be NULL. */
    void (*episode)(void *owner, const char *target, enum operation operation, bool begins,
                    int64_t rate_before, int64_t rate_now);
    void *owner;
    struct metrics *metrics; /* counts answers, outcomes and ends; outlives the runner; NULL: nobody does */
};

struct runner *runner_create(const struct runner_config *config);
/* No run may be in it. Takes NULL. */
void runner_destroy(struct runner *runner);

/* done() comes exactly once, from the loop, never from inside of a function here. It may free the run or
 * submit it again; one that was resumed and is not settled must be submitted again as it is, with what is
 * asked renewed. */
void runner_submit(struct runner *runner, struct run *run);
/* Those that wait end as SWEEP_CANCELED; those under way are asked to (see sweep_cancel()). */
void runner_cancel(struct runner *runner, bool hurry);

/* While it is paused no deletion is sent, and no run begins but those that are resumed: they settle what was
 * sent before. Runs under way list, look and settle what was sent; their deletions wait, and are looked at
 * again before they leave when that was over a minute. Time goes on for them: a window may end. */
void runner_pause(struct runner *runner, bool pause);

/* How long a cancel without hurry is worth waiting for, in milliseconds: until the requests of the runs under
 * way are surely dead and were looked at. 0 when there is none. */
int64_t runner_drain_ms(const struct runner *runner);

/* A target whose last runs failed for its credentials, its permissions or its account: how long new runs
 * should be spared it, in milliseconds; 0: not at all. About a minute after the first such failure, twice as
 * long after each further one, up to an hour. */
int64_t runner_rest_ms(const struct runner *runner, const char *target);

/* Whether a new run of this pair waits or is under way. */
bool runner_has(const struct runner *runner, const char *policy, const char *target);
size_t runner_count(const struct runner *runner); /* that wait or are under way */

/* What is kept of targets (credentials, connections, learned pace, rest) is not used for runs that begin
 * later. It never serves runs of another configuration than the one that it was made by. Without being asked
 * it is let go a while after the last run in the target: one that no run needs has no credentials and no
 * connections.
 */
void runner_renew(struct runner *runner);

/* Each target that a run was in, with what is kept of it (app/places.h). */
void runner_each_place(const struct runner *runner,
                       void (*each)(void *owner, const struct target_state *place), void *owner);

/* The sum over everything submitted since the runner was idle last. Each value that a run under way does not
 * know yet is left out; remaining_ms is the longest, and not known while there is a run that has not begun,
 * or lists what it will delete while others delete. */
void runner_progress(const struct runner *runner, struct sweep_progress *progress);

#endif
