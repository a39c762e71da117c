/* The line of progress, with and without a terminal's gifts. */
#include "tap.h"

#include "app/progress.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

static const struct view_style PLAIN = {0}, UTF8 = {.utf8 = true}, RICH = {.utf8 = true, .color = true};

static void line_is(const struct sweep_progress *now, int64_t rate_per_1000s, int columns,
                    const struct view_style *style, const char *expected)
{
    struct buf out;
    buf_init(&out, 1024);
    progress_line(now, rate_per_1000s, columns, style, &out);
    assert_string_equal(buf_string(&out), expected);
    buf_finish(&out);
}

static void each_phase_has_its_words(void **state)
{
    struct sweep_progress now = {.listed = 1234, .remaining_ms = -1};
    (void)state;
    line_is(&now, 0, 0, &PLAIN, "listed 1,234");
    now.listed = 0;
    line_is(&now, 0, 0, &PLAIN, "waits for the service to answer");
    now.waits_turn = true;
    line_is(&now, 0, 0, &PLAIN, "waits for another sweep in the same account and region to end");
    now.calls = 1;
    line_is(&now, 0, 0, &PLAIN, "looks up jobs and things, 1 call made");
    now.calls = 1201;
    line_is(&now, 0, 0, &PLAIN, "looks up jobs and things, 1,201 calls made");
    now.listed = 1234;
    now.jobs = 12;
    now.jobs_listed = 3;
    line_is(&now, 2500000, 0, &PLAIN, "listed 1,234, 3 of 12 lists done, 2500.0/s");
    now.pages = 17;
    now.remaining_ms = 5000;
    line_is(&now, 2500000, 0, &PLAIN,
            "listed 1,234 on 17 pages, 3 of 12 lists done, 2500.0/s, about 5 s left");
    now.remaining_ms = 301; /* no estimate is as good as that */
    line_is(&now, 2500000, 0, &PLAIN,
            "listed 1,234 on 17 pages, 3 of 12 lists done, 2500.0/s, about 1 s left");
    now.deleting = true;
    now.selected = 1000;
    now.settled = 250;
    now.remaining_ms = 90 * TIME_MS_PER_SECOND;
    line_is(&now, 9950, 0, &PLAIN, "settled 250 of 1,000, 9.9/s, about 1 min 30 s left");
    now.quarantined = 7;
    line_is(&now, 0, 0, &PLAIN, "settled 250 of 1,000, about 1 min 30 s left, 7 waiting to be verified");
}

static void lost_answers_say_how_long_they_take(void **state)
{
    struct sweep_progress now = {.deleting = true,
                                 .selected = 1000,
                                 .settled = 989,
                                 .quarantined = 11,
                                 .quarantined_ms = 280 * TIME_MS_PER_SECOND,
                                 .remaining_ms = TIME_MS_PER_SECOND};
    (void)state;
    line_is(&now, 0, 0, &PLAIN,
            "settled 989 of 1,000, about 4 min 40 s left: 11 answers were lost, their requests must first "
            "expire");
    now.settled = 999;
    now.quarantined = 1;
    line_is(&now, 0, 0, &PLAIN,
            "settled 999 of 1,000, about 4 min 40 s left: 1 answer was lost, its request must first expire");
    now.settled = 500;
    line_is(&now, 0, 0, &PLAIN, "settled 500 of 1,000, about 4 min 40 s left, 1 waiting to be verified");
    now.remaining_ms = 400 * TIME_MS_PER_SECOND;
    line_is(&now, 0, 0, &PLAIN, "settled 500 of 1,000, about 6 min 40 s left, 1 waiting to be verified");
}

static void many_runs_say_how_many_are_done(void **state)
{
    struct sweep_progress now = {.listed = 1234, .pages = 1, .jobs = 12, .jobs_listed = 3, .runs = 7};
    (void)state;
    now.remaining_ms = -1;
    line_is(&now, 0, 0, &PLAIN, "0 of 7 runs done, listed 1,234 on 1 page, 3 of 12 lists done");
    now.deleting = true;
    now.selected = 100;
    now.settled = 10;
    now.runs_done = 2;
    now.runs_listing = 1;
    line_is(&now, 9950, 0, &PLAIN, "2 of 7 runs done, settled 10 of 100 so far, 1 still lists, 9.9/s");
    now.runs_listing = 0;
    now.remaining_ms = 9000;
    line_is(&now, 9950, 0, &PLAIN, "2 of 7 runs done, settled 10 of 100, 9.9/s, about 9 s left");
    now.runs = 1;
    line_is(&now, 9950, 0, &PLAIN, "settled 10 of 100, 9.9/s, about 9 s left");
}

/* What is left is known without the wait only: a smaller number beside it would be taken for the whole. */
static void a_wait_stands_alone(void **state)
{
    struct sweep_progress now = {.deleting = true,
                                 .selected = 1000,
                                 .settled = 250,
                                 .remaining_ms = 40 * TIME_MS_PER_SECOND,
                                 .waiting_ms = 352 * TIME_MS_PER_SECOND};
    (void)state;
    line_is(&now, 9950, 0, &PLAIN, "waits about 5 min 52 s for a lost request of an earlier run");
}

static void the_bar_is_as_full_as_the_work_is_done(void **state)
{
    struct sweep_progress now = {.deleting = true, .selected = 1000, .settled = 250, .remaining_ms = -1};
    (void)state;
    line_is(&now, 0, 80, &PLAIN, "#####............... settled 250 of 1,000");
    line_is(&now, 0, 80, &UTF8, "█████░░░░░░░░░░░░░░░ settled 250 of 1,000");
    line_is(&now, 0, 80, &RICH, "\033[36m█████░░░░░░░░░░░░░░░\033[0m settled 250 of 1,000");
    now.settled = 1000;
    line_is(&now, 0, 80, &PLAIN, "#################### settled 1,000 of 1,000");
    now.settled = 999;
    line_is(&now, 0, 80, &PLAIN, "###################. settled 999 of 1,000");
    now.selected = now.settled = 0;
    line_is(&now, 0, 80, &PLAIN, ".................... settled 0 of 0");
}

/* Columns on the screen: code points, without escape sequences. */
static int width(const char *text)
{
    int columns = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\033')
            text = strchr(text, 'm');
        else
            columns += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return columns;
}

static void it_is_never_as_wide_as_the_terminal(void **state)
{
    const struct sweep_progress now = {.deleting = true,
                                       .selected = 123456789,
                                       .settled = 12345678,
                                       .quarantined = 4096,
                                       .remaining_ms = 100 * TIME_MS_PER_DAY};
    const struct view_style *styles[] = {&PLAIN, &UTF8, &RICH};
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int columns = 1; columns < 140; columns++) {
            struct buf out;
            buf_init(&out, 1024);
            progress_line(&now, 9950, columns, styles[i], &out);
            assert_in_range(width(buf_string(&out)), columns > 1 ? 1 : 0, columns - 1);
            buf_finish(&out);
        }
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(each_phase_has_its_words),
                                          cmocka_unit_test(lost_answers_say_how_long_they_take),
                                          cmocka_unit_test(many_runs_say_how_many_are_done),
                                          cmocka_unit_test(a_wait_stands_alone),
                                          cmocka_unit_test(the_bar_is_as_full_as_the_work_is_done),
                                          cmocka_unit_test(it_is_never_as_wide_as_the_terminal)};

TAP_MAIN(tests)
