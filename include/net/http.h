/* The HTTP client: libcurl's multi interface on a libuv loop.
 *
 * One client per process and loop; an origin is one endpoint (scheme, host, port, its CA and limits); a
 * request goes to an origin. Connections are reused and shared by all origins of the same host. A request
 * that must go out at most once is guarded (`once`): libcurl would send it again by itself when a reused
 * connection dies before the first byte of the answer; here that second transmission is aborted and the
 * result says what is known.
 *
 * Proxies of the environment (https_proxy, no_proxy) are used as botocore uses them (net/proxy.h in daemon/),
 * but never for loopback and link-local addresses. They are read when an origin is made, and their passwords
 * are in no message. The process must ignore SIGPIPE.
 *
 * Never: redirects, netrc, cookies, decompression, a changed path. TLS 1.2 at least; peer and host are
 * verified unless the origin says otherwise; plain http only to loopback addresses. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct http_client;
struct http_origin;

struct http_limits {
    int connections; /* of one origin at most, and its requests at once; later ones wait; 64 when 0 */
    /* Of all origins together; 4 * connections when 0. No origin takes more than are still free besides, so
     * that one which answers to nobody leaves room for the others, and its requests wait alone. */
    int all_connections;
    int64_t connect_ms; /* 5,000 when 0; name resolution, TCP and TLS */
    int64_t request_ms; /* 30,000 when 0; the whole request from its submit on, its wait included */
    int64_t slow_ms;    /* an answer that drips for so long is given up; 15,000 when 0, in whole seconds */
    int64_t idle_ms;    /* an idle connection older than this is not reused; 20,000 when 0 */
    size_t reply_bytes; /* of a body at most; 4 MiB when 0. Headers: 64 KiB always */
};

/* NULL with err when libcurl or the loop refuse. */
struct http_client *http_client_create(uv_loop_t *loop, const struct http_limits *limits, struct err *err);
/* Cancels what is left, waits for its callbacks and handles, then calls on_closed(owner) from the loop.
 * Origins end with it. A request that is submitted meanwhile is canceled as well. */
void http_client_destroy(struct http_client *client, void (*on_closed)(void *owner), void *owner);

struct http_origin_options {
    const char *ca_bundle; /* a PEM file; NULL: the system's */
    bool no_verify;        /* only for `--no-verify-ssl` */
    bool http1_only;       /* else HTTP/2 where the server offers it */
    bool plain_link_local; /* "http://" also to 169.254.0.0/16 and [fd00:ec2::/32]: AWS's metadata services */
};

/* Whether it can be the url of an origin (without plain_link_local); -1 with ERR_INVALID. */
int http_url_check(const char *url, struct err *err);

/* url: "https://host[:port][/base]" ("http://" for loopback addresses only: 127.0.0.0/8, [::1], localhost),
 * no user info or fragment; a query is kept for http_origin_query(). ERR_INVALID says what is wrong,
 * ERR_NOT_FOUND or ERR_PERMISSION that ca_bundle cannot be read. Ends with the client at the latest. */
struct http_origin *http_origin_create(struct http_client *client, const char *url,
                                       const struct http_origin_options *options, struct err *err);
/* No request may be on its way to it. Takes NULL. */
void http_origin_destroy(struct http_client *client, struct http_origin *origin);
/* As it goes into Host and into the signature: the port only when it is not the scheme's own. */
const char *http_origin_host(const struct http_origin *origin);
/* The path of url, without a final '/', or "". Whoever makes a target puts it in front, because it is part of
 * what is signed. */
const char *http_origin_base(const struct http_origin *origin);
/* The query of url, or "": to be put in front of a target's own, likewise. */
const char *http_origin_query(const struct http_origin *origin);

#define HTTP_HEADERS_MAX 16 /* of a request */

enum http_sent {
    HTTP_NOT_SENT,  /* no byte of it left: surely not executed */
    HTTP_MAYBE_SENT /* it may have left, whole or in part */
};

struct http_request {
    /* asked; strings are the submitter's and valid until done */
    struct http_origin *origin;
    const char *method; /* "GET", "DELETE", "PUT", "POST" */
    const char *target; /* path (with the origin's base) and query, percent-encoded, sent byte for byte */
    struct {
        const char *name, *value;
    } headers[HTTP_HEADERS_MAX]; /* besides Host and Content-Length, which are set here */
    size_t header_count;
    const char *body; /* NULL: none (Content-Length: 0 is sent for DELETE, PUT and POST) */
    size_t body_length;
    bool once;           /* at most one transmission */
    bool no_proxy;       /* straight to the origin, whatever the environment says */
    int64_t leave_by_ns; /* no transmission begins after this, by CLOCK_BOOTTIME (ERR_TIMEOUT); 0: any time */
    int64_t request_ms;  /* 0: the client's */
    size_t reply_bytes;  /* of the answer's body at most; 0: the client's */
    bool secret;         /* the answer's body holds keys: its memory is wiped */

    /* answered; valid until http_request_finish() or the next submit */
    struct err err; /* ERR_NONE: a complete answer with complete headers and body */
    enum http_sent sent;
    int status; /* of the headers, if they came; 0 otherwise */
    struct buf body_in;
    char error_type[96];  /* x-amzn-ErrorType, "" when absent; control characters removed from all of these */
    char request_id[80];  /* x-amzn-RequestId */
    char date[40];        /* Date */
    char retry_after[32]; /* Retry-After */
    char x_retry_after[32]; /* x-amz-retry-after, milliseconds */

    /* plumbing */
    void (*done)(struct http_request *request);
    void *owner;
    void *impl; /* the client's while the request is with it */
};

void http_request_init(struct http_request *request);
void http_request_finish(struct http_request *request); /* frees body_in */
/* Adds a header; false when the table is full. */
bool http_request_header(struct http_request *request, const char *name, const char *value);

/* done() comes exactly once, never from inside submit or cancel. It may submit the request again, or free it.
 */
void http_submit(struct http_client *client, struct http_request *request);
/* Answers the request with err (copied) and HTTP_NOT_SENT instead of sending it, under the same rules as
 * http_submit(): for what is refused before it may leave, so that done() still comes from the loop. origin,
 * method and target are not looked at. */
void http_refuse(struct http_client *client, struct http_request *request, const struct err *err);
/* A wish: done() comes with ERR_CANCELED, or with the result if that was first. */
void http_cancel(struct http_client *client, struct http_request *request);
/* The same for one of which nothing has left; any other goes on. */
void http_recall(struct http_client *client, struct http_request *request);

struct http_stats {
    int64_t connections; /* opened since creation */
    int64_t requests;    /* submitted */
    int64_t withheld;    /* second transmissions that `once` prevented */
    int open;            /* sockets open now */
    int origins;
};
void http_client_stats(const struct http_client *client, struct http_stats *stats);

#endif
