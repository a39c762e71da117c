/* Numbers that whoever runs a random test may give in the environment: JOBSWEEP_SEED, JOBSWEEP_CASES. */
#ifndef TESTS_NUMBER_FROM_H
#define TESTS_NUMBER_FROM_H

#include <stdint.h>
#include <stdlib.h>

static inline int64_t number_from(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoll(text, NULL, 0) : otherwise;
}

#endif
