/* See engine/row.h; the decisions are in engine/steps.h, engine/brake.h and engine/row_gate.h.
 *
 * The happy path: row_create() -> begin_attempt() -> on_described() -> begin_attempt() -> (on_archived() ->
 * begin_attempt() ->) on_intent() -> may_send() -> on_sent() -> record() -> on_recorded() -> leave().
 * The ways out: the check finds something else or nothing; the answer says so; a lost answer goes through
 * ROW_QUARANTINE and look() and then settles or begins anew; what was not executed begins anew, through
 * ROW_WAIT where the network failed. A row whose (job, thing) is busy waits in ROW_PARKED.
 * The end of all: once the brake is pulled nothing more passes the gate, and row_wake() brings every row that
 * waits back; each then settles through record(). Where the ledger has failed it leaves without. */
#include "engine/row.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/backoff.h"
#include "engine/row_gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_NS (60 * TIME_NS_PER_SECOND)

static void set_state(struct row *row, enum row_state state)
{
    row->shared->in_state[row->state]--;
    row->shared->in_state[state]++;
    row->state = state;
}

static struct clock_sample sample_clock(const struct row *row)
{
    const struct env *env = row->shared->env;
    return (struct clock_sample){.mono_ns = env->mono_ns(env->ctx), .wall_ms = env->wall_ms(env->ctx)};
}

static void start_timer(struct row *row, int64_t after_ns)
{
    const struct env *env = row->shared->env;
    env->start(env->ctx, &row->timer, env->mono_ns(env->ctx) + after_ns);
}

static void tell_if(struct row *row, bool braked)
{
    if (braked) {
        row->shared->braked(row->shared->owner);
    }
}

/* --- the end of a row --- */

static void leave(struct row *row, enum outcome outcome)
{
    struct row_shared *shared = row->shared;
    int64_t barred_ns = outcome == OUTCOME_UNKNOWN ? row->quarantine_end_ns : 0;
    struct pair_claim *next = pairs_release(dispatcher_pairs(shared->dispatcher), &row->claim, barred_ns);
    if (next != NULL && ((struct row *)next->owner)->state == ROW_PARKED) { /* else it was woken already */
        start_timer(next->owner, 0);
    }
    shared->env->stop(shared->env->ctx, &row->timer);
    shared->in_state[row->state]--;
    shared->left(shared->owner, row, outcome);
}

static void leave_unrecorded(struct row *row)
{
    leave(row, row->open ? OUTCOME_UNKNOWN : OUTCOME_NOT_ATTEMPTED);
}

static void on_recorded(struct ledger_request *request);

/* Writes down what came of the row; step says how it goes on from there. */
static void record(struct row *row, struct step step)
{
    struct row_shared *shared = row->shared;
    row->step = step;
    set_state(row, ROW_RECORD);
    row->request = (struct ledger_request){.operation = LEDGER_RESULT,
                                           .run = shared->run,
                                           .row = row->number,
                                           .attempt = row->intended ? row->attempt : 0,
                                           .signed_at_ms = row->intended ? row->signed_at_ms : 0,
                                           .answer = row->answer,
                                           .done = on_recorded,
                                           .owner = row};
    row->request.outcome = step.kind == STEP_SETTLE ? step.outcome : OUTCOME_PENDING;
    shared->ledger->submit(shared->ledger->ctx, &row->request);
}

static void settle(struct row *row, enum outcome outcome)
{
    record(row, (struct step){.kind = STEP_SETTLE, .outcome = outcome});
}

/* --- answers --- */

static void note_clock(struct row *row)
{
    struct row_shared *shared = row->shared;
    struct clock_sample now = sample_clock(row);
    int64_t median_ms = dispatcher_skew_ms(shared->dispatcher);
    bool known = dispatcher_service_ms(shared->dispatcher) != 0;
    tell_if(row, brake_answered(&shared->brake, &row->answer, &now, median_ms, known));
}

/* What the step is then: a row that was only the first to be refused has not failed. */
static struct step note_refusal(struct row *row, struct step step)
{
    tell_if(row, brake_refused(&row->shared->brake, &row->dispatch.call));
    return step_is_for_all(&row->dispatch.call) ? (struct step){.kind = STEP_AGAIN} : step;
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
    call->wants_document = row->shared->archivist != NULL && operation == OPERATION_DESCRIBE_EXECUTION;
    if (operation == OPERATION_DELETE_EXECUTION) {
        call->force = step_sending(&row->plan, row->shared->force) == SENDING_FORCED;
        row->dispatch.gate = may_send;
    }
    dispatcher_submit(row->shared->dispatcher, &row->dispatch);
}

static void settle_unsendable(struct row *row)
{
    const char *word = "NotFinished"; /* stays in the ledger; the message is for people */
    enum outcome outcome = row->shared->given ? step_unsendable(&row->plan, &word) : OUTCOME_FAILED;
    row->answer = (struct answer){.class = ANSWER_NOT_SENT};
    text_copy(row->answer.code, sizeof row->answer.code, word);
    snprintf(row->answer.message, sizeof row->answer.message, "its status is %s",
             execution_status_name(row->plan.execution.fingerprint.status));
    settle(row, outcome);
}

static void settle_protected(struct row *row, const struct protect_rule *rule)
{
    bool says = rule->reason != NULL;
    row->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "Protected"};
    snprintf(row->answer.message, sizeof row->answer.message, "%s%s%s:%d:%d", says ? rule->reason : "",
             says ? ", by " : "by ", rule->place.file, rule->place.line, rule->place.column);
    settle(row, OUTCOME_PROTECTED);
}

static void settle_stopped(struct row *row)
{
    if (row->shared->brake.expired) {
        row->answer =
            (struct answer){.class = ANSWER_NOT_SENT, .code = "Expired", .message = "the plan has expired"};
    }
    settle(row, OUTCOME_NOT_ATTEMPTED);
}

static void on_archived(struct archiving *archiving);

static void archive(struct row *row)
{
    struct archiving *archiving = &row->archiving;
    set_state(row, ROW_ARCHIVE);
    archiving->execution = &row->plan.execution;
    archiving->reason = row->plan.reason;
    archiving->row = row->number;
    archiving->done = on_archived;
    archiving->owner = row;
    archivist_submit(row->shared->archivist, archiving);
}

static void ask_intent(struct row *row)
{
    struct row_shared *shared = row->shared;
    set_state(row, ROW_INTENT);
    row->attempt++;
    row->request = (struct ledger_request){.operation = LEDGER_INTENT,
                                           .run = shared->run,
                                           .row = row->number,
                                           .attempt = row->attempt,
                                           .done = on_intent,
                                           .owner = row};
    shared->ledger->submit(shared->ledger->ctx, &row->request);
}

static void begin_attempt(struct row *row)
{
    struct row_shared *shared = row->shared;
    struct clock_sample now = sample_clock(row);
    row->sent = false;
    row->signed_at_ms = 0;
    if (row_gate_expired(shared, now.wall_ms)) {
        tell_if(row, brake_expire(&shared->brake));
    }
    if (shared->brake.stopping) {
        settle_stopped(row);
        return;
    }
    if (step_sending(&row->plan, shared->force) == SENDING_NEVER) {
        settle_unsendable(row);
        return;
    }
    const struct protect_rule *rule = row_gate_protection(row, &now);
    if (rule != NULL) {
        settle_protected(row, rule);
        return;
    }
    if (!row_gate_check_holds(row, &now)) {
        row->check_needless = false;
        set_state(row, ROW_CHECK);
        submit(row, OPERATION_DESCRIBE_EXECUTION, on_described);
        return;
    }
    if (shared->archivist != NULL && !row->archiving.archived) {
        archive(row);
        return;
    }
    ask_intent(row);
}

/* The look after a quarantine is as good as a check. It has its time: a throttled read would be repeated for
 * ever. The machine may have slept until it was over: then this one has a minute. */
static void look(struct row *row)
{
    const struct env *env = row->shared->env;
    int64_t least_ns = env->mono_ns(env->ctx) + LOOK_AGAIN_NS;
    set_state(row, ROW_LOOK);
    env->start(env->ctx, &row->timer, least_ns > row->look_end_ns ? least_ns : row->look_end_ns);
    submit(row, OPERATION_DESCRIBE_EXECUTION, on_described);
}

static void look_later(struct row *row)
{
    struct clock_sample now = sample_clock(row);
    if (now.mono_ns >= row->look_end_ns) {
        settle(row, OUTCOME_UNKNOWN);
        return;
    }
    set_state(row, ROW_LOOK_WAIT);
    start_timer(row, LOOK_AGAIN_NS);
}

/* The check counts from when it was asked, not from when the answer came; so a clock that is set meanwhile
 * shows, too. */
static void keep_check(struct row *row)
{
    struct call *call = &row->dispatch.call;
    archiving_keep(&row->archiving, call);
    row->plan.execution.fingerprint = call->execution.fingerprint;
    row->checked = true;
    row->check = (struct clock_sample){.mono_ns = row->dispatch.sent_ns, .wall_ms = call->signed_at_ms};
    row->open = false;
}

static void on_described(struct dispatch *dispatch)
{
    struct row *row = dispatch->owner;
    struct row_shared *shared = row->shared;
    bool looking = row->state == ROW_LOOK;
    enum found found = step_found(&dispatch->call, &row->plan.execution);
    row->answer = dispatch->call.answer;
    shared->env->stop(shared->env->ctx, &row->timer);
    note_clock(row);
    if (!looking && shared->brake.stopping) {
        settle_stopped(row);
        return;
    }
    if (looking && found == FOUND_NO_ANSWER && shared->brake.hurry) {
        settle(row, OUTCOME_UNKNOWN);
        return;
    }
    struct step step =
        looking ? step_after_look(found, &row->history) : step_after_check(found, &row->history);
    if (step.refused) {
        step = note_refusal(row, step);
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

/* No archive, no deletion, unless that is optional: then the archivist says that all is well. What goes for
 * all says nothing of this row. */
static void on_archived(struct archiving *archiving)
{
    struct row *row = archiving->owner;
    struct brake *brake = &row->shared->brake;
    enum err_code code = archiving->err.code;
    bool for_all = code == ERR_ARCHIVE || code == ERR_CREDENTIALS;
    bool alone = code != ERR_NONE && code != ERR_CANCELED && !for_all && !brake->stopping;
    if (code == ERR_CANCELED) {
        row->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "Canceled"};
    } else if (code != ERR_NONE) {
        row->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "NotArchived"};
        text_copy(row->answer.message, sizeof row->answer.message, archiving->err.msg);
    }
    if (alone || for_all) {
        tell_if(row, brake_unarchived(brake, &archiving->err, archiving->why, for_all));
    }
    if (alone) {
        settle(row, OUTCOME_FAILED);
    } else {
        begin_attempt(row);
    }
}

static void on_intent(struct ledger_request *request)
{
    struct row *row = request->owner;
    struct row_shared *shared = row->shared;
    if (request->err.code != ERR_NONE) {
        tell_if(row, brake_withhold(&shared->brake, &request->err));
    }
    row->intended = request->err.code == ERR_NONE;
    if (shared->brake.stopping) {
        row->answer = (struct answer){.class = ANSWER_NOT_SENT, .code = "Withheld"};
        settle_stopped(row);
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
    struct row_shared *shared = row->shared;
    struct clock_sample now = {.mono_ns = shared->env->mono_ns(shared->env->ctx), .wall_ms = wall_ms};
    int64_t skew_ms = row_gate_skew_ms(shared, wall_ms);
    bool known = dispatcher_service_ms(shared->dispatcher) != 0;
    struct err ignored;
    if (!row_gate_opens(row, &now)) {
        return false;
    }
    if (guard_clock(known, skew_ms, &ignored) != 0) {
        row->checked = row->check_needless = false; /* the next answer brings a newer Date */
        return false;
    }
    row->quarantine_end_ns = now.mono_ns + quarantine_ns(shared->signature_life_ms, skew_ms);
    row->signed_at_ms = wall_ms;
    dispatch->call.leave_by_ns =
        row->checked ? row->check.mono_ns + DELETER_CHECK_LIFE_MS * TIME_NS_PER_MS : 0;
    row->sent = row->open = true;
    return true;
}

static void on_sent(struct dispatch *dispatch)
{
    struct row *row = dispatch->owner;
    struct row_shared *shared = row->shared;
    row->answer = dispatch->call.answer;
    note_clock(row);
    struct step step = step_after_send(row->answer.class, !row->sent || dispatch->recalled, &row->history);
    if (step.refused) {
        step = note_refusal(row, step);
    } else if (step.kind == STEP_SETTLE) {
        guard_answered(&shared->brake.run);
    }
    if (step.kind == STEP_QUARANTINE) {
        row->checked = row->check_needless = false;
    }
    record(row, step);
}

/* Where the network is down the lane would let the same rows fail again at once. */
static int64_t wait_ns(const struct row *row)
{
    const struct env *env = row->shared->env;
    if (row->history.unsent == 0) {
        return 0;
    }
    return backoff_ns(BACKOFF_TRANSIENT, row->history.unsent, env->random(env->ctx, RANDOM_BACKOFF));
}

static void quarantine(struct row *row)
{
    struct row_shared *shared = row->shared;
    const struct env *env = shared->env;
    if (shared->brake.hurry) {
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
        tell_if(row, brake_freeze(&row->shared->brake, &request->err));
        leave_unrecorded(row);
        return;
    }
    row->intended = false;
    if (row->step.kind == STEP_SETTLE) {
        leave(row, row->step.outcome);
        return;
    }
    if (row->step.kind == STEP_QUARANTINE) {
        struct row_shared *shared = row->shared;
        quarantine(row);
        shared->room(shared->owner); /* there is room for another */
        return;
    }
    row->open = false; /* the ledger knows now that it was not executed */
    int64_t wait = wait_ns(row);
    if (wait == 0 || row->shared->brake.stopping) {
        begin_attempt(row);
        return;
    }
    set_state(row, ROW_WAIT);
    start_timer(row, wait);
}

/* Its turn has come. A row of a run that was interrupted goes on where it was. */
static void enter(struct row *row)
{
    struct row_shared *shared = row->shared;
    int64_t barred_ns = pairs_barred_ns(&row->claim);
    if (barred_ns > sample_clock(row).mono_ns && !shared->brake.stopping) {
        set_state(row, ROW_PARKED);
        shared->env->start(shared->env->ctx, &row->timer, barred_ns);
        return;
    }
    if (!row->open) {
        begin_attempt(row);
        return;
    }
    row->quarantine_end_ns = sample_clock(row).mono_ns; /* dead already: see deleter_add() */
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
    switch (row->state) {
    case ROW_PARKED:
        enter(row);
        return;
    case ROW_WAIT:
        begin_attempt(row);
        return;
    case ROW_LOOK:
        dispatcher_cancel(row->shared->dispatcher, &row->dispatch);
        return;
    case ROW_QUARANTINE:
    case ROW_LOOK_WAIT:
        if (row->shared->brake.hurry) {
            settle(row, OUTCOME_UNKNOWN);
        } else {
            look(row);
        }
        return;
    default:
        return;
    }
}

/* --- the face --- */

struct row *row_create(struct row_shared *shared, int64_t number, const struct plan_row *plan,
                       bool check_needless)
{
    struct row *row = mem_zalloc(sizeof *row);
    row->shared = shared;
    row->plan = *plan;
    row->number = number;
    row->attempt = plan->attempts;
    row->history.lost = plan->lost;
    row->intended = plan->open;
    row->open = plan->open || plan->unsure;
    row->check_needless = check_needless;
    row->timer = (struct env_timer){.fire = on_timer, .owner = row};
    row->claim.owner = row;
    shared->in_state[ROW_NEW]++;
    if (pairs_claim(dispatcher_pairs(shared->dispatcher), plan->execution.job_id, plan->execution.thing_name,
                    &row->claim, sample_clock(row).mono_ns)) {
        enter(row);
    } else {
        set_state(row, ROW_PARKED);
    }
    return row;
}

void row_destroy(struct row *row)
{
    call_finish(&row->dispatch.call);
    archiving_finish(&row->archiving);
    free(row);
}

/* --- stopping --- */

void row_wake(struct row *row)
{
    struct row_shared *shared = row->shared;
    switch (row->state) {
    case ROW_PARKED:
    case ROW_WAIT:
        start_timer(row, 0);
        return;
    case ROW_CHECK:
        dispatcher_cancel(shared->dispatcher, &row->dispatch);
        return;
    case ROW_SEND:
        if (!row->sent || shared->brake.hurry) {
            dispatcher_cancel(shared->dispatcher, &row->dispatch);
        } else {
            dispatcher_recall(shared->dispatcher, &row->dispatch);
        }
        return;
    case ROW_QUARANTINE:
    case ROW_LOOK_WAIT:
        if (shared->brake.hurry) {
            start_timer(row, 0);
        }
        return;
    case ROW_LOOK:
        if (shared->brake.hurry) {
            dispatcher_cancel(shared->dispatcher, &row->dispatch);
        }
        return;
    default: /* with the ledger, or the archive */
        return;
    }
}
