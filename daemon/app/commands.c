/* jobsweep plan and jobsweep sweep, up to what they run. */
#include "app/commands.h"

#include "app/events.h"
#include "app/say.h"
#include "app/selection.h"
#include "app/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What ends before anything is listed ends with a report too, where JSON is asked for. */
static enum exit_status end_early(const struct options *options, enum exit_status status)
{
    const struct report nothing = {0};
    struct buf out;
    if (options->format != OUTPUT_JSON) {
        return status;
    }
    buf_init(&out, 1024);
    events_report(&out, &nothing, status);
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

enum exit_status command_plan(const struct options *options)
{
    struct selection selection;
    struct config *config = prepare(options, false, &selection);
    if (config == NULL) {
        return end_early(options, EXIT_USAGE);
    }
    if (selection.count == 0) {
        say("the configuration has no policy to plan");
    }
    enum exit_status status = session_run(options, config, &selection, true);
    selection_finish(&selection);
    config_unref(config);
    return status;
}

static void list(const struct selection *selection)
{
    say("these policies enforce:");
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *pair = &selection->pairs[i];
        say("  %s in %s%s%s", pair->policy->name, pair->target->name,
            pair->policy->description[0] != '\0' ? ": " : "", pair->policy->description);
    }
}

static bool confirmed(void)
{
    char answer[16] = "";
    fputs("Delete what they select (jobsweep plan shows it)? [y/N] ", stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        fputc('\n', stderr);
    }
    return strcmp(answer, "y\n") == 0 || strcmp(answer, "Y\n") == 0 || strcmp(answer, "yes\n") == 0;
}

/* EXIT_FINE: go on. Without a policy's name a person could have meant something else. */
static enum exit_status ask(const struct options *options, const struct selection *selection)
{
    if (options->policy_count > 0 || options->yes || selection->count == 0) {
        return EXIT_FINE;
    }
    list(selection);
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        say("sweep needs the names of policies, or --yes, where nobody can be asked; nothing was deleted");
        return EXIT_USAGE;
    }
    if (confirmed()) {
        return EXIT_FINE;
    }
    say("nothing was deleted");
    return EXIT_FAILED;
}

enum exit_status command_sweep(const struct options *options)
{
    struct selection selection;
    struct config *config = prepare(options, true, &selection);
    if (config == NULL) {
        return end_early(options, EXIT_USAGE);
    }
    if (selection.count == 0) {
        say("no policy enforces: nothing to sweep (jobsweep plan shows what they would delete)");
    }
    enum exit_status status = ask(options, &selection);
    status =
        status == EXIT_FINE ? session_run(options, config, &selection, false) : end_early(options, status);
    selection_finish(&selection);
    config_unref(config);
    return status;
}
