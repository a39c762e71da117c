/* Values as Python has them: numbers, documents in JSON and YAML, and what repr() says of them. */
#include "tap.h"

#include "app/py_value.h"
#include "app/yaml_value.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void numbers_are_read_as_int_reads_them(void **state)
{
    static const struct {
        const char *text, *digits; /* NULL: none */
    } cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"+0012", "12"},
        {" \t\n7\v\f\r", "7"},
        {"1_000", "1000"},
        {"-1_0_0", "-100"},
        {"000", "0"},
        {"0_1", "1"},
        {"99999999999999999999999", "99999999999999999999999"},
        {"", NULL},
        {" ", NULL},
        {"-", NULL},
        {"+ 1", NULL},
        {"1_", NULL},
        {"_1", NULL},
        {"1__0", NULL},
        {"1.0", NULL},
        {"1e3", NULL},
        {"0x10", NULL},
        {"--1", NULL},
        {"1 2", NULL},
        {"one", NULL},
        {"\xd9\xa1", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf digits;
        buf_init(&digits, 100);
        bool good = py_int(cases[i].text, strlen(cases[i].text), &digits);
        if (good != (cases[i].digits != NULL) ||
            strcmp(buf_string(&digits), good ? cases[i].digits : "") != 0) {
            fail_msg("'%s': %d '%s'", cases[i].text, good, buf_string(&digits));
        }
        buf_finish(&digits);
    }
}

static void a_number_has_4300_digits_at_most(void **state)
{
    static char text[PY_INT_DIGITS_MAX + 2];
    struct buf digits;
    (void)state;
    memset(text, '9', PY_INT_DIGITS_MAX + 1);
    buf_init(&digits, PY_INT_DIGITS_MAX);
    assert_true(py_int(text, PY_INT_DIGITS_MAX, &digits));
    assert_int_equal(digits.length, PY_INT_DIGITS_MAX);
    assert_false(py_int(text, PY_INT_DIGITS_MAX + 1, &digits));
    buf_finish(&digits);
}

/* NULL: refused. Else what repr() gives. */
static void check(const char *text, struct py_value *value, const char *expected)
{
    struct buf found;
    buf_init(&found, 4096);
    if (value != NULL) {
        py_repr(&found, value);
    }
    if ((value == NULL) != (expected == NULL) ||
        (expected != NULL && strcmp(buf_string(&found), expected) != 0)) {
        fail_msg("%s: %s is not %s", text, value != NULL ? buf_string(&found) : "refused",
                 expected != NULL ? expected : "refused");
    }
    py_free(value);
    buf_finish(&found);
}

static void json_is_read_as_pythons_module_reads_it(void **state)
{
    static const struct {
        const char *text, *repr;
    } cases[] = {
        {"{}", "{}"},
        {" [ ] ", "[]"},
        {"{\"a\":1,\"b\":[true,false,null],\"a\":\"z\"}", "{'a': 'z', 'b': [True, False, None]}"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
        {"-0", "0"},
        {"-0.0", "-0.0"},
        {"1.50", "1.5"},
        {"1E2", "100.0"},
        {"1e22", "1e+22"},
        {"1e16", "1e+16"},
        {"123456789012345680.0", "1.2345678901234568e+17"},
        {"0.0001", "0.0001"},
        {"0.00001", "1e-05"},
        {"0.1", "0.1"},
        {"1e400", "inf"},
        {"NaN", "nan"},
        {"-Infinity", "-inf"},
        {"\"a\\u00e9\\ud83d\\ude42\\n\\\\\\/\"", "'a\xc3\xa9\xf0\x9f\x99\x82\\n\\\\/'"},
        {"\"it's\"", "\"it's\""},
        {"\"'\\\"\"", "'\\'\"'"},
        {"\"\\u0000\\u007f\\u00a0\"", "'\\x00\\x7f\\xa0'"},
        {"", NULL},
        {"{", NULL},
        {"{\"a\":1,}", NULL},
        {"[1,]", NULL},
        {"{a:1}", NULL},
        {"{'a':1}", NULL},
        {"01", NULL},
        {"1.", NULL},
        {".5", NULL},
        {"+1", NULL},
        {"1e", NULL},
        {"-", NULL},
        {"\"a", NULL},
        {"\"\t\"", NULL},
        {"\"\\x\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"{} {}", NULL},
        {"nul", NULL},
        {"True", NULL},
        {"\xef\xbb\xbf{}", NULL},
    };
    bool deep;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i].text, py_json(cases[i].text, strlen(cases[i].text), &deep), cases[i].repr);
        assert_false(deep);
    }
}

static void depth_has_an_end(void **state)
{
    static char text[2 * PY_DEPTH_MAX + 2];
    bool deep;
    (void)state;
    memset(text, '[', PY_DEPTH_MAX);
    memset(text + PY_DEPTH_MAX, ']', PY_DEPTH_MAX);
    struct py_value *value = py_json(text, (size_t)2 * PY_DEPTH_MAX, &deep);
    assert_non_null(value);
    py_free(value);
    memset(text, '[', PY_DEPTH_MAX + 1);
    assert_null(py_json(text, (size_t)2 * PY_DEPTH_MAX, &deep));
    assert_true(deep);
}

static void yaml_is_read_by_the_core_schema(void **state)
{
    static const struct {
        const char *text, *repr;
    } cases[] = {
        {"", "None"},
        {"# nothing\n", "None"},
        {"a: 1\nb: '1'", "{'a': 1, 'b': '1'}"},
        {"{a: [true, True, FALSE, yes, on, null, ~, ]}",
         "{'a': [True, True, False, 'yes', 'on', None, None]}"},
        {"[1_000, +7, -5, 010, 0o17, 0x1F, 0x]", "[1000, 7, -5, 10, 15, 31, '0x']"},
        {"[1.0, 1e3, .5, -.inf, .NaN, 1., 1.2.3, '.']", "[1.0, 1000.0, 0.5, -inf, nan, 1.0, '1.2.3', '.']"},
        {"a: 2001-01-01", "{'a': datetime.date(2001, 1, 1)}"},
        {"a: 12:30:45", "{'a': '12:30:45'}"},
        {"1: 2", "{1: 2}"},
        {"\xef\xbb\xbf{a: b}", "{'a': 'b'}"},
        {"\xef\xbb\xbf", "None"},
        {"=: '='", "{'=': '='}"},
        {"a: =", NULL},
        {"[{a: b, c: [<<]}]", NULL},
        {"=", NULL},
        {"a: |\n  x\n  y\n", "{'a': 'x\\ny\\n'}"},
        {"a: b\na: c", NULL},
        {"a: &x b", NULL},
        {"a: !!str b", NULL},
        {"[a", NULL},
        {"--- a\n--- b\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i].text, yaml_value(cases[i].text, strlen(cases[i].text)), cases[i].repr);
    }
}

static void bytes_that_are_no_text_are_told(void **state)
{
    struct buf found;
    (void)state;
    buf_init(&found, 100);
    py_repr_text(&found, "a\xff'", 3);
    assert_string_equal(buf_string(&found), "\"a\\udcff'\"");
    buf_finish(&found);
    check("bytes", py_text(PY_BYTES, "a\xff\n'", 4), "b\"a\\xff\\n'\"");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(numbers_are_read_as_int_reads_them),
    cmocka_unit_test(a_number_has_4300_digits_at_most),
    cmocka_unit_test(json_is_read_as_pythons_module_reads_it),
    cmocka_unit_test(depth_has_an_end),
    cmocka_unit_test(yaml_is_read_by_the_core_schema),
    cmocka_unit_test(bytes_that_are_no_text_are_told),
};

TAP_MAIN(tests)
