/* jobsweep delete-job-executions: from the rows of a file to a session. */
#include "app/commands.h"
#include "app/config_file.h"
#include "app/events.h"
#include "app/link.h"
#include "app/own_account.h"
#include "app/question.h"
#include "app/row_reader.h"
#include "app/say.h"
#include "app/session.h"
#include "app/spool.h"
#include "aws/environment.h"
#include "base/mem.h"
#include "base/text.h"
#include "policy/load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLICY_OF_ROWS                                                                                       \
    "delete-job-executions" /* the name of what selects them, in reports and the ledger                      \
                             */
#define PLACE_SHOWN     48  /* bytes of a file's name in a reason */
#define REPEATS_TOLD    3
#define NEWEST_TEXT_MAX 96
#define PLACE_TEXT_MAX  512
#define PRINTED_MAX     (1024 * 1024)

struct deletion {
    const struct options *options;
    struct config *config;
    const struct target *target;
    bool adhoc; /* the target is made up from the environment */
    struct spool *spool;
    struct spool_part *rows;
    int64_t kept, repeated;
    int64_t newest; /* rows without a number */
};

static const char *name_of(const struct options *options)
{
    return options->file != NULL ? options->file : "standard input";
}

/* --- where --------------------------------------------------------------------------------------------- */

/* No configuration, and none was asked for. */
static bool has_no_config(const struct options *options)
{
    char path[PATH_MAX];
    struct err err;
    return options->config == NULL && options->target == NULL &&
           config_file_find(NULL, geteuid() == 0, path, sizeof path, &err) != 0 && err.code == ERR_NOT_FOUND;
}

/* One target, of the account and region of the environment: what the AWS CLI would use. It names no region,
 * because a pseudo-region such as fips-us-east-1 says more than the one that was found. */
static enum exit_status make_up_target(struct deletion *deletion)
{
    struct target unknown = {.share_permille = 995, .concurrency = 1};
    struct diagnostics diagnostics;
    struct err err;
    char account[ACCOUNT_LENGTH + 1], region[64], text[256];
    if (link_find_region(&unknown, region, &err) != 0) {
        say("%s", err.msg);
        return EXIT_USAGE;
    }
    if (own_account(&unknown, account, &err) != 0) {
        say("%s", err.msg);
        return err.code == ERR_PERMISSION || err.code == ERR_CREDENTIALS ? EXIT_DENIED : EXIT_FAILED;
    }
    int length =
        snprintf(text, sizeof text, "version: 1\ntargets:\n  default:\n    account: \"%s\"\n", account);
    diagnostics_init(&diagnostics);
    deletion->config = config_load_text("environment", text, (size_t)length, &diagnostics);
    diagnostics_finish(&diagnostics);
    if (deletion->config == NULL) {
        say("account %s in region %s cannot be a target", account, region);
        return EXIT_USAGE;
    }
    deletion->target = &deletion->config->targets[0];
    deletion->adhoc = true;
    return EXIT_FINE;
}

/* A name may stand for many targets; rows belong to one. */
static const struct target *choose(const struct options *options, const struct config *config)
{
    const struct target *found = NULL;
    size_t count = 0;
    struct err err;
    if (selection_check_target(config, options->target, &err) != 0) {
        say("%s", err.msg);
        return NULL;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        if (options->target == NULL || target_is_called(&config->targets[i], options->target)) {
            found = &config->targets[i];
            count++;
        }
    }
    if (count == 1) {
        return found;
    }
    say("in which of the configuration's %zu targets%s%s? name one with --target", count,
        options->target != NULL ? " called " : "", options->target != NULL ? options->target : "");
    return NULL;
}

static enum exit_status find_target(struct deletion *deletion)
{
    const struct options *options = deletion->options;
    if (has_no_config(options)) {
        return make_up_target(deletion);
    }
    deletion->config = command_config(options);
    deletion->target = deletion->config != NULL ? choose(options, deletion->config) : NULL;
    if (deletion->target == NULL) {
        return EXIT_USAGE;
    }
    if (options->dry_run) {
        return EXIT_FINE;
    }
    const char *why_not = deletion->target->plan_only            ? "can only be looked at (allow: plan)"
                          : deletion->target->account[0] == '\0' ? "has no account, which deletion needs"
                                                                 : NULL;
    if (why_not != NULL) {
        say("target %s %s; nothing was deleted", deletion->target->name, why_not);
    }
    return why_not == NULL ? EXIT_FINE : EXIT_USAGE;
}

/* --- the rows ------------------------------------------------------------------------------------------ */

static ssize_t read_fd(void *ctx, char *bytes, size_t size)
{
    return read(*(const int *)ctx, bytes, size);
}

/* The end of a long name says more than its beginning. */
static void give_reason(const struct deletion *deletion, int64_t line, char reason[PLAN_REASON_MAX + 1])
{
    const char *name = name_of(deletion->options);
    size_t length = strlen(name), cut = length > PLACE_SHOWN ? length - PLACE_SHOWN : 0;
    while (((unsigned char)name[cut] & 0xc0) == 0x80) { /* not inside of a character */
        cut++;
    }
    snprintf(reason, PLAN_REASON_MAX + 1, "given in %s%s:%" PRId64, cut > 0 ? "..." : "", name + cut, line);
}

static int spool_rows(struct deletion *deletion, struct row_reader *reader, struct err *err)
{
    struct read_row read;
    while (row_reader_next(reader, &read) > 0) {
        struct plan_row row = {.execution = read.execution};
        give_reason(deletion, read.line, row.reason);
        if (spool_add(deletion->rows, &row, err) != 0) {
            return -1;
        }
        deletion->newest += row.execution.number == 0;
    }
    deletion->kept = row_reader_kept(reader);
    return 0;
}

static void on_repeated(void *ctx, const struct plan_row *row, const struct plan_row *earlier)
{
    struct deletion *deletion = ctx;
    deletion->newest -= row->execution.number == 0;
    if (deletion->repeated++ < REPEATS_TOLD && !deletion->options->quiet) {
        say("warning: %s/%s is %s and also %s: it is taken once", row->execution.job_id,
            row->execution.thing_name, earlier->reason, row->reason);
    }
}

static enum exit_status take_rows(struct deletion *deletion, int fd, struct diagnostics *diagnostics)
{
    const struct options *options = deletion->options;
    struct input *input = mem_zalloc(sizeof *input);
    char region[64];
    struct err err = {0};
    if (link_find_region(deletion->target, region, &err) != 0) {
        region[0] = '\0'; /* then the session cannot begin, and says why */
    }
    const struct row_reader_config config = {.name = name_of(options),
                                             .job_id = options->job,
                                             .thing_name = options->thing,
                                             .target = deletion->adhoc ? NULL : deletion->target->name,
                                             .account = deletion->target->account,
                                             .region = region,
                                             .diagnostics = diagnostics};
    input_init(input, read_fd, &fd);
    struct row_reader *reader = row_reader_create(&config, input);
    deletion->spool = spool_create(&err);
    bool good = deletion->spool != NULL;
    if (good) {
        deletion->rows = spool_part(deletion->spool);
        good = spool_rows(deletion, reader, &err) == 0 &&
               (diagnostics->errors > 0 ||
                spool_leave_out_repeated(deletion->rows, on_repeated, deletion, &err) >= 0);
    }
    if (!good) {
        say("%s", err.msg);
    }
    row_reader_destroy(reader);
    free(input);
    return !good ? EXIT_FAILED : diagnostics->errors > 0 ? EXIT_USAGE : EXIT_FINE;
}

static void tell_wrong(const struct options *options, const struct diagnostics *diagnostics)
{
    struct buf out;
    bool json = options->format == OUTPUT_JSON;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; json && i < diagnostics->count; i++) {
        events_diagnostic(&out, &diagnostics->items[i]);
    }
    if (!json) {
        diagnostics_print(diagnostics, &out);
    }
    fputs(buf_string(&out), json ? stdout : stderr);
    buf_finish(&out);
    say("%zu error%s; nothing was deleted", diagnostics->errors, diagnostics->errors == 1 ? "" : "s");
}

/* "30 rows have no number: the newest of each is meant"; "" where all have one. */
static const char *tell_newest(const struct deletion *deletion, char text[NEWEST_TEXT_MAX])
{
    char number[32];
    text[0] = '\0';
    if (deletion->newest > 0) {
        snprintf(text, NEWEST_TEXT_MAX, "%s row%s no number: the newest of each is meant",
                 text_thousands(number, deletion->newest), deletion->newest == 1 ? " has" : "s have");
    }
    return text;
}

static void tell_taken(const struct deletion *deletion, const struct diagnostics *diagnostics)
{
    struct buf warnings;
    char newest[NEWEST_TEXT_MAX];
    if (deletion->options->quiet) {
        return;
    }
    buf_init(&warnings, PRINTED_MAX);
    diagnostics_print(diagnostics, &warnings);
    fputs(buf_string(&warnings), stderr);
    buf_finish(&warnings);
    if (deletion->newest > 0) {
        say("%s", tell_newest(deletion, newest));
    }
    if (deletion->kept > 0) {
        say("%" PRId64 " row%s the verdict keep and %s left out", deletion->kept,
            deletion->kept == 1 ? " has" : "s have", deletion->kept == 1 ? "is" : "are");
    }
    if (deletion->repeated > REPEATS_TOLD) {
        say("warning: %" PRId64 " rows are there more than once; each is taken once", deletion->repeated);
    }
}

static bool names_are_valid(const struct options *options)
{
    bool job = options->job == NULL || job_id_valid(options->job);
    bool thing = options->thing == NULL || thing_name_valid(options->thing);
    if (!job || !thing) {
        say("--%s takes the name of %s", job ? "thing" : "job", job ? "a thing" : "a job");
    }
    return job && thing;
}

static enum exit_status read_rows(struct deletion *deletion)
{
    const struct options *options = deletion->options;
    struct diagnostics diagnostics;
    struct stat status;
    int fd = options->file != NULL ? open(options->file, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
        close(fd);
        fd = -1;
        errno = EISDIR;
    }
    if (fd < 0) {
        say("%s: %s", options->file, err_errno(errno));
        return EXIT_USAGE;
    }
    diagnostics_init(&diagnostics);
    enum exit_status result = take_rows(deletion, fd, &diagnostics);
    if (diagnostics.errors > 0) {
        tell_wrong(options, &diagnostics);
    } else if (result == EXIT_FINE) {
        tell_taken(deletion, &diagnostics);
    }
    diagnostics_finish(&diagnostics);
    if (options->file != NULL) {
        close(fd);
    }
    return result;
}

/* --- the command --------------------------------------------------------------------------------------- */

/* "123456789012, eu-west-1 (target prod, profile ops)": where it would hurt. */
static const char *describe_place(const struct deletion *deletion, char text[PLACE_TEXT_MAX])
{
    const struct target *target = deletion->target;
    const char *profile = target->profile != NULL ? target->profile : environment_get(NULL, "AWS_PROFILE");
    char region[REGION_MAX + 1];
    struct err ignored; /* the run will tell */
    if (link_find_region(target, region, &ignored) != 0) {
        text_copy(region, sizeof region, "no region");
    }
    struct buf out;
    buf_init(&out, PLACE_TEXT_MAX - 1);
    buf_printf(&out, "%s, %s", target->account[0] != '\0' ? target->account : "an account that is not known",
               region);
    if (!deletion->adhoc) {
        buf_printf(&out, " (target %s%s%s)", target->name, profile != NULL ? ", profile " : "",
                   profile != NULL ? profile : "");
    } else if (profile != NULL) {
        buf_printf(&out, " (profile %s)", profile);
    }
    text_copy(text, PLACE_TEXT_MAX, buf_string(&out));
    buf_finish(&out);
    return text;
}

/* EXIT_FINE: go on. */
static enum exit_status ask(const struct deletion *deletion)
{
    const struct options *options = deletion->options;
    char place[PLACE_TEXT_MAX], newest[NEWEST_TEXT_MAX], where[1024];
    describe_place(deletion, place);
    if (options->dry_run && !options->quiet) {
        say("dry run in %s", place);
    }
    if (deletion->adhoc && !options->quiet) {
        say("no configuration: no protection rules");
    }
    if (options->yes || options->dry_run) {
        return EXIT_FINE;
    }
    if (!question_possible()) {
        say("delete-job-executions needs --yes where nobody can be asked (--dry-run shows what would go); "
            "nothing was deleted");
        return EXIT_USAGE;
    }
    tell_newest(deletion, newest);
    snprintf(where, sizeof where, " in %s%s%s", place, newest[0] != '\0' ? "; " : "", newest);
    if (question_delete(spool_count(deletion->rows), where) == QUESTION_YES) {
        return EXIT_FINE;
    }
    say("nothing was deleted");
    return EXIT_FAILED;
}

static enum exit_status run(const struct deletion *deletion)
{
    const struct options *options = deletion->options;
    static char canonical[] = POLICY_OF_ROWS, description[] = "";
    const struct policy policy = {.name = POLICY_OF_ROWS,
                                  .canonical = canonical,
                                  .description = description,
                                  .enforce = true,
                                  .protect = &deletion->config->protect,
                                  .selected_over = INT64_MAX,
                                  .force = options->force};
    struct row_source source;
    char origin[RUN_ORIGIN_MAX + 1];
    spool_source(deletion->rows, &source);
    source.force = options->force;
    source.newest = deletion->newest;
    snprintf(origin, sizeof origin, "rows of %.100s", name_of(options));
    struct selected pair = {
        .policy = &policy, .target = deletion->target, .source = &source, .origin = origin};
    const struct selection selection = {.pairs = &pair, .count = 1};
    const struct session_config session = {.options = options,
                                           .program = "jobsweep delete-job-executions",
                                           .config = deletion->config,
                                           .selection = &selection,
                                           .plan_only = options->dry_run,
                                           .named = true};
    return session_run(&session);
}

static enum exit_status prepare(struct deletion *deletion)
{
    if (!names_are_valid(deletion->options)) {
        return EXIT_USAGE;
    }
    enum exit_status status = find_target(deletion);
    if (status == EXIT_FINE) {
        status = read_rows(deletion);
    }
    return status == EXIT_FINE ? ask(deletion) : status;
}

enum exit_status command_delete_rows(const struct options *options)
{
    struct deletion deletion = {.options = options};
    enum exit_status status = prepare(&deletion);
    status = status == EXIT_FINE ? run(&deletion) : command_end_early(options, status);
    spool_destroy(deletion.spool);
    config_unref(deletion.config);
    return status;
}
