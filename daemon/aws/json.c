/* JSON on json-c, the only file that includes it. json-c even in its strict mode takes more than RFC 8259:
 * NaN, Infinity, "-01", "1.", raw control characters in strings, and it cuts a key at an escaped NUL. So the
 * text is scanned first for what json-c would let pass; what the scan lets pass json-c judges. */
#include "aws/json.h"

#include "base/mem.h"
#include "base/text.h"

#include <json-c/json.h>
#include <string.h>

#define TEXT_MAX   ((size_t)64 * 1024 * 1024)
#define NUMBER_MAX 64 /* bytes of one number: none that a service sends is near it */

struct json_doc {
    struct json_object *root;
    bool secret;
};

/* Opaque to the callers: a json_object under another name. */
static struct json_object *object_of(const struct json_value *value)
{
    return (struct json_object *)(uintptr_t)value;
}

static const struct json_value *value_of(const struct json_object *object)
{
    return (const struct json_value *)object;
}

/* --- the scan --- */

struct scan {
    const char *at, *end;
    int depth;
    size_t nulls;
    enum err_code code;
    const char *wrong; /* NULL while nothing is */
};

static void refuse(struct scan *scan, enum err_code code, const char *wrong)
{
    if (!scan->wrong) {
        scan->code = code;
        scan->wrong = wrong;
    }
    scan->at = scan->end;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool next_is(const struct scan *scan, const char *set)
{
    return scan->at < scan->end && *scan->at && strchr(set, *scan->at);
}

static void skip_digits(struct scan *scan)
{
    if (scan->at == scan->end || !is_digit(*scan->at)) {
        refuse(scan, ERR_SYNTAX, "a malformed number");
    }
    while (scan->at < scan->end && is_digit(*scan->at)) {
        scan->at++;
    }
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static void skip_number(struct scan *scan)
{
    const char *start = scan->at;

    if (next_is(scan, "-")) {
        scan->at++;
    }
    if (next_is(scan, "0")) {
        scan->at++;
    } else {
        skip_digits(scan);
    }
    if (next_is(scan, ".")) {
        scan->at++;
        skip_digits(scan);
    }
    if (next_is(scan, "eE")) {
        scan->at++;
        if (next_is(scan, "+-")) {
            scan->at++;
        }
        skip_digits(scan);
    }
    if (next_is(scan, "+-.0123456789")) {
        refuse(scan, ERR_SYNTAX, "a malformed number");
    }
    if (scan->at - start > NUMBER_MAX) {
        refuse(scan, ERR_TOO_BIG, "a number of more than 64 characters");
    }
}

/* From behind the opening quote to behind the closing one. A string that does not end is json-c's to tell. */
static void skip_string(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '"') {
        if ((unsigned char)*scan->at < ' ') {
            refuse(scan, ERR_SYNTAX, "a control character in a string");
        } else if (scan->end - scan->at >= 6 && memcmp(scan->at, "\\u0000", 6) == 0) {
            refuse(scan, ERR_SYNTAX, "a NUL in a string");
        } else {
            scan->at += *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
        }
    }
    if (scan->at < scan->end) {
        scan->at++;
    }
}

static void skip_token(struct scan *scan)
{
    const char c = *scan->at;

    if (c == '-' || is_digit(c)) {
        skip_number(scan);
        return;
    }
    scan->at++;
    if (c == '"') {
        skip_string(scan);
    } else if ((c == '[' || c == '{') && ++scan->depth > JSON_DEPTH_MAX) {
        refuse(scan, ERR_TOO_BIG, "more than 16 levels");
    } else if (c == ']' || c == '}') {
        scan->depth--;
    } else if (c == 'n') {
        scan->nulls++;
    } else if (!c || !strchr(" \t\r\n[{:,truefals", c)) { /* the last are the letters of true, false, null */
        refuse(scan, ERR_SYNTAX, "an unexpected character");
    }
}

/* *nulls: how often the text says null, when it is well formed. */
static int scan_text(const char *text, size_t length, size_t *nulls, struct err *err)
{
    struct scan scan = {.at = text, .end = text + length};

    if (length > TEXT_MAX) {
        return err_set(err, ERR_TOO_BIG, "JSON of %zu bytes, more than %zu", length, TEXT_MAX);
    }
    if (!text_is_utf8(text, length)) {
        return err_set(err, ERR_SYNTAX, "JSON that is not UTF-8");
    }
    while (scan.at < scan.end) {
        skip_token(&scan);
    }
    if (scan.wrong) {
        return err_set(err, scan.code, "JSON with %s", scan.wrong);
    }
    *nulls = scan.nulls;
    return 0;
}

/* --- the document --- */

/* No deeper than JSON_DEPTH_MAX: the scan has looked. */
static size_t count_nulls(struct json_object *value)
{
    size_t nulls = !value;
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            nulls += count_nulls(json_object_array_get_idx(value, i));
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            nulls += count_nulls(member);
        }
    }
    return nulls;
}

/* The root, which is NULL for the text `null`; complete tells that apart from a failure. */
static struct json_object *parse(struct json_tokener *tokener, const char *text, size_t length,
                                 bool *complete)
{
    /* A number at the root has no end of its own: json-c wants to see the NUL behind it. */
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)length);
    if (json_tokener_get_error(tokener) == json_tokener_continue) {
        root = json_tokener_parse_ex(tokener, "", 1);
    }

    *complete = json_tokener_get_error(tokener) == json_tokener_success;
    return root;
}

/* The tokener collects each string in a buffer of its own, which it moves as it grows. A string longer than
 * all that follow, parsed before, makes it grow while it holds nothing; parsed after, it covers what is
 * there. */
static void fill_tokener(struct json_tokener *tokener, size_t length)
{
    char *padding = mem_alloc(length + 2);
    bool complete;
    memset(padding, 'x', length + 2);
    padding[0] = padding[length + 1] = '"';
    json_object_put(parse(tokener, padding, length + 2, &complete));
    json_tokener_reset(tokener);
    free(padding);
}

static struct json_doc *parse_text(const char *text, size_t length, bool secret, struct err *err)
{
    size_t nulls = 0;
    if (scan_text(text, length, &nulls, err)) {
        return NULL;
    }

    /* Deeper by one than the scan allows, since json-c counts the values in the innermost array too. */
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
    if (!tokener) {
        mem_exhausted();
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT); /* refuses trailing characters too */
    if (secret) {
        fill_tokener(tokener, length);
    }

    bool complete;
    struct json_object *root = parse(tokener, text, length, &complete);
    struct json_doc *doc = NULL;
    if (complete && count_nulls(root) > nulls) {
        mem_exhausted(); /* what json-c cannot allocate is null to it */
    }
    if (complete) {
        doc = mem_alloc(sizeof(*doc));
        *doc = (struct json_doc){root, secret};
    } else {
        err_set(err, ERR_SYNTAX, "malformed JSON (%s)",
                json_tokener_error_desc(json_tokener_get_error(tokener)));
        json_object_put(root);
    }
    if (secret) {
        json_tokener_reset(tokener);
        fill_tokener(tokener, length);
    }
    json_tokener_free(tokener);
    return doc;
}

struct json_doc *json_parse(const char *text, size_t length, struct err *err)
{
    return parse_text(text, length, false, err);
}

struct json_doc *json_parse_secret(const char *text, size_t length, struct err *err)
{
    return parse_text(text, length, true, err);
}

/* A string is wiped where it lies in json-c's memory. No deeper than JSON_DEPTH_MAX: the scan has looked. */
static void wipe_strings(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string)) {
        mem_wipe((char *)(uintptr_t)json_object_get_string(value), (size_t)json_object_get_string_len(value));
    } else if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            wipe_strings(json_object_array_get_idx(value, i));
        }
    } else if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            (void)key;
            wipe_strings(member);
        }
    }
}

void json_free(struct json_doc *doc)
{
    if (doc) {
        if (doc->secret) {
            wipe_strings(doc->root);
        }
        json_object_put(doc->root);
    }
    free(doc);
}

const struct json_value *json_root(const struct json_doc *doc)
{
    return value_of(doc->root);
}

/* --- values --- */

const struct json_value *json_get(const struct json_value *object, const char *key)
{
    struct json_object *member = NULL;
    if (json_is_object(object)) {
        json_object_object_get_ex(object_of(object), key, &member);
    }
    return value_of(member);
}

bool json_is_object(const struct json_value *value)
{
    return json_object_is_type(object_of(value), json_type_object);
}

bool json_is_array(const struct json_value *value)
{
    return json_object_is_type(object_of(value), json_type_array);
}

size_t json_count(const struct json_value *array)
{
    return json_is_array(array) ? json_object_array_length(object_of(array)) : 0;
}

const struct json_value *json_at(const struct json_value *array, size_t index)
{
    return index < json_count(array) ? value_of(json_object_array_get_idx(object_of(array), index)) : NULL;
}

/* json-c makes the text of some values when it is asked for. */
static const char *text_of(struct json_object *object)
{
    const char *text = json_object_get_string(object);
    if (!text) {
        mem_exhausted();
    }
    return text;
}

const char *json_string(const struct json_value *value)
{
    return json_object_is_type(object_of(value), json_type_string) ? text_of(object_of(value)) : NULL;
}

const char *json_number(const struct json_value *value)
{
    struct json_object *object = object_of(value);

    if (json_object_is_type(object, json_type_double)) {
        return text_of(object); /* json-c keeps the text of these */
    }
    /* Whole numbers are printed anew, which is their text as the scan allows only one spelling; but "-0"
     * comes back as "0", and what does not fit is clamped to the ends of the range, which are therefore
     * refused. */
    if (!json_object_is_type(object, json_type_int) || json_object_get_uint64(object) == UINT64_MAX ||
        json_object_get_int64(object) == INT64_MIN) {
        return NULL;
    }
    return text_of(object);
}

bool json_int64(const struct json_value *value, int64_t *number)
{
    struct json_object *object = object_of(value);

    if (!json_object_is_type(object, json_type_int) || json_object_get_uint64(object) > INT64_MAX ||
        json_object_get_int64(object) == INT64_MIN) {
        return false;
    }
    *number = json_object_get_int64(object);
    return true;
}

bool json_truth(const struct json_value *value, bool *truth)
{
    if (!json_object_is_type(object_of(value), json_type_boolean)) {
        return false;
    }
    *truth = json_object_get_boolean(object_of(value));
    return true;
}

void json_members(const struct json_value *object,
                  void (*each)(void *ctx, const char *key, const struct json_value *value), void *ctx)
{
    if (!json_is_object(object)) {
        return;
    }
    struct json_object_iterator at = json_object_iter_begin(object_of(object));
    struct json_object_iterator end = json_object_iter_end(object_of(object));
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        each(ctx, json_object_iter_peek_name(&at), value_of(json_object_iter_peek_value(&at)));
    }
}
