/* The choice of the route, as tables. */
#include "engine/route.h"
#include "engine/seen.h"
#include "sim/rig.h"
#include "tap.h"

#define BIT(status) EXECUTION_BIT(EXECUTION_##status)

static void a_job_is_listed_with_the_fewest_calls(void **state)
{
    static const struct {
        int64_t succeeded, failed, queued;
        unsigned wanted;
        struct route_listing listing;
    } table[] = {
        {0, 0, 900, BIT(SUCCEEDED), {0, 0}},                   /* nothing wanted */
        {1, 0, 0, BIT(SUCCEEDED), {1, BIT(SUCCEEDED)}},        /* by its state */
        {250, 0, 100000, BIT(SUCCEEDED), {1, BIT(SUCCEEDED)}}, /* 401 pages against 1 */
        {251, 0, 0, BIT(SUCCEEDED), {2, BIT(SUCCEEDED)}},      /* a page more */
        {10, 10, 10, BIT(SUCCEEDED) | BIT(FAILED), {1, 0}},    /* 2 against 1 of all */
        {10, 10, 10000, BIT(SUCCEEDED) | BIT(FAILED), {2, BIT(SUCCEEDED) | BIT(FAILED)}}, /* 2 against 41 */
        {250, 250, 0, BIT(SUCCEEDED) | BIT(FAILED), {2, 0}},                              /* a tie: all */
        {10, 0, 10, BIT(SUCCEEDED) | BIT(FAILED), {1, BIT(SUCCEEDED)}}, /* one state holds any */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct job job = {.described = true};
        job.counts[EXECUTION_SUCCEEDED] = table[i].succeeded;
        job.counts[EXECUTION_FAILED] = table[i].failed;
        job.counts[EXECUTION_QUEUED] = table[i].queued;
        struct route_listing listing = route_job(&job, table[i].wanted);
        assert_int_equal(listing.calls, table[i].listing.calls);
        assert_int_equal(listing.status_bits, table[i].listing.status_bits);
    }
}

static void counts_that_make_no_sense_do_no_harm(void **state)
{
    struct job job = {.described = true};
    (void)state;
    job.counts[EXECUTION_SUCCEEDED] = -7;
    job.counts[EXECUTION_QUEUED] = -1000;
    assert_int_equal(route_job(&job, BIT(SUCCEEDED)).calls, 0);
    job.counts[EXECUTION_SUCCEEDED] = 300;
    assert_int_equal(route_job(&job, BIT(SUCCEEDED)).calls, 2);
}

static void a_thing_is_asked_for_one_state_or_for_all(void **state)
{
    (void)state;
    assert_int_equal(route_thing_status(BIT(REJECTED)), EXECUTION_REJECTED);
    assert_int_equal(route_thing_status(BIT(REJECTED) | BIT(FAILED)), EXECUTION_UNKNOWN);
    assert_int_equal(route_thing_status(0), EXECUTION_UNKNOWN);
}

static void only_patterns_without_wildcards_name_everything(void **state)
{
    static const char *const literal[] = {"gw-1", "gw-2", NULL}, *const mixed[] = {"gw-1", "gw-?", NULL};
    struct name_match all = {0}, named = {0}, globbed = {0};
    (void)state;
    rig_patterns(&named.include, literal);
    rig_patterns(&globbed.include, mixed);
    assert_false(route_literal(&all));
    assert_true(route_literal(&named));
    assert_false(route_literal(&globbed));
}

static void the_cheaper_way_is_taken_and_jobs_win_a_tie(void **state)
{
    (void)state;
    assert_false(route_things_first(5, -1));
    assert_false(route_things_first(5, 5));
    assert_true(route_things_first(5, 4));
    assert_false(route_choose(3, 10, -1).by_thing);
    assert_false(route_choose(3, 10, 10).by_thing);
    struct route route = route_choose(3, 10, 9);
    assert_true(route.by_thing);
    assert_int_equal(route.calls, 9);
    assert_int_equal(route.other_calls, 10);
}

static void the_route_is_told_in_one_line(void **state)
{
    struct buf text;
    struct route route = route_choose(1, 4000, 1000000);
    (void)state;
    buf_init(&text, 256);
    route_print(&route, &text);
    assert_string_equal(buf_string(&text), "by job: 1 job, about 4,000 calls (by thing: about 1,000,000)");
    buf_reset(&text);
    route = route_choose(12, 30, 1);
    route_print(&route, &text);
    assert_string_equal(buf_string(&text), "by thing: 1 thing, about 1 call (by job: about 30)");
    buf_reset(&text);
    route = route_choose(3, 3, -1);
    route_print(&route, &text);
    assert_string_equal(
        buf_string(&text),
        "by job: 3 jobs, about 3 calls (by thing: things were not counted, with so few calls)");
    buf_reset(&text);
    route.other_refused = true;
    route_print(&route, &text);
    assert_string_equal(buf_string(&text),
                        "by job: 3 jobs, about 3 calls (by thing: not known, they could not be listed)");
    buf_reset(&text);
    route.other_least = 1250;
    route_print(&route, &text);
    assert_string_equal(
        buf_string(&text),
        "by job: 3 jobs, about 3 calls (by thing: at least 1,250, more than jobs, and counted no further)");
    buf_finish(&text);
}

static void a_set_remembers_every_hash_once(void **state)
{
    struct seen seen = {0};
    (void)state;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t hash = i == 0 ? 0 : seen_hash(0, &i, sizeof i);
        assert_true(seen_add(&seen, hash));
    }
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t hash = i == 0 ? 0 : seen_hash(0, &i, sizeof i);
        assert_false(seen_add(&seen, hash));
    }
    seen_clear(&seen);
    assert_true(seen_add(&seen, 5));
    seen_clear(&seen);
}

/* Executions of a thing that are one letter and one number apart: "a/1" and "b/2". */
static void what_a_hash_begins_with_does_not_cancel_against_the_text(void **state)
{
    struct seen seen = {0};
    (void)state;
    for (uint64_t number = 0; number < 64; number++) {
        for (char letter = ' '; letter < 127; letter++) {
            const char text[] = {letter, '0'};
            assert_true(seen_add(&seen, seen_hash(number, text, sizeof text)));
        }
    }
    seen_clear(&seen);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_is_listed_with_the_fewest_calls),
    cmocka_unit_test(counts_that_make_no_sense_do_no_harm),
    cmocka_unit_test(a_thing_is_asked_for_one_state_or_for_all),
    cmocka_unit_test(only_patterns_without_wildcards_name_everything),
    cmocka_unit_test(the_cheaper_way_is_taken_and_jobs_win_a_tie),
    cmocka_unit_test(the_route_is_told_in_one_line),
    cmocka_unit_test(a_set_remembers_every_hash_once),
    cmocka_unit_test(what_a_hash_begins_with_does_not_cancel_against_the_text),
};

TAP_MAIN(tests)
