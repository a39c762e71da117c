/* Runs a program once, without a shell, and reads what it says. Its standard input is empty unless another is
 * given. Its environment is the one that is given, or ours, but for what systemd tells a service
 * (NOTIFY_SOCKET, WATCHDOG_*, LISTEN_*). It is the leader of a session of its own, so that whatever it starts
 * can be ended with it. */
#ifndef NET_PROGRAM_H
#define NET_PROGRAM_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct program_run {
    /* asked; the submitter's and valid until done */
    const char *const *arguments;   /* [0] is looked for in PATH; NULL behind the last */
    const char *const *environment; /* NULL: ours; else all of it, NULL behind the last */
    const char *input;  /* for its standard input, which it need not read (SIGPIPE is ignored then);
                      NULL: nothing */
    int64_t timeout_ms; /* until it has ended and closed its output; above 0 */
    bool foreground;    /* not in a session of its own: it has our terminal and standard input (no `input`),
                           Ctrl-C reaches it, and it is ended alone */
    int64_t grace_ms;   /* above 0: after timeout_ms it is asked to end, and so much later killed */
    size_t output_max;  /* more on its standard output is ERR_TOO_BIG; what is more on its standard
                           error is dropped from errors_max on */
    bool cuts_output;   /* what is more on its standard output is dropped, too */
    size_t errors_max;

    /* answered; valid until program_finish() */
    struct err err; /* ERR_NONE: it ended by itself. ERR_NOT_FOUND, ERR_PERMISSION, ERR_IO: it could not be
                       started; ERR_TIMEOUT, ERR_TOO_BIG, ERR_CANCELED: it was killed */
    int exit_status;
    int exit_signal;   /* 0: none */
    struct buf output; /* wiped */
    struct buf errors;

    /* plumbing */
    void (*done)(struct program_run *run);
    void *owner;
    void *impl; /* while it runs */
};

/* Fills the struct but for what is asked. done() comes exactly once, from the loop, never from inside. */
void program_start(uv_loop_t *loop, struct program_run *run);
/* Kills it: done() comes with ERR_CANCELED, unless it was ending anyway. */
void program_cancel(struct program_run *run);
void program_finish(struct program_run *run); /* frees what was answered; not while it runs */

#endif
