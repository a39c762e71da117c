/* What the daemon is asked over its control socket: one JSON object on one line.
 *
 *   {"command":"status"}  {"command":"status","all":true}
 *   {"command":"run","policies":["old"],"target":"prod","wait":false}     target and wait may be left out
 *   {"command":"pause"}  {"command":"resume"}  {"command":"reload"}
 *
 * Each is answered by lines of JSON, the last of which is {"event":"end","exit":N}. */
#ifndef APP_CONTROL_REQUEST_H
#define APP_CONTROL_REQUEST_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_LINE_MAX     (64 * 1024) /* bytes of a request, without its line feed */
#define CONTROL_POLICIES_MAX 1000
#define CONTROL_NAME_MAX     256

enum control_command { CONTROL_STATUS, CONTROL_RUN, CONTROL_PAUSE, CONTROL_RESUME, CONTROL_RELOAD };

struct control_request {
    enum control_command command;
    bool all;        /* status: each policy in each target */
    bool no_wait;    /* run */
    char **policies; /* run: at least one */
    size_t policy_count;
    char *target; /* run; NULL: all */
};

/* Takes exactly what is documented above: -1 with ERR_SYNTAX or ERR_INVALID for anything else. The request is
 * finished by the caller in either case. */
int control_request_parse(struct control_request *request, const char *line, size_t length, struct err *err);
void control_request_finish(struct control_request *request);

/* Appends the line, with its line feed. */
void control_request_print(const struct control_request *request, struct buf *out);

const char *control_command_name(enum control_command command);

#endif
