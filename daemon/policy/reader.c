/* See policy/reader.h. */
#include "policy/reader.h"

#include "base/text.h"
#include "policy/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MESSAGE_MAX 1000
#define INNER_MAX   96 /* the longest path of the schema, with room */
#define NAMES_MAX   64 /* keys of one map */

__attribute__((format(printf, 4, 0))) static void complain(const struct reader *reader,
                                                           const struct yaml_node *node, bool warning,
                                                           const char *format, va_list args)
{
    char message[MESSAGE_MAX];
    if (reader->diagnostics != NULL) {
        vsnprintf(message, sizeof message, format, args);
        yaml_complain(reader->file, reader->diagnostics, node, warning, message);
    }
}

void reader_error(const struct reader *reader, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(reader, node, false, format, args);
    va_end(args);
}

void reader_warn(const struct reader *reader, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(reader, node, true, format, args);
    va_end(args);
}

struct place reader_place(const struct reader *reader, const struct yaml_node *node)
{
    return (struct place){.file = reader->file->name, .line = node->line, .column = node->column};
}

static const char *nearest(const char *word, const char *const *known)
{
    for (size_t i = 0; known[i] != NULL; i++) {
        if (strcasecmp(word, known[i]) == 0) {
            return known[i];
        }
    }
    return text_nearest(word, known);
}

static void join(const char *const *words, struct buf *out)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        buf_printf(out, "%s%s", i > 0 ? ", " : "", words[i]);
    }
}

void reader_unknown(const struct reader *reader, const struct yaml_node *node, const char *what,
                    const char *const *known)
{
    struct buf allowed;
    const char *meant = NULL;
    buf_init(&allowed, MESSAGE_MAX / 2);
    if (reader->diagnostics != NULL && diagnostics_room(reader->diagnostics)) {
        meant = nearest(node->text, known);
        join(known, &allowed);
    }
    reader_error(reader, node, "unknown %s '%.64s'; %s%s%s: %s%s", what, node->text,
                 meant != NULL ? "did you mean '" : "", meant != NULL ? meant : "",
                 meant != NULL ? "'? Allowed" : "allowed", known[0] != NULL ? buf_string(&allowed) : "none",
                 allowed.overflow ? ", ..." : "");
    buf_finish(&allowed);
}

/* What stands within something that is inherited needs no flag of its own, but in a policy's own maps. */
static bool inherited(const struct schema_row *row)
{
    return row->scope != SCHEMA_POLICY || (row->flags & SCHEMA_INHERITED) != 0;
}

/* The keys that prefix may hold, for messages. */
static void list_keys(const struct reader *reader, enum schema_scope scope, const char *prefix,
                      const char *names[NAMES_MAX + 1])
{
    size_t count, used = 0;
    const struct schema_row *rows = schema_rows(&count);
    for (size_t i = 0; i < count && used < NAMES_MAX; i++) {
        bool allowed = !reader->in_defaults || inherited(&rows[i]);
        if (schema_belongs(&rows[i], scope, prefix) && !schema_later(&rows[i]) && allowed) {
            names[used++] = schema_name(&rows[i]);
        }
    }
    names[used] = NULL;
}

static const char *kind_name(enum node_kind kind)
{
    return kind == NODE_VALUE ? "a single value" : kind == NODE_LIST ? "a list" : "a map";
}

/* Is the key allowed where it stands? */
static bool check_key(const struct reader *reader, const struct schema_row *row, const struct yaml_node *key)
{
    if (schema_later(row)) {
        reader_error(reader, key,
                     "'%s' is not known to this version of jobsweep and would not be obeyed: remove it",
                     row->path);
        return row->type != &value_later; /* its value may be wrong besides */
    }
    if (reader->in_defaults && !inherited(row)) {
        reader_error(reader, key, "'%s' cannot be inherited: %s", row->path,
                     (row->flags & SCHEMA_SELECTS) != 0 ? "what a policy deletes stands in the policy itself"
                                                        : "each policy has its own");
        return false;
    }
    if (!reader->main_file && (row->flags & SCHEMA_MAIN_ONLY) != 0) {
        reader_error(reader, key, "'%s' belongs into the main file, not into policies.d", row->path);
        return false;
    }
    return true;
}

/* What a row wants, for messages: words and keys are named, the rest is as its type says. */
static void describe(const struct reader *reader, const struct schema_row *row, struct buf *out)
{
    const char *names[NAMES_MAX + 1];
    const char *const *listed = row->words;
    char inner[INNER_MAX];
    if (row->type == &value_map) {
        snprintf(inner, sizeof inner, "%s.", row->path);
        list_keys(reader, row->scope, inner, names);
        listed = names;
    }
    if (listed == NULL) {
        buf_text(out, row->type->wanted);
        return;
    }
    buf_text(out, row->words != NULL ? "one of " : "a map with the keys ");
    join(listed, out);
}

/* Is there a value, of the kind that is wanted? */
static bool check_kind(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *value)
{
    bool null = yaml_is_null(value);
    bool single = value->kind == NODE_VALUE && (row->flags & SCHEMA_SINGLE) != 0;
    bool word =
        value->kind == NODE_VALUE && row->type->word != NULL && strcmp(value->text, row->type->word) == 0;
    if (!null && (value->kind == row->type->kind || single || word)) {
        return true;
    }
    /* The word null says that somebody meant it; nothing at all looks like something forgotten. */
    if (null && (row->flags & SCHEMA_NULLABLE) != 0 && value->text[0] != '\0') {
        return false;
    }
    struct buf wanted;
    buf_init(&wanted, MESSAGE_MAX / 2);
    describe(reader, row, &wanted);
    reader_error(reader, value, "'%s' must be %s, not %s", row->path, buf_string(&wanted),
                 null ? "null or left empty" : kind_name(value->kind));
    buf_finish(&wanted);
    return false;
}

static void read_value(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *value, void *object)
{
    struct yaml_node item = *value, list = *value;
    if (row->type->read == NULL) {
        return;
    }
    if (value->kind == NODE_VALUE && (row->flags & SCHEMA_SINGLE) != 0) {
        item.next = NULL;
        list.kind = NODE_LIST;
        list.count = 1;
        list.first = list.last = &item;
        value = &list;
    }
    row->type->read(reader, row, value, object);
}

static void read_entry(const struct reader *reader, enum schema_scope scope, const char *prefix,
                       const struct yaml_node *key, void *object)
{
    const struct yaml_node *value = key->next;
    const struct schema_row *row = schema_find(scope, prefix, key->text);
    if (row == NULL) {
        const char *names[NAMES_MAX + 1];
        list_keys(reader, scope, prefix, names);
        reader_unknown(reader, key, "key", names);
        return;
    }
    if (!check_key(reader, row, key) || !check_kind(reader, row, value)) {
        return;
    }
    if (row->place != 0) {
        *(struct place *)(void *)((char *)object + row->place) = reader_place(reader, key);
    }
    if (row->type->nested) {
        char inner[INNER_MAX];
        snprintf(inner, sizeof inner, "%s.", row->path);
        reader_map(reader, scope, inner, value, object);
    } else {
        read_value(reader, row, value, object);
    }
}

bool reader_misspelt(const struct reader *reader, enum schema_scope scope, const char *prefix,
                     const struct yaml_node *map, const char *name)
{
    const char *names[NAMES_MAX + 1];
    list_keys(reader, scope, prefix, names);
    for (const struct yaml_node *key = map->first; key != NULL; key = key->next->next) {
        const char *meant = schema_find(scope, prefix, key->text) == NULL ? nearest(key->text, names) : NULL;
        if (meant != NULL && strcmp(meant, name) == 0) {
            return true;
        }
    }
    return false;
}

static size_t report_missing(const struct reader *reader, enum schema_scope scope, const char *prefix,
                             const struct yaml_node *map)
{
    size_t count, missing = 0;
    const struct schema_row *rows = schema_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct schema_row *row = &rows[i];
        if (!schema_belongs(row, scope, prefix) || (row->flags & SCHEMA_REQUIRED) == 0 ||
            yaml_get(map, schema_name(row)) != NULL) {
            continue;
        }
        missing++;
        if (!reader_misspelt(reader, scope, prefix, map, schema_name(row))) {
            reader_error(reader, map, "'%s' is missing%s%s", row->path, row->why != NULL ? ": " : "",
                         row->why != NULL ? row->why : "");
        }
    }
    return missing;
}

void reader_map(const struct reader *reader, enum schema_scope scope, const char *prefix,
                const struct yaml_node *map, void *object)
{
    for (const struct yaml_node *key = map->first; key != NULL; key = key->next->next) {
        read_entry(reader, scope, prefix, key, object);
    }
    size_t missing = reader->in_defaults ? 0 : report_missing(reader, scope, prefix, map);
    if (map->count == 0 && missing == 0 && *prefix != '\0') {
        reader_error(reader, map, "'%.*s' is empty: leave it out or fill it", (int)strlen(prefix) - 1,
                     prefix);
    }
}

void reader_fill(const struct reader *reader, enum schema_scope scope, void *object)
{
    size_t count;
    const struct schema_row *rows = schema_rows(&count);
    for (size_t i = 0; i < count; i++) {
        struct yaml_node value = {.kind = NODE_VALUE, .plain = true, .text = (char *)rows[i].fallback};
        struct yaml_node list = {.kind = NODE_LIST, .count = 1, .first = &value, .last = &value};
        if (rows[i].scope == scope && rows[i].fallback != NULL) {
            rows[i].type->read(reader, &rows[i], rows[i].type->kind == NODE_LIST ? &list : &value, object);
        }
    }
}
