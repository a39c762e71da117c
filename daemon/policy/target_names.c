/* See policy/values.h: the targets that a policy names. */
#include "base/mem.h"
#include "base/text.h"
#include "policy/values.h"

#include <stdlib.h>
#include <string.h>

#define KNOWN_MAX 128 /* words in one message */

/* Entries, not all that they stand for. */
static void unknown_target(const struct reader *reader, const struct yaml_node *item)
{
    const char *known[KNOWN_MAX + 1];
    const struct config *config = reader->config;
    size_t count = 0;
    if (reader->incomplete) {
        return;
    }
    for (size_t i = 0; i < config->target_count && count < KNOWN_MAX; i++) {
        const char *entry = config->targets[i].entry;
        if (count == 0 || strcmp(known[count - 1], entry) != 0) {
            known[count++] = entry;
        }
    }
    known[count] = NULL;
    reader_unknown(reader, item, "target", known);
}

/* What one item means; taken: by index, those that are there already. */
static void add_named(const struct reader *reader, const struct yaml_node *item, struct policy *policy,
                      bool *taken)
{
    const struct config *config = reader->config;
    size_t before = policy->target_count;
    bool known = false;
    for (size_t i = 0; i < config->target_count; i++) {
        if (!target_is_called(&config->targets[i], item->text)) {
            continue;
        }
        known = true;
        if (!taken[i]) {
            taken[i] = true;
            policy->targets[policy->target_count++] = i;
        }
    }
    if (!known) {
        unknown_target(reader, item);
    } else if (policy->target_count == before) {
        reader_error(reader, item, "the target '%s' stands here twice", item->text);
    }
}

static void read_target_names(const struct reader *reader, const struct schema_row *row,
                              const struct yaml_node *list, void *object)
{
    struct policy *policy = object;
    if (list->count == 0) {
        reader_error(reader, list, "'%s' is empty: name at least one target", row->path);
        return;
    }
    free(policy->targets);
    pattern_list_finish(&policy->target_names);
    policy->targets = mem_calloc(reader->config->target_count + 1, sizeof *policy->targets);
    policy->target_names.patterns = mem_calloc(list->count, sizeof *policy->target_names.patterns);
    policy->target_count = 0;
    bool *taken = mem_calloc(reader->config->target_count + 1, sizeof *taken);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (value_item_fits(reader, row, item)) {
            policy->target_names.patterns[policy->target_names.count++] = mem_strdup(item->text);
            add_named(reader, item, policy, taken);
        }
    }
    free(taken);
    policy->targets = mem_realloc(policy->targets, policy->target_count + 1, sizeof *policy->targets);
}

static void print_target_names(const struct config *config, const struct schema_row *row, const void *object,
                               struct buf *out)
{
    (void)config;
    (void)row;
    const struct pattern_list *names = &((const struct policy *)object)->target_names;
    buf_char(out, '[');
    for (size_t i = 0; i < names->count; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, names->patterns[i]);
    }
    buf_char(out, ']');
}

const struct value_type value_target_names = {.wanted = "a list of targets such as [production]",
                                              .kind = NODE_LIST,
                                              .read = read_target_names,
                                              .print = print_target_names};
