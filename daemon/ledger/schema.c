/* See ledger/schema.h.
 *
 * A record's key is (run, row, attempt, kind), so that what happened to a row lies together and the rows of a
 * page find their state in one short range; its place in the chain is the column `sequence`. What is 0 or ""
 * in a record may be NULL. The chain covers run (but for what its later records say), plan and record; `rate`
 * is a memory, not evidence. */
#include "ledger/schema.h"

#include <stddef.h>
#include <stdint.h>

/* Each statement leads from the version before it to its own. */
static const char *const steps[SCHEMA_VERSION] = {
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
    "COMMIT",

    /* Requests whose fate was never found out (outcome 8), by run; 9 is the class of a lost answer. Of one
       that was lost with its process it is only known that it was signed before that was written down. */
    "BEGIN IMMEDIATE;"
    "ALTER TABLE run ADD COLUMN lost_signed_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE run SET lost_signed_ms = COALESCE((SELECT max(CASE WHEN lost.signed_at_ms > 0 THEN "
    "lost.signed_at_ms"
    " ELSE lost.at_ms END) FROM record AS end JOIN record AS lost ON lost.run = end.run AND lost.row = "
    "end.row"
    " WHERE end.run = run.id AND end.kind = 3 AND end.outcome = 8 AND lost.kind = 3 AND lost.class = 9), 0);"
    "CREATE INDEX plan_job ON plan (job);"
    "CREATE INDEX lost_run ON run (account, region) WHERE lost_signed_ms > 0;"
    "CREATE TABLE rate (account TEXT, region TEXT, operation TEXT, per_1000s INTEGER NOT NULL,"
    " PRIMARY KEY (account, region, operation)) WITHOUT ROWID;"
    "PRAGMA user_version = 2;"
    "COMMIT",
};

static int ask_number(struct db *db, const char *sql, int64_t *number, struct err *err)
{
    struct db_statement *statement = NULL;
    if (db_use(db, &statement, sql, err) == NULL || db_step(statement, err) < 0) {
        return -1;
    }
    *number = db_int(statement, 0);
    db_reset(statement);
    return 0;
}

int schema_prepare(struct db *db, const char *path, bool read_only, struct err *err)
{
    int64_t version, tables;
    if (ask_number(db, "PRAGMA user_version", &version, err) != 0 ||
        ask_number(db, "SELECT count(*) FROM sqlite_master", &tables, err) != 0) {
        return -1;
    }
    if (version < 0 || (version == 0 && tables > 0)) {
        return err_set(err, ERR_INVALID, "'%s' is a database, but no ledger", path);
    }
    if (version > SCHEMA_VERSION) {
        return err_set(err, ERR_INVALID, "ledger '%s' is of version %lld; this program knows up to %d", path,
                       (long long)version, SCHEMA_VERSION);
    }
    if (read_only) {
        return version > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "ledger '%s' is empty", path);
    }
    for (; version < SCHEMA_VERSION; version++) {
        if (db_execute(db, steps[version], err) != 0) {
            return -1; /* closing rolls back */
        }
    }
    return 0;
}
