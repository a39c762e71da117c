/* When policies run.
 *
 * The happy path: a load computes the next firing of each entry and arms one timer for the earliest, at most
 * a minute ahead; the timer's tick fires what is due, computes those entries' next firing, and arms again.
 *
 * The ways out: a clock set by more than STEP_MAX_MS computes all entries anew instead of firing; a load that
 * happens inside fire() replaces the entries, and the tick that called it starts over with the new ones. */
#include "app/scheduler.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/timetable.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY_MS TIME_MS_PER_MINUTE
#define LATE_MS       (5 * TIME_MS_PER_MINUTE) /* beyond it a firing was missed */
#define STEP_MAX_MS   (3 * TIME_MS_PER_HOUR)

struct entry {
    const struct policy *policy; /* of the scheduler's configuration */
    int64_t next_ms;             /* -1: never again */
};

struct scheduler {
    const struct env *env;
    void (*fire)(void *owner, const char *policy, int64_t due_ms);
    void *owner;
    struct env_timer timer;
    struct config *config; /* NULL: none was loaded */
    struct entry *entries;
    size_t count;
    int64_t seen_wall_ms, seen_mono_ns; /* both clocks at the last look */
};

static int64_t wall_ms(const struct scheduler *scheduler)
{
    return scheduler->env->wall_ms(scheduler->env->ctx);
}

static int64_t mono_ns(const struct scheduler *scheduler)
{
    return scheduler->env->mono_ns(scheduler->env->ctx);
}

int64_t scheduler_next(const struct scheduler *scheduler, const char **policy)
{
    int64_t next = -1;
    for (size_t i = 0; i < scheduler->count; i++) {
        const struct entry *entry = &scheduler->entries[i];
        if (entry->next_ms < 0 || (next >= 0 && entry->next_ms >= next)) {
            continue;
        }
        next = entry->next_ms;
        if (policy != NULL) {
            *policy = entry->policy->name;
        }
    }
    return next;
}

int64_t scheduler_policy_next(const struct scheduler *scheduler, const char *policy)
{
    for (size_t i = 0; i < scheduler->count; i++) {
        const struct entry *entry = &scheduler->entries[i];
        if (strcmp(entry->policy->name, policy) == 0) {
            return entry->next_ms > 0 ? entry->next_ms : 0;
        }
    }
    return 0;
}

/* How far the wall clock was set since the last look, beyond the time that passed. */
static int64_t look_at_clocks(struct scheduler *scheduler)
{
    int64_t wall = wall_ms(scheduler), mono = mono_ns(scheduler);
    int64_t expected = scheduler->seen_wall_ms + (mono - scheduler->seen_mono_ns) / TIME_NS_PER_MS;
    scheduler->seen_wall_ms = wall;
    scheduler->seen_mono_ns = mono;
    return wall - expected;
}

static void recompute(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->count; i++) {
        struct entry *entry = &scheduler->entries[i];
        entry->next_ms = timetable_next(entry->policy, scheduler->seen_wall_ms);
    }
}

static struct entry *first_due(struct scheduler *scheduler)
{
    for (size_t i = 0; i < scheduler->count; i++) {
        struct entry *entry = &scheduler->entries[i];
        if (entry->next_ms >= 0 && entry->next_ms <= scheduler->seen_wall_ms) {
            return entry;
        }
    }
    return NULL;
}

static void fire_due(struct scheduler *scheduler)
{
    struct entry *entry;
    while ((entry = first_due(scheduler)) != NULL) {
        char policy[POLICY_NAME_MAX + 1];
        int64_t due_ms = entry->next_ms;
        bool missed = scheduler->seen_wall_ms - due_ms > LATE_MS;
        bool skipped = missed && entry->policy->catch_up == CATCH_UP_NEVER;
        text_copy(policy, sizeof policy, entry->policy->name);
        entry->next_ms = timetable_next(entry->policy, scheduler->seen_wall_ms);
        if (!skipped) {
            scheduler->fire(scheduler->owner, policy, due_ms); /* may load other entries */
        }
    }
}

static void arm(struct scheduler *scheduler)
{
    int64_t next = scheduler_next(scheduler, NULL);
    if (next < 0) {
        scheduler->env->stop(scheduler->env->ctx, &scheduler->timer);
        return;
    }
    int64_t wait_ms = next - scheduler->seen_wall_ms;
    if (wait_ms > LOOK_EVERY_MS) {
        wait_ms = LOOK_EVERY_MS;
    }
    if (wait_ms < 0) {
        wait_ms = 0;
    }
    scheduler->env->start(scheduler->env->ctx, &scheduler->timer,
                          scheduler->seen_mono_ns + wait_ms * TIME_NS_PER_MS);
}

static void on_tick(struct env_timer *timer)
{
    struct scheduler *scheduler = timer->owner;
    int64_t step_ms = look_at_clocks(scheduler);
    if (step_ms > STEP_MAX_MS || step_ms < -STEP_MAX_MS) {
        recompute(scheduler);
    } else {
        fire_due(scheduler);
    }
    arm(scheduler);
}

struct scheduler *scheduler_create(const struct env *env,
                                   void (*fire)(void *owner, const char *policy, int64_t due_ms), void *owner)
{
    struct scheduler *scheduler = mem_zalloc(sizeof *scheduler);
    scheduler->env = env;
    scheduler->fire = fire;
    scheduler->owner = owner;
    scheduler->timer.fire = on_tick;
    scheduler->timer.owner = scheduler;
    scheduler->seen_wall_ms = wall_ms(scheduler);
    scheduler->seen_mono_ns = mono_ns(scheduler);
    return scheduler;
}

void scheduler_destroy(struct scheduler *scheduler)
{
    if (scheduler == NULL) {
        return;
    }
    scheduler->env->stop(scheduler->env->ctx, &scheduler->timer);
    free(scheduler->entries);
    config_unref(scheduler->config);
    free(scheduler);
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool same_times(const struct policy *a, const struct policy *b)
{
    return same_text(a->cron_text, b->cron_text) && same_text(a->timezone, b->timezone) &&
           a->window.begin == b->window.begin && a->window.end == b->window.end;
}

static int64_t kept_next(const struct scheduler *scheduler, const struct policy *policy)
{
    for (size_t i = 0; i < scheduler->count; i++) {
        const struct entry *entry = &scheduler->entries[i];
        if (strcmp(entry->policy->name, policy->name) == 0 && same_times(entry->policy, policy)) {
            return entry->next_ms;
        }
    }
    return timetable_next(policy, wall_ms(scheduler));
}

void scheduler_load(struct scheduler *scheduler, struct config *config)
{
    size_t policy_count = config == NULL ? 0 : config->policy_count;
    struct entry *entries = mem_calloc(policy_count + 1, sizeof *entries);
    size_t count = 0;
    for (size_t i = 0; i < policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        if (!policy->scheduled) {
            continue;
        }
        struct entry *entry = &entries[count++];
        entry->policy = policy;
        entry->next_ms = kept_next(scheduler, policy);
    }
    free(scheduler->entries);
    config_unref(scheduler->config);
    scheduler->config = config != NULL ? config_ref(config) : NULL;
    scheduler->entries = entries;
    scheduler->count = count;
    /* Looks as soon as possible: the clock may have been set since the last look, and arm() goes by that. */
    scheduler->env->start(scheduler->env->ctx, &scheduler->timer, mono_ns(scheduler));
}
