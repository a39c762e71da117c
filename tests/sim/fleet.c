/* The fleet model's core: what exists, under which identity, and what has been deleted. See sim/fleet.h. */
#include "sim/fleet.h"

#include "base/mem.h"
#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_model.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 1024u

/* --- identity lists --- */

static void ids_push(struct ids *ids, uint64_t identity)
{
    if (ids->count == ids->room) {
        ids->room = ids->room ? ids->room * 2 : 4;
        ids->items = mem_realloc(ids->items, ids->room, sizeof *ids->items);
    }
    ids->items[ids->count++] = (uint32_t)identity;
}

static void ids_bury(struct ids *ids, const struct fleet *fleet)
{
    if (++ids->dead <= ids->count / 2) {
        return;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ids->count; i++) {
        if (!fleet_record(fleet, ids->items[i])->deleted_ms) {
            ids->items[kept++] = ids->items[i];
        }
    }
    ids->count = kept;
    ids->dead = 0;
}

uint32_t ids_after(const struct ids *ids, uint64_t identity)
{
    uint32_t low = 0, high = ids->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (ids->items[middle] <= identity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* --- (job, thing) -> executions --- */

static uint32_t *bucket(const struct fleet *fleet, uint32_t job, uint32_t thing)
{
    uint64_t mixed = ((uint64_t)job << 32 | thing) * UINT64_C(0x9e3779b97f4a7c15);
    return &fleet->buckets[(mixed >> 32) & (fleet->bucket_count - 1)];
}

uint64_t fleet_pair_head(const struct fleet *fleet, uint32_t job, uint32_t thing)
{
    return *bucket(fleet, job, thing);
}

static void link_pair(struct fleet *fleet, uint64_t identity)
{
    struct record *record = fleet_record(fleet, identity);
    uint32_t *head = bucket(fleet, record->job, record->thing);
    record->pair_next = *head;
    *head = (uint32_t)identity;
}

static void grow_buckets(struct fleet *fleet)
{
    free(fleet->buckets);
    fleet->bucket_count *= 2;
    fleet->buckets = mem_calloc(fleet->bucket_count, sizeof *fleet->buckets);
    for (uint32_t identity = 1; identity <= fleet->record_count; identity++) {
        link_pair(fleet, identity);
    }
}

struct past *fleet_past(struct fleet *fleet, struct record *record)
{
    if (!record->past) {
        if (fleet->past_count == fleet->past_room) {
            fleet->past_room = fleet->past_room * 2 + 64;
            fleet->pasts = mem_realloc(fleet->pasts, fleet->past_room, sizeof *fleet->pasts);
        }
        fleet->pasts[fleet->past_count++] = (struct past){0};
        record->past = fleet->past_count;
    }
    return &fleet->pasts[record->past - 1];
}

bool fleet_shows(const struct fleet *fleet, const struct record *record)
{
    if (fleet->as_of_ms == 0) {
        return !record->deleted_ms;
    }
    return (!record->past || fleet->pasts[record->past - 1].born_ms <= fleet->as_of_ms) &&
           (!record->deleted_ms || record->deleted_ms > fleet->as_of_ms);
}

/* The next execution that exists of this pair, newest first; start with the bucket's head. */
static uint64_t alive_of_pair(const struct fleet *fleet, uint64_t identity, uint32_t job, uint32_t thing)
{
    while (identity) {
        const struct record *record = fleet_record(fleet, identity);
        if (record->job == job && record->thing == thing && fleet_shows(fleet, record)) {
            break;
        }
        identity = record->pair_next;
    }
    return identity;
}

static uint64_t find_number(const struct fleet *fleet, uint32_t job, uint32_t thing, int64_t number)
{
    uint64_t at = alive_of_pair(fleet, *bucket(fleet, job, thing), job, thing);
    while (at && fleet_record(fleet, at)->number != number) {
        at = alive_of_pair(fleet, fleet_record(fleet, at)->pair_next, job, thing);
    }
    return at;
}

uint64_t fleet_newest(const struct fleet *fleet, uint32_t job, uint32_t thing)
{
    uint64_t newest = 0;
    uint64_t at = alive_of_pair(fleet, *bucket(fleet, job, thing), job, thing);
    while (at) {
        if (!newest || fleet_record(fleet, at)->number > fleet_record(fleet, newest)->number) {
            newest = at;
        }
        at = alive_of_pair(fleet, fleet_record(fleet, at)->pair_next, job, thing);
    }
    return newest;
}

/* Without reuse: above every number that the pair ever had. With it: the lowest that is free. */
static int64_t next_number(const struct fleet *fleet, uint32_t job, uint32_t thing)
{
    int64_t base = fleet->jobs[job].number_base, highest = base, existing = 0;
    for (uint64_t at = *bucket(fleet, job, thing); at; at = fleet_record(fleet, at)->pair_next) {
        const struct record *record = fleet_record(fleet, at);
        if (record->job != job || record->thing != thing || (fleet->reuse_numbers && record->deleted_ms)) {
            continue;
        }
        existing++;
        if (record->number > highest) {
            highest = record->number;
        }
    }
    if (highest == base + existing) {
        return highest + 1;
    }
    int64_t number = base + 1;
    while (find_number(fleet, job, thing, number)) {
        number++;
    }
    return number;
}

/* --- what exists --- */

static void *room_for(void *array, uint32_t *room, uint32_t index, size_t size)
{
    if (index < *room) {
        return array;
    }
    uint32_t old = *room;
    *room = index < 16 ? 32 : index * 2;
    array = mem_realloc(array, *room, size);
    memset((char *)array + old * size, 0, (*room - old) * size);
    return array;
}

static void free_job(struct fleet_job *job)
{
    free(job->executions.items);
    free(job->reason_code);
    free(job->comment);
    free(job->document);
}

uint32_t fleet_put_job(struct fleet *fleet, const char *job_id)
{
    uint32_t index = names_intern(fleet->job_names, job_id);
    fleet->jobs = room_for(fleet->jobs, &fleet->job_room, index, sizeof *fleet->jobs);
    free_job(&fleet->jobs[index]);
    fleet->jobs[index] = (struct fleet_job){.exists = true, .target = NO_GROUP};
    return index;
}

uint32_t fleet_put_thing(struct fleet *fleet, const char *name)
{
    uint32_t index = names_intern(fleet->thing_names, name);
    fleet->things = room_for(fleet->things, &fleet->thing_room, index, sizeof *fleet->things);
    fleet->things[index].exists = true;
    fleet->things[index].group = NO_GROUP;
    fleet->things[index].type = 0;
    fleet->things[index].attribute_count = 0;
    return index;
}

uint32_t fleet_put_group(struct fleet *fleet, const char *name)
{
    uint32_t index = names_intern(fleet->group_names, name);
    fleet->groups = room_for(fleet->groups, &fleet->group_room, index, sizeof *fleet->groups);
    fleet->groups[index] = (struct fleet_group){.exists = true, .parent = NO_GROUP};
    return index;
}

struct fleet_job *fleet_job(const struct fleet *fleet, const char *job_id)
{
    uint32_t index = names_find(fleet->job_names, job_id);
    return index != UINT32_MAX && fleet->jobs[index].exists ? &fleet->jobs[index] : NULL;
}

struct fleet_thing *fleet_thing(const struct fleet *fleet, const char *name)
{
    uint32_t index = names_find(fleet->thing_names, name);
    return index != UINT32_MAX && fleet->things[index].exists ? &fleet->things[index] : NULL;
}

uint32_t fleet_group(const struct fleet *fleet, const char *name)
{
    uint32_t index = names_find(fleet->group_names, name);
    return index != UINT32_MAX && fleet->groups[index].exists ? index : NO_GROUP;
}

uint64_t fleet_put_execution(struct fleet *fleet, uint32_t job, uint32_t thing, int64_t queued_ms)
{
    int64_t number = next_number(fleet, job, thing);
    if (fleet->record_count == fleet->record_room) {
        fleet->record_room = fleet->record_room ? fleet->record_room * 2 : 256;
        fleet->records = mem_realloc(fleet->records, fleet->record_room, sizeof *fleet->records);
    }
    uint64_t identity = ++fleet->record_count;
    *fleet_record(fleet, identity) = (struct record){.number = number,
                                                     .queued_ms = queued_ms,
                                                     .updated_ms = queued_ms,
                                                     .job = job,
                                                     .thing = thing,
                                                     .version = 1,
                                                     .status = EXECUTION_QUEUED};
    if (fleet->record_count > fleet->bucket_count) {
        grow_buckets(fleet); /* links the new one too */
    } else {
        link_pair(fleet, identity);
    }
    ids_push(&fleet->jobs[job].executions, identity);
    ids_push(&fleet->things[thing].executions, identity);
    fleet->jobs[job].counts[EXECUTION_QUEUED]++;
    fleet->counts.executions++;
    return identity;
}

void fleet_restate(struct fleet *fleet, uint64_t identity, enum execution_status status)
{
    struct record *record = fleet_record(fleet, identity);
    fleet->jobs[record->job].counts[record->status]--;
    fleet->jobs[record->job].counts[status]++;
    record->status = (uint8_t)status;
}

void fleet_drop(struct fleet *fleet, uint64_t identity, int64_t now_ms)
{
    struct record *record = fleet_record(fleet, identity);
    record->deleted_ms = now_ms > 0 ? now_ms : 1; /* 0 would say that it exists */
    fleet->jobs[record->job].counts[record->status]--;
    fleet->counts.executions--;
    ids_bury(&fleet->jobs[record->job].executions, fleet);
    ids_bury(&fleet->things[record->thing].executions, fleet);
}

/* --- the life of a fleet --- */

static void open_quotas(struct fleet *fleet, const struct fleet_config *config)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        int rate = config->quota[i] ? config->quota[i] : operation_default_quota((enum operation)i);
        quota_open(&fleet->quotas[i], config->quota_kind, rate, config->now_ms);
    }
}

struct fleet *fleet_create(const struct fleet_config *config)
{
    struct fleet *fleet = mem_zalloc(sizeof *fleet);
    text_copy(fleet->account, sizeof fleet->account, config->account ? config->account : "123456789012");
    text_copy(fleet->region, sizeof fleet->region, config->region ? config->region : "us-east-1");
    fleet->reuse_numbers = config->reuse_numbers;
    random_seed(&fleet->random, config->seed);
    fleet->token_secret = random_next(&fleet->random);
    fleet->page_rows = -1;
    fleet->bucket_count = FIRST_BUCKETS;
    fleet->buckets = mem_calloc(fleet->bucket_count, sizeof *fleet->buckets);
    fleet->job_names = names_create();
    fleet->thing_names = names_create();
    fleet->group_names = names_create();
    fleet->words = names_create();
    fleet->made_ms = config->now_ms;
    open_quotas(fleet, config);
    fleet_make(fleet, config);
    fleet_make_registry(fleet, config);
    return fleet;
}

void fleet_destroy(struct fleet *fleet)
{
    if (!fleet) {
        return;
    }
    for (uint32_t i = 0; i < names_count(fleet->job_names); i++) {
        free_job(&fleet->jobs[i]);
    }
    for (uint32_t i = 0; i < names_count(fleet->thing_names); i++) {
        free(fleet->things[i].executions.items);
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        quota_close(&fleet->quotas[i]);
    }
    names_destroy(fleet->job_names);
    names_destroy(fleet->thing_names);
    names_destroy(fleet->group_names);
    names_destroy(fleet->words);
    free(fleet->attributes);
    free(fleet->jobs);
    free(fleet->things);
    free(fleet->groups);
    free(fleet->records);
    free(fleet->pasts);
    free(fleet->buckets);
    free(fleet);
}

/* --- the truth --- */

void fleet_stamp(int64_t ms, struct timestamp *timestamp)
{
    timestamp->ms = ms;
    timestamp->text[0] = '\0';
    if (ms <= 0) {
        timestamp->ms = 0;
        return;
    }
    char digits[24];
    int at = 0, fraction = 3;
    int64_t rest = ms;
    for (; fraction > 0 && rest % 10 == 0; fraction--) { /* the service's JSON drops zeros at the end */
        rest /= 10;
    }
    for (int i = 0; i < fraction; i++, rest /= 10) {
        digits[at++] = (char)('0' + rest % 10);
    }
    if (fraction) {
        digits[at++] = '.';
    }
    do {
        digits[at++] = (char)('0' + rest % 10);
    } while (rest /= 10);
    for (int i = 0; i < at; i++) {
        timestamp->text[i] = digits[at - 1 - i];
    }
    timestamp->text[at] = '\0';
}

void fleet_show(const struct fleet *fleet, uint64_t identity, struct job_execution *execution)
{
    const struct record *record = fleet_record(fleet, identity);
    const struct past *past = record->past ? &fleet->pasts[record->past - 1] : NULL;
    bool before = past && fleet->as_of_ms != 0 && past->changed_ms > fleet->as_of_ms;
    text_copy(execution->job_id, sizeof execution->job_id, names_text(fleet->job_names, record->job));
    text_copy(execution->thing_name, sizeof execution->thing_name,
              names_text(fleet->thing_names, record->thing));
    execution->number = record->number;
    execution->fingerprint.status = before ? past->status : (enum execution_status)record->status;
    execution->fingerprint.version_number = record->version - before;
    fleet_stamp(record->queued_ms, &execution->fingerprint.queued_at);
    fleet_stamp(before ? past->started_ms : record->started_ms, &execution->fingerprint.started_at);
    fleet_stamp(before ? past->updated_ms : record->updated_ms, &execution->fingerprint.last_updated_at);
}

bool fleet_identity(const struct fleet *fleet, uint64_t identity, struct fleet_execution *execution)
{
    if (identity == 0 || identity > fleet->record_count) {
        return false;
    }
    const struct record *record = fleet_record(fleet, identity);
    execution->identity = identity;
    execution->deleted_ms = record->deleted_ms;
    execution->forced = record->forced;
    fleet_show(fleet, identity, &execution->execution);
    return true;
}

uint64_t fleet_find(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number,
                    struct fleet_execution *execution)
{
    uint32_t job = names_find(fleet->job_names, job_id);
    uint32_t thing = names_find(fleet->thing_names, thing_name);
    if (job == UINT32_MAX || thing == UINT32_MAX) {
        return 0;
    }
    uint64_t identity = find_number(fleet, job, thing, number);
    if (identity && execution) {
        fleet_identity(fleet, identity, execution);
    }
    return identity;
}

void fleet_each(const struct fleet *fleet, bool deleted,
                void (*each)(void *ctx, const struct fleet_execution *execution), void *ctx)
{
    for (uint64_t identity = 1; identity <= fleet->record_count; identity++) {
        struct fleet_execution execution;
        if ((fleet_record(fleet, identity)->deleted_ms != 0) != deleted) {
            continue;
        }
        fleet_identity(fleet, identity, &execution);
        each(ctx, &execution);
    }
}

void fleet_counts(const struct fleet *fleet, struct fleet_counts *counts)
{
    *counts = fleet->counts;
}

/* --- other actors --- */

static bool started_in(enum execution_status status)
{
    return status == EXECUTION_IN_PROGRESS || status == EXECUTION_SUCCEEDED || status == EXECUTION_FAILED ||
           status == EXECUTION_TIMED_OUT;
}

uint64_t fleet_add_execution(struct fleet *fleet, const char *job_id, const char *thing_name,
                             enum execution_status status, int64_t last_updated_ms, int64_t now_ms)
{
    uint32_t job = names_find(fleet->job_names, job_id);
    uint32_t thing = names_find(fleet->thing_names, thing_name);
    if (!fleet_job(fleet, job_id) || !fleet_thing(fleet, thing_name) || status == EXECUTION_UNKNOWN) {
        return 0;
    }
    int64_t queued_ms = last_updated_ms > 0 && last_updated_ms < now_ms ? last_updated_ms : now_ms;
    uint64_t identity = fleet_put_execution(fleet, job, thing, queued_ms);
    fleet_restate(fleet, identity, status);
    struct record *record = fleet_record(fleet, identity);
    fleet_past(fleet, record)->born_ms = now_ms;
    record->updated_ms = last_updated_ms;
    record->started_ms = started_in(status) ? queued_ms : 0;
    return identity;
}

uint64_t fleet_find_as_of(struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number,
                          int64_t as_of_ms)
{
    fleet->as_of_ms = as_of_ms;
    uint64_t identity = fleet_find(fleet, job_id, thing_name, number, NULL);
    fleet->as_of_ms = 0;
    return identity;
}

uint64_t fleet_set_status(struct fleet *fleet, uint64_t identity, enum execution_status status,
                          int64_t now_ms)
{
    if (identity == 0 || identity > fleet->record_count || status == EXECUTION_UNKNOWN ||
        fleet_record(fleet, identity)->deleted_ms) {
        return 0;
    }
    struct record *record = fleet_record(fleet, identity);
    struct past *past = fleet_past(fleet, record);
    *past = (struct past){.born_ms = past->born_ms,
                          .changed_ms = now_ms,
                          .started_ms = record->started_ms,
                          .updated_ms = record->updated_ms,
                          .status = (enum execution_status)record->status};
    fleet_restate(fleet, identity, status);
    record->updated_ms = now_ms;
    record->version++;
    if (started_in(status) && !record->started_ms) {
        record->started_ms = now_ms;
    }
    return identity;
}

uint64_t fleet_remove(struct fleet *fleet, uint64_t identity, int64_t now_ms)
{
    if (identity == 0 || identity > fleet->record_count || fleet_record(fleet, identity)->deleted_ms) {
        return 0;
    }
    fleet_drop(fleet, identity, now_ms);
    return identity;
}
