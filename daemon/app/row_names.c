/* See app/row_names.h. */
#include "app/row_names.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* The second spelling is the service's own. */
static const struct {
    const char *name;
    enum column column;
} columns[] = {
    {"job_id", COLUMN_JOB},
    {"jobId", COLUMN_JOB},
    {"thing_name", COLUMN_THING},
    {"thingName", COLUMN_THING},
    {"execution_number", COLUMN_NUMBER},
    {"executionNumber", COLUMN_NUMBER},
    {"verdict", COLUMN_VERDICT},
    {"target", COLUMN_TARGET},
    {"account", COLUMN_ACCOUNT},
    {"region", COLUMN_REGION},
};

#define COLUMNS (sizeof columns / sizeof columns[0])

/* Names that others give the number, none of them a slip of the pen. Without it the newest would be meant. */
static const char *const number_names[] = {
    "number",          "exec",        "exec_no",      "exec_num",     "exec_number",      "execNumber",
    "exec_id",         "execution",   "execution_no", "execution_id", "execution_number", "executionNo",
    "execution_count", "executionId", "execId",       "execNo",       "run_number",       "no",
};

/* What else jobsweep and the service say of an execution, in JSON. */
static const char *const silent_keys[] = {
    "event",
    "policy",
    "status",
    "queued_at",
    "queuedAt",
    "started_at",
    "startedAt",
    "reason",
    "outcome",
    "last_updated_at",
    "force",
    "retryAttempt",
    "lastUpdatedAt",
    "sum",
    "version_number",
    "versionNumber",
    "approximateSecondsBeforeTimedOut",
    "statusDetails",
};

enum column row_names_find(const char *name)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        if (strcmp(columns[i].name, name) == 0) {
            return columns[i].column;
        }
    }
    return COLUMN_COUNT;
}

/* A plan's "reason" is too near to "region", and "count" to "account". */
const char *row_names_nearest(const char *name)
{
    const char *names[COLUMNS + 1] = {NULL};
    for (size_t i = 0; i < COLUMNS; i++) {
        names[i] = columns[i].column < COLUMN_ACCOUNT ? columns[i].name : NULL;
        if (strcasecmp(columns[i].name, name) == 0) {
            return columns[i].name;
        }
    }
    for (size_t i = 0; i < sizeof number_names / sizeof number_names[0]; i++) {
        if (strcasecmp(number_names[i], name) == 0) {
            return "execution_number";
        }
    }
    return text_nearest(name, names);
}

bool row_names_silent(const char *key)
{
    for (size_t i = 0; i < sizeof silent_keys / sizeof silent_keys[0]; i++) {
        if (strcmp(silent_keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}
