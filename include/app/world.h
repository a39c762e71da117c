/* The one event loop of a process and what hangs on it: clock and timers, the HTTP client, the ledger. */
#ifndef APP_WORLD_H
#define APP_WORLD_H

#include "base/err.h"
#include "engine/env.h"
#include "ledger/durable.h"
#include "model/archive.h"
#include "model/ledger.h"
#include "model/scratch.h"
#include "net/http.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <uv.h>

struct world;

struct world_config {
    const char *state_directory; /* where the ledger is; NULL: it is in memory, for looking only */
    const struct config *plans; /* without a state directory: whose ledger is looked at for graces, or NULL */
    const char *program;        /* who holds the state directory, for others */
    bool service;               /* a daemon: what is told goes to a log */
    int64_t retain_ms;          /* how long a run stays in the ledger after its end */
    struct http_limits http;    /* zeros: the usual ones */
};

/* NULL with err when the kernel or libcurl refuse, and with the errors of ledger_durable_open(). */
struct world *world_create(const struct world_config *config, struct err *err);
/* From outside of the loop: turns it until everything is closed. Nothing of this world may be in use any
 * more. Takes NULL. */
void world_destroy(struct world *world);

/* Runs the loop until world_stop() is called, not at all if that was before. */
void world_run(struct world *world);
void world_stop(struct world *world);

bool world_is_service(const struct world *world);
uv_loop_t *world_loop(struct world *world);
const struct env *world_env(const struct world *world);
struct http_client *world_http(const struct world *world);
struct ledger *world_ledger(const struct world *world);
struct archive *world_archive(const struct world *world); /* NULL where the ledger is in memory */
/* Zeros for one in memory. */
void world_look_at_ledger(const struct world *world, struct ledger_durable_state *state);
/* In the state directory; without one in $TMPDIR or /var/tmp. */
const struct scratch *world_scratch(const struct world *world);

#endif
