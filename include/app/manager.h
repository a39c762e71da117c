/* The service manager, told of this process over sd_notify's socket, life signs included. Nobody waits for
 * it: what its socket has no room for is told as soon as there is some, in its order. */
#ifndef APP_MANAGER_H
#define APP_MANAGER_H

#include <uv.h>

struct manager;

/* Gives life signs from now on, where the manager wants some. */
struct manager *manager_create(uv_loop_t *loop);
/* What was not told yet never is. Frees itself with a turn of the loop. Takes NULL. */
void manager_destroy(struct manager *manager);

/* Assignments, one a line, 511 bytes at most: "READY=1". What fails is logged. */
void manager_tell(struct manager *manager, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
