/* Signs an HTTP request with credentials: what is signed is what is sent. */
#ifndef AWS_SIGNING_H
#define AWS_SIGNING_H

#include "aws/credentials.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "net/http.h"

/* What the headers of a signed request point at: lives as long as the request, and is wiped. */
struct signing {
    char amz_date[17];
    char *session_token;
    struct buf authorization;
};
void signing_init(struct signing *signing);
void signing_finish(struct signing *signing); /* may be initialised again */

/* Adds X-Amz-Date (of at_ms), X-Amz-Security-Token, Content-Type (of a form, where there is a body without
 * one), Authorization and User-Agent; the last is not signed, because a proxy may change it. key is the
 * caller's, kept from request to request, and made anew where it does not fit. -1 as sigv4_key_init() and
 * sigv4_authorization(). */
int signing_apply(struct signing *signing, struct http_request *request,
                  const struct credentials *credentials, struct sigv4_key *key, const char *region,
                  const char *service, int64_t at_ms, struct err *err);

#endif
