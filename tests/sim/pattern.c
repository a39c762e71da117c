/* See pattern.h. */
#include "sim/pattern.h"

#include <ctype.h>
#include <stddef.h>

bool pattern_matches(const char *pattern, char many, char one, const char *text, bool any_case)
{
    const char *star = NULL, *behind = NULL; /* where to go on when `many` takes one more character */

    while (*text) {
        bool same =
            any_case ? tolower((unsigned char)*pattern) == tolower((unsigned char)*text) : *pattern == *text;
        if (*pattern == many) {
            star = pattern++;
            behind = text;
        } else if (same || *pattern == one) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++behind;
        } else {
            return false;
        }
    }
    while (*pattern == many) {
        pattern++;
    }
    return *pattern == '\0';
}
