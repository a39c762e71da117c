/* Exit statuses of the programs, and how reports become one. */
#ifndef APP_EXIT_STATUS_H
#define APP_EXIT_STATUS_H

#include "engine/report.h"

#include <stdbool.h>

enum exit_status {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,      /* listing or the whole sweep failed */
    EXIT_USAGE = 2,       /* usage or configuration */
    EXIT_HAS_ROWS = 3,    /* --detailed-exitcode: the plan has rows */
    EXIT_GUARDED = 4,     /* stopped by a guard, nothing deleted */
    EXIT_SOME_FAILED = 5, /* some deletions failed */
    EXIT_LIMITED = 6,     /* stopped by a limit, more remains */
    EXIT_LOCKED = 7,      /* another engine has the state directory */
    EXIT_DENIED = 8,      /* credentials or permission */
    EXIT_STALE = 9,       /* the plan has expired, or no longer fits its policies */
    EXIT_LEDGER = 70,     /* the ledger could not be written: nothing more was sent */
    EXIT_INTERRUPTED = 130,
    /* of delete-job-execution, which has the AWS CLI's */
    EXIT_AWS_PARAMETERS = 252,    /* usage, or a parameter */
    EXIT_AWS_CONFIGURATION = 253, /* no region, no credentials */
    EXIT_AWS_SERVICE = 254,       /* the service answered with an error */
    EXIT_AWS_OTHER = 255          /* everything else */
};

/* Of an err of world_create(). */
enum exit_status exit_status_of_start(const struct err *err);

/* detailed: a plan that has rows is EXIT_HAS_ROWS. */
enum exit_status exit_status_of(const struct report *report, bool detailed);

/* The one that matters more, from least to most: fine, has rows, limit, guard, some failed, failed, stale,
 * denied, usage, locked, interrupted, ledger. */
enum exit_status exit_status_worse(enum exit_status a, enum exit_status b);

#endif
