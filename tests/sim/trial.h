/* Whole sweeps over a seeded fleet, with faults on the way and other actors in the fleet, and an oracle that
 * knows the truth. One seed is one world, one policy and one sweep; the same seed gives the same trial. */
#ifndef SIM_TRIAL_H
#define SIM_TRIAL_H

#include "base/names.h"
#include "base/random.h"
#include "engine/sweep.h"
#include "sim/rig.h"

#define TRIAL_JOBS_MAX  64
#define TRIAL_SENDS_MAX 32

struct trial_send {            /* one transmission of a deletion */
    int64_t check_ms, sent_ms; /* by the service's clock; check_ms: when the check before it was asked */
};

struct trial_row { /* one row of the plan */
    struct plan_row plan;
    uint64_t identity; /* that the plan means; 0: it was gone before the plan was complete */
    int64_t check_ms;
    struct trial_send sends[TRIAL_SENDS_MAX];
    int send_count;
    int ours;          /* deletions under its number that were our doing */
    enum outcome told; /* to the observer */
};

struct trial_pair { /* the latest deletion of one (job, thing) */
    int64_t sent_ms;
    bool answered, ambiguous;
};

struct trial_hits {  /* deletions of a newcomer that no client can prevent: see ARCHITECTURE.md */
    int64_t sent;    /* deletions that the service carried out for us */
    int64_t in_trip; /* born after the check, and hit within a minute of the transmission */
    int64_t late;    /* hit by a lost request that was carried out later */
};

struct trial {
    uint64_t seed;
    struct rig rig;
    struct fleet *fleet;
    struct random random; /* of the actors */
    struct policy policy;
    struct target target;
    struct job jobs[TRIAL_JOBS_MAX];
    int job_count;
    struct sweep *sweep;
    struct report report;
    bool planned, done, actors_active, mischief;
    struct names *row_names; /* "job/thing/number": the number of the name is the number of the row */
    struct trial_row *rows;
    struct names *pair_names;
    struct trial_pair *pairs;
    size_t pair_room;
    bool *theirs; /* by identity: removed by another actor */
    size_t theirs_room;
    int64_t *sent_at_ns[OPERATION_COUNT]; /* the latest sendings, a ring */
    size_t ring;
    int64_t ring_sent[OPERATION_COUNT];
    struct trial_hits hits;
    char broken[256]; /* the first rule that did not hold */
};

/* A world of this seed. calm: no faults, no actors, no accidents. */
void trial_begin(struct trial *trial, uint64_t seed, bool calm);
/* Starts the sweep, lets everything heal after half an hour, and waits for the end and all late requests;
 * then judges. */
void trial_sweep(struct trial *trial);
/* Whether nothing that the policy selects is left, after a calm sweep. */
void trial_expect_clean(struct trial *trial);
void trial_finish(struct trial *trial);

#endif
