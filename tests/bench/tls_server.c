/* One process, one thread, epoll. Requests have no bodies: each empty line is the end of one. */
#include "tls_server.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.1 200 OK\r\n"
                             "Date: Tue, 24 Nov 2026 03:15:00 GMT\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 2\r\n"
                             "x-amzn-RequestId: 01234567-89ab-cdef-0123-456789abcdef\r\n\r\n{}";

struct connection {
    int fd;
    SSL *ssl;
    int matched; /* characters of "\r\n\r\n" seen last */
};

static volatile struct tls_counts *counts;

static int fail(const char *what)
{
    perror(what);
    exit(1);
}

void bench_pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

static void connection_open(int listener, int epoll, SSL_CTX *context)
{
    int on = 1;
    struct connection *connection = mem_zalloc(sizeof(*connection));
    connection->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection->fd < 0)
        fail("accept");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    connection->ssl = SSL_new(context);
    SSL_set_fd(connection->ssl, connection->fd);
    SSL_set_accept_state(connection->ssl);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event);
    counts->connections++;
}

static void connection_close(struct connection *connection)
{
    SSL_free(connection->ssl);
    close(connection->fd);
    free(connection);
}

static int count_requests(struct connection *connection, const char *bytes, int length)
{
    int requests = 0;
    for (int i = 0; i < length; i++) {
        connection->matched =
            bytes[i] == "\r\n\r\n"[connection->matched] ? connection->matched + 1 : bytes[i] == '\r';
        if (connection->matched == 4) {
            requests++;
            connection->matched = 0;
        }
    }
    return requests;
}

static void connection_serve(struct connection *connection)
{
    char bytes[16384];
    int length = SSL_read(connection->ssl, bytes, sizeof(bytes));
    if (length <= 0) {
        if (SSL_get_error(connection->ssl, length) != SSL_ERROR_WANT_READ)
            connection_close(connection);
        return;
    }
    int requests = count_requests(connection, bytes, length);
    counts->requests += requests; /* before the answer: its reader may look at once */
    counts->bytes += length;
    for (; requests > 0; requests--)
        SSL_write(connection->ssl, ANSWER, sizeof(ANSWER) - 1);
}

static void serve(int listener, SSL_CTX *context)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[64];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                connection_serve(events[i].data.ptr);
            else
                connection_open(listener, epoll, context);
        }
    }
}

void tls_server_start(struct tls_server *server, SSL_CTX *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
        listen(listener, 256) || getsockname(listener, (struct sockaddr *)&address, &length))
        fail("listen");
    server->port = ntohs(address.sin_port);
    server->counts = counts =
        mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (counts == MAP_FAILED)
        fail("mmap");
    server->pid = fork();
    if (server->pid < 0)
        fail("fork");
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        bench_pin((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
        serve(listener, context);
    }
    close(listener);
}

void tls_server_stop(struct tls_server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    munmap((void *)server->counts, sizeof(*server->counts));
}
