/* What the parts of the daemon share: app/daemon.c (its life), app/pausing.c, app/tasks.c (its sweeps),
 * app/firings.c (when they are due), app/requests.c and app/status.c (what the control socket asks). */
#ifndef APP_DAEMON_PRIVATE_H
#define APP_DAEMON_PRIVATE_H

#include "app/catch_up.h"
#include "app/control.h"
#include "app/hooks.h"
#include "app/last_runs.h"
#include "app/leftovers.h"
#include "app/manager.h"
#include "app/monitor.h"
#include "app/options.h"
#include "app/pause_file.h"
#include "app/postponed.h"
#include "app/results.h"
#include "app/runner.h"
#include "app/scheduler.h"
#include "app/selection.h"
#include "app/world.h"
#include "policy/diagnostics.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>

#define SIGNALS_WATCHED 3

struct daemon;
struct follower; /* of app/requests.c */

struct task {
    struct daemon *daemon;
    int refused;               /* the load of the configuration with which it cannot be resumed; 0: none */
    struct follower *follower; /* who asked for it and waits; NULL: nobody */
    int64_t begun_ns, deleting_ns; /* when it was submitted, and when its plan was complete; 0 */
    struct run run;
    struct task *prev, *next;
};

/* The configuration in force, and the latest attempt to replace it. */
struct loaded {
    struct config *config;
    int count;                      /* of loads, the present one included */
    int64_t at_ms;                  /* of it */
    int64_t failed_ms;              /* of the latest reload, if it failed; 0 */
    struct diagnostics diagnostics; /* of the latest load, failed or not */
};

struct daemon {
    const struct options *options;
    struct loaded loaded;
    char state_directory[PATH_MAX];
    struct world *world;
    struct manager *manager;
    struct monitor *monitor;
    struct runner *runner;
    struct scheduler *scheduler;
    struct postponed *postponed;
    struct leftovers *leftovers;
    struct hooks *hooks;
    struct results *results;
    struct control *control;
    struct pause pause;
    struct env_timer hooks_end, replies_end; /* once nothing else is left to do */
    struct catch_up *catch_up;               /* while it is at work */
    struct last_runs *last_runs;             /* while they are asked for */
    bool catch_up_again;                     /* once it has ended: the daemon was resumed meanwhile */
    struct task *resumed;                    /* one for each leftover; NULL until they are known */
    struct task *tasks;                      /* not done */
    struct follower *followers;
    uv_signal_t signals[SIGNALS_WATCHED];
    struct env_timer drain; /* from the first signal to stop */
    size_t task_count;
    int stops; /* SIGTERM and SIGINT so far */
    int64_t started_ms;
    enum exit_status status;
};

/* --- app/daemon.c --- */

/* Nothing new begins any more. */
bool daemon_winds_up(const struct daemon *daemon);
/* Ends the process where nothing is left to do. */
void daemon_end_if_idle(struct daemon *daemon);
/* Something went wrong; where it is the ledger, the daemon winds up. */
void daemon_note_status(struct daemon *daemon, enum exit_status status);
/* All or nothing; what is wrong is in daemon->loaded.diagnostics. -1: the one that was in force stays. */
int daemon_reload(struct daemon *daemon);
int64_t daemon_wall_ms(const struct daemon *daemon);
int64_t daemon_mono_ns(const struct daemon *daemon);

/* --- app/pausing.c --- */

/* -1 with err: the daemon is paused, but the next one would not be. */
int daemon_pause(struct daemon *daemon, int64_t user, struct err *err);
/* -1 with err: it stays paused. */
int daemon_resume(struct daemon *daemon, struct err *err);
void daemon_begin_paused(struct daemon *daemon); /* if the state directory says so */
/* Warns where a daemon that ends paused would be followed by one that is not. */
void daemon_end_paused(const struct daemon *daemon);

/* --- app/tasks.c --- */

/* What was interrupted and is not at its end, and is not under way: in this target's account and region,
 * before something new begins there; NULL: in all of them, but where a target rests. */
void tasks_resume(struct daemon *daemon, const struct target *where);
/* What earlier processes did last, for who asks. */
void tasks_recall(struct daemon *daemon);
/* Has the pair swept now, for a follower or nobody. NULL, or why it is not. */
const char *tasks_begin(struct daemon *daemon, const struct selected *pair, struct follower *follower);

/* --- app/firings.c --- */

void firings_create(struct daemon *daemon);
void firings_destroy(struct daemon *daemon);
void firings_load(struct daemon *daemon);      /* the schedule of the configuration in force */
void firings_catch_up(struct daemon *daemon);  /* what was missed, as far as the ledger tells */
void firings_clear(struct daemon *daemon);     /* nothing is due any more */
void firings_begin_all(struct daemon *daemon); /* each policy, once, now */

/* --- app/requests.c --- */

void requests_create(struct daemon *daemon);
/* Listens where the configuration says. -1 with err. */
int requests_listen(struct daemon *daemon, const struct config *config, struct err *err);
void requests_destroy(struct daemon *daemon);
/* What comes of a task that somebody follows. */
void follower_warn(struct follower *follower, const struct run *run, const char *text);
void follower_settled(struct follower *follower, const struct run *run, const struct plan_row *row,
                      enum outcome outcome, const struct answer *answer);
void follower_done(struct follower *follower, const struct run *run, enum exit_status status);

/* --- app/status.c --- */

/* What a reply on status consists of: first the daemon as a whole, then, where all is asked for, the pairs of
 * policies and targets, piece by piece. */
struct status_cursor {
    struct config *config; /* a reference; NULL: only the first part */
    size_t policy, target; /* the next pair */
};

void status_print(const struct daemon *daemon, struct buf *out);
/* What it settles, or lists, in 1,000 s: the mean so far. */
int64_t task_rate_per_1000s(const struct task *task, const struct sweep_progress *progress);
/* Appends some pairs; false when none were left. */
bool status_print_pairs(const struct daemon *daemon, struct status_cursor *cursor, struct buf *out);

#endif
