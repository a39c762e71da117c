/* A moment as the service wrote it: epoch seconds as a JSON number, often with a fraction (1560787023.636),
 * sometimes in exponent form (1.621884415241E9). The literal text is kept, because two moments are the same
 * incarnation's only if the texts are equal; the milliseconds are for ages. */
#ifndef MODEL_TIMESTAMP_H
#define MODEL_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

#define TIMESTAMP_TEXT_MAX 31

struct timestamp {
    int64_t ms;                        /* since 1970; 0 when absent */
    char text[TIMESTAMP_TEXT_MAX + 1]; /* "" when absent */
};

/* Reads a JSON number's own text. False (and absent) for anything but a finite number above 0 and below
 * 10,000,000,000 (the year 2286): milliseconds given as seconds fall out here. No floating point is used. */
bool timestamp_parse(const char *text, struct timestamp *timestamp);

bool timestamp_present(const struct timestamp *timestamp);
bool timestamp_equal(const struct timestamp *a, const struct timestamp *b); /* by text */

#endif
