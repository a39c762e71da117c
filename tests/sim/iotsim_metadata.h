/* Where programs find credentials without a key of their own: the instance metadata service (versions 1 and
 * 2), the container endpoint, and IAM Identity Center's portal and token endpoint. Served on every port of
 * iotsim; --metadata-port opens one without TLS.
 *
 *   PUT  /latest/api/token, GET /latest/meta-data/...       instance metadata
 *   GET  /container/...                                      AWS_CONTAINER_CREDENTIALS_FULL_URI
 *   GET  /federation/credentials?role_name=&account_id=      portal.sso: GetRoleCredentials
 *   POST /token                                              oidc: CreateToken with a refresh token
 *
 * What they do is set by the member "metadata" of iotsim_setup():
 *
 *   {"imds":      {"role":ARN,"v1":BOOL,"put":MODE,"answer":MODE},
 *    "container": {"role":ARN,"authorization":TEXT,"answer":MODE},
 *    "sso":       {"access_token","refresh_token","client_id","client_secret","token_life_s","answer":MODE,
 *                  "oidc":MODE}}
 *
 * MODE: ok; 400, 401, 403, 404, 405, 429, 500, 503: that status; hang: no answer; malformed: no JSON; huge:
 * 16 MB; missing: without the secret key; failed: 200 with a Code that is not Success; no-role: an instance
 * without a role; expired: credentials that have ended; stale: credentials that say that they have ended and
 * are still taken, as instance metadata gives them when it cannot get new ones; invalid-grant, expired-token:
 * of oidc.
 *
 * A session that they hand out is one of iotsim_session_make(): life_s and expire-sessions hold for it. */
#ifndef SIM_IOTSIM_METADATA_H
#define SIM_IOTSIM_METADATA_H

#include "aws/json.h"
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct iotsim;
struct iotsim_request;
struct iotsim_reply;

enum metadata_mode {
    METADATA_OK,
    METADATA_400,
    METADATA_401,
    METADATA_403,
    METADATA_404,
    METADATA_405,
    METADATA_429,
    METADATA_500,
    METADATA_503,
    METADATA_HANG,
    METADATA_MALFORMED,
    METADATA_HUGE,
    METADATA_MISSING,
    METADATA_FAILED,
    METADATA_NO_ROLE,
    METADATA_EXPIRED,
    METADATA_STALE,
    METADATA_INVALID_GRANT,
    METADATA_EXPIRED_TOKEN,
    METADATA_MODE_COUNT
};

enum metadata_count {
    METADATA_IMDS_TOKEN,       /* PUT */
    METADATA_IMDS_ROLE,        /* the list of roles */
    METADATA_IMDS_CREDENTIALS, /* of a role */
    METADATA_IMDS_OTHER,
    METADATA_IMDS_REFUSED, /* of all of these: for a wrong or missing token */
    METADATA_CONTAINER,
    METADATA_SSO,
    METADATA_OIDC,
    METADATA_COUNT_COUNT
};

#define METADATA_TOKENS_MAX   64
#define METADATA_TOKEN_LENGTH 56

struct iotsim_metadata {
    struct {
        char *role;
        bool no_v1;
        enum metadata_mode put, answer;
        struct {
            char text[METADATA_TOKEN_LENGTH + 1];
            int64_t expires_ms;
        } tokens[METADATA_TOKENS_MAX]; /* a ring */
        int64_t tokens_made;
    } imds;
    struct {
        char *role, *authorization; /* authorization: NULL for none asked */
        enum metadata_mode answer;
    } container;
    struct {
        char *access_token, *refresh_token, *client_id, *client_secret;
        int64_t token_life_s;
        enum metadata_mode answer, oidc;
    } sso;
    int64_t counts[METADATA_COUNT_COUNT];
};

/* False when the request is for none of them. The reply's `hang` says that it is not to be answered. */
bool iotsim_metadata(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                     struct iotsim_reply *reply);
int iotsim_metadata_set(struct iotsim_metadata *metadata, const struct json_value *settings, struct err *err);
void iotsim_metadata_print(const struct iotsim_metadata *metadata, struct buf *out); /* its counts, as JSON */
void iotsim_metadata_finish(struct iotsim_metadata *metadata);

/* iotsim_sso.c: the last two of the four. */
void iotsim_sso_credentials(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                            struct iotsim_reply *reply);
void iotsim_sso_token(struct iotsim *sim, const struct iotsim_request *request, struct iotsim_reply *reply);
/* For both files: does what a mode says that needs no credentials; false when the answer is still to be made.
 */
bool iotsim_metadata_refused(enum metadata_mode mode, struct iotsim_reply *reply);

#endif
