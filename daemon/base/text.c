/* See base/text.h. */
#include "base/text.h"

#include <string.h>

size_t text_utf8_next(const char *text, size_t length, uint32_t *code)
{
    const unsigned char *bytes = (const unsigned char *)text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = bytes[0];
    size_t size = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    if (size == 0 || size > length) {
        return 0;
    }
    uint32_t value = size == 1 ? first : first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        return 0;
    }
    *code = value;
    return size;
}

size_t text_mark_length(const char *bytes, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf";
    const size_t size = sizeof mark - 1;
    return length >= size && memcmp(bytes, mark, size) == 0 ? size : 0;
}

bool text_is_utf8(const char *bytes, size_t length)
{
    while (length > 0) {
        uint32_t code;
        size_t size = text_utf8_next(bytes, length, &code);
        if (size == 0) {
            return false;
        }
        bytes += size;
        length -= size;
    }
    return true;
}

static void json_code(struct buf *out, const char *at, size_t size, uint32_t code)
{
    switch (code) {
    case '"':
        buf_text(out, "\\\"");
        break;
    case '\\':
        buf_text(out, "\\\\");
        break;
    case '\n':
        buf_text(out, "\\n");
        break;
    case '\t':
        buf_text(out, "\\t");
        break;
    default:
        if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            buf_printf(out, "\\u%04x", (unsigned)code);
        } else {
            buf_append(out, at, size);
        }
    }
}

void text_json(struct buf *out, const char *text)
{
    size_t left = strlen(text);
    buf_char(out, '"');
    while (left > 0) {
        uint32_t code;
        size_t size = text_utf8_next(text, left, &code);
        if (size == 0) {
            buf_text(out, "\xef\xbf\xbd");
            size = 1;
        } else {
            json_code(out, text, size, code);
        }
        text += size;
        left -= size;
    }
    buf_char(out, '"');
}

void text_visible(struct buf *out, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code;
        size_t size = text_utf8_next(text, left, &code);
        bool control = size > 0 && (code < 0x20 || (code >= 0x7f && code < 0xa0));
        if (size > 0 && !control) {
            buf_append(out, text, size);
        } else {
            size = size > 0 ? size : 1;
            for (size_t i = 0; i < size; i++) {
                buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text[i]);
            }
        }
        text += size;
        left -= size;
    }
}

#define NEAREST_MAX 64

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The edit distance where exchanging two neighbours, the commonest slip, counts as one edit (optimal string
 * alignment), with three rows; words of up to NEAREST_MAX bytes. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t columns = strlen(b);
    size_t rows[3][NEAREST_MAX + 1];
    for (size_t j = 0; j <= columns; j++) {
        rows[0][j] = j;
    }
    size_t i = 1;
    for (; a[i - 1] != '\0'; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            row[j] = smaller(above[j - 1] + (a[i - 1] != b[j - 1]), smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = smaller(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[(i - 1) % 3][columns];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    size_t length = strlen(word);
    if (length > NEAREST_MAX) {
        return NULL;
    }
    size_t best = length < 5 ? (length + 1) / 2 : 3; /* one above what is near enough */
    for (; *candidates != NULL; candidates++) {
        if (strlen(*candidates) > NEAREST_MAX) {
            continue;
        }
        size_t distance = edit_distance(word, *candidates);
        if (distance < best) {
            best = distance;
            nearest = *candidates;
        }
    }
    return nearest;
}

bool text_int64(const char *text, int64_t min, int64_t max, int64_t *value)
{
    uint64_t number = 0;
    size_t digits = 0;
    for (; text[digits] >= '0' && text[digits] <= '9'; digits++) {
        uint64_t digit = (uint64_t)(text[digits] - '0');
        if (number > ((uint64_t)INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    if (digits == 0 || text[digits] != '\0' || (int64_t)number < min || (int64_t)number > max) {
        return false;
    }
    *value = (int64_t)number;
    return true;
}

bool text_copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    bool fits = length < size;
    length = fits ? length : size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
    return fits;
}

char *text_thousands(char out[32], int64_t number)
{
    char digits[24];
    size_t count = 0, at = 0;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        out[at++] = '-';
    }
    while (count > 0) {
        out[at++] = digits[--count];
        if (count > 0 && count % 3 == 0) {
            out[at++] = ',';
        }
    }
    out[at] = '\0';
    return out;
}
