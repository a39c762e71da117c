/* The pace: slots, reactions, limits. Quota 10 a second; the cap is 9.950, a slot 100.502513 ms. */
#include "tap.h"

#include "base/time.h"
#include "engine/lane.h"

#define S     TIME_NS_PER_SECOND
#define MS    TIME_NS_PER_MS
#define QUOTA 10000
#define CAP   9950
#define SLOT  INT64_C(100502513)

static struct lane fresh(void)
{
    struct lane lane;
    lane_init(&lane, QUOTA, 1000, 0);
    return lane;
}

/* Sends and is accepted at every slot until this time; returns how many. */
static int run_until(struct lane *lane, int64_t until_ns)
{
    int sent = 0;
    for (; lane_next_ns(lane) < until_ns; sent++) {
        int64_t now = lane_next_ns(lane);
        lane_take(lane, now);
        lane_accepted(lane, now);
    }
    return sent;
}

/* Two throttled answers, of requests sent just before. */
static int64_t slow_down(struct lane *lane, int64_t now_ns)
{
    lane_throttled(lane, now_ns - MS, now_ns);
    lane_throttled(lane, now_ns + S - MS, now_ns + S);
    return now_ns + S;
}

static void an_hour_holds_995_permille_of_the_quota(void **state)
{
    (void)state;
    struct lane lane = fresh();
    int sent = run_until(&lane, 3600 * S);
    assert_in_range(sent, 35819, 35821);
}

static void the_share_is_of_the_quota(void **state)
{
    (void)state;
    const struct {
        int64_t quota;
        int share;
        int64_t rate;
    } rows[] = {{10000, 1000, 9950},          {10000, 995, 9950}, {10000, 500, 5000},
                {25000, 995, 24875},          {1000, 1, 1},       {1, 1000, 0}, /* 0.995 per 1,000 s */
                {1000000000, 1000, 995000000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lane lane;
        lane_init(&lane, rows[i].quota, rows[i].share, 0);
        assert_int_equal(lane_rate(&lane, 0), rows[i].rate);
        assert_int_equal(lane_rate(&lane, 900000 * S), rows[i].rate);
        lane_take(&lane, 0);
        lane_take(&lane, lane_next_ns(&lane));
        assert_true(lane_next_ns(&lane) > 0);
    }
}

static void a_late_sender_catches_up_by_one_slot(void **state)
{
    (void)state;
    struct lane lane = fresh();
    lane_take(&lane, 0);
    assert_int_equal(lane_next_ns(&lane), SLOT);
    lane_take(&lane, SLOT + 30 * MS); /* the slots stay where they are */
    assert_int_equal(lane_next_ns(&lane), 2 * SLOT);
    lane_take(&lane, 10 * S); /* idle: one more at once, and no third */
    assert_int_equal(lane_next_ns(&lane), 10 * S);
    lane_take(&lane, 10 * S);
    assert_int_equal(lane_next_ns(&lane), 10 * S + SLOT);
}

static void no_window_ever_holds_more_than_its_slots_and_one(void **state)
{
    (void)state;
    struct lane lane = fresh();
    int64_t sent[400];
    uint64_t noise = 1;
    for (int i = 0; i < 400; i++) { /* a sender that is late by up to 400 ms, differently each time */
        noise = noise * UINT64_C(6364136223846793005) + 1;
        int64_t earliest = i > 0 && sent[i - 1] > lane_next_ns(&lane) ? sent[i - 1] : lane_next_ns(&lane);
        sent[i] = earliest + (noise >> 62 ? 0 : (int64_t)(noise >> 33) % (400 * MS));
        lane_take(&lane, sent[i]);
    }
    for (int from = 0; from < 400; from++)
        for (int to = from + 1; to < 400; to++)
            assert_true(sent[to] - sent[from] >= (to - from - 1) * SLOT);
}

static void a_lone_throttle_leaves_out_a_slot_and_lowers_the_ceiling_for_minutes(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    int64_t next = lane_next_ns(&lane);
    assert_false(lane_throttled(&lane, 60 * S - MS, 60 * S));
    assert_int_equal(lane_rate(&lane, 60 * S), CAP - 50);
    assert_true(lane_next_ns(&lane) >= next + SLOT);
    assert_true(lane_next_ns(&lane) <= next + SLOT + MS);
    assert_int_equal(lane_rate(&lane, 120 * S), CAP - 40);
    assert_int_equal(lane_rate(&lane, 360 * S), CAP);
    assert_int_equal(lane_rate(&lane, 36000 * S), CAP);
}

static void lone_throttles_never_lower_the_ceiling_by_more_than_a_twentieth(void **state)
{
    (void)state;
    struct lane lane = fresh();
    for (int i = 1; i <= 100; i++)
        assert_false(lane_throttled(&lane, i * 3 * S - MS, i * 3 * S));
    assert_in_range(lane_rate(&lane, 300 * S), CAP - 500, CAP - 480);
}

static void two_throttles_within_2_s_slow_down_to_four_fifths_of_what_was_accepted(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    assert_false(lane_throttled(&lane, 60 * S - MS, 60 * S));
    run_until(&lane, 61 * S);
    assert_true(lane_throttled(&lane, 61 * S - MS, 61 * S));
    assert_int_equal(lane_episode_old_rate(&lane), CAP - 50);
    assert_int_equal(lane_next_ns(&lane), 62 * S); /* silence */
    assert_in_range(lane_rate(&lane, 62 * S), 7600, 8000);
}

static void three_seconds_apart_are_no_pair(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    lane_throttled(&lane, 60 * S - MS, 60 * S);
    lane_throttled(&lane, 63 * S - MS, 63 * S);
    assert_true(lane_rate(&lane, 63 * S) > CAP - 110);
    assert_false(lane.episode);
}

static void after_a_slowdown_it_climbs_a_fifth_of_a_percent_a_second(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    int64_t now = slow_down(&lane, 60 * S) + S;
    int64_t rate = lane_rate(&lane, now);
    assert_in_range(lane_rate(&lane, now + 10 * S), rate + 200, rate + 200);
    assert_in_range(lane_rate(&lane, now + 50 * S), rate + 1000, rate + 1000);
    assert_int_equal(lane_rate(&lane, now + 3600 * S), CAP);
}

static void one_that_has_the_quota_for_itself_slows_down_less_and_climbs_faster(void **state)
{
    (void)state;
    struct lane own = fresh(), shared = fresh();
    lane_own(&own);
    run_until(&own, 60 * S);
    run_until(&shared, 60 * S);
    int64_t now = slow_down(&own, 60 * S) + S;
    assert_int_equal(slow_down(&shared, 60 * S) + S, now);
    int64_t rate = lane_rate(&own, now), other = lane_rate(&shared, now);
    assert_in_range(rate - other * 9 / 8, 0, 2);
    assert_in_range(lane_rate(&own, now + 5 * S), rate + 500, rate + 500);
    assert_int_equal(lane_rate(&own, now + 3600 * S), CAP);
}

static void answers_to_what_was_sent_before_a_slowdown_change_nothing(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    int64_t now = slow_down(&lane, 60 * S);
    int64_t rate = lane_rate(&lane, now + S);
    for (int i = 0; i < 20; i++)
        assert_false(lane_throttled(&lane, now - 20 * MS, now + i * MS));
    assert_int_equal(lane_rate(&lane, now + S), rate);
}

static void a_throttle_slows_down_once(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    int64_t now = slow_down(&lane, 60 * S) + S + 500 * MS;
    int64_t rate = lane_rate(&lane, now);
    lane_throttled(&lane, now - 1600 * MS, now - S); /* sent before it */
    lane_throttled(&lane, now - 400 * MS, now);      /* 1.5 s after one that was paired already: a lone one */
    assert_int_equal(lane_rate(&lane, now), rate);
    lane_throttled(&lane, now + 100 * MS, now + 200 * MS);
    assert_true(lane_rate(&lane, now + 200 * MS) < rate);
}

static void silence_does_not_count_as_little_accepted(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    lane_throttled(&lane, 60 * S - MS, 60 * S);
    run_until(&lane, 61 * S);
    lane_throttled(&lane, 61 * S - MS, 61 * S); /* 7.8 a second from 62 s on */
    int64_t rate = lane_rate(&lane, 62 * S);
    run_until(&lane, 64 * S);
    lane_throttled(&lane, 64 * S - 200 * MS, 64 * S - 100 * MS);
    lane_throttled(&lane, 64 * S - 100 * MS, 64 * S);
    assert_in_range(lane_rate(&lane, 65 * S), rate * 77 / 100, rate * 82 / 100);
}

static void it_never_stops(void **state)
{
    (void)state;
    struct lane lane = fresh();
    int sent = 0;
    for (; lane_next_ns(&lane) < 3600 * S; sent++) { /* and every answer is a throttle */
        int64_t now = lane_next_ns(&lane);
        lane_take(&lane, now);
        lane_throttled(&lane, now, now + 30 * MS);
    }
    assert_in_range(sent, 1000, 5000);
}

static void far_below_the_cap_a_throttle_does_not_touch_the_ceiling(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    int64_t now = slow_down(&lane, 60 * S) + 3 * S;
    int64_t headroom = lane.headroom_uhz;
    lane_throttled(&lane, now - MS, now);
    assert_int_equal(lane.headroom_uhz, headroom);
}

static void a_time_to_wait_is_obeyed_with_a_margin_up_to_a_minute(void **state)
{
    (void)state;
    const struct {
        int64_t asked_ms, least_ms, most_ms;
    } rows[] = {{0, 0, 0},
                {-5, 0, 0},
                {1, 2, 200},
                {2000, 2100, 2500},
                {59000, 60000, 60000},
                {86400000, 60000, 60000},
                {INT64_MAX, 60000, 60000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct lane lane = fresh();
        lane_hold(&lane, rows[i].asked_ms, 0);
        assert_in_range(lane_next_ns(&lane), rows[i].least_ms * MS, rows[i].most_ms * MS);
    }
}

static void a_shorter_wait_does_not_cut_a_longer_one(void **state)
{
    (void)state;
    struct lane lane = fresh();
    lane_hold(&lane, 30000, 0);
    int64_t next = lane_next_ns(&lane);
    lane_hold(&lane, 1000, 0);
    assert_int_equal(lane_next_ns(&lane), next);
}

static void an_episode_begins_once_and_ends_after_two_quiet_minutes(void **state)
{
    (void)state;
    struct lane lane = fresh();
    run_until(&lane, 60 * S);
    assert_false(lane_episode_over(&lane, 60 * S));
    int64_t now = slow_down(&lane, 60 * S);
    assert_true(lane.episode);
    lane_throttled(&lane, now + 30 * S - MS, now + 30 * S);
    assert_false(lane_throttled(&lane, now + 31 * S - MS, now + 31 * S)); /* goes on */
    assert_false(lane_episode_over(&lane, now + 150 * S));
    assert_true(lane_episode_over(&lane, now + 151 * S));
    assert_false(lane_episode_over(&lane, now + 152 * S));
}

static void a_learned_rate_is_taken_up_again(void **state)
{
    (void)state;
    struct lane lane = fresh();
    lane_set_rate(&lane, 7000, 5 * S);
    assert_int_equal(lane_rate(&lane, 5 * S), 7000);
    assert_int_equal(lane_rate(&lane, 15 * S), 7200);
    lane_set_rate(&lane, 9800, 5 * S); /* a ceiling: relaxes, does not climb */
    assert_int_equal(lane_rate(&lane, 5 * S), 9800);
    assert_int_equal(lane_rate(&lane, 65 * S), 9810);
    lane_set_rate(&lane, 1000000, 5 * S);
    assert_int_equal(lane_rate(&lane, 5 * S), CAP);
    lane_set_rate(&lane, -1, 5 * S);
    assert_int_equal(lane_rate(&lane, 5 * S), 99);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_hour_holds_995_permille_of_the_quota),
    cmocka_unit_test(the_share_is_of_the_quota),
    cmocka_unit_test(a_late_sender_catches_up_by_one_slot),
    cmocka_unit_test(no_window_ever_holds_more_than_its_slots_and_one),
    cmocka_unit_test(a_lone_throttle_leaves_out_a_slot_and_lowers_the_ceiling_for_minutes),
    cmocka_unit_test(lone_throttles_never_lower_the_ceiling_by_more_than_a_twentieth),
    cmocka_unit_test(two_throttles_within_2_s_slow_down_to_four_fifths_of_what_was_accepted),
    cmocka_unit_test(three_seconds_apart_are_no_pair),
    cmocka_unit_test(one_that_has_the_quota_for_itself_slows_down_less_and_climbs_faster),
    cmocka_unit_test(after_a_slowdown_it_climbs_a_fifth_of_a_percent_a_second),
    cmocka_unit_test(answers_to_what_was_sent_before_a_slowdown_change_nothing),
    cmocka_unit_test(a_throttle_slows_down_once),
    cmocka_unit_test(silence_does_not_count_as_little_accepted),
    cmocka_unit_test(it_never_stops),
    cmocka_unit_test(far_below_the_cap_a_throttle_does_not_touch_the_ceiling),
    cmocka_unit_test(a_time_to_wait_is_obeyed_with_a_margin_up_to_a_minute),
    cmocka_unit_test(a_shorter_wait_does_not_cut_a_longer_one),
    cmocka_unit_test(an_episode_begins_once_and_ends_after_two_quiet_minutes),
    cmocka_unit_test(a_learned_rate_is_taken_up_again),
};

TAP_MAIN(tests)
