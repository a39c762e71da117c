/* A scripted HTTP server on a loopback port, in the loop of the test: it records each request whole, answers
 * with the next line of the script (the last one for ever) and closes the connection if the answer says so.
 */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define LOOPBACK_REQUESTS 16
#define LOOPBACK_BYTES    65536

struct loopback {
    uv_tcp_t listener;
    int port;
    const char *answers[LOOPBACK_REQUESTS]; /* whole, with status line; NULL: close without one */
    int answer_count;
    char *requests[LOOPBACK_REQUESTS];
    int request_count;
};

struct loopback_peer {
    uv_tcp_t tcp;
    uv_write_t write;
    struct loopback *server;
    char text[LOOPBACK_BYTES];
    size_t length;
    bool last; /* no more requests on this connection */
};

static inline void loopback_free_peer(uv_handle_t *handle)
{
    free(handle->data);
}

static inline void loopback_answered(uv_write_t *write, int status)
{
    struct loopback_peer *peer = write->data;

    if (status != 0 || peer->last) {
        uv_close((uv_handle_t *)&peer->tcp, loopback_free_peer);
    }
}

static inline bool loopback_complete(const struct loopback_peer *peer)
{
    const char *end = strstr(peer->text, "\r\n\r\n");
    const char *length = strcasestr(peer->text, "\r\nContent-Length:");
    const size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;

    return end != NULL && peer->length >= (size_t)(end + 4 - peer->text) + body;
}

static inline void loopback_answer(struct loopback_peer *peer)
{
    struct loopback *server = peer->server;
    const int number = server->request_count < LOOPBACK_REQUESTS - 1 ? server->request_count++ : 0;
    const int last = server->answer_count - 1;
    const char *answer = server->answers[number < last ? number : last];
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)(answer ? answer : ""), answer ? strlen(answer) : 0);

    server->requests[number] = mem_strdup(peer->text);
    memset(peer->text, 0, peer->length);
    peer->length = 0;
    peer->last = answer == NULL || strstr(answer, "Connection: close") != NULL;
    peer->write.data = peer;
    if (peer->last) {
        uv_read_stop((uv_stream_t *)&peer->tcp);
    }
    if (answer == NULL) {
        uv_close((uv_handle_t *)&peer->tcp, loopback_free_peer);
    } else {
        uv_write(&peer->write, (uv_stream_t *)&peer->tcp, &out, 1, loopback_answered);
    }
}

static inline void loopback_room(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct loopback_peer *peer = handle->data;
    (void)size;
    *buf = uv_buf_init(peer->text + peer->length, (unsigned)(sizeof(peer->text) - 1 - peer->length));
}

static inline void loopback_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct loopback_peer *peer = stream->data;
    (void)buf;

    if (got < 0) {
        uv_close((uv_handle_t *)stream, loopback_free_peer);
        return;
    }
    peer->length += (size_t)got;
    if (loopback_complete(peer)) {
        loopback_answer(peer);
    }
}

static inline void loopback_connection(uv_stream_t *listener, int status)
{
    struct loopback_peer *peer = mem_zalloc(sizeof(*peer));
    (void)status;

    peer->server = listener->data;
    uv_tcp_init(listener->loop, &peer->tcp);
    peer->tcp.data = peer;
    uv_accept(listener, (uv_stream_t *)&peer->tcp);
    uv_read_start((uv_stream_t *)&peer->tcp, loopback_room, loopback_read);
}

static inline void loopback_open(struct loopback *server, uv_loop_t *loop)
{
    struct sockaddr_in address;
    int size = sizeof(address);

    memset(server, 0, sizeof(*server));
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&server->listener, 16, loopback_connection);
    uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &size);
    server->port = ntohs(address.sin_port);
}

/* The loop has to run once more. */
static inline void loopback_close(struct loopback *server)
{
    for (int i = 0; i < LOOPBACK_REQUESTS; i++) {
        free(server->requests[i]);
    }
    uv_close((uv_handle_t *)&server->listener, NULL);
}

#endif
