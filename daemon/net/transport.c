/* Transfers on libcurl's multi interface.
 *
 * The happy path: transport_start() takes an idle handle of the origin (an easy handle that was set up once),
 * fills in what differs from request to request, and adds it. libcurl asks for time through on_timeout() and
 * for events through on_socket(). What it does with them, act() lets it do, and take_results() passes on
 * every transfer that has ended.
 *
 * The ways out: on_prereq() runs before each transmission and refuses one that is too late, and the second
 * one of a `once` request; what it has counted tells HTTP_NOT_SENT from HTTP_MAYBE_SENT. on_header() and
 * on_body() refuse what is too big. The first reason that is written to request.err stays. transport_stop()
 * takes a transfer out of libcurl, which closes its HTTP/1 connection. transport_destroy() ends when the last
 * watch is closed.
 *
 * CURLOPT_PIPEWAIT is off: transfers that wait for the first handshake stand in libcurl's pending queue,
 * where time limits do not run. So a first burst to an HTTP/2 server opens more connections than it needs.
 *
 * Secrets: a handle's header lines are wiped when it becomes idle, libcurl's own memory when libcurl gives it
 * back (base/heap.h), so nothing is left when the client is closed. Beyond reach: nghttp2 frees its copies
 * for HTTP/2, a session token in its header compression among them, without wiping, and the dynamic linker
 * may have spilled registers onto the stack. */
#include "transport.h"

#include "base/heap.h"
#include "base/mem.h"
#include "sockets.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REQUEST_HEADER_BYTES  ((size_t)64 * 1024)
#define SLOW_BYTES_PER_SECOND 16L

/* A handle: one easy handle, set up for its origin, with what libcurl borrows during a transfer. */
struct handle {
    CURL *easy;
    struct http_origin *origin;
    char detail[CURL_ERROR_SIZE];
    bool direct;      /* past the origin's proxy */
    struct buf lines; /* header lines, each with its NUL; nodes point into it; empty while idle */
    struct curl_slist nodes[MESSAGE_LINES_MAX];
    struct handle *next; /* idle */
};

struct transport {
    struct http_limits limits;
    CURLM *multi;
    struct sockets sockets;
    uv_timer_t timer;
    bool due; /* libcurl wants to act before the loop waits */
    bool timer_closed;
    int64_t withheld;
    void (*on_done)(void *owner, struct transfer *transfer);
    void (*on_closed)(void *owner);
    void *owner;
};

/* --- what libcurl calls --------------------------------------------------------------------------------- */

static bool is_too_late(const struct http_request *request)
{
    struct timespec now;
    if (request->leave_by_ns == 0)
        return false;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec > request->leave_by_ns;
}

static int on_prereq(void *owner, char *ip, char *local_ip, int port, int local_port)
{
    struct transfer *transfer = owner;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (is_too_late(transfer->request)) {
        err_set(&transfer->request->err, ERR_TIMEOUT, "no connection in time to leave");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->transmissions++;
    if (transfer->transmissions > 1 && transfer->request->once) {
        transfer->transport->withheld++;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *line, size_t size, size_t length, void *owner)
{
    struct transfer *transfer = owner;
    (void)size; /* always 1 */
    return message_header(&transfer->reply, transfer->request, line, length) ? 0 : length;
}

static size_t on_body(char *bytes, size_t size, size_t length, void *owner)
{
    struct http_request *request = ((struct transfer *)owner)->request;
    (void)size;
    if (buf_append(&request->body_in, bytes, length))
        return length;
    err_set(&request->err, ERR_TOO_BIG, "the answer's body is larger than %zu bytes", request->body_in.max);
    return 0;
}

static curl_socket_t on_open_socket(void *owner, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transport *transport = owner;
    (void)purpose;
    int fd = sockets_open(&transport->sockets, address->family, address->socktype, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close_socket(void *owner, curl_socket_t fd)
{
    struct transport *transport = owner;
    sockets_close(&transport->sockets, fd);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *owner, void *unused)
{
    struct transport *transport = owner;
    (void)easy, (void)unused;
    int events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        events |= UV_READABLE;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        events |= UV_WRITABLE;
    sockets_want(&transport->sockets, fd, events);
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct transport *transport = timer->data;
    transport->due = true; /* the client looks before it waits */
}

static int on_timeout(CURLM *multi, long timeout_ms, void *owner)
{
    struct transport *transport = owner;
    (void)multi;
    transport->due = timeout_ms == 0;
    if (timeout_ms > 0)
        uv_timer_start(&transport->timer, on_timer, (uint64_t)timeout_ms, 0);
    else
        uv_timer_stop(&transport->timer);
    return 0;
}

/* --- handles -------------------------------------------------------------------------------------------- */

/* The one template for every handle: numbers. */
static const struct {
    CURLoption option;
    long value;
} TEMPLATE[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* or giving up a slow name resolution would block the loop until it ends */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HTTP_CONTENT_DECODING, 0},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1}, /* a proxy's answer is not the server's */
    {CURLOPT_PIPEWAIT, 0},
    {CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_PER_SECOND},
};

/* libcurl's unit is the whole second. */
static long slow_seconds(int64_t slow_ms)
{
    return (long)((slow_ms + 999) / 1000);
}

/* Here too, and "older" begins after it. */
static long idle_seconds(int64_t idle_ms)
{
    return idle_ms < 2000 ? 1 : (long)(idle_ms / 1000 - 1);
}

static bool set_numbers(CURL *easy, const struct http_origin *origin)
{
    const struct http_limits *limits = &origin->transport->limits;
    bool ok = true;
    for (size_t i = 0; i < sizeof(TEMPLATE) / sizeof(TEMPLATE[0]); i++)
        ok = ok && !curl_easy_setopt(easy, TEMPLATE[i].option, TEMPLATE[i].value);
    long version = origin->http1_only || !origin->url.tls ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
    return ok && !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version) &&
           !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, origin->no_verify ? 0L : 1L) &&
           !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, origin->no_verify ? 0L : 2L) &&
           !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)limits->connect_ms) &&
           !curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, slow_seconds(limits->slow_ms)) &&
           !curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, idle_seconds(limits->idle_ms));
}

static bool set_texts(CURL *easy, const struct http_origin *origin)
{
    /* without a CAPATH libcurl keeps the certificates that it has read */
    return !curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) &&
           (!origin->ca_bundle || !curl_easy_setopt(easy, CURLOPT_CAINFO, origin->ca_bundle)) &&
           !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, origin->url.tls ? "https" : "http") &&
           !curl_easy_setopt(easy, CURLOPT_NOPROXY, "") && /* what it excepts has been seen to */
           !curl_easy_setopt(easy, CURLOPT_CURLU, origin->address);
}

/* "" is no proxy; without it libcurl would read the environment by itself. */
static bool set_proxy(struct handle *handle, bool direct)
{
    handle->direct = direct;
    return !curl_easy_setopt(handle->easy, CURLOPT_PROXY, direct ? "" : buf_string(&handle->origin->proxy));
}

static bool set_callbacks(CURL *easy, struct transport *transport, char *detail)
{
    return !curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket) &&
           !curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transport) &&
           !curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close_socket) &&
           !curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transport) &&
           !curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_prereq) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail);
}

static void handle_free(struct handle *handle)
{
    curl_easy_cleanup(handle->easy);
    buf_finish(&handle->lines);
    free(handle);
}

/* An idle handle of the origin, or a new one; NULL with err when libcurl refuses the template. */
static struct handle *handle_take(struct http_origin *origin, struct err *err)
{
    struct handle *handle = origin->idle;
    if (handle) {
        origin->idle = handle->next;
        return handle;
    }
    handle = mem_zalloc(sizeof(*handle));
    handle->origin = origin;
    handle->easy = curl_easy_init();
    buf_init_secret(&handle->lines, REQUEST_HEADER_BYTES);
    if (handle->easy && set_numbers(handle->easy, origin) && set_texts(handle->easy, origin) &&
        set_proxy(handle, false) && set_callbacks(handle->easy, origin->transport, handle->detail))
        return handle;
    err_set(err, ERR_INTERNAL, "libcurl %s refuses an option that is needed", curl_version());
    handle_free(handle);
    return NULL;
}

static void handle_give_back(struct handle *handle)
{
    buf_reset(&handle->lines); /* wipes */
    handle->next = handle->origin->idle;
    handle->origin->idle = handle;
}

/* The header lines as a list in the handle's own memory: curl_slist_append() would allocate twice a line. */
static int set_headers(struct handle *handle, const struct http_request *request, struct err *err)
{
    struct buf *lines = &handle->lines;
    if (message_lines(request, handle->origin->url.authority, lines, err))
        return -1;

    size_t count = 0;
    for (char *line = lines->data; line < lines->data + lines->length; line += strlen(line) + 1) {
        handle->nodes[count].data = line;
        handle->nodes[count].next = &handle->nodes[count + 1];
        count++;
    }
    handle->nodes[count - 1].next = NULL;
    return 0;
}

/* Fills in what differs from request to request. */
static int handle_aim(struct handle *handle, struct transfer *transfer, int64_t remaining_ms, struct err *err)
{
    const struct http_request *request = transfer->request;
    CURL *easy = handle->easy;
    if (set_headers(handle, request, err))
        return -1;
    bool ok = handle->direct == request->no_proxy || set_proxy(handle, request->no_proxy);
    ok = ok && (request->body ? !curl_easy_setopt(easy, CURLOPT_POST, 1L) &&
                                    !curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                                      (curl_off_t)request->body_length) &&
                                    !curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body)
                              : !curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L));
    /* the target goes past the CURLU handle, which would write "%3A" as "%3a" and break the signature */
    ok = ok && !curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) &&
         !curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, request->target) &&
         !curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle->nodes) &&
         !curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)remaining_ms) &&
         !curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) &&
         !curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) &&
         !curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) &&
         !curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    return ok ? 0 : err_set(err, ERR_INTERNAL, "libcurl refuses the request");
}

/* --- transfers ------------------------------------------------------------------------------------------ */

static enum err_code code_before_sending(CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ERR_RESOLVE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_USE_SSL_FAILED:
        return ERR_TLS;
    default:
        return ERR_CONNECT;
    }
}

/* libcurl's own sentence, unless it may repeat the user name and password of a proxy: those end with '@'. */
static void describe(const struct handle *handle, CURLcode result, char *to, size_t size)
{
    const char *detail = handle->detail;
    if (result == CURLE_OUT_OF_MEMORY) /* its word for a line of more than 100 KiB: memory does not fail */
        detail = "a header line is too long";
    else if (detail[0] == '\0' || strchr(detail, '@'))
        detail = curl_easy_strerror(result);
    message_printable(to, size, detail, strlen(detail));
}

/* Writes the outcome of a transfer that libcurl has ended, unless a reason stands there already. */
static void judge(struct transfer *transfer, CURLcode result)
{
    struct http_request *request = transfer->request;
    const char *host = request->origin->url.authority;
    char detail[CURL_ERROR_SIZE];
    if (request->err.code != ERR_NONE) {
        err_context(&request->err, "%s", host);
        return;
    }
    if (result == CURLE_OK && transfer->reply.complete && transfer->reply.framed)
        return;
    describe(transfer->handle, result, detail, sizeof(detail));
    if (request->once && transfer->transmissions > 1)
        err_set(&request->err, ERR_BROKEN, "%s: the connection ended before an answer; not sent again", host);
    else if (result == CURLE_OK)
        err_set(&request->err, ERR_BROKEN, "%s: the answer has no %s", host,
                transfer->reply.complete ? "length, and may be cut" : "complete headers");
    else if (result == CURLE_OPERATION_TIMEDOUT)
        err_set(&request->err, ERR_TIMEOUT, "%s: %s", host, detail);
    else
        err_set(&request->err, transfer->transmissions > 0 ? ERR_BROKEN : code_before_sending(result),
                "%s: %s", host, detail);
}

/* Takes a transfer out of libcurl and says what is surely known of it. */
static void end(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->transport->multi, transfer->handle->easy);
    /* libcurl counts its repetitions over the life of an easy handle and refuses the sixth (7.88) */
    if (transfer->transmissions > 1)
        handle_free(transfer->handle);
    else
        handle_give_back(transfer->handle);
    transfer->handle = NULL;
    transfer->request->sent = transfer->transmissions > 0 ? HTTP_MAYBE_SENT : HTTP_NOT_SENT;
}

static void take_results(struct transport *transport)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(transport->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result; /* the message goes with its handle */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        judge(transfer, result);
        end(transfer);
        transport->on_done(transport->owner, transfer);
    }
}

/* Lets libcurl work on one socket, or on what is due. Its results are drained each time: whether the number
 * of running handles fell says nothing, because it may finish one and start another in one go. */
static void act(struct transport *transport, curl_socket_t fd, int flags)
{
    int running;
    curl_multi_socket_action(transport->multi, fd, flags, &running);
    take_results(transport);
}

static void on_ready(void *owner, int fd, int events, bool broken)
{
    int flags = broken ? CURL_CSELECT_ERR : 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN; /* with an error too: an answer may have come before the reset */
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(owner, fd, flags);
}

bool transport_is_due(const struct transport *transport)
{
    return transport->due;
}

void transport_act(struct transport *transport)
{
    transport->due = false;
    act(transport, CURL_SOCKET_TIMEOUT, 0);
}

int transport_start(struct transport *transport, struct transfer *transfer, int64_t time_ms)
{
    struct http_request *request = transfer->request;
    struct handle *handle = handle_take(request->origin, &request->err);
    if (!handle)
        return -1;
    transfer->transport = transport;
    CURLMcode code = CURLM_OK;
    if (handle_aim(handle, transfer, time_ms, &request->err) == 0) {
        code = curl_multi_add_handle(transport->multi, handle->easy);
        if (code)
            err_set(&request->err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(code));
    }
    if (request->err.code != ERR_NONE) {
        handle_give_back(handle);
        return -1;
    }
    transfer->handle = handle;
    return 0;
}

void transport_stop(struct transport *transport, struct transfer *transfer)
{
    (void)transport;
    end(transfer);
}

/* --- beginning and end ---------------------------------------------------------------------------------- */

int transport_origin_init(struct transport *transport, struct http_origin *origin, struct err *err)
{
    char root[320];
    origin->transport = transport;
    snprintf(root, sizeof(root), "%s://%s/", origin->url.tls ? "https" : "http", origin->url.authority);
    origin->address = curl_url();
    if (!origin->address || curl_url_set(origin->address, CURLUPART_URL, root, 0))
        return err_set(err, ERR_INVALID, "libcurl cannot read the address %s", root);
    struct handle *handle = handle_take(origin, err); /* so that a template that is refused is found now */
    if (!handle)
        return -1;
    handle_give_back(handle);
    return 0;
}

void transport_origin_finish(struct http_origin *origin)
{
    while (origin->idle) {
        struct handle *handle = origin->idle;
        origin->idle = handle->next;
        handle_free(handle);
    }
    curl_url_cleanup(origin->address);
}

static void leave(struct transport *transport)
{
    if (!transport->timer_closed || transport->sockets.handles > 0)
        return;
    void (*on_closed)(void *) = transport->on_closed;
    void *owner = transport->owner;
    sockets_finish(&transport->sockets);
    free(transport);
    on_closed(owner);
}

static void on_watch_gone(void *owner)
{
    leave(owner);
}

static void on_timer_gone(uv_handle_t *timer)
{
    struct transport *transport = timer->data;
    transport->timer_closed = true;
    leave(transport);
}

static bool set_multi(CURLM *multi, struct transport *transport)
{
    long connections = transport->limits.all_connections;
    return !curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
           !curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transport) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout) &&
           !curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transport) &&
           !curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, connections) &&
           !curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
}

struct transport *transport_create(uv_loop_t *loop, const struct http_limits *limits,
                                   void (*on_done)(void *owner, struct transfer *transfer), void *owner,
                                   struct err *err)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, heap_free, heap_realloc, mem_strdup,
                             mem_calloc)) {
        err_set(err, ERR_INTERNAL, "libcurl cannot be initialised");
        return NULL;
    }
    struct transport *transport = mem_zalloc(sizeof(*transport));
    transport->limits = *limits;
    transport->on_done = on_done;
    transport->owner = owner;
    sockets_init(&transport->sockets, loop);
    transport->sockets.on_ready = on_ready;
    transport->sockets.on_gone = on_watch_gone;
    transport->sockets.owner = transport;
    transport->multi = curl_multi_init();
    if (!transport->multi || !set_multi(transport->multi, transport)) {
        err_set(err, ERR_INTERNAL, "libcurl %s refuses an option that is needed", curl_version());
        curl_multi_cleanup(transport->multi);
        curl_global_cleanup();
        free(transport);
        return NULL;
    }
    uv_timer_init(loop, &transport->timer);
    transport->timer.data = transport;
    uv_unref((uv_handle_t *)&transport->timer); /* requests keep the loop alive */
    return transport;
}

void transport_destroy(struct transport *transport, void (*on_closed)(void *owner))
{
    transport->on_closed = on_closed;
    curl_multi_cleanup(transport->multi); /* closes the idle connections through on_close_socket() */
    sockets_forget(&transport->sockets);  /* libcurl closed those that it was still connecting by itself */
    curl_global_cleanup();
    uv_close((uv_handle_t *)&transport->timer, on_timer_gone);
}

void transport_stats(const struct transport *transport, struct http_stats *stats)
{
    stats->connections = transport->sockets.opened;
    stats->open = transport->sockets.open;
    stats->withheld = transport->withheld;
}
