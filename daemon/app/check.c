/* jobsweep check, schema and completion, and reading the configuration for the other commands. */
#include "app/archive_check.h"
#include "app/commands.h"
#include "app/config_file.h"
#include "app/events.h"
#include "app/logging.h"
#include "app/online.h"
#include "app/say.h"
#include "app/selection.h"
#include "base/text.h"
#include "policy/json_schema.h"
#include "policy/load.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define PRINTED_MAX (1024 * 1024)
#define ONLINE_MAX  ((size_t)256 * 1024 * 1024)

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
    if (config == NULL || !options->quiet) {
        logging_diagnostics(&diagnostics);
    }
    diagnostics_finish(&diagnostics);
    return config;
}

static void print_json(const struct diagnostics *diagnostics, const struct online *online,
                       enum exit_status status)
{
    struct buf out;
    buf_init(&out, ONLINE_MAX);
    for (size_t i = 0; i < diagnostics->count; i++) {
        events_diagnostic(&out, &diagnostics->items[i]);
    }
    for (size_t i = 0; online != NULL && i < online->count; i++) {
        events_online(&out, &online->targets[i]);
    }
    events_check(&out, diagnostics, online, status);
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

/* --- online --- */

static void print_line(const char *text)
{
    struct buf out;
    buf_init(&out, ONLINE_MAX);
    text_visible(&out, text);
    printf("  %s\n", buf_string(&out));
    buf_finish(&out);
}

static void print_problems(const struct online_target *target)
{
    if (target->identity->err.code != ERR_NONE) {
        print_line(target->identity->err.msg);
        return;
    }
    for (size_t i = 0; i < target->probes.count; i++) {
        if (target->probes.probes[i].result != PROBE_ALLOWED) {
            print_line(target->probes.probes[i].err.msg);
        }
    }
    if (target->clock.code != ERR_NONE) {
        print_line(target->clock.msg);
    }
}

/* What slows nothing down and breaks nothing is not said. */
static void print_quotas(const struct online_target *target)
{
    for (size_t i = 0; i < target->quota_count; i++) {
        const struct online_quota *quota = &target->quotas[i];
        const char *name = operation_name(quota->operation);
        if (quota->of_account == 0 || quota->of_account == quota->used) {
            continue;
        }
        double used = (double)quota->used / 1000, account = (double)quota->of_account / 1000;
        if (account < used) {
            printf("  warning: the quota of %s is %.6g a second in this account, %s: it will be throttled "
                   "down\n",
                   name, account,
                   quota->configured ? "less than in the configuration" : "less than AWS's default");
        } else {
            printf("  the account has %.6g a second of %s, %.6g are used: quotas: {%s: %.6g} would use all\n",
                   account, name, used, name, account);
        }
    }
    if (target->quotas_failed.code != ERR_NONE) {
        struct buf out;
        buf_init(&out, ONLINE_MAX);
        text_visible(&out, target->quotas_failed.msg);
        printf("  quotas not tested: %s\n", buf_string(&out));
        buf_finish(&out);
    }
}

static void print_target(const struct options *options, const struct online_target *target)
{
    const struct identity *identity = target->identity;
    const struct probe_list *probes = &target->probes;
    size_t allowed = 0;
    if (options->quiet && target->status == EXIT_FINE) {
        return;
    }
    for (size_t i = 0; i < probes->count; i++) {
        allowed += probes->probes[i].result == PROBE_ALLOWED;
    }
    printf("%s: %s", identity->target->name, target->status == EXIT_FINE ? "fine" : "failed");
    if (identity->account[0] != '\0') {
        struct buf source;
        buf_init(&source, ONLINE_MAX);
        text_visible(&source, identity->source);
        printf(": account %s (%s) at %s", identity->account, buf_string(&source), identity->host);
        buf_finish(&source);
    }
    if (identity->err.code == ERR_NONE) {
        printf(", %zu of %zu calls allowed", allowed, probes->count);
    }
    printf("\n");
    print_problems(target);
    if (probes->left_out > 0) {
        printf("  %zu more patterns of the policies were not tried\n", probes->left_out);
    }
    print_quotas(target);
}

static void print_online(const struct options *options, const struct online *online)
{
    bool deletes = false;
    for (size_t i = 0; i < online->count; i++) {
        print_target(options, &online->targets[i]);
        deletes = deletes || online->targets[i].probes.needed[OPERATION_DELETE_EXECUTION];
    }
    if (options->quiet) {
        return;
    }
    printf("%zu target%s asked, %zu failed\n", online->count, online->count == 1 ? "" : "s", online->failed);
    if (deletes) {
        printf("not tested: iot:DeleteJobExecution, because AWS has no dry run of it and a check sends no "
               "deletion; compare with jobsweep iam-policy\n");
    }
}

/* False where nothing could be asked at all. */
static bool ask(const struct options *options, const struct config *config, struct online *online,
                enum exit_status *status)
{
    struct err err;
    if (selection_check_target(config, options->target, &err) != 0) {
        say("%s", err.msg);
        *status = EXIT_USAGE;
        return false;
    }
    struct world *world = world_create(&(struct world_config){.program = "jobsweep check"}, &err);
    if (world == NULL) {
        say("%s", err.msg);
        *status = exit_status_of_start(&err);
        return false;
    }
    online_ask(online, world, config, options->target);
    world_destroy(world);
    *status = online->status;
    return true;
}

enum exit_status command_check(const struct options *options)
{
    char path[PATH_MAX];
    struct diagnostics diagnostics;
    struct online online = {0};
    if (find(options, path) != 0) {
        return EXIT_USAGE;
    }
    diagnostics_init(&diagnostics);
    struct config *config = config_load(path, &diagnostics);
    if (config != NULL) {
        archive_check(config, &diagnostics);
    }
    enum exit_status status = config == NULL ? EXIT_USAGE : EXIT_FINE;
    if (options->format == OUTPUT_TEXT) {
        print_text(options, config, &diagnostics);
    }
    bool asked = options->online && config != NULL && ask(options, config, &online, &status);
    if (options->format == OUTPUT_JSON) {
        print_json(&diagnostics, asked ? &online : NULL, status);
    } else if (asked) {
        print_online(options, &online);
    }
    online_finish(&online);
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

static enum exit_status print_names(const struct options *options)
{
    struct options only_errors = *options;
    only_errors.quiet = true;
    struct config *config = command_config(&only_errors);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        printf("%s\n", config->policies[i].name);
    }
    config_unref(config);
    return EXIT_FINE;
}

enum exit_status command_completion(const struct options *options)
{
    struct buf out;
    if (options->names) {
        return print_names(options);
    }
    buf_init(&out, PRINTED_MAX);
    completion_print(options->shell, &out);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
    return EXIT_FINE;
}
