/* See model/status.h. */
#include "model/status.h"

#include <string.h>

static const char *const EXECUTION_NAMES[EXECUTION_STATUS_COUNT] = {
    [EXECUTION_UNKNOWN] = "UNKNOWN",         [EXECUTION_QUEUED] = "QUEUED",
    [EXECUTION_IN_PROGRESS] = "IN_PROGRESS", [EXECUTION_SUCCEEDED] = "SUCCEEDED",
    [EXECUTION_FAILED] = "FAILED",           [EXECUTION_TIMED_OUT] = "TIMED_OUT",
    [EXECUTION_REJECTED] = "REJECTED",       [EXECUTION_REMOVED] = "REMOVED",
    [EXECUTION_CANCELED] = "CANCELED",
};

static const char *const JOB_NAMES[] = {
    [JOB_UNKNOWN] = "UNKNOWN",     [JOB_IN_PROGRESS] = "IN_PROGRESS",
    [JOB_CANCELED] = "CANCELED",   [JOB_COMPLETED] = "COMPLETED",
    [JOB_SCHEDULED] = "SCHEDULED", [JOB_DELETION_IN_PROGRESS] = "DELETION_IN_PROGRESS",
};
#define JOB_STATUS_COUNT ((int)(sizeof JOB_NAMES / sizeof JOB_NAMES[0]))

const char *execution_status_name(enum execution_status status)
{
    return EXECUTION_NAMES[status];
}

enum execution_status execution_status_parse(const char *word)
{
    int status = EXECUTION_UNKNOWN + 1;
    while (status < EXECUTION_STATUS_COUNT && strcmp(word, EXECUTION_NAMES[status]) != 0) {
        status++;
    }
    return status < EXECUTION_STATUS_COUNT ? (enum execution_status)status : EXECUTION_UNKNOWN;
}

const char *job_status_name(enum job_status status)
{
    return JOB_NAMES[status];
}

enum job_status job_status_parse(const char *word)
{
    int status = JOB_UNKNOWN + 1;
    while (status < JOB_STATUS_COUNT && strcmp(word, JOB_NAMES[status]) != 0) {
        status++;
    }
    return status < JOB_STATUS_COUNT ? (enum job_status)status : JOB_UNKNOWN;
}

bool execution_status_terminal(enum execution_status status)
{
    return (EXECUTION_BIT(status) & EXECUTION_TERMINAL_BITS) != 0;
}
