/* See model/job_execution.h. */
#include "model/job_execution.h"

#include <stddef.h>

const char *fingerprint_difference(const struct fingerprint *a, const struct fingerprint *b)
{
    if (a->status != b->status) {
        return "status";
    }
    if (!timestamp_equal(&a->queued_at, &b->queued_at)) {
        return "queuedAt";
    }
    if (!timestamp_equal(&a->started_at, &b->started_at)) {
        return "startedAt";
    }
    if (!timestamp_equal(&a->last_updated_at, &b->last_updated_at)) {
        return "lastUpdatedAt";
    }
    if (a->version_number != 0 && b->version_number != 0 && a->version_number != b->version_number) {
        return "versionNumber";
    }
    return NULL;
}

void job_execution_print(struct buf *out, const struct job_execution *execution)
{
    buf_printf(out, "%s/%s/%lld", execution->job_id, execution->thing_name, (long long)execution->number);
}
