/* The service's clock against ours. */
#include "tap.h"

#include "engine/skew.h"

static void without_a_date_there_is_no_skew(void **state)
{
    (void)state;
    struct skew skew = {0};
    assert_int_equal(skew_ms(&skew), 0);
    skew_add(&skew, 0, 1000000);
    assert_int_equal(skew_ms(&skew), 0);
}

static void the_median_ignores_strange_dates(void **state)
{
    (void)state;
    struct skew skew = {0};
    for (int i = 0; i < SKEW_SAMPLES; i++)
        skew_add(&skew, i % 3 == 0 ? 1 : 1000000 + 5000 + i, 1000000);
    assert_true(skew_ms(&skew) >= 5000 && skew_ms(&skew) <= 5000 + SKEW_SAMPLES);
}

static void the_middle_one_is_taken(void **state)
{
    (void)state;
    struct skew skew = {0};
    skew_add(&skew, 1030, 1000);
    assert_int_equal(skew_ms(&skew), 30);
    skew_add(&skew, 990, 1000);
    assert_int_equal(skew_ms(&skew), -10); /* of two, the lower */
    skew_add(&skew, 1020, 1000);
    assert_int_equal(skew_ms(&skew), 20);
}

static void only_the_latest_count(void **state)
{
    (void)state;
    struct skew skew = {0};
    for (int i = 0; i < 3 * SKEW_SAMPLES; i++)
        skew_add(&skew, 99000, 1000);
    for (int i = 0; i < SKEW_SAMPLES; i++)
        skew_add(&skew, 400, 1000);
    assert_int_equal(skew_ms(&skew), -600);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_a_date_there_is_no_skew),
    cmocka_unit_test(the_median_ignores_strange_dates),
    cmocka_unit_test(the_middle_one_is_taken),
    cmocka_unit_test(only_the_latest_count),
};

TAP_MAIN(tests)
