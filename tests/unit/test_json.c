/* JSON: what is taken, what is refused, and that numbers keep their own text. */
#include "aws/json.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static struct json_doc *parse(const char *text, struct err *err)
{
    return json_parse(text, strlen(text), err);
}

static void well_formed_text_is_taken(void **state)
{
    static const char *const texts[] = {"{}",   " {} ",         "[1]\n",
                                        "1",    "1 ",           "-0",
                                        "0",    "null",         "\r\nnull\t ",
                                        "true", "\"\"",         "\"\\\"\\\\\\/\\b\"",
                                        "[]",   "[[]]",         "0.10",
                                        "1E+5", "{\"a\":[{}]}", "\"\\ud83d\\ude00\"",
                                        "-1",   "1e400",        "\"gr\xc3\xbc\xc3\x9f\""};
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct json_doc *doc = parse(texts[i], &err);
        if (doc == NULL) {
            fail_msg("%s: %s", texts[i], err.msg);
        }
        json_free(doc);
    }
}

static const char *const MALFORMED[] = {
    "",
    " ",
    "{",
    "[",
    "{}x",
    "{}{}",
    "{} {}",
    "nul",
    "nulll",
    "True",
    "NaN",
    "[NaN]",
    "-NaN",
    "Infinity",
    "-Infinity",
    "01",
    "-01",
    "[00]",
    "1.",
    ".5",
    "[1.]",
    "1e",
    "1e+",
    "-",
    "--1",
    "1-2",
    "[1 2]",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{a:1}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1 \"b\":2}",
    "'a'",
    "\"a",
    "\"\\x\"",
    "\"\\u12\"",
    "\"a\nb\"",
    "\"a\tb\"",
    "\"\\",
    "/*x*/1",
    "1//x",
    "]",
    "}",
    "[}",
    "+1",
    "0x10",
    "1f",
    "tru e",
    "\xef\xbb\xbf{}",
    "<html>",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "{\"a\\u0000b\":1}",
    "\"a\\u0000\"",
};

static void malformed_text_is_a_syntax_error(void **state)
{
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(MALFORMED) / sizeof(MALFORMED[0]); i++) {
        struct json_doc *doc = parse(MALFORMED[i], &err);
        if (doc != NULL) {
            fail_msg("taken: %s", MALFORMED[i]);
        }
        if (err.code != ERR_SYNTAX) {
            fail_msg("%s: code %d, %s", MALFORMED[i], err.code, err.msg);
        }
    }
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    struct err err;
    (void)state;

    assert_null(json_parse("{}\0", 3, &err));
    assert_null(json_parse("\0{}", 3, &err));
    assert_null(json_parse("\"a\0b\"", 5, &err));
    assert_null(json_parse("nul\0", 4, &err));
}

static void an_escaped_backslash_before_u0000_is_no_nul(void **state)
{
    struct err err;
    struct json_doc *doc = parse("\"\\\\u0000\"", &err);
    (void)state;

    assert_non_null(doc);
    assert_string_equal(json_string(json_root(doc)), "\\u0000");
    json_free(doc);
}

static void the_text_needs_no_nul_behind_it(void **state)
{
    struct err err;
    struct json_doc *doc = json_parse("12345", 3, &err);
    int64_t number;
    (void)state;

    assert_non_null(doc);
    assert_true(json_int64(json_root(doc), &number));
    assert_int_equal(number, 123);
    json_free(doc);
}

static void nest(char *text, int depth, const char *inside)
{
    memset(text, '[', (size_t)depth);
    strcpy(text + depth, inside);
    memset(text + strlen(text), ']', (size_t)depth + 1);
    text[2 * (size_t)depth + strlen(inside)] = '\0';
}

static void sixteen_levels_are_taken_and_seventeen_are_too_big(void **state)
{
    char text[64];
    struct err err;
    (void)state;

    nest(text, JSON_DEPTH_MAX, "1");
    struct json_doc *doc = parse(text, &err);
    assert_non_null(doc);
    json_free(doc);

    nest(text, JSON_DEPTH_MAX + 1, "");
    assert_null(parse(text, &err));
    assert_int_equal(err.code, ERR_TOO_BIG);
}

static void a_million_levels_and_a_million_digits_are_too_big(void **state)
{
    enum { LENGTH = 1000000 };
    char *text = malloc(LENGTH);
    struct err err;
    (void)state;

    memset(text, '[', LENGTH);
    assert_null(json_parse(text, LENGTH, &err));
    assert_int_equal(err.code, ERR_TOO_BIG);
    memset(text, '7', LENGTH);
    assert_null(json_parse(text, LENGTH, &err));
    assert_int_equal(err.code, ERR_TOO_BIG);
    free(text);
}

static void numbers_keep_their_own_text(void **state)
{
    static const char *const numbers[] = {"1560787023.636",
                                          "1.621884415241E9",
                                          "1560787023.100",
                                          "1560787023",
                                          "1E+5",
                                          "-1.50",
                                          "0",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "18446744073709551614",
                                          "1e400"};
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct json_doc *doc = parse(numbers[i], &err);
        assert_non_null(doc);
        assert_string_equal(json_number(json_root(doc)), numbers[i]);
        json_free(doc);
    }
}

static void a_number_whose_text_was_lost_is_none(void **state)
{
    static const char *const numbers[] = {"18446744073709551616", "99999999999999999999999",
                                          "-99999999999999999999"};
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct json_doc *doc = parse(numbers[i], &err);
        assert_non_null(doc);
        assert_null(json_number(json_root(doc)));
        json_free(doc);
    }
}

static void only_plain_digits_within_int64_are_an_int64(void **state)
{
    static const char *const not [] = {"1.0",
                                       "1e3",
                                       "\"1\"",
                                       "true",
                                       "null",
                                       "[1]",
                                       "9223372036854775808",
                                       "1E0",
                                       "18446744073709551616",
                                       "-99999999999999999999"};
    struct err err;
    int64_t number = 0;
    (void)state;

    struct json_doc *doc = parse("[9223372036854775807, -5]", &err);
    assert_true(json_int64(json_at(json_root(doc), 0), &number));
    assert_true(number == INT64_MAX);
    assert_true(json_int64(json_at(json_root(doc), 1), &number));
    assert_int_equal(number, -5);
    json_free(doc);

    for (size_t i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
        doc = parse(not [i], &err);
        assert_non_null(doc);
        assert_false(json_int64(json_root(doc), &number));
        json_free(doc);
    }
}

static void values_of_another_type_are_absent(void **state)
{
    struct err err;
    struct json_doc *doc = parse("{\"s\":\"x\",\"n\":1,\"z\":null,\"t\":true,\"a\":[1,2],\"o\":{}}", &err);
    const struct json_value *root = json_root(doc);
    bool truth = false;
    (void)state;

    assert_string_equal(json_string(json_get(root, "s")), "x");
    assert_null(json_string(json_get(root, "n")));
    assert_null(json_number(json_get(root, "s")));
    assert_null(json_get(root, "z"));
    assert_null(json_get(root, "missing"));
    assert_null(json_get(json_get(root, "s"), "s"));
    assert_null(json_get(NULL, "s"));
    assert_true(json_truth(json_get(root, "t"), &truth) && truth);
    assert_false(json_truth(json_get(root, "n"), &truth));
    assert_int_equal(json_count(json_get(root, "a")), 2);
    assert_int_equal(json_count(json_get(root, "o")), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_at(json_get(root, "a"), 2));
    assert_true(json_is_object(json_get(root, "o")));
    assert_false(json_is_object(NULL));
    assert_true(json_is_array(json_get(root, "a")));
    json_free(doc);
}

static void of_a_repeated_key_the_last_counts(void **state)
{
    struct err err;
    struct json_doc *doc = parse("{\"a\":1,\"a\":2}", &err);
    (void)state;

    assert_string_equal(json_number(json_get(json_root(doc), "a")), "2");
    json_free(doc);
}

static void join(void *ctx, const char *key, const struct json_value *value)
{
    char *joined = ctx;
    strcat(joined, key);
    strcat(joined, json_is_array(value) ? "[] " : " ");
}

static void members_come_in_order(void **state)
{
    struct err err;
    struct json_doc *doc = parse("{\"b\":1,\"a\":[],\"c\":null}", &err);
    char joined[32] = "";
    (void)state;

    json_members(json_root(doc), join, joined);
    assert_string_equal(joined, "b a[] c ");
    json_members(json_get(json_root(doc), "a"), join, joined);
    assert_string_equal(joined, "b a[] c ");
    json_free(doc);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(well_formed_text_is_taken),
    cmocka_unit_test(malformed_text_is_a_syntax_error),
    cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
    cmocka_unit_test(an_escaped_backslash_before_u0000_is_no_nul),
    cmocka_unit_test(the_text_needs_no_nul_behind_it),
    cmocka_unit_test(sixteen_levels_are_taken_and_seventeen_are_too_big),
    cmocka_unit_test(a_million_levels_and_a_million_digits_are_too_big),
    cmocka_unit_test(numbers_keep_their_own_text),
    cmocka_unit_test(a_number_whose_text_was_lost_is_none),
    cmocka_unit_test(only_plain_digits_within_int64_are_an_int64),
    cmocka_unit_test(values_of_another_type_are_absent),
    cmocka_unit_test(of_a_repeated_key_the_last_counts),
    cmocka_unit_test(members_come_in_order),
};

TAP_MAIN(tests)
