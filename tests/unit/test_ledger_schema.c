/* The ledger's file over versions and years: an older one is brought up to date with its chain whole, also
 * when that is cut short, lost requests and learned paces are found again, names go with the last run that
 * has them. */
#include "tap.h"

#include "base/time.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "ledger_world.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The schema of version 1, and what made version 2 of it, as they were shipped. */
static const char VERSION_1[] =
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
static const char VERSION_2[] =
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
    "COMMIT";

#define OLD_RECORD                                                                                           \
    "run, row, attempt, kind, sequence, at_ms, signed_at_ms, received_ms, class, http_status, code,"         \
    " request_id, outcome, note, hash"

static void path_of(const struct ledger_world *world, const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", world->directory, name);
}

/* The closed ledger becomes a file of an older version with the same content. */
static void turn_back(const struct ledger_world *world, int version)
{
    char path[128], old[128], sql[1024];
    struct err err = {0};
    path_of(world, "ledger.db", path);
    path_of(world, "old.db", old);
    if (version >= 3) {
        struct db *latest = db_open(path, NULL, false, &err);
        assert_non_null(latest);
        assert_int_equal(db_execute(latest, "PRAGMA user_version = 5", &err), 0);
        if (version <= 4) {
            assert_int_equal(db_execute(latest,
                                        "DROP TABLE grace; DROP TABLE grace_run; DROP TABLE grace_scope;"
                                        "PRAGMA user_version = 4",
                                        &err),
                             0);
        }
        if (version == 3) {
            assert_int_equal(db_execute(latest, "DROP INDEX run_pair; PRAGMA user_version = 3", &err), 0);
        }
        db_close(latest);
        return;
    }
    struct db *db = db_open(old, NULL, false, &err);
    assert_non_null(db);
    assert_int_equal(db_execute(db, VERSION_1, &err), 0);
    snprintf(
        sql, sizeof sql,
        "ATTACH '%s' AS new;"
        "INSERT INTO name SELECT id, text FROM new.name;"
        "INSERT INTO run SELECT id, policy, policy_sha256, target, account, region, started_ms, sealed, rows,"
        " digest, first_sequence, last_sequence, ended_ms FROM new.run;"
        "INSERT INTO plan SELECT * FROM new.plan; INSERT INTO record SELECT " OLD_RECORD " FROM new.record;"
        "DELETE FROM chain; INSERT INTO chain SELECT * FROM new.chain; DETACH new",
        path);
    if (db_execute(db, sql, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(version == 2 ? db_execute(db, VERSION_2, &err) : 0, 0);
    db_close(db);
    assert_int_equal(rename(old, path), 0);
}

static int64_t start_run(struct ledger_world *world, const char *account, int64_t *lost_signed_ms)
{
    struct run_header header = {.policy = "p", .target = "t", .region = "eu-west-1"};
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &header}, answered;
    strcpy(header.account, account);
    assert_int_equal(ledger_world_ask(world, request, &answered), ERR_NONE);
    *lost_signed_ms = answered.lost_signed_ms;
    return answered.run;
}

/* A request without an answer (signed_at_ms 0: it was lost with its process), and what became of it. */
static void lose(struct ledger_world *world, int64_t run, int64_t row, int64_t signed_at_ms,
                 enum outcome outcome)
{
    struct ledger_request lost = {.operation = LEDGER_RESULT,
                                  .run = run,
                                  .row = row,
                                  .attempt = 1,
                                  .signed_at_ms = signed_at_ms,
                                  .answer.class = ANSWER_AMBIGUOUS};
    assert_int_equal(ledger_world_intent(world, run, row, 1), ERR_NONE);
    assert_int_equal(ledger_world_ask(world, lost, NULL), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, row, 0, outcome), ERR_NONE);
}

static void bring_up_to_date(struct ledger_world *world, int version)
{
    int64_t lost_ms;
    int64_t run = ledger_world_plan(world, 4);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, 0, 1, OUTCOME_DELETED), ERR_NONE);
    lose(world, run, 1, 1234567, OUTCOME_UNKNOWN);
    assert_int_equal(ledger_world_intent(world, run, 2, 1), ERR_NONE);
    ledger_world_close(world);
    turn_back(world, version);
    ledger_world_expect_whole(world, 8); /* as it is, it can be read */
    ledger_world_open(world, false);
    struct ledger_request found;
    assert_int_equal(ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_OPEN_RUN}, &found),
                     ERR_NONE);
    assert_int_equal(found.run, run);
    assert_int_equal(ledger_world_result(world, run, 2, 1, OUTCOME_DELETED), ERR_NONE);
    assert_int_equal(ledger_world_end(world, run), ERR_NONE);
    start_run(world, "123456789012", &lost_ms);
    assert_int_equal(lost_ms, 1234567);
    ledger_world_close(world);
    ledger_world_expect_whole(world, 11);
    ledger_world_open(world, false); /* and again: nothing is left to do */
}

static void a_file_of_version_1_is_brought_up_to_date(void **state)
{
    bring_up_to_date(*state, 1);
}

static void a_file_of_version_2_is_brought_up_to_date(void **state)
{
    bring_up_to_date(*state, 2);
}

static void a_file_of_version_3_is_brought_up_to_date(void **state)
{
    bring_up_to_date(*state, 3);
}

static void a_file_of_version_4_is_brought_up_to_date(void **state)
{
    bring_up_to_date(*state, 4);
}

static void a_file_of_version_5_is_brought_up_to_date(void **state)
{
    bring_up_to_date(*state, 5);
}

static int64_t last_run(struct ledger_world *world, const char *policy, const char *target,
                        int64_t *started_ms)
{
    struct run_header header = {0};
    struct ledger_request request = {.operation = LEDGER_LAST_RUN, .header = &header}, answered;
    strcpy(header.policy, policy);
    strcpy(header.target, target);
    assert_int_equal(ledger_world_ask(world, request, &answered), ERR_NONE);
    *started_ms = answered.found.started_ms;
    return answered.run;
}

static int64_t run_at(struct ledger_world *world, const char *policy, const char *target, int64_t started_ms)
{
    struct run_header header = {.started_ms = started_ms};
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &header}, answered;
    strcpy(header.policy, policy);
    strcpy(header.target, target);
    assert_int_equal(ledger_world_ask(world, request, &answered), ERR_NONE);
    return answered.run;
}

static void expect_end(struct ledger_world *world, const char *target, int64_t ended_ms, const char *note)
{
    struct run_header header = {.policy = "p"};
    struct ledger_request request = {.operation = LEDGER_LAST_RUN, .header = &header}, answered;
    strcpy(header.target, target);
    assert_int_equal(ledger_world_ask(world, request, &answered), ERR_NONE);
    assert_int_equal(answered.ended_ms, ended_ms);
    assert_string_equal(answered.note, note);
    assert_int_equal(answered.count, 0);
}

static void the_last_run_of_a_policy_in_a_target_is_known_over_a_restart(void **state)
{
    struct ledger_world *world = *state;
    int64_t started_ms;
    assert_int_equal(last_run(world, "p", "eu", &started_ms), 0);
    run_at(world, "p", "eu", 1000);
    int64_t latest = run_at(world, "p", "eu", 2000);
    run_at(world, "p", "us", 3000);
    run_at(world, "q", "eu", 4000);
    struct ledger_request over = {.operation = LEDGER_END_RUN,
                                  .run = latest,
                                  .ended_ms = 2500,
                                  .note = "limit"},
                          answered;
    assert_int_equal(ledger_world_ask(world, over, &answered), ERR_NONE);
    over.run = run_at(world, "p", "eu", 3000); /* was shown to somebody, and no more */
    strcpy(over.note, LEDGER_NOTE_SHOWN);
    assert_int_equal(ledger_world_ask(world, over, &answered), ERR_NONE);
    over.run = run_at(world, "p", "eu", 4000); /* was to be, but did not come so far */
    strcpy(over.note, LEDGER_NOTE_SHOWN ": canceled");
    assert_int_equal(ledger_world_ask(world, over, &answered), ERR_NONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(last_run(world, "p", "eu", &started_ms), latest);
        assert_int_equal(started_ms, 2000);
        expect_end(world, "eu", 2500, "limit");
        expect_end(world, "us", 0, "");
        assert_int_equal(last_run(world, "q", "us", &started_ms), 0);
        assert_int_equal(started_ms, 0);
        ledger_world_close(world);
        ledger_world_open(world, false);
    }
}

static void the_latest_lost_request_is_told_to_later_runs_of_its_account_and_region(void **state)
{
    struct ledger_world *world = *state;
    int64_t lost_ms, run = ledger_world_plan(world, 5);
    start_run(world, "123456789012", &lost_ms);
    assert_int_equal(lost_ms, 0);
    lose(world, run, 0, 3000, OUTCOME_UNKNOWN);
    lose(world, run, 1, 2000, OUTCOME_UNKNOWN);
    lose(world, run, 2, 9000, OUTCOME_DELETED_PRESUMED); /* that was found out */
    start_run(world, "123456789012", &lost_ms);
    assert_int_equal(lost_ms, 3000);
    start_run(world, "999999999999", &lost_ms);
    assert_int_equal(lost_ms, 0);
    ledger_world_close(world);
    ledger_world_open(world, false);
    start_run(world, "123456789012", &lost_ms);
    assert_int_equal(lost_ms, 3000);
}

static void of_a_request_that_was_lost_with_its_process_the_latest_possible_time_counts(void **state)
{
    struct ledger_world *world = *state;
    int64_t lost_ms, run = ledger_world_plan(world, 1);
    int64_t before_ms = world->now_ms;
    lose(world, run, 0, 0, OUTCOME_UNKNOWN);
    start_run(world, "123456789012", &lost_ms);
    assert_in_range(lost_ms, before_ms, world->now_ms);
}

static void ask_rates(struct ledger_world *world, enum ledger_operation operation, const char *region,
                      int64_t rates[OPERATION_COUNT])
{
    struct run_header header = {.account = "123456789012"};
    struct ledger_request request = {.operation = operation, .header = &header}, answered;
    strcpy(header.region, region);
    memcpy(request.rates, rates, sizeof request.rates);
    assert_int_equal(ledger_world_ask(world, request, &answered), ERR_NONE);
    memcpy(rates, answered.rates, sizeof request.rates);
}

static void learned_paces_are_kept_over_a_restart(void **state)
{
    struct ledger_world *world = *state;
    int64_t rates[OPERATION_COUNT] = {0};
    rates[OPERATION_DELETE_EXECUTION] = 6500;
    rates[OPERATION_LIST_JOBS] = 500;
    ask_rates(world, LEDGER_SET_RATES, "eu-west-1", rates);
    rates[OPERATION_LIST_JOBS] = 0; /* at its full pace again */
    ask_rates(world, LEDGER_SET_RATES, "eu-west-1", rates);
    ledger_world_close(world);
    ledger_world_open(world, false);
    memset(rates, 1, sizeof rates);
    ask_rates(world, LEDGER_GET_RATES, "eu-west-1", rates);
    assert_int_equal(rates[OPERATION_DELETE_EXECUTION], 6500);
    assert_int_equal(rates[OPERATION_LIST_JOBS], 0);
    ask_rates(world, LEDGER_GET_RATES, "us-east-1", rates);
    assert_int_equal(rates[OPERATION_DELETE_EXECUTION], 0);
}

static void names_go_with_the_last_run_that_has_them(void **state)
{
    struct ledger_world *world = *state;
    int64_t first = ledger_world_plan(world, 6);
    assert_int_equal(ledger_world_end(world, first), ERR_NONE);
    world->now_ms += 300 * TIME_MS_PER_DAY;
    int64_t second = ledger_world_plan(world, 2); /* rows 1 and 2 once more */
    assert_int_equal(ledger_world_end(world, second), ERR_NONE);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'thing:%'"), 6);
    world->now_ms += 200 * TIME_MS_PER_DAY;
    ledger_world_close(world);
    ledger_world_open(world, false);
    while (ledger_world_count(world, "SELECT min(run) FROM record") == first) {
        ledger_durable_work(world->durable);
    }
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM run"), 1);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'thing:%'"), 2);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'job-%'"), 2);
    ledger_world_close(world);
    ledger_world_expect_whole(world, 3);
    ledger_world_open(world, false);
}

static void an_engine_that_runs_for_long_removes_old_runs_too(void **state)
{
    struct ledger_world *world = *state;
    assert_int_equal(ledger_world_end(world, ledger_world_plan(world, 1)), ERR_NONE);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM run"), 1);
    world->now_ms += 401 * TIME_MS_PER_DAY;
    struct ledger_request found;
    assert_int_equal(ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_OPEN_RUN}, &found),
                     ERR_NONE);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM run"), 0);
}

static void apply(struct store *store, struct ledger_request request)
{
    assert_int_equal(store_apply(store, &request), 0);
}

/* A run of so many rows, all deleted, in one transaction. */
static void live_large(struct store *store, int64_t rows)
{
    struct run_header header = {.policy = "p"};
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &header};
    struct err err;
    assert_int_equal(store_begin(store, &err), 0);
    assert_int_equal(store_apply(store, &request), 0);
    int64_t run = request.run;
    for (int64_t i = 0; i < rows; i++) {
        struct plan_row row = ledger_world_row(i);
        apply(store,
              (struct ledger_request){.operation = LEDGER_ADD_ROWS, .run = run, .rows = &row, .count = 1});
    }
    apply(store, (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = run});
    for (int64_t i = 0; i < rows; i++) {
        apply(store, (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = i, .attempt = 1});
        apply(
            store,
            (struct ledger_request){
                .operation = LEDGER_RESULT, .run = run, .row = i, .attempt = 1, .outcome = OUTCOME_DELETED});
    }
    apply(store, (struct ledger_request){.operation = LEDGER_END_RUN, .run = run, .ended_ms = 1});
    assert_int_equal(store_commit(store, &err), 0);
}

static void count_records(void *ctx, const struct store_record *record)
{
    (void)record;
    (*(int64_t *)ctx)++;
}

/* What large runs leave is taken away in parts, and whoever looks meanwhile sees none of it. */
static void a_large_run_goes_in_parts_that_nobody_sees(void **state)
{
    struct ledger_world *world = *state;
    const struct store_filter all = {.outcome = -1}, thing = {.outcome = -1, .thing_name = "thing:7"};
    int64_t runs, parts = 0, rows = 4500, records, seen = 0;
    struct err err;
    bool more = true;
    char path[128];
    ledger_world_plan(world, 0);
    ledger_world_close(world);
    path_of(world, "ledger.db", path);
    struct store_config config = {
        .path = path, .wall_ms = ledger_world_ms, .ctx = world, .sha256 = ledger_world_digest};
    struct store *store = store_open(&config, &err);
    live_large(store, rows); /* after one that stays */
    assert_int_equal(store_prune(store, world->now_ms, &runs, &err), 0);
    assert_int_equal(runs, 0);
    assert_int_equal(store_begin(store, &err), 0);
    apply(store, (struct ledger_request){.operation = LEDGER_END_RUN, .run = 1, .ended_ms = 1});
    assert_int_equal(store_commit(store, &err), 0);
    assert_int_equal(store_prune(store, world->now_ms, &runs, &err), 0);
    assert_int_equal(runs, 2);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM plan"), rows);
    for (; more; parts++) {
        assert_int_equal(store_verify(store, &records, &err), 0);
        assert_int_equal(records, 0);
        assert_int_equal(store_history(store, &all, count_records, &seen, &err), 0);
        assert_int_equal(store_history(store, &thing, count_records, &seen, &err), 0);
        assert_int_equal(seen, 0);
        assert_int_equal(store_prune_rest(store, &more, &err), 0);
        assert_true(ledger_world_count(world, "SELECT count(*) FROM plan") + 1000 * (parts + 1) >= rows);
    }
    assert_int_equal(parts, 6); /* the last finds nothing */
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM record"), 0);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'thing:%'"), 0);
    store_close(store);
    ledger_world_open(world, false);
}

static int64_t history_count(struct ledger_world *world, const struct store_filter *filter)
{
    struct store *store = ledger_world_store(world, true);
    struct err err;
    int64_t seen = 0;
    assert_int_equal(store_history(store, filter, count_records, &seen, &err), 0);
    store_close(store);
    return seen;
}

/* What nobody has brought up to date yet is read all the same. */
static void history_reads_a_file_of_an_older_version(void **state)
{
    const struct store_filter all = {.outcome = -1}, thing = {.outcome = -1, .thing_name = "thing:2"};
    struct ledger_world *world = *state;
    int64_t run = ledger_world_plan(world, 3);
    for (int64_t row = 0; row < 3; row++) {
        assert_int_equal(ledger_world_intent(world, run, row, 1), ERR_NONE);
        assert_int_equal(ledger_world_result(world, run, row, 1, OUTCOME_DELETED), ERR_NONE);
    }
    for (int version = SCHEMA_VERSION; version >= 1; version--) {
        ledger_world_close(world);
        if (version < SCHEMA_VERSION) {
            turn_back(world, version);
        }
        assert_int_equal(history_count(world, &all), 8);
        assert_int_equal(history_count(world, &thing), 2);
        assert_int_equal(ledger_world_count(world, "PRAGMA user_version"), version);
        ledger_world_open(world, false);
    }
}

/* Dies at the first write beyond so many bytes of a file. */
static bool open_and_die(struct ledger_world *world, int64_t bytes)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {(rlim_t)bytes, (rlim_t)bytes}, no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        setrlimit(RLIMIT_FSIZE, &limit);
        signal(SIGXFSZ, SIG_DFL);
        store_close(ledger_world_store(world, false));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGXFSZ : status == 0);
    return WIFSIGNALED(status);
}

static void bringing_it_up_to_date_may_be_killed_anywhere(void **state)
{
    enum { ROWS = 8000, STEP = 256 * 1024, STEPS_MAX = 64 };
    struct ledger_world *world = *state;
    int kills = 0, of_version[SCHEMA_VERSION + 1] = {0};
    ledger_world_close(world);
    struct store *store = ledger_world_store(world, false);
    live_large(store, ROWS);
    store_close(store);
    turn_back(world, 2);
    while (kills < STEPS_MAX && open_and_die(world, 1024 + (int64_t)kills * STEP)) {
        kills++;
        of_version[ledger_world_count(world, "PRAGMA user_version")]++;
        ledger_world_expect_whole(world, 2 * ROWS + 3);
    }
    assert_true(of_version[2] >= 3);
    assert_int_equal(of_version[2] + of_version[3] + of_version[4] + of_version[5] + of_version[6], kills);
    assert_int_equal(ledger_world_count(world, "PRAGMA user_version"), SCHEMA_VERSION);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM intent"), ROWS);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM entry"), ROWS + 3);
    ledger_world_expect_whole(world, 2 * ROWS + 3);
    ledger_world_open(world, false);
}

static void an_older_file_with_an_impossible_key_is_refused(void **state)
{
    static const char *const changes[] = {
        "UPDATE record SET run = 134217728 WHERE sequence = 1",
        "UPDATE record SET run = 0 WHERE sequence = 1",
        "UPDATE record SET row = 67108862 WHERE sequence = 3",
        "UPDATE record SET row = -2 WHERE sequence = 3",
        "UPDATE record SET row = -1 WHERE sequence = 3",
        "UPDATE record SET row = 0 WHERE sequence = 1",
        "UPDATE record SET attempt = 1023 WHERE sequence = 3",
        "UPDATE record SET attempt = 1 WHERE sequence = 1",
        "UPDATE record SET kind = 5 WHERE sequence = 3",
        "UPDATE record SET kind = 'intent' WHERE sequence = 3",
    };
    struct ledger_world *world = *state;
    char path[128], sql[256];
    struct err err = {0};
    int64_t run = ledger_world_plan(world, 1);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE);
    ledger_world_close(world);
    turn_back(world, 2);
    path_of(world, "ledger.db", path);
    struct store_config config = {
        .path = path, .wall_ms = ledger_world_ms, .ctx = world, .sha256 = ledger_world_digest};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct db *db = db_open(path, NULL, false, &err);
        assert_non_null(db);
        snprintf(sql, sizeof sql, "CREATE TABLE kept AS SELECT * FROM record; BEGIN; %s; COMMIT", changes[i]);
        assert_int_equal(db_execute(db, sql, &err), 0);
        db_close(db);
        assert_null(store_open(&config, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_non_null(strstr(err.msg, "a record of no possible run, row, attempt or kind"));
        assert_int_equal(ledger_world_count(world, "PRAGMA user_version"), 2);
        db = db_open(path, NULL, false, &err);
        assert_int_equal(
            db_execute(db, "DELETE FROM record; INSERT INTO record SELECT * FROM kept; DROP TABLE kept",
                       &err),
            0);
        db_close(db);
    }
    ledger_world_expect_whole(world, 3);
    ledger_world_open(world, false);
}

#define SCHEMA_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_world_start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(a_file_of_version_1_is_brought_up_to_date),
        SCHEMA_TEST(a_file_of_version_2_is_brought_up_to_date),
        SCHEMA_TEST(a_file_of_version_3_is_brought_up_to_date),
        SCHEMA_TEST(a_file_of_version_4_is_brought_up_to_date),
        SCHEMA_TEST(a_file_of_version_5_is_brought_up_to_date),
        SCHEMA_TEST(the_last_run_of_a_policy_in_a_target_is_known_over_a_restart),
        SCHEMA_TEST(history_reads_a_file_of_an_older_version),
        SCHEMA_TEST(bringing_it_up_to_date_may_be_killed_anywhere),
        SCHEMA_TEST(an_older_file_with_an_impossible_key_is_refused),
        SCHEMA_TEST(the_latest_lost_request_is_told_to_later_runs_of_its_account_and_region),
        SCHEMA_TEST(of_a_request_that_was_lost_with_its_process_the_latest_possible_time_counts),
        SCHEMA_TEST(learned_paces_are_kept_over_a_restart),
        SCHEMA_TEST(names_go_with_the_last_run_that_has_them),
        SCHEMA_TEST(a_large_run_goes_in_parts_that_nobody_sees),
        SCHEMA_TEST(an_engine_that_runs_for_long_removes_old_runs_too),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
