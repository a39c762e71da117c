/* jobsweep plan, sweep and apply, up to what they run. */
#include "app/commands.h"

#include "app/events.h"
#include "app/plan_place.h"
#include "app/question.h"
#include "app/say.h"
#include "app/selection.h"
#include "app/session.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXPIRES_DEFAULT "24h"

enum exit_status command_end_early(const struct options *options, enum exit_status status)
{
    const int64_t none[OUTCOME_COUNT] = {0};
    struct buf out;
    if (options->format != OUTPUT_JSON) {
        return status;
    }
    buf_init(&out, 1024);
    events_report(&out, 0, none, status);
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
    return status;
}

/* NULL when the configuration or the selection is refused. */
static struct config *prepare(const struct options *options, bool only_enforcing, struct selection *selection)
{
    struct err err;
    struct config *config = command_config(options);
    if (config == NULL) {
        return NULL;
    }
    if (selection_make(selection, config, options->policies, options->policy_count, options->target,
                       only_enforcing, &err) == 0) {
        return config;
    }
    say("%s", err.msg);
    config_unref(config);
    return NULL;
}

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * TIME_MS_PER_SECOND + now.tv_nsec / TIME_NS_PER_MS;
}

/* --- plan ---------------------------------------------------------------------------------------------- */

static void tell_saved(const struct options *options, const struct plan_file *file)
{
    int64_t rows = 0;
    char number[32], until[21];
    for (size_t i = 0; i < file->count; i++) {
        rows += spool_count(file->plans[i].rows);
    }
    time_rfc3339(file->expires_ms, until);
    if (!options->quiet) {
        bool named = options->config != NULL;
        say("%s row%s written to %s, until %s; jobsweep apply %s%s%s%s", text_thousands(number, rows),
            rows == 1 ? "" : "s", options->output, until, named ? "-c " : "", named ? options->config : "",
            named ? " " : "", options->output);
    }
}

static enum exit_status save_plan(const struct options *options, struct session_config *session,
                                  int64_t expires_after_ms)
{
    struct plan_file file;
    struct err err;
    struct spool *spool = spool_create(&err);
    if (spool == NULL) {
        say("%s", err.msg);
        return EXIT_FAILED;
    }
    plan_file_init(&file, spool);
    file.created_ms = wall_ms();
    file.expires_ms = file.created_ms + expires_after_ms;
    session->save = &file;
    enum exit_status status = session_run(session);
    if (status != EXIT_FINE && status != EXIT_HAS_ROWS) {
        say("%s: no plan was written", options->output);
    } else if (plan_file_write(&file, options->output, &err) != 0) {
        say("%s", err.msg);
        status = EXIT_FAILED;
    } else {
        tell_saved(options, &file);
    }
    plan_file_finish(&file);
    return status;
}

enum exit_status command_plan(const struct options *options)
{
    struct selection selection;
    struct err err;
    int64_t expires_after_ms;
    const char *expires = options->expires != NULL ? options->expires : EXPIRES_DEFAULT;
    if (time_parse_duration(expires, &expires_after_ms, &err) != 0) {
        say("--expires: %s", err.msg);
        return command_end_early(options, EXIT_USAGE);
    }
    if (options->output != NULL && plan_place_check(options->output, &err) != 0) {
        say("%s", err.msg);
        return command_end_early(options, EXIT_USAGE);
    }
    struct config *config = prepare(options, false, &selection);
    if (config == NULL) {
        return command_end_early(options, EXIT_USAGE);
    }
    if (selection.count == 0) {
        say("the configuration has no policy to plan");
    }
    struct session_config session = {.options = options,
                                     .program = "jobsweep plan",
                                     .config = config,
                                     .selection = &selection,
                                     .plan_only = true};
    enum exit_status status =
        options->output != NULL ? save_plan(options, &session, expires_after_ms) : session_run(&session);
    selection_finish(&selection);
    config_unref(config);
    return status;
}

/* --- sweep --------------------------------------------------------------------------------------------- */

static void list(const struct selection *selection)
{
    say("these policies enforce:");
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *pair = &selection->pairs[i];
        say("  %s in %s%s%s", pair->policy->name, pair->target->name,
            pair->policy->description[0] != '\0' ? ": " : "", pair->policy->description);
    }
}

/* Without a policy's name a person could have meant something else: what would go is shown, and asked about.
 */
enum exit_status command_sweep(const struct options *options)
{
    struct selection selection;
    struct config *config = prepare(options, true, &selection);
    if (config == NULL) {
        return command_end_early(options, EXIT_USAGE);
    }
    if (selection.count == 0) {
        say("no policy enforces: nothing to sweep (jobsweep plan shows what they would delete)");
    }
    const bool asks = options->policy_count == 0 && !options->yes && selection.count > 0;
    const struct session_config session = {.options = options,
                                           .program = "jobsweep sweep",
                                           .config = config,
                                           .selection = &selection,
                                           .asks = asks};
    enum exit_status status;
    if (asks && !question_possible()) {
        list(&selection);
        say("sweep needs the names of policies, or --yes, where nobody can be asked; nothing was deleted");
        status = command_end_early(options, EXIT_USAGE);
    } else {
        status = session_run(&session);
    }
    selection_finish(&selection);
    config_unref(config);
    return status;
}

/* --- apply --------------------------------------------------------------------------------------------- */

/* What is to be applied: a pair for each plan of the file that has rows. */
struct application {
    const struct plan_file *file;
    struct selection selection;
    struct row_source *sources;
    char origin[RUN_ORIGIN_MAX + 1];
};

static enum exit_status stale(const struct plan_file_plan *plan, const char *why)
{
    say("the plan of %s in %s is stale: %s; make a new one", plan->header.policy, plan->header.target, why);
    return EXIT_STALE;
}

static enum exit_status add_plan(struct application *application, const struct config *config, size_t index)
{
    const struct plan_file_plan *plan = &application->file->plans[index];
    const struct run_header *header = &plan->header;
    struct selection *selection = &application->selection;
    const char *why_not = NULL;
    char sha256[65];
    const struct target *target = header->account[0] != '\0' ? selection_target(config, header) : NULL;
    if (target == NULL) {
        say("the plan of %s in %s is for account %s in %s, of which the configuration has no target",
            header->policy, header->target, header->account[0] != '\0' ? header->account : "(not known)",
            header->region);
        return EXIT_USAGE;
    }
    struct selected pair = {.policy = selection_policy(config, header->policy, target), .target = target};
    if (pair.policy == NULL) {
        return stale(plan, "the configuration has no such policy there any more");
    }
    plan_file_digest(pair.policy, sha256);
    if (strcmp(sha256, header->policy_sha256) != 0) {
        return stale(plan, "the policy is not what it was when it was planned");
    }
    if (!selection_deletes(&pair, &why_not)) {
        return stale(plan, why_not);
    }
    spool_source(plan->rows, &application->sources[index]);
    application->sources[index].listed = plan->listed;
    application->sources[index].remaining = plan->remaining;
    pair.source = &application->sources[index];
    pair.origin = application->origin;
    selection->pairs[selection->count++] = pair;
    return EXIT_FINE;
}

static enum exit_status add_plans(struct application *application, const struct config *config)
{
    const struct plan_file *file = application->file;
    char until[21];
    enum exit_status status = EXIT_FINE;
    if (file->expires_ms <= wall_ms()) {
        time_rfc3339(file->expires_ms, until);
        say("the plan is stale: it expired %s; make a new one", until);
        return EXIT_STALE;
    }
    plan_file_origin(file, application->origin);
    application->sources = mem_calloc(file->count + 1, sizeof application->sources[0]);
    application->selection.pairs = mem_calloc(file->count + 1, sizeof application->selection.pairs[0]);
    for (size_t i = 0; i < file->count; i++) {
        if (spool_count(file->plans[i].rows) > 0) {
            status = exit_status_worse(status, add_plan(application, config, i));
        }
    }
    return status;
}

static enum exit_status apply(const struct options *options, struct config *config,
                              const struct plan_file *file)
{
    struct application application = {.file = file};
    const struct session_config session = {.options = options,
                                           .program = "jobsweep apply",
                                           .config = config,
                                           .selection = &application.selection,
                                           .until_ms = file->expires_ms};
    enum exit_status status = add_plans(&application, config);
    if (status == EXIT_FINE) {
        status = session_run(&session);
    } else {
        say("nothing was deleted");
        status = command_end_early(options, status);
    }
    selection_finish(&application.selection);
    free(application.sources);
    return status;
}

enum exit_status command_apply(const struct options *options)
{
    struct plan_file file;
    struct err err;
    struct config *config = command_config(options);
    struct spool *spool = config != NULL ? spool_create(&err) : NULL;
    if (config == NULL) {
        return command_end_early(options, EXIT_USAGE);
    }
    plan_file_init(&file, spool);
    enum exit_status status;
    if (spool == NULL || plan_file_read(&file, options->file, &err) != 0) {
        say("%s", err.msg);
        say("nothing was deleted");
        status = command_end_early(options, err.code == ERR_IO ? EXIT_FAILED : EXIT_USAGE);
    } else {
        status = apply(options, config, &file);
    }
    plan_file_finish(&file);
    config_unref(config);
    return status;
}
