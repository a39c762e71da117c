/* How long a call rests before it is repeated: full jitter, that is, a time drawn evenly from nothing up to a
 * bound that doubles with each failure (the figures are those of the AWS SDKs' standard mode since 2026-11).
 * Pure: the random number is an argument. */
#ifndef ENGINE_BACKOFF_H
#define ENGINE_BACKOFF_H

#include <stdint.h>

enum backoff_kind {
    BACKOFF_TRANSIENT, /* the transport or the service failed: from 50 ms */
    BACKOFF_THROTTLE   /* refused for its rate: from 1 s */
};

/* Nanoseconds, 0 up to the bound; the bound is at most 20 s. failures: of this kind in a row, from 1. */
int64_t backoff_ns(enum backoff_kind kind, int failures, uint64_t random);

#endif
