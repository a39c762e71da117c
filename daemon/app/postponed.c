/* See app/postponed.h. */
#include "app/postponed.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "model/names.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct pair { /* zeroed but for the names, which are its key */
    char policy[POLICY_NAME_MAX + 1];
    char target[TARGET_NAME_MAX + 1];
};

struct wait {
    struct pair pair;
    struct postponed *postponed;
    struct env_timer timer;
    int64_t due_ns;
    UT_hash_handle hh;
};

struct postponed {
    const struct env *env;
    void (*begin)(void *owner, const char *policy, const char *target);
    void *owner;
    struct wait *waits;
};

static void forget(struct postponed *postponed, struct wait *wait)
{
    postponed->env->stop(postponed->env->ctx, &wait->timer);
    HASH_DEL(postponed->waits, wait);
    free(wait);
}

static void on_timer(struct env_timer *timer)
{
    struct wait *wait = timer->owner;
    struct postponed *postponed = wait->postponed;
    struct pair pair = wait->pair;
    forget(postponed, wait);
    postponed->begin(postponed->owner, pair.policy, pair.target);
}

struct postponed *postponed_create(const struct env *env,
                                   void (*begin)(void *owner, const char *policy, const char *target),
                                   void *owner)
{
    struct postponed *postponed = mem_zalloc(sizeof *postponed);
    postponed->env = env;
    postponed->begin = begin;
    postponed->owner = owner;
    return postponed;
}

void postponed_destroy(struct postponed *postponed)
{
    if (postponed != NULL) {
        postponed_clear(postponed);
        free(postponed);
    }
}

bool postponed_add(struct postponed *postponed, const char *policy, const char *target, int64_t delay_ms)
{
    const struct env *env = postponed->env;
    struct pair pair = {0};
    struct wait *wait;
    text_copy(pair.policy, sizeof pair.policy, policy);
    text_copy(pair.target, sizeof pair.target, target);
    HASH_FIND(hh, postponed->waits, &pair, sizeof pair, wait);
    if (wait != NULL) {
        return false;
    }
    wait = mem_zalloc(sizeof *wait);
    wait->pair = pair;
    wait->postponed = postponed;
    wait->timer = (struct env_timer){.fire = on_timer, .owner = wait};
    HASH_ADD(hh, postponed->waits, pair, sizeof wait->pair, wait);
    wait->due_ns = env->mono_ns(env->ctx) + delay_ms * TIME_NS_PER_MS;
    env->start(env->ctx, &wait->timer, wait->due_ns);
    return true;
}

void postponed_clear(struct postponed *postponed)
{
    while (postponed->waits != NULL) {
        forget(postponed, postponed->waits);
    }
}

void postponed_each(const struct postponed *postponed,
                    void (*each)(void *ctx, const char *policy, const char *target, int64_t left_ms),
                    void *ctx)
{
    const struct env *env = postponed->env;
    int64_t now_ns = env->mono_ns(env->ctx);
    for (const struct wait *wait = postponed->waits; wait != NULL; wait = wait->hh.next) {
        int64_t left_ns = wait->due_ns > now_ns ? wait->due_ns - now_ns : 0;
        each(ctx, wait->pair.policy, wait->pair.target, left_ns / TIME_NS_PER_MS);
    }
}

size_t postponed_count(const struct postponed *postponed)
{
    return HASH_COUNT(postponed->waits);
}

int64_t postponed_draw(const struct env *env, int64_t spread_ms)
{
    return (int64_t)(env->random(env->ctx, RANDOM_JITTER) % ((uint64_t)spread_ms + 1));
}
