/* See app/sts_pace.h. */
#include "app/sts_pace.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <utlist.h>

#define SPACE_NS  (TIME_NS_PER_SECOND / STS_PACE_PER_SECOND)
#define JITTER_NS (SPACE_NS / 4) /* so that several processes which begin at once fall out of step */

struct sts_pace {
    const struct env *env;
    struct credentials_pace face;
    struct credentials_turn *waiting;
    struct env_timer timer;
    int64_t next_ns; /* no turn before */
};

static void grant(struct sts_pace *pace, struct credentials_turn *turn)
{
    const struct env *env = pace->env;
    int64_t jitter_ns = (int64_t)(env->random(env->ctx, RANDOM_CREDENTIALS) % (uint64_t)JITTER_NS);
    pace->next_ns = env->mono_ns(env->ctx) + SPACE_NS + jitter_ns;
    turn->impl = NULL;
    turn->granted(turn);
}

static void arm(struct sts_pace *pace)
{
    if (pace->waiting != NULL && !pace->timer.armed) {
        pace->env->start(pace->env->ctx, &pace->timer, pace->next_ns);
    }
}

static void on_timer(struct env_timer *timer)
{
    struct sts_pace *pace = timer->owner;
    struct credentials_turn *turn = pace->waiting;
    if (turn != NULL) {
        DL_DELETE(pace->waiting, turn);
        grant(pace, turn);
    }
    arm(pace);
}

static void acquire(void *ctx, struct credentials_turn *turn)
{
    struct sts_pace *pace = ctx;
    if (pace->waiting == NULL && pace->env->mono_ns(pace->env->ctx) >= pace->next_ns) {
        grant(pace, turn);
        return;
    }
    turn->impl = pace;
    DL_APPEND(pace->waiting, turn);
    arm(pace);
}

static void release(void *ctx, struct credentials_turn *turn)
{
    struct sts_pace *pace = ctx;
    if (turn->impl != NULL) {
        DL_DELETE(pace->waiting, turn);
        turn->impl = NULL;
    }
}

struct sts_pace *sts_pace_create(const struct env *env)
{
    struct sts_pace *pace = mem_zalloc(sizeof *pace);
    pace->env = env;
    pace->face = (struct credentials_pace){.ctx = pace, .acquire = acquire, .release = release};
    pace->timer = (struct env_timer){.fire = on_timer, .owner = pace};
    return pace;
}

void sts_pace_destroy(struct sts_pace *pace)
{
    if (pace != NULL) {
        pace->env->stop(pace->env->ctx, &pace->timer);
    }
    free(pace);
}

const struct credentials_pace *sts_pace_face(struct sts_pace *pace)
{
    return &pace->face;
}
