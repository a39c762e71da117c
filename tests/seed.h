/* What whoever runs a random test may give in the environment. */
#ifndef TESTS_SEED_H
#define TESTS_SEED_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static inline uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

/* JOBSWEEP_SEED, or otherwise this; it is printed, so that a failure can be had again. */
static inline uint64_t seed_from(uint64_t otherwise)
{
    uint64_t seed = number_from("JOBSWEEP_SEED", otherwise);
    printf("# JOBSWEEP_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

#endif
