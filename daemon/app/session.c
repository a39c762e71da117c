/* What the commands that plan or delete do with a selection.
 *
 * The happy path: a sweep first asks the ledger for runs that were interrupted; these and then every pair are
 * submitted to the runner; the observer counts rows and prints what is asked for; when one is done its result
 * is printed; after the last one the loop stops.
 *
 * The ways out: a signal cancels the runner, and the pairs end by themselves; standard output that cannot be
 * written does the same for a plan, which nobody would see. A sweep goes on: its ledger is the record. */
#include "app/session.h"

#include "app/advice.h"
#include "app/events.h"
#include "app/leftovers.h"
#include "app/link.h"
#include "app/process.h"
#include "app/progress.h"
#include "app/runner.h"
#include "app/say.h"
#include "app/state_directory.h"
#include "app/view.h"
#include "app/world.h"
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

#define SAMPLE_ROWS     10
#define FAILURES_TOLD   10 /* of a pair; the rest is in its numbers */
#define SIGNALS_WATCHED 3
#define PRINTED_MAX     (1024 * 1024)

struct session;

struct pair {
    struct session *session;
    struct run run;
    bool deletes;
    struct plan_view *view; /* text only */
    int64_t failures;
    size_t saved; /* its plan in what is saved */
    struct spool_part *saved_rows;
    enum exit_status status;
};

struct session {
    struct session_config config;
    const struct options *options; /* config's */
    struct world *world;
    struct leftovers *leftovers; /* NULL for a plan */
    struct runner *runner;
    struct progress *progress; /* NULL with --quiet */
    struct view_style style;
    struct pair *pairs;
    size_t count, left, failed; /* pairs: all, not ended, ended badly */
    struct buf out;             /* what is printed next */
    uv_signal_t signals[SIGNALS_WATCHED];
    int interrupts;
    bool interrupted; /* by SIGINT */
    struct report total;
    enum exit_status status;
};

static bool json(const struct session *session)
{
    return session->options->format == OUTPUT_JSON;
}

/* --- output -------------------------------------------------------------------------------------------- */

static void print(struct session *session)
{
    if (session->progress != NULL && isatty(STDOUT_FILENO)) {
        progress_clear(session->progress);
    }
    fwrite(buf_string(&session->out), 1, session->out.length, stdout);
    buf_reset(&session->out);
}

static void tell(struct pair *pair, const char *text)
{
    if (text != NULL) {
        progress_clear(pair->session->progress);
        say("%s in %s: %s", pair->run.policy->name, pair->run.target->name, text);
    }
}

static void on_route(void *owner, const char *text, int64_t calls)
{
    struct pair *pair = ((struct run *)owner)->owner;
    if (pair->view != NULL) {
        plan_view_route(pair->view, text, calls);
    }
}

/* A plan of which a part is missing is none. */
static void save_row(struct pair *pair, const struct job_execution *execution, const struct verdict *verdict)
{
    struct session *session = pair->session;
    struct plan_row row = {.execution = *execution, .force = verdict->force};
    struct err err;
    memcpy(row.reason, verdict->reason, sizeof row.reason);
    if (spool_add(pair->saved_rows, &row, &err) != 0) {
        tell(pair, err.msg);
        session->status = exit_status_worse(session->status, EXIT_FAILED);
        pair->saved_rows = NULL;
        runner_cancel(session->runner, true);
    }
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    const struct run *run = owner;
    struct pair *pair = run->owner;
    struct session *session = pair->session;
    if (json(session) && !pair->deletes) {
        events_row(&session->out, run->policy->name, run->target->name, execution, verdict);
    } else if (!json(session) && session->options->verbose) {
        view_row(execution, verdict, &session->out);
    }
    if (pair->view != NULL) {
        plan_view_row(pair->view, execution, verdict);
    }
    if (pair->saved_rows != NULL && verdict->delete) {
        save_row(pair, execution, verdict);
    }
    if (session->out.length > 0) {
        print(session);
    }
    if (!pair->deletes && ferror(stdout)) {
        runner_cancel(session->runner, true);
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    const struct run *run = owner;
    struct pair *pair = run->owner;
    char selected[32], listed[32], about[32], text[256];
    int64_t calls;
    if (pair->session->options->quiet || !pair->deletes) {
        return;
    }
    int64_t ms = view_deletion_ms(run->policy, run->target, so_far->selected, &calls);
    snprintf(text, sizeof text, "%s of %s job executions selected, %s at the quota",
             text_thousands(selected, so_far->selected), text_thousands(listed, so_far->listed),
             time_about(ms, about));
    tell(pair, text);
}

static void tell_failure(struct pair *pair, const struct plan_row *row, enum outcome outcome,
                         const struct answer *answer)
{
    struct buf text;
    if (pair->failures++ >= FAILURES_TOLD) {
        return;
    }
    buf_init(&text, 1024);
    job_execution_print(&text, &row->execution);
    buf_printf(&text, ": %s: %s%s%s", outcome_name(outcome), answer != NULL ? answer->code : "",
               answer != NULL && answer->message[0] != '\0' ? ": " : "",
               answer != NULL ? answer->message : "");
    tell(pair, buf_string(&text));
    buf_finish(&text);
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct pair *pair = ((struct run *)owner)->owner;
    struct session *session = pair->session;
    bool stands =
        outcome == OUTCOME_STATE_CHANGED || outcome == OUTCOME_REPLACED || outcome == OUTCOME_PROTECTED;
    if (outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN || (stands && session->config.named)) {
        tell_failure(pair, row, outcome, answer);
    }
    if (!session->options->verbose || json(session)) {
        return;
    }
    buf_printf(&session->out, "  %-17s ", outcome_name(outcome));
    job_execution_print(&session->out, &row->execution);
    buf_char(&session->out, '\n');
    print(session);
}

static void on_warning(void *owner, const char *text)
{
    struct buf line;
    buf_init(&line, 1024);
    buf_printf(&line, "warning: %s", text);
    tell(((struct run *)owner)->owner, buf_string(&line));
    buf_finish(&line);
}

/* --- the end of a pair --------------------------------------------------------------------------------- */

static void add_report(struct report *total, const struct report *one)
{
    total->listed += one->listed;
    total->selected += one->selected;
    total->in_grace += one->in_grace;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        total->outcomes[i] += one->outcomes[i];
    }
}

/* Whether print_result() prints the report, with its error. */
static bool is_reported(const struct pair *pair)
{
    const struct run *run = &pair->run;
    return !json(pair->session) && run->report.end != SWEEP_PLANNED &&
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
        tell(pair, hint);
        buf_finish(&text);
        return;
    }
    if (pair->run.host[0] != '\0' && report->end != SWEEP_GUARDED) {
        buf_printf(&text, "%s: ", pair->run.host);
    }
    buf_text(&text, report->err.msg);
    tell(pair, buf_string(&text));
    tell(pair, hint);
    if (pair->deletes && report->end == SWEEP_FAILED) {
        tell(pair, "nothing was deleted");
    }
    buf_finish(&text);
}

static void print_result(struct pair *pair)
{
    struct session *session = pair->session;
    const struct run *run = &pair->run;
    if (json(session)) {
        events_target(&session->out, run->policy->name, run->target->name, &run->report, pair->status);
    } else if (run->report.end == SWEEP_PLANNED) {
        plan_view_print(pair->view, &run->report, &session->style, &session->out);
    } else if (is_reported(pair)) {
        view_report(run->policy->name, run->target->name, &run->report, &session->style, &session->out);
    }
    print(session);
    fflush(stdout);
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
    plan->header.started_ms = pair->run.report.started_ms;
}

static void on_done(struct run *run)
{
    struct pair *pair = run->owner;
    struct session *session = pair->session;
    run->report.newest = run->source != NULL ? run->source->newest : 0;
    pair->status = status_of(session, run);
    session->status = exit_status_worse(session->status, pair->status);
    session->failed += report_failed(&run->report);
    if (pair->saved_rows != NULL) {
        end_saved(pair);
    }
    add_report(&session->total, &run->report);
    tell_error(pair);
    print_result(pair);
    plan_view_destroy(pair->view);
    pair->view = NULL;
    if (--session->left == 0) {
        world_stop(session->world);
    }
}

/* Where one fails among many, what was told of it has long scrolled away. */
static void print_failed(struct session *session)
{
    if (json(session) || session->failed == 0 || session->count < 2) {
        return;
    }
    buf_printf(&session->out, "%zu of %zu did not end well:\n", session->failed, session->count);
    for (size_t i = 0; i < session->count; i++) {
        const struct run *run = &session->pairs[i].run;
        if (session->pairs[i].session == NULL || !report_failed(&run->report)) {
            continue;
        }
        view_failure(run->policy->name, run->target->name, &run->report, &session->out);
        print(session);
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

static const struct sweep_observer observer = {
    .route = on_route, .row = on_row, .planned = on_planned, .settled = on_settled, .warning = on_warning};

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
    pair->saved_rows = plan->rows;
    if (!selection_deletes(selected, &why_not)) {
        progress_clear(pair->session->progress);
        say("%s in %s: apply will refuse this plan: %s", selected->policy->name, selected->target->name,
            why_not);
    }
}

static void submit(struct session *session, struct pair *pair, const struct selected *selected)
{
    const struct env *env = world_env(session->world);
    const char *why_not = NULL;
    pair->session = session;
    pair->deletes = !session->config.plan_only && selection_deletes(selected, &why_not);
    pair->run = (struct run){.config = session->config.config,
                             .policy = selected->policy,
                             .target = selected->target,
                             .source = selected->source,
                             .origin = selected->origin,
                             .until_ms = session->config.until_ms,
                             .plan_only = !pair->deletes,
                             .observer = observer,
                             .done = on_done,
                             .owner = pair};
    if (!json(session)) {
        pair->view = plan_view_create(selected->policy, selected->target, env->wall_ms(env->ctx),
                                      session->options->verbose ? 0 : SAMPLE_ROWS);
    }
    if (why_not != NULL && !session->options->quiet) {
        tell(pair, why_not);
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
    tell(pair, buf_string(&session->out));
    buf_reset(&session->out);
}

/* Whether it can be: its target may not be configured any more. */
static bool resume(struct session *session, struct pair *pair, size_t index)
{
    const struct env *env = world_env(session->world);
    struct err err;
    pair->session = session;
    pair->run = (struct run){.observer = observer, .done = on_done, .owner = pair};
    if (leftovers_fill(session->leftovers, index, session->config.config, env->wall_ms(env->ctx), &pair->run,
                       &err) != 0) {
        progress_clear(session->progress);
        say("warning: %s", err.msg);
        return false;
    }
    pair->run.plan_only = !selection_has(session->config.selection, pair->run.policy, pair->run.target,
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

static void finish_output(struct session *session)
{
    if (json(session)) {
        events_report(&session->out, &session->total, session->status);
        print(session);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (!process_output_unread()) {
            say("standard output could not be written");
        }
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

enum exit_status session_run(const struct session_config *config)
{
    struct session session = {
        .config = *config, .options = config->options, .style = view_style_of(STDOUT_FILENO)};
    struct err err;
    buf_init(&session.out, PRINTED_MAX);
    session.world = make_world(&session, &err);
    if (session.world == NULL) {
        say("%s", err.msg);
        session.status = exit_status_of_start(&err);
    } else {
        run_all(&session);
    }
    world_destroy(session.world);
    if (session.interrupted) {
        session.status = exit_status_worse(session.status, EXIT_INTERRUPTED);
    }
    finish_output(&session);
    buf_finish(&session.out);
    return session.status;
}
