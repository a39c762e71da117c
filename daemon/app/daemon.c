/* See app/daemon.h.
 *
 * The happy path: load -> runs that were interrupted are resumed, and what was missed is made up for -> the
 * scheduler fires -> put_off() waits for the jitter of each target of the policy -> begin() submits a task ->
 * the runner sweeps -> on_done() logs the report and has on_finish started. SIGHUP replaces the
 * configuration; tasks keep the one that they began with.
 *
 * The ways out: a configuration that cannot be loaded ends the start with EXIT_USAGE, and leaves everything
 * as it was later on. A task that fails is logged and tried again by its schedule. SIGTERM stops the schedule
 * and lets the tasks settle what was sent, for as long as that can take; a second one, or that time, hurries.
 * A ledger that cannot be written does as SIGTERM does, and ends the process with EXIT_LEDGER. */
#include "app/daemon.h"

#include "app/advice.h"
#include "app/catch_up.h"
#include "app/commands.h"
#include "app/hooks.h"
#include "app/leftovers.h"
#include "app/postponed.h"
#include "app/runner.h"
#include "app/scheduler.h"
#include "app/selection.h"
#include "app/state_directory.h"
#include "app/systemd.h"
#include "app/world.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "policy/timetable.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SIGNALS_WATCHED 3
#define HOOKS_END_MS    (20 * TIME_MS_PER_SECOND) /* of it, for what on_finish has started */
#define END_MS          (30 * TIME_MS_PER_SECOND) /* for what is left to do once everything is settled */

struct task {
    struct daemon *daemon;
    int refused; /* the load of the configuration with which it cannot be resumed; 0: none */
    struct run run;
};

struct daemon {
    const struct options *options;
    struct config *config;
    int loads; /* of the configuration, the present one included */
    struct world *world;
    struct runner *runner;
    struct scheduler *scheduler;
    struct postponed *postponed;
    struct leftovers *leftovers;
    struct hooks *hooks;
    struct env_timer hooks_end;
    struct catch_up *catch_up; /* while it is at work */
    struct task *resumed;      /* one for each of them; NULL until they are known */
    uv_signal_t signals[SIGNALS_WATCHED];
    uv_timer_t watchdog;
    struct env_timer drain; /* from the first signal to stop */
    size_t tasks;           /* not done */
    int stops;              /* SIGTERM and SIGINT so far */
    enum exit_status status;
};

static void tell_manager(const char *state)
{
    struct err err;
    if (systemd_notify(&err, "%s", state) != 0) {
        log_event(LOG_WARNING, "service manager not told", "error=%s", err.msg);
    }
}

/* Nothing new begins any more. */
static bool winds_up(const struct daemon *daemon)
{
    return daemon->stops > 0 || daemon->status == EXIT_LEDGER;
}

static void end_if_idle(struct daemon *daemon)
{
    bool ends = winds_up(daemon) || daemon->options->once;
    if (daemon->tasks > 0 || !ends || daemon->resumed == NULL || daemon->catch_up != NULL) {
        return;
    }
    if (hooks_count(daemon->hooks) == 0) {
        world_stop(daemon->world);
    } else if (winds_up(daemon) && !daemon->hooks_end.armed) {
        const struct env *env = world_env(daemon->world);
        env->start(env->ctx, &daemon->hooks_end, env->mono_ns(env->ctx) + HOOKS_END_MS * TIME_NS_PER_MS);
    }
}

static void on_hooks_end(struct env_timer *timer)
{
    struct daemon *daemon = timer->owner;
    hooks_cancel(daemon->hooks);
}

static void on_hooks_idle(void *owner)
{
    end_if_idle(owner);
}

/* --- tasks --- */

static void on_warning(void *owner, const char *text)
{
    const struct run *run = owner;
    log_event(LOG_WARNING, "sweep warning", "policy=%s target=%s text=%s", run->policy->name,
              run->target->name, text);
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
}

static void log_report(const struct run *run)
{
    const struct report *report = &run->report;
    const int64_t *outcomes = report->outcomes;
    log_event(
        report_failed(report) ? LOG_ERROR : LOG_INFO, "sweep ended",
        "policy=%s target=%s end=%s listed=%lld selected=%lld deleted=%lld deleted_presumed=%lld gone=%lld "
        "state_changed=%lld replaced=%lld failed=%lld unknown=%lld not_attempted=%lld remaining=%lld "
        "in_grace=%lld",
        run->policy->name, run->target->name, report_end_name(report), (long long)report->listed,
        (long long)report->selected, (long long)outcomes[OUTCOME_DELETED],
        (long long)outcomes[OUTCOME_DELETED_PRESUMED], (long long)outcomes[OUTCOME_GONE],
        (long long)outcomes[OUTCOME_STATE_CHANGED], (long long)outcomes[OUTCOME_REPLACED],
        (long long)outcomes[OUTCOME_FAILED], (long long)outcomes[OUTCOME_UNKNOWN],
        (long long)outcomes[OUTCOME_NOT_ATTEMPTED], (long long)report->remaining,
        (long long)report->in_grace);
}

static void on_drain(struct env_timer *timer)
{
    struct daemon *daemon = timer->owner;
    log_event(LOG_WARNING, "stopping takes too long", "sweeps=%lu note=%s", (unsigned long)daemon->tasks,
              "deletions whose answer was lost are not verified any more");
    runner_cancel(daemon->runner, true);
}

/* The manager waits for TimeoutStopSec= unless it is told how much longer this takes. */
static void drain(struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    int64_t drain_ms = runner_drain_ms(daemon->runner);
    char state[64] = "STOPPING=1";
    if (drain_ms > 0) {
        snprintf(state, sizeof state, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
                 (long long)(drain_ms + END_MS) * 1000);
        env->start(env->ctx, &daemon->drain, env->mono_ns(env->ctx) + drain_ms * TIME_NS_PER_MS);
    }
    tell_manager(state);
}

/* Nothing new begins; what was sent is given its answer. */
static void wind_up(struct daemon *daemon, bool hurry)
{
    if (!hurry && !daemon->drain.armed) {
        drain(daemon);
    }
    scheduler_load(daemon->scheduler, NULL);
    postponed_clear(daemon->postponed);
    runner_cancel(daemon->runner, hurry);
}

static void note_status(struct daemon *daemon, enum exit_status status)
{
    enum exit_status before = daemon->status;
    daemon->status = exit_status_worse(before, status);
    if (daemon->status == EXIT_LEDGER && before != EXIT_LEDGER) {
        log_event(LOG_ERROR, "stopping", "reason=%s", "without a ledger nothing may be deleted");
        wind_up(daemon, false);
    }
}

static void on_done(struct run *run)
{
    struct task *task = run->owner;
    struct daemon *daemon = task->daemon;
    log_failures(run);
    log_report(run);
    hooks_finish_run(daemon->hooks, run);
    daemon->tasks--;
    note_status(daemon, run->misconfigured ? EXIT_USAGE : exit_status_of(&run->report, false));
    if (run->resumed == NULL) {
        free(task);
    }
    end_if_idle(daemon);
}

/* What was interrupted and is not at its end, before anything new begins. */
static void resume(struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    int64_t now_ms = env->wall_ms(env->ctx);
    for (size_t i = 0; i < leftovers_count(daemon->leftovers); i++) {
        struct task *task = &daemon->resumed[i];
        struct run *run = &task->run;
        struct err err;
        if (run->settled || run->state != RUN_OUTSIDE || task->refused == daemon->loads) {
            continue;
        }
        task->daemon = daemon;
        run->observer = (struct sweep_observer){.settled = on_settled, .warning = on_warning};
        run->done = on_done;
        run->owner = task;
        if (leftovers_fill(daemon->leftovers, i, daemon->config, now_ms, run, &err) != 0) {
            log_event(LOG_WARNING, "not resumed", "error=%s", err.msg);
            task->refused = daemon->loads;
            continue;
        }
        log_event(LOG_INFO, "sweep resumed", "policy=%s target=%s run=%lld", run->policy->name,
                  run->target->name, (long long)run->resumed->run);
        daemon->tasks++;
        runner_submit(daemon->runner, run);
    }
}

static void begin(struct daemon *daemon, const struct selected *pair)
{
    const char *why_not = NULL;
    if (runner_has(daemon->runner, pair->policy->name, pair->target->name)) {
        log_event(LOG_WARNING, "sweep skipped", "policy=%s target=%s reason=%s", pair->policy->name,
                  pair->target->name, "the one before has not ended");
        return;
    }
    int64_t rest_ms = runner_rest_ms(daemon->runner, pair->target->name);
    if (rest_ms > 0) {
        char rest[32];
        log_event(LOG_WARNING, "sweep skipped", "policy=%s target=%s reason=%s rest=%s", pair->policy->name,
                  pair->target->name, "credentials or permissions failed there before",
                  time_about(rest_ms, rest));
        return;
    }
    struct task *task = mem_zalloc(sizeof *task);
    task->daemon = daemon;
    task->run = (struct run){.config = daemon->config,
                             .policy = pair->policy,
                             .target = pair->target,
                             .plan_only = !selection_deletes(pair, &why_not),
                             .observer = {.settled = on_settled, .warning = on_warning},
                             .done = on_done,
                             .owner = task};
    log_event(LOG_INFO, "sweep begins", "policy=%s target=%s mode=%s", pair->policy->name, pair->target->name,
              task->run.plan_only ? "observe" : "enforce");
    daemon->tasks++;
    runner_submit(daemon->runner, &task->run);
}

/* A firing that comes late, or was put off, may come too late. */
static bool in_window(const struct daemon *daemon, const struct policy *policy)
{
    const struct env *env = world_env(daemon->world);
    if (timetable_open(policy, env->wall_ms(env->ctx))) {
        return true;
    }
    log_event(LOG_WARNING, "sweep skipped", "policy=%s reason=%s", policy->name,
              "it is late, and the window is closed");
    return false;
}

/* The pairs of a policy, or the one in this target, by what is configured now. */
static bool select_pairs(struct daemon *daemon, const char *policy, const char *target,
                         struct selection *selection)
{
    struct err err;
    char *names[] = {(char *)policy};
    if (selection_make(selection, daemon->config, names, 1, target, false, &err) == 0) {
        return true;
    }
    log_event(LOG_ERROR, "schedule", "policy=%s error=%s", policy, err.msg);
    return false;
}

static void begin_pairs(struct daemon *daemon, const char *policy, const char *target)
{
    struct selection selection;
    if (!select_pairs(daemon, policy, target, &selection)) {
        return;
    }
    for (size_t i = 0; i < selection.count; i++) {
        begin(daemon, &selection.pairs[i]);
    }
    selection_finish(&selection);
}

static void on_turn(void *owner, const char *name, const char *target)
{
    struct daemon *daemon = owner;
    const struct policy *policy = config_policy(daemon->config, name);
    if (policy != NULL && in_window(daemon, policy)) {
        begin_pairs(daemon, name, target);
    }
}

/* Until its window is open, where that is waited for, and by some of its jitter. */
static void put_off(struct daemon *daemon, const struct selected *pair)
{
    const struct env *env = world_env(daemon->world);
    const char *policy = pair->policy->name, *target = pair->target->name;
    int64_t now_ms = env->wall_ms(env->ctx), opens_ms = timetable_opens(pair->policy, now_ms);
    int64_t delay_ms = opens_ms - now_ms + postponed_draw(env, timetable_spread_ms(pair->policy, opens_ms));
    if (delay_ms == 0) {
        begin(daemon, pair);
        return;
    }
    if (!postponed_add(daemon->postponed, policy, target, delay_ms)) {
        log_event(LOG_WARNING, "sweep skipped", "policy=%s target=%s reason=%s", policy, target,
                  "the one before has not begun");
        return;
    }
    log_event(LOG_INFO, "sweep put off", "policy=%s target=%s delay_ms=%lld", policy, target,
              (long long)delay_ms);
}

static void put_off_pairs(struct daemon *daemon, const char *policy, const char *target)
{
    struct selection selection;
    if (!select_pairs(daemon, policy, target, &selection)) {
        return;
    }
    for (size_t i = 0; i < selection.count; i++) {
        put_off(daemon, &selection.pairs[i]);
    }
    selection_finish(&selection);
}

static void on_fire(void *owner, const char *name, int64_t due_ms)
{
    struct daemon *daemon = owner;
    const struct policy *policy = config_policy(daemon->config, name);
    char due[21];
    time_rfc3339(due_ms, due);
    log_event(LOG_DEBUG, "schedule", "policy=%s due=%s", name, due);
    resume(daemon);
    if (policy != NULL && (policy->catch_up == CATCH_UP_ONCE || in_window(daemon, policy))) {
        put_off_pairs(daemon, name, NULL);
    }
}

static void on_missed(void *owner, const char *policy, const char *target, int64_t due_ms)
{
    struct daemon *daemon = owner;
    char due[21];
    time_rfc3339(due_ms, due);
    if (!winds_up(daemon)) {
        log_event(LOG_INFO, "sweep was missed", "policy=%s target=%s due=%s", policy, target, due);
        put_off_pairs(daemon, policy, target);
    }
}

static void on_caught_up(void *owner)
{
    struct daemon *daemon = owner;
    catch_up_destroy(daemon->catch_up);
    daemon->catch_up = NULL;
    end_if_idle(daemon);
}

static void schedule(struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    scheduler_load(daemon->scheduler, daemon->config);
    daemon->catch_up = catch_up_start(world_ledger(daemon->world), daemon->config, env->wall_ms(env->ctx),
                                      on_missed, on_caught_up, daemon);
}

static void begin_all(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->config->policy_count; i++) {
        begin_pairs(daemon, daemon->config->policies[i].name, NULL);
    }
    end_if_idle(daemon);
}

static void on_episode(void *owner, const char *target, enum operation operation, bool begins,
                       int64_t rate_before, int64_t rate_now)
{
    (void)owner;
    log_event(LOG_WARNING, begins ? "throttling begins" : "throttling is over",
              "target=%s operation=%s rate_before_per_1000s=%lld rate_per_1000s=%lld", target,
              operation_name(operation), (long long)rate_before, (long long)rate_now);
}

/* --- signals and the service manager --- */

static void tell_reloading(void)
{
    struct err err;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long usec = (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    if (systemd_notify(&err, "RELOADING=1\nMONOTONIC_USEC=%lld", usec) != 0) {
        log_event(LOG_WARNING, "service manager not told", "error=%s", err.msg);
    }
}

static void reload(struct daemon *daemon)
{
    tell_reloading();
    struct config *config = command_config(daemon->options);
    if (config == NULL) {
        log_event(LOG_ERROR, "reload refused", "note=%s",
                  "the configuration that was in force stays in force");
    } else {
        config_unref(daemon->config);
        daemon->config = config;
        daemon->loads++;
        if (daemon->resumed != NULL && !daemon->options->once) { /* else it is loaded once they are known */
            scheduler_load(daemon->scheduler, config);
        }
        runner_renew(daemon->runner);
        log_event(LOG_INFO, "reloaded", "policies=%lu targets=%lu", (unsigned long)config->policy_count,
                  (unsigned long)config->target_count);
    }
    tell_manager("READY=1");
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    if (number == SIGHUP) {
        if (!winds_up(daemon)) {
            reload(daemon);
        }
        return;
    }
    daemon->stops++;
    log_event(LOG_INFO, "stopping", "sweeps=%lu", (unsigned long)daemon->tasks);
    wind_up(daemon, daemon->stops > 1);
    if (daemon->stops > 1) {
        hooks_cancel(daemon->hooks);
    }
    end_if_idle(daemon);
}

static void on_watchdog(uv_timer_t *handle)
{
    (void)handle;
    tell_manager("WATCHDOG=1");
}

static void watch(struct daemon *daemon)
{
    static const int numbers[SIGNALS_WATCHED] = {SIGTERM, SIGINT, SIGHUP};
    uv_loop_t *loop = world_loop(daemon->world);
    for (int i = 0; i < SIGNALS_WATCHED; i++) {
        uv_signal_init(loop, &daemon->signals[i]);
        daemon->signals[i].data = daemon;
        uv_signal_start(&daemon->signals[i], on_signal, numbers[i]);
    }
    uint64_t every_ms = (uint64_t)(systemd_watchdog_ns() / TIME_NS_PER_MS);
    uv_timer_init(loop, &daemon->watchdog);
    if (every_ms > 0) {
        uv_timer_start(&daemon->watchdog, on_watchdog, every_ms, every_ms);
    }
}

static void unwatch(struct daemon *daemon)
{
    for (int i = 0; i < SIGNALS_WATCHED; i++) {
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&daemon->watchdog, NULL);
    const struct env *env = world_env(daemon->world);
    env->stop(env->ctx, &daemon->drain);
    env->stop(env->ctx, &daemon->hooks_end);
}

/* --- the daemon --- */

static void on_leftovers(void *owner)
{
    struct daemon *daemon = owner;
    const struct err *err = leftovers_err(daemon->leftovers);
    daemon->resumed = mem_calloc(leftovers_count(daemon->leftovers) + 1, sizeof daemon->resumed[0]);
    if (err->code != ERR_NONE) {
        log_event(LOG_ERROR, "start failed", "error=%s", err->msg);
        note_status(daemon, EXIT_LEDGER);
    } else if (daemon->stops == 0) {
        resume(daemon);
    }
    if (winds_up(daemon)) {
        end_if_idle(daemon);
    } else if (daemon->options->once) {
        begin_all(daemon);
    } else {
        schedule(daemon);
    }
}

static void serve(struct daemon *daemon)
{
    const struct runner_config runner = {.world = daemon->world, .episode = on_episode, .owner = daemon};
    daemon->runner = runner_create(&runner);
    daemon->drain = (struct env_timer){.fire = on_drain, .owner = daemon};
    daemon->hooks_end = (struct env_timer){.fire = on_hooks_end, .owner = daemon};
    daemon->hooks = hooks_create(world_loop(daemon->world), on_hooks_idle, daemon);
    daemon->scheduler = scheduler_create(world_env(daemon->world), on_fire, daemon);
    daemon->postponed = postponed_create(world_env(daemon->world), on_turn, daemon);
    watch(daemon);
    log_event(LOG_INFO, "ready", "policies=%lu targets=%lu", (unsigned long)daemon->config->policy_count,
              (unsigned long)daemon->config->target_count);
    tell_manager("READY=1");
    daemon->leftovers = leftovers_find(world_ledger(daemon->world), on_leftovers, daemon);
    world_run(daemon->world);
    scheduler_destroy(daemon->scheduler);
    postponed_destroy(daemon->postponed);
    hooks_destroy(daemon->hooks);
    runner_destroy(daemon->runner);
    leftovers_destroy(daemon->leftovers);
    free(daemon->resumed);
    unwatch(daemon);
}

static struct world *make_world(const struct daemon *daemon, struct err *err)
{
    char directory[PATH_MAX];
    if (state_directory_make(daemon->config, directory, sizeof directory, err) != 0) {
        return NULL;
    }
    const struct world_config config = {.state_directory = directory,
                                        .program = "jobsweepd",
                                        .service = true,
                                        .retain_ms = daemon->config->retain_ms};
    return world_create(&config, err);
}

enum exit_status daemon_run(const struct options *options)
{
    struct daemon daemon = {.options = options, .config = command_config(options), .loads = 1};
    struct err err;
    if (daemon.config == NULL) {
        return EXIT_USAGE;
    }
    daemon.world = make_world(&daemon, &err);
    if (daemon.world == NULL) {
        log_event(LOG_ERROR, "start failed", "error=%s", err.msg);
        daemon.status = exit_status_of_start(&err);
    } else {
        serve(&daemon);
    }
    world_destroy(daemon.world);
    config_unref(daemon.config);
    /* A service that was told to stop has done as it was told, whatever its sweeps met. */
    bool as_told = !options->once && daemon.stops > 0 && daemon.status != EXIT_LEDGER;
    return as_told ? EXIT_FINE : daemon.status;
}
