/* See ledger/store.h; the tables are in ledger/schema.c. */
#include "ledger/store.h"

#include "base/mem.h"
#include "base/text.h"
#include "ledger/active.h"
#include "ledger/chain.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "ledger/store_private.h"

#include <stdlib.h>
#include <string.h>

/* --- opening --- */

struct store *store_open(const struct store_config *config, struct err *err)
{
    struct store *store = mem_zalloc(sizeof *store);
    store->config = *config;
    store->config.path = mem_strdup(config->path);
    *err = (struct err){0};
    store->db = db_open(config->path, config->vfs, config->read_only, err);
    if (store->db == NULL ||
        schema_prepare(store->db, config->path, config->read_only, &store->version, err) != 0) {
        store_close(store);
        return NULL;
    }
    return store;
}

void store_forget_names(struct store *store)
{
    for (int i = 0; i < STORE_NAMES; i++) {
        free(store->last_name[i]);
        store->last_name[i] = NULL;
    }
}

/* What a transaction that does not count has taught. */
static void forget(struct store *store)
{
    active_forget(&store->active);
    store_forget_names(store);
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    db_close(store->db);
    forget(store);
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
    forget(store);
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

static int insert_run_record(struct store *store, const struct store_record *record, int64_t id,
                             struct err *err)
{
    struct db_statement *add =
        db_use(store->db, &store->statements[ADD_RUN_RECORD],
               "INSERT INTO entry (id, sequence, at_ms, note, hash) VALUES (?1, ?2, ?3, ?4, ?5)", err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "iiith", id, record->sequence, record->at_ms, record->note, store->hash);
    return db_run(add, err);
}

static int insert_intent(struct store *store, const struct store_record *record, int64_t id, struct err *err)
{
    struct db_statement *add =
        db_use(store->db, &store->statements[ADD_INTENT],
               "INSERT INTO intent (id, sequence, at_ms, hash) VALUES (?1, ?2, ?3, ?4)", err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "iiih", id, record->sequence, record->at_ms, store->hash);
    return db_run(add, err);
}

static int insert_result(struct store *store, const struct store_record *record, int64_t id, struct err *err)
{
    const struct answer *answer = &record->answer;
    struct db_statement *add =
        db_use(store->db, &store->statements[ADD_RESULT],
               "INSERT INTO entry (id, sequence, at_ms, signed_at_ms, received_ms, class, http_status, code,"
               " request_id, outcome, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
               err);
    if (add == NULL) {
        return -1;
    }
    db_bind(add, "iiiiiiittih", id, record->sequence, record->at_ms, record->signed_at_ms,
            answer->received_ms, (int64_t)answer->class, (int64_t)answer->http_status, answer->code,
            answer->request_id, (int64_t)record->outcome, store->hash);
    return db_run(add, err);
}

int store_append_record(struct store *store, struct store_record *record, enum record_kind kind,
                        struct err *err)
{
    if (load_tip(store, err) != 0) {
        return -1;
    }
    int64_t id = record_id(record->run, record->row, record->attempt, kind);
    record->sequence = ++store->sequence;
    record->kind = record_kind_name(kind);
    record->at_ms = store->config.wall_ms(store->config.ctx);
    chain_record(store->config.sha256, record, store->hash);
    switch (kind) {
    case RECORD_INTENT:
        return insert_intent(store, record, id, err);
    case RECORD_RESULT:
        return insert_result(store, record, id, err);
    default:
        return insert_run_record(store, record, id, err);
    }
}

/* --- requests
 * ------------------------------------------------------------------------------------------------ */

int store_out_of_order(const struct ledger_request *request, struct err *err)
{
    return err_set(err, ERR_INTERNAL, "ledger: operation %d on run %lld, row %lld is out of order",
                   (int)request->operation, (long long)request->run, (long long)request->row);
}

static int find_lost(struct store *store, const struct run_header *header, int64_t *signed_ms,
                     struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[LOST_BEFORE],
                                      "SELECT max(lost_signed_ms) FROM run WHERE account = ?1 AND region = ?2"
                                      " AND lost_signed_ms > 0",
                                      err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "tt", header->account, header->region);
    if (db_step(get, err) < 0) {
        return -1;
    }
    *signed_ms = db_int(get, 0);
    db_reset(get);
    return 0;
}

/* No number is given twice, also after pruning. */
static int check_room(struct store *store, struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[LAST_RUN],
                                      "SELECT seq FROM sqlite_sequence WHERE name = 'run'", err);
    if (get == NULL) {
        return -1;
    }
    int result = db_step(get, err);
    int64_t last = result == 1 ? db_int(get, 0) : 0;
    db_reset(get);
    if (result < 0 || last < RECORD_RUN_MAX) {
        return result < 0 ? -1 : 0;
    }
    return err_set(err, ERR_TOO_BIG, "ledger '%s': it is full after %d runs; move it away to begin another",
                   store->config.path, RECORD_RUN_MAX);
}

static int start_run(struct store *store, struct ledger_request *request, struct err *err)
{
    const struct run_header *header = request->header;
    struct db_statement *add = db_use(
        store->db, &store->statements[ADD_RUN],
        "INSERT INTO run (policy, policy_sha256, target, account, region, started_ms, digest, first_sequence)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, zeroblob(32), ?7)",
        err);
    if (add == NULL || check_room(store, err) != 0 || load_tip(store, err) != 0 ||
        find_lost(store, header, &request->lost_signed_ms, err) != 0) {
        return -1;
    }
    bool unwatched = header->origin[0] == '\0' && !header->graced;
    if (unwatched && store_forget_graces(store, header, err) != 0) {
        return -1;
    }
    db_bind(add, "tttttii", header->policy, header->policy_sha256, header->target, header->account,
            header->region, header->started_ms, store->sequence + 1);
    if (db_run(add, err) != 0) {
        return -1;
    }
    request->run = db_last_id(store->db);
    active_add_run(&store->active,
                   &(struct active_run){.id = request->run, .given = header->origin[0] != '\0'});
    struct store_record record = {
        .run = request->run, .row = RECORD_ROW_NONE, .header = *header, .note = header->origin};
    return store_append_record(store, &record, RECORD_START, err);
}

/* *state is NULL when there is no such run. */
static int run_state(struct store *store, int64_t id, struct active_run **state, struct err *err)
{
    *state = active_run(&store->active, id);
    if (*state != NULL || !record_fits(id, RECORD_ROW_NONE, 0)) {
        return 0;
    }
    struct db_statement *get = db_use(
        store->db, &store->statements[RUN_STATE],
        "SELECT sealed, ended_ms IS NOT NULL, rows, digest,"
        " max(COALESCE((SELECT max(id) FROM intent WHERE id BETWEEN ?2 AND ?3), ?2),"
        " COALESCE((SELECT max(id) FROM entry WHERE id BETWEEN ?2 AND ?3), ?2)), " STORE_RUN_ORIGIN " <> ''"
        " FROM run WHERE id = ?1",
        err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "iii", id, record_run_first(id), record_run_last(id));
    int result = db_step(get, err);
    if (result == 1) {
        struct active_run run = {.id = id,
                                 .sealed = db_int(get, 0) != 0,
                                 .ended = db_int(get, 1) != 0,
                                 .rows = db_int(get, 2),
                                 .untouched = record_row(db_int(get, 4)) + 1,
                                 .given = db_int(get, 5) != 0};
        bool good = db_bytes(get, 3, run.digest, sizeof run.digest);
        *state = good ? active_add_run(&store->active, &run) : NULL;
        db_reset(get);
    }
    return result < 0 ? -1 : 0;
}

static int seal_plan(struct store *store, struct ledger_request *request, struct active_run *state,
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
    state->sealed = true;
    struct store_record record = {.run = request->run, .row = RECORD_ROW_NONE, .note = note};
    return db_run(set, err) != 0 ? -1 : store_append_record(store, &record, RECORD_SEAL, err);
}

static int end_run(struct store *store, struct ledger_request *request, struct err *err)
{
    struct store_record record = {.run = request->run, .row = RECORD_ROW_NONE, .note = request->note};
    struct db_statement *set = db_use(store->db, &store->statements[RUN_END],
                                      "UPDATE run SET ended_ms = ?2, last_sequence = ?3 WHERE id = ?1", err);
    if (set == NULL || store_append_record(store, &record, RECORD_END, err) != 0) {
        return -1;
    }
    db_bind(set, "iii", request->run, request->ended_ms, store->sequence);
    active_end_run(&store->active, request->run);
    return db_run(set, err);
}

#define RUN_BEGUN                                                                                            \
    "(EXISTS (SELECT 1 FROM intent WHERE intent.id BETWEEN " RECORD_ROWS_IDS(                                \
        "run.id") ")"                                                                                        \
                  " OR EXISTS (SELECT 1 FROM entry WHERE entry.id BETWEEN " RECORD_ROWS_IDS("run.id") "))"

static int open_run(struct store *store, struct ledger_request *request, struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[OPEN_RUN],
                                      "SELECT id, rows, sealed, " RUN_BEGUN ", policy, policy_sha256, target,"
                                      " account, region, started_ms, " STORE_RUN_ORIGIN " FROM run"
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

static int last_run(struct store *store, struct ledger_request *request, struct err *err)
{
    struct db_statement *get = db_use(
        store->db, &store->statements[PAIR_RUN],
        "SELECT id, started_ms, rows, ended_ms, (SELECT note FROM entry WHERE"
        " entry.id = " RECORD_RUN_ID("run.id") " + ?3) AS note FROM run WHERE policy = ?1 AND target = ?2"
                                               " AND COALESCE(note, '') NOT LIKE '" LEDGER_NOTE_SHOWN "%'"
                                               " ORDER BY id DESC LIMIT 1",
        err);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "tti", request->header->policy, request->header->target, (int64_t)RECORD_END);
    int result = db_step(get, err);
    request->run = result == 1 ? db_int(get, 0) : 0;
    request->found.started_ms = result == 1 ? db_int(get, 1) : 0;
    request->count = result == 1 ? (size_t)db_int(get, 2) : 0;
    request->ended_ms = result == 1 ? db_int(get, 3) : 0;
    request->note[0] = '\0';
    if (request->ended_ms != 0) {
        db_copy(get, 4, request->note, sizeof request->note);
    }
    db_reset(get);
    return result < 0 ? -1 : 0;
}

/* Requests on a run that is known; state is its. */
static int apply_to_run(struct store *store, struct ledger_request *request, struct active_run *state,
                        struct err *err)
{
    bool writes_plan = request->operation == LEDGER_ADD_ROWS || request->operation == LEDGER_SEAL_PLAN;
    if (state == NULL || (writes_plan && (state->sealed || state->ended))) {
        return store_out_of_order(request, err);
    }
    switch (request->operation) {
    case LEDGER_ADD_ROWS:
        return store_add_rows(store, request, state, err);
    case LEDGER_SEAL_PLAN:
        return seal_plan(store, request, state, err);
    case LEDGER_READ_ROWS:
        return store_read_rows(store, request, state, err);
    case LEDGER_INTENT:
    case LEDGER_RESULT:
        return store_add_attempt(store, request, state, err);
    case LEDGER_END_RUN:
        return state->ended || active_open(&store->active, request->run) ? store_out_of_order(request, err)
                                                                         : end_run(store, request, err);
    default:
        return store_out_of_order(request, err);
    }
}

static int apply(struct store *store, struct ledger_request *request, struct err *err)
{
    struct active_run *state;
    switch (request->operation) {
    case LEDGER_START_RUN:
        return start_run(store, request, err);
    case LEDGER_OPEN_RUN:
        return open_run(store, request, err);
    case LEDGER_LAST_RUN:
        return last_run(store, request, err);
    case LEDGER_SET_RATES:
        return store_set_rates(store, request, err);
    case LEDGER_GET_RATES:
        return store_get_rates(store, request, err);
    case LEDGER_GRACES:
        return store_graces(store, request, err);
    case LEDGER_COUNT_GRACES:
        return store_count_graces(store, request, err);
    default:
        return run_state(store, request->run, &state, err) != 0 ? -1
                                                                : apply_to_run(store, request, state, err);
    }
}

int store_apply(struct store *store, struct ledger_request *request)
{
    request->err = (struct err){0};
    return apply(store, request, &request->err);
}

size_t store_unsettled(const struct store *store)
{
    return active_rows(&store->active);
}

int store_checkpoint(struct store *store, int pages, struct err *err)
{
    return db_log_pages(store->db) > pages ? db_checkpoint(store->db, err) : 0;
}

bool store_no_space(const struct store *store)
{
    return db_no_space(store->db);
}
