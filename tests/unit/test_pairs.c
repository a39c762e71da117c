/* One deletion at a time for each (job, thing): lines, and bars behind requests that were given up. */
#include "engine/pairs.h"
#include "tap.h"

#define CLAIMS 5

static void a_pair_is_held_by_one_and_handed_on_in_order(void **state)
{
    struct pairs *pairs = pairs_create();
    struct pair_claim claims[CLAIMS] = {{0}};
    (void)state;
    for (int i = 0; i < CLAIMS; i++)
        assert_int_equal(pairs_claim(pairs, "fw-1", "gw-1", &claims[i], 0), i == 0);
    assert_null(pairs_release(pairs, &claims[2], 0)); /* leaves the line */
    assert_ptr_equal(pairs_release(pairs, &claims[0], 0), &claims[1]);
    assert_ptr_equal(pairs_release(pairs, &claims[1], 0), &claims[3]);
    assert_null(claims[1].pair);
    assert_ptr_equal(pairs_release(pairs, &claims[3], 0), &claims[4]);
    assert_null(pairs_release(pairs, &claims[4], 0));
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &claims[0], 0));
    assert_null(pairs_release(pairs, &claims[0], 0));
    pairs_destroy(pairs);
}

static void pairs_are_told_apart_by_job_and_thing(void **state)
{
    static const char *const names[][2] = {{"a", "b"}, {"a", "c"}, {"b", "b"}, {"a-b", "c"}, {"a", "b-c"}};
    struct pairs *pairs = pairs_create();
    struct pair_claim claims[CLAIMS] = {{0}};
    (void)state;
    for (int i = 0; i < CLAIMS; i++)
        assert_true(pairs_claim(pairs, names[i][0], names[i][1], &claims[i], 0));
    for (int i = 0; i < CLAIMS; i++)
        assert_null(pairs_release(pairs, &claims[i], 0));
    pairs_destroy(pairs);
}

static void a_bar_outlives_the_claim_and_the_latest_one_counts(void **state)
{
    struct pairs *pairs = pairs_create();
    struct pair_claim first = {0}, second = {0}, other = {0};
    (void)state;
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &first, 0));
    assert_true(pairs_barred_ns(&first) <= 0);
    assert_null(pairs_release(pairs, &first, 500));
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &first, 100));
    assert_int_equal(pairs_barred_ns(&first), 500);
    assert_true(pairs_claim(pairs, "fw-1", "gw-2", &other, 100));
    assert_true(pairs_barred_ns(&other) <= 100);
    assert_false(pairs_claim(pairs, "fw-1", "gw-1", &second, 100));
    assert_ptr_equal(pairs_release(pairs, &first, 300), &second); /* earlier: the longer one stays */
    assert_int_equal(pairs_barred_ns(&second), 500);
    assert_null(pairs_release(pairs, &second, 0));
    assert_null(pairs_release(pairs, &other, 0));
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &first, 499));
    assert_int_equal(pairs_barred_ns(&first), 500);
    assert_null(pairs_release(pairs, &first, 0));
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &first, 500)); /* over, and forgotten */
    assert_int_equal(pairs_barred_ns(&first), 0);
    assert_null(pairs_release(pairs, &first, 0));
    pairs_destroy(pairs);
}

/* Whoever is in line while bars are forgotten keeps its place. */
static void forgetting_bars_leaves_claims_alone(void **state)
{
    struct pairs *pairs = pairs_create();
    struct pair_claim held = {0}, line = {0}, other = {0};
    (void)state;
    assert_true(pairs_claim(pairs, "fw-1", "gw-1", &held, 0));
    assert_false(pairs_claim(pairs, "fw-1", "gw-1", &line, 0));
    assert_true(pairs_claim(pairs, "fw-2", "gw-1", &other, 0));
    assert_null(pairs_release(pairs, &other, 50));
    assert_true(pairs_claim(pairs, "fw-3", "gw-1", &other, 60));
    assert_ptr_equal(pairs_release(pairs, &held, 0), &line);
    assert_null(pairs_release(pairs, &line, 900));
    assert_null(pairs_release(pairs, &other, 0));
    pairs_destroy(pairs); /* bars may be left */
    pairs_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pair_is_held_by_one_and_handed_on_in_order),
    cmocka_unit_test(pairs_are_told_apart_by_job_and_thing),
    cmocka_unit_test(a_bar_outlives_the_claim_and_the_latest_one_counts),
    cmocka_unit_test(forgetting_bars_leaves_claims_alone),
};

TAP_MAIN(tests)
