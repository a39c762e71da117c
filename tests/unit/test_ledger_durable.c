/* The durable ledger: what went in comes back after a restart, every tampering is found, a failed write
 * freezes it. */
#include "tap.h"

#include "base/mem.h"
#include "ledger/db.h"
#include "ledger_world.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static void what_was_recorded_is_there_after_a_restart(void **state)
{
    struct ledger_world *world = *state;
    struct plan_row rows[10];
    int64_t run = ledger_world_plan(world, 4);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, 0, 1, OUTCOME_DELETED), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 1, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, run, 1, 1, OUTCOME_PENDING), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 1, 2), ERR_NONE); /* no answer: the process ends here */
    assert_int_equal(ledger_world_result(world, run, 2, 0, OUTCOME_GONE), ERR_NONE);
    ledger_world_close(world);
    ledger_world_open(world, false);
    struct ledger_request found;
    assert_int_equal(ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_OPEN_RUN}, &found),
                     ERR_NONE);
    assert_int_equal(found.run, run);
    assert_int_equal(found.count, 4);
    assert_true(found.sealed);
    assert_string_equal(found.found.account, "123456789012");
    struct ledger_request read;
    assert_int_equal(
        ledger_world_ask(
            world,
            (struct ledger_request){.operation = LEDGER_READ_ROWS, .run = run, .rows = rows, .count = 10},
            &read),
        ERR_NONE);
    assert_int_equal(read.count, 4);
    struct plan_row expected = ledger_world_row(2);
    assert_string_equal(rows[1].execution.thing_name, "thing:2");
    assert_null(fingerprint_difference(&rows[1].execution.fingerprint, &expected.execution.fingerprint));
    assert_string_equal(rows[1].reason, expected.reason);
    assert_int_equal(rows[0].outcome, OUTCOME_DELETED);
    assert_int_equal(rows[1].outcome, OUTCOME_PENDING);
    assert_true(rows[1].open);
    assert_int_equal(rows[1].attempts, 2);
    assert_int_equal(rows[2].outcome, OUTCOME_GONE);
    assert_int_equal(rows[3].outcome, OUTCOME_PENDING);
    assert_false(rows[3].open);
    assert_int_equal(
        ledger_world_ask(world, (struct ledger_request){.operation = LEDGER_OPEN_RUN, .from = run}, &found),
        ERR_NONE);
    assert_int_equal(found.run, 0);
}

static void requests_out_of_order_fail_alone(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = ledger_world_plan(world, 2);
    assert_int_equal(ledger_world_intent(world, run, 0, 2), ERR_INTERNAL);
    assert_int_equal(ledger_world_intent(world, run, 2, 1), ERR_INTERNAL);
    assert_int_equal(ledger_world_intent(world, run + 1, 0, 1), ERR_INTERNAL);
    assert_int_equal(ledger_world_result(world, run, 0, 1, OUTCOME_DELETED), ERR_INTERNAL);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 0, 2), ERR_INTERNAL); /* at most one live attempt */
    assert_int_equal(ledger_world_end(world, run), ERR_INTERNAL); /* nobody would look at it any more */
    assert_int_equal(ledger_world_result(world, run, 0, 1, OUTCOME_DELETED), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 0, 2), ERR_INTERNAL);
    assert_int_equal(ledger_world_end(world, run), ERR_NONE);
    assert_int_equal(ledger_world_intent(world, run, 1, 1), ERR_INTERNAL);
    assert_int_equal(ledger_world_end(world, run), ERR_INTERNAL);
}

static void only_its_owner_may_read_it_and_only_one_engine_may_have_it(void **state)
{
    struct ledger_world *world = *state;
    char path[128];
    struct stat status;
    struct err err = {0};
    struct ledger_durable_config config = {.directory = world->directory,
                                           .wake = ledger_world_wake,
                                           .wall_ms = ledger_world_ms,
                                           .ctx = world,
                                           .sha256 = ledger_world_digest};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_null(ledger_durable_open(&config, &err));
    assert_int_equal(err.code, ERR_LOCKED);
    config.directory = "/nonexistent/place";
    assert_null(ledger_durable_open(&config, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static struct store *reopen_store(struct ledger_world *world)
{
    char path[128];
    struct err err = {0};
    struct store_config config = {
        .path = path, .wall_ms = ledger_world_ms, .ctx = world, .sha256 = ledger_world_digest};
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct store *store = store_open(&config, &err);
    assert_non_null(store);
    return store;
}

/* Two runs with attempts, closed. */
static void lived_in(struct ledger_world *world)
{
    for (int i = 0; i < 2; i++) {
        int64_t run = ledger_world_plan(world, 3);
        for (int64_t row = 0; row < 3; row++) {
            assert_int_equal(ledger_world_intent(world, run, row, 1), ERR_NONE);
            assert_int_equal(ledger_world_result(world, run, row, 1, OUTCOME_DELETED), ERR_NONE);
        }
        assert_int_equal(ledger_world_end(world, run), ERR_NONE);
    }
    ledger_world_close(world);
}

static const char *const changes[] = {
    "UPDATE entry SET outcome = 3 WHERE sequence = 8",
    "UPDATE entry SET code = 'x' WHERE sequence = 6",
    "UPDATE entry SET signed_at_ms = 1 WHERE sequence = 4",
    "UPDATE entry SET note = 'better' WHERE sequence = 9",
    "UPDATE intent SET at_ms = at_ms - 1 WHERE sequence = 3",
    "UPDATE intent SET hash = zeroblob(32) WHERE sequence = 7",
    "UPDATE entry SET hash = zeroblob(32) WHERE sequence = 18",
    "DELETE FROM intent WHERE sequence = 5",
    "DELETE FROM entry WHERE sequence = 18",
    "DELETE FROM entry WHERE sequence = 1",
    "DELETE FROM entry WHERE sequence > 12; DELETE FROM intent WHERE sequence > 12",
    "UPDATE intent SET sequence = CASE sequence WHEN 3 THEN 5 ELSE 3 END WHERE sequence IN (3, 5)",
    "UPDATE intent SET id = id + 1 WHERE sequence = 7", /* another attempt, row, run, kind or none */
    "UPDATE intent SET id = id + (9 << 15) WHERE sequence = 3",
    "UPDATE intent SET id = id + (4 << 36) WHERE sequence = 3",
    "UPDATE entry SET id = id + 1 WHERE sequence = 4",
    "UPDATE entry SET id = id + 1022 WHERE sequence = 4",
    "UPDATE entry SET id = id + (9 << 15) WHERE sequence = 4",
    "UPDATE entry SET id = id + (4 << 36) WHERE sequence = 4",
    "UPDATE entry SET id = id + 1 WHERE sequence = 18",
    "UPDATE entry SET id = id - 1 WHERE sequence = 18",
    "UPDATE entry SET id = -id WHERE sequence = 6",
    "UPDATE entry SET id = 9223372036854775807 WHERE sequence = 18",
    ("INSERT INTO entry SELECT id + 1, sequence, at_ms, 0, 0, 0, 0, '', '', 0, '', hash FROM intent"
     " WHERE sequence = 3; DELETE FROM intent WHERE sequence = 3"),
    "UPDATE plan SET number = 9 WHERE run = 1 AND row = 1",
    "UPDATE plan SET queued_at = '1' WHERE run = 1 AND row = 2",
    "DELETE FROM plan WHERE run = 2 AND row = 2",
    "UPDATE plan SET row = row + 10 WHERE run = 2",
    "UPDATE name SET text = 'thing:9' WHERE text = 'thing:2'",
    "UPDATE run SET policy = 'q' WHERE id = 1",
    "UPDATE run SET account = '999999999999' WHERE id = 2",
    "DELETE FROM run WHERE id = 2",
};

static void every_tampering_is_found(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    char path[128];
    int64_t records;
    lived_in(world);
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct store *store = reopen_store(world);
    assert_int_equal(store_verify(store, &records, &err), 0);
    assert_int_equal(records, 18);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct db *db = db_open(path, NULL, false, &err);
        store_close(store);
        char *sql = mem_alloc(strlen(changes[i]) + 64);
        sprintf(sql, "BEGIN; %s", changes[i]);
        err = (struct err){0};
        assert_int_equal(db_execute(db, sql, &err), 0);
        db_execute(db, "COMMIT", &err);
        free(sql);
        db_close(db);
        store = reopen_store(world);
        if (store_verify(store, &records, &err) != -1 || err.code != ERR_INVALID) {
            fail_msg("not found: %s", changes[i]);
        }
        store_close(store);
        assert_int_equal(ledger_world_stop(state), 0);
        assert_int_equal(ledger_world_start(state), 0);
        world = *state;
        lived_in(world);
        snprintf(path, sizeof path, "%s/ledger.db", world->directory);
        store = reopen_store(world);
    }
    store_close(store);
}

struct counts {
    int records, settled;
    bool job_names;
};

static void count_record(void *ctx, const struct store_record *record)
{
    struct counts *counts = ctx;
    counts->records++;
    counts->settled += record->outcome == OUTCOME_DELETED;
    counts->job_names = record->row < 0 || strncmp(record->plan.execution.job_id, "job-", 4) == 0;
}

static void history_tells_what_happened(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    struct counts counts = {0};
    lived_in(world);
    struct store *store = reopen_store(world);
    struct store_filter all = {.outcome = -1};
    assert_int_equal(store_history(store, &all, count_record, &counts, &err), 0);
    assert_int_equal(counts.records, 18);
    assert_int_equal(counts.settled, 6);
    assert_true(counts.job_names);
    struct store_filter thing = {.outcome = OUTCOME_DELETED, .thing_name = "thing:2", .settled_only = true};
    counts = (struct counts){0};
    assert_int_equal(store_history(store, &thing, count_record, &counts, &err), 0);
    assert_int_equal(counts.records, 2);
    struct store_filter none = {.outcome = -1, .policy = "other"};
    counts = (struct counts){0};
    assert_int_equal(store_history(store, &none, count_record, &counts, &err), 0);
    assert_int_equal(counts.records, 0);
    store_close(store);
}

static void pruning_takes_whole_runs_from_the_old_end(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    int64_t runs, records;
    int64_t first = ledger_world_plan(world, 1);
    int64_t second = ledger_world_plan(world, 1);
    assert_int_equal(ledger_world_end(world, second), ERR_NONE);
    int64_t cut_ms = world->now_ms;
    assert_int_equal(ledger_world_end(world, first),
                     ERR_NONE); /* too late to go, and it began before the second */
    int64_t third = ledger_world_plan(world, 1);
    ledger_world_close(world);
    struct store *store = reopen_store(world);
    assert_int_equal(store_prune(store, cut_ms, &runs, &err), 0);
    assert_int_equal(runs, 0);
    assert_int_equal(store_prune(store, world->now_ms, &runs, &err), 0);
    assert_int_equal(runs, 2);
    assert_int_equal(store_verify(store, &records, &err), 0);
    assert_int_equal(records, 2); /* start and seal of the third */
    store_close(store);
    ledger_world_open(world, false);
    assert_int_equal(ledger_world_intent(world, third, 0, 1), ERR_NONE);
    assert_int_equal(ledger_world_result(world, third, 0, 1, OUTCOME_DELETED), ERR_NONE);
    ledger_world_close(world);
    store = reopen_store(world);
    assert_int_equal(store_verify(store, &records, &err), 0);
    assert_int_equal(records, 4);
    store_close(store);
}

static void a_write_that_fails_freezes_it(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = ledger_world_plan(world, 2);
    struct rlimit before, small = {0, 0};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small); /* every write to a file fails now */
    enum err_code code = ledger_world_intent(world, run, 0, 1);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(code, ERR_IO);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_IO); /* although writing would work again */
    ledger_world_close(world);
    ledger_world_open(world, false);
    assert_int_equal(ledger_world_intent(world, run, 0, 1), ERR_NONE); /* nothing of the failed one counts */
}

static void a_ledger_of_a_newer_version_or_none_at_all_is_refused(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    char path[128];
    ledger_world_close(world);
    snprintf(path, sizeof path, "%s/ledger.db", world->directory);
    struct db *db = db_open(path, NULL, false, &err);
    assert_int_equal(db_execute(db, "PRAGMA user_version = 99", &err), 0);
    db_close(db);
    struct store_config config = {
        .path = path, .wall_ms = ledger_world_ms, .ctx = world, .sha256 = ledger_world_digest};
    assert_null(store_open(&config, &err));
    assert_int_equal(err.code, ERR_INVALID);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(write(fd, "this is no database, whatever its name says; not at all, not even nearly", 70) ==
                70);
    close(fd);
    assert_null(store_open(&config, &err));
    assert_int_equal(err.code, ERR_IO);
    config.path = "/nonexistent/ledger.db";
    config.read_only = true;
    assert_null(store_open(&config, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void the_writer_thread_carries_out_in_order(void **state)
{
    struct ledger_world *world = *state;
    enum { ROWS = 300 };
    static struct ledger_request requests[2 * ROWS];
    int64_t run = ledger_world_plan(world, ROWS);
    ledger_world_close(world);
    ledger_world_open(world, true);
    int before = world->done;
    for (int i = 0; i < ROWS; i++) {
        requests[2 * i] =
            (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = i, .attempt = 1};
        requests[2 * i + 1] = (struct ledger_request){
            .operation = LEDGER_RESULT, .run = run, .row = i, .attempt = 1, .outcome = OUTCOME_DELETED};
        ledger_world_submit(world, &requests[2 * i]);
        ledger_world_submit(world, &requests[2 * i + 1]);
    }
    while (world->done < before + 2 * ROWS) {
        sem_wait(&world->woken);
        ledger_durable_drain(world->durable);
    }
    for (int i = 0; i < 2 * ROWS; i++) {
        assert_int_equal(requests[i].err.code, ERR_NONE);
    }
}

#define LEDGER_TEST(test) cmocka_unit_test_setup_teardown(test, ledger_world_start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_was_recorded_is_there_after_a_restart),
        LEDGER_TEST(requests_out_of_order_fail_alone),
        LEDGER_TEST(only_its_owner_may_read_it_and_only_one_engine_may_have_it),
        LEDGER_TEST(every_tampering_is_found),
        LEDGER_TEST(history_tells_what_happened),
        LEDGER_TEST(pruning_takes_whole_runs_from_the_old_end),
        LEDGER_TEST(a_write_that_fails_freezes_it),
        LEDGER_TEST(a_ledger_of_a_newer_version_or_none_at_all_is_refused),
        LEDGER_TEST(the_writer_thread_carries_out_in_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
