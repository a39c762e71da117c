/* The ground: errors, buffers, text, names, random numbers. */
#include "tap.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/names.h"
#include "base/random.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static void an_error_keeps_its_code_and_gets_its_context_in_front(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(err_set(&err, ERR_IO, "read: %s", "gone"), -1);
    assert_int_equal(err_context(&err, "file '%s'", "a.yaml"), -1);
    assert_string_equal(err.msg, "file 'a.yaml': read: gone");
    assert_int_equal(err.code, ERR_IO);
}

static void an_error_that_is_too_long_is_cut_and_stays_a_string(void **state)
{
    struct err err = {0};
    char text[2 * sizeof err.msg];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    err_set(&err, ERR_IO, "%s", text);
    err_context(&err, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void a_buffer_refuses_whole_what_would_pass_its_maximum(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 5);
    assert_string_equal(buf_string(&buf), "");
    assert_true(buf_text(&buf, "abc"));
    assert_false(buf_text(&buf, "def"));
    assert_true(buf.overflow);
    assert_string_equal(buf_string(&buf), "abc");
    assert_false(buf_printf(&buf, "%d", 1000));
    assert_string_equal(buf_string(&buf), "abc");
    assert_true(buf_printf(&buf, "%d", 42));
    assert_string_equal(buf_string(&buf), "abc42");
    buf_reset(&buf);
    assert_false(buf.overflow);
    assert_int_equal(buf.length, 0);
    buf_finish(&buf);
}

static void a_buffer_grows_to_its_maximum_byte_by_byte(void **state)
{
    struct buf buf;
    (void)state;
    buf_init(&buf, 10000);
    for (int i = 0; i < 10000; i++) {
        assert_true(buf_char(&buf, (char)('a' + i % 26)));
    }
    assert_false(buf_char(&buf, 'x'));
    assert_int_equal(strlen(buf.data), 10000);
    buf_finish(&buf);
}

static void a_formatted_text_is_whole_at_any_length_and_place(void **state)
{
    char before[700], text[700];
    (void)state;
    memset(before, 'b', sizeof before);
    memset(text, 't', sizeof text);
    for (int length = 0; length < 700; length += 7) {
        for (int at = 0; at < 600; at += 3) {
            struct buf buf;
            buf_init(&buf, 1400);
            buf_append(&buf, before, (size_t)at);
            assert_true(buf_printf(&buf, "%.*s", length, text));
            assert_int_equal(buf.length, at + length);
            assert_int_equal(strlen(buf_string(&buf)), at + length);
            assert_int_equal(strspn(buf_string(&buf), "b"), at);
            buf_finish(&buf);
        }
    }
}

static void check_rendering(void (*render)(struct buf *, const char *), const char *text,
                            const char *expected)
{
    struct buf out;
    buf_init(&out, 1000);
    render(&out, text);
    assert_string_equal(buf_string(&out), expected);
    buf_finish(&out);
}

static void text_from_outside_cannot_leave_its_json_string(void **state)
{
    (void)state;
    check_rendering(text_json, "a\"b\\c\n\t\x01\x7f", "\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\"");
    check_rendering(text_json, "gr\xc3\xbc\xc3\x9f\x65", "\"gr\xc3\xbc\xc3\x9f\x65\"");
    check_rendering(text_json, "\xff\xc0\xafx", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"");
    check_rendering(text_json, "\xc2\x9bK", "\"\\u009bK\""); /* a C1 control that terminals obey */
}

static void text_from_outside_cannot_steer_a_terminal(void **state)
{
    (void)state;
    check_rendering(text_visible, "\x1b[31mred\r\n", "\\x1b[31mred\\x0d\\x0a");
    check_rendering(text_visible, "\xc2\x9bK", "\\xc2\\x9bK");
    check_rendering(text_visible, "\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
    check_rendering(text_visible, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
    check_rendering(text_visible, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* over U+10FFFF */
}

static void the_nearest_word_is_offered_only_when_it_is_near(void **state)
{
    static const char *const words[] = {"status", "job_id", "thing", "age", NULL};
    (void)state;
    assert_string_equal(text_nearest("statsu", words), "status");
    assert_string_equal(text_nearest("job-id", words), "job_id");
    assert_string_equal(text_nearest("thnig", words), "thing");
    assert_string_equal(text_nearest("aeg", words), "age");
    assert_null(text_nearest("namespace", words));
    assert_null(text_nearest("x", words));
    assert_string_equal(text_nearest("agee", words), "age");
}

static void whole_numbers_are_read_strictly(void **state)
{
    static const char *const bad[] = {
        "",     " 1", "1 ", "+1", "-1", "1.0", "1e3", "0x10", "9223372036854775808", "99999999999999999999",
        "1,000"};
    int64_t value = 7;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(text_int64(bad[i], 0, INT64_MAX, &value));
    }
    assert_int_equal(value, 7);
    assert_true(text_int64("9223372036854775807", 0, INT64_MAX, &value));
    assert_true(value == INT64_MAX);
    assert_true(text_int64("0012", 1, 12, &value));
    assert_int_equal(value, 12);
    assert_false(text_int64("13", 1, 12, &value));
    assert_false(text_int64("0", 1, 12, &value));
}

static void thousands_are_grouped(void **state)
{
    char out[32];
    (void)state;
    assert_string_equal(text_thousands(out, 0), "0");
    assert_string_equal(text_thousands(out, 999), "999");
    assert_string_equal(text_thousands(out, 1234567), "1,234,567");
    assert_string_equal(text_thousands(out, -1000), "-1,000");
    assert_string_equal(text_thousands(out, INT64_MIN), "-9,223,372,036,854,775,808");
}

static void copying_tells_when_it_had_to_cut(void **state)
{
    char to[4];
    (void)state;
    assert_true(text_copy(to, sizeof to, "abc"));
    assert_false(text_copy(to, sizeof to, "abcd"));
    assert_string_equal(to, "abc");
}

static void names_are_stored_once_and_keep_their_numbers(void **state)
{
    struct names *names = names_create();
    char text[32];
    (void)state;
    const char *first = NULL;
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 5000; i++) {
            snprintf(text, sizeof text, "thing-%u", i);
            assert_int_equal(names_intern(names, text), i);
            first = i == 0 && round == 0 ? names_text(names, 0) : first;
        }
    }
    assert_int_equal(names_count(names), 5000);
    assert_ptr_equal(first, names_text(names, 0));
    assert_int_equal(names_find(names, "thing-4999"), 4999);
    assert_int_equal(names_find(names, "thing-5000"), UINT32_MAX);
    assert_string_equal(names_text(names, 4321), "thing-4321");
    names_destroy(names);
    names_destroy(NULL);
}

static void random_numbers_repeat_with_their_seed_and_stay_in_bounds(void **state)
{
    struct random a, b;
    int seen[10] = {0};
    (void)state;
    random_seed(&a, 1);
    random_seed(&b, 1);
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_below(&a, 10);
        assert_true(value < 10);
        assert_true(value == random_below(&b, 10));
        seen[value]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    random_seed(&b, 2);
    assert_true(random_next(&a) != random_next(&b));
}

static void a_secret_buffer_grows_like_any_other_and_wipes_what_it_drops(void **state)
{
    struct buf buf;
    (void)state;
    buf_init_secret(&buf, 1000);
    for (int i = 0; i < 100; i++)
        assert_true(buf_text(&buf, "0123456789"));
    assert_false(buf_char(&buf, 'x'));
    assert_int_equal(strlen(buf_string(&buf)), 1000);
    assert_memory_equal(buf.data + 990, "0123456789", 11);
    buf_reset(&buf);
    for (size_t i = 0; i < buf.room; i++)
        assert_int_equal(buf.data[i], 0);
    assert_true(buf_text(&buf, "again"));
    assert_string_equal(buf_string(&buf), "again");
    buf_finish(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_keeps_its_code_and_gets_its_context_in_front),
        cmocka_unit_test(an_error_that_is_too_long_is_cut_and_stays_a_string),
        cmocka_unit_test(a_buffer_refuses_whole_what_would_pass_its_maximum),
        cmocka_unit_test(a_buffer_grows_to_its_maximum_byte_by_byte),
        cmocka_unit_test(a_formatted_text_is_whole_at_any_length_and_place),
        cmocka_unit_test(text_from_outside_cannot_leave_its_json_string),
        cmocka_unit_test(text_from_outside_cannot_steer_a_terminal),
        cmocka_unit_test(the_nearest_word_is_offered_only_when_it_is_near),
        cmocka_unit_test(whole_numbers_are_read_strictly),
        cmocka_unit_test(thousands_are_grouped),
        cmocka_unit_test(copying_tells_when_it_had_to_cut),
        cmocka_unit_test(names_are_stored_once_and_keep_their_numbers),
        cmocka_unit_test(random_numbers_repeat_with_their_seed_and_stay_in_bounds),
        cmocka_unit_test(a_secret_buffer_grows_like_any_other_and_wipes_what_it_drops),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
