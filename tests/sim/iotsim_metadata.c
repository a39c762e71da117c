/* See iotsim_metadata.h. Sources: EC2 user guide, "Use the Instance Metadata Service"; SDK reference guide,
 * "Container credential provider"; what botocore 1.43 asks and expects (utils.py). */
#include "sim/iotsim_metadata.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/iotsim.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROLES_PATH    "/latest/meta-data/iam/security-credentials/"
#define ZONE_PATH     "/latest/meta-data/placement/availability-zone"
#define REGION_PATH   "/latest/meta-data/placement/region"
#define TTL_HEADER    "x-aws-ec2-metadata-token-ttl-seconds"
#define TTL_MAX_S     21600
#define SESSION_S     21600
#define HUGE_BYTES    (16 * 1024 * 1024)
#define STALE_MS      (5 * TIME_MS_PER_MINUTE) /* how long ago stale credentials say that they ended */
#define INSTANCE_NAME "i-0123456789abcdef0"
#define TASK_NAME     "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

static const struct {
    const char *name;
    int status; /* 0: it is no status */
} modes[METADATA_MODE_COUNT] = {
    [METADATA_OK] = {"ok", 0},
    [METADATA_400] = {"400", 400},
    [METADATA_401] = {"401", 401},
    [METADATA_403] = {"403", 403},
    [METADATA_404] = {"404", 404},
    [METADATA_405] = {"405", 405},
    [METADATA_429] = {"429", 429},
    [METADATA_500] = {"500", 500},
    [METADATA_503] = {"503", 503},
    [METADATA_HANG] = {"hang", 0},
    [METADATA_MALFORMED] = {"malformed", 0},
    [METADATA_HUGE] = {"huge", 0},
    [METADATA_MISSING] = {"missing", 0},
    [METADATA_FAILED] = {"failed", 0},
    [METADATA_NO_ROLE] = {"no-role", 404},
    [METADATA_EXPIRED] = {"expired", 0},
    [METADATA_STALE] = {"stale", 0},
    [METADATA_INVALID_GRANT] = {"invalid-grant", 0},
    [METADATA_EXPIRED_TOKEN] = {"expired-token", 0},
};

bool iotsim_metadata_refused(enum metadata_mode mode, struct iotsim_reply *reply)
{
    if (modes[mode].status) {
        reply->status = modes[mode].status;
    } else if (mode == METADATA_HANG) {
        reply->hang = true;
    } else if (mode == METADATA_MALFORMED) {
        buf_text(&reply->body, "{\"AccessKeyId\": \"ASIA");
    } else {
        return false;
    }
    return true;
}

/* --- credentials --- */

static struct iotsim_key *session_for(struct iotsim *sim, struct iotsim_role *role, const char *name,
                                      enum metadata_mode mode, int64_t now_ms)
{
    struct iotsim_key *key = iotsim_session_make(&sim->world, role, name, NULL, SESSION_S, now_ms);

    if (mode == METADATA_EXPIRED || mode == METADATA_STALE) {
        key->told_ms = now_ms - STALE_MS;
    }
    if (mode == METADATA_EXPIRED) {
        key->expires_ms = key->told_ms;
    }
    return key;
}

static void pad(struct buf *out)
{
    char spaces[4096];

    memset(spaces, ' ', sizeof(spaces));
    for (size_t i = 0; i < HUGE_BYTES / sizeof(spaces); i++) {
        buf_append(out, spaces, sizeof(spaces));
    }
}

static void put_credentials(struct iotsim *sim, const char *role_arn, const char *name,
                            enum metadata_mode mode, int64_t now_ms, struct iotsim_reply *reply)
{
    struct iotsim_role *role = role_arn ? iotsim_role_find(&sim->world, role_arn) : NULL;
    struct buf *out = &reply->body;
    char expiration[21];

    if (iotsim_metadata_refused(role ? mode : METADATA_404, reply)) {
        return;
    }
    if (mode == METADATA_FAILED) {
        buf_text(out, "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot assume the "
                      "role.\",\"LastUpdated\":\"2026-01-01T00:00:00Z\"}");
        return;
    }
    const struct iotsim_key *key = session_for(sim, role, name, mode, now_ms);
    time_rfc3339(key->told_ms, expiration);
    buf_printf(out, "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"%s\",", key->access_key);
    if (mode != METADATA_MISSING) {
        buf_printf(out, "\"SecretAccessKey\":\"%s\",", key->secret_key);
    }
    buf_printf(out, "\"Token\":\"%s\",\"Expiration\":\"%s\"", key->token, expiration);
    if (mode == METADATA_HUGE) {
        pad(out);
    }
    buf_text(out, "}");
}

/* --- instance metadata --- */

static void make_token(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                       struct iotsim_reply *reply)
{
    struct iotsim_metadata *metadata = &sim->metadata;
    const char *ttl = iotsim_header(request, TTL_HEADER);
    int64_t seconds;

    metadata->counts[METADATA_IMDS_TOKEN]++;
    if (iotsim_metadata_refused(metadata->imds.put, reply)) {
        return;
    }
    if (iotsim_header(request, "x-forwarded-for")) {
        reply->status = 403; /* a proxy's request: refused on purpose */
        return;
    }
    if (!ttl || !text_int64(ttl, 1, TTL_MAX_S, &seconds)) {
        reply->status = 400;
        return;
    }
    int64_t place = metadata->imds.tokens_made++ % METADATA_TOKENS_MAX;
    iotsim_secret_draw(&sim->world, metadata->imds.tokens[place].text, METADATA_TOKEN_LENGTH);
    metadata->imds.tokens[place].expires_ms = now_ms + seconds * TIME_MS_PER_SECOND;
    buf_text(&reply->body, metadata->imds.tokens[place].text);
    reply->header_name = TTL_HEADER;
    text_copy(reply->header_value, sizeof(reply->header_value), ttl);
}

static bool token_good(const struct iotsim_metadata *metadata, const struct iotsim_request *request,
                       int64_t now_ms)
{
    const char *token = iotsim_header(request, "x-aws-ec2-metadata-token");

    if (!token) {
        return !metadata->imds.no_v1;
    }
    for (size_t i = 0; i < METADATA_TOKENS_MAX; i++) {
        if (strlen(token) == METADATA_TOKEN_LENGTH && strcmp(metadata->imds.tokens[i].text, token) == 0) {
            return now_ms < metadata->imds.tokens[i].expires_ms;
        }
    }
    return false;
}

static const char *role_name(const struct iotsim_metadata *metadata)
{
    return metadata->imds.role ? strrchr(metadata->imds.role, '/') + 1 : NULL;
}

static void answer_data(struct iotsim *sim, const char *path, int64_t now_ms, struct iotsim_reply *reply)
{
    struct iotsim_metadata *metadata = &sim->metadata;
    const char *name = role_name(metadata), *behind = path + strlen(ROLES_PATH);
    bool of_roles = strncmp(path, ROLES_PATH, strlen(ROLES_PATH)) == 0;

    if (of_roles && *behind) {
        metadata->counts[METADATA_IMDS_CREDENTIALS]++;
        put_credentials(sim, name && strcmp(behind, name) == 0 ? metadata->imds.role : NULL, INSTANCE_NAME,
                        metadata->imds.answer, now_ms, reply);
    } else if (of_roles) {
        metadata->counts[METADATA_IMDS_ROLE]++;
        if (!iotsim_metadata_refused(name ? METADATA_OK : METADATA_NO_ROLE, reply) &&
            metadata->imds.answer != METADATA_NO_ROLE) {
            buf_text(&reply->body, name); /* without a role: an empty list */
        }
    } else if (strncmp(path, ZONE_PATH, strlen(ZONE_PATH)) == 0) {
        buf_printf(&reply->body, "%sa", sim->world.home->region);
    } else if (strcmp(path, REGION_PATH) == 0) {
        buf_text(&reply->body, sim->world.home->region);
    } else {
        reply->status = 404;
    }
    metadata->counts[METADATA_IMDS_OTHER] += !of_roles;
}

static void instance(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                     struct iotsim_reply *reply)
{
    reply->content_type = "text/plain";
    if (strcmp(request->target, "/latest/api/token") == 0) {
        if (strcmp(request->method, "PUT") == 0) {
            make_token(sim, request, now_ms, reply);
        } else {
            reply->status = 405;
        }
    } else if (!token_good(&sim->metadata, request, now_ms)) {
        sim->metadata.counts[METADATA_IMDS_REFUSED]++;
        reply->status = 401;
    } else {
        answer_data(sim, request->target, now_ms, reply);
    }
}

/* --- containers --- */

static void container(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                      struct iotsim_reply *reply)
{
    struct iotsim_metadata *metadata = &sim->metadata;
    const char *given = iotsim_header(request, "authorization");

    metadata->counts[METADATA_CONTAINER]++;
    if (metadata->container.authorization &&
        (!given || strcmp(given, metadata->container.authorization) != 0)) {
        reply->status = 401;
        buf_text(&reply->body, "{\"code\":\"AccessDenied\",\"message\":\"The token is not valid.\"}");
        return;
    }
    put_credentials(sim, metadata->container.role, TASK_NAME, metadata->container.answer, now_ms, reply);
}

/* --- what is asked --- */

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool iotsim_metadata(struct iotsim *sim, const struct iotsim_request *request, int64_t now_ms,
                     struct iotsim_reply *reply)
{
    reply->status = 200;
    reply->content_type = "application/json";
    if (begins(request->target, "/latest/")) {
        instance(sim, request, now_ms, reply);
    } else if (begins(request->target, "/container/")) {
        container(sim, request, now_ms, reply);
    } else if (begins(request->target, "/federation/credentials?")) {
        iotsim_sso_credentials(sim, request, now_ms, reply);
    } else if (strcmp(request->target, "/token") == 0 && strcmp(request->method, "POST") == 0) {
        iotsim_sso_token(sim, request, reply);
    } else {
        return false;
    }
    return true;
}

/* --- settings --- */

enum kind { MODE, TEXT, SECONDS, FLAG };

struct setting {
    const char *name;
    enum kind kind;
    void *at;
};

struct reading {
    const struct setting *settings;
    size_t count;
    struct err *err;
    bool failed;
};

static bool set_mode(enum metadata_mode *at, const char *name)
{
    for (int i = 0; name && i < METADATA_MODE_COUNT; i++) {
        if (strcmp(modes[i].name, name) == 0) {
            *at = (enum metadata_mode)i;
            return true;
        }
    }
    return false;
}

static bool set_text(char **at, const char *text)
{
    free(*at);
    *at = text && *text ? mem_strdup(text) : NULL;
    return true;
}

static bool set(const struct setting *setting, const struct json_value *value)
{
    bool truth;

    switch (setting->kind) {
    case MODE:
        return set_mode(setting->at, json_string(value));
    case TEXT:
        return (!value || json_string(value)) && set_text(setting->at, json_string(value));
    case SECONDS:
        return json_int64(value, setting->at);
    case FLAG: /* "v1", kept as its opposite */
        if (!json_truth(value, &truth)) {
            return false;
        }
        *(bool *)setting->at = !truth;
        return true;
    }
    return false;
}

static void on_setting(void *ctx, const char *key, const struct json_value *value)
{
    struct reading *reading = ctx;

    for (size_t i = 0; i < reading->count; i++) {
        if (strcmp(reading->settings[i].name, key) == 0 && set(&reading->settings[i], value)) {
            return;
        }
    }
    err_set(reading->err, ERR_INVALID, "metadata: '%s' is not known, or has no value that is", key);
    reading->failed = true;
}

static int read_settings(const struct json_value *object, const struct setting *settings, size_t count,
                         struct err *err)
{
    struct reading reading = {settings, count, err, false};

    json_members(object, on_setting, &reading);
    return reading.failed ? -1 : 0;
}

/* Where there is a role, its name is behind the last '/'. */
static int check_role(const char *role, struct err *err)
{
    return !role || strrchr(role, '/') ? 0 : err_set(err, ERR_INVALID, "metadata: '%s' is no role", role);
}

int iotsim_metadata_set(struct iotsim_metadata *metadata, const struct json_value *settings, struct err *err)
{
    const struct setting imds[] = {{"role", TEXT, &metadata->imds.role},
                                   {"v1", FLAG, &metadata->imds.no_v1},
                                   {"put", MODE, &metadata->imds.put},
                                   {"answer", MODE, &metadata->imds.answer}};
    const struct setting container[] = {{"role", TEXT, &metadata->container.role},
                                        {"authorization", TEXT, &metadata->container.authorization},
                                        {"answer", MODE, &metadata->container.answer}};
    const struct setting sso[] = {
        {"access_token", TEXT, &metadata->sso.access_token},
        {"refresh_token", TEXT, &metadata->sso.refresh_token},
        {"client_id", TEXT, &metadata->sso.client_id},
        {"client_secret", TEXT, &metadata->sso.client_secret},
        {"token_life_s", SECONDS, &metadata->sso.token_life_s},
        {"answer", MODE, &metadata->sso.answer},
        {"oidc", MODE, &metadata->sso.oidc},
    };
    return read_settings(json_get(settings, "imds"), imds, sizeof(imds) / sizeof(imds[0]), err) ||
                   read_settings(json_get(settings, "container"), container,
                                 sizeof(container) / sizeof(container[0]), err) ||
                   read_settings(json_get(settings, "sso"), sso, sizeof(sso) / sizeof(sso[0]), err) ||
                   check_role(metadata->imds.role, err)
               ? -1
               : 0;
}

void iotsim_metadata_print(const struct iotsim_metadata *metadata, struct buf *out)
{
    static const char *const names[METADATA_COUNT_COUNT] = {"imds_token", "imds_role",    "imds_credentials",
                                                            "imds_other", "imds_refused", "container",
                                                            "sso",        "oidc"};

    for (int i = 0; i < METADATA_COUNT_COUNT; i++) {
        buf_printf(out, "%s\"%s\":%" PRId64, i ? "," : "{", names[i], metadata->counts[i]);
    }
    buf_text(out, "}");
}

void iotsim_metadata_finish(struct iotsim_metadata *metadata)
{
    free(metadata->imds.role);
    free(metadata->container.role);
    free(metadata->container.authorization);
    free(metadata->sso.access_token);
    free(metadata->sso.refresh_token);
    free(metadata->sso.client_id);
    free(metadata->sso.client_secret);
}
