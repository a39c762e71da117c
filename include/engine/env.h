/* What the engine knows of the world besides the service and the ledger: time, chance, and a way to be woken.
 * `app` fills it from libuv, the simulator from a virtual clock. */
#ifndef ENGINE_ENV_H
#define ENGINE_ENV_H

#include <stdbool.h>
#include <stdint.h>

/* One stream of random numbers per subsystem, so that one more draw in one does not shift the others. */
enum random_stream { RANDOM_BACKOFF, RANDOM_CREDENTIALS, RANDOM_JITTER, RANDOM_STREAM_COUNT };

/* A one-shot timer, embedded in its owner's struct. Zeroed memory is a stopped timer. */
struct env_timer {
    void (*fire)(struct env_timer *timer);
    void *owner;
    int64_t at_ns; /* when it fires, on the monotonic clock; written by start() */
    bool armed;    /* written by start() and stop(), and false once it fires */
    void *impl;    /* the env's */
};

struct env {
    void *ctx;
    int64_t (*mono_ns)(void *ctx); /* monotonic, counts suspend */
    int64_t (*wall_ms)(void *ctx); /* this machine's wall clock */
    uint64_t (*random)(void *ctx, enum random_stream stream);
    /* Fires once at or after at_ns, never from inside start(); an armed timer is moved. at_ns in the past
     * means as soon as possible: the way to say "later, but now". */
    void (*start)(void *ctx, struct env_timer *timer, int64_t at_ns);
    void (*stop)(void *ctx, struct env_timer *timer); /* after it returns, fire() does not come */
};

#endif
