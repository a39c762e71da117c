/* What the commands that plan or delete do with a selection.
 *
 * The happy path: a sweep first asks the ledger for runs that were interrupted; these and then every pair are
 * submitted to the runner; the observer counts rows and prints what is asked for; when one is done its result
 * is printed; after the last one the loop stops. A session that asks does this twice: see session_ask.c.
 *
 * The ways out: a signal cancels the runner, and the pairs end by themselves; standard output that cannot be
 * written does the same for a plan, which nobody would see. A sweep goes on: its ledger is the record. */
#include "app/session.h"

#include "app/advice.h"
#include "app/events.h"
#include "app/link.h"
#include "app/plan_cost.h"
#include "app/plan_view.h"
#include "app/process.h"
#include "app/report_view.h"
#include "app/say.h"
#include "app/session_private.h"
#include "app/state_directory.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAMPLE_ROWS 10
#define PRINTED_MAX (1024 * 1024)

/* --- the end of a pair --------------------------------------------------------------------------------- */

/* What was only planned takes so much if it is applied. */
void session_add_report(const struct pair *pair, struct summary *summary)
{
    const struct run *run = &pair->run;
    const struct report *report = &run->report;
    bool planned = report->end == SWEEP_PLANNED;
    struct plan_cost cost;
    plan_cost(run->policy, run->target, report->selected, report->remaining, &cost);
    summary_add(summary, run->policy, run->target, report, planned ? &cost : NULL);
}

/* Whether print_result() prints the report, with its error. */
static bool is_reported(const struct pair *pair)
{
    const struct run *run = &pair->run;
    return !session_json(pair->session) && run->report.end != SWEEP_PLANNED &&
           (pair->deletes || run->resumed != NULL);
}

static void tell_error(struct pair *pair)
{
    const struct report *report = &pair->run.report;
    const char *hint = advice(report);
    struct buf text;
    if (report->err.code == ERR_NONE) {
        return;
    }
    buf_init(&text, 2048);
    if (is_reported(pair) && isatty(STDOUT_FILENO)) { /* the same terminal shows the sentence in the report */
        session_tell(pair, hint);
        buf_finish(&text);
        return;
    }
    bool of_this_machine = report->err.code == ERR_IO || report->err.code == ERR_ARCHIVE;
    bool of_the_host = pair->run.host[0] != '\0' && report->end != SWEEP_GUARDED && !of_this_machine;
    if (of_the_host && strstr(report->err.msg, pair->run.host) == NULL) {
        buf_printf(&text, "%s: ", pair->run.host);
    }
    buf_text(&text, report->err.msg);
    session_tell(pair, buf_string(&text));
    session_tell(pair, hint);
    if (pair->deletes && report->end == SWEEP_FAILED) {
        session_tell(pair, "nothing was deleted");
    }
    buf_finish(&text);
}

static void print_result(struct pair *pair)
{
    struct session *session = pair->session;
    const struct run *run = &pair->run;
    if (session_json(session)) {
        events_target(&session->out, run->policy->name, run->target->name, &run->report, pair->reasons,
                      pair->status);
    } else if (run->report.end == SWEEP_PLANNED) {
        plan_view_print(pair->plan, &run->report, &session->style, &session->out);
    } else if (is_reported(pair)) {
        report_view(run->policy->name, run->target->name, &run->report, pair->reasons, &session->style,
                    &session->out);
    }
    session_print(session);
    fflush(stdout);
    if (pair->why_not != NULL && run->report.end == SWEEP_PLANNED && !session->options->quiet) {
        char text[128]; /* again, because what was said before the plan is out of sight by now */
        snprintf(text, sizeof text, "nothing was deleted: %s", pair->why_not);
        session_tell(pair, text);
    }
}

static enum exit_status status_of(const struct session *session, const struct run *run)
{
    const struct report *report = &run->report;
    const int64_t *outcomes = report->outcomes;
    bool stands =
        outcomes[OUTCOME_STATE_CHANGED] + outcomes[OUTCOME_REPLACED] + outcomes[OUTCOME_PROTECTED] > 0;
    if (run->misconfigured) {
        return EXIT_USAGE;
    }
    if (report->end == SWEEP_FINISHED && stands && session->config.named) {
        return EXIT_SOME_FAILED;
    }
    return exit_status_of(report, session->options->detailed_exitcode);
}

static void end_saved(const struct pair *pair)
{
    struct plan_file_plan *plan = &pair->session->config.save->plans[pair->saved];
    plan->listed = pair->run.report.listed;
    plan->remaining = pair->run.report.remaining;
    plan->header.started_ms = pair->run.report.started_ms;
}

void session_end_pair(struct pair *pair)
{
    struct session *session = pair->session;
    struct run *run = &pair->run;
    pair->status = status_of(session, run);
    session->status = exit_status_worse(session->status, pair->status);
    session->failed += report_failed(&run->report);
    session_add_report(pair, session->summary);
    tell_error(pair);
    print_result(pair);
    plan_count_destroy(pair->plan);
    tally_destroy(pair->reasons);
    pair->plan = NULL;
    pair->reasons = NULL;
}

static void on_done(struct run *run)
{
    struct pair *pair = run->owner;
    struct session *session = pair->session;
    run->report.newest = run->source != NULL ? run->source->newest : 0;
    if (pair->stage == PAIR_DELETING) {
        session_join_plan(pair);
    }
    if (pair->rows != NULL && session->config.save != NULL) {
        end_saved(pair);
    }
    if (!session_keep_plan(pair)) {
        session_end_pair(pair);
    }
    if (--session->left > 0) {
        return;
    }
    if (session->interrupts > 0) {
        world_stop(session->world);
    } else {
        session_ask(session);
    }
}

/* Where one fails among many, what was told of it has long scrolled away. */
static void print_failed(struct session *session)
{
    if (session_json(session) || session->failed == 0 || session->count < 2) {
        return;
    }
    buf_printf(&session->out, "%zu of %zu did not end well:\n", session->failed, session->count);
    for (size_t i = 0; i < session->count; i++) {
        const struct run *run = &session->pairs[i].run;
        if (session->pairs[i].session == NULL || !report_failed(&run->report)) {
            continue;
        }
        report_view_failure(run->policy->name, run->target->name, &run->report, &session->out);
        session_print(session);
    }
}

/* --- signals and throttling ---------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct session *session = handle->data;
    session->interrupted = session->interrupted || number == SIGINT;
    session->interrupts++;
    progress_clear(session->progress);
    if (session->interrupts == 1) {
        struct sweep_progress now;
        runner_progress(session->runner, &now);
        say("%s", now.deleting || now.waiting_ms > 0
                      ? "stopping: what was sent is settled first, which can take minutes; another signal "
                        "leaves that out"
                      : "stopping: nothing was sent");
    }
    runner_cancel(session->runner, session->interrupts > 1);
    if (session->unanswered) {
        session->status = exit_status_worse(session->status, EXIT_FAILED);
        world_stop(session->world);
    }
}

/* nohup(1), and shells for what they put into the background. */
static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* A terminal that goes away is no reason to leave without the answers to what was sent. */
static void watch_signals(struct session *session)
{
    static const int numbers[SIGNALS_WATCHED] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < SIGNALS_WATCHED; i++) {
        uv_signal_init(world_loop(session->world), &session->signals[i]);
        session->signals[i].data = session;
        if (!is_ignored(numbers[i])) {
            uv_signal_start(&session->signals[i], on_signal, numbers[i]);
        }
    }
}

static void on_episode(void *owner, const char *target, enum operation operation, bool begins,
                       int64_t rate_before, int64_t rate_now)
{
    struct session *session = owner;
    if (session->options->quiet) {
        return;
    }
    progress_clear(session->progress);
    say("%s: %s %s: %" PRId64 " requests per 1,000 s, before %" PRId64, target, operation_name(operation),
        begins ? "is throttled" : "is throttled no more", rate_now, rate_before);
}

/* --- the session --------------------------------------------------------------------------------------- */

/* What the plan is of; the rest is known when it is complete. */
static void begin_saving(struct pair *pair, const struct selected *selected)
{
    struct plan_file *save = pair->session->config.save;
    const char *why_not = NULL;
    struct err ignored; /* the run will tell */
    pair->saved = save->count;
    struct plan_file_plan *plan = plan_file_add(save);
    struct run_header *header = &plan->header;
    text_copy(header->policy, sizeof header->policy, selected->policy->name);
    text_copy(header->target, sizeof header->target, selected->target->name);
    text_copy(header->account, sizeof header->account, selected->target->account);
    link_find_region(selected->target, header->region, &ignored);
    plan_file_digest(selected->policy, header->policy_sha256);
    pair->rows = plan->rows;
    if (!selection_deletes(selected, &why_not)) {
        progress_clear(pair->session->progress);
        say("%s in %s: apply will refuse this plan: %s; change that first, and plan again then",
            selected->policy->name, selected->target->name, why_not);
    }
}

static void begin_planning(struct pair *pair)
{
    pair->stage = PAIR_PLANNING;
    pair->rows = spool_part(pair->session->spool);
    pair->run.plan_only = true;
}

static void count_plan(struct pair *pair)
{
    const struct session *session = pair->session;
    const struct env *env = world_env(session->world);
    bool for_people = !session_json(session) || pair->stage == PAIR_PLANNING;
    bool all_told = session->options->verbose && !session_json(session);
    pair->plan = plan_count_create(pair->run.policy, pair->run.target, env->wall_ms(env->ctx),
                                   for_people && !all_told ? SAMPLE_ROWS : 0);
}

static void submit(struct session *session, struct pair *pair, const struct selected *selected)
{
    pair->session = session;
    pair->deletes = !session->config.plan_only && selection_deletes(selected, &pair->why_not);
    pair->run = (struct run){.config = session->config.config,
                             .policy = selected->policy,
                             .target = selected->target,
                             .source = selected->source,
                             .origin = selected->origin,
                             .until_ms = session->config.until_ms,
                             .plan_only = !pair->deletes,
                             .observer = session_observer,
                             .done = on_done,
                             .owner = pair};
    if (pair->deletes && session->config.asks) {
        begin_planning(pair);
    }
    if (session_json(session) || pair->run.plan_only) {
        count_plan(pair);
    }
    if (!session->options->quiet) {
        session_tell(pair, pair->why_not);
    }
    if (session->config.save != NULL) {
        begin_saving(pair, selected);
    }
    runner_submit(session->runner, &pair->run);
}

/* A run that was interrupted is settled in any case, but who asked for one policy has not asked for another.
 */
static void tell_resumed(struct session *session, struct pair *pair)
{
    char began[21];
    time_rfc3339(pair->run.resumed->found.started_ms, began);
    buf_printf(&session->out, "%s the run of %s, which was interrupted",
               pair->run.plan_only ? "settling" : "going on with", began);
    session_tell(pair, buf_string(&session->out));
    buf_reset(&session->out);
}

/* Whether it can be: its target may not be configured any more. */
static bool resume(struct session *session, struct pair *pair, size_t index)
{
    const struct env *env = world_env(session->world);
    struct err err;
    pair->session = session;
    pair->run = (struct run){.observer = session_observer, .done = on_done, .owner = pair};
    if (leftovers_fill(session->leftovers, index, session->config.config, env->wall_ms(env->ctx), &pair->run,
                       &err) != 0) {
        progress_clear(session->progress);
        say("warning: %s", err.msg);
        return false;
    }
    pair->run.plan_only =
        session->config.asks || !selection_has(session->config.selection, pair->run.policy, pair->run.target,
                                               pair->run.resumed->found.origin);
    if (!session->options->quiet) {
        tell_resumed(session, pair);
    }
    runner_submit(session->runner, &pair->run);
    return true;
}

/* What was interrupted comes first: the runner keeps the order where two runs would meet. */
static void submit_all(struct session *session)
{
    const struct selection *selection = session->config.selection;
    size_t left_over = session->leftovers != NULL ? leftovers_count(session->leftovers) : 0;
    session->pairs = mem_calloc(left_over + selection->count + 1, sizeof session->pairs[0]);
    session->count = left_over + selection->count;
    session->left = selection->count;
    for (size_t i = 0; i < left_over; i++) {
        session->left += resume(session, &session->pairs[i], i);
    }
    for (size_t i = 0; i < selection->count; i++) {
        submit(session, &session->pairs[left_over + i], &selection->pairs[i]);
    }
    if (session->interrupts > 0) {
        runner_cancel(session->runner, session->interrupts > 1);
    }
    if (session->left == 0) {
        world_stop(session->world);
    }
}

static void on_leftovers(void *owner)
{
    struct session *session = owner;
    const struct err *err = leftovers_err(session->leftovers);
    if (err->code == ERR_NONE) {
        submit_all(session);
        return;
    }
    progress_clear(session->progress);
    say("%s", err->msg);
    session->status = EXIT_LEDGER;
    world_stop(session->world);
}

static void run_all(struct session *session)
{
    const struct runner_config runner = {.world = session->world, .episode = on_episode, .owner = session};
    session->runner = runner_create(&runner);
    watch_signals(session);
    if (!session->options->quiet) {
        session->progress = progress_create(world_env(session->world), session->runner, stderr);
    }
    if (session->config.plan_only) {
        submit_all(session);
    } else {
        session->leftovers = leftovers_find(world_ledger(session->world), on_leftovers, session);
    }
    world_run(session->world);
    progress_destroy(session->progress);
    session->progress = NULL;
    print_failed(session);
    runner_destroy(session->runner);
    leftovers_destroy(session->leftovers);
    for (int i = 0; i < SIGNALS_WATCHED; i++) {
        uv_close((uv_handle_t *)&session->signals[i], NULL);
    }
    free(session->pairs);
}

static void print_sum(struct session *session)
{
    struct summary_sum sum;
    summary_sum(session->summary, &sum);
    if (session_json(session)) {
        events_summary(&session->out, &sum);
        events_report(&session->out, sum.selected, sum.outcomes, session->status);
    } else if (sum.runs > 1 && sum.planned > 0) { /* else print_failed() has told all of them */
        summary_print(session->summary, session->config.plan_only, &session->style, &session->out);
    }
    session_print(session);
}

static void finish_output(struct session *session)
{
    print_sum(session);
    if (!process_output_written()) {
        session->status = exit_status_worse(session->status, EXIT_FAILED);
    }
}

/* A plan needs no record, and no state directory. */
static struct world *make_world(const struct session *session, struct err *err)
{
    char directory[PATH_MAX];
    struct world_config config = {.program = session->config.program,
                                  .retain_ms = session->config.config->retain_ms};
    if (!session->config.plan_only) {
        if (state_directory_make(session->config.config, directory, sizeof directory, err) != 0) {
            return NULL;
        }
        config.state_directory = directory;
    } else {
        config.plans = session->config.config;
    }
    return world_create(&config, err);
}

static void try_all(struct session *session)
{
    struct err err;
    session->spool = session->config.asks ? spool_create(&err) : NULL;
    if (session->config.asks && session->spool == NULL) {
        say("%s", err.msg);
        session->status = EXIT_FAILED;
        return;
    }
    session->world = make_world(session, &err);
    if (session->world != NULL) {
        run_all(session);
        return;
    }
    say("%s", err.msg);
    if (err.code == ERR_LOCKED && strstr(err.msg, " by jobsweepd ") != NULL) {
        say("the daemon %s: jobsweep run POLICY",
            session->options->command == COMMAND_SWEEP
                ? "sweeps a policy when it is told to"
                : "takes no rows; stop it for that time, or have it sweep a policy");
    }
    session->status = exit_status_of_start(&err);
}

enum exit_status session_run(const struct session_config *config)
{
    struct session session = {
        .config = *config, .options = config->options, .style = view_style_of(STDOUT_FILENO)};
    buf_init(&session.out, PRINTED_MAX);
    session.summary = summary_create();
    try_all(&session);
    world_destroy(session.world);
    if (session.interrupted) {
        session.status = exit_status_worse(session.status, EXIT_INTERRUPTED);
    }
    finish_output(&session);
    summary_destroy(session.summary);
    spool_destroy(session.spool);
    buf_finish(&session.out);
    return session.status;
}
