/* The pace of calls on STS, under virtual time. */
#include "tap.h"

#include "app/sts_pace.h"
#include "base/time.h"
#include "sim/virtual.h"

#define TURNS 1000

struct bench {
    struct virtual_world *world;
    struct sts_pace *pace;
    const struct credentials_pace *face, *first;
    struct credentials_turn turns[TURNS];
    int64_t at_ns[TURNS]; /* by order of the grants */
    size_t order[TURNS];
    size_t granted;
};

static void on_granted(struct credentials_turn *turn)
{
    struct bench *bench = turn->owner;
    bench->at_ns[bench->granted] = virtual_mono_ns(bench->world);
    bench->order[bench->granted++] = (size_t)(turn - bench->turns);
}

static int begin(void **state)
{
    static struct bench bench;
    bench = (struct bench){.world = virtual_create(&(struct virtual_config){.seed = 1, .start_ms = 1})};
    bench.pace = sts_pace_create(virtual_env(bench.world));
    bench.face = sts_pace_face(bench.pace, STS_LAST);
    bench.first = sts_pace_face(bench.pace, STS_FIRST);
    for (size_t i = 0; i < TURNS; i++) {
        bench.turns[i] = (struct credentials_turn){.granted = on_granted, .owner = &bench};
    }
    *state = &bench;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;
    sts_pace_destroy(bench->pace);
    virtual_destroy(bench->world);
    return 0;
}

static void acquire(struct bench *bench, size_t turn)
{
    bench->face->acquire(bench->face->ctx, &bench->turns[turn]);
}

static void a_thousand_at_once_are_spread_over_a_minute(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < TURNS; i++) {
        acquire(bench, i);
    }
    assert_int_equal(bench->granted, 1); /* the first need not wait */
    virtual_run(bench->world, NULL, NULL, INT64_MAX);
    assert_int_equal(bench->granted, TURNS);
    for (size_t i = 0; i < TURNS; i++) {
        assert_int_equal(bench->order[i], i);
    }
    for (size_t i = STS_PACE_PER_SECOND; i < TURNS; i++) {
        assert_true(bench->at_ns[i] - bench->at_ns[i - STS_PACE_PER_SECOND] >= TIME_NS_PER_SECOND);
    }
    assert_in_range(bench->at_ns[TURNS - 1] / TIME_NS_PER_SECOND, 49, 63);
}

static void acquire_two(void *ctx)
{
    struct bench *bench = ctx;
    acquire(bench, 1);
    acquire(bench, 2);
    assert_int_equal(bench->granted, 2);
}

static void after_a_while_without_any_a_turn_comes_at_once(void **state)
{
    struct bench *bench = *state;
    acquire(bench, 0);
    virtual_at(bench->world, TIME_NS_PER_SECOND, acquire_two, bench);
    virtual_run(bench->world, NULL, NULL, INT64_MAX);
    assert_int_equal(bench->granted, 3);
    assert_int_equal(bench->at_ns[1], TIME_NS_PER_SECOND);
}

static void who_gives_up_leaves_its_turn_to_the_next(void **state)
{
    struct bench *bench = *state;
    for (size_t i = 0; i < 4; i++) {
        acquire(bench, i);
    }
    bench->face->release(bench->face->ctx, &bench->turns[0]); /* it had its turn: this changes nothing */
    bench->face->release(bench->face->ctx, &bench->turns[1]);
    bench->face->release(bench->face->ctx, &bench->turns[3]);
    virtual_run(bench->world, NULL, NULL, INT64_MAX);
    assert_int_equal(bench->granted, 2);
    assert_int_equal(bench->order[1], 2);
}

/* Else a thousand that begin would all wait for the last of them before any has its role. */
static void who_has_begun_goes_before_who_has_not(void **state)
{
    static const size_t expected[] = {0, 3, 4, 1, 2};
    struct bench *bench = *state;
    for (size_t i = 0; i < 3; i++) {
        acquire(bench, i);
    }
    bench->first->acquire(bench->first->ctx, &bench->turns[3]);
    bench->first->acquire(bench->first->ctx, &bench->turns[4]);
    bench->first->acquire(bench->first->ctx, &bench->turns[5]);
    bench->first->release(bench->first->ctx, &bench->turns[5]);
    virtual_run(bench->world, NULL, NULL, INT64_MAX);
    assert_int_equal(bench->granted, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(bench->order[i], expected[i]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_thousand_at_once_are_spread_over_a_minute, begin, end),
    cmocka_unit_test_setup_teardown(after_a_while_without_any_a_turn_comes_at_once, begin, end),
    cmocka_unit_test_setup_teardown(who_has_begun_goes_before_who_has_not, begin, end),
    cmocka_unit_test_setup_teardown(who_gives_up_leaves_its_turn_to_the_next, begin, end),
};

TAP_MAIN(tests)
