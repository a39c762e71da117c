/* Sweeps of the daemon: begun, logged, and what came of them.
 *
 * The happy path: tasks_begin() or tasks_resume() submits a task to the runner; its observer logs, and tells
 * who follows it; on_done() logs the report, notes it for status, and has on_finish started.
 *
 * The ways out: a pair that runs already, or whose target rests, is not begun, and the caller is told why; a
 * leftover whose target is not configured any more stays in the ledger, and is tried again after a reload;
 * one that could not be brought to its end is tried again before anything new begins there, and with each
 * firing. */
#include "app/daemon_private.h"

#include "app/advice.h"
#include "app/archive_report.h"
#include "app/control_events.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

static void on_warning(void *owner, const char *text)
{
    const struct run *run = owner;
    const struct task *task = run->owner;
    log_event(LOG_WARNING, "sweep warning", "policy=%s target=%s text=%s", run->policy->name,
              run->target->name, text);
    if (task->follower != NULL) {
        follower_warn(task->follower, run, text);
    }
}

static void log_failures(const struct run *run)
{
    const struct report *report = &run->report;
    const char *hint = advice(report);
    if (report->err.code != ERR_NONE) {
        log_event(LOG_ERROR, "sweep error", "policy=%s target=%s host=%s error=%s advice=%s",
                  run->policy->name, run->target->name, run->host, report->err.msg, hint != NULL ? hint : "");
    }
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    const struct run *run = owner;
    const struct job_execution *execution = &row->execution;
    if (outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN) {
        log_event(LOG_WARNING, "not deleted",
                  "policy=%s target=%s job=%s thing=%s number=%lld outcome=%s code=%s", run->policy->name,
                  run->target->name, execution->job_id, execution->thing_name, (long long)execution->number,
                  outcome_name(outcome), answer != NULL ? answer->code : "");
    }
    const struct task *task = run->owner;
    if (task->follower != NULL) {
        follower_settled(task->follower, run, row, outcome, answer);
    }
}

static void log_report(const struct run *run)
{
    const struct report *report = &run->report;
    const int64_t *outcomes = report->outcomes;
    log_event(
        report_failed(report) ? LOG_ERROR : LOG_INFO, "sweep ended",
        "policy=%s target=%s run=%lld end=%s listed=%lld selected=%lld deleted=%lld deleted_presumed=%lld "
        "gone=%lld state_changed=%lld replaced=%lld protected=%lld failed=%lld unknown=%lld "
        "not_attempted=%lld "
        "remaining=%lld in_grace=%lld",
        run->policy->name, run->target->name, (long long)report->run, report_end_name(report),
        (long long)report->listed, (long long)report->selected, (long long)outcomes[OUTCOME_DELETED],
        (long long)outcomes[OUTCOME_DELETED_PRESUMED], (long long)outcomes[OUTCOME_GONE],
        (long long)outcomes[OUTCOME_STATE_CHANGED], (long long)outcomes[OUTCOME_REPLACED],
        (long long)outcomes[OUTCOME_PROTECTED], (long long)outcomes[OUTCOME_FAILED],
        (long long)outcomes[OUTCOME_UNKNOWN], (long long)outcomes[OUTCOME_NOT_ATTEMPTED],
        (long long)report->remaining, (long long)report->in_grace);
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct task *task = ((struct run *)owner)->owner;
    (void)so_far;
    task->deleting_ns = daemon_mono_ns(task->daemon);
}

static const struct sweep_observer observer = {
    .planned = on_planned, .settled = on_settled, .warning = on_warning};

static void on_done(struct run *run)
{
    struct task *task = run->owner;
    struct daemon *daemon = task->daemon;
    enum exit_status status = run->misconfigured ? EXIT_USAGE : exit_status_of(&run->report, false);
    log_failures(run);
    archive_report_log(run->policy->name, run->target->name, &run->report);
    log_report(run);
    hooks_finish_run(daemon->hooks, run);
    results_note(daemon->results, daemon->loaded.config, run->policy->name, run->target->name, &run->report,
                 status);
    DL_DELETE(daemon->tasks, task);
    daemon->task_count--;
    if (task->follower != NULL) {
        follower_done(task->follower, run, status);
    }
    daemon_note_status(daemon, status);
    if (run->resumed == NULL) {
        free(task);
    }
    daemon_end_if_idle(daemon);
}

static void submit(struct daemon *daemon, struct task *task)
{
    task->daemon = daemon;
    task->begun_ns = daemon_mono_ns(daemon);
    task->deleting_ns = 0;
    task->run.observer = observer;
    task->run.done = on_done;
    task->run.owner = task;
    DL_APPEND(daemon->tasks, task);
    daemon->task_count++;
    runner_submit(daemon->runner, &task->run);
}

/* Its target as it is called today: only that is known to rest, or to be configured at all. */
static void resume(struct daemon *daemon, size_t index, bool spares)
{
    struct task *task = &daemon->resumed[index];
    struct run *run = &task->run;
    struct err err;
    if (leftovers_fill(daemon->leftovers, index, daemon->loaded.config, daemon_wall_ms(daemon), run, &err) !=
        0) {
        log_event(LOG_WARNING, "not resumed", "error=%s", err.msg);
        task->refused = daemon->loaded.count;
        return;
    }
    if (spares && runner_rest_ms(daemon->runner, run->target->name) > 0) {
        return;
    }
    log_event(LOG_INFO, "sweep resumed", "policy=%s target=%s run=%lld", run->policy->name, run->target->name,
              (long long)run->resumed->run);
    submit(daemon, task);
}

void tasks_resume(struct daemon *daemon, const struct target *where)
{
    for (size_t i = 0; i < leftovers_count(daemon->leftovers); i++) {
        const struct task *task = &daemon->resumed[i];
        bool open = !task->run.settled && task->run.state == RUN_OUTSIDE;
        if (open && task->refused != daemon->loaded.count &&
            (where == NULL || selection_is_in(where, leftovers_header(daemon->leftovers, i)))) {
            resume(daemon, i, where == NULL);
        }
    }
}

static bool on_last_run(void *owner, const struct policy *policy, const struct target *target,
                        const struct ledger_request *last)
{
    struct daemon *daemon = owner;
    struct report report = {
        .selected = (int64_t)last->count, .started_ms = last->found.started_ms, .ended_ms = last->ended_ms};
    if (last->ended_ms != 0) { /* else it is resumed, or under way */
        control_read_end(last->note, &report);
        results_recall(daemon->results, daemon->loaded.config, policy->name, target->name, &report);
    }
    return !daemon_winds_up(daemon);
}

static void on_recalled(void *owner)
{
    struct daemon *daemon = owner;
    last_runs_destroy(daemon->last_runs);
    daemon->last_runs = NULL;
    daemon_end_if_idle(daemon);
}

void tasks_recall(struct daemon *daemon)
{
    daemon->last_runs = last_runs_start(&(struct last_runs_config){.ledger = world_ledger(daemon->world),
                                                                   .config = daemon->loaded.config,
                                                                   .found = on_last_run,
                                                                   .done = on_recalled,
                                                                   .owner = daemon});
}

const char *tasks_begin(struct daemon *daemon, const struct selected *pair, struct follower *follower)
{
    const char *why_not = NULL;
    if (runner_has(daemon->runner, pair->policy->name, pair->target->name)) {
        return "the one before has not ended";
    }
    tasks_resume(daemon, pair->target);
    struct task *task = mem_zalloc(sizeof *task);
    task->follower = follower;
    task->run = (struct run){.config = daemon->loaded.config,
                             .policy = pair->policy,
                             .target = pair->target,
                             .plan_only = !selection_deletes(pair, &why_not)};
    log_event(LOG_INFO, "sweep begins", "policy=%s target=%s mode=%s", pair->policy->name, pair->target->name,
              task->run.plan_only ? "observe" : "enforce");
    submit(daemon, task);
    return NULL;
}
