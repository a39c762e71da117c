/* See app/metrics_server.h.
 *
 * The happy path: libmicrohttpd's epoll descriptor is readable -> on_readable() has it work -> on_request()
 * answers with the page, which print() makes, or the one that is at most a second old -> the connection is
 * closed.
 *
 * The ways out: what is no GET or HEAD of /metrics gets 405 or 404. Who is silent for a while is dropped by
 * libmicrohttpd, who is merely slow by drop_old(), by a shutdown of the socket underneath, which
 * libmicrohttpd then finds dead. Where all connections are taken, or no descriptor is left, others wait in
 * the kernel. destroy() closes them all. */
#include "app/metrics_server.h"

#include "app/exposition.h"
#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define CONNECTIONS_MAX  16u
#define CONNECTION_BYTES ((size_t)16 * 1024) /* of memory for each, for its headers */
#define SILENCE_S        5u
#define LIFE_MS          (10 * TIME_MS_PER_SECOND)
#define DEAF_MS          100
#define PAGE_BYTES_MAX   ((size_t)32 * 1024 * 1024)
#define PAGE_LIFE_MS     TIME_MS_PER_SECOND
#define HANDLES          2

struct client {
    struct MHD_Connection *connection;
    int64_t until_ms; /* on the loop's clock */
    bool dropped;
    struct client *prev, *next;
};

struct metrics_server {
    struct metrics_server_config config; /* but for the address */
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t timer;
    struct client *clients;    /* the oldest first; those that were dropped are not among them */
    struct MHD_Response *page; /* NULL: none yet */
    int64_t page_ms;
    bool opened, closed; /* a connection, since it was cleared */
    int open_handles;
};

static int64_t now_ms(const struct metrics_server *server)
{
    return (int64_t)uv_now(server->config.loop);
}

/* --- answers --- */

/* The text is the response's from now on. */
static struct MHD_Response *make_response(struct buf *text, const char *type)
{
    size_t length = text->length;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text->data, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        buf_finish(text);
        return NULL;
    }
    *text = (struct buf){0};
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return response;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *why)
{
    struct buf text;
    buf_init(&text, 100);
    buf_text(&text, why);
    struct MHD_Response *response = make_response(&text, "text/plain; charset=utf-8");
    if (response == NULL) {
        return MHD_NO;
    }
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_page(struct metrics_server *server, struct MHD_Connection *connection)
{
    if (server->page == NULL || now_ms(server) - server->page_ms >= PAGE_LIFE_MS) {
        struct buf text;
        buf_init(&text, PAGE_BYTES_MAX);
        server->config.print(server->config.owner, &text);
        if (text.overflow) {
            buf_finish(&text);
            return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page is too long\n");
        }
        if (server->page != NULL) {
            MHD_destroy_response(server->page); /* those who still read it hold it */
        }
        server->page = make_response(&text, EXPOSITION_TYPE);
        server->page_ms = now_ms(server);
    }
    return server->page != NULL ? MHD_queue_response(connection, MHD_HTTP_OK, server->page) : MHD_NO;
}

/* A body, if there is one, is not waited for. */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_length, void **request)
{
    (void)version;
    (void)upload;
    (void)upload_length;
    (void)request;
    if (strcmp(url, "/metrics") != 0) {
        return refuse(connection, MHD_HTTP_NOT_FOUND, "only /metrics is here\n");
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
    }
    return answer_page(owner, connection);
}

/* --- connections --- */

static void on_connection(void *owner, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct metrics_server *server = owner;
    struct client *client = *context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        client = mem_zalloc(sizeof *client);
        *client = (struct client){.connection = connection, .until_ms = now_ms(server) + LIFE_MS};
        DL_APPEND(server->clients, client);
        *context = client;
        server->opened = true;
    } else if (client != NULL) {
        if (!client->dropped) {
            DL_DELETE(server->clients, client);
        }
        free(client);
        *context = NULL;
        server->closed = true;
    }
}

static void drop_old(struct metrics_server *server)
{
    struct client *client;
    while ((client = server->clients) != NULL && client->until_ms <= now_ms(server)) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(client->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        DL_DELETE(server->clients, client);
        client->dropped = true;
        if (info != NULL) {
            shutdown(info->connect_fd, SHUT_RDWR);
        }
    }
}

/* --- the loop --- */

static void on_timer(uv_timer_t *timer);

static void work(struct metrics_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait = 0;
    int64_t wait_ms = -1;
    drop_old(server);
    server->opened = server->closed = false;
    MHD_run(server->daemon);
    if (server->closed) { /* who waits in the kernel for its place is only looked at when it runs again */
        wait_ms = 0;
    } else if (server->clients != NULL) {
        wait_ms = server->clients->until_ms - now_ms(server);
    }
    if (MHD_get_timeout(server->daemon, &wait) == MHD_YES && (wait_ms < 0 || (int64_t)wait < wait_ms)) {
        wait_ms = (int64_t)wait;
    }
    if (wait_ms >= 0) {
        uv_timer_start(&server->timer, on_timer, (uint64_t)wait_ms, 0);
    } else {
        uv_timer_stop(&server->timer);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct metrics_server *server = poll->data;
    (void)status;
    (void)events;
    work(server);
    bool idle = server->clients == NULL && !server->opened && !server->closed;
    if (idle) { /* somebody knocks, and there is no descriptor for him: he would be heard again at once */
        uv_poll_stop(&server->poll);
        uv_timer_start(&server->timer, on_timer, DEAF_MS, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct metrics_server *server = timer->data;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    work(server);
}

/* --- beginning and end --- */

static socklen_t socket_address(const struct listen_address *from, struct sockaddr_storage *to)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(from->port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(from->port)};
    memcpy(&ipv4.sin_addr, from->bytes, sizeof ipv4.sin_addr);
    memcpy(&ipv6.sin6_addr, from->bytes, sizeof ipv6.sin6_addr);
    if (from->ipv6) {
        memcpy(to, &ipv6, sizeof ipv6);
        return sizeof ipv6;
    }
    memcpy(to, &ipv4, sizeof ipv4);
    return sizeof ipv4;
}

static void share_port(int fd, const struct metrics_server *before, int share)
{
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &share, sizeof share);
    setsockopt(MHD_get_daemon_info(before->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd, SOL_SOCKET,
               SO_REUSEPORT, &share, sizeof share);
}

/* Where an address overlaps that of the server before, as 0.0.0.0 does all others, both have the port until
 * that one is closed. Another process that listens there still is in the way. */
static int take_address(int fd, const struct sockaddr *name, socklen_t length,
                        const struct metrics_server *before)
{
    if (bind(fd, name, length) == 0 && listen(fd, (int)CONNECTIONS_MAX) == 0) {
        return 0;
    }
    if (errno != EADDRINUSE || before == NULL) {
        return -1;
    }
    share_port(fd, before, 1);
    bool taken = bind(fd, name, length) == 0 && listen(fd, (int)CONNECTIONS_MAX) == 0;
    int number = errno;
    share_port(fd, before, 0);
    errno = number;
    return taken ? 0 : -1;
}

/* -1 with errno. A port that was just left by another server of ours is free at once. */
static int open_listener(const struct listen_address *address, const struct metrics_server *before)
{
    const int yes = 1;
    struct sockaddr_storage name;
    socklen_t length = socket_address(address, &name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        (address->ipv6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) ||
        take_address(fd, (const struct sockaddr *)&name, length, before) != 0) {
        int number = errno;
        close(fd);
        errno = number;
        return -1;
    }
    return fd;
}

static int start(struct metrics_server *server, const struct metrics_server_config *config, struct err *err)
{
    const struct listen_address *address = config->address;
    int listener = open_listener(address, config->before);
    if (listener < 0) {
        return err_set(err, ERR_UNAVAILABLE, "metrics.listen: %s: %s", address->text, err_errno(errno));
    }
    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, listener,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_CONNECTION_LIMIT,
                         CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_END);
    if (server->daemon == NULL) {
        err_set(err, ERR_UNAVAILABLE, "metrics.listen: %s: the server does not start: %s", address->text,
                err_errno(errno));
        close(listener);
        return -1;
    }
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct metrics_server *server = handle->data;
    if (--server->open_handles == 0) {
        free(server);
    }
}

struct metrics_server *metrics_server_create(const struct metrics_server_config *config, struct err *err)
{
    struct metrics_server *server = mem_zalloc(sizeof *server);
    server->config = *config;
    server->config.address = NULL;
    server->config.before = NULL;
    if (start(server, config, err) != 0) {
        free(server);
        return NULL;
    }
    int fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int status = uv_poll_init(config->loop, &server->poll, fd);
    if (status != 0) {
        err_set(err, ERR_UNAVAILABLE, "metrics.listen: watching it: %s", uv_strerror(status));
        MHD_stop_daemon(server->daemon);
        free(server);
        return NULL;
    }
    uv_timer_init(config->loop, &server->timer);
    server->poll.data = server->timer.data = server;
    server->open_handles = HANDLES;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    return server;
}

void metrics_server_destroy(struct metrics_server *server)
{
    if (server == NULL) {
        return;
    }
    uv_close((uv_handle_t *)&server->poll, on_closed);
    uv_close((uv_handle_t *)&server->timer, on_closed);
    MHD_stop_daemon(server->daemon);
    if (server->page != NULL) {
        MHD_destroy_response(server->page);
    }
}
