/* Patterns over names. */
#ifndef POLICY_GLOB_H
#define POLICY_GLOB_H

#include "policy/policy.h"

#include <stdbool.h>

/* '*' any run, '?' any one character; whole-string; linear in time for each '*'. */
bool glob_match(const char *pattern, const char *text);
/* Whether what narrow fits, wide fits too. Sure where it says so; of patterns such as "?*" and "*?" it does
 * not see that they are the same. */
bool glob_covers(const char *wide, const char *narrow);
/* A pattern without wildcards names one thing. */
bool glob_literal(const char *pattern);
/* The first pattern of the list that fits, or NULL. */
const char *glob_first(const struct pattern_list *list, const char *text);

#endif
