/* See app/view.h. */
#include "app/view.h"

#include "base/text.h"

#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_MAX        16384
#define COLUMNS_DEFAULT 80
#define COLUMNS_MAX     10000
#define HEADING_INDENT  2

struct view_style view_style_of(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool dumb = term == NULL || strcmp(term, "dumb") == 0;
    int columns = view_columns(fd);
    return (struct view_style){.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                               .color = isatty(fd) && !dumb && (no_color == NULL || no_color[0] == '\0'),
                               .columns =
                                   columns > 0 && columns < VIEW_COLUMNS_MIN ? VIEW_COLUMNS_MIN : columns};
}

int view_columns(int fd)
{
    struct winsize size;
    const char *wanted = getenv("COLUMNS");
    int64_t columns;
    if (!isatty(fd)) {
        return 0;
    }
    if (wanted != NULL && text_int64(wanted, 1, COLUMNS_MAX, &columns)) {
        return (int)columns;
    }
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
}

void view_color(struct buf *out, const struct view_style *style, const char *sequence)
{
    if (style->color) {
        buf_printf(out, "\033[%sm", sequence);
    }
}

/* The bytes of the first so many characters; *characters: how many there are, up to it. */
static size_t beginning(const char *text, size_t most, size_t *characters)
{
    size_t bytes = 0;
    for (*characters = 0; text[bytes] != '\0' && *characters < most; ++*characters) {
        do {
            bytes++;
        } while (((unsigned char)text[bytes] & 0xc0) == 0x80);
    }
    return bytes;
}

void view_label(struct buf *out, const char *label, size_t width)
{
    struct buf visible;
    size_t characters;
    buf_init(&visible, TEXT_MAX);
    text_visible(&visible, label);
    const char *text = buf_string(&visible);
    size_t bytes = beginning(text, width, &characters);
    if (text[bytes] != '\0' && width > 2) {
        bytes = beginning(text, width - 2, &characters);
        buf_append(out, text, bytes);
        buf_text(out, "..");
    } else {
        buf_append(out, text, bytes);
        buf_printf(out, "%*s", (int)(width - characters), "");
    }
    buf_finish(&visible);
}

/* Where the words of a text go. */
struct line {
    struct buf *out;
    int columns, indent, used; /* columns 0: of any length */
};

static void break_line(struct line *line)
{
    buf_printf(line->out, "\n%*s", line->indent, "");
    line->used = line->indent;
}

static void put_word(struct line *line, const char *word, size_t bytes)
{
    while (bytes > 0) {
        size_t room = line->columns == 0 ? bytes : (size_t)(line->columns - line->used), characters;
        size_t fits = beginning(word, room, &characters);
        fits = fits < bytes ? fits : bytes;
        buf_append(line->out, word, fits);
        line->used += (int)characters;
        word += fits;
        bytes -= fits;
        if (bytes > 0) {
            break_line(line);
        }
    }
}

static void put_words(struct line *line, const char *text)
{
    while (*text != '\0') {
        size_t blanks = strspn(text, " "), bytes = strcspn(text + blanks, " "), characters;
        char word[TEXT_MAX];
        if (bytes >= sizeof word) {
            bytes = sizeof word - 1;
        }
        memcpy(word, text + blanks, bytes);
        word[bytes] = '\0';
        beginning(word, bytes, &characters);
        bool fits = line->columns == 0 || line->used + (int)(blanks + characters) <= line->columns;
        if (!fits && line->used > line->indent) {
            break_line(line);
        } else {
            buf_printf(line->out, "%*s", (int)blanks, "");
            line->used += (int)blanks;
        }
        put_word(line, word, bytes);
        text += blanks + bytes;
    }
}

void view_wrap(struct buf *out, const struct view_style *style, const char *text, int used, int indent)
{
    struct buf visible;
    struct line line = {.out = out, .columns = style->columns, .indent = indent, .used = used};
    buf_init(&visible, TEXT_MAX);
    text_visible(&visible, text);
    put_words(&line, buf_string(&visible));
    buf_char(out, '\n');
    buf_finish(&visible);
}

int view_heading(struct buf *out, const struct view_style *style, const char *policy, const char *target)
{
    struct buf text;
    struct line line = {.out = out, .columns = style->columns, .indent = HEADING_INDENT};
    buf_init(&text, TEXT_MAX);
    text_visible(&text, policy);
    buf_text(&text, " in ");
    text_visible(&text, target);
    buf_char(&text, ':');
    view_color(out, style, "1");
    put_words(&line, buf_string(&text));
    view_color(out, style, "0");
    buf_finish(&text);
    return line.used;
}
