/* The error that a service of the rest-json protocol put into an answer. */
#ifndef AWS_IOT_ERROR_H
#define AWS_IOT_ERROR_H

#include "model/call.h"
#include "net/http.h"

#include <stdbool.h>

/* Fills code and message of the answer, "" where there is none, as botocore's RestJSONParser finds them: the
 * code in the header x-amzn-ErrorType, else in `code` or `Code` of the body, else in `__type`; cut at the
 * first
 * ':', then what is behind the last '#'. A code with other characters than letters, digits, '.', '_' and '-'
 * is no code. */
void iot_error_read(struct answer *answer, const struct http_request *request);

/* True for the text of a code as above; made of nothing else, it can be shown and stored as it is. */
bool iot_error_code_valid(const char *code);

#endif
