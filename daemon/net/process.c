/* See net/process.h.
 *
 * The happy path: process_start() spawns the program with two pipes and a timer. When it has exited and both
 * pipes have ended, close_all() closes the handles, and the last of them to go calls done().
 *
 * The ways out: whatever goes wrong is written to run->err once and ends in stop(), which kills the program's
 * process group and closes the pipes; the exit, which is always waited for, does the rest. A program that
 * could not be started goes straight to close_all(). */
#include "net/process.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#define CHUNK 4096

enum pipe_of { PIPE_OUTPUT, PIPE_ERRORS, PIPE_COUNT };

struct process {
    struct process_run *run;
    uv_process_t child;
    uv_pipe_t pipes[PIPE_COUNT];
    uv_timer_t timer;
    int open_handles;
    int open_pipes;
    bool exited;
    char chunk[CHUNK]; /* of the pipe that is being read; wiped after each */
};

/* --- the end --- */

static void on_closed(uv_handle_t *handle)
{
    struct process *process = handle->data;
    struct process_run *run = process->run;
    if (--process->open_handles > 0) {
        return;
    }
    free(process);
    run->impl = NULL;
    run->done(run);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

static void close_pipe(struct process *process, enum pipe_of which)
{
    uv_handle_t *handle = (uv_handle_t *)&process->pipes[which];
    if (!uv_is_closing(handle)) {
        process->open_pipes--;
        uv_close(handle, on_closed);
    }
}

static void close_all(struct process *process)
{
    close_pipe(process, PIPE_OUTPUT);
    close_pipe(process, PIPE_ERRORS);
    close_handle((uv_handle_t *)&process->timer);
    close_handle((uv_handle_t *)&process->child);
}

static void end_if_over(struct process *process)
{
    if (process->exited && process->open_pipes == 0) {
        close_all(process);
    }
}

/* The process id is the program's until its exit has been seen. */
static void stop(struct process *process)
{
    if (!process->exited) {
        kill(-process->child.pid, SIGKILL);
    }
    close_pipe(process, PIPE_OUTPUT);
    close_pipe(process, PIPE_ERRORS);
    end_if_over(process);
}

static void fail(struct process *process, enum err_code code, const char *why)
{
    if (process->run->err.code == ERR_NONE) {
        err_set(&process->run->err, code, "%s", why);
    }
    stop(process);
}

/* --- while it runs --- */

static void on_exit_seen(uv_process_t *child, int64_t exit_status, int exit_signal)
{
    struct process *process = child->data;
    process->run->exit_status = (int)exit_status;
    process->run->exit_signal = exit_signal;
    process->exited = true;
    end_if_over(process);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct process *process = handle->data;
    (void)suggested;
    *room = uv_buf_init(process->chunk, sizeof process->chunk);
}

static void take(struct process *process, enum pipe_of which, size_t length)
{
    struct process_run *run = process->run;
    if (which == PIPE_ERRORS) {
        size_t room = run->errors.max - run->errors.length;
        buf_append(&run->errors, process->chunk, length < room ? length : room);
    } else if (!buf_append(&run->output, process->chunk, length)) {
        err_set(&run->err, ERR_TOO_BIG, "more than %zu bytes of output", run->output_max);
        stop(process);
    }
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room)
{
    struct process *process = stream->data;
    enum pipe_of which = stream == (uv_stream_t *)&process->pipes[PIPE_OUTPUT] ? PIPE_OUTPUT : PIPE_ERRORS;
    (void)room;
    if (length > 0) {
        take(process, which, (size_t)length);
        mem_wipe(process->chunk, (size_t)length);
    } else if (length < 0) {
        close_pipe(process, which);
        end_if_over(process);
    }
}

static void on_timeout(uv_timer_t *timer)
{
    fail(timer->data, ERR_TIMEOUT, "it did not end in time");
}

/* --- the face --- */

static void open_handles(struct process *process, uv_loop_t *loop)
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        uv_pipe_init(loop, &process->pipes[i], 0);
        process->pipes[i].data = process;
    }
    uv_timer_init(loop, &process->timer);
    process->timer.data = process->child.data = process;
    process->open_pipes = PIPE_COUNT;
    process->open_handles = PIPE_COUNT + 2;
}

static int spawn(struct process *process, uv_loop_t *loop)
{
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->pipes[PIPE_OUTPUT]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&process->pipes[PIPE_ERRORS]},
    };
    const uv_process_options_t options = {.file = process->run->arguments[0],
                                          .args = (char **)(uintptr_t)process->run->arguments,
                                          .flags = UV_PROCESS_DETACHED,
                                          .stdio = stdio,
                                          .stdio_count = 3,
                                          .exit_cb = on_exit_seen};
    return uv_spawn(loop, &process->child, &options);
}

static void refuse(struct process *process, int status)
{
    enum err_code code = status == UV_ENOENT ? ERR_NOT_FOUND : status == UV_EACCES ? ERR_PERMISSION : ERR_IO;
    err_set(&process->run->err, code, "%s", uv_strerror(status));
    close_all(process);
}

void process_start(uv_loop_t *loop, struct process_run *run)
{
    struct process *process = mem_zalloc(sizeof *process);
    process->run = run;
    run->impl = process;
    run->err = (struct err){0};
    run->exit_status = run->exit_signal = 0;
    buf_init_secret(&run->output, run->output_max);
    buf_init(&run->errors, run->errors_max);
    open_handles(process, loop);
    int status = spawn(process, loop);
    if (status != 0) {
        refuse(process, status);
        return;
    }
    uv_read_start((uv_stream_t *)&process->pipes[PIPE_OUTPUT], on_room, on_read);
    uv_read_start((uv_stream_t *)&process->pipes[PIPE_ERRORS], on_room, on_read);
    uv_timer_start(&process->timer, on_timeout, (uint64_t)run->timeout_ms, 0);
}

void process_cancel(struct process_run *run)
{
    if (run->impl != NULL) {
        fail(run->impl, ERR_CANCELED, "canceled");
    }
}

void process_finish(struct process_run *run)
{
    buf_finish(&run->output);
    buf_finish(&run->errors);
}
