/* A server for tests of the HTTP client, on the test's own loop, so that a test can stop between any two
 * steps. It collects one request after the other and calls the test's script, which may answer as badly as
 * it likes. Its handles do not keep the loop alive. */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <uv.h>

struct peer; /* one connection */

struct http_server {
    /* set by the test: exactly one of the two */
    void (*on_request)(struct peer *peer, const char *request);            /* head and body of one request */
    void (*on_bytes)(struct peer *peer, const char *bytes, size_t length); /* whatever came */
    const char *text; /* for the script's use, as is owner */
    void *owner;
    /* read by the test */
    int port;
    int connections; /* accepted so far */
    int requests;    /* complete ones so far */
    /* the server's */
    uv_loop_t *loop;
    uv_tcp_t listener;
    SSL_CTX *tls;
    struct peer *peers;
};

/* Listens on a free port of 127.0.0.1, with TLS unless tls is NULL (taken over). */
void http_server_open(struct http_server *server, uv_loop_t *loop, SSL_CTX *tls);
/* Closes the listener and every connection; run the loop afterwards. */
void http_server_close(struct http_server *server);
/* Stops listening, so that the next connection is refused. */
void http_server_refuse(struct http_server *server);

struct http_server *peer_server(const struct peer *peer);
int peer_requests(const struct peer *peer);      /* complete ones on this connection, this one included */
void *peer_data(struct peer *peer, size_t size); /* zeroed memory that lives as long as the connection */
void peer_send(struct peer *peer, const char *bytes, size_t length);
void peer_say(struct peer *peer, const char *text);
void peer_drip(struct peer *peer, const char *text); /* a byte a write; text must live on */
void peer_close(struct peer *peer);                  /* after what was sent */
void peer_reset(struct peer *peer);

void peer_start_tls(struct peer *peer, SSL_CTX *tls); /* what comes from now on is ciphered */

/* A complete answer with a body. */
void peer_answer(struct peer *peer, int status, const char *body);

#endif
