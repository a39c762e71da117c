/* See policy/cron.h. A field becomes a set of bits; the next firing is searched day by day, at most 41 years.
 */
#include "policy/cron.h"

#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIELD_COUNT    5
#define FIELD_MAX      200 /* bytes of one field */
#define HORIZON_MONTHS (41 * 12)

static const char *const MONTHS[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                     "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const WEEKDAYS[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
    const char *name;
    int min, max;
    const char *const *words; /* of min, min + 1, ... */
} FIELDS[FIELD_COUNT] = {
    {"minute", 0, 59, NULL},  {"hour", 0, 23, NULL},           {"day of month", 1, 31, NULL},
    {"month", 1, 12, MONTHS}, {"day of week", 0, 7, WEEKDAYS},
};

static const struct nickname {
    const char *name, *text;
} NICKNAMES[] = {{"@hourly", "0 * * * *"},
                 {"@daily", "0 0 * * *"},
                 {"@weekly", "0 0 * * 0"},
                 {"@monthly", "0 0 1 * *"},
                 {"@yearly", "0 0 1 1 *"}};

static int refuse(const struct field *field, const char *item, struct err *err)
{
    return err_set(err, ERR_SYNTAX,
                   "'%.40s' is no %s: a number %d..%d%s, a range a-b, '*', a step such as */2 or a-b/2, "
                   "or a list of these",
                   item, field->name, field->min, field->max,
                   field->words != NULL ? ", a name (3 letters)" : "");
}

/* A number or a name. */
static bool read_value(const struct field *field, const char *text, int *value)
{
    int64_t number;
    if (text_int64(text, field->min, field->max, &number)) {
        *value = (int)number;
        return true;
    }
    for (int i = 0; field->words != NULL && field->words[i] != NULL; i++) {
        if (strcasecmp(text, field->words[i]) == 0) {
            *value = field->min + i;
            return true;
        }
    }
    return false;
}

/* One item of a list: '*', 'a', 'a-b', each of '*' and 'a-b' with '/step'. */
static int read_item(const struct field *field, char *item, uint64_t *bits, struct err *err)
{
    char shown[FIELD_MAX + 1];
    text_copy(shown, sizeof shown, item);
    int64_t step = 1;
    int first = field->min, last = field->max;
    char *slash = strchr(item, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    char *dash = strchr(item, '-');
    if (dash != NULL) {
        *dash = '\0';
    }
    bool all = strcmp(item, "*") == 0 && dash == NULL;
    if (!all && !read_value(field, item, &first)) {
        return refuse(field, shown, err);
    }
    last = all || dash != NULL ? last : first;
    if (dash != NULL && (!read_value(field, dash + 1, &last) || last < first)) {
        return refuse(field, shown, err);
    }
    /* A step on a single number, or one that leaves the field at once, is a slip: cron would read it as
     * something other than what it looks like. */
    if (slash != NULL && ((!all && dash == NULL) || !text_int64(slash + 1, 1, field->max, &step))) {
        return refuse(field, shown, err);
    }
    for (int value = first; value <= last; value += (int)step) {
        *bits |= UINT64_C(1) << value;
    }
    return 0;
}

static int read_field(const struct field *field, const char *text, size_t length, uint64_t *bits,
                      struct err *err)
{
    char list[FIELD_MAX + 1];
    if (length > FIELD_MAX) {
        return err_set(err, ERR_SYNTAX, "the %s has over %d characters", field->name, FIELD_MAX);
    }
    memcpy(list, text, length);
    list[length] = '\0';
    *bits = 0;
    for (char *item = list, *next; item != NULL; item = next) {
        next = strchr(item, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (read_item(field, item, bits, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static bool day_fits(const struct cron *cron, int day, int weekday)
{
    bool by_day = (cron->days >> day & 1) != 0;
    bool by_weekday = (cron->weekdays >> weekday & 1) != 0;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* Where one of the day fields begins with '*' both must fit, and then some month must have such a day. Every
 * date meets every weekday in the 400 years of the calendar's cycle. */
static bool ever_fires(const struct cron *cron)
{
    static const int lengths[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!cron->any_day && !cron->any_weekday) {
        return true;
    }
    for (int month = 1; month <= 12; month++) {
        uint32_t possible = (UINT32_C(2) << lengths[month]) - 2; /* bits 1..length; 2 << 31 wraps to 0 */
        if ((cron->months >> month & 1) != 0 && (cron->days & possible) != 0) {
            return true;
        }
    }
    return false;
}

static int expand_nickname(const char **text, struct err *err)
{
    for (size_t i = 0; i < sizeof NICKNAMES / sizeof NICKNAMES[0]; i++) {
        if (strcmp(*text, NICKNAMES[i].name) == 0) {
            *text = NICKNAMES[i].text;
            return 0;
        }
    }
    return err_set(err, ERR_SYNTAX, "'%.40s' is none of @hourly, @daily, @weekly, @monthly, @yearly", *text);
}

int cron_parse(const char *text, struct cron *cron, struct err *err)
{
    uint64_t bits[FIELD_COUNT];
    bool star[FIELD_COUNT];
    int count = 0;
    const char *at = text;
    if (*at == '@' && expand_nickname(&at, err) != 0) {
        return -1;
    }
    for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        size_t length = strcspn(at, " \t");
        if (count == FIELD_COUNT) {
            count++;
            break;
        }
        if (read_field(&FIELDS[count], at, length, &bits[count], err) != 0) {
            return -1;
        }
        star[count++] = *at == '*';
        at += length;
    }
    if (count != FIELD_COUNT) {
        return err_set(err, ERR_SYNTAX,
                       "'%.40s' has %s than the five fields minute, hour, day of month, month, day of week",
                       text, count < FIELD_COUNT ? "fewer" : "more");
    }
    *cron = (struct cron){.minutes = bits[0],
                          .hours = (uint32_t)bits[1],
                          .days = (uint32_t)bits[2],
                          .months = (uint32_t)bits[3],
                          .weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f), /* 7 is Sunday too */
                          .any_day = star[2],
                          .any_weekday = star[4],
                          .any_time = star[0] || star[1]};
    if (!ever_fires(cron)) {
        return err_set(err, ERR_SYNTAX, "'%.40s' never fires: none of its months has such a day", text);
    }
    return 0;
}

/* The first minute of the day, at or after `minute`, that fits; -1 when there is none. */
static int minute_of_day(const struct cron *cron, int minute)
{
    for (; minute < 24 * 60; minute++) {
        if ((cron->hours >> (minute / 60) & 1) != 0 && (cron->minutes >> (minute % 60) & 1) != 0) {
            return minute;
        }
    }
    return -1;
}

/* The first firing in the month of `civil`, from its day and minute on; -1 when there is none. */
static int64_t next_in_month(const struct cron *cron, const struct time_civil *civil)
{
    struct time_civil day = *civil;
    int from = civil->hour * 60 + civil->minute;
    if ((cron->months >> civil->month & 1) == 0) {
        return -1;
    }
    for (day.hour = day.minute = day.second = 0; day.month == civil->month; from = 0) {
        int64_t start = time_from_civil(&day);
        int minute = day_fits(cron, day.day, day.weekday) ? minute_of_day(cron, from) : -1;
        if (minute >= 0) {
            return start + minute * TIME_MS_PER_MINUTE;
        }
        time_to_civil(start + TIME_MS_PER_DAY, &day);
    }
    return -1;
}

int64_t cron_next(const struct cron *cron, int64_t after_ms)
{
    struct time_civil civil;
    time_to_civil(after_ms + TIME_MS_PER_MINUTE, &civil); /* its minute is the first that may fire */
    for (int i = 0; i < HORIZON_MONTHS; i++) {
        int64_t found = next_in_month(cron, &civil);
        if (found >= 0) {
            return found;
        }
        struct time_civil month = {
            .year = civil.year + civil.month / 12, .month = civil.month % 12 + 1, .day = 1};
        time_to_civil(time_from_civil(&month), &civil); /* for its weekday */
    }
    return -1;
}
