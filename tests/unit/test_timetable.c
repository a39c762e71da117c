/* Schedules and windows on clocks that are set forward and back: tables, and a search minute by minute. */
#include "base/random.h"
#include "base/time.h"
#include "policy/timetable.h"
#include "policy/zone.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t moment(const char *text)
{
    struct err err;
    int64_t ms;
    assert_int_equal(time_parse_rfc3339(text, &ms, &err), 0);
    return ms;
}

static void make(struct policy *policy, const char *cron, const char *zone, int begin, int end)
{
    struct err err;
    *policy = (struct policy){.window = {begin * 60, end * 60}};
    if (cron_parse(cron, &policy->cron, &err) != 0 || zone_load(zone, &policy->zone, &err) != 0) {
        fail_msg("%s, %s: %s", cron, zone, err.msg);
    }
}

struct firing {
    const char *cron, *zone;
    int begin, end; /* hours of the window; both 0: none */
    const char *after, *next;
};

static void expect(const struct firing *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct policy policy;
        char next[21];
        make(&policy, rows[i].cron, rows[i].zone, rows[i].begin, rows[i].end);
        time_rfc3339(timetable_next(&policy, moment(rows[i].after)), next);
        if (strcmp(next, rows[i].next) != 0) {
            fail_msg("'%s' in %s after %s: %s instead of %s", rows[i].cron, rows[i].zone, rows[i].after, next,
                     rows[i].next);
        }
        zone_destroy(policy.zone);
    }
}

#define EXPECT(rows) expect(rows, sizeof(rows) / sizeof(rows)[0])

static void times_are_those_of_the_zone(void **state)
{
    static const struct firing rows[] = {
        {"15 2 * * *", "UTC", 0, 0, "2026-01-01T02:14:00Z", "2026-01-01T02:15:00Z"},
        {"15 2 * * *", "Europe/Berlin", 0, 0, "2026-01-01T00:00:00Z", "2026-01-01T01:15:00Z"},
        {"15 2 * * *", "Europe/Berlin", 0, 0, "2026-07-01T00:00:00Z", "2026-07-01T00:15:00Z"},
        {"15 2 * * *", "Europe/Berlin", 0, 0, "2026-07-01T00:15:00Z", "2026-07-02T00:15:00Z"},
        {"0 0 1 * *", "America/New_York", 0, 0, "2026-01-01T04:59:00Z", "2026-01-01T05:00:00Z"},
        {"0 0 * * mon", "Asia/Kolkata", 0, 0, "2026-11-25T00:00:00Z", "2026-11-29T18:30:00Z"},
        {"*/30 * * * *", "Asia/Kolkata", 0, 0, "2026-11-25T00:00:00Z", "2026-11-25T00:30:00Z"},
        {"0 12 29 2 *", "Europe/Berlin", 0, 0, "2026-01-01T00:00:00Z", "2028-02-29T11:00:00Z"},
        {"* 12 29 2 *", "Europe/Berlin", 0, 0, "2026-01-01T00:00:00Z", "2028-02-29T11:00:00Z"},
    };
    (void)state;
    EXPECT(rows);
}

/* In Berlin 02:00 becomes 03:00 on 29 March 2026, 01:00Z. */
static void what_is_skipped_fires_in_the_moment_of_the_change(void **state)
{
    static const struct firing rows[] = {
        {"30 2 * * *", "Europe/Berlin", 0, 0, "2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"},
        {"30 2 * * *", "Europe/Berlin", 0, 0, "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
        {"0,30 2 * * *", "Europe/Berlin", 0, 0, "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"},
        {"0 3 * * *", "Europe/Berlin", 0, 0, "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"},
        {"0 2,3 * * *", "Europe/Berlin", 0, 0, "2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"},
        /* with '*': what the clock does not show does not come */
        {"@hourly", "Europe/Berlin", 0, 0, "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"},
        {"@hourly", "Europe/Berlin", 0, 0, "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
        {"*/20 2 * * *", "Europe/Berlin", 0, 0, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"},
        /* half an hour, and a whole day */
        {"15 2 * * *", "Australia/Lord_Howe", 0, 0, "2026-10-03T15:00:00Z", "2026-10-03T15:30:00Z"},
        {"0 12 30 12 *", "Pacific/Apia", 0, 0, "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z"},
    };
    (void)state;
    EXPECT(rows);
}

/* In Berlin 03:00 becomes 02:00 on 25 October 2026, 01:00Z. */
static void what_comes_twice_fires_the_first_time(void **state)
{
    static const struct firing rows[] = {
        {"30 2 * * *", "Europe/Berlin", 0, 0, "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"},
        {"30 2 * * *", "Europe/Berlin", 0, 0, "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
        {"30 2 * * *", "Europe/Berlin", 0, 0, "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"},
        {"0 3 * * *", "Europe/Berlin", 0, 0, "2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"},
        /* with '*': as the clock shows it */
        {"@hourly", "Europe/Berlin", 0, 0, "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
        {"@hourly", "Europe/Berlin", 0, 0, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
        {"*/30 2 * * *", "Europe/Berlin", 0, 0, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
    };
    (void)state;
    EXPECT(rows);
}

static void it_fires_within_the_window_only(void **state)
{
    static const struct firing rows[] = {
        {"@hourly", "UTC", 1, 5, "2026-01-01T04:00:00Z", "2026-01-02T01:00:00Z"},
        {"@hourly", "UTC", 22, 2, "2026-01-01T22:30:00Z", "2026-01-01T23:00:00Z"},
        {"@hourly", "UTC", 22, 2, "2026-01-01T01:00:00Z", "2026-01-01T22:00:00Z"},
        {"@hourly", "Europe/Berlin", 1, 5, "2026-07-01T04:00:00Z", "2026-07-01T23:00:00Z"},
        {"30 0,4 29 2 *", "UTC", 1, 5, "2026-01-01T00:00:00Z", "2028-02-29T04:30:00Z"},
        {"* * * * *", "UTC", 23, 0, "2026-01-01T23:59:00Z", "2026-01-02T23:00:00Z"},
        /* what is skipped would come behind the window's end: not that day */
        {"30 2 * * *", "Europe/Berlin", 1, 3, "2026-03-28T02:00:00Z", "2026-03-30T00:30:00Z"},
    };
    (void)state;
    EXPECT(rows);
}

struct edge {
    const char *zone;
    int begin, end;
    const char *at, *edge;
};

/* When the window closes, or opens, as seen from these moments. */
static void expect_edges(const struct edge *rows, size_t count,
                         int64_t (*find)(const struct policy *policy, int64_t at_ms))
{
    for (size_t i = 0; i < count; i++) {
        struct policy policy;
        char edge[21];
        int64_t at_ms = moment(rows[i].at), edge_ms;
        make(&policy, "@hourly", rows[i].zone, rows[i].begin, rows[i].end % 24);
        edge_ms = find(&policy, at_ms);
        time_rfc3339(edge_ms, edge);
        if (strcmp(edge, rows[i].edge) != 0) {
            fail_msg("%d-%d in %s at %s: %s instead of %s", rows[i].begin, rows[i].end, rows[i].zone,
                     rows[i].at, edge, rows[i].edge);
        }
        assert_int_equal(timetable_open(&policy, at_ms), (find == timetable_closes) == (edge_ms > at_ms));
        zone_destroy(policy.zone);
    }
}

#define EXPECT_EDGES(rows, find) expect_edges(rows, sizeof(rows) / sizeof(rows)[0], find)

static void a_window_closes_when_the_clock_on_the_wall_says_so(void **state)
{
    static const struct edge rows[] = {
        {"UTC", 1, 5, "2026-01-01T01:00:00Z", "2026-01-01T05:00:00Z"},
        {"UTC", 1, 5, "2026-01-01T04:59:59.999Z", "2026-01-01T05:00:00Z"},
        {"UTC", 1, 5, "2026-01-01T05:00:00Z", "2026-01-01T05:00:00Z"},
        {"UTC", 1, 5, "2026-01-01T00:59:00Z", "2026-01-01T00:59:00Z"},
        {"UTC", 22, 2, "2026-01-01T23:30:30Z", "2026-01-02T02:00:00Z"},
        {"UTC", 22, 2, "2026-01-02T00:30:00Z", "2026-01-02T02:00:00Z"},
        {"UTC", 22, 2, "2026-01-02T12:00:00Z", "2026-01-02T12:00:00Z"},
        {"Europe/Berlin", 1, 5, "2026-07-01T00:30:00Z", "2026-07-01T03:00:00Z"},
        /* an hour less, an hour more, and an end that is skipped */
        {"Europe/Berlin", 1, 5, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z"},
        {"Europe/Berlin", 1, 5, "2026-10-24T23:00:00Z", "2026-10-25T04:00:00Z"},
        {"America/Santiago", 22, 24, "2026-09-06T03:30:00Z", "2026-09-06T04:00:00Z"},
    };
    (void)state;
    EXPECT_EDGES(rows, timetable_closes);
}

/* The end comes twice: it closes at the first, opens with the hour that is shown again, and closes again. */
static void a_window_whose_end_comes_twice_closes_twice(void **state)
{
    struct policy policy;
    (void)state;
    make(&policy, "@hourly", "Europe/Berlin", 1, 2);
    policy.window.end = 2 * 60 + 30;
    assert_int_equal(timetable_closes(&policy, moment("2026-10-25T00:10:00Z")),
                     moment("2026-10-25T00:30:00Z"));
    assert_false(timetable_open(&policy, moment("2026-10-25T00:45:00Z")));
    assert_int_equal(timetable_closes(&policy, moment("2026-10-25T01:10:00Z")),
                     moment("2026-10-25T01:30:00Z"));
    zone_destroy(policy.zone);
}

static void a_window_opens_next_when_the_clock_on_the_wall_says_so(void **state)
{
    static const struct edge rows[] = {
        {"UTC", 1, 5, "2026-01-01T00:30:30Z", "2026-01-01T01:00:00Z"},
        {"UTC", 1, 5, "2026-01-01T02:00:00Z", "2026-01-01T02:00:00Z"},
        {"UTC", 1, 5, "2026-01-01T05:00:00Z", "2026-01-02T01:00:00Z"},
        {"UTC", 22, 2, "2026-01-01T02:00:00Z", "2026-01-01T22:00:00Z"},
        {"Europe/Berlin", 1, 5, "2026-07-01T12:00:00Z", "2026-07-01T23:00:00Z"},
        /* it begins with a time that is skipped */
        {"Europe/Berlin", 2, 5, "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
        /* all of it is skipped */
        {"Europe/Berlin", 2, 3, "2026-03-29T00:30:00Z", "2026-03-30T00:00:00Z"},
    };
    (void)state;
    EXPECT_EDGES(rows, timetable_opens);
}

static void without_a_window_it_is_always_open(void **state)
{
    const struct policy policy = {0};
    (void)state;
    assert_true(timetable_open(&policy, 0));
    assert_int_equal(timetable_closes(&policy, 0), INT64_MAX);
}

static void a_schedule_meets_its_window_or_does_not(void **state)
{
    static const struct {
        const char *cron;
        int begin, end;
        bool meets;
        int room_minutes; /* of the firing that has most */
    } rows[] = {
        {"15 2 * * *", 1, 5, true, 165}, {"0 5 * * *", 1, 5, false, 0},   {"0 1 * * *", 1, 5, true, 240},
        {"59 4 * * *", 1, 5, true, 1},   {"0 12 * * *", 22, 5, false, 0}, {"30 23 * * *", 22, 5, true, 330},
        {"0 0 * * *", 22, 5, true, 300}, {"0 6 * * *", 0, 0, true, 0},    {"*/40 * * * *", 22, 0, true, 120},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy policy;
        make(&policy, rows[i].cron, "UTC", rows[i].begin, rows[i].end);
        policy.scheduled = true;
        assert_int_equal(timetable_meets(&policy), rows[i].meets);
        assert_int_equal(timetable_room_ms(&policy), rows[i].room_minutes * TIME_MS_PER_MINUTE);
        policy.scheduled = false; /* by hand: whenever it is open */
        assert_int_equal(timetable_room_ms(&policy),
                         (rows[i].end - rows[i].begin + 24) % 24 * 60 * TIME_MS_PER_MINUTE);
    }
}

/* --- minute by minute ---------------------------------------------------------------------------------- */

static bool shows(const struct policy *policy, int64_t local_ms)
{
    struct time_civil c;
    time_to_civil(local_ms, &c);
    const struct cron *cron = &policy->cron;
    return (cron->minutes >> c.minute & 1) != 0 && (cron->hours >> c.hour & 1) != 0 &&
           (cron->months >> c.month & 1) != 0 && (cron->days >> c.day & 1) != 0;
}

/* Was this shown before, within the last hours? */
static bool shown_before(const struct policy *policy, int64_t at_ms)
{
    int64_t local_ms = at_ms + zone_offset_ms(policy->zone, at_ms);
    for (int64_t ms = at_ms - 3 * TIME_MS_PER_HOUR; ms < at_ms; ms += TIME_MS_PER_MINUTE) {
        if (ms + zone_offset_ms(policy->zone, ms) == local_ms) {
            return true;
        }
    }
    return false;
}

static bool fires(const struct policy *policy, int64_t at_ms)
{
    int64_t before_ms = at_ms - TIME_MS_PER_MINUTE;
    int64_t local_ms = at_ms + zone_offset_ms(policy->zone, at_ms);
    int64_t from_ms = before_ms + zone_offset_ms(policy->zone, before_ms) + TIME_MS_PER_MINUTE;
    if (policy->cron.any_time) {
        return shows(policy, local_ms);
    }
    for (int64_t skipped = from_ms; skipped < local_ms; skipped += TIME_MS_PER_MINUTE) {
        if (shows(policy, skipped)) {
            return true;
        }
    }
    return shows(policy, local_ms) && !shown_before(policy, at_ms);
}

static void compare(const struct policy *policy, const char *text, const char *zone, int64_t after_ms)
{
    int64_t at_ms = after_ms + TIME_MS_PER_MINUTE, until_ms = after_ms + 3 * TIME_MS_PER_DAY;
    while (at_ms <= until_ms && !fires(policy, at_ms)) {
        at_ms += TIME_MS_PER_MINUTE;
    }
    int64_t next_ms = timetable_next(policy, after_ms);
    if (at_ms <= until_ms ? next_ms != at_ms : next_ms <= until_ms) {
        fail_msg("'%s' in %s after %lld: %lld instead of %lld", text, zone, (long long)after_ms,
                 (long long)next_ms, (long long)at_ms);
    }
}

static void firings_agree_with_a_search_around_every_change(void **state)
{
    static const struct {
        const char *zone, *change;
    } places[] = {
        {"Europe/Berlin", "2026-03-29T01:00:00Z"},       {"Europe/Berlin", "2026-10-25T01:00:00Z"},
        {"Australia/Lord_Howe", "2026-10-03T15:30:00Z"}, {"America/Santiago", "2026-09-06T04:00:00Z"},
        {"America/New_York", "2040-11-04T06:00:00Z"},    {"Asia/Kolkata", "2026-05-05T00:00:00Z"}};
    static const char *const minutes[] = {"*", "0", "*/20", "5,35", "0-59"};
    static const char *const hours[] = {"*", "0", "2", "1-3", "*/2", "0-23", "23"};
    struct random random;
    uint64_t seed = seed_from(20261126);
    (void)state;
    random_seed(&random, seed);
    for (int i = 0; i < 300; i++) {
        size_t place = random_below(&random, sizeof places / sizeof places[0]);
        char text[40];
        struct policy policy;
        snprintf(text, sizeof text, "%s %s * * *", minutes[random_below(&random, 5)],
                 hours[random_below(&random, 7)]);
        make(&policy, text, places[place].zone, 0, 0);
        int64_t minute = (int64_t)random_below(&random, 1440) - 1200;
        compare(&policy, text, places[place].zone,
                moment(places[place].change) + minute * TIME_MS_PER_MINUTE);
        zone_destroy(policy.zone);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(times_are_those_of_the_zone),
    cmocka_unit_test(what_is_skipped_fires_in_the_moment_of_the_change),
    cmocka_unit_test(what_comes_twice_fires_the_first_time),
    cmocka_unit_test(it_fires_within_the_window_only),
    cmocka_unit_test(a_window_closes_when_the_clock_on_the_wall_says_so),
    cmocka_unit_test(a_window_whose_end_comes_twice_closes_twice),
    cmocka_unit_test(a_window_opens_next_when_the_clock_on_the_wall_says_so),
    cmocka_unit_test(without_a_window_it_is_always_open),
    cmocka_unit_test(a_schedule_meets_its_window_or_does_not),
    cmocka_unit_test(firings_agree_with_a_search_around_every_change),
};

TAP_MAIN(tests)
