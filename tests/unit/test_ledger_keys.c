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
static const int64_t rows[] = {RECORD_ROW_NONE, 0, 1, 1000000, RECORD_ROWS_MAX - 2, RECORD_ROWS_MAX - 1};
static const int64_t attempts[] = {0, 1, 2, RECORD_ATTEMPT_MAX - 1, RECORD_ATTEMPT_MAX};

enum { RUNS = sizeof runs / sizeof runs[0], ROWS = sizeof rows / sizeof rows[0] };
enum { ATTEMPTS = sizeof attempts / sizeof attempts[0], KEYS = RUNS * ROWS * ATTEMPTS * RECORD_KINDS };

/* The number-th of the keys at the bounds and in between, in the order of run, row and attempt. */
static int64_t key(int number, int64_t parts[4])
{
    parts[3] = number % RECORD_KINDS;
    parts[2] = attempts[number / RECORD_KINDS % ATTEMPTS];
    parts[1] = rows[number / RECORD_KINDS / ATTEMPTS % ROWS];
    parts[0] = runs[number / RECORD_KINDS / ATTEMPTS / ROWS];
    return record_id(parts[0], parts[1], parts[2], (enum record_kind)parts[3]);
}

static bool is_last(const int64_t parts[4])
{
    return parts[2] == 0 && parts[3] == RECORD_RESULT;
}

static void keys_are_in_the_order_of_what_happened(void **state)
{
    (void)state;
    int64_t parts[4], before = 0;
    for (int i = 0; i < KEYS; i++) {
        int64_t id = key(i, parts);
        assert_true(record_fits(parts[0], parts[1], parts[2]));
        assert_int_equal(record_row(id), parts[1]);
        assert_int_equal(record_kind_of(id), parts[3]);
        assert_in_range(id, record_row_first(parts[0], parts[1]), record_row_last(parts[0], parts[1]));
        assert_in_range(id, record_run_first(parts[0]), record_run_last(parts[0]));
        if (is_last(parts)) {
            assert_true(id > record_id(parts[0], parts[1], RECORD_ATTEMPT_MAX, RECORD_END));
        } else {
            assert_true(id > before);
            before = id;
        }
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

static void put(struct db *db, int number)
{
    static const char *const add[] = {"INSERT INTO intent (id, sequence, hash) VALUES (?1, ?2, '')",
                                      "INSERT INTO entry (id, sequence, hash) VALUES (?1, ?2, '')"};
    struct db_statement *statement = NULL;
    struct err err = {0};
    int64_t parts[4], id = key(number, parts);
    assert_non_null(db_use(db, &statement, add[parts[3] != RECORD_INTENT], &err));
    db_bind(statement, "ii", id, (int64_t)number);
    assert_int_equal(db_run(statement, &err), 0);
}

static void the_file_takes_keys_apart_as_they_were_put_together(void **state)
{
    struct ledger_world *world = *state;
    struct db_statement *get = NULL;
    struct err err = {0};
    int64_t parts[4];
    ledger_world_close(world);
    struct db *db = open_file(world, false);
    assert_int_equal(db_execute(db, "BEGIN", &err), 0);
    for (int i = 0; i < KEYS; i++) {
        put(db, i);
    }
    assert_non_null(db_use(
        db, &get,
        "SELECT sequence, run, row, attempt, kind,"
        " id BETWEEN " RECORD_ROW_IDS("run", "row") ", id BETWEEN " RECORD_RUN_IDS(
            "run") ","
                   " (id BETWEEN " RECORD_ROWS_IDS("run") ") = (row >= 0)"
                                                          " FROM record ORDER BY run, row, attempt, kind",
        &err));
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(db_step(get, &err), 1);
        key(i, parts);
        assert_int_equal(db_int(get, 0), i);
        for (int part = 0; part < 4; part++) {
            assert_int_equal(db_int(get, 1 + part), parts[part]);
        }
        assert_true(db_int(get, 5) && db_int(get, 6) && db_int(get, 7));
    }
    db_close(db); /* rolls back */
    ledger_world_open(world, false);
}

static void an_attempt_without_a_key_is_refused_alone(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = ledger_world_plan(world, 2);
    for (int attempt = 1; attempt <= RECORD_ATTEMPT_MAX; attempt++) {
        assert_int_equal(ledger_world_intent(world, run, 0, attempt), ERR_NONE);
        assert_int_equal(ledger_world_result(world, run, 0, attempt, OUTCOME_PENDING), ERR_NONE);
    }
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
    assert_non_null(strstr(answered.err.msg, "a plan holds 268435455 job executions at most"));
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

static void after_the_last_run_nothing_is_recorded_any_more(void **state)
{
    struct ledger_world *world = *state;
    char sql[128];
    begin_run(world, ERR_NONE);
    ledger_world_close(world);
    snprintf(sql, sizeof sql, "UPDATE sqlite_sequence SET seq = %d WHERE name = 'run'", RECORD_RUN_MAX - 1);
    change(world, sql);
    ledger_world_open(world, false);
    assert_int_equal(begin_run(world, ERR_NONE), RECORD_RUN_MAX);
    begin_run(world, ERR_IO);
    begin_run(world, ERR_IO);
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
        KEYS_TEST(after_the_last_run_nothing_is_recorded_any_more),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
