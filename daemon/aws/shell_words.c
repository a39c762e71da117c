/* See aws/shell_words.h. */
#include "aws/shell_words.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One character of a word that begins here, or what changes how the next are read. Returns what is behind it;
 * NULL when a backslash is the last character. */
static const char *step(const char *at, char *quote, char **to)
{
    if (*quote == '\0' && (*at == '"' || *at == '\'')) {
        *quote = *at;
        return at + 1;
    }
    if (*quote != '\0' && *at == *quote) {
        *quote = '\0';
        return at + 1;
    }
    bool escapes = *at == '\\' && (*quote == '\0' || (*quote == '"' && (at[1] == '"' || at[1] == '\\')));
    if (*at == '\\' && *quote != '\'' && at[1] == '\0') {
        return NULL;
    }
    at += escapes ? 1 : 0;
    *(*to)++ = *at;
    return at + 1;
}

/* A word into to, which is moved behind its NUL. Returns what is behind the word; NULL with err. */
static const char *take_word(const char *at, char **to, struct err *err)
{
    char quote = '\0';
    while (*at != '\0' && (quote != '\0' || !is_space(*at))) {
        at = step(at, &quote, to);
        if (at == NULL) {
            err_set(err, ERR_SYNTAX, "No escaped character");
            return NULL;
        }
    }
    if (quote != '\0') {
        err_set(err, ERR_SYNTAX, "No closing quotation");
        return NULL;
    }
    *(*to)++ = '\0';
    return at;
}

const char **shell_words(const char *line, struct err *err)
{
    /* a word is at most as long as its text, and takes a NUL where that has a space or ends */
    size_t table = (SHELL_WORDS_MAX + 1) * sizeof(char *);
    const char **words = mem_zalloc(table + strlen(line) + 2);
    char *to = (char *)words + table;
    size_t count = 0;
    while (is_space(*line)) {
        line++;
    }
    while (*line != '\0') {
        if (count == SHELL_WORDS_MAX) {
            err_set(err, ERR_TOO_BIG, "more than %d words", SHELL_WORDS_MAX);
            break;
        }
        words[count++] = to;
        line = take_word(line, &to, err);
        if (line == NULL) {
            break;
        }
        while (is_space(*line)) {
            line++;
        }
    }
    if (line != NULL && *line == '\0') {
        return words;
    }
    free(words);
    return NULL;
}
