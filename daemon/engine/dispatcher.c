/* The happy path: dispatcher_submit() puts the call into the queue of its operation and arms the queue's
 * timer for the next slot of its lane. on_slot() sends what is due: the gate agrees, the lane gives the slot,
 * the service gets the call. on_answer() tells lane, budget and skew about the answer and calls done().
 *
 * The ways out:
 *   the gate refuses            the call ends as ANSWER_NOT_SENT ("Withheld"), its slot goes to the next one
 *   a read fails                it rests for its backoff and goes back to the head of its queue
 *   a deletion fails            its answer goes up like any other
 *   canceled while it waits     it ends as ANSWER_NOT_SENT ("Canceled"), from the timer of the endings
 *   canceled in flight          the service is told; whatever it answers is final
 *   recalled                    the same, for what has not left
 *
 * A queue whose calls may not leave has no timer armed. Where there is no place in flight the next answer
 * arms it, and where deletions are held back dispatcher_hold() does. */
#include "engine/dispatcher.h"

#include "base/mem.h"
#include "base/time.h"
#include "engine/backoff.h"
#include "engine/budget.h"
#include "engine/lane.h"
#include "engine/retry.h"
#include "engine/skew.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define SHARE_PERMILLE      995
#define CONCURRENCY         64
#define READ_ATTEMPTS       8
#define IN_FLIGHT_MIN       4
#define ROUND_TRIP_GUESS_NS (1 * TIME_NS_PER_SECOND)
#define ROUND_TRIP_MAX_NS   (60 * TIME_NS_PER_SECOND)
#define ROUND_TRIP_WEIGHT   8             /* of the past against one new sample */
#define UNITS_PER_REQUEST   INT64_C(1000) /* rates are per 1,000 s */
#define NEVER_NS            INT64_MAX

struct queue { /* of one operation */
    struct dispatcher *dispatcher;
    enum operation operation;
    struct lane lane;
    struct budget budget;
    struct env_timer timer;
    struct dispatch *waiting; /* in the order of sending */
    struct dispatch *resting; /* in the order of not_before_ns */
    struct dispatch *flying;  /* with the service */
    int64_t round_trip_ns;    /* smoothed */
    int64_t length;           /* of both lists */
    int64_t in_flight, sent, throttled, retried;
};

struct dispatcher {
    const struct env *env;
    const struct job_service *service;
    struct dispatcher_config config;
    struct queue queues[OPERATION_COUNT];
    int in_flight;
    bool held;                 /* no deletion leaves */
    int64_t releases;          /* how often that ended */
    int turn;                  /* the queue that is offered a free place first, modulo their number */
    struct skew skew;          /* of the wall clock */
    struct skew service_clock; /* the service's clock against the monotonic one */
    struct pairs *pairs;
    struct dispatch *ending;
    struct env_timer ending_timer;
};

static int64_t now_ns(const struct dispatcher *dispatcher)
{
    return dispatcher->env->mono_ns(dispatcher->env->ctx);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set_state(struct dispatch *dispatch, enum dispatch_state state)
{
    dispatch->state = state;
}

static struct queue *queue_of(const struct dispatch *dispatch)
{
    return &dispatch->dispatcher->queues[dispatch->call.operation];
}

/* --- when the next call may leave ---------------------------------------------------------------------- */

/* Twice what a steady flow needs: enough for slow answers, too little to pile calls up on a service that
 * hangs. */
static int64_t in_flight_max(const struct queue *queue)
{
    int64_t rate = lane_rate(&queue->lane, now_ns(queue->dispatcher));
    int64_t round_trip_ms = queue->round_trip_ns / TIME_NS_PER_MS;
    int64_t steady = rate * round_trip_ms / (UNITS_PER_REQUEST * TIME_MS_PER_SECOND);
    return larger(2 * steady, IN_FLIGHT_MIN);
}

static bool has_place(const struct queue *queue)
{
    return queue->dispatcher->in_flight < queue->dispatcher->config.concurrency &&
           queue->in_flight < in_flight_max(queue);
}

static int64_t due_ns(const struct queue *queue)
{
    bool held = queue->dispatcher->held && queue->operation == OPERATION_DELETE_EXECUTION;
    if (queue->length == 0 || held || !has_place(queue)) {
        return NEVER_NS;
    }
    int64_t due = larger(lane_next_ns(&queue->lane), budget_next_ns(&queue->budget));
    return queue->waiting ? due : larger(due, queue->resting->not_before_ns);
}

static void arm(struct queue *queue)
{
    const struct env *env = queue->dispatcher->env;
    int64_t due = due_ns(queue);
    if (due != NEVER_NS) {
        due = larger(due, now_ns(queue->dispatcher)); /* overdue ones in the order of arming */
    }
    if (due == NEVER_NS) {
        env->stop(env->ctx, &queue->timer);
    } else if (!queue->timer.armed || queue->timer.at_ns != due) {
        env->start(env->ctx, &queue->timer, due);
    }
}

/* A place is free that calls of any operation may have waited for: first those after the last that left. */
static void arm_all(struct dispatcher *dispatcher)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        arm(&dispatcher->queues[(dispatcher->turn + i) % OPERATION_COUNT]);
    }
}

/* --- ends ---------------------------------------------------------------------------------------------- */

/* The last thing to do with both dispatch and dispatcher: done() may free them. */
static void finish(struct dispatch *dispatch)
{
    set_state(dispatch, DISPATCH_OUTSIDE);
    dispatch->done(dispatch);
}

static void on_ending(struct env_timer *timer)
{
    struct dispatcher *dispatcher = timer->owner;
    struct dispatch *dispatch = dispatcher->ending;
    DL_DELETE(dispatcher->ending, dispatch);
    if (dispatcher->ending) {
        dispatcher->env->start(dispatcher->env->ctx, timer, now_ns(dispatcher));
    }
    finish(dispatch);
}

/* Ends it without having been sent (this time); done() comes from the loop. */
static void end_later(struct dispatch *dispatch, const char *code)
{
    struct dispatcher *dispatcher = dispatch->dispatcher;
    const struct env *env = dispatcher->env;
    call_again(&dispatch->call);
    dispatch->call.answer.class = ANSWER_NOT_SENT;
    dispatch->call.answer.received_ms = env->wall_ms(env->ctx);
    snprintf(dispatch->call.answer.code, sizeof(dispatch->call.answer.code), "%s", code);
    set_state(dispatch, DISPATCH_ENDING);
    DL_APPEND(dispatcher->ending, dispatch);
    if (!dispatcher->ending_timer.armed) {
        env->start(env->ctx, &dispatcher->ending_timer, now_ns(dispatcher));
    }
}

/* --- answers ------------------------------------------------------------------------------------------- */

static void tell_episode(struct queue *queue, bool begins, int64_t now)
{
    const struct dispatcher_config *config = &queue->dispatcher->config;
    if (config->episode) {
        config->episode(config->episode_owner, queue->operation, begins, lane_episode_old_rate(&queue->lane),
                        lane_rate(&queue->lane, now));
    }
}

/* The service has seen the request and said something. */
static bool was_answered(const struct answer *answer)
{
    return answer->class != ANSWER_NOT_SENT &&
           (answer->class != ANSWER_AMBIGUOUS || answer->http_status != 0);
}

static void tell_lane(struct queue *queue, const struct dispatch *dispatch, int64_t now)
{
    const struct answer *answer = &dispatch->call.answer;
    if (lane_episode_over(&queue->lane, now)) {
        tell_episode(queue, false, now);
    }
    if (answer->class == ANSWER_THROTTLED) {
        queue->throttled++;
        if (lane_throttled(&queue->lane, dispatch->sent_ns, now)) {
            tell_episode(queue, true, now);
        }
    } else if (was_answered(answer)) {
        lane_accepted(&queue->lane, now);
    }
    lane_hold(&queue->lane, answer->retry_after_ms, now);
    if (was_answered(answer)) { /* a timeout says nothing of how long the service takes */
        int64_t taken = now - dispatch->sent_ns;
        queue->round_trip_ns += (taken - queue->round_trip_ns) / ROUND_TRIP_WEIGHT;
    }
    if (queue->round_trip_ns > ROUND_TRIP_MAX_NS) {
        queue->round_trip_ns = ROUND_TRIP_MAX_NS;
    }
}

static void tell_budget(struct queue *queue, struct dispatch *dispatch, int64_t now)
{
    bool taken_back = dispatch->recalled && dispatch->call.answer.class == ANSWER_NOT_SENT;
    if (dispatch->canceled || taken_back) {
        return; /* our doing, not the service's */
    }
    int cost = retry_cost(dispatch->call.answer.class);
    if (cost > 0) {
        budget_charge(&queue->budget, cost, now);
    } else {
        budget_refund(&queue->budget, dispatch->charged ? dispatch->charged : BUDGET_SUCCESS);
    }
    dispatch->charged = cost;
}

/* Back to the queue: at once, or after its backoff. */
static void repeat(struct queue *queue, struct dispatch *dispatch, enum retry retry, int64_t now)
{
    const struct env *env = queue->dispatcher->env;
    call_again(&dispatch->call);
    queue->length++;
    if (retry == RETRY_REFRESHED) {
        dispatch->refreshed++;
        set_state(dispatch, DISPATCH_WAITING);
        DL_PREPEND(queue->waiting, dispatch);
        return;
    }
    bool throttled = retry == RETRY_THROTTLED;
    int64_t rest = backoff_ns(throttled ? BACKOFF_THROTTLE : BACKOFF_TRANSIENT,
                              throttled ? dispatch->throttles : dispatch->failures,
                              env->random(env->ctx, RANDOM_BACKOFF));
    dispatch->not_before_ns = now + rest;
    set_state(dispatch, DISPATCH_RESTING);
    struct dispatch *before;
    DL_FOREACH (queue->resting, before) {
        if (before->not_before_ns > dispatch->not_before_ns) {
            break;
        }
    }
    if (before) {
        DL_PREPEND_ELEM(queue->resting, before, dispatch);
    } else {
        DL_APPEND(queue->resting, dispatch);
    }
}

static enum retry decide(struct dispatcher *dispatcher, struct dispatch *dispatch)
{
    enum answer_class class = dispatch->call.answer.class;
    if (dispatch->canceled) {
        return RETRY_NOT;
    }
    dispatch->throttles = class == ANSWER_THROTTLED ? dispatch->throttles + 1 : 0;
    if (class == ANSWER_NOT_SENT || class == ANSWER_AMBIGUOUS) {
        dispatch->failures++;
    }
    struct retry_history history = {.failures = dispatch->failures,
                                    .attempts_max = dispatcher->config.read_attempts,
                                    .refreshed = dispatch->refreshed};
    return retry_decide(dispatch->call.operation, class, history);
}

static void on_answer(struct call *call)
{
    struct dispatch *dispatch = call->owner;
    struct dispatcher *dispatcher = dispatch->dispatcher;
    struct queue *queue = queue_of(dispatch);
    int64_t now = now_ns(dispatcher);
    bool was_full = dispatcher->in_flight == dispatcher->config.concurrency;

    DL_DELETE(queue->flying, dispatch);
    dispatcher->in_flight--;
    queue->in_flight--;
    tell_lane(queue, dispatch, now);
    tell_budget(queue, dispatch, now);
    skew_add(&dispatcher->skew, call->answer.server_date_ms, call->answer.received_ms);
    skew_add(&dispatcher->service_clock, call->answer.server_date_ms, now / TIME_NS_PER_MS);

    enum retry retry = decide(dispatcher, dispatch);
    if (retry != RETRY_NOT) {
        repeat(queue, dispatch, retry, now);
    }
    if (was_full) {
        arm_all(dispatcher);
    } else {
        arm(queue);
    }
    if (retry == RETRY_NOT) {
        finish(dispatch);
    }
}

/* --- sending ------------------------------------------------------------------------------------------- */

static void wake_rested(struct queue *queue, int64_t now)
{
    while (queue->resting && queue->resting->not_before_ns <= now) {
        struct dispatch *dispatch = queue->resting;
        DL_DELETE(queue->resting, dispatch);
        set_state(dispatch, DISPATCH_WAITING);
        DL_PREPEND(queue->waiting, dispatch);
    }
}

/* The first of the queue leaves, or ends because its gate refuses. The time that the gate sees is the one
 * that is signed: nothing may come between. */
static void send_first(struct queue *queue)
{
    struct dispatcher *dispatcher = queue->dispatcher;
    struct dispatch *dispatch = queue->waiting;
    DL_DELETE(queue->waiting, dispatch);
    queue->length--;
    int64_t now = now_ns(dispatcher);
    int64_t wall_ms = dispatcher->env->wall_ms(dispatcher->env->ctx);
    if (dispatch->gate && !dispatch->gate(dispatch, wall_ms)) {
        end_later(dispatch, "Withheld");
        return;
    }
    lane_take(&queue->lane, now);
    budget_take(&queue->budget, now);
    queue->sent++;
    if (++dispatch->attempts > 1) {
        queue->retried++;
    }
    queue->in_flight++;
    dispatcher->in_flight++;
    dispatcher->turn = (int)queue->operation + 1;
    dispatch->sent_ns = now;
    dispatch->call.signed_at_ms = wall_ms;
    set_state(dispatch, DISPATCH_IN_FLIGHT);
    DL_APPEND(queue->flying, dispatch);
    dispatcher->service->submit(dispatcher->service->ctx, &dispatch->call);
}

static void on_slot(struct env_timer *timer)
{
    struct queue *queue = timer->owner;
    int64_t now = now_ns(queue->dispatcher);
    wake_rested(queue, now);
    while (queue->waiting && due_ns(queue) <= now) {
        send_first(queue);
    }
    arm(queue);
}

/* --- the face ------------------------------------------------------------------------------------------ */

void dispatcher_submit(struct dispatcher *dispatcher, struct dispatch *dispatch)
{
    dispatch->dispatcher = dispatcher;
    dispatch->canceled = dispatch->recalled = false;
    dispatch->attempts = dispatch->refreshed = dispatch->failures = dispatch->throttles = dispatch->charged =
        0;
    dispatch->call.signed_at_ms = 0;
    dispatch->call.done = on_answer;
    dispatch->call.owner = dispatch;
    struct queue *queue = queue_of(dispatch);
    set_state(dispatch, DISPATCH_WAITING);
    DL_APPEND(queue->waiting, dispatch);
    queue->length++;
    arm(queue);
}

void dispatcher_cancel(struct dispatcher *dispatcher, struct dispatch *dispatch)
{
    struct queue *queue;
    switch (dispatch->state) {
    case DISPATCH_WAITING:
    case DISPATCH_RESTING:
        queue = queue_of(dispatch);
        if (dispatch->state == DISPATCH_WAITING) {
            DL_DELETE(queue->waiting, dispatch);
        } else {
            DL_DELETE(queue->resting, dispatch);
        }
        queue->length--;
        arm(queue);
        end_later(dispatch, "Canceled");
        break;
    case DISPATCH_IN_FLIGHT:
        if (!dispatch->canceled) {
            dispatcher->service->cancel(dispatcher->service->ctx, &dispatch->call);
        }
        dispatch->canceled = true;
        break;
    case DISPATCH_OUTSIDE:
    case DISPATCH_ENDING:
        break;
    }
}

void dispatcher_recall(struct dispatcher *dispatcher, struct dispatch *dispatch)
{
    const struct job_service *service = dispatcher->service;
    if (dispatch->state == DISPATCH_IN_FLIGHT && service->recall != NULL) {
        dispatch->recalled = true;
        service->recall(service->ctx, &dispatch->call);
    }
}

void dispatcher_hold(struct dispatcher *dispatcher, bool hold)
{
    struct queue *deletions = &dispatcher->queues[OPERATION_DELETE_EXECUTION];
    struct dispatch *dispatch;
    dispatcher->releases += dispatcher->held && !hold;
    dispatcher->held = hold;
    DL_FOREACH (hold ? deletions->flying : NULL, dispatch) {
        dispatcher_recall(dispatcher, dispatch);
    }
    arm(deletions);
}

int64_t dispatcher_releases(const struct dispatcher *dispatcher)
{
    return dispatcher->releases;
}

static void queue_init(struct dispatcher *dispatcher, enum operation operation)
{
    struct queue *queue = &dispatcher->queues[operation];
    int64_t quota = dispatcher->config.quota_per_1000s[operation];
    if (quota <= 0) {
        quota = operation_default_quota(operation) * UNITS_PER_REQUEST;
    }
    *queue = (struct queue){.dispatcher = dispatcher, .operation = operation};
    queue->round_trip_ns = ROUND_TRIP_GUESS_NS;
    queue->timer.fire = on_slot;
    queue->timer.owner = queue;
    lane_init(&queue->lane, quota, dispatcher->config.share_permille, now_ns(dispatcher));
    if (dispatcher->config.exclusive) {
        lane_own(&queue->lane);
    }
    budget_init(&queue->budget);
}

static int or_default(int value, int instead)
{
    return value > 0 ? value : instead;
}

struct dispatcher *dispatcher_create(const struct env *env, const struct job_service *service,
                                     const struct dispatcher_config *config)
{
    struct dispatcher *dispatcher = mem_zalloc(sizeof(*dispatcher));
    dispatcher->env = env;
    dispatcher->service = service;
    dispatcher->config = *config;
    dispatcher->config.share_permille = or_default(config->share_permille, SHARE_PERMILLE);
    dispatcher->config.concurrency = or_default(config->concurrency, CONCURRENCY);
    dispatcher->config.read_attempts = or_default(config->read_attempts, READ_ATTEMPTS);
    dispatcher->pairs = pairs_create();
    dispatcher->ending_timer.fire = on_ending;
    dispatcher->ending_timer.owner = dispatcher;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        queue_init(dispatcher, (enum operation)i);
    }
    return dispatcher;
}

void dispatcher_destroy(struct dispatcher *dispatcher)
{
    if (!dispatcher) {
        return;
    }
    const struct env *env = dispatcher->env;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        env->stop(env->ctx, &dispatcher->queues[i].timer);
    }
    env->stop(env->ctx, &dispatcher->ending_timer);
    pairs_destroy(dispatcher->pairs);
    free(dispatcher);
}

void dispatcher_lane(const struct dispatcher *dispatcher, enum operation operation, struct lane_view *view)
{
    const struct queue *queue = &dispatcher->queues[operation];
    *view = (struct lane_view){.rate_per_1000s = lane_rate(&queue->lane, now_ns(dispatcher)),
                               .waiting = queue->length,
                               .sent = queue->sent,
                               .throttled = queue->throttled,
                               .retried = queue->retried,
                               .episode = queue->lane.episode};
}

int64_t dispatcher_learned_rate(const struct dispatcher *dispatcher, enum operation operation)
{
    return lane_rate(&dispatcher->queues[operation].lane, now_ns(dispatcher));
}

void dispatcher_set_learned_rate(struct dispatcher *dispatcher, enum operation operation,
                                 int64_t rate_per_1000s)
{
    lane_set_rate(&dispatcher->queues[operation].lane, rate_per_1000s, now_ns(dispatcher));
}

int64_t dispatcher_skew_ms(const struct dispatcher *dispatcher)
{
    return skew_ms(&dispatcher->skew);
}

int64_t dispatcher_service_ms(const struct dispatcher *dispatcher)
{
    if (dispatcher->service_clock.count == 0) {
        return 0;
    }
    return now_ns(dispatcher) / TIME_NS_PER_MS + skew_ms(&dispatcher->service_clock);
}

struct pairs *dispatcher_pairs(struct dispatcher *dispatcher)
{
    return dispatcher->pairs;
}
