/* Applying a sealed plan: reads its rows from the ledger, a batch at a time, and hands them to the deleter as
 * it has room, until every row is settled or nothing more may go. A plan that was applied in part before (the
 * process ended) goes on where it was: what is settled stays so, what may have been sent is verified first.
 */
#ifndef ENGINE_APPLY_H
#define ENGINE_APPLY_H

#include "engine/deleter.h"

struct apply;

struct apply_config {
    struct deleter_config deleter; /* owner, settled and changed are filled in here */
    bool again;                    /* rows may have been sent by a process before: each is taken up */
    int64_t rows;                  /* of the plan, as the guards saw it: a ledger that gives more is wrong */
    int64_t
        begin_ns; /* nothing happens before: until then a lost request of an earlier run may take effect */
    void *owner;
    /* A row is settled. earlier: it was already, before this apply began; answer is NULL then. */
    void (*settled)(void *owner, const struct plan_row *row, enum outcome outcome,
                    const struct answer *answer, bool earlier);
    /* Nothing is under way any more. The owner may destroy it from here. */
    void (*done)(void *owner);
};

/* No callback runs from inside. */
struct apply *apply_start(const struct apply_config *config);
/* As deleter_cancel(); done() follows. */
void apply_cancel(struct apply *apply, bool hurry);
/* Of a plan that is applied again: nothing more is sent, and what may have been, in this process or before,
 * is settled, in all of the plan; done() follows. */
void apply_settle(struct apply *apply);
void apply_destroy(struct apply *apply); /* after done() only; takes NULL */

/* Why it ended before its time: ERR_NONE, or the error of the ledger or of deleter_stopped(). */
const struct err *apply_stopped(const struct apply *apply, enum answer_class *why);
bool apply_complete(const struct apply *apply);    /* every row of the plan was taken up */
int64_t apply_waits_ms(const struct apply *apply); /* until it begins; 0 once it has */
bool apply_expired(const struct apply *apply);     /* as deleter_expired() */

/* The rows whose answer was lost, and how long until the last of them can be looked at. Whether nothing else
 * is to come, because it was stopped or only settles. */
bool apply_quarantined(const struct apply *apply, int64_t *rows, int64_t *left_ms);

#endif
