/* One file of the AWS CLI: what counts as a line, a key, a value, a map, and what is refused. The same is
 * compared with Python's parser in tests/e2e/settings_oracle.py. */
#include "tap.h"

#include "aws/ini.h"
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static void check_value(const char *text, const char *key, const char *expected)
{
    struct err err = {0};
    struct ini *ini = ini_parse("f", text, strlen(text), &err);
    if (ini == NULL) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(ini_section(ini, 0), "default");
    const char *value = ini_get(ini, 0, key);
    assert_non_null(value);
    assert_string_equal(value, expected);
    ini_free(ini);
}

static void values_are_read_as_the_aws_cli_reads_them(void **state)
{
    (void)state;
    check_value("[default]\nregion = eu-west-1\n", "region", "eu-west-1");
    check_value("[default]\nREGION=eu-west-1", "region", "eu-west-1");
    check_value("[default]\nregion : eu-west-1\n", "region", "eu-west-1");
    check_value("[default]\r\nregion = eu-west-1\r\n", "region", "eu-west-1");
    check_value("# c\n; c\n\n[default] trailing\nregion = x\n", "region", "x");
    check_value("[default]\nregion = eu-west-1 # not a comment\n", "region", "eu-west-1 # not a comment");
    check_value("[default]\nregion = eu-west-1;x\n", "region", "eu-west-1;x");
    check_value("[default]\nregion =\n", "region", "");
    check_value("[default]\nk = a=b:c\n", "k", "a=b:c");
    check_value("[default]\nk = one\n  two\n\tthree\n", "k", "one\ntwo\nthree");
    check_value("[default]\nk = one\n\n  two\n\nx = 1\n", "k", "one\n\ntwo");
    check_value("[default]\nk = one\n  # a comment\n  two\n", "k", "one\ntwo");
    check_value("[default]\n  k = one\n  x = two\n", "x", "two");
    check_value("[default]\niot =\n  endpoint_url = http://localhost\n", "iot",
                "\nendpoint_url = http://localhost");
    check_value("[default]\nk = 100%\n", "k", "100%");
}

/* As many as fit into the largest file: found at once, or this would take minutes. */
static void a_file_of_very_many_keys_and_sections_is_read(void **state)
{
    enum { COUNT = 40000 };
    struct err err = {0};
    struct buf text;
    char name[16];
    (void)state;
    buf_init(&text, INI_FILE_MAX);
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&text, "[s%d]\n", i);
    }
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&text, "k%d=%d\n", i, i);
    }
    struct ini *ini = ini_parse("f", buf_string(&text), text.length, &err);
    assert_non_null(ini);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "k%d", i);
        assert_string_equal(ini_get(ini, COUNT - 1, name), name + 1);
        snprintf(name, sizeof name, "s%d", i);
        assert_string_equal(ini_section(ini, (size_t)i), name);
    }
    assert_null(ini_section(ini, COUNT));
    ini_free(ini);
    buf_finish(&text);
}

static void malformed_files_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"region = x\n", "f:1: text before the first [section]"},
        {"[default]\nregion\n", "f:2: neither a [section] nor a key with '=' or ':'"},
        {"[default]\n= x\n", "f:2: neither a [section] nor a key with '=' or ':'"},
        {"[default]\na=1\nA=2\n", "f:3: this key was there before in its section"},
        {"[a]\n[b]\n[a]\n", "f:3: this section was there before"},
        {"[default\n", "f:1: a section's name ends with ']'"},
        {"[]\n", "f:1: a section's name ends with ']'"},
        {"\xef\xbb\xbf[default]\n", "f:1: a byte order mark; save the file without one"},
        {"[a]\n[b\n", "f:2: a section's name ends with ']'"},
        {"[a]\nx\xff = 1\n", "f:2: bytes that are no UTF-8"},
        {"[a]\n\nk =\n  x = 1\n  y\n", "f:3: below this key, a line without '='"},
        {"[DEFAULT]\na=1\n[DEFAULT]\na=2\n", "f:4: this key was there before in its section"},
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(ini_parse("f", bad[i].text, strlen(bad[i].text), &err));
        assert_string_equal(err.msg, bad[i].message);
        assert_int_equal(err.code, ERR_SYNTAX);
    }
    assert_null(ini_parse("f", "[a]\nb=\0\n", 8, &err));
    assert_string_equal(err.msg, "f:2: a NUL byte");
}

static void lines_end_and_white_space_is_as_python_sees_it(void **state)
{
    (void)state;
    check_value("[default]\rregion = x\rk = y\r", "k", "y");
    check_value("[default]\r\rk = a\r\n\tb\n", "k", "a\nb");
    check_value("[default]\nk\xc2\xa0=\xe2\x80\x83v\xe3\x80\x80\n", "k", "v");
    check_value("[default]\n\x1ck = v\x1f\n", "k", "v");
    /* two bytes of white space are one character of indent: no deeper than the key's */
    check_value("[default]\n a = 1\n\xc2\xa0"
                "b = 2\n",
                "b", "2");
    check_value("[default]\nk = 1\n\xc2\xa0"
                "b = 2\n",
                "k", "1\nb = 2");
}

static void headers_go_to_the_last_bracket(void **state)
{
    static const char *const cases[][2] = {
        {"[a] b\n", "a"}, {"[a]b]\n", "a]b"}, {"[ a ]\n", " a "}, {"[]]\n", "]"}, {"  [a]\n", "a"},
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ini *ini = ini_parse("f", cases[i][0], strlen(cases[i][0]), &err);
        assert_non_null(ini);
        assert_string_equal(ini_section(ini, 0), cases[i][1]);
        assert_null(ini_section(ini, 1));
        ini_free(ini);
    }
    check_value("[default]\n[x = 1\n", "[x", "1"); /* which is no header, and so a key */
    check_value("[default]\n[] = 1\n", "[]", "1");
}

static void default_in_capitals_is_in_every_section(void **state)
{
    static const char text[] = "[a]\nk=1\n[DEFAULT]\nk=2\nd=3\n[b]\n[DEFAULT]\ne=4\nm=\n  x=y\n";
    struct err err;
    (void)state;
    struct ini *ini = ini_parse("f", text, strlen(text), &err);
    assert_non_null(ini);
    assert_string_equal(ini_section(ini, 0), "a");
    assert_string_equal(ini_section(ini, 1), "b");
    assert_null(ini_section(ini, 2));
    assert_string_equal(ini_get(ini, 0, "k"), "1");
    assert_string_equal(ini_get(ini, 0, "d"), "3");
    assert_string_equal(ini_get(ini, 1, "k"), "2");
    assert_string_equal(ini_get(ini, 1, "e"), "4");
    assert_string_equal(ini_nested(ini, 1, "m", "x"), "y");
    ini_free(ini);
}

static void a_value_that_begins_on_the_next_line_is_a_map(void **state)
{
    static const char text[] =
        "[services s]\niot =\n  endpoint_url = http://a?b=c\n  # no\n\n  K=1\n  K = 2\n"
        "  k =\nsts = x\n  endpoint_url = y\nempty =\n\n";
    struct err err;
    (void)state;
    struct ini *ini = ini_parse("f", text, strlen(text), &err);
    assert_non_null(ini);
    assert_string_equal(ini_nested(ini, 0, "iot", "endpoint_url"), "http://a?b=c");
    assert_string_equal(ini_nested(ini, 0, "iot", "K"), "2");
    assert_string_equal(ini_nested(ini, 0, "iot", "k"), "");
    assert_null(ini_nested(ini, 0, "iot", "missing"));
    assert_null(ini_nested(ini, 0, "sts", "endpoint_url"));
    assert_string_equal(ini_get(ini, 0, "sts"), "x\nendpoint_url = y");
    assert_string_equal(ini_get(ini, 0, "empty"), "");
    assert_null(ini_nested(ini, 0, "missing", "x"));
    ini_free(ini);
}

static void count_pair(void *ctx, const char *key, const char *subkey, const char *value)
{
    buf_printf(ctx, "%s%s%s=%s;", key, subkey != NULL ? "." : "", subkey != NULL ? subkey : "", value);
}

static void every_key_of_a_section_can_be_seen(void **state)
{
    static const char text[] = "[DEFAULT]\nd=0\na=9\n[s]\na=1\nm=\n  x=2\n";
    struct buf seen;
    struct err err;
    (void)state;
    buf_init(&seen, 256);
    struct ini *ini = ini_parse("f", text, strlen(text), &err);
    ini_each(ini, 0, count_pair, &seen);
    assert_non_null(strstr(buf_string(&seen), "a=1;"));
    assert_non_null(strstr(buf_string(&seen), "m.x=2;"));
    assert_non_null(strstr(buf_string(&seen), "d=0;"));
    assert_int_equal(seen.length, strlen("a=1;m.x=2;d=0;"));
    buf_finish(&seen);
    ini_free(ini);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(values_are_read_as_the_aws_cli_reads_them),
    cmocka_unit_test(a_file_of_very_many_keys_and_sections_is_read),
    cmocka_unit_test(malformed_files_are_refused_with_their_line),
    cmocka_unit_test(lines_end_and_white_space_is_as_python_sees_it),
    cmocka_unit_test(headers_go_to_the_last_bracket),
    cmocka_unit_test(default_in_capitals_is_in_every_section),
    cmocka_unit_test(a_value_that_begins_on_the_next_line_is_a_map),
    cmocka_unit_test(every_key_of_a_section_can_be_seen),
};

TAP_MAIN(tests)
