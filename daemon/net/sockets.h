/* The sockets of the HTTP client on the loop. Each has one uv_poll_t from its first breath to its last:
 * starting and stopping the watch with each transfer costs more than the transfer's own system calls. */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct watch;

struct sockets {
    uv_loop_t *loop;
    /* events: UV_READABLE and UV_WRITABLE out of those that are wanted; broken: the loop saw an error. */
    void (*on_ready)(void *owner, int fd, int events, bool broken);
    void (*on_gone)(void *owner); /* one more handle has been closed */
    void *owner;
    struct watch **by_fd;
    size_t room;
    int handles;    /* that the loop still knows, those being closed included */
    int open;       /* sockets */
    int64_t opened; /* since the beginning */
};

void sockets_init(struct sockets *sockets, uv_loop_t *loop);
/* Frees the table. Every socket must be closed and `handles` be 0. */
void sockets_finish(struct sockets *sockets);

/* A new socket, non-blocking; -1 with errno. */
int sockets_open(struct sockets *sockets, int family, int type, int protocol);
void sockets_close(struct sockets *sockets, int fd);
/* For descriptors that somebody else has closed: watches none any more, and closes nothing. */
void sockets_forget(struct sockets *sockets);

/* Says which events are wanted from now on (0: none). A descriptor that sockets_open() did not make is
 * watched from the first want to the next want of 0, and never closed. */
void sockets_want(struct sockets *sockets, int fd, int events);

#endif
