/* What the files of app/session share. */
#ifndef APP_SESSION_PRIVATE_H
#define APP_SESSION_PRIVATE_H

#include "app/leftovers.h"
#include "app/plan_count.h"
#include "app/progress.h"
#include "app/runner.h"
#include "app/session.h"
#include "app/summary.h"
#include "app/tally.h"
#include "app/view.h"
#include "app/world.h"

#include <uv.h>

#define SIGNALS_WATCHED 3

struct session;

enum pair_stage {
    PAIR_PLAIN,    /* one run, and no question */
    PAIR_PLANNING, /* its plan is made, to be shown */
    PAIR_SHOWN,    /* and waits for the others', and for the answer */
    PAIR_DELETING  /* the rows that were shown */
};

struct pair {
    struct session *session;
    struct run run;
    bool deletes;
    const char *why_not; /* a sweep is only planned here; NULL: it deletes, or nobody asked it to */
    enum pair_stage stage;
    struct plan_count *plan; /* where it is shown or told; else NULL */
    struct tally *reasons;   /* why rows were not deleted; NULL: none yet */
    int64_t failures;
    size_t saved;            /* its plan in what is saved */
    struct spool_part *rows; /* that are selected: saved, or shown; NULL: nobody keeps them */
    struct report planned;   /* from PAIR_SHOWN on: the plan's */
    struct row_source source;
    enum exit_status status;
};

struct session {
    struct session_config config;
    const struct options *options; /* config's */
    struct world *world;
    struct leftovers *leftovers; /* NULL for a plan */
    struct runner *runner;
    struct progress *progress; /* NULL with --quiet */
    struct view_style style;
    struct pair *pairs;
    size_t count, left, failed; /* pairs: all, not ended, ended badly */
    struct buf out;             /* what is printed next */
    uv_signal_t signals[SIGNALS_WATCHED];
    int interrupts;
    bool interrupted;    /* by SIGINT */
    struct spool *spool; /* of a session that asks */
    bool unanswered;     /* a signal came while it asked */
    struct summary *summary;
    enum exit_status status;
};

/* What runs tell while they go on, for struct run; its owner is a struct pair. */
extern const struct sweep_observer session_observer;

bool session_json(const struct session *session);
void session_print(struct session *session);            /* what is in session->out, to standard output */
void session_show(struct session *session);             /* to standard error, as part of a question */
void session_tell(struct pair *pair, const char *text); /* a line on standard error; takes NULL */

/* The end of a pair: its result is counted, told and printed. */
void session_end_pair(struct pair *pair);
void session_add_report(const struct pair *pair, struct summary *summary);

/* session_ask.c. A run has ended: whether it made the plan of a pair that is asked about; it is shown then,
 * and the pair goes on. */
bool session_keep_plan(struct pair *pair);
/* What the plan of a pair was goes into the report of its deletion: they are one sweep. */
void session_join_plan(struct pair *pair);
/* All runs have ended. Asks about the plans that were shown, if there are any, and goes on with them, or
 * stops the world; where a signal came instead of an answer, nothing happens. */
void session_ask(struct session *session);

#endif
