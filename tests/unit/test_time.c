/* Times and durations as text. */
#include "seed.h"
#include "tap.h"

#include "base/random.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void the_calendar_agrees_with_the_c_library(void **state)
{
    struct random random;
    uint64_t seed = seed_from(20261124);
    (void)state;
    random_seed(&random, seed);
    for (int i = 0; i < 20000; i++) {
        /* years 1 to 9999 */
        int64_t seconds = (int64_t)random_below(&random, 315537897600) - 62135596800;
        time_t moment = (time_t)seconds;
        struct tm tm;
        struct time_civil civil;
        gmtime_r(&moment, &tm);
        time_to_civil(seconds * 1000 + 999, &civil);
        assert_int_equal(civil.year, tm.tm_year + 1900);
        assert_int_equal(civil.month, tm.tm_mon + 1);
        assert_int_equal(civil.day, tm.tm_mday);
        assert_int_equal(civil.hour * 3600 + civil.minute * 60 + civil.second,
                         tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec);
        assert_int_equal(civil.weekday, tm.tm_wday);
        assert_true(time_from_civil(&civil) == seconds * 1000);
    }
}

static void moments_are_written_as_aws_and_people_want_them(void **state)
{
    char amz[17], text[21];
    (void)state;
    time_amz(INT64_C(1795489200123), amz);
    assert_string_equal(amz, "20261124T030000Z");
    time_rfc3339(INT64_C(1795489200123), text);
    assert_string_equal(text, "2026-11-24T03:00:00Z");
    time_rfc3339(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00Z");
}

static void times_of_rfc_3339_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"2026-11-24T03:00:00Z", INT64_C(1795489200000)},
                {"2026-11-24T03:00:00.5Z", INT64_C(1795489200500)},
                {"2026-11-24T03:00:00.123456+01:30", INT64_C(1795483800123)},
                {"2026-11-23t22:00:00-05:00", INT64_C(1795489200000)},
                {"2024-02-29T00:00:00Z", INT64_C(1709164800000)}};
    static const char *const bad[] = {"",
                                      "2026-11-24",
                                      "2026-11-24T03:00:00",
                                      "2026-13-24T03:00:00Z",
                                      "2026-02-29T03:00:00Z",
                                      "2026-11-24T24:00:00Z",
                                      "2026-11-24T03:00:00.Z",
                                      "2026-11-24T03:00:00Zx",
                                      "2026-11-24T03:00:00+0130",
                                      "2026-11-24 03:00:00Z",
                                      "1e9"};
    struct err err;
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(time_parse_rfc3339(good[i].text, &ms, &err), 0);
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(time_parse_rfc3339(bad[i], &ms, &err), -1);
        assert_int_equal(err.code, ERR_SYNTAX);
    }
}

static void http_dates_are_read_in_their_one_form(void **state)
{
    static const char *const bad[] = {"",
                                      "Tue, 24 Nov 2026 03:00:00",
                                      "Tue, 24 Nov 2026 03:00:00 CET",
                                      "Xxx, 24 Nov 2026 03:00:00 GMT",
                                      "Tue, 24 Foo 2026 03:00:00 GMT",
                                      "Tue, 31 Feb 2026 03:00:00 GMT",
                                      "Tuesday, 24-Nov-26 03:00:00 GMT"};
    struct err err;
    int64_t ms;
    (void)state;
    assert_int_equal(time_parse_http("Tue, 24 Nov 2026 03:00:00 GMT", &ms, &err), 0);
    assert_true(ms == INT64_C(1795489200000));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(time_parse_http(bad[i], &ms, &err), -1);
    }
}

static void durations_need_units_and_fall(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"30d", 30 * TIME_MS_PER_DAY},
                {"90m", 90 * TIME_MS_PER_MINUTE},
                {"1h30m", 5400000},
                {"250ms", 250},
                {"2w1d", 15 * TIME_MS_PER_DAY},
                {"1s500ms", 1500},
                {"36525d", INT64_C(3155760000000)}};
    static const char *const bad[] = {"",     "30",   "d",      "-1d",  "0",
                                      "0d",   "1e9y", "1.5d",   "30 d", "1m1h",
                                      "1d1d", "1D",   "36526d", "1h30", "99999999999999999999d",
                                      "1dd"};
    struct err err;
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(time_parse_duration(good[i].text, &ms, &err), 0);
        assert_true(ms == good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(time_parse_duration(bad[i], &ms, &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
    }
    time_parse_duration("30", &ms, &err);
    assert_non_null(strstr(err.msg, "has no unit"));
}

static void a_written_duration_reads_back(void **state)
{
    static const int64_t values[] = {1, 999, 1000, 61001, 3600000, 90061001, 30 * TIME_MS_PER_DAY};
    struct err err;
    char text[48];
    (void)state;
    assert_string_equal(time_duration(0, text), "0s");
    assert_string_equal(time_duration(90 * TIME_MS_PER_MINUTE, text), "1h30m");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        int64_t back;
        assert_int_equal(time_parse_duration(time_duration(values[i], text), &back, &err), 0);
        assert_true(back == values[i]);
    }
}

static void people_read_two_units_at_most(void **state)
{
    char out[32];
    (void)state;
    assert_string_equal(time_about(0, out), "0 ms");
    assert_string_equal(time_about(12400, out), "12 s");
    assert_string_equal(time_about(90 * TIME_MS_PER_SECOND, out), "1 min 30 s");
    assert_string_equal(time_about(3 * TIME_MS_PER_DAY + 4 * TIME_MS_PER_HOUR + 5, out), "3 d 4 h");
    assert_string_equal(time_about(2 * TIME_MS_PER_HOUR, out), "2 h");
    assert_string_equal(time_about(23 * TIME_MS_PER_HOUR + 59 * TIME_MS_PER_MINUTE + 59000, out), "24 h");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_agrees_with_the_c_library),
        cmocka_unit_test(moments_are_written_as_aws_and_people_want_them),
        cmocka_unit_test(times_of_rfc_3339_are_read),
        cmocka_unit_test(http_dates_are_read_in_their_one_form),
        cmocka_unit_test(durations_need_units_and_fall),
        cmocka_unit_test(a_written_duration_reads_back),
        cmocka_unit_test(people_read_two_units_at_most),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
