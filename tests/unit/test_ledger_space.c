/* The ledger on a disk that fails: full, it still writes what comes of requests that were sent; broken, it
 * writes nothing more. */
#include "tap.h"

#include "faulty_disk.h"
#include "ledger/reserve.h"
#include "ledger_world.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 200 };

/* Setup of a test: everything works until it says otherwise. */
static int start(void **state)
{
    int result = ledger_world_start(state);
    struct ledger_world *world = *state;
    ledger_world_close(world);
    world->vfs = faulty_disk_begin();
    ledger_world_open(world, false);
    return result;
}

static void reopen_ledger(struct ledger_world *world)
{
    ledger_world_close(world);
    world->vfs = faulty_disk_begin();
    ledger_world_open(world, false);
}

static enum err_code ask(struct ledger_world *world, struct ledger_request *request)
{
    ledger_world_submit(world, request);
    ledger_durable_work(world->durable);
    ledger_durable_drain(world->durable);
    return request->err.code;
}

/* 0: the disk had no room for it. */
static int64_t plan_run(struct ledger_world *world)
{
    static struct plan_row rows[ROWS];
    struct run_header header = {
        .policy = "p", .target = "t", .account = "123456789012", .region = "eu-west-1"};
    struct ledger_request start_request = {.operation = LEDGER_START_RUN, .header = &header};
    if (ask(world, &start_request) != ERR_NONE) {
        return 0;
    }
    for (int i = 0; i < ROWS; i++) {
        rows[i] = (struct plan_row){.execution.number = i};
        snprintf(rows[i].execution.thing_name, sizeof rows[i].execution.thing_name, "thing-%d", i);
        strcpy(rows[i].execution.job_id, "job");
    }
    struct ledger_request add = {
        .operation = LEDGER_ADD_ROWS, .run = start_request.run, .rows = rows, .count = ROWS};
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = start_request.run};
    return ask(world, &add) == ERR_NONE && ask(world, &seal) == ERR_NONE ? start_request.run : 0;
}

static int64_t planned_run(struct ledger_world *world)
{
    int64_t run = plan_run(world);
    assert_int_not_equal(run, 0);
    return run;
}

static struct ledger_request intent(int64_t run, int64_t row)
{
    return (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = row, .attempt = 1};
}

static struct ledger_request result(int64_t run, int64_t row)
{
    return (struct ledger_request){
        .operation = LEDGER_RESULT, .run = run, .row = row, .attempt = 1, .outcome = OUTCOME_DELETED};
}

static enum outcome outcome_of(struct ledger_world *world, int64_t run, int64_t row, struct plan_row *read)
{
    struct ledger_request request = {
        .operation = LEDGER_READ_ROWS, .run = run, .from = row, .rows = read, .count = 1};
    assert_int_equal(ask(world, &request), ERR_NONE);
    assert_int_equal(request.count, 1);
    return read->outcome;
}

static struct ledger_durable_state look(struct ledger_world *world, int64_t *commits)
{
    struct ledger_durable_state state;
    ledger_durable_look(world->durable, &state);
    *commits = 0;
    for (size_t i = 0; i <= LEDGER_COMMIT_BOUNDS; i++) {
        *commits += state.commits[i];
    }
    return state;
}

static void on_a_full_disk_results_are_written_and_intents_refused(void **state)
{
    struct ledger_world *world = *state;
    struct plan_row row;
    int64_t run = planned_run(world);
    struct ledger_request first = intent(run, 0), second = intent(run, 1), answered = result(run, 0);
    assert_int_equal(ask(world, &first), ERR_NONE);
    int64_t before, after;
    look(world, &before);
    faulty_disk.room = 20000; /* too little for all these intents, enough for a result */
    struct ledger_request many[ROWS - 2];
    for (int i = 0; i < ROWS - 2; i++) {
        many[i] = intent(run, i + 2);
        ledger_world_submit(world, &many[i]);
    }
    ledger_world_submit(world, &second);
    ledger_world_submit(world, &answered);
    ledger_durable_work(world->durable);
    ledger_durable_drain(world->durable);
    assert_int_equal(many[0].err.code, ERR_IO);
    assert_int_equal(many[ROWS - 3].err.code, ERR_IO);
    assert_int_equal(second.err.code, ERR_IO);
    assert_non_null(strstr(second.err.msg, "frozen"));
    assert_int_equal(answered.err.code, ERR_NONE);
    struct ledger_durable_state seen = look(world, &after);
    assert_true(seen.short_of_space && !seen.frozen);
    assert_int_equal(after, before + 1);
    assert_true(seen.commits_ns > 0);
    faulty_disk.room = -1; /* there is room again: no reason to go on as if nothing had happened */
    struct ledger_request again = intent(run, 1);
    assert_int_equal(ask(world, &again), ERR_IO);
    struct ledger_request end = {
        .operation = LEDGER_END_RUN, .run = run, .ended_ms = world->now_ms, .note = "stopped"};
    assert_int_equal(ask(world, &end), ERR_NONE);
    reopen_ledger(world);
    assert_int_equal(outcome_of(world, run, 0, &row), OUTCOME_DELETED);
    assert_int_equal(outcome_of(world, run, 2, &row), OUTCOME_PENDING);
    assert_int_equal(row.attempts, 0);
}

static void without_any_room_it_is_frozen_for_results_too(void **state)
{
    struct ledger_world *world = *state;
    struct plan_row row;
    int64_t run = planned_run(world);
    struct ledger_request sent = intent(run, 0), answered = result(run, 0), late = result(run, 0);
    assert_int_equal(ask(world, &sent), ERR_NONE);
    faulty_disk.room = 0;
    assert_int_equal(ask(world, &answered), ERR_IO);
    faulty_disk.room = -1;
    assert_int_equal(ask(world, &late), ERR_IO);
    reopen_ledger(world);
    assert_int_equal(outcome_of(world, run, 0, &row), OUTCOME_PENDING);
    assert_true(row.open); /* it may have been sent: its fate is to be found out */
}

static void a_broken_disk_freezes_it_for_everything(void **state)
{
    struct ledger_world *world = *state;
    int64_t run = planned_run(world);
    struct ledger_request sent = intent(run, 0), answered = result(run, 0), late = result(run, 0);
    assert_int_equal(ask(world, &sent), ERR_NONE);
    faulty_disk.broken = true;
    assert_int_equal(ask(world, &answered), ERR_IO);
    faulty_disk.broken = false;
    int64_t before, after;
    look(world, &before);
    assert_int_equal(ask(world, &late), ERR_IO);
    struct ledger_durable_state seen = look(world, &after);
    assert_true(seen.frozen && !seen.short_of_space);
    assert_int_equal(after, before); /* what is refused takes no time */
}

static void a_sync_that_fails_freezes_it_for_everything(void **state)
{
    struct ledger_world *world = *state;
    struct plan_row row;
    int64_t run = planned_run(world);
    struct ledger_request sent = intent(run, 0), next = intent(run, 1), answered = result(run, 0);
    assert_int_equal(ask(world, &sent), ERR_NONE);
    faulty_disk.sync_fails = true;
    assert_int_equal(ask(world, &next), ERR_IO);
    faulty_disk.sync_fails = false;
    assert_int_equal(ask(world, &answered), ERR_IO);
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = run, .from = 0, .rows = &row, .count = 1};
    assert_int_equal(ask(world, &read), ERR_IO);
    reopen_ledger(world);
    outcome_of(world, run, 0, &row);
    assert_true(row.open);
}

/* The log is moved to its place when nothing waits. That fails here, because the place is new. */
static void a_checkpoint_that_fails_loses_nothing(void **state)
{
    struct ledger_world *world = *state;
    struct plan_row row;
    int64_t last = 0, run;
    int runs = 0;
    faulty_disk.room = 4400000; /* the log takes 4.1 MB before it is moved */
    while ((run = plan_run(world)) != 0 && runs++ < 2000) {
        last = run;
    }
    assert_in_range(runs, 10, 1999); /* it was full at some time, and said so */
    faulty_disk.room = -1;
    reopen_ledger(world);
    outcome_of(world, last, ROWS - 1, &row);
    assert_string_equal(row.execution.job_id, "job");
}

static int64_t size_of(const char *directory)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/reserve", directory);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= status.st_size); /* it does take the room */
    return status.st_size;
}

static void the_reserve_grows_with_what_is_outstanding_and_is_given_back_in_parts(void **state)
{
    struct ledger_world *world = *state;
    struct err err = {0};
    struct reserve *reserve = reserve_open(world->directory, NULL, true, &err);
    assert_non_null(reserve);
    assert_int_equal(reserve_grow(reserve, 0, &err), 0);
    int64_t least = size_of(world->directory);
    assert_true(least > 0);
    assert_int_equal(reserve_grow(reserve, 4096, &err), 0);
    int64_t most = size_of(world->directory);
    assert_true(most >= 4096 * 8192);
    assert_int_equal(reserve_grow(reserve, 10, &err), 0);
    assert_int_equal(size_of(world->directory), most);
    reserve_close(reserve); /* what is outstanding is so for the next process, too */
    reserve = reserve_open(world->directory, NULL, true, &err);
    assert_non_null(reserve);
    assert_int_equal(reserve_grow(reserve, 0, &err), 0);
    assert_int_equal(size_of(world->directory), most);
    int parts = 0;
    while (reserve_give(reserve)) {
        assert_true(size_of(world->directory) < most);
        most = size_of(world->directory);
        parts++;
    }
    assert_true(parts > 4);
    assert_int_equal(size_of(world->directory), 0);
    reserve_close(reserve);
    assert_false(reserve_give(NULL));
}

/* As if a process had had a row outstanding for each of so many results. */
static void hold_room(struct ledger_world *world, size_t results)
{
    struct err err = {0};
    ledger_world_close(world);
    struct reserve *reserve = reserve_open(world->directory, NULL, true, &err);
    assert_int_equal(reserve_grow(reserve, results, &err), 0);
    reserve_close(reserve);
}

static void room_that_was_held_is_kept_for_a_run_that_was_left_open_and_given_back_otherwise(void **state)
{
    struct ledger_world *world = *state;
    int64_t least = size_of(world->directory);
    hold_room(world, 4096);
    int64_t most = size_of(world->directory);
    assert_true(most > least);
    ledger_world_open(world, false);
    assert_int_equal(size_of(world->directory), least);
    int64_t run = ledger_world_plan(world, 1);
    hold_room(world, 4096);
    ledger_world_open(world, false);
    assert_int_equal(size_of(world->directory), most);
    assert_int_equal(ledger_world_end(world, run), ERR_NONE);
    ledger_world_close(world);
    ledger_world_open(world, false);
    assert_int_equal(size_of(world->directory), least);
}

#define SPACE_TEST(test) cmocka_unit_test_setup_teardown(test, start, ledger_world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPACE_TEST(on_a_full_disk_results_are_written_and_intents_refused),
        SPACE_TEST(without_any_room_it_is_frozen_for_results_too),
        SPACE_TEST(a_broken_disk_freezes_it_for_everything),
        SPACE_TEST(a_sync_that_fails_freezes_it_for_everything),
        SPACE_TEST(a_checkpoint_that_fails_loses_nothing),
        SPACE_TEST(the_reserve_grows_with_what_is_outstanding_and_is_given_back_in_parts),
        cmocka_unit_test_setup_teardown(
            room_that_was_held_is_kept_for_a_run_that_was_left_open_and_given_back_otherwise,
            ledger_world_start, ledger_world_stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
