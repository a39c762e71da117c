/* What the tests of the credentials' sources share: a home of its own, none of AWS's variables, a loopback
 * server that gives the answers of a list and keeps what it was asked, a clock, and a provider on top. */
#ifndef TESTS_CRED_WORLD_H
#define TESTS_CRED_WORLD_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "http_server.h"

#include <stdbool.h>

#define CRED_NOW INT64_C(1795490100000) /* 2026-11-24T03:15:00Z */

struct cred_world {
    uv_loop_t loop;
    struct http_server server;
    struct http_client *http;
    struct credentials_provider *provider;
    char home[64];
    int64_t now_ms;
    uint64_t chance;
    /* "STATUS BODY", one a request, the last one again and again; "HANG": none; "RESET": the connection is
     * reset; "DATE: x\n" in front of the status is sent as the Date header. NULL behind the last. */
    const char *const *answers;
    int asked;
    struct buf requests; /* all of them, as they came */
    /* of the last cred_world_ask() */
    char found[600]; /* "ACCESS SECRET TOKEN SOURCE", or "" */
    int64_t expires_ms;
    struct err err;
    enum credentials_fault fault;
    int done;
    struct credentials_waiter waiter;
};

/* In text, PORT stands for the server's port and HOME for the folder. */
void cred_world_open(struct cred_world *world, const char *const *answers);
void cred_world_file(struct cred_world *world, const char *name, const char *text, int mode);
void cred_world_variable(struct cred_world *world, const char *name, const char *text);
struct credentials_config cred_world_config(struct cred_world *world);
void cred_world_provider(struct cred_world *world, const struct credentials_config *config);
void cred_world_begin(struct cred_world *world); /* only begins to ask */
void cred_world_ask(struct cred_world *world);   /* and waits for the answer */
void cred_world_close(struct cred_world *world);

/* An sso-session whose token has ended and can be refreshed, and where it lies. */
#define CRED_SSO_CONFIG                                                                                      \
    "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\n[sso-session s]\n"                   \
    "sso_region = eu-west-1\nsso_start_url = https://u\n"
#define CRED_SSO_ENDED                                                                                       \
    "{\"accessToken\":\"OLD\",\"expiresAt\":\"2026-11-24T03:00:00Z\",\"refreshToken\":\"RT\",\"clientId\":"  \
    "\"CI\","                                                                                                \
    "\"clientSecret\":\"CS\",\"registrationExpiresAt\":\"2027-01-01T00:00:00Z\"}"
#define CRED_SSO_FILE ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json"

#endif
