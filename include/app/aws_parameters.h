/* The parameters of a DeleteJobExecution call as the AWS CLI makes them: collected from the command line and
 * the document, validated as botocore validates them (types, what must be there, the least length; never a
 * pattern), and put into a request target. */
#ifndef APP_AWS_PARAMETERS_H
#define APP_AWS_PARAMETERS_H

#include "app/aws_arguments.h"
#include "app/aws_failure.h"
#include "app/py_value.h"

/* A dict for the caller to free; NULL with failure. Reads the files that options name. */
struct py_value *aws_parameters_collect(const struct aws_arguments *arguments, struct aws_failure *failure);

/* False with failure, which tells everything that is wrong. */
bool aws_parameters_validate(const struct py_value *parameters, struct aws_failure *failure);

/* Appends path and query of parameters that are valid, behind the path (base) and in front of all the query
 * (query) of the endpoint. Every byte but A-Z a-z 0-9 - . _ ~ is percent-encoded, so ".." stays ".." and what
 * the service must refuse is the service's to refuse. False with failure for text that is no UTF-8. */
bool aws_parameters_target(const struct py_value *parameters, const char *base, const char *query,
                           struct buf *target, struct aws_failure *failure);

bool aws_parameters_force(const struct py_value *parameters);

#endif
