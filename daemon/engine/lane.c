#include "engine/lane.h"

#include "base/time.h"

#include <string.h>

#define UHZ_PER_UNIT  INT64_C(1000) /* the unit of the interface, a request per 1,000 s */
#define UHZ_PER_HZ    INT64_C(1000000)
#define UHZ_NS        (UHZ_PER_HZ * TIME_NS_PER_SECOND) /* rate times slot */
#define US_PER_SECOND INT64_C(1000000)

#define CAP_PERMILLE       995
#define RATE_MIN_DIVISOR   100   /* never slower than a hundredth of the cap: somebody must find out */
#define CLIMB_PPM_A_SECOND 2000  /* of the quota */
#define OWN_CLIMB_PPM      10000 /* the same where nobody else uses it */
#define HEADROOM_STEP_PPM  5000  /* of the quota, for each throttled answer near the ceiling */
#define HEADROOM_MAX_PPM   50000 /* more than that is no matter of fine tuning */
#define RELAX_PPM_A_MINUTE 1000
#define PAIR_NS            (2 * TIME_NS_PER_SECOND)
#define SILENCE_NS         (1 * TIME_NS_PER_SECOND)
#define SLICE_NS           (TIME_NS_PER_SECOND / 2)
#define MEASURE_MIN_NS     (1 * TIME_NS_PER_SECOND)
#define EPISODE_END_NS     (120 * TIME_NS_PER_SECOND)
#define HOLD_MAX_MS        (60 * TIME_MS_PER_SECOND)
#define HOLD_MARGIN_MS     100
#define NEVER_NS           (INT64_MIN / 2) /* long ago, and still far from overflow when subtracted from */

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t ppm_of(int64_t value, int64_t ppm)
{
    return value / 1000000 * ppm + value % 1000000 * ppm / 1000000;
}

/* --- the rate ------------------------------------------------------------------------------------------ */

/* Both that follow are closed formulas over the time since their last change, so that asking often or seldom
 * gives the same, and no rounding error adds up. */

static int64_t headroom(const struct lane *lane, int64_t now_ns)
{
    int64_t minutes_to_none = HEADROOM_MAX_PPM / RELAX_PPM_A_MINUTE;
    int64_t ms = smaller((now_ns - lane->headroom_ns) / TIME_NS_PER_MS, minutes_to_none * TIME_MS_PER_MINUTE);
    int64_t relaxed = ppm_of(lane->quota_uhz, RELAX_PPM_A_MINUTE) * ms / TIME_MS_PER_MINUTE;
    return larger(lane->headroom_uhz - relaxed, 0);
}

static int64_t climb(const struct lane *lane, int64_t now_ns)
{
    int64_t ppm = lane->own ? OWN_CLIMB_PPM : CLIMB_PPM_A_SECOND, seconds_to_all = 1000000 / ppm;
    int64_t ms = (now_ns - lane->climb_ns) / TIME_NS_PER_MS;
    ms = larger(smaller(ms, seconds_to_all * TIME_MS_PER_SECOND), 0); /* it begins after the silence */
    return lane->climb_uhz + ppm_of(lane->quota_uhz, ppm) * ms / TIME_MS_PER_SECOND;
}

/* Never nothing, so that a slot has a length: with a quota of a few requests a day. */
static int64_t ceiling(const struct lane *lane, int64_t now_ns)
{
    return larger(lane->cap_uhz - headroom(lane, now_ns), 1);
}

static int64_t rate(const struct lane *lane, int64_t now_ns)
{
    return smaller(ceiling(lane, now_ns), climb(lane, now_ns));
}

static int64_t slot_length_ns(const struct lane *lane, int64_t now_ns)
{
    int64_t uhz = rate(lane, now_ns);
    return (UHZ_NS + uhz - 1) / uhz; /* rounded up: never faster than the rate */
}

static void set_climb(struct lane *lane, int64_t uhz, int64_t from_ns)
{
    int64_t least = larger(lane->cap_uhz / RATE_MIN_DIVISOR, 1);
    lane->climb_uhz = larger(smaller(uhz, lane->cap_uhz), least);
    lane->climb_ns = from_ns;
}

/* --- what was accepted --------------------------------------------------------------------------------- */

static void measure_from(struct lane *lane, int64_t from_ns)
{
    memset(lane->accepted, 0, sizeof(lane->accepted));
    lane->slice = from_ns / SLICE_NS;
    lane->measured_ns = from_ns;
}

/* Makes the slice of now the newest one, forgetting those that fall out of the window. */
static void advance_slice(struct lane *lane, int64_t now_ns)
{
    int64_t slice = now_ns / SLICE_NS;
    int64_t first_new = larger(lane->slice + 1, slice - LANE_SLICES + 1);
    for (int64_t i = first_new; i <= slice; i++) {
        lane->accepted[i % LANE_SLICES] = 0;
    }
    lane->slice = larger(lane->slice, slice);
}

static int64_t accepted_rate(struct lane *lane, int64_t now_ns)
{
    advance_slice(lane, now_ns);
    int64_t count = 0;
    for (int i = 0; i < LANE_SLICES; i++) {
        count += lane->accepted[i];
    }
    int64_t from_ns = larger(lane->measured_ns, (lane->slice - LANE_SLICES + 1) * SLICE_NS);
    int64_t us = larger(now_ns - from_ns, MEASURE_MIN_NS) / 1000;
    return count * US_PER_SECOND * UHZ_PER_HZ / us;
}

/* --- throttled answers --------------------------------------------------------------------------------- */

static void skip_slot(struct lane *lane, int64_t now_ns)
{
    lane->next_ns = larger(lane->next_ns, now_ns) + slot_length_ns(lane, now_ns);
}

/* A throttled answer close below the cap shows where the ceiling is: a little below the present rate. Far
 * below it, somebody else has the rest of the quota, for now, and the ceiling is not to blame. */
static void learn_ceiling(struct lane *lane, int64_t now_ns)
{
    int64_t below = lane->cap_uhz - rate(lane, now_ns);
    int64_t most = ppm_of(lane->quota_uhz, HEADROOM_MAX_PPM);
    if (below > most) {
        return;
    }
    lane->headroom_uhz = smaller(below + ppm_of(lane->quota_uhz, HEADROOM_STEP_PPM), most);
    lane->headroom_ns = now_ns;
}

static int64_t lowered(const struct lane *lane, int64_t uhz)
{
    return lane->own ? uhz / 10 * 9 : uhz / 5 * 4;
}

static void slow_down(struct lane *lane, int64_t now_ns)
{
    int64_t resume_ns = now_ns + SILENCE_NS;
    int64_t old_uhz = rate(lane, now_ns);
    int64_t new_uhz = lowered(lane, accepted_rate(lane, now_ns));
    /* Half at least, for a lane that had little to send; and always less than before. */
    set_climb(lane, larger(smaller(new_uhz, lowered(lane, old_uhz)), old_uhz / 2), resume_ns);
    lane->next_ns = larger(lane->next_ns, resume_ns);
    lane->slowed_ns = now_ns;
    measure_from(lane, resume_ns);
}

bool lane_throttled(struct lane *lane, int64_t sent_ns, int64_t now_ns)
{
    if (sent_ns <= lane->slowed_ns) {
        return false; /* answered for already */
    }
    bool paired = now_ns - lane->throttled_ns <= PAIR_NS && lane->throttled_ns > lane->slowed_ns;
    lane->throttled_ns = now_ns;
    int64_t old_uhz = rate(lane, now_ns);
    learn_ceiling(lane, now_ns);
    if (!paired) {
        skip_slot(lane, now_ns);
        return false;
    }
    slow_down(lane, now_ns);
    bool begins = !lane->episode;
    if (begins) {
        lane->episode_old_uhz = old_uhz;
    }
    lane->episode = true;
    return begins;
}

bool lane_episode_over(struct lane *lane, int64_t now_ns)
{
    if (!lane->episode || now_ns - lane->throttled_ns < EPISODE_END_NS) {
        return false;
    }
    lane->episode = false;
    return true;
}

/* --- the face ------------------------------------------------------------------------------------------ */

void lane_init(struct lane *lane, int64_t quota_per_1000s, int share_permille, int64_t now_ns)
{
    *lane = (struct lane){.throttled_ns = NEVER_NS, .slowed_ns = NEVER_NS};
    lane->quota_uhz = quota_per_1000s * UHZ_PER_UNIT;
    lane->cap_uhz = larger(ppm_of(lane->quota_uhz, 1000 * smaller(share_permille, CAP_PERMILLE)), 1);
    lane->next_ns = now_ns;
    lane->headroom_ns = now_ns;
    set_climb(lane, lane->cap_uhz, now_ns);
    measure_from(lane, now_ns);
}

void lane_own(struct lane *lane)
{
    lane->own = true;
}

int64_t lane_next_ns(const struct lane *lane)
{
    return lane->next_ns;
}

void lane_take(struct lane *lane, int64_t now_ns)
{
    int64_t length_ns = slot_length_ns(lane, now_ns);
    lane->next_ns = larger(lane->next_ns, now_ns - length_ns) + length_ns;
}

void lane_accepted(struct lane *lane, int64_t now_ns)
{
    if (now_ns < lane->measured_ns) {
        return; /* in the silence: an answer to what was sent before it */
    }
    advance_slice(lane, now_ns);
    lane->accepted[lane->slice % LANE_SLICES]++;
}

void lane_hold(struct lane *lane, int64_t retry_after_ms, int64_t now_ns)
{
    if (retry_after_ms <= 0) {
        return;
    }
    int64_t ms = smaller(retry_after_ms, HOLD_MAX_MS);
    ms = smaller(ms + ms / 10 + HOLD_MARGIN_MS, HOLD_MAX_MS);
    lane->next_ns = larger(lane->next_ns, now_ns + ms * TIME_NS_PER_MS);
}

int64_t lane_episode_old_rate(const struct lane *lane)
{
    return lane->episode_old_uhz / UHZ_PER_UNIT;
}

int64_t lane_rate(const struct lane *lane, int64_t now_ns)
{
    return rate(lane, now_ns) / UHZ_PER_UNIT;
}

void lane_set_rate(struct lane *lane, int64_t rate_per_1000s, int64_t now_ns)
{
    set_climb(lane, larger(smaller(rate_per_1000s, lane->cap_uhz / UHZ_PER_UNIT), 0) * UHZ_PER_UNIT, now_ns);
    int64_t below_uhz = lane->cap_uhz - lane->climb_uhz;
    lane->headroom_uhz = smaller(below_uhz, ppm_of(lane->quota_uhz, HEADROOM_MAX_PPM));
    lane->headroom_ns = now_ns;
}
