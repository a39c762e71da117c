/* What ran last, by the runs of a ledger in memory. */
#include "app/last_runs.h"
#include "config_text.h"
#include "ledger/memory.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

struct scene {
    struct ledger_memory *memory;
    struct ledger *ledger;
    struct config *config;
    struct last_runs *last_runs;
    int wanted;      /* how many it wants to hear of */
    char found[512]; /* "POLICY TARGET STARTED ENDED NOTE;" for each */
    int done;
};

static bool on_found(void *owner, const char *policy, const char *target, const struct ledger_request *last)
{
    struct scene *scene = owner;
    size_t length = strlen(scene->found);
    snprintf(scene->found + length, sizeof scene->found - length, "%s %s %d %d %s;", policy, target,
             (int)last->found.started_ms, (int)last->ended_ms, last->note);
    return --scene->wanted > 0;
}

static void on_done(void *owner)
{
    struct scene *scene = owner;
    scene->done++;
    last_runs_destroy(scene->last_runs);
    scene->last_runs = NULL;
}

static void no_wake(void *ctx)
{
    (void)ctx; /* it is drained by hand */
}

static void begin(struct scene *scene, const char *policies)
{
    char text[1024];
    snprintf(text, sizeof text,
             "version: 1\ntargets: {eu: {region: eu-west-1}, us: {region: us-east-1}}\npolicies: %s\n",
             policies);
    *scene = (struct scene){.config = config_from_text(text), .wanted = 100};
    scene->memory = ledger_memory_create(no_wake, NULL);
    scene->ledger = ledger_memory_face(scene->memory);
}

static void end(struct scene *scene)
{
    ledger_memory_destroy(scene->memory);
    config_unref(scene->config);
}

static void ignore(struct ledger_request *request)
{
    assert_int_equal(request->err.code, ERR_NONE);
}

static void ask(struct scene *scene, struct ledger_request *request)
{
    request->done = ignore;
    scene->ledger->submit(scene->ledger->ctx, request);
    ledger_memory_drain(scene->memory);
}

/* ended_ms 0: it has not. */
static void ran(struct scene *scene, const char *policy, const char *target, int64_t started_ms,
                int64_t ended_ms)
{
    struct run_header header = {.started_ms = started_ms};
    struct ledger_request start = {.operation = LEDGER_START_RUN, .header = &header};
    strcpy(header.policy, policy);
    strcpy(header.target, target);
    ask(scene, &start);
    if (ended_ms != 0) {
        struct ledger_request over = {
            .operation = LEDGER_END_RUN, .run = start.run, .ended_ms = ended_ms, .note = "finished"};
        ask(scene, &over);
    }
}

static void start(struct scene *scene)
{
    scene->last_runs = last_runs_start(scene->ledger, scene->config, on_found, on_done, scene);
    for (int i = 0; i < 20; i++) {
        ledger_memory_drain(scene->memory);
    }
}

#define AGE "match: {age: {older_than: 1d}}"
#define TWO                                                                                                  \
    "[{name: old, targets: [eu, us], " AGE "}, {name: new, targets: [us], " AGE "}, {name: never, targets: " \
    "[eu], " AGE "}]"

static void each_pair_that_ran_is_told_with_its_latest_run(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    ran(&scene, "old", "eu", 1, 2);
    ran(&scene, "old", "eu", 3, 4);
    ran(&scene, "new", "us", 5, 0);
    ran(&scene, "gone", "us", 7, 8);
    start(&scene);
    assert_string_equal(scene.found, "old eu 3 4 finished;new us 5 0 ;");
    assert_int_equal(scene.done, 1);
    end(&scene);
}

static void who_has_heard_enough_hears_no_more(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    ran(&scene, "old", "eu", 1, 2);
    ran(&scene, "old", "us", 3, 4);
    scene.wanted = 1;
    start(&scene);
    assert_string_equal(scene.found, "old eu 1 2 finished;");
    assert_int_equal(scene.done, 1);
    end(&scene);
}

static void without_policies_nothing_is_asked(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "[]");
    start(&scene);
    assert_null(scene.last_runs);
    assert_int_equal(scene.done, 0);
    end(&scene);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_pair_that_ran_is_told_with_its_latest_run),
    cmocka_unit_test(who_has_heard_enough_hears_no_more),
    cmocka_unit_test(without_policies_nothing_is_asked),
};

TAP_MAIN(tests)
