/* See model/operation.h. Quotas: section "AWS IoT Device Management jobs" of the AWS quotas pages; Service
 * Quotas codes L-145FD0E6, L-609D00CE, L-9CCB5F90, L-10F35433, L-57AAC135, L-D33FD5F9, L-B731A266,
 * L-4AB367B4, L-0EF0F5EE, L-908D0FBE. STS does not publish one for GetCallerIdentity; ten a second is far
 * below what it bears. */
#include "model/operation.h"

#include <string.h>

static const struct {
    const char *name;
    int quota;
} OPERATIONS[OPERATION_COUNT] = {
    [OPERATION_LIST_JOBS] = {"ListJobs", 10},
    [OPERATION_DESCRIBE_JOB] = {"DescribeJob", 10},
    [OPERATION_LIST_EXECUTIONS_FOR_JOB] = {"ListJobExecutionsForJob", 10},
    [OPERATION_LIST_EXECUTIONS_FOR_THING] = {"ListJobExecutionsForThing", 10},
    [OPERATION_LIST_THINGS] = {"ListThings", 10},
    [OPERATION_LIST_THINGS_IN_GROUP] = {"ListThingsInThingGroup", 25},
    [OPERATION_DESCRIBE_THING] = {"DescribeThing", 350},
    [OPERATION_SEARCH_INDEX] = {"SearchIndex", 15},
    [OPERATION_DESCRIBE_EXECUTION] = {"DescribeJobExecution", 10},
    [OPERATION_DELETE_EXECUTION] = {"DeleteJobExecution", 10},
    [OPERATION_GET_CALLER_IDENTITY] = {"GetCallerIdentity", 10},
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
