/* See policy/timetable.h. */
#include "policy/timetable.h"

#include "base/time.h"
#include "policy/zone.h"

#define DAY_MINUTES (24 * 60)
#define HORIZON_MS  (41 * INT64_C(366) * TIME_MS_PER_DAY)
#define FIRINGS_MAX (32 * DAY_MINUTES) /* outside of the window, or of a time that comes twice, in a row */
#define STRIDE_MS   TIME_MS_PER_DAY    /* no clock is set twice within it */

static int64_t local_of(const struct policy *policy, int64_t at_ms)
{
    return at_ms + zone_offset_ms(policy->zone, at_ms);
}

static int minute_of_day(int64_t local_ms)
{
    struct time_civil civil;
    time_to_civil(local_ms, &civil);
    return civil.hour * 60 + civil.minute;
}

/* The moment after from_ms, and not after until_ms, from which on the clock is set as at until_ms. */
static int64_t change_between(const struct zone *zone, int64_t from_ms, int64_t until_ms)
{
    int64_t offset = zone_offset_ms(zone, until_ms);
    while (until_ms - from_ms > 1) {
        int64_t middle = from_ms + (until_ms - from_ms) / 2;
        if (zone_offset_ms(zone, middle) == offset) {
            until_ms = middle;
        } else {
            from_ms = middle;
        }
    }
    return until_ms;
}

/* When the clock on the wall first shows this or, where that is skipped, more. */
static int64_t moment_of(const struct zone *zone, int64_t local_ms)
{
    int64_t at_ms = zone_to_utc(zone, local_ms);
    int64_t skipped_ms = at_ms + zone_offset_ms(zone, at_ms) - local_ms;
    return skipped_ms > 0 ? change_between(zone, at_ms - skipped_ms, at_ms) : at_ms;
}

/* --- firings ------------------------------------------------------------------------------------------- */

static int64_t next_named(const struct policy *policy, int64_t after_ms)
{
    int64_t local_ms = local_of(policy, after_ms);
    for (int i = 0; i < FIRINGS_MAX; i++) {
        local_ms = cron_next(&policy->cron, local_ms);
        int64_t at_ms = local_ms >= 0 ? moment_of(policy->zone, local_ms) : -1;
        if (at_ms < 0 || at_ms > after_ms) {
            return at_ms;
        }
    }
    return -1;
}

/* As far as the clock is not set, the local times are simply so much apart. */
static int64_t next_as_shown(const struct policy *policy, int64_t after_ms)
{
    int64_t offset = zone_offset_ms(policy->zone, after_ms);
    int64_t local_ms = cron_next(&policy->cron, after_ms + offset);
    for (int64_t from_ms = after_ms; from_ms - after_ms < HORIZON_MS && local_ms >= 0;) {
        int64_t until_ms = from_ms + STRIDE_MS, offset_then = zone_offset_ms(policy->zone, until_ms);
        int64_t set_ms =
            offset_then != offset ? change_between(policy->zone, from_ms, until_ms) : until_ms + 1;
        if (local_ms - offset < set_ms) {
            return local_ms - offset;
        }
        from_ms = set_ms - 1;
        if (offset_then != offset) {
            offset = offset_then;
            local_ms = cron_next(&policy->cron, from_ms + offset);
        }
    }
    return -1;
}

int64_t timetable_next(const struct policy *policy, int64_t after_ms)
{
    for (int i = 0; i < FIRINGS_MAX && after_ms >= 0; i++) {
        after_ms = policy->zone == NULL    ? cron_next(&policy->cron, after_ms)
                   : policy->cron.any_time ? next_as_shown(policy, after_ms)
                                           : next_named(policy, after_ms);
        if (after_ms >= 0 && timetable_open(policy, after_ms)) {
            return after_ms;
        }
    }
    return -1;
}

/* --- the window ---------------------------------------------------------------------------------------- */

static bool within(const struct window *window, int minute)
{
    return window->begin < window->end ? minute >= window->begin && minute < window->end
                                       : minute >= window->begin || minute < window->end;
}

static bool has_window(const struct policy *policy)
{
    return policy->window.begin != policy->window.end;
}

bool timetable_open(const struct policy *policy, int64_t at_ms)
{
    return !has_window(policy) || within(&policy->window, minute_of_day(local_of(policy, at_ms)));
}

int64_t timetable_closes(const struct policy *policy, int64_t at_ms)
{
    if (!has_window(policy)) {
        return INT64_MAX;
    }
    if (!timetable_open(policy, at_ms)) {
        return at_ms;
    }
    int64_t local_ms = local_of(policy, at_ms);
    int minute = minute_of_day(local_ms), left = policy->window.end - minute;
    int64_t end_ms = local_ms - local_ms % TIME_MS_PER_MINUTE +
                     (left > 0 ? left : left + DAY_MINUTES) * TIME_MS_PER_MINUTE;
    int64_t closes_ms = moment_of(policy->zone, end_ms);
    /* The clock was set back over the end: it is the second time that counts. */
    return closes_ms > at_ms ? closes_ms : at_ms + (end_ms - local_ms);
}

int64_t timetable_opens(const struct policy *policy, int64_t at_ms)
{
    int64_t local_ms = local_of(policy, at_ms), opens_ms = at_ms;
    int64_t midnight_ms =
        local_ms - (minute_of_day(local_ms) * TIME_MS_PER_MINUTE) - local_ms % TIME_MS_PER_MINUTE;
    for (int day = 0; !timetable_open(policy, opens_ms) && day < 8; day++) {
        int64_t begin_ms = midnight_ms + day * TIME_MS_PER_DAY + policy->window.begin * TIME_MS_PER_MINUTE;
        opens_ms = moment_of(policy->zone, begin_ms);
        opens_ms = opens_ms > at_ms ? opens_ms : at_ms;
    }
    return opens_ms;
}

int64_t timetable_spread_ms(const struct policy *policy, int64_t at_ms)
{
    int64_t closes_ms = timetable_closes(policy, at_ms);
    int64_t open_ms = closes_ms > at_ms ? closes_ms - at_ms - 1 : 0;
    return policy->jitter_ms < open_ms ? policy->jitter_ms : open_ms;
}

static bool fires_at(const struct policy *policy, int minute)
{
    return (policy->cron.hours >> (minute / 60) & 1) != 0 && (policy->cron.minutes >> (minute % 60) & 1) != 0;
}

/* Without an expression it is started by hand, at any time. */
int64_t timetable_room_ms(const struct policy *policy)
{
    const struct window *window = &policy->window;
    int best = 0;
    for (int minute = 0; has_window(policy) && minute < DAY_MINUTES; minute++) {
        int left = (window->end - minute + DAY_MINUTES) % DAY_MINUTES;
        bool begins = (!policy->scheduled || fires_at(policy, minute)) && within(window, minute);
        if (begins && left > best) {
            best = left;
        }
    }
    return best * TIME_MS_PER_MINUTE;
}

bool timetable_meets(const struct policy *policy)
{
    for (int minute = 0; minute < DAY_MINUTES; minute++) {
        if (fires_at(policy, minute) && (!has_window(policy) || within(&policy->window, minute))) {
            return true;
        }
    }
    return false;
}
