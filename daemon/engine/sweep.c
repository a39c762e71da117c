/* See engine/sweep.h.
 *
 * The happy path: sweep_start() -> on_started() -> the supply and the selector (sweep_rows.c) ->
 * on_selected() -> on_sealed() -> the guards (judge_plan()) -> on_counted(), where the policy has a grace ->
 * deletion (sweep_delete.c) until every row is settled -> close_run() -> finish(). A run that was interrupted
 * enters at deletion (sweep_resume(), on_resumed()). The ways out: a list that cannot be had, a ledger that
 * fails, a plan that the guards refuse, a deleter that stops itself, sweep_cancel(). Each sets how the run
 * ends (sweep_end_as(), the first one counts) and then leads through close_run(), which counts every row that
 * was not settled as not attempted. Where the time of a run that was interrupted is over it only settles
 * (settle()). done() is the last thing that happens. */
#include "engine/sweep.h"

#include "base/mem.h"
#include "engine/apply.h"
#include "engine/curfew.h"
#include "engine/facts.h"
#include "engine/guard.h"
#include "engine/selector.h"
#include "engine/steps.h"
#include "engine/supply.h"
#include "engine/sweep_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sweep_set_state(struct sweep *sweep, enum sweep_state state)
{
    sweep->state = state;
}

static int64_t wall_ms(const struct sweep *sweep)
{
    return sweep->config.env->wall_ms(sweep->config.env->ctx);
}

int64_t sweep_mono_ns(const struct sweep *sweep)
{
    return sweep->config.env->mono_ns(sweep->config.env->ctx);
}

static int64_t service_ms(const struct sweep *sweep)
{
    return dispatcher_service_ms(sweep->config.dispatcher);
}

void sweep_warn(void *owner, const char *text)
{
    const struct sweep *sweep = owner;
    if (sweep->config.observer.warning != NULL) {
        sweep->config.observer.warning(sweep->config.observer.owner, text);
    }
}

bool sweep_deletes(const struct sweep *sweep)
{
    const struct sweep_config *config = &sweep->config;
    return !config->plan_only && config->policy->enforce && !config->target->plan_only;
}

/* The first reason to end is the one that is told. */
void sweep_end_as(struct sweep *sweep, enum sweep_end end, const struct err *err, enum answer_class why)
{
    if (sweep->ended) {
        return;
    }
    sweep->ended = true;
    sweep->report.end = end;
    sweep->report.why = why;
    if (err != NULL) {
        sweep->report.err = *err;
    }
}

static bool ledger_failed(struct sweep *sweep, const struct ledger_request *request)
{
    if (request->err.code == ERR_NONE) {
        return false;
    }
    sweep_end_as(sweep, SWEEP_STOPPED, &request->err, ANSWER_DONE);
    return true;
}

static void ask_ledger(struct sweep *sweep, struct ledger_request *request, enum ledger_operation operation,
                       void (*done)(struct ledger_request *request), void *owner)
{
    request->operation = operation;
    request->run = sweep->run;
    request->done = done;
    request->owner = owner;
    sweep->config.ledger->submit(sweep->config.ledger->ctx, request);
}

/* --- the end --- */

static void count_calls(const struct sweep *sweep, int64_t calls[OPERATION_COUNT])
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        struct lane_view lane;
        dispatcher_lane(sweep->config.dispatcher, (enum operation)i, &lane);
        calls[i] = lane.sent - sweep->calls_before[i];
    }
}

static void finish(struct sweep *sweep)
{
    struct report *report = &sweep->report;
    report->run = sweep->run;
    report->ended_ms = wall_ms(sweep);
    count_calls(sweep, report->calls);
    sweep_set_state(sweep, STATE_DONE);
    sweep->config.observer.done(sweep->config.observer.owner, report);
}

static void on_closed(struct ledger_request *request)
{
    struct sweep *sweep = request->owner;
    sweep->report.recorded = request->err.code == ERR_NONE;
    if (!sweep->report.recorded) { /* that matters more than any other reason to end */
        sweep->ended = false;
        ledger_failed(sweep, request);
    }
    finish(sweep);
}

/* A plan of what would be deleted is made for a person, and is none of its policy's runs, however it ends. */
static void write_note(const struct sweep *sweep, char *note, size_t size)
{
    const struct sweep_config *config = &sweep->config;
    const char *end = report_end_name(&sweep->report);
    if (!config->plan_only || !config->policy->enforce || config->target->plan_only) {
        snprintf(note, size, "%s", end);
    } else if (sweep->report.end == SWEEP_PLANNED) {
        snprintf(note, size, LEDGER_NOTE_SHOWN);
    } else {
        snprintf(note, size, LEDGER_NOTE_SHOWN ": %s", end);
    }
}

static void close_run(struct sweep *sweep)
{
    struct report *report = &sweep->report;
    bool limited = report->remaining > 0 || report->limit != LIMIT_ROWS;
    curfew_stop(&sweep->curfew);
    sweep_end_as(sweep, limited ? SWEEP_LIMITED : SWEEP_FINISHED, NULL, ANSWER_DONE);
    report->outcomes[OUTCOME_NOT_ATTEMPTED] += report->selected - report_outcome_sum(report);
    sweep_set_state(sweep, STATE_CLOSING);
    if (sweep->begun && (sweep->apply == NULL || !apply_complete(sweep->apply))) {
        finish(sweep); /* it stays open, so that what may have been sent is taken up again */
        return;
    }
    sweep->request = (struct ledger_request){.ended_ms = wall_ms(sweep)};
    write_note(sweep, sweep->request.note, sizeof sweep->request.note);
    ask_ledger(sweep, &sweep->request, LEDGER_END_RUN, on_closed, sweep);
}

/* --- the plan is complete --- */

static void warn_of_guard(struct sweep *sweep, const struct err *err)
{
    struct err text = *err;
    err_context(&text, "this plan would not be applied");
    sweep_warn(sweep, text.msg);
}

/* A selection counts for graces when its plan is one that may be applied, as far as it can be told by now. */
static bool judge_selection(struct sweep *sweep, bool over)
{
    struct err err;
    bool graced = sweep->header.graced;
    if (graced &&
        guard_clock(service_ms(sweep) != 0, dispatcher_skew_ms(sweep->config.dispatcher), &err) != 0) {
        err_context(&err, "what is selected now does not count for its grace");
        sweep_warn(sweep, err.msg);
        return false;
    }
    return graced && !over;
}

/* Decides whether the sealed plan is applied. Rows that were given may need no call so far: then the clock is
 * known, and judged, with the first answer (engine/brake.h). Neither may a policy that nothing can match. */
static void judge_plan(struct sweep *sweep)
{
    const struct report *report = &sweep->report;
    struct err err;
    bool known = service_ms(sweep) != 0;
    bool may_be_unknown = sweep->config.source != NULL || report->selected == 0;
    const struct row_source *source = sweep->config.source;
    int64_t listed = source != NULL ? source->listed : report->listed;
    int64_t remaining = source != NULL ? source->remaining : report->remaining;
    bool over = guard_plan(sweep->config.policy, report->selected + remaining, listed, &err) != 0;
    sweep->counts = judge_selection(sweep, over);
    if (!sweep_deletes(sweep)) {
        if (over) {
            warn_of_guard(sweep, &err);
        }
        sweep_end_as(sweep, SWEEP_PLANNED, NULL, ANSWER_DONE);
    } else if (over) {
        sweep_end_as(sweep, SWEEP_GUARDED, &err, ANSWER_DONE);
    } else if ((known || !may_be_unknown) &&
               guard_clock(known, dispatcher_skew_ms(sweep->config.dispatcher), &err) != 0) {
        sweep_end_as(sweep, SWEEP_STOPPED, &err, ANSWER_DONE);
    }
}

static void leave_planning(struct sweep *sweep)
{
    if (sweep->ended) {
        close_run(sweep);
        return;
    }
    int64_t lost_ms = sweep->report.selected > 0 ? sweep->lost_signed_ms : 0;
    int64_t life_ms = sweep->config.target->signature_life_ms;
    sweep_delete(sweep, quarantine_left_ns(lost_ms, service_ms(sweep), life_ms), close_run);
}

static void on_counted(struct ledger_request *request)
{
    struct sweep *sweep = request->owner;
    if (request->err.code != ERR_NONE) { /* also of one that only looks */
        sweep->ended = false;
        ledger_failed(sweep, request);
    }
    leave_planning(sweep);
}

static void on_sealed(struct ledger_request *request)
{
    struct sweep *sweep = request->owner;
    if (!ledger_failed(sweep, request) && !sweep->ended) {
        judge_plan(sweep);
        count_calls(sweep, sweep->report.calls);
        if (sweep->config.observer.planned != NULL) {
            sweep->config.observer.planned(sweep->config.observer.owner, &sweep->report);
        }
    }
    bool stands = !sweep->ended || sweep->report.end == SWEEP_PLANNED; /* planned() may have canceled it */
    if (!stands || !sweep->counts) {
        leave_planning(sweep);
        return;
    }
    sweep->request = (struct ledger_request){.header = &sweep->header, .now_ms = service_ms(sweep)};
    ask_ledger(sweep, &sweep->request, LEDGER_COUNT_GRACES, on_counted, sweep);
}

static void on_selected(void *owner)
{
    struct sweep *sweep = owner;
    if (sweep->ended) {
        close_run(sweep);
        return;
    }
    sweep_set_state(sweep, STATE_SEALING);
    sweep->request = (struct ledger_request){0};
    ask_ledger(sweep, &sweep->request, LEDGER_SEAL_PLAN, on_sealed, sweep);
}

/* --- the sweep --- */

static void on_started(struct ledger_request *request)
{
    struct sweep *sweep = request->owner;
    if (ledger_failed(sweep, request)) {
        finish(sweep);
        return;
    }
    sweep->run = request->run;
    sweep->lost_signed_ms = request->lost_signed_ms;
    sweep->began_ns = sweep_mono_ns(sweep);
    if (sweep->ended || sweep->report.limit != LIMIT_ROWS) { /* not a call is made */
        close_run(sweep);
        return;
    }
    sweep_take_rows(sweep, on_selected);
}

static void fill_header(struct sweep *sweep)
{
    const struct sweep_config *config = &sweep->config;
    struct run_header *header = &sweep->header;
    const char *account = config->account != NULL ? config->account : config->target->account;
    const char *region = config->region != NULL ? config->region : config->target->region;
    snprintf(header->policy, sizeof header->policy, "%s", config->policy->name);
    snprintf(header->policy_sha256, sizeof header->policy_sha256, "%s",
             config->policy_sha256 != NULL ? config->policy_sha256 : "");
    snprintf(header->target, sizeof header->target, "%s", config->target->name);
    snprintf(header->account, sizeof header->account, "%s", account);
    snprintf(header->region, sizeof header->region, "%s", region);
    snprintf(header->origin, sizeof header->origin, "%s", config->origin != NULL ? config->origin : "");
    header->started_ms = sweep->report.started_ms;
    header->graced = config->policy->grace_ms > 0 && config->source == NULL && config->sha256 != NULL;
    if (header->graced) {
        const char *selection = config->policy->selection != NULL ? config->policy->selection : "";
        config->sha256(selection, strlen(selection), header->grace_sha256);
    }
}

static struct sweep *create(const struct sweep_config *config, bool resumed)
{
    struct sweep *sweep = mem_zalloc(sizeof *sweep);
    sweep->config = *config;
    sweep->config.observer.aside.owner = config->observer.owner;
    sweep->report.started_ms = wall_ms(sweep);
    sweep->facts = facts_create(config->dispatcher);
    sweep->things = things_create(&(struct things_config){.env = config->env,
                                                          .dispatcher = config->dispatcher,
                                                          .policy = config->policy,
                                                          .protect_only = resumed || config->source != NULL,
                                                          .owner = sweep,
                                                          .warning = sweep_warn});
    count_calls(sweep, sweep->calls_before);
    return sweep;
}

/* What the process that ended had under way may still take effect, whichever run it was of. */
static void on_resumed(struct env_timer *timer)
{
    struct sweep *sweep = timer->owner;
    if (sweep->ended || !sweep->begun) {
        close_run(sweep);
    } else {
        sweep_delete(sweep, sweep_longest_ns(sweep), close_run);
    }
}

/* What was sent is settled first. */
static void wind_up(struct sweep *sweep, bool hurry)
{
    if (sweep->state == STATE_SUPPLYING) {
        supply_cancel(sweep->supply);
    } else if (sweep->state == STATE_SELECTING) {
        selector_cancel(sweep->selector);
    } else if (sweep->state == STATE_PROTECTING) {
        things_cancel(sweep->things);
    } else if (sweep->state == STATE_DELETING) {
        apply_cancel(sweep->apply, hurry);
    }
}

/* Any row of a run that is resumed may have been sent before, so that all are gone through still, and the run
 * is at its end then; how it ends is said by close_run(). */
static void settle(struct sweep *sweep)
{
    sweep->settle_only = true;
    if (sweep->state == STATE_DELETING) {
        apply_settle(sweep->apply);
    } else {
        wind_up(sweep, false);
    }
}

static void on_curfew(void *owner, enum sweep_limit limit)
{
    struct sweep *sweep = owner;
    if (sweep->ended) {
        return;
    }
    sweep->report.limit = limit;
    if (sweep->begun) {
        settle(sweep);
    } else if (sweep->state != STATE_STARTING) {
        sweep_end_as(sweep, SWEEP_LIMITED, NULL, ANSWER_DONE);
        wind_up(sweep, false);
    }
}

static void watch_clock(struct sweep *sweep)
{
    if (sweep_deletes(sweep)) {
        sweep->curfew = (struct curfew){
            .env = sweep->config.env, .policy = sweep->config.policy, .over = on_curfew, .owner = sweep};
        sweep->report.limit = curfew_start(&sweep->curfew);
    }
}

struct sweep *sweep_start(const struct sweep_config *config)
{
    struct sweep *sweep = create(config, false);
    fill_header(sweep);
    watch_clock(sweep);
    sweep->request = (struct ledger_request){.header = &sweep->header};
    ask_ledger(sweep, &sweep->request, LEDGER_START_RUN, on_started, sweep);
    return sweep;
}

struct sweep *sweep_resume(const struct sweep_config *config, const struct ledger_request *found)
{
    struct sweep *sweep = create(config, true);
    const struct run_header *header = &found->found;
    const struct policy *policy = config->policy;
    struct err ignored;
    int64_t rows = (int64_t)found->count;
    bool same = config->policy_sha256 != NULL && strcmp(header->policy_sha256, config->policy_sha256) == 0 &&
                strcmp(header->policy, policy->name) == 0;
    bool within =
        guard_plan(policy, rows, 0, &ignored) == 0 && (policy->per_run == 0 || rows <= policy->per_run);
    sweep->run = found->run;
    sweep->header = *header;
    sweep->report.selected = rows;
    sweep->begun = found->begun;
    watch_clock(sweep);
    sweep->curfew.began_ns += sweep_longest_ns(sweep); /* it waits so long first */
    bool open = sweep->report.limit == LIMIT_ROWS;
    sweep->settle_only = !same || !within || !found->sealed || !sweep_deletes(sweep) || !open;
    sweep->began_ns = sweep_mono_ns(sweep);
    sweep->timer = (struct env_timer){.fire = on_resumed, .owner = sweep};
    config->env->start(config->env->ctx, &sweep->timer, sweep->began_ns);
    return sweep;
}

void sweep_cancel(struct sweep *sweep, bool hurry)
{
    if (sweep->state < STATE_CLOSING) {
        sweep_end_as(sweep, SWEEP_CANCELED, NULL, ANSWER_DONE);
        wind_up(sweep, hurry);
    }
}

void sweep_destroy(struct sweep *sweep)
{
    if (sweep == NULL) {
        return;
    }
    sweep->config.env->stop(sweep->config.env->ctx, &sweep->timer);
    curfew_stop(&sweep->curfew);
    apply_destroy(sweep->apply);
    archivist_destroy(sweep->archivist);
    supply_destroy(sweep->supply);
    facts_destroy(sweep->facts);
    things_destroy(sweep->things);
    selector_destroy(sweep->selector);
    free(sweep);
}
