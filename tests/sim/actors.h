/* Everybody else who works on a site's fleet: they delete, create, progress, and use the quota. */
#ifndef SIM_ACTORS_H
#define SIM_ACTORS_H

#include "model/call.h"
#include "sim/sim.h"

struct actors;

struct actors *actors_create(const struct site *site);
void actors_destroy(struct actors *actors); /* takes NULL */
/* An answer that the process got: some act because of it. */
void actors_heard(struct actors *actors, const struct call *call);
/* Somebody else deleted this one. */
bool actors_took(const struct actors *actors, uint64_t identity);

#endif
