/* The world of a trial: its fleet, policy, faults and other actors, all drawn from the seed. */
#ifndef SIM_TRIAL_WORLD_H
#define SIM_TRIAL_WORLD_H

#include "sim/trial.h"

void trial_make_world(struct trial *trial, bool calm);
/* No more faults, no more actors. */
void trial_heal(struct trial *trial);
/* What another actor does because of an answer that we got: takes the number just looked at, or just lost. */
void trial_mischief(struct trial *trial, const struct call *call);

int64_t trial_service_ms(const struct trial *trial); /* the service's clock now */
int64_t trial_skew_ms(const struct trial *trial);
const struct job *trial_job(const struct trial *trial, const char *job_id);

#endif
