/* Lines that fit a terminal, and what a stream is taken for. */
#include "printed.h"
#include "tap.h"

#include "app/bars.h"
#include "app/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct view_style PLAIN = {0};

/* The other side of a terminal that this process has made. A root without /dev/pts has none to give. */
static int open_terminal(int *screen)
{
    char path[64];
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        skip();
    }
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    assert_int_equal(ptsname_r(terminal, path, sizeof path), 0);
    *screen = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*screen >= 0);
    return terminal;
}

static void colour_is_for_terminals_only_and_only_if_wanted(void **state)
{
    int screen, terminal = open_terminal(&screen);
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(view_style_of(screen).color);
    assert_false(view_style_of(file).color);
    setenv("NO_COLOR", "", 1); /* empty is not set, as no-color.org has it */
    assert_true(view_style_of(screen).color);
    setenv("NO_COLOR", "0", 1);
    assert_false(view_style_of(screen).color);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(view_style_of(screen).color);
    unsetenv("TERM");
    assert_false(view_style_of(screen).color);
    assert_false(view_style_of(screen).utf8); /* the "C" locale, without setlocale() */
    close(screen);
    close(file);
    close(terminal);
}

static void the_terminal_says_how_wide_it_is_unless_a_person_does(void **state)
{
    int screen, terminal = open_terminal(&screen);
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    const struct winsize wide = {.ws_col = 123, .ws_row = 40}, narrow = {.ws_col = 23, .ws_row = 40};
    (void)state;
    unsetenv("COLUMNS");
    assert_int_equal(view_columns(screen), 80); /* it does not say */
    assert_int_equal(ioctl(screen, TIOCSWINSZ, &wide), 0);
    assert_int_equal(view_columns(screen), 123);
    setenv("COLUMNS", "62", 1);
    assert_int_equal(view_columns(screen), 62);
    assert_int_equal(view_style_of(screen).columns, 62);
    assert_int_equal(view_columns(file), 0); /* no terminal: the same whoever looks */
    assert_int_equal(view_style_of(file).columns, 0);
    setenv("COLUMNS", "many", 1);
    assert_int_equal(view_columns(screen), 123);
    assert_int_equal(ioctl(screen, TIOCSWINSZ, &narrow), 0);
    assert_int_equal(view_columns(screen), 23);
    assert_int_equal(view_style_of(screen).columns, VIEW_COLUMNS_MIN);
    unsetenv("COLUMNS");
    close(screen);
    close(file);
    close(terminal);
}

static void words_go_to_the_next_line_and_only_long_ones_are_cut(void **state)
{
    const struct view_style narrow = {.columns = 20};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    buf_text(&out, "name: ");
    view_wrap(&out, &narrow, "one two three four \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 x", 6, 4);
    prints(&out, "name: one two three\n    four \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4 x\n");
    buf_init(&out, 4096);
    view_wrap(&out, &narrow, "0123456789012345678901234567890123 a", 0, 4);
    prints(&out, "01234567890123456789\n    01234567890123 a\n");
    buf_init(&out, 4096);
    buf_text(&out, "a heading that is wider than it all");
    view_wrap(&out, &narrow, " and text", 35, 2);
    prints(&out, "a heading that is wider than it all\n  and text\n");
    buf_init(&out, 4096);
    view_wrap(&out, &PLAIN, "one two \033[2J three four five six seven", 0, 4);
    prints(&out, "one two \\x1b[2J three four five six seven\n");
    buf_init(&out, 4096);
    view_wrap(&out, &narrow, "", 0, 4);
    prints(&out, "\n");
}

static void a_label_is_as_wide_as_its_column(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    view_label(&out, "fw-1", 6);
    view_label(&out, "|fw-12345", 6);
    view_label(&out, "|\033", 6);
    view_label(&out, "|\xc3\xa4\xc3\xb6", 6);
    buf_char(&out, '|');
    prints(&out, "fw-1  |fw-..|\\x1b |\xc3\xa4\xc3\xb6   |");
}

/* --- bars ---------------------------------------------------------------------------------------------- */

static const struct bar BARS[] = {
    {"SUCCEEDED", 1234567}, {"FAILED", 617283}, {"CANCELED", 1}, {"REMOVED", 0}};

static void bars_have_the_length_of_their_count(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    bars_print("status", BARS, 4, 2000000, &PLAIN, &out);
    prints(&out, "  status   SUCCEEDED    ##############################  1,234,567  61.7 %\n"
                 "           FAILED       ###############                   617,283  30.9 %\n"
                 "           CANCELED     #                                       1   0.0 %\n"
                 "           REMOVED                                              0   0.0 %\n");
    buf_init(&out, 4096);
    bars_print("status", BARS, 0, 0, &PLAIN, &out);
    prints(&out, "");
}

static void bars_make_room_for_labels_and_labels_for_bars(void **state)
{
    const struct bar bars[] = {{"a-job-with-quite-a-long-name-0001", 8}, {"b", 4}};
    const struct view_style at_100 = {.columns = 100}, at_72 = {.columns = 72}, at_40 = {.columns = 40};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    bars_print("job", bars, 2, 12, &at_100, &out);
    prints(
        &out,
        "  job      a-job-with-quite-a-long-name-0001 ##############################          8  66.7 %\n"
        "           b                                 ###############                         4  33.3 %\n");
    buf_init(&out, 4096);
    bars_print("job", bars, 2, 12, &at_72, &out);
    prints(&out, "  job      a-job-with-quite-a-long-name-0001 ########          8  66.7 %\n"
                 "           b                                 ####              4  33.3 %\n");
    buf_init(&out, 4096);
    bars_print("job", bars, 2, 12, &at_40, &out);
    prints(&out, "  job\n"
                 "    a-job-with-qui.. ########          8\n"
                 "    b                ####              4\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(colour_is_for_terminals_only_and_only_if_wanted),
    cmocka_unit_test(the_terminal_says_how_wide_it_is_unless_a_person_does),
    cmocka_unit_test(words_go_to_the_next_line_and_only_long_ones_are_cut),
    cmocka_unit_test(a_label_is_as_wide_as_its_column),
    cmocka_unit_test(bars_have_the_length_of_their_count),
    cmocka_unit_test(bars_make_room_for_labels_and_labels_for_bars),
};

TAP_MAIN(tests)
