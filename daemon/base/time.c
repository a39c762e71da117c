/* See base/time.h. The calendar arithmetic is Howard Hinnant's days_from_civil and civil_from_days, with eras
 * of 400 years that begin in March, so that the leap day is a year's last. */
#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAYS_PER_ERA     146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */
#define DURATION_MAX     (INT64_C(36525) * TIME_MS_PER_DAY)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void time_to_civil(int64_t ms, struct time_civil *civil)
{
    int64_t seconds = floor_div(ms, TIME_MS_PER_SECOND);
    int64_t days = floor_div(seconds, 86400);
    int64_t second = seconds - days * 86400;
    int64_t shifted = days + DAYS_BEFORE_1970;
    int64_t era = floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    int64_t weekday = (days + 4) % 7; /* 1970-01-01 was a Thursday */
    civil->day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    civil->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    civil->year = (int)(year_of_era + era * 400 + (civil->month <= 2));
    civil->hour = (int)(second / 3600);
    civil->minute = (int)(second / 60 % 60);
    civil->second = (int)(second % 60);
    civil->weekday = (int)(weekday < 0 ? weekday + 7 : weekday);
}

int64_t time_from_civil(const struct time_civil *civil)
{
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t march_month = civil->month > 2 ? civil->month - 3 : civil->month + 9;
    int64_t day_of_year = (153 * march_month + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * DAYS_PER_ERA + day_of_era - DAYS_BEFORE_1970;
    return (days * 86400 + civil->hour * 3600 + civil->minute * 60 + civil->second) * TIME_MS_PER_SECOND;
}

/* Every format here has fields of a fixed width. */
static void put_digits(char *to, int width, int value)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
}

static bool get_digits(const char *from, int width, int *value)
{
    *value = 0;
    for (int i = 0; i < width; i++) {
        if (from[i] < '0' || from[i] > '9') {
            return false;
        }
        *value = *value * 10 + (from[i] - '0');
    }
    return true;
}

void time_amz(int64_t ms, char out[17])
{
    struct time_civil c;
    time_to_civil(ms, &c);
    memcpy(out, "00000000T000000Z", 17);
    put_digits(out, 4, c.year);
    put_digits(out + 4, 2, c.month);
    put_digits(out + 6, 2, c.day);
    put_digits(out + 9, 2, c.hour);
    put_digits(out + 11, 2, c.minute);
    put_digits(out + 13, 2, c.second);
}

void time_rfc3339(int64_t ms, char out[21])
{
    struct time_civil c;
    time_to_civil(ms, &c);
    memcpy(out, "0000-00-00T00:00:00Z", 21);
    put_digits(out, 4, c.year);
    put_digits(out + 5, 2, c.month);
    put_digits(out + 8, 2, c.day);
    put_digits(out + 11, 2, c.hour);
    put_digits(out + 14, 2, c.minute);
    put_digits(out + 17, 2, c.second);
}

static bool civil_possible(const struct time_civil *c)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->year < 1 || c->month < 1 || c->month > 12 || c->day < 1 || c->day > days[c->month - 1]) {
        return false;
    }
    bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
    return (c->month != 2 || c->day < 29 || leap) && c->hour < 24 && c->minute < 60 && c->second <= 60;
}

/* "Z", "+01:00", "-05:30"; *rest is left at its end. */
static bool parse_offset(const char *text, const char **rest, int64_t *offset_ms)
{
    int hours, minutes;
    if (*text == 'Z' || *text == 'z') {
        *offset_ms = 0;
        *rest = text + 1;
        return true;
    }
    if ((*text != '+' && *text != '-') || !get_digits(text + 1, 2, &hours) || text[3] != ':' ||
        !get_digits(text + 4, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *offset_ms = (hours * TIME_MS_PER_HOUR + minutes * TIME_MS_PER_MINUTE) * (*text == '-' ? -1 : 1);
    *rest = text + 6;
    return true;
}

static bool parse_rfc3339(const char *text, int64_t *ms)
{
    struct time_civil c;
    if (!get_digits(text, 4, &c.year) || text[4] != '-' || !get_digits(text + 5, 2, &c.month) ||
        text[7] != '-' || !get_digits(text + 8, 2, &c.day) || (text[10] != 'T' && text[10] != 't') ||
        !get_digits(text + 11, 2, &c.hour) || text[13] != ':' || !get_digits(text + 14, 2, &c.minute) ||
        text[16] != ':' || !get_digits(text + 17, 2, &c.second) || !civil_possible(&c)) {
        return false;
    }
    const char *at = text + 19;
    int64_t fraction_ms = 0, offset_ms, weight = 100;
    if (*at == '.') {
        if (at[1] < '0' || at[1] > '9') {
            return false;
        }
        for (at++; *at >= '0' && *at <= '9'; at++, weight /= 10) {
            fraction_ms += (*at - '0') * weight;
        }
    }
    if (!parse_offset(at, &at, &offset_ms) || *at != '\0') {
        return false;
    }
    *ms = time_from_civil(&c) + fraction_ms - offset_ms;
    return true;
}

int time_parse_rfc3339(const char *text, int64_t *ms, struct err *err)
{
    if (!parse_rfc3339(text, ms)) {
        return err_set(err, ERR_SYNTAX, "'%.64s' is no time such as 2026-11-24T03:15:00Z", text);
    }
    return 0;
}

static const char MONTHS[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char WEEKDAYS[] = "SunMonTueWedThuFriSat";

/* The number of the three letters at `text` in a list of such names, -1 when they are not in it. */
static int three_letters(const char *text, const char *names)
{
    for (int i = 0; names[i] != '\0'; i += 3) {
        if (strncmp(text, names + i, 3) == 0) {
            return i / 3;
        }
    }
    return -1;
}

/* "Tue, 24 Nov 2026 03:15:00 GMT" */
static bool parse_http(const char *text, int64_t *ms)
{
    struct time_civil c;
    if (strlen(text) != 29 || three_letters(text, WEEKDAYS) < 0 || strncmp(text + 3, ", ", 2) != 0 ||
        text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':' ||
        strcmp(text + 25, " GMT") != 0) {
        return false;
    }
    c.month = three_letters(text + 8, MONTHS) + 1;
    if (!get_digits(text + 5, 2, &c.day) || !get_digits(text + 12, 4, &c.year) ||
        !get_digits(text + 17, 2, &c.hour) || !get_digits(text + 20, 2, &c.minute) ||
        !get_digits(text + 23, 2, &c.second) || !civil_possible(&c)) {
        return false;
    }
    *ms = time_from_civil(&c);
    return true;
}

int time_parse_http(const char *text, int64_t *ms, struct err *err)
{
    if (!parse_http(text, ms)) {
        return err_set(err, ERR_SYNTAX, "'%.64s' is no HTTP date such as Tue, 24 Nov 2026 03:15:00 GMT",
                       text);
    }
    return 0;
}

static const struct unit {
    const char *name, *long_name;
    int64_t ms;
} UNITS[] = {{"w", "w", 7 * TIME_MS_PER_DAY},  {"d", "d", TIME_MS_PER_DAY},    {"h", "h", TIME_MS_PER_HOUR},
             {"m", "min", TIME_MS_PER_MINUTE}, {"s", "s", TIME_MS_PER_SECOND}, {"ms", "ms", 1}};
#define UNIT_COUNT  (sizeof UNITS / sizeof UNITS[0])
#define UNIT_DAYS   1 /* the largest unit that people read at once */
#define UNIT_SECOND 4

/* The unit whose name is all of the letters at `text`; UNIT_COUNT when there is none. */
static size_t unit_at(const char *text, size_t length)
{
    size_t i = 0;
    while (i < UNIT_COUNT && (strlen(UNITS[i].name) != length || strncmp(UNITS[i].name, text, length) != 0)) {
        i++;
    }
    return i;
}

int time_parse_duration(const char *text, int64_t *ms, struct err *err)
{
    static const char allowed[] = "a whole number with a unit (ms, s, m, h, d, w), such as 30d or 1h30m";
    const char *at = text;
    size_t next_unit = 0; /* units fall: each is behind the one before */
    int64_t total = 0;
    do {
        size_t digits = strspn(at, "0123456789");
        size_t letters = strspn(at + digits, "abcdefghijklmnopqrstuvwxyz");
        size_t unit = unit_at(at + digits, letters);
        if (digits == 0 || unit == UNIT_COUNT || unit < next_unit) {
            const char *why = digits > 0 && at[digits] == '\0' ? "has no unit" : "is no duration";
            return err_set(err, ERR_INVALID, "'%.64s' %s: %s", text, why, allowed);
        }
        int64_t count = 0;
        for (size_t i = 0; i < digits && count <= DURATION_MAX; i++) {
            count = count * 10 + (at[i] - '0');
        }
        if (count > (DURATION_MAX - total) / UNITS[unit].ms) {
            return err_set(err, ERR_INVALID, "'%.64s' is over 100 years", text);
        }
        total += count * UNITS[unit].ms;
        next_unit = unit + 1;
        at += digits + letters;
    } while (*at != '\0');
    if (total == 0) {
        return err_set(err, ERR_INVALID, "'%.64s' is zero: a duration above 0 is needed", text);
    }
    *ms = total;
    return 0;
}

char *time_duration(int64_t ms, char out[48])
{
    size_t used = 0;
    strcpy(out, "0s");
    for (size_t i = UNIT_DAYS; i < UNIT_COUNT; i++) {
        if (ms >= UNITS[i].ms) {
            used += (size_t)snprintf(out + used, 48 - used, "%lld%s", (long long)(ms / UNITS[i].ms),
                                     UNITS[i].name);
            ms %= UNITS[i].ms;
        }
    }
    return out;
}

char *time_about(int64_t ms, char out[32])
{
    size_t i = UNIT_DAYS;
    while (i < UNIT_COUNT - 1 && ms < UNITS[i].ms) {
        i++;
    }
    bool two = i < UNIT_SECOND; /* seconds and less are rounded to one unit */
    int64_t smallest = two ? UNITS[i + 1].ms : UNITS[i].ms;
    int64_t rounded = (ms + smallest / 2) / smallest;
    int64_t ratio = UNITS[i].ms / smallest;
    if (rounded % ratio != 0) {
        snprintf(out, 32, "%lld %s %lld %s", (long long)(rounded / ratio), UNITS[i].long_name,
                 (long long)(rounded % ratio), UNITS[i + 1].long_name);
    } else {
        snprintf(out, 32, "%lld %s", (long long)(rounded / ratio), UNITS[i].long_name);
    }
    return out;
}
