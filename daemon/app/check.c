/* jobsweep check and schema, and reading the configuration for the other commands. */
#include "app/commands.h"
#include "app/config_file.h"
#include "app/events.h"
#include "app/logging.h"
#include "app/say.h"
#include "base/text.h"
#include "policy/json_schema.h"
#include "policy/load.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define PRINTED_MAX (1024 * 1024)

static int find(const struct options *options, char path[PATH_MAX])
{
    struct err err;
    bool system = options->command == COMMAND_DAEMON || geteuid() == 0;
    if (config_file_find(options->config, system, path, PATH_MAX, &err) == 0) {
        return 0;
    }
    say("%s", err.msg);
    return -1;
}

struct config *command_config(const struct options *options)
{
    char path[PATH_MAX];
    struct diagnostics diagnostics;
    if (find(options, path) != 0) {
        return NULL;
    }
    diagnostics_init(&diagnostics);
    struct config *config = config_load(path, &diagnostics);
    if (config != NULL && options->command == COMMAND_DAEMON) {
        logging_set_up(options, config);
    }
    if (config == NULL || !options->quiet) {
        logging_diagnostics(&diagnostics);
    }
    diagnostics_finish(&diagnostics);
    return config;
}

static void print_json(const struct diagnostics *diagnostics, enum exit_status status)
{
    struct buf out;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; i < diagnostics->count; i++) {
        events_diagnostic(&out, &diagnostics->items[i]);
    }
    events_check(&out, diagnostics, status);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
}

static void print_text(const struct options *options, const struct config *config,
                       const struct diagnostics *diagnostics)
{
    logging_diagnostics(diagnostics);
    if (config == NULL) {
        say("%zu error%s", diagnostics->errors, diagnostics->errors == 1 ? "" : "s");
        return;
    }
    if (options->quiet) {
        return;
    }
    size_t enforcing = 0;
    for (size_t i = 0; i < config->policy_count; i++) {
        enforcing += config->policies[i].enforce;
    }
    for (size_t i = 0; i < config->file_count; i++) {
        struct buf name;
        buf_init(&name, PATH_MAX * 4);
        text_visible(&name, config->files[i]);
        printf("%s: fine\n", buf_string(&name));
        buf_finish(&name);
    }
    printf("%zu target%s, %zu polic%s (%zu enforcing), %zu warning%s\n", config->target_count,
           config->target_count == 1 ? "" : "s", config->policy_count,
           config->policy_count == 1 ? "y" : "ies", enforcing, diagnostics->warnings,
           diagnostics->warnings == 1 ? "" : "s");
}

enum exit_status command_check(const struct options *options)
{
    char path[PATH_MAX];
    struct diagnostics diagnostics;
    if (find(options, path) != 0) {
        return EXIT_USAGE;
    }
    diagnostics_init(&diagnostics);
    struct config *config = config_load(path, &diagnostics);
    enum exit_status status = config == NULL ? EXIT_USAGE : EXIT_FINE;
    if (options->format == OUTPUT_JSON) {
        print_json(&diagnostics, status);
    } else {
        print_text(options, config, &diagnostics);
    }
    config_unref(config);
    diagnostics_finish(&diagnostics);
    return status;
}

enum exit_status command_schema(const struct options *options)
{
    struct buf out;
    (void)options;
    buf_init(&out, PRINTED_MAX);
    json_schema_print(&out);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
    return EXIT_FINE;
}
