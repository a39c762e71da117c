/* AWS STS (API version 2011-06-15, query protocol: a form goes out, XML comes back). */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "base/buf.h"
#include "base/err.h"
#include "model/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The form to post. */
extern const char STS_GET_CALLER_IDENTITY[];
#define STS_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* Fills account and arn (cut to fit) of the call from a GetCallerIdentityResponse. On failure neither. */
int sts_identity_read(struct call *call, const char *xml, size_t length, struct err *err);

/* A role that is assumed. Strings that are not set are NULL. */
struct sts_role {
    const char *role_arn;
    const char *session_name;
    const char *external_id; /* not with a web identity */
    const char *policy;      /* JSON */
    const char *mfa_serial;  /* with token_code; not with a web identity */
    const char *token_code;
    int64_t duration_s;             /* 0: not sent */
    const char *web_identity_token; /* AssumeRoleWithWebIdentity then, else AssumeRole */
};
/* Appends the form to post. */
void sts_role_form(const struct sts_role *role, struct buf *form);

struct sts_role_answer {
    struct buf texts[4]; /* access key, secret key, session token, expiration; wiped */
};
/* Fills it from an AssumeRoleResponse, or AssumeRoleWithWebIdentityResponse; sts_role_answer_finish() in any
 * case. */
int sts_role_read(struct sts_role_answer *answer, bool web_identity, const char *xml, size_t length,
                  struct err *err);
void sts_role_answer_finish(struct sts_role_answer *answer);

/* Fills code and message of the answer from an ErrorResponse; "" where there is none to be read. */
void sts_error_read(struct answer *answer, const char *xml, size_t length);

#endif
