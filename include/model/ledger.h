/* The face of the ledger: the record of runs, their plans, intents and results. The engine writes through it
 * and never sees how it is kept; `ledger` has the implementations.
 *
 * Every request is asynchronous: done() comes exactly once, never from inside submit, and for everything that
 * writes it comes only when the record is as durable as the implementation can make it. Requests of one
 * ledger take effect in the order of submission. A request that fails with ERR_IO leaves the ledger frozen:
 * every later write fails the same way, but for results and the ends of runs where only their request's room
 * is missing. */
#ifndef MODEL_LEDGER_H
#define MODEL_LEDGER_H

#include "base/err.h"
#include "model/call.h"
#include "model/job_execution.h"
#include "model/names.h"
#include "model/operation.h"
#include "model/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_REASON_MAX 95
#define RUN_ORIGIN_MAX  127
#define LEDGER_BATCH    250 /* rows of one ADD_ROWS or READ_ROWS, graces of one GRACES at most */
#define GRACE_KEY_BYTES 16
#define GRACE_AHEAD_MS                                                                                       \
    300000 /* a clock was wrong; less may be two readings of one that tells whole seconds */

struct plan_row {
    struct job_execution execution;
    bool force;                       /* the policy's, for this row */
    char reason[PLAN_REASON_MAX + 1]; /* the clauses that selected it: "status SUCCEEDED, age over 30d" */
    /* What the ledger knows besides; only READ_ROWS fills it. */
    enum outcome outcome; /* OUTCOME_PENDING until a result settled it */
    int attempts;         /* intents so far */
    int lost;             /* results so far that were ANSWER_AMBIGUOUS */
    bool open;            /* the last intent has no result: it may have been sent */
    bool unsure;          /* the last result is ANSWER_AMBIGUOUS, and nothing was found out since */
};

struct run_header {
    char policy[65];
    char policy_sha256[65]; /* hex, of the policy as it stood in the file */
    char target[TARGET_NAME_MAX + 1];
    char account[ACCOUNT_LENGTH + 1];
    char region[64];
    int64_t started_ms;
    char origin[RUN_ORIGIN_MAX + 1]; /* where its rows come from; "": the policy listed and selected them */
    /* Whether what the policy selects is noted (GRACES), and the SHA-256 of what of the policy selects. Not
       kept with the run: START_RUN of one that listed without it forgets what was noted of its policy in its
       account and region, because nobody knows what it selects. */
    bool graced;
    uint8_t grace_sha256[32];
};

/* Whose executions a run is about, in the account and region that graces are kept for: the account or, where
 * the target names none, "=" and the target's name, for two such targets may have different credentials. One
 * of the two texts. */
#define RUN_OWNER_MAX (1 + TARGET_NAME_MAX)
const char *run_header_owner(const struct run_header *header, char text[RUN_OWNER_MAX + 1]);

/* An execution that a run selects, by a digest of it and its fingerprint, and since when all runs do. */
struct ledger_grace {
    uint8_t key[GRACE_KEY_BYTES];
    int64_t since_ms; /* when the first of them was complete, by the service's clock; 0: no run before */
};

/* END_RUN: how the note begins of a plan of what its policy deletes, which was made so that a person sees it
 * first; ": canceled" and the like follow where it did not come to be shown. */
#define LEDGER_NOTE_SHOWN "shown"

enum ledger_operation {
    LEDGER_START_RUN, /* header -> run, lost_signed_ms */
    LEDGER_ADD_ROWS,  /* run, rows, count: appended to the run's plan; rows are numbered from 0 */
    LEDGER_SEAL_PLAN, /* run: no more rows */
    LEDGER_READ_ROWS, /* run, from, count (most wanted) -> rows, count */
    LEDGER_INTENT,    /* run, row, attempt: this row may be sent from now on */
    LEDGER_RESULT,    /* run, row, attempt (0: none was made), answer, signed_at_ms, outcome */
    LEDGER_END_RUN,   /* run, ended_ms, note; out of order while an intent of this process has no result */
    LEDGER_SET_RATES, /* header (account, region), rates: they replace all that was kept; 0 for none */
    LEDGER_GET_RATES, /* header (account, region) -> rates, 0 where none is known */
    LEDGER_LAST_RUN,  /* header (policy, target) -> the latest run of this pair: run, found.started_ms, count
                         (rows),  ended_ms and note (0 and "" while it has not ended); run is 0 when there is
                         none. One whose note begins with LEDGER_NOTE_SHOWN is none */
    /* run, header (policy, owner, region, grace_sha256), graces in the ascending order of their keys,
       count, graces_first, graces_after, graces_last, now_ms -> since_ms of each, more. Of all that the run
       selects, one batch behind the other. Between graces_after (graces_first: from the beginning) and its
       last key (graces_last: to the end) it says what is no longer selected, too. None of it counts before
       COUNT_GRACES; without that it is as if the run had not been. more: a part is done, and graces_after has
       moved; submit it once more. A moment that lies ahead of now_ms by more than GRACE_AHEAD_MS counts as
       none. */
    LEDGER_GRACES,
    LEDGER_COUNT_GRACES, /* run, header, now_ms: the run's selection is complete, and counts from then on */
    LEDGER_OPEN_RUN /* from (a run) -> the first run after it that has not ended: run, found, count (rows),
                       sealed,   begun; run is 0 when there is none */
};

struct ledger_request {
    enum ledger_operation operation;
    int64_t run;
    const struct run_header *header; /* START_RUN, SET_RATES, GET_RATES, LAST_RUN, GRACES, COUNT_GRACES;
                                        valid until done */
    struct run_header found;         /* OPEN_RUN; LAST_RUN: its time alone */
    bool sealed;                     /* OPEN_RUN: its plan is complete; else it deleted nothing yet */
    bool begun;                      /* OPEN_RUN: it has an intent: the guards had let the plan pass */
    struct plan_row
        *rows; /* ADD_ROWS: in; READ_ROWS: out, room for count; the submitter's, valid until done */
    size_t count;
    int64_t
        lost_signed_ms;   /* START_RUN: when the latest request was signed, by an earlier run in the same
                             account and region, whose fate was never found out (OUTCOME_UNKNOWN); 0: none */
    int64_t from;         /* READ_ROWS: number of the first row */
    int64_t row;          /* INTENT, RESULT */
    int attempt;          /* INTENT: from 1; RESULT: the attempt answered, 0 when none */
    int64_t signed_at_ms; /* RESULT: X-Amz-Date of the attempt, 0 when none */
    struct answer answer; /* RESULT: of the attempt */
    enum outcome outcome; /* RESULT: OUTCOME_PENDING when the row goes on */
    int64_t ended_ms;     /* END_RUN, LAST_RUN */
    int64_t rates[OPERATION_COUNT]; /* SET_RATES, GET_RATES: the paces learned, in requests per 1,000 s */
    char note[128];                 /* END_RUN, LAST_RUN: how it ended */
    struct ledger_grace *graces;    /* GRACES: the submitter's, valid until done */
    uint8_t graces_after[GRACE_KEY_BYTES];
    bool graces_first, graces_last, more;
    int64_t now_ms; /* GRACES, COUNT_GRACES: the service's clock */

    struct err err; /* ERR_NONE when it was done */
    void (*done)(struct ledger_request *request);
    void *owner;
    struct ledger_request *prev, *next; /* the ledger's while it has the request */
};

struct ledger {
    void *ctx;
    void (*submit)(void *ctx, struct ledger_request *request);
};

#endif
