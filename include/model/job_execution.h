/* A job execution, and the fingerprint that tells one incarnation of its number from another.
 *
 * (job id, thing name, execution number) is no lasting identity: "once a job execution is deleted, the
 * executionNumber may be reused" (API reference, DeleteJobExecution). */
#ifndef MODEL_JOB_EXECUTION_H
#define MODEL_JOB_EXECUTION_H

#include "base/buf.h"
#include "model/names.h"
#include "model/status.h"
#include "model/timestamp.h"

#include <stdint.h>

struct fingerprint {
    enum execution_status status;
    struct timestamp queued_at;
    struct timestamp started_at;      /* absent when it never started */
    struct timestamp last_updated_at; /* absent means: of unknown age, never deleted for its age */
    int64_t version_number;           /* 0 when not told (the list operations do not) */
};

struct job_execution {
    char job_id[JOB_ID_MAX + 1];
    char thing_name[THING_NAME_MAX + 1];
    int64_t number; /* above 0 */
    struct fingerprint fingerprint;
};

/* NULL when the fingerprints are of one incarnation in one state, else the name of the first field that
 * differs
 * ("status", "queuedAt", "startedAt", "lastUpdatedAt", "versionNumber"). A version number that only one of
 * them has is not compared. */
const char *fingerprint_difference(const struct fingerprint *a, const struct fingerprint *b);

/* Appends "job/thing/number". */
void job_execution_print(struct buf *out, const struct job_execution *execution);

#endif
