/* See engine/given.h.
 *
 * The happy path: given_start() -> on_turn(): rows are taken; those with a fingerprint go on at once, the
 * others are described (ask(), on_described()), and each answer makes room for the next -> the source has no
 * more and nothing is asked -> done(). The ways out: a source that fails, an answer that says nothing of its
 * row, given_cancel(). Each sets err (the first one counts); what is asked is called back, and its end leads
 * to done(). */
#include "engine/given.h"

#include "base/mem.h"
#include "engine/steps.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    struct given *given;
    struct dispatch dispatch;
    struct plan_row row;
    bool busy;
};

struct given {
    struct given_config config;
    struct given_view view;
    struct env_timer timer; /* the next turn */
    struct asked asked[GIVEN_ASKED_MAX];
    size_t busy;
    bool paused, exhausted, ended;
};

static void turn_soon(struct given *given)
{
    const struct env *env = given->config.env;
    if (!given->timer.armed && !given->ended) {
        env->start(env->ctx, &given->timer, env->mono_ns(env->ctx));
    }
}

static void stop(struct given *given, const struct err *err, enum answer_class why)
{
    given->exhausted = true;
    if (given->view.err.code != ERR_NONE) {
        return;
    }
    given->view.err = *err;
    given->view.why = why;
    for (size_t i = 0; i < GIVEN_ASKED_MAX; i++) {
        if (given->asked[i].busy) {
            dispatcher_cancel(given->config.dispatcher, &given->asked[i].dispatch);
        }
    }
}

static void hand_on_described(struct given *given, struct plan_row *row)
{
    row->force = row->execution.fingerprint.status == EXECUTION_IN_PROGRESS && given->config.source->force;
    given->config.row(given->config.owner, row);
}

/* --- descriptions --- */

static void on_described(struct dispatch *dispatch)
{
    struct asked *asked = dispatch->owner;
    struct given *given = asked->given;
    const struct call *call = &dispatch->call;
    struct job_execution *execution = &asked->row.execution;
    struct err err;
    asked->busy = false;
    given->busy--;
    if (given->view.err.code == ERR_NONE && call->answer.class == ANSWER_GONE) {
        hand_on_described(given, &asked->row);
    } else if (given->view.err.code == ERR_NONE && step_describes(call, execution)) {
        *execution = call->execution;
        hand_on_described(given, &asked->row);
    } else if (given->view.err.code == ERR_NONE) {
        call_error(call, &err);
        if (call->answer.class == ANSWER_DONE) {
            err_set(&err, ERR_BROKEN, "DescribeJobExecution %s %s: the answer is about another one",
                    call->job_id, call->thing_name);
        }
        stop(given, &err, call->answer.class);
    }
    turn_soon(given);
}

static void ask(struct given *given, const struct plan_row *row)
{
    struct asked *asked = given->asked;
    while (asked->busy) {
        asked++;
    }
    call_finish(&asked->dispatch.call);
    *asked = (struct asked){.given = given, .row = *row, .busy = true};
    asked->dispatch = (struct dispatch){.done = on_described, .owner = asked};
    struct call *call = &asked->dispatch.call;
    call_init(call, OPERATION_DESCRIBE_EXECUTION);
    memcpy(call->job_id, row->execution.job_id, sizeof call->job_id);
    memcpy(call->thing_name, row->execution.thing_name, sizeof call->thing_name);
    call->number = row->execution.number;
    given->busy++;
    dispatcher_submit(given->config.dispatcher, &asked->dispatch);
}

/* --- taking --- */

static void take_one(struct given *given)
{
    const struct row_source *source = given->config.source;
    struct plan_row row = {0};
    struct err err;
    int result = source->next(source->ctx, &row, &err);
    if (result < 0) {
        stop(given, &err, ANSWER_DONE);
    } else if (result == 0) {
        given->exhausted = true;
    } else {
        given->view.taken++;
        if (row.execution.fingerprint.status == EXECUTION_UNKNOWN) {
            ask(given, &row);
        } else {
            given->config.row(given->config.owner, &row);
        }
    }
}

static bool may_take(const struct given *given)
{
    return !given->paused && !given->exhausted && given->busy < GIVEN_ASKED_MAX;
}

static void on_turn(struct env_timer *timer)
{
    struct given *given = timer->owner;
    for (int i = 0; i < GIVEN_AT_ONCE && may_take(given); i++) {
        take_one(given);
    }
    if (may_take(given)) {
        turn_soon(given);
    }
    if (given->exhausted && given->busy == 0 && !given->ended) {
        given->ended = true;
        given->config.done(given->config.owner);
    }
}

/* --- the face --- */

struct given *given_start(const struct given_config *config)
{
    struct given *given = mem_zalloc(sizeof *given);
    given->config = *config;
    given->timer = (struct env_timer){.fire = on_turn, .owner = given};
    turn_soon(given);
    return given;
}

void given_pause(struct given *given, bool pause)
{
    given->paused = pause;
    if (!pause) {
        turn_soon(given);
    }
}

void given_cancel(struct given *given)
{
    struct err err;
    err_set(&err, ERR_CANCELED, "canceled");
    stop(given, &err, ANSWER_DONE);
    turn_soon(given);
}

void given_destroy(struct given *given)
{
    if (given == NULL) {
        return;
    }
    given->config.env->stop(given->config.env->ctx, &given->timer);
    for (size_t i = 0; i < GIVEN_ASKED_MAX; i++) {
        call_finish(&given->asked[i].dispatch.call);
    }
    free(given);
}

const struct given_view *given_view(const struct given *given)
{
    return &given->view;
}
