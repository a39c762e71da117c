/* See app/py_value.h. */
#include "app/py_value.h"

#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- making ----------------------------------------------------------------------------------------------
 */

struct py_value *py_container(enum py_kind kind)
{
    struct py_value *value = mem_zalloc(sizeof *value);
    value->kind = kind;
    return value;
}

struct py_value *py_none(void)
{
    return py_container(PY_NONE);
}

struct py_value *py_bool(bool truth)
{
    struct py_value *value = py_container(PY_BOOL);
    value->truth = truth;
    return value;
}

struct py_value *py_float(double number)
{
    struct py_value *value = py_container(PY_FLOAT);
    value->number = number;
    return value;
}

struct py_value *py_text(enum py_kind kind, const char *text, size_t length)
{
    struct py_value *value = py_container(kind);
    value->text = mem_alloc(length + 1);
    memcpy(value->text, text, length);
    value->text[length] = '\0';
    value->length = length;
    return value;
}

void py_free(struct py_value *value)
{
    if (value == NULL) {
        return;
    }
    for (struct py_value *at = value->first, *next; at != NULL; at = next) {
        next = at->next;
        py_free(at);
    }
    py_free(value->key);
    free(value->text);
    free(value);
}

void py_append(struct py_value *list, struct py_value *value)
{
    if (list->last != NULL) {
        list->last->next = value;
    } else {
        list->first = value;
    }
    list->last = value;
}

static bool same_key(const struct py_value *a, const struct py_value *b)
{
    return a->kind == b->kind && a->length == b->length && a->kind == PY_TEXT &&
           memcmp(a->text, b->text, a->length) == 0;
}

/* A value that is there already is filled anew, so that nobody who points at it is left hanging. */
static void replace(struct py_value *old, struct py_value *value)
{
    struct py_value left = *old;
    left.key = NULL;
    left.next = NULL;
    struct py_value *key = old->key, *next = old->next;
    *old = *value;
    old->key = key;
    old->next = next;
    *value = left;
    py_free(value);
}

void py_set(struct py_value *dict, struct py_value *key, struct py_value *value)
{
    for (struct py_value *at = dict->first; at != NULL; at = at->next) {
        if (same_key(at->key, key)) {
            py_free(key);
            replace(at, value);
            return;
        }
    }
    value->key = key;
    py_append(dict, value);
}

const struct py_value *py_get(const struct py_value *dict, const char *key)
{
    for (const struct py_value *at = dict->first; at != NULL; at = at->next) {
        if (at->key->kind == PY_TEXT && at->key->length == strlen(key) && strcmp(at->key->text, key) == 0) {
            return at;
        }
    }
    return NULL;
}

/* --- telling ---------------------------------------------------------------------------------------------
 */

const char *py_type(const struct py_value *value)
{
    static const char *const types[] = {
        [PY_NONE] = "<class 'NoneType'>",      [PY_BOOL] = "<class 'bool'>", [PY_INT] = "<class 'int'>",
        [PY_FLOAT] = "<class 'float'>",        [PY_TEXT] = "<class 'str'>",  [PY_BYTES] = "<class 'bytes'>",
        [PY_DATE] = "<class 'datetime.date'>", [PY_LIST] = "<class 'list'>", [PY_DICT] = "<class 'dict'>",
    };
    return types[value->kind];
}

size_t py_length(const struct py_value *text)
{
    size_t count = 0;
    for (size_t i = 0; i < text->length; i++) {
        count += ((unsigned char)text->text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* The fewest digits that read back as the same number, in plain notation for 1e-4 up to 1e16. */
static void repr_float(struct buf *out, double number)
{
    char text[40];
    int digits = 1;
    if (isnan(number) || isinf(number)) {
        buf_text(out, isnan(number) ? "nan" : number < 0 ? "-inf" : "inf");
        return;
    }
    do {
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
    } while (digits++ < 17 && strtod(text, NULL) != number);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        snprintf(text, sizeof text, "%.*g", digits - 1, number);
        buf_text(out, text);
        return;
    }
    int behind = digits - 2 - exponent;
    buf_printf(out, "%.*f", behind > 1 ? behind : 1, number);
}

static char quote_for(const char *text, size_t length)
{
    return memchr(text, '\'', length) != NULL && memchr(text, '"', length) == NULL ? '"' : '\'';
}

static void repr_code(struct buf *out, uint32_t code, const char *bytes, size_t size, char quote)
{
    static const char plain[] = "\t\n\r", escaped[] = "tnr";
    const char *found = code < 0x80 && code != 0 ? strchr(plain, (int)code) : NULL;
    if (found != NULL) {
        buf_printf(out, "\\%c", escaped[found - plain]);
    } else if (code == (unsigned char)quote || code == '\\') {
        buf_printf(out, "\\%c", (char)code);
    } else if (code < ' ' || code == 0x7f || (code >= 0x80 && code <= 0xa0) || code == 0xad) {
        buf_printf(out, "\\x%02x", code);
    } else {
        buf_append(out, bytes, size);
    }
}

/* A byte that is no UTF-8 came in by surrogateescape. */
void py_repr_text(struct buf *out, const char *text, size_t length)
{
    char quote = quote_for(text, length);
    buf_char(out, quote);
    for (size_t at = 0, size; at < length; at += size) {
        uint32_t code = 0;
        size = text_utf8_next(text + at, length - at, &code);
        if (size > 0) {
            repr_code(out, code, text + at, size, quote);
        } else {
            buf_printf(out, "\\udc%02x", (unsigned char)text[at]);
            size = 1;
        }
    }
    buf_char(out, quote);
}

static void repr_bytes(struct buf *out, const struct py_value *value)
{
    char quote = quote_for(value->text, value->length);
    buf_printf(out, "b%c", quote);
    for (size_t i = 0; i < value->length; i++) {
        unsigned char byte = (unsigned char)value->text[i];
        if (byte >= 0x7f) {
            buf_printf(out, "\\x%02x", byte);
        } else {
            repr_code(out, byte, &value->text[i], 1, quote);
        }
    }
    buf_char(out, quote);
}

static void repr_container(struct buf *out, const struct py_value *value)
{
    buf_char(out, value->kind == PY_LIST ? '[' : '{');
    for (const struct py_value *at = value->first; at != NULL; at = at->next) {
        buf_text(out, at == value->first ? "" : ", ");
        if (value->kind == PY_DICT) {
            py_repr(out, at->key);
            buf_text(out, ": ");
        }
        py_repr(out, at);
    }
    buf_char(out, value->kind == PY_LIST ? ']' : '}');
}

static void repr_date(struct buf *out, const char *text)
{
    buf_printf(out, "datetime.date(%d, %d, %d)", atoi(text), atoi(text + 5), atoi(text + 8));
}

void py_repr(struct buf *out, const struct py_value *value)
{
    switch (value->kind) {
    case PY_NONE:
        buf_text(out, "None");
        break;
    case PY_BOOL:
        buf_text(out, value->truth ? "True" : "False");
        break;
    case PY_INT:
        buf_text(out, value->text);
        break;
    case PY_FLOAT:
        repr_float(out, value->number);
        break;
    case PY_TEXT:
        py_repr_text(out, value->text, value->length);
        break;
    case PY_BYTES:
        repr_bytes(out, value);
        break;
    case PY_DATE:
        repr_date(out, value->text);
        break;
    default:
        repr_container(out, value);
        break;
    }
}

void py_str(struct buf *out, const struct py_value *value)
{
    if (value->kind == PY_TEXT || value->kind == PY_DATE) {
        buf_append(out, value->text, value->length);
    } else {
        py_repr(out, value);
    }
}

/* --- int() -----------------------------------------------------------------------------------------------
 */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits with single underscores between them. */
static bool take_digits(const char *text, size_t length, struct buf *digits)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        bool between = text[i] == '_' && i > 0 && i + 1 < length && text[i - 1] != '_';
        if (!is_digit(text[i]) && !between) {
            return false;
        }
        count += is_digit(text[i]);
        if (is_digit(text[i]) && (text[i] != '0' || digits->length > 0)) {
            buf_char(digits, text[i]);
        }
    }
    return count > 0 && count <= PY_INT_DIGITS_MAX;
}

bool py_int(const char *text, size_t length, struct buf *digits)
{
    struct buf magnitude;
    while (length > 0 && is_space(text[length - 1])) {
        length--;
    }
    while (length > 0 && is_space(*text)) {
        text++;
        length--;
    }
    bool negative = length > 0 && *text == '-';
    size_t sign = length > 0 && (*text == '-' || *text == '+') ? 1 : 0;
    buf_init(&magnitude, PY_INT_DIGITS_MAX);
    bool good = take_digits(text + sign, length - sign, &magnitude);
    if (good && magnitude.length == 0) {
        buf_char(digits, '0');
    } else if (good) {
        buf_text(digits, negative ? "-" : "");
        buf_append(digits, magnitude.data, magnitude.length);
    }
    buf_finish(&magnitude);
    return good;
}
