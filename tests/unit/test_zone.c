/* Time zones against the C library's, moment by moment, and files that are none. */
#include "base/buf.h"
#include "base/random.h"
#include "policy/zone.h"
#include "seed.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define YEAR_SECONDS INT64_C(31556952)

/* Set forward and back, in the south, by half an hour, across the date line, without any rule, under the year
 * round by one that ends on a Friday, and with daylight saving time that is negative. */
static const char *const ZONES[] = {
    "Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe", "Pacific/Apia",     "Asia/Kolkata",
    "America/St_Johns", "Africa/Casablanca", "Asia/Jerusalem",      "America/Santiago", "Pacific/Chatham",
    "Europe/Dublin",    "Etc/GMT+5",         "America/Nuuk",        "Africa/Cairo",     "UTC"};

static struct zone *zone_of(const char *name)
{
    struct zone *zone;
    struct err err;
    if (zone_load(name, &zone, &err) != 0) {
        fail_msg("%s: %s", name, err.msg);
    }
    setenv("TZ", name, 1);
    tzset();
    return zone;
}

static int64_t library_offset(int64_t second)
{
    struct tm tm;
    time_t time = (time_t)second;
    localtime_r(&time, &tm);
    return tm.tm_gmtoff;
}

static void offsets_are_those_of_the_c_library(void **state)
{
    (void)state;
    struct random random;
    uint64_t seed = seed_from(20261126);
    random_seed(&random, seed);
    for (size_t i = 0; i < sizeof ZONES / sizeof ZONES[0]; i++) {
        struct zone *zone = zone_of(ZONES[i]);
        for (int j = 0; j < 20000; j++) {
            int64_t second = (int64_t)random_below(&random, 530 * YEAR_SECONDS) - 90 * YEAR_SECONDS;
            if (zone_offset_ms(zone, second * 1000 + 999) != library_offset(second) * 1000) {
                fail_msg("%s at %lld: %lld, not %lld", ZONES[i], (long long)second,
                         (long long)zone_offset_ms(zone, second * 1000) / 1000,
                         (long long)library_offset(second));
            }
        }
        zone_destroy(zone);
    }
}

/* Every hour of some years, before and behind the last transition that the files hold. */
static void local_times_lead_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ZONES / sizeof ZONES[0]; i++) {
        struct zone *zone = zone_of(ZONES[i]);
        for (int64_t hour = 0; hour < 24 * 366; hour++) {
            int64_t utc_ms =
                (hour % 2 == 0 ? INT64_C(1735689600) : INT64_C(2240611200)) * 1000 + hour * 3600000;
            int64_t local_ms = utc_ms + zone_offset_ms(zone, utc_ms);
            int64_t back_ms = zone_to_utc(zone, local_ms);
            assert_true(back_ms <= utc_ms); /* of two the first */
            assert_int_equal(back_ms + zone_offset_ms(zone, back_ms), local_ms);
        }
        zone_destroy(zone);
    }
}

static void a_time_that_the_clock_leaps_over_comes_as_much_later(void **state)
{
    (void)state;
    struct zone *zone = zone_of("Europe/Berlin");
    /* 2026-03-29 02:30 does not exist there: 01:30 UTC is 03:30. 2026-10-25 02:30 exists twice. */
    assert_int_equal(zone_to_utc(zone, INT64_C(1774751400000)), INT64_C(1774747800000));
    assert_int_equal(zone_to_utc(zone, INT64_C(1792895400000)), INT64_C(1792888200000));
    zone_destroy(zone);
}

static void utc_needs_no_file(void **state)
{
    (void)state;
    struct zone *zone = (struct zone *)-1;
    struct err err;
    assert_int_equal(zone_load("UTC", &zone, &err), 0);
    assert_null(zone);
    assert_int_equal(zone_offset_ms(NULL, INT64_MAX), 0);
    assert_int_equal(zone_to_utc(NULL, 5), 5);
}

static void names_lead_nowhere_else(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum err_code code;
    } table[] = {
        {"", ERR_INVALID},
        {"../../../etc/localtime", ERR_INVALID},
        {"/etc/localtime", ERR_INVALID},
        {"Europe//Berlin", ERR_INVALID},
        {"Europe/", ERR_INVALID},
        {"Europe/Ber lin", ERR_INVALID},
        {"Europe/Berlin/x", ERR_NOT_FOUND},
        {"Europe/Barlin", ERR_NOT_FOUND},
        {"europe/berlin", ERR_NOT_FOUND},
        {"Europe", ERR_IO},
        {"tzdata-zi-that-is-text", ERR_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct zone *zone;
        struct err err;
        assert_int_equal(zone_load(table[i].name, &zone, &err), -1);
        assert_int_equal(err.code, table[i].code);
        assert_null(zone);
    }
}

/* A file of one type without transitions, and its rule. */
static size_t make_file(unsigned char *bytes, const char *rule)
{
    size_t length = 0;
    for (int block = 0; block < 2; block++) {
        memset(bytes + length, 0, 54);
        memcpy(bytes + length, "TZif2", 5);
        bytes[length + 39] = 1; /* type */
        bytes[length + 43] = 4; /* letters */
        length += 44 + 6 + 4;
    }
    return length + (size_t)sprintf((char *)bytes + length, "\n%s\n", rule);
}

static void rules_are_read_to_their_end(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int64_t january, july; /* of 2030, in minutes; INT64_MIN: refused */
    } table[] = {
        {"", 0, 0},
        {"CET-1", 60, 60},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 60, 120},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 660, 630},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 60},
        {"XXX3EDT4,0/0,J365/23", -240, -240},
        {"AAA0BBB,J100/-3,J200/+26:30:15", 0, 60},
        {"AAA0BBB,J60,J61", 0, 0},
        {"CE-1", INT64_MIN, 0},
        {"CET", INT64_MIN, 0},
        {"CET-1CEST", INT64_MIN, 0},
        {"CET-1CEST,M3.5.0", INT64_MIN, 0},
        {"CET-1CEST,M13.5.0,M10.5.0", INT64_MIN, 0},
        {"CET-1CEST,M0.5.0,M10.5.0", INT64_MIN, 0},
        {"CET-1CEST,M3.0.0,M10.5.0", INT64_MIN, 0},
        {"CET-1CEST,M3.5.7,M10.5.0", INT64_MIN, 0},
        {"CET-1CEST,M3.5.0,M10.5.0x", INT64_MIN, 0},
        {"<CET-1", INT64_MIN, 0},
        {"CET-168", INT64_MIN, 0},
        {"CET-1:60", INT64_MIN, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        unsigned char bytes[256];
        struct zone *zone = NULL;
        struct err err;
        size_t length = make_file(bytes, table[i].rule);
        int result = zone_parse(bytes, length, &zone, &err);
        assert_int_equal(result, table[i].january == INT64_MIN ? -1 : 0);
        if (result == 0) {
            assert_int_equal(zone_offset_ms(zone, INT64_C(1894665600000)) / 60000, table[i].january);
            assert_int_equal(zone_offset_ms(zone, INT64_C(1910304000000)) / 60000, table[i].july);
        }
        zone_destroy(zone);
    }
}

static void a_file_that_ends_early_is_refused(void **state)
{
    (void)state;
    struct buf content;
    char chunk[8192];
    struct err err;
    int fd = open(ZONE_FOLDER "/Europe/Berlin", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t length = read(fd, chunk, sizeof chunk);
    close(fd);
    assert_true(length > 100);
    buf_init(&content, sizeof chunk);
    for (ssize_t cut = 0; cut <= length; cut++) {
        struct zone *zone = NULL;
        buf_reset(&content);
        buf_append(&content, chunk, (size_t)cut);
        assert_int_equal(zone_parse(buf_string(&content), (size_t)cut, &zone, &err), cut == length ? 0 : -1);
        assert_int_equal(zone != NULL, cut == length);
        zone_destroy(zone);
    }
    buf_finish(&content);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(offsets_are_those_of_the_c_library),
    cmocka_unit_test(local_times_lead_back),
    cmocka_unit_test(a_time_that_the_clock_leaps_over_comes_as_much_later),
    cmocka_unit_test(utc_needs_no_file),
    cmocka_unit_test(names_lead_nowhere_else),
    cmocka_unit_test(rules_are_read_to_their_end),
    cmocka_unit_test(a_file_that_ends_early_is_refused),
};

TAP_MAIN(tests)
