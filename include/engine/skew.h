/* The service's clock minus ours, learned from the Date headers of its answers. The median of the latest
 * ones, so that a single slow answer or a strange header moves nothing. A Date has whole seconds: half a
 * second of error is normal. Pure. */
#ifndef ENGINE_SKEW_H
#define ENGINE_SKEW_H

#include <stdint.h>

#define SKEW_SAMPLES 21

struct skew { /* zeroed memory has no sample */
    int64_t samples_ms[SKEW_SAMPLES];
    int count, next;
};

/* One answer: its Date and our wall clock when it came; a Date of 0 (none) is ignored. */
void skew_add(struct skew *skew, int64_t server_date_ms, int64_t received_ms);
/* 0 without samples. */
int64_t skew_ms(const struct skew *skew);

#endif
