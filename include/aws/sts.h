/* GetCallerIdentity of AWS STS (API version 2011-06-15, query protocol: a form goes out, XML comes back). */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "base/err.h"
#include "model/call.h"

#include <stddef.h>

/* The form to post. */
extern const char STS_GET_CALLER_IDENTITY[];
#define STS_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* Fills account and arn (cut to fit) of the call from a GetCallerIdentityResponse. On failure neither. */
int sts_identity_read(struct call *call, const char *xml, size_t length, struct err *err);

/* Fills code and message of the answer from an ErrorResponse; "" where there is none to be read. */
void sts_error_read(struct answer *answer, const char *xml, size_t length);

#endif
