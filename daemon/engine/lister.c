/* See engine/lister.h.
 *
 * A scope is a job or a thing; a job may take several listings, one for each state. A worker takes the next
 * scope, goes through its listings one behind the other, and then takes another scope.
 *
 * The happy path: take_scope() -> next_listing() -> ask() -> on_page() -> use_page() -> ask() ... until the
 * scopes are used up and the last worker is idle; then finish().
 * The ways out: a page that cannot be had ends the whole list (fail()), except that a job or thing which no
 * longer exists ends its scope only; lister_cancel(). A worker also waits where the facts of a row's job are
 * not there yet (WORKER_FACTS, by thing only; on_learned() goes on) and while the lister is paused
 * (WORKER_PAUSED). */
#include "engine/lister.h"

#include "base/mem.h"
#include "engine/pager.h"
#include "engine/route.h"
#include "policy/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum worker_state { WORKER_IDLE, WORKER_ASKED, WORKER_FACTS, WORKER_PAUSED };

struct worker {
    struct lister *lister;
    enum worker_state state;
    struct pager pager;
    size_t next_row;              /* of the page that is there */
    struct seen rows;             /* of the present scope */
    unsigned status_bits;         /* of a job: states still to be listed */
    enum execution_status status; /* asked for in the present listing; EXECUTION_UNKNOWN: all */
};

struct lister {
    struct lister_config config;
    struct lister_view view;
    struct worker workers[LISTER_WORKERS];
    struct env_timer kick; /* begins, and goes on after a pause */
    int64_t next_scope;
    bool paused, canceled, done, warned;
};

static void set_state(struct worker *worker, enum worker_state state)
{
    worker->state = state;
}

static bool by_thing(const struct lister *lister)
{
    return lister->config.survey->route.by_thing;
}

static bool ending(const struct lister *lister)
{
    return lister->canceled || lister->view.err.code != ERR_NONE;
}

static void finish(struct lister *lister)
{
    for (int i = 0; i < LISTER_WORKERS; i++) {
        if (lister->workers[i].state != WORKER_IDLE) {
            return;
        }
    }
    if (lister->done || facts_pending(lister->config.facts) > 0) {
        return;
    }
    if (lister->canceled && lister->view.err.code == ERR_NONE) {
        err_set(&lister->view.err, ERR_CANCELED, "canceled");
    }
    lister->done = true;
    facts_listen(lister->config.facts, NULL, NULL);
    lister->config.done(lister->config.owner);
}

/* Everything under way is called back; what waits becomes idle. */
static void stop_workers(struct lister *lister)
{
    facts_cancel(lister->config.facts);
    for (int i = 0; i < LISTER_WORKERS; i++) {
        struct worker *worker = &lister->workers[i];
        pager_cancel(&worker->pager);
        if (worker->state != WORKER_ASKED) {
            set_state(worker, WORKER_IDLE);
        }
    }
}

static void fail(struct lister *lister, const struct err *err, enum answer_class why)
{
    if (!ending(lister)) {
        lister->view.err = *err;
        lister->view.why = why;
        stop_workers(lister);
    }
}

static void skip(struct lister *lister, size_t count, const char *why)
{
    if (count == 0) {
        return;
    }
    lister->view.skipped += (int64_t)count;
    if (!lister->warned) {
        char text[256];
        lister->warned = true;
        snprintf(text, sizeof text, "rows of the service's answers are left alone: %s", why);
        lister->config.warning(lister->config.owner, text);
    }
}

static void skip_row(struct lister *lister, const char *why)
{
    aside_skip(lister->config.aside, why, 1);
    skip(lister, 1, why);
}

/* --- rows --- */

static bool same_scope(const struct worker *worker, const struct job_execution *execution)
{
    const struct call *call = &worker->pager.dispatch.call;
    return by_thing(worker->lister) ? strcmp(execution->thing_name, call->thing_name) == 0
                                    : strcmp(execution->job_id, call->job_id) == 0;
}

/* What can be said without the facts of its job. */
static bool in_scope(const struct lister *lister, const struct job_execution *execution)
{
    const struct policy *policy = lister->config.policy;
    const struct match_facts facts = things_facts(lister->config.things, NULL);
    struct job job = {0};
    strcpy(job.job_id, execution->job_id);
    if (lister->config.everything) {
        return true;
    }
    return (policy->match.status_bits & EXECUTION_BIT(execution->fingerprint.status)) != 0 &&
           policy_wants_thing(policy, &facts, execution->thing_name) && policy_wants_job(policy, &job);
}

static bool is_new(struct worker *worker, const struct job_execution *execution)
{
    uint64_t hash = seen_hash((uint64_t)execution->number, execution->job_id, strlen(execution->job_id) + 1);
    hash = seen_hash(hash, execution->thing_name, strlen(execution->thing_name));
    return seen_add(&worker->rows, hash);
}

/* A row that is not in scope: why, where somebody should know. job is NULL where its id has said enough. */
static void leave_row(struct worker *worker, const struct job_execution *execution, const struct job *job)
{
    struct lister *lister = worker->lister;
    const struct policy *policy = lister->config.policy;
    const struct match_facts facts = things_facts(lister->config.things, NULL);
    enum execution_status status = execution->fingerprint.status;
    struct job named = {0};
    if (status == EXECUTION_UNKNOWN) {
        skip_row(lister, "its status is none that is known");
        return;
    }
    strcpy(named.job_id, execution->job_id);
    if ((policy->match.status_bits & EXECUTION_BIT(status)) != 0 &&
        policy_wants_thing(policy, &facts, execution->thing_name) && is_new(worker, execution)) {
        aside_execution(lister->config.aside, policy, job != NULL ? job : &named);
    }
}

/* False when the row must wait for the facts of its job. */
static bool use_row(struct worker *worker, const struct job_execution *execution)
{
    struct lister *lister = worker->lister;
    const struct job *job = NULL;
    if (!same_scope(worker, execution)) {
        skip_row(lister, by_thing(lister) ? "a row of another thing" : "a row of another job");
        return true;
    }
    if (!in_scope(lister, execution)) {
        leave_row(worker, execution, NULL);
        return true;
    }
    enum fact fact = facts_get(lister->config.facts, execution->job_id, &job);
    if (fact == FACT_ASKED) {
        return false;
    }
    bool wanted =
        lister->config.everything || (fact == FACT_KNOWN && policy_wants_job(lister->config.policy, job));
    if (wanted && is_new(worker, execution)) {
        lister->config.row(lister->config.owner, job, execution);
    } else if (!wanted && fact == FACT_KNOWN) {
        leave_row(worker, execution, job);
    }
    return true;
}

/* By thing: all facts that the page needs are asked for at once. */
static void want_facts(struct worker *worker)
{
    const struct page *page = &worker->pager.dispatch.call.page;
    for (size_t i = 0; i < page->count; i++) {
        if (same_scope(worker, &page->executions[i]) && in_scope(worker->lister, &page->executions[i])) {
            facts_want(worker->lister->config.facts, page->executions[i].job_id);
        }
    }
}

/* --- listings --- */

static void begin_listing(struct worker *worker, enum operation operation, const char *name)
{
    struct call *call = &worker->pager.dispatch.call;
    pager_begin(&worker->pager, worker->lister->config.dispatcher, operation);
    strcpy(operation == OPERATION_LIST_EXECUTIONS_FOR_JOB ? call->job_id : call->thing_name, name);
    call->status = worker->status;
}

/* A job's next state; false when there is none left. */
static bool next_status(struct worker *worker)
{
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if ((worker->status_bits & EXECUTION_BIT(status)) != 0) {
            worker->status_bits &= ~EXECUTION_BIT(status);
            worker->status = (enum execution_status)status;
            return true;
        }
    }
    return false;
}

/* Begins the first listing of the next scope; false when all scopes are taken. */
static bool take_scope(struct worker *worker)
{
    struct lister *lister = worker->lister;
    const struct survey_result *survey = lister->config.survey;
    const struct job *job = NULL;
    if (lister->next_scope == lister->view.scopes) {
        return false;
    }
    int64_t scope = lister->next_scope++;
    seen_clear(&worker->rows);
    worker->status_bits = 0;
    if (by_thing(lister)) {
        worker->status = lister->config.everything
                             ? EXECUTION_UNKNOWN
                             : route_thing_status(lister->config.policy->match.status_bits);
        begin_listing(worker, OPERATION_LIST_EXECUTIONS_FOR_THING, survey->things[scope]);
        return true;
    }
    worker->status = EXECUTION_UNKNOWN;
    if (facts_get(lister->config.facts, survey->jobs[scope], &job) == FACT_KNOWN) {
        worker->status_bits = route_job(job, lister->config.policy->match.status_bits).status_bits;
        next_status(worker);
    }
    begin_listing(worker, OPERATION_LIST_EXECUTIONS_FOR_JOB, survey->jobs[scope]);
    return true;
}

/* Moves the worker to the listing behind the one that is finished; false when there is nothing left to do. */
static bool next_listing(struct worker *worker, bool scope_gone)
{
    char job_id[JOB_ID_MAX + 1];
    if (!scope_gone && next_status(worker)) {
        strcpy(job_id, worker->pager.dispatch.call.job_id);
        begin_listing(worker, OPERATION_LIST_EXECUTIONS_FOR_JOB, job_id);
        return true;
    }
    worker->lister->view.scopes_done++;
    return take_scope(worker);
}

static void ask(struct worker *worker)
{
    if (worker->lister->paused) {
        set_state(worker, WORKER_PAUSED);
        return;
    }
    set_state(worker, WORKER_ASKED);
    pager_next(&worker->pager);
}

/* Goes on where the page was left: to its end, or to a row that must wait. */
static void use_page(struct worker *worker)
{
    const struct page *page = &worker->pager.dispatch.call.page;
    while (worker->next_row < page->count) {
        if (!use_row(worker, &page->executions[worker->next_row])) {
            set_state(worker, WORKER_FACTS);
            return;
        }
        worker->next_row++;
        if (ending(worker->lister)) { /* row() may cancel */
            set_state(worker, WORKER_IDLE);
            return;
        }
    }
    if (pager_more(&worker->pager) || next_listing(worker, false)) {
        ask(worker);
    } else {
        set_state(worker, WORKER_IDLE);
    }
}

static void leave_missing_scope(struct worker *worker)
{
    const struct call *call = &worker->pager.dispatch.call;
    if (by_thing(worker->lister)) {
        char text[THING_NAME_MAX + 64];
        snprintf(text, sizeof text, "thing %s does not exist", call->thing_name);
        worker->lister->config.warning(worker->lister->config.owner, text);
    }
    if (next_listing(worker, true)) {
        ask(worker);
    }
}

static void on_page(struct pager *pager)
{
    struct worker *worker = pager->owner;
    struct lister *lister = worker->lister;
    const struct call *call = &pager->dispatch.call;
    set_state(worker, WORKER_IDLE);
    if (ending(lister)) {
        finish(lister);
        return;
    }
    if (call->answer.class == ANSWER_GONE) {
        leave_missing_scope(worker);
    } else if (pager->err.code != ERR_NONE) {
        fail(lister, &pager->err, call->answer.class);
    } else {
        lister->view.pages++;
        aside_page(lister->config.aside, &call->page);
        skip(lister, call->page.skipped, call->page.skipped_why);
        worker->next_row = 0;
        if (by_thing(lister)) {
            want_facts(worker);
        }
        use_page(worker);
    }
    finish(lister);
}

static void on_learned(void *owner)
{
    struct lister *lister = owner;
    enum answer_class why;
    const struct err *failure = facts_failure(lister->config.facts, &why);
    if (failure->code != ERR_NONE) {
        fail(lister, failure, why);
    }
    for (int i = 0; i < LISTER_WORKERS; i++) {
        if (lister->workers[i].state == WORKER_FACTS) {
            use_page(&lister->workers[i]);
        }
    }
    finish(lister);
}

/* At the beginning every worker is idle and takes a scope; after a pause the paused ones go on. */
static void on_kick(struct env_timer *timer)
{
    struct lister *lister = timer->owner;
    for (int i = 0; i < LISTER_WORKERS && !lister->paused && !ending(lister); i++) {
        struct worker *worker = &lister->workers[i];
        if (worker->state == WORKER_PAUSED || (worker->state == WORKER_IDLE && take_scope(worker))) {
            ask(worker);
        }
    }
    finish(lister);
}

static void kick(struct lister *lister)
{
    const struct env *env = lister->config.env;
    env->start(env->ctx, &lister->kick, env->mono_ns(env->ctx));
}

struct lister *lister_start(const struct lister_config *config)
{
    struct lister *lister = mem_zalloc(sizeof *lister);
    lister->config = *config;
    const struct survey_result *survey = config->survey;
    lister->view.scopes = (int64_t)(survey->route.by_thing ? survey->thing_count : survey->job_count);
    for (int i = 0; i < LISTER_WORKERS; i++) {
        lister->workers[i].lister = lister;
        lister->workers[i].pager.answered = on_page;
        lister->workers[i].pager.owner = &lister->workers[i];
    }
    facts_listen(config->facts, on_learned, lister);
    lister->kick = (struct env_timer){.fire = on_kick, .owner = lister};
    kick(lister);
    return lister;
}

void lister_pause(struct lister *lister, bool pause)
{
    bool resumed = lister->paused && !pause;
    lister->paused = pause;
    if (resumed && !lister->done) {
        kick(lister);
    }
}

void lister_cancel(struct lister *lister)
{
    if (lister->done || ending(lister)) {
        return;
    }
    lister->canceled = true;
    stop_workers(lister);
    kick(lister);
}

void lister_destroy(struct lister *lister)
{
    if (lister == NULL) {
        return;
    }
    lister->config.env->stop(lister->config.env->ctx, &lister->kick);
    for (int i = 0; i < LISTER_WORKERS; i++) {
        pager_finish(&lister->workers[i].pager);
        seen_clear(&lister->workers[i].rows);
    }
    free(lister);
}

const struct lister_view *lister_view(const struct lister *lister)
{
    return &lister->view;
}
