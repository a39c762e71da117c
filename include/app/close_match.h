/* Which of some words a person may have meant, as Python's difflib.get_close_matches() finds them. */
#ifndef APP_CLOSE_MATCH_H
#define APP_CLOSE_MATCH_H

#include "base/buf.h"

/* difflib.SequenceMatcher's ratio of two words, 0 to 1. Looks at the first 64 bytes of each. */
double close_match_ratio(const char *a, const char *b);

/* Appends the AWS CLI's "Maybe you meant" with the three best of the choices (ends with NULL) that are at
 * least 0.8 like word; nothing when there is none. */
void close_match_suggest(const char *word, const char *const *choices, struct buf *out);

#endif
