/* What stops the deletions of a sweep, and that the first reason is the one that is told. */
#include "engine/brake.h"
#include "tap.h"

#include <string.h>

static const struct clock_sample NOW = {.mono_ns = 1, .wall_ms = 1767225600000};

static struct answer answer_of(int http_status, int64_t skew_ms)
{
    return (struct answer){.http_status = http_status,
                           .received_ms = NOW.wall_ms,
                           .server_date_ms = http_status != 0 ? NOW.wall_ms + skew_ms : 0};
}

static void only_what_is_new_wakes_the_rows(void **state)
{
    static const struct {
        bool stopping, hurry, wish, news;
    } table[] = {
        {false, false, false, true}, {false, false, true, true}, {true, false, false, false},
        {true, false, true, true},   {true, true, false, false}, {true, true, true, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct brake brake = {.stopping = table[i].stopping, .hurry = table[i].hurry};
        assert_int_equal(brake_stop(&brake, table[i].wish), table[i].news);
        assert_true(brake.stopping);
        assert_int_equal(brake.hurry, table[i].hurry || table[i].wish);
        assert_int_equal(brake.err.code, ERR_NONE);
    }
}

static void a_failed_ledger_freezes_in_a_hurry(void **state)
{
    struct brake brake = {0};
    struct err err, later;
    (void)state;
    err_set(&err, ERR_IO, "the disk is full");
    err_set(&later, ERR_INTERNAL, "and something else");
    assert_true(brake_freeze(&brake, &err));
    assert_false(brake_freeze(&brake, &later));
    assert_true(brake.stopping && brake.hurry);
    assert_string_equal(brake.err.msg, "the disk is full");
}

static void an_intent_that_fails_still_lets_results_through(void **state)
{
    struct brake brake = {0};
    struct err err;
    (void)state;
    err_set(&err, ERR_IO, "the disk is full");
    assert_true(brake_withhold(&brake, &err));
    assert_false(brake_withhold(&brake, &err));
    assert_true(brake.stopping && !brake.hurry);
    assert_true(brake_freeze(&brake, &err)); /* and then not even these */
    assert_true(brake.hurry);
}

static void a_clock_too_far_off_or_not_known_stops(void **state)
{
    static const struct {
        int64_t median_ms;
        bool known;
        int http_status;
        bool stops;
        const char *words;
    } table[] = {
        {0, true, 200, false, NULL},
        {60000, true, 200, false, NULL},
        {-60000, true, 200, false, NULL},
        {60001, true, 200, true, "behind the service's"},
        {-60001, true, 200, true, "ahead of the service's"},
        {60001, true, 0, true, "behind the service's"},
        {0, false, 200, true, "no Date"},
        {0, false, 0, false, NULL}, /* there was no answer at all */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct brake brake = {0};
        struct answer answer = answer_of(table[i].http_status, 0);
        assert_int_equal(brake_answered(&brake, &answer, &NOW, table[i].median_ms, table[i].known),
                         table[i].stops);
        assert_int_equal(brake.stopping, table[i].stops);
        assert_false(brake.hurry); /* what was sent is settled */
        assert_int_equal(brake.why, ANSWER_DONE);
        if (table[i].stops)
            assert_non_null(strstr(brake.err.msg, table[i].words));
    }
}

static void the_skew_that_counts_is_the_larger_one(void **state)
{
    static const struct {
        int64_t latest_ms, median_ms, skew_ms;
    } table[] = {
        {0, 0, 0}, {5000, 1000, 5000}, {1000, 5000, 5000}, {-9000, 5000, -9000}, {3000, -5000, -5000}};
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct brake brake = {0};
        struct answer dated = answer_of(200, table[i].latest_ms), silent = answer_of(0, 0);
        struct clock_sample later = {.mono_ns = 2, .wall_ms = 5};
        brake_answered(&brake, &dated, &NOW, 0, true);
        brake_answered(&brake, &silent, &later, 0, true); /* says nothing of the clock */
        assert_int_equal(brake_skew_ms(&brake, table[i].median_ms), table[i].skew_ms);
        assert_int_equal(brake.clock.wall_ms, NOW.wall_ms);
    }
}

static void the_last_of_ten_refusals_is_the_reason(void **state)
{
    struct brake brake = {0};
    struct call call;
    (void)state;
    call_init(&call, OPERATION_DELETE_EXECUTION);
    for (int i = 1; i <= GUARD_REFUSALS_MAX; i++) {
        call.answer = (struct answer){.class = i < GUARD_REFUSALS_MAX ? ANSWER_INVALID : ANSWER_DENIED,
                                      .http_status = 403,
                                      .code = "AccessDeniedException"};
        assert_int_equal(brake_refused(&brake, &call), i == GUARD_REFUSALS_MAX);
    }
    assert_int_equal(brake.why, ANSWER_DENIED);
    assert_non_null(strstr(brake.err.msg, "10 refusals in a row"));
    assert_non_null(strstr(brake.err.msg, "AccessDeniedException"));
    call_finish(&call);
}

static void too_many_failures_stop_from_the_twentieth_on(void **state)
{
    struct brake brake = {0};
    (void)state;
    for (int i = 0; i < 19; i++) {
        assert_false(brake_settled(&brake, OUTCOME_FAILED, 5));
        assert_false(brake_settled(&brake, OUTCOME_NOT_ATTEMPTED, 5));
    }
    assert_true(brake_settled(&brake, OUTCOME_UNKNOWN, 5));
    assert_false(brake_settled(&brake, OUTCOME_FAILED, 5)); /* the rows know */
    assert_true(brake.stopping && !brake.hurry);
    assert_string_equal(brake.err.msg,
                        "20 of 20 deletions failed, more than abort_if.failed_over_percent (5 %)");
    brake = (struct brake){0};
    for (int i = 0; i < 2000; i++) {
        assert_false(brake_settled(&brake, i % 20 == 19 ? OUTCOME_FAILED : OUTCOME_DELETED, 5));
        assert_false(brake_settled(&brake, OUTCOME_DELETED, 0));
    }
    assert_int_equal(brake.settled, 4000);
    brake = (struct brake){.settled = 99, .failed = 5};
    assert_true(brake_settled(&brake, OUTCOME_FAILED, 5));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(too_many_failures_stop_from_the_twentieth_on),
    cmocka_unit_test(only_what_is_new_wakes_the_rows),
    cmocka_unit_test(a_failed_ledger_freezes_in_a_hurry),
    cmocka_unit_test(an_intent_that_fails_still_lets_results_through),
    cmocka_unit_test(a_clock_too_far_off_or_not_known_stops),
    cmocka_unit_test(the_skew_that_counts_is_the_larger_one),
    cmocka_unit_test(the_last_of_ten_refusals_is_the_reason),
};

TAP_MAIN(tests)
