/* The credentials endpoint of a container: see aws/cred_source.h.
 *
 * The happy path: one GET with the token as it is now, and the keys in the answer.
 *
 * The ways out: an answer that is none, or no good, is asked for again after a pause, three times in all; the
 * last one's reason is the error. Unlike the instance's metadata service, an endpoint that is named must
 * serve. */
#include "aws/cred_check.h"
#include "aws/cred_http.h"
#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROVIDER      "container-role"
#define ATTEMPTS      3
#define TIMEOUT_MS    2000
#define PAUSE_MS      1000
#define TOKEN_MAX     ((size_t)16 * 1024)
#define ALLOWED_HOSTS "169.254.170.2, 169.254.170.23, fd00:ec2::23, localhost"

struct container {
    struct credentials_source face;
    struct cred_http http;
    const struct cred_step *step;
    struct credentials_fetch *fetch;
    const char *target; /* in step->uri */
    struct buf token;
    int attempts;
};

static void end(struct container *container)
{
    container->fetch->done(container->fetch);
}

/* --- the address --- */

/* The host alone, without its port and brackets. */
static void take_host(const char *authority, size_t length, char *host, size_t size)
{
    bool bracketed = length > 0 && authority[0] == '[';
    const char *from = authority + (bracketed ? 1 : 0);
    size_t used = strcspn(from, bracketed ? "]" : ":/?#");
    snprintf(host, size, "%.*s", (int)used, from);
}

static bool is_allowed(const char *host)
{
    static const char *const allowed[] = {"169.254.170.2", "169.254.170.23", "localhost"};
    static const char *const allowed_six[] = {"fd00:ec2::23", "::1"};
    struct in_addr four;
    struct in6_addr six, other;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (strcasecmp(host, allowed[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; inet_pton(AF_INET6, host, &six) == 1 && i < 2; i++) {
        if (inet_pton(AF_INET6, allowed_six[i], &other) == 1 && memcmp(&six, &other, sizeof six) == 0) {
            return true;
        }
    }
    return inet_pton(AF_INET, host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127;
}

/* Takes the address apart into the origin and what is asked of it; false when it may not be asked. */
static bool open_endpoint(struct container *container)
{
    const char *uri = container->step->uri;
    const char *scheme_end = strstr(uri, "://");
    const char *authority = scheme_end != NULL ? scheme_end + 3 : uri;
    size_t length = strcspn(authority, "/?#");
    char host[256], origin[512];
    struct err err;

    take_host(authority, length, host, sizeof host);
    if (strncmp(uri, "https://", 8) != 0 && !is_allowed(host)) {
        credentials_fail(
            container->fetch, PROVIDER,
            "Unsupported host '%.100s'.  Can only retrieve metadata from a loopback address or one "
            "of these hosts: " ALLOWED_HOSTS,
            host);
        return false;
    }
    snprintf(origin, sizeof origin, "%.*s", (int)(authority + length - uri), uri);
    container->target = authority[length] == '/' ? authority + length : "/";
    if (cred_http_open(&container->http, origin, &err) != 0) {
        credentials_fail(container->fetch, PROVIDER, "%s", err.msg);
        return false;
    }
    return true;
}

/* --- asking --- */

/* The file is read at each asking: it is rewritten before its token ends. */
static bool read_token(struct container *container)
{
    const struct cred_step *step = container->step;
    struct err err;
    buf_reset(&container->token);
    if (step->auth_token_file != NULL &&
        credentials_read_file(step->auth_token_file, false, &container->token, &err) != 0) {
        credentials_fail(container->fetch, PROVIDER, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %s", err.msg);
        return false;
    }
    if (step->auth_token_file == NULL && step->auth_token != NULL) {
        buf_text(&container->token, step->auth_token);
    }
    const char *token = buf_string(&container->token);
    if (strlen(token) != container->token.length || strpbrk(token, "\r\n") != NULL) {
        credentials_fail(container->fetch, PROVIDER, "Auth token value is not a legal header value");
        return false;
    }
    return true;
}

static void ask(struct container *container)
{
    struct cred_http *http = &container->http;
    container->attempts++;
    if (!read_token(container)) {
        end(container);
        return;
    }
    cred_http_prepare(http, "GET", container->target, TIMEOUT_MS);
    http_request_header(&http->request, "Accept", "application/json");
    if (container->token.length > 0) {
        http_request_header(&http->request, "Authorization", buf_string(&container->token));
    }
    cred_http_send(http);
}

static void on_rested(struct cred_http *http)
{
    ask(http->owner);
}

/* --- the answer --- */

/* Of a body that is no success only what says why: it could be anything. */
static void describe(const struct http_request *request, char *out, size_t size)
{
    struct err ignored;
    struct json_doc *doc =
        json_parse_secret(buf_string(&request->body_in), request->body_in.length, &ignored);
    const struct json_value *root = doc != NULL ? json_root(doc) : NULL;
    const char *text = json_string(json_get(root, "message"));
    text = text != NULL ? text : json_string(json_get(root, "Message"));
    struct buf visible;
    buf_init(&visible, size - 3);
    if (text != NULL) {
        text_visible(&visible, text);
    }
    snprintf(out, size, "%s%s", visible.length > 0 ? ": " : "", buf_string(&visible));
    buf_finish(&visible);
    json_free(doc);
}

static void fail(struct container *container)
{
    const struct http_request *request = &container->http.request;
    char detail[200];
    if (request->err.code != ERR_NONE) {
        credentials_fail(container->fetch, PROVIDER,
                         "Error retrieving metadata: Received error when attempting to retrieve container "
                         "metadata: %s",
                         request->err.msg);
    } else if (request->status != 200) {
        describe(request, detail, sizeof detail);
        credentials_fail(container->fetch, PROVIDER,
                         "Error retrieving metadata: Received non 200 response %d from container metadata%s",
                         request->status, detail);
    } else {
        credentials_fail(container->fetch, PROVIDER,
                         "Error retrieving metadata: Unable to parse JSON returned from container metadata "
                         "services");
    }
    if (request->err.code != ERR_NONE || request->status == 429 || request->status >= 500) {
        container->fetch->err.code = ERR_UNAVAILABLE;
    }
    end(container);
}

static void take_keys(struct container *container, const struct json_doc *doc)
{
    static const char *const required[] = {"Token", "Expiration", NULL};
    struct cred_found found = {.source = "container",
                               .provider = PROVIDER,
                               .names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
                               .skew_ms = cred_http_skew_ms(&container->http)};
    credentials_accept_json(container->fetch, &found, json_root(doc), required);
    end(container);
}

static void on_answer(struct cred_http *http)
{
    struct container *container = http->owner;
    const struct http_request *request = &http->request;
    struct err ignored;
    struct json_doc *doc = NULL;
    if (request->err.code == ERR_NONE && request->status == 200) {
        doc = json_parse_secret(buf_string(&request->body_in), request->body_in.length, &ignored);
    }
    if (doc != NULL) {
        take_keys(container, doc);
        json_free(doc);
    } else if (http->canceled || container->attempts == ATTEMPTS) {
        fail(container);
    } else {
        cred_http_rest(http, http->config->pause_ms > 0 ? http->config->pause_ms : PAUSE_MS);
    }
}

/* --- the face --- */

static void fetch_container(struct credentials_source *source, struct credentials_fetch *fetch)
{
    struct container *container = (struct container *)source;
    container->fetch = fetch;
    if (open_endpoint(container)) {
        ask(container);
    } else {
        end(container);
    }
}

static void cancel(struct credentials_source *source)
{
    cred_http_cancel(&((struct container *)source)->http);
}

static void destroy(struct credentials_source *source)
{
    struct container *container = (struct container *)source;
    cred_http_close(&container->http);
    buf_finish(&container->token);
    free(container);
}

struct credentials_source *cred_container(const struct credentials_config *config,
                                          const struct cred_step *step)
{
    struct container *container = mem_zalloc(sizeof *container);
    container->face = (struct credentials_source){fetch_container, cancel, destroy};
    container->step = step;
    cred_http_init(&container->http, config, container);
    container->http.done = on_answer;
    container->http.rested = on_rested;
    buf_init_secret(&container->token, TOKEN_MAX);
    return &container->face;
}
