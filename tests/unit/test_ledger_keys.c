/* The keys of records: each its own, in the order of what happened, the same in C and in the file; what would
 * have none is refused before it is written. */
#include "tap.h"

#include "ledger/db.h"
#include "ledger/record.h"
#include "ledger_world.h"

#include <stdio.h>
#include <string.h>

static struct db *open_file(const struct ledger_world *world, bool read_only)
{
    char path[128];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct db *db = db_open(path, NULL, read_only, &err);
    assert_non_null(db);
    return db;
}

static void change(const struct ledger_world *world, const char *sql)
{
    struct err err = {0};
    struct db *db = open_file(world, false);
    if (db_execute(db, sql, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    db_close(db);
}

static const int64_t runs[] = {1, 2, 4711, RECORD_RUN_MAX - 1, RECORD_RUN_MAX};
static const int64_t rows[] = {0, 1, 1000000, RECORD_ROWS_MAX - 2, RECORD_ROWS_MAX - 1};
static const int64_t attempts[] = {1, 2, RECORD_ATTEMPT_MAX - 1, RECORD_ATTEMPT_MAX, 0};

enum { RUNS = sizeof runs / sizeof runs[0], ROWS = sizeof rows / sizeof rows[0] };
enum { ATTEMPTS = sizeof attempts / sizeof attempts[0], OF_A_RUN = 3 + ROWS * ATTEMPTS };
enum { KEYS = RUNS * OF_A_RUN };

struct place {
    int64_t run, row, attempt;
};

/* The number-th of the places at the bounds and in between, in the order of what happens; those of a run as a
 * whole are three for its three kinds. */
static struct place place(int number)
{
    int within = number % OF_A_RUN - 3;
    struct place place = {.run = runs[number / OF_A_RUN], .row = RECORD_ROW_NONE};
    if (within >= 0) {
        place.row = rows[within / ATTEMPTS];
        place.attempt = attempts[within % ATTEMPTS];
    }
    return place;
}

/* Of the record there that is no intent. */
static enum record_kind kind(int number)
{
    static const enum record_kind kinds[] = {RECORD_START, RECORD_SEAL, RECORD_END};
    return number % OF_A_RUN < 3 ? kinds[number % OF_A_RUN] : RECORD_RESULT;
}

static void keys_are_in_the_order_of_what_happened(void **state)
{
    (void)state;
    int64_t before = 0;
    for (int i = 0; i < KEYS; i++) {
        struct place at = place(i);
        int64_t id = record_id(at.run, at.row, at.attempt, kind(i));
        assert_true(record_fits(at.run, at.row, at.attempt));
        assert_true(id > before);
        assert_int_equal(record_row(id), at.row);
        assert_in_range(id, record_row_first(at.run, at.row), record_row_last(at.run, at.row));
        assert_in_range(id, record_run_first(at.run), record_run_last(at.run));
        before = id;
    }
    for (int i = 0; i + 1 < RUNS; i++) {
        assert_true(record_run_last(runs[i]) < record_run_first(runs[i + 1]));
    }
    for (int i = 0; i + 1 < ROWS; i++) {
        assert_true(record_row_last(7, rows[i]) < record_row_first(7, rows[i + 1]));
    }
    assert_int_equal(record_run_last(RECORD_RUN_MAX), INT64_MAX);
}

static void what_is_out_of_bounds_has_no_key(void **state)
{
    (void)state;
    assert_false(record_fits(0, 0, 1));
    assert_false(record_fits(RECORD_RUN_MAX + (int64_t)1, 0, 1));
    assert_false(record_fits(1, -2, 0));
    assert_false(record_fits(1, RECORD_ROWS_MAX, 1));
    assert_false(record_fits(1, 0, -1));
    assert_false(record_fits(1, 0, RECORD_ATTEMPT_MAX + 1));
    assert_string_equal(record_kind_name(RECORD_KINDS), "none");
}

static void put(struct db *db, const char *table, int number, enum record_kind kind)
{
    char sql[128];
    struct err err = {0};
    struct place at = place(number);
    snprintf(sql, sizeof sql, "INSERT INTO %s (id, sequence, hash) VALUES (%lld, %d, '')", table,
             (long long)record_id(at.run, at.row, at.attempt, kind), number);
    if (db_execute(db, sql, &err) != 0) {
        fail_msg("%s", err.msg);
    }
}

static void expect_taken_apart(struct db *db, const char *view, int number, enum record_kind kind)
{
    char sql[512];
    struct db_statement *get = NULL;
    struct err err = {0};
    struct place at = place(number);
    snprintf(sql, sizeof sql,
             "SELECT run, row, attempt, kind, id BETWEEN " RECORD_ROW_IDS(
                 "run", "row") ","
                               " id BETWEEN " RECORD_RUN_IDS("run") ", (id BETWEEN " RECORD_ROWS_IDS(
                                   "run") ") = (row >= 0)"
                                          " FROM %s WHERE sequence = %d AND kind = %d",
             view, number, (int)kind);
    assert_non_null(db_use(db, &get, sql, &err));
    assert_int_equal(db_step(get, &err), 1);
    assert_int_equal(db_int(get, 0), at.run);
    assert_int_equal(db_int(get, 1), at.row);
    assert_int_equal(db_int(get, 2), at.attempt);
    assert_int_equal(db_int(get, 3), kind);
    assert_true(db_int(get, 4) && db_int(get, 5) && db_int(get, 6));
    assert_int_equal(db_step(get, &err), 0);
}

static void the_file_takes_keys_apart_as_they_were_put_together(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    ledger_world_close(world);
    struct db *db = open_file(world, false);
    assert_int_equal(db_execute(db, "BEGIN", &err), 0);
    for (int i = 0; i < KEYS; i++) {
        put(db, "entry", i, kind(i));
        expect_taken_apart(db, "entries", i, kind(i));
        expect_taken_apart(db, "record", i, kind(i));
        if (place(i).attempt > 0) {
            put(db, "intent", i, RECORD_INTENT);
            expect_taken_apart(db, "intents", i, RECORD_INTENT);
            expect_taken_apart(db, "record", i, RECORD_INTENT);
        }
    }
    db_close(db); /* rolls back */
    ledger_world_open(world, false);
}

/* Carried out on the closed ledger's file, in one transaction. */
static void try_often(struct ledger_world *world, int64_t run)
{
    char path[128];
    struct err err = {0};
    struct store_config config = {
        .path = path, .wall_ms = ledger_world_ms, .ctx = world, .sha256 = ledger_world_digest};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct store *store = store_open(&config, &err);
    assert_non_null(store);
    assert_int_equal(store_begin(store, &err), 0);
    for (int attempt = 1; attempt <= RECORD_ATTEMPT_MAX; attempt++) {
        struct ledger_request intent = {.operation = LEDGER_INTENT, .run = run, .attempt = attempt};
        struct ledger_request result = {.operation = LEDGER_RESULT, .run = run, .attempt = attempt};
        assert_int_equal(store_apply(store, &intent), 0);
        assert_int_equal(store_apply(store, &result), 0);
    }
    assert_int_equal(store_commit(store, &err), 0);
    store_close(store);
}

static void an_attempt_without_a_key_is_refused_alone(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = ledger_world_plan(world, 2);
    ledger_world_close(world);
    try_often(world, run);
    ledger_world_open(world, false);
    assert_int_equal(ledger_world_intent(world, run, 0, RECORD_ATTEMPT_MAX + 1), ERR_INTERNAL);
    assert_int_equal(ledger_world_result(world, run, 0, 0, OUTCOME_FAILED), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 1, 1), ERR_NONE);
}

static int64_t begin_run(struct ledger_world *world, enum err_code expected)
{
    const struct run_header header = {.policy = "p", .region = "eu-west-1"};
    struct ledger_request answered;
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_START_RUN, .header = &header},
                         &answered),
        expected);
    return answered.run;
}

static enum err_code add_row(struct ledger_world *world, int64_t run, struct ledger_request *answered)
{
    struct plan_row row = ledger_world_row(1);
    return ledger_world_ask(
        world, (struct ledger_request){.operation = LEDGER_ADD_ROWS, .run = run, .rows = &row, .count = 1},
        answered);
}

/* A run that has all but one of the rows that it may have, or so it says. */
static void a_plan_of_too_many_rows_is_refused_with_a_reason(void **state)
{
    struct ledger_world *world = *state;
    struct ledger_request answered;
    struct plan_row row;
    char sql[128];
    int64_t last = RECORD_ROWS_MAX - 1, run = begin_run(world, ERR_NONE);
    ledger_world_close(world);
    snprintf(sql, sizeof sql, "UPDATE run SET rows = %lld", (long long)last);
    change(world, sql);
    ledger_world_open(world, false);
    assert_int_equal(add_row(world, run, &answered), ERR_NONE);
    assert_int_equal(add_row(world, run, &answered), ERR_TOO_BIG);
    assert_non_null(strstr(answered.err.msg, "a plan holds 67108863 job executions at most"));
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = run}, NULL),
        ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, last, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, last, 1, OUTCOME_DELETED), ERR_NONE);
    ledger_world_close(world);
    ledger_world_open(world, false);
    assert_int_equal(
        ledger_world_ask(
            world,
            (struct ledger_request){
                .operation = LEDGER_READ_ROWS, .run = run, .from = last, .rows = &row, .count = 1},
            &answered),
        ERR_NONE);
    assert_int_equal(answered.count, 1);
    assert_int_equal(row.outcome, OUTCOME_DELETED);
    assert_int_equal(row.attempts, 1);
}

static void after_the_last_run_none_begins_and_the_others_are_recorded(void **state)
{
    struct ledger_world *world = *state;
    char sql[128];
    int64_t run = ledger_world_plan(world, 1);
    ledger_world_close(world);
    snprintf(sql, sizeof sql, "UPDATE sqlite_sequence SET seq = %d WHERE name = 'run'", RECORD_RUN_MAX - 1);
    change(world, sql);
    ledger_world_open(world, false);
    assert_int_equal(begin_run(world, ERR_NONE), RECORD_RUN_MAX);
    begin_run(world, ERR_TOO_BIG);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, 0, 1, OUTCOME_DELETED), ERR_NONE);
    begin_run(world, ERR_TOO_BIG);
    ledger_world_close(world);
    ledger_world_open(world, false);
    assert_int_equal(ledger_world_end(world, RECORD_RUN_MAX), ERR_NONE);
}

#define KEYS_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_world_start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_in_the_order_of_what_happened),
        cmocka_unit_test(what_is_out_of_bounds_has_no_key),
        KEYS_TEST(the_file_takes_keys_apart_as_they_were_put_together),
        KEYS_TEST(an_attempt_without_a_key_is_refused_alone),
        KEYS_TEST(a_plan_of_too_many_rows_is_refused_with_a_reason),
        KEYS_TEST(after_the_last_run_none_begins_and_the_others_are_recorded),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
