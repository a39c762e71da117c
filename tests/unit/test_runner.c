/* Whose turn it is, and over which link; nothing listens where the targets are. */
#include "tap.h"

#include "app/runner.h"
#include "config_text.h"

#include <stdio.h>
#include <stdlib.h>

static const char CONFIG[] = "version: 1\n"
                             "targets:\n"
                             "  here: {region: %s, endpoint_url: \"http://127.0.0.1:%d\"}\n"
                             "  also: {region: %s, endpoint_url: \"http://127.0.0.1:%d\"}\n"
                             "policies:\n"
                             "  - {name: old, targets: [here, also], match: {age: {older_than: 30d}}}\n";

struct stage {
    struct world *world;
    struct runner *runner;
    struct config *before, *after; /* a reload */
};

static struct config *configure(const char *region, int port)
{
    char text[1024];
    snprintf(text, sizeof text, CONFIG, region, port, region, port);
    return config_from_text(text);
}

static int begin(void **state)
{
    struct err err;
    struct stage *stage = calloc(1, sizeof *stage);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1", 1);
    stage->world = world_create(&(struct world_config){.program = "test"}, &err);
    stage->runner = runner_create(&(struct runner_config){.world = stage->world});
    stage->before = configure("eu-west-1", 1);
    stage->after = configure("us-east-1", 2);
    *state = stage;
    return 0;
}

static void on_done(struct run *run)
{
    (void)run;
}

static int end(void **state)
{
    struct stage *stage = *state;
    runner_destroy(stage->runner);
    config_unref(stage->before);
    config_unref(stage->after);
    world_destroy(stage->world);
    free(stage);
    return 0;
}

static struct run ask(struct config *config, size_t target)
{
    return (struct run){.config = config,
                        .policy = &config->policies[0],
                        .target = &config->targets[target],
                        .plan_only = true,
                        .done = on_done};
}

static void turn_until(struct stage *stage, const struct run *run, enum run_state state)
{
    while (run->state != state) {
        uv_run(world_loop(stage->world), UV_RUN_ONCE);
    }
}

static void end_all(struct stage *stage)
{
    runner_cancel(stage->runner, true);
    while (runner_count(stage->runner) > 0) {
        uv_run(world_loop(stage->world), UV_RUN_ONCE);
    }
}

/* A firing puts two runs in line; a reload comes; the second of them begins. */
static void a_run_after_a_reload_goes_where_its_own_configuration_says(void **state)
{
    struct stage *stage = *state;
    struct run first = ask(stage->before, 0), second = ask(stage->before, 0), third = ask(stage->after, 0);
    runner_submit(stage->runner, &first);
    turn_until(stage, &first, RUN_SWEEPING);
    end_all(stage);
    runner_renew(stage->runner);
    runner_submit(stage->runner, &second);
    turn_until(stage, &second, RUN_SWEEPING);
    assert_string_equal(second.host, "127.0.0.1:1");
    end_all(stage);
    runner_submit(stage->runner, &third);
    turn_until(stage, &third, RUN_SWEEPING);
    assert_string_equal(third.host, "127.0.0.1:2");
    end_all(stage);
}

static void runs_that_share_an_account_and_region_begin_in_the_order_of_their_submission(void **state)
{
    struct stage *stage = *state;
    struct run away = ask(stage->after, 0), first = ask(stage->before, 0), second = ask(stage->before, 1);
    runner_submit(stage->runner, &away); /* of the same name as the first, in another region */
    runner_submit(stage->runner, &first);
    runner_submit(stage->runner, &second);
    turn_until(stage, &away, RUN_SWEEPING);
    assert_int_equal(first.state, RUN_WAITING);
    assert_int_equal(second.state, RUN_WAITING);
    sweep_cancel(away.sweep, true);
    turn_until(stage, &first, RUN_SWEEPING);
    assert_int_equal(second.state, RUN_WAITING);
    turn_until(stage, &second, RUN_SWEEPING);
    end_all(stage);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_run_after_a_reload_goes_where_its_own_configuration_says, begin, end),
    cmocka_unit_test_setup_teardown(
        runs_that_share_an_account_and_region_begin_in_the_order_of_their_submission, begin, end),
};

TAP_MAIN(tests)
