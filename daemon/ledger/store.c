/* See ledger/store.h.
 *
 * A record's key is (run, row, attempt, kind), so that what happened to a row lies together and the rows of a
 * page find their state in one short range; its place in the chain is the column `sequence`. */
#include "ledger/store.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "ledger/chain.h"
#include "ledger/db.h"
#include "ledger/store_private.h"

#include <stdlib.h>
#include <string.h>

static const char SCHEMA[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE run (id INTEGER PRIMARY KEY AUTOINCREMENT, policy TEXT, policy_sha256 TEXT, target TEXT,"
    " account TEXT, region TEXT, started_ms INTEGER, sealed INTEGER NOT NULL DEFAULT 0,"
    " rows INTEGER NOT NULL DEFAULT 0, digest BLOB NOT NULL, first_sequence INTEGER, last_sequence INTEGER,"
    " ended_ms INTEGER);"
    "CREATE INDEX open_run ON run (id) WHERE ended_ms IS NULL;"
    "CREATE TABLE plan (run INTEGER, row INTEGER, job INTEGER, thing INTEGER, number INTEGER, status INTEGER,"
    " queued_at TEXT, started_at TEXT, last_updated_at TEXT, version INTEGER, force INTEGER, reason INTEGER,"
    " PRIMARY KEY (run, row)) WITHOUT ROWID;"
    "CREATE INDEX plan_thing ON plan (thing, job);"
    "CREATE TABLE record (run INTEGER, row INTEGER, attempt INTEGER, kind INTEGER, sequence INTEGER NOT NULL,"
    " at_ms INTEGER, signed_at_ms INTEGER, received_ms INTEGER, class INTEGER, http_status INTEGER, code "
    "TEXT,"
    " request_id TEXT, outcome INTEGER, note TEXT, hash BLOB NOT NULL,"
    " PRIMARY KEY (run, row, attempt, kind)) WITHOUT ROWID;"
    "CREATE TABLE chain (id INTEGER PRIMARY KEY CHECK (id = 0), last_sequence INTEGER, last_hash BLOB,"
    " anchor_sequence INTEGER, anchor_hash BLOB);"
    "INSERT INTO chain VALUES (0, 0, zeroblob(32), 0, zeroblob(32));"
    "PRAGMA user_version = 1;"
    "COMMIT";

/* --- opening
 * ------------------------------------------------------------------------------------------------- */

/* Version 0 is an empty database; there is no older schema than 1 yet. */
static int migrate(struct store *store, struct err *err)
{
    struct db_statement *pragma =
        db_use(store->db, &store->statements[USER_VERSION], "PRAGMA user_version", err);
    if (pragma == NULL || db_step(pragma, err) < 0) {
        return -1;
    }
    int64_t version = db_int(pragma, 0);
    db_reset(pragma);
    if (version > STORE_VERSION) {
        return err_set(err, ERR_INVALID, "ledger '%s' is of version %lld; this program knows up to %d",
                       store->config.path, (long long)version, STORE_VERSION);
    }
    return version == STORE_VERSION || store->config.read_only ? 0 : db_execute(store->db, SCHEMA, err);
}

struct store *store_open(const struct store_config *config, struct err *err)
{
    struct store *store = mem_zalloc(sizeof *store);
    store->config = *config;
    store->config.path = mem_strdup(config->path);
    buf_init(&store->scratch, 16384);
    *err = (struct err){0};
    store->db = db_open(config->path, config->vfs, config->read_only, err);
    if (store->db == NULL || migrate(store, err) != 0) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    db_close(store->db);
    buf_finish(&store->scratch);
    free((char *)store->config.path);
    free(store);
}

/* --- transactions and the chain
 * ------------------------------------------------------------------------------- */

int store_begin(struct store *store, struct err *err)
{
    store->tip_loaded = false;
    return db_execute(store->db, "BEGIN IMMEDIATE", err);
}

int store_commit(struct store *store, struct err *err)
{
    if (store->tip_loaded) {
        struct db_statement *set = db_use(store->db, &store->statements[SET_TIP],
                                          "UPDATE chain SET last_sequence = ?1, last_hash = ?2", err);
        if (set == NULL) {
            return -1;
        }
        db_bind(set, "ih", store->sequence, store->hash);
        if (db_run(set, err) != 0) {
            return -1;
        }
    }
    return db_execute(store->db, "COMMIT", err);
}

void store_rollback(struct store *store)
{
    struct err ignored; /* what failed before is the news */
    if (db_in_transaction(store->db)) {
        db_execute(store->db, "ROLLBACK", &ignored);
    }
}

static int load_tip(struct store *store, struct err *err)
{
    if (store->tip_loaded) {
        return 0;
    }
    struct db_statement *get =
        db_use(store->db, &store->statements[GET_TIP], "SELECT last_sequence, last_hash FROM chain", err);
    if (get == NULL || db_step(get, err) < 0) {
        return -1;
    }
    store->sequence = db_int(get, 0);
    bool good = db_bytes(get, 1, store->hash, sizeof store->hash);
    db_reset(get);
    store->tip_loaded = good;
    return good ? 0 : err_set(err, ERR_IO, "ledger '%s': the chain has no tip", store->config.path);
}

static int append_record(struct store *store, struct store_record *record, enum record_kind kind,
                         struct err *err)
{
    const struct answer *answer = &record->answer;
    struct db_statement *add = db_use(
        store->db, &store->statements[ADD_RECORD],
        "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)", err);
    if (add == NULL || load_tip(store, err) != 0) {
        return -1;
    }
    record->sequence = ++store->sequence;
    record->kind = store_kind_name(kind);
    record->at_ms = store->config.wall_ms(store->config.ctx);
    chain_record(store->config.sha256, &store->scratch, record, store->hash);
    db_bind(add, "iiiiiiiiiittith", record->run, record->row, (int64_t)record->attempt, (int64_t)kind,
            record->sequence, record->at_ms, record->signed_at_ms, answer->received_ms,
            (int64_t)answer->class, (int64_t)answer->http_status, answer->code, answer->request_id,
            (int64_t)record->outcome, record->note, store->hash);
    return db_run(add, err);
}

/* --- requests
 * ------------------------------------------------------------------------------------------------ */

static int out_of_order(const struct ledger_request *request, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "ledger: operation %d on run %lld, row %lld is out of order",
                   (int)request->operation, (long long)request->run, (long long)request->row);
}

static int start_run(struct store *store, struct ledger_request *request, struct err *err)
{
    const struct run_header *header = request->header;
    struct db_statement *add = db_use(
        store->db, &store->statements[ADD_RUN],
        "INSERT INTO run (policy, policy_sha256, target, account, region, started_ms, digest, first_sequence)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, zeroblob(32), ?7)",
        err);
    if (add == NULL || load_tip(store, err) != 0) {
        return -1;
    }
    db_bind(add, "tttttii", header->policy, header->policy_sha256, header->target, header->account,
            header->region, header->started_ms, store->sequence + 1);
    if (db_run(add, err) != 0) {
        return -1;
    }
    request->run = db_last_id(store->db);
    struct store_record record = {.run = request->run, .row = -1, .header = *header, .note = ""};
    return append_record(store, &record, RECORD_START, err);
}

struct run_state {
    bool found, sealed, ended;
    int64_t rows;
    uint8_t digest[STORE_HASH_BYTES];
};

static int run_state(struct store *store, int64_t run, struct run_state *state, struct err *err)
{
    *state = (struct run_state){0};
    struct db_statement *get =
        db_use(store->db, &store->statements[RUN_STATE],
               "SELECT sealed, ended_ms IS NOT NULL, rows, digest FROM run WHERE id = ?1", err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "i", run);
    int result = db_step(get, err);
    if (result == 1) {
        state->found = db_bytes(get, 3, state->digest, sizeof state->digest);
        state->sealed = db_int(get, 0) != 0;
        state->ended = db_int(get, 1) != 0;
        state->rows = db_int(get, 2);
        db_reset(get);
    }
    return result < 0 ? -1 : 0;
}

static int intern(struct store *store, const char *text, int64_t *id, struct err *err)
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

static int add_row(struct store *store, int64_t run, int64_t number, const struct plan_row *row,
                   struct err *err)
{
    const struct fingerprint *fingerprint = &row->execution.fingerprint;
    int64_t job, thing, reason;
    if (intern(store, row->execution.job_id, &job, err) != 0 ||
        intern(store, row->execution.thing_name, &thing, err) != 0 ||
        intern(store, row->reason, &reason, err) != 0) {
        return -1;
    }
    struct db_statement *add =
        db_use(store->db, &store->statements[ADD_ROW],
               "INSERT INTO plan VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "iiiiiitttiii", run, number, job, thing, row->execution.number, (int64_t)fingerprint->status,
            fingerprint->queued_at.text, fingerprint->started_at.text, fingerprint->last_updated_at.text,
            fingerprint->version_number, (int64_t)row->force, reason);
    return db_run(add, err);
}

static int add_rows(struct store *store, struct ledger_request *request, struct run_state *state,
                    struct err *err)
{
    for (size_t i = 0; i < request->count; i++) {
        if (add_row(store, request->run, state->rows + (int64_t)i, &request->rows[i], err) != 0) {
            return -1;
        }
        chain_row(store->config.sha256, &store->scratch, &request->rows[i], state->digest);
    }
    struct db_statement *set = db_use(store->db, &store->statements[RUN_ROWS],
                                      "UPDATE run SET rows = ?2, digest = ?3 WHERE id = ?1", err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "iih", request->run, state->rows + (int64_t)request->count, state->digest);
    return db_run(set, err);
}

static int seal_plan(struct store *store, struct ledger_request *request, const struct run_state *state,
                     struct err *err)
{
    char note[2 * STORE_HASH_BYTES + 32];
    store_seal_note(state->rows, state->digest, note, sizeof note);
    struct db_statement *set =
        db_use(store->db, &store->statements[RUN_SEAL], "UPDATE run SET sealed = 1 WHERE id = ?1", err);
    if (set == NULL) {
        return -1;
    }
    db_bind(set, "i", request->run);
    struct store_record record = {.run = request->run, .row = -1, .note = note};
    return db_run(set, err) != 0 ? -1 : append_record(store, &record, RECORD_SEAL, err);
}

static int end_run(struct store *store, struct ledger_request *request, struct err *err)
{
    struct store_record record = {.run = request->run, .row = -1, .note = request->note};
    struct db_statement *set = db_use(store->db, &store->statements[RUN_END],
                                      "UPDATE run SET ended_ms = ?2, last_sequence = ?3 WHERE id = ?1", err);
    if (set == NULL || append_record(store, &record, RECORD_END, err) != 0) {
        return -1;
    }
    db_bind(set, "iii", request->run, request->ended_ms, store->sequence);
    return db_run(set, err);
}

/* What the records say of a row. */
static int row_state(struct store *store, int64_t run, int64_t row, struct plan_row *state, struct err *err)
{
    struct db_statement *get = db_use(
        store->db, &store->statements[ROW_STATE],
        "SELECT kind, outcome, class FROM record WHERE run = ?1 AND row = ?2 ORDER BY attempt, kind", err);
    if (get == NULL) {
        return -1;
    }
    state->outcome = OUTCOME_PENDING;
    state->attempts = state->lost = 0;
    state->open = state->unsure = false;
    db_bind(get, "ii", run, row);
    int result;
    while ((result = db_step(get, err)) == 1) {
        bool intent = db_int(get, 0) == RECORD_INTENT;
        enum outcome outcome = intent ? OUTCOME_PENDING : (enum outcome)db_int(get, 1);
        state->unsure = !intent && db_int(get, 2) == ANSWER_AMBIGUOUS && outcome == OUTCOME_PENDING;
        state->open = intent;
        state->attempts += intent;
        state->lost += state->unsure;
        state->outcome = outcome != OUTCOME_PENDING ? outcome : state->outcome;
    }
    return result;
}

static int append_attempt(struct store *store, struct ledger_request *request, const struct run_state *state,
                          struct err *err)
{
    struct plan_row row;
    bool intent = request->operation == LEDGER_INTENT;
    if (request->row < 0 || request->row >= state->rows || !state->sealed || state->ended) {
        return out_of_order(request, err);
    }
    if (row_state(store, request->run, request->row, &row, err) != 0) {
        return -1;
    }
    bool fits = intent ? !row.open && request->attempt == row.attempts + 1
                       : request->attempt == (row.open ? row.attempts : 0);
    if (row.outcome != OUTCOME_PENDING || !fits) {
        return out_of_order(request, err);
    }
    struct store_record record = {
        .run = request->run, .row = request->row, .attempt = request->attempt, .note = ""};
    if (!intent) {
        record.signed_at_ms = request->signed_at_ms;
        record.answer = request->answer;
        record.outcome = request->outcome;
    }
    return append_record(store, &record, intent ? RECORD_INTENT : RECORD_RESULT, err);
}

static int read_rows(struct store *store, struct ledger_request *request, struct err *err)
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
    request->count = 0;
    while ((result = db_step(get, err)) == 1) {
        struct plan_row *row = &request->rows[request->count];
        store_take_plan_row(get, 0, row);
        if (row_state(store, request->run, request->from + (int64_t)request->count, row, err) != 0) {
            db_reset(get);
            return -1;
        }
        request->count++;
    }
    return result;
}

static int open_run(struct store *store, struct ledger_request *request, struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[OPEN_RUN],
                                      "SELECT id, rows, sealed, EXISTS (SELECT 1 FROM record WHERE run = id "
                                      "AND row >= 0), policy, policy_sha256,"
                                      " target, account, region, started_ms FROM run"
                                      " WHERE id > ?1 AND ended_ms IS NULL ORDER BY id LIMIT 1",
                                      err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "i", request->from);
    int result = db_step(get, err);
    request->run = 0;
    if (result == 1) {
        request->run = db_int(get, 0);
        request->count = (size_t)db_int(get, 1);
        request->sealed = db_int(get, 2) != 0;
        request->begun = db_int(get, 3) != 0;
        store_take_header(get, 4, &request->found);
        db_reset(get);
    }
    return result < 0 ? -1 : 0;
}

static int apply(struct store *store, struct ledger_request *request, struct err *err)
{
    struct run_state state = {0};
    bool names_run = request->operation != LEDGER_START_RUN && request->operation != LEDGER_OPEN_RUN;
    if (names_run && (run_state(store, request->run, &state, err) != 0 || !state.found)) {
        return err->code == ERR_IO ? -1 : out_of_order(request, err);
    }
    switch (request->operation) {
    case LEDGER_START_RUN:
        return start_run(store, request, err);
    case LEDGER_ADD_ROWS:
        return state.sealed || state.ended ? out_of_order(request, err)
                                           : add_rows(store, request, &state, err);
    case LEDGER_SEAL_PLAN:
        return state.sealed || state.ended ? out_of_order(request, err)
                                           : seal_plan(store, request, &state, err);
    case LEDGER_READ_ROWS:
        return read_rows(store, request, err);
    case LEDGER_INTENT:
    case LEDGER_RESULT:
        return append_attempt(store, request, &state, err);
    case LEDGER_END_RUN:
        return state.ended ? out_of_order(request, err) : end_run(store, request, err);
    case LEDGER_OPEN_RUN:
        return open_run(store, request, err);
    }
    return out_of_order(request, err);
}

int store_apply(struct store *store, struct ledger_request *request)
{
    request->err = (struct err){0};
    return apply(store, request, &request->err);
}
