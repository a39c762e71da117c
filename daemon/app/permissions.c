/* jobsweep whoami and jobsweep iam-policy. */
#include "app/commands.h"
#include "app/events.h"
#include "app/say.h"
#include "app/scope.h"
#include "app/selection.h"
#include "app/whoami.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTED_MAX        (64 * 1024 * 1024)
#define MANAGED_POLICY_MAX 6144 /* characters besides white space, of one managed policy */

/* --- whoami -------------------------------------------------------------------------------------------- */

enum column { COLUMN_TARGET, COLUMN_ACCOUNT, COLUMN_ARN, COLUMN_CREDENTIALS, COLUMN_ENDPOINT, COLUMN_COUNT };

struct table {
    struct buf *out;
    int widths[COLUMN_COUNT];
};

static void put_cell(const struct identity *identity, enum column column, struct buf *out)
{
    const char *const texts[COLUMN_COUNT] = {[COLUMN_TARGET] = identity->target->name,
                                             [COLUMN_ACCOUNT] = identity->account,
                                             [COLUMN_ARN] = identity->arn,
                                             [COLUMN_CREDENTIALS] = identity->source,
                                             [COLUMN_ENDPOINT] = identity->host};
    char until[21];
    text_visible(out, texts[column]);
    if (column == COLUMN_CREDENTIALS && identity->expires_ms != 0) {
        time_rfc3339(identity->expires_ms, until);
        buf_printf(out, " until %s", until);
    }
}

/* What could not be asked has no more than its name. */
static enum column columns_of(const struct identity *identity)
{
    return identity->arn[0] != '\0' ? COLUMN_COUNT : COLUMN_ACCOUNT;
}

/* The last one is as long as it is. */
static void put_padded(const struct table *table, enum column column, const struct buf *cell)
{
    buf_text(table->out, buf_string(cell));
    int left = column + 1 < COLUMN_COUNT ? table->widths[column] + 2 - (int)cell->length : 0;
    buf_printf(table->out, "%*s", left > 0 ? left : 0, "");
}

static void widen(struct table *table, const struct identity *identity)
{
    struct buf cell;
    buf_init(&cell, PRINTED_MAX);
    for (enum column column = COLUMN_TARGET; column < columns_of(identity); column++) {
        buf_reset(&cell);
        put_cell(identity, column, &cell);
        table->widths[column] =
            (int)cell.length > table->widths[column] ? (int)cell.length : table->widths[column];
    }
    buf_finish(&cell);
}

static void put_identity(const struct table *table, const struct identity *identity)
{
    struct buf cell;
    buf_init(&cell, PRINTED_MAX);
    for (enum column column = COLUMN_TARGET; column < columns_of(identity); column++) {
        buf_reset(&cell);
        put_cell(identity, column, &cell);
        put_padded(table, column, &cell);
    }
    buf_finish(&cell);
    bool known = identity->arn[0] != '\0';
    if (identity->err.code != ERR_NONE) {
        buf_text(table->out, known ? "\n" : "");
        buf_printf(table->out, "%*sfailed: ", known ? table->widths[COLUMN_TARGET] + 2 : 0, "");
        text_visible(table->out, identity->err.msg);
    }
    buf_char(table->out, '\n');
}

static void put_table(const struct identity *identities, size_t count, bool titled, struct buf *out)
{
    static const char *const titles[COLUMN_COUNT] = {"TARGET", "ACCOUNT", "ARN", "CREDENTIALS", "ENDPOINT"};
    struct table table = {.out = out};
    for (int column = 0; column < COLUMN_COUNT; column++) {
        table.widths[column] = titled ? (int)strlen(titles[column]) : 0;
    }
    for (size_t i = 0; i < count; i++) {
        widen(&table, &identities[i]);
    }
    for (int column = 0; titled && column < COLUMN_COUNT; column++) {
        bool last = column + 1 == COLUMN_COUNT;
        buf_printf(out, "%-*s%s", last ? 0 : table.widths[column], titles[column], last ? "\n" : "  ");
    }
    for (size_t i = 0; i < count; i++) {
        put_identity(&table, &identities[i]);
    }
}

static void print_identities(const struct options *options, const struct identity *identities, size_t count,
                             size_t failed, enum exit_status status)
{
    struct buf out;
    buf_init(&out, PRINTED_MAX);
    if (options->format == OUTPUT_JSON) {
        for (size_t i = 0; i < count; i++) {
            events_identity(&out, &identities[i]);
        }
        events_whoami(&out, count, failed, status);
    } else {
        put_table(identities, count, !options->quiet, &out);
    }
    if (options->format == OUTPUT_TEXT && count > 1 && !options->quiet) {
        buf_printf(&out, "%zu targets, %zu failed\n", count, failed);
    }
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
}

static enum exit_status ask(const struct options *options, const struct config *config)
{
    struct err err;
    size_t count, failed = 0;
    struct world *world = world_create(&(struct world_config){.program = "jobsweep whoami"}, &err);
    if (world == NULL) {
        say("%s", err.msg);
        return exit_status_of_start(&err);
    }
    enum exit_status status = EXIT_FINE;
    struct identity *identities = whoami_ask(
        &(struct whoami_config){.world = world, .config = config, .target_name = options->target}, &count);
    for (size_t i = 0; i < count; i++) {
        failed += identities[i].err.code != ERR_NONE;
        status = exit_status_worse(status, identities[i].status);
    }
    print_identities(options, identities, count, failed, status);
    free(identities);
    world_destroy(world);
    return status;
}

enum exit_status command_whoami(const struct options *options)
{
    struct err err;
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    enum exit_status status = EXIT_USAGE;
    if (selection_check_target(config, options->target, &err) != 0) {
        say("%s", err.msg);
    } else if (config->target_count == 0) {
        say("the configuration has no target");
    } else {
        status = ask(options, config);
    }
    config_unref(config);
    return status;
}

/* --- iam-policy ---------------------------------------------------------------------------------------- */

static size_t count_without_space(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += strchr(" \n", *text) == NULL;
    }
    return count;
}

static void print_policy(const struct options *options, const struct selection *selection)
{
    struct buf out;
    struct scope *scopes = mem_calloc(selection->count + 1, sizeof *scopes);
    struct iam_scope *wanted = mem_calloc(selection->count + 1, sizeof *wanted);
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *pair = &selection->pairs[i];
        const struct scope_use use = {.deletes = selection_deletes(pair, NULL)};
        scope_init(&scopes[i], pair->policy, pair->target, use);
        wanted[i] = scopes[i].iam;
    }
    buf_init(&out, PRINTED_MAX);
    iam_print(wanted, selection->count, true, 0, &out, NULL);
    fputs(buf_string(&out), stdout);
    size_t length = count_without_space(buf_string(&out));
    if (length > MANAGED_POLICY_MAX && !options->quiet) {
        say("%zu characters, but a managed policy of IAM holds %d: print it for each account, with --target",
            length, MANAGED_POLICY_MAX);
    }
    buf_finish(&out);
    free(wanted);
    free(scopes);
}

enum exit_status command_iam_policy(const struct options *options)
{
    struct err err;
    struct selection selection;
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    int result = selection_make(&selection, config, options->policies, options->policy_count, options->target,
                                false, &err);
    if (result == 0 && selection.count == 0) {
        result = err_set(&err, ERR_NOT_FOUND, "no policy runs there: nothing needs to be allowed");
        selection_finish(&selection);
    }
    if (result != 0) {
        say("%s", err.msg);
        config_unref(config);
        return EXIT_USAGE;
    }
    print_policy(options, &selection);
    selection_finish(&selection);
    config_unref(config);
    return EXIT_FINE;
}
