/* See py_json() of app/py_value.h. aws/json.h refuses on purpose what Python's module takes (NaN, numbers of
 * any size, NUL in a string, lone surrogates), and what such a document holds is sent, or told, as Python has
 * it. */
#include "app/py_value.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct json {
    const char *at, *end;
    int depth;
    bool deep;
};

static struct py_value *read_value(struct json *json);

static void skip_space(struct json *json)
{
    while (json->at < json->end && strchr(" \t\n\r", *json->at) != NULL && *json->at != '\0') {
        json->at++;
    }
}

static bool skip(struct json *json, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length) != 0) {
        return false;
    }
    json->at += length;
    return true;
}

static size_t digits(const struct json *json, const char *from)
{
    size_t count = 0;
    while (from + count < json->end && from[count] >= '0' && from[count] <= '9') {
        count++;
    }
    return count;
}

/* The length of (-?(?:0|[1-9]\d*))(\.\d+)?([eE][-+]?\d+)? at the place; 0 when it is not there. */
static size_t number_length(const struct json *json, bool *whole)
{
    const char *at = json->at;
    at += at < json->end && *at == '-';
    size_t count = digits(json, at);
    if (count == 0) {
        return 0;
    }
    at += *at == '0' ? 1 : count;
    *whole = true;
    if (at < json->end && *at == '.' && digits(json, at + 1) > 0) {
        at += 1 + digits(json, at + 1);
        *whole = false;
    }
    const char *exponent = at;
    if (exponent < json->end && (*exponent == 'e' || *exponent == 'E')) {
        exponent++;
        exponent += exponent < json->end && (*exponent == '+' || *exponent == '-');
        if (digits(json, exponent) > 0) {
            at = exponent + digits(json, exponent);
            *whole = false;
        }
    }
    return (size_t)(at - json->at);
}

static struct py_value *read_number(struct json *json)
{
    bool whole = false;
    size_t length = number_length(json, &whole);
    if (length == 0) {
        return NULL;
    }
    struct py_value *text = py_text(PY_TEXT, json->at, length), *value = NULL;
    struct buf number;
    json->at += length;
    buf_init(&number, PY_INT_DIGITS_MAX + 1);
    if (!whole) {
        value = py_float(strtod(text->text, NULL));
    } else if (py_int(text->text, length, &number)) {
        value = py_text(PY_INT, buf_string(&number), number.length);
    }
    buf_finish(&number);
    py_free(text);
    return value;
}

/* --- strings ---------------------------------------------------------------------------------------------
 */

static void put_code(struct buf *out, uint32_t code)
{
    if (code < 0x80) {
        buf_char(out, (char)code);
    } else if (code < 0x800) {
        buf_char(out, (char)(0xc0 | code >> 6));
        buf_char(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buf_char(out, (char)(0xe0 | code >> 12));
        buf_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_char(out, (char)(0x80 | (code & 0x3f)));
    } else {
        buf_char(out, (char)(0xf0 | code >> 18));
        buf_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        buf_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_char(out, (char)(0x80 | (code & 0x3f)));
    }
}

static bool read_hex(struct json *json, uint32_t *code)
{
    *code = 0;
    if (json->end - json->at < 4) {
        return false;
    }
    for (int i = 0; i < 4; i++, json->at++) {
        const char *hex = "0123456789abcdef";
        const char *found = strchr(hex, *json->at >= 'A' && *json->at <= 'F' ? *json->at + 32 : *json->at);
        if (found == NULL || *json->at == '\0') {
            return false;
        }
        *code = *code * 16 + (uint32_t)(found - hex);
    }
    return true;
}

/* Behind "\u". Two halves become one character; half a one stays what it is. */
static bool read_unicode(struct json *json, struct buf *out)
{
    uint32_t code, low;
    if (!read_hex(json, &code)) {
        return false;
    }
    const char *behind = json->at;
    if (code >= 0xd800 && code < 0xdc00 && skip(json, "\\u")) {
        if (read_hex(json, &low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else {
            json->at = behind;
        }
    }
    put_code(out, code);
    return true;
}

static bool read_escape(struct json *json, struct buf *out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (json->at == json->end) {
        return false;
    }
    char letter = *json->at++;
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    if (found != NULL) {
        buf_char(out, meanings[found - letters]);
    }
    return found != NULL || (letter == 'u' && read_unicode(json, out));
}

/* Behind the opening quote. */
static bool read_characters(struct json *json, struct buf *out)
{
    while (json->at < json->end && *json->at != '"') {
        char c = *json->at++;
        if ((unsigned char)c < ' ' || (c == '\\' && !read_escape(json, out))) {
            return false;
        }
        if (c != '\\') {
            buf_char(out, c);
        }
    }
    return skip(json, "\"");
}

static struct py_value *read_string(struct json *json)
{
    struct py_value *value = NULL;
    struct buf text;
    buf_init(&text, (size_t)(json->end - json->at) + 1); /* no escape is shorter than what it stands for */
    if (read_characters(json, &text)) {
        value = py_text(PY_TEXT, buf_string(&text), text.length);
    }
    buf_finish(&text);
    return value;
}

/* --- lists and dicts -------------------------------------------------------------------------------------
 */

static bool read_member(struct json *json, struct py_value *dict)
{
    struct py_value *key = skip(json, "\"") ? read_string(json) : NULL, *value = NULL;
    skip_space(json);
    if (key != NULL && skip(json, ":")) {
        skip_space(json);
        value = read_value(json);
    }
    if (value == NULL) {
        py_free(key);
        return false;
    }
    py_set(dict, key, value);
    return true;
}

static bool read_element(struct json *json, struct py_value *container)
{
    if (container->kind == PY_DICT) {
        return read_member(json, container);
    }
    struct py_value *value = read_value(json);
    if (value != NULL) {
        py_append(container, value);
    }
    return value != NULL;
}

/* Behind the opening bracket. */
static bool read_elements(struct json *json, struct py_value *container, const char *closing)
{
    skip_space(json);
    if (skip(json, closing)) {
        return true;
    }
    do {
        skip_space(json);
        if (!read_element(json, container)) {
            return false;
        }
        skip_space(json);
    } while (skip(json, ","));
    return skip(json, closing);
}

static struct py_value *read_container(struct json *json, enum py_kind kind, const char *closing)
{
    struct py_value *container = py_container(kind);
    if (++json->depth > PY_DEPTH_MAX) {
        json->deep = true;
    }
    if (json->deep || !read_elements(json, container, closing)) {
        py_free(container);
        return NULL;
    }
    json->depth--;
    return container;
}

static struct py_value *read_value(struct json *json)
{
    if (skip(json, "{")) {
        return read_container(json, PY_DICT, "}");
    }
    if (skip(json, "[")) {
        return read_container(json, PY_LIST, "]");
    }
    if (skip(json, "\"")) {
        return read_string(json);
    }
    if (skip(json, "null")) {
        return py_none();
    }
    if (skip(json, "true")) {
        return py_bool(true);
    }
    if (skip(json, "false")) {
        return py_bool(false);
    }
    if (skip(json, "NaN")) {
        return py_float(strtod("nan", NULL));
    }
    if (skip(json, "Infinity")) {
        return py_float(strtod("inf", NULL));
    }
    return skip(json, "-Infinity") ? py_float(strtod("-inf", NULL)) : read_number(json);
}

struct py_value *py_json(const char *text, size_t length, bool *deep)
{
    struct json json = {.at = text, .end = text + length};
    skip_space(&json);
    struct py_value *value = read_value(&json);
    skip_space(&json);
    *deep = json.deep;
    if (value != NULL && json.at == json.end) {
        return value;
    }
    py_free(value);
    return NULL;
}
