/* See model/operation.h. Quotas: section "AWS IoT Device Management jobs" of the AWS quotas pages. STS does
 * not publish one for GetCallerIdentity, nor Service Quotas for GetServiceQuota; ten and five a second are
 * far below what they bear. */
#include "model/operation.h"

#include <string.h>

#define JOBS     "iot"     /* AWS IoT Device Management */
#define REGISTRY "iotcore" /* AWS IoT Core */

static const struct {
    const char *name;
    int quota;
    const char *service, *code; /* of Service Quotas */
} OPERATIONS[OPERATION_COUNT] = {
    [OPERATION_LIST_JOBS] = {"ListJobs", 10, JOBS, "L-145FD0E6"},
    [OPERATION_DESCRIBE_JOB] = {"DescribeJob", 10, JOBS, "L-609D00CE"},
    [OPERATION_LIST_EXECUTIONS_FOR_JOB] = {"ListJobExecutionsForJob", 10, JOBS, "L-9CCB5F90"},
    [OPERATION_LIST_EXECUTIONS_FOR_THING] = {"ListJobExecutionsForThing", 10, JOBS, "L-10F35433"},
    [OPERATION_LIST_THINGS] = {"ListThings", 10, REGISTRY, "L-57AAC135"},
    [OPERATION_LIST_THINGS_IN_GROUP] = {"ListThingsInThingGroup", 25, REGISTRY, "L-D33FD5F9"},
    [OPERATION_DESCRIBE_THING] = {"DescribeThing", 350, REGISTRY, "L-0EF0F5EE"},
    [OPERATION_SEARCH_INDEX] = {"SearchIndex", 15, JOBS, "L-908D0FBE"},
    [OPERATION_DESCRIBE_EXECUTION] = {"DescribeJobExecution", 10, JOBS, "L-B731A266"},
    [OPERATION_DELETE_EXECUTION] = {"DeleteJobExecution", 10, JOBS, "L-4AB367B4"},
    [OPERATION_GET_CALLER_IDENTITY] = {"GetCallerIdentity", 10, NULL, NULL},
    [OPERATION_GET_SERVICE_QUOTA] = {"GetServiceQuota", 5, NULL, NULL},
};

const char *operation_name(enum operation operation)
{
    return OPERATIONS[operation].name;
}

enum operation operation_parse(const char *name)
{
    int operation = 0;
    while (operation < OPERATION_COUNT && strcmp(name, OPERATIONS[operation].name) != 0) {
        operation++;
    }
    return (enum operation)operation;
}

bool operation_is_read(enum operation operation)
{
    return operation != OPERATION_DELETE_EXECUTION;
}

int operation_default_quota(enum operation operation)
{
    return OPERATIONS[operation].quota;
}

const char *operation_quota_code(enum operation operation, const char **service)
{
    *service = OPERATIONS[operation].service;
    return OPERATIONS[operation].code;
}
