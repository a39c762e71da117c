/* See aws/client.h.
 *
 * The happy path: submit() encodes the call and asks for credentials; on_credentials() signs and hands the
 * request to the HTTP client; on_answer() decodes what came back and calls done().
 *
 * The ways out: a call that may not be sent, missing credentials, and a cancel before signing all become a
 * refused request (http_refuse), so that there is one end, on_answer(), and it runs from the loop. A cancel
 * while the request is with the HTTP client is passed on to it; what it answers then is decoded like any
 * other answer. recall() is a cancel of what has not left. Nothing is sent twice: what may be repeated is the
 * engine's to repeat. */
#include "aws/client.h"

#include "aws/iot.h"
#include "aws/signing.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_MAX ((size_t)3 * NEXT_TOKEN_MAX + 4096) /* each byte of a token can become three */
#define BODY_MAX   (6 * NEXT_TOKEN_MAX + 16384)        /* of a search: the token and the query, escaped */

/* Where calls go: the control plane of AWS IoT, STS, or Service Quotas. */
struct service {
    struct http_origin *origin;
    const char *signing_name;
    struct sigv4_key key; /* of the last signature; good for a day, a region and an access key */
};

struct aws_client {
    struct aws_client_config config; /* its strings and settings are not kept, but for region */
    char region[64];
    struct service iot, sts, quotas; /* quotas.origin is NULL without config.with_quotas */
    struct job_service face;
};

enum transfer_state {
    TRANSFER_CREDENTIALS, /* waiting for them */
    TRANSFER_CANCELED,    /* still waiting for them, but not to be sent */
    TRANSFER_REFUSED,     /* on its way to on_answer() without having been sent */
    TRANSFER_SENT         /* with the HTTP client */
};

/* One call on its way. */
struct transfer {
    struct aws_client *client;
    struct service *service;
    struct call *call;
    enum transfer_state state;
    struct credentials_waiter waiter;
    struct http_request request;
    struct buf target, body;
    struct signing signing;
    char access_key[SIGV4_ACCESS_KEY_MAX + 1];
};

static void set_state(struct transfer *transfer, enum transfer_state state)
{
    transfer->state = state;
}

static int64_t wall_ms(const struct aws_client *client)
{
    return client->config.wall_ms(client->config.ctx);
}

/* --- the end of a transfer --- */

static void free_transfer(struct transfer *transfer)
{
    http_request_finish(&transfer->request);
    buf_finish(&transfer->target);
    buf_finish(&transfer->body);
    signing_finish(&transfer->signing);
    free(transfer);
}

static void on_answer(struct http_request *request)
{
    struct transfer *transfer = request->owner;
    struct aws_client *client = transfer->client;
    struct call *call = transfer->call;

    iot_decode(call, request);
    call->answer.received_ms = wall_ms(client);
    if (call->answer.class == ANSWER_EXPIRED) {
        credentials_expired(client->config.credentials, transfer->access_key);
    } else if (call->answer.class == ANSWER_DONE && call->operation == OPERATION_GET_CALLER_IDENTITY) {
        credentials_identified(client->config.credentials, transfer->access_key, call->account);
    }
    free_transfer(transfer);
    call->service = NULL;
    if (client->config.answered) {
        client->config.answered(client->config.owner, call);
    }
    call->done(call);
}

static void refuse(struct transfer *transfer, const struct err *err)
{
    set_state(transfer, TRANSFER_REFUSED);
    http_refuse(transfer->client->config.http, &transfer->request, err);
}

/* --- signing --- */

static int sign(struct transfer *transfer, const struct credentials *credentials, struct err *err)
{
    struct http_request *request = &transfer->request;

    if (!text_copy(transfer->access_key, sizeof(transfer->access_key), credentials->access_key)) {
        return err_set(err, ERR_CREDENTIALS, "an access key of more than %d characters",
                       SIGV4_ACCESS_KEY_MAX);
    }
    return signing_apply(&transfer->signing, request, credentials, &transfer->service->key,
                         transfer->client->region, transfer->service->signing_name,
                         transfer->call->signed_at_ms, err);
}

/* --- the way out --- */

static void on_credentials(struct credentials_waiter *waiter)
{
    struct transfer *transfer = waiter->owner;
    struct err err;

    if (transfer->state == TRANSFER_CANCELED) {
        err_set(&err, ERR_CANCELED, "canceled before it was sent");
        refuse(transfer, &err);
    } else if (!waiter->credentials) {
        refuse(transfer, &waiter->err);
    } else if (sign(transfer, waiter->credentials, &err)) {
        refuse(transfer, &err);
    } else {
        set_state(transfer, TRANSFER_SENT);
        http_submit(transfer->client->config.http, &transfer->request);
    }
}

static const struct service *service_of(const struct aws_client *client, enum operation operation)
{
    return operation == OPERATION_GET_CALLER_IDENTITY ? &client->sts
           : operation == OPERATION_GET_SERVICE_QUOTA ? &client->quotas
                                                      : &client->iot;
}

static struct transfer *create_transfer(struct aws_client *client, struct call *call)
{
    struct transfer *transfer = mem_zalloc(sizeof(*transfer));

    transfer->client = client;
    transfer->service = (struct service *)(uintptr_t)service_of(client, call->operation);
    transfer->call = call;
    transfer->waiter.done = on_credentials;
    transfer->waiter.owner = transfer;
    buf_init(&transfer->target, TARGET_MAX);
    buf_init(&transfer->body, BODY_MAX);
    signing_init(&transfer->signing);
    http_request_init(&transfer->request);
    transfer->request.done = on_answer;
    transfer->request.owner = transfer;
    transfer->request.origin = transfer->service->origin;
    transfer->request.once = !operation_is_read(call->operation);
    transfer->request.leave_by_ns = call->leave_by_ns;
    return transfer;
}

/* The query of the endpoint's own address comes first, as in botocore. */
static void add_query(struct buf *target, const char *query)
{
    char *whole = mem_strdup(buf_string(target));
    const char *own = strchr(whole, '?');
    size_t path = own != NULL ? (size_t)(own - whole) : strlen(whole);
    buf_reset(target);
    buf_append(target, whole, path);
    buf_printf(target, "?%s%s%s", query, own != NULL ? "&" : "", own != NULL ? own + 1 : "");
    free(whole);
}

/* A form has its Content-Type from the HTTP client. */
static void add_headers(struct transfer *transfer)
{
    if (transfer->service == &transfer->client->quotas) {
        http_request_header(&transfer->request, "Content-Type", "application/x-amz-json-1.1");
        http_request_header(&transfer->request, "X-Amz-Target", "ServiceQuotasV20190624.GetServiceQuota");
    } else if (transfer->body.length > 0 && transfer->service == &transfer->client->iot) {
        http_request_header(&transfer->request, "Content-Type", "application/json");
    }
}

static int encode(struct transfer *transfer, struct err *err)
{
    struct http_request *request = &transfer->request;

    if (transfer->call->signed_at_ms <= 0) {
        return err_set(err, ERR_INVALID, "%s has no signing time", operation_name(transfer->call->operation));
    }
    if (request->origin == NULL) {
        return err_set(err, ERR_INVALID, "Service Quotas are not asked here");
    }
    buf_text(&transfer->target, http_origin_base(request->origin));
    if (iot_encode(transfer->call, &request->method, &transfer->target, &transfer->body, err)) {
        return -1;
    }
    if (*http_origin_query(request->origin) != '\0') {
        add_query(&transfer->target, http_origin_query(request->origin));
    }
    request->target = buf_string(&transfer->target);
    if (transfer->body.length > 0) {
        request->body = buf_string(&transfer->body);
        request->body_length = transfer->body.length;
    }
    add_headers(transfer);
    return 0;
}

static void submit(void *ctx, struct call *call)
{
    struct aws_client *client = ctx;
    struct transfer *transfer = create_transfer(client, call);
    struct err err;

    call->service = transfer;
    if (encode(transfer, &err)) {
        refuse(transfer, &err);
    } else {
        credentials_get(client->config.credentials, &transfer->waiter);
    }
}

static void cancel(void *ctx, struct call *call)
{
    struct aws_client *client = ctx;
    struct transfer *transfer = call->service;

    if (!transfer) {
        return;
    }
    if (transfer->state == TRANSFER_CREDENTIALS) {
        set_state(transfer, TRANSFER_CANCELED);
    } else if (transfer->state == TRANSFER_SENT) {
        http_cancel(client->config.http, &transfer->request);
    }
}

/* Of what waits for credentials nothing has left either. */
static void recall(void *ctx, struct call *call)
{
    struct aws_client *client = ctx;
    struct transfer *transfer = call->service;

    if (transfer && transfer->state == TRANSFER_SENT) {
        http_recall(client->config.http, &transfer->request);
    } else {
        cancel(ctx, call);
    }
}

/* --- the client --- */

static int open_service(struct service *service, const char *name, const char *explicit_url,
                        const struct settings_region *region, const struct aws_client_config *config,
                        struct err *err)
{
    const char *ca_bundle = config->ca_bundle;
    struct settings_endpoint endpoint;

    if (ca_bundle == NULL && config->settings != NULL) {
        ca_bundle = settings_get(config->settings, SETTING_CA_BUNDLE, NULL);
    }
    const struct http_origin_options options = {.ca_bundle = ca_bundle, .no_verify = config->no_verify};
    if (settings_endpoint(config->settings, name, region, explicit_url, &endpoint, err)) {
        return -1;
    }
    service->origin = http_origin_create(config->http, endpoint.url, &options, err);
    if (service->origin == NULL && endpoint.where != NULL) {
        err_context(err, "%s", endpoint.where);
    }
    return service->origin ? 0 : err_context(err, "endpoint of %s", name);
}

struct aws_client *aws_client_create(const struct aws_client_config *config, struct err *err)
{
    struct aws_client *client = mem_zalloc(sizeof(*client));
    struct settings_region region;

    client->config = *config;
    client->config.settings = NULL;
    client->face = (struct job_service){.ctx = client, .submit = submit, .cancel = cancel, .recall = recall};
    client->iot.signing_name = "iot";
    client->sts.signing_name = "sts";
    client->quotas.signing_name = "servicequotas";
    if (settings_region(config->settings, config->region, &region, err) ||
        open_service(&client->iot, "iot", config->endpoint_url, &region, config, err) ||
        open_service(&client->sts, "sts", config->sts_endpoint_url, &region, config, err) ||
        (config->with_quotas &&
         open_service(&client->quotas, "service-quotas", NULL, &region, config, err))) {
        goto fail;
    }
    text_copy(client->region, sizeof(client->region), region.name);
    return client;
fail:
    aws_client_destroy(client);
    return NULL;
}

void aws_client_destroy(struct aws_client *client)
{
    if (client) {
        sigv4_key_wipe(&client->iot.key);
        sigv4_key_wipe(&client->sts.key);
        sigv4_key_wipe(&client->quotas.key);
        http_origin_destroy(client->config.http, client->iot.origin);
        http_origin_destroy(client->config.http, client->sts.origin);
        http_origin_destroy(client->config.http, client->quotas.origin);
    }
    free(client);
}

void aws_client_set_credentials(struct aws_client *client, struct credentials_provider *credentials)
{
    client->config.credentials = credentials;
}

struct job_service *aws_client_service(struct aws_client *client)
{
    return &client->face;
}

const char *aws_client_host(const struct aws_client *client, enum operation operation)
{
    return http_origin_host(service_of(client, operation)->origin);
}
