/* The AWS client of one target: credentials, signing and HTTP behind the face of a job service. It sends what
 * it is told to send, once; nothing here repeats a call. */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/credentials.h"
#include "aws/settings.h"
#include "base/err.h"
#include "model/call.h"
#include "net/http.h"

struct aws_client;

struct aws_client_config {
    struct http_client *http;
    struct credentials_provider *credentials; /* the caller's; outlives the client */
    int64_t (*wall_ms)(void *ctx);            /* the clock, for received_ms */
    void *ctx;
    /* What the environment and the shared files say where nothing is given here; only read by
     * aws_client_create(). NULL: they say nothing. */
    const struct settings *settings;
    const char *region; /* NULL: that of the settings */
    /* NULL: as settings_endpoint(). That of the one is not that of the other. */
    const char *endpoint_url;
    const char *sts_endpoint_url;
    bool with_quotas;      /* GET_SERVICE_QUOTA can be sent; else it is refused */
    const char *ca_bundle; /* NULL: that of the settings, else the system's */
    bool no_verify;        /* only for `--no-verify-ssl` */
    /* Told of each answer, right before the call's done(); must not call the client. NULL: nobody is. */
    void (*answered)(void *owner, const struct call *call);
    void *owner;
};

struct aws_client *aws_client_create(const struct aws_client_config *config, struct err *err);
/* No call may be in it. Takes NULL. */
void aws_client_destroy(struct aws_client *client);

/* From now on these, which outlive the client too. No call may be in it. */
void aws_client_set_credentials(struct aws_client *client, struct credentials_provider *credentials);

/* Signs with call.signed_at_ms as X-Amz-Date. DELETE_EXECUTION is sent at most once per submit. A call that
 * iot_encode() refuses, or that has no signed_at_ms, is answered ANSWER_INVALID and never sent; without
 * credentials the answer is ANSWER_DENIED with the code "NoCredentials", or, where that may pass,
 * ANSWER_NOT_SENT with "CredentialsUnavailable". */
struct job_service *aws_client_service(struct aws_client *client);

/* Where such calls go, "host" or "host:port": for people. */
const char *aws_client_host(const struct aws_client *client, enum operation operation);

#endif
