/* jobsweep explain: the verdict of each policy on the executions of one job on one thing, and the clause that
 * decided.
 *
 * The happy path: every pair of policy and target is submitted to the runner as a plan that lists this thing
 * alone, with everything of it (submit()); on_row() keeps the verdicts that were asked for; where a keep rule
 * counts over more than this thing, and it alone decides, the plan is made again from all that the policy
 * covers (on_done()). The ways out: a pair that cannot be planned is told and makes the exit status. */
#include "app/commands.h"

#include "app/events.h"
#include "app/runner.h"
#include "app/say.h"
#include "app/selection.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTED_MAX  (4 * 1024 * 1024)
#define VERDICTS_MAX 1000 /* of a pair: numbers of one job on one thing */

struct explained {
    struct job_execution execution;
    struct verdict verdict;
};

struct pair {
    struct explaining *explaining;
    struct run run;
    bool wide; /* everything that the policy covers is listed */
    struct explained *explained;
    size_t count;
};

struct explaining {
    const struct options *options;
    struct config *config;
    struct world *world;
    struct runner *runner;
    struct pair *pairs;
    size_t count, left;
    enum exit_status status;
};

static void submit(struct pair *pair)
{
    struct explaining *explaining = pair->explaining;
    pair->count = 0;
    pair->run.only_thing = pair->wide ? NULL : explaining->options->thing;
    runner_submit(explaining->runner, &pair->run);
}

static bool asked_for(const struct options *options, const struct job_execution *execution)
{
    return strcmp(execution->job_id, options->job) == 0 &&
           strcmp(execution->thing_name, options->thing) == 0 &&
           (options->execution_number == 0 || options->execution_number == execution->number);
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct pair *pair = ((struct run *)owner)->owner;
    if (!asked_for(pair->explaining->options, execution) || pair->count == VERDICTS_MAX) {
        return;
    }
    pair->explained = mem_realloc(pair->explained, pair->count + 1, sizeof *pair->explained);
    pair->explained[pair->count++] = (struct explained){.execution = *execution, .verdict = *verdict};
}

static void on_warning(void *owner, const char *text)
{
    const struct run *run = owner;
    const struct pair *pair = run->owner;
    if (!pair->explaining->options->quiet) {
        say("%s in %s: %s", run->policy->name, run->target->name, text);
    }
}

/* Do the keep rules decide, and count what was not listed? */
static bool needs_all(const struct pair *pair)
{
    const struct policy *policy = pair->run.policy;
    if (pair->wide || !(keep_uses(policy, PER_JOB) || keep_uses(policy, PER_TARGET))) {
        return false;
    }
    for (size_t i = 0; i < pair->count; i++) {
        const struct verdict *verdict = &pair->explained[i].verdict;
        enum verdict_cause cause = verdict->cause;
        if (verdict->delete || cause == CAUSE_KEEP || cause == CAUSE_GRACE) {
            return true;
        }
    }
    return false;
}

static void on_done(struct run *run)
{
    struct pair *pair = run->owner;
    struct explaining *explaining = pair->explaining;
    const struct report *report = &run->report;
    if (report->end == SWEEP_PLANNED && needs_all(pair)) {
        on_warning(run, "its keep rules count more than this thing: everything that it covers is listed");
        pair->wide = true;
        submit(pair);
        return;
    }
    if (report->end != SWEEP_PLANNED) {
        say("%s in %s: %s", run->policy->name, run->target->name, report->err.msg);
        explaining->status = exit_status_worse(
            explaining->status, run->misconfigured ? EXIT_USAGE : exit_status_of(report, false));
    }
    if (--explaining->left == 0) {
        world_stop(explaining->world);
    }
}

static void print_place(const struct place *place, struct buf *out)
{
    if (place != NULL && place->line > 0) {
        buf_text(out, "  (");
        text_visible(out, place->file);
        buf_printf(out, ":%d:%d)", place->line, place->column);
    }
}

static void print_clause(void *owner, const char *clause, const struct place *place)
{
    struct buf *out = owner;
    buf_text(out, "    ");
    text_visible(out, clause);
    print_place(place, out);
    buf_char(out, '\n');
}

static void print_text(const struct pair *pair, const struct explained *explained, struct buf *out)
{
    const struct fingerprint *fingerprint = &explained->execution.fingerprint;
    char updated[21] = "never";
    if (timestamp_present(&fingerprint->last_updated_at)) {
        time_rfc3339(fingerprint->last_updated_at.ms, updated);
    }
    buf_printf(out, "%s in %s: ", pair->run.policy->name, pair->run.target->name);
    job_execution_print(out, &explained->execution);
    buf_printf(out, ", %s, updated %s\n  %s: ", execution_status_name(fingerprint->status), updated,
               explained->verdict.delete ? "delete" : "keep");
    text_visible(out, explained->verdict.reason);
    if (explained->verdict.delete) {
        buf_char(out, '\n');
        policy_each_clause(pair->run.policy, print_clause, out);
        return;
    }
    print_place(explained->verdict.place, out);
    buf_char(out, '\n');
}

static void print(const struct explaining *explaining)
{
    struct buf out;
    size_t found = 0;
    bool json = explaining->options->format == OUTPUT_JSON;
    buf_init(&out, PRINTED_MAX);
    for (size_t i = 0; i < explaining->count; i++) {
        const struct pair *pair = &explaining->pairs[i];
        for (size_t j = 0; j < pair->count; j++) {
            const struct explained *explained = &pair->explained[j];
            if (json) {
                events_verdict(&out, pair->run.policy, pair->run.target->name, &explained->execution,
                               &explained->verdict);
            } else {
                print_text(pair, explained, &out);
            }
        }
        found += pair->count;
    }
    if (json) {
        buf_printf(&out, "{\"event\":\"explain\",\"verdicts\":%zu,\"exit\":%d}\n", found,
                   (int)explaining->status);
    }
    fputs(buf_string(&out), stdout);
    buf_finish(&out);
}

static size_t count_found(const struct explaining *explaining)
{
    size_t found = 0;
    for (size_t i = 0; i < explaining->count; i++) {
        found += explaining->pairs[i].count;
    }
    return found;
}

static void explain_all(struct explaining *explaining, const struct selection *selection)
{
    const struct runner_config runner = {.world = explaining->world, .owner = explaining};
    explaining->runner = runner_create(&runner);
    explaining->pairs = mem_calloc(selection->count, sizeof *explaining->pairs);
    explaining->count = explaining->left = selection->count;
    for (size_t i = 0; i < selection->count; i++) {
        struct pair *pair = &explaining->pairs[i];
        pair->explaining = explaining;
        pair->run = (struct run){.config = explaining->config,
                                 .policy = selection->pairs[i].policy,
                                 .target = selection->pairs[i].target,
                                 .plan_only = true,
                                 .observer = {.row = on_row, .warning = on_warning},
                                 .done = on_done,
                                 .owner = pair};
        submit(pair);
    }
    if (explaining->left > 0) {
        world_run(explaining->world);
    }
    runner_destroy(explaining->runner);
    if (explaining->status == EXIT_FINE && count_found(explaining) == 0) {
        say("no such execution was found");
        explaining->status = EXIT_FAILED;
    }
    print(explaining);
    for (size_t i = 0; i < explaining->count; i++) {
        free(explaining->pairs[i].explained);
    }
    free(explaining->pairs);
}

static enum exit_status explain(const struct options *options, struct config *config,
                                const struct selection *selection)
{
    struct explaining explaining = {.options = options, .config = config};
    const struct world_config world = {.program = "jobsweep explain", .plans = config};
    struct err err;
    explaining.world = world_create(&world, &err);
    if (explaining.world == NULL) {
        say("%s", err.msg);
        return exit_status_of_start(&err);
    }
    explain_all(&explaining, selection);
    world_destroy(explaining.world);
    return explaining.status;
}

enum exit_status command_explain(const struct options *options)
{
    struct selection selection;
    struct err err;
    char *policy = (char *)(uintptr_t)options->policy;
    if (!thing_name_valid(options->thing) || !job_id_valid(options->job)) {
        say("--thing takes the name of a thing, --job the id of a job");
        return EXIT_USAGE;
    }
    struct config *config = command_config(options);
    if (config == NULL) {
        return EXIT_USAGE;
    }
    enum exit_status status = EXIT_USAGE;
    if (selection_make(&selection, config, &policy, policy != NULL, options->target, false, &err) == 0) {
        status = explain(options, config, &selection);
        selection_finish(&selection);
    } else {
        say("%s", err.msg);
    }
    config_unref(config);
    return status;
}
