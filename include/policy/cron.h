/* Cron expressions of five fields (minute, hour, day of month, month, day of week), as crontab(5) of
 * Debian reads them: lists, ranges, steps, names of months and days, 0 and 7 for Sunday; when both day fields
 * are restricted (neither begins with '*'), either one is enough. Also @hourly, @daily, @weekly, @monthly,
 * @yearly. */
#ifndef POLICY_CRON_H
#define POLICY_CRON_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field began with '*' */
    bool any_time;             /* that of the minute or of the hour did */
};

/* -1 with ERR_SYNTAX: what was found and what is allowed; also for an expression that never fires (31
 * February). */
int cron_parse(const char *text, struct cron *cron, struct err *err);

/* The first firing strictly after `after_ms`, a whole minute, both in milliseconds of one clock that is never
 * set: UTC, or a local time as if it were UTC (see policy/timetable.h). What cron_parse()
 * accepted fires within 40 years: 29 February falls on a given weekday every 28 years, or 40 where a century
 * is no leap year. -1 when there is none by then. */
int64_t cron_next(const struct cron *cron, int64_t after_ms);

#endif
