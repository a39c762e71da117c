/* What goes from the old end of the ledger. See ledger/store.h.
 *
 * A run goes at once, with a line or two: the chain begins behind it from then on. Its rows and records, of
 * which there may be millions, have no run any more. Nobody sees them, and they are taken away in small
 * transactions, so that nobody waits and the log stays short. As runs only go from the old end, these are the
 * ones whose run is lower than the lowest that is left. */
#include "ledger/store_private.h"

#include <stdio.h>

#define PART_ROWS 1000 /* taken away at a time: some 8 ms */

#define FIRST_RUN "COALESCE((SELECT min(id) FROM run), 9223372036854775807)"

/* The last record that may go: every record up to it is of a run that ended in time, and whole. Runs overlap:
 * from the newest down, one that stays, or that is cut, moves the end below its beginning. */
static int prunable(struct store *store, int64_t before_ms, int64_t *last, struct err *err)
{
    struct db_statement *get = db_use(
        store->db, &store->statements[PRUNE_LAST],
        "SELECT first_sequence, last_sequence, ended_ms IS NULL OR ended_ms >= ?1 FROM run ORDER BY id DESC",
        err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "i", before_ms);
    *last = INT64_MAX - 1;
    int result;
    while ((result = db_step(get, err)) == 1) {
        int64_t began = db_int(get, 0);
        bool stays = db_int(get, 2) != 0;
        if (began <= *last && (stays || db_int(get, 1) > *last)) {
            *last = began - 1;
        }
    }
    return result;
}

/* The last record of all that go is the end of its run. */
static int forget_runs(struct store *store, int64_t last, int64_t *runs, struct err *err)
{
    static const char format[] =
        "UPDATE chain SET anchor_sequence = min(%lld, last_sequence)"
        " WHERE EXISTS (SELECT 1 FROM run WHERE run.last_sequence <= %lld);"
        "UPDATE chain SET anchor_hash = (SELECT hash FROM entry WHERE id ="
        " (SELECT " RECORD_RUN_ID(
            "id") " + %d FROM run WHERE run.last_sequence = chain.anchor_sequence))"
                  " WHERE EXISTS (SELECT 1 FROM run WHERE run.last_sequence = chain.anchor_sequence);"
                  "DELETE FROM run WHERE last_sequence <= %lld";
    char sql[sizeof format + 64];
    snprintf(sql, sizeof sql, format, (long long)last, (long long)last, RECORD_END, (long long)last);
    if (db_execute(store->db, sql, err) != 0) {
        return -1;
    }
    *runs = db_changes(store->db);
    return 0;
}

/* Of policies that are no more, or have no grace any more and did not run since. */
static int forget_graces(struct store *store, int64_t before_ms, struct err *err)
{
    char sql[128];
    snprintf(sql, sizeof sql, "UPDATE grace_scope SET dropped = 1 WHERE touched_ms < %lld AND dropped = 0",
             (long long)before_ms);
    return db_execute(store->db, sql, err);
}

int store_prune(struct store *store, int64_t before_ms, int64_t *runs, struct err *err)
{
    int64_t last;
    *runs = 0;
    if (store_begin(store, err) != 0) {
        return -1;
    }
    if (prunable(store, before_ms, &last, err) != 0 ||
        (last > 0 && forget_runs(store, last, runs, err) != 0) || forget_graces(store, before_ms, err) != 0 ||
        store_commit(store, err) != 0) {
        store_rollback(store);
        return -1;
    }
    return 0;
}

/* Names of things and jobs go with the last row that has them; a reason is no name, and there are few. */
static int take_rows(struct store *store, int64_t *taken, struct err *err)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE IF NOT EXISTS part (run INTEGER, row INTEGER, job INTEGER, thing INTEGER);"
             "DELETE FROM part;"
             "INSERT INTO part SELECT run, row, job, thing FROM plan WHERE run < " FIRST_RUN
             " ORDER BY run, row LIMIT %d;"
             "DELETE FROM plan WHERE (run, row) IN (SELECT run, row FROM part)",
             PART_ROWS);
    if (db_execute(store->db, sql, err) != 0) {
        return -1;
    }
    *taken += db_changes(store->db);
    return db_execute(store->db,
                      "DELETE FROM name WHERE id IN (SELECT job FROM part UNION SELECT thing FROM part)"
                      " AND NOT EXISTS (SELECT 1 FROM plan WHERE thing = name.id)"
                      " AND NOT EXISTS (SELECT 1 FROM plan WHERE job = name.id)",
                      err);
}

static int take_records(struct store *store, const char *table, int64_t *taken, struct err *err)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "DELETE FROM %s WHERE id IN (SELECT id FROM %s WHERE id < COALESCE((SELECT " RECORD_RUN_ID(
                 "min(id)") " FROM run), 9223372036854775807) ORDER BY id LIMIT %d)",
             table, table, PART_ROWS);
    if (db_execute(store->db, sql, err) != 0) {
        return -1;
    }
    *taken += db_changes(store->db);
    return 0;
}

#define DROPPED_SCOPE "(SELECT min(id) FROM grace_scope WHERE dropped = 1)"

static int take_graces(struct store *store, int64_t *taken, struct err *err)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "DELETE FROM grace WHERE (scope, key) IN"
             " (SELECT scope, key FROM grace WHERE scope = " DROPPED_SCOPE " LIMIT %d)",
             PART_ROWS);
    if (db_execute(store->db, sql, err) != 0) {
        return -1;
    }
    int64_t graces = db_changes(store->db);
    if (graces < PART_ROWS && db_execute(store->db,
                                         "DELETE FROM grace_run WHERE scope = " DROPPED_SCOPE ";"
                                         "DELETE FROM grace_scope WHERE id = " DROPPED_SCOPE,
                                         err) != 0) {
        return -1;
    }
    *taken += graces < PART_ROWS ? db_changes(store->db) : graces;
    return 0;
}

int store_prune_rest(struct store *store, bool *more, struct err *err)
{
    int64_t taken = 0;
    *more = false;
    store_forget_names(store);
    if (store_begin(store, err) != 0) {
        return -1;
    }
    if (take_rows(store, &taken, err) != 0 || take_records(store, "intent", &taken, err) != 0 ||
        take_records(store, "entry", &taken, err) != 0 || take_graces(store, &taken, err) != 0 ||
        store_commit(store, err) != 0) {
        store_rollback(store);
        return -1;
    }
    *more = taken > 0;
    return 0;
}
