/* A virtual world in one thread: a heap of events ordered by (time, sequence), an env (engine/env.h) on it,
 * and a job service that carries calls to a fleet with latency and faults. The same seed gives the same run;
 * nothing waits. */
#ifndef SIM_VIRTUAL_H
#define SIM_VIRTUAL_H

#include "engine/env.h"
#include "model/call.h"
#include "sim/fleet.h"

#include <stdbool.h>
#include <stdint.h>

struct virtual_world;

struct virtual_config {
    uint64_t seed;
    struct fleet *fleet;                    /* the caller's; may be NULL where no service is used */
    int64_t start_ms;                       /* wall clock at the start */
    int64_t skew_ms;                        /* the service's clock minus ours */
    int64_t latency_min_ns, latency_max_ns; /* of a whole call, half before the execution */
    int64_t signature_life_ms; /* the service refuses what was signed longer ago (or ahead); 300,000 when 0 */
    /* Faults, in 1/1,000,000 of calls; each call suffers one at most. lost_late: the answer never comes, and
     * the service carries a deletion out at some moment before its signature is too old. Lost calls end as
     * ANSWER_AMBIGUOUS, half at once (a reset), half after 10 s (a timeout). */
    int not_sent, lost_before, lost_after, lost_late, error_500_executed, error_500_refused, error_503,
        throttled;
};

/* Monotonic time begins at 0. */
struct virtual_world *virtual_create(const struct virtual_config *config);
void virtual_destroy(struct virtual_world *world); /* takes NULL; calls under way get no done() */
/* From now on; for phases with faults and phases without. The clocks and the fleet stay as they are. */
void virtual_set_faults(struct virtual_world *world, const struct virtual_config *config);

const struct env *virtual_env(struct virtual_world *world);
const struct job_service *virtual_service(struct virtual_world *world);
int64_t virtual_mono_ns(const struct virtual_world *world);

/* Runs `function` once at this time. What belongs to the process (timers, answers, virtual_at_process())
 * waits while the process stands still; virtual_at() does not. */
void virtual_at(struct virtual_world *world, int64_t at_ns, void (*function)(void *ctx), void *ctx);
void virtual_at_process(struct virtual_world *world, int64_t at_ns, void (*function)(void *ctx), void *ctx);
/* The process stands still until then: suspended, stopped, starved. The clocks and everybody else go on. */
void virtual_stand_still(struct virtual_world *world, int64_t until_ns);
/* Sets the wall clock to this much beside the true time (0 at first). */
void virtual_set_wall(struct virtual_world *world, int64_t offset_ms);
size_t virtual_pending(const struct virtual_world *world, bool process); /* events to come, of either side */
/* Puts bytes into the trace's hash. */
void virtual_note(struct virtual_world *world, const void *bytes, size_t length);
/* Runs what belongs to the process and nothing else, whatever the time, until done(); then the clock stands
 * where it stood. For a process that was killed: its objects end, and nobody hears of it. False when that
 * takes more events, or it runs out of them. */
bool virtual_wind_up(struct virtual_world *world, bool (*done)(void *ctx), void *ctx, int64_t events);
/* Runs after every event, before the next: where the ledger is drained and invariants are checked. Up to 8
 * such functions, run in the order given. */
void virtual_after_each(struct virtual_world *world, void (*function)(void *ctx), void *ctx);
/* One event; false when there is none. */
bool virtual_step(struct virtual_world *world);
/* Until done(ctx) is true, nothing is left to happen, or this time has come: returns whether done(ctx) was
 * true. done may be NULL (never). The clock stands at the last event, or at until_ns if more is to come. */
bool virtual_run(struct virtual_world *world, bool (*done)(void *ctx), void *ctx, int64_t until_ns);
/* FNV-1a over everything that happened so far. */
uint64_t virtual_trace_hash(const struct virtual_world *world);

#endif
