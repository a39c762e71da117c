/* When a policy may run: its cron expression and its window, on the clock on the wall of its time zone. Pure.
 *
 * Where that clock is set, a firing goes by cron(8) of Debian. An expression that names the minute and the
 * hour fires once for each of its times: for one that is skipped in the moment of the change, for one that
 * comes twice the first time. One whose minute or hour begins with '*' follows the clock as it is. */
#ifndef POLICY_TIMETABLE_H
#define POLICY_TIMETABLE_H

#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* The first firing strictly after after_ms within the window; -1 when there is none within some 40 years. */
int64_t timetable_next(const struct policy *policy, int64_t after_ms);

/* May it run at this moment? Always, without a window. */
bool timetable_open(const struct policy *policy, int64_t at_ms);
/* When the window that is open at this moment closes: at_ms where it is closed, INT64_MAX without one. */
int64_t timetable_closes(const struct policy *policy, int64_t at_ms);
/* When the window opens next; at_ms where it is open. */
int64_t timetable_opens(const struct policy *policy, int64_t at_ms);
/* By how much a run that is due at this moment may be put off: the jitter, and less where the window closes
 * before. */
int64_t timetable_spread_ms(const struct policy *policy, int64_t at_ms);
/* The longest that a firing has until the window closes, without jitter, by the clock on the wall: what the
 * best day allows. 0: it has no window, or never fires within it. */
int64_t timetable_room_ms(const struct policy *policy);
/* Does a time of day of the expression lie within the window? */
bool timetable_meets(const struct policy *policy);

#endif
