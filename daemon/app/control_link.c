/* See app/control_link.h. */
#include "app/control_link.h"

#include "app/control_socket.h"
#include "app/user_name.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (2 * 1024 * 1024)
#define PIECE          (64 * 1024)
#define TIMEOUT_S      60 /* the daemon says how far it is once a second */

/* What somebody else answers may be wrong: that nothing is deleted, for instance. */
static int check_owner(int fd, const struct control_way *way, struct err *err)
{
    char name[USER_NAME_SIZE];
    struct stat status;
    uid_t user;
    if (control_socket_peer(fd, &user)) {
        return 0;
    }
    bool known = way->state[0] != '\0' && stat(way->state, &status) == 0;
    if (known && user == status.st_uid && user_is_one(user)) {
        return 0;
    }
    return err_set(
        err, ERR_PERMISSION,
        "control socket '%s': %s serves it, who is neither root, nor you, nor the owner of the state "
        "directory%s%.200s",
        way->socket, user_name(user, name), known ? " " : "", known ? way->state : "");
}

int control_link_open(struct control_link *link, const struct control_way *way, struct err *err)
{
    *link = (struct control_link){.fd = control_socket_connect(way->socket, TIMEOUT_S, err),
                                  .patience_s = TIMEOUT_S};
    buf_init(&link->in, LINE_MAX_BYTES + PIECE);
    buf_init(&link->line, LINE_MAX_BYTES);
    return link->fd >= 0 ? check_owner(link->fd, way, err) : -1;
}

void control_link_set_patience(struct control_link *link, int patience_s)
{
    const struct timeval patience = {.tv_sec = patience_s};
    link->patience_s = patience_s;
    setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void control_link_close(struct control_link *link)
{
    if (link->fd >= 0) {
        close(link->fd);
    }
    json_free(link->doc);
    buf_finish(&link->in);
    buf_finish(&link->line);
}

int control_link_ask(struct control_link *link, const struct control_request *request, struct err *err)
{
    struct buf text;
    size_t sent = 0;
    int result = 0;
    buf_init(&text, 2 * CONTROL_LINE_MAX);
    control_request_print(request, &text);
    if (text.length > CONTROL_LINE_MAX) {
        result = err_set(err, ERR_INVALID, "these are too many names for one request");
    }
    while (result == 0 && sent < text.length) {
        ssize_t count = send(link->fd, text.data + sent, text.length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR && errno != EPIPE) {
            result = err_set(err, ERR_IO, "the daemon cannot be asked: %s", err_errno(errno));
        } else if (count < 0 && errno == EPIPE) {
            break; /* it has turned us away, and says why */
        }
        sent += count > 0 ? (size_t)count : 0;
    }
    buf_finish(&text);
    return result;
}

/* More of what the daemon says, or nothing yet; -1 at its end. Whoever was stopped and goes on comes back
 * from a wait with a limit, too, without any signal of ours. */
static int receive(struct control_link *link, struct err *err)
{
    char piece[PIECE];
    ssize_t count = recv(link->fd, piece, sizeof piece, 0);
    if (count > 0 && buf_append(&link->in, piece, (size_t)count)) {
        return 0;
    }
    if (count > 0) {
        return err_set(err, ERR_IO, "the daemon sent a line that is too long");
    }
    if (count < 0 && errno == EINTR) {
        return 0;
    }
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return err_set(err, ERR_IO, "the daemon has said nothing for %d s", link->patience_s);
    }
    return err_set(err, ERR_IO, "the daemon ended the connection before its answer was complete");
}

static bool is_interrupted(const struct control_link *link)
{
    return link->interrupted != NULL && *link->interrupted != 0;
}

static void take_line(struct control_link *link, const char *end)
{
    size_t length = (size_t)(end - link->in.data);
    buf_reset(&link->line);
    buf_append(&link->line, link->in.data, length);
    memmove(link->in.data, end + 1, link->in.length - length); /* with its NUL */
    link->in.length -= length + 1;
}

const struct json_value *control_link_next(struct control_link *link, struct err *err)
{
    const char *end;
    while (link->in.length == 0 || (end = memchr(link->in.data, '\n', link->in.length)) == NULL) {
        if (is_interrupted(link)) {
            err_set(err, ERR_CANCELED, "interrupted");
            return NULL;
        }
        if (receive(link, err) != 0) {
            return NULL;
        }
    }
    take_line(link, end);
    json_free(link->doc);
    link->doc = json_parse(buf_string(&link->line), link->line.length, err);
    if (link->doc == NULL || !json_is_object(json_root(link->doc))) {
        err_set(err, ERR_IO, "the daemon sent something that is no answer");
        return NULL;
    }
    return json_root(link->doc);
}
