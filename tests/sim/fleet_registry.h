/* The registry beside the jobs: what a thing is (type, attributes, group), lists of things and groups by
 * filters, and searching. As in fleet_admin.h a struct call carries what is asked and the answer; no quotas.
 *
 * A thing is in one group at most, which is what `thingGroupNames` tells; the service allows ten. */
#ifndef SIM_FLEET_REGISTRY_H
#define SIM_FLEET_REGISTRY_H

#include "sim/fleet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLEET_ATTRIBUTES_MAX 50  /* of a thing with a type (Service Quotas, AWS IoT Core); 3 without */
#define FLEET_ANCESTORS_MAX  16  /* groups above a group; the service allows seven levels */
#define SEARCH_PAGE_MAX      100 /* "This maximum number cannot exceed 100" (API reference, SearchIndex) */

struct fleet_thing_about {
    const char *name, *type, *group; /* type, group: NULL for none */
    char id[40];
    size_t attribute_count;
    struct {
        const char *name, *value;
    } attributes[FLEET_ATTRIBUTES_MAX];
};
/* The texts are the fleet's. False when there is no such thing. */
bool fleet_thing_about(const struct fleet *fleet, const char *name, struct fleet_thing_about *about);

/* Of a thing that exists; type: NULL for none. attribute: an empty value takes it away. False when it cannot
 * be. */
bool fleet_thing_set_type(struct fleet *fleet, const char *name, const char *type);
bool fleet_thing_set_attribute(struct fleet *fleet, const char *name, const char *attribute,
                               const char *value);
bool fleet_thing_set_group(struct fleet *fleet, const char *name, const char *group); /* NULL: out of it */

/* What ListThings may ask for besides; NULL for no matter. */
struct fleet_things_filter {
    const char *type, *attribute, *value;
    bool prefix; /* value is the beginning of one */
};
/* The call is OPERATION_LIST_THINGS; counts and throttles it as fleet_execute() does. A page looks at ten
 * times as many things as it may hold: it may be short or empty and still have a token. */
void fleet_list_things_like(struct fleet *fleet, struct call *call, const struct fleet_things_filter *filter,
                            int64_t now_ms);

struct search;
/* Fills page.things with the names of the things that match; max_results: at most SEARCH_PAGE_MAX. mark:
 * tells this query's tokens from another's. */
void fleet_search(struct fleet *fleet, struct call *call, const struct search *search, uint64_t mark);

/* Fills page.things with names of groups. */
struct fleet_groups_filter {
    const char *parent, *prefix; /* NULL: any */
    bool children_only;          /* the parent's own (or the topmost), not theirs in turn */
};
void fleet_list_groups(struct fleet *fleet, struct call *call, const struct fleet_groups_filter *filter);

struct fleet_group_about {
    char id[40];
    int64_t created_ms;
    size_t ancestor_count;
    const char *ancestors[FLEET_ANCESTORS_MAX]; /* from the top down to the parent */
};
bool fleet_group_about(const struct fleet *fleet, const char *name, struct fleet_group_about *about);

/* Up to `room` names of the things that a job has executions on, in the order of their first ones. */
size_t fleet_job_things(const struct fleet *fleet, const char *job_id, const char **names, size_t room);

uint64_t fleet_text_mark(const char *text, uint64_t mark); /* a hash of text and a mark before it */

#endif
