/* The operations of the service that jobsweep calls. Each has a quota of its own per account and region, so
 * each has a lane of its own. */
#ifndef MODEL_OPERATION_H
#define MODEL_OPERATION_H

#include <stdbool.h>

enum operation {
    OPERATION_LIST_JOBS,
    OPERATION_DESCRIBE_JOB,
    OPERATION_LIST_EXECUTIONS_FOR_JOB,
    OPERATION_LIST_EXECUTIONS_FOR_THING,
    OPERATION_LIST_THINGS,
    OPERATION_LIST_THINGS_IN_GROUP,
    OPERATION_DESCRIBE_THING,
    OPERATION_SEARCH_INDEX,
    OPERATION_DESCRIBE_EXECUTION,
    OPERATION_DELETE_EXECUTION,
    OPERATION_GET_CALLER_IDENTITY, /* of STS */
    OPERATION_GET_SERVICE_QUOTA,   /* of Service Quotas: only `check --online` asks */
    OPERATION_COUNT
};

/* "DeleteJobExecution" and so on: AWS's own names. */
const char *operation_name(enum operation operation);
/* OPERATION_COUNT for an unknown name. */
enum operation operation_parse(const char *name);
/* Everything but DELETE_EXECUTION may be repeated without thought. */
bool operation_is_read(enum operation operation);
/* The default quota in requests a second (Service Quotas: AWS IoT Device Management and AWS IoT Core). */
int operation_default_quota(enum operation operation);
/* What Service Quotas calls the quota, "L-4AB367B4", and its service, "iot" or "iotcore"; NULL where it has
 * none. */
const char *operation_quota_code(enum operation operation, const char **service);

#endif
