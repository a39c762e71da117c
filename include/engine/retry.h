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

/* So many times in a row new credentials are asked for and tried, because sessions may end while they wait; a
 * wrong clock is put right once or not at all. */
#define RETRY_EXPIRED_MAX 3

struct retry_history { /* of the call that was answered */
    int failures;      /* transient ones, this one included if it is one */
    int attempts_max;
    int refreshed; /* times that it was sent again for its credentials or clock */
};

/* A deletion is never sent again: only the deleter knows whether that is safe. */
enum retry retry_decide(enum operation operation, enum answer_class class, struct retry_history history);

/* Whether what was refused for its credentials or its clock may be tried again, after so many times. */
bool retry_refreshes(enum answer_class class, int refreshed);

/* What the answer costs the retry budget; 0 when the service did its work (a refusal of the request itself
 * too). */
int retry_cost(enum answer_class class);

#endif
