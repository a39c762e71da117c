/* What tests of the AWS client share: one whose endpoints are a loopback server, with keys of the
 * environment. */
#ifndef TESTS_CLIENT_WORLD_H
#define TESTS_CLIENT_WORLD_H

#include "aws/client.h"
#include "unit/loopback.h"

#include <stdbool.h>

#define NOW    INT64_C(1795490100000) /* 2026-11-24T03:15:00Z */
#define REGION "eu-west-1"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

#define EMPTY_OK "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define EMPTY_PAGE                                                                                           \
    "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
#define KEPT_OPEN "HTTP/1.1 200 OK\r\nx-amzn-RequestId: r-1\r\nContent-Length: 0\r\n\r\n"
#define EXPIRED                                                                                              \
    "HTTP/1.1 403 Forbidden\r\nx-amzn-RequestId: r-1\r\nx-amzn-ErrorType: ExpiredTokenException:\r\n"        \
    "Content-Length: 0\r\nConnection: close\r\n\r\n"

struct client_world {
    uv_loop_t loop;
    struct loopback server;
    struct http_client *http;
    struct credentials_provider *credentials;
    struct aws_client *client;
    struct call call;
    int answers;
    bool submitting;
};

/* answer is the server's, again and again; NULL: it closes the connection without one. */
struct client_world *client_world_open(const char *answer);
void client_world_close(struct client_world *world);

/* A client whose endpoints are the loopback server with this path behind. */
struct aws_client *client_world_client(struct client_world *world, const char *path);
struct aws_client_config client_world_config(struct client_world *world);
/* An environment without any of AWS's variables, and without its files. */
void client_world_no_keys(void);
int64_t client_world_ms(void *ctx); /* NOW */

/* world->call, on an execution. */
void client_world_prepare(struct client_world *world, enum operation operation);
void client_world_submit(struct client_world *world);
void client_world_finish(struct client_world *world);                        /* until it is answered */
void client_world_run(struct client_world *world, enum operation operation); /* all three */

#endif
