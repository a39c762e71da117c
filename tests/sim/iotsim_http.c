/* The sockets of iotsim: libmicrohttpd under our own loop, one thread.
 *
 * The happy path. on_target() makes a struct exchange for each request; on_request() is called with its
 * headers, with pieces of its body, and when it is complete: arrive() draws the fault and the latency.
 * Without latency execute() and respond() follow at once; otherwise the connection is suspended and rests in
 * a heap until half of the latency is over (before the execution), and again (before the answer); resuming it
 * brings libmicrohttpd back to on_request(), which goes on where the stage says.
 *
 * The ways out. on_completed() frees the exchange, however it ended. A reset is made by disconnecting the
 * socket under libmicrohttpd, which then finds it dead; a close is a refusal to answer. When the loop ends,
 * everything that is suspended is resumed with the stage ENDING, because libmicrohttpd must not be stopped
 * before. */
#include "sim/iotsim.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY_MAX         (1024 * 1024)
#define REPLY_MAX        ((size_t)1 << 30) /* /_iotsim/deleted of millions */
#define CONNECTIONS_MAX  8192
#define CONNECTION_BYTES (64 * 1024) /* for a request's headers */
#define STALL_MS         (2 * TIME_MS_PER_MINUTE)
#define TRUNCATED_BYTES  100 /* promised and not sent */

struct server;

enum stage { RECEIVING, TO_EXECUTE, TO_RESPOND, STALLED, ENDING };

struct exchange {
    struct server *server;
    struct MHD_Connection *connection;
    enum stage stage;
    char *target;
    struct iotsim_request request;
    struct iotsim_reply reply;
    enum fault fault;
    int latency_ms;
    int64_t due_ms; /* while suspended */
};

struct server {
    struct iotsim *sim;
    struct MHD_Daemon *daemon;
    struct MHD_Daemon *metadata; /* the port without TLS; NULL: none */
    struct random random;        /* for latency */
    struct exchange **resting;   /* a binary heap by due_ms */
    size_t resting_count, resting_room;
};

static int64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t service_ms(const struct server *server)
{
    return clock_ms(CLOCK_REALTIME) + server->sim->options->skew_ms;
}

static void set_stage(struct exchange *exchange, enum stage stage)
{
    exchange->stage = stage;
}

/* --- suspended exchanges --- */

static void put(struct server *server, size_t place, struct exchange *exchange)
{
    server->resting[place] = exchange;
}

static void sift_up(struct server *server, struct exchange *exchange, size_t place)
{
    while (place > 0 && server->resting[(place - 1) / 2]->due_ms > exchange->due_ms) {
        put(server, place, server->resting[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(server, place, exchange);
}

static void sift_down(struct server *server, struct exchange *exchange, size_t place)
{
    for (size_t child; (child = 2 * place + 1) < server->resting_count; place = child) {
        if (child + 1 < server->resting_count &&
            server->resting[child + 1]->due_ms < server->resting[child]->due_ms) {
            child++;
        }
        if (server->resting[child]->due_ms >= exchange->due_ms) {
            break;
        }
        put(server, place, server->resting[child]);
    }
    put(server, place, exchange);
}

static enum MHD_Result rest(struct exchange *exchange, int64_t ms, enum stage then)
{
    struct server *server = exchange->server;
    set_stage(exchange, then);
    exchange->due_ms = clock_ms(CLOCK_MONOTONIC) + ms;
    if (server->resting_count == server->resting_room) {
        server->resting_room = server->resting_room ? server->resting_room * 2 : 64;
        server->resting = mem_realloc(server->resting, server->resting_room, sizeof(struct exchange *));
    }
    MHD_suspend_connection(exchange->connection);
    sift_up(server, exchange, server->resting_count++);
    return MHD_YES;
}

static void wake_first(struct server *server)
{
    struct exchange *first = server->resting[0], *last = server->resting[--server->resting_count];
    if (first != last) {
        sift_down(server, last, 0);
    }
    MHD_resume_connection(first->connection);
}

/* --- one exchange --- */

/* Dissolves the TCP connection with a reset; libmicrohttpd notices when it next uses the socket. */
static enum MHD_Result reset(struct exchange *exchange)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info) {
        connect(info->connect_fd, &nobody, sizeof nobody);
    }
    return MHD_NO;
}

static ssize_t read_truncated(void *ctx, uint64_t position, char *out, size_t room)
{
    const struct buf *body = ctx;
    if (position >= body->length) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t length = body->length - (size_t)position;
    if (length > room) {
        length = room;
    }
    memcpy(out, body->data + position, length);
    return (ssize_t)length;
}

static struct MHD_Response *body_of(struct exchange *exchange)
{
    struct buf *body = &exchange->reply.body;
    if (exchange->fault == FAULT_TRUNCATE) {
        return MHD_create_response_from_callback(body->length + TRUNCATED_BYTES, 4096, read_truncated, body,
                                                 NULL);
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_FREE);
    *body = (struct buf){0}; /* it is the response's now */
    return response;
}

static void date_text(int64_t ms, char out[40])
{
    struct tm civil;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &civil);
    strftime(out, 40, "%a, %d %b %Y %H:%M:%S GMT", &civil);
}

static enum MHD_Result respond(struct exchange *exchange)
{
    char date[40], error[104];
    const struct iotsim_reply *reply = &exchange->reply;
    iotsim_journal_answered(exchange->server->sim, &exchange->request, reply, exchange->fault,
                            service_ms(exchange->server));
    if (exchange->fault == FAULT_RESET_AFTER) {
        return reset(exchange);
    }
    struct MHD_Response *response = body_of(exchange);
    if (!response) {
        return MHD_NO;
    }
    date_text(service_ms(exchange->server), date);
    MHD_add_response_header(response, "Date", date);
    MHD_add_response_header(response, "Content-Type", reply->content_type);
    if (reply->request_id[0]) {
        MHD_add_response_header(response, "x-amzn-RequestId", reply->request_id);
    }
    if (reply->error[0]) {
        snprintf(error, sizeof error, "%s:", reply->error);
        MHD_add_response_header(response, "x-amzn-ErrorType", error);
    }
    if (reply->header_name) {
        MHD_add_response_header(response, reply->header_name, reply->header_value);
    }
    enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result execute(struct exchange *exchange)
{
    struct server *server = exchange->server;
    if (exchange->fault == FAULT_RESET_BEFORE) {
        return reset(exchange);
    }
    if (exchange->fault == FAULT_CLOSE) {
        return MHD_NO;
    }
    iotsim_answer(server->sim, &exchange->request, exchange->fault, service_ms(server), &exchange->reply);
    if (exchange->latency_ms > 0) {
        return rest(exchange, exchange->latency_ms - exchange->latency_ms / 2, TO_RESPOND);
    }
    return respond(exchange);
}

static enum MHD_Result add_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct iotsim_request *request = ctx;
    (void)kind;
    if (request->header_count == IOTSIM_HEADERS_MAX) {
        return MHD_NO;
    }
    request->headers[request->header_count].name = name;
    request->headers[request->header_count++].value = value ? value : "";
    return MHD_YES;
}

static enum MHD_Result arrive(struct exchange *exchange)
{
    struct server *server = exchange->server;
    struct iotsim *sim = server->sim;
    const struct iotsim_options *options = sim->options;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, add_header, &exchange->request);
    if (iotsim_control(sim, &exchange->request, service_ms(server), &exchange->reply)) {
        return respond(exchange);
    }
    if (iotsim_metadata(sim, &exchange->request, service_ms(server), &exchange->reply)) {
        return exchange->reply.hang ? rest(exchange, STALL_MS, STALLED) : respond(exchange);
    }
    const char *operation = iotsim_received(sim, &exchange->request);
    if (operation) {
        if (strcmp(operation, "DeleteJobExecution") == 0) {
            iotsim_journal_received(sim, &exchange->request, service_ms(server));
        }
        exchange->fault = fault_draw(&sim->options->faults, operation);
    }
    if (exchange->fault == FAULT_STALL) {
        return rest(exchange, STALL_MS, STALLED);
    }
    exchange->latency_ms = options->latency_min_ms;
    if (options->latency_max_ms > options->latency_min_ms) {
        exchange->latency_ms += (int)random_below(
            &server->random, (uint64_t)(options->latency_max_ms - options->latency_min_ms) + 1);
    }
    if (exchange->latency_ms > 1) {
        return rest(exchange, exchange->latency_ms / 2, TO_EXECUTE);
    }
    return execute(exchange);
}

/* --- called by libmicrohttpd --- */

static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection)
{
    struct exchange *exchange = mem_zalloc(sizeof *exchange);
    exchange->server = ctx;
    exchange->connection = connection;
    exchange->target = mem_strdup(target);
    exchange->request.target = exchange->target;
    buf_init(&exchange->request.body, BODY_MAX);
    buf_init(&exchange->reply.body, REPLY_MAX);
    return exchange;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **exchange_at)
{
    struct exchange *exchange = *exchange_at;
    (void)ctx;
    (void)connection;
    (void)url;
    (void)version;
    if (!exchange->request.method) { /* the headers are complete, the body is not */
        exchange->request.method = method;
        return MHD_YES;
    }
    if (*upload_size > 0) {
        bool taken = buf_append(&exchange->request.body, upload, *upload_size);
        *upload_size = 0;
        return taken ? MHD_YES : MHD_NO;
    }
    switch (exchange->stage) {
    case RECEIVING:
        return arrive(exchange);
    case TO_EXECUTE:
        return execute(exchange);
    case TO_RESPOND:
        return respond(exchange);
    case STALLED:
    case ENDING:
        break;
    }
    return MHD_NO;
}

static void on_completed(void *ctx, struct MHD_Connection *connection, void **exchange_at,
                         enum MHD_RequestTerminationCode how)
{
    struct exchange *exchange = *exchange_at;
    (void)ctx;
    (void)connection;
    (void)how;
    if (!exchange) {
        return;
    }
    iotsim_journal_closed(exchange->server->sim, &exchange->request, service_ms(exchange->server));
    buf_finish(&exchange->request.body);
    buf_finish(&exchange->reply.body);
    free(exchange->target);
    free(exchange);
    *exchange_at = NULL;
}

static void on_connection(void *ctx, struct MHD_Connection *connection, void **socket_ctx,
                          enum MHD_ConnectionNotificationCode how)
{
    struct server *server = ctx;
    (void)connection;
    (void)socket_ctx;
    server->sim->connections += how == MHD_CONNECTION_NOTIFY_STARTED;
}

/* Leaves everything as it came: signatures are made over the bytes of the wire. */
static size_t keep_escapes(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    return strlen(text);
}

/* --- the loop --- */

static int listen_on(int port, int *bound_port, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof address;
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1024) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        int number = errno;
        if (fd >= 0) {
            close(fd);
        }
        return err_set(err, ERR_IO, "cannot listen on port %d: %s", port, err_errno(number));
    }
    *bound_port = ntohs(address.sin_port);
    return fd;
}

static int write_file(const char *path, const struct buf *content, struct err *err)
{
    FILE *file = fopen(path, "w");
    bool done = file && fwrite(content->data, 1, content->length, file) == content->length;
    if (file && fclose(file) != 0) {
        done = false;
    }
    return done ? 0 : err_set(err, ERR_IO, "cannot write %s: %s", path, err_errno(errno));
}

/* certificate: NULL for a port without TLS. NULL, and the listener closed, with err. */
static struct MHD_Daemon *start(struct server *server, int listener, struct iotsim_certificate *certificate,
                                struct err *err)
{
    struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, certificate ? (void *)certificate->key.data : NULL},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate ? (void *)certificate->certificate.data : NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        certificate ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, server,
        MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        certificate ? MHD_OPTION_ARRAY : MHD_OPTION_END, secure, MHD_OPTION_END);
    if (!daemon) {
        close(listener);
        err_set(err, ERR_INTERNAL, "libmicrohttpd does not start");
    }
    return daemon;
}

/* What a daemon wants to be called for, no later than in `wait` milliseconds. */
static int64_t shorter(struct MHD_Daemon *daemon, int64_t wait)
{
    MHD_UNSIGNED_LONG_LONG inner;
    bool sooner = daemon && MHD_get_timeout(daemon, &inner) == MHD_YES && (int64_t)inner < wait;
    return sooner ? (int64_t)inner : wait;
}

static int milliseconds_to_wait(struct server *server)
{
    int64_t wait = shorter(server->metadata, shorter(server->daemon, 60000));
    if (server->resting_count > 0) {
        int64_t due = server->resting[0]->due_ms - clock_ms(CLOCK_MONOTONIC);
        wait = due < 0 ? 0 : due < wait ? due : wait;
    }
    return (int)wait;
}

static int epoll_of(struct MHD_Daemon *daemon)
{
    return daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd : -1;
}

static void run_daemons(struct server *server)
{
    MHD_run(server->daemon);
    if (server->metadata) {
        MHD_run(server->metadata);
    }
}

static void loop(struct server *server, int signals)
{
    struct pollfd watched[] = {{.fd = epoll_of(server->daemon), .events = POLLIN},
                               {.fd = signals, .events = POLLIN},
                               {.fd = epoll_of(server->metadata), .events = POLLIN}};
    while (!server->sim->quit) {
        poll(watched, 3, milliseconds_to_wait(server));
        if (watched[1].revents) {
            break;
        }
        int64_t now_ms = clock_ms(CLOCK_MONOTONIC);
        while (server->resting_count > 0 && server->resting[0]->due_ms <= now_ms) {
            wake_first(server);
        }
        run_daemons(server);
    }
    if (server->sim->quit) {
        run_daemons(server); /* lets the answer to quit go out */
    }
}

static void stop(struct server *server)
{
    while (server->resting_count > 0) {
        set_stage(server->resting[0], ENDING);
        wake_first(server);
    }
    if (server->daemon) {
        MHD_stop_daemon(server->daemon); /* closes the listener too */
    }
    if (server->metadata) {
        MHD_stop_daemon(server->metadata);
    }
    free(server->resting);
}

static void announce(const struct iotsim_options *options, int port, int metadata_port)
{
    printf("iotsim: listening on %s://127.0.0.1:%d", options->plain ? "http" : "https", port);
    if (!options->plain) {
        printf(" ca=%s", options->ca_file);
    }
    if (metadata_port >= 0) {
        printf(" metadata=http://127.0.0.1:%d", metadata_port);
    }
    printf("\n");
    fflush(stdout);
}

/* SIGTERM and SIGINT as a file descriptor. */
static int open_signals(struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_CLOEXEC);
    return fd >= 0 ? fd : err_set(err, ERR_IO, "signalfd: %s", err_errno(errno));
}

/* Opens the ports and says so. */
static int open_ports(struct server *server, struct iotsim_certificate *certificate, struct err *err)
{
    const struct iotsim_options *options = server->sim->options;
    int port = 0, metadata_port = -1, listener;
    if ((listener = listen_on(options->port, &port, err)) < 0) {
        return -1;
    }
    server->daemon = start(server, listener, options->plain ? NULL : certificate, err);
    if (!server->daemon) {
        return -1;
    }
    if (options->metadata_port >= 0) {
        if ((listener = listen_on(options->metadata_port, &metadata_port, err)) < 0) {
            return -1;
        }
        server->metadata = start(server, listener, NULL, err);
        if (!server->metadata) {
            return -1;
        }
    }
    announce(options, port, metadata_port);
    return 0;
}

int iotsim_serve(struct iotsim *sim, struct err *err)
{
    struct server server = {.sim = sim};
    struct iotsim_certificate certificate = {{0}, {0}, {0}};
    int result = -1, signals = open_signals(err);
    random_seed(&server.random, sim->options->fleet.seed ^ UINT64_C(0x6c6174656e6379));
    if (signals < 0 || iotsim_certificate_make(&certificate, err) < 0) {
        goto out;
    }
    if (!sim->options->plain && write_file(sim->options->ca_file, &certificate.ca, err) < 0) {
        goto out;
    }
    if (open_ports(&server, &certificate, err) < 0) {
        goto out;
    }
    loop(&server, signals);
    result = 0;
out:
    stop(&server);
    if (signals >= 0) {
        close(signals);
    }
    iotsim_certificate_finish(&certificate);
    return result;
}
