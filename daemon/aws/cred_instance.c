/* The instance metadata service: see aws/cred_source.h.
 *
 * The happy path: a token (version 2), the name of the instance's role, the role's keys. Or, where the region
 * is asked for, a token and the availability zone, as the AWS CLI does.
 *
 * The ways out, which are botocore's: where the token is refused with 403, 404 or 405, or the connection
 * stands but no token comes (a container that is one hop too far away), version 1 is asked, unless that is
 * disabled. Where no connection can be made there is no such service, and where no role is attached, or its
 * keys are not whole, it has none: the answer is "none", with the reason. */
#include "aws/cred_check.h"
#include "aws/cred_http.h"
#include "aws/endpoint.h"
#include "aws/sigv4.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_PATH    "/latest/api/token"
#define ROLES_PATH    "/latest/meta-data/iam/security-credentials/"
#define ZONE_PATH     "/latest/meta-data/placement/availability-zone/"
#define TOKEN_MAX     4096
#define EXTENSION_MS  (15 * TIME_MS_PER_MINUTE)
#define EXTENSION_MIN (2 * TIME_MS_PER_MINUTE) /* of the jitter on it */
#define EXTENSION_MAX (10 * TIME_MS_PER_MINUTE)

enum question { ASK_TOKEN, ASK_ROLE, ASK_KEYS, ASK_ZONE };

struct instance {
    struct credentials_source face;
    struct cred_http http;
    const struct cred_step *step;
    struct credentials_fetch *fetch;
    enum question first; /* behind the token */
    enum question question;
    int attempts;
    char *token; /* NULL: version 1 */
    struct buf role_path;
};

static void none(struct instance *instance, const char *why)
{
    err_set(&instance->fetch->err, ERR_NONE, "instance metadata: %.160s", why);
    instance->fetch->done(instance->fetch);
}

static void fail(struct instance *instance, const char *why)
{
    instance->fetch->fault = CREDENTIALS_RETRIEVAL;
    err_set(&instance->fetch->err, ERR_CREDENTIALS, "Error retrieving metadata: %s", why);
    instance->fetch->done(instance->fetch);
}

/* --- asking --- */

static void ask(struct instance *instance, enum question question)
{
    struct cred_http *http = &instance->http;
    const char *const paths[] = {[ASK_TOKEN] = TOKEN_PATH,
                                 [ASK_ROLE] = ROLES_PATH,
                                 [ASK_KEYS] = buf_string(&instance->role_path),
                                 [ASK_ZONE] = ZONE_PATH};
    instance->attempts = question == instance->question ? instance->attempts + 1 : 1;
    instance->question = question;
    cred_http_prepare(http, question == ASK_TOKEN ? "PUT" : "GET", paths[question],
                      instance->step->timeout_ms);
    if (question == ASK_TOKEN) {
        http_request_header(&http->request, "x-aws-ec2-metadata-token-ttl-seconds", "21600");
    } else if (instance->token != NULL) {
        http_request_header(&http->request, "x-aws-ec2-metadata-token", instance->token);
    }
    cred_http_send(http);
}

static bool may_repeat(const struct instance *instance)
{
    return instance->attempts < instance->step->attempts;
}

static void go_without_token(struct instance *instance)
{
    if (instance->step->v1_disabled) {
        fail(instance, "Unable to retrieve token for use in IMDSv2 call and IMDSv1 has been disabled");
        return;
    }
    ask(instance, instance->first);
}

/* --- the answers --- */

static bool is_nobody_there(const struct http_request *request)
{
    return request->err.code != ERR_NONE && request->sent == HTTP_NOT_SENT;
}

static void on_token(struct instance *instance)
{
    const struct http_request *request = &instance->http.request;
    bool slow = request->err.code == ERR_TIMEOUT && request->sent == HTTP_MAYBE_SENT;
    bool answered = request->err.code == ERR_NONE;
    if (answered && request->status == 200 && request->body_in.length > 0 &&
        request->body_in.length <= TOKEN_MAX) {
        instance->token = mem_strdup(buf_string(&request->body_in));
        ask(instance, instance->first);
    } else if (answered && request->status == 400) {
        fail(instance, "the request for a token was answered with status 400");
    } else if (slow || (answered && request->status >= 403 && request->status <= 405)) {
        go_without_token(instance);
    } else if (may_repeat(instance)) {
        ask(instance, ASK_TOKEN);
    } else if (is_nobody_there(request)) {
        none(instance, request->err.msg);
    } else {
        go_without_token(instance);
    }
}

static void repeat_or_none(struct instance *instance, const char *what)
{
    const struct http_request *request = &instance->http.request;
    char why[200];
    if (may_repeat(instance)) {
        ask(instance, instance->question);
        return;
    }
    if (request->err.code != ERR_NONE) {
        none(instance, request->err.msg);
        return;
    }
    snprintf(why, sizeof why, "%s (status %d)", what, request->status);
    none(instance, why);
}

static void on_role(struct instance *instance)
{
    const struct http_request *request = &instance->http.request;
    if (request->err.code != ERR_NONE || request->status != 200 || request->body_in.length == 0) {
        repeat_or_none(instance, request->status == 404 ? "no role is attached to this instance"
                                                        : "the name of the role did not come");
        return;
    }
    buf_text(&instance->role_path, ROLES_PATH);
    sigv4_uri_encode(&instance->role_path, buf_string(&request->body_in), false);
    ask(instance, ASK_KEYS);
}

/* A service that cannot renew the keys hands out the old ones, which the services of AWS then take for
 * longer: they are used on, and asked for again in about a quarter of an hour. */
static void extend(struct instance *instance, struct credentials *credentials)
{
    const struct credentials_config *config = instance->http.config;
    int64_t now_ms = config->wall_ms(config->ctx);
    uint64_t chance = config->random != NULL ? config->random(config->ctx) : 0;
    if (credentials->expires_ms <= now_ms) {
        credentials->expires_ms = now_ms + EXTENSION_MS + EXTENSION_MIN +
                                  (int64_t)(chance % (uint64_t)(EXTENSION_MAX - EXTENSION_MIN));
    }
}

static void take_keys(struct instance *instance, const struct json_value *object)
{
    static const char *const required[] = {"Token", "Expiration", NULL};
    struct cred_found found = {.source = "instance metadata",
                               .provider = "iam-role",
                               .names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
                               .skew_ms = cred_http_skew_ms(&instance->http)};
    const char *code = json_string(json_get(object, "Code"));
    const char *message = json_string(json_get(object, "Message"));
    char why[200];
    if (code != NULL && strcmp(code, "Success") != 0) {
        snprintf(why, sizeof why, "%.40s: %.100s", code, message != NULL ? message : "no message");
        none(instance, why);
        return;
    }
    credentials_accept_json(instance->fetch, &found, object, required);
    if (instance->fetch->found) {
        extend(instance, &instance->fetch->credentials);
    }
    instance->fetch->done(instance->fetch);
}

static void on_keys(struct instance *instance)
{
    const struct http_request *request = &instance->http.request;
    struct err err;
    struct json_doc *doc = NULL;
    if (request->err.code == ERR_NONE && request->status == 200) {
        doc = json_parse_secret(buf_string(&request->body_in), request->body_in.length, &err);
    }
    if (doc == NULL) {
        repeat_or_none(instance, "the keys of the role did not come");
        return;
    }
    take_keys(instance, json_root(doc));
    json_free(doc);
}

static void on_zone(struct instance *instance)
{
    const struct http_request *request = &instance->http.request;
    if (request->err.code != ERR_NONE || request->status != 200 || request->body_in.length == 0) {
        repeat_or_none(instance, "the zone did not come");
        return;
    }
    endpoint_zone_region(buf_string(&request->body_in), instance->fetch->region);
    instance->fetch->found = true;
    instance->fetch->done(instance->fetch);
}

static void on_answer(struct cred_http *http)
{
    struct instance *instance = http->owner;
    if (http->canceled) {
        fail(instance, "canceled");
    } else if (instance->question == ASK_TOKEN) {
        on_token(instance);
    } else if (instance->question == ASK_ROLE) {
        on_role(instance);
    } else if (instance->question == ASK_ZONE) {
        on_zone(instance);
    } else {
        on_keys(instance);
    }
}

/* --- the face --- */

static void fetch_instance(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct instance *instance = (struct instance *)source;
    instance->fetch = fetch;
    struct err err;
    if (cred_http_open(&instance->http, instance->step->uri, &err) != 0) {
        fail(instance, err.msg);
        return;
    }
    ask(instance, ASK_TOKEN);
}

static void cancel(struct credentials_source *source)
{
    cred_http_cancel(&((struct instance *)source)->http);
}

static void destroy(struct credentials_source *source)
{
    struct instance *instance = (struct instance *)source;
    cred_http_close(&instance->http);
    buf_finish(&instance->role_path);
    if (instance->token != NULL) {
        mem_wipe(instance->token, strlen(instance->token));
    }
    free(instance->token);
    free(instance);
}

static struct credentials_source *create(const struct credentials_config *config,
                                         const struct cred_step *step, enum question first)
{
    struct instance *instance = mem_zalloc(sizeof *instance);
    instance->face = (struct credentials_source){fetch_instance, cancel, destroy};
    instance->step = step;
    instance->first = first;
    cred_http_init(&instance->http, config, instance);
    instance->http.done = on_answer;
    buf_init(&instance->role_path, 1024);
    return &instance->face;
}

struct credentials_source *cred_instance(const struct credentials_config *config,
                                         const struct cred_step *step)
{
    return create(config, step, ASK_ROLE);
}

struct credentials_source *cred_instance_region(const struct credentials_config *config,
                                                const struct cred_step *step)
{
    return create(config, step, ASK_ZONE);
}
