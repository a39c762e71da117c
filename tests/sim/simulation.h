/* One seed from beginning to end: a phase of faults, healing, a last round of sweeps, and the judgement. */
#ifndef SIM_SIMULATION_H
#define SIM_SIMULATION_H

#include "base/buf.h"
#include "sim/sim.h"

struct policy;

struct simulation {
    uint64_t hash;    /* of everything that happened */
    char broken[400]; /* the first rule that did not hold; "" if all did */
    int64_t broken_step;
};

/* totals: added to, unless NULL. policy: instead of the drawn ones, unless NULL. trace: a line for each event
 * on standard output. */
void simulation_run(const struct scenario *scenario, const struct policy *policy, bool trace,
                    struct sim_totals *totals, struct simulation *result);

/* Takes away what is not needed for it to break the same rule, in place. */
void simulation_shrink(struct scenario *scenario, const char *broken);

void simulation_print(const struct sim_totals *totals, struct buf *out);

#endif
