/* IAM Identity Center's portal (GetRoleCredentials) and token endpoint (CreateToken with a refresh token), as
 * the service models `sso` and `sso-oidc` 2019-06-10 have them. */
#include "aws/json.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim.h"
#include "sim/iotsim_metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION_S      3600
#define TOKEN_LIFE_S   28800
#define TOKEN_LENGTH   96
#define PORTAL_EXPIRED "Session token not found or invalid"

/* --- the portal --- */

static bool take_param(const char *target, const char *name, char *out, size_t size)
{
    const char *found = strstr(target, name);
    size_t length = found ? strcspn(found + strlen(name), "&") : 0;

    if (!found || length == 0 || length >= size) {
        return false;
    }
    memcpy(out, found + strlen(name), length);
    out[length] = '\0';
    return true;
}

static void refuse(struct iotsim_reply *reply, int status, const char *code, const char *message)
{
    iotsim_refuse(reply, status, code, "%s", message);
    buf_printf(&reply->body, "{\"message\":\"%s\",\"__type\":\"com.amazonaws.switchboard.portal#%s\"}",
               message, code);
}

static void put_role_credentials(struct iotsim *sim, struct iotsim_role *role, int64_t now_ms,
                                 struct iotsim_reply *reply)
{
    enum metadata_mode mode = sim->metadata.sso.answer;
    struct iotsim_key *key = iotsim_session_make(&sim->world, role, "sweeper", NULL, SESSION_S, now_ms);

    if (mode == METADATA_EXPIRED) {
        key->told_ms = key->expires_ms = now_ms - TIME_MS_PER_MINUTE;
    }
    buf_printf(&reply->body, "{\"roleCredentials\":{\"accessKeyId\":\"%s\",", key->access_key);
    if (mode != METADATA_MISSING) {
        buf_printf(&reply->body, "\"secretAccessKey\":\"%s\",", key->secret_key);
    }
    buf_printf(&reply->body, "\"sessionToken\":\"%s\",\"expiration\":%" PRId64 "}}", key->token,
               key->told_ms); /* milliseconds, here alone */
}

void iotsim_sso_credentials(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                            struct iotsim_reply *reply)
{
    const char *token = iotsim_header(request, "x-amz-sso_bearer_token");
    const char *expected = sim->metadata.sso.access_token;
    char account[ACCOUNT_LENGTH + 1], name[128], arn[256];

    sim->metadata.counts[METADATA_SSO]++;
    if (iotsim_metadata_refused(sim->metadata.sso.answer, reply)) {
        return;
    }
    if (!take_param(request->target, "account_id=", account, sizeof(account)) ||
        !take_param(request->target, "role_name=", name, sizeof(name))) {
        refuse(reply, 400, "InvalidRequestException", "account_id and role_name are needed");
    } else if (!token || !expected || strcmp(token, expected) != 0) {
        refuse(reply, 401, "UnauthorizedException", PORTAL_EXPIRED);
    } else {
        snprintf(arn, sizeof(arn), "arn:aws:iam::%s:role/%s", account, name);
        struct iotsim_role *role = iotsim_role_find(&sim->world, arn);
        if (role) {
            put_role_credentials(sim, role, now_ms, reply);
        } else {
            refuse(reply, 403, "ForbiddenException", "No access");
        }
    }
}

/* --- tokens --- */

static void refuse_token(struct iotsim_reply *reply, int status, const char *type, const char *error,
                         const char *why)
{
    iotsim_refuse(reply, status, type, "%s", why);
    buf_printf(&reply->body, "{\"error\":\"%s\",\"error_description\":\"%s\"}", error, why);
}

static bool same(const struct json_value *root, const char *member, const char *expected)
{
    const char *text = json_string(json_get(root, member));

    return text && expected && strcmp(text, expected) == 0;
}

/* The access token changes; the one before is no longer taken, so that a test sees which is used. */
static void renew(struct iotsim *sim, struct iotsim_reply *reply)
{
    struct iotsim_metadata *metadata = &sim->metadata;
    char token[TOKEN_LENGTH + 1];
    int64_t life_s = metadata->sso.token_life_s ? metadata->sso.token_life_s : TOKEN_LIFE_S;

    iotsim_secret_draw(&sim->world, token, TOKEN_LENGTH);
    free(metadata->sso.access_token);
    metadata->sso.access_token = mem_strdup(token);
    buf_printf(&reply->body, "{\"accessToken\":\"%s\",\"expiresIn\":%" PRId64 ",\"refreshToken\":", token,
               life_s);
    text_json(&reply->body, metadata->sso.refresh_token);
    buf_text(&reply->body, ",\"tokenType\":\"Bearer\"}");
}

static void judge(struct iotsim *sim, const struct json_value *root, struct iotsim_reply *reply)
{
    const struct iotsim_metadata *metadata = &sim->metadata;
    enum metadata_mode mode = metadata->sso.oidc;

    if (mode == METADATA_EXPIRED_TOKEN) {
        refuse_token(reply, 400, "ExpiredTokenException", "expired_token", "Token has expired");
    } else if (!same(root, "clientId", metadata->sso.client_id) ||
               !same(root, "clientSecret", metadata->sso.client_secret)) {
        refuse_token(reply, 401, "InvalidClientException", "invalid_client", "Invalid client provided");
    } else if (!same(root, "grantType", "refresh_token")) {
        refuse_token(reply, 400, "UnsupportedGrantTypeException", "unsupported_grant_type",
                     "Only refresh_token is known here");
    } else if (mode == METADATA_INVALID_GRANT || !same(root, "refreshToken", metadata->sso.refresh_token)) {
        refuse_token(reply, 400, "InvalidGrantException", "invalid_grant", "Invalid refresh token provided");
    } else {
        renew(sim, reply);
    }
}

void iotsim_sso_token(struct iotsim *sim, const struct iotsim_request *request, struct iotsim_reply *reply)
{
    struct err err;

    sim->metadata.counts[METADATA_OIDC]++;
    if (iotsim_metadata_refused(sim->metadata.sso.oidc, reply)) {
        return;
    }
    struct json_doc *doc = json_parse(buf_string(&request->body), request->body.length, &err);
    if (doc) {
        judge(sim, json_root(doc), reply);
    } else {
        refuse_token(reply, 400, "InvalidRequestException", "invalid_request", "The body is no JSON");
    }
    json_free(doc);
}
