/* Cron expressions: tables, and a search minute by minute as the reference. */
#include "base/random.h"
#include "base/time.h"
#include "policy/cron.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static int64_t moment(const char *text)
{
    struct err err;
    int64_t ms;
    assert_int_equal(time_parse_rfc3339(text, &ms, &err), 0);
    return ms;
}

static void the_next_firing_is_as_cron_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *after, *next;
    } table[] = {
        {"* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
        {"* * * * *", "2026-01-01T00:00:59.999Z", "2026-01-01T00:01:00Z"},
        {"15 2 * * *", "2026-01-01T02:14:59.999Z", "2026-01-01T02:15:00Z"},
        {"15 2 * * *", "2026-01-01T02:15:00Z", "2026-01-02T02:15:00Z"},
        {"0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"59 23 31 12 *", "2026-01-01T00:00:00Z", "2026-12-31T23:59:00Z"},
        {"0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 29 2 *", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
        {"0 0 29 2 *", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
        {"0 0 31 * *", "2026-04-01T00:00:00Z", "2026-05-31T00:00:00Z"},
        {"0 0 * * 0", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
        {"0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
        {"0 0 * * sun", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
        {"0 0 * * 5-7", "2026-01-03T00:00:00Z", "2026-01-04T00:00:00Z"},
        {"0 0 * * MON-fri", "2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"},
        {"0 0 * feb *", "2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z"},
        /* Both day fields: either is enough ... */
        {"0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
        {"0 0 13 * 5", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"},
        {"0 0 31 2 1", "2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z"},
        /* ... unless one of them begins with '*'. */
        {"0 0 */2 * 5", "2026-01-01T00:00:00Z", "2026-01-09T00:00:00Z"},
        {"0 0 13 * */2", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z"},
        {"0 0 */28 2 1", "2026-03-01T00:00:00Z", "2027-02-01T00:00:00Z"},
        {"0 0 */30 2 1", "2027-03-01T00:00:00Z", "2038-02-01T00:00:00Z"},
        {"*/20 * * * *", "2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z"},
        {"*/20 * * * *", "2026-01-01T00:40:00Z", "2026-01-01T01:00:00Z"},
        {"10-30/10 4 * * *", "2026-01-01T04:20:00Z", "2026-01-01T04:30:00Z"},
        {"1,3,5-6 0 * * *", "2026-01-01T00:03:00Z", "2026-01-01T00:05:00Z"},
        {"\t 5  4\t* * * ", "2026-01-01T00:00:00Z", "2026-01-01T04:05:00Z"},
        {"@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"},
        {"@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"},
        {"@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
        {"@monthly", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
        {"@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"0 0 1 1 *", "1969-12-31T23:58:00Z", "1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cron cron;
        struct err err;
        char next[21];
        if (cron_parse(table[i].text, &cron, &err) != 0) {
            fail_msg("'%s': %s", table[i].text, err.msg);
        }
        time_rfc3339(cron_next(&cron, moment(table[i].after)), next);
        if (strcmp(next, table[i].next) != 0) {
            fail_msg("'%s' after %s: %s instead of %s", table[i].text, table[i].after, next, table[i].next);
        }
    }
}

static void slips_are_refused(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        " ",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 0 *",
        "* * * 13 *",
        "* * * * 8",
        "-1 * * * *",
        "+1 * * * *",
        "1.5 * * * *",
        "a * * * *",
        "mon * * * *",
        "* * * janu *",
        "* * * * su",
        "5-3 * * * *",
        "1- * * * *",
        "-3 * * * *",
        "1-2-3 * * * *",
        "*/0 * * * *",
        "*/60 * * * *",
        "*/ * * * *",
        "5/2 * * * *",
        "1-9/x * * * *",
        "*/2/3 * * * *",
        "1,,2 * * * *",
        ",1 * * * *",
        "1, * * * *",
        "** * * * *",
        "*-5 * * * *",
        "? * * * *",
        "@reboot",
        "@Daily",
        "@daily x",
        "@",
        "* * L * *",
        "* * * * 5#2",
        "99999999999999999999 * * * *",
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cron cron;
        struct err err = {0};
        if (cron_parse(table[i], &cron, &err) == 0) {
            fail_msg("'%s' was accepted", table[i]);
        }
        assert_int_equal(err.code, ERR_SYNTAX);
        assert_true(strlen(err.msg) > 0);
    }
}

static void what_never_fires_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fires;
    } table[] = {
        {"0 0 31 2 *", false},        {"0 0 30 2 *", false},  {"0 0 29 2 *", true},
        {"0 0 31 4,6,9,11 *", false}, {"0 0 31 4,5 *", true}, {"0 0 30-31 2 */2", false},
        {"0 0 31 2 1", true},         {"0 0 30 4 *", true},   {"0 0 31 2 0-7", true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cron cron;
        struct err err = {0};
        bool accepted = cron_parse(table[i].text, &cron, &err) == 0;
        if (accepted != table[i].fires) {
            fail_msg("'%s' was %s", table[i].text, accepted ? "accepted" : "refused");
        }
        if (!accepted) {
            assert_non_null(strstr(err.msg, "never fires"));
        }
    }
}

static void a_very_long_field_is_refused(void **state)
{
    (void)state;
    char text[2000];
    struct cron cron;
    struct err err;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    strcpy(text + sizeof text - 9, " * * * *");
    assert_int_equal(cron_parse(text, &cron, &err), -1);
}

/* crontab(5), minute by minute. */
static bool fits(const struct cron *cron, int64_t ms)
{
    struct time_civil c;
    time_to_civil(ms, &c);
    bool day = (cron->days >> c.day & 1) != 0, weekday = (cron->weekdays >> c.weekday & 1) != 0;
    bool days = cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
    return (cron->minutes >> c.minute & 1) != 0 && (cron->hours >> c.hour & 1) != 0 &&
           (cron->months >> c.month & 1) != 0 && days;
}

static int64_t naive_next(const struct cron *cron, int64_t after_ms, int64_t until_ms)
{
    int64_t ms = after_ms - ((after_ms % TIME_MS_PER_MINUTE) + TIME_MS_PER_MINUTE) % TIME_MS_PER_MINUTE;
    for (ms += TIME_MS_PER_MINUTE; ms <= until_ms; ms += TIME_MS_PER_MINUTE) {
        if (fits(cron, ms)) {
            return ms;
        }
    }
    return -1;
}

static void random_field(struct random *random, int min, int max, char *out, size_t size)
{
    int a = min + (int)random_below(random, (uint64_t)(max - min + 1));
    int b = a + (int)random_below(random, (uint64_t)(max - a + 1));
    switch (random_below(random, 6)) {
    case 0:
        snprintf(out, size, "%d", a);
        break;
    case 1:
        snprintf(out, size, "%d-%d", a, b);
        break;
    case 2:
        snprintf(out, size, "*/%d", 1 + a % max);
        break;
    case 3:
        snprintf(out, size, "%d,%d-%d/2", min, a, b);
        break;
    default:
        snprintf(out, size, "*");
    }
}

static void firings_agree_with_a_search_by_minutes(void **state)
{
    (void)state;
    uint64_t seed = seed_from(20261124);
    struct random random;
    int found = 0;
    random_seed(&random, seed);
    for (int i = 0; i < 400; i++) {
        char field[5][24], text[140];
        struct cron cron;
        struct err err;
        static const int min[] = {0, 0, 1, 1, 0}, max[] = {59, 23, 31, 12, 7};
        for (int f = 0; f < 5; f++) {
            random_field(&random, min[f], max[f], field[f], sizeof field[f]);
        }
        snprintf(text, sizeof text, "%s %s %s %s %s", field[0], field[1], field[2], field[3], field[4]);
        /* 1999 to 2009, so that a leap year of a century is among them */
        int64_t after = moment("1999-01-01T00:00:00Z") + (int64_t)random_below(&random, 3650 * 86400000ull);
        int64_t until = after + 60 * TIME_MS_PER_DAY;
        if (cron_parse(text, &cron, &err) != 0) {
            assert_non_null(strstr(err.msg, "never fires"));
            continue;
        }
        int64_t wanted = naive_next(&cron, after, until), next = cron_next(&cron, after);
        found += wanted >= 0;
        if (wanted >= 0 ? next != wanted : next <= until) {
            fail_msg("'%s' after %lld: %lld instead of %lld", text, (long long)after, (long long)next,
                     (long long)wanted);
        }
    }
    assert_true(found > 100);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_next_firing_is_as_cron_has_it),
    cmocka_unit_test(slips_are_refused),
    cmocka_unit_test(what_never_fires_is_refused),
    cmocka_unit_test(a_very_long_field_is_refused),
    cmocka_unit_test(firings_agree_with_a_search_by_minutes),
};

TAP_MAIN(tests)
