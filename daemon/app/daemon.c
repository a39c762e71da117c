/* See app/daemon.h.
 *
 * The happy path: load -> runs that were interrupted are resumed, and what was missed is made up for -> the
 * firings of app/firings.c begin the tasks of app/tasks.c. SIGHUP replaces the configuration; tasks keep the
 * one that they began with. What the control socket asks comes through app/requests.c.
 *
 * The ways out: a configuration that cannot be loaded ends the start with EXIT_USAGE, and leaves everything
 * as it was later on. A task that fails is logged and tried again by its schedule. SIGTERM stops the schedule
 * and lets the tasks settle what was sent, for as long as that can take; a second one, or that time, hurries.
 * A ledger that cannot be written does as SIGTERM does, and ends the process with EXIT_LEDGER. */
#include "app/daemon.h"

#include "app/config_file.h"
#include "app/control_place.h"
#include "app/daemon_private.h"
#include "app/logging.h"
#include "app/state_directory.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "policy/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOOKS_END_MS (20 * TIME_MS_PER_SECOND) /* when it stops, for what on_finish has started */
#define REPLIES_END_MS                                                                                       \
    (10 * TIME_MS_PER_SECOND)                  /* behind that, for those who read what came of their runs    \
                                                */
#define END_MS (HOOKS_END_MS + REPLIES_END_MS) /* for what is left to do once everything is settled */

int64_t daemon_wall_ms(const struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    return env->wall_ms(env->ctx);
}

int64_t daemon_mono_ns(const struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    return env->mono_ns(env->ctx);
}

/* --- the end ------------------------------------------------------------------------------------------- */

bool daemon_winds_up(const struct daemon *daemon)
{
    return daemon->stops > 0 || daemon->status == EXIT_LEDGER;
}

static void start_once(const struct daemon *daemon, struct env_timer *timer, int64_t ms)
{
    const struct env *env = world_env(daemon->world);
    if (!timer->armed) {
        env->start(env->ctx, timer, env->mono_ns(env->ctx) + ms * TIME_NS_PER_MS);
    }
}

void daemon_end_if_idle(struct daemon *daemon)
{
    bool ends = daemon_winds_up(daemon) || daemon->options->once;
    if (daemon->task_count > 0 || !ends || daemon->resumed == NULL || daemon->catch_up != NULL ||
        daemon->last_runs != NULL) {
        return;
    }
    if (hooks_count(daemon->hooks) > 0) {
        if (daemon_winds_up(daemon)) {
            start_once(daemon, &daemon->hooks_end, HOOKS_END_MS);
        }
    } else if (control_quiet(daemon->control)) {
        world_stop(daemon->world);
    } else {
        start_once(daemon, &daemon->replies_end, REPLIES_END_MS);
    }
}

static void on_hooks_end(struct env_timer *timer)
{
    struct daemon *daemon = timer->owner;
    hooks_cancel(daemon->hooks);
}

static void on_replies_end(struct env_timer *timer)
{
    struct daemon *daemon = timer->owner;
    log_event(LOG_WARNING, "ends early", "note=%s", "who followed runs has not read what came of them");
    world_stop(daemon->world);
}

static void on_hooks_idle(void *owner)
{
    daemon_end_if_idle(owner);
}

static void on_drain(struct env_timer *timer)
{
    struct daemon *daemon = timer->owner;
    log_event(LOG_WARNING, "stopping takes too long", "sweeps=%lu note=%s", (unsigned long)daemon->task_count,
              "deletions whose answer was lost are not verified any more");
    runner_cancel(daemon->runner, true);
}

/* The manager waits for TimeoutStopSec= unless it is told how much longer this takes. */
static void drain(struct daemon *daemon)
{
    const struct env *env = world_env(daemon->world);
    int64_t drain_ms = runner_drain_ms(daemon->runner);
    if (drain_ms == 0) {
        manager_tell(daemon->manager, "STOPPING=1");
        return;
    }
    manager_tell(daemon->manager, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%lld",
                 (long long)(drain_ms + END_MS) * 1000);
    env->start(env->ctx, &daemon->drain, env->mono_ns(env->ctx) + drain_ms * TIME_NS_PER_MS);
}

/* Nothing new begins; what was sent is given its answer. */
static void wind_up(struct daemon *daemon, bool hurry)
{
    if (!hurry && !daemon->drain.armed) {
        drain(daemon);
    }
    firings_clear(daemon);
    runner_cancel(daemon->runner, hurry);
}

void daemon_note_status(struct daemon *daemon, enum exit_status status)
{
    enum exit_status before = daemon->status;
    daemon->status = exit_status_worse(before, status);
    if (daemon->status == EXIT_LEDGER && before != EXIT_LEDGER) {
        log_event(LOG_ERROR, "stopping", "reason=%s", "without a ledger nothing may be deleted");
        wind_up(daemon, false);
    }
}

/* --- the configuration --------------------------------------------------------------------------------- */

static struct config *find_and_load(const struct daemon *daemon, struct diagnostics *diagnostics)
{
    char path[PATH_MAX];
    struct err err;
    if (config_file_find(daemon->options->config, true, path, sizeof path, &err) == 0) {
        return config_load(path, diagnostics);
    }
    const char *name = daemon->options->config != NULL ? daemon->options->config : CONFIG_FILE_DEFAULT;
    diagnostics_add(diagnostics, &(struct place){.file = name}, false, NULL, "%s", err.msg);
    return NULL;
}

/* What is wrong is kept, for who asks later. */
static struct config *load(struct daemon *daemon)
{
    diagnostics_finish(&daemon->loaded.diagnostics);
    return find_and_load(daemon, &daemon->loaded.diagnostics);
}

/* As the configuration wants that is in force now. */
static void tell_diagnostics(const struct daemon *daemon, const struct config *config)
{
    logging_set_up(daemon->options, config);
    logging_diagnostics(&daemon->loaded.diagnostics);
}

static void put_in_force(struct daemon *daemon, struct config *config)
{
    struct loaded *loaded = &daemon->loaded;
    config_unref(loaded->config);
    loaded->config = config;
    loaded->count++;
    loaded->at_ms = daemon_wall_ms(daemon);
    loaded->failed_ms = 0;
    results_prune(daemon->results, config);
    monitor_commit(daemon->monitor, config);
    if (daemon->resumed != NULL && !daemon->options->once) { /* else it is loaded once they are known */
        firings_load(daemon);
    }
    runner_renew(daemon->runner);
}

/* A socket that the configuration names is wanted, and so is one that is in use; the usual one may be
 * impossible where this runs, which must not be in the way of a start or a reload. */
static int listen_at_socket(struct daemon *daemon, const struct config *config, struct err *err)
{
    if (requests_listen(daemon, config, err) == 0) {
        return 0;
    }
    if (config->control_socket != NULL || control_path(daemon->control) != NULL) {
        return -1;
    }
    log_event(LOG_WARNING, "no control socket", "error=%s", err->msg);
    return 0;
}

/* The socket and the page of metrics move with the configuration, or nothing does. */
static int listen_anew(struct daemon *daemon, const struct config *config)
{
    struct err err;
    struct place place = config->metrics.place;
    int result = monitor_prepare(daemon->monitor, config, &err);
    bool listens = daemon->resumed != NULL; /* before it nobody is answered */
    if (result == 0 && listens && (result = listen_at_socket(daemon, config, &err)) != 0) {
        monitor_abandon(daemon->monitor);
        place = (struct place){.file = config->files[0]};
    }
    if (result != 0) {
        diagnostics_add(&daemon->loaded.diagnostics, &place, false, NULL, "%s", err.msg);
    }
    return result;
}

/* The pause and the ledger stay where they are, and the next start will not look there. */
static void look_at_state(struct daemon *daemon, const struct config *config)
{
    char path[PATH_MAX];
    struct err ignored;
    if (state_directory_find(config, path, sizeof path, &ignored) == 0 &&
        strcmp(path, daemon->state_directory) != 0) {
        diagnostics_add(
            &daemon->loaded.diagnostics, &(struct place){.file = config->files[0]}, true, NULL,
            "state_directory: the next start begins in %s, without the ledger and the pause of %s", path,
            daemon->state_directory);
    }
}

int daemon_reload(struct daemon *daemon)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    manager_tell(daemon->manager, "RELOADING=1\nMONOTONIC_USEC=%lld",
                 (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    struct config *config = load(daemon);
    bool fine = config != NULL && listen_anew(daemon, config) == 0;
    if (fine) {
        look_at_state(daemon, config);
    }
    tell_diagnostics(daemon, fine ? config : daemon->loaded.config);
    if (fine) {
        put_in_force(daemon, config);
        log_event(LOG_INFO, "reloaded", "policies=%lu targets=%lu", (unsigned long)config->policy_count,
                  (unsigned long)config->target_count);
    } else {
        config_unref(config);
        metrics_refused(monitor_metrics(daemon->monitor));
        daemon->loaded.failed_ms = daemon_wall_ms(daemon);
        log_event(LOG_ERROR, "reload refused", "note=%s",
                  "the configuration that was in force stays in force");
    }
    manager_tell(daemon->manager, "READY=1");
    return fine ? 0 : -1;
}

/* --- signals and the service manager --- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *daemon = handle->data;
    if (number == SIGHUP) {
        if (!daemon_winds_up(daemon)) {
            daemon_reload(daemon);
        }
        return;
    }
    daemon->stops++;
    log_event(LOG_INFO, "stopping", "sweeps=%lu", (unsigned long)daemon->task_count);
    wind_up(daemon, daemon->stops > 1);
    if (daemon->stops > 1) {
        hooks_cancel(daemon->hooks);
    }
    daemon_end_if_idle(daemon);
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
}

static void unwatch(struct daemon *daemon)
{
    for (int i = 0; i < SIGNALS_WATCHED; i++) {
        uv_close((uv_handle_t *)&daemon->signals[i], NULL);
    }
    const struct env *env = world_env(daemon->world);
    env->stop(env->ctx, &daemon->drain);
    env->stop(env->ctx, &daemon->hooks_end);
    env->stop(env->ctx, &daemon->replies_end);
}

/* --- the daemon ---------------------------------------------------------------------------------------- */

static int begin_listening(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->loaded.config;
    const struct place *place = &config->metrics.place;
    if (monitor_prepare(daemon->monitor, config, err) != 0) {
        return err_context(err, "%s:%d:%d", place->file, place->line, place->column);
    }
    monitor_commit(daemon->monitor, config);
    return listen_at_socket(daemon, config, err);
}

static int begin_serving(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->loaded.config;
    const struct err *failure = leftovers_err(daemon->leftovers);
    if (failure->code != ERR_NONE) {
        *err = *failure;
        return -1;
    }
    if (begin_listening(daemon, err) != 0) {
        return -1;
    }
    log_event(LOG_INFO, "ready", "policies=%lu targets=%lu", (unsigned long)config->policy_count,
              (unsigned long)config->target_count);
    manager_tell(daemon->manager, "READY=1");
    daemon_begin_paused(daemon);
    return 0;
}

static void fail_start(struct daemon *daemon, const struct err *err)
{
    log_event(LOG_ERROR, "start failed", "error=%s", err->msg);
    if (leftovers_err(daemon->leftovers)->code != ERR_NONE) {
        daemon_note_status(daemon, EXIT_LEDGER);
    } else {
        daemon->status = EXIT_FAILED;
        world_stop(daemon->world);
    }
}

/* Who asks from now on finds what was interrupted already at work. */
static void on_leftovers(void *owner)
{
    struct daemon *daemon = owner;
    struct err err;
    daemon->resumed = mem_calloc(leftovers_count(daemon->leftovers) + 1, sizeof daemon->resumed[0]);
    if (daemon->stops > 0) {
        daemon_end_if_idle(daemon);
        return;
    }
    if (begin_serving(daemon, &err) != 0) {
        fail_start(daemon, &err);
        daemon_end_if_idle(daemon);
        return;
    }
    tasks_resume(daemon, NULL);
    if (daemon->options->once) {
        firings_begin_all(daemon);
        return;
    }
    firings_load(daemon);
    if (!daemon->pause.paused) {
        firings_catch_up(daemon);
    }
    tasks_recall(daemon);
}

static void on_episode(void *owner, const char *target, enum operation operation, bool begins,
                       int64_t rate_before, int64_t rate_now)
{
    (void)owner;
    log_event(LOG_WARNING, begins ? "throttling begins" : "throttling is over",
              "target=%s operation=%s rate_before_per_1000s=%lld rate_per_1000s=%lld", target,
              operation_name(operation), (long long)rate_before, (long long)rate_now);
}

static void create_parts(struct daemon *daemon)
{
    daemon->manager = manager_create(world_loop(daemon->world));
    daemon->monitor = monitor_create(daemon->world);
    const struct runner_config runner = {.world = daemon->world,
                                         .episode = on_episode,
                                         .owner = daemon,
                                         .metrics = monitor_metrics(daemon->monitor)};
    daemon->runner = runner_create(&runner);
    monitor_watch(daemon->monitor, daemon->runner);
    daemon->drain = (struct env_timer){.fire = on_drain, .owner = daemon};
    daemon->hooks_end = (struct env_timer){.fire = on_hooks_end, .owner = daemon};
    daemon->replies_end = (struct env_timer){.fire = on_replies_end, .owner = daemon};
    daemon->hooks = hooks_create(world_loop(daemon->world), on_hooks_idle, daemon);
    daemon->results = results_create();
    firings_create(daemon);
    requests_create(daemon);
}

static void destroy_parts(struct daemon *daemon)
{
    requests_destroy(daemon);
    firings_destroy(daemon);
    hooks_destroy(daemon->hooks);
    monitor_watch(daemon->monitor, NULL);
    runner_destroy(daemon->runner);
    monitor_destroy(daemon->monitor);
    leftovers_destroy(daemon->leftovers);
    results_destroy(daemon->results);
    manager_destroy(daemon->manager);
    free(daemon->resumed);
}

static void serve(struct daemon *daemon)
{
    watch(daemon);
    daemon->leftovers = leftovers_find(world_ledger(daemon->world), on_leftovers, daemon);
    world_run(daemon->world);
    unwatch(daemon);
    daemon_end_paused(daemon);
}

/* Who moved it by mistake should see that, too, a pause is not found here. */
static void tell_if_new(const struct daemon *daemon)
{
    char ledger[PATH_MAX + sizeof "/ledger.db"];
    snprintf(ledger, sizeof ledger, "%s/ledger.db", daemon->state_directory);
    if (access(ledger, F_OK) != 0 && errno == ENOENT) {
        log_event(LOG_WARNING, "new state directory", "directory=%s note=%s", daemon->state_directory,
                  "a new ledger begins; the records, graces and pause of another directory do not count");
    }
}

static int look_at_pause(struct daemon *daemon, struct err *err)
{
    char text[80];
    pause_load(daemon->state_directory, &daemon->pause);
    if (daemon->pause.paused && daemon->options->once) {
        return err_set(err, ERR_INVALID, "paused %s: %s/" PAUSE_FILE " says so",
                       pause_text(&daemon->pause, text), daemon->state_directory);
    }
    return 0;
}

static struct world *make_world(struct daemon *daemon, struct err *err)
{
    const struct config *config = daemon->loaded.config;
    if (state_directory_make(config, daemon->state_directory, sizeof daemon->state_directory, err) != 0) {
        return NULL;
    }
    tell_if_new(daemon);
    if (look_at_pause(daemon, err) != 0) {
        return NULL;
    }
    return world_create(&(struct world_config){.state_directory = daemon->state_directory,
                                               .program = "jobsweepd",
                                               .service = true,
                                               .retain_ms = config->retain_ms},
                        err);
}

static void start(struct daemon *daemon)
{
    struct err err;
    daemon->world = make_world(daemon, &err);
    /* Again: before the state directory was ours, another daemon may have been paused. */
    if (daemon->world == NULL || look_at_pause(daemon, &err) != 0) {
        log_event(LOG_ERROR, "start failed", "error=%s", err.msg);
        daemon->status = exit_status_of_start(&err);
        return;
    }
    daemon->started_ms = daemon->loaded.at_ms = daemon_wall_ms(daemon);
    create_parts(daemon);
    serve(daemon);
    destroy_parts(daemon);
}

enum exit_status daemon_run(const struct options *options)
{
    struct daemon daemon = {.options = options};
    daemon.loaded.config = load(&daemon);
    daemon.loaded.count = 1;
    tell_diagnostics(&daemon, daemon.loaded.config);
    if (daemon.loaded.config == NULL) {
        diagnostics_finish(&daemon.loaded.diagnostics);
        return EXIT_USAGE;
    }
    start(&daemon);
    world_destroy(daemon.world);
    config_unref(daemon.loaded.config);
    diagnostics_finish(&daemon.loaded.diagnostics);
    /* A service that was told to stop has done as it was told, whatever its sweeps met. */
    bool as_told = !options->once && daemon.stops > 0 && daemon.status != EXIT_LEDGER;
    return as_told ? EXIT_FINE : daemon.status;
}
