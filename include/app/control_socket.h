/* The control socket as the operating system has it: made, found, and who is at the other end. */
#ifndef APP_CONTROL_SOCKET_H
#define APP_CONTROL_SOCKET_H

#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/* A bound socket of mode 0600, not yet listening. Its folder is made if only that is missing; it must belong
 * to root or the user, and be writable by nobody else. A socket that nobody listens on is replaced. -1 with
 * ERR_LOCKED: somebody listens there; ERR_PERMISSION, ERR_INVALID (something else has the name) or ERR_IO. */
int control_socket_listen(const char *path, struct err *err);

/* The file of a socket. While the socket is open, no other file is the same. */
struct control_socket_id {
    dev_t device;
    ino_t inode; /* 0: none */
};

void control_socket_identify(const char *path, struct control_socket_id *id);
bool control_socket_has_name(const struct control_socket_id *id, const char *path);

/* A connection that gives up a read or a write after so long. -1 with ERR_NOT_FOUND: nobody listens;
 * ERR_PERMISSION; ERR_IO. */
int control_socket_connect(const char *path, int timeout_s, struct err *err);

/* Whether it is root or the user of this process at the other end, and who; (uid_t)-1: nobody knows. At the
 * end of who connected that is who listens. */
bool control_socket_peer(int fd, uid_t *user);

#endif
