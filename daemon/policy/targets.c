/* See policy/targets.h. What is read of an entry is a struct target with lists; each target that it stands
 * for is a copy of it with one account and one region, and with its texts filled in. */
#include "policy/targets.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/partition.h"
#include "policy/check.h"
#include "policy/placeholders.h"
#include "policy/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096 /* of a text with its placeholders filled in */

/* --- values --- */

static bool has(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->patterns[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool account_fits(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *node)
{
    if (!account_id_valid(node->text)) {
        reader_error(reader, node, "'%s' takes the twelve digits of an AWS account, not '%.64s'", row->path,
                     node->text);
        return false;
    }
    if (node->plain && node->text[0] == '0') {
        reader_error(reader, node,
                     "'%s': \"%s\" needs its quotes: without them other programs read another number, as it "
                     "begins with 0",
                     row->path, node->text);
        return false;
    }
    return true;
}

static void read_account(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *node, void *object)
{
    if (!account_fits(reader, row, node)) {
        return;
    }
    text_copy(value_field(row, object), ACCOUNT_LENGTH + 1, node->text);
}

static bool region_fits(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node)
{
    if (!region_valid(node->text)) {
        reader_error(reader, node, "'%s' takes a region such as eu-west-1 (a-z, 0-9, '-'), not '%.64s'",
                     row->path, node->text);
        return false;
    }
    const char *meant = partition_mistaken_region(node->text);
    if (meant != NULL) {
        reader_warn(reader, node, "'%s': no region is known as '%s', did you mean '%s'?", row->path,
                    node->text, meant);
    }
    return true;
}

static void read_region(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *node, void *object)
{
    if (!region_fits(reader, row, node)) {
        return;
    }
    text_copy(value_field(row, object), sizeof((struct target *)NULL)->region, node->text);
}

static void read_list(const struct reader *reader, const struct schema_row *row, const struct yaml_node *list,
                      void *object,
                      bool (*fits)(const struct reader *reader, const struct schema_row *row,
                                   const struct yaml_node *item))
{
    struct pattern_list *items = value_field(row, object);
    pattern_list_finish(items); /* a repeated key comes here twice */
    if ((int64_t)list->count < row->min) {
        reader_error(reader, list, "'%s' is empty: leave it out or fill it", row->path);
        return;
    }
    items->patterns = mem_calloc(list->count, sizeof *items->patterns);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (!value_item_fits(reader, row, item) || !fits(reader, row, item)) {
            continue;
        }
        if (has(items, item->text)) {
            reader_error(reader, item, "'%s' stands twice in '%s'", item->text, row->path);
        } else {
            items->patterns[items->count++] = mem_strdup(item->text);
        }
    }
}

static void read_accounts(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *list, void *object)
{
    read_list(reader, row, list, object, account_fits);
}

static void read_regions(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *list, void *object)
{
    read_list(reader, row, list, object, region_fits);
}

static void read_sts_text(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *node, void *object, const char *also)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_=,.@-";
    int64_t length = (int64_t)strlen(node->text);
    const char *at = node->text;
    while (*at != '\0' && (strchr(letters, *at) != NULL || strchr(also, *at) != NULL)) {
        at++;
    }
    if (*at != '\0' || length < row->min || length > row->max) {
        reader_error(reader, node,
                     "'%s' must be %lld to %lld letters, digits and _ = , . @ - %s, not '%.80s'", row->path,
                     (long long)row->min, (long long)row->max, also, node->text);
        return;
    }
    char **text = value_field(row, object);
    free(*text);
    *text = mem_strdup(node->text);
}

static void read_external_id(const struct reader *reader, const struct schema_row *row,
                             const struct yaml_node *node, void *object)
{
    read_sts_text(reader, row, node, object, "+:/{}");
}

static void read_session_name(const struct reader *reader, const struct schema_row *row,
                              const struct yaml_node *node, void *object)
{
    read_sts_text(reader, row, node, object, "+{}");
}

const struct value_type value_account = {
    .wanted = "twelve digits", .kind = NODE_VALUE, .read = read_account, .print = value_print_name};
const struct value_type value_region = {.wanted = "a region such as eu-west-1",
                                        .kind = NODE_VALUE,
                                        .read = read_region,
                                        .print = value_print_name};
const struct value_type value_accounts = {
    .wanted = "a list of accounts such as [\"123456789012\"]", .kind = NODE_LIST, .read = read_accounts};
const struct value_type value_regions = {
    .wanted = "a list of regions such as [eu-west-1, us-east-1]", .kind = NODE_LIST, .read = read_regions};
const struct value_type value_external_id = {
    .wanted = "a text", .kind = NODE_VALUE, .read = read_external_id, .print = value_print_text};
const struct value_type value_session_name = {
    .wanted = "a text", .kind = NODE_VALUE, .read = read_session_name, .print = value_print_text};

/* --- from an entry to its targets --- */

/* Room for one more. */
static struct target *add(struct config *config)
{
    if ((config->target_count & (config->target_count - 1)) == 0) { /* 0 and the powers of two */
        size_t room = config->target_count == 0 ? 1 : 2 * config->target_count;
        config->targets = mem_realloc(config->targets, room, sizeof *config->targets);
    }
    struct target *target = &config->targets[config->target_count++];
    *target = (struct target){0};
    return target;
}

static bool fill_text(const struct reader *reader, const struct yaml_node *node, const struct target *target,
                      const char *from, char **to)
{
    struct buf text;
    struct err err;
    if (from == NULL) {
        *to = NULL;
        return true;
    }
    buf_init(&text, TEXT_MAX);
    bool filled = placeholders_fill(from, target, &text, &err) == 0;
    if (!filled) {
        reader_error(reader, node, "%s", err.msg);
    }
    *to = mem_strdup(buf_string(&text));
    buf_finish(&text);
    return filled;
}

static bool fill(const struct reader *reader, const struct yaml_node *map, const struct target *entry,
                 struct target *target)
{
    const struct {
        const char *key, *from;
        char **to;
    } texts[] = {
        {"profile", entry->profile, &target->profile},
        {"role_arn", entry->role_arn, &target->role_arn},
        {"external_id", entry->external_id, &target->external_id},
        {"session_name", entry->session_name, &target->session_name},
        {"endpoint_url", entry->endpoint_url, &target->endpoint_url},
    };
    bool filled = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        filled &= fill_text(reader, yaml_get(map, texts[i].key), target, texts[i].from, texts[i].to);
    }
    target->ca_bundle = entry->ca_bundle != NULL ? mem_strdup(entry->ca_bundle) : NULL;
    return filled;
}

/* account, region: NULL when the entry lists none. False when the target has a fault. */
static bool add_target(const struct reader *reader, const struct yaml_node *map, const struct target *entry,
                       const char *account, const char *region)
{
    size_t errors = reader->diagnostics->errors;
    struct target *target = add(reader->config);
    *target = *entry;
    target->accounts = target->regions = (struct pattern_list){0};
    snprintf(target->name, sizeof target->name, "%s%s%s%s%s", entry->entry, account != NULL ? "/" : "",
             account != NULL ? account : "", region != NULL ? "/" : "", region != NULL ? region : "");
    if (account != NULL) {
        text_copy(target->account, sizeof target->account, account);
    }
    if (region != NULL) {
        text_copy(target->region, sizeof target->region, region);
    }
    if (fill(reader, map, entry, target)) {
        check_target(reader, map, target);
    }
    return reader->diagnostics->errors == errors;
}

static size_t at_least_one(size_t count)
{
    return count > 0 ? count : 1;
}

static void expand(const struct reader *reader, const struct yaml_node *key, const struct target *entry)
{
    const struct pattern_list *accounts = &entry->accounts, *regions = &entry->regions;
    size_t across = at_least_one(regions->count), all = at_least_one(accounts->count) * across;
    bool fine = true;
    if (all > TARGETS_MAX - reader->config->target_count) {
        reader_error(reader, key, "'%s' makes too many targets: %d at most in all", entry->entry,
                     TARGETS_MAX);
        all = reader->config->target_count < TARGETS_MAX; /* so that its name is known */
    }
    for (size_t i = 0; i < all && fine; i++) {
        fine =
            add_target(reader, key->next, entry, accounts->count > 0 ? accounts->patterns[i / across] : NULL,
                       regions->count > 0 ? regions->patterns[i % across] : NULL);
    }
}

static void check_either(const struct reader *reader, const struct yaml_node *map, const char *one,
                         const char *many)
{
    if (yaml_get(map, one) != NULL && yaml_get(map, many) != NULL) {
        reader_error(reader, yaml_get(map, many), "'%s' and '%s' exclude each other", one, many);
    }
}

static bool is_new(const struct reader *reader, const struct yaml_node *key)
{
    const struct config *config = reader->config;
    for (size_t i = 0; i < config->target_count; i++) {
        const struct target *target = &config->targets[i];
        if (strcmp(target->entry, key->text) == 0) {
            reader_error(reader, key->next, "the target '%s' is already at %s:%d", key->text,
                         target->place.file, target->place.line);
            return false;
        }
    }
    return true;
}

static bool names_account(const struct reader *reader, const struct yaml_node *map)
{
    return yaml_get(map, "account") != NULL || yaml_get(map, "accounts") != NULL ||
           reader_misspelt(reader, SCHEMA_TARGET, "", map, "account");
}

void targets_read(const struct reader *reader, const struct yaml_node *key)
{
    const struct yaml_node *map = key->next;
    size_t errors = reader->diagnostics->errors;
    struct target entry = {.place = reader_place(reader, key)};
    if (!value_name_valid(key->text)) {
        reader_error(
            reader, key,
            "a target's name is 1 to %d letters, digits, '_', '-' or '.', the first a letter or digit, not "
            "'%.80s'",
            POLICY_NAME_MAX, key->text);
        return;
    }
    is_new(reader, key);
    text_copy(entry.entry, sizeof entry.entry, key->text);
    reader_fill(reader, SCHEMA_TARGET, &entry);
    if (map->kind == NODE_MAP) {
        reader_map(reader, SCHEMA_TARGET, "", map, &entry);
        check_either(reader, map, "account", "accounts");
        check_either(reader, map, "region", "regions");
        entry.account_wrong = reader->diagnostics->errors > errors && names_account(reader, map);
    } else {
        reader_error(reader, map, "the target '%s' must be a map of its keys, at least {}", key->text);
    }
    expand(reader, key, &entry);
    target_finish(&entry);
}

/* --- the same account and region twice --- */

static int by_site(const void *left, const void *right)
{
    const struct target *const *a = left, *const *b = right;
    int accounts = strcmp((*a)->account, (*b)->account);
    int regions = accounts != 0 ? accounts : strcmp((*a)->region, (*b)->region);
    return regions != 0 ? regions : (*a < *b ? -1 : *a > *b);
}

static void compare(const struct target *first, const struct target *second, struct diagnostics *diagnostics)
{
    if (first->account[0] == '\0' || first->region[0] == '\0' ||
        strcmp(first->account, second->account) != 0 || strcmp(first->region, second->region) != 0) {
        return;
    }
    diagnostics_add(
        diagnostics, &second->place, true, NULL,
        "the target '%s' is the same account and region as '%s' (%s:%d): they share one quota, so "
        "only one of them is swept at a time",
        second->name, first->name, first->place.file, first->place.line);
}

void targets_compare(const struct config *config, struct diagnostics *diagnostics)
{
    const struct target **sorted = mem_calloc(config->target_count + 1, sizeof *sorted);
    for (size_t i = 0; i < config->target_count; i++) {
        sorted[i] = &config->targets[i];
    }
    qsort(sorted, config->target_count, sizeof *sorted, by_site);
    for (size_t i = 1; i < config->target_count; i++) {
        compare(sorted[i - 1], sorted[i], diagnostics);
    }
    free(sorted);
}
