/* See sim/wire.h.
 *
 * The happy path: submit() draws the latency and a fault, and the request leaves: depart(); half the latency
 * later on_arrival() has the fleet execute the request, and after the whole of it on_answer() gives the call
 * back. The ways out: a fault replaces the execution, the answer, or both; a request that was given up or
 * whose process was killed is on its own (call is NULL) and may still be executed. */
#include "sim/wire.h"

#include "base/mem.h"
#include "base/time.h"
#include "sim/actors.h"
#include "sim/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PPM           1000000
#define STALE_MS      20000
#define LATE_ANSWER_S 9
#define LEAVES_MS     70000

struct request {
    struct wire *wire;
    struct call *call; /* NULL: nobody waits for it */
    enum operation operation;
    enum fault fault;
    struct attempt *attempt; /* a deletion; the oracle's */
    int64_t sent_ns, latency_ns, answer_ns, as_of_ms;
    uint64_t shown;        /* identity of the execution that a read saw */
    bool stays;            /* it has not left yet */
    bool arrived, dropped; /* dropped: it never arrives */
    struct env_timer answer, leaving;
    struct request *prev, *next;
};

struct wire {
    const struct site *site;
    struct sim *sim; /* the site's */
    struct job_service service;
    struct random latency, streams[FAULT_COUNT];
    struct request *requests; /* whose call is waited for */
    size_t waiting;
    bool cut, expired;
    int64_t refreshed_ns; /* credentials are good again from then on, once somebody was refused */
    int64_t refresh_ns;
};

static struct random *stream(struct request *request)
{
    return &request->wire->streams[request->fault];
}

/* --- faults ----------------------------------------------------------------------------------------------
 */

static bool befalls(enum fault fault, enum operation operation)
{
    bool deletion = operation == OPERATION_DELETE_EXECUTION, read = operation_is_read(operation);
    bool execution = operation == OPERATION_DESCRIBE_EXECUTION;
    switch (fault) {
    case FAULT_TWICE:
    case FAULT_EXECUTED_LATE:
    case FAULT_GONE:
    case FAULT_STATE:
    case FAULT_LOST_AGAIN:
    case FAULT_LEAVES_LATE:
        return deletion;
    case FAULT_STALE:
        return read && operation != OPERATION_DESCRIBE_JOB;
    case FAULT_OTHER_ANSWER:
        return execution;
    case FAULT_TOKEN_LOOP:
    case FAULT_SHORT_PAGE:
        return read && !execution && operation != OPERATION_DESCRIBE_JOB;
    default:
        return true;
    }
}

static enum fault draw_fault(struct wire *wire, enum operation operation)
{
    const struct sim *sim = wire->sim;
    int64_t now_ms = virtual_mono_ns(sim->world) / TIME_NS_PER_MS;
    enum fault drawn = FAULT_NONE;
    for (int i = FAULT_REFUSED; i < FAULT_COUNT; i++) {
        const struct fault_plan *plan = &sim->scenario->faults[i];
        bool goes_on = !sim->healed || i == FAULT_SHORT_PAGE; /* which is nothing out of order */
        if (plan->ppm == 0 || !goes_on || !befalls((enum fault)i, operation)) {
            continue;
        }
        bool active = plan->period_ms == 0 || now_ms % plan->period_ms < plan->active_ms;
        bool hit = (int64_t)random_below(&wire->streams[i], PPM) < plan->ppm;
        if (active && hit && drawn == FAULT_NONE) {
            drawn = (enum fault)i;
        }
    }
    return drawn;
}

static void answer_with(struct wire *wire, struct call *call, enum answer_class class, int status,
                        const char *code)
{
    call_again(call);
    call->answer.class = class;
    call->answer.http_status = status;
    snprintf(call->answer.code, sizeof call->answer.code, "%s", code);
    if (status != 0) {
        call->answer.server_date_ms = sim_service_ms(wire->sim) / 1000 * 1000;
    }
}

/* --- execution -------------------------------------------------------------------------------------------
 */

static bool signature_fits(const struct sim *sim, const struct call *call)
{
    int64_t age_ms = sim_service_ms(sim) - call->signed_at_ms;
    return age_ms <= SIM_LIFE_MS && age_ms >= -SIM_LIFE_MS;
}

static void read_stale(struct request *request, struct call *call, int64_t now_ms)
{
    if (request->fault == FAULT_STALE) {
        request->as_of_ms = now_ms - (int64_t)random_below(stream(request), STALE_MS);
        fleet_execute_stale(request->wire->site->fleet, call, now_ms, request->as_of_ms);
    } else {
        fleet_execute(request->wire->site->fleet, call, now_ms);
    }
    if (request->operation == OPERATION_DESCRIBE_EXECUTION && call->answer.class == ANSWER_DONE) {
        request->shown =
            fleet_find_as_of(request->wire->site->fleet, call->job_id, call->thing_name, call->number,
                             request->fault == FAULT_STALE ? request->as_of_ms : 0);
    }
}

static void read_page(struct request *request, struct call *call, int64_t now_ms)
{
    struct sim *sim = request->wire->sim;
    int rows = sim->scenario->page_max;
    if (request->fault == FAULT_SHORT_PAGE) {
        rows = (int)random_below(stream(request), (uint64_t)rows + 1);
    }
    fleet_limit_pages(request->wire->site->fleet, rows);
    read_stale(request, call, now_ms);
}

static void execute(struct wire *wire, struct request *request, struct call *call, struct attempt *attempt)
{
    struct sim *sim = wire->sim;
    int64_t now_ms = sim_service_ms(sim);
    if (!signature_fits(sim, call)) {
        answer_with(wire, call, ANSWER_SKEWED, 403, "InvalidSignatureException");
        return;
    }
    if (wire->expired && !sim->healed) {
        answer_with(wire, call, ANSWER_EXPIRED, 403, "ExpiredTokenException");
        return;
    }
    if (!attempt) {
        request->as_of_ms = now_ms;
        read_page(request, call, now_ms);
        return;
    }
    uint64_t identity = fleet_find(wire->site->fleet, call->job_id, call->thing_name, call->number, NULL);
    fleet_execute(wire->site->fleet, call, now_ms);
    if (call->answer.class == ANSWER_DONE) {
        oracle_executed(wire->site->oracle, attempt, identity);
    }
}

/* A deletion that nobody waits for any more. */
static void execute_alone(struct wire *wire, struct attempt *attempt)
{
    struct call call;
    oracle_repeat(attempt, &call);
    execute(wire, NULL, &call, attempt);
    call_finish(&call);
}

struct straggler {
    struct wire *wire;
    struct attempt *attempt;
};

static void on_straggler(void *ctx)
{
    struct straggler *straggler = ctx;
    sim_tell(straggler->wire->sim, "a request arrives late");
    execute_alone(straggler->wire, straggler->attempt);
    free(straggler);
}

static void execute_later(struct request *request)
{
    struct wire *wire = request->wire;
    struct straggler *straggler = mem_alloc(sizeof *straggler);
    *straggler = (struct straggler){.wire = wire, .attempt = request->attempt};
    int64_t wait_ms = (int64_t)random_below(stream(request), SIM_LIFE_MS + 5000);
    virtual_at(wire->sim->world, virtual_mono_ns(wire->sim->world) + wait_ms * TIME_NS_PER_MS, on_straggler,
               straggler);
}

/* What the fault says instead of the service; false when the request is to be executed. */
static bool replace_execution(struct request *request, struct call *call)
{
    static const struct {
        enum answer_class class;
        int status;
        const char *code;
    } instead[FAULT_COUNT] = {
        [FAULT_REFUSED] = {ANSWER_NOT_SENT, 0, "ConnectionFailed"},
        [FAULT_DNS] = {ANSWER_NOT_SENT, 0, "NameNotResolved"},
        [FAULT_TLS] = {ANSWER_NOT_SENT, 0, "TlsFailed"},
        [FAULT_RESET_EARLY] = {ANSWER_NOT_SENT, 0, "ConnectionFailed"},
        [FAULT_RESET_SENT] = {ANSWER_AMBIGUOUS, 0, "ConnectionBroken"},
        [FAULT_REQUEST_LOST] = {ANSWER_AMBIGUOUS, 0, "Timeout"},
        [FAULT_EXECUTED_LATE] = {ANSWER_AMBIGUOUS, 0, "Timeout"},
        [FAULT_THROTTLED_400] = {ANSWER_THROTTLED, 400, "ThrottlingException"},
        [FAULT_THROTTLED_429] = {ANSWER_THROTTLED, 429, "TooManyRequestsException"},
        [FAULT_500] = {ANSWER_AMBIGUOUS, 500, "InternalFailureException"},
        [FAULT_503] = {ANSWER_AMBIGUOUS, 503, "ServiceUnavailableException"},
        [FAULT_EXPIRED] = {ANSWER_EXPIRED, 403, "ExpiredTokenException"},
        [FAULT_SKEWED] = {ANSWER_SKEWED, 403, "InvalidSignatureException"},
        [FAULT_DENIED] = {ANSWER_DENIED, 403, "AccessDeniedException"},
        [FAULT_INVALID] = {ANSWER_INVALID, 400, "InvalidRequestException"},
        [FAULT_GONE] = {ANSWER_GONE, 404, "ResourceNotFoundException"},
        [FAULT_STATE] = {ANSWER_STATE, 409, "InvalidStateTransitionException"},
        [FAULT_LOST_AGAIN] = {ANSWER_AMBIGUOUS, 0, "Timeout"},
    };
    enum fault fault = request->fault;
    if (!instead[fault].code) {
        return false;
    }
    answer_with(request->wire, call, instead[fault].class, instead[fault].status, instead[fault].code);
    if (fault == FAULT_THROTTLED_429 || fault == FAULT_503) {
        call->answer.retry_after_ms = (int64_t)random_below(stream(request), 5000);
    }
    if (fault == FAULT_EXECUTED_LATE) {
        execute_later(request);
    }
    return true;
}

static void loop_token(struct call *call)
{
    if (call->answer.class != ANSWER_DONE || !call->page.next_token) {
        return;
    }
    if (call->next_token) {
        free(call->page.next_token);
        call->page.next_token = mem_strdup(call->next_token);
    }
}

static void spoil_answer(struct request *request, struct call *call)
{
    struct wire *wire = request->wire;
    bool unread = operation_is_read(request->operation) && call->answer.class == ANSWER_DONE;
    switch (request->fault) {
    case FAULT_RESET_EXECUTED:
    case FAULT_ANSWER_LOST:
    case FAULT_ANSWER_CUT:
        answer_with(wire, call, ANSWER_AMBIGUOUS, 0, "AnswerLost");
        return;
    case FAULT_500_EXECUTED:
        answer_with(wire, call, ANSWER_AMBIGUOUS, 500, "InternalFailureException");
        return;
    case FAULT_HUGE:
        answer_with(wire, call, ANSWER_AMBIGUOUS, 0, "AnswerTooBig");
        return;
    case FAULT_MALFORMED: /* the body of a deletion's answer does not matter */
        if (unread) {
            answer_with(wire, call, ANSWER_AMBIGUOUS, 200, "Unreadable");
        }
        return;
    case FAULT_OTHER_ANSWER:
        call->execution.number += call->answer.class == ANSWER_DONE;
        if (call->number == 0) { /* any number of the newest may be true */
            snprintf(call->execution.thing_name, sizeof call->execution.thing_name, "another-thing");
        }
        return;
    case FAULT_TOKEN_LOOP:
        loop_token(call);
        return;
    case FAULT_TWICE: /* what is refused once is refused again */
        if (call->answer.class == ANSWER_DONE) {
            execute_later(request);
        }
        return;
    default:
        return;
    }
}

/* --- a call's life ---------------------------------------------------------------------------------------
 */

static void give_back(struct wire *wire, struct request *request, struct call *call)
{
    struct sim *sim = wire->sim;
    call->service = NULL;
    call->answer.received_ms = sim_wall_ms(sim);
    if (call->answer.class == ANSWER_EXPIRED && wire->expired) { /* whoever hears of it looks for new ones */
        if (wire->refreshed_ns == 0) {
            wire->refreshed_ns = virtual_mono_ns(sim->world) + wire->refresh_ns;
        }
        wire->expired = virtual_mono_ns(sim->world) < wire->refreshed_ns;
    }
    virtual_note(sim->world, &call->answer.class, sizeof call->answer.class);
    virtual_note(sim->world, call->answer.code, strlen(call->answer.code));
    if (!wire->cut) {
        sim_tell(sim, "answer %s %s %s/%s/%lld %s", operation_name(call->operation),
                 answer_class_name(call->answer.class), call->job_id, call->thing_name,
                 (long long)call->number, call->answer.code);
        struct oracle_view view = {.call = call,
                                   .attempt = request ? request->attempt : NULL,
                                   .sent_ns = request ? request->sent_ns : 0,
                                   .as_of_ms = request ? request->as_of_ms : 0,
                                   .shown = request ? request->shown : 0};
        oracle_answered(wire->site->oracle, &view);
        actors_heard(wire->site->actors, call);
    }
    call->done(call);
}

/* Nobody waits for it any more. Before it has arrived it goes on alone. */
static void detach(struct request *request)
{
    const struct env *env = virtual_env(request->wire->sim->world);
    DL_DELETE(request->wire->requests, request);
    request->wire->waiting--;
    request->call = NULL;
    env->stop(env->ctx, &request->answer);
    env->stop(env->ctx, &request->leaving);
    if (request->arrived || request->stays) {
        free(request);
    }
}

static void on_answer(struct env_timer *timer)
{
    struct request *request = timer->owner, copy = *request;
    detach(request);
    give_back(copy.wire, &copy, copy.call);
}

static void on_arrival(void *ctx)
{
    struct request *request = ctx;
    struct wire *wire = request->wire;
    struct call *call = request->call;
    request->arrived = true;
    if (!call) {
        if (request->attempt && !request->dropped) {
            execute_alone(wire, request->attempt);
        }
        free(request);
        return;
    }
    if (!replace_execution(request, call)) {
        execute(wire, request, call, request->attempt);
        spoil_answer(request, call);
    }
    const struct env *env = virtual_env(wire->sim->world);
    env->start(env->ctx, &request->answer, request->answer_ns);
}

static int64_t draw_latency(struct wire *wire)
{
    const struct scenario *scenario = wire->sim->scenario;
    return scenario->latency_min_ns +
           (int64_t)random_below(&wire->latency,
                                 (uint64_t)(scenario->latency_max_ns - scenario->latency_min_ns + 1));
}

static int64_t answer_delay(struct request *request, int64_t latency_ns)
{
    enum fault fault = request->fault;
    if (fault == FAULT_REQUEST_LOST || fault == FAULT_LOST_AGAIN || fault == FAULT_ANSWER_LOST ||
        fault == FAULT_EXECUTED_LATE) {
        return SIM_TIMEOUT_NS;
    }
    if (fault == FAULT_ANSWER_LATE) {
        return latency_ns + (int64_t)random_below(stream(request), LATE_ANSWER_S * TIME_NS_PER_SECOND);
    }
    return latency_ns;
}

struct ending { /* a call that comes back without its request */
    struct wire *wire;
    struct call *call;
    struct attempt *attempt;
};

static void on_ending(void *ctx)
{
    struct ending *ending = ctx;
    struct request stub = {.attempt = ending->attempt};
    struct call *call = ending->call;
    struct wire *wire = ending->wire;
    free(ending);
    wire->waiting--;
    give_back(wire, &stub, call);
}

static void end_now(struct wire *wire, struct call *call, struct attempt *attempt, enum answer_class class)
{
    struct ending *ending = mem_alloc(sizeof *ending);
    *ending = (struct ending){.wire = wire, .call = call, .attempt = attempt};
    answer_with(wire, call, class, 0, "Canceled");
    call->service = NULL;
    wire->waiting++;
    virtual_at_process(wire->sim->world, virtual_mono_ns(wire->sim->world), on_ending, ending);
}

static void depart(struct request *request)
{
    struct wire *wire = request->wire;
    int64_t now_ns = virtual_mono_ns(wire->sim->world);
    request->answer_ns = now_ns + answer_delay(request, request->latency_ns);
    virtual_at(wire->sim->world, now_ns + request->latency_ns / 2, on_arrival, request);
}

/* Taken back, or its time to leave is over. */
static void stay(struct request *request)
{
    struct wire *wire = request->wire;
    struct call *call = request->call;
    struct attempt *attempt = request->attempt;
    detach(request);
    end_now(wire, call, attempt, ANSWER_NOT_SENT);
}

static void on_leaving(struct env_timer *timer)
{
    struct request *request = timer->owner;
    struct wire *wire = request->wire;
    int64_t leave_by_ns = request->call->leave_by_ns;
    if (leave_by_ns != 0 && virtual_mono_ns(wire->sim->world) > leave_by_ns) {
        stay(request);
        return;
    }
    request->stays = false;
    sim_tell(wire->sim, "it leaves: %s/%s/%lld", request->call->job_id, request->call->thing_name,
             (long long)request->call->number);
    oracle_leaves(wire->site->oracle, request->attempt);
    depart(request);
}

static void leave_later(struct request *request)
{
    const struct env *env = virtual_env(request->wire->sim->world);
    int64_t wait_ms = (int64_t)random_below(stream(request), LEAVES_MS);
    int64_t at_ns = request->sent_ns + wait_ms * TIME_NS_PER_MS, by_ns = request->call->leave_by_ns;
    request->stays = true;
    request->leaving = (struct env_timer){.fire = on_leaving, .owner = request};
    env->start(env->ctx, &request->leaving, by_ns != 0 && by_ns < at_ns ? by_ns + 1 : at_ns);
}

static void on_submit(void *ctx, struct call *call)
{
    struct wire *wire = ctx;
    struct sim *sim = wire->sim;
    if (wire->cut) {
        end_now(wire, call, NULL, ANSWER_NOT_SENT);
        return;
    }
    int64_t now_ns = virtual_mono_ns(sim->world);
    struct request *request = mem_zalloc(sizeof *request);
    *request = (struct request){.wire = wire, .call = call, .operation = call->operation, .sent_ns = now_ns};
    request->latency_ns = draw_latency(wire);
    request->answer = (struct env_timer){.fire = on_answer, .owner = request};
    request->attempt = oracle_sent(wire->site->oracle, call);
    request->fault = draw_fault(wire, call->operation);
    sim->totals.faults[request->fault]++;
    sim_tell(sim, "send %s %s/%s/%lld%s%s", operation_name(call->operation), call->job_id, call->thing_name,
             (long long)call->number, request->fault ? " with fault " : "",
             request->fault ? fault_name(request->fault) : "");
    call->service = request;
    DL_APPEND(wire->requests, request);
    wire->waiting++;
    if (request->fault == FAULT_LEAVES_LATE && request->attempt) {
        leave_later(request);
    } else {
        depart(request);
    }
}

static void on_recall(void *ctx, struct call *call)
{
    struct request *request = call->service;
    (void)ctx;
    if (request && request->stays) {
        stay(request);
    }
}

/* Given up: whether it had left is a matter of chance until it has arrived. */
static void on_cancel(void *ctx, struct call *call)
{
    struct wire *wire = ctx;
    struct request *request = call->service;
    if (!request) {
        return;
    }
    if (request->stays) {
        stay(request);
        return;
    }
    bool left = request->arrived || random_below(&wire->latency, 2) == 0;
    struct attempt *attempt = request->attempt;
    if (!request->arrived) {
        request->dropped = !left || replace_execution(request, call);
    }
    detach(request);
    end_now(wire, call, attempt, left ? ANSWER_AMBIGUOUS : ANSWER_NOT_SENT);
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct wire *wire_create(const struct site *site)
{
    struct wire *wire = mem_zalloc(sizeof *wire);
    wire->site = site;
    wire->sim = site->sim;
    wire->service =
        (struct job_service){.ctx = wire, .submit = on_submit, .cancel = on_cancel, .recall = on_recall};
    site_stream(site, 100, &wire->latency);
    for (int i = 0; i < FAULT_COUNT; i++) {
        site_stream(site, 200 + (uint64_t)i, &wire->streams[i]);
    }
    return wire;
}

void wire_destroy(struct wire *wire)
{
    free(wire);
}

const struct job_service *wire_service(struct wire *wire)
{
    return &wire->service;
}

void wire_cut(struct wire *wire)
{
    wire->cut = true;
    while (wire->requests) {
        struct request *request = wire->requests;
        struct call *call = request->call;
        struct attempt *attempt = request->attempt;
        detach(request);
        end_now(wire, call, attempt, ANSWER_AMBIGUOUS);
    }
}

void wire_restore(struct wire *wire)
{
    wire->cut = false;
}

void wire_expire_credentials(struct wire *wire, int64_t refresh_ms)
{
    wire->expired = true;
    wire->refreshed_ns = 0;
    wire->refresh_ns = refresh_ms * TIME_NS_PER_MS;
}

size_t wire_waiting(const struct wire *wire)
{
    return wire->waiting;
}
