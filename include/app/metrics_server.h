/* One page over HTTP, GET /metrics, for Prometheus: libmicrohttpd on the process's own event loop. Few
 * connections, small requests, a few seconds for each; each connection is closed behind its answer. */
#ifndef APP_METRICS_SERVER_H
#define APP_METRICS_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "policy/policy.h"

#include <uv.h>

struct metrics_server;

struct metrics_server_config {
    uv_loop_t *loop;
    const struct listen_address *address; /* not needed any more afterwards; nor is the next */
    const struct metrics_server *before;  /* serves until this one can, maybe at its port; NULL: none */
    /* Appends the page. It is made once a second at most, however often it is asked for. */
    void (*print)(void *owner, struct buf *out);
    void *owner;
};

/* Listens at once. NULL with ERR_UNAVAILABLE: "metrics.listen: ADDRESS: why". */
struct metrics_server *metrics_server_create(const struct metrics_server_config *config, struct err *err);
/* Listens no more, and drops its clients. Its memory goes with a turn of the loop. Takes NULL. */
void metrics_server_destroy(struct metrics_server *server);

#endif
