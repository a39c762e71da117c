/* The pace of one API operation in one target: when the next request may leave, and what a throttled answer
 * changes. AWS counts requests per operation, account and region and does not tell how (depth and window of
 * its bucket are not documented), so the lane spaces requests evenly just below the quota and learns the
 * rest.
 *
 * Pure: no clock, no timer, integers only. now_ns is the monotonic clock and never goes back. Rates are asked
 * and told in requests per 1,000 s. Every attempt takes a slot, a repeated one too.
 *
 *   rate = the smaller of  the ceiling: 0.995 x quota (less where the share is less), minus the headroom that
 *                          throttled answers taught; the headroom relaxes by 0.1 % of the quota a minute
 *                   and    the climb: where the last slowdown began, plus 0.2 % of the quota a second
 *
 *   one throttled answer     one slot is left out; close to the cap, the ceiling is lowered to just below the
 *                            present rate
 *   two within 2 s           slowdown: 1 s of silence, then 0.8 x the rate accepted during the last 5 s
 *                            (0.9 x, and 1 % a second, where nobody else uses the quota)
 *   a time to wait is given  silence for that long and a margin, up to 60 s
 *
 * So a server that counts a little more strictly than it says costs the lane half a percent, found out with
 * single throttled answers; somebody else who uses the same quota is made room for at once, and what he
 * leaves is filled slowly. */
#ifndef ENGINE_LANE_H
#define ENGINE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#define LANE_SLICES 10

struct lane {
    int64_t quota_uhz, cap_uhz; /* rates in here are in millionths of a request a second */
    int64_t next_ns;            /* the next slot */

    int64_t climb_uhz, climb_ns;       /* the climb began at this rate, at this time */
    int64_t headroom_uhz, headroom_ns; /* left free below the cap, as it was at this time */

    int64_t throttled_ns; /* the last throttled answer */
    int64_t slowed_ns;    /* the last slowdown: what was sent before it tells nothing new */

    int64_t accepted[LANE_SLICES]; /* answers that were not throttled, by slice of 500 ms */
    int64_t slice;                 /* number of the newest slice in accepted */
    int64_t measured_ns;           /* accepted counts since this time */

    bool own; /* nobody else uses the quota */

    bool episode;            /* between a slowdown and two minutes without a throttled answer */
    int64_t episode_old_uhz; /* the rate before it */
};

/* quota_per_1000s: 1..1,000,000,000; share_permille: 1..1000, of which at most 995 is used. Begins at the
 * ceiling. */
void lane_init(struct lane *lane, int64_t quota_per_1000s, int share_permille, int64_t now_ns);

/* Nobody else uses the quota: there is nobody to make room for, so that a slowdown is smaller and over
 * sooner. */
void lane_own(struct lane *lane);

/* The earliest moment for the next request. It may lie in the past; a sender that comes late catches up by
 * one slot at most (GCRA, the algorithm of ATM's traffic management, with one slot of tolerance). */
int64_t lane_next_ns(const struct lane *lane);
/* A request leaves now; not before lane_next_ns(). */
void lane_take(struct lane *lane, int64_t now_ns);

/* An answer came that was not throttled. */
void lane_accepted(struct lane *lane, int64_t now_ns);
/* A request that left at sent_ns was throttled. True when this begins a throttle episode. */
bool lane_throttled(struct lane *lane, int64_t sent_ns, int64_t now_ns);
/* The service asked to be left alone for so long (x-amz-retry-after, Retry-After); 0 or less: ignored. */
void lane_hold(struct lane *lane, int64_t retry_after_ms, int64_t now_ns);

/* True once, when the episode is over: two minutes without a throttled answer. */
bool lane_episode_over(struct lane *lane, int64_t now_ns);
/* The rate before the present or last episode. */
int64_t lane_episode_old_rate(const struct lane *lane);

/* The present rate: what a restart needs to know in order not to probe again. */
int64_t lane_rate(const struct lane *lane, int64_t now_ns);
/* Goes on at a rate learned earlier (out of range: the nearest one possible) and climbs from there. */
void lane_set_rate(struct lane *lane, int64_t rate_per_1000s, int64_t now_ns);

#endif
