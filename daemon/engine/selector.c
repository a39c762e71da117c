/* See engine/selector.h.
 *
 * The happy path: selector_add() decides; a row that needs no other goes to take(), others to the sieve.
 * Behind the last row the sieve runs and gives back each of them (on_sifted()), and then the last batch is
 * written (flush()) and answered for (on_written()). The ways out: the ledger or the scratch space fails
 * (fail()), selector_cancel(); each leads to done() as soon as nothing is on its way to the ledger. */
#include "engine/selector.h"

#include "base/mem.h"
#include "engine/guard.h"
#include "engine/plan_writer.h"
#include "engine/sieve.h"
#include "engine/steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum selector_state { SELECTOR_ADDING, SELECTOR_SIFTING, SELECTOR_WRITING, SELECTOR_DONE };

struct selector {
    struct selector_config config;
    enum selector_state state;
    struct plan_writer *writer;
    struct sieve *sieve; /* NULL: nothing needs it */
    struct env_timer end;
    bool failed, warned_of_future;
};

static void set_state(struct selector *selector, enum selector_state state)
{
    selector->state = state;
}

static void fail(struct selector *selector, const struct err *err, bool of_ledger)
{
    if (!selector->failed) {
        selector->failed = true;
        selector->config.failed(selector->config.owner, err, of_ledger);
    }
}

/* --- the end ------------------------------------------------------------------------------------------- */

static void end(struct selector *selector)
{
    const struct env *env = selector->config.env;
    if (selector->state == SELECTOR_WRITING && plan_writer_idle(selector->writer)) {
        env->start(env->ctx, &selector->end, env->mono_ns(env->ctx));
    }
}

static void on_end(struct env_timer *timer)
{
    struct selector *selector = timer->owner;
    set_state(selector, SELECTOR_DONE);
    selector->config.done(selector->config.owner);
}

static void flush(struct selector *selector)
{
    set_state(selector, SELECTOR_WRITING);
    plan_writer_flush(selector->writer);
    end(selector);
}

static void on_written(void *owner, const struct err *err)
{
    struct selector *selector = owner;
    if (err->code != ERR_NONE) {
        fail(selector, err, true);
    }
    end(selector);
}

/* --- rows ---------------------------------------------------------------------------------------------- */

static void tell(struct selector *selector, const struct job_execution *execution,
                 const struct verdict *verdict)
{
    if (selector->config.row != NULL) {
        selector->config.row(selector->config.owner, execution, verdict);
    }
}

/* The verdict is final, but for limits.per_run. */
static void take(struct selector *selector, const struct job_execution *execution, struct verdict *verdict)
{
    struct report *report = selector->config.report;
    if (verdict->delete &&!guard_takes(selector->config.policy, report->selected)) {
        verdict->delete = verdict->force = false;
        verdict->cause = CAUSE_LIMIT;
        report->remaining++;
        snprintf(verdict->reason, sizeof verdict->reason, "left for the next time by limits.per_run");
    }
    if (verdict->delete) {
        report->selected++;
        plan_writer_add(selector->writer, execution, verdict);
    }
    tell(selector, execution, verdict);
}

static void warn_of_future(struct selector *selector, const struct job_execution *execution,
                           const struct verdict *verdict)
{
    char text[512];
    if (verdict->cause != CAUSE_FUTURE || selector->warned_of_future) {
        return;
    }
    selector->warned_of_future = true;
    snprintf(text, sizeof text, "%s/%s/%lld is kept: %s; a clock is wrong somewhere", execution->job_id,
             execution->thing_name, (long long)execution->number, verdict->reason);
    selector->config.warning(selector->config.owner, text);
}

void selector_add(struct selector *selector, const struct job *job, const struct job_execution *execution,
                  int64_t now_ms)
{
    const struct policy *policy = selector->config.policy;
    const struct match_facts facts = things_facts(selector->config.things, job);
    struct verdict verdict;
    struct err err;
    if (selector->failed || selector->state != SELECTOR_ADDING) {
        return;
    }
    selector->config.report->listed++;
    policy_decide(policy, &facts, execution, now_ms, &verdict);
    warn_of_future(selector, execution, &verdict);
    bool open = selector->sieve != NULL && (verdict.delete || verdict.undecided);
    if (selector->sieve != NULL && sieve_wants(policy, &verdict) &&
        sieve_add(selector->sieve, execution, &verdict, &err) != 0) {
        fail(selector, &err, false);
        return;
    }
    if (!open) {
        take(selector, execution, &verdict);
    }
}

/* What a row that was given comes to, as far as it is known: OUTCOME_PENDING, it goes; else the verdict says
 * why it stays. The groups of its thing are asked for when deletion begins, and are not known here: a rule by
 * group protects all that its other patterns name. */
static enum outcome judge_given(const struct selector *selector, const struct plan_row *row, int64_t now_ms,
                                struct verdict *verdict)
{
    const struct policy *policy = selector->config.policy;
    const struct job_execution *execution = &row->execution;
    const char *word = NULL;
    if (step_sending(row, policy->force) != SENDING_NEVER) {
        const struct protect_rule *rule =
            protect_find(policy->protect, NULL, execution->job_id, execution->thing_name, now_ms);
        if (rule == NULL) {
            return OUTCOME_PENDING;
        }
        verdict->place = &rule->place;
        verdict->cause = CAUSE_PROTECTED;
        protect_explain(rule, verdict->reason);
        return OUTCOME_PROTECTED;
    }
    enum outcome outcome = step_unsendable(row, &word);
    bool gone = outcome == OUTCOME_GONE;
    verdict->cause = CAUSE_GIVEN;
    snprintf(verdict->reason, sizeof verdict->reason, "%s%s",
             gone ? "there is no such job execution" : "status ",
             gone ? "" : execution_status_name(execution->fingerprint.status));
    return outcome;
}

void selector_take(struct selector *selector, const struct plan_row *row, int64_t now_ms, bool deletes)
{
    struct report *report = selector->config.report;
    struct verdict verdict = {.force = row->force};
    if (selector->failed || selector->state != SELECTOR_ADDING) {
        return;
    }
    report->listed++;
    report->selected++;
    memcpy(verdict.reason, row->reason, sizeof verdict.reason);
    plan_writer_add(selector->writer, &row->execution, &verdict);
    enum outcome outcome = judge_given(selector, row, now_ms, &verdict);
    verdict.delete = outcome == OUTCOME_PENDING;
    report->outcomes[outcome] += !verdict.delete &&!deletes;
    tell(selector, &row->execution, &verdict);
}

static void on_sifted(void *owner, const struct job_execution *execution, const struct verdict *verdict,
                      bool later)
{
    struct selector *selector = owner;
    struct verdict final = *verdict;
    selector->config.report->remaining += later;
    selector->config.report->in_grace += verdict->cause == CAUSE_GRACE;
    take(selector, execution, &final);
}

static void on_all_sifted(void *owner, const struct err *err, bool of_ledger)
{
    struct selector *selector = owner;
    if (err->code != ERR_NONE && err->code != ERR_CANCELED) {
        fail(selector, err, of_ledger);
    }
    flush(selector);
}

static void on_pause(void *owner, bool pause)
{
    struct selector *selector = owner;
    if (selector->sieve != NULL) {
        sieve_pause(selector->sieve, pause);
    }
    if (selector->state == SELECTOR_ADDING) {
        selector->config.pause(selector->config.owner, pause);
    }
}

/* --- the selector -------------------------------------------------------------------------------------- */

struct selector *selector_create(const struct selector_config *config)
{
    struct selector *selector = mem_zalloc(sizeof *selector);
    struct plan_writer_config writer = {.ledger = config->ledger,
                                        .run = config->run,
                                        .owner = selector,
                                        .pause = on_pause,
                                        .written = on_written};
    struct sieve_config sieve = {.env = config->env,
                                 .scratch = config->scratch,
                                 .policy = config->policy,
                                 .grace = {.ledger = config->ledger,
                                           .run = config->run,
                                           .header = config->header,
                                           .sha256 = config->sha256},
                                 .owner = selector,
                                 .row = on_sifted,
                                 .done = on_all_sifted};
    selector->config = *config;
    selector->end = (struct env_timer){.fire = on_end, .owner = selector};
    selector->writer = plan_writer_create(&writer);
    selector->sieve = !config->given && sieve_needed(config->policy) ? sieve_create(&sieve) : NULL;
    return selector;
}

void selector_finish(struct selector *selector, bool complete, int64_t now_ms)
{
    if (selector->sieve != NULL && complete && !selector->failed) {
        set_state(selector, SELECTOR_SIFTING);
        sieve_run(selector->sieve, now_ms);
    } else {
        flush(selector);
    }
}

void selector_cancel(struct selector *selector)
{
    if (selector->state == SELECTOR_SIFTING) {
        sieve_cancel(selector->sieve);
    }
}

void selector_destroy(struct selector *selector)
{
    if (selector == NULL) {
        return;
    }
    selector->config.env->stop(selector->config.env->ctx, &selector->end);
    sieve_destroy(selector->sieve);
    plan_writer_destroy(selector->writer);
    free(selector);
}
