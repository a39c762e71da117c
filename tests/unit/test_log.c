/* The log's three forms; each test reads what came out of standard error. */
#include "tap.h"

#include "base/log.h"

#include <string.h>
#include <unistd.h>

static char written[4096];

/* Runs `write_lines` with standard error going into a pipe, and keeps what it wrote. */
static void capture(void (*write_lines)(void))
{
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    write_lines();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t length = read(ends[0], written, sizeof written - 1);
    close(ends[0]);
    written[length > 0 ? length : 0] = '\0';
}

static void write_event(void)
{
    log_event(LOG_INFO, "sweep finished", "policy=%s deleted=%lld lanes=%d note=%s", "a", 12LL, -3,
              "two words");
}

static void write_forgery(void)
{
    log_event(LOG_WARNING, "answer", "message=%s", "x\"\n2026-11-24T00:00:00Z error forged a=b\x1b[0m");
}

static void write_debug(void)
{
    const char *volatile nothing = NULL;
    log_event(LOG_DEBUG, "detail", "n=%u big=%llu none=%s", 7u, 18446744073709551615ULL, nothing);
}

static void text_lines_begin_with_time_and_level(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_TEXT);
    capture(write_event);
    assert_int_equal(strlen(written),
                     strlen("2026-11-24T03:00:00Z info sweep finished policy=a deleted=12 lanes=-3 "
                            "note=\"two words\"\n"));
    assert_string_equal(written + 20,
                        " info sweep finished policy=a deleted=12 lanes=-3 note=\"two words\"\n");
}

static void journal_lines_begin_with_their_priority(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JOURNAL);
    capture(write_event);
    assert_string_equal(written, "<6>sweep finished policy=a deleted=12 lanes=-3 note=\"two words\"\n");
}

static void json_lines_keep_numbers_as_numbers(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JSON);
    capture(write_event);
    assert_string_equal(
        strstr(written, "\"level\""),
        "\"level\":\"info\",\"event\":\"sweep finished\",\"policy\":\"a\",\"deleted\":12,\"lanes\":-3,"
        "\"note\":\"two words\"}\n");
}

static void nothing_from_outside_forges_a_line(void **state)
{
    (void)state;
    for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
        log_setup(LOG_INFO, (enum log_format)format);
        capture(write_forgery);
        assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
        assert_null(strchr(written, '\x1b'));
    }
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JOURNAL);
    capture(write_debug);
    assert_string_equal(written, "");
    log_setup(LOG_DEBUG, LOG_JOURNAL);
    capture(write_debug);
    assert_string_equal(written, "<7>detail n=7 big=18446744073709551615 none=\"\"\n");
}

static void words_for_level_and_format_are_read(void **state)
{
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_TEXT;
    (void)state;
    assert_int_equal(log_level_parse("warning", &level), 0);
    assert_int_equal(level, LOG_WARNING);
    assert_int_equal(log_level_parse("loud", &level), -1);
    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_parse("xml", &format), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_begin_with_time_and_level),
        cmocka_unit_test(journal_lines_begin_with_their_priority),
        cmocka_unit_test(json_lines_keep_numbers_as_numbers),
        cmocka_unit_test(nothing_from_outside_forges_a_line),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(words_for_level_and_format_are_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
