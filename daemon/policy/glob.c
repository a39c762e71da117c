/* See policy/glob.h. */
#include "policy/glob.h"

#include <string.h>

/* one_any: '?' stands for a '*' of the text, too. */
static bool match(const char *pattern, const char *text, bool one_any)
{
    const char *star = NULL, *taken = text; /* the last '*', and how far it reaches at least */
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            taken = text;
        } else if ((*pattern == '?' && (one_any || *text != '*')) || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++taken;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool glob_match(const char *pattern, const char *text)
{
    return match(pattern, text, true);
}

/* The narrow one read as a text, in which only a '*' can stand for the runs of its '*'. */
bool glob_covers(const char *wide, const char *narrow)
{
    return match(wide, narrow, false);
}

bool glob_literal(const char *pattern)
{
    return strpbrk(pattern, "*?") == NULL;
}

const char *glob_first(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (glob_match(list->patterns[i], text)) {
            return list->patterns[i];
        }
    }
    return NULL;
}
