/* Reading the ledger: what happened, and whether it is whole. See ledger/store.h. */
#include "base/buf.h"
#include "base/text.h"
#include "ledger/chain.h"
#include "ledger/store_private.h"

#include <stdio.h>
#include <string.h>

void store_seal_note(int64_t rows, const uint8_t digest[STORE_HASH_BYTES], char *note, size_t size)
{
    int used = snprintf(note, size, "rows=%lld sha256=", (long long)rows);
    for (int i = 0; i < STORE_HASH_BYTES; i++) {
        used += snprintf(note + used, size - (size_t)used, "%02x", digest[i]);
    }
}

void store_take_header(struct db_statement *statement, int column, struct run_header *header)
{
    db_copy(statement, column, header->policy, sizeof header->policy);
    db_copy(statement, column + 1, header->policy_sha256, sizeof header->policy_sha256);
    db_copy(statement, column + 2, header->target, sizeof header->target);
    db_copy(statement, column + 3, header->account, sizeof header->account);
    db_copy(statement, column + 4, header->region, sizeof header->region);
    header->started_ms = db_int(statement, column + 5);
    db_copy(statement, column + 6, header->origin, sizeof header->origin);
}

void store_take_plan_row(struct db_statement *statement, int column, struct plan_row *row)
{
    struct job_execution *execution = &row->execution;
    *row = (struct plan_row){0};
    db_copy(statement, column, execution->job_id, sizeof execution->job_id);
    db_copy(statement, column + 1, execution->thing_name, sizeof execution->thing_name);
    execution->number = db_int(statement, column + 2);
    execution->fingerprint.status = (enum execution_status)db_int(statement, column + 3);
    timestamp_parse(db_text(statement, column + 4), &execution->fingerprint.queued_at);
    timestamp_parse(db_text(statement, column + 5), &execution->fingerprint.started_at);
    timestamp_parse(db_text(statement, column + 6), &execution->fingerprint.last_updated_at);
    execution->fingerprint.version_number = db_int(statement, column + 7);
    row->force = db_int(statement, column + 8) != 0;
    db_copy(statement, column + 9, row->reason, sizeof row->reason);
}

#define RECORD_COLUMNS                                                                                       \
    "record.sequence, record.run, record.row, record.kind, attempt, at_ms, signed_at_ms, received_ms, "      \
    "class,"                                                                                                 \
    " http_status, code, request_id, outcome, note"
#define HEADER_COLUMNS "policy, policy_sha256, target, account, region, run.started_ms"
/* Oldest run first, as the tables lie, so that nothing needs to be sorted but the records of a row: the first
 * is a column of the table that comes first, or SQLite would sort all there is. (The rows of a thing are few:
 * a + has it sort them, and not look for them in the whole plan in its order.) */
#define ORDER_COLUMNS       ", %s AS order_1, %s AS order_2, record.sequence AS order_3 FROM "
#define RECORD_COLUMN_COUNT 14
#define HEADER_COLUMN_COUNT 7

static void take_record(struct db_statement *statement, struct store_record *record)
{
    *record = (struct store_record){.sequence = db_int(statement, 0), .run = db_int(statement, 1)};
    record->row = db_int(statement, 2);
    record->kind = record_kind_name((enum record_kind)db_int(statement, 3));
    record->attempt = (int)db_int(statement, 4);
    record->at_ms = db_int(statement, 5);
    record->signed_at_ms = db_int(statement, 6);
    record->answer.received_ms = db_int(statement, 7);
    record->answer.class = (enum answer_class)db_int(statement, 8);
    record->answer.http_status = (int)db_int(statement, 9);
    db_copy(statement, 10, record->answer.code, sizeof record->answer.code);
    db_copy(statement, 11, record->answer.request_id, sizeof record->answer.request_id);
    record->outcome = (enum outcome)db_int(statement, 12);
    record->note = db_text(statement, 13);
    store_take_header(statement, RECORD_COLUMN_COUNT, &record->header);
}

/* --- history
 * --------------------------------------------------------------------------------------------------- */

/* A view of records, by the version of the file: what joins it to a run and to a row of a plan, and what
 * orders its records in a run. */
struct source {
    const char *view, *of_run, *of_row, *in_run;
    const char *origin; /* of the run */
};

static const struct source old_records = {
    "record", "record.run = run.id", "record.run = plan.run AND record.row = plan.row", "record.row", "NULL"};
#define RUN_KEYS "record.id BETWEEN " RECORD_RUN_IDS("run.id")
#define ROW_KEYS "record.id BETWEEN " RECORD_ROW_IDS("plan.run", "plan.row")
static const struct source intents = {"intents", RUN_KEYS, ROW_KEYS, "record.id", STORE_RUN_ORIGIN};
static const struct source entries = {"entries", RUN_KEYS, ROW_KEYS, "record.id", STORE_RUN_ORIGIN};

/* What is asked decides where to begin: with the rows of a thing or a job, or with the runs of a time. */
static void select_from(const struct source *source, const struct store_filter *filter, struct buf *sql)
{
    bool by_name = filter->thing_name != NULL || filter->job_id != NULL;
    buf_printf(sql, "SELECT " RECORD_COLUMNS ", " HEADER_COLUMNS ", %s AS origin, " STORE_PLAN_COLUMNS,
               source->origin);
    if (by_name) {
        buf_printf(sql, ORDER_COLUMNS, filter->thing_name != NULL ? "+plan.run" : "plan.run", "plan.row");
        buf_printf(sql, "plan CROSS JOIN run ON run.id = plan.run CROSS JOIN %s AS record ON %s",
                   source->view, source->of_row);
    } else {
        buf_printf(sql, ORDER_COLUMNS, "run.id", source->in_run);
        buf_printf(sql,
                   "run CROSS JOIN %s AS record ON %s"
                   " LEFT JOIN plan ON plan.run = record.run AND plan.row = record.row",
                   source->view, source->of_run);
    }
    buf_text(sql,
             " LEFT JOIN name AS job ON job.id = plan.job LEFT JOIN name AS thing ON thing.id = plan.thing"
             " LEFT JOIN name AS reason ON reason.id = plan.reason"
             " WHERE (?3 IS NULL OR policy = ?3) AND at_ms >= ?4"
             " AND (run.ended_ms IS NULL OR run.ended_ms >= ?4 OR ?4 = 0)"
             " AND (?5 < 0 OR (outcome = ?5 AND kind = 3)) AND (?6 = 0 OR (kind = 3 AND outcome <> 0))");
    buf_text(sql,
             filter->thing_name != NULL ? " AND plan.thing = (SELECT id FROM name WHERE text = ?1)" : "");
    buf_text(sql, filter->job_id != NULL ? " AND plan.job = (SELECT id FROM name WHERE text = ?2)" : "");
}

static void make_query(const struct store *store, const struct store_filter *filter, struct buf *sql)
{
    if (store->version < 3) {
        select_from(&old_records, filter, sql);
    } else {
        bool results_only = filter->settled_only || filter->outcome >= 0;
        if (!results_only) {
            select_from(&intents, filter, sql);
            buf_text(sql, " UNION ALL ");
        }
        select_from(&entries, filter, sql);
    }
    buf_text(sql, " ORDER BY order_1, order_2, order_3");
}

int store_history(struct store *store, const struct store_filter *filter,
                  void (*each)(void *ctx, const struct store_record *record), void *ctx, struct err *err)
{
    struct buf sql;
    struct db_statement *statement = NULL; /* its text is not always the same */
    buf_init(&sql, 4096);
    make_query(store, filter, &sql);
    struct db_statement *get = db_use(store->db, &statement, buf_string(&sql), err);
    buf_finish(&sql);
    if (get == NULL) {
        return -1;
    }
    db_bind(get, "nnniii", filter->thing_name, filter->job_id, filter->policy, filter->since_ms,
            (int64_t)filter->outcome, (int64_t)filter->settled_only);
    int result;
    while ((result = db_step(get, err)) == 1) {
        struct store_record record;
        take_record(get, &record);
        store_take_plan_row(get, RECORD_COLUMN_COUNT + HEADER_COLUMN_COUNT, &record.plan);
        each(ctx, &record);
    }
    return result;
}

/* --- verification
 * ---------------------------------------------------------------------------------------------- */

static int broken(const struct store *store, int64_t sequence, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "ledger '%s': record %lld: %s", store->config.path, (long long)sequence,
                   what);
}

/* The digest of a run's rows as they stand now. */
static int plan_digest(struct store *store, int64_t run, int64_t *rows, uint8_t digest[STORE_HASH_BYTES],
                       struct err *err)
{
    struct db_statement *get = db_use(store->db, &store->statements[VERIFY_PLAN],
                                      "SELECT " STORE_PLAN_COLUMNS ", plan.row FROM plan " STORE_PLAN_NAMES
                                      " WHERE plan.run = ?1 ORDER BY plan.row",
                                      err);
    if (get == NULL) {
        return -1;
    }
    memset(digest, 0, STORE_HASH_BYTES);
    *rows = 0;
    db_bind(get, "i", run);
    int result;
    while ((result = db_step(get, err)) == 1) {
        struct plan_row row;
        store_take_plan_row(get, 0, &row);
        *rows = db_int(get, 10) == *rows ? *rows + 1 : INT64_MIN;
        chain_row(store->config.sha256, &row, digest);
    }
    return result;
}

static int check_seal(struct store *store, const struct store_record *record, struct err *err)
{
    uint8_t digest[STORE_HASH_BYTES];
    char note[2 * STORE_HASH_BYTES + 48];
    int64_t rows;
    if (plan_digest(store, record->run, &rows, digest, err) != 0) {
        return -1;
    }
    store_seal_note(rows, digest, note, sizeof note);
    return strcmp(note, record->note) == 0
               ? 0
               : broken(store, record->sequence, "the plan is not as it was sealed", err);
}

static int check_record(struct store *store, struct db_statement *get, uint8_t hash[STORE_HASH_BYTES],
                        int64_t *sequence, struct err *err)
{
    struct store_record record;
    uint8_t stored[STORE_HASH_BYTES];
    take_record(get, &record);
    if (record.sequence != *sequence + 1) {
        return broken(store, *sequence + 1, "it is missing", err);
    }
    *sequence = record.sequence;
    chain_record(store->config.sha256, &record, hash);
    if (!db_bytes(get, RECORD_COLUMN_COUNT + HEADER_COLUMN_COUNT, stored, sizeof stored) ||
        memcmp(hash, stored, sizeof stored) != 0) {
        return broken(store, record.sequence, "it, or its place in the chain, was changed", err);
    }
    return strcmp(record.kind, "seal") == 0 ? check_seal(store, &record, err) : 0;
}

/* The two ends of the chain: behind which record it begins, and where it must end. */
static int chain_ends(struct store *store, int64_t sequences[2], uint8_t hashes[2][STORE_HASH_BYTES],
                      struct err *err)
{
    struct db_statement *get =
        db_use(store->db, &store->statements[VERIFY_TIP],
               "SELECT anchor_sequence, last_sequence, anchor_hash, last_hash FROM chain", err);
    if (get == NULL || db_step(get, err) < 0) {
        return -1;
    }
    sequences[0] = db_int(get, 0);
    sequences[1] = db_int(get, 1);
    bool good =
        db_bytes(get, 2, hashes[0], STORE_HASH_BYTES) && db_bytes(get, 3, hashes[1], STORE_HASH_BYTES);
    db_reset(get);
    return good ? 0 : broken(store, sequences[1], "the ends of the chain are not to be read", err);
}

static int verify_chain(struct store *store, int64_t *records, struct err *err)
{
    int64_t ends[2];
    uint8_t hashes[2][STORE_HASH_BYTES];
    struct db_statement *get = db_use(store->db, &store->statements[VERIFY_CHAIN],
                                      "SELECT " RECORD_COLUMNS ", " HEADER_COLUMNS ", NULL, hash FROM record"
                                      " LEFT JOIN run ON run.id = record.run WHERE record.sequence > ?1"
                                      " ORDER BY record.sequence",
                                      err);
    if (get == NULL || chain_ends(store, ends, hashes, err) != 0) {
        return -1;
    }
    int64_t sequence = ends[0];
    int result;
    db_bind(get, "i", sequence); /* what lies before is of runs that are gone, and goes bit by bit */
    while ((result = db_step(get, err)) == 1) {
        if (check_record(store, get, hashes[0], &sequence, err) != 0) {
            db_reset(get);
            return -1;
        }
    }
    if (result == 0 && (sequence != ends[1] || memcmp(hashes[0], hashes[1], STORE_HASH_BYTES) != 0)) {
        return broken(store, ends[1], "the chain ends before it", err);
    }
    *records = sequence - ends[0];
    return result;
}

int store_verify(struct store *store, int64_t *records, struct err *err)
{
    *err = (struct err){0};
    *records = 0;
    if (db_execute(store->db, "BEGIN", err) !=
        0) { /* one state of the file, whatever a writer does meanwhile */
        return -1;
    }
    int result = verify_chain(store, records, err);
    store_rollback(store);
    return result;
}
