/* See engine/deleter.h; what happens to one row is in engine/row.h.
 *
 * The happy path: deleter_room() -> deleter_add() -> the row goes its way -> on_left().
 * The way out: deleter_cancel(), or a row that pulls the brake (engine/brake.h): on_braked() wakes all rows,
 * and each leaves by itself. */
#include "engine/deleter.h"

#include "base/mem.h"
#include "engine/row.h"

#include <stdlib.h>
#include <utlist.h>

struct deleter {
    struct deleter_config config;
    struct row_shared shared;
    struct row *rows;
    size_t count;
};

static void wake_all(struct deleter *deleter)
{
    struct row *row;
    DL_FOREACH (deleter->rows, row) {
        row_wake(row);
    }
    if (deleter->config.archivist != NULL) {
        archivist_cancel(deleter->config.archivist);
    }
}

static void on_braked(void *owner)
{
    wake_all(owner);
}

static void on_room(void *owner)
{
    struct deleter *deleter = owner;
    deleter->config.changed(deleter->config.owner);
}

static void on_left(void *owner, struct row *row, enum outcome outcome)
{
    struct deleter *deleter = owner;
    deleter->count--;
    DL_DELETE(deleter->rows, row);
    deleter->config.settled(deleter->config.owner, &row->plan, outcome, &row->answer);
    row_destroy(row);
    if (brake_settled(&deleter->shared.brake, outcome, deleter->config.policy->failed_over_percent)) {
        wake_all(deleter);
    }
    deleter->config.changed(deleter->config.owner); /* may destroy the deleter */
}

struct deleter *deleter_create(const struct deleter_config *config)
{
    struct deleter *deleter = mem_zalloc(sizeof *deleter);
    const struct env *env = config->env;
    deleter->config = *config;
    deleter->shared = (struct row_shared){.env = env,
                                          .dispatcher = config->dispatcher,
                                          .ledger = config->ledger,
                                          .run = config->run,
                                          .signature_life_ms = config->signature_life_ms,
                                          .until_ms = config->until_ms,
                                          .force = config->policy->force,
                                          .given = config->given,
                                          .protect = config->protect,
                                          .things = config->things,
                                          .archivist = config->archivist,
                                          .releases = dispatcher_releases(config->dispatcher),
                                          .owner = deleter,
                                          .left = on_left,
                                          .room = on_room,
                                          .braked = on_braked};
    deleter->shared.brake.stopping = config->settle_only;
    deleter->shared.brake.clock =
        (struct clock_sample){.mono_ns = env->mono_ns(env->ctx), .wall_ms = env->wall_ms(env->ctx)};
    deleter->shared.brake.skew_ms = dispatcher_skew_ms(config->dispatcher);
    return deleter;
}

void deleter_destroy(struct deleter *deleter)
{
    free(deleter);
}

size_t deleter_room(const struct deleter *deleter)
{
    const size_t *in_state = deleter->shared.in_state;
    size_t active = in_state[ROW_CHECK] + in_state[ROW_ARCHIVE] + in_state[ROW_INTENT] + in_state[ROW_SEND] +
                    in_state[ROW_RECORD] + in_state[ROW_WAIT];
    struct lane_view lane;
    dispatcher_lane(deleter->config.dispatcher, OPERATION_DELETE_EXECUTION, &lane);
    const struct brake *brake = &deleter->shared.brake;
    bool settles = deleter_settles_only(deleter) && !brake->hurry;
    if (brake->stopping && !settles) {
        return 0;
    }
    return step_room(lane.rate_per_1000s, active, deleter->count, DELETER_HELD_MAX);
}

/* Facts are of this very run, so that rows of an earlier process are always checked. What is archived is what
 * the check shows. */
static bool needs_no_check(const struct deleter *deleter, const struct plan_row *plan)
{
    const struct job *job = NULL;
    return deleter->config.policy->verify_risky && deleter->config.archivist == NULL &&
           execution_status_terminal(plan->execution.fingerprint.status) &&
           facts_get(deleter->config.facts, plan->execution.job_id, &job) == FACT_KNOWN &&
           step_check_needless(job);
}

void deleter_add(struct deleter *deleter, int64_t number, const struct plan_row *plan)
{
    struct row *row = row_create(&deleter->shared, number, plan, needs_no_check(deleter, plan));
    DL_APPEND(deleter->rows, row);
    deleter->count++;
}

void deleter_cancel(struct deleter *deleter, bool hurry)
{
    if (brake_stop(&deleter->shared.brake, hurry)) {
        wake_all(deleter);
    }
}

bool deleter_settle(struct deleter *deleter)
{
    deleter->config.settle_only = true;
    deleter_cancel(deleter, false);
    return !deleter->shared.brake.hurry;
}

bool deleter_expired(const struct deleter *deleter)
{
    return deleter->shared.brake.expired;
}

bool deleter_settles_only(const struct deleter *deleter)
{
    return deleter->config.settle_only || deleter_expired(deleter);
}

size_t deleter_rows(const struct deleter *deleter)
{
    return deleter->count;
}

size_t deleter_quarantined(const struct deleter *deleter)
{
    const size_t *in_state = deleter->shared.in_state;
    return in_state[ROW_QUARANTINE] + in_state[ROW_LOOK] + in_state[ROW_LOOK_WAIT];
}

int64_t deleter_quarantine_left_ns(const struct deleter *deleter)
{
    const struct env *env = deleter->config.env;
    const struct row *row;
    int64_t end_ns = 0;
    if (deleter_quarantined(deleter) == 0) {
        return 0;
    }
    DL_FOREACH (deleter->rows, row) {
        if (row->state == ROW_QUARANTINE && row->quarantine_end_ns > end_ns) {
            end_ns = row->quarantine_end_ns;
        }
    }
    int64_t left_ns = end_ns - env->mono_ns(env->ctx);
    return left_ns > 0 ? left_ns : 0;
}

const struct err *deleter_stopped(const struct deleter *deleter, enum answer_class *why)
{
    if (why != NULL) {
        *why = deleter->shared.brake.why;
    }
    return &deleter->shared.brake.err;
}
