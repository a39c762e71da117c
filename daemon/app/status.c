/* What `jobsweep status` is told: see app/daemon_private.h. The first part is bounded whatever the
 * configuration is; what is left out of it is counted. */
#include "app/control_events.h"
#include "app/daemon_private.h"
#include "app/link.h"
#include "app/places.h"
#include "base/text.h"
#include "base/time.h"
#include "base/version.h"

#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define RUNS_MAX     100
#define FAILURES_MAX 20
#define PIECE        (32 * 1024)

/* --- the daemon ---------------------------------------------------------------------------------------- */

static void print_pause(const struct pause *pause, struct buf *out)
{
    member_truth(out, "paused", pause->paused);
    member_time(out, "paused_at", pause->since_ms);
    member_number(out, "paused_by", pause->paused ? pause->user : -1);
}

static void print_files(const struct config *config, struct buf *out)
{
    buf_text(out, ",\"files\":[");
    for (size_t i = 0; i < config->file_count && i < RUNS_MAX; i++) {
        buf_text(out, i > 0 ? "," : "");
        text_json(out, config->files[i]);
    }
    buf_char(out, ']');
}

static void print_daemon(const struct daemon *daemon, struct buf *out)
{
    const struct loaded *loaded = &daemon->loaded;
    control_event(out, "daemon");
    member_text(out, "version", JOBSWEEP_VERSION);
    member_number(out, "pid", getpid());
    member_time(out, "started_at", daemon->started_ms);
    member_time(out, "now", daemon_wall_ms(daemon));
    print_files(loaded->config, out);
    member_number(out, "file_count", (int64_t)loaded->config->file_count);
    member_time(out, "loaded_at", loaded->at_ms);
    member_number(out, "policies", (int64_t)loaded->config->policy_count);
    member_number(out, "targets", (int64_t)loaded->config->target_count);
    member_time(out, "reload_failed_at", loaded->failed_ms);
    print_pause(&daemon->pause, out);
    member_truth(out, "stopping", daemon_winds_up(daemon));
    member_text(out, "state_directory", daemon->state_directory);
    member_text(out, "ledger", daemon->status == EXIT_LEDGER ? "failed" : "writable");
    member_number(out, "runs", (int64_t)daemon->task_count);
    member_number(out, "postponed", (int64_t)postponed_count(daemon->postponed));
    buf_text(out, "}\n");
}

/* --- runs ---------------------------------------------------------------------------------------------- */

static const char *state_name(const struct run *run, const struct sweep_progress *progress)
{
    switch (run->state) {
    case RUN_WAITING:
        return "waiting";
    case RUN_LOADING:
    case RUN_TURN:
    case RUN_CHECKING:
        return "beginning";
    case RUN_SWEEPING:
        return progress->deleting ? "deleting" : "listing";
    default:
        return "ending";
    }
}

int64_t task_rate_per_1000s(const struct task *task, const struct sweep_progress *progress)
{
    int64_t since_ns = progress->deleting ? task->deleting_ns : task->begun_ns;
    int64_t passed_ms = (daemon_mono_ns(task->daemon) - since_ns) / TIME_NS_PER_MS;
    int64_t done = progress->deleting ? progress->settled : progress->listed;
    return passed_ms > 0 ? done * 1000 * TIME_MS_PER_SECOND / passed_ms : 0;
}

/* The pace that deletions have in the target, which is less than its quota after throttling. */
static void print_lane(const struct run *run, struct buf *out)
{
    struct lane_view lane;
    dispatcher_lane(link_dispatcher(run->place->link), OPERATION_DELETE_EXECUTION, &lane);
    member_number(out, "pace_per_1000s", lane.rate_per_1000s);
    member_truth(out, "throttled", lane.episode);
}

static void print_run(const struct task *task, struct buf *out)
{
    const struct run *run = &task->run;
    struct sweep_progress progress = {.remaining_ms = -1};
    if (run->state == RUN_SWEEPING) {
        sweep_progress(run->sweep, &progress);
    }
    control_event(out, "run");
    member_text(out, "policy", run->policy->name);
    member_text(out, "target", run->target->name);
    member_text(out, "mode", run->plan_only ? "observe" : "enforce");
    member_truth(out, "resumed", run->resumed != NULL);
    member_text(out, "state", state_name(run, &progress));
    member_time(out, "started_at", run->report.started_ms);
    member_number(out, "listed", progress.listed);
    member_number(out, "selected", progress.selected);
    member_number(out, "settled", progress.settled);
    member_number(out, "quarantined", progress.quarantined);
    member_number(out, "rate_per_1000s", task_rate_per_1000s(task, &progress));
    member_number(out, "remaining_ms", progress.remaining_ms);
    if (run->state == RUN_SWEEPING) {
        print_lane(run, out);
    }
    buf_text(out, "}\n");
}

/* Those under way before those that wait. */
static void print_runs(const struct daemon *daemon, struct buf *out)
{
    const struct task *task;
    size_t printed = 0;
    for (int waiting = 0; waiting < 2; waiting++) {
        DL_FOREACH (daemon->tasks, task) {
            if ((task->run.state == RUN_WAITING) == (waiting == 1) && printed < RUNS_MAX) {
                print_run(task, out);
                printed++;
            }
        }
    }
}

/* --- policies and results ------------------------------------------------------------------------------ */

static void print_policies(const struct daemon *daemon, struct buf *out)
{
    const struct config *config = daemon->loaded.config;
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        control_event(out, "policy");
        member_text(out, "policy", policy->name);
        member_text(out, "mode", policy->enforce ? "enforce" : "observe");
        member_number(out, "targets", (int64_t)policy->target_count);
        member_time(out, "next_at", scheduler_policy_next(daemon->scheduler, policy->name));
        buf_text(out, "}\n");
    }
}

static void print_result(void *ctx, const char *policy, const char *target, const struct result *result)
{
    const struct report report = result_report(result);
    if (result->recalled) {
        control_event_recalled(ctx, policy, target, &report);
    } else {
        control_event_result(ctx, policy, target, &report, result->status);
    }
}

struct postponed_print {
    struct buf *out;
    int64_t now_ms;
    size_t printed;
};

static void print_postponed(void *ctx, const char *policy, const char *target, int64_t left_ms)
{
    struct postponed_print *print = ctx;
    if (print->printed++ < RUNS_MAX) {
        control_event(print->out, "postponed");
        member_text(print->out, "policy", policy);
        member_text(print->out, "target", target);
        member_time(print->out, "at", print->now_ms + left_ms);
        buf_text(print->out, "}\n");
    }
}

void status_print(const struct daemon *daemon, struct buf *out)
{
    const struct diagnostics *diagnostics = &daemon->loaded.diagnostics;
    print_daemon(daemon, out);
    for (size_t i = 0; daemon->loaded.failed_ms != 0 && i < diagnostics->count; i++) {
        control_event_diagnostic(out, &diagnostics->items[i]);
    }
    print_runs(daemon, out);
    print_policies(daemon, out);
    struct postponed_print postponed = {.out = out, .now_ms = daemon_wall_ms(daemon)};
    postponed_each(daemon->postponed, print_postponed, &postponed);
    size_t failed = results_failed(daemon->results, FAILURES_MAX, print_result, out);
    control_event(out, "failures");
    member_number(out, "count", (int64_t)failed);
    buf_text(out, "}\n");
}

/* --- all pairs ----------------------------------------------------------------------------------------- */

static void print_pair(const struct daemon *daemon, const struct policy *policy, const struct target *target,
                       struct buf *out)
{
    const struct result *result = results_find(daemon->results, policy->name, target->name);
    control_event(out, "pair");
    member_text(out, "policy", policy->name);
    member_text(out, "target", target->name);
    member_truth(out, "runs", runner_has(daemon->runner, policy->name, target->name));
    member_number(out, "rests_ms", runner_rest_ms(daemon->runner, target->name));
    member_time(out, "next_at", scheduler_policy_next(daemon->scheduler, policy->name));
    buf_text(out, "}\n");
    if (result != NULL) {
        print_result(out, policy->name, target->name, result);
    }
}

bool status_print_pairs(const struct daemon *daemon, struct status_cursor *cursor, struct buf *out)
{
    const struct config *config = cursor->config;
    while (config != NULL && cursor->policy < config->policy_count) {
        const struct policy *policy = &config->policies[cursor->policy];
        if (out->length >= PIECE) {
            return true;
        }
        if (cursor->target >= policy->target_count) {
            cursor->policy++;
            cursor->target = 0;
            continue;
        }
        print_pair(daemon, policy, &config->targets[policy->targets[cursor->target++]], out);
    }
    return false;
}
