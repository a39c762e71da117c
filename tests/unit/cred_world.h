/* What the tests of the credentials' sources share: a home of its own, none of AWS's variables, a loopback
 * server that gives the answers of a list and keeps what it was asked, a clock, and a provider on top. */
#ifndef TESTS_CRED_WORLD_H
#define TESTS_CRED_WORLD_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "http_server.h"

#include <stdbool.h>

#define CRED_NOW  INT64_C(1795490100000) /* 2026-11-24T03:15:00Z */
#define CRED_LIFE INT64_C(21600000)      /* from there to CRED_END */
#define CRED_END  "2026-11-24T09:15:00Z"

/* Answers with keys: of a container, with this access key until then; of a role by STS; of SSO's portal. And
 * one with a new token of SSO. */
#define CRED_KEYS_UNTIL(key, expires)                                                                        \
    "200 {\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"SK\",\"Token\":\"TK\",\"Expiration\":\"" expires \
    "\"}"
#define CRED_ROLE_KEYS(action)                                                                               \
    "200 <" action "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" action                   \
    "Result><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK</SecretAccessKey>"                 \
    "<SessionToken>TK</SessionToken><Expiration>" CRED_END "</Expiration></Credentials></" action            \
    "Result></" action "Response>"
#define CRED_SSO_KEYS                                                                                        \
    "200 {\"roleCredentials\":{\"accessKeyId\":\"AK\",\"secretAccessKey\":\"SK\",\"sessionToken\":\"TK\","   \
    "\"expiration\":1795511700000}}"
#define CRED_SSO_TOKEN "200 {\"accessToken\":\"NEW\",\"expiresIn\":28800,\"refreshToken\":\"RT2\"}"

struct cred_world {
    uv_loop_t loop;
    struct http_server server;
    struct http_client *http;
    struct credentials_provider *provider;
    const struct credentials_role *role; /* of cred_world_config() */
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
/* The same, where the keys come from a container endpoint that is the server; from a role "top" that is
 * assumed with keys EK of the environment, and STS is the server; from SSO, which is the server, with this
 * token. */
void cred_world_open_container(struct cred_world *world, const char *const *answers);
void cred_world_open_role(struct cred_world *world, const char *const *answers);
void cred_world_open_sso(struct cred_world *world, const char *const *answers, const char *token);
void cred_world_file(struct cred_world *world, const char *name, const char *text, int mode);
void cred_world_variable(struct cred_world *world, const char *name, const char *text);
struct credentials_config cred_world_config(struct cred_world *world);
/* config NULL: cred_world_config(). */
void cred_world_provider(struct cred_world *world, const struct credentials_config *config);
void cred_world_begin(struct cred_world *world); /* only begins to ask */
void cred_world_wait(struct cred_world *world);  /* until what was begun is answered */
void cred_world_ask(struct cred_world *world);   /* both */
/* And found must begin with this, and the server have had so many requests since it was opened. */
void cred_world_expect(struct cred_world *world, const char *found, int requests);
void cred_world_close(struct cred_world *world);

/* An sso-session whose token has ended and can be refreshed, and where it lies. */
#define CRED_SSO_CONFIG                                                                                      \
    "[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = R\n[sso-session s]\n"                   \
    "sso_region = eu-west-1\nsso_start_url = https://u\n"
#define CRED_SSO_UNTIL(expires)                                                                              \
    "{\"accessToken\":\"OLD\",\"expiresAt\":\"" expires "\",\"refreshToken\":\"RT\",\"clientId\":\"CI\","    \
    "\"clientSecret\":\"CS\",\"registrationExpiresAt\":\"2027-01-01T00:00:00Z\"}"
#define CRED_SSO_ENDED CRED_SSO_UNTIL("2026-11-24T03:00:00Z")
#define CRED_SSO_FILE  ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json"

#endif
