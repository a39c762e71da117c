/* See engine/curfew.h. */
#include "engine/curfew.h"

#include "base/time.h"
#include "policy/timetable.h"

#include <stddef.h>

#define LOOK_EVERY_NS (60 * TIME_NS_PER_SECOND)

enum sweep_limit curfew_look(const struct curfew *curfew, int64_t mono_ns, int64_t wall_ms, int64_t *left_ns)
{
    const struct policy *policy = curfew->policy;
    int64_t closes_ms = timetable_closes(policy, wall_ms);
    *left_ns = INT64_MAX;
    if (closes_ms <= wall_ms) {
        return LIMIT_WINDOW;
    }
    if (closes_ms != INT64_MAX) {
        *left_ns = (closes_ms - wall_ms) * TIME_NS_PER_MS;
    }
    int64_t duration_ns = policy->max_duration_ms * TIME_NS_PER_MS;
    if (duration_ns > 0 && mono_ns - curfew->began_ns >= duration_ns) {
        return LIMIT_DURATION;
    }
    if (duration_ns > 0 && curfew->began_ns + duration_ns - mono_ns < *left_ns) {
        *left_ns = curfew->began_ns + duration_ns - mono_ns;
    }
    return LIMIT_ROWS;
}

static enum sweep_limit look(struct curfew *curfew)
{
    const struct env *env = curfew->env;
    int64_t left_ns, now_ns = env->mono_ns(env->ctx);
    enum sweep_limit limit = curfew_look(curfew, now_ns, env->wall_ms(env->ctx), &left_ns);
    if (limit == LIMIT_ROWS && left_ns != INT64_MAX) {
        env->start(env->ctx, &curfew->timer, now_ns + (left_ns < LOOK_EVERY_NS ? left_ns : LOOK_EVERY_NS));
    }
    return limit;
}

static void on_timer(struct env_timer *timer)
{
    struct curfew *curfew = timer->owner;
    enum sweep_limit limit = look(curfew);
    if (limit != LIMIT_ROWS) {
        curfew->over(curfew->owner, limit);
    }
}

enum sweep_limit curfew_start(struct curfew *curfew)
{
    curfew->began_ns = curfew->env->mono_ns(curfew->env->ctx);
    curfew->timer = (struct env_timer){.fire = on_timer, .owner = curfew};
    return look(curfew);
}

void curfew_stop(struct curfew *curfew)
{
    if (curfew->env != NULL) {
        curfew->env->stop(curfew->env->ctx, &curfew->timer);
    }
}
