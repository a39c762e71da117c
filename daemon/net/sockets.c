/* Sockets and their watches.
 *
 * The happy path: sockets_open() makes a socket and its watch, asleep. sockets_want() raises the interest
 * when it must, but does not lower it: after an answer the connection stays in epoll, and the next request
 * finds its watch ready without a system call. Only when an event comes that nobody wants is the interest
 * lowered to what is wanted.
 *
 * The ways out: sockets_close() closes the watch first, so that the descriptor leaves epoll before it may
 * be used again; the watch's memory goes in its uv_close callback. A watch that reports an error has been
 * stopped by libuv; it sleeps until somebody wants something. */
#include "sockets.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct watch {
    uv_poll_t poll;
    struct sockets *sockets;
    int fd;
    int wanted;
    int interest; /* what the loop is asked for: at least `wanted`, unless broken */
    bool foreign; /* not opened here */
};

void sockets_init(struct sockets *sockets, uv_loop_t *loop)
{
    memset(sockets, 0, sizeof(*sockets));
    sockets->loop = loop;
}

void sockets_finish(struct sockets *sockets)
{
    free(sockets->by_fd);
    sockets->by_fd = NULL;
    sockets->room = 0;
}

static struct watch *find(const struct sockets *sockets, int fd)
{
    return (size_t)fd < sockets->room ? sockets->by_fd[fd] : NULL;
}

static void remember(struct sockets *sockets, int fd, struct watch *watch)
{
    size_t need = (size_t)fd + 1;
    if (need > sockets->room) {
        size_t room = need < 64 ? 64 : need * 2;
        sockets->by_fd = mem_realloc(sockets->by_fd, room, sizeof(struct watch *));
        memset(sockets->by_fd + sockets->room, 0, (room - sockets->room) * sizeof(struct watch *));
        sockets->room = room;
    }
    sockets->by_fd[fd] = watch;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_interest(struct watch *watch, int events)
{
    watch->interest = events;
    if (events == 0) {
        uv_poll_stop(&watch->poll);
    } else {
        uv_poll_start(&watch->poll, events, on_poll);
    }
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    struct sockets *sockets = watch->sockets;
    if (status < 0) {
        watch->interest = 0;
        events = watch->wanted;
    } else if (events & ~watch->wanted) {
        set_interest(watch, watch->wanted);
    }
    events &= watch->wanted;
    if (events) {
        sockets->on_ready(sockets->owner, watch->fd, events, status < 0);
    }
}

static struct watch *watch_create(struct sockets *sockets, int fd, bool foreign)
{
    struct watch *watch = mem_zalloc(sizeof(*watch));
    if (uv_poll_init(sockets->loop, &watch->poll, fd)) {
        free(watch);
        return NULL;
    }
    uv_unref((uv_handle_t *)&watch->poll); /* requests keep the loop alive, connections do not */
    watch->poll.data = watch;
    watch->sockets = sockets;
    watch->fd = fd;
    watch->foreign = foreign;
    sockets->handles++;
    remember(sockets, fd, watch);
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    struct sockets *sockets = watch->sockets;
    free(watch);
    sockets->handles--;
    sockets->on_gone(sockets->owner);
}

static void watch_destroy(struct watch *watch)
{
    watch->sockets->by_fd[watch->fd] = NULL;
    watch->sockets->open -= !watch->foreign;
    uv_close((uv_handle_t *)&watch->poll, on_closed); /* leaves epoll at once */
}

int sockets_open(struct sockets *sockets, int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0) {
        return -1;
    }
    if (find(sockets, fd)) { /* somebody closed the one that it was without a word */
        watch_destroy(find(sockets, fd));
    }
    if (!watch_create(sockets, fd, false)) {
        close(fd);
        errno = ENOMEM;
        return -1;
    }
    sockets->open++;
    sockets->opened++;
    return fd;
}

void sockets_close(struct sockets *sockets, int fd)
{
    struct watch *watch = find(sockets, fd);
    if (watch) {
        watch_destroy(watch);
    }
    close(fd);
}

void sockets_forget(struct sockets *sockets)
{
    for (size_t fd = 0; fd < sockets->room; fd++) {
        if (sockets->by_fd[fd]) {
            watch_destroy(sockets->by_fd[fd]);
        }
    }
}

void sockets_want(struct sockets *sockets, int fd, int events)
{
    struct watch *watch = find(sockets, fd);
    if (!watch && events) {
        watch = watch_create(sockets, fd, true);
    }
    if (!watch) {
        return; /* the loop has no room for it: the transfer's time limit will say so */
    }
    watch->wanted = events;
    if (watch->foreign && events == 0) {
        watch_destroy(watch);
    } else if (events & ~watch->interest) {
        set_interest(watch, events);
    }
}
