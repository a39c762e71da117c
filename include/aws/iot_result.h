/* From the body of a successful answer to the result of a call: the rows of a page, a job, an execution. */
#ifndef AWS_IOT_RESULT_H
#define AWS_IOT_RESULT_H

#include "base/err.h"
#include "model/call.h"

#include <stddef.h>

/* Fills page, job or execution of a read call, which hold nothing yet. A row of a page that breaks a rule is
 * left out and counted. The whole answer is refused, with nothing filled, when it is not JSON of the right
 * shape, has more than PAGE_MAX rows or a token over NEXT_TOKEN_MAX, or describes another job or execution
 * than the one that was asked for: ERR_SYNTAX or ERR_TOO_BIG. */
int iot_result_read(struct call *call, const char *body, size_t length, struct err *err);

#endif
