/* A job, as far as sweeping needs to know it. */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "model/names.h"
#include "model/status.h"
#include "model/timestamp.h"

#include <stdbool.h>
#include <stdint.h>

struct job {
    char job_id[JOB_ID_MAX + 1];
    enum job_status status;
    bool continuous;                         /* targetSelection CONTINUOUS; else SNAPSHOT */
    char namespace_id[NAMESPACE_ID_MAX + 1]; /* "" when none, or when not told (ListJobs) */
    bool retries;                            /* has a retry configuration; false when not told (ListJobs) */
    bool described;                          /* from DescribeJob: counts, namespace and retries are known */
    /* jobProcessDetails.numberOf*Things, by status. They count executions, not things (boto3 issue 4656), lag
     * behind and are good for estimates only. */
    int64_t counts[EXECUTION_STATUS_COUNT];
    struct timestamp created_at;
};

#endif
