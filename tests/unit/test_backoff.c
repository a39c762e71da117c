/* The rest before a repetition. */
#include "tap.h"

#include "base/time.h"
#include "engine/backoff.h"

#define MS TIME_NS_PER_MS

static void the_bound_doubles_up_to_20_s(void **state)
{
    (void)state;
    const struct {
        enum backoff_kind kind;
        int failures;
        int64_t bound_ms;
    } rows[] = {
        {BACKOFF_TRANSIENT, 1, 50},     {BACKOFF_TRANSIENT, 2, 100},         {BACKOFF_TRANSIENT, 9, 12800},
        {BACKOFF_TRANSIENT, 10, 20000}, {BACKOFF_TRANSIENT, 1000000, 20000}, {BACKOFF_THROTTLE, 1, 1000},
        {BACKOFF_THROTTLE, 5, 16000},   {BACKOFF_THROTTLE, 6, 20000},        {BACKOFF_THROTTLE, 0, 1000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t bound = (uint64_t)(rows[i].bound_ms * MS);
        /* the largest number drawn, and the one after it, which is the smallest again */
        assert_int_equal(backoff_ns(rows[i].kind, rows[i].failures, bound), bound);
        assert_int_equal(backoff_ns(rows[i].kind, rows[i].failures, bound + 1), 0);
    }
}

static void any_random_number_stays_within(void **state)
{
    (void)state;
    const uint64_t numbers[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 63};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int64_t rest = backoff_ns(BACKOFF_THROTTLE, 3, numbers[i]);
        assert_true(rest >= 0 && rest <= 4000 * MS);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(the_bound_doubles_up_to_20_s),
                                          cmocka_unit_test(any_random_number_stays_within)};

TAP_MAIN(tests)
