/* See app/control.h.
 *
 * The happy path: on_connection() -> the peer is looked at -> READING: on_read() collects a line -> REPLYING:
 * request() -> control_send() puts the reply into `out`, flush() hands it to libuv a piece at a time,
 * on_written() -> control_end() -> READING again, once all is written.
 *
 * The ways out: drop() closes the handles, and on_closed() frees the client with the last of them. It comes
 * from a line that is too long or late, a reply that nobody reads, an end of the connection,
 * control_destroy(). Who only shuts down his side still gets the reply that he asked for. */
#include "app/control.h"

#include "app/control_request.h"
#include "app/control_socket.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define LINE_MS  5000
#define REPLY_MS 10000
#define PIECE    (64 * 1024)
#define BACKLOG  64

enum state { STATE_READING, STATE_REPLYING, STATE_CLOSING };

struct control_client {
    struct control *control;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    int handles; /* not closed */
    enum state state;
    bool ended;     /* the other side sends no more */
    bool writing;   /* `piece` is with libuv */
    bool doomed;    /* dropped with the loop's next turn: a part of its reply is lost */
    bool answering; /* inside of next_line() */
    bool turn;      /* the next line is due with the timer, which otherwise is the end of patience */
    bool late;      /* patience is over, but for what the socket already holds */
    uid_t user;
    struct buf in, out;
    size_t sent;         /* of `out`, which goes in pieces */
    char *piece, *chunk; /* what is being written, and room to read into; NULL until it is served */
    void *data;
    struct control_client *prev, *next;
};

struct listener {
    uv_pipe_t pipe;
    struct control *control;
    char *path;
    struct control_socket_id id; /* what the path named when it was made */
};

struct control {
    struct control_config config;
    struct listener *listener; /* NULL: nobody can connect */
    bool closing;
    struct control_client *clients;
    size_t parts; /* clients and listeners that are not freed yet */
};

static void set_state(struct control_client *client, enum state state)
{
    client->state = state;
}

static size_t unsent(const struct control_client *client)
{
    return client->out.length - client->sent;
}

bool control_idle(const struct control_client *client)
{
    return !client->writing && unsent(client) == 0;
}

bool control_quiet(const struct control *control)
{
    const struct control_client *client;
    bool quiet = true;
    DL_FOREACH (control->clients, client) {
        quiet = quiet && control_idle(client);
    }
    return quiet;
}

static void tell_if_quiet(struct control *control)
{
    if (!control->closing && control_quiet(control)) {
        control->config.quiet(control->config.owner);
    }
}

/* --- the end of a client ------------------------------------------------------------------------------- */

static void part_gone(struct control *control)
{
    if (--control->parts == 0 && control->closing) {
        free(control);
    }
}

static void on_client_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;
    struct control *control = client->control;
    if (--client->handles > 0) {
        return;
    }
    buf_finish(&client->in);
    buf_finish(&client->out);
    free(client->piece);
    free(client->chunk);
    free(client);
    part_gone(control);
}

static void drop(struct control_client *client)
{
    struct control *control = client->control;
    bool replying = client->state == STATE_REPLYING;
    if (client->state == STATE_CLOSING) {
        return;
    }
    set_state(client, STATE_CLOSING);
    DL_DELETE(control->clients, client);
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
    uv_close((uv_handle_t *)&client->timer, on_client_closed);
    if (replying) {
        control->config.gone(control->config.owner, client);
    }
    tell_if_quiet(control);
}

static void on_idle(struct control_client *client);

static void on_timer(uv_timer_t *timer)
{
    struct control_client *client = timer->data;
    if (client->turn && !client->doomed) {
        client->turn = false;
        on_idle(client);
    } else if (!client->late && !client->doomed) {
        client->late =
            true; /* timers come before sockets in a turn: if we were late, he need not have been */
        uv_timer_start(timer, on_timer, 1, 0);
    } else {
        drop(client);
    }
}

static void allow(struct control_client *client, uint64_t ms)
{
    if (!client->doomed) {
        client->turn = client->late = false;
        uv_timer_start(&client->timer, on_timer, ms, 0);
    }
}

/* From inside of its owner's calls it cannot go at once. */
static void doom(struct control_client *client)
{
    allow(client, 0);
    client->doomed = true;
}

/* Takes the first bytes away. */
static void cut(struct buf *buf, size_t length)
{
    memmove(buf->data, buf->data + length, buf->length - length + 1);
    buf->length -= length;
}

/* --- replies ------------------------------------------------------------------------------------------- */

static void flush(struct control_client *client);
static void next_line(struct control_client *client);

/* All is written: the owner may have more, or the next line is due. */
static void on_idle(struct control_client *client)
{
    struct control *control = client->control;
    if (client->doomed) {
        return;
    }
    uv_timer_stop(&client->timer);
    if (client->state == STATE_REPLYING) {
        control->config.written(control->config.owner, client);
    } else if (client->state == STATE_READING) {
        allow(client, control->config.line_ms);
        next_line(client);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct control_client *client = write->data;
    client->writing = false;
    if (client->state == STATE_CLOSING) {
        return;
    }
    if (status != 0) {
        drop(client);
    } else if (unsent(client) > 0) {
        flush(client);
    } else {
        struct control *control = client->control;
        on_idle(client); /* it may be dropped */
        tell_if_quiet(control);
    }
}

/* What was sent is let go when it is the greater part, so that a byte is moved once at most. */
static size_t take_piece(struct control_client *client)
{
    size_t length = unsent(client) < PIECE ? unsent(client) : PIECE;
    memcpy(client->piece, client->out.data + client->sent, length);
    client->sent += length;
    if (client->sent >= unsent(client)) {
        cut(&client->out, client->sent);
        client->sent = 0;
    }
    return length;
}

/* The time runs for each piece anew, so that who reads slowly but steadily gets everything. */
static void flush(struct control_client *client)
{
    if (client->writing || client->doomed || unsent(client) == 0 || client->state == STATE_CLOSING) {
        return;
    }
    uv_buf_t part = uv_buf_init(client->piece, (unsigned)take_piece(client));
    client->write.data = client;
    client->writing = uv_write(&client->write, (uv_stream_t *)&client->pipe, &part, 1, on_written) == 0;
    if (client->writing) {
        allow(client, client->control->config.reply_ms);
    } else {
        doom(client);
    }
}

void control_send(struct control_client *client, const struct buf *text)
{
    if (client->state != STATE_REPLYING || client->doomed || text->length == 0) {
        return;
    }
    if (!buf_append(&client->out, text->data, text->length)) {
        doom(client);
        return;
    }
    flush(client);
}

void control_end(struct control_client *client)
{
    if (client->state != STATE_REPLYING) {
        return;
    }
    set_state(client, STATE_READING);
    client->data = NULL;
    if (control_idle(client) && !client->answering && !client->doomed) {
        client->turn = true; /* never from inside: the owner may be anywhere */
        uv_timer_start(&client->timer, on_timer, 0, 0);
    }
}

/* --- lines --------------------------------------------------------------------------------------------- */

static void answer(struct control_client *client, size_t length)
{
    struct control *control = client->control;
    char *line = mem_alloc(length + 1); /* there may be NULs in it */
    memcpy(line, client->in.data, length);
    line[length] = '\0';
    cut(&client->in, length + 1);
    uv_timer_stop(&client->timer);
    set_state(client, STATE_REPLYING);
    client->answering = true;
    control->config.request(control->config.owner, client, line, length);
    client->answering = false;
    free(line);
}

static bool is_late_or_long(const struct control_client *client, const char *end)
{
    return client->in.overflow || (end == NULL && (client->in.length > CONTROL_LINE_MAX || client->ended));
}

static void next_line(struct control_client *client)
{
    while (client->state == STATE_READING && !client->doomed && control_idle(client)) {
        const char *end = client->in.length > 0 ? memchr(client->in.data, '\n', client->in.length) : NULL;
        if (is_late_or_long(client, end) || (end != NULL && end - client->in.data > CONTROL_LINE_MAX)) {
            drop(client);
            return;
        }
        if (end == NULL) {
            return;
        }
        answer(client, (size_t)(end - client->in.data));
        if (client->state == STATE_READING) {
            allow(client, client->control->config.line_ms);
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct control_client *client = handle->data;
    (void)suggested;
    *room = uv_buf_init(client->chunk, PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct control_client *client = stream->data;
    if (client->state == STATE_CLOSING) {
        return;
    }
    if (count == UV_EOF) {
        uv_read_stop(stream);
        client->ended = true;
    } else if (count < 0 || (count > 0 && !buf_append(&client->in, room->base, (size_t)count))) {
        drop(client);
        return;
    }
    next_line(client);
}

/* --- connections --------------------------------------------------------------------------------------- */

/* Nobody is waited for: what does not fit into the socket's buffer is not said. */
static void turn_away(struct control_client *client, const char *why)
{
    struct buf text;
    buf_init(&text, 1024);
    buf_text(&text, "{\"event\":\"error\",\"message\":");
    text_json(&text, why);
    buf_text(&text, "}\n{\"event\":\"end\",\"exit\":7}\n");
    uv_buf_t part = uv_buf_init(text.data, (unsigned)text.length);
    uv_try_write((uv_stream_t *)&client->pipe, &part, 1);
    buf_finish(&text);
    drop(client);
}

static struct control_client *make_client(struct control *control)
{
    struct control_client *client = mem_zalloc(sizeof *client);
    client->control = control;
    client->handles = 2;
    buf_init(&client->in, CONTROL_LINE_MAX + PIECE);
    buf_init(&client->out, CONTROL_REPLY_MAX);
    uv_pipe_init(control->config.loop, &client->pipe, 0);
    uv_timer_init(control->config.loop, &client->timer);
    client->pipe.data = client->timer.data = client;
    DL_APPEND(control->clients, client);
    control->parts++;
    return client;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;
    struct control *control = listener->control;
    const struct control_client *one;
    int fd;
    size_t count;
    if (status != 0) {
        return;
    }
    struct control_client *client = make_client(control);
    DL_COUNT(control->clients, one, count);
    if (uv_accept(stream, (uv_stream_t *)&client->pipe) != 0) {
        drop(client);
    } else if (uv_fileno((uv_handle_t *)&client->pipe, &fd) != 0 || !control_socket_peer(fd, &client->user)) {
        turn_away(client, "only root and the user of the daemon may ask");
    } else if (count > CONTROL_CLIENTS_MAX) {
        turn_away(client, "too many clients at once");
    } else {
        client->piece = mem_alloc(PIECE);
        client->chunk = mem_alloc(PIECE);
        allow(client, control->config.line_ms);
        uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
    }
}

/* --- the server ---------------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct control *control = listener->control;
    free(listener->path);
    free(listener);
    part_gone(control);
}

/* The name goes first, if it still is this one's: nobody should come to a socket that is not served any more.
 */
static void close_listener(struct listener *listener)
{
    if (listener != NULL) {
        if (control_socket_has_name(&listener->id, listener->path)) {
            unlink(listener->path);
        }
        uv_close((uv_handle_t *)&listener->pipe, on_listener_closed);
    }
}

static struct listener *open_listener(struct control *control, const char *path, int fd, struct err *err)
{
    struct listener *listener = mem_zalloc(sizeof *listener);
    listener->control = control;
    listener->path = mem_strdup(path);
    control_socket_identify(path, &listener->id);
    uv_pipe_init(control->config.loop, &listener->pipe, 0);
    listener->pipe.data = listener;
    control->parts++;
    int status = uv_pipe_open(&listener->pipe, fd);
    if (status != 0) {
        close(fd);
    } else {
        status = uv_listen((uv_stream_t *)&listener->pipe, BACKLOG, on_connection);
    }
    if (status == 0) {
        return listener;
    }
    err_set(err, ERR_IO, "control socket '%s': %s", path, uv_strerror(status));
    close_listener(listener);
    return NULL;
}

int control_listen(struct control *control, const char *path, struct err *err)
{
    struct listener *listener = control->listener;
    if (listener != NULL && path != NULL && control_socket_has_name(&listener->id, path)) {
        free(listener->path);
        listener->path = mem_strdup(path);
        return 0;
    }
    listener = NULL;
    if (path != NULL) {
        int fd = control_socket_listen(path, err);
        listener = fd >= 0 ? open_listener(control, path, fd, err) : NULL;
        if (listener == NULL) {
            return -1;
        }
    }
    close_listener(control->listener);
    control->listener = listener;
    return 0;
}

struct control *control_create(const struct control_config *config)
{
    struct control *control = mem_zalloc(sizeof *control);
    control->config = *config;
    control->config.line_ms = config->line_ms > 0 ? config->line_ms : LINE_MS;
    control->config.reply_ms = config->reply_ms > 0 ? config->reply_ms : REPLY_MS;
    return control;
}

void control_destroy(struct control *control)
{
    struct control_client *client, *next;
    if (control == NULL) {
        return;
    }
    control->closing = true;
    control->parts++; /* this function */
    DL_FOREACH_SAFE (control->clients, client, next) {
        drop(client);
    }
    close_listener(control->listener);
    part_gone(control);
}

const char *control_path(const struct control *control)
{
    return control->listener != NULL ? control->listener->path : NULL;
}

uid_t control_user(const struct control_client *client)
{
    return client->user;
}

void control_set_data(struct control_client *client, void *data)
{
    client->data = data;
}

void *control_data(const struct control_client *client)
{
    return client->data;
}
