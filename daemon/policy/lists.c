/* See policy/values.h: lists, and the map of quotas. */
#include "policy/values.h"

#include "base/mem.h"
#include "base/text.h"
#include "model/status.h"

#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX   256 /* bytes */
#define QUOTA_MAX     (INT64_C(10000) * 1000)
#define JOB_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define THING_LETTERS JOB_LETTERS ":"

static bool long_enough(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *list)
{
    if ((int64_t)list->count < row->min) {
        reader_error(reader, list, "'%s' is empty, which would mean everything: leave it out or fill it",
                     row->path);
        return false;
    }
    return true;
}

/* --- statuses --- */

#define TERMINAL_WORD "TERMINAL"

/* IN_PROGRESS may stand there only with force: check_policy() sees to it. QUEUED never goes: the service
 * would hand it out in the meantime. */
static bool status_allowed(enum execution_status status)
{
    return execution_status_terminal(status) || status == EXECUTION_IN_PROGRESS;
}

static void unknown_status(const struct reader *reader, const struct schema_row *row,
                           const struct yaml_node *item, enum execution_status status)
{
    const char *known[EXECUTION_STATUS_COUNT + 2];
    size_t count = 0;
    for (int i = 0; i < EXECUTION_STATUS_COUNT; i++) {
        if (execution_status_terminal((enum execution_status)i)) {
            known[count++] = execution_status_name((enum execution_status)i);
        }
    }
    known[count++] = TERMINAL_WORD;
    known[count] = NULL;
    if (status != EXECUTION_UNKNOWN) {
        reader_error(reader, item, "%s in '%s': such an execution is not finished and is never deleted",
                     item->text, row->path);
    } else {
        reader_unknown(reader, item, row->path, known);
    }
}

static void read_statuses(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *list, void *object)
{
    unsigned bits = 0;
    if (list->count == 0) {
        reader_error(reader, list, "'%s' is empty and matches nothing: leave it out or fill it", row->path);
        return;
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (!value_item_fits(reader, row, item)) {
            continue;
        }
        enum execution_status status = execution_status_parse(item->text);
        bool all = strcmp(item->text, TERMINAL_WORD) == 0;
        unsigned added = all ? EXECUTION_TERMINAL_BITS : EXECUTION_BIT(status);
        if (!all && !status_allowed(status)) {
            unknown_status(reader, row, item, status);
        } else if ((bits & added) != 0) {
            reader_error(reader, item, "'%s' in '%s' repeats what is there already", item->text, row->path);
        } else {
            bits |= added;
        }
    }
    *(unsigned *)value_field(row, object) = bits;
}

static void print_statuses(const struct config *config, const struct schema_row *row, const void *object,
                           struct buf *out)
{
    (void)config;
    unsigned bits = *(const unsigned *)value_seen(row, object);
    const char *separator = "";
    buf_char(out, '[');
    for (int i = 0; i < EXECUTION_STATUS_COUNT; i++) {
        if ((bits & EXECUTION_BIT(i)) != 0) {
            buf_printf(out, "%s\"%s\"", separator, execution_status_name((enum execution_status)i));
            separator = ",";
        }
    }
    buf_char(out, ']');
}

const struct value_type value_statuses = {.wanted = "a list of statuses such as [SUCCEEDED, FAILED]",
                                          .kind = NODE_LIST,
                                          .read = read_statuses,
                                          .print = print_statuses};

/* --- patterns --- */

/* A pattern that no valid name can match is a mistake: in `exclude` a dangerous one. */
static bool pattern_fits(const struct reader *reader, const struct schema_row *row,
                         const struct yaml_node *item, bool things)
{
    size_t name_max = things ? THING_NAME_MAX : JOB_ID_MAX;
    size_t length = strlen(item->text), needed = 0;
    for (const char *at = item->text; *at != '\0'; at++) {
        needed += *at != '*';
    }
    if (length > 0 && length <= PATTERN_MAX && needed <= name_max &&
        strspn(item->text, things ? THING_LETTERS "*?" : JOB_LETTERS "*?") == length) {
        return true;
    }
    reader_error(reader, item,
                 "'%.64s' in '%s' can never match: a %s has 1 to %zu of a-z A-Z 0-9 _ -%s; '*' and '?' "
                 "stand for any",
                 item->text, row->path, things ? "thing name" : "job id", name_max, things ? " :" : "");
    return false;
}

static void read_patterns(const struct reader *reader, const struct schema_row *row,
                          const struct yaml_node *list, void *object, bool things)
{
    struct pattern_list *patterns = value_field(row, object);
    pattern_list_finish(patterns); /* a repeated key comes here twice */
    if (!long_enough(reader, row, list)) {
        return;
    }
    patterns->patterns = mem_calloc(list->count + 1, sizeof *patterns->patterns);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (value_item_fits(reader, row, item) && pattern_fits(reader, row, item, things)) {
            patterns->patterns[patterns->count++] = mem_strdup(item->text);
        }
    }
}

static void read_names(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *list, void *object)
{
    struct pattern_list *names = value_field(row, object);
    pattern_list_finish(names);
    if (!long_enough(reader, row, list)) {
        return;
    }
    names->patterns = mem_calloc(list->count + 1, sizeof *names->patterns);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (!value_item_fits(reader, row, item)) {
            continue;
        }
        if (thing_group_name_valid(item->text)) { /* the same rule for types */
            names->patterns[names->count++] = mem_strdup(item->text);
        } else {
            reader_error(reader, item, "'%.64s' in '%s' is no name: 1 to %d of a-z A-Z 0-9 _ - :", item->text,
                         row->path, THING_NAME_MAX);
        }
    }
}

static void read_job_patterns(const struct reader *reader, const struct schema_row *row,
                              const struct yaml_node *list, void *object)
{
    read_patterns(reader, row, list, object, false);
}

static void read_thing_patterns(const struct reader *reader, const struct schema_row *row,
                                const struct yaml_node *list, void *object)
{
    read_patterns(reader, row, list, object, true);
}

static void print_patterns(const struct config *config, const struct schema_row *row, const void *object,
                           struct buf *out)
{
    (void)config;
    const struct pattern_list *list = value_seen(row, object);
    buf_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, list->patterns[i]);
    }
    buf_char(out, ']');
}

const struct value_type value_job_patterns = {.wanted = "a list of patterns such as [\"fw-*\"]",
                                              .kind = NODE_LIST,
                                              .read = read_job_patterns,
                                              .print = print_patterns};
const struct value_type value_thing_patterns = {.wanted = "a list of patterns such as [\"gw-*\"]",
                                                .kind = NODE_LIST,
                                                .read = read_thing_patterns,
                                                .print = print_patterns};
const struct value_type value_names = {
    .wanted = "a name, or a list of names", .kind = NODE_LIST, .read = read_names, .print = print_patterns};

/* --- quotas --- */

static void read_quota(const struct reader *reader, const struct schema_row *row, const struct yaml_node *key,
                       int64_t *per_1000s)
{
    const struct yaml_node *value = key->next;
    int64_t thousandths;
    if (!value_item_fits(reader, row, value)) {
        return;
    }
    if (strcmp(value->text, "auto") == 0) {
        *per_1000s = 0;
    } else if (value->plain && value_thousandths(value->text, &thousandths) && thousandths > 0 &&
               thousandths <= QUOTA_MAX) {
        *per_1000s = thousandths; /* a request a second is 1,000 in 1,000 s */
    } else {
        reader_error(
            reader, value,
            "the quota of '%s' must be auto or a number from 0.001 to 10000 (requests a second), without "
            "quotes, not '%.64s'",
            key->text, value->text);
    }
}

static void read_quotas(const struct reader *reader, const struct schema_row *row,
                        const struct yaml_node *map, void *object)
{
    int64_t *quotas = value_field(row, object);
    const char *known[OPERATION_COUNT + 1];
    for (int i = 0; i < OPERATION_COUNT; i++) {
        known[i] = operation_name((enum operation)i);
    }
    known[OPERATION_COUNT] = NULL;
    for (const struct yaml_node *key = map->first; key != NULL; key = key->next->next) {
        enum operation operation = operation_parse(key->text);
        if (operation == OPERATION_COUNT) {
            reader_unknown(reader, key, "operation", known);
        } else {
            read_quota(reader, row, key, &quotas[operation]);
        }
    }
}

static void print_quotas(const struct config *config, const struct schema_row *row, const void *object,
                         struct buf *out)
{
    (void)config;
    const int64_t *quotas = value_seen(row, object);
    const char *separator = "";
    buf_char(out, '{');
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (quotas[i] != 0) {
            buf_printf(out, "%s\"%s\":%lld.%03lld", separator, operation_name((enum operation)i),
                       (long long)(quotas[i] / 1000), (long long)(quotas[i] % 1000));
            separator = ",";
        }
    }
    buf_char(out, '}');
}

const struct value_type value_quotas = {.wanted = "a map such as {DeleteJobExecution: auto, ListJobs: 5}",
                                        .kind = NODE_MAP,
                                        .read = read_quotas,
                                        .print = print_quotas};
