/* See model/outcome.h. */
#include "model/outcome.h"

static const char *const NAMES[OUTCOME_COUNT] = {
    [OUTCOME_PENDING] = "pending",
    [OUTCOME_DELETED] = "deleted",
    [OUTCOME_DELETED_PRESUMED] = "deleted_presumed",
    [OUTCOME_GONE] = "gone",
    [OUTCOME_STATE_CHANGED] = "state_changed",
    [OUTCOME_REPLACED] = "replaced",
    [OUTCOME_PROTECTED] = "protected",
    [OUTCOME_FAILED] = "failed",
    [OUTCOME_UNKNOWN] = "unknown",
    [OUTCOME_NOT_ATTEMPTED] = "not_attempted",
};

const char *outcome_name(enum outcome outcome)
{
    return NAMES[outcome];
}
