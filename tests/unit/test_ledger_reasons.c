/* Why a row is in a plan: a policy's reasons are kept once for all rows, those of rows that were given each
 * with its row, whatever they are, and go with it. */
#include "tap.h"

#include "base/time.h"
#include "ledger/db.h"
#include "ledger/schema.h"
#include "ledger_world.h"

#include <stdio.h>
#include <string.h>

/* How SQLite, or whoever looks names up, could misunderstand them. */
static const char *const awkward[] = {
    "given in rows.csv:2",
    "given in rows.csv:3",
    "1",   /* the id of a name */
    "007", /* a number, but for its zeros */
    "1e3", /* 1000 */
    "9223372036854775808",
    "",        /* none at all */
    "thing:1", /* the name of a thing */
    "job-1",
    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", /* not of ASCII */
    "a reason as long as one may be, which is ninety-five bytes: 67890123456789012345678901234567899",
};

enum { AWKWARD = sizeof awkward / sizeof awkward[0] };

static int64_t start(struct ledger_world *world, const char *origin)
{
    struct run_header header = {.policy = "p", .target = "t", .started_ms = world->now_ms};
    struct ledger_request started;
    strcpy(header.origin, origin);
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_START_RUN, .header = &header},
                         &started),
        ERR_NONE);
    return started.run;
}

static void add(struct ledger_world *world, int64_t run, int64_t number, const char *reason)
{
    struct plan_row row = ledger_world_row(number);
    assert_true(strlen(reason) <= PLAN_REASON_MAX);
    strcpy(row.reason, reason);
    assert_int_equal(ledger_world_ask(world,
                                      (struct ledger_request){
                                          .operation = LEDGER_ADD_ROWS, .run = run, .rows = &row, .count = 1},
                                      NULL),
                     ERR_NONE);
}

static void seal(struct ledger_world *world, int64_t run)
{
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = run}, NULL),
        ERR_NONE);
}

static void add_awkward(struct ledger_world *world, int64_t run)
{
    for (int i = 0; i < AWKWARD; i++) {
        add(world, run, i, awkward[i]);
    }
}

static void reopen(struct ledger_world *world)
{
    ledger_world_close(world);
    ledger_world_open(world, false);
}

static void expect_reasons(struct ledger_world *world, int64_t run)
{
    struct plan_row rows[AWKWARD + 1];
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = run, .rows = rows, .count = AWKWARD + 1};
    struct ledger_request answered;
    assert_int_equal(ledger_world_ask(world, read, &answered), ERR_NONE);
    assert_int_equal(answered.count, AWKWARD);
    for (int i = 0; i < AWKWARD; i++) {
        assert_string_equal(rows[i].reason, awkward[i]);
        assert_int_equal(rows[i].execution.number, i);
    }
}

static void expect_record(void *ctx, const struct store_record *record)
{
    if (record->row >= 0) {
        assert_string_equal(record->plan.reason, awkward[record->row]);
        ++*(int *)ctx;
    }
}

static void expect_history(struct ledger_world *world)
{
    const struct store_filter all = {.outcome = -1};
    struct store *store = ledger_world_store(world, true);
    struct err err;
    int seen = 0;
    assert_int_equal(store_history(store, &all, expect_record, &seen, &err), 0);
    assert_int_equal(seen, 2 * AWKWARD);
    store_close(store);
}

static void delete_all(struct ledger_world *world, int64_t run)
{
    for (int row = 0; row < AWKWARD; row++) {
        assert_int_equal(ledger_world_intent(world, run, row, 1), ERR_NONE);
        assert_int_equal(ledger_world_result(world, run, row, 1, OUTCOME_DELETED), ERR_NONE);
    }
    assert_int_equal(ledger_world_end(world, run), ERR_NONE);
}

static void the_reason_of_a_row_that_was_given_is_told_as_it_was_said(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = start(world, "rows of rows.csv");
    add_awkward(world, run);
    seal(world, run);
    expect_reasons(world, run);
    reopen(world);
    expect_reasons(world, run);
    delete_all(world, run);
    expect_history(world);
    ledger_world_expect_whole(world, 2 * AWKWARD + 3);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text NOT LIKE 'thing:%'"
                                               " AND text NOT LIKE 'job-%'"),
                     0);
}

/* What a transaction that fails leaves is read from the file again: the rest of the plan is given all the
 * same. */
static void a_run_that_is_looked_up_is_known_as_given(void **state)
{
    struct ledger_world *world = *state;
    int64_t listed = start(world, ""), given = start(world, "rows of rows.csv");
    reopen(world);
    add(world, listed, 1, "status FAILED, age over 30d");
    add(world, given, 1, "given in rows.csv:2");
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'status%'"), 1);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'given%'"), 0);
}

static void rows_of_a_policy_share_their_reason(void **state)
{
    struct ledger_world *world = *state;
    ledger_world_plan(world, 100);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text LIKE 'status%'"), 1);
    assert_int_equal(ledger_world_count(world, "SELECT count(DISTINCT reason) FROM plan"), 1);
}

static void prune(struct ledger_world *world, int64_t run)
{
    world->now_ms += 401 * TIME_MS_PER_DAY;
    ledger_world_close(world);
    struct store *store = ledger_world_store(world, false);
    struct err err;
    int64_t runs;
    bool more = true;
    assert_int_equal(store_prune(store, world->now_ms - 200 * TIME_MS_PER_DAY, &runs, &err), 0);
    assert_int_equal(runs, run);
    while (more) {
        assert_int_equal(store_prune_rest(store, &more, &err), 0);
    }
    store_close(store);
    ledger_world_open(world, false);
}

static void reasons_that_were_given_go_with_their_run(void **state)
{
    enum { ROWS = 3000 };
    struct ledger_world *world = *state;
    int64_t run = start(world, "rows of rows.csv");
    for (int64_t row = 0; row < ROWS; row++) {
        char reason[PLAN_REASON_MAX + 1];
        snprintf(reason, sizeof reason, "given in rows.csv:%d", (int)row + 2);
        add(world, run, row, reason);
    }
    seal(world, run);
    assert_int_equal(ledger_world_end(world, run), ERR_NONE);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM plan"), ROWS);
    prune(world, 1);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM plan"), 0);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name"), 0);
}

/* The name goes, with the last run about that thing; a reason of the same words stays. */
static void a_reason_that_is_a_name_as_well_outlives_the_name(void **state)
{
    struct ledger_world *world = *state;
    int64_t first = ledger_world_plan(world, 1); /* of thing:1 */
    assert_int_equal(ledger_world_end(world, first), ERR_NONE);
    world->now_ms += 300 * TIME_MS_PER_DAY;
    int64_t second = start(world, "plan 0123");
    for (int i = 0; i < AWKWARD; i++) {
        add(world, second, 50 + i, awkward[i]);
    }
    seal(world, second);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text = 'thing:1'"), 1);
    prune(world, 1);
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM name WHERE text = 'thing:1'"), 0);
    struct plan_row row;
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = second, .from = 7, .rows = &row, .count = 1};
    assert_int_equal(ledger_world_ask(world, read, NULL), ERR_NONE);
    assert_string_equal(row.reason, "thing:1");
    ledger_world_expect_whole(world, 2);
}

static void change(const struct ledger_world *world, const char *sql)
{
    char path[128];
    struct err err = {0};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct db *db = db_open(path, NULL, false, &err);
    assert_non_null(db);
    if (db_execute(db, sql, &err) != 0) {
        fail_msg("%s", err.msg);
    }
    db_close(db);
}

/* Version 5 kept each of them as a name. */
static void what_was_given_to_an_older_version_is_read_as_before(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = start(world, "rows of rows.csv");
    add_awkward(world, run);
    seal(world, run);
    delete_all(world, run);
    ledger_world_close(world);
    change(world, "INSERT OR IGNORE INTO name (text) SELECT CAST(reason AS TEXT) FROM plan;"
                  "UPDATE plan SET reason = (SELECT id FROM name WHERE text = CAST(reason AS TEXT));"
                  "PRAGMA user_version = 5");
    assert_int_equal(ledger_world_count(world, "SELECT count(*) FROM plan WHERE typeof(reason) = 'integer'"),
                     AWKWARD);
    expect_history(world);
    ledger_world_expect_whole(world, 2 * AWKWARD + 3);
    ledger_world_open(world, false);
    assert_int_equal(ledger_world_count(world, "PRAGMA user_version"), SCHEMA_VERSION);
    expect_reasons(world, run);
    expect_history(world);
    ledger_world_expect_whole(world, 2 * AWKWARD + 3);
}

static void a_reason_that_was_changed_is_found(void **state)
{
    static const char *const changes[] = {
        "UPDATE plan SET reason = CAST('given in rows.csv:9' AS BLOB) WHERE row = 1",
        "UPDATE plan SET reason = (SELECT id FROM name WHERE text = 'thing:1') WHERE row = 1",
        "UPDATE plan SET reason = NULL WHERE row = 1",
        "UPDATE plan SET reason = 99999 WHERE row = 1",
    };
    struct ledger_world *world = *state;
    int64_t run = start(world, "rows of rows.csv"), records;
    struct err err;
    add_awkward(world, run);
    seal(world, run);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ledger_world_close(world);
        change(world, changes[i]);
        struct store *store = ledger_world_store(world, true);
        assert_int_equal(store_verify(store, &records, &err), -1);
        assert_non_null(strstr(err.msg, "the plan is not as it was sealed"));
        store_close(store);
        change(world, "UPDATE plan SET reason = CAST('given in rows.csv:3' AS BLOB) WHERE row = 1");
        ledger_world_expect_whole(world, 2);
        ledger_world_open(world, false);
    }
}

#define REASONS_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_world_start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REASONS_TEST(the_reason_of_a_row_that_was_given_is_told_as_it_was_said),
        REASONS_TEST(a_run_that_is_looked_up_is_known_as_given),
        REASONS_TEST(rows_of_a_policy_share_their_reason),
        REASONS_TEST(reasons_that_were_given_go_with_their_run),
        REASONS_TEST(a_reason_that_is_a_name_as_well_outlives_the_name),
        REASONS_TEST(what_was_given_to_an_older_version_is_read_as_before),
        REASONS_TEST(a_reason_that_was_changed_is_found),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
