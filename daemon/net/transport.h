/* One transfer at a time on libcurl: the half of the HTTP client that knows libcurl, which is included in
 * transport.c alone. It drives libcurl's multi interface through the client's sockets and one timer. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "message.h"
#include "net/http.h"
#include "url.h"

#include <sys/queue.h>

struct transport;
struct transfer;

TAILQ_HEAD(transfers, transfer);

enum transfer_state { TRANSFER_QUEUED, TRANSFER_RUNNING, TRANSFER_FINISHED };

struct transfer {
    struct http_request *request;
    enum transfer_state state; /* the client's, as is all up to the next comment */
    int64_t deadline_ms;
    TAILQ_ENTRY(transfer) link;
    /* the transport's */
    struct transport *transport;
    struct handle *handle;
    struct reply reply;
    int transmissions; /* begun or, the second of a `once` request, withheld */
};

/* An origin and its idle handles, each set up once for it. */
struct http_origin {
    struct url url;
    char *ca_bundle;  /* NULL: the system's */
    struct buf proxy; /* its address; empty: none */
    bool no_verify, http1_only;
    struct transport *transport;
    void *address; /* a CURLU of "/"; each request's target replaces it */
    struct handle *idle;
    /* the client's */
    struct http_origin *next;
    struct transfers queued;
    int running;
    TAILQ_ENTRY(http_origin) link; /* among the waiting, while `queued` is not empty */
};

/* limits: without zeros. on_done(owner, transfer) comes when libcurl has ended a transfer, from inside
 * transport_act() or from the loop. NULL with ERR_INTERNAL when libcurl cannot be set up. */
struct transport *transport_create(uv_loop_t *loop, const struct http_limits *limits,
                                   void (*on_done)(void *owner, struct transfer *transfer), void *owner,
                                   struct err *err);
/* No transfer and no origin may be left. Calls on_closed(owner) when the last handle has gone. */
void transport_destroy(struct transport *transport, void (*on_closed)(void *owner));

/* Takes an origin whose url, ca_bundle, proxy, no_verify and http1_only are set. -1 with ERR_INTERNAL. */
int transport_origin_init(struct transport *transport, struct http_origin *origin, struct err *err);
void transport_origin_finish(struct http_origin *origin);

/* Hands a transfer to libcurl, for at most time_ms. -1 with request.err: on_done() will not come. */
int transport_start(struct transport *transport, struct transfer *transfer, int64_t time_ms);
/* Takes it back before its end and sets request.sent: on_done() will not come. */
void transport_stop(struct transport *transport, struct transfer *transfer);

/* Whether libcurl wants to act before the loop waits, and lets it. */
bool transport_is_due(const struct transport *transport);
void transport_act(struct transport *transport);

/* connections, open and withheld of stats. */
void transport_stats(const struct transport *transport, struct http_stats *stats);

#endif
