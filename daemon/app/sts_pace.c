/* See app/sts_pace.h. */
#include "app/sts_pace.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <utlist.h>

#define SPACE_NS  (TIME_NS_PER_SECOND / STS_PACE_PER_SECOND)
#define JITTER_NS (SPACE_NS / 4) /* so that several processes which begin at once fall out of step */

struct queue {
    struct sts_pace *pace;
    struct credentials_pace face;
    struct credentials_turn *waiting;
};

struct sts_pace {
    const struct env *env;
    struct queue queues[STS_ORDER_COUNT];
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

/* The queue whose turn it is; NULL when nobody waits. */
static struct queue *next_queue(struct sts_pace *pace)
{
    for (int i = 0; i < STS_ORDER_COUNT; i++) {
        if (pace->queues[i].waiting != NULL) {
            return &pace->queues[i];
        }
    }
    return NULL;
}

static void arm(struct sts_pace *pace)
{
    if (next_queue(pace) != NULL && !pace->timer.armed) {
        pace->env->start(pace->env->ctx, &pace->timer, pace->next_ns);
    }
}

static void on_timer(struct env_timer *timer)
{
    struct sts_pace *pace = timer->owner;
    struct queue *queue = next_queue(pace);
    if (queue != NULL) {
        struct credentials_turn *turn = queue->waiting;
        DL_DELETE(queue->waiting, turn);
        grant(pace, turn);
    }
    arm(pace);
}

static void acquire(void *ctx, struct credentials_turn *turn)
{
    struct queue *queue = ctx;
    struct sts_pace *pace = queue->pace;
    if (next_queue(pace) == NULL && pace->env->mono_ns(pace->env->ctx) >= pace->next_ns) {
        grant(pace, turn);
        return;
    }
    turn->impl = queue;
    DL_APPEND(queue->waiting, turn);
    arm(pace);
}

static void release(void *ctx, struct credentials_turn *turn)
{
    struct queue *queue = ctx;
    if (turn->impl != NULL) {
        DL_DELETE(queue->waiting, turn);
        turn->impl = NULL;
    }
}

struct sts_pace *sts_pace_create(const struct env *env)
{
    struct sts_pace *pace = mem_zalloc(sizeof *pace);
    pace->env = env;
    for (int i = 0; i < STS_ORDER_COUNT; i++) {
        struct queue *queue = &pace->queues[i];
        queue->pace = pace;
        queue->face = (struct credentials_pace){.ctx = queue, .acquire = acquire, .release = release};
    }
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

const struct credentials_pace *sts_pace_face(struct sts_pace *pace, enum sts_order order)
{
    return &pace->queues[order].face;
}
