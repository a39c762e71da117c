/* When a run that deletes has to end: at the end of its policy's window, or after its longest duration. The
 * wall clock is looked at once a minute at least, as it may be set. */
#ifndef ENGINE_CURFEW_H
#define ENGINE_CURFEW_H

#include "engine/env.h"
#include "engine/report.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Embedded in its owner's struct. Zeroed memory is one that never comes. */
struct curfew {
    const struct env *env;
    const struct policy *policy;
    int64_t began_ns;
    struct env_timer timer;
    void (*over)(void *owner, enum sweep_limit limit); /* at most once, from the timer */
    void *owner;
};

/* Is the time up, at these clocks? LIMIT_ROWS: no, and *left_ns says how long it is not; INT64_MAX: for ever.
 */
enum sweep_limit curfew_look(const struct curfew *curfew, int64_t mono_ns, int64_t wall_ms, int64_t *left_ns);
/* env, policy, over and owner are filled in; the run begins now. What this returns is told here alone. */
enum sweep_limit curfew_start(struct curfew *curfew);
void curfew_stop(struct curfew *curfew);

#endif
