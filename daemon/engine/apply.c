/* See engine/apply.h.
 *
 * The happy path: start() -> feed() -> the ledger -> on_read() -> feed() -> the deleter -> on_changed() ->
 * feed() and so on, until every row is read and the deleter is empty; then done(). The ways out: a ledger
 * that fails or gives too little, a deleter that stops itself, apply_cancel(). Each sets `stopping`, and
 * feed() ends when nothing is under way. A plan that is applied again is read to its end even where its
 * deleter has stopped itself, and after apply_settle(): any of its rows may have been sent. */
#include "engine/apply.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>

struct apply {
    struct apply_config config;
    struct deleter *deleter;
    struct env_timer timer; /* for the first feed(), at begin_ns */
    struct ledger_request request;
    struct plan_row rows[LEDGER_BATCH];
    size_t count, next; /* of rows */
    bool reading, stopping, ended;
    int64_t read; /* rows of the plan */
    struct err err;
    enum answer_class why;
};

static void keep_reason(struct apply *apply, const struct err *err, enum answer_class why)
{
    if (apply->err.code == ERR_NONE) {
        apply->err = *err;
        apply->why = why;
    }
}

static void on_read(struct ledger_request *request);

static void read_more(struct apply *apply)
{
    struct ledger *ledger = apply->config.deleter.ledger;
    apply->count = apply->next = 0;
    apply->reading = true;
    apply->request = (struct ledger_request){.operation = LEDGER_READ_ROWS,
                                             .run = apply->config.deleter.run,
                                             .rows = apply->rows,
                                             .count = LEDGER_BATCH,
                                             .from = apply->read,
                                             .done = on_read,
                                             .owner = apply};
    ledger->submit(ledger->ctx, &apply->request);
}

/* One row, unless it is settled, or must not be touched. */
static void hand_on(struct apply *apply)
{
    int64_t number = apply->read - (int64_t)(apply->count - apply->next);
    const struct plan_row *row = &apply->rows[apply->next++];
    if (row->outcome != OUTCOME_PENDING) {
        apply->config.settled(apply->config.owner, row, row->outcome, NULL, true);
    } else if (!deleter_settles_only(apply->deleter) || row->open || row->unsure) {
        deleter_add(apply->deleter, number, row);
    }
}

static void note_stop(struct apply *apply)
{
    enum answer_class why;
    const struct err *stopped = deleter_stopped(apply->deleter, &why);
    bool settles = apply->config.again && !apply->stopping;
    if (stopped->code == ERR_NONE) {
        return;
    }
    keep_reason(apply, stopped, why);
    apply->stopping = !settles || !deleter_settle(apply->deleter);
}

static void feed(struct apply *apply)
{
    note_stop(apply);
    while (apply->next < apply->count && !apply->stopping && deleter_room(apply->deleter) > 0) {
        hand_on(apply);
    }
    bool all_handed_on = apply->next == apply->count;
    bool more = !apply->stopping && apply->read < apply->config.rows;
    if (more && !apply->reading && all_handed_on) {
        read_more(apply);
    }
    bool nothing_left = apply->stopping || (!more && all_handed_on);
    if (nothing_left && !apply->reading && deleter_rows(apply->deleter) == 0 && !apply->ended) {
        apply->ended = true;
        apply->config.done(apply->config.owner);
    }
}

static void on_read(struct ledger_request *request)
{
    struct apply *apply = request->owner;
    struct err err = request->err;
    apply->reading = false;
    int64_t read = apply->read + (int64_t)request->count;
    bool odd = request->count == 0 || request->count > LEDGER_BATCH || read > apply->config.rows;
    if (err.code == ERR_NONE && odd) { /* more than the guards let pass, or less */
        err_set(&err, ERR_INTERNAL, "the ledger gave %lld of the plan's %lld rows", (long long)read,
                (long long)apply->config.rows);
    }
    if (err.code != ERR_NONE) {
        apply->stopping = true;
        keep_reason(apply, &err, ANSWER_DONE);
        deleter_cancel(apply->deleter, err.code == ERR_IO);
    } else {
        apply->count = request->count;
        apply->read = read;
    }
    feed(apply);
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct apply *apply = owner;
    apply->config.settled(apply->config.owner, row, outcome, answer, false);
}

static void on_changed(void *owner)
{
    feed(owner);
}

static void on_timer(struct env_timer *timer)
{
    feed(timer->owner);
}

struct apply *apply_start(const struct apply_config *config)
{
    struct apply *apply = mem_zalloc(sizeof *apply);
    const struct env *env = config->deleter.env;
    apply->config = *config;
    apply->config.deleter.owner = apply;
    apply->config.deleter.settled = on_settled;
    apply->config.deleter.changed = on_changed;
    apply->deleter = deleter_create(&apply->config.deleter);
    apply->timer = (struct env_timer){.fire = on_timer, .owner = apply};
    env->start(env->ctx, &apply->timer, config->begin_ns);
    return apply;
}

void apply_cancel(struct apply *apply, bool hurry)
{
    const struct env *env = apply->config.deleter.env;
    apply->stopping = true;
    if (apply->timer.armed) {
        env->start(env->ctx, &apply->timer, env->mono_ns(env->ctx));
    }
    deleter_cancel(apply->deleter, hurry);
}

void apply_settle(struct apply *apply)
{
    deleter_settle(apply->deleter);
}

void apply_destroy(struct apply *apply)
{
    if (apply != NULL) {
        deleter_destroy(apply->deleter);
        free(apply);
    }
}

const struct err *apply_stopped(const struct apply *apply, enum answer_class *why)
{
    *why = apply->why;
    return &apply->err;
}

bool apply_expired(const struct apply *apply)
{
    return deleter_expired(apply->deleter);
}

bool apply_quarantined(const struct apply *apply, int64_t *rows, int64_t *left_ms)
{
    *rows = (int64_t)deleter_quarantined(apply->deleter);
    *left_ms = deleter_quarantine_left_ns(apply->deleter) / TIME_NS_PER_MS;
    return apply->stopping || deleter_settles_only(apply->deleter);
}

bool apply_complete(const struct apply *apply)
{
    return apply->read == apply->config.rows && apply->next == apply->count;
}

int64_t apply_waits_ms(const struct apply *apply)
{
    const struct env *env = apply->config.deleter.env;
    int64_t left_ns = apply->timer.armed ? apply->timer.at_ns - env->mono_ns(env->ctx) : 0;
    return left_ns > 0 ? left_ns / TIME_NS_PER_MS : 0;
}
