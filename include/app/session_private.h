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

struct pair {
    struct session *session;
    struct run run;
    bool deletes;
    struct plan_count *plan; /* where it is shown or told; else NULL */
    struct tally *reasons;   /* why rows were not deleted; NULL: none yet */
    int64_t failures;
    size_t saved; /* its plan in what is saved */
    struct spool_part *saved_rows;
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
    bool interrupted; /* by SIGINT */
    struct summary *summary;
    enum exit_status status;
};

/* What runs tell while they go on, for struct run; its owner is a struct pair. */
extern const struct sweep_observer session_observer;

bool session_json(const struct session *session);
void session_print(struct session *session);            /* what is in session->out, to standard output */
void session_tell(struct pair *pair, const char *text); /* a line on standard error; takes NULL */

#endif
