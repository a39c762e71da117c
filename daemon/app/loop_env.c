/* struct env on a libuv loop.
 *
 * The happy path: start() puts a timer into a heap ordered by (time, sequence); before the loop waits, the
 * timerfd is set to the earliest; when it is readable the loop turns, and after its other events every timer
 * that is due fires.
 *
 * The ways out: stop() takes a timer out of the heap; destroy() empties the heap and closes the handles. */
#include "app/loop_env.h"

#include "base/mem.h"
#include "base/random.h"
#include "base/time.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct slot { /* one armed timer: env_timer.impl points here */
    struct env_timer *timer;
    int64_t at_ns;
    uint64_t sequence;
    size_t index; /* in the heap */
};

struct loop_env {
    struct env env;
    struct random streams[RANDOM_STREAM_COUNT];
    struct slot **heap;
    size_t count, room;
    uint64_t sequence;
    int64_t set_to_ns; /* what the timerfd waits for; -1: nothing */
    int fd;
    uv_poll_t poll;
    uv_prepare_t prepare;
    uv_check_t check;
    int open_handles;
};

static int64_t clock_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * TIME_NS_PER_SECOND + now.tv_nsec;
}

static int64_t env_mono_ns(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_BOOTTIME);
}

static int64_t env_wall_ms(void *ctx)
{
    (void)ctx;
    return clock_ns(CLOCK_REALTIME) / TIME_NS_PER_MS;
}

static uint64_t env_random(void *ctx, enum random_stream stream)
{
    struct loop_env *loop_env = ctx;
    return random_next(&loop_env->streams[stream]);
}

/* --- the heap ---------------------------------------------------------------------------------------- */

static bool before(const struct slot *a, const struct slot *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->sequence < b->sequence;
}

static void put(struct loop_env *loop_env, size_t index, struct slot *slot)
{
    loop_env->heap[index] = slot;
    slot->index = index;
}

static void rise(struct loop_env *loop_env, size_t index)
{
    struct slot *slot = loop_env->heap[index];
    while (index > 0 && before(slot, loop_env->heap[(index - 1) / 2])) {
        put(loop_env, index, loop_env->heap[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    put(loop_env, index, slot);
}

static void sink(struct loop_env *loop_env, size_t index)
{
    struct slot *slot = loop_env->heap[index];
    for (;;) {
        size_t child = 2 * index + 1;
        if (child + 1 < loop_env->count && before(loop_env->heap[child + 1], loop_env->heap[child])) {
            child++;
        }
        if (child >= loop_env->count || !before(loop_env->heap[child], slot)) {
            break;
        }
        put(loop_env, index, loop_env->heap[child]);
        index = child;
    }
    put(loop_env, index, slot);
}

static void take_out(struct loop_env *loop_env, struct slot *slot)
{
    struct slot *last = loop_env->heap[--loop_env->count];
    size_t index = slot->index;
    if (last != slot) {
        put(loop_env, index, last);
        rise(loop_env, index);
        sink(loop_env, last->index);
    }
    slot->timer->armed = false;
    slot->timer->impl = NULL;
    free(slot);
}

static void env_stop(void *ctx, struct env_timer *timer)
{
    if (timer->armed) {
        take_out(ctx, timer->impl);
    }
}

/* A time in the past counts as now, so that timers that are started over and over "as soon as possible" wait
 * behind those that were due before them. */
static void env_start(void *ctx, struct env_timer *timer, int64_t at_ns)
{
    struct loop_env *loop_env = ctx;
    int64_t now_ns = env_mono_ns(ctx);
    env_stop(ctx, timer);
    if (loop_env->count == loop_env->room) {
        loop_env->room = loop_env->room == 0 ? 16 : 2 * loop_env->room;
        loop_env->heap = mem_realloc(loop_env->heap, loop_env->room, sizeof loop_env->heap[0]);
    }
    struct slot *slot = mem_zalloc(sizeof *slot);
    slot->timer = timer;
    slot->at_ns = at_ns > now_ns ? at_ns : now_ns;
    slot->sequence = loop_env->sequence++;
    timer->impl = slot;
    timer->at_ns = at_ns;
    timer->armed = true;
    put(loop_env, loop_env->count++, slot);
    rise(loop_env, slot->index);
}

/* --- the loop ---------------------------------------------------------------------------------------- */

/* Timers that are started meanwhile wait for the next turn, so that the loop's other events have theirs. */
static void fire_due(struct loop_env *loop_env)
{
    int64_t now_ns = env_mono_ns(loop_env);
    uint64_t end = loop_env->sequence;
    while (loop_env->count > 0) {
        struct slot *slot = loop_env->heap[0];
        struct env_timer *timer = slot->timer;
        if (slot->at_ns > now_ns || slot->sequence >= end) {
            break;
        }
        take_out(loop_env, slot);
        timer->fire(timer);
    }
}

static void on_check(uv_check_t *check)
{
    fire_due(check->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct loop_env *loop_env = poll->data;
    uint64_t expirations;
    (void)status;
    (void)events;
    if (read(loop_env->fd, &expirations, sizeof expirations) == sizeof expirations) {
        loop_env->set_to_ns = -1;
    }
}

/* Setting an absolute time that has passed makes the descriptor readable at once. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop_env *loop_env = prepare->data;
    int64_t at_ns = loop_env->count == 0 ? -1 : loop_env->heap[0]->at_ns;
    if (at_ns == loop_env->set_to_ns) {
        return;
    }
    struct itimerspec when = {0};
    if (at_ns >= 0) {
        when.it_value.tv_sec = (time_t)(at_ns / TIME_NS_PER_SECOND);
        when.it_value.tv_nsec = (long)(at_ns % TIME_NS_PER_SECOND);
    }
    if (timerfd_settime(loop_env->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        loop_env->set_to_ns = at_ns;
    }
}

static void seed(struct loop_env *loop_env)
{
    for (size_t i = 0; i < RANDOM_STREAM_COUNT; i++) {
        uint64_t value = (uint64_t)env_mono_ns(NULL) + i; /* only chance for delays: time serves as well */
        if (getrandom(&value, sizeof value, GRND_NONBLOCK) < 0) {
            value ^= (uint64_t)getpid() << 32;
        }
        random_seed(&loop_env->streams[i], value);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct loop_env *loop_env = handle->data;
    if (--loop_env->open_handles > 0) {
        return;
    }
    close(loop_env->fd);
    free(loop_env->heap);
    free(loop_env);
}

struct loop_env *loop_env_create(uv_loop_t *loop, struct err *err)
{
    int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) {
        err_set(err, ERR_IO, "timerfd: %s", err_errno(errno));
        return NULL;
    }
    struct loop_env *loop_env = mem_zalloc(sizeof *loop_env);
    int status = uv_poll_init(loop, &loop_env->poll, fd);
    if (status != 0) {
        err_set(err, ERR_IO, "watching a timerfd: %s", uv_strerror(status));
        close(fd);
        free(loop_env);
        return NULL;
    }
    loop_env->env = (struct env){.ctx = loop_env,
                                 .mono_ns = env_mono_ns,
                                 .wall_ms = env_wall_ms,
                                 .random = env_random,
                                 .start = env_start,
                                 .stop = env_stop};
    loop_env->fd = fd;
    loop_env->set_to_ns = -1;
    loop_env->open_handles = 3;
    loop_env->poll.data = loop_env->prepare.data = loop_env->check.data = loop_env;
    seed(loop_env);
    uv_prepare_init(loop, &loop_env->prepare);
    uv_check_init(loop, &loop_env->check);
    uv_prepare_start(&loop_env->prepare, on_prepare);
    uv_check_start(&loop_env->check, on_check);
    uv_poll_start(&loop_env->poll, UV_READABLE, on_readable);
    return loop_env;
}

void loop_env_destroy(struct loop_env *loop_env)
{
    if (loop_env == NULL) {
        return;
    }
    while (loop_env->count > 0) {
        take_out(loop_env, loop_env->heap[0]);
    }
    uv_close((uv_handle_t *)&loop_env->poll, on_closed);
    uv_close((uv_handle_t *)&loop_env->prepare, on_closed);
    uv_close((uv_handle_t *)&loop_env->check, on_closed);
}

const struct env *loop_env_face(const struct loop_env *loop_env)
{
    return &loop_env->env;
}
