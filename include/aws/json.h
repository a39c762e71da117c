/* Reading JSON answers through json-c, which is included in json.c alone. Values are borrowed from the
 * document. Numbers keep their own text, because two times are compared as the service wrote them. */
#ifndef AWS_JSON_H
#define AWS_JSON_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 16

struct json_doc;   /* a parsed document */
struct json_value; /* one of its values; NULL stands for absent or null, and every function takes it */

/* The whole of text must be one value by RFC 8259 (white space around it is fine), UTF-8, at most
 * JSON_DEPTH_MAX deep, with no NUL in a string and no number of more than 64 characters; of a repeated key
 * the last counts. NULL with ERR_SYNTAX or ERR_TOO_BIG otherwise. The text need not end with a NUL. */
struct json_doc *json_parse(const char *text, size_t length, struct err *err);
/* The same for an answer with keys in it: no copy of a string is left behind, neither by this nor by
 * json_free(). text is the caller's to wipe. */
struct json_doc *json_parse_secret(const char *text, size_t length, struct err *err);
void json_free(struct json_doc *doc); /* takes NULL */

const struct json_value *json_root(const struct json_doc *doc);
const struct json_value *json_get(const struct json_value *object,
                                  const char *key); /* NULL when absent or null */
bool json_is_object(const struct json_value *value);
bool json_is_array(const struct json_value *value);
size_t json_count(const struct json_value *array); /* 0 for anything else */
const struct json_value *json_at(const struct json_value *array, size_t index);

/* NULL for anything but a string; there is no NUL in it. */
const char *json_string(const struct json_value *value);
/* The literal text of a number; NULL for anything else, and for a whole number outside of 64 bits. */
const char *json_number(const struct json_value *value);
/* Strictly a whole number in plain digits within int64: false for 1.0, 1e3, "1" and so on. */
bool json_int64(const struct json_value *value, int64_t *number);
bool json_truth(const struct json_value *value, bool *truth); /* json_bool is a type of json-c */

/* Calls each() for every member of an object, in order. */
void json_members(const struct json_value *object,
                  void (*each)(void *ctx, const char *key, const struct json_value *value), void *ctx);

#endif
