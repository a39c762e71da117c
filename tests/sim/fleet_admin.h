/* The rest of what the `aws iot` command can do with a fleet: what jobsweep never calls, and iotsim offers so
 * that everything in a fleet can be made, listed, described and deleted by hand. Each takes a struct call as
 * its carrier (operation OPERATION_COUNT) and fills the answer as fleet_execute() does; no quotas. */
#ifndef SIM_FLEET_ADMIN_H
#define SIM_FLEET_ADMIN_H

#include "sim/fleet.h"

struct fleet_job_about {
    enum job_status status;
    bool continuous;
    char namespace_id[NAMESPACE_ID_MAX + 1];
    char target_group[THING_NAME_MAX + 1];        /* "" when it is for things */
    int64_t created_ms, updated_ms, completed_ms; /* completed_ms: 0 while it is not over */
    bool retries, force_canceled;
    const char *reason_code, *comment, *document; /* NULL: none; the fleet's */
};
bool fleet_job_about(const struct fleet *fleet, const char *job_id, struct fleet_job_about *about);
void fleet_stamp(int64_t ms, struct timestamp *timestamp); /* as the service writes it: 1560787023.636 */
bool fleet_force_canceled(const struct fleet *fleet, const struct job_execution *execution);
/* This job execution existed once and was deleted. */
bool fleet_was_deleted(const struct fleet *fleet, const char *job_id, const char *thing_name, int64_t number);

void fleet_answer(struct fleet *fleet, struct call *call,
                  int64_t now_ms); /* a fresh answer: 200, ids, date */

/* thing_name. The group it is in is left in group_name, "" for none. Its pending executions become REMOVED
 * when it is deleted. */
void fleet_describe_thing(struct fleet *fleet, struct call *call);
void fleet_create_thing(struct fleet *fleet, struct call *call);
void fleet_delete_thing(struct fleet *fleet, struct call *call, int64_t now_ms);

/* group_name. The parent's name is left in thing_name, "" at the top. */
void fleet_describe_group(struct fleet *fleet, struct call *call);
void fleet_create_group(struct fleet *fleet, struct call *call, const char *parent); /* NULL: at the top */
void fleet_delete_group(struct fleet *fleet, struct call *call);

/* job_id, force. A new job is an empty SNAPSHOT job in progress: add executions with fleet_add_execution().
 * Its executions go with a deleted job, at once. */
void fleet_create_job(struct fleet *fleet, struct call *call, bool continuous, const char *document,
                      int64_t now_ms);
void fleet_cancel_job(struct fleet *fleet, struct call *call, const char *reason_code, const char *comment,
                      int64_t now_ms); /* NULL for none */
void fleet_delete_job(struct fleet *fleet, struct call *call, int64_t now_ms);

/* job_id, thing_name, force; of the newest execution: QUEUED, or IN_PROGRESS with force. */
void fleet_cancel_execution(struct fleet *fleet, struct call *call, int64_t now_ms);

#endif
