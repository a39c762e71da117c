/* What every test of the HTTP client needs: a loop, a server, a client and requests that count their done().
 */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "http_server.h"
#include "net/http.h"

#include <stdbool.h>

struct fixture {
    uv_loop_t loop;
    struct http_server server;
    struct http_client *client;
    struct http_origin *origin;
    int closed;        /* calls of on_closed() */
    int unknown_names; /* resolver_unknown() at the beginning */
    bool inside;       /* submit or cancel is running: no done() may come now */
};

struct ask {
    struct http_request request;
    struct fixture *fixture;
    int done;
};

/* A server without TLS when tls is NULL, and a client with an origin for it ("127.0.0.1" or another host name
 * of the loopback). on_request or on_bytes is set by the test afterwards. Times that limits does not name are
 * minutes, so that no test fails for a machine that stalls. */
void fixture_open(struct fixture *fixture, SSL_CTX *tls, const char *host, const struct http_limits *limits,
                  const struct http_origin_options *options);
/* Destroys the client unless fixture_destroy() was called, closes the server and proves that nothing is left
 * on the loop. */
void fixture_close(struct fixture *fixture);
void fixture_destroy(struct fixture *fixture); /* only begins to destroy the client */
void fixture_run(struct fixture *fixture);     /* until every request is done */
void fixture_turns(struct fixture *fixture, int turns);

void ask_submit(struct fixture *fixture, struct ask *ask, const char *method, const char *target);
void ask_once(struct fixture *fixture, struct ask *ask, const char *method, const char *target);
void ask_cancel(struct ask *ask);
/* Submits, runs, and expects exactly one done() with this code; shows the message otherwise. */
void ask_expect(struct fixture *fixture, struct ask *ask, const char *method, const char *target,
                enum err_code code);
void ask_finish(struct ask *ask);

#endif
