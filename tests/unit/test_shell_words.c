/* Command lines, split as Python's shlex.split() splits them. */
#include "aws/shell_words.h"
#include "base/buf.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *line;
    const char *words; /* each in brackets; or the error */
} CASES[] = {
    {"", ""},
    {" \t\n", ""},
    {"a", "[a]"},
    {"  a  b\tc\nd ", "[a][b][c][d]"},
    {"a 'b c' d", "[a][b c][d]"},
    {"a \"b c\" d", "[a][b c][d]"},
    {"a''b", "[ab]"},
    {"'' \"\"", "[][]"},
    {"a\\ b", "[a b]"},
    {"a\\\\b", "[a\\b]"},
    {"'a\\b'", "[a\\b]"},
    {"\"a\\b\"", "[a\\b]"},
    {"\"a\\\"b\"", "[a\"b]"},
    {"\"a\\\\b\"", "[a\\b]"},
    {"'a\"b' \"c'd\"", "[a\"b][c'd]"},
    {"--x='1 2' # no comment", "[--x=1 2][#][no][comment]"},
    {"$HOME `x` * ; |", "[$HOME][`x`][*][;][|]"},
    {"a'", "No closing quotation"},
    {"a \"b", "No closing quotation"},
    {"a\\", "No escaped character"},
    {"\"a\\", "No escaped character"},
};

static void lines_are_split_as_python_splits_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct err err;
        struct buf text;
        buf_init(&text, 1024);
        const char **words = shell_words(CASES[i].line, &err);
        for (size_t k = 0; words != NULL && words[k] != NULL; k++) {
            buf_printf(&text, "[%s]", words[k]);
        }
        assert_string_equal(words != NULL ? buf_string(&text) : err.msg, CASES[i].words);
        free(words);
        buf_finish(&text);
    }
}

static void there_are_not_more_than_so_many(void **state)
{
    char line[2 * (SHELL_WORDS_MAX + 1) + 1];
    struct err err;
    (void)state;
    for (int i = 0; i <= SHELL_WORDS_MAX; i++) {
        memcpy(line + 2 * i, "a ", 3);
    }
    assert_null(shell_words(line, &err));
    assert_int_equal(err.code, ERR_TOO_BIG);
    line[2 * SHELL_WORDS_MAX - 1] = '\0';
    const char **words = shell_words(line, &err);
    assert_non_null(words);
    free(words);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines_are_split_as_python_splits_them),
    cmocka_unit_test(there_are_not_more_than_so_many),
};

TAP_MAIN(tests)
