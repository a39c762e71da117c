/* Times and durations as text. Wall time is int64_t milliseconds since 1970-01-01T00:00:00Z, monotonic time
 * int64_t nanoseconds; nothing here reads a clock. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define TIME_MS_PER_SECOND INT64_C(1000)
#define TIME_MS_PER_MINUTE INT64_C(60000)
#define TIME_MS_PER_HOUR   INT64_C(3600000)
#define TIME_MS_PER_DAY    INT64_C(86400000)
#define TIME_NS_PER_MS     INT64_C(1000000)
#define TIME_NS_PER_SECOND INT64_C(1000000000)

/* A UTC calendar date and time; month 1..12, day 1..31, weekday 0 (Sunday)..6. */
struct time_civil {
    int year, month, day, hour, minute, second, weekday;
};

/* Both work for years 1 to 9999 and are inverse to each other (but for the milliseconds). */
void time_to_civil(int64_t ms, struct time_civil *civil);
int64_t time_from_civil(const struct time_civil *civil); /* ignores weekday */

/* "20261124T031500Z", as X-Amz-Date wants it. */
void time_amz(int64_t ms, char out[17]);

/* "2026-11-24T03:15:00Z" (milliseconds cut), and back. Parsing also takes fractions of a second and numeric
 * offsets (RFC 3339); -1 for anything else. */
void time_rfc3339(int64_t ms, char out[21]);
int time_parse_rfc3339(const char *text, int64_t *ms, struct err *err);

/* The value of an HTTP Date header in the one form that servers may send (RFC 9110 5.6.7, IMF-fixdate). */
int time_parse_http(const char *text, int64_t *ms, struct err *err);

/* "30d", "90m", "1h30m": whole numbers with the units ms, s, m, h, d, w, each at most once, in falling order.
 * A number without a unit, a sign, 0 in all, and more than 100 years are ERR_INVALID, with what is allowed.
 */
int time_parse_duration(const char *text, int64_t *ms, struct err *err);

/* The shortest such text for a duration above 0, exact; "0s" for 0. Returns out. */
char *time_duration(int64_t ms, char out[48]);

/* A duration for people, two units at most and rounded: "3 d 4 h", "12 s". Returns out. */
char *time_about(int64_t ms, char out[32]);

#endif
