/* See policy/load.h. All files are parsed first, then all targets are read, then all policies: a policy may
 * name the target of a later file. Faults never stop that, so that one look shows all of them. */
#include "policy/load.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/check.h"
#include "policy/lint.h"
#include "policy/reader.h"
#include "policy/schema.h"
#include "policy/source.h"
#include "policy/targets.h"
#include "policy/values.h"
#include "policy/yaml.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER        "policies.d"
#define FILES_MAX     100 /* all files together */
#define POLICIES_MAX  1000
#define CANONICAL_MAX (8u * CONFIG_FILE_MAX)

struct loading {
    struct config *config;
    struct diagnostics *diagnostics;
    struct yaml_file files[FILES_MAX]; /* of config->files, in that order; the first is the main file */
    const struct yaml_node *defaults;  /* NULL when there are none */
    bool defaults_usable;              /* free of faults */
    bool incomplete;                   /* a file could not be read: what it holds is not known */
};

static struct loading *begin(struct diagnostics *diagnostics)
{
    struct loading *loading = mem_zalloc(sizeof *loading);
    loading->config = mem_zalloc(sizeof *loading->config);
    loading->config->references = 1;
    loading->config->files = mem_calloc(FILES_MAX, sizeof *loading->config->files);
    loading->diagnostics = diagnostics;
    return loading;
}

static void complain_about_file(struct loading *loading, const char *file, bool warning, const char *message)
{
    struct place place = {.file = file};
    diagnostics_add(loading->diagnostics, &place, warning, NULL, "%s", message);
}

/* The next file; stays empty if it cannot be read. */
static struct yaml_file *add_name(struct loading *loading, const char *name)
{
    struct config *config = loading->config;
    struct yaml_file *file = &loading->files[config->file_count];
    config->files[config->file_count] = mem_strdup(name);
    file->name = config->files[config->file_count++];
    return file;
}

/* name is relative to the folder, path is what messages call it. */
static void add_file(struct loading *loading, int folder, const char *name, const char *path)
{
    struct source source;
    struct buf text;
    struct err err;
    struct yaml_file *file = add_name(loading, path);
    buf_init(&text, CONFIG_FILE_MAX);
    if (source_open(&source, folder, name, &err) != 0 || source_read(&source, &text, &err) != 0) {
        complain_about_file(loading, path, false, err.msg);
    } else {
        yaml_parse(file, file->name, buf_string(&text), text.length, loading->diagnostics);
    }
    buf_finish(&text);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t length = strlen(name), end = strlen(ending);
    return length > end && strcmp(name + length - end, ending) == 0;
}

static int keep_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* alphasort() would follow the locale */
}

static void add_entry(struct loading *loading, int folder, const char *folder_path, const char *name)
{
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, "%s/%s", folder_path, name);
    if (ends_with(name, ".yml")) {
        complain_about_file(loading, buf_string(&path), true, "is not read: only *.yaml is");
    } else if (ends_with(name, ".yaml") && loading->config->file_count == FILES_MAX) {
        complain_about_file(loading, buf_string(&path), false, "is one file too many: 100 at most");
    } else if (ends_with(name, ".yaml")) {
        add_file(loading, folder, name, buf_string(&path));
    }
    buf_finish(&path);
}

static void add_entries(struct loading *loading, int folder, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandirat(folder, ".", &entries, keep_visible, by_bytes);
    if (count < 0) {
        complain_about_file(loading, path, false, "cannot be read");
    }
    for (int i = 0; i < count; i++) {
        add_entry(loading, folder, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

/* The folder beside the main file; it need not exist. */
static void add_folder(struct loading *loading, const char *main_path)
{
    struct err err;
    struct buf path;
    const char *slash = strrchr(main_path, '/');
    buf_init(&path, 8192);
    buf_printf(&path, "%.*s" FOLDER, slash != NULL ? (int)(slash - main_path) + 1 : 0, main_path);
    int folder = source_open_folder(buf_string(&path), &err);
    if (folder >= 0) {
        add_entries(loading, folder, buf_string(&path));
        close(folder);
    } else if (err.code != ERR_NOT_FOUND) {
        complain_about_file(loading, buf_string(&path), false, err.msg);
    }
    buf_finish(&path);
}

static struct reader reader_of(struct loading *loading, size_t file)
{
    return (struct reader){.config = loading->config,
                           .file = &loading->files[file],
                           .diagnostics = loading->diagnostics,
                           .main_file = file == 0,
                           .incomplete = loading->incomplete};
}

/* The node under a top-level key, if it is there and of the kind that it should be; reader_map() complains
 * else. */
static const struct yaml_node *part(const struct yaml_file *file, const char *key, enum node_kind kind)
{
    const struct yaml_node *node = yaml_get(file->root, key);
    return node != NULL && node->kind == kind ? node : NULL;
}

static void read_head(const struct reader *reader)
{
    const struct yaml_node *root = reader->file->root;
    if (root->kind != NODE_MAP) {
        reader_error(reader, root, "a configuration is a map that begins with 'version: 1'");
        return;
    }
    reader_map(reader, SCHEMA_FILE, "", root, reader->config);
    const struct yaml_node *targets = part(reader->file, "targets", NODE_MAP);
    for (const struct yaml_node *key = targets != NULL ? targets->first : NULL; key != NULL;
         key = key->next->next) {
        targets_read(reader, key);
    }
}

/* Once, for its faults; they would come again with each policy. */
static void check_defaults(struct loading *loading)
{
    struct policy scratch = {0};
    struct reader reader = reader_of(loading, 0);
    size_t errors = loading->diagnostics->errors;
    loading->defaults = part(reader.file, "defaults", NODE_MAP);
    if (loading->defaults == NULL) {
        return;
    }
    reader.in_defaults = true;
    reader_map(&reader, SCHEMA_POLICY, "", loading->defaults, &scratch);
    loading->defaults_usable = loading->diagnostics->errors == errors;
    policy_finish(&scratch);
}

static void inherit(struct loading *loading, struct policy *policy)
{
    struct reader reader = reader_of(loading, 0);
    reader_fill(&reader, SCHEMA_POLICY, policy);
    reader_fill(&reader, SCHEMA_MATCH, &policy->match);
    policy->protect = &loading->config->protect;
    if (loading->defaults_usable) {
        reader.in_defaults = true;
        reader.diagnostics = NULL;
        reader_map(&reader, SCHEMA_POLICY, "", loading->defaults, policy);
    }
}

static void print_canonical(const struct config *config, struct policy *policy)
{
    struct buf text;
    buf_init(&text, CANONICAL_MAX);
    schema_print(config, SCHEMA_POLICY, policy, &text);
    policy->canonical_own = text.length;
    if (config->protect.count > 0) { /* what it spares is part of what it does */
        schema_print_row(config, schema_find(SCHEMA_FILE, "", "protect"), config, &text);
    }
    policy->canonical = mem_strdup(buf_string(&text));
    buf_reset(&text);
    schema_print_selection(config, policy, &text);
    policy->selection = mem_strdup(buf_string(&text));
    buf_finish(&text);
}

static void read_policy(struct loading *loading, const struct reader *reader, const struct yaml_node *node)
{
    struct config *config = loading->config;
    if (node->kind != NODE_MAP) {
        reader_error(reader, node, "a policy is a map that begins with 'name:'");
        return;
    }
    if (config->policy_count == POLICIES_MAX) {
        reader_error(reader, node, "one policy too many: %d at most", POLICIES_MAX);
        return;
    }
    struct policy *policy = &config->policies[config->policy_count++];
    policy->place = reader_place(reader, node);
    inherit(loading, policy);
    reader_map(reader, SCHEMA_POLICY, "", node, policy);
    if (policy->description == NULL) {
        policy->description = mem_strdup("");
    }
    check_policy(reader, node, loading->defaults, policy);
    print_canonical(config, policy);
}

static void read_policies(struct loading *loading, size_t file)
{
    struct reader reader = reader_of(loading, file);
    const struct yaml_node *list = part(reader.file, "policies", NODE_LIST);
    for (const struct yaml_node *node = list != NULL ? list->first : NULL; node != NULL; node = node->next) {
        read_policy(loading, &reader, node);
    }
}

static void read_all(struct loading *loading)
{
    struct config *config = loading->config;
    config->policies = mem_calloc(POLICIES_MAX, sizeof *config->policies);
    struct reader main_file = reader_of(loading, 0);
    reader_fill(&main_file, SCHEMA_FILE, config);
    for (size_t i = 0; i < config->file_count; i++) {
        loading->incomplete |= loading->files[i].root == NULL;
    }
    for (size_t i = 0; i < config->file_count; i++) {
        struct reader reader = reader_of(loading, i);
        if (reader.file->root != NULL) {
            read_head(&reader);
        }
    }
    targets_compare(config, loading->diagnostics);
    check_defaults(loading);
    for (size_t i = 0; i < config->file_count; i++) {
        read_policies(loading, i);
    }
}

static void on_finding(void *owner, const struct place *place, const char *message)
{
    struct loading *loading = owner;
    const struct yaml_node node = {.line = place->line, .column = place->column};
    for (size_t i = 0; i < loading->config->file_count; i++) {
        if (loading->files[i].name == place->file) {
            yaml_complain(&loading->files[i], loading->diagnostics, &node, true, message);
        }
    }
}

/* The configuration, or NULL where anything was wrong since `errors` were counted. */
static struct config *finish(struct loading *loading, size_t errors)
{
    struct config *config = loading->config;
    read_all(loading);
    if (loading->diagnostics->errors == errors) {
        lint_policies(config, on_finding, loading);
    }
    for (size_t i = 0; i < config->file_count; i++) {
        yaml_finish(&loading->files[i]);
    }
    diagnostics_sort(loading->diagnostics);
    if (loading->diagnostics->errors > errors) {
        config_unref(config);
        config = NULL;
    }
    free(loading);
    return config;
}

struct config *config_load(const char *path, struct diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    struct loading *loading = begin(diagnostics);
    add_file(loading, AT_FDCWD, path, path);
    add_folder(loading, path);
    return finish(loading, errors);
}

struct config *config_peek(const char *path, bool *readable)
{
    struct diagnostics ignored;
    diagnostics_init(&ignored);
    struct loading *loading = begin(&ignored);
    struct config *config = loading->config;
    add_file(loading, AT_FDCWD, path, path);
    struct reader reader = reader_of(loading, 0);
    reader_fill(&reader, SCHEMA_FILE, config);
    *readable = reader.file->root != NULL && reader.file->root->kind == NODE_MAP;
    if (*readable) {
        reader_map(&reader, SCHEMA_FILE, "", reader.file->root, config);
    }
    yaml_finish(&loading->files[0]);
    diagnostics_finish(&ignored);
    free(loading);
    return config;
}

struct config *config_load_text(const char *name, const char *text, size_t length,
                                struct diagnostics *diagnostics)
{
    size_t errors = diagnostics->errors;
    struct loading *loading = begin(diagnostics);
    struct yaml_file *file = add_name(loading, name);
    yaml_parse(file, file->name, text, length, diagnostics);
    return finish(loading, errors);
}
