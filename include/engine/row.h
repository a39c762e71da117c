/* One row of a sealed plan on its way: the state machine of one job execution (ARCHITECTURE.md, "Deleting").
 *
 *   CHECK       DescribeJobExecution equals the plan's fingerprint
 *   ARCHIVE     what it said is on the disk, where the policy archives
 *   INTENT      in the ledger before the next step
 *   GATE, SEND  one clock sample, which becomes X-Amz-Date; exactly one transmission
 *   RECORD      what came of it, in the ledger; a lost answer goes through QUARANTINE and LOOK first
 *
 * The deleter (engine/deleter.h) holds the rows; what they share is its struct row_shared. Rows leave in
 * callbacks and timers only, never from inside one of these functions. */
#ifndef ENGINE_ROW_H
#define ENGINE_ROW_H

#include "engine/archivist.h"
#include "engine/brake.h"
#include "engine/dispatcher.h"
#include "engine/env.h"
#include "engine/pairs.h"
#include "engine/steps.h"
#include "engine/things.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum row_state {
    ROW_NEW,
    ROW_PARKED,     /* another row of its (job, thing) is under way, or a lost request may still run */
    ROW_CHECK,      /* DescribeJobExecution before the intent */
    ROW_ARCHIVE,    /* the archive writes what the check showed */
    ROW_INTENT,     /* the ledger writes the intent */
    ROW_SEND,       /* in the lane, or on its way */
    ROW_RECORD,     /* the ledger writes what came of it */
    ROW_WAIT,       /* before the next attempt */
    ROW_QUARANTINE, /* until the lost request can no longer run */
    ROW_LOOK,       /* DescribeJobExecution after the quarantine */
    ROW_LOOK_WAIT,  /* before the next look */
    ROW_STATE_COUNT
};

struct row;

struct row_shared {
    const struct env *env;
    struct dispatcher *dispatcher;
    struct ledger *ledger;
    int64_t run;
    int64_t signature_life_ms;
    int64_t until_ms;                   /* wall; nothing is sent from then on; 0: no such time */
    bool force;                         /* the policy's */
    bool given;                         /* the rows were given, see step_unsendable() */
    const struct protect_list *protect; /* what came since the rows were judged; NULL: nothing */
    const struct things *things;        /* for it */
    struct archivist *archivist;        /* NULL: nothing is archived */
    int64_t releases;                   /* dispatcher_releases() at the beginning */
    struct brake brake;
    size_t in_state[ROW_STATE_COUNT];
    void *owner;
    /* The row is settled, and the ledger knows unless it failed. The owner frees the row. */
    void (*left)(void *owner, struct row *row, enum outcome outcome);
    void (*room)(void *owner);   /* a row went into quarantine: another may begin */
    void (*braked)(void *owner); /* the brake was pulled: call row_wake() on every row */
};

struct row {
    struct row_shared *shared;
    struct plan_row plan; /* its fingerprint gains the version number with the check */
    int64_t number;       /* in the ledger's plan */
    enum row_state state;
    struct history history;
    struct step step;    /* after ROW_RECORD */
    int attempt;         /* intents so far */
    bool intended;       /* the last intent has no result in the ledger */
    bool sent;           /* the gate let the present attempt go */
    bool open;           /* a transmission of ours may have been executed, for all the ledger knows */
    bool check_needless; /* verify: risky, and the job allows it */
    bool checked;
    struct clock_sample check;  /* when it was checked */
    struct archiving archiving; /* what the latest look showed, where the policy archives */
    int64_t signed_at_ms;       /* of the present attempt; 0 until it is sent */
    int64_t quarantine_end_ns, look_end_ns;
    struct answer answer; /* the latest about this row */
    struct dispatch dispatch;
    struct ledger_request request;
    struct env_timer timer;
    struct pair_claim claim;
    struct row *prev, *next; /* the deleter's */
};

/* plan is copied. check_needless: it may be sent once without a check. The row begins, or stands in line for
 * its (job, thing). */
struct row *row_create(struct row_shared *shared, int64_t number, const struct plan_row *plan,
                       bool check_needless);
/* After left() only. */
void row_destroy(struct row *row);
/* After the brake was pulled: what has not left comes back at once; what was sent is only given up in a
 * hurry.
 */
void row_wake(struct row *row);

#endif
