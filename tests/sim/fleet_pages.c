/* The list operations and their page tokens.
 *
 * A token is the position after which to go on, the number of the token, so that none is given twice, and a
 * check over both, the operation and the filters: whoever gives it to another query, or makes one up, is
 * refused. A filtered page looks at a bounded number of rows, as the service's does: it may be short, or
 * empty, and still have a token. So may any page be by fleet_limit_pages(). */
#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOKED_AT_PER_RESULT 10
#define POSITION_BITS        40

/* --- tokens --- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t token_check(const struct fleet *fleet, const struct call *call, uint64_t position)
{
    uint64_t filters[] = {fleet->token_secret, position,         call->operation,
                          call->status,        call->job_status, call->recursive};
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), filters, sizeof filters);
    hash = mix(hash, call->job_id, strlen(call->job_id) + 1);
    hash = mix(hash, call->thing_name, strlen(call->thing_name) + 1);
    hash = mix(hash, call->group_name, strlen(call->group_name) + 1);
    hash ^= fleet->mark;
    return hash ^ hash >> 31;
}

void fleet_give_token(struct fleet *fleet, struct call *call, uint64_t position)
{
    char token[40];
    position |= ++fleet->tokens << POSITION_BITS;
    snprintf(token, sizeof token, "%016" PRIx64 "%016" PRIx64, position ^ (fleet->token_secret >> 7),
             token_check(fleet, call, position));
    call->page.next_token = mem_strdup(token);
}

bool fleet_take_token(const struct fleet *fleet, struct call *call, uint64_t *position)
{
    char expected[40];
    *position = 0;
    if (!call->next_token) {
        return true;
    }
    if (strlen(call->next_token) == 32 && sscanf(call->next_token, "%16" SCNx64, position) == 1) {
        *position ^= fleet->token_secret >> 7;
        snprintf(expected, sizeof expected, "%016" PRIx64, token_check(fleet, call, *position));
        *position &= (UINT64_C(1) << POSITION_BITS) - 1;
        if (strcmp(call->next_token + 16, expected) == 0) {
            return true;
        }
    }
    fleet_refuse(call, 400, "InvalidRequestException", "The nextToken is invalid for this request.");
    return false;
}

void fleet_limit_pages(struct fleet *fleet, int rows)
{
    fleet->page_rows = rows;
}

size_t fleet_page_room(const struct fleet *fleet, const struct call *call)
{
    bool limited = fleet->page_rows >= 0 && fleet->page_rows < call->max_results;
    return (size_t)(limited ? fleet->page_rows : call->max_results);
}

/* --- jobs --- */

static void show_job(const struct fleet *fleet, uint32_t index, struct job *job)
{
    const struct fleet_job *found = &fleet->jobs[index];
    *job = (struct job){.status = found->status, .continuous = found->continuous};
    text_copy(job->job_id, sizeof job->job_id, names_text(fleet->job_names, index));
    fleet_stamp(found->created_ms, &job->created_at);
}

void fleet_list_jobs(struct fleet *fleet, struct call *call)
{
    uint64_t position;
    if (!fleet_take_token(fleet, call, &position)) {
        return;
    }
    struct page *page = &call->page;
    uint32_t end = names_count(fleet->job_names);
    page->jobs = mem_calloc((size_t)call->max_results, sizeof *page->jobs);
    for (; position < end && page->count < fleet_page_room(fleet, call); position++) {
        const struct fleet_job *job = &fleet->jobs[position];
        if (job->exists && (call->job_status == JOB_UNKNOWN || call->job_status == job->status)) {
            show_job(fleet, (uint32_t)position, &page->jobs[page->count++]);
        }
    }
    if (position < end) {
        fleet_give_token(fleet, call, position);
    }
}

/* --- executions --- */

static bool wanted(const struct fleet *fleet, const struct call *call, const struct record *record)
{
    if (!fleet_shows(fleet, record)) {
        return false;
    }
    if (call->status != EXECUTION_UNKNOWN && call->status != (enum execution_status)record->status) {
        return false;
    }
    return call->operation == OPERATION_LIST_EXECUTIONS_FOR_JOB || !call->job_id[0] ||
           strcmp(names_text(fleet->job_names, record->job), call->job_id) == 0;
}

static const struct ids *executions_of(const struct fleet *fleet, struct call *call)
{
    if (call->operation == OPERATION_LIST_EXECUTIONS_FOR_JOB) {
        const struct fleet_job *job = fleet_job(fleet, call->job_id);
        if (!job) {
            fleet_refuse(call, 404, "ResourceNotFoundException", "Job %s cannot be found.", call->job_id);
        }
        return job ? &job->executions : NULL;
    }
    const struct fleet_thing *thing = fleet_thing(fleet, call->thing_name);
    if (!thing) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing %s cannot be found.", call->thing_name);
    }
    return thing ? &thing->executions : NULL;
}

void fleet_list_executions(struct fleet *fleet, struct call *call)
{
    uint64_t position;
    const struct ids *ids = fleet_take_token(fleet, call, &position) ? executions_of(fleet, call) : NULL;
    if (!ids) {
        return;
    }
    struct page *page = &call->page;
    page->executions = mem_calloc((size_t)call->max_results, sizeof *page->executions);
    int may_look_at = (int)fleet_page_room(fleet, call) * LOOKED_AT_PER_RESULT;
    uint32_t at = ids_after(ids, position);
    for (; at < ids->count && page->count < fleet_page_room(fleet, call) && may_look_at > 0; at++) {
        const struct record *record = fleet_record(fleet, ids->items[at]);
        may_look_at -= !record->deleted_ms;
        if (!wanted(fleet, call, record)) {
            continue;
        }
        struct job_execution *execution = &page->executions[page->count++];
        fleet_show(fleet, ids->items[at], execution);
        execution->fingerprint.version_number = 0; /* lists do not tell it */
    }
    if (at < ids->count) {
        fleet_give_token(fleet, call, at > 0 ? ids->items[at - 1] : 0);
    }
}

/* --- things --- */

bool fleet_group_within(const struct fleet *fleet, uint32_t group, uint32_t ancestor)
{
    while (group != NO_GROUP && group != ancestor) {
        group = fleet->groups[group].parent;
    }
    return group == ancestor;
}

static bool member(const struct fleet *fleet, const struct call *call, const struct fleet_thing *thing,
                   uint32_t group)
{
    if (!thing->exists) {
        return false;
    }
    if (call->operation == OPERATION_LIST_THINGS || thing->group == group) {
        return true;
    }
    return call->recursive && fleet_group_within(fleet, thing->group, group);
}

void fleet_list_things(struct fleet *fleet, struct call *call)
{
    uint64_t position;
    uint32_t group = NO_GROUP;
    if (!fleet_take_token(fleet, call, &position)) {
        return;
    }
    if (call->operation == OPERATION_LIST_THINGS_IN_GROUP) {
        group = fleet_group(fleet, call->group_name);
    }
    if (call->operation == OPERATION_LIST_THINGS_IN_GROUP && group == NO_GROUP) {
        fleet_refuse(call, 404, "ResourceNotFoundException", "Thing group %s cannot be found.",
                     call->group_name);
        return;
    }
    struct page *page = &call->page;
    uint32_t end = names_count(fleet->thing_names);
    page->things = mem_calloc((size_t)call->max_results, sizeof *page->things);
    int64_t may_look_at = fleet->filter ? call->max_results * LOOKED_AT_PER_RESULT : INT64_MAX;
    for (; position < end && page->count < fleet_page_room(fleet, call) && may_look_at-- > 0; position++) {
        if (member(fleet, call, &fleet->things[position], group) &&
            (!fleet->filter || fleet_like(fleet, (uint32_t)position))) {
            text_copy(page->things[page->count++], sizeof *page->things,
                      names_text(fleet->thing_names, (uint32_t)position));
        }
    }
    if (position < end) {
        fleet_give_token(fleet, call, position);
    }
}
