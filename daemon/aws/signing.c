/* See aws/signing.h. */
#include "aws/signing.h"

#include "aws/crypto.h"
#include "aws/sts.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/version.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define AUTHORIZATION_MAX 1024
#define PATH_MAX_BYTES    ((size_t)256 * 1024) /* a target may hold a token of 64 KiB, percent-encoded */

void signing_init(struct signing *signing)
{
    *signing = (struct signing){.session_token = NULL};
    buf_init_secret(&signing->authorization, AUTHORIZATION_MAX);
}

void signing_finish(struct signing *signing)
{
    if (signing->session_token != NULL) {
        mem_wipe(signing->session_token, strlen(signing->session_token));
    }
    free(signing->session_token);
    signing->session_token = NULL;
    buf_finish(&signing->authorization);
}

static int fit_key(const struct signing *signing, const struct credentials *credentials,
                   struct sigv4_key *key, const char *region, const char *service, struct err *err)
{
    if (sigv4_key_fits(key, credentials->access_key, credentials->secret_key, signing->amz_date, region,
                       service)) {
        return 0;
    }
    return sigv4_key_init(key, credentials->access_key, credentials->secret_key, signing->amz_date, region,
                          service, err);
}

/* Every header that the request has so far is signed; those that are added later stay unsigned. */
static int authorize(struct signing *signing, const struct http_request *request, const struct sigv4_key *key,
                     struct err *err)
{
    const char *question = strchr(request->target, '?');
    const size_t path_length =
        question != NULL ? (size_t)(question - request->target) : strlen(request->target);
    struct sigv4_header headers[HTTP_HEADERS_MAX + 1] = {{"Host", http_origin_host(request->origin)}};
    char payload[2 * CRYPTO_SHA256_BYTES + 1];
    struct buf path;

    for (size_t i = 0; i < request->header_count; i++) {
        headers[i + 1] = (struct sigv4_header){request->headers[i].name, request->headers[i].value};
    }
    if (request->body != NULL) {
        crypto_sha256_hex(request->body, request->body_length, payload);
    }
    buf_init(&path, PATH_MAX_BYTES);
    buf_append(&path, request->target, path_length);
    const struct sigv4_request signable = {.method = request->method,
                                           .path = buf_string(&path),
                                           .query = question != NULL ? question + 1 : NULL,
                                           .headers = headers,
                                           .header_count = request->header_count + 1,
                                           .payload_sha256 =
                                               request->body != NULL ? payload : SIGV4_EMPTY_SHA256};
    const int result = sigv4_authorization(key, &signable, signing->amz_date, &signing->authorization, err);
    buf_finish(&path);
    return result;
}

static bool has_type(const struct http_request *request)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, "Content-Type") == 0) {
            return true;
        }
    }
    return false;
}

int signing_apply(struct signing *signing, struct http_request *request,
                  const struct credentials *credentials, struct sigv4_key *key, const char *region,
                  const char *service, int64_t at_ms, struct err *err)
{
    time_amz(at_ms, signing->amz_date);
    http_request_header(request, "X-Amz-Date", signing->amz_date);
    if (credentials->session_token != NULL) {
        signing->session_token = mem_strdup(credentials->session_token);
        http_request_header(request, "X-Amz-Security-Token", signing->session_token);
    }
    if (request->body != NULL && !has_type(request)) {
        http_request_header(request, "Content-Type", STS_CONTENT_TYPE);
    }
    if (fit_key(signing, credentials, key, region, service, err) != 0 ||
        authorize(signing, request, key, err) != 0) {
        return -1;
    }
    http_request_header(request, "Authorization", buf_string(&signing->authorization));
    http_request_header(request, "User-Agent", "jobsweep/" JOBSWEEP_VERSION);
    return 0;
}
