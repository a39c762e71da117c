/* See iotsim_actor.h. */
#include "sim/iotsim_actor.h"

#include "base/mem.h"

#include <stdlib.h>

#define FIRST_ROOM 64

void iotsim_actor_init(struct iotsim_actor *actor, int recreate_ms)
{
    *actor = (struct iotsim_actor){.recreate_ms = recreate_ms};
}

void iotsim_actor_finish(struct iotsim_actor *actor)
{
    free(actor->deeds);
    free(actor->newcomers);
}

static void *room_for(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? *room * 2 : FIRST_ROOM;
    return mem_realloc(items, *room, size);
}

static void recreate(struct iotsim_actor *actor, struct fleet *fleet, const struct iotsim_deed *deed)
{
    struct fleet_execution old;
    if (!fleet_identity(fleet, deed->identity, &old))
        return;
    uint64_t identity = fleet_add_execution(fleet, old.execution.job_id, old.execution.thing_name,
                                            EXECUTION_SUCCEEDED, deed->due_ms, deed->due_ms);
    if (!identity)
        return; /* the job or the thing has gone, too */
    actor->newcomers =
        room_for(actor->newcomers, actor->newcomer_count, &actor->newcomer_room, sizeof *actor->newcomers);
    actor->newcomers[actor->newcomer_count++] = identity;
}

void iotsim_actor_act(struct iotsim_actor *actor, struct fleet *fleet, int64_t now_ms)
{
    while (actor->deed_next < actor->deed_count && actor->deeds[actor->deed_next].due_ms <= now_ms)
        recreate(actor, fleet, &actor->deeds[actor->deed_next++]);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void iotsim_actor_deleted(struct iotsim_actor *actor, uint64_t identity, int64_t now_ms)
{
    if (actor->recreate_ms < 0)
        return;
    if (actor->newcomer_count &&
        bsearch(&identity, actor->newcomers, actor->newcomer_count, sizeof *actor->newcomers, compare)) {
        actor->wrong_deletes++;
        return;
    }
    actor->deeds = room_for(actor->deeds, actor->deed_count, &actor->deed_room, sizeof *actor->deeds);
    actor->deeds[actor->deed_count++] =
        (struct iotsim_deed){.identity = identity, .due_ms = now_ms + actor->recreate_ms};
}
