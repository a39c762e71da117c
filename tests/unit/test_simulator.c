/* The seeded simulator: the real engine on the real ledger, in virtual time, against everything that can go
 * wrong.
 *
 * usage: test_simulator [FIRST [COUNT [large]]]
 *
 * JOBSWEEP_SEED and JOBSWEEP_SEEDS say the same as FIRST and COUNT; a JOBSWEEP_SEED without a number is run
 * alone. large: fleets of thousands of executions and fast quotas. JOBSWEEP_TRACE=1 tells every event.
 * It stops at the first failure, tells the least that fails in the same way (not with JOBSWEEP_REDUCE=0), and
 * exits with status 1. JOBSWEEP_PARTS: so many of the parts of sim/scenario.c that were thought of later. */
#include "sim/rig.h"
#include "sim/simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS      300
#define SAME_EACH  16 /* one seed of so many runs twice */
#define TELL_EACH  1000
#define SEEDS_FILE "tests/sim/seeds" /* those that found something */

static bool is_set(const char *name)
{
    const char *text = getenv(name);
    return text && *text && *text != '0';
}

static int parts(void)
{
    const char *text = getenv("JOBSWEEP_PARTS");
    return text && *text ? (int)strtol(text, NULL, 10) : SCENARIO_LATER;
}

static void print(struct buf *text)
{
    fputs(buf_string(text), stdout);
    fflush(stdout);
    buf_finish(text);
}

static void tell_failure(struct scenario *scenario, const struct simulation *result)
{
    struct simulation least;
    struct buf text;
    printf("# seed %llu, step %lld: %s\n", (unsigned long long)scenario->seed, (long long)result->broken_step,
           result->broken);
    fflush(stdout);
    if (getenv("JOBSWEEP_REDUCE") && !is_set("JOBSWEEP_REDUCE"))
        return;
    buf_init(&text, 65536);
    simulation_shrink(scenario, result->broken);
    simulation_run(scenario, NULL, false, NULL, &least);
    buf_printf(&text, "# the least that fails, at step %lld: %s\n", (long long)least.broken_step,
               least.broken);
    scenario_print(scenario, &text);
    print(&text);
}

static bool run_seed(uint64_t seed, bool large, int later, struct sim_totals *totals)
{
    struct scenario scenario;
    struct simulation result, again;
    scenario_draw_first(&scenario, seed, large, later);
    simulation_run(&scenario, NULL, is_set("JOBSWEEP_TRACE"), totals, &result);
    if (result.broken[0]) {
        tell_failure(&scenario, &result);
        return false;
    }
    if (seed % SAME_EACH != 0)
        return true;
    simulation_run(&scenario, NULL, false, NULL, &again);
    if (again.hash != result.hash)
        printf("# seed %llu gives two traces\n", (unsigned long long)seed);
    return again.hash == result.hash;
}

static bool run_seeds(uint64_t first, uint64_t count, bool large)
{
    struct sim_totals totals = {0};
    struct buf text;
    bool good = true;
    printf("# seeds %llu..%llu\n", (unsigned long long)first, (unsigned long long)(first + count - 1));
    for (uint64_t seed = first; good && seed < first + count; seed++) {
        good = run_seed(seed, large, parts(), &totals);
        if ((seed - first + 1) % (large ? TELL_EACH / 50 : TELL_EACH) == 0 && good)
            printf("# up to %llu\n", (unsigned long long)seed);
        fflush(stdout);
    }
    buf_init(&text, 65536);
    simulation_print(&totals, &text);
    print(&text);
    return good;
}

/* On each line a seed, a slash, how many of the parts that were thought of later there were when it found
 * something, and what it found. */
static bool run_list(void)
{
    struct sim_totals totals = {0};
    char line[256];
    FILE *file = fopen(SEEDS_FILE, "r");
    bool good = file != NULL;
    while (good && fgets(line, sizeof line, file)) {
        char *rest;
        uint64_t seed = strtoull(line, &rest, 10);
        good = *rest == '/' && run_seed(seed, false, (int)strtol(rest + 1, NULL, 10), &totals);
    }
    if (file)
        fclose(file);
    return good && totals.seeds > 0;
}

static void tell(bool good, int number, const char *name)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", number, name);
    fflush(stdout);
}

int main(int count_of_words, char **words)
{
    uint64_t first = rig_seed(count_of_words > 1 ? strtoull(words[1], NULL, 10) : 1);
    uint64_t count = rig_seeds(count_of_words > 2                              ? strtoull(words[2], NULL, 10)
                               : getenv("JOBSWEEP_SEED") || count_of_words > 1 ? 1
                                                                               : SEEDS);
    bool large = count_of_words > 3 && strcmp(words[3], "large") == 0;
    bool alone = count_of_words > 1 || getenv("JOBSWEEP_SEED");
    printf("1..%d\n", alone ? 1 : 2);
    bool good = run_seeds(first, count, large);
    tell(good, 1, "no_seed_breaks_a_rule");
    if (!good || alone)
        return good ? 0 : 1;
    good = run_list();
    tell(good, 2, "nothing_that_was_found_comes_back");
    return good ? 0 : 1;
}
