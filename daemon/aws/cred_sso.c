/* IAM Identity Center: see aws/cred_source.h.
 *
 * The happy path: the token from the cache, a turn at the pace, one GET with it, the role's keys in the
 * answer.
 *
 * The ways out: a token of an sso-session that is near its end is exchanged for a new one first, which goes
 * back into the cache; when that fails, one that somebody else has put there meanwhile serves, or else the
 * old one as long as it lasts. A token that has ended, or that the service does not know any more, needs a
 * person: `aws sso login`. What the service could not answer is asked again after a pause, three times in
 * all. */
#include "aws/cred_check.h"
#include "aws/cred_http.h"
#include "aws/iot_error.h"
#include "aws/sigv4.h"
#include "aws/sso_cache.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS    3
#define TIMEOUT_MS  10000
#define PAUSE_MS    1000
#define REFRESH_MS  (15 * TIME_MS_PER_MINUTE)
#define EXPIRES_MAX (INT64_C(366) * 24 * 3600)

struct sso {
    struct credentials_source face;
    struct cred_http oidc, portal; /* one after the other */
    bool at_portal;
    const struct cred_step *step;
    struct credentials_fetch *fetch;
    struct sso_token token;
    struct sso_kept *kept; /* the provider's */
    int attempts;
};

static const char *cache_name(const struct sso *sso)
{
    return sso->step->sso_session != NULL ? sso->step->sso_session : sso->step->sso_start_url;
}

static int64_t now_ms(const struct sso *sso)
{
    const struct credentials_config *config = sso->portal.config;
    return config->wall_ms(config->ctx);
}

static void end(struct sso *sso)
{
    sso->fetch->done(sso->fetch);
}

static void fail(struct sso *sso, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fail(struct sso *sso, enum err_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sso->fetch->err.msg, sizeof sso->fetch->err.msg, format, args);
    va_end(args);
    sso->fetch->err.code = code;
    sso->fetch->fault = CREDENTIALS_RETRIEVAL;
    end(sso);
}

static void fail_unauthorized(struct sso *sso)
{
    fail(sso, ERR_CREDENTIALS,
         "The SSO session associated with this profile has expired or is otherwise invalid. To refresh this "
         "SSO session run aws sso login with the corresponding profile.");
}

/* --- the role's keys --- */

static bool is_passing(const struct http_request *request)
{
    return request->err.code != ERR_NONE || request->status == 429 || request->status >= 500;
}

static void ask_portal(struct sso *sso)
{
    struct cred_http *http = &sso->portal;
    struct buf target;
    sso->attempts++;
    buf_init(&target, 1024);
    buf_text(&target, "/federation/credentials?role_name=");
    sigv4_uri_encode(&target, sso->step->sso_role, false);
    buf_text(&target, "&account_id=");
    sigv4_uri_encode(&target, sso->step->sso_account, false);
    cred_http_prepare(http, "GET", buf_string(&target), TIMEOUT_MS);
    buf_finish(&target);
    http_request_header(&http->request, "x-amz-sso_bearer_token", sso->token.access_token);
    cred_http_send(http);
}

static void go_to_portal(struct sso *sso)
{
    struct err err;
    char region[64];
    sso->at_portal = true;
    if (cred_http_open_service(&sso->portal, "sso", NULL, sso->step->sso_region, region, &err) != 0) {
        fail(sso, ERR_CREDENTIALS, "Error when retrieving credentials from sso: %s", err.msg);
        return;
    }
    cred_http_take_turn(&sso->portal);
}

static void take_keys(struct sso *sso, const struct json_value *keys)
{
    char source[64], expires[21];
    struct cred_found found = {.source = source,
                               .provider = "sso",
                               .names = {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"},
                               .skew_ms = cred_http_skew_ms(&sso->portal)};
    int64_t expires_ms;
    cred_step_source(sso->step, source);
    for (int i = 0; i < 3; i++) {
        found.values[i] = json_string(json_get(keys, found.names[i]));
        if (found.values[i] == NULL) {
            fail(sso, ERR_CREDENTIALS,
                 "Error when retrieving credentials from sso: Missing required key in response: '%s'",
                 found.names[i]);
            return;
        }
    }
    if (!json_int64(json_get(keys, "expiration"), &expires_ms) || expires_ms <= 0) {
        fail(sso, ERR_CREDENTIALS,
             "Error when retrieving credentials from sso: 'expiration' in the response is no number of "
             "milliseconds");
        return;
    }
    time_rfc3339(expires_ms, expires);
    found.values[3] = expires;
    credentials_accept(sso->fetch, &found);
    end(sso);
}

static void read_keys(struct sso *sso)
{
    const struct http_request *request = &sso->portal.request;
    struct err err;
    struct json_doc *doc = json_parse_secret(buf_string(&request->body_in), request->body_in.length, &err);
    if (doc == NULL) {
        fail(sso, ERR_CREDENTIALS, "Error when retrieving credentials from sso: %s", err.msg);
        return;
    }
    take_keys(sso, json_get(json_root(doc), "roleCredentials"));
    json_free(doc);
}

static void refuse(struct sso *sso)
{
    const struct http_request *request = &sso->portal.request;
    struct answer answer = {0};
    struct buf message;
    if (request->err.code != ERR_NONE) {
        fail(sso, ERR_UNAVAILABLE, "Error when retrieving credentials from sso: %s", request->err.msg);
        return;
    }
    iot_error_read(&answer, request);
    buf_init(&message, 400);
    text_visible(&message, answer.message);
    if (answer.code[0] == '\0') {
        snprintf(answer.code, sizeof answer.code, "%d", request->status);
    }
    sso->fetch->fault = CREDENTIALS_SERVICE;
    err_set(&sso->fetch->err, is_passing(request) ? ERR_UNAVAILABLE : ERR_CREDENTIALS,
            "An error occurred (%s) when calling the GetRoleCredentials operation: %s", answer.code,
            buf_string(&message));
    buf_finish(&message);
    end(sso);
}

static void on_portal(struct cred_http *http)
{
    struct sso *sso = http->owner;
    const struct http_request *request = &http->request;
    if (!http->canceled && is_passing(request) && sso->attempts < ATTEMPTS) {
        cred_http_rest(http, http->config->pause_ms > 0 ? http->config->pause_ms : PAUSE_MS);
    } else if (request->err.code == ERR_NONE && request->status == 200) {
        read_keys(sso);
    } else if (request->err.code == ERR_NONE && request->status == 401) {
        fail_unauthorized(sso);
    } else {
        refuse(sso);
    }
}

static void on_rested(struct cred_http *http)
{
    cred_http_take_turn(http);
}

static void on_portal_turn(struct cred_http *http)
{
    ask_portal(http->owner);
}

/* --- a new token --- */

static bool has_ended(const struct sso *sso)
{
    return sso->token.expires_ms <= now_ms(sso);
}

/* Somebody else who uses the same session, such as another target or the AWS CLI, may have been quicker, and
 * the refresh token serves once. */
static bool take_newer_token(struct sso *sso)
{
    struct sso_token token;
    struct err ignored;
    if (sso_cache_read(cache_name(sso), &token, &ignored) != 0) {
        return false;
    }
    struct sso_token other = token;
    bool newer = token.expires_ms > sso->token.expires_ms;
    if (newer) {
        other = sso->token;
        sso->token = token;
    }
    sso_token_finish(&other);
    return newer && !has_ended(sso);
}

static void use_old_token(struct sso *sso, const char *why)
{
    if (take_newer_token(sso)) {
        go_to_portal(sso);
        return;
    }
    if (has_ended(sso)) {
        fail(sso, ERR_CREDENTIALS,
             "Error when retrieving token from sso: Token has expired and refresh failed (%.200s); run: aws "
             "sso "
             "login --sso-session %s",
             why, sso->step->sso_session);
        return;
    }
    log_event(LOG_WARNING, "sso token not refreshed, the old one is used", "session=%s reason=%s",
              sso->step->sso_session, why);
    go_to_portal(sso);
}

static bool may_refresh(const struct sso *sso)
{
    const struct sso_token *token = &sso->token;
    return token->refresh_token != NULL && token->client_id != NULL && token->client_secret != NULL &&
           token->registration_expires_ms > now_ms(sso);
}

static void ask_oidc(struct sso *sso)
{
    struct err err;
    char region[64];
    if (cred_http_open_service(&sso->oidc, "sso-oidc", NULL, sso->step->sso_region, region, &err) != 0) {
        use_old_token(sso, err.msg);
    } else {
        cred_http_take_turn(&sso->oidc);
    }
}

/* While it waited another target may have had the token refreshed. */
static void on_oidc_turn(struct cred_http *http)
{
    struct sso *sso = http->owner;
    if (take_newer_token(sso)) {
        go_to_portal(sso);
        return;
    }
    cred_http_prepare(http, "POST", "/token", TIMEOUT_MS);
    http_request_header(&http->request, "Content-Type", "application/json");
    buf_text(&http->body, "{\"grantType\":\"refresh_token\",\"clientId\":");
    text_json(&http->body, sso->token.client_id);
    buf_text(&http->body, ",\"clientSecret\":");
    text_json(&http->body, sso->token.client_secret);
    buf_text(&http->body, ",\"refreshToken\":");
    text_json(&http->body, sso->token.refresh_token);
    buf_char(&http->body, '}');
    cred_http_send(http);
}

static void replace(char **old, const char *text)
{
    if (text != NULL && *text != '\0') {
        mem_wipe(*old, strlen(*old));
        free(*old);
        *old = mem_strdup(text);
    }
}

/* False when the answer has no token. */
static bool take_token(struct sso *sso, const struct json_value *root)
{
    const char *token = json_string(json_get(root, "accessToken"));
    int64_t seconds;
    if (token == NULL || *token == '\0' || !json_int64(json_get(root, "expiresIn"), &seconds) ||
        seconds <= 0 || seconds > EXPIRES_MAX) {
        return false;
    }
    replace(&sso->token.access_token, token);
    replace(&sso->token.refresh_token, json_string(json_get(root, "refreshToken")));
    sso->token.expires_ms = now_ms(sso) + seconds * TIME_MS_PER_SECOND;
    return true;
}

static void keep_token(const struct sso *sso)
{
    struct sso_kept *kept = sso->kept;
    struct err err;
    sso_kept_finish(kept);
    if (sso_cache_write(cache_name(sso), sso->step->sso_start_url, sso->step->sso_region, &sso->token,
                        &err) == 0) {
        return;
    }
    kept->name = mem_strdup(cache_name(sso));
    sso_token_copy(&kept->token, &sso->token);
    if (!kept->warned) {
        log_event(LOG_WARNING, "sso token not kept for the AWS CLI, nor for a restart", "reason=%s", err.msg);
    }
    kept->warned = true;
}

/* A login, or somebody else's refresh, may have made the file newer again. */
static void take_kept_token(struct sso *sso)
{
    const struct sso_kept *kept = sso->kept;
    if (kept->name == NULL || strcmp(kept->name, cache_name(sso)) != 0) {
        return;
    }
    if (kept->token.expires_ms > sso->token.expires_ms) {
        sso_token_finish(&sso->token);
        sso_token_copy(&sso->token, &kept->token);
    }
}

static void on_oidc(struct cred_http *http)
{
    struct sso *sso = http->owner;
    const struct http_request *request = &http->request;
    struct err ignored;
    char why[64];
    struct json_doc *doc = NULL;
    if (http->canceled) {
        fail(sso, ERR_CREDENTIALS, "canceled");
        return;
    }
    if (request->err.code == ERR_NONE && request->status == 200) {
        doc = json_parse_secret(buf_string(&request->body_in), request->body_in.length, &ignored);
    }
    bool taken = doc != NULL && take_token(sso, json_root(doc));
    json_free(doc);
    snprintf(why, sizeof why, "status %d", request->status);
    if (taken) {
        keep_token(sso);
        go_to_portal(sso);
    } else {
        use_old_token(sso, request->err.code != ERR_NONE ? request->err.msg : why);
    }
}

/* --- the face --- */

static void fetch_sso(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct sso *sso = (struct sso *)source;
    struct err err;
    sso->fetch = fetch;
    if (sso_cache_read(cache_name(sso), &sso->token, &err) != 0) {
        fail(sso, ERR_CREDENTIALS, "Error loading SSO Token: %s; run: aws sso login", err.msg);
        return;
    }
    take_kept_token(sso);
    if (sso->step->sso_session == NULL && has_ended(sso)) {
        fail_unauthorized(sso);
    } else if (sso->step->sso_session == NULL || sso->token.expires_ms - now_ms(sso) >= REFRESH_MS) {
        go_to_portal(sso);
    } else if (may_refresh(sso)) {
        ask_oidc(sso);
    } else {
        use_old_token(sso, "it cannot be refreshed");
    }
}

static void cancel(struct credentials_source *source)
{
    struct sso *sso = (struct sso *)source;
    cred_http_cancel(sso->at_portal ? &sso->portal : &sso->oidc);
}

static void destroy(struct credentials_source *source)
{
    struct sso *sso = (struct sso *)source;
    cred_http_close(&sso->oidc);
    cred_http_close(&sso->portal);
    sso_token_finish(&sso->token);
    free(sso);
}

struct credentials_source *cred_sso(const struct credentials_config *config, const struct cred_step *step,
                                    struct sso_kept *kept)
{
    struct sso *sso = mem_zalloc(sizeof *sso);
    sso->face = (struct credentials_source){fetch_sso, cancel, destroy};
    sso->step = step;
    sso->kept = kept;
    cred_http_init(&sso->oidc, config, sso);
    cred_http_init(&sso->portal, config, sso);
    sso->oidc.done = on_oidc;
    sso->portal.done = on_portal;
    sso->portal.rested = on_rested;
    sso->oidc.granted = on_oidc_turn;
    sso->portal.granted = on_portal_turn;
    return &sso->face;
}
