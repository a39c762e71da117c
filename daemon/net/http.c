/* The HTTP client: whose turn it is, and when its submitter hears of it.
 *
 * The happy path: http_submit() queues a transfer. on_prepare(), before the loop waits, hands the first ones
 * to the transport, which says on_transfer_done() for each at its end. on_check(), after the loop has waited,
 * calls done() for them: the only place from which a submitter's code runs, so that nobody is ever called
 * from inside libcurl, from inside submit or from inside cancel.
 *
 * The ways out: a request that may not leave, or that waited too long for its turn, finishes without ever
 * running. http_cancel() takes a transfer from wherever it is and finishes it, http_recall() only one that
 * has not left. http_client_destroy() cancels everything, on_check() delivers it and closes the handles, and
 * the last handle to go calls on_closed().
 *
 * Each origin has its own queue, and the queues take turns. At most limits.all_connections transfers run at
 * once and the rest waits here. So libcurl always finds or may open a connection, and never parks a transfer
 * in its own queue, where time limits do not run. */
#include "net/http.h"

#include "base/mem.h"
#include "base/text.h"
#include "message.h"
#include "proxy.h"
#include "transport.h"
#include "url.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROXY_BYTES 4096

TAILQ_HEAD(origins, http_origin);

enum client_state {
    CLIENT_OPEN,
    CLIENT_CLOSING, /* waiting for the last done() */
    CLIENT_CLOSED   /* waiting for the last handle */
};

struct http_client {
    enum client_state state;
    struct http_limits limits;
    uv_loop_t *loop;
    struct transport *transport;
    struct http_origin *origins;
    struct origins waiting_origins; /* those with a queue; whose turn is next comes first */
    struct transfers running, finished;
    int running_count;
    int waiting; /* for done(), in any of the lists; they keep the loop alive */
    int64_t requests;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t wake; /* while it is active, the loop does not wait */
    int open_parts; /* of these three and the transport */
    void (*on_closed)(void *owner);
    void *owner;
};

static void set_client_state(struct http_client *client, enum client_state state)
{
    client->state = state;
}

/* --- transfers ------------------------------------------------------------------------------------------ */

static void on_wake(uv_idle_t *idle)
{
    (void)idle; /* being active is all it has to do */
}

static void wake(struct http_client *client)
{
    uv_idle_start(&client->wake, on_wake);
}

static void enter_queue(struct http_client *client, struct transfer *transfer)
{
    struct http_origin *origin = transfer->request->origin;
    if (TAILQ_EMPTY(&origin->queued))
        TAILQ_INSERT_TAIL(&client->waiting_origins, origin, link);
    TAILQ_INSERT_TAIL(&origin->queued, transfer, link);
}

static void leave_queue(struct http_client *client, struct transfer *transfer)
{
    struct http_origin *origin = transfer->request->origin;
    TAILQ_REMOVE(&origin->queued, transfer, link);
    if (TAILQ_EMPTY(&origin->queued))
        TAILQ_REMOVE(&client->waiting_origins, origin, link);
}

static void count_running(struct http_client *client, struct transfer *transfer, int change)
{
    client->running_count += change;
    transfer->request->origin->running += change;
}

/* A transfer's state is also the list that it stands in. */
static void enter(struct http_client *client, struct transfer *transfer, enum transfer_state state)
{
    transfer->state = state;
    if (state == TRANSFER_QUEUED) {
        enter_queue(client, transfer);
    } else if (state == TRANSFER_RUNNING) {
        TAILQ_INSERT_TAIL(&client->running, transfer, link);
        count_running(client, transfer, 1);
    } else {
        TAILQ_INSERT_TAIL(&client->finished, transfer, link);
    }
    if (state != TRANSFER_RUNNING)
        wake(client); /* on_prepare() of this turn may be over */
}

static void set_state(struct http_client *client, struct transfer *transfer, enum transfer_state state)
{
    if (transfer->state == TRANSFER_QUEUED) {
        leave_queue(client, transfer);
    } else {
        TAILQ_REMOVE(&client->running, transfer, link);
        count_running(client, transfer, -1);
    }
    enter(client, transfer, state);
}

static void on_transfer_done(void *owner, struct transfer *transfer)
{
    set_state(owner, transfer, TRANSFER_FINISHED);
}

static void start(struct http_client *client, struct transfer *transfer)
{
    struct http_request *request = transfer->request;
    int64_t left_ms = transfer->deadline_ms - (int64_t)uv_now(client->loop);
    set_state(client, transfer, TRANSFER_RUNNING);
    if (left_ms <= 0)
        err_set(&request->err, ERR_TIMEOUT, "%s: no connection became free in time",
                request->origin->url.authority);
    else
        transport_start(client->transport, transfer, left_ms);
    if (request->err.code != ERR_NONE)
        set_state(client, transfer, TRANSFER_FINISHED);
}

static bool may_start(const struct http_client *client, const struct http_origin *origin)
{
    int free_connections = client->limits.all_connections - client->running_count;
    return origin->running < client->limits.connections && origin->running < free_connections;
}

static struct http_origin *next_origin(const struct http_client *client)
{
    struct http_origin *origin;
    TAILQ_FOREACH (origin, &client->waiting_origins, link) {
        if (may_start(client, origin))
            break;
    }
    return origin;
}

static void start_queued(struct http_client *client)
{
    struct http_origin *origin;
    while ((origin = next_origin(client))) {
        TAILQ_REMOVE(&client->waiting_origins, origin, link);
        TAILQ_INSERT_TAIL(&client->waiting_origins, origin, link);
        start(client, TAILQ_FIRST(&origin->queued));
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct http_client *client = prepare->data;
    start_queued(client);
    if (transport_is_due(client->transport))
        transport_act(client->transport);
    if (transport_is_due(client->transport) || !TAILQ_EMPTY(&client->finished) ||
        client->state != CLIENT_OPEN)
        wake(client);
    else
        uv_idle_stop(&client->wake);
}

static void cancel(struct http_client *client, struct transfer *transfer)
{
    if (transfer->state == TRANSFER_RUNNING)
        transport_stop(client->transport, transfer);
    message_clear(transfer->request, transfer->request->sent);
    err_set(&transfer->request->err, ERR_CANCELED, "canceled");
    set_state(client, transfer, TRANSFER_FINISHED);
}

/* --- delivery and the end ------------------------------------------------------------------------------- */

static void deliver(struct http_client *client, struct transfer *transfer)
{
    struct http_request *request = transfer->request;
    if (!transfer->reply.complete)
        message_forget_fields(request);
    if (--client->waiting == 0)
        uv_unref((uv_handle_t *)&client->check);
    free(transfer);
    request->impl = NULL;
    request->done(request);
}

static void on_part_closed(void *owner)
{
    struct http_client *client = owner;
    if (--client->open_parts > 0)
        return;
    void (*on_closed)(void *) = client->on_closed;
    void *user = client->owner;
    free(client);
    if (on_closed)
        on_closed(user);
}

static void on_handle_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void origin_free(struct http_origin *origin)
{
    transport_origin_finish(origin);
    free(origin->ca_bundle);
    buf_finish(&origin->proxy);
    free(origin);
}

static void close_down(struct http_client *client)
{
    set_client_state(client, CLIENT_CLOSED);
    while (client->origins) {
        struct http_origin *origin = client->origins;
        client->origins = origin->next;
        origin_free(origin);
    }
    transport_destroy(client->transport, on_part_closed);
    uv_close((uv_handle_t *)&client->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&client->check, on_handle_closed);
    uv_close((uv_handle_t *)&client->wake, on_handle_closed);
}

/* Takes everything that is finished by now, and nothing that done() adds: a turn of the loop stays finite. */
static void on_check(uv_check_t *check)
{
    struct http_client *client = check->data;
    struct transfer *last = TAILQ_LAST(&client->finished, transfers), *transfer = NULL;
    while (last && transfer != last) {
        transfer = TAILQ_FIRST(&client->finished);
        TAILQ_REMOVE(&client->finished, transfer, link);
        deliver(client, transfer);
    }
    if (client->state == CLIENT_CLOSING && client->waiting == 0)
        close_down(client);
}

/* --- the face ------------------------------------------------------------------------------------------- */

static void accept_request(struct http_client *client, struct http_request *request,
                           const struct err *refusal)
{
    struct err err = refusal ? *refusal : (struct err){0};
    struct transfer *transfer = mem_zalloc(sizeof(*transfer));
    int64_t request_ms = request->request_ms > 0 ? request->request_ms : client->limits.request_ms;
    transfer->request = request;
    transfer->deadline_ms = (int64_t)uv_now(client->loop) + request_ms;
    request->impl = transfer;
    request->body_in.max = request->reply_bytes > 0 ? request->reply_bytes : client->limits.reply_bytes;
    request->body_in.secret = request->secret;
    message_clear(request, HTTP_NOT_SENT);
    client->requests++;
    if (client->waiting++ == 0)
        uv_ref((uv_handle_t *)&client->check);
    if (client->state != CLIENT_OPEN)
        err_set(&err, ERR_CANCELED, "the HTTP client is closing");
    else if (err.code == ERR_NONE)
        message_check(request, &err);
    request->err = err;
    enter(client, transfer, err.code == ERR_NONE ? TRANSFER_QUEUED : TRANSFER_FINISHED);
}

void http_submit(struct http_client *client, struct http_request *request)
{
    accept_request(client, request, NULL);
}

void http_refuse(struct http_client *client, struct http_request *request, const struct err *err)
{
    accept_request(client, request, err);
}

void http_cancel(struct http_client *client, struct http_request *request)
{
    struct transfer *transfer = request->impl;
    if (transfer && transfer->state != TRANSFER_FINISHED)
        cancel(client, transfer);
}

void http_recall(struct http_client *client, struct http_request *request)
{
    const struct transfer *transfer = request->impl;
    if (transfer && transfer->transmissions == 0) {
        http_cancel(client, request);
    }
}

void http_request_init(struct http_request *request)
{
    memset(request, 0, sizeof(*request));
    buf_init(&request->body_in, 0); /* its maximum comes with the client */
}

void http_request_finish(struct http_request *request)
{
    buf_finish(&request->body_in);
}

bool http_request_header(struct http_request *request, const char *name, const char *value)
{
    if (request->header_count == HTTP_HEADERS_MAX)
        return false;
    request->headers[request->header_count].name = name;
    request->headers[request->header_count].value = value;
    request->header_count++;
    return true;
}

static struct http_limits with_defaults(const struct http_limits *limits)
{
    struct http_limits full = limits ? *limits : (struct http_limits){0};
    full.connections = full.connections > 0 ? full.connections : 64;
    full.all_connections = full.all_connections > 0 ? full.all_connections : 4 * full.connections;
    full.connect_ms = full.connect_ms > 0 ? full.connect_ms : 5000;
    full.request_ms = full.request_ms > 0 ? full.request_ms : 30000;
    full.slow_ms = full.slow_ms > 0 ? full.slow_ms : 15000;
    full.idle_ms = full.idle_ms > 0 ? full.idle_ms : 20000;
    full.reply_bytes = full.reply_bytes > 0 ? full.reply_bytes : (size_t)4 * 1024 * 1024;
    return full;
}

struct http_client *http_client_create(uv_loop_t *loop, const struct http_limits *limits, struct err *err)
{
    struct http_client *client = mem_zalloc(sizeof(*client));
    client->loop = loop;
    client->limits = with_defaults(limits);
    TAILQ_INIT(&client->waiting_origins);
    TAILQ_INIT(&client->running);
    TAILQ_INIT(&client->finished);
    client->transport = transport_create(loop, &client->limits, on_transfer_done, client, err);
    if (!client->transport) {
        free(client);
        return NULL;
    }
    uv_prepare_init(loop, &client->prepare);
    uv_check_init(loop, &client->check);
    uv_idle_init(loop, &client->wake);
    client->prepare.data = client->check.data = client->wake.data = client;
    uv_prepare_start(&client->prepare, on_prepare);
    uv_check_start(&client->check, on_check);
    uv_unref((uv_handle_t *)&client->prepare);
    uv_unref((uv_handle_t *)&client->check);
    client->open_parts = 4;
    return client;
}

void http_client_destroy(struct http_client *client, void (*on_closed)(void *owner), void *owner)
{
    struct http_origin *origin;
    struct transfer *transfer;
    client->on_closed = on_closed;
    client->owner = owner;
    set_client_state(client, CLIENT_CLOSING);
    while ((origin = TAILQ_FIRST(&client->waiting_origins)))
        cancel(client, TAILQ_FIRST(&origin->queued));
    while ((transfer = TAILQ_FIRST(&client->running)))
        cancel(client, transfer);
    wake(client);
}

static int check_readable(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    enum err_code code = errno == EACCES || errno == EPERM ? ERR_PERMISSION : ERR_NOT_FOUND;
    return err_set(err, code, "certificate bundle %s: %s", path, err_errno(errno));
}

static int find_proxy(struct http_origin *origin, struct err *err)
{
    if (environ != NULL) {
        proxy_find(environ, &origin->url, &origin->proxy);
    }
    return origin->proxy.overflow
               ? err_set(err, ERR_TOO_BIG, "the address of the proxy is longer than %d bytes", PROXY_BYTES)
               : 0;
}

int http_url_check(const char *url, struct err *err)
{
    struct url parts;
    return url_parse(url, false, &parts, err);
}

struct http_origin *http_origin_create(struct http_client *client, const char *url,
                                       const struct http_origin_options *options, struct err *err)
{
    struct http_origin *origin = mem_zalloc(sizeof(*origin));
    buf_init_secret(&origin->proxy, PROXY_BYTES);
    if (options) {
        origin->ca_bundle = options->ca_bundle ? mem_strdup(options->ca_bundle) : NULL;
        origin->no_verify = options->no_verify;
        origin->http1_only = options->http1_only;
    }
    if (url_parse(url, options && options->plain_link_local, &origin->url, err) || find_proxy(origin, err) ||
        (origin->ca_bundle && check_readable(origin->ca_bundle, err)) ||
        transport_origin_init(client->transport, origin, err)) {
        origin_free(origin);
        return NULL;
    }
    TAILQ_INIT(&origin->queued);
    origin->next = client->origins;
    client->origins = origin;
    return origin;
}

void http_origin_destroy(struct http_client *client, struct http_origin *origin)
{
    struct http_origin **link = &client->origins;
    if (!origin)
        return;
    while (*link != origin)
        link = &(*link)->next;
    *link = origin->next;
    origin_free(origin);
}

const char *http_origin_host(const struct http_origin *origin)
{
    return origin->url.authority;
}

const char *http_origin_base(const struct http_origin *origin)
{
    return origin->url.base;
}

const char *http_origin_query(const struct http_origin *origin)
{
    return origin->url.query;
}

void http_client_stats(const struct http_client *client, struct http_stats *stats)
{
    const struct http_origin *origin;
    transport_stats(client->transport, stats);
    stats->requests = client->requests;
    stats->origins = 0;
    for (origin = client->origins; origin; origin = origin->next)
        stats->origins++;
}
