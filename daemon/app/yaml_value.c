/* See app/yaml_value.h. */
#include "app/yaml_value.h"

#include "base/text.h"
#include "policy/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, text) == 0) {
            return true;
        }
    }
    return false;
}

static size_t digits(const char *text)
{
    return strspn(text, "0123456789_");
}

static bool is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    return *text >= '0' && *text <= '9' && text[digits(text)] == '\0';
}

/* [-+]?([0-9][0-9_]*)?(\.[0-9_]*)?([eE][-+]?[0-9]+)?, with a point or an exponent, and a digit in front of
 * the exponent. */
static bool is_float(const char *text)
{
    static const char *const infinite[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const undefined[] = {".nan", ".NaN", ".NAN", NULL};
    const char *at = text + (*text == '-' || *text == '+');
    if (is_one_of(at, infinite) || is_one_of(text, undefined)) {
        return true;
    }
    size_t whole = *at == '_' ? 0 : digits(at), fraction = 0;
    at += whole;
    bool point = *at == '.';
    if (point) {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    bool exponent = (*at == 'e' || *at == 'E') && whole + fraction > 0;
    if (exponent) {
        at += 1 + (at[1] == '-' || at[1] == '+');
        size_t length = strspn(at, "0123456789");
        exponent = length > 0;
        at += length;
    }
    return *at == '\0' && whole + fraction > 0 && (point || exponent);
}

/* YYYY-MM-DD. Times are told as text: no parameter can be one. */
static bool is_date(const char *text)
{
    return strlen(text) == 10 && strspn(text, "0123456789") == 4 && text[4] == '-' &&
           strspn(text + 5, "0123456789") == 2 && text[7] == '-' && strspn(text + 8, "0123456789") == 2;
}

static double float_of(const char *text)
{
    char plain[64] = "";
    size_t length = 0;
    const char *point = strchr(text, '.');
    if (point != NULL && (point[1] == 'n' || point[1] == 'N' || point[1] == 'i' || point[1] == 'I')) {
        return strtod(point[1] == 'n' || point[1] == 'N' ? "nan" : *text == '-' ? "-inf" : "inf", NULL);
    }
    for (; *text != '\0' && length + 1 < sizeof plain; text++) {
        if (*text != '_') {
            plain[length++] = *text;
        }
    }
    return strtod(plain, NULL);
}

/* Whole numbers in base 8 and 16 beyond 64 bits are cut to them: they are none that could be meant. */
static struct py_value *int_of(const char *text, int base)
{
    char plain[32];
    struct py_value *value = NULL;
    struct buf number;
    buf_init(&number, PY_INT_DIGITS_MAX + 1);
    if (base != 10) {
        snprintf(plain, sizeof plain, "%llu", strtoull(text, NULL, base));
        text = plain;
    }
    if (py_int(text, strlen(text), &number)) {
        value = py_text(PY_INT, buf_string(&number), number.length);
    }
    buf_finish(&number);
    return value != NULL ? value : py_text(PY_TEXT, text, strlen(text));
}

static struct py_value *plain_value(const struct yaml_node *node)
{
    static const char *const truths[] = {"true", "True", "TRUE", NULL};
    static const char *const falsehoods[] = {"false", "False", "FALSE", NULL};
    const char *text = node->text;
    if (yaml_is_null(node)) {
        return py_none();
    }
    if (is_one_of(text, truths) || is_one_of(text, falsehoods)) {
        return py_bool(is_one_of(text, truths));
    }
    if (is_decimal(text)) {
        return int_of(text, 10);
    }
    if (strncmp(text, "0x", 2) == 0 && text[2] != '\0' &&
        strspn(text + 2, "0123456789abcdefABCDEF") == strlen(text + 2)) {
        return int_of(text + 2, 16);
    }
    if (strncmp(text, "0o", 2) == 0 && text[2] != '\0' && strspn(text + 2, "01234567") == strlen(text + 2)) {
        return int_of(text + 2, 8);
    }
    if (is_float(text)) {
        return py_float(float_of(text));
    }
    return py_text(is_date(text) ? PY_DATE : PY_TEXT, text, strlen(text));
}

/* A plain = or << is no text but a sign of YAML 1.1, of which the AWS CLI makes no value. A key may be one.
 */
static bool holds_sign(const struct yaml_node *node)
{
    if (node->kind == NODE_VALUE) {
        return node->plain && (strcmp(node->text, "=") == 0 || strcmp(node->text, "<<") == 0);
    }
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        at = node->kind == NODE_LIST ? at : at->next;
        if (holds_sign(at)) {
            return true;
        }
    }
    return false;
}

/* No deeper than policy/yaml.h lets through. */
static struct py_value *value_of(const struct yaml_node *node)
{
    if (node->kind == NODE_VALUE) {
        return node->plain ? plain_value(node) : py_text(PY_TEXT, node->text, strlen(node->text));
    }
    struct py_value *value = py_container(node->kind == NODE_LIST ? PY_LIST : PY_DICT);
    for (const struct yaml_node *at = node->first; at != NULL; at = at->next) {
        if (node->kind == NODE_LIST) {
            py_append(value, value_of(at));
        } else {
            struct py_value *key = value_of(at);
            at = at->next;
            py_set(value, key, value_of(at));
        }
    }
    return value;
}

static bool is_empty(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '#') {
            while (i + 1 < length && text[i + 1] != '\n') {
                i++;
            }
        } else if (strchr(" \t\r\n", text[i]) == NULL || text[i] == '\0') {
            return false;
        }
    }
    return true;
}

struct py_value *yaml_value(const char *text, size_t length)
{
    struct yaml_file file;
    struct diagnostics diagnostics;
    struct py_value *value = NULL;
    size_t mark = text_mark_length(text, length);
    text += mark;
    length -= mark;
    if (is_empty(text, length)) {
        return py_none();
    }
    diagnostics_init(&diagnostics);
    yaml_parse(&file, "document", text, length, &diagnostics);
    if (file.root != NULL && diagnostics.errors == 0 && !holds_sign(file.root)) {
        value = value_of(file.root);
    }
    yaml_finish(&file);
    diagnostics_finish(&diagnostics);
    return value;
}
