/* iotsim: the simulated service as a program. See iotsim.h and `iotsim --help`. */
#include "sim/iotsim.h"

#include <stdio.h>
#include <time.h>

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
    struct err err;
    struct iotsim_options options;
    int found = iotsim_options(&options, argc, argv, &err);
    if (found < 0)
        fprintf(stderr, "iotsim: %s\n", err.msg);
    if (found)
        return found < 0 ? 2 : 0;
    options.fleet.now_ms = wall_ms() + options.skew_ms;
    struct iotsim sim = {.options = &options, .fleet = fleet_create(&options.fleet)};
    random_seed(&sim.rebirths, options.fleet.seed ^ UINT64_C(0x72656269727468));
    int failed = iotsim_journal_open(&sim, &err) < 0 || iotsim_serve(&sim, &err) < 0;
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
    fleet_destroy(sim.fleet);
    return failed ? 1 : 0;
}
