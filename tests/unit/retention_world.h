/* A random policy of everything that `match`, `keep` and `protect` know, over a random small fleet; also what
 * is known of its jobs and things. */
#ifndef UNIT_RETENTION_WORLD_H
#define UNIT_RETENTION_WORLD_H

#include "policy/keep.h"
#include "policy/match.h"

#define HOUR       INT64_C(3600000)
#define DAY        (24 * HOUR)
#define NOW        (INT64_C(20400) * DAY + 11 * HOUR)
#define FLEET_MAX  60
#define BLOCKS_MAX 64
#define THINGS     4

extern struct world {
    int64_t now_ms; /* NOW, until somebody lets time pass */
    struct job jobs[5];
    bool job_known[5], things_known;
    int group_of[THINGS], tier_of[THINGS], type_of[THINGS], queries[THINGS]; /* queries: a bit for each */
    bool nested;                                                             /* group g1 is within g0 */
    struct job_execution fleet[FLEET_MAX];
    int count;
    struct match blocks[BLOCKS_MAX];
    int blocks_used;
    struct keep_rule keep[KEEP_RULES_MAX];
    struct protect_rule rules[2];
    struct protect_list protect;
    struct policy policy;
    const char *zone_name;
} world;

void world_load(void); /* the time zones; before the first world */
void world_unload(void);
void world_draw(uint64_t seed);

void world_name_thing(int thing, char *name); /* four bytes */
int world_thing_number(const char *thing_name);
bool world_within(int thing, const char *group);
bool world_found(int thing, const char *query);
const struct job *world_job_of(const struct job_execution *execution);
enum truth world_thing_fact(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                            const char *value); /* for struct match_facts */

#endif
