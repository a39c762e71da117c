/* The server of the control socket: connections, lines, limits. What the lines mean is its owner's business.
 *
 * Only root and the user of this process are served (SO_PEERCRED). A client asks one thing after the other, a
 * line each; a reply may take as long as its owner likes and be added to meanwhile. Nobody can keep the loop
 * busy, or a place for long: who has sent no whole line, or read no whole piece of a reply, in time is
 * dropped, and so is who sends a longer line. */
#ifndef APP_CONTROL_H
#define APP_CONTROL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_REPLY_MAX                                                                                    \
    (32 * 1024 * 1024) /* bytes that wait to be written; beyond it the client is dropped. Tens of thousands  \
                          of runs that somebody follows may end at once. */

struct control;
struct control_client;

struct control_config {
    uv_loop_t *loop;
    uint64_t line_ms, reply_ms; /* how long a line, and a piece of a reply, may take; 5 s and 10 s when 0 */
    void *owner;
    /* A line came, without its line feed. control_end() is called once, now or later. */
    void (*request)(void *owner, struct control_client *client, const char *line, size_t length);
    /* All of the reply so far has been written, and there was no control_end(). */
    void (*written)(void *owner, struct control_client *client);
    /* The client is going, in the middle of its reply; nothing may be done with it from now on. */
    void (*gone)(void *owner, struct control_client *client);
    /* Nothing waits to be written to anybody any more. */
    void (*quiet)(void *owner);
};

struct control *control_create(const struct control_config *config);
/* Drops all clients (gone() comes for those in a reply) and removes the socket; frees itself in the loop's
 * next turns. Takes NULL. */
void control_destroy(struct control *control);

/* Listens there from now on, with a socket of mode 0600, and nowhere else; NULL: nowhere. A socket that has
 * this name already, or a name that leads to the same file, stays; one whose file is gone is made anew.
 * Clients that are there stay. -1 as control_socket_listen(); then all is as before. */
int control_listen(struct control *control, const char *path, struct err *err);
const char *control_path(const struct control *control); /* NULL: nowhere */

/* Appends to the reply. A client that reads too slowly for it is dropped, from the loop. */
void control_send(struct control_client *client, const struct buf *text);
/* The reply is complete; the next line may be asked. */
void control_end(struct control_client *client);
/* Whether all that was sent so far has been written. */
bool control_idle(const struct control_client *client);
/* Whether all that was sent to anybody has been written, or its client is gone. */
bool control_quiet(const struct control *control);

/* The user who asks. */
uid_t control_user(const struct control_client *client);
/* The owner's, NULL at the beginning of each request. */
void control_set_data(struct control_client *client, void *data);
void *control_data(const struct control_client *client);

#endif
