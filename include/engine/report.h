/* What a sweep found and did, in numbers. */
#ifndef ENGINE_REPORT_H
#define ENGINE_REPORT_H

#include "base/err.h"
#include "engine/archivist.h"
#include "model/call.h"
#include "model/outcome.h"

#include <stdbool.h>
#include <stdint.h>

enum sweep_end {
    SWEEP_FINISHED, /* everything that was selected is settled */
    SWEEP_PLANNED,  /* only looked, as asked or because the policy observes */
    SWEEP_GUARDED,  /* abort_if stopped it: nothing was deleted */
    SWEEP_LIMITED,  /* limits drained as much as allowed; more remains */
    SWEEP_STOPPED,  /* a run of refusals, a skewed clock or a frozen ledger stopped it; err says which */
    SWEEP_CANCELED, /* by request: what was under way was settled, the rest not attempted */
    SWEEP_FAILED    /* listing failed: nothing was deleted; err says why */
};

/* What SWEEP_LIMITED means. */
enum sweep_limit {
    LIMIT_ROWS,    /* limits.per_run or per_thing */
    LIMIT_WINDOW,  /* the end of schedule.window, or it was not open at all */
    LIMIT_DURATION /* schedule.max_duration */
};

struct report {
    int64_t run; /* its number in the ledger; 0: it never began there */
    enum sweep_end end;
    enum sweep_limit limit;
    struct err err;        /* SWEEP_GUARDED, SWEEP_STOPPED, SWEEP_FAILED: why */
    enum answer_class why; /* SWEEP_FAILED, SWEEP_STOPPED after an answer: its class; else ANSWER_DONE */
    int64_t listed;        /* distinct executions seen in scope */
    int64_t skipped;       /* rows of answers that broke a rule; never deleted */
    int64_t selected;      /* rows of the plan */
    int64_t newest;        /* rows that were given without a number: the newest of each was meant */
    int64_t remaining;     /* matched, but left for the next time by limits */
    int64_t in_grace;      /* matched, but selected for too short a time */
    int64_t outcomes[OUTCOME_COUNT]; /* their sum is selected, once the sweep is done (a plan: all
                                        not_attempted) */
    int64_t calls[OPERATION_COUNT];  /* attempts made by this sweep's dispatcher meanwhile */
    struct archivist_view archive;   /* where the policy archives and something was to be deleted */
    int64_t started_ms, ended_ms;
    bool recorded; /* its end is in the ledger; else it is to be resumed */
};

/* Whether a person or a script must be told of trouble: any failed, unknown or unfinished row, any bad end.
 */
bool report_failed(const struct report *report);
/* Whether it ended before it had a plan: that nothing is selected says nothing then. */
bool report_without_plan(const struct report *report);
/* Whether credentials or permissions were the trouble. */
bool report_denied(const struct report *report);
int64_t report_outcome_sum(const struct report *report);
/* What a run that was limited has left: rows of its plan, and what matched besides. */
int64_t report_left(const struct report *report);
const char *sweep_end_name(enum sweep_end end); /* "finished", "planned", "guard", "limit", ... */
/* The same, and for a limit which: "limit", "window", "max_duration". */
const char *report_end_name(const struct report *report);

#endif
