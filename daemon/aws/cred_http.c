/* See aws/cred_http.h. */
#include "aws/cred_http.h"

#include "aws/settings.h"
#include "base/text.h"
#include "base/time.h"

#include <stdlib.h>

#define TARGET_MAX 4096
#define BODY_MAX   ((size_t)256 * 1024) /* a web identity token and a session policy, percent-encoded */
#define SKEW_MS    (5 * TIME_MS_PER_MINUTE)

void cred_http_init(struct cred_http *http, const struct credentials_config *config, void *owner)
{
    *http = (struct cred_http){.config = config, .owner = owner};
    http_request_init(&http->request);
    buf_init(&http->target, TARGET_MAX);
    buf_init_secret(&http->body, BODY_MAX);
}

static int open_origin(struct cred_http *http, const char *url, const char *ca_bundle, bool metadata,
                       struct err *err)
{
    const struct http_origin_options options = {
        .ca_bundle = ca_bundle, .no_verify = http->config->no_verify, .plain_link_local = metadata};
    if (http->config->http == NULL) {
        return err_set(err, ERR_CREDENTIALS, "%s cannot be asked from here", url);
    }
    http->origin = http_origin_create(http->config->http, url, &options, err);
    return http->origin != NULL ? 0 : err_context(err, "%.100s", url);
}

static int open_with(struct cred_http *http, const char *url, const struct settings *settings, bool metadata,
                     struct err *err)
{
    const char *bundle = http->config->ca_bundle;
    bundle = bundle != NULL ? bundle : settings_get(settings, SETTING_CA_BUNDLE, NULL);
    return open_origin(http, url, bundle, metadata, err);
}

int cred_http_open(struct cred_http *http, const char *url, struct err *err)
{
    struct settings *settings = settings_load(NULL, http->config->profile, err);
    int result = settings != NULL ? open_with(http, url, settings, true, err) : -1;
    settings_free(settings);
    return result;
}

int cred_http_open_service(struct cred_http *http, const char *service, const char *explicit_url,
                           const char *explicit_region, char region[64], struct err *err)
{
    struct settings *settings = settings_load(NULL, http->config->profile, err);
    struct settings_region found;
    struct settings_endpoint endpoint;
    int result = -1;
    if (settings != NULL && settings_region(settings, explicit_region, &found, err) == 0 &&
        settings_endpoint(settings, service, &found, explicit_url, &endpoint, err) == 0) {
        text_copy(region, 64, found.name);
        result = open_with(http, endpoint.url, settings, false, err);
    }
    settings_free(settings);
    return result;
}

static void give_turn_back(struct cred_http *http)
{
    const struct credentials_pace *pace = http->config->pace;
    if (http->has_turn) {
        http->has_turn = false;
        pace->release(pace->ctx, &http->turn);
    }
}

static void on_turn(struct credentials_turn *turn)
{
    struct cred_http *http = turn->owner;
    http->granted(http);
}

void cred_http_take_turn(struct cred_http *http)
{
    const struct credentials_pace *pace = http->config->pace;
    give_turn_back(http);
    if (pace != NULL) {
        http->has_turn = true;
        http->turn = (struct credentials_turn){.granted = on_turn, .owner = http};
        pace->acquire(pace->ctx, &http->turn);
    } else {
        http->granted(http);
    }
}

void cred_http_close(struct cred_http *http)
{
    give_turn_back(http);
    http_request_finish(&http->request);
    buf_finish(&http->target);
    buf_finish(&http->body);
    if (http->origin != NULL) {
        http_origin_destroy(http->config->http, http->origin);
    }
}

static void on_done(struct http_request *request)
{
    struct cred_http *http = request->owner;
    give_turn_back(http);
    http->done(http);
}

void cred_http_prepare(struct cred_http *http, const char *method, const char *target, int64_t timeout_ms)
{
    http_request_finish(&http->request);
    http_request_init(&http->request);
    buf_reset(&http->target);
    buf_reset(&http->body);
    buf_text(&http->target, http_origin_base(http->origin));
    buf_text(&http->target, target);
    http->request.origin = http->origin;
    http->request.method = method;
    http->request.request_ms = http->config->patience_ms > 0 ? http->config->patience_ms : timeout_ms;
    http->request.reply_bytes = CRED_REPLY_MAX;
    http->request.secret = true;
    http->request.done = on_done;
    http->request.owner = http;
}

static void refuse(struct cred_http *http, enum err_code code, const char *why)
{
    struct err err;
    http->request.done = on_done;
    http->request.owner = http;
    err_set(&err, code, "%s", why);
    http_refuse(http->config->http, &http->request, &err);
}

void cred_http_send(struct cred_http *http)
{
    if (http->target.overflow || http->body.overflow) {
        refuse(http, ERR_TOO_BIG, "a request that is too long");
        return;
    }
    http->request.target = buf_string(&http->target);
    if (http->body.length > 0) {
        http->request.body = buf_string(&http->body);
        http->request.body_length = http->body.length;
    }
    http_submit(http->config->http, &http->request);
}

static void on_rested(void *owner)
{
    struct cred_http *http = owner;
    http->pause = NULL;
    http->rested(http);
}

void cred_http_rest(struct cred_http *http, int64_t ms)
{
    http->pause = pause_start(http->config->loop, ms, on_rested, http);
}

void cred_http_cancel(struct cred_http *http)
{
    http->canceled = true;
    give_turn_back(http);
    pause_cancel(http->pause);
    http->pause = NULL;
    if (http->request.impl != NULL) {
        http_cancel(http->config->http, &http->request);
    } else {
        refuse(http, ERR_CANCELED, "canceled");
    }
}

int64_t cred_http_skew_ms(const struct cred_http *http)
{
    struct err ignored;
    int64_t date;
    if (http->request.date[0] == '\0' || time_parse_http(http->request.date, &date, &ignored) != 0) {
        return 0;
    }
    int64_t skew = date - http->config->wall_ms(http->config->ctx);
    return llabs(skew) >= SKEW_MS ? skew : 0;
}
