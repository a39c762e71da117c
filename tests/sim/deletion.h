/* The deleter on a scripted service that holds a few executions: what it answers to each call is a letter. */
#ifndef SIM_DELETION_H
#define SIM_DELETION_H

#include "engine/deleter.h"
#include "sim/rig.h"

#define DELETION_ROWS_MAX 64

struct deletion {
    struct rig rig;
    struct policy policy;
    struct facts *facts;
    struct archivist *archivist; /* where the policy archives */
    struct deleter *deleter;
    int64_t run;
    int count;
    struct job_execution stored[DELETION_ROWS_MAX]; /* what stands under each row's number */
    struct job_execution shown[DELETION_ROWS_MAX];  /* what the latest look saw */
    bool exists[DELETION_ROWS_MAX];
    enum execution_status planned[DELETION_ROWS_MAX]; /* its status when the plan was written */
    bool force_planned; /* the plan says force for every row, as only a broken ledger would */

    /* One letter for each call in order, the last one again and again.
     * deletes:   D done as the truth is, 409 for what is not finished; L lost, executed; l lost, not
     * executed; Z lost, executed 299 s later; T throttled; N not sent; E expired; S skewed; A denied; K no
     * keys; I invalid; X wrong state describes: = as the truth is; L lost; A denied; E expired; K no keys; T
     * throttled; W about another number; B with a document that is too big. jobs: = as the truth is; A, L, E,
     * K, T, B the same; G gone */
    const char *deletes, *describes, *jobs;
    int warnings;                                                   /* of the archivist */
    void (*before)(struct deletion *test, const struct call *call); /* it is carried out */

    int settled, outcomes[OUTCOME_COUNT];
    enum outcome outcome[DELETION_ROWS_MAX];
    int64_t settled_ns[DELETION_ROWS_MAX], sent_ns[DELETION_ROWS_MAX], looked_ns[DELETION_ROWS_MAX];
    int sends[DELETION_ROWS_MAX]; /* transmissions of each row */
    int added;
    bool done, freeze_seen;
};

/* So many rows, each of a thing of its own, and a sealed plan of them. */
void deletion_begin(struct deletion *test, int rows);
/* Adds rows as there is room until all are settled; false when that took more virtual time. */
bool deletion_run(struct deletion *test, int64_t seconds);
/* The first half of it: begins, for tests that go on by themselves. */
void deletion_start(struct deletion *test);
/* Another process takes up what the ledger has; adds rows again and has sent nothing yet, as far as outcomes
 * go. The ledger works again. */
void deletion_restart(struct deletion *test);
void deletion_finish(struct deletion *test);

/* Index of the row that a call is about. */
int deletion_row(const struct deletion *test, const struct call *call);
/* How many lines of the archive begin with this ("{\"kind\":\"job\""); synced: that a crash would leave. */
int deletion_lines(const struct deletion *test, const char *beginning, bool synced);
void deletion_ledger(const struct deletion *test, int row, struct ledger_row_state *state);
/* Another incarnation takes the number. */
void deletion_replace(struct deletion *test, int row);

#endif
