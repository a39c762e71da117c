/* See ledger/schema.h.
 *
 * Records are in `intent` and, all others, in `entry`, by the key of ledger/record.h: what happened to a row
 * lies together, the rows of a page find their state in two short ranges, and a run adds to the end of each
 * table, where a page is filled to its end before the next begins. `record` shows both as one, with the key
 * taken apart. A record's place in the chain is its column `sequence`. What is 0 or "" in it may be NULL.
 * plan.reason is the id of a name, which many rows share, or a blob: the words themselves, of a row that was
 * given. The chain covers run (but for what its later records say), plan and record; `rate` and the tables of
 * graces are a memory, not evidence.
 */
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

    /* Four columns, compared one by one, become the number that SQLite looks rows up by. Kind 2 is an intent,
       3 a result; 1023 stands for the attempt of a result without one. */
    "BEGIN IMMEDIATE;"
    "CREATE TABLE intent (id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, at_ms INTEGER,"
    " hash BLOB NOT NULL);"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, at_ms INTEGER,"
    " signed_at_ms INTEGER, received_ms INTEGER, class INTEGER, http_status INTEGER, code TEXT,"
    " request_id TEXT, outcome INTEGER, note TEXT, hash BLOB NOT NULL);"
    "INSERT INTO intent SELECT (run << 36) + ((row + 1) << 10) + attempt, sequence, at_ms, hash"
    " FROM record WHERE kind = 2 ORDER BY run, row, attempt, kind;"
    "INSERT INTO entry SELECT (run << 36) + ((row + 1) << 10)"
    " + CASE WHEN row = -1 THEN kind WHEN attempt = 0 THEN 1023 ELSE attempt END, sequence, at_ms,"
    " signed_at_ms, received_ms, class, http_status, code, request_id, outcome, note, hash"
    " FROM record WHERE kind <> 2 ORDER BY run, row, attempt, kind;"
    "DROP TABLE record;"
    "CREATE VIEW intents AS SELECT id, id >> 36 AS run, ((id >> 10) & 67108863) - 1 AS row,"
    " id & 1023 AS attempt, 2 AS kind, sequence, at_ms, NULL AS signed_at_ms, NULL AS received_ms,"
    " NULL AS class, NULL AS http_status, NULL AS code, NULL AS request_id, NULL AS outcome, NULL AS note,"
    " hash FROM intent;"
    "CREATE VIEW entries AS SELECT id, id >> 36 AS run, ((id >> 10) & 67108863) - 1 AS row,"
    " CASE WHEN (id >> 10) & 67108863 = 0 THEN 0 ELSE (id & 1023) % 1023 END AS attempt,"
    " CASE WHEN (id >> 10) & 67108863 = 0 THEN id & 1023 ELSE 3 END AS kind, sequence, at_ms, signed_at_ms,"
    " received_ms, class, http_status, code, request_id, outcome, note, hash FROM entry;"
    "CREATE VIEW record AS SELECT * FROM intents UNION ALL SELECT * FROM entries;"
    "PRAGMA user_version = 3;"
    "COMMIT",

    /* For the latest run of a policy in a target. */
    "BEGIN IMMEDIATE;"
    "CREATE INDEX run_pair ON run (policy, target);"
    "PRAGMA user_version = 4;"
    "COMMIT",

    /* Since when runs select an execution: see ledger/grace.c. */
    "BEGIN IMMEDIATE;"
    "CREATE TABLE grace_scope (id INTEGER PRIMARY KEY, policy TEXT, account TEXT, region TEXT, sha256 BLOB,"
    " complete INTEGER NOT NULL DEFAULT 0, merging INTEGER NOT NULL DEFAULT 0,"
    " oldest INTEGER NOT NULL DEFAULT 0, touched_ms INTEGER, dropped INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX grace_scope_name ON grace_scope (policy, account, region, sha256)"
    " WHERE dropped = 0;"
    "CREATE TABLE grace_run (scope INTEGER, run INTEGER, counted_ms INTEGER NOT NULL,"
    " PRIMARY KEY (scope, run)) WITHOUT ROWID;"
    "CREATE TABLE grace (scope INTEGER, key BLOB, run INTEGER NOT NULL, gone INTEGER NOT NULL,"
    " PRIMARY KEY (scope, key)) WITHOUT ROWID;"
    "PRAGMA user_version = 5;"
    "COMMIT",

    /* plan.reason may be a blob: an earlier program would not see such rows. */
    "PRAGMA user_version = 6",
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

/* What has no key in version 3 is none of ours: no ledger has come to so many runs or rows. */
static int check_keys(struct db *db, const char *path, struct err *err)
{
    int64_t strangers;
    if (ask_number(db,
                   "SELECT EXISTS (SELECT 1 FROM record WHERE run NOT BETWEEN 1 AND 134217727"
                   " OR row NOT BETWEEN -1 AND 67108861 OR attempt NOT BETWEEN 0 AND 1022"
                   " OR kind NOT IN (0, 1, 2, 3, 4) OR (row = -1) <> (kind IN (0, 1, 4))"
                   " OR (row = -1 AND attempt <> 0))",
                   &strangers, err) != 0) {
        return -1;
    }
    return strangers == 0
               ? 0
               : err_set(err, ERR_INVALID,
                         "ledger '%s' has a record of no possible run, row, attempt or kind", path);
}

int schema_prepare(struct db *db, const char *path, bool read_only, int *found, struct err *err)
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
    *found = (int)version;
    if (read_only) {
        return version > 0 ? 0 : err_set(err, ERR_NOT_FOUND, "ledger '%s' is empty", path);
    }
    for (; *found < SCHEMA_VERSION; ++*found) {
        if ((*found == 2 && check_keys(db, path, err) != 0) || db_execute(db, steps[*found], err) != 0) {
            return -1; /* closing rolls back */
        }
    }
    return 0;
}
