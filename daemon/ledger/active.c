/* See ledger/active.h. */
#include "ledger/active.h"

#include "base/mem.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

struct row_key {
    int64_t run, row;
};

struct active_row {
    struct row_key key;
    struct row_state state;
    UT_hash_handle hh;
};

struct active_run *active_run(const struct active *active, int64_t id)
{
    struct active_run *run;
    DL_FOREACH (active->runs, run) { /* one for each account and region at work */
        if (run->id == id) {
            return run;
        }
    }
    return NULL;
}

struct active_run *active_add_run(struct active *active, const struct active_run *run)
{
    struct active_run *copy = mem_alloc(sizeof *copy);
    *copy = *run;
    DL_PREPEND(active->runs, copy);
    return copy;
}

static void drop_row(struct active *active, struct active_row *row)
{
    HASH_DEL(active->rows, row);
    free(row);
}

void active_end_run(struct active *active, int64_t id)
{
    struct active_run *run = active_run(active, id);
    struct active_row *row, *next;
    HASH_ITER (hh, active->rows, row, next) {
        if (row->key.run == id) {
            drop_row(active, row);
        }
    }
    if (run != NULL) {
        DL_DELETE(active->runs, run);
        free(run);
    }
}

static struct active_row *find_row(const struct active *active, int64_t run, int64_t row)
{
    struct row_key key = {run, row};
    struct active_row *found;
    HASH_FIND(hh, active->rows, &key, sizeof key, found);
    return found;
}

bool active_row(const struct active *active, int64_t run, int64_t row, struct row_state *state)
{
    const struct active_row *found = find_row(active, run, row);
    if (found != NULL) {
        *state = found->state;
    }
    return found != NULL;
}

void active_set_row(struct active *active, int64_t run, int64_t row, const struct row_state *state)
{
    struct active_row *found = find_row(active, run, row);
    if (state->outcome != OUTCOME_PENDING) {
        if (found != NULL) {
            drop_row(active, found);
        }
        return;
    }
    if (found == NULL) {
        found = mem_zalloc(sizeof *found);
        found->key = (struct row_key){run, row};
        HASH_ADD(hh, active->rows, key, sizeof found->key, found);
    }
    found->state = *state;
}

bool active_open(const struct active *active, int64_t run)
{
    struct active_row *row, *next;
    HASH_ITER (hh, active->rows, row, next) {
        if (row->key.run == run && row->state.open) {
            return true;
        }
    }
    return false;
}

size_t active_rows(const struct active *active)
{
    return HASH_COUNT(active->rows);
}

void active_forget(struct active *active)
{
    struct active_row *row, *next;
    struct active_run *run, *next_run;
    HASH_ITER (hh, active->rows, row, next) {
        drop_row(active, row);
    }
    DL_FOREACH_SAFE (active->runs, run, next_run) {
        free(run);
    }
    active->runs = NULL;
}

void row_state_intent(struct row_state *state)
{
    state->attempts++;
    state->open = true;
    state->unsure = false;
}

void row_state_result(struct row_state *state, enum answer_class class, enum outcome outcome,
                      int64_t signed_at_ms, int64_t at_ms)
{
    bool lost = class == ANSWER_AMBIGUOUS && outcome == OUTCOME_PENDING;
    if (class == ANSWER_AMBIGUOUS && state->open) {
        int64_t signed_ms = signed_at_ms > 0 ? signed_at_ms : at_ms;
        state->lost_signed_ms = signed_ms > state->lost_signed_ms ? signed_ms : state->lost_signed_ms;
    }
    state->unsure = lost;
    state->lost += lost;
    state->open = false;
    state->outcome = outcome != OUTCOME_PENDING ? outcome : state->outcome;
}
