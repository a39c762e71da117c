/* Sweeps that begin later: when, which, and how they are taken back; under virtual time. */
#include "app/postponed.h"
#include "base/time.h"
#include "policy/timetable.h"
#include "sim/virtual.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

struct scene {
    struct virtual_world *world;
    const struct env *env;
    struct postponed *postponed;
    char begun[512];  /* "POLICY TARGET SECOND;" for each */
    const char *adds; /* this policy is added again from inside */
};

static void on_begin(void *owner, const char *policy, const char *target)
{
    struct scene *scene = owner;
    size_t length = strlen(scene->begun);
    snprintf(scene->begun + length, sizeof scene->begun - length, "%s %s %lld;", policy, target,
             (long long)(virtual_mono_ns(scene->world) / TIME_NS_PER_SECOND));
    if (scene->adds != NULL && strcmp(scene->adds, policy) == 0) {
        scene->adds = NULL;
        assert_true(postponed_add(scene->postponed, policy, target, TIME_MS_PER_MINUTE));
    }
}

static void begin(struct scene *scene)
{
    const struct virtual_config config = {.seed = 1};
    *scene = (struct scene){0};
    scene->world = virtual_create(&config);
    scene->env = virtual_env(scene->world);
    scene->postponed = postponed_create(scene->env, on_begin, scene);
}

static void pass(struct scene *scene, int64_t seconds)
{
    virtual_run(scene->world, NULL, NULL, virtual_mono_ns(scene->world) + seconds * TIME_NS_PER_SECOND);
}

static void end(struct scene *scene)
{
    postponed_destroy(scene->postponed);
    virtual_destroy(scene->world);
}

static void each_pair_begins_at_its_time(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    assert_true(postponed_add(scene.postponed, "a", "eu", 30 * TIME_MS_PER_SECOND));
    assert_true(postponed_add(scene.postponed, "a", "us", 10 * TIME_MS_PER_SECOND));
    assert_true(postponed_add(scene.postponed, "b", "eu", 20 * TIME_MS_PER_SECOND));
    assert_string_equal(scene.begun, "");
    pass(&scene, 60);
    assert_string_equal(scene.begun, "a us 10;b eu 20;a eu 30;");
    end(&scene);
}

static void expect_ten_seconds(void *ctx, const char *policy, const char *target, int64_t left_ms)
{
    (void)ctx;
    assert_string_equal(policy, "a");
    assert_string_equal(target, "eu");
    assert_int_equal(left_ms, 10 * TIME_MS_PER_SECOND);
}

static void one_that_waits_is_not_added_again_until_it_has_begun(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    scene.adds = "a";
    assert_true(postponed_add(scene.postponed, "a", "eu", 10 * TIME_MS_PER_SECOND));
    assert_false(postponed_add(scene.postponed, "a", "eu", 5 * TIME_MS_PER_SECOND));
    postponed_each(scene.postponed, expect_ten_seconds, &scene);
    pass(&scene, 120);
    assert_string_equal(scene.begun, "a eu 10;a eu 70;");
    end(&scene);
}

static void what_is_taken_back_does_not_begin(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    postponed_add(scene.postponed, "a", "eu", 10 * TIME_MS_PER_SECOND);
    postponed_add(scene.postponed, "b", "eu", 20 * TIME_MS_PER_SECOND);
    pass(&scene, 15);
    postponed_clear(scene.postponed);
    pass(&scene, 60);
    assert_string_equal(scene.begun, "a eu 10;");
    postponed_add(scene.postponed, "b", "eu", 20 * TIME_MS_PER_SECOND); /* and the rest with the owner */
    end(&scene);
    postponed_destroy(NULL);
}

static void delays_are_drawn_from_the_whole_spread_and_from_no_more(void **state)
{
    struct scene scene;
    int hits[5] = {0};
    (void)state;
    begin(&scene);
    for (int i = 0; i < 1000; i++) {
        int64_t delay_ms = postponed_draw(scene.env, 4);
        assert_in_range(delay_ms, 0, 4);
        hits[delay_ms]++;
    }
    for (int i = 0; i < 5; i++) {
        assert_in_range(hits[i], 120, 280);
    }
    assert_int_equal(postponed_draw(scene.env, 0), 0);
    end(&scene);
}

static void nothing_is_put_off_past_the_end_of_its_window(void **state)
{
    struct policy policy = {.jitter_ms = TIME_MS_PER_HOUR};
    (void)state;
    assert_int_equal(timetable_spread_ms(&policy, 0), TIME_MS_PER_HOUR);
    policy.window = (struct window){0, 90};
    assert_int_equal(timetable_spread_ms(&policy, 0), TIME_MS_PER_HOUR);
    assert_int_equal(timetable_spread_ms(&policy, 80 * TIME_MS_PER_MINUTE), 10 * TIME_MS_PER_MINUTE - 1);
    assert_int_equal(timetable_spread_ms(&policy, 90 * TIME_MS_PER_MINUTE), 0);
    policy.jitter_ms = 0;
    assert_int_equal(timetable_spread_ms(&policy, 0), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_pair_begins_at_its_time),
    cmocka_unit_test(one_that_waits_is_not_added_again_until_it_has_begun),
    cmocka_unit_test(what_is_taken_back_does_not_begin),
    cmocka_unit_test(delays_are_drawn_from_the_whole_spread_and_from_no_more),
    cmocka_unit_test(nothing_is_put_off_past_the_end_of_its_window),
};

TAP_MAIN(tests)
