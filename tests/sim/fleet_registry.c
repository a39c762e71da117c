/* See fleet_registry.h. */
#include "sim/fleet_registry.h"

#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_model.h"
#include "sim/fleet_search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKED_AT_PER_RESULT 10

uint64_t fleet_text_mark(const char *text, uint64_t mark)
{
    for (; text && *text; text++) {
        mark = (mark ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return (mark ^ 0xff) * UINT64_C(0x100000001b3);
}

/* A lasting id, as a version 4 UUID; it is the same for the same name in the same account. */
static void make_id(const struct fleet *fleet, const char *kind, const char *name, char id[40])
{
    uint64_t high =
        fleet_text_mark(name, fleet_text_mark(kind, fleet_text_mark(fleet->account, 14695981039346656037u)));
    uint64_t low = fleet_text_mark(name, high ^ fleet_text_mark(fleet->region, 7));

    snprintf(id, 40, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-a%03" PRIx64 "-%012" PRIx64, high >> 32,
             high >> 16 & 0xffff, high & 0xfff, low >> 52, low & UINT64_C(0xffffffffffff));
}

/* --- a thing --- */

static const char *word(const struct fleet *fleet, uint32_t number)
{
    return names_text(fleet->words, number);
}

static void tell(const struct fleet *fleet, uint32_t index, struct fleet_thing_about *about)
{
    const struct fleet_thing *thing = &fleet->things[index];

    *about = (struct fleet_thing_about){.name = names_text(fleet->thing_names, index)};
    about->type = thing->type ? word(fleet, thing->type - 1) : NULL;
    about->group = thing->group != NO_GROUP ? names_text(fleet->group_names, thing->group) : NULL;
    make_id(fleet, "thing", about->name, about->id);
    for (uint32_t i = 0; i < thing->attribute_count; i++) {
        const struct fleet_attribute *attribute = &fleet->attributes[thing->first_attribute + i];
        about->attributes[about->attribute_count].name = word(fleet, attribute->name);
        about->attributes[about->attribute_count++].value = word(fleet, attribute->value);
    }
}

bool fleet_thing_about(const struct fleet *fleet, const char *name, struct fleet_thing_about *about)
{
    const struct fleet_thing *thing = fleet_thing(fleet, name);

    if (thing) {
        tell(fleet, (uint32_t)(thing - fleet->things), about);
    }
    return thing != NULL;
}

bool fleet_thing_set_type(struct fleet *fleet, const char *name, const char *type)
{
    struct fleet_thing *thing = fleet_thing(fleet, name);

    if (thing) {
        thing->type = type ? names_intern(fleet->words, type) + 1 : 0;
    }
    return thing != NULL;
}

/* Room for one more attribute behind those of this thing, which move to the end of the array. */
static struct fleet_attribute *grow(struct fleet *fleet, struct fleet_thing *thing)
{
    bool last = thing->first_attribute + thing->attribute_count == fleet->attribute_count;
    uint32_t first = last ? thing->first_attribute : fleet->attribute_count;

    if (first + thing->attribute_count >= fleet->attribute_room) {
        fleet->attribute_room = (first + thing->attribute_count + 16) * 2;
        fleet->attributes = mem_realloc(fleet->attributes, fleet->attribute_room, sizeof(*fleet->attributes));
    }
    if (!last) {
        memcpy(&fleet->attributes[first], &fleet->attributes[thing->first_attribute],
               thing->attribute_count * sizeof(*fleet->attributes));
    }
    thing->first_attribute = first;
    fleet->attribute_count = first + ++thing->attribute_count;
    return &fleet->attributes[fleet->attribute_count - 1];
}

bool fleet_thing_set_attribute(struct fleet *fleet, const char *name, const char *attribute,
                               const char *value)
{
    struct fleet_thing *thing = fleet_thing(fleet, name);
    uint32_t number = names_intern(fleet->words, attribute), i = 0;

    if (!thing) {
        return false;
    }
    while (i < thing->attribute_count && fleet->attributes[thing->first_attribute + i].name != number) {
        i++;
    }
    struct fleet_attribute *found =
        i < thing->attribute_count ? &fleet->attributes[thing->first_attribute + i] : NULL;
    if (!*value && found) {
        *found = fleet->attributes[thing->first_attribute + --thing->attribute_count];
    }
    if (!*value || (!found && thing->attribute_count == FLEET_ATTRIBUTES_MAX)) {
        return !*value;
    }
    found = found ? found : grow(fleet, thing);
    *found = (struct fleet_attribute){number, names_intern(fleet->words, value)};
    return true;
}

bool fleet_thing_set_group(struct fleet *fleet, const char *name, const char *group)
{
    struct fleet_thing *thing = fleet_thing(fleet, name);
    uint32_t index = group ? fleet_group(fleet, group) : NO_GROUP;

    if (!thing || (group && index == NO_GROUP)) {
        return false;
    }
    thing->group = index;
    return true;
}

/* --- what the generator gives: from the seed and the thing's number, so that no other draw moves --- */

static uint64_t draw(uint64_t seed, uint64_t thing, uint64_t which, uint64_t below)
{
    struct random random;

    random_seed(&random, seed ^ thing << 20 ^ which << 56 ^ UINT64_C(0x7265676973747279));
    return random_below(&random, below);
}

static void make_attribute(struct fleet *fleet, const char *name, uint64_t seed, uint32_t thing, int which)
{
    static const char *const names[] = {"site", "ring", "firmware", "serial", "owner", "batch"};
    static const char *const sites[] = {"berlin", "osaka", "austin", "lima"};
    static const char *const rings[] = {"canary", "early", "late"};
    char text[32], attribute[32];

    switch (which % 6) {
    case 0:
        snprintf(text, sizeof(text), "%s", sites[draw(seed, thing, 1, 4)]);
        break;
    case 1:
        snprintf(text, sizeof(text), "%s", rings[draw(seed, thing, 2, 3)]);
        break;
    case 2:
        snprintf(text, sizeof(text), "1.%d.0", (int)draw(seed, thing, 3, 5));
        break;
    case 3:
        snprintf(text, sizeof(text), "SN%08" PRIx64, draw(seed, thing, 4, UINT32_MAX));
        break;
    default:
        snprintf(text, sizeof(text), "v%d", (int)draw(seed, thing, (uint64_t)which + 5, 10));
    }
    snprintf(attribute, sizeof(attribute), which < 6 ? "%s" : "%s%d", names[which % 6], which / 6);
    fleet_thing_set_attribute(fleet, name, attribute, text);
}

void fleet_make_registry(struct fleet *fleet, const struct fleet_config *config)
{
    char type[32];

    for (int i = 0; i < config->things && (config->thing_types > 0 || config->thing_attributes > 0); i++) {
        const char *name = names_text(fleet->thing_names, (uint32_t)i);
        if (config->thing_types > 0) {
            snprintf(type, sizeof(type), "type-%d",
                     (int)draw(config->seed, (uint64_t)i, 0, (uint64_t)config->thing_types));
            fleet_thing_set_type(fleet, name, type);
        }
        for (int which = 0; which < config->thing_attributes; which++) {
            make_attribute(fleet, name, config->seed, (uint32_t)i, which);
        }
    }
}

/* --- lists --- */

bool fleet_like(const struct fleet *fleet, uint32_t index)
{
    const struct fleet_things_filter *filter = fleet->filter;
    struct fleet_thing_about about;

    tell(fleet, index, &about);
    if (filter->type && (!about.type || strcmp(about.type, filter->type) != 0)) {
        return false;
    }
    for (size_t i = 0; filter->attribute && i < about.attribute_count; i++) {
        const char *value = about.attributes[i].value;
        if (strcmp(about.attributes[i].name, filter->attribute) == 0) {
            return !filter->value || (filter->prefix ? strncmp(value, filter->value, strlen(filter->value))
                                                     : strcmp(value, filter->value)) == 0;
        }
    }
    return !filter->attribute;
}

void fleet_list_things_like(struct fleet *fleet, struct call *call, const struct fleet_things_filter *filter,
                            int64_t now_ms)
{
    fleet->filter = filter;
    fleet->mark =
        fleet_text_mark(filter->value, fleet_text_mark(filter->attribute, fleet_text_mark(filter->type, 1)));
    fleet->mark ^= filter->prefix;
    fleet_execute(fleet, call, now_ms);
    fleet->filter = NULL;
    fleet->mark = 0;
}

/* Walks the things from a token on; false when the token is refused. */
void fleet_search(struct fleet *fleet, struct call *call, const struct search *search, uint64_t mark)
{
    struct page *page = &call->page;
    uint32_t end = names_count(fleet->thing_names);
    uint64_t position;
    int may_look_at = call->max_results * LOOKED_AT_PER_RESULT;

    fleet->mark = mark;
    if (fleet_take_token(fleet, call, &position)) {
        page->things = mem_calloc((size_t)call->max_results, sizeof(*page->things));
        for (; position < end && page->count < fleet_page_room(fleet, call) && may_look_at-- > 0;
             position++) {
            struct fleet_thing_about about;
            tell(fleet, (uint32_t)position, &about);
            if (fleet->things[position].exists && search_matches(search, &about)) {
                text_copy(page->things[page->count++], sizeof(*page->things), about.name);
            }
        }
        if (position < end) {
            fleet_give_token(fleet, call, position);
        }
    }
    fleet->mark = 0;
}

/* --- groups --- */

static bool group_passes(const struct fleet *fleet, uint32_t group, uint32_t parent,
                         const struct fleet_groups_filter *filter)
{
    const struct fleet_group *found = &fleet->groups[group];

    if (!found->exists || (filter->prefix && strncmp(names_text(fleet->group_names, group), filter->prefix,
                                                     strlen(filter->prefix)) != 0)) {
        return false;
    }
    if (filter->children_only) {
        return found->parent == parent;
    }
    return !filter->parent || (group != parent && fleet_group_within(fleet, group, parent));
}

void fleet_list_groups(struct fleet *fleet, struct call *call, const struct fleet_groups_filter *filter)
{
    uint32_t parent = filter->parent ? fleet_group(fleet, filter->parent) : NO_GROUP;
    uint32_t end = names_count(fleet->group_names);
    struct page *page = &call->page;
    uint64_t position;

    if (filter->parent && parent == NO_GROUP) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing group %.128s cannot be found.",
                     filter->parent);
        return;
    }
    fleet->mark = fleet_text_mark(filter->parent, fleet_text_mark(filter->prefix, 2)) ^ filter->children_only;
    if (fleet_take_token(fleet, call, &position)) {
        page->things = mem_calloc((size_t)call->max_results, sizeof(*page->things));
        for (; position < end && page->count < fleet_page_room(fleet, call); position++) {
            if (group_passes(fleet, (uint32_t)position, parent, filter)) {
                text_copy(page->things[page->count++], sizeof(*page->things),
                          names_text(fleet->group_names, (uint32_t)position));
            }
        }
        if (position < end) {
            fleet_give_token(fleet, call, position);
        }
    }
    fleet->mark = 0;
}

bool fleet_group_about(const struct fleet *fleet, const char *name, struct fleet_group_about *about)
{
    uint32_t group = fleet_group(fleet, name), above[FLEET_ANCESTORS_MAX];

    if (group == NO_GROUP) {
        return false;
    }
    *about = (struct fleet_group_about){.created_ms = fleet->made_ms};
    make_id(fleet, "group", name, about->id);
    for (uint32_t at = fleet->groups[group].parent;
         at != NO_GROUP && about->ancestor_count < FLEET_ANCESTORS_MAX; at = fleet->groups[at].parent) {
        above[about->ancestor_count++] = at;
    }
    for (size_t i = 0; i < about->ancestor_count; i++) {
        about->ancestors[i] = names_text(fleet->group_names, above[about->ancestor_count - 1 - i]);
    }
    return true;
}

/* --- jobs --- */

size_t fleet_job_things(const struct fleet *fleet, const char *job_id, const char **names, size_t room)
{
    const struct fleet_job *job = fleet_job(fleet, job_id);
    size_t count = 0;

    for (uint32_t i = 0; job && i < job->executions.count && count < room; i++) {
        const struct record *record = fleet_record(fleet, job->executions.items[i]);
        const char *name = names_text(fleet->thing_names, record->thing);
        size_t known = 0;
        while (known < count && names[known] != name) {
            known++;
        }
        if (known == count) {
            names[count++] = name;
        }
    }
    return count;
}
