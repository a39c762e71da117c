/* What the parts of the simulator share: one seed's world while it runs. The parts are the scenario, the
 * sites, each with a wire, actors and an oracle, and the process under test; sim/simulation.h puts them
 * together. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "sim/disk.h"
#include "sim/fleet.h"
#include "sim/scenario.h"
#include "sim/shelf.h"
#include "sim/virtual.h"

#define SIM_START_MS   INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */
#define SIM_LIFE_MS    300000                 /* of a signature, for the service */
#define SIM_TIMEOUT_NS INT64_C(10000000000)   /* of a call, for the client */

struct sim_totals {
    int64_t seeds, events, virtual_ms, runs, restarts, forgotten;
    int64_t deletions; /* that the service carried out for us */
    int64_t faults[FAULT_COUNT], acts[ACTOR_COUNT], accidents[ACCIDENT_COUNT];
    int64_t in_trip; /* newcomers hit within a minute of the sending: somebody else had deleted what was meant
                        after our last read */
    int64_t late;    /* by a request that was carried out later than that */
    int64_t twice;   /* by the second delivery of a request that had done its work */
    int64_t stale;   /* where a read showed what was there before our own deletion */
    int64_t queued;  /* of all these, those that had not begun: the service deletes them without force */
    int64_t changed; /* deleted with force although they had gone on after our last look */
    int64_t graced;  /* sendings of what a grace had held back */
    int64_t beside;  /* runs that began while another site had one */
    int64_t paused;  /* deletions that a pause held back to its end */
    int64_t settled; /* runs that were gone on with, and whose time was over before they got through */
    int64_t archived, shelf_failures; /* documents, and what failed them */
    int64_t outcomes[16], ends[8];
};

struct sim;

struct site { /* an account in a region */
    struct sim *sim;
    int number; /* from 0 */
    struct fleet *fleet;
    struct wire *wire;
    struct actors *actors;
    struct oracle *oracle;
};

struct sim {
    const struct scenario *scenario;
    struct virtual_world *world;
    struct disk *disk;
    struct shelf *shelf; /* of the archive */
    struct process *process;
    struct site sites[SCENARIO_SITES_MAX];
    int site_count;
    bool healed;       /* no more faults */
    int64_t healed_ms; /* since then, on the service's clock */
    bool trace;
    int64_t steps;
    int64_t paused_until_ns;
    int full_until;   /* restarts of the process; then the disk has room again */
    char broken[400]; /* the first rule that did not hold; "" while all do */
    int64_t broken_step;
    struct sim_totals totals;
};

/* A stream of random numbers for one part of a site. */
void site_stream(const struct site *site, uint64_t part, struct random *random);
/* A rule does not hold. */
void sim_break(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line for a person who replays a seed. */
void sim_tell(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sim_service_ms(const struct sim *sim); /* the service's clock */
int64_t sim_wall_ms(const struct sim *sim);    /* the process's */

#endif
