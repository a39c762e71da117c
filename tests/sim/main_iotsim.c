/* iotsim: the simulated service as a program. See iotsim.h and `iotsim --help`. */
#include "sim/iotsim.h"
#include "sim/iotsim_setup.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The command line's own key, what --world says, and the journal. */
static int prepare(struct iotsim *sim, struct err *err)
{
    const struct iotsim_options *options = sim->options;
    sim->journal_fd = -1;
    if (!iotsim_user_make(&sim->world, options->fleet.account, "sweeper", options->access_key,
                          options->secret_key, options->session_token, err)) {
        return -1;
    }
    if (options->world && iotsim_setup_file(sim, options->world, options->fleet.now_ms, err) < 0) {
        return -1;
    }
    return iotsim_journal_open(sim, err);
}

int main(int argc, char **argv)
{
    struct err err;
    struct iotsim_options options;
    int found = iotsim_options(&options, argc, argv, &err);
    if (found < 0) {
        fprintf(stderr, "iotsim: %s\n", err.msg);
    }
    if (found) {
        return found < 0 ? 2 : 0;
    }
    options.fleet.now_ms = wall_ms() + options.skew_ms;
    struct iotsim sim = {.options = &options};
    memcpy(sim.world.quotas, options.quotas, sizeof(sim.world.quotas));
    iotsim_world_init(&sim.world, &options.fleet);
    random_seed(&sim.rebirths, options.fleet.seed ^ UINT64_C(0x72656269727468));
    int failed = prepare(&sim, &err) < 0 || iotsim_serve(&sim, &err) < 0;
    if (failed) {
        fprintf(stderr, "iotsim: %s\n", err.msg);
    } else {
        struct buf counts;
        buf_init(&counts, 64 * 1024);
        iotsim_print_counts(&sim, &counts);
        fputs(buf_string(&counts), stdout);
        buf_finish(&counts);
    }
    iotsim_journal_close(&sim);
    iotsim_metadata_finish(&sim.metadata);
    iotsim_world_finish(&sim.world);
    return failed ? 1 : 0;
}
