/* What everything that is shown to people shares: how a stream is to be written to, and lines that fit it. */
#ifndef APP_VIEW_H
#define APP_VIEW_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEW_COLUMNS_MIN 40 /* what is laid out for a narrower terminal is cut there */

struct view_style {
    bool utf8;   /* bars of block characters, else of '#' */
    bool color;  /* escape sequences for colour */
    int columns; /* lines are laid out for so many, VIEW_COLUMNS_MIN at least; 0: no terminal, of any length
                  */
};

/* The style for this stream: colour on a terminal only, unless NO_COLOR is set to anything, or TERM is
 * "dumb". setlocale() was called. */
struct view_style view_style_of(int fd);

/* How wide the terminal of this stream is: COLUMNS, else what it says, else 80; 0 if the stream leads to
 * none.
 */
int view_columns(int fd);

/* Each appends. */

/* An escape sequence for colour, where the style has it: "1", "31", ... */
void view_color(struct buf *out, const struct view_style *style, const char *sequence);
/* "old in eu:" in bold; returns the columns that its last line has by then. */
int view_heading(struct buf *out, const struct view_style *style, const char *policy, const char *target);
/* Text made visible and filled up with blanks to width; where it is longer it ends in "..". */
void view_label(struct buf *out, const char *label, size_t width);
/* Text made visible, and a line feed. The line has `used` columns already; what does not fit goes to further
 * lines, which begin behind `indent` blanks. Words that are longer than a line are cut into parts. */
void view_wrap(struct buf *out, const struct view_style *style, const char *text, int used, int indent);

#endif
