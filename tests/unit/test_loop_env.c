/* Timers on a real loop and a real clock: their order, and that none is early, lost, or fired twice. */
#include "seed.h"
#include "tap.h"

#include "app/loop_env.h"
#include "base/random.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMERS 500

struct timer {
    struct env_timer timer;
    struct scene *scene;
    int fired;
    bool wanted;
};

struct scene {
    uv_loop_t loop;
    struct loop_env *loop_env;
    const struct env *env;
    struct random random;
    struct timer timers[TIMERS];
    int order[2 * TIMERS]; /* which fired, one after the other */
    size_t count, left;
    int again; /* how often a timer starts itself again */
    bool seen; /* by another event of the loop */
};

static int64_t now_ns(const struct scene *scene)
{
    return scene->env->mono_ns(scene->env->ctx);
}

static void start_at(struct scene *scene, int which, int64_t at_ns)
{
    scene->env->start(scene->env->ctx, &scene->timers[which].timer, at_ns);
}

static void on_fire(struct env_timer *timer)
{
    struct timer *own = timer->owner;
    struct scene *scene = own->scene;
    assert_true(own->wanted);
    assert_false(timer->armed);
    assert_true(now_ns(scene) >= timer->at_ns);
    own->fired++;
    assert_true(scene->count < 2 * TIMERS);
    scene->order[scene->count++] = (int)(own - scene->timers);
    if (--scene->left == 0)
        uv_stop(&scene->loop);
}

static int start(void **state)
{
    struct err err;
    struct scene *scene = calloc(1, sizeof *scene);
    *state = scene;
    if (scene == NULL || uv_loop_init(&scene->loop) != 0)
        return -1;
    scene->loop_env = loop_env_create(&scene->loop, &err);
    if (scene->loop_env == NULL)
        return -1;
    scene->env = loop_env_face(scene->loop_env);
    for (int i = 0; i < TIMERS; i++)
        scene->timers[i] = (struct timer){
            .timer = {.fire = on_fire, .owner = &scene->timers[i]}, .scene = scene, .wanted = true};
    return 0;
}

/* What is armed still is taken out, and nothing of the loop is left over. */
static int stop(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < TIMERS; i++)
        scene->timers[i].wanted = false;
    loop_env_destroy(scene->loop_env);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    int status = uv_loop_close(&scene->loop);
    free(scene);
    return status;
}

static void run_until_fired(struct scene *scene, size_t count)
{
    scene->left = count;
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(scene->left, 0);
}

static void fired_in_order(const struct scene *scene, const int *expected, size_t count)
{
    assert_int_equal(scene->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(scene->order[i], expected[i]);
}

/* Calls start() with a time ahead of now, and again with a later one where it took so long that some were due
 * before all were started: then the order in which they were started counts as well. */
static void start_ahead(struct scene *scene, void (*start_all)(struct scene *, int64_t))
{
    for (int64_t ahead_ms = 1;; ahead_ms *= 4) {
        int64_t soonest = now_ns(scene) + ahead_ms * TIME_NS_PER_MS;
        start_all(scene, soonest);
        if (now_ns(scene) < soonest)
            return;
        assert_in_range(ahead_ms, 1, 30000);
        for (int i = 0; i < TIMERS; i++)
            scene->env->stop(scene->env->ctx, &scene->timers[i].timer);
    }
}

static void start_some(struct scene *scene, int64_t soonest)
{
    start_at(scene, 0, soonest + 2 * TIME_NS_PER_MS);
    start_at(scene, 1, soonest);
    start_at(scene, 2, soonest + 2 * TIME_NS_PER_MS);
    start_at(scene, 3, soonest + TIME_NS_PER_MS);
    start_at(scene, 4, soonest + 2 * TIME_NS_PER_MS);
}

static void timers_fire_by_time_and_then_by_their_start(void **state)
{
    struct scene *scene = *state;
    start_ahead(scene, start_some);
    assert_int_equal(scene->count, 0);
    run_until_fired(scene, 5);
    fired_in_order(scene, (const int[]){1, 3, 0, 2, 4}, 5);
}

static void what_is_due_fires_later_but_now(void **state)
{
    struct scene *scene = *state;
    start_at(scene, 0, 0);
    start_at(scene, 1, -5);
    start_at(scene, 2, now_ns(scene));
    assert_int_equal(scene->count, 0); /* never from inside start() */
    assert_true(scene->timers[0].timer.armed);
    run_until_fired(scene, 3);
    fired_in_order(scene, (const int[]){0, 1, 2}, 3);
}

static void start_move_stop(struct scene *scene, int64_t soonest)
{
    start_at(scene, 0, soonest);
    start_at(scene, 1, soonest);
    start_at(scene, 1, soonest + 2 * TIME_NS_PER_MS);
    start_at(scene, 2, soonest + TIME_NS_PER_MS);
    scene->env->stop(scene->env->ctx, &scene->timers[0].timer);
    scene->env->stop(scene->env->ctx, &scene->timers[0].timer); /* again: nothing happens */
}

static void a_stopped_timer_does_not_fire_and_a_moved_one_once(void **state)
{
    struct scene *scene = *state;
    start_ahead(scene, start_move_stop);
    scene->timers[0].wanted = false;
    assert_false(scene->timers[0].timer.armed);
    run_until_fired(scene, 2);
    fired_in_order(scene, (const int[]){2, 1}, 2);
}

static void on_fire_again(struct env_timer *timer)
{
    struct timer *own = timer->owner;
    struct scene *scene = own->scene;
    if (++scene->again < 1000000 && !scene->seen)
        start_at(scene, 0, 0);
    else
        uv_stop(&scene->loop);
}

static void on_async(uv_async_t *async)
{
    struct scene *scene = async->data;
    scene->seen = true;
    uv_close((uv_handle_t *)async, NULL);
}

static void a_timer_that_starts_itself_again_starves_nobody(void **state)
{
    struct scene *scene = *state;
    uv_async_t async = {.data = scene};
    assert_int_equal(uv_async_init(&scene->loop, &async, on_async), 0);
    scene->timers[0].timer.fire = on_fire_again;
    start_at(scene, 0, 0);
    uv_async_send(&async);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_true(scene->seen);
    assert_in_range(scene->again, 1, 999999);
}

static void on_fire_stop_next(struct env_timer *timer)
{
    struct timer *own = timer->owner;
    struct scene *scene = own->scene;
    scene->env->stop(scene->env->ctx, &scene->timers[1].timer);
    scene->timers[1].wanted = false;
    own->timer.fire = on_fire;
    on_fire(timer);
}

static void a_timer_that_was_due_can_still_be_stopped_by_the_one_before(void **state)
{
    struct scene *scene = *state;
    scene->timers[0].timer.fire = on_fire_stop_next;
    start_at(scene, 0, 0);
    start_at(scene, 1, 0);
    start_at(scene, 2, 0);
    run_until_fired(scene, 2);
    fired_in_order(scene, (const int[]){0, 2}, 2);
}

/* Starts, moves and stops at random. */
static void shuffle(struct scene *scene, int64_t soonest)
{
    for (int i = 0; i < 4 * TIMERS; i++) {
        int which = (int)random_below(&scene->random, TIMERS);
        if (random_below(&scene->random, 4) == 0)
            scene->env->stop(scene->env->ctx, &scene->timers[which].timer);
        else
            start_at(scene, which, soonest + (int64_t)random_below(&scene->random, 100) * 10000);
    }
}

static void any_order_of_starts_and_stops_keeps_the_order_of_time(void **state)
{
    struct scene *scene = *state;
    size_t armed = 0;
    random_seed(&scene->random, seed_from((uint64_t)now_ns(scene)));
    start_ahead(scene, shuffle);
    for (int i = 0; i < TIMERS; i++) {
        scene->timers[i].wanted = scene->timers[i].timer.armed;
        armed += scene->timers[i].timer.armed;
    }
    run_until_fired(scene, armed);
    assert_int_equal(scene->count, armed);
    for (size_t i = 1; i < armed; i++) {
        const struct timer *before = &scene->timers[scene->order[i - 1]];
        assert_true(before->timer.at_ns <= scene->timers[scene->order[i]].timer.at_ns);
    }
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(scene->timers[i].fired, scene->timers[i].wanted);
}

static void what_is_armed_at_the_end_never_fires(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < 10; i++)
        start_at(scene, i, i % 2 == 0 ? 0 : now_ns(scene) + INT64_C(3600) * TIME_NS_PER_SECOND);
    loop_env_destroy(NULL); /* and stop() destroys this one */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(timers_fire_by_time_and_then_by_their_start, start, stop),
    cmocka_unit_test_setup_teardown(what_is_due_fires_later_but_now, start, stop),
    cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire_and_a_moved_one_once, start, stop),
    cmocka_unit_test_setup_teardown(a_timer_that_starts_itself_again_starves_nobody, start, stop),
    cmocka_unit_test_setup_teardown(a_timer_that_was_due_can_still_be_stopped_by_the_one_before, start, stop),
    cmocka_unit_test_setup_teardown(any_order_of_starts_and_stops_keeps_the_order_of_time, start, stop),
    cmocka_unit_test_setup_teardown(what_is_armed_at_the_end_never_fires, start, stop),
};

TAP_MAIN(tests)
