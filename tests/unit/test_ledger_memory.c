/* The ledger in memory: order, batches, refusals of what is out of order. */
#include "tap.h"

#include "base/mem.h"
#include "ledger/memory.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct ledger_memory *memory;
    int wakes, done;
};

static void on_wake(void *ctx)
{
    ((struct world *)ctx)->wakes++;
}

static void on_done(struct ledger_request *request)
{
    ((struct world *)request->owner)->done++;
}

static int start(void **state)
{
    struct world *world = mem_zalloc(sizeof *world);
    world->memory = ledger_memory_create(on_wake, world);
    *state = world;
    return 0;
}

static int stop(void **state)
{
    struct world *world = *state;
    ledger_memory_destroy(world->memory);
    free(world);
    return 0;
}

static enum err_code ask(struct world *world, struct ledger_request *request)
{
    struct ledger *ledger = ledger_memory_face(world->memory);
    int before = world->done;
    request->done = on_done;
    request->owner = world;
    ledger->submit(ledger->ctx, request);
    assert_int_equal(world->done, before); /* never from inside submit */
    ledger_memory_drain(world->memory);
    assert_int_equal(world->done, before + 1);
    return request->err.code;
}

static int64_t started_run(struct world *world)
{
    struct run_header header = {.policy = "p", .target = "t"};
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &header};
    assert_int_equal(ask(world, &request), ERR_NONE);
    return request.run;
}

static struct plan_row numbered_row(int64_t number)
{
    struct plan_row row = {.execution.number = number, .execution.fingerprint.status = EXECUTION_FAILED};
    snprintf(row.execution.job_id, sizeof row.execution.job_id, "job-%d", (int)(number % 7));
    snprintf(row.execution.thing_name, sizeof row.execution.thing_name, "thing-%d", (int)number);
    strcpy(row.reason, "status FAILED, age over 30d");
    timestamp_parse("1560787023.636", &row.execution.fingerprint.queued_at);
    timestamp_parse("1.560787025E9", &row.execution.fingerprint.last_updated_at);
    return row;
}

static void rows_come_back_as_they_went_in(void **state)
{
    struct world *world = *state;
    struct plan_row rows[LEDGER_BATCH], back[10];
    int64_t run = started_run(world);
    for (int64_t batch = 0; batch < 4; batch++) {
        for (int64_t i = 0; i < LEDGER_BATCH; i++) {
            rows[i] = numbered_row(batch * LEDGER_BATCH + i + 1);
        }
        struct ledger_request add = {
            .operation = LEDGER_ADD_ROWS, .run = run, .rows = rows, .count = LEDGER_BATCH};
        assert_int_equal(ask(world, &add), ERR_NONE);
    }
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = run};
    assert_int_equal(ask(world, &seal), ERR_NONE);
    struct ledger_request read = {
        .operation = LEDGER_READ_ROWS, .run = run, .from = 995, .rows = back, .count = 10};
    assert_int_equal(ask(world, &read), ERR_NONE);
    assert_int_equal(read.count, 5);
    for (int64_t i = 0; i < 5; i++) {
        struct plan_row expected = numbered_row(996 + i);
        assert_string_equal(back[i].execution.job_id, expected.execution.job_id);
        assert_string_equal(back[i].execution.thing_name, expected.execution.thing_name);
        assert_int_equal(back[i].execution.number, 996 + i);
        assert_null(fingerprint_difference(&back[i].execution.fingerprint, &expected.execution.fingerprint));
        assert_string_equal(back[i].reason, expected.reason);
    }
}

static void intents_and_results_are_counted_for_each_row(void **state)
{
    struct world *world = *state;
    struct plan_row row = numbered_row(1), back;
    struct ledger_row_state found;
    int64_t run = started_run(world);
    struct ledger_request add = {.operation = LEDGER_ADD_ROWS, .run = run, .rows = &row, .count = 1};
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = run};
    struct ledger_request intent = {.operation = LEDGER_INTENT, .run = run, .row = 0, .attempt = 1};
    struct ledger_request result = {
        .operation = LEDGER_RESULT, .run = run, .attempt = 1, .outcome = OUTCOME_PENDING};
    assert_int_equal(ask(world, &add), ERR_NONE);
    assert_int_equal(ask(world, &intent), ERR_INTERNAL); /* the plan is open */
    assert_int_equal(ask(world, &seal), ERR_NONE);
    assert_int_equal(ask(world, &add), ERR_INTERNAL); /* the plan is sealed */
    struct ledger_request end = {.operation = LEDGER_END_RUN, .run = run};
    assert_int_equal(ask(world, &intent), ERR_NONE);
    assert_int_equal(ask(world, &end), ERR_INTERNAL); /* an intent has no result */
    assert_int_equal(ask(world, &result), ERR_NONE);
    intent.attempt = result.attempt = 2;
    result.outcome = OUTCOME_DELETED;
    assert_int_equal(ask(world, &intent), ERR_NONE);
    assert_int_equal(ask(world, &result), ERR_NONE);
    assert_int_equal(ask(world, &intent), ERR_INTERNAL); /* the row is settled */
    assert_true(ledger_memory_row(world->memory, run, 0, &back, &found));
    assert_int_equal(found.intents, 2);
    assert_int_equal(found.results, 2);
    assert_int_equal(found.outcome, OUTCOME_DELETED);
    assert_false(ledger_memory_row(world->memory, run, 1, &back, &found));
}

static void a_ledger_for_looking_keeps_no_rows(void **state)
{
    struct world *world = *state;
    struct plan_row rows[2] = {numbered_row(1), numbered_row(2)}, back;
    struct ledger_row_state found;
    ledger_memory_forget_rows(world->memory);
    int64_t run = started_run(world);
    struct ledger_request request = {.operation = LEDGER_ADD_ROWS, .run = run, .rows = rows, .count = 2};
    assert_int_equal(ask(world, &request), ERR_NONE);
    request = (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = run};
    assert_int_equal(ask(world, &request), ERR_NONE);
    request = (struct ledger_request){.operation = LEDGER_READ_ROWS, .run = run, .rows = rows, .count = 2};
    assert_int_equal(ask(world, &request), ERR_NONE);
    assert_int_equal(request.count, 0); /* which the engine takes for an error */
    assert_false(ledger_memory_row(world->memory, run, 0, &back, &found));
    request = (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = 0, .attempt = 1};
    assert_int_equal(ask(world, &request), ERR_INTERNAL); /* and nothing can be sent */
}

static void what_does_not_exist_is_refused(void **state)
{
    struct world *world = *state;
    struct ledger_request request = {.operation = LEDGER_SEAL_PLAN, .run = 1};
    assert_int_equal(ask(world, &request), ERR_INTERNAL);
    int64_t run = started_run(world);
    request = (struct ledger_request){.operation = LEDGER_SEAL_PLAN, .run = run};
    assert_int_equal(ask(world, &request), ERR_NONE);
    request = (struct ledger_request){.operation = LEDGER_INTENT, .run = run, .row = 0};
    assert_int_equal(ask(world, &request), ERR_INTERNAL);
    request = (struct ledger_request){.operation = LEDGER_END_RUN, .run = run};
    assert_int_equal(ask(world, &request), ERR_NONE);
    assert_int_equal(ask(world, &request), ERR_INTERNAL);
}

static void one_wake_serves_all_that_waits(void **state)
{
    struct world *world = *state;
    struct run_header header = {.policy = "p"};
    struct ledger *ledger = ledger_memory_face(world->memory);
    struct ledger_request requests[3];
    for (int i = 0; i < 3; i++) {
        requests[i] = (struct ledger_request){
            .operation = LEDGER_START_RUN, .header = &header, .done = on_done, .owner = world};
        ledger->submit(ledger->ctx, &requests[i]);
    }
    assert_int_equal(world->wakes, 1);
    ledger_memory_drain(world->memory);
    assert_int_equal(world->done, 3);
    assert_int_equal(requests[0].run, 1);
    assert_int_equal(requests[2].run, 3);
}

static void a_request_whose_fate_was_not_found_out_is_told_to_later_runs(void **state)
{
    struct world *world = *state;
    struct plan_row row = {.execution.number = 1};
    int64_t run = started_run(world);
    struct ledger_request add = {.operation = LEDGER_ADD_ROWS, .run = run, .rows = &row, .count = 1};
    struct ledger_request seal = {.operation = LEDGER_SEAL_PLAN, .run = run};
    struct ledger_request intent = {.operation = LEDGER_INTENT, .run = run, .attempt = 1};
    struct ledger_request lost = {.operation = LEDGER_RESULT,
                                  .run = run,
                                  .attempt = 1,
                                  .signed_at_ms = 1234567,
                                  .answer.class = ANSWER_AMBIGUOUS};
    struct ledger_request given_up = {.operation = LEDGER_RESULT, .run = run, .outcome = OUTCOME_UNKNOWN};
    struct ledger_request *const requests[] = {&add, &seal, &intent, &lost, &given_up};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        assert_int_equal(ask(world, requests[i]), ERR_NONE);
    }
    struct run_header same = {.policy = "q"}, other = {.policy = "q", .region = "eu-west-1"};
    struct ledger_request here = {.operation = LEDGER_START_RUN, .header = &same};
    struct ledger_request there = {.operation = LEDGER_START_RUN, .header = &other};
    assert_int_equal(ask(world, &here), ERR_NONE);
    assert_int_equal(here.lost_signed_ms, 1234567);
    assert_int_equal(ask(world, &there), ERR_NONE);
    assert_int_equal(there.lost_signed_ms, 0);
}

static void paces_are_kept_by_account_and_region(void **state)
{
    struct world *world = *state;
    struct run_header here = {.account = "123456789012", .region = "eu-west-1"};
    struct run_header there = {.account = "123456789012", .region = "us-east-1"};
    struct ledger_request set = {.operation = LEDGER_SET_RATES, .header = &here};
    struct ledger_request get = {.operation = LEDGER_GET_RATES, .header = &here};
    struct ledger_request none = {.operation = LEDGER_GET_RATES, .header = &there};
    set.rates[OPERATION_DELETE_EXECUTION] = 6500;
    assert_int_equal(ask(world, &set), ERR_NONE);
    assert_int_equal(ask(world, &get), ERR_NONE);
    assert_int_equal(get.rates[OPERATION_DELETE_EXECUTION], 6500);
    assert_int_equal(ask(world, &none), ERR_NONE);
    assert_int_equal(none.rates[OPERATION_DELETE_EXECUTION], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_back_as_they_went_in, start, stop),
        cmocka_unit_test_setup_teardown(intents_and_results_are_counted_for_each_row, start, stop),
        cmocka_unit_test_setup_teardown(a_ledger_for_looking_keeps_no_rows, start, stop),
        cmocka_unit_test_setup_teardown(what_does_not_exist_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(one_wake_serves_all_that_waits, start, stop),
        cmocka_unit_test_setup_teardown(a_request_whose_fate_was_not_found_out_is_told_to_later_runs, start,
                                        stop),
        cmocka_unit_test_setup_teardown(paces_are_kept_by_account_and_region, start, stop),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
