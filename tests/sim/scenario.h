/* What happens to one seed: the world, its faults, its other actors and its accidents, drawn once and then
 * data, so that a failure can be reduced by taking parts away. Each part draws from a stream of its own while
 * it runs, so that what is taken away does not move the rest. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "base/buf.h"
#include "base/random.h"
#include "sim/fleet.h"

#include <stdbool.h>
#include <stdint.h>

enum fault { /* of the way and of the service; a call suffers one at most */
             FAULT_NONE,
             FAULT_REFUSED, /* no connection */
             FAULT_DNS,
             FAULT_TLS,
             FAULT_RESET_EARLY,    /* before the request was sent */
             FAULT_RESET_SENT,     /* after, and it is never executed */
             FAULT_RESET_EXECUTED, /* after the execution */
             FAULT_REQUEST_LOST,   /* no answer, never executed */
             FAULT_ANSWER_LOST,    /* no answer, executed */
             FAULT_ANSWER_CUT,
             FAULT_ANSWER_LATE,   /* by seconds */
             FAULT_EXECUTED_LATE, /* no answer, executed at some moment before its signature is too old */
             FAULT_TWICE,         /* executed again at some such moment */
             FAULT_THROTTLED_400,
             FAULT_THROTTLED_429, /* with a time to wait */
             FAULT_500_EXECUTED,
             FAULT_500,
             FAULT_503,
             FAULT_EXPIRED,
             FAULT_SKEWED,
             FAULT_DENIED,
             FAULT_INVALID,
             FAULT_GONE,  /* 404 although it is there */
             FAULT_STATE, /* 409 although it is terminal */
             FAULT_MALFORMED,
             FAULT_HUGE,
             FAULT_TOKEN_LOOP,   /* the next page is the first one */
             FAULT_STALE,        /* a read of the state some seconds ago */
             FAULT_OTHER_ANSWER, /* a read about another execution */
             FAULT_SHORT_PAGE,   /* fewer rows than there is room for, even none; also when all has healed */
             FAULT_LOST_AGAIN,   /* as FAULT_REQUEST_LOST, but of deletions alone */
             FAULT_LEAVES_LATE,  /* a deletion waits for keys or a connection */
             FAULT_COUNT
};

enum actor {
    ACTOR_DELETES,
    ACTOR_REBIRTHS,     /* deletes, and creates another one under the number */
    ACTOR_TWINS,        /* the same, and it looks alike but for a field or two */
    ACTOR_CREATES,      /* new executions, under freed numbers where there are any */
    ACTOR_PROGRESSES,   /* executions that are not terminal become so */
    ACTOR_AMBUSHES,     /* takes the number that we just looked at */
    ACTOR_AFTER_LOSSES, /* takes or fills the number of a deletion whose answer was lost */
    ACTOR_NEIGHBOUR,    /* uses our quota */
    ACTOR_COUNT
};

enum accident_kind {
    ACCIDENT_KILL,
    ACCIDENT_STANDSTILL, /* of the process, for `amount` ms */
    ACCIDENT_WALL_STEP,  /* its wall clock is set `amount` ms off */
    ACCIDENT_RELOAD,
    ACCIDENT_CANCEL,
    ACCIDENT_HURRY,
    ACCIDENT_CREDENTIALS, /* expire; a refresh takes `amount` ms */
    ACCIDENT_DISK_READ,   /* the disk's: after `amount` more operations */
    ACCIDENT_DISK_WRITE,
    ACCIDENT_DISK_SHORT,
    ACCIDENT_DISK_SYNC,
    ACCIDENT_DISK_DEATH,
    ACCIDENT_DISK_FULL, /* with room for `amount` more bytes, until the process has restarted twice */
    ACCIDENT_PAUSE,     /* `jobsweep pause`, and `jobsweep resume` after `amount` ms */
    ACCIDENT_COUNT
};

struct fault_plan {
    int ppm;                      /* of calls, while it is active */
    int64_t period_ms, active_ms; /* active in the first part of each period; period 0: always */
};

struct accident {
    enum accident_kind kind;
    int64_t at_step;
    int64_t at_deletion; /* 0: at_step says when; else it comes with so many deletions */
    int64_t amount;
};

#define SCENARIO_ACCIDENTS_MAX 21
#define SCENARIO_POLICIES_MAX  3
#define SCENARIO_NAMES_MAX     2
#define SCENARIO_SITES_MAX     2

enum extra {             /* what a seed has besides: a share in percent, or a number; 0: it has none of it */
             EXTRA_KEEP, /* policies with keep rules */
             EXTRA_PER_THING,       /* policies with limits.per_thing */
             EXTRA_ORDER,           /* policies with an order */
             EXTRA_MAX_DURATION,    /* policies with schedule.max_duration */
             EXTRA_ARCHIVE,         /* policies that archive */
             EXTRA_OPTIONAL,        /* of these, those that need not */
             EXTRA_ARCHIVE_TROUBLE, /* of a million operations on the archive's disk, those that fail */
             EXTRA_GRACE,           /* policies with a grace */
             EXTRA_PROTECT,         /* policies in a configuration that protects something */
             EXTRA_GIVEN,           /* runs whose rows are given */
             EXTRA_TARGET_NAMES, /* how many names the target has: lanes of their own, and they take turns */
             EXTRA_SITES,        /* 1: another site, in another region; 2: in another account; 0: one alone */
             EXTRA_ALIKE,        /* 1: both have the same executions at first */
             EXTRA_SHORT,        /* policies whose runs have some seconds, until all has healed */
             EXTRA_COUNT
};

struct scenario {
    uint64_t seed;
    int things, jobs;
    int64_t executions;
    int speed;    /* quotas are this many times the default ones */
    bool counted; /* the service counts requests against the quotas */
    enum quota_kind quota_kind;
    int page_max; /* rows of a page at most */
    int64_t skew_ms, latency_min_ns, latency_max_ns, commit_ns;
    int64_t retain_ms;  /* what the ledger forgets: runs that ended longer ago; 0: nothing */
    int policies, runs; /* runs in the phase of faults */
    bool risky;         /* some policies skip the check where they may */
    int extras[EXTRA_COUNT];
    struct fault_plan faults[FAULT_COUNT];
    int64_t
        actor_every_ms[ACTOR_COUNT]; /* between two acts, about; 0: not there; of the last four: percent */
    struct accident accidents[SCENARIO_ACCIDENTS_MAX];
    int accident_count;
};

/* calm: no faults, actors and accidents. large: thousands of executions and fast quotas. */
void scenario_draw(struct scenario *scenario, uint64_t seed, bool calm, bool large);
/* The same with no more than the first `later` of the parts that were thought of later, as the seed was while
 * there were no others. */
enum scenario_part {
    PART_WAY,
    PART_LANGUAGE,
    PART_ARCHIVE,
    PART_GRACE,
    PART_RUNS,
    PART_PAUSES,
    PART_SITES,
    PART_KEYS,
    PART_TIMES,
    SCENARIO_LATER
};
#define SCENARIO_CALM (-1)
void scenario_draw_first(struct scenario *scenario, uint64_t seed, bool large, int later);
void scenario_print(const struct scenario *scenario, struct buf *out);

/* The parts that can be taken away, numbered from 0; false when it was not there. */
#define SCENARIO_PARTS (FAULT_COUNT + ACTOR_COUNT + SCENARIO_ACCIDENTS_MAX + EXTRA_COUNT + 4)
bool scenario_drop(struct scenario *scenario, int part);

/* A stream of random numbers for one part of a seed. */
void scenario_stream(const struct scenario *scenario, uint64_t part, struct random *random);

const char *fault_name(enum fault fault);
const char *actor_name(enum actor actor);
const char *accident_name(enum accident_kind kind);

#endif
