/* Writing plans: their rows, with names stored once, and reasons, where a policy gave them: it has a few for
 * all its rows. Those of rows that were given may all differ, and pruning, which finds out for names whether
 * a row has them still, could not tell for reasons: so they are kept in their rows. See ledger/store.h. */
#include "base/mem.h"
#include "ledger/chain.h"
#include "ledger/store_private.h"

#include <stdlib.h>
#include <string.h>

static int find_name(struct store *store, const char *text, int64_t *id, struct err *err)
{
    struct db_statement *find =
        db_use(store->db, &store->statements[FIND_NAME], "SELECT id FROM name WHERE text = ?1", err);
    if (find == NULL) {
        return -1;
    }
    db_bind(find, "t", text);
    int result = db_step(find, err);
    if (result == 1) {
        *id = db_int(find, 0);
        db_reset(find);
    }
    if (result != 0) {
        return result < 0 ? -1 : 0;
    }
    struct db_statement *add =
        db_use(store->db, &store->statements[ADD_NAME], "INSERT INTO name (text) VALUES (?1)", err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "t", text);
    result = db_run(add, err);
    *id = db_last_id(store->db);
    return result;
}

static int intern(struct store *store, enum store_name which, const char *text, int64_t *id, struct err *err)
{
    char **last = &store->last_name[which];
    if (*last == NULL || strcmp(*last, text) != 0) {
        if (find_name(store, text, &store->last_id[which], err) != 0) {
            return -1;
        }
        free(*last);
        *last = mem_strdup(text);
    }
    *id = store->last_id[which];
    return 0;
}

static int add_row(struct store *store, const struct active_run *run, int64_t number,
                   const struct plan_row *row, struct err *err)
{
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    const char *own = run->given ? row->reason : NULL;
    int64_t job, thing, reason = 0;
    if (intern(store, NAME_JOB, row->execution.job_id, &job, err) != 0 ||
        intern(store, NAME_THING, row->execution.thing_name, &thing, err) != 0 ||
        (own == NULL && intern(store, NAME_REASON, row->reason, &reason, err) != 0)) {
        return -1;
    }
    struct db_statement *add = db_use(store->db, &store->statements[ADD_ROW],
                                      "INSERT INTO plan VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                                      " COALESCE(CAST(?13 AS BLOB), ?12))",
                                      err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "iiiiiitttiiin", run->id, number, job, thing, row->execution.number,
            (int64_t)fingerprint->status, fingerprint->queued_at.text, fingerprint->started_at.text,
            fingerprint->last_updated_at.text, fingerprint->version_number, (int64_t)row->force, reason, own);
    return db_run(add, err);
}

int store_add_rows(struct store *store, const struct ledger_request *request, struct active_run *state,
                   struct err *err)
{
    if (state->rows + (int64_t)request->count > RECORD_ROWS_MAX) {
        return err_set(err, ERR_TOO_BIG, "ledger '%s': a plan holds %d job executions at most; select fewer",
                       store->config.path, RECORD_ROWS_MAX);
    }
    for (size_t i = 0; i < request->count; i++) {
        if (add_row(store, state, state->rows + (int64_t)i, &request->rows[i], err) != 0) {
            return -1;
        }
        chain_row(store->config.sha256, &request->rows[i], state->digest);
    }
    state->rows += (int64_t)request->count;
    struct db_statement *set = db_use(store->db, &store->statements[RUN_ROWS],
                                      "UPDATE run SET rows = ?2, digest = ?3 WHERE id = ?1", err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "iih", request->run, state->rows, state->digest);
    return db_run(set, err);
}
