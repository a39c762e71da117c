/* The inside of the fleet model, for the fleet_*.c files only. Everything refers to everything else by index:
 * a job, a thing and a group by the number of its name, an execution by its identity (index + 1), so that a
 * million executions need 64 bytes each and a few for the lists. */
#ifndef SIM_FLEET_MODEL_H
#define SIM_FLEET_MODEL_H

#include "base/names.h"
#include "base/random.h"
#include "sim/fleet.h"
#include "sim/fleet_quota.h"
#include "sim/fleet_registry.h"

#define NO_GROUP UINT32_MAX

/* Identities in rising order. Deleted ones stay until they are the majority, so that a page token (the last
 * identity shown) is found again by bisection whatever was deleted meanwhile. */
struct ids {
    uint32_t *items;
    uint32_t count, room, dead;
};

struct record {
    int64_t number;
    int64_t queued_ms, started_ms, updated_ms; /* 0: absent */
    int64_t deleted_ms;                        /* 0 while it exists */
    uint32_t job, thing;
    uint32_t pair_next; /* the next older identity in this bucket of (job, thing); 0 ends */
    uint32_t version;
    uint32_t past; /* number of its struct past, from 1; 0: it was as it is from the start */
    uint8_t status;
    bool forced; /* deleted with force */
    bool force_canceled;
};

/* What a read of an earlier state needs to know of an execution that others made or changed. */
struct past {
    int64_t born_ms;
    int64_t changed_ms; /* its latest change of state, 0: none; before it was: */
    int64_t started_ms, updated_ms;
    enum execution_status status;
};

struct fleet_thing {
    bool exists;
    uint32_t group; /* it is a member of, NO_GROUP for none */
    uint32_t type;  /* the number of its word + 1; 0: none */
    uint32_t first_attribute, attribute_count;
    struct ids executions;
};

/* Both are words. */
struct fleet_attribute {
    uint32_t name, value;
};

struct fleet_group {
    bool exists;
    uint32_t parent; /* NO_GROUP at the top */
};

struct fleet_job {
    bool exists;
    enum job_status status;
    bool continuous, retries;
    char namespace_id[NAMESPACE_ID_MAX + 1];
    uint32_t target;     /* the group it was made for, or NO_GROUP when for things */
    int64_t number_base; /* its executions' numbers are above this: 0, or ten digits as in old accounts */
    int64_t created_ms, updated_ms, completed_ms;
    bool force_canceled;
    char *reason_code, *comment, *document; /* NULL: none was given */
    int64_t counts[EXECUTION_STATUS_COUNT]; /* of the executions that exist */
    struct ids executions;
};

struct fleet {
    char account[ACCOUNT_LENGTH + 1];
    char region[64];
    bool reuse_numbers;
    int64_t as_of_ms; /* reads see the state of this moment; 0: the present one */
    struct random random;
    uint64_t token_secret;
    uint64_t tokens; /* given so far */
    int page_rows;   /* at most; -1: any number */
    struct record *records;
    uint32_t record_count, record_room;
    struct past *pasts;
    uint32_t past_count, past_room;
    uint32_t *buckets; /* of (job, thing): the newest identity, 0 for none */
    uint32_t bucket_count;
    struct names *job_names, *thing_names, *group_names;
    struct names *words; /* types, names and values of attributes */
    struct fleet_attribute *attributes;
    uint32_t attribute_count, attribute_room;
    int64_t made_ms;
    const struct fleet_things_filter *filter; /* of the list that is under way; NULL: none */
    uint64_t mark;                            /* of its filters, for its tokens; 0: none */
    struct fleet_job *jobs;
    struct fleet_thing *things;
    struct fleet_group *groups;
    uint32_t job_room, thing_room, group_room;
    struct quota quotas[OPERATION_COUNT];
    struct fleet_counts counts;
};

static inline struct record *fleet_record(const struct fleet *fleet, uint64_t identity)
{
    return &fleet->records[identity - 1];
}

/* fleet.c */
uint32_t fleet_put_job(struct fleet *fleet, const char *job_id); /* makes it exist; the rest is cleared */
uint32_t fleet_put_thing(struct fleet *fleet, const char *name); /* the same, but its executions stay */
uint32_t fleet_put_group(struct fleet *fleet, const char *name);
struct fleet_job *fleet_job(const struct fleet *fleet, const char *job_id); /* NULL unless it exists */
struct fleet_thing *fleet_thing(const struct fleet *fleet, const char *name);
uint32_t fleet_group(const struct fleet *fleet, const char *name); /* NO_GROUP unless it exists */
/* A new QUEUED execution with the next number of its pair. */
uint64_t fleet_put_execution(struct fleet *fleet, uint32_t job, uint32_t thing, int64_t queued_ms);
void fleet_restate(struct fleet *fleet, uint64_t identity, enum execution_status status);
void fleet_drop(struct fleet *fleet, uint64_t identity, int64_t now_ms); /* it no longer exists */
uint64_t fleet_newest(const struct fleet *fleet, uint32_t job,
                      uint32_t thing); /* the highest number; 0: none */
void fleet_show(const struct fleet *fleet, uint64_t identity, struct job_execution *execution);
uint32_t ids_after(const struct ids *ids, uint64_t identity); /* index of the first above identity */

struct past *fleet_past(struct fleet *fleet, struct record *record); /* made where there is none */
/* The newest identity of the bucket that holds this pair's; the others follow by pair_next. */
uint64_t fleet_pair_head(const struct fleet *fleet, uint32_t job, uint32_t thing);
bool fleet_shows(const struct fleet *fleet, const struct record *record); /* it exists for reads */

/* fleet_make.c */
void fleet_make(struct fleet *fleet, const struct fleet_config *config);

/* fleet_registry.c */
void fleet_make_registry(struct fleet *fleet, const struct fleet_config *config);
bool fleet_like(const struct fleet *fleet, uint32_t thing); /* it passes fleet->filter */

/* fleet_calls.c */
void fleet_refuse(struct call *call, int http_status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* False, and refused, when the call's name breaks its rule. */
bool fleet_check_job(struct call *call);
bool fleet_check_thing(struct call *call);
bool fleet_check_group(struct call *call);

/* fleet_pages.c; each fills page or refuses */
void fleet_list_jobs(struct fleet *fleet, struct call *call);
void fleet_list_executions(struct fleet *fleet, struct call *call);
void fleet_list_things(struct fleet *fleet, struct call *call);
/* The position to go on after, 0 for the first page; false when refused. */
bool fleet_take_token(const struct fleet *fleet, struct call *call, uint64_t *position);
void fleet_give_token(struct fleet *fleet, struct call *call, uint64_t position);
size_t fleet_page_room(const struct fleet *fleet, const struct call *call); /* rows of a page at most */
bool fleet_group_within(const struct fleet *fleet, uint32_t group, uint32_t ancestor);

#endif
