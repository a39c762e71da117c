/* Somebody else in the same account: makes each job execution that was deleted anew after a while, and its
 * device finishes it. With --reuse-numbers the newcomer has the number of the old one, so that a deletion
 * sent twice hits it. Nobody has ever selected a newcomer: it is younger than any list and any plan, so each
 * deletion of one is a wrong one, and counted.
 *
 * What is due is done when the next request comes: between requests nobody can tell. */
#ifndef SIM_IOTSIM_ACTOR_H
#define SIM_IOTSIM_ACTOR_H

#include "sim/fleet.h"

#include <stddef.h>
#include <stdint.h>

struct iotsim_deed {
    uint64_t identity; /* what was deleted */
    int64_t due_ms;
};

struct iotsim_actor {
    int recreate_ms;           /* -1: does nothing */
    struct iotsim_deed *deeds; /* in the order of their time; those before deed_next are done */
    size_t deed_count, deed_room, deed_next;
    uint64_t *newcomers; /* their identities, ascending */
    size_t newcomer_count, newcomer_room;
    int64_t wrong_deletes;
};

void iotsim_actor_init(struct iotsim_actor *actor, int recreate_ms);
void iotsim_actor_finish(struct iotsim_actor *actor);

/* Does what is due by now. */
void iotsim_actor_act(struct iotsim_actor *actor, struct fleet *fleet, int64_t now_ms);
/* DeleteJobExecution has deleted this one. A newcomer is not made a second time. */
void iotsim_actor_deleted(struct iotsim_actor *actor, uint64_t identity, int64_t now_ms);

#endif
