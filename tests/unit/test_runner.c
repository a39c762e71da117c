/* Whose turn it is, and over which link; nothing listens where the targets are. */
#include "tap.h"

#include "app/runner.h"
#include "config_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
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

static void turn_for_a_while(struct stage *stage)
{
    for (int i = 0; i < 20; i++) {
        uv_run(world_loop(stage->world), UV_RUN_NOWAIT);
    }
}

static void while_it_is_paused_nothing_begins_and_what_is_canceled_ends(void **state)
{
    struct stage *stage = *state;
    struct run before = ask(stage->before, 0), meanwhile = ask(stage->after, 1),
               given_up = ask(stage->after, 0);
    runner_submit(stage->runner, &before); /* it is among those that are looked at next */
    runner_pause(stage->runner, true);
    runner_submit(stage->runner, &meanwhile);
    turn_for_a_while(stage);
    assert_int_equal(before.state, RUN_WAITING);
    assert_int_equal(meanwhile.state, RUN_WAITING);
    runner_pause(stage->runner, false);
    turn_until(stage, &before, RUN_SWEEPING);
    turn_until(stage, &meanwhile, RUN_SWEEPING);
    end_all(stage);
    runner_pause(stage->runner, true);
    runner_submit(stage->runner, &given_up);
    turn_for_a_while(stage);
    end_all(stage);
    assert_int_equal(given_up.report.end, SWEEP_CANCELED);
}

/* A profile with half a pair of keys. */
static void use_broken_profile(char path[64])
{
    static const char text[] = "[profile broken]\naws_access_key_id = AKIDEXAMPLE\n";
    strcpy(path, "/tmp/jobsweep-runner-XXXXXX");
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    setenv("AWS_CONFIG_FILE", path, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null/none", 1);
}

static void a_target_that_fails_rests_longer_each_time_and_stops_no_other(void **state)
{
    char path[64];
    struct stage *stage = *state;
    use_broken_profile(path);
    struct config *config =
        config_from_text("version: 1\n"
                         "targets:\n"
                         "  bad: {account: \"123456789012\", region: eu-west-1, profile: broken,\n"
                         "        endpoint_url: \"http://127.0.0.1:1\"}\n"
                         "  good: {region: eu-west-1, endpoint_url: \"http://127.0.0.1:1\"}\n"
                         "policies:\n"
                         "  - {name: old, targets: [bad, good], match: {age: {older_than: 30d}}}\n");
    struct run bad = ask(config, 0), good = ask(config, 1);
    int64_t minute_ms = 60000, longest_ms = minute_ms;
    assert_int_equal(runner_rest_ms(stage->runner, "bad"), 0);
    for (int i = 0; i < 9; i++) {
        runner_submit(stage->runner, &bad);
        runner_submit(stage->runner, &good);
        turn_until(stage, &bad, RUN_OUTSIDE);
        assert_int_equal(bad.report.end, SWEEP_FAILED);
        assert_true(report_denied(&bad.report));
        turn_until(stage, &good, RUN_SWEEPING);
        end_all(stage);
        int64_t rest_ms = runner_rest_ms(stage->runner, "bad");
        assert_true(rest_ms > longest_ms / 2 && rest_ms <= longest_ms + 1);
        assert_int_equal(runner_rest_ms(stage->runner, "good"), 0);
        longest_ms = 2 * longest_ms < 60 * minute_ms ? 2 * longest_ms : 60 * minute_ms;
    }
    runner_renew(stage->runner);
    assert_int_equal(runner_rest_ms(stage->runner, "bad"), 0);
    unlink(path);
    config_unref(config);
}

static void targets_are_swept_side_by_side_and_each_policy_after_the_other(void **state)
{
    struct stage *stage = *state;
    struct config *config = config_from_text(
        "version: 1\n"
        "targets:\n"
        "  all: {regions: [eu-west-1, us-east-1], accounts: [\"111111111111\", \"222222222222\"],\n"
        "        endpoint_url: \"http://127.0.0.1:1\"}\n"
        "policies:\n"
        "  - {name: old, targets: [all], match: {age: {older_than: 30d}}}\n"
        "  - {name: new, targets: [all], match: {age: {older_than: 30d}}}\n");
    struct run runs[8];
    for (size_t i = 0; i < 8; i++) {
        runs[i] = ask(config, i % 4);
        runs[i].policy = &config->policies[i / 4];
        runner_submit(stage->runner, &runs[i]);
    }
    assert_true(runner_has(stage->runner, "old", "all/111111111111/us-east-1"));
    assert_true(runner_has(stage->runner, "new", "all/222222222222/eu-west-1"));
    for (size_t i = 0; i < 4; i++) {
        turn_until(stage, &runs[i], RUN_CHECKING);
        assert_int_equal(runs[i + 4].state, RUN_WAITING);
    }
    end_all(stage);
    config_unref(config);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_run_after_a_reload_goes_where_its_own_configuration_says, begin, end),
    cmocka_unit_test_setup_teardown(
        runs_that_share_an_account_and_region_begin_in_the_order_of_their_submission, begin, end),
    cmocka_unit_test_setup_teardown(while_it_is_paused_nothing_begins_and_what_is_canceled_ends, begin, end),
    cmocka_unit_test_setup_teardown(a_target_that_fails_rests_longer_each_time_and_stops_no_other, begin,
                                    end),
    cmocka_unit_test_setup_teardown(targets_are_swept_side_by_side_and_each_policy_after_the_other, begin,
                                    end),
};

TAP_MAIN(tests)
