/* Which policy stands behind a run that was interrupted, by where its rows came from. */
#include "tap.h"

#include "app/leftovers.h"
#include "config_text.h"
#include "ledger/memory.h"

#include <stdio.h>
#include <string.h>

#define EXPIRES_MS INT64_C(1767312000000) /* 2026-01-02T00:00:00Z */

static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  eu: {account: \"123456789012\", region: eu-west-1}\n"
    "policies:\n"
    "  - {name: old, mode: enforce, targets: [eu], match: {age: {older_than: 30d}}}\n";

struct stage {
    struct ledger_memory *memory;
    struct ledger *ledger;
    struct config *config;
    struct leftovers *leftovers;
    bool found;
};

static void ignore(void *ctx)
{
    (void)ctx;
}

static void on_started(struct ledger_request *request)
{
    assert_int_equal(request->err.code, ERR_NONE);
}

static void on_found(void *owner)
{
    struct stage *stage = owner;
    stage->found = true;
}

static void begin(struct stage *stage, const char *policy, const char *origin, const char *account)
{
    struct run_header header = {.target = "eu", .region = "eu-west-1"};
    struct ledger_request request = {.operation = LEDGER_START_RUN, .header = &header, .done = on_started};
    *stage = (struct stage){.memory = ledger_memory_create(ignore, NULL)};
    strcpy(header.policy, policy);
    strcpy(header.origin, origin);
    strcpy(header.account, account);
    stage->ledger = ledger_memory_face(stage->memory);
    stage->ledger->submit(stage->ledger->ctx, &request);
    ledger_memory_drain(stage->memory);
    stage->config = config_from_text(CONFIG);
    stage->leftovers = leftovers_find(stage->ledger, on_found, stage);
    while (!stage->found) {
        ledger_memory_drain(stage->memory);
    }
    assert_int_equal(leftovers_count(stage->leftovers), 1);
}

static void end(struct stage *stage)
{
    leftovers_destroy(stage->leftovers);
    config_unref(stage->config);
    ledger_memory_destroy(stage->memory);
}

/* Whether it may go on: the policy is the configured one. Another one settles and sends nothing. */
static bool goes_on(const char *policy, const char *origin, int64_t now_ms)
{
    struct stage stage;
    struct run run = {0};
    struct err err;
    begin(&stage, policy, origin, "123456789012");
    assert_int_equal(leftovers_fill(stage.leftovers, 0, stage.config, now_ms, &run, &err), 0);
    assert_ptr_equal(run.target, &stage.config->targets[0]);
    assert_string_equal(run.resumed->found.origin, origin);
    assert_null(run.source);
    assert_int_equal(run.until_ms, strncmp(origin, "plan ", 5) == 0 ? EXPIRES_MS : 0);
    assert_string_equal(run.policy->name, policy);
    bool configured = run.policy == &stage.config->policies[0];
    assert_true(configured || !run.policy->enforce);
    end(&stage);
    return configured;
}

#define PLAN                                                                                                 \
    "plan 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 until 2026-01-02T00:00:00Z"

static void a_run_goes_on_where_something_stands_behind_it(void **state)
{
    (void)state;
    assert_true(goes_on("old", "", EXPIRES_MS * 2));
    assert_true(goes_on("old", PLAN, EXPIRES_MS - 1));
    assert_false(goes_on("old", PLAN, EXPIRES_MS));
    assert_false(goes_on("old", PLAN, EXPIRES_MS * 2));
    assert_false(goes_on("older", PLAN, EXPIRES_MS - 1));
    assert_false(goes_on("delete-job-executions", "rows of rows.csv", EXPIRES_MS - 1));
}

static void one_in_another_account_stays_open(void **state)
{
    struct stage stage;
    struct run run = {0};
    struct err err;
    (void)state;
    begin(&stage, "delete-job-executions", "rows of rows.csv", "999999999999");
    assert_int_equal(leftovers_fill(stage.leftovers, 0, stage.config, 0, &run, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "999999999999"));
    end(&stage);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_run_goes_on_where_something_stands_behind_it),
    cmocka_unit_test(one_in_another_account_stays_open),
};

TAP_MAIN(tests)
