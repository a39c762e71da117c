/* One DeleteJobExecution call as `jobsweep delete-job-execution` makes it, from the settings to the verdict:
 * with a loop and a connection of its own, without lanes and without a record. */
#ifndef APP_DELETE_CALL_H
#define APP_DELETE_CALL_H

#include "app/aws_arguments.h"
#include "app/aws_failure.h"
#include "app/py_value.h"
#include "aws/settings.h"

#include <stdbool.h>

struct delete_call_config {
    const struct aws_arguments *arguments;
    const struct settings *settings;
    const struct py_value *parameters; /* not validated yet */
    bool only_validate;                /* send nothing */
};

/* True when the execution was deleted, or nothing speaks against it under only_validate. False with failure.
 * Ends the process with 130 on SIGINT. */
bool delete_call_run(const struct delete_call_config *config, struct aws_failure *failure);

#endif
