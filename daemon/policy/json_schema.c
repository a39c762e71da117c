/* See policy/json_schema.h. */
#include "policy/json_schema.h"

#include "base/text.h"
#include "model/operation.h"
#include "model/status.h"
#include "policy/blocks.h"
#include "policy/listen.h"
#include "policy/schema.h"
#include "policy/values.h"

#include <stdio.h>
#include <string.h>

#define INNER_MAX  96
#define JOB_ITEM   "{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9_*?-]{1,256}$\"}"
#define THING_ITEM "{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9:_*?-]{1,256}$\"}"
#define NAME_ITEM  "{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9:_-]{1,128}$\"}"
#define BLOCK_LIST "\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/match\"}"

/* What a type asks of its value, whatever the row says. item: of a list that may be written as its only item,
 * the item. */
static const struct type_json {
    const struct value_type *type;
    const char *json, *item;
} TYPES[] = {
    {&value_version, "\"const\":1", NULL},
    {&value_path, "\"type\":\"string\",\"pattern\":\"^/\"", NULL},
    {&value_folder, "\"type\":\"string\",\"pattern\":\"^/.*[^/]$\"", NULL},
    {&value_socket, "\"type\":\"string\",\"pattern\":\"^(none|/.{0,105}[^/])$\"", NULL},
    {&value_endpoint, "\"type\":\"string\",\"pattern\":\"^https?://\"", NULL},
    {&value_listen, "\"type\":\"string\",\"pattern\":\"^([0-9.]+|\\\\[[0-9a-fA-F:.]+\\\\]):[0-9]{1,5}$\"",
     NULL},
    {&value_name, "\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$\"", NULL},
    {&value_account, "\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]{12}$\",\"minimum\":100000000000",
     NULL},
    {&value_region, "\"type\":\"string\",\"pattern\":\"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$\"", NULL},
    {&value_accounts,
     "\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]{12}"
     "$\","
     "\"minimum\":100000000000}",
     NULL},
    {&value_regions, "\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}", NULL},
    {&value_role, "\"type\":\"string\",\"pattern\":\"^arn:\"", NULL},
    {&value_external_id, "\"type\":\"string\",\"minLength\":2", NULL},
    {&value_session_name, "\"type\":\"string\",\"minLength\":2", NULL},
    {&value_share,
     "\"anyOf\":[{\"enum\":[\"neighbour\",\"exclusive\"]},{\"type\":\"number\",\"minimum\":0.01,\"maximum\":"
     "1}]",
     NULL},
    {&value_duration,
     "\"type\":\"string\",\"minLength\":2,"
     "\"pattern\":\"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$\"",
     NULL},
    {&value_cron, "\"type\":\"string\",\"minLength\":6", NULL},
    {&value_timezone, "\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9_+/-]{1,64}$\"", NULL},
    {&value_moment, "\"type\":\"string\",\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]\"", NULL},
    {&value_target_names,
     "\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,\"items\":{\"type\":\"string\"}", NULL},
    {&value_job_patterns, "\"type\":\"array\",\"items\":" JOB_ITEM, JOB_ITEM},
    {&value_thing_patterns, "\"type\":\"array\",\"items\":" THING_ITEM, THING_ITEM},
    {&value_names, "\"type\":\"array\",\"minItems\":1,\"items\":" NAME_ITEM, NAME_ITEM},
    {&value_attributes,
     "\"type\":\"object\",\"minProperties\":1,"
     "\"propertyNames\":{\"pattern\":\"^[a-zA-Z0-9_.,@/:#-]{1,128}$\"},"
     "\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]}",
     NULL},
    {&value_match, "\"anyOf\":[{\"const\":\"all\"},{\"$ref\":\"#/$defs/match\"}]", NULL},
    {&value_any_of, BLOCK_LIST, NULL},
    {&value_none_of, BLOCK_LIST, NULL},
    {&value_namespace, "\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9_-]{1,64}$\"", NULL},
    {&value_command, "\"type\":\"array\",\"minItems\":1,\"maxItems\":64,\"items\":{\"type\":\"string\"}",
     NULL},
    {&value_results,
     "\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,"
     "\"items\":{\"enum\":[\"success\",\"failure\",\"aborted\",\"limited\"]}",
     NULL},
    {&value_keep, "\"type\":\"array\",\"minItems\":1,\"maxItems\":16,\"items\":{\"$ref\":\"#/$defs/keep\"}",
     NULL},
    {&value_per,
     "\"type\":\"array\",\"minItems\":1,\"maxItems\":2,\"uniqueItems\":true,"
     "\"items\":{\"enum\":[\"thing\",\"job\",\"target\"]}",
     "{\"enum\":[\"thing\",\"job\",\"target\"]}"},
    {&value_protect, "\"type\":\"array\",\"minItems\":1,\"items\":{\"$ref\":\"#/$defs/protect\"}", NULL},
    {&value_targets,
     "\"type\":\"object\",\"propertyNames\":{\"pattern\":\"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$\"},"
     "\"additionalProperties\":{\"$ref\":\"#/$defs/target\"}",
     NULL},
    {&value_policies, "\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/policy\"}", NULL},
    {&value_defaults, "\"$ref\":\"#/$defs/defaults\"", NULL},
};

static const struct type_json *type_of(const struct value_type *type)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (TYPES[i].type == type) {
            return &TYPES[i];
        }
    }
    return NULL;
}

/* A flag that is no and yes is a boolean to YAML. */
static void print_words(const char *const *words, struct buf *out)
{
    if (strcmp(words[0], "false") == 0 || strcmp(words[0], "true") == 0) {
        buf_text(out, "\"type\":\"boolean\"");
        return;
    }
    buf_text(out, "\"enum\":[");
    for (size_t i = 0; words[i] != NULL; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, words[i]);
    }
    buf_char(out, ']');
}

static void print_status_words(struct buf *out)
{
    buf_text(out, "\"enum\":[\"TERMINAL\"");
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (execution_status_terminal((enum execution_status)status) || status == EXECUTION_IN_PROGRESS) {
            buf_printf(out, ",\"%s\"", execution_status_name((enum execution_status)status));
        }
    }
    buf_char(out, ']');
}

static void print_job_status_words(struct buf *out)
{
    buf_text(out, "\"enum\":[");
    for (int status = JOB_IN_PROGRESS; status <= JOB_SCHEDULED; status++) {
        buf_printf(out, "%s\"%s\"", status > JOB_IN_PROGRESS ? "," : "",
                   job_status_name((enum job_status)status));
    }
    buf_char(out, ']');
}

/* A list of these, or one of them alone. */
static void print_one_or_more(void (*words)(struct buf *out), struct buf *out)
{
    buf_text(out, "\"type\":\"array\",\"minItems\":1,\"uniqueItems\":true,\"items\":{");
    words(out);
    buf_text(out, "}},{");
    words(out);
}

static void print_quotas(struct buf *out)
{
    buf_text(out, "\"type\":\"object\",\"propertyNames\":{\"enum\":[");
    for (int i = 0; i < OPERATION_COUNT; i++) {
        buf_printf(out, "%s\"%s\"", i > 0 ? "," : "", operation_name((enum operation)i));
    }
    buf_text(out, "]},\"additionalProperties\":{\"anyOf\":[{\"const\":\"auto\"},"
                  "{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":10000}]}");
}

static void print_kind(enum node_kind kind, struct buf *out)
{
    buf_text(out, kind == NODE_MAP    ? "\"type\":\"object\""
                  : kind == NODE_LIST ? "\"type\":\"array\""
                                      : "\"type\":[\"string\",\"number\",\"boolean\"]");
}

static void print_type(const struct schema_row *row, struct buf *out)
{
    const struct type_json *type = type_of(row->type);
    if (row->words != NULL) {
        print_words(row->words, out);
    } else if (row->type == &value_integer || row->type == &value_int) {
        buf_printf(out, "\"type\":\"integer\",\"minimum\":%lld,\"maximum\":%lld", (long long)row->min,
                   (long long)row->max);
    } else if (row->type == &value_text) {
        buf_printf(out, "\"type\":\"string\",\"minLength\":%lld,\"maxLength\":%lld", (long long)row->min,
                   (long long)row->max);
    } else if (row->type == &value_statuses) {
        print_one_or_more(print_status_words, out);
    } else if (row->type == &value_job_statuses) {
        print_one_or_more(print_job_status_words, out);
    } else if (row->type == &value_quotas) {
        print_quotas(out);
    } else if (type != NULL) {
        buf_text(out, type->json);
    } else {
        print_kind(row->type->kind, out);
    }
}

static void print_object(enum schema_scope scope, const char *prefix, bool in_defaults, struct buf *out);

static void print_value(const struct schema_row *row, bool in_defaults, struct buf *out)
{
    char inner[INNER_MAX];
    const struct type_json *type = type_of(row->type);
    bool several = (row->flags & SCHEMA_NULLABLE) != 0 || (row->flags & SCHEMA_SINGLE) != 0;
    buf_text(out, "{\"description\":");
    text_json(out, row->description);
    if (row->fallback != NULL && row->type != &value_flag) {
        buf_text(out, ",\"default\":");
        text_json(out, row->fallback);
    }
    buf_text(out, several ? ",\"anyOf\":[{" : ",");
    if (row->type->nested) {
        snprintf(inner, sizeof inner, "%s.", row->path);
        print_object(row->scope, inner, in_defaults, out);
    } else {
        print_type(row, out);
    }
    if ((row->flags & SCHEMA_SINGLE) != 0 && type != NULL && type->item != NULL) {
        buf_printf(out, "},%.*s", (int)strlen(type->item) - 1, type->item);
    }
    if ((row->flags & SCHEMA_NULLABLE) != 0) {
        buf_text(out, "},{\"type\":\"null\"");
    }
    buf_text(out, several ? "}]}" : "}");
}

static bool shown(const struct schema_row *row, enum schema_scope scope, const char *prefix, bool in_defaults)
{
    bool inherited = row->scope != SCHEMA_POLICY || (row->flags & SCHEMA_INHERITED) != 0;
    return schema_belongs(row, scope, prefix) && !schema_later(row) && (!in_defaults || inherited);
}

static void print_required(enum schema_scope scope, const char *prefix, struct buf *out)
{
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    const char *separator = ",\"required\":[";
    for (size_t i = 0; i < count; i++) {
        if (shown(&rows[i], scope, prefix, false) && (rows[i].flags & SCHEMA_REQUIRED) != 0) {
            buf_printf(out, "%s\"%s\"", separator, schema_name(&rows[i]));
            separator = ",";
        }
    }
    if (separator[1] == '\0') {
        buf_char(out, ']');
    }
}

/* Without its braces. */
static void print_object(enum schema_scope scope, const char *prefix, bool in_defaults, struct buf *out)
{
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    const char *separator = "\n";
    buf_text(out, "\"type\":\"object\",\"additionalProperties\":false");
    buf_text(out, scope != SCHEMA_TARGET ? ",\"minProperties\":1" : "");
    if (!in_defaults) {
        print_required(scope, prefix, out);
    }
    buf_text(out, ",\"properties\":{");
    for (size_t i = 0; i < count; i++) {
        if (shown(&rows[i], scope, prefix, in_defaults)) {
            buf_printf(out, "%s\"%s\":", separator, schema_name(&rows[i]));
            print_value(&rows[i], in_defaults, out);
            separator = ",\n";
        }
    }
    buf_char(out, '}');
}

static void print_definition(const char *name, enum schema_scope scope, const char *prefix, bool in_defaults,
                             const char *more, struct buf *out)
{
    buf_printf(out, "\"%s\":{", name);
    print_object(scope, prefix, in_defaults, out);
    buf_printf(out, "%s}", more);
}

void json_schema_print(struct buf *out)
{
    buf_text(
        out,
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n\"title\":\"jobsweep.yaml\",\n");
    print_object(SCHEMA_FILE, "", false, out);
    buf_text(out, ",\n\"$defs\":{\n");
    print_definition("target", SCHEMA_TARGET, "", false, "", out);
    buf_text(out, ",\n");
    print_definition("defaults", SCHEMA_POLICY, "", true, "", out);
    buf_text(out, ",\n");
    print_definition("policy", SCHEMA_POLICY, "", false, "", out);
    buf_text(out, ",\n");
    print_definition("match", SCHEMA_MATCH, "match.", false, "", out);
    buf_text(out, ",\n");
    print_definition("keep", SCHEMA_KEEP, "keep.", false,
                     ",\"oneOf\":[{\"required\":[\"last\",\"per\"]},{\"required\":[\"daily\",\"per\"]},"
                     "{\"required\":[\"weekly\",\"per\"]},{\"required\":[\"monthly\",\"per\"]},"
                     "{\"required\":[\"within\"],\"maxProperties\":1}]",
                     out);
    buf_text(out, ",\n");
    print_definition("protect", SCHEMA_PROTECT, "protect.", false,
                     ",\"anyOf\":[{\"required\":[\"job_id\"]},{\"required\":[\"thing\"]},{\"required\":["
                     "\"thing_group\"]}]",
                     out);
    buf_text(out, "}}\n");
}
