/* What the control socket asks of the daemon.
 *
 * The happy path: on_request() reads the line -> status is printed, piece by piece where all of it is asked
 * for (on_written()); pause, resume and reload act and tell; run begins its tasks and follows them: their
 * results are sent as they end, and progress once a second, until none is left.
 *
 * The ways out: what cannot be done is told in an "error" line, with an exit status other than 0. A client
 * that goes away leaves the tasks that it asked for running (on_gone()). */
#include "app/control_events.h"
#include "app/control_place.h"
#include "app/control_request.h"
#include "app/daemon_private.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define TICK_NS       TIME_NS_PER_SECOND
#define FAILURES_TOLD 10  /* of each who follows; the rest is in the numbers */
#define PAIRS_TOLD    100 /* of each run that is asked for */
#define TEXT_MAX      (900 * 1024)

/* Who waits for the tasks that he asked for. */
struct follower {
    struct daemon *daemon;
    struct control_client *client;
    size_t left;
    int failures;
    enum exit_status status;
    struct env_timer tick;
    struct follower *prev, *next;
};

static void reply(struct control_client *client, struct buf *text)
{
    control_send(client, text);
    buf_finish(text);
}

static void end_reply(struct control_client *client, enum exit_status status)
{
    struct buf text;
    buf_init(&text, 256);
    control_event_end(&text, status);
    reply(client, &text);
    control_end(client);
}

static void refuse(struct control_client *client, enum exit_status status, const char *message)
{
    struct buf text;
    buf_init(&text, 8192);
    control_event_error(&text, message);
    reply(client, &text);
    end_reply(client, status);
}

/* --- status -------------------------------------------------------------------------------------------- */

static void end_status(struct control_client *client, struct status_cursor *cursor)
{
    config_unref(cursor->config);
    free(cursor);
    end_reply(client, EXIT_FINE);
}

static void send_pairs(struct daemon *daemon, struct control_client *client, struct status_cursor *cursor)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    bool more = status_print_pairs(daemon, cursor, &text);
    reply(client, &text);
    if (!more) {
        end_status(client, cursor);
    }
}

static void begin_status(struct daemon *daemon, struct control_client *client, bool all)
{
    struct status_cursor *cursor = mem_zalloc(sizeof *cursor);
    struct buf text;
    buf_init(&text, TEXT_MAX);
    status_print(daemon, &text);
    reply(client, &text);
    if (!all) {
        end_status(client, cursor);
        return;
    }
    cursor->config = config_ref(daemon->loaded.config);
    control_set_data(client, cursor);
}

/* --- following tasks ----------------------------------------------------------------------------------- */

static void free_follower(struct follower *follower)
{
    const struct env *env = world_env(follower->daemon->world);
    env->stop(env->ctx, &follower->tick);
    DL_DELETE(follower->daemon->followers, follower);
    free(follower);
}

static void forget_tasks(struct follower *follower)
{
    struct task *task;
    DL_FOREACH (follower->daemon->tasks, task) {
        if (task->follower == follower) {
            task->follower = NULL;
        }
    }
}

static struct follower *follower_of(const struct daemon *daemon, const struct control_client *client)
{
    struct follower *follower;
    DL_FOREACH (daemon->followers, follower) {
        if (follower->client == client) {
            return follower;
        }
    }
    return NULL;
}

static void add(struct sweep_progress *sum, const struct sweep_progress *one)
{
    sum->deleting = sum->deleting || one->deleting;
    sum->listed += one->listed;
    sum->calls += one->calls;
    sum->jobs += one->jobs;
    sum->jobs_listed += one->jobs_listed;
    sum->selected += one->selected;
    sum->settled += one->settled;
    sum->quarantined += one->quarantined;
    sum->waiting_ms = one->waiting_ms > sum->waiting_ms ? one->waiting_ms : sum->waiting_ms;
    sum->quarantined_ms =
        one->quarantined_ms > sum->quarantined_ms ? one->quarantined_ms : sum->quarantined_ms;
    sum->remaining_ms = one->remaining_ms > sum->remaining_ms ? one->remaining_ms : sum->remaining_ms;
}

static void send_progress(const struct follower *follower)
{
    struct sweep_progress sum = {.remaining_ms = -1, .waits_turn = true};
    int64_t rate = 0;
    const struct task *task;
    struct buf text;
    DL_FOREACH (follower->daemon->tasks, task) {
        struct sweep_progress one;
        if (task->follower != follower) {
            continue;
        }
        sum.waits_turn = sum.waits_turn && task->run.state == RUN_WAITING;
        if (task->run.state != RUN_SWEEPING) {
            continue;
        }
        sweep_progress(task->run.sweep, &one);
        rate += task_rate_per_1000s(task, &one);
        add(&sum, &one);
    }
    buf_init(&text, 4096);
    control_event_progress(&text, &sum, rate);
    reply(follower->client, &text);
}

static void arm(struct follower *follower)
{
    const struct env *env = world_env(follower->daemon->world);
    env->start(env->ctx, &follower->tick, env->mono_ns(env->ctx) + TICK_NS);
}

/* Who reads slowly gets fewer of these. */
static void on_tick(struct env_timer *timer)
{
    struct follower *follower = timer->owner;
    if (control_idle(follower->client)) {
        send_progress(follower);
    }
    arm(follower);
}

static void send_warning(const struct follower *follower, const char *policy, const char *target,
                         const char *message)
{
    struct buf text;
    buf_init(&text, 16384);
    control_event(&text, "warning");
    member_text(&text, "policy", policy);
    member_text(&text, "target", target);
    member_text(&text, "message", message);
    buf_text(&text, "}\n");
    reply(follower->client, &text);
}

void follower_warn(struct follower *follower, const struct run *run, const char *text)
{
    send_warning(follower, run->policy->name, run->target->name, text);
}

void follower_settled(struct follower *follower, const struct run *run, const struct plan_row *row,
                      enum outcome outcome, const struct answer *answer)
{
    struct buf text;
    bool told = outcome == OUTCOME_FAILED || outcome == OUTCOME_UNKNOWN;
    if (!told || follower->failures++ >= FAILURES_TOLD) {
        return;
    }
    buf_init(&text, 4096);
    job_execution_print(&text, &row->execution);
    buf_printf(&text, ": %s: %s %s", outcome_name(outcome), answer != NULL ? answer->code : "",
               answer != NULL ? answer->message : "");
    send_warning(follower, run->policy->name, run->target->name, buf_string(&text));
    buf_finish(&text);
}

void follower_done(struct follower *follower, const struct run *run, enum exit_status status)
{
    struct control_client *client = follower->client;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    control_event_result(&text, run->policy->name, run->target->name, &run->report, status);
    reply(client, &text);
    follower->status = exit_status_worse(follower->status, status);
    if (--follower->left == 0) {
        status = follower->status;
        free_follower(follower);
        end_reply(client, status);
    }
}

/* --- run ----------------------------------------------------------------------------------------------- */

static struct follower *make_follower(struct daemon *daemon, struct control_client *client)
{
    struct follower *follower = mem_zalloc(sizeof *follower);
    follower->daemon = daemon;
    follower->client = client;
    follower->tick = (struct env_timer){.fire = on_tick, .owner = follower};
    DL_APPEND(daemon->followers, follower);
    return follower;
}

static void tell_pair(const struct follower *follower, const struct selected *pair, const char *obstacle)
{
    const char *why_not = NULL;
    struct buf text;
    if (obstacle != NULL) {
        send_warning(follower, pair->policy->name, pair->target->name, obstacle);
        return;
    }
    bool deletes = selection_deletes(pair, &why_not);
    buf_init(&text, 4096);
    control_event(&text, "begun");
    member_text(&text, "policy", pair->policy->name);
    member_text(&text, "target", pair->target->name);
    member_text(&text, "mode", deletes ? "enforce" : "observe");
    member_text(&text, "note", why_not);
    buf_text(&text, "}\n");
    reply(follower->client, &text);
}

static void begin_pairs(struct daemon *daemon, struct control_client *client,
                        const struct selection *selection, bool wait)
{
    struct follower *follower = make_follower(daemon, client);
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *pair = &selection->pairs[i];
        const char *why_not = tasks_begin(daemon, pair, wait ? follower : NULL);
        if (i < PAIRS_TOLD) {
            tell_pair(follower, pair, why_not);
        }
        follower->status = exit_status_worse(follower->status, why_not == NULL ? EXIT_FINE : EXIT_FAILED);
        follower->left += wait && why_not == NULL;
    }
    if (follower->left > 0) {
        arm(follower);
        return;
    }
    enum exit_status status = follower->status;
    free_follower(follower);
    end_reply(client, status);
}

/* NULL, or why nothing can be begun. */
static const char *find_obstacle(const struct daemon *daemon, char text[256])
{
    char since[80];
    if (daemon_winds_up(daemon)) {
        return "the daemon is stopping";
    }
    if (daemon->options->once) {
        return "the daemon runs once, and ends";
    }
    if (daemon->pause.paused) {
        snprintf(text, 256, "the daemon is paused %s: jobsweep resume", pause_text(&daemon->pause, since));
        return text;
    }
    return NULL;
}

static void run(struct daemon *daemon, struct control_client *client, const struct control_request *request)
{
    struct selection selection;
    struct err err;
    char text[256];
    const char *obstacle = find_obstacle(daemon, text);
    if (obstacle != NULL) {
        refuse(client, EXIT_FAILED, obstacle);
        return;
    }
    if (selection_make(&selection, daemon->loaded.config, request->policies, request->policy_count,
                       request->target, false, &err) != 0) {
        refuse(client, EXIT_USAGE, err.msg);
        return;
    }
    begin_pairs(daemon, client, &selection, !request->no_wait);
    selection_finish(&selection);
}

/* --- pause, resume, reload ----------------------------------------------------------------------------- */

/* already: so it was before it was asked for. */
static void tell_pause(const struct daemon *daemon, struct control_client *client, bool already)
{
    struct buf text;
    buf_init(&text, 1024);
    control_event(&text, daemon->pause.paused ? "paused" : "resumed");
    member_truth(&text, "already", already);
    member_time(&text, "paused_at", daemon->pause.since_ms);
    member_number(&text, "paused_by", daemon->pause.paused ? daemon->pause.user : -1);
    member_number(&text, "runs", (int64_t)daemon->task_count);
    buf_text(&text, "}\n");
    reply(client, &text);
    end_reply(client, EXIT_FINE);
}

static void pause_or_resume(struct daemon *daemon, struct control_client *client, bool pause)
{
    const bool already = daemon->pause.paused == pause;
    struct err err;
    int result = pause ? daemon_pause(daemon, control_user(client), &err) : daemon_resume(daemon, &err);
    if (result == 0) {
        tell_pause(daemon, client, already);
        return;
    }
    err_context(&err, pause ? "paused, but only until the daemon ends" : "still paused");
    refuse(client, EXIT_FAILED, err.msg);
}

static void reload(struct daemon *daemon, struct control_client *client)
{
    const struct diagnostics *diagnostics = &daemon->loaded.diagnostics;
    struct buf text;
    if (daemon_winds_up(daemon)) {
        refuse(client, EXIT_FAILED, "the daemon is stopping");
        return;
    }
    int result = daemon_reload(daemon);
    buf_init(&text, TEXT_MAX);
    for (size_t i = 0; i < diagnostics->count; i++) {
        control_event_diagnostic(&text, &diagnostics->items[i]);
    }
    control_event(&text, result == 0 ? "reloaded" : "refused");
    member_number(&text, "errors", (int64_t)diagnostics->errors);
    member_number(&text, "warnings", (int64_t)diagnostics->warnings);
    member_number(&text, "policies", (int64_t)daemon->loaded.config->policy_count);
    member_number(&text, "targets", (int64_t)daemon->loaded.config->target_count);
    buf_text(&text, "}\n");
    reply(client, &text);
    end_reply(client, result == 0 ? EXIT_FINE : EXIT_USAGE);
}

/* --- the socket ---------------------------------------------------------------------------------------- */

static void on_request(void *owner, struct control_client *client, const char *line, size_t length)
{
    struct daemon *daemon = owner;
    struct control_request request;
    struct err err;
    if (control_request_parse(&request, line, length, &err) != 0) {
        log_event(LOG_WARNING, "control request refused", "user=%lu error=%s",
                  (unsigned long)control_user(client), err.msg);
        refuse(client, EXIT_USAGE, err.msg);
        control_request_finish(&request);
        return;
    }
    log_event(request.command == CONTROL_STATUS ? LOG_DEBUG : LOG_INFO, "control request",
              "command=%s user=%lu", control_command_name(request.command),
              (unsigned long)control_user(client));
    switch (request.command) {
    case CONTROL_STATUS:
        begin_status(daemon, client, request.all);
        break;
    case CONTROL_RUN:
        run(daemon, client, &request);
        break;
    case CONTROL_PAUSE:
    case CONTROL_RESUME:
        pause_or_resume(daemon, client, request.command == CONTROL_PAUSE);
        break;
    case CONTROL_RELOAD:
        reload(daemon, client);
        break;
    }
    control_request_finish(&request);
}

static void on_written(void *owner, struct control_client *client)
{
    struct status_cursor *cursor = control_data(client);
    if (cursor != NULL) {
        send_pairs(owner, client, cursor);
    }
}

static void on_gone(void *owner, struct control_client *client)
{
    struct follower *follower = follower_of(owner, client);
    struct status_cursor *cursor = control_data(client);
    if (cursor != NULL) {
        config_unref(cursor->config);
        free(cursor);
    }
    if (follower != NULL) {
        forget_tasks(follower);
        free_follower(follower);
    }
}

static void on_quiet(void *owner)
{
    daemon_end_if_idle(owner);
}

void requests_create(struct daemon *daemon)
{
    const struct control_config config = {.loop = world_loop(daemon->world),
                                          .owner = daemon,
                                          .request = on_request,
                                          .written = on_written,
                                          .gone = on_gone,
                                          .quiet = on_quiet};
    daemon->control = control_create(&config);
}

int requests_listen(struct daemon *daemon, const struct config *config, struct err *err)
{
    char path[SOCKET_PATH_MAX + 1];
    if (control_place(config, path, err) != 0) {
        return -1;
    }
    bool none = strcmp(path, SOCKET_NONE) == 0;
    return control_listen(daemon->control, none ? NULL : path, err);
}

void requests_destroy(struct daemon *daemon)
{
    control_destroy(daemon->control);
    daemon->control = NULL;
}
