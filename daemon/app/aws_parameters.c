/* See app/aws_parameters.h. */
#include "app/aws_parameters.h"

#include "app/aws_document.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* The input of the operation in the service model `iot` 2015-05-28. */
static const struct member {
    const char *name, *type;
    enum py_kind kind;
    bool required;
    size_t least; /* length */
} members[] = {
    {"jobId", "<class 'str'>", PY_TEXT, true, 1},          {"thingName", "<class 'str'>", PY_TEXT, true, 1},
    {"executionNumber", "<class 'int'>", PY_INT, true, 0}, {"force", "<class 'bool'>", PY_BOOL, false, 0},
    {"namespaceId", "<class 'str'>", PY_TEXT, false, 0},
};

#define MEMBERS (sizeof members / sizeof members[0])

/* --- collecting ------------------------------------------------------------------------------------------
 */

static void set(struct py_value *parameters, const char *name, struct py_value *value)
{
    py_set(parameters, py_text(PY_TEXT, name, strlen(name)), value);
}

static bool add_text(struct py_value *parameters, const char *name, const char *option, const char *value,
                     struct aws_failure *failure)
{
    struct py_value *loaded;
    if (value == NULL) {
        return true;
    }
    if (!aws_document_load_file(option, value, &loaded, failure)) {
        return false;
    }
    set(parameters, name, loaded != NULL ? loaded : py_text(PY_TEXT, value, strlen(value)));
    return true;
}

static void add_number(struct py_value *parameters, const char *value)
{
    struct buf digits;
    if (value == NULL) {
        return;
    }
    buf_init(&digits, PY_INT_DIGITS_MAX + 1);
    py_int(value, strlen(value), &digits); /* the parser has looked */
    set(parameters, "executionNumber", py_text(PY_INT, buf_string(&digits), digits.length));
    buf_finish(&digits);
}

static bool add_options(struct py_value *parameters, const struct aws_arguments *arguments,
                        struct aws_failure *failure)
{
    if (!add_text(parameters, "jobId", "--job-id", arguments->job_id, failure) ||
        !add_text(parameters, "thingName", "--thing-name", arguments->thing_name, failure)) {
        return false;
    }
    add_number(parameters, arguments->execution_number);
    if (arguments->force != AWS_SWITCH_ABSENT) {
        set(parameters, "force", py_bool(arguments->force == AWS_SWITCH_ON));
    }
    return add_text(parameters, "namespaceId", "--namespace-id", arguments->namespace_id, failure);
}

/* What is on the command line stays. */
static void merge(struct py_value *parameters, struct py_value *document)
{
    struct py_value *next;
    for (struct py_value *at = document->first; at != NULL; at = next) {
        next = at->next;
        at->next = NULL;
        struct py_value *key = at->key;
        at->key = NULL;
        if (key->kind == PY_TEXT && py_get(parameters, key->text) != NULL) {
            py_free(key);
            py_free(at);
        } else {
            py_set(parameters, key, at);
        }
    }
    document->first = document->last = NULL;
}

static bool is_utf8_or_text(const struct py_value *content)
{
    return content->kind == PY_TEXT || text_is_utf8(content->text, content->length);
}

/* Bytes may begin with a byte order mark, text may not. */
static struct py_value *read_document(const char *option, const struct py_value *content,
                                      struct aws_failure *failure)
{
    size_t skipped = content->kind == PY_BYTES ? text_mark_length(content->text, content->length) : 0;
    const char *text = is_utf8_or_text(content) ? content->text + skipped : "\xff";
    return aws_document_read(option, text, is_utf8_or_text(content) ? content->length - skipped : 1, failure);
}

static bool add_document(struct py_value *parameters, const char *option, const char *value,
                         struct py_value *loaded, struct aws_failure *failure)
{
    if (value == NULL) {
        return true;
    }
    struct py_value *direct = loaded == NULL ? py_text(PY_TEXT, value, strlen(value)) : NULL;
    struct py_value *document = read_document(option, loaded != NULL ? loaded : direct, failure);
    py_free(direct);
    if (document != NULL) {
        merge(parameters, document);
    }
    py_free(document);
    return document != NULL;
}

static bool load_document(const char *option, const char *value, struct py_value **loaded,
                          struct aws_failure *failure)
{
    *loaded = NULL;
    return value == NULL || aws_document_load_file(option, value, loaded, failure);
}

static bool add_documents(struct py_value *parameters, const struct aws_arguments *arguments,
                          struct aws_failure *failure)
{
    struct py_value *json = NULL, *yaml = NULL;
    const char *json_value = arguments->cli_input_json, *yaml_value = arguments->cli_input_yaml;
    bool good = load_document("--cli-input-json", json_value, &json, failure) &&
                load_document("--cli-input-yaml", yaml_value, &yaml, failure);
    if (good && json_value != NULL && yaml_value != NULL) {
        good = aws_failure_parameters(failure, "Only one --cli-input- parameter may be specified.");
    }
    good = good && add_document(parameters, "--cli-input-json", json_value, json, failure) &&
           add_document(parameters, "--cli-input-yaml", yaml_value, yaml, failure);
    py_free(json);
    py_free(yaml);
    return good;
}

struct py_value *aws_parameters_collect(const struct aws_arguments *arguments, struct aws_failure *failure)
{
    struct py_value *parameters = py_container(PY_DICT);
    if (add_options(parameters, arguments, failure) && add_documents(parameters, arguments, failure)) {
        return parameters;
    }
    py_free(parameters);
    return NULL;
}

/* --- validating ------------------------------------------------------------------------------------------
 */

static const struct member *member_of(const struct py_value *key)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (strcmp(members[i].name, key->text) == 0 && strlen(members[i].name) == key->length) {
            return &members[i];
        }
    }
    return NULL;
}

static void check_missing(const struct py_value *parameters, struct buf *wrong)
{
    for (size_t i = 0; i < MEMBERS; i++) {
        if (members[i].required && py_get(parameters, members[i].name) == NULL) {
            buf_printf(wrong, "\nMissing required parameter in input: \"%s\"", members[i].name);
        }
    }
}

static void check_unknown(const struct py_value *parameters, struct buf *wrong)
{
    for (const struct py_value *at = parameters->first; at != NULL; at = at->next) {
        if (member_of(at->key) == NULL) {
            buf_text(wrong, "\nUnknown parameter in input: \"");
            py_str(wrong, at->key);
            buf_text(wrong, "\", must be one of: jobId, thingName, executionNumber, force, namespaceId");
        }
    }
}

static void check_member(const struct member *member, const struct py_value *value, struct buf *wrong)
{
    bool fits = value->kind == member->kind || (member->kind == PY_INT && value->kind == PY_BOOL);
    if (!fits) {
        buf_printf(wrong, "\nInvalid type for parameter %s, value: ", member->name);
        py_str(wrong, value);
        buf_printf(wrong, ", type: %s, valid types: %s", py_type(value), member->type);
    } else if (value->kind == PY_TEXT && py_length(value) < member->least) {
        buf_printf(wrong, "\nInvalid length for parameter %s, value: %zu, valid min length: %zu",
                   member->name, py_length(value), member->least);
    }
}

bool aws_parameters_validate(const struct py_value *parameters, struct aws_failure *failure)
{
    struct buf wrong;
    for (const struct py_value *at = parameters->first; at != NULL; at = at->next) {
        if (at->key->kind != PY_TEXT) {
            return aws_failure_other(failure, "keywords must be strings");
        }
    }
    buf_init(&wrong, AWS_FAILURE_TEXT_MAX);
    check_missing(parameters, &wrong);
    check_unknown(parameters, &wrong);
    for (const struct py_value *at = parameters->first; at != NULL; at = at->next) {
        const struct member *member = member_of(at->key);
        if (member != NULL) {
            check_member(member, at, &wrong);
        }
    }
    bool good = wrong.length == 0;
    if (!good) {
        aws_failure_parameters(failure, "Parameter validation failed:");
        buf_append(&failure->message, buf_string(&wrong), wrong.length);
    }
    buf_finish(&wrong);
    return good;
}

/* --- the request target ----------------------------------------------------------------------------------
 */

/* What Python holds for bytes here that are no UTF-8: a lone surrogate, from JSON or for a byte of the
 * command line. Its length in bytes. */
static size_t surrogate_at(const struct py_value *value, size_t at, unsigned *code)
{
    const unsigned char *bytes = (const unsigned char *)value->text + at;
    bool encoded = value->length - at >= 3 && bytes[0] == 0xed && bytes[1] >= 0xa0 && bytes[1] <= 0xbf &&
                   (bytes[2] & 0xc0) == 0x80;
    *code = encoded ? 0xd000U | (unsigned)(bytes[1] & 0x3f) << 6 | (bytes[2] & 0x3f) : 0xdc00U | bytes[0];
    return encoded ? 3 : 1;
}

/* Python counts characters, and tells of those that follow each other together. */
static bool check_encoding(const struct py_value *value, struct aws_failure *failure)
{
    size_t at = 0, position = 0, size = 1, run = 0;
    unsigned code = 0, first = 0;
    while (at < value->length && (size = text_utf8_next(value->text + at, value->length - at, &code)) > 0) {
        at += size;
        position++;
    }
    if (at == value->length) {
        return true;
    }
    while (at < value->length && text_utf8_next(value->text + at, value->length - at, &code) == 0) {
        at += surrogate_at(value, at, &code);
        first = run++ == 0 ? code : first;
    }
    if (run == 1) {
        return aws_failure_other(
            failure, "'utf-8' codec can't encode character '\\u%04x' in position %zu: surrogates not allowed",
            first, position);
    }
    return aws_failure_other(
        failure, "'utf-8' codec can't encode characters in position %zu-%zu: surrogates not allowed",
        position, position + run - 1);
}

static void encode(struct buf *target, const struct py_value *value)
{
    struct buf text;
    buf_init(&text, AWS_FILE_MAX + PY_INT_DIGITS_MAX);
    py_str(&text, value);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     (c != '\0' && strchr("-._~", c) != NULL);
        if (plain) {
            buf_char(target, c);
        } else {
            buf_printf(target, "%%%02X", (unsigned char)c);
        }
    }
    buf_finish(&text);
}

/* Parameters in the order in which they were given, as botocore has it. */
static void add_query(const struct py_value *parameters, const char *query, struct buf *target)
{
    char separator = '?';
    if (query[0] != '\0') {
        buf_printf(target, "?%s", query);
        separator = '&';
    }
    for (const struct py_value *at = parameters->first; at != NULL; at = at->next) {
        bool force = strcmp(at->key->text, "force") == 0;
        if (!force && strcmp(at->key->text, "namespaceId") != 0) {
            continue;
        }
        buf_printf(target, "%c%s=", separator, at->key->text);
        separator = '&';
        if (force) {
            buf_text(target, at->truth ? "true" : "false");
        } else {
            encode(target, at);
        }
    }
}

bool aws_parameters_target(const struct py_value *parameters, const char *base, const char *query,
                           struct buf *target, struct aws_failure *failure)
{
    static const struct {
        const char *before, *name;
    } parts[] = {{"/things/", "thingName"}, {"/jobs/", "jobId"}, {"/executionNumber/", "executionNumber"}};
    for (const struct py_value *at = parameters->first; at != NULL; at = at->next) {
        if (at->kind == PY_TEXT && !check_encoding(at, failure)) {
            return false;
        }
    }
    buf_text(target, base);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_text(target, parts[i].before);
        encode(target, py_get(parameters, parts[i].name));
    }
    add_query(parameters, query, target);
    return !target->overflow || aws_failure_other(failure, "the request is too long to be sent");
}

bool aws_parameters_force(const struct py_value *parameters)
{
    const struct py_value *force = py_get(parameters, "force");
    return force != NULL && force->truth;
}
