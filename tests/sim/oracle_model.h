/* The inside of the oracle, for the oracle*.c files only. */
#ifndef SIM_ORACLE_MODEL_H
#define SIM_ORACLE_MODEL_H

#include "base/names.h"
#include "engine/skew.h"
#include "sim/kept.h"
#include "sim/oracle.h"

struct attempt {
    const struct oracle *oracle;
    uint32_t slot;
    int64_t run, row;
    uint64_t meant;   /* identity */
    int64_t state_ms; /* that the meant one was seen in last */
    int64_t signed_at_ms, sent_ms;
    bool answered, force;
    enum answer_class class;
    int executed;
    struct attempt *next_of_pair; /* older */
    struct attempt *next;         /* of all, older */
};

struct slot { /* one (job, thing, number) */
    uint32_t pair;
    int64_t run, row; /* the latest plan that has it */
    int64_t listed;   /* the latest listing that had it; see oracle.listings */
    uint64_t meant;   /* identity */
    int64_t version;  /* 0: not seen yet */
    int64_t state_ms, asked_ns;
    bool checked;           /* looked at, and it was the one that is meant */
    bool archived;          /* what that showed is in the archive, by this process */
    struct attempt *latest; /* of this row */
};

struct shadow_row { /* what the ledger must hold of a row: confirmed, and asked for */
    uint32_t slot;
    struct fingerprint print;
    uint64_t meant; /* identity, when it was planned */
    int16_t intents, intents_asked, results, results_asked;
    enum outcome outcome, outcome_asked, told;
    int lost;      /* answers */
    bool executed; /* one of its attempts deleted something */
    bool doubted;  /* one of them may have, for all that the process knew: without a look nothing follows */
};

struct shadow_run {
    const struct policy *policy;
    struct shadow_row *rows;
    int64_t count, room, confirmed; /* rows asked for, and of these on record */
    int64_t matched;                /* selected and left for later, when the plan was sealed */
    bool planned, forgotten;
    int64_t began_ms, ended_ms; /* ended_ms: 0 while it is open */
};

struct oracle_graces;

struct oracle {
    const struct site *site;
    struct sim *sim; /* the site's */
    struct names *slot_names, *pair_names;
    struct slot *slots;
    struct attempt **pairs; /* the latest attempt of each (job, thing) */
    uint32_t slot_room, pair_room;
    struct attempt *attempts;
    struct attempt **killed_by; /* by identity: whose doing it was */
    size_t killed_room;
    struct shadow_run *runs; /* by number, from 1 */
    int64_t run_count, run_room;
    bool paused;

    /* the run under way */
    int64_t run; /* 0: none, or not started yet */
    const struct policy *policy;
    int64_t began_ms, calls[OPERATION_COUNT];
    bool resuming, look_only, given, canceled, frozen, planned, unarchived;
    bool deleting;      /* it had an intent, in this process */
    bool looks_at_each; /* a pause is over since then: nothing goes without a look */
    int64_t until_ms;   /* 0: none */
    int64_t listings;   /* so far */
    int refusals;       /* in a row */
    int64_t latest_skew_ms, sends;
    struct oracle_graces *graces;
    struct kept listing; /* what was listed so far, where the policy must see it together */
    int64_t began_ns;

    int64_t *rings[OPERATION_COUNT]; /* when the latest calls left */
    int64_t ring_sizes[OPERATION_COUNT], ring_counts[OPERATION_COUNT];
};

/* oracle_grace.c */
struct oracle_graces *oracle_graces_create(void);
void oracle_graces_destroy(struct oracle_graces *graces);
void oracle_grace_begins(struct oracle *oracle); /* a run */
void oracle_grace_selects(struct oracle *oracle, const struct job_execution *execution);
void oracle_grace_asked(struct oracle *oracle); /* what the run selects shall count, and does on record */
void oracle_grace_recorded(struct oracle *oracle);
void oracle_grace_check(struct oracle *oracle, const struct policy *policy, const struct shadow_row *row);
/* oracle.c */
uint32_t oracle_slot(struct oracle *oracle, const struct job_execution *execution);
uint32_t oracle_find_slot(const struct oracle *oracle, const char *job_id, const char *thing_name,
                          int64_t number); /* UINT32_MAX: none */
/* oracle_archive.c */
bool oracle_must_archive(const struct policy *policy);
/* What is sent now: closely, as a crash would leave the archive. */
void oracle_check_archive(struct oracle *oracle, const struct call *call, const struct slot *slot,
                          bool closely);
void oracle_judge_archive(struct oracle *oracle);
/* oracle_ledger.c */
void oracle_point(struct oracle *oracle, int64_t run,
                  int64_t number); /* its slot is this row's from now on */
void oracle_add_run(struct oracle *oracle, int64_t run);
struct shadow_run *oracle_shadow(const struct oracle *oracle, int64_t run);
struct shadow_row *oracle_shadow_row(const struct oracle *oracle, int64_t run, int64_t row); /* or NULL */

#endif
