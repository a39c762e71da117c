/* See policy/blocks.h. */
#include "policy/blocks.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/status.h"
#include "policy/keep.h"

#include <stdlib.h>
#include <string.h>

#define PROTECT_MAX         1000
#define ATTRIBUTE_NAME_MAX  128
#define ATTRIBUTE_VALUE_MAX 800 /* thing attributes: [a-zA-Z0-9_.,@/:#=[\]-] */

static const char ATTRIBUTE_NAME_LETTERS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,@/:#-";
static const char ATTRIBUTE_VALUE_LETTERS[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,@/:#=[]-";

/* --- match --------------------------------------------------------------------------------------------- */

static void read_match(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *node, void *object)
{
    (void)row;
    struct policy *policy = object;
    policy->match.place = reader_place(reader, node);
    policy->match_all = node->kind == NODE_VALUE;
    if (!policy->match_all && node->count == 0) {
        reader_error(reader, node, "'match' is empty: say what may go, or 'match: all' together with 'keep'");
    } else if (!policy->match_all) {
        reader_map(reader, SCHEMA_MATCH, "match.", node, &policy->match);
    }
}

static void read_blocks(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *list, struct match **blocks, size_t *count)
{
    for (; *count > 0; (*count)--) { /* a repeated key comes here twice */
        match_finish(&(*blocks)[*count - 1]);
    }
    free(*blocks);
    *blocks = mem_calloc(list->count + 1, sizeof **blocks);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (item->kind != NODE_MAP || item->count == 0) {
            reader_error(reader, item, "each item of '%s' must be a map with keys of 'match'", row->path);
            continue;
        }
        struct match *block = &(*blocks)[(*count)++];
        block->place = reader_place(reader, item);
        reader_map(reader, SCHEMA_MATCH, "match.", item, block);
    }
}

static void read_any_of(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *list, void *object)
{
    struct match *match = object;
    read_blocks(reader, row, list, &match->any_of, &match->any_of_count);
}

static void read_none_of(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *list, void *object)
{
    struct match *match = object;
    read_blocks(reader, row, list, &match->none_of, &match->none_of_count);
}

static void print_items(const struct config *config, enum schema_scope scope, const void *items, size_t count,
                        size_t size, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        buf_text(out, i > 0 ? "," : "");
        schema_print(config, scope, (const char *)items + i * size, out);
    }
    buf_char(out, ']');
}

static void print_any_of(const struct config *config, const struct schema_row *row, const void *object,
                         struct buf *out)
{
    (void)row;
    const struct match *match = object;
    print_items(config, SCHEMA_MATCH, match->any_of, match->any_of_count, sizeof *match, out);
}

static void print_none_of(const struct config *config, const struct schema_row *row, const void *object,
                          struct buf *out)
{
    (void)row;
    const struct match *match = object;
    print_items(config, SCHEMA_MATCH, match->none_of, match->none_of_count, sizeof *match, out);
}

const struct value_type value_match = {.wanted =
                                           "a map such as {status: [SUCCEEDED], age: {older_than: 30d}}, "
                                           "or the word all together with keep rules",
                                       .kind = NODE_MAP,
                                       .word = "all",
                                       .read = read_match};
const struct value_type value_any_of = {.wanted = "a list of maps with keys of 'match'",
                                        .kind = NODE_LIST,
                                        .read = read_any_of,
                                        .print = print_any_of};
const struct value_type value_none_of = {.wanted = "a list of maps with keys of 'match'",
                                         .kind = NODE_LIST,
                                         .read = read_none_of,
                                         .print = print_none_of};

/* --- in match ------------------------------------------------------------------------------------------ */

static void read_job_statuses(const struct reader *reader, const struct schema_row *row,
                              const struct yaml_node *list, void *object)
{
    const char *known[JOB_SCHEDULED + 1];
    unsigned bits = 0;
    for (int status = JOB_IN_PROGRESS; status <= JOB_SCHEDULED; status++) {
        known[status - 1] = job_status_name((enum job_status)status);
    }
    known[JOB_SCHEDULED] = NULL;
    if (list->count == 0) {
        reader_error(reader, list, "'%s' is empty and matches nothing: leave it out or fill it", row->path);
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        enum job_status status = item->kind == NODE_VALUE ? job_status_parse(item->text) : JOB_UNKNOWN;
        if (item->kind != NODE_VALUE || yaml_is_null(item)) {
            reader_error(reader, item, "each item of '%s' must be a single value", row->path);
        } else if (status == JOB_UNKNOWN) {
            reader_unknown(reader, item, row->path, known);
        } else if ((bits & 1u << status) != 0) {
            reader_error(reader, item, "'%s' in '%s' repeats what is there already", item->text, row->path);
        } else {
            bits |= 1u << status;
        }
    }
    *(unsigned *)value_field(row, object) = bits;
}

static void print_job_statuses(const struct config *config, const struct schema_row *row, const void *object,
                               struct buf *out)
{
    (void)config;
    unsigned bits = *(const unsigned *)value_seen(row, object);
    const char *separator = "";
    buf_char(out, '[');
    for (int status = JOB_IN_PROGRESS; status <= JOB_SCHEDULED; status++) {
        if ((bits & 1u << status) != 0) {
            buf_printf(out, "%s\"%s\"", separator, job_status_name((enum job_status)status));
            separator = ",";
        }
    }
    buf_char(out, ']');
}

static void read_namespace(const struct reader *reader, const struct schema_row *row,
                           const struct yaml_node *node, void *object)
{
    char **text = value_field(row, object);
    if (!namespace_id_valid(node->text)) {
        reader_error(reader, node, "'%s' must be 1 to %d of a-z A-Z 0-9 _ -, not '%.80s'", row->path,
                     NAMESPACE_ID_MAX, node->text);
        return;
    }
    free(*text);
    *text = mem_strdup(node->text);
}

static bool attribute_fits(const char *text, const char *letters, size_t max)
{
    size_t length = strlen(text);
    return length <= max && strspn(text, letters) == length;
}

static void read_attributes(const struct reader *reader, const struct schema_row *row,
                            const struct yaml_node *map, void *object)
{
    struct attribute_list *list = value_field(row, object);
    if (list->items != NULL || map->count == 0) {
        reader_error(reader, map, "'%s' is empty or there already: name at least one attribute", row->path);
        return;
    }
    list->items = mem_calloc(map->count, sizeof *list->items);
    for (const struct yaml_node *key = map->first; key != NULL; key = key->next->next) {
        const struct yaml_node *value = key->next;
        if (key->text[0] == '\0' || !attribute_fits(key->text, ATTRIBUTE_NAME_LETTERS, ATTRIBUTE_NAME_MAX)) {
            reader_error(reader, key, "'%.64s' is no name of a thing's attribute", key->text);
        } else if (value->kind != NODE_VALUE || yaml_is_null(value) ||
                   !attribute_fits(value->text, ATTRIBUTE_VALUE_LETTERS, ATTRIBUTE_VALUE_MAX)) {
            reader_error(reader, value, "the value of the attribute '%.64s' can be no thing's", key->text);
        } else {
            list->items[list->count++] =
                (struct attribute){.name = mem_strdup(key->text), .value = mem_strdup(value->text)};
        }
    }
}

static void print_attributes(const struct config *config, const struct schema_row *row, const void *object,
                             struct buf *out)
{
    (void)config;
    const struct attribute_list *list = value_seen(row, object);
    buf_char(out, '{');
    for (size_t i = 0; i < list->count; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, list->items[i].name);
        buf_char(out, ':');
        text_json(out, list->items[i].value);
    }
    buf_char(out, '}');
}

const struct value_type value_job_statuses = {.wanted = "a list of statuses such as [COMPLETED, CANCELED]",
                                              .kind = NODE_LIST,
                                              .read = read_job_statuses,
                                              .print = print_job_statuses};
const struct value_type value_namespace = {
    .wanted = "a namespace id", .kind = NODE_VALUE, .read = read_namespace, .print = value_print_text};
const struct value_type value_attributes = {.wanted = "a map such as {tier: edge}",
                                            .kind = NODE_MAP,
                                            .read = read_attributes,
                                            .print = print_attributes};

/* --- keep ---------------------------------------------------------------------------------------------- */

/* The one thing that a rule counts. */
static bool find_kind(const struct reader *reader, const struct yaml_node *item, struct keep_rule *rule)
{
    int found = 0;
    for (int kind = 0; kind < KEEP_KIND_COUNT; kind++) {
        if (yaml_get(item, keep_kind_name((enum keep_kind)kind)) != NULL) {
            rule->kind = (enum keep_kind)kind;
            found++;
        }
    }
    if (found != 1) {
        reader_error(
            reader, item,
            "each rule of 'keep' has one of last, within, daily, weekly and monthly; this one has %s",
            found == 0 ? "none" : "several");
    }
    return found == 1;
}

static void read_rule(const struct reader *reader, const struct yaml_node *item, struct keep_rule *rule)
{
    rule->place = reader_place(reader, item);
    reader_map(reader, SCHEMA_KEEP, "keep.", item, rule);
    const struct yaml_node *per = yaml_get(item, "per");
    if (!find_kind(reader, item, rule)) {
        return;
    }
    if (rule->kind == KEEP_WITHIN && per != NULL) {
        reader_error(reader, per, "'keep.per' has no meaning with 'within', which counts nothing: remove it");
    } else if (rule->kind != KEEP_WITHIN && per == NULL) {
        reader_error(reader, item,
                     "'keep.per' is missing: '%s' counts for each of its groups (thing, job, [thing, job] or "
                     "target)",
                     keep_kind_name(rule->kind));
    }
}

static void read_keep(const struct reader *reader, const struct schema_row *row, const struct yaml_node *list,
                      void *object)
{
    struct policy *policy = object;
    if (list->count == 0 || list->count > KEEP_RULES_MAX) {
        reader_error(reader, list, "'%s' must hold 1 to %d rules", row->path, KEEP_RULES_MAX);
        return;
    }
    free(policy->keep);
    policy->keep = mem_calloc(list->count, sizeof *policy->keep);
    policy->keep_count = 0;
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (item->kind == NODE_MAP) {
            read_rule(reader, item, &policy->keep[policy->keep_count++]);
        } else {
            reader_error(reader, item, "each item of '%s' must be a map such as {last: 5, per: thing}",
                         row->path);
        }
    }
}

static void print_keep(const struct config *config, const struct schema_row *row, const void *object,
                       struct buf *out)
{
    (void)row;
    const struct policy *policy = object;
    print_items(config, SCHEMA_KEEP, policy->keep, policy->keep_count, sizeof *policy->keep, out);
}

static bool is_word(const struct yaml_node *node, const char *word)
{
    return node->kind == NODE_VALUE && strcmp(node->text, word) == 0;
}

static void read_per(const struct reader *reader, const struct schema_row *row, const struct yaml_node *list,
                     void *object)
{
    static const char *const known[] = {"thing", "job", "target", NULL};
    enum keep_per *per = value_field(row, object);
    const struct yaml_node *a = list->first, *b = a != NULL ? a->next : NULL;
    if (list->count == 2 &&
        ((is_word(a, "thing") && is_word(b, "job")) || (is_word(a, "job") && is_word(b, "thing")))) {
        *per = PER_JOB_AND_THING;
    } else if (list->count != 1) {
        reader_error(reader, list, "'%s' must be thing, job, [thing, job] or target", row->path);
    } else if (is_word(a, "thing")) {
        *per = PER_THING;
    } else if (is_word(a, "job")) {
        *per = PER_JOB;
    } else if (is_word(a, "target")) {
        *per = PER_TARGET;
    } else if (a->kind == NODE_VALUE) {
        reader_unknown(reader, a, row->path, known);
    } else {
        reader_error(reader, a, "'%s' must be thing, job, [thing, job] or target", row->path);
    }
}

static void print_per(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out)
{
    (void)config;
    enum keep_per per = *(const enum keep_per *)value_seen(row, object);
    if (per == PER_NOTHING) {
        buf_text(out, "null");
    } else {
        text_json(out, keep_per_name(per));
    }
}

const struct value_type value_keep = {.wanted = "a list of rules such as [{last: 5, per: thing}]",
                                      .kind = NODE_LIST,
                                      .read = read_keep,
                                      .print = print_keep};
const struct value_type value_per = {
    .wanted = "thing, job, [thing, job] or target", .kind = NODE_LIST, .read = read_per, .print = print_per};

/* --- protect ------------------------------------------------------------------------------------------- */

static void read_protected(const struct reader *reader, const struct yaml_node *item,
                           struct protect_rule *rule)
{
    rule->place = reader_place(reader, item);
    reader_map(reader, SCHEMA_PROTECT, "protect.", item, rule);
    if (yaml_get(item, "job_id") == NULL && yaml_get(item, "thing") == NULL &&
        yaml_get(item, "thing_group") == NULL) {
        reader_error(reader, item,
                     "each rule of 'protect' needs a job_id, a thing or a thing_group, at least \"*\"");
    }
}

static void read_protect(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *list, void *object)
{
    struct protect_list *protect = &((struct config *)object)->protect;
    if (list->count == 0 || protect->count + list->count > PROTECT_MAX) {
        reader_error(reader, list, "'%s' must hold 1 to %d rules, in all files", row->path, PROTECT_MAX);
        return;
    }
    protect->rules = mem_realloc(protect->rules, protect->count + list->count, sizeof *protect->rules);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (item->kind == NODE_MAP) {
            struct protect_rule *rule = &protect->rules[protect->count++];
            *rule = (struct protect_rule){0};
            read_protected(reader, item, rule);
        } else {
            reader_error(reader, item, "each item of '%s' must be a map such as {job_id: \"audit-*\"}",
                         row->path);
        }
    }
}

static void print_protect(const struct config *config, const struct schema_row *row, const void *object,
                          struct buf *out)
{
    (void)row;
    const struct protect_list *protect = &((const struct config *)object)->protect;
    print_items(config, SCHEMA_PROTECT, protect->rules, protect->count, sizeof *protect->rules, out);
}

const struct value_type value_protect = {.wanted = "a list of rules such as [{job_id: \"audit-*\"}]",
                                         .kind = NODE_LIST,
                                         .read = read_protect,
                                         .print = print_protect};
