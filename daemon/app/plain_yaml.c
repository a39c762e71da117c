/* See app/plain_yaml.h. */
#include "app/plain_yaml.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WIDTH 80

/* Would it be read as something else than text? Broader than YAML 1.2 where that does no harm. */
static bool means_something(const char *value)
{
    static const char *const words[] = {"~", "null", "true", "false", "=", "<<", ".inf", ".nan"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(words[i], value) == 0) {
            return true;
        }
    }
    return strspn(value, "0123456789.+-_:eExXoabcdfABCDF") == strlen(value) &&
           strpbrk(value, "0123456789") != NULL && strchr("0123456789.+-", value[0]) != NULL;
}

static bool begins_like_syntax(const char *value)
{
    bool alone = value[1] == ' ' || value[1] == '\0';
    return strchr("#,[]{}&*!|>'\"%@`", value[0]) != NULL || (strchr("-?:", value[0]) != NULL && alone) ||
           strncmp(value, "---", 3) == 0 || strncmp(value, "...", 3) == 0;
}

static bool can_be_plain(const char *value)
{
    size_t length = strlen(value);
    return length > 0 && value[0] != ' ' && value[length - 1] != ' ' && value[length - 1] != ':' &&
           strchr(value, '\n') == NULL && strstr(value, ": ") == NULL && strstr(value, " #") == NULL &&
           !begins_like_syntax(value) && !means_something(value);
}

static bool needs_double(const char *value)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++) {
        bool space_beside = value[i] == '\n' && ((i > 0 && value[i - 1] == ' ') || value[i + 1] == ' ');
        if (((unsigned char)value[i] < ' ' && value[i] != '\n') || value[i] == 0x7f || space_beside) {
            return true;
        }
    }
    return !text_is_utf8(value, length);
}

/* A single space behind column WIDTH becomes the end of the line; a line feed becomes two. */
static void fold(struct buf *out, size_t column, const char *value, bool quoted)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++) {
        bool single = value[i] == ' ' && value[i + 1] != ' ' && (i == 0 || value[i - 1] != ' ');
        bool inside = i > 0 && i + 1 < length;
        if (single && column > WIDTH && inside) {
            buf_text(out, "\n  ");
            column = 2;
            continue;
        }
        if (value[i] == '\n') {
            buf_text(out, i > 0 && value[i - 1] == '\n' ? "\n" : "\n\n");
            column = 0;
            if (value[i + 1] != '\n') {
                buf_text(out, "  ");
                column = 2;
            }
            continue;
        }
        buf_text(out, quoted && value[i] == '\'' ? "'" : "");
        buf_char(out, value[i]);
        column += ((unsigned char)value[i] & 0xc0) != 0x80;
        column += quoted && value[i] == '\'';
    }
}

void plain_yaml_member(struct buf *out, const char *name, const char *value)
{
    size_t column = strlen(name) + 2;
    buf_printf(out, "%s: ", name);
    if (needs_double(value)) {
        text_json(out, value); /* JSON's strings are YAML's */
    } else if (can_be_plain(value)) {
        fold(out, column, value, false);
    } else {
        buf_char(out, '\'');
        fold(out, column + 1, value, true);
        buf_char(out, '\'');
    }
    buf_char(out, '\n');
}
