/* Values as Python has them, for the places where the AWS CLI shows that it is written in it: documents with
 * parameters, and the sentences about what is wrong with them. */
#ifndef APP_PY_VALUE_H
#define APP_PY_VALUE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define PY_INT_DIGITS_MAX 4300 /* sys.int_info.default_max_str_digits */
#define PY_DEPTH_MAX      900  /* of nested lists and dicts; Python gives up below 1,000 */

enum py_kind { PY_NONE, PY_BOOL, PY_INT, PY_FLOAT, PY_TEXT, PY_BYTES, PY_DATE, PY_LIST, PY_DICT };

struct py_value {
    enum py_kind kind;
    bool truth;    /* PY_BOOL */
    double number; /* PY_FLOAT */
    char *text;    /* PY_INT: its digits; PY_TEXT, PY_BYTES: the bytes, with a NUL behind them */
    size_t length; /* of text. A PY_TEXT may hold lone surrogates, encoded like other characters. */
    struct py_value *first, *last; /* PY_LIST, PY_DICT: what is in it */
    struct py_value *key;          /* of what is in a dict */
    struct py_value *next;
};

struct py_value *py_none(void);
struct py_value *py_bool(bool truth);
struct py_value *py_float(double number);
/* Copies. kind: PY_INT, PY_TEXT, PY_BYTES or PY_DATE. */
struct py_value *py_text(enum py_kind kind, const char *text, size_t length);
struct py_value *py_container(enum py_kind kind); /* PY_LIST or PY_DICT */
void py_free(struct py_value *value);             /* with all that is in it; takes NULL */

/* Both take ownership. A key that is in the dict gets the new value and keeps its place. */
void py_append(struct py_value *list, struct py_value *value);
void py_set(struct py_value *dict, struct py_value *key, struct py_value *value);
/* NULL when there is none; only text can be a key here. */
const struct py_value *py_get(const struct py_value *dict, const char *key);

/* What repr() and str() give. */
void py_repr(struct buf *out, const struct py_value *value);
void py_str(struct buf *out, const struct py_value *value);
void py_repr_text(struct buf *out, const char *text, size_t length);
const char *py_type(const struct py_value *value); /* "<class 'int'>" */
size_t py_length(const struct py_value *text);     /* of PY_TEXT in characters */

/* int(text), base 10: white space around it, a sign, single underscores between digits; ASCII only. Appends
 * it as str() of it would be. False when it is none. */
bool py_int(const char *text, size_t length, struct buf *digits);

/* json.loads(text): NaN, Infinity and -Infinity are numbers, whole numbers have any size, of a repeated key
 * the last counts. NULL when it is no JSON; *deep tells that it was for its depth, which ends Python
 * otherwise. */
struct py_value *py_json(const char *text, size_t length, bool *deep);

#endif
