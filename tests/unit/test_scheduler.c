/* When policies run: under virtual time, with a wall clock that is set now and then. */
#include "tap.h"

#include "app/scheduler.h"
#include "base/buf.h"
#include "base/time.h"
#include "config_text.h"
#include "sim/virtual.h"

#include <stdio.h>
#include <string.h>

#define FIRINGS_MAX 256

/* An env whose clocks can be set: wall_step_ms is what somebody did to the wall clock, asleep_ns how long the
 * machine slept, which both clocks count and the world's timers do not. */
struct clocks {
    const struct env *inner;
    struct env face;
    int64_t wall_step_ms, asleep_ns;
};

struct firing {
    char policy[POLICY_NAME_MAX + 1];
    int64_t due_ms, at_ms;
};

struct scene {
    struct virtual_world *world;
    struct clocks clocks;
    struct scheduler *scheduler;
    struct config *config;
    struct firing firings[FIRINGS_MAX];
    size_t count;
    struct config *to_load; /* inside of the next firing, or by on_load() */
};

static int64_t mono_ns(void *ctx)
{
    const struct clocks *clocks = ctx;
    return clocks->inner->mono_ns(clocks->inner->ctx) + clocks->asleep_ns;
}

static int64_t wall_ms(void *ctx)
{
    const struct clocks *clocks = ctx;
    return clocks->inner->wall_ms(clocks->inner->ctx) + clocks->wall_step_ms +
           clocks->asleep_ns / TIME_NS_PER_MS;
}

static void start_timer(void *ctx, struct env_timer *timer, int64_t at_ns)
{
    const struct clocks *clocks = ctx;
    clocks->inner->start(clocks->inner->ctx, timer, at_ns - clocks->asleep_ns);
}

static void stop_timer(void *ctx, struct env_timer *timer)
{
    const struct clocks *clocks = ctx;
    clocks->inner->stop(clocks->inner->ctx, timer);
}

static int64_t at(const char *text)
{
    struct err err;
    int64_t ms;
    if (time_parse_rfc3339(text, &ms, &err) != 0)
        fail_msg("%s", err.msg);
    return ms;
}

static void on_fire(void *owner, const char *policy, int64_t due_ms)
{
    struct scene *scene = owner;
    assert_true(scene->count < FIRINGS_MAX);
    struct firing *firing = &scene->firings[scene->count++];
    strcpy(firing->policy, policy);
    firing->due_ms = due_ms;
    firing->at_ms = wall_ms(&scene->clocks);
    if (scene->to_load != NULL) {
        struct config *config = scene->to_load;
        scene->to_load = NULL;
        scheduler_load(scene->scheduler, config);
        config_unref(config);
    }
}

static void begin(struct scene *scene, const char *start)
{
    *scene = (struct scene){0};
    const struct virtual_config config = {.seed = 1, .start_ms = at(start)};
    scene->world = virtual_create(&config);
    scene->clocks.inner = virtual_env(scene->world);
    scene->clocks.face = (struct env){.ctx = &scene->clocks,
                                      .mono_ns = mono_ns,
                                      .wall_ms = wall_ms,
                                      .start = start_timer,
                                      .stop = stop_timer};
    scene->scheduler = scheduler_create(&scene->clocks.face, on_fire, scene);
}

static void end(struct scene *scene)
{
    scheduler_destroy(scene->scheduler);
    virtual_destroy(scene->world);
}

/* "NAME=CRON" for each policy; without a cron it has no schedule. Ends with NULL. */
static struct config *make_config(const char *const *policies)
{
    struct buf text;
    buf_init(&text, 65536);
    buf_text(&text, "version: 1\ntargets: {t: {region: eu-west-1}}\npolicies:\n");
    for (size_t i = 0; policies[i] != NULL; i++) {
        const char *cron = strchr(policies[i], '=') + 1;
        buf_printf(&text, "  - {name: %.*s, targets: [t], match: {age: {older_than: 1d}}%s%s%s}\n",
                   (int)(cron - policies[i] - 1), policies[i], *cron != '\0' ? ", schedule: {cron: \"" : "",
                   cron, *cron != '\0' ? "\"}" : "");
    }
    struct config *config = config_from_text(buf_string(&text));
    buf_finish(&text);
    return config;
}

static void load(struct scene *scene, const char *const *policies)
{
    struct config *config = make_config(policies);
    scheduler_load(scene->scheduler, config);
    config_unref(config);
}

static void load_one(struct scene *scene, const char *policy)
{
    load(scene, (const char *const[]){policy, NULL});
}

static void pass(struct scene *scene, int64_t ms)
{
    virtual_run(scene->world, NULL, NULL, virtual_mono_ns(scene->world) + ms * TIME_NS_PER_MS);
}

/* All firings so far, "NAME DUE" for one on time, "NAME DUE at TIME" for another, and none else. */
static void fired(const struct scene *scene, const char *const *expected)
{
    size_t i = 0;
    for (; i < scene->count; i++) {
        const struct firing *firing = &scene->firings[i];
        char due[21], when[21], line[128];
        time_rfc3339(firing->due_ms, due);
        time_rfc3339(firing->at_ms, when);
        bool on_time = firing->due_ms == firing->at_ms;
        snprintf(line, sizeof line, "%s %s%s%s", firing->policy, due, on_time ? "" : " at ",
                 on_time ? "" : when);
        if (expected[i] == NULL)
            fail_msg("one more: %s", line);
        assert_string_equal(line, expected[i]);
    }
    if (expected[i] != NULL)
        fail_msg("missing: %s", expected[i]);
}

#define FIRED(scene, ...) fired(scene, (const char *const[]){__VA_ARGS__, NULL})

static void a_policy_fires_at_each_of_its_minutes(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T10:00:30Z");
    load_one(&scene, "a=*/15 * * * *");
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:15:00Z", "a 2026-11-26T10:30:00Z", "a 2026-11-26T10:45:00Z",
          "a 2026-11-26T11:00:00Z");
    end(&scene);
}

static void it_does_not_fire_for_the_minute_in_which_it_was_loaded(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T10:15:00Z");
    load_one(&scene, "a=*/15 * * * *");
    pass(&scene, 20 * TIME_MS_PER_MINUTE);
    FIRED(&scene, "a 2026-11-26T10:30:00Z");
    end(&scene);
}

static void only_what_has_a_schedule_fires_and_each_once(void **state)
{
    struct scene scene;
    const char *who = NULL;
    (void)state;
    begin(&scene, "2026-11-26T23:59:59Z");
    load(&scene, (const char *const[]){"none=", "later=30 0 * * *", "a=0 0 * * *", "b=@daily", NULL});
    assert_int_equal(scheduler_next(scene.scheduler, &who), at("2026-11-27T00:00:00Z"));
    assert_string_equal(who, "a");
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-27T00:00:00Z", "b 2026-11-27T00:00:00Z", "later 2026-11-27T00:30:00Z");
    assert_int_equal(scheduler_next(scene.scheduler, NULL), at("2026-11-28T00:00:00Z"));
    end(&scene);
}

static void without_a_configuration_nothing_is_scheduled(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T10:00:30Z");
    assert_int_equal(scheduler_next(scene.scheduler, NULL), -1);
    load_one(&scene, "a=* * * * *");
    pass(&scene, TIME_MS_PER_MINUTE);
    scheduler_load(scene.scheduler, NULL);
    assert_int_equal(scheduler_next(scene.scheduler, NULL), -1);
    pass(&scene, TIME_MS_PER_DAY);
    FIRED(&scene, "a 2026-11-26T10:01:00Z");
    end(&scene);
    scheduler_destroy(NULL);
}

static void on_load(void *ctx)
{
    struct scene *scene = ctx;
    scheduler_load(scene->scheduler, scene->config);
}

/* The configuration is loaded again in the very moment when the firing is due, before the tick. */
static void load_when_due(struct scene *scene, const char *policy)
{
    begin(scene, "2026-11-26T10:14:30Z");
    virtual_at(scene->world, 30 * TIME_NS_PER_SECOND, on_load, scene);
    scene->config = make_config((const char *const[]){policy, NULL});
    load_one(scene, "a=15 * * * *");
    pass(scene, 50 * TIME_MS_PER_MINUTE);
    config_unref(scene->config);
}

static void no_firing_falls_between_two_sets(void **state)
{
    struct scene scene;
    (void)state;
    load_when_due(&scene, "a=15 * * * *");
    FIRED(&scene, "a 2026-11-26T10:15:00Z");
    end(&scene);
}

static void another_expression_or_name_is_computed_anew(void **state)
{
    struct scene scene;
    (void)state;
    load_when_due(&scene, "a=15,30 * * * *");
    FIRED(&scene, "a 2026-11-26T10:30:00Z");
    end(&scene);
    load_when_due(&scene, "b=15 * * * *");
    assert_int_equal(scene.count, 0);
    end(&scene);
}

static void a_load_from_inside_of_a_firing_replaces_the_rest(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T10:14:30Z");
    load(&scene, (const char *const[]){"a=15 * * * *", "b=15 * * * *", NULL});
    scene.to_load = make_config((const char *const[]){"a=15 * * * *", "c=16 * * * *", NULL});
    pass(&scene, 5 * TIME_MS_PER_MINUTE);
    FIRED(&scene, "a 2026-11-26T10:15:00Z", "c 2026-11-26T10:16:00Z");
    end(&scene);
}

/* An hourly policy from 09:30 on, and a clock that is set at 10:30:10, which the next look notices. */
static void set_clock(struct scene *scene, int64_t step_ms)
{
    begin(scene, "2026-11-26T09:30:10Z");
    load_one(scene, "a=0 * * * *");
    pass(scene, TIME_MS_PER_HOUR);
    scene->clocks.wall_step_ms = step_ms;
}

static void a_firing_that_was_jumped_over_comes_at_once_and_once(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, 2 * TIME_MS_PER_HOUR);
    pass(&scene, 90 * TIME_MS_PER_MINUTE);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2026-11-26T11:00:00Z at 2026-11-26T12:31:00Z",
          "a 2026-11-26T13:00:00Z", "a 2026-11-26T14:00:00Z");
    end(&scene);
}

static void after_a_step_back_no_firing_comes_again(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, -TIME_MS_PER_HOUR);
    pass(&scene, 2 * TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2026-11-26T11:00:00Z");
    end(&scene);
}

static void a_great_step_forward_makes_up_for_nothing(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, 400 * TIME_MS_PER_DAY);
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2027-12-31T11:00:00Z");
    end(&scene);
}

static void a_great_step_back_begins_anew(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, -5 * TIME_MS_PER_HOUR);
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2026-11-26T06:00:00Z");
    end(&scene);
}

static void steps_of_three_hours_are_the_last_small_ones(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, 3 * TIME_MS_PER_HOUR);
    pass(&scene, 5 * TIME_MS_PER_MINUTE);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2026-11-26T11:00:00Z at 2026-11-26T13:31:00Z");
    end(&scene);
    set_clock(&scene, 3 * TIME_MS_PER_HOUR + 1);
    pass(&scene, 5 * TIME_MS_PER_MINUTE);
    FIRED(&scene, "a 2026-11-26T10:00:00Z");
    end(&scene);
}

static void a_machine_that_slept_fires_late_and_once(void **state)
{
    struct scene scene;
    (void)state;
    set_clock(&scene, 0);
    scene.clocks.asleep_ns = 10 * 3600 * TIME_NS_PER_SECOND;
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "a 2026-11-26T11:00:00Z at 2026-11-26T20:31:00Z",
          "a 2026-11-26T21:00:00Z");
    end(&scene);
}

/* 1 a.m. to 5 a.m. in Berlin, where the clock is set forward at 2 a.m. on 29 March. */
static void a_schedule_follows_the_clock_and_the_window_of_its_zone(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-03-28T22:00:00Z");
    struct config *config = config_from_text(
        "version: 1\ntargets: {t: {region: eu-west-1}}\npolicies:\n"
        "  - {name: a, targets: [t], match: {age: {older_than: 1d}}, timezone: Europe/Berlin,"
        " schedule: {cron: \"30 * * * *\", window: \"01:00-05:00\"}}\n"
        "  - {name: b, targets: [t], match: {age: {older_than: 1d}}, timezone: Europe/Berlin,"
        " schedule: {cron: \"45 2 * * *\"}}\n");
    scheduler_load(scene.scheduler, config);
    config_unref(config); /* it holds its own */
    pass(&scene, TIME_MS_PER_DAY);
    FIRED(&scene, "a 2026-03-29T00:30:00Z", "b 2026-03-29T01:00:00Z", "a 2026-03-29T01:30:00Z",
          "a 2026-03-29T02:30:00Z");
    end(&scene);
}

static void what_is_not_made_up_for_is_left_out_when_it_comes_late(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T09:30:10Z");
    struct config *config = config_from_text("version: 1\ntargets: {t: {region: eu-west-1}}\npolicies:\n"
                                             "  - {name: a, targets: [t], match: {age: {older_than: 1d}},"
                                             " schedule: {cron: \"0 * * * *\", catch_up: never}}\n"
                                             "  - {name: b, targets: [t], match: {age: {older_than: 1d}},"
                                             " schedule: {cron: \"0 * * * *\", catch_up: once}}\n");
    scheduler_load(scene.scheduler, config);
    config_unref(config);
    pass(&scene, TIME_MS_PER_HOUR);
    scene.clocks.asleep_ns = 10 * 3600 * TIME_NS_PER_SECOND;
    pass(&scene, TIME_MS_PER_HOUR);
    FIRED(&scene, "a 2026-11-26T10:00:00Z", "b 2026-11-26T10:00:00Z",
          "b 2026-11-26T11:00:00Z at 2026-11-26T20:31:00Z", "a 2026-11-26T21:00:00Z",
          "b 2026-11-26T21:00:00Z");
    end(&scene);
}

static void a_firing_years_ahead_is_waited_for(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "2026-11-26T10:00:00Z");
    load_one(&scene, "a=0 0 29 2 *");
    assert_int_equal(scheduler_next(scene.scheduler, NULL), at("2028-02-29T00:00:00Z"));
    pass(&scene, 460 * TIME_MS_PER_DAY);
    FIRED(&scene, "a 2028-02-29T00:00:00Z");
    end(&scene);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_policy_fires_at_each_of_its_minutes),
    cmocka_unit_test(it_does_not_fire_for_the_minute_in_which_it_was_loaded),
    cmocka_unit_test(only_what_has_a_schedule_fires_and_each_once),
    cmocka_unit_test(without_a_configuration_nothing_is_scheduled),
    cmocka_unit_test(no_firing_falls_between_two_sets),
    cmocka_unit_test(another_expression_or_name_is_computed_anew),
    cmocka_unit_test(a_load_from_inside_of_a_firing_replaces_the_rest),
    cmocka_unit_test(a_firing_that_was_jumped_over_comes_at_once_and_once),
    cmocka_unit_test(after_a_step_back_no_firing_comes_again),
    cmocka_unit_test(a_great_step_forward_makes_up_for_nothing),
    cmocka_unit_test(a_great_step_back_begins_anew),
    cmocka_unit_test(steps_of_three_hours_are_the_last_small_ones),
    cmocka_unit_test(a_machine_that_slept_fires_late_and_once),
    cmocka_unit_test(a_schedule_follows_the_clock_and_the_window_of_its_zone),
    cmocka_unit_test(what_is_not_made_up_for_is_left_out_when_it_comes_late),
    cmocka_unit_test(a_firing_years_ahead_is_waited_for),
};

TAP_MAIN(tests)
