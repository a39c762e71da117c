/* The inside of the process, for process.c and runs.c only. */
#ifndef SIM_PROCESS_MODEL_H
#define SIM_PROCESS_MODEL_H

#include "engine/env.h"
#include "engine/report.h"
#include "ledger/sorter.h"
#include "model/ledger.h"
#include "sim/bookkeeper.h"
#include "sim/configs.h"
#include "sim/gift.h"
#include "sim/librarian.h"
#include "sim/process.h"

/* What the configuration calls a site. Each name has lanes of its own, as app/link has. */
struct name {
    struct target target, look_only; /* the same, as a reload may make it */
    struct dispatcher *dispatcher;
};

struct runs { /* of one site, one behind the other */
    struct process *process;
    struct sim *sim;
    const struct site *site;
    struct random random;
    struct random extras; /* so that what a seed has besides does not move the rest */
    struct name names[SCENARIO_NAMES_MAX];
    int name_count, name; /* name: of the present run */
    struct gift *gifts;   /* all that there were */
    struct policy nobody; /* behind a run of rows that a person named, when it is resumed */
    struct sweep *sweep;
    struct ledger_request open_run, rates;
    struct run_header where; /* whose rates they are */
    /* The rates that are on record, those that a process found there last, and those that were to be: after a
       kill or a failure nobody knows which it is. */
    int64_t kept[OPERATION_COUNT], found[OPERATION_COUNT], asked[OPERATION_COUNT];
    struct report report;
    struct env_timer ended, turn;
    bool asking, done, over; /* over: everything is swept */
    bool waits;              /* its turn came during a pause */
    int policy;
    int tries; /* of the present policy of the last round */
    bool finished[SCENARIO_POLICIES_MAX];
    int64_t round_ms;
};

struct process {
    struct sim *sim;
    struct configs *configs;
    struct bookkeeper *bookkeeper;
    struct librarian *librarian;
    struct runs runs[SCENARIO_SITES_MAX];
    struct sorter_place place;
    struct scratch scratch;
    struct env_timer end;
    bool dead, over;
    bool leaving; /* it ends with the present runs */
    bool paused;  /* as the file in the state directory has it, so over restarts, too */
    int run_count, restarts;
};

/* --- runs.c --- */

void runs_init(struct runs *runs, struct process *process, const struct site *site);
void runs_finish(struct runs *runs);
/* The process has its ledger: what an earlier one left comes first. */
void runs_start(struct runs *runs);
bool runs_under_way(const struct runs *runs);    /* an answer is to come, of the ledger or of a sweep */
bool runs_cancel(struct runs *runs, bool hurry); /* the present run; false when there is none */
/* The process's pause began, or is over. */
void runs_pause(struct runs *runs);
void runs_kill(struct runs *runs);   /* what is under way ends without being heard; the wire stays cut */
void runs_let_go(struct runs *runs); /* the process ends, and nothing is under way */

/* --- process.c --- */

/* A site's runs are at their end, or the ledger is, or the process shall end: it does when nothing is under
 * way. From an event that is no callback of the engine. */
void process_end(struct process *process);
bool process_sweeps(const struct process *process); /* a run is under way, at any site */
void process_end_soon(struct process *process);     /* the same, from anywhere */

#endif
