/* The log's three forms; each test reads what came out of standard error. */
#include "seed.h"
#include "tap.h"

#include "aws/json.h"
#include "base/log.h"
#include "base/random.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char written[128 * 1024];

/* Runs `write_lines` with standard error going into a pipe, and keeps what it wrote. */
static void capture(void (*write_lines)(void))
{
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_true(fcntl(ends[0], F_SETPIPE_SZ, sizeof written) >= 0);
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

static void write_backslash(void)
{
    log_event(LOG_WARNING, "answer", "message=%s outcome=%s path=%s end=%s", "x\\\" outcome=deleted y=\\\"",
              "failed", "a\\b", "z \\");
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

static void nothing_from_outside_forges_a_field(void **state)
{
    (void)state;
    log_setup(LOG_INFO, LOG_JOURNAL);
    capture(write_backslash);
    assert_string_equal(written, "<4>answer message=\"x\\\\\\\" outcome=deleted y=\\\\\\\"\" outcome=failed "
                                 "path=\"a\\\\b\" end=\"z \\\\\"\n");
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
    assert_int_equal(log_format_parse("auto", &format), 0);
    assert_int_equal(format, LOG_AUTO);
    assert_int_equal(log_format_parse("xml", &format), -1);
}

/* --- every byte ---------------------------------------------------------------------------------------- */

static struct random chance;
static char noise[3][8192];

static void write_noise(void)
{
    log_event(LOG_ERROR, noise[0], "a=%s b=%s n=%d", noise[1], noise[2], -1);
}

/* Bytes that mean something to JSON, to UTF-8 or to a terminal more often than chance would have them. */
static void fill(char *text, size_t most)
{
    static const char special[] =
        "\"\\\n\r\t\x01\x1b\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\xa0\x80\xff={}";
    size_t length = random_next(&chance) % most;
    for (size_t i = 0; i < length; i++) {
        uint64_t drawn = random_next(&chance);
        char byte = (drawn & 1) != 0 ? special[(drawn >> 8) % (sizeof special - 1)] : (char)(drawn >> 8);
        text[i] = byte != '\0' ? byte : '0';
    }
    text[length] = '\0';
}

static void no_bytes_spoil_a_line_of_json(void **state)
{
    uint64_t number = seed_from((uint64_t)time(NULL));
    (void)state;
    random_seed(&chance, number);
    log_setup(LOG_DEBUG, LOG_JSON);
    for (int i = 0; i < 500; i++) {
        struct err err;
        fill(noise[0], 100);
        fill(noise[1], i % 2 == 0 ? 200 : sizeof noise[1]);
        fill(noise[2], 3000);
        capture(write_noise);
        assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
        struct json_doc *line = json_parse(written, strlen(written), &err);
        assert_non_null(line);
        int64_t n = 0;
        assert_true(json_int64(json_get(json_root(line), "n"), &n) && n == -1);
        assert_non_null(json_string(json_get(json_root(line), "a")));
        json_free(line);
    }
}

static void write_long(void)
{
    log_event(LOG_INFO, "long", "a=%s n=%d", noise[0], 1);
}

static void a_long_value_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i + 2 < sizeof noise[0]; i += 2) {
        memcpy(noise[0] + i, "\xc3\xa9", 3);
    }
    log_setup(LOG_INFO, LOG_JOURNAL);
    noise[0][2000] = '\0';
    capture(write_long);
    assert_null(strstr(written, "..."));
    memcpy(noise[0] + 2000, "\xc3\xa9", 3);
    capture(write_long);
    assert_string_equal(strstr(written, "\xa9...") + 1, "... n=1\n");
    memmove(noise[0] + 1, noise[0], 2003); /* now the cut would fall into a character */
    noise[0][0] = 'x';
    capture(write_long);
    assert_string_equal(strstr(written, "\xa9...") + 1, "... n=1\n");
    assert_null(strstr(written, "\\x"));
}

static void write_many(void)
{
    const char *text = noise[0];
    log_event(LOG_INFO, "many", "a=%s b=%s c=%s d=%s e=%s f=%s g=%s n=%d", text, text, text, text, text, text,
              text, 1);
}

static void fields_that_do_not_fit_are_left_out_whole(void **state)
{
    struct err err;
    int64_t n;
    (void)state;
    memset(noise[0], 1, 1999); /* \u0001: six times as long */
    noise[0][1999] = '\0';
    log_setup(LOG_INFO, LOG_JSON);
    capture(write_many);
    struct json_doc *line = json_parse(written, strlen(written), &err);
    assert_non_null(line);
    assert_non_null(json_string(json_get(json_root(line), "e")));
    assert_null(json_get(json_root(line), "f"));
    assert_true(json_int64(json_get(json_root(line), "n"), &n)); /* short, and fits again */
    json_free(line);
}

static void the_journal_is_where_standard_error_leads(void **state)
{
    char own[64];
    struct stat status;
    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &status), 0);
    unsetenv("JOURNAL_STREAM");
    assert_false(log_has_journal());
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", own, 1);
    assert_true(log_has_journal());
    log_setup(LOG_INFO, LOG_AUTO);
    capture(write_event);
    assert_memory_equal(written, "<6>", 3);
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + 1);
    setenv("JOURNAL_STREAM", own, 1);
    assert_false(log_has_journal());
    setenv("JOURNAL_STREAM", "", 1);
    assert_false(log_has_journal());
    log_setup(LOG_INFO, LOG_AUTO);
    capture(write_event);
    assert_string_equal(written + 20,
                        " info sweep finished policy=a deleted=12 lanes=-3 note=\"two words\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_begin_with_time_and_level),
        cmocka_unit_test(journal_lines_begin_with_their_priority),
        cmocka_unit_test(json_lines_keep_numbers_as_numbers),
        cmocka_unit_test(nothing_from_outside_forges_a_line),
        cmocka_unit_test(nothing_from_outside_forges_a_field),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(words_for_level_and_format_are_read),
        cmocka_unit_test(no_bytes_spoil_a_line_of_json),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(fields_that_do_not_fit_are_left_out_whole),
        cmocka_unit_test(the_journal_is_where_standard_error_leads),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
