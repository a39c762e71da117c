/* The faults that iotsim can do to a request: which, how often, to which operations. */
#ifndef SIM_IOTSIM_FAULT_H
#define SIM_IOTSIM_FAULT_H

#include "base/err.h"
#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_WHOLE 1000000 /* rates are of this */

enum fault {
    FAULT_NONE,
    FAULT_THROTTLE,     /* 400 ThrottlingException; not executed, as all that follow down to reset-before */
    FAULT_500,          /* InternalFailureException */
    FAULT_503,          /* ServiceUnavailableException */
    FAULT_EXPIRED,      /* 403 ExpiredTokenException */
    FAULT_DENIED,       /* 403 AccessDeniedException */
    FAULT_GARBAGE,      /* 200 with an HTML page */
    FAULT_RESET_BEFORE, /* connection reset */
    FAULT_CLOSE,        /* the request is read, the connection closed */
    FAULT_STALL,        /* no answer ever (the connection is closed after two minutes) */
    FAULT_500_EXECUTED, /* executed, then 500; executed too are the rest */
    FAULT_RESET_AFTER,  /* connection reset instead of an answer */
    FAULT_TRUNCATE,     /* the body is shorter than Content-Length says, then the connection is closed */
    FAULT_COUNT
};

struct fault_plan {
    int rate[FAULT_COUNT];  /* of 1,000,000 */
    const char *operations; /* comma-separated names; NULL: all */
    int64_t limit;          /* this many faults in all, then none; -1: no limit */
    struct random random;
    int64_t done[FAULT_COUNT];
};

const char *fault_name(enum fault fault); /* "500-executed" and so on, as on the command line */
/* "reset-after=0.01,throttle=0.2": adds to the plan; all rates together are 1 at most. */
int fault_parse(struct fault_plan *plan, const char *text, struct err *err);
/* "0.05": of 1,000,000. */
int fault_rate(const char *text, int *rate, struct err *err);
/* What happens to the next request for this operation; counted as done. */
enum fault fault_draw(struct fault_plan *plan, const char *operation);

/* Whether word is one of a comma-separated list. */
bool fault_listed(const char *list, const char *word);

#endif
