/* What happens to the rows of a sealed plan: their intents and results, and reading them back with what came
 * of them so far. See ledger/store.h. */
#include "ledger/active.h"
#include "ledger/store_private.h"

/* What the records say of a row. */
static int look_up_row(struct store *store, int64_t run, int64_t row, struct row_state *state,
                       struct err *err)
{
    struct db_statement *get =
        db_use(store->db, &store->statements[ROW_STATE],
               "SELECT id, 2 AS kind, NULL, NULL, NULL, at_ms FROM intent"
               " WHERE id BETWEEN ?1 AND ?2"
               " UNION ALL SELECT id, 3, outcome, class, signed_at_ms, at_ms FROM entry"
               " WHERE id BETWEEN ?1 AND ?2 ORDER BY id, kind",
               err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "ii", record_row_first(run, row), record_row_last(run, row));
    int result;
    while ((result = db_step(get, err)) == 1) {
        if (db_int(get, 1) == RECORD_INTENT) {
            row_state_intent(state);
        } else {
            row_state_result(state, (enum answer_class)db_int(get, 3), (enum outcome)db_int(get, 2),
                             db_int(get, 4), db_int(get, 5));
        }
    }
    return result;
}

static int row_state(struct store *store, const struct active_run *run, int64_t row, struct row_state *state,
                     struct err *err)
{
    *state = (struct row_state){0};
    if (row >= run->untouched || active_row(&store->active, run->id, row, state)) {
        return 0;
    }
    return look_up_row(store, run->id, row, state, err);
}

static int note_lost(struct store *store, int64_t run, int64_t signed_ms, struct err *err)
{
    struct db_statement *set =
        db_use(store->db, &store->statements[RUN_LOST],
               "UPDATE run SET lost_signed_ms = max(lost_signed_ms, ?2) WHERE id = ?1", err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "ii", run, signed_ms);
    return db_run(set, err);
}

static int append_intent(struct store *store, struct ledger_request *request, struct row_state *row,
                         struct err *err)
{
    if (row->open || request->attempt != row->attempts + 1) {
        return store_out_of_order(request, err);
    }
    struct store_record record = {
        .run = request->run, .row = request->row, .attempt = request->attempt, .note = ""};
    row_state_intent(row);
    return store_append_record(store, &record, RECORD_INTENT, err);
}

static int append_result(struct store *store, struct ledger_request *request, struct row_state *row,
                         struct err *err)
{
    if (request->attempt != (row->open ? row->attempts : 0)) {
        return store_out_of_order(request, err);
    }
    struct store_record record = {.run = request->run,
                                  .row = request->row,
                                  .attempt = request->attempt,
                                  .signed_at_ms = request->signed_at_ms,
                                  .answer = request->answer,
                                  .outcome = request->outcome,
                                  .note = ""};
    if (store_append_record(store, &record, RECORD_RESULT, err) != 0) {
        return -1;
    }
    row_state_result(row, request->answer.class, request->outcome, request->signed_at_ms, record.at_ms);
    bool lost = request->outcome == OUTCOME_UNKNOWN && row->lost_signed_ms > 0;
    return lost ? note_lost(store, request->run, row->lost_signed_ms, err) : 0;
}

int store_add_attempt(struct store *store, struct ledger_request *request, struct active_run *run,
                      struct err *err)
{
    struct row_state row;
    if (request->row < 0 || request->row >= run->rows || !run->sealed || run->ended ||
        !record_fits(request->run, request->row, request->attempt)) {
        return store_out_of_order(request, err);
    }
    if (row_state(store, run, request->row, &row, err) != 0) {
        return -1;
    }
    if (row.outcome != OUTCOME_PENDING) {
        return store_out_of_order(request, err);
    }
    int result = request->operation == LEDGER_INTENT ? append_intent(store, request, &row, err)
                                                     : append_result(store, request, &row, err);
    if (result == 0) {
        active_set_row(&store->active, run->id, request->row, &row);
        run->untouched = request->row >= run->untouched ? request->row + 1 : run->untouched;
    }
    return result;
}

static void take_row_state(const struct row_state *state, struct plan_row *row)
{
    row->outcome = state->outcome;
    row->attempts = state->attempts;
    row->lost = state->lost;
    row->open = state->open;
    row->unsure = state->unsure;
}

int store_read_rows(struct store *store, struct ledger_request *request, const struct active_run *run,
                    struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[READ_ROWS],
                                      "SELECT " STORE_PLAN_COLUMNS " FROM plan " STORE_PLAN_NAMES
                                      " WHERE plan.run = ?1 AND plan.row >= ?2 ORDER BY plan.row LIMIT ?3",
                                      err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "iii", request->run, request->from, (int64_t)request->count);
    int result;
    size_t count = 0; /* one that fails may be carried out once more, for as many rows as were asked for */
    while ((result = db_step(get, err)) == 1) {
        struct plan_row *row = &request->rows[count];
        struct row_state state;
        store_take_plan_row(get, 0, row);
        if (row_state(store, run, request->from + (int64_t)count, &state, err) != 0) {
            db_reset(get);
            return -1;
        }
        take_row_state(&state, row);
        count++;
    }
    request->count = result == 0 ? count : request->count;
    return result;
}
