/* What the store remembers of runs that are under way and of their rows that are not settled, so that an
 * intent or a result need not be looked up in the database. It holds no more than the database says: a
 * transaction that is rolled back is forgotten with all the rest. */
#ifndef LEDGER_ACTIVE_H
#define LEDGER_ACTIVE_H

#include "ledger/store.h"
#include "model/ledger.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct active_run {
    int64_t id;
    bool sealed, ended;
    bool given; /* its rows were, and it has an origin: their reasons are their own */
    int64_t rows;
    int64_t untouched; /* no row from here on has a record */
    uint8_t digest[STORE_HASH_BYTES];
    struct active_run *prev, *next;
};

struct row_state {
    int attempts, lost; /* as in struct plan_row, and so are the others */
    bool open, unsure;
    enum outcome outcome;
    int64_t lost_signed_ms; /* when the latest request without an answer was signed, as far as is known; 0:
                               none */
};

struct active {
    struct active_run *runs;
    struct active_row *rows;
};

struct active_run *active_run(const struct active *active, int64_t id); /* NULL: not remembered */
/* Remembers it; the copy that is kept. */
struct active_run *active_add_run(struct active *active, const struct active_run *run);
void active_end_run(struct active *active, int64_t id); /* and its rows */

bool active_row(const struct active *active, int64_t run, int64_t row, struct row_state *state);
/* A settled row is forgotten. */
void active_set_row(struct active *active, int64_t run, int64_t row, const struct row_state *state);
/* Whether a row of the run has an intent without a result. */
bool active_open(const struct active *active, int64_t run);
size_t active_rows(const struct active *active);

void active_forget(struct active *active); /* everything */

/* What one more record means for a row. */
void row_state_intent(struct row_state *state);
void row_state_result(struct row_state *state, enum answer_class class, enum outcome outcome,
                      int64_t signed_at_ms, int64_t at_ms);

#endif
