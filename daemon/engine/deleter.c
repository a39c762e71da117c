/* See engine/deleter.h; the decisions are in engine/steps.h.
 *
 * The happy path of a row: deleter_add() -> check() -> on_described() -> intend() -> on_intent() -> send() ->
 * may_send() -> on_sent() -> record() -> on_recorded() -> leave().
 * The ways out: the check finds something else or nothing; the answer says so; a lost answer goes through
 * ROW_QUARANTINE and look() and then settles or begins anew; what was not executed begins anew, through
 * ROW_WAIT where the network failed. A row whose (job, thing) is busy waits in ROW_PARKED.
 * The end of all: stop() lets nothing more pass the gate and wakes every row that waits (wake()); each then
 * settles through record(), or, once the ledger has failed, without it. Rows leave in callbacks and timers
 * only. */
#include "engine/deleter.h"

#include "base/mem.h"
#include "base/time.h"
#include "engine/backoff.h"
#include "engine/guard.h"
#include "engine/pairs.h"
#include "engine/steps.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define LOOK_AGAIN_NS (60 * TIME_NS_PER_SECOND)

enum row_state {
    ROW_NEW,
    ROW_PARKED,     /* another row of its (job, thing) is under way */
    ROW_CHECK,      /* DescribeJobExecution before the intent */
    ROW_INTENT,     /* the ledger writes the intent */
    ROW_SEND,       /* in the lane, or on its way */
    ROW_RECORD,     /* the ledger writes what came of it */
    ROW_WAIT,       /* before the next attempt */
    ROW_QUARANTINE, /* until the lost request can no longer run */
    ROW_LOOK,       /* DescribeJobExecution after the quarantine */
    ROW_LOOK_WAIT,  /* before the next look */
    ROW_STATE_COUNT
};

struct row {
    struct deleter *deleter;
    struct plan_row plan; /* its fingerprint gains the version number with the check */
    int64_t number;
    enum row_state state;
    struct history history;
    struct step step;    /* after ROW_RECORD */
    int attempt;         /* intents so far */
    bool intended;       /* the last intent has no result in the ledger */
    bool sent;           /* the gate let the present attempt go */
    bool open;           /* a transmission of ours may have been executed, for all the ledger knows */
    bool check_needless; /* verify: risky, and the job allows it */
    bool checked;
    struct clock_sample check; /* when it was checked */
    int64_t signed_at_ms;      /* of the present attempt; 0 until it is sent */
    int64_t quarantine_end_ns, look_end_ns;
    struct answer answer; /* the latest about this row */
    struct dispatch dispatch;
    struct ledger_request request;
    struct env_timer timer;
    struct pair_claim claim;
    struct row *prev, *next;
};

struct deleter {
    struct deleter_config config;
    struct pairs *pairs;
    struct row *rows;
    size_t count, in_state[ROW_STATE_COUNT];
    struct guard_run run;
    struct clock_sample clock; /* at the latest answer */
    int64_t skew_ms;           /* by the latest Date header: the dispatcher's median follows a step slowly */
    bool stopping, hurry, frozen;
    struct err stopped;
    enum answer_class why;
};

static void set_state(struct row *row, enum row_state state)
{
    row->deleter->in_state[row->state]--;
    row->deleter->in_state[state]++;
    row->state = state;
}

static struct clock_sample sample_clock(const struct deleter *deleter)
{
    const struct env *env = deleter->config.env;
    return (struct clock_sample){.mono_ns = env->mono_ns(env->ctx), .wall_ms = env->wall_ms(env->ctx)};
}

static void start_timer(struct row *row, int64_t after_ns)
{
    const struct env *env = row->deleter->config.env;
    env->start(env->ctx, &row->timer, env->mono_ns(env->ctx) + after_ns);
}

/* --- stopping --- */

/* What waits comes back at once; what was sent is only given up in a hurry. */
static void wake(struct row *row)
{
    struct deleter *deleter = row->deleter;
    switch (row->state) {
    case ROW_PARKED:
    case ROW_WAIT:
        start_timer(row, 0);
        return;
    case ROW_CHECK:
        dispatcher_cancel(deleter->config.dispatcher, &row->dispatch);
        return;
    case ROW_SEND:
        if (!row->sent || deleter->hurry) {
            dispatcher_cancel(deleter->config.dispatcher, &row->dispatch);
        }
        return;
    case ROW_QUARANTINE:
    case ROW_LOOK_WAIT:
        if (deleter->hurry) {
            start_timer(row, 0);
        }
        return;
    case ROW_LOOK:
        if (deleter->hurry) {
            dispatcher_cancel(deleter->config.dispatcher, &row->dispatch);
        }
        return;
    default: /* with the ledger */
        return;
    }
}

static void stop(struct deleter *deleter, bool hurry)
{
    struct row *row;
    if (deleter->stopping && (deleter->hurry || !hurry)) {
        return;
    }
    deleter->stopping = true;
    deleter->hurry = deleter->hurry || hurry;
    DL_FOREACH (deleter->rows, row) {
        wake(row);
    }
}

static void stop_because(struct deleter *deleter, const struct err *err, enum answer_class why)
{
    if (deleter->stopped.code == ERR_NONE) {
        deleter->stopped = *err;
        deleter->why = why;
    }
    stop(deleter, false);
}

/* Without a record nothing may be sent, and nothing can be settled any more. */
static void freeze(struct deleter *deleter, const struct err *err)
{
    deleter->frozen = true;
    stop_because(deleter, err, ANSWER_DONE);
    stop(deleter, true);
}

/* --- the end of a row --- */

static void leave(struct row *row, enum outcome outcome)
{
    struct deleter *deleter = row->deleter;
    struct pair_claim *next = pairs_release(deleter->pairs, &row->claim);
    if (next != NULL) {
        start_timer(next->owner, 0);
    }
    deleter->config.env->stop(deleter->config.env->ctx, &row->timer);
    deleter->in_state[row->state]--;
    deleter->count--;
    DL_DELETE(deleter->rows, row);
    deleter->config.settled(deleter->config.owner, &row->plan, outcome, &row->answer);
    call_finish(&row->dispatch.call);
    free(row);
    deleter->config.changed(deleter->config.owner); /* may destroy the deleter */
}

static void leave_unrecorded(struct row *row)
{
    leave(row, row->open ? OUTCOME_UNKNOWN : OUTCOME_NOT_ATTEMPTED);
}

static void on_recorded(struct ledger_request *request);

/* Writes down what came of the row; step says how it goes on from there. */
static void record(struct row *row, struct step step)
{
    struct deleter *deleter = row->deleter;
    row->step = step;
    set_state(row, ROW_RECORD);
    if (deleter->frozen) {
        leave_unrecorded(row);
        return;
    }
    row->request = (struct ledger_request){.operation = LEDGER_RESULT,
                                           .run = deleter->config.run,
                                           .row = row->number,
                                           .attempt = row->intended ? row->attempt : 0,
                                           .signed_at_ms = row->intended ? row->signed_at_ms : 0,
                                           .answer = row->answer,
                                           .done = on_recorded,
                                           .owner = row};
    row->request.outcome = step.kind == STEP_SETTLE ? step.outcome : OUTCOME_PENDING;
    deleter->config.ledger->submit(deleter->config.ledger->ctx, &row->request);
}

static void settle(struct row *row, enum outcome outcome)
{
    record(row, (struct step){.kind = STEP_SETTLE, .outcome = outcome});
}

/* --- answers --- */

static void note_clock(struct deleter *deleter, const struct answer *answer)
{
    struct err err;
    deleter->clock = sample_clock(deleter);
    if (answer->server_date_ms != 0) {
        deleter->skew_ms = answer->server_date_ms - answer->received_ms;
    }
    if (guard_clock(dispatcher_skew_ms(deleter->config.dispatcher), &err) != 0) {
        stop_because(deleter, &err, ANSWER_DONE);
    }
}

static void note_refusal(struct deleter *deleter, const struct call *call)
{
    struct err err;
    if (guard_refused(&deleter->run)) {
        call_error(call, &err);
        err_context(&err, "%d refusals in a row", GUARD_REFUSALS_MAX);
        stop_because(deleter, &err, call->answer.class);
    }
}

/* --- the steps of a row --- */

static void on_described(struct dispatch *dispatch);
static void on_intent(struct ledger_request *request);
static void on_sent(struct dispatch *dispatch);
static bool may_send(struct dispatch *dispatch, int64_t wall_ms);

static void submit(struct row *row, enum operation operation, void (*done)(struct dispatch *dispatch))
{
    const struct job_execution *execution = &row->plan.execution;
    call_finish(&row->dispatch.call);
    row->dispatch = (struct dispatch){.done = done, .owner = row};
    struct call *call = &row->dispatch.call;
    call_init(call, operation);
    strcpy(call->job_id, execution->job_id);
    strcpy(call->thing_name, execution->thing_name);
    call->number = execution->number;
    call->force = false; /* no policy can ask for it: see check_row() */
    row->dispatch.gate = operation == OPERATION_DELETE_EXECUTION ? may_send : NULL;
    dispatcher_submit(row->deleter->config.dispatcher, &row->dispatch);
}

static bool check_holds(const struct row *row, const struct clock_sample *now)
{
    int64_t age_ns = now->mono_ns - row->check.mono_ns;
    if (row->check_needless) {
        return !clock_stepped(&row->deleter->clock, now);
    }
    return row->checked && age_ns <= DELETER_CHECK_LIFE_MS * TIME_NS_PER_MS &&
           !clock_stepped(&row->check, now);
}

static void begin_attempt(struct row *row)
{
    struct deleter *deleter = row->deleter;
    struct clock_sample now = sample_clock(deleter);
    row->sent = false;
    row->signed_at_ms = 0;
    if (deleter->stopping || deleter->config.settle_only) {
        settle(row, OUTCOME_NOT_ATTEMPTED);
        return;
    }
    if (!check_holds(row, &now)) {
        row->check_needless = false;
        set_state(row, ROW_CHECK);
        submit(row, OPERATION_DESCRIBE_EXECUTION, on_described);
        return;
    }
    set_state(row, ROW_INTENT);
    row->attempt++;
    row->request = (struct ledger_request){.operation = LEDGER_INTENT,
                                           .run = deleter->config.run,
                                           .row = row->number,
                                           .attempt = row->attempt,
                                           .done = on_intent,
                                           .owner = row};
    deleter->config.ledger->submit(deleter->config.ledger->ctx, &row->request);
}

/* The look after a quarantine is as good as a check. */
static void look(struct row *row)
{
    set_state(row, ROW_LOOK);
    submit(row, OPERATION_DESCRIBE_EXECUTION, on_described);
}

static void look_later(struct row *row)
{
    struct clock_sample now = sample_clock(row->deleter);
    if (now.mono_ns >= row->look_end_ns) {
        settle(row, OUTCOME_UNKNOWN);
        return;
    }
    set_state(row, ROW_LOOK_WAIT);
    start_timer(row, LOOK_AGAIN_NS);
}

/* The check counts from when it was asked, not from when the answer came. */
static void keep_check(struct row *row)
{
    const struct call *call = &row->dispatch.call;
    struct clock_sample now = sample_clock(row->deleter);
    int64_t taken_ms = now.wall_ms > call->signed_at_ms ? now.wall_ms - call->signed_at_ms : 0;
    row->plan.execution.fingerprint = call->execution.fingerprint;
    row->checked = true;
    row->check.mono_ns = now.mono_ns - taken_ms * TIME_NS_PER_MS;
    row->check.wall_ms = now.wall_ms - taken_ms;
    row->open = false;
}

static void on_described(struct dispatch *dispatch)
{
    struct row *row = dispatch->owner;
    struct deleter *deleter = row->deleter;
    bool looking = row->state == ROW_LOOK;
    enum found found = step_found(&dispatch->call, &row->plan.execution);
    row->answer = dispatch->call.answer;
    note_clock(deleter, &row->answer);
    if (!looking && deleter->stopping) {
        settle(row, OUTCOME_NOT_ATTEMPTED);
        return;
    }
    if (looking && found == FOUND_NO_ANSWER && deleter->hurry) {
        settle(row, OUTCOME_UNKNOWN);
        return;
    }
    struct step step =
        looking ? step_after_look(found, &row->history) : step_after_check(found, &row->history);
    if (step.refused) {
        note_refusal(deleter, &dispatch->call);
    }
    if (found == FOUND_SAME) {
        keep_check(row);
    }
    if (step.kind == STEP_SETTLE) {
        record(row, step);
    } else if (step.kind == STEP_LOOK_AGAIN) {
        look_later(row);
    } else {
        begin_attempt(row);
    }
}

static void on_intent(struct ledger_request *request)
{
    struct row *row = request->owner;
    struct deleter *deleter = row->deleter;
    if (request->err.code != ERR_NONE) {
        stop_because(deleter, &request->err, ANSWER_DONE); /* results may still be written */
    }
    row->intended = request->err.code == ERR_NONE;
    if (deleter->stopping) {
        row->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "Withheld"};
        settle(row, OUTCOME_NOT_ATTEMPTED);
        return;
    }
    set_state(row, ROW_SEND);
    submit(row, OPERATION_DELETE_EXECUTION, on_sent);
}

/* The gate. Everything that must be true of a deletion is looked at once more, with the one clock sample that
 * becomes its date. */
static bool may_send(struct dispatch *dispatch, int64_t wall_ms)
{
    struct row *row = dispatch->owner;
    struct deleter *deleter = row->deleter;
    const struct env *env = deleter->config.env;
    struct clock_sample now = {.mono_ns = env->mono_ns(env->ctx), .wall_ms = wall_ms};
    int64_t median_ms = dispatcher_skew_ms(deleter->config.dispatcher), latest_ms = deleter->skew_ms;
    struct err ignored;
    if (deleter->stopping || !check_holds(row, &now) ||
        !execution_status_terminal(row->plan.execution.fingerprint.status)) {
        return false;
    }
    if (guard_clock(median_ms, &ignored) != 0 || guard_clock(latest_ms, &ignored) != 0) {
        row->checked = row->check_needless = false; /* the next answer brings a newer Date */
        return false;
    }
    int64_t skew_ms = llabs(median_ms) > llabs(latest_ms) ? median_ms : latest_ms;
    row->quarantine_end_ns = now.mono_ns + quarantine_ns(deleter->config.signature_life_ms, skew_ms);
    row->signed_at_ms = wall_ms;
    row->sent = row->open = true;
    return true;
}

static void on_sent(struct dispatch *dispatch)
{
    struct row *row = dispatch->owner;
    struct deleter *deleter = row->deleter;
    row->answer = dispatch->call.answer;
    note_clock(deleter, &row->answer);
    struct step step = step_after_send(row->answer.class, !row->sent, &row->history);
    if (step.refused) {
        note_refusal(deleter, &dispatch->call);
    } else if (step.kind == STEP_SETTLE) {
        guard_answered(&deleter->run);
    }
    if (step.kind == STEP_AGAIN && deleter->stopping) {
        step = (struct step){.kind = STEP_SETTLE, .outcome = OUTCOME_NOT_ATTEMPTED};
    }
    if (step.kind == STEP_QUARANTINE) {
        row->checked = row->check_needless = false;
    }
    record(row, step);
}

/* Where the network is down the lane would let the same rows fail again at once. */
static int64_t wait_ns(const struct row *row)
{
    const struct env *env = row->deleter->config.env;
    if (row->history.unsent == 0) {
        return 0;
    }
    return backoff_ns(BACKOFF_TRANSIENT, row->history.unsent, env->random(env->ctx, RANDOM_BACKOFF));
}

static void quarantine(struct row *row)
{
    struct deleter *deleter = row->deleter;
    const struct env *env = deleter->config.env;
    if (deleter->hurry) {
        settle(row, OUTCOME_UNKNOWN);
        return;
    }
    set_state(row, ROW_QUARANTINE);
    row->look_end_ns = row->quarantine_end_ns + DELETER_VERIFY_LIFE_MS * TIME_NS_PER_MS;
    env->start(env->ctx, &row->timer, row->quarantine_end_ns);
}

static void on_recorded(struct ledger_request *request)
{
    struct row *row = request->owner;
    if (request->err.code != ERR_NONE) {
        freeze(row->deleter, &request->err);
        leave_unrecorded(row);
        return;
    }
    row->intended = false;
    if (row->step.kind == STEP_SETTLE) {
        leave(row, row->step.outcome);
        return;
    }
    if (row->step.kind == STEP_QUARANTINE) {
        struct deleter *deleter = row->deleter;
        quarantine(row);
        deleter->config.changed(deleter->config.owner); /* there is room for another */
        return;
    }
    row->open = false; /* the ledger knows now that it was not executed */
    int64_t wait = wait_ns(row);
    if (wait == 0 || row->deleter->stopping) {
        begin_attempt(row);
        return;
    }
    set_state(row, ROW_WAIT);
    start_timer(row, wait);
}

/* A row of a run that was interrupted goes on where it was. When its request was signed is not known, only
 * that it was before now. */
static void enter(struct row *row)
{
    struct deleter *deleter = row->deleter;
    if (!row->open) {
        begin_attempt(row);
        return;
    }
    row->quarantine_end_ns =
        sample_clock(deleter).mono_ns + quarantine_ns(deleter->config.signature_life_ms, deleter->skew_ms);
    if (!row->intended) {
        quarantine(row);
        return;
    }
    row->history.lost++;
    row->answer = (struct answer){.class = ANSWER_AMBIGUOUS, .code = "Interrupted"};
    record(row, (struct step){.kind = STEP_QUARANTINE});
}

static void on_timer(struct env_timer *timer)
{
    struct row *row = timer->owner;
    if (row->state == ROW_PARKED) {
        enter(row);
    } else if (row->state == ROW_WAIT) {
        begin_attempt(row);
    } else if (row->deleter->hurry) {
        settle(row, OUTCOME_UNKNOWN);
    } else {
        look(row);
    }
}

/* --- the deleter --- */

struct deleter *deleter_create(const struct deleter_config *config)
{
    struct deleter *deleter = mem_zalloc(sizeof *deleter);
    deleter->config = *config;
    deleter->pairs = pairs_create();
    deleter->clock = sample_clock(deleter);
    deleter->skew_ms = dispatcher_skew_ms(config->dispatcher);
    return deleter;
}

void deleter_destroy(struct deleter *deleter)
{
    if (deleter == NULL) {
        return;
    }
    pairs_destroy(deleter->pairs);
    free(deleter);
}

size_t deleter_room(const struct deleter *deleter)
{
    const size_t *in_state = deleter->in_state;
    size_t active = in_state[ROW_CHECK] + in_state[ROW_INTENT] + in_state[ROW_SEND] + in_state[ROW_RECORD] +
                    in_state[ROW_WAIT];
    struct lane_view lane;
    dispatcher_lane(deleter->config.dispatcher, OPERATION_DELETE_EXECUTION, &lane);
    if (deleter->stopping) {
        return 0;
    }
    return step_room(lane.rate_per_1000s, active, deleter->count, DELETER_HELD_MAX);
}

static bool needs_no_check(const struct deleter *deleter, const struct plan_row *row)
{
    const struct job *job = NULL;
    return deleter->config.policy->verify_risky &&
           facts_get(deleter->config.facts, row->execution.job_id, &job) == FACT_KNOWN &&
           step_check_needless(job);
}

void deleter_add(struct deleter *deleter, int64_t number, const struct plan_row *plan)
{
    struct row *row = mem_zalloc(sizeof *row);
    if (plan->force) {
        abort(); /* nothing in this version can select with force: a broken ledger or a bug */
    }
    row->deleter = deleter;
    row->plan = *plan;
    row->number = number;
    row->attempt = plan->attempts;
    row->history.lost = plan->lost;
    row->intended = plan->open;
    row->open = plan->open || plan->unsure;
    row->check_needless = needs_no_check(deleter, plan) && plan->attempts == 0;
    row->timer = (struct env_timer){.fire = on_timer, .owner = row};
    row->claim.owner = row;
    DL_APPEND(deleter->rows, row);
    deleter->count++;
    deleter->in_state[ROW_NEW]++;
    if (pairs_claim(deleter->pairs, plan->execution.job_id, plan->execution.thing_name, &row->claim)) {
        enter(row);
    } else {
        set_state(row, ROW_PARKED);
    }
}

void deleter_cancel(struct deleter *deleter, bool hurry)
{
    stop(deleter, hurry);
}

size_t deleter_rows(const struct deleter *deleter)
{
    return deleter->count;
}

size_t deleter_quarantined(const struct deleter *deleter)
{
    return deleter->in_state[ROW_QUARANTINE] + deleter->in_state[ROW_LOOK] + deleter->in_state[ROW_LOOK_WAIT];
}

const struct err *deleter_stopped(const struct deleter *deleter, enum answer_class *why)
{
    if (why != NULL) {
        *why = deleter->why;
    }
    return &deleter->stopped;
}
