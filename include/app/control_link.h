/* The other end of the control socket: asking the daemon, and reading its lines, one after the other. */
#ifndef APP_CONTROL_LINK_H
#define APP_CONTROL_LINK_H

#include "app/control_place.h"
#include "app/control_request.h"
#include "aws/json.h"
#include "base/buf.h"
#include "base/err.h"

#include <signal.h>
#include <stdbool.h>

struct control_link {
    int fd, patience_s;                       /* how long the daemon may say nothing */
    const volatile sig_atomic_t *interrupted; /* what ends a wait once it is not 0; NULL: nothing does */
    struct buf in;                            /* read, and not taken */
    struct buf line;                          /* the latest */
    struct json_doc *doc;
};

/* -1 as control_socket_connect(); ERR_PERMISSION also where neither root, nor this user, nor the owner of the
 * state directory is at the other end. */
int control_link_open(struct control_link *link, const struct control_way *way, struct err *err);
/* Other than a minute. */
void control_link_set_patience(struct control_link *link, int patience_s);
void control_link_close(struct control_link *link);

/* -1 with ERR_IO. */
int control_link_ask(struct control_link *link, const struct control_request *request, struct err *err);
/* Waits for the next line: an object, with link->line as it came, both valid until the next call. NULL with
 * ERR_IO: the daemon ended the connection, or said nothing for long, or what is no line of its own;
 * ERR_CANCELED: it was interrupted. */
const struct json_value *control_link_next(struct control_link *link, struct err *err);

#endif
