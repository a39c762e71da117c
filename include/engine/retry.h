/* What an answer means for sending again, and what it costs. Pure. */
#ifndef ENGINE_RETRY_H
#define ENGINE_RETRY_H

#include "model/call.h"
#include "model/operation.h"

#include <stdbool.h>

enum retry {
    RETRY_NOT,       /* the answer is final */
    RETRY_REFRESHED, /* at once: credentials or clock are looked up anew for each sending */
    RETRY_TRANSIENT, /* after a backoff; limited by read_attempts */
    RETRY_THROTTLED  /* after a backoff; without limit, nothing was done */
};

struct retry_history { /* of the call that was answered */
    int failures;      /* transient ones, this one included if it is one */
    int attempts_max;
    bool refreshed; /* it was sent again for its credentials or clock already */
};

/* A deletion is never sent again: only the deleter knows whether that is safe. */
enum retry retry_decide(enum operation operation, enum answer_class class, struct retry_history history);

/* What the answer costs the retry budget; 0 when the service did its work (a refusal of the request itself
 * too). */
int retry_cost(enum answer_class class);

#endif
