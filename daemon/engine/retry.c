#include "engine/retry.h"

#include "engine/budget.h"

enum retry retry_decide(enum operation operation, enum answer_class class, struct retry_history history)
{
    if (!operation_is_read(operation)) {
        return RETRY_NOT;
    }
    switch (class) {
    case ANSWER_THROTTLED:
        return RETRY_THROTTLED;
    case ANSWER_NOT_SENT:
    case ANSWER_AMBIGUOUS:
        return history.failures < history.attempts_max ? RETRY_TRANSIENT : RETRY_NOT;
    case ANSWER_EXPIRED:
    case ANSWER_SKEWED:
        return retry_refreshes(class, history.refreshed) ? RETRY_REFRESHED : RETRY_NOT;
    default:
        return RETRY_NOT;
    }
}

bool retry_refreshes(enum answer_class class, int refreshed)
{
    return refreshed < (class == ANSWER_EXPIRED ? RETRY_EXPIRED_MAX : 1);
}

int retry_cost(enum answer_class class)
{
    switch (class) {
    case ANSWER_THROTTLED:
        return BUDGET_COST_THROTTLE;
    case ANSWER_NOT_SENT:
    case ANSWER_AMBIGUOUS:
        return BUDGET_COST_TRANSIENT;
    default:
        return 0;
    }
}
