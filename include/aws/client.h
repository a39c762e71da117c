/* The AWS client of one target: credentials, signing and HTTP behind the face of a job service. It sends what
 * it is told to send, once; nothing here repeats a call. */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include "aws/credentials.h"
#include "base/err.h"
#include "model/call.h"
#include "net/http.h"

struct aws_client;

struct aws_client_config {
    struct http_client *http;
    struct credentials_provider *credentials; /* the caller's; outlives the client */
    int64_t (*wall_ms)(void *ctx); /* the clock, for the freshness of credentials and received_ms */
    void *ctx;
    const char *region;
    const char *endpoint_url;     /* NULL: by region */
    const char *sts_endpoint_url; /* NULL: AWS_ENDPOINT_URL_STS, else by region */
    const char *signing_name;     /* NULL: "iot" */
    const char *ca_bundle;        /* NULL: AWS_CA_BUNDLE, else the system's */
};

struct aws_client *aws_client_create(const struct aws_client_config *config, struct err *err);
/* No call may be in it. Takes NULL. */
void aws_client_destroy(struct aws_client *client);

/* Signs with call.signed_at_ms as X-Amz-Date. DELETE_EXECUTION is sent at most once per submit. */
struct job_service *aws_client_service(struct aws_client *client);

#endif
