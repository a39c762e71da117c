/* Counts as bars, a line each, that fit the terminal. */
#ifndef APP_BARS_H
#define APP_BARS_H

#include "app/view.h"
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

struct bar {
    const char *label; /* made visible */
    int64_t count;
};

/* Appends a line for each: heading (before the first alone), label, bar, count, and what part of total that
 * is. The longest bar is that of the greatest count, and anything above nothing shows at least one mark. What
 * does not fit into the style's columns goes in this order: the length of the bars, the heading (to a line of
 * its own) and the percentage, the ends of labels. */
void bars_print(const char *heading, const struct bar *bars, size_t count, int64_t total,
                const struct view_style *style, struct buf *out);

#endif
