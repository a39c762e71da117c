/* The account of failures. */
#include "tap.h"

#include "base/time.h"
#include "engine/budget.h"

#define S TIME_NS_PER_SECOND

static void empty(struct budget *budget, int64_t now_ns)
{
    budget_init(budget);
    for (int i = 0; i < BUDGET_TOKENS / BUDGET_COST_THROTTLE; i++)
        budget_charge(budget, BUDGET_COST_THROTTLE, now_ns);
}

static void it_lasts_for_500_tokens(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget);
    for (int i = 0; i < 35; i++) {
        assert_true(budget_next_ns(&budget) == INT64_MIN);
        budget_charge(&budget, BUDGET_COST_TRANSIENT, 7 * S);
    }
    assert_int_equal(budget.tokens, 10);
    budget_charge(&budget, BUDGET_COST_TRANSIENT, 7 * S);
    assert_int_equal(budget.tokens, 0);
    assert_int_equal(budget_next_ns(&budget), 8 * S);
}

static void empty_it_lets_probes_out_at_growing_distances(void **state)
{
    (void)state;
    const int64_t distances[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct budget budget;
    int64_t now = 100 * S;
    empty(&budget, now);
    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        assert_int_equal(budget_next_ns(&budget), now + distances[i] * S);
        now = budget_next_ns(&budget);
        budget_take(&budget, now);
        budget_charge(&budget, BUDGET_COST_TRANSIENT, now + S / 10); /* changes nothing any more */
    }
}

static void a_success_opens_it_and_the_next_failure_closes_it_for_a_second(void **state)
{
    (void)state;
    struct budget budget;
    empty(&budget, 0);
    for (int i = 0; i < 5; i++)
        budget_take(&budget, budget_next_ns(&budget));
    budget_refund(&budget, BUDGET_SUCCESS);
    assert_true(budget_next_ns(&budget) == INT64_MIN);
    budget_take(&budget, 200 * S);
    budget_charge(&budget, BUDGET_COST_TRANSIENT, 200 * S);
    assert_int_equal(budget_next_ns(&budget), 201 * S);
}

static void it_is_never_fuller_than_full(void **state)
{
    (void)state;
    struct budget budget;
    budget_init(&budget);
    budget_refund(&budget, BUDGET_COST_TRANSIENT);
    assert_int_equal(budget.tokens, BUDGET_TOKENS);
    budget_charge(&budget, BUDGET_COST_TRANSIENT, 0);
    budget_refund(&budget, BUDGET_COST_TRANSIENT);
    assert_int_equal(budget.tokens, BUDGET_TOKENS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_lasts_for_500_tokens),
    cmocka_unit_test(empty_it_lets_probes_out_at_growing_distances),
    cmocka_unit_test(a_success_opens_it_and_the_next_failure_closes_it_for_a_second),
    cmocka_unit_test(it_is_never_fuller_than_full),
};

TAP_MAIN(tests)
