/* A model of the AWS IoT Jobs control plane: things, groups, jobs and job executions with hidden identities,
 * paging tokens, quota buckets. It knows the truth, so it is also the oracle. Time comes as an argument; the
 * same seed and the same calls give the same fleet.
 *
 * Two faces use it: the virtual world calls it directly (sim/virtual.h), iotsim over HTTP(S). Faults of the
 * way (resets, lost answers, latency) belong to the faces; refusals of the service (throttling, 404, 409,
 * validation) to the model. */
#ifndef SIM_FLEET_H
#define SIM_FLEET_H

#include "model/call.h"

#include <stdbool.h>
#include <stdint.h>

struct fleet;

/* How an operation's quota is counted; AWS does not say. */
enum quota_kind {
    QUOTA_CONTINUOUS,   /* a bucket of one second's worth that fills all the time */
    QUOTA_EACH_SECOND,  /* the same, filled at each full second */
    QUOTA_FIXED_WINDOW, /* five seconds' worth in each window of five seconds */
    QUOTA_SLIDING_LOG,  /* one second's worth in any second */
    QUOTA_KIND_COUNT
};

struct fleet_config {
    uint64_t seed;
    int things;                 /* names "gw-000000"; every 16th as "gw-000005:radio" */
    int jobs;                   /* ids "fw-0000" and so on: see below */
    int64_t executions;         /* created in all states and with ages of 0 to 400 days */
    int groups;                 /* thing groups "group-0" ...; nested */
    int64_t now_ms;             /* the fleet's clock when it is made */
    const char *account;        /* NULL: "123456789012" */
    const char *region;         /* NULL: "us-east-1" */
    int quota[OPERATION_COUNT]; /* requests a second, burst of one second; 0: the default quota; -1: none */
    enum quota_kind quota_kind;
    bool reuse_numbers;   /* a new execution takes a freed number */
    int thing_types;      /* "type-0" ..., one for each thing; 0: none have a type */
    int thing_attributes; /* of each thing: site, ring, firmware, serial, owner, batch, and so on */
};

/* The jobs have every status, selection and retry setting. "fw-0000" is a COMPLETED SNAPSHOT job (IN_PROGRESS
 * when it is the only one); of four jobs or more the last is named AFR_OTA-*, of five or more the one before
 * it belongs to Greengrass; a SCHEDULED job has no executions. */
struct fleet *fleet_create(const struct fleet_config *config);
void fleet_destroy(struct fleet *fleet); /* takes NULL */

/* Carries out one call at this moment: fills answer (class, status, code, message, request id, server date)
 * and result exactly as the service would answer it. Does not call done(). */
void fleet_execute(struct fleet *fleet, struct call *call, int64_t now_ms);

/* The same for a read, from the state of an earlier moment. */
void fleet_execute_stale(struct fleet *fleet, struct call *call, int64_t now_ms, int64_t as_of_ms);

/* Writes the document of an answered description: what tells one incarnation from another. */
void fleet_document(struct call *call);

/* Pages hold so many rows at most from now on, whatever is asked for, and 0 is possible; -1: no limit. */
void fleet_limit_pages(struct fleet *fleet, int rows);

/* The truth. identity is unique for ever; 0 means none. */
struct fleet_execution {
    uint64_t identity;
    struct job_execution execution;
    int64_t deleted_ms; /* 0 while it exists */
    bool forced;        /* it was deleted with force while IN_PROGRESS */
};
uint64_t fleet_find(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number,
                    struct fleet_execution *execution); /* of those that exist; execution may be NULL */
bool fleet_identity(const struct fleet *fleet, uint64_t identity, struct fleet_execution *execution);
uint64_t fleet_identities(const struct fleet *fleet); /* how many there ever were: identities are 1.. */
/* The newest that ever had this number, deleted or not; 0: none. */
uint64_t fleet_latest(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number);
/* The one that has or had this number, these times and state, and this version where one is told; of what may
 * have gone on since, the one that was queued then. 0: none. */
uint64_t fleet_find_print(const struct fleet *fleet, const struct job_execution *execution);
/* What the service would say of the job, without asking it. */
bool fleet_know_job(struct fleet *fleet, const char *job_id, struct job *job);
/* Visits every execution that exists, or every one ever deleted, in the order of their identities. */
void fleet_each(const struct fleet *fleet, bool deleted,
                void (*each)(void *ctx, const struct fleet_execution *execution), void *ctx);

/* What a test thinks up, as it is given: groups, things and jobs first, then executions, of times, status and
 * a number that no other of its job and thing has; 0 when that cannot be. parent, group, type: NULL for none.
 */
void fleet_place_group(struct fleet *fleet, const char *name, const char *parent);
void fleet_place_thing(struct fleet *fleet, const char *name, const char *group, const char *type);
void fleet_place_job(struct fleet *fleet, const struct job *job);
uint64_t fleet_place_execution(struct fleet *fleet, const struct job_execution *execution);

/* What other actors do: they are the tests' hands. Return the identity concerned, 0 when it cannot be done.
 */
uint64_t fleet_add_execution(struct fleet *fleet, const char *job_id, const char *thing_name,
                             enum execution_status status, int64_t last_updated_ms, int64_t now_ms);
uint64_t fleet_set_status(struct fleet *fleet, uint64_t identity, enum execution_status status,
                          int64_t now_ms);
uint64_t fleet_remove(struct fleet *fleet, uint64_t identity, int64_t now_ms);
/* Another incarnation under the number of one that was deleted: it looks like that one but for what is given
 * here. */
enum fleet_difference {
    FLEET_OTHER_STATUS = 1,
    FLEET_OTHER_QUEUED = 2,
    FLEET_OTHER_STARTED = 4,
    FLEET_OTHER_UPDATED = 8,
    FLEET_OTHER_VERSION = 16
};
uint64_t fleet_reincarnate(struct fleet *fleet, uint64_t identity, unsigned differences, int64_t now_ms);
/* A request of somebody else that counts towards this operation's quota. */
void fleet_use_quota(struct fleet *fleet, enum operation operation, int64_t now_ms);
int64_t fleet_quota(const struct fleet *fleet, enum operation operation); /* a second; 0: no limit */
/* Whose number it is for a read of that state; 0: none. */
uint64_t fleet_find_as_of(struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number,
                          int64_t as_of_ms);

struct fleet_counts {
    int64_t calls[OPERATION_COUNT];     /* that reached the model */
    int64_t throttled[OPERATION_COUNT]; /* of these, refused for their rate */
    int64_t executions;                 /* that exist now */
    int64_t deleted;                    /* by DeleteJobExecution */
    int64_t forced;
};
void fleet_counts(const struct fleet *fleet, struct fleet_counts *counts);

#endif
