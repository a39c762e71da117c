/* See policy/values.h: what on_finish holds. */
#include "policy/values.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

#define ARGUMENT_MAX 4096 /* bytes */

static const char *const RESULTS[] = {[RESULT_SUCCESS] = "success",
                                      [RESULT_FAILURE] = "failure",
                                      [RESULT_ABORTED] = "aborted",
                                      [RESULT_LIMITED] = "limited",
                                      [RESULT_COUNT] = NULL};

const char *run_result_name(enum run_result result)
{
    return RESULTS[result];
}

static bool argument_fits(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *item, bool first)
{
    if (!value_item_fits(reader, row, item)) {
        return false;
    }
    if (first && item->text[0] != '/') {
        reader_error(reader, item, "'%s' must begin with the path of a program, from '/' on, not '%.64s'",
                     row->path, item->text);
        return false;
    }
    if (strlen(item->text) > ARGUMENT_MAX) {
        reader_error(reader, item, "an argument in '%s' has over %d bytes", row->path, ARGUMENT_MAX);
        return false;
    }
    return true;
}

static void read_command(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *list, void *object)
{
    struct pattern_list *command = value_field(row, object);
    pattern_list_finish(command); /* what was inherited */
    if ((int64_t)list->count < row->min || (int64_t)list->count > row->max) {
        reader_error(reader, list, "'%s' must be a program and its arguments, %lld at most", row->path,
                     (long long)row->max);
        return;
    }
    command->patterns = mem_calloc(list->count, sizeof *command->patterns);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (argument_fits(reader, row, item, item == list->first)) {
            command->patterns[command->count++] = mem_strdup(item->text);
        }
    }
}

static void print_command(const struct config *config, const struct schema_row *row, const void *object,
                          struct buf *out)
{
    (void)config;
    const struct pattern_list *command = value_seen(row, object);
    buf_char(out, '[');
    for (size_t i = 0; i < command->count; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, command->patterns[i]);
    }
    buf_char(out, ']');
}

static void read_results(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *list, void *object)
{
    unsigned bits = 0;
    if (list->count == 0) {
        reader_error(reader, list, "'%s' is empty: leave it out or fill it", row->path);
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        unsigned result = 0;
        if (!value_item_fits(reader, row, item)) {
            continue;
        }
        while (result < RESULT_COUNT && strcmp(item->text, RESULTS[result]) != 0) {
            result++;
        }
        if (result == RESULT_COUNT) {
            reader_unknown(reader, item, row->path, RESULTS);
        } else if ((bits & 1u << result) != 0) {
            reader_error(reader, item, "'%s' in '%s' repeats what is there already", item->text, row->path);
        } else {
            bits |= 1u << result;
        }
    }
    *(unsigned *)value_field(row, object) = bits;
}

static void print_results(const struct config *config, const struct schema_row *row, const void *object,
                          struct buf *out)
{
    (void)config;
    unsigned bits = *(const unsigned *)value_seen(row, object);
    const char *separator = "";
    buf_char(out, '[');
    for (int i = 0; i < RESULT_COUNT; i++) {
        if ((bits & 1u << i) != 0) {
            buf_printf(out, "%s\"%s\"", separator, RESULTS[i]);
            separator = ",";
        }
    }
    buf_char(out, ']');
}

const struct value_type value_command = {.wanted = "a list of a program and its arguments",
                                         .kind = NODE_LIST,
                                         .read = read_command,
                                         .print = print_command};
const struct value_type value_results = {.wanted = "a list such as [failure, aborted]",
                                         .kind = NODE_LIST,
                                         .read = read_results,
                                         .print = print_results};
