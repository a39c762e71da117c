#include "engine/backoff.h"

#include "base/time.h"

#define BASE_TRANSIENT_NS (50 * TIME_NS_PER_MS)
#define BASE_THROTTLE_NS  (1 * TIME_NS_PER_SECOND)
#define BOUND_MAX_NS      (20 * TIME_NS_PER_SECOND)

int64_t backoff_ns(enum backoff_kind kind, int failures, uint64_t random)
{
    int64_t bound = kind == BACKOFF_THROTTLE ? BASE_THROTTLE_NS : BASE_TRANSIENT_NS;
    for (int i = 1; i < failures && bound < BOUND_MAX_NS; i++) {
        bound *= 2;
    }
    if (bound > BOUND_MAX_NS) {
        bound = BOUND_MAX_NS;
    }
    return (int64_t)(random % (uint64_t)(bound + 1)); /* 2^64 is so much more that the bias is nothing */
}
