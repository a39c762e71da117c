/* See app/bars.h. */
#include "app/bars.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#define BAR_MAX       30
#define BAR_MIN       8
#define LABEL_MIN     12
#define HEADING_WIDTH 11 /* "  status   " */
#define COUNT_WIDTH   11 /* " 12,345,678", or more */
#define PERCENT_WIDTH 8  /* " 100.0 %" */

struct layout {
    bool narrow; /* no percentage, the heading by itself */
    int indent, label, bar;
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static struct layout lay_out(int columns, int longest)
{
    struct layout layout = {.indent = HEADING_WIDTH, .label = longest, .bar = BAR_MAX};
    int room = columns - HEADING_WIDTH - COUNT_WIDTH - PERCENT_WIDTH - 1;
    if (columns == 0 || longest + BAR_MAX <= room) {
        return layout;
    }
    layout.narrow = smaller(longest, LABEL_MIN) + BAR_MIN > room;
    if (layout.narrow) {
        layout.indent = 4;
        room = columns - layout.indent - COUNT_WIDTH - 1;
    }
    layout.label = smaller(longest, room - BAR_MIN);
    layout.bar = smaller(room - layout.label, BAR_MAX);
    return layout;
}

/* Partial cells in eighths where the terminal has them. */
static void draw(struct buf *out, const struct view_style *style, int64_t count, int64_t most, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int64_t cells = most > 0 ? (int64_t)((double)count / (double)most * width * 8) : 0;
    if (cells == 0 && count > 0) {
        cells = 1;
    }
    int64_t full = style->utf8 ? cells / 8 : (cells + 7) / 8;
    int64_t used = full;
    view_color(out, style, "36");
    for (int64_t i = 0; i < full; i++) {
        buf_text(out, style->utf8 ? "█" : "#");
    }
    if (style->utf8 && cells % 8 != 0) {
        buf_text(out, eighths[cells % 8]);
        used++;
    }
    view_color(out, style, "0");
    buf_printf(out, "%*s", (int)(width - used), "");
}

void bars_print(const char *heading, const struct bar *bars, size_t count, int64_t total,
                const struct view_style *style, struct buf *out)
{
    int64_t most = 0;
    int longest = LABEL_MIN;
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(bars[i].label);
        most = bars[i].count > most ? bars[i].count : most;
        longest = length > longest ? length : longest;
    }
    struct layout layout = lay_out(style->columns, longest);
    if (layout.narrow && count > 0) {
        buf_printf(out, "  %s\n", heading);
    }
    for (size_t i = 0; i < count; i++) {
        char number[32];
        if (layout.narrow) {
            buf_printf(out, "%*s", layout.indent, "");
        } else {
            buf_printf(out, "  %-8s ", i == 0 ? heading : "");
        }
        view_label(out, bars[i].label, (size_t)layout.label);
        buf_char(out, ' ');
        draw(out, style, bars[i].count, most, layout.bar);
        buf_printf(out, " %10s", text_thousands(number, bars[i].count));
        if (!layout.narrow) {
            buf_printf(out, " %5.1f %%", total > 0 ? 100.0 * (double)bars[i].count / (double)total : 0.0);
        }
        buf_char(out, '\n');
    }
}
