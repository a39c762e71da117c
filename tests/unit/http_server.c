/* Requests come through on_read(), are deciphered when the server has TLS, and handed to the script as soon
 * as one is complete. Everything sent goes through peer_write(), ciphered or not. A peer's memory goes in its
 * uv_close callback. */
#include "http_server.h"

#include "base/mem.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

struct peer {
    uv_tcp_t tcp;
    struct http_server *server;
    SSL *ssl;
    BIO *cipher_in, *cipher_out;
    char text[96 * 1024];
    size_t length;
    int requests;
    const char *drip;
    void *data;
    struct peer *prev, *next;
};

struct write {
    uv_write_t request;
    struct peer *peer;
    char bytes[];
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *peer = handle->data;
    SSL_free(peer->ssl);
    free(peer->data);
    free(peer);
}

static bool is_gone(const struct peer *peer)
{
    return uv_is_closing((const uv_handle_t *)&peer->tcp);
}

static void forget(struct peer *peer)
{
    if (peer->prev)
        peer->prev->next = peer->next;
    else
        peer->server->peers = peer->next;
    if (peer->next)
        peer->next->prev = peer->prev;
}

void peer_close(struct peer *peer)
{
    if (is_gone(peer))
        return;
    forget(peer);
    uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
}

void peer_reset(struct peer *peer)
{
    if (is_gone(peer))
        return;
    forget(peer);
    uv_tcp_close_reset(&peer->tcp, on_peer_closed);
}

static void drip(struct peer *peer);

static void on_written(uv_write_t *request, int status)
{
    struct write *write = (struct write *)request;
    struct peer *peer = write->peer;
    free(write);
    if (status == 0 && peer->drip)
        drip(peer);
}

static void peer_write(struct peer *peer, const char *bytes, size_t length)
{
    if (is_gone(peer) || length == 0)
        return;
    struct write *write = mem_alloc(sizeof(*write) + length);
    uv_buf_t buffer = uv_buf_init(write->bytes, (unsigned)length);
    write->peer = peer;
    memcpy(write->bytes, bytes, length);
    if (uv_write(&write->request, (uv_stream_t *)&peer->tcp, &buffer, 1, on_written))
        free(write);
}

static void flush_cipher(struct peer *peer)
{
    char bytes[16384];
    int length;
    while ((length = BIO_read(peer->cipher_out, bytes, sizeof(bytes))) > 0)
        peer_write(peer, bytes, (size_t)length);
}

void peer_send(struct peer *peer, const char *bytes, size_t length)
{
    if (!peer->ssl) {
        peer_write(peer, bytes, length);
        return;
    }
    SSL_write(peer->ssl, bytes, (int)length);
    flush_cipher(peer);
}

void peer_say(struct peer *peer, const char *text)
{
    peer_send(peer, text, strlen(text));
}

static void drip(struct peer *peer)
{
    if (*peer->drip != '\0')
        peer_send(peer, peer->drip++, 1);
    else
        peer->drip = NULL;
}

void peer_drip(struct peer *peer, const char *text)
{
    peer->drip = text;
    drip(peer);
}

void peer_answer(struct peer *peer, int status, const char *body)
{
    char head[128];
    snprintf(head, sizeof(head), "HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n\r\n", status, strlen(body));
    peer_say(peer, head);
    peer_say(peer, body);
}

struct http_server *peer_server(const struct peer *peer)
{
    return peer->server;
}

int peer_requests(const struct peer *peer)
{
    return peer->requests;
}

void *peer_data(struct peer *peer, size_t size)
{
    if (!peer->data)
        peer->data = mem_zalloc(size);
    return peer->data;
}

/* The length of the first complete request, 0 when there is none yet. */
static size_t complete(const struct peer *peer)
{
    const char *end = strstr(peer->text, "\r\n\r\n");
    if (!end)
        return 0;
    const char *field = strcasestr(peer->text, "\r\nContent-Length:");
    size_t body = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    size_t whole = (size_t)(end - peer->text) + 4 + body;
    return whole <= peer->length ? whole : 0;
}

static void take_requests(struct peer *peer)
{
    size_t whole;
    while (!is_gone(peer) && (whole = complete(peer)) > 0) {
        char *request = mem_strndup(peer->text, whole);
        peer->length -= whole;
        memmove(peer->text, peer->text + whole, peer->length + 1);
        peer->requests++;
        peer->server->requests++;
        peer->server->on_request(peer, request);
        free(request);
    }
}

static void take_bytes(struct peer *peer, const char *bytes, size_t length)
{
    if (peer->server->on_bytes) {
        peer->server->on_bytes(peer, bytes, length);
        return;
    }
    assert(peer->length + length < sizeof(peer->text));
    memcpy(peer->text + peer->length, bytes, length);
    peer->length += length;
    peer->text[peer->length] = '\0';
    take_requests(peer);
}

static void decipher(struct peer *peer, const char *bytes, size_t length)
{
    char plain[16384];
    int got;
    BIO_write(peer->cipher_in, bytes, (int)length);
    while (!is_gone(peer) && (got = SSL_read(peer->ssl, plain, sizeof(plain))) > 0)
        take_bytes(peer, plain, (size_t)got);
    if (!is_gone(peer))
        flush_cipher(peer);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buffer)
{
    static char bytes[65536];
    (void)handle, (void)hint;
    *buffer = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct peer *peer = stream->data;
    if (length < 0)
        peer_close(peer);
    else if (peer->ssl)
        decipher(peer, buffer->base, (size_t)length);
    else
        take_bytes(peer, buffer->base, (size_t)length);
}

void peer_start_tls(struct peer *peer, SSL_CTX *tls)
{
    peer->ssl = SSL_new(tls);
    peer->cipher_in = BIO_new(BIO_s_mem());
    peer->cipher_out = BIO_new(BIO_s_mem());
    SSL_set_bio(peer->ssl, peer->cipher_in, peer->cipher_out);
    SSL_set_accept_state(peer->ssl);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *server = listener->data;
    struct peer *peer = mem_zalloc(sizeof(*peer));
    assert(status == 0);
    uv_tcp_init(server->loop, &peer->tcp);
    uv_unref((uv_handle_t *)&peer->tcp);
    peer->tcp.data = peer;
    peer->server = server;
    peer->next = server->peers;
    if (peer->next)
        peer->next->prev = peer;
    server->peers = peer;
    server->connections++;
    if (server->tls)
        peer_start_tls(peer, server->tls);
    uv_accept(listener, (uv_stream_t *)&peer->tcp);
    uv_tcp_nodelay(&peer->tcp, 1);
    uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read);
}

void http_server_open(struct http_server *server, uv_loop_t *loop, SSL_CTX *tls)
{
    struct sockaddr_in address;
    int length = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->loop = loop;
    server->tls = tls;
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &server->listener);
    server->listener.data = server;
    uv_unref((uv_handle_t *)&server->listener);
    int failed = uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0) ||
                 uv_listen((uv_stream_t *)&server->listener, 128, on_connection) ||
                 uv_tcp_getsockname(&server->listener, (struct sockaddr *)&address, &length);
    assert(!failed);
    (void)failed;
    server->port = ntohs(address.sin_port);
}

void http_server_refuse(struct http_server *server)
{
    if (!uv_is_closing((uv_handle_t *)&server->listener))
        uv_close((uv_handle_t *)&server->listener, NULL);
}

void http_server_close(struct http_server *server)
{
    http_server_refuse(server);
    while (server->peers)
        peer_close(server->peers);
    SSL_CTX_free(server->tls);
    server->tls = NULL;
}
