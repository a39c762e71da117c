/* See net/program.h.
 *
 * The happy path: program_start() spawns the program with its pipes and a timer. When it has exited and both
 * pipes from it have ended, close_all() closes the handles, and the last of them to go calls done().
 *
 * The ways out: whatever goes wrong is written to run->err once and ends in stop(), which kills the program's
 * process group and closes the pipes; the exit, which is always waited for, does the rest. A program that
 * could not be started goes straight to close_all(). */
#include "net/program.h"

#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 4096

enum pipe_of { PIPE_OUTPUT, PIPE_ERRORS, PIPE_INPUT, PIPE_COUNT };

struct program {
    struct program_run *run;
    uv_process_t child;
    uv_pipe_t pipes[PIPE_COUNT];
    uv_timer_t timer;
    int open_handles;
    int open_pipes; /* from it */
    uv_write_t write;
    bool exited, asked; /* to end */
    bool late;          /* its time is over, but for what it has said and done already */
    char chunk[CHUNK];  /* of the pipe that is being read; wiped after each */
};

/* --- the end --- */

static void on_closed(uv_handle_t *handle)
{
    struct program *program = handle->data;
    struct program_run *run = program->run;
    if (--program->open_handles > 0) {
        return;
    }
    free(program);
    run->impl = NULL;
    run->done(run);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle)) {
        uv_close(handle, on_closed);
    }
}

static void close_pipe(struct program *program, enum pipe_of which)
{
    uv_handle_t *handle = (uv_handle_t *)&program->pipes[which];
    if (!uv_is_closing(handle)) {
        program->open_pipes -= which != PIPE_INPUT;
        uv_close(handle, on_closed);
    }
}

static void close_all(struct program *program)
{
    close_pipe(program, PIPE_OUTPUT);
    close_pipe(program, PIPE_ERRORS);
    close_pipe(program, PIPE_INPUT);
    close_handle((uv_handle_t *)&program->timer);
    close_handle((uv_handle_t *)&program->child);
}

static void end_if_over(struct program *program)
{
    if (program->exited && program->open_pipes == 0) {
        close_all(program);
    }
}

/* The process id is the program's until its exit has been seen. */
static void signal_it(const struct program *program, int number)
{
    int pid = program->child.pid;
    kill(program->run->foreground ? pid : -pid, number);
}

static void stop(struct program *program)
{
    if (!program->exited) {
        signal_it(program, SIGKILL);
    }
    close_pipe(program, PIPE_OUTPUT);
    close_pipe(program, PIPE_ERRORS);
    end_if_over(program);
}

static void fail(struct program *program, enum err_code code, const char *why)
{
    if (program->run->err.code == ERR_NONE) {
        err_set(&program->run->err, code, "%s", why);
    }
    stop(program);
}

/* --- while it runs --- */

static void on_exit_seen(uv_process_t *child, int64_t exit_status, int exit_signal)
{
    struct program *program = child->data;
    program->run->exit_status = (int)exit_status;
    program->run->exit_signal = exit_signal;
    program->exited = true;
    end_if_over(program);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct program *program = handle->data;
    (void)suggested;
    *room = uv_buf_init(program->chunk, sizeof program->chunk);
}

static void take(struct program *program, enum pipe_of which, size_t length)
{
    struct program_run *run = program->run;
    if (which == PIPE_ERRORS || run->cuts_output) {
        struct buf *out = which == PIPE_ERRORS ? &run->errors : &run->output;
        size_t room = out->max - out->length;
        buf_append(out, program->chunk, length < room ? length : room);
    } else if (!buf_append(&run->output, program->chunk, length)) {
        err_set(&run->err, ERR_TOO_BIG, "more than %zu bytes of output", run->output_max);
        stop(program);
    }
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room)
{
    struct program *program = stream->data;
    enum pipe_of which = stream == (uv_stream_t *)&program->pipes[PIPE_OUTPUT] ? PIPE_OUTPUT : PIPE_ERRORS;
    (void)room;
    if (length > 0) {
        take(program, which, (size_t)length);
        mem_wipe(program->chunk, (size_t)length);
    } else if (length < 0) {
        close_pipe(program, which);
        end_if_over(program);
    }
}

static void on_timeout(uv_timer_t *timer)
{
    struct program *program = timer->data;
    struct program_run *run = program->run;
    program->late = !program->late;
    if (program->late) { /* timers come before all else in a turn: if we were late, it need not have been */
        uv_timer_start(timer, on_timeout, 1, 0);
        return;
    }
    if (run->grace_ms > 0 && !program->asked && !program->exited) {
        program->asked = true;
        err_set(&run->err, ERR_TIMEOUT, "it did not end in time");
        signal_it(program, SIGTERM);
        uv_timer_start(timer, on_timeout, (uint64_t)run->grace_ms, 0);
        return;
    }
    fail(timer->data, ERR_TIMEOUT, "it did not end in time");
}

/* --- the face --- */

static void open_handles(struct program *program, uv_loop_t *loop)
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        uv_pipe_init(loop, &program->pipes[i], 0);
        program->pipes[i].data = program;
    }
    uv_timer_init(loop, &program->timer);
    program->timer.data = program->child.data = program;
    program->open_pipes = PIPE_COUNT - 1;
    program->open_handles = PIPE_COUNT + 2;
}

/* What systemd tells the service is not meant for what the service runs: such a program could keep the
 * watchdog quiet, or end the service's start. NULL behind the last; the caller frees it. */
static char **inherited(void)
{
    static const char *const own[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_"};
    size_t count = 0, kept = 0;
    while (environ[count] != NULL) {
        count++;
    }
    char **left = mem_calloc(count + 1, sizeof *left);
    for (size_t i = 0; i < count; i++) {
        bool ours = false;
        for (size_t j = 0; j < sizeof own / sizeof own[0]; j++) {
            ours = ours || strncmp(environ[i], own[j], strlen(own[j])) == 0;
        }
        if (!ours) {
            left[kept++] = environ[i];
        }
    }
    return left;
}

static int spawn(struct program *program, uv_loop_t *loop)
{
    const struct program_run *run = program->run;
    uv_stdio_container_t stdio[3] = {
        {.flags = run->input != NULL ? UV_CREATE_PIPE | UV_READABLE_PIPE : UV_IGNORE,
         .data.stream = (uv_stream_t *)&program->pipes[PIPE_INPUT]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&program->pipes[PIPE_OUTPUT]},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE,
         .data.stream = (uv_stream_t *)&program->pipes[PIPE_ERRORS]},
    };
    if (run->foreground) {
        stdio[0] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = STDIN_FILENO};
    }
    char **environment = run->environment == NULL ? inherited() : NULL;
    const uv_process_options_t options = {.file = run->arguments[0],
                                          .args = (char **)(uintptr_t)run->arguments,
                                          .env = environment != NULL ? environment
                                                                     : (char **)(uintptr_t)run->environment,
                                          .flags = run->foreground ? 0 : UV_PROCESS_DETACHED,
                                          .stdio = stdio,
                                          .stdio_count = 3,
                                          .exit_cb = on_exit_seen};
    int status = uv_spawn(loop, &program->child, &options);
    free(environment);
    return status;
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* it need not read */
    close_pipe(write->data, PIPE_INPUT);
}

static void give_input(struct program *program)
{
    const char *input = program->run->input;
    uv_buf_t text = uv_buf_init((char *)(uintptr_t)input, input != NULL ? (unsigned)strlen(input) : 0);
    program->write.data = program;
    if (input == NULL ||
        uv_write(&program->write, (uv_stream_t *)&program->pipes[PIPE_INPUT], &text, 1, on_written) != 0) {
        close_pipe(program, PIPE_INPUT);
    }
}

static void refuse(struct program *program, int status)
{
    enum err_code code = status == UV_ENOENT ? ERR_NOT_FOUND : status == UV_EACCES ? ERR_PERMISSION : ERR_IO;
    err_set(&program->run->err, code, "%s", uv_strerror(status));
    close_all(program);
}

void program_start(uv_loop_t *loop, struct program_run *run)
{
    struct program *program = mem_zalloc(sizeof *program);
    program->run = run;
    run->impl = program;
    run->err = (struct err){0};
    run->exit_status = run->exit_signal = 0;
    buf_init_secret(&run->output, run->output_max);
    buf_init(&run->errors, run->errors_max);
    open_handles(program, loop);
    int status = spawn(program, loop);
    if (status != 0) {
        refuse(program, status);
        return;
    }
    give_input(program);
    uv_read_start((uv_stream_t *)&program->pipes[PIPE_OUTPUT], on_room, on_read);
    uv_read_start((uv_stream_t *)&program->pipes[PIPE_ERRORS], on_room, on_read);
    uv_timer_start(&program->timer, on_timeout, (uint64_t)run->timeout_ms, 0);
}

void program_cancel(struct program_run *run)
{
    if (run->impl != NULL) {
        fail(run->impl, ERR_CANCELED, "canceled");
    }
}

void program_finish(struct program_run *run)
{
    buf_finish(&run->output);
    buf_finish(&run->errors);
}
