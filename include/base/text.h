/* Small services on text: what may be shown, what was probably meant, how numbers are read. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends text as a JSON string with its quotes. Bytes that are no valid UTF-8 become U+FFFD. */
void text_json(struct buf *out, const char *text);

/* Appends text for a terminal or a log line: control characters (C0, DEL, C1) become \xNN, invalid UTF-8 too.
 */
void text_visible(struct buf *out, const char *text);

/* The candidate nearest to word by edit distance (neighbours exchanged count once), or NULL when none is near
 * enough (a distance of at most 2, and less than half of the word's length). candidates ends with NULL. */
const char *text_nearest(const char *word, const char *const *candidates);

/* Reads a whole decimal integer without sign, space or leading '+': false unless all of text is one in
 * min..max. */
bool text_int64(const char *text, int64_t min, int64_t max, int64_t *value);

/* strlcpy: copies with a NUL and returns false if it had to cut. */
bool text_copy(char *to, size_t size, const char *from);

bool text_is_utf8(const char *bytes, size_t length);
/* How long the byte order mark of UTF-8 is with which they begin: 3, or 0 when they do not. */
size_t text_mark_length(const char *bytes, size_t length);

/* The length of the valid UTF-8 sequence at the start of bytes (RFC 3629: no surrogates, nothing over
 * U+10FFFF, no overlong form) and its code point; 0 when there is none. length is above 0. */
size_t text_utf8_next(const char *bytes, size_t length, uint32_t *code);

/* 1234567 -> "1,234,567". Returns out. */
char *text_thousands(char out[32], int64_t number);

#endif
