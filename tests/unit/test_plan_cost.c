/* What a plan takes to be carried out. */
#include "config_text.h"
#include "tap.h"

#include "app/plan_cost.h"
#include "base/time.h"

static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  eu: {region: eu-west-1, account: \"123456789012\"}\n"
    "  fast: {region: eu-west-1, share: 0.5, quotas: {DeleteJobExecution: 100}}\n"
    "policies:\n"
    "  - {name: old, targets: [eu], match: {age: {older_than: 30d}}}\n"
    "  - {name: quick, targets: [eu], match: {age: {older_than: 30d}}, verify: risky}\n"
    "  - {name: night, targets: [eu], match: {age: {older_than: 30d}}, schedule: {cron: \"0 23 * * *\", "
    "window: \"23:00-01:30\"}, limits: {per_run: 1000}}\n"
    "  - {name: brief, targets: [eu], match: {age: {older_than: 30d}}, schedule: {cron: \"0 23 * * *\", "
    "window: \"23:00-01:30\", max_duration: 100s}}\n";

static struct plan_cost cost_of(const struct config *config, size_t policy, size_t target, int64_t rows,
                                int64_t later)
{
    struct plan_cost cost;
    plan_cost(&config->policies[policy], &config->targets[target], rows, later, &cost);
    return cost;
}

static void the_time_is_that_of_the_slower_lane(void **state)
{
    const struct config *config = *state;
    /* 9.95 deletions a second, and as many looks */
    struct plan_cost cost = cost_of(config, 0, 0, 995, 0);
    assert_int_equal(cost.ms, 100000);
    assert_int_equal(cost.calls, 1990);
    assert_int_equal(cost.delete_per_1000s, 9950);
    cost = cost_of(config, 1, 0, 995, 0);
    assert_int_equal(cost.ms, 100000);
    assert_int_equal(cost.calls, 995);
    assert_int_equal(cost.looks, 0);
    /* 50 deletions a second, but 5 looks */
    cost = cost_of(config, 0, 1, 1000, 0);
    assert_int_equal(cost.ms, 200000);
    assert_int_equal(cost.delete_per_1000s, 50000);
    assert_int_equal(cost.look_per_1000s, 5000);
    assert_int_equal(cost_of(config, 1, 1, 1000, 0).ms, 20000);
    cost = cost_of(config, 0, 1, 0, 0);
    assert_int_equal(cost.ms, 0);
    assert_int_equal(cost.calls, 0);
    assert_int_equal(cost.runs, 0);
    assert_true(cost_of(config, 0, 0, INT64_MAX / 4, 0).ms > 0);
}

static void limits_and_time_make_it_several_runs(void **state)
{
    const struct config *config = *state;
    struct plan_cost cost = cost_of(config, 0, 0, 1000000, 0);
    assert_int_equal(cost.allowed_ms, 0);
    assert_int_equal(cost.runs, 1);
    cost = cost_of(config, 2, 0, 1000, 4001); /* over midnight */
    assert_int_equal(cost.allowed_ms, 150 * TIME_MS_PER_MINUTE);
    assert_int_equal(cost.limit, LIMIT_WINDOW);
    assert_true(cost.ms <= cost.allowed_ms);
    assert_int_equal(cost.runs, 6);
    cost = cost_of(config, 3, 0, 995 * 3 + 1, 0);
    assert_int_equal(cost.allowed_ms, 100000);
    assert_int_equal(cost.limit, LIMIT_DURATION);
    assert_true(cost.ms > cost.allowed_ms);
    assert_in_range(cost.runs, 3, 4);
    assert_int_equal(cost_of(config, 3, 0, 995, 0).runs, 1);
}

static const struct CMUnitTest tests[] = {
    CONFIG_TEST(the_time_is_that_of_the_slower_lane, CONFIG),
    CONFIG_TEST(limits_and_time_make_it_several_runs, CONFIG),
};

TAP_MAIN(tests)
