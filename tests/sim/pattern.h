/* Texts with wildcards, in whatever characters stand for them. */
#ifndef SIM_PATTERN_H
#define SIM_PATTERN_H

#include <stdbool.h>

/* Whether the whole of text matches: `many` in the pattern stands for any number of characters, `one` for
 * one. */
bool pattern_matches(const char *pattern, char many, char one, const char *text, bool any_case);

#endif
