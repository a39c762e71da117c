/* When the sweeps of the daemon are due.
 *
 * The happy path: the scheduler fires a policy -> put_off() waits, in each of its targets, until its window
 * is open and for some of its jitter -> begin() has it swept. What was missed comes from app/catch_up, and
 * goes the same way.
 *
 * The ways out, each with a line in the log: a window that has closed, a target that rests after a failure, a
 * sweep of this pair that has not ended, a daemon that is paused. */
#include "app/daemon_private.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "policy/timetable.h"

static void log_skipped(const struct selected *pair, const char *reason)
{
    log_event(LOG_WARNING, "sweep skipped", "policy=%s target=%s reason=%s", pair->policy->name,
              pair->target->name, reason);
}

/* Whoever asks for a run by hand means it; a schedule would only repeat what failed. */
static void begin(struct daemon *daemon, const struct selected *pair)
{
    int64_t rest_ms = runner_rest_ms(daemon->runner, pair->target->name);
    bool runs = runner_has(daemon->runner, pair->policy->name, pair->target->name);
    if (rest_ms > 0 && !runs) {
        char rest[32];
        log_event(LOG_WARNING, "sweep skipped", "policy=%s target=%s reason=%s rest=%s", pair->policy->name,
                  pair->target->name, "credentials or permissions failed there before",
                  time_about(rest_ms, rest));
        return;
    }
    const char *why_not = tasks_begin(daemon, pair, NULL);
    if (why_not != NULL) {
        log_skipped(pair, why_not);
    }
}

static bool is_paused(const struct daemon *daemon, const char *policy)
{
    if (daemon->pause.paused) {
        log_event(LOG_WARNING, "sweep skipped", "policy=%s reason=%s", policy, "the daemon is paused");
    }
    return daemon->pause.paused;
}

/* A firing that comes late, or was put off, may come too late. */
static bool in_window(const struct daemon *daemon, const struct policy *policy)
{
    if (timetable_open(policy, daemon_wall_ms(daemon))) {
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
    if (selection_make(selection, daemon->loaded.config, names, 1, target, false, &err) == 0) {
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
    const struct policy *policy = config_policy(daemon->loaded.config, name);
    if (policy != NULL && !is_paused(daemon, name) && in_window(daemon, policy)) {
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
        log_skipped(pair, "the one before has not begun");
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
    const struct policy *policy = config_policy(daemon->loaded.config, name);
    char due[21];
    time_rfc3339(due_ms, due);
    log_event(LOG_DEBUG, "schedule", "policy=%s due=%s", name, due);
    tasks_resume(daemon, NULL);
    if (policy != NULL && !is_paused(daemon, name) &&
        (policy->catch_up == CATCH_UP_ONCE || in_window(daemon, policy))) {
        put_off_pairs(daemon, name, NULL);
    }
}

static void on_missed(void *owner, const char *policy, const char *target, int64_t due_ms)
{
    struct daemon *daemon = owner;
    char due[21];
    time_rfc3339(due_ms, due);
    if (!daemon_winds_up(daemon) && !daemon->pause.paused) {
        log_event(LOG_INFO, "sweep was missed", "policy=%s target=%s due=%s", policy, target, due);
        put_off_pairs(daemon, policy, target);
    }
}

static void on_caught_up(void *owner)
{
    struct daemon *daemon = owner;
    catch_up_destroy(daemon->catch_up);
    daemon->catch_up = NULL;
    if (daemon->catch_up_again) {
        firings_catch_up(daemon);
    }
    daemon_end_if_idle(daemon);
}

void firings_catch_up(struct daemon *daemon)
{
    daemon->catch_up_again = daemon->catch_up != NULL;
    if (daemon->catch_up == NULL && !daemon_winds_up(daemon)) {
        daemon->catch_up = catch_up_start(world_ledger(daemon->world), daemon->loaded.config,
                                          daemon_wall_ms(daemon), on_missed, on_caught_up, daemon);
    }
}

void firings_load(struct daemon *daemon)
{
    scheduler_load(daemon->scheduler, daemon->loaded.config);
}

void firings_clear(struct daemon *daemon)
{
    scheduler_load(daemon->scheduler, NULL);
    postponed_clear(daemon->postponed);
}

void firings_create(struct daemon *daemon)
{
    daemon->scheduler = scheduler_create(world_env(daemon->world), on_fire, daemon);
    daemon->postponed = postponed_create(world_env(daemon->world), on_turn, daemon);
}

void firings_destroy(struct daemon *daemon)
{
    scheduler_destroy(daemon->scheduler);
    postponed_destroy(daemon->postponed);
}

void firings_begin_all(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->loaded.config->policy_count; i++) {
        begin_pairs(daemon, daemon->loaded.config->policies[i].name, NULL);
    }
    daemon_end_if_idle(daemon);
}
