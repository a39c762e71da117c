/* struct env (engine/env.h) on a libuv loop: the clock that counts suspend (CLOCK_BOOTTIME), timers of
 * nanosecond resolution at absolute times, chance seeded by the kernel.
 *
 * All timers share one timerfd, because libuv's own have whole milliseconds and stand still while the machine
 * sleeps. They fire from one place, once a turn of the loop. */
#ifndef APP_LOOP_ENV_H
#define APP_LOOP_ENV_H

#include "base/err.h"
#include "engine/env.h"

#include <uv.h>

struct loop_env;

/* NULL with err when the kernel refuses a timer. Keeps the loop alive until loop_env_destroy(). */
struct loop_env *loop_env_create(uv_loop_t *loop, struct err *err);
/* Stops every timer; frees once its handles are closed, which takes a turn of the loop. Takes NULL. */
void loop_env_destroy(struct loop_env *loop_env);

const struct env *loop_env_face(const struct loop_env *loop_env);

#endif
