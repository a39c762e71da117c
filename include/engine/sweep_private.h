/* What the files of engine/sweep share. */
#ifndef ENGINE_SWEEP_PRIVATE_H
#define ENGINE_SWEEP_PRIVATE_H

#include "engine/apply.h"
#include "engine/archivist.h"
#include "engine/curfew.h"
#include "engine/facts.h"
#include "engine/selector.h"
#include "engine/supply.h"
#include "engine/sweep.h"
#include "engine/things.h"

enum sweep_state {
    STATE_STARTING,
    STATE_SUPPLYING,
    STATE_SELECTING, /* what must be seen together is; the last rows are on their way to the ledger */
    STATE_SEALING,
    STATE_PROTECTING, /* what is protected now is found out, of rows that were selected before */
    STATE_DELETING,
    STATE_CLOSING,
    STATE_DONE
};

struct sweep {
    struct sweep_config config;
    enum sweep_state state;
    struct report report;
    bool ended; /* how it ends is decided: see sweep_end_as() */
    struct facts *facts;
    struct things *things;
    struct supply *supply;
    struct apply *apply;
    struct archivist *archivist;                 /* NULL: nothing is archived */
    void (*archive_closed)(struct sweep *sweep); /* see sweep_archive_end() */
    void (*deleted)(struct sweep *sweep);        /* see sweep_delete() */
    int64_t run;
    struct run_header header;
    struct ledger_request request; /* START_RUN, SEAL_PLAN, COUNT_GRACES, END_RUN */
    bool counts;                   /* what it selected counts for the graces of later runs */
    struct selector *selector;
    int64_t settled;        /* rows of the plan */
    int64_t begin_ns;       /* before that no row is sent; monotonic */
    int64_t began_ns;       /* when the ledger began the run, or it was resumed; monotonic */
    int64_t lost_signed_ms; /* as LEDGER_START_RUN answered */
    struct env_timer timer; /* of sweep_resume() */
    struct curfew curfew;   /* of a sweep that deletes */
    bool begun;             /* a resumed run: it has an intent, so something of it may have been sent */
    bool settle_only;       /* a resumed run: nothing more of it may be sent */
    int64_t calls_before[OPERATION_COUNT];
};

/* sweep.c */
void sweep_set_state(struct sweep *sweep, enum sweep_state state);
void sweep_end_as(struct sweep *sweep, enum sweep_end end, const struct err *err, enum answer_class why);
void sweep_warn(void *sweep, const char *text);
bool sweep_deletes(const struct sweep *sweep); /* if the guards let it */
int64_t sweep_mono_ns(const struct sweep *sweep);
/* sweep_rows.c: takes rows from the supply, has them selected and written. done() comes once, from the loop;
 * sweep->ended says whether it went well. */
void sweep_take_rows(struct sweep *sweep, void (*done)(void *owner));
/* sweep_delete.c: has every row of the sealed plan settled; nothing is sent within left_ns. done() comes
 * once, from the loop. */
void sweep_delete(struct sweep *sweep, int64_t left_ns, void (*done)(struct sweep *sweep));
/* How long after now a request that was sent before may still be carried out. */
int64_t sweep_longest_ns(const struct sweep *sweep);
/* sweep_archive.c */
/* Where the policy archives, and may delete yet: makes the archivist. -1 with ERR_ARCHIVE: there is no
 * archive. */
int sweep_archive_begin(struct sweep *sweep, struct err *err);
/* Closes it, and tells the report; done comes later, or at once where there is none. */
void sweep_archive_end(struct sweep *sweep, void (*done)(struct sweep *sweep));

#endif
