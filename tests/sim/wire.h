/* The way between the process and the service, with the faults of both: a job service (model/call.h) on the
 * fleet, in virtual time. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "model/call.h"
#include "sim/sim.h"

struct wire;

struct wire *wire_create(const struct site *site);
/* Requests that are on their way are gone. Takes NULL. */
void wire_destroy(struct wire *wire);
const struct job_service *wire_service(struct wire *wire);

/* The process is killed: what it had sent goes on, its calls come back at once, and so do new ones, until
 * wire_restore(). */
void wire_cut(struct wire *wire);
void wire_restore(struct wire *wire);

void wire_expire_credentials(struct wire *wire, int64_t refresh_ms);
size_t wire_waiting(const struct wire *wire); /* calls whose answer is to come */

#endif
