/* The states of a job execution and of a job.
 *
 * Terminal: SUCCEEDED, FAILED, TIMED_OUT, REJECTED, REMOVED, CANCELED (AWS IoT developer guide, "Jobs and job
 * execution states"; the API page of DeleteJobExecution leaves out TIMED_OUT). QUEUED is deleted by the
 * service on request, so nothing but this module's answer protects work that is still to be done. */
#ifndef MODEL_STATUS_H
#define MODEL_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum execution_status {
    EXECUTION_UNKNOWN = 0, /* absent, or a word that we do not know: never terminal */
    EXECUTION_QUEUED,
    EXECUTION_IN_PROGRESS,
    EXECUTION_SUCCEEDED,
    EXECUTION_FAILED,
    EXECUTION_TIMED_OUT,
    EXECUTION_REJECTED,
    EXECUTION_REMOVED,
    EXECUTION_CANCELED,
    EXECUTION_STATUS_COUNT
};

enum job_status {
    JOB_UNKNOWN = 0,
    JOB_IN_PROGRESS,
    JOB_CANCELED,
    JOB_COMPLETED,
    JOB_DELETION_IN_PROGRESS,
    JOB_SCHEDULED
};

#define EXECUTION_BIT(status) (1u << (status))
#define EXECUTION_TERMINAL_BITS                                                                              \
    (EXECUTION_BIT(EXECUTION_SUCCEEDED) | EXECUTION_BIT(EXECUTION_FAILED) |                                  \
     EXECUTION_BIT(EXECUTION_TIMED_OUT) | EXECUTION_BIT(EXECUTION_REJECTED) |                                \
     EXECUTION_BIT(EXECUTION_REMOVED) | EXECUTION_BIT(EXECUTION_CANCELED))

/* The service's words, exactly; "UNKNOWN" for EXECUTION_UNKNOWN and JOB_UNKNOWN, which no word gives back. */
const char *execution_status_name(enum execution_status status);
enum execution_status execution_status_parse(const char *word);
const char *job_status_name(enum job_status status);
enum job_status job_status_parse(const char *word);

bool execution_status_terminal(enum execution_status status);

#endif
