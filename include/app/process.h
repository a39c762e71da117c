/* What both programs do to their process before anything else. */
#ifndef APP_PROCESS_H
#define APP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Keeps secrets in memory out of core dumps and from other processes of the user, files that are made from
 * other users, SIGPIPE from ending a sweep, and sockets from becoming standard output. */
void process_protect(void);

/* At the end: whether all that was printed could be written. Where it could not, that is said, unless
 * standard output is a pipe that nobody reads any more, as with `jobsweep plan -v | head`. */
bool process_output_written(void);

struct process_usage {
    int64_t cpu_ms; /* of all threads, in user and kernel mode */
    int64_t resident_bytes, open_fds, max_fds;
};
void process_look(struct process_usage *usage); /* 0 for what the kernel does not tell */

/* Libraries get their memory from base/mem.h: before anything uses them. */
void process_supply_memory(void);

#endif
