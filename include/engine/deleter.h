/* Deleting what a plan selected, one execution at a time and never the wrong one: the rows that are on their
 * way through the state machine of engine/row.h, how many may be, and what stops them all. A lost answer is
 * waited out and verified, never repeated blindly.
 *
 * Facts it rests on: AWS may reuse an execution number once it is free (API reference, DeleteJobExecution),
 * has no conditional deletion, and refuses a signature older than five minutes (SigV4), so that a lost
 * request stops being dangerous after the signature's life. */
#ifndef ENGINE_DELETER_H
#define ENGINE_DELETER_H

#include "base/err.h"
#include "engine/archivist.h"
#include "engine/dispatcher.h"
#include "engine/env.h"
#include "engine/facts.h"
#include "engine/things.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DELETER_HELD_MAX 4096 /* rows in it at most, quarantined ones too */

struct deleter;

struct deleter_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    struct ledger *ledger;
    int64_t run; /* sealed */
    const struct policy *policy;
    int64_t signature_life_ms;
    int64_t until_ms;                   /* nothing is sent from this wall time on; 0: no such time */
    const struct facts *facts;          /* what is known of the jobs: for verify: risky */
    bool settle_only;                   /* send nothing: only verify what may have been sent before */
    bool given;                         /* its rows were given: one that cannot go is no failure */
    const struct protect_list *protect; /* what may have come since the rows were judged; NULL: nothing */
    const struct things *things;        /* for it; NULL: groups protect all that their rules name besides */
    struct archivist *archivist;        /* NULL: nothing is archived; it gets no rows of others */
    void *owner;
    /* A row is settled, and the ledger knows (unless it failed). */
    void (*settled)(void *owner, const struct plan_row *row, enum outcome outcome,
                    const struct answer *answer);
    /* There may be room for more rows, or nothing left to do, or it has stopped itself. Comes after each
     * settled() too. The owner may destroy the deleter from here once deleter_rows() is 0. */
    void (*changed)(void *owner);
};

struct deleter *deleter_create(const struct deleter_config *config);
/* Only when no row is in it. Takes NULL. */
void deleter_destroy(struct deleter *deleter);

/* How many rows may be added now: as many as the lane sends in ten seconds, so that a check is still fresh
 * when its row's turn comes; quarantined rows do not count. 0 once it was stopped, unless it settles on. */
size_t deleter_room(const struct deleter *deleter);
/* row is copied; number is its place in the ledger's plan. One that an earlier process may have sent (open,
 * unsure) may be added only when no request of that process can take effect any more; it is verified first.
 * No callback runs from inside. */
void deleter_add(struct deleter *deleter, int64_t number, const struct plan_row *row);

/* Nothing more is sent. What was sent is still settled, quarantine included; in a hurry, rows whose answer is
 * not there end as unknown. */
void deleter_cancel(struct deleter *deleter, bool hurry);
/* The same without hurry, and what an earlier process may have sent is still taken. False, and there is no
 * room for it, where the ledger has failed, or it was canceled in a hurry. */
bool deleter_settle(struct deleter *deleter);

size_t deleter_rows(const struct deleter *deleter);        /* in it, not settled */
size_t deleter_quarantined(const struct deleter *deleter); /* of these, waiting for their signature to end */

/* It only verifies what may have been sent before: as it was told, then or later, or because until_ms has
 * come. */
bool deleter_settles_only(const struct deleter *deleter);
/* A row was not sent because until_ms had come. */
bool deleter_expired(const struct deleter *deleter);

/* How long until the last signature among these is dead; 0: none waits. */
int64_t deleter_quarantine_left_ns(const struct deleter *deleter);

/* Why it stopped itself: ERR_NONE, or the error of the ledger, the clock, or a run of refusals (*why is the
 * class of the last one, else ANSWER_DONE). */
const struct err *deleter_stopped(const struct deleter *deleter, enum answer_class *why);

#endif
