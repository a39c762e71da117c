/* See app/monitor.h. */
#include "app/monitor.h"

#include "app/metrics_server.h"
#include "app/places.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct monitor {
    struct world *world;
    const struct runner *runner; /* NULL: none yet */
    struct metrics *metrics;
    struct metrics_server *server; /* NULL: none is wanted */
    struct listen_address address; /* of the server */
    struct metrics_server *next;   /* of a configuration that is not in force yet; NULL: as before */
};

static int64_t wall_ms(const struct monitor *monitor)
{
    const struct env *env = world_env(monitor->world);
    return env->wall_ms(env->ctx);
}

/* --- looking --- */

static void on_place(void *owner, const struct target_state *place)
{
    const struct monitor *monitor = owner;
    if (place->link == NULL) {
        return;
    }
    const struct target *target = link_target(place->link);
    metrics_credentials(monitor->metrics, target, credentials_end_ms(link_credentials(place->link)));
    for (int i = 0; i < OPERATION_COUNT; i++) {
        struct lane_view lane;
        dispatcher_lane(link_dispatcher(place->link), (enum operation)i, &lane);
        metrics_lane(monitor->metrics, target, (enum operation)i, &lane);
    }
}

static void on_print(void *owner, struct buf *out)
{
    const struct monitor *monitor = owner;
    struct metrics_state state = {0};
    metrics_look(monitor->metrics);
    if (monitor->runner != NULL) {
        struct sweep_progress progress;
        runner_progress(monitor->runner, &progress);
        runner_each_place(monitor->runner, on_place, owner);
        state.runs = (int64_t)runner_count(monitor->runner);
        state.quarantined = progress.quarantined;
    }
    world_look_at_ledger(monitor->world, &state.ledger);
    process_look(&state.process);
    metrics_print(monitor->metrics, &state, out);
}

/* --- the face --- */

struct monitor *monitor_create(struct world *world)
{
    struct monitor *monitor = mem_zalloc(sizeof *monitor);
    monitor->world = world;
    monitor->metrics = metrics_create(wall_ms(monitor));
    return monitor;
}

void monitor_destroy(struct monitor *monitor)
{
    if (monitor == NULL) {
        return;
    }
    metrics_server_destroy(monitor->server);
    metrics_server_destroy(monitor->next);
    metrics_destroy(monitor->metrics);
    free(monitor);
}

struct metrics *monitor_metrics(const struct monitor *monitor)
{
    return monitor->metrics;
}

void monitor_watch(struct monitor *monitor, const struct runner *runner)
{
    monitor->runner = runner;
}

static bool same_address(const struct listen_address *a, const struct listen_address *b)
{
    return a->port == b->port && a->ipv6 == b->ipv6 && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

int monitor_prepare(struct monitor *monitor, const struct config *config, struct err *err)
{
    const struct metrics_server_config server = {.loop = world_loop(monitor->world),
                                                 .address = &config->metrics,
                                                 .before = monitor->server,
                                                 .print = on_print,
                                                 .owner = monitor};
    if (config->metrics.port == 0 || same_address(&monitor->address, &config->metrics)) {
        return 0;
    }
    monitor->next = metrics_server_create(&server, err);
    return monitor->next != NULL ? 0 : -1;
}

void monitor_commit(struct monitor *monitor, const struct config *config)
{
    if (!same_address(&monitor->address, &config->metrics)) {
        metrics_server_destroy(monitor->server);
        monitor->server = monitor->next;
        monitor->next = NULL;
        monitor->address = config->metrics;
    }
    metrics_configured(monitor->metrics, config, wall_ms(monitor));
}

void monitor_abandon(struct monitor *monitor)
{
    metrics_server_destroy(monitor->next);
    monitor->next = NULL;
}
