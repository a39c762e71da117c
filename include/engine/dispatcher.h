/* Calls on one target, paced: one lane per operation, evenly spaced slots, retry with backoff and a budget.
 *
 * A read is repeated here until it has a final answer. A deletion is never repeated here: it leaves once per
 * submit, when its slot has come and its gate agrees, and its answer goes to the deleter, whatever it is. */
#ifndef ENGINE_DISPATCHER_H
#define ENGINE_DISPATCHER_H

#include "engine/env.h"
#include "engine/pairs.h"
#include "model/call.h"
#include "model/operation.h"

#include <stdbool.h>
#include <stdint.h>

struct dispatcher;

struct dispatcher_config {
    int64_t quota_per_1000s[OPERATION_COUNT]; /* requests per 1,000 s; 0: operation_default_quota() */
    int share_permille;                       /* of the quota that is used at most: 1..1000; 995 when 0 */
    bool exclusive;                           /* nobody else uses the quotas: see lane_own() */
    int concurrency;   /* calls in flight at most, over all lanes: 1..1024; 64 when 0 */
    int read_attempts; /* tries of a read that fails for the transport or with 5xx; 8 when 0. Throttling has
                          no limit */
    /* A throttle episode begins (two throttled answers within 2 s slowed the lane down), or is over (two
     * minutes without one, noticed with the lane's next answer). Rates in requests per 1,000 s, before and
     * now. Runs from the loop, never from inside submit or cancel; must not call the dispatcher. May be NULL.
     */
    void (*episode)(void *owner, enum operation operation, bool begins, int64_t rate_before,
                    int64_t rate_now);
    void *episode_owner;
};

/* env and service stay the caller's and must outlive it. */
struct dispatcher *dispatcher_create(const struct env *env, const struct job_service *service,
                                     const struct dispatcher_config *config);
/* No call may be in it: cancel and wait first. The done() of the last one may do it. Takes NULL. */
void dispatcher_destroy(struct dispatcher *dispatcher);

enum dispatch_state {
    DISPATCH_OUTSIDE,   /* zeroed memory, or done() was called */
    DISPATCH_WAITING,   /* in its lane's queue */
    DISPATCH_RESTING,   /* a read that failed, until its backoff is over */
    DISPATCH_IN_FLIGHT, /* with the service */
    DISPATCH_ENDING     /* ended without an answer; done() comes from the loop */
};

struct dispatch {
    struct call call; /* the call's done and owner are the dispatcher's; see below for the submitter's */
    /* DELETE_EXECUTION: asked when the slot has come, right before it is sent, with the clock sample that
     * will be X-Amz-Date. False: it is not sent and ends as ANSWER_NOT_SENT with the code "Withheld". NULL:
     * always true. Must not call the dispatcher. */
    bool (*gate)(struct dispatch *dispatch, int64_t wall_ms);
    void (*done)(struct dispatch *dispatch);
    void *owner;
    /* the dispatcher's */
    struct dispatcher *dispatcher;
    enum dispatch_state state;
    bool canceled;
    bool recalled;           /* it was to be taken back: see dispatcher_recall() */
    int refreshed;           /* times that it was sent again for its credentials or clock */
    int attempts;            /* times it was sent since it was submitted; still there in done() */
    int failures, throttles; /* in a row, for the backoff */
    int charged;             /* what its last failure cost the retry budget */
    int64_t sent_ns;         /* of the last sending, on the monotonic clock; still there in done() */
    int64_t not_before_ns;
    struct dispatch *prev, *next;
};

/* Takes the call: initialised, asked, without an answer. done() comes exactly once, never from inside submit
 * or cancel, and may free the dispatch or submit it again (after call_again()). The struct stays where it is
 * until then. call.signed_at_ms of the last sending can be read in done(); 0 when it was never sent. */
void dispatcher_submit(struct dispatcher *dispatcher, struct dispatch *dispatch);
/* A waiting one ends as ANSWER_NOT_SENT ("Canceled"); one in flight is passed on as a wish. One that is not
 * in the dispatcher is left alone. */
void dispatcher_cancel(struct dispatcher *dispatcher, struct dispatch *dispatch);
/* Takes back one that is with the service and has not left, for it waits for credentials or a connection: it
 * ends as ANSWER_NOT_SENT, with `recalled`. What has left goes on, and so does what waits here. */
void dispatcher_recall(struct dispatcher *dispatcher, struct dispatch *dispatch);

/* While it is held no deletion leaves: those that wait do so in their lane, in their order, and their gates
 * are asked when they leave; those with the service are recalled. Everything else goes on. */
void dispatcher_hold(struct dispatcher *dispatcher, bool hold);
/* How often it was let go again: what was known before the last time may be old. */
int64_t dispatcher_releases(const struct dispatcher *dispatcher);

struct lane_view {
    int64_t rate_per_1000s; /* the present pace */
    int64_t waiting;
    int64_t sent, throttled, retried; /* since creation; sent counts every attempt */
    bool episode;                     /* in a throttle episode */
};
void dispatcher_lane(const struct dispatcher *dispatcher, enum operation operation, struct lane_view *view);

/* The pace learned so far, to be kept over a restart, and setting out from one that was kept. */
int64_t dispatcher_learned_rate(const struct dispatcher *dispatcher, enum operation operation);
void dispatcher_set_learned_rate(struct dispatcher *dispatcher, enum operation operation,
                                 int64_t rate_per_1000s);

/* The service's clock minus ours in milliseconds: the median of the latest Date headers. 0 before the first.
 */
int64_t dispatcher_skew_ms(const struct dispatcher *dispatcher);
/* What the service's clock shows now, by the latest Date headers and the time since, so that setting this
 * machine's wall clock does not move it. Never ahead of the service by more than a strange header or two
 * could make it: the median again. 0 before the first. */
int64_t dispatcher_service_ms(const struct dispatcher *dispatcher);

/* The (job, thing) pairs that have a deletion under way in this target. */
struct pairs *dispatcher_pairs(struct dispatcher *dispatcher);

#endif
