/* See policy/examples.h. */
#include "policy/examples.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/grace.h"
#include "policy/keep.h"
#include "policy/load.h"
#include "policy/reader.h"
#include "policy/schema.h"
#include "policy/source.h"
#include "policy/yaml.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading ------------------------------------------------------------------------------------------- */

static bool is_map(const struct reader *reader, const struct schema_row *row, const struct yaml_node *item)
{
    if (item->kind != NODE_MAP) {
        reader_error(reader, item, "each item of '%s' must be a map", row->path);
    }
    return item->kind == NODE_MAP;
}

/* Of the key's value; where there is none it is complained about anyway. */
static struct place place_of(const struct reader *reader, const struct yaml_node *item, const char *key)
{
    const struct yaml_node *value = yaml_get(item, key);
    return reader_place(reader, value != NULL ? value : item);
}

static void read_given(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *list, void *object)
{
    struct example_test *test = object;
    if (test->given != NULL || (int64_t)list->count < row->min) {
        reader_error(reader, list, "'%s' is empty or there already", row->path);
        return;
    }
    test->given = mem_calloc(list->count + 1, sizeof *test->given);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (is_map(reader, row, item)) {
            struct example *example = &test->given[test->count++];
            example->place = reader_place(reader, item);
            example->thing_place = place_of(reader, item, "thing");
            example->job_place = place_of(reader, item, "job");
            example->number = (int64_t)test->count;
            reader_fill(reader, SCHEMA_GIVEN, example);
            reader_map(reader, SCHEMA_GIVEN, "", item, example);
        }
    }
}

static void read_tests(const struct reader *reader, const struct schema_row *row,
                       const struct yaml_node *list, void *object)
{
    struct examples *examples = object;
    if (examples->tests != NULL || (int64_t)list->count < row->min) {
        reader_error(reader, list, "'%s' is empty or there already", row->path);
        return;
    }
    examples->tests = mem_calloc(list->count + 1, sizeof *examples->tests);
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        if (is_map(reader, row, item)) {
            struct example_test *test = &examples->tests[examples->count++];
            test->place = reader_place(reader, item);
            test->policy_place = place_of(reader, item, "policy");
            reader_map(reader, SCHEMA_TEST, "", item, test);
        }
    }
}

const struct value_type value_tests = {
    .wanted = "a list of tests, each '- name: ...'", .kind = NODE_LIST, .read = read_tests};
const struct value_type value_given = {.wanted = "a list such as [{thing: gw-1, job: fw-1, age: 40d, expect: "
                                                 "delete}]",
                                       .kind = NODE_LIST,
                                       .read = read_given};

static void set_time(struct timestamp *time, int64_t ms)
{
    time->ms = ms;
    snprintf(time->text, sizeof time->text, "%lld", (long long)(ms / 1000));
}

/* --- what is wrong although each value is right --- */

struct checking {
    const struct reader *reader;
    const struct config *config;
    const struct examples *examples;
};

static struct yaml_node node_at(const struct place *place)
{
    return (struct yaml_node){.kind = NODE_VALUE, .line = place->line, .column = place->column};
}

static void make_execution(const struct checking *checking, struct example *example)
{
    struct job_execution *execution = &example->execution;
    int64_t now_ms = checking->examples->now_ms;
    int64_t queued_ms = example->queued_ms != 0 ? example->queued_ms : example->age_ms;
    int64_t started_ms = example->started_ms != 0 ? example->started_ms : example->age_ms;
    strcpy(execution->thing_name, example->thing);
    strcpy(execution->job_id, example->job_id);
    execution->number = example->number;
    execution->fingerprint.status = example->status;
    set_time(&execution->fingerprint.last_updated_at, now_ms - example->age_ms);
    set_time(&execution->fingerprint.queued_at, now_ms - queued_ms);
    set_time(&execution->fingerprint.started_at, now_ms - started_ms);
}

static bool check_names(const struct checking *checking, const struct example *example)
{
    bool thing = thing_name_valid(example->thing), job = job_id_valid(example->job_id);
    struct yaml_node at;
    if (!thing) {
        at = node_at(&example->thing_place);
        reader_error(checking->reader, &at, "a thing's name is 1 to 128 of [a-zA-Z0-9:_-], not '%.128s'",
                     example->thing);
    }
    if (!job) {
        at = node_at(&example->job_place);
        reader_error(checking->reader, &at, "a job id is 1 to 64 of [a-zA-Z0-9_-], not '%.128s'",
                     example->job_id);
    }
    return thing && job;
}

static bool same(const struct job_execution *a, const struct job_execution *b)
{
    return a->number == b->number && strcmp(a->job_id, b->job_id) == 0 &&
           strcmp(a->thing_name, b->thing_name) == 0;
}

static void complain_of_policy(const struct checking *checking, const struct example_test *test)
{
    const struct config *config = checking->config;
    const char **known = mem_calloc(config->policy_count + 1, sizeof *known);
    struct yaml_node at = node_at(&test->policy_place);
    at.text = test->policy;
    for (size_t i = 0; i < config->policy_count; i++) {
        known[i] = config->policies[i].name;
    }
    reader_unknown(checking->reader, &at, "policy", known);
    free(known);
}

static void check_given(const struct checking *checking, struct example_test *test, size_t number)
{
    struct example *example = &test->given[number];
    if (!check_names(checking, example)) {
        return;
    }
    make_execution(checking, example);
    for (size_t i = 0; i < number; i++) {
        if (same(&example->execution, &test->given[i].execution)) {
            struct yaml_node at = node_at(&example->place);
            reader_error(checking->reader, &at,
                         "this execution stands here again; it was at line %d (give it another 'number')",
                         test->given[i].place.line);
            return;
        }
    }
}

static void check_test(const struct checking *checking, struct example_test *test)
{
    if (config_policy(checking->config, test->policy) == NULL) {
        complain_of_policy(checking, test);
    }
    for (size_t i = 0; i < test->count; i++) {
        check_given(checking, test, i);
    }
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
    struct source source;
    return source_open(&source, AT_FDCWD, path, err) != 0 ? -1 : source_read(&source, out, err);
}

static void read_tree(const struct config *config, const struct yaml_file *file, struct examples *examples,
                      struct diagnostics *diagnostics)
{
    struct reader reader = {.config = (struct config *)(uintptr_t)config,
                            .file = file,
                            .diagnostics = diagnostics,
                            .main_file = true};
    size_t errors = diagnostics->errors;
    if (file->root->kind != NODE_MAP) {
        reader_error(&reader, file->root, "a file of examples is a map that begins with 'version: 1'");
        return;
    }
    reader_map(&reader, SCHEMA_EXAMPLES, "", file->root, examples);
    const struct checking checking = {.reader = &reader, .config = config, .examples = examples};
    bool complete = diagnostics->errors == errors;
    for (size_t i = 0; i < examples->count && complete; i++) {
        check_test(&checking, &examples->tests[i]);
    }
}

struct examples *examples_load(const char *path, const struct config *config, struct diagnostics *diagnostics)
{
    struct examples *examples = mem_zalloc(sizeof *examples);
    struct yaml_file file = {0};
    struct buf text;
    struct err err;
    size_t errors = diagnostics->errors;
    examples->file = mem_strdup(path);
    examples->now_ms = EXAMPLES_NOW_MS;
    buf_init(&text, CONFIG_FILE_MAX);
    if (read_file(path, &text, &err) != 0) {
        diagnostics_add(diagnostics, &(struct place){.file = path}, false, NULL, "%s", err.msg);
    } else {
        yaml_parse(&file, examples->file, buf_string(&text), text.length, diagnostics);
    }
    if (file.root != NULL) {
        read_tree(config, &file, examples, diagnostics);
    }
    yaml_finish(&file);
    buf_finish(&text);
    diagnostics_sort(diagnostics);
    if (diagnostics->errors > errors) {
        examples_free(examples);
        return NULL;
    }
    return examples;
}

static void free_test(struct example_test *test)
{
    for (size_t i = 0; i < test->count; i++) {
        struct example *example = &test->given[i];
        free(example->thing);
        free(example->job_id);
        free(example->namespace_id);
        free(example->because);
    }
    free(test->given);
    free(test->name);
    free(test->policy);
}

void examples_free(struct examples *examples)
{
    if (examples == NULL) {
        return;
    }
    for (size_t i = 0; i < examples->count; i++) {
        free_test(&examples->tests[i]);
    }
    free(examples->tests);
    free(examples->file);
    free(examples);
}

/* --- running ------------------------------------------------------------------------------------------- */

struct counted { /* an example that keep rules count */
    struct example *example;
    const struct policy *policy;
    enum keep_per per;
};

static int by_group(const void *left, const void *right)
{
    const struct counted *a = left, *b = right;
    const struct job_execution *x = &a->example->execution, *y = &b->example->execution;
    int thing = strcmp(x->thing_name, y->thing_name), job = strcmp(x->job_id, y->job_id);
    if ((a->per == PER_THING || a->per == PER_JOB_AND_THING) && thing != 0) {
        return thing;
    }
    if ((a->per == PER_JOB || a->per == PER_JOB_AND_THING) && job != 0) {
        return job;
    }
    return keep_compare(a->policy, x, y);
}

static void count(const struct policy *policy, enum keep_per per, struct example_test *test,
                  const struct keep_rule **kept)
{
    struct counted *order = mem_calloc(test->count + 1, sizeof *order);
    struct keep_group group;
    size_t used = 0;
    for (size_t i = 0; i < test->count; i++) {
        if (test->given[i].verdict.counts) {
            order[used++] = (struct counted){&test->given[i], policy, per};
        }
    }
    qsort(order, used, sizeof *order, by_group);
    for (size_t i = 0; i < used; i++) {
        const struct job_execution *execution = &order[i].example->execution;
        if (i == 0 || !keep_together(per, execution, &order[i - 1].example->execution)) {
            keep_begin(&group, policy, per);
        }
        const struct keep_rule *rule = keep_next(&group, execution);
        const struct keep_rule **of_this = &kept[order[i].example - test->given];
        *of_this = *of_this != NULL ? *of_this : rule;
    }
    free(order);
}

static void decide(const struct policy *policy, const struct examples *examples, struct example *example)
{
    struct job job = {.status = example->job_status,
                      .continuous = example->selection == SELECTION_CONTINUOUS,
                      .described = true};
    struct match_facts facts = {.job = &job};
    strcpy(job.job_id, example->execution.job_id);
    if (example->namespace_id != NULL) {
        strcpy(job.namespace_id, example->namespace_id);
    }
    policy_decide(policy, &facts, &example->execution, examples->now_ms, &example->verdict);
}

static void wait(const struct policy *policy, const struct examples *examples, struct example *example)
{
    int64_t since_ms = examples->now_ms - example->selected_ms;
    bool asked = example->selected_ms > 0 && example->verdict.delete;
    if (asked && !grace_over(policy, since_ms, examples->now_ms)) {
        grace_explain(policy, since_ms, &example->verdict);
    }
}

void examples_run(const struct config *config, const struct examples *examples, struct example_test *test)
{
    const struct policy *policy = config_policy(config, test->policy);
    const struct keep_rule **kept = mem_calloc(test->count + 1, sizeof *kept);
    for (size_t i = 0; i < test->count; i++) {
        decide(policy, examples, &test->given[i]);
    }
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(policy, (enum keep_per)per)) {
            count(policy, (enum keep_per)per, test, kept);
        }
    }
    for (size_t i = 0; i < test->count; i++) {
        keep_settle(&test->given[i].verdict, kept[i]);
    }
    for (size_t i = 0; i < test->count; i++) {
        wait(policy, examples, &test->given[i]);
    }
    free(kept);
}

bool example_met(const struct example *example)
{
    return example->verdict.delete ==
           example->delete &&(example->because == NULL ||
                              strstr(example->verdict.reason, example->because) != NULL);
}
