/* How the sources of credentials ask over HTTP: one request after the other to one endpoint, small answers
 * whose memory is wiped, one way to pause, one way to give up. */
#ifndef AWS_CRED_HTTP_H
#define AWS_CRED_HTTP_H

#include "aws/credentials.h"
#include "aws/json.h"
#include "base/buf.h"
#include "net/http.h"
#include "net/pause.h"

#define CRED_REPLY_MAX ((size_t)64 * 1024)

struct cred_http {
    const struct credentials_config *config;
    struct http_origin *origin;
    struct http_request request; /* headers are added between prepare and send */
    struct buf target, body;     /* body is wiped */
    struct pause *pause;
    bool canceled;
    void (*done)(struct cred_http *http); /* a request was answered; request.err or request.status say how */
    void (*rested)(struct cred_http *http);  /* a pause is over */
    void (*granted)(struct cred_http *http); /* its turn has come */
    struct credentials_turn turn;
    bool has_turn; /* acquired and not yet released */
    void *owner;
};

/* After init there is always a close. Open is for one of AWS's link-local services, which speak plain HTTP;
 * url: as http_origin_create(). */
void cred_http_init(struct cred_http *http, const struct credentials_config *config, void *owner);
int cred_http_open(struct cred_http *http, const char *url, struct err *err);
/* Of a service of AWS ("sts", "sso", "sso-oidc") as aws/settings.h finds it. explicit_url and explicit_region
 * may be NULL; region becomes the one to sign with. */
int cred_http_open_service(struct cred_http *http, const char *service, const char *explicit_url,
                           const char *explicit_region, char region[64], struct err *err);
void cred_http_close(struct cred_http *http); /* nothing may be on its way */

/* Forgets the last request and its answer, and begins another: path and query behind the origin's base. */
void cred_http_prepare(struct cred_http *http, const char *method, const char *target, int64_t timeout_ms);
void cred_http_send(struct cred_http *http);
void cred_http_rest(struct cred_http *http, int64_t ms);
/* Waits for a turn at the pace, if there is one, then calls granted(), perhaps from inside. One for each
 * request: it is given back with its answer, and an attempt that failed does not make room for the next. */
void cred_http_take_turn(struct cred_http *http);
/* done() comes with ERR_CANCELED, also out of a pause or when nothing is on its way. */
void cred_http_cancel(struct cred_http *http);

/* What the server's clock is ahead of ours, by the answer's Date: 0 below five minutes, which is what AWS
 * lets pass, and where there is no Date. */
int64_t cred_http_skew_ms(const struct cred_http *http);

#endif
