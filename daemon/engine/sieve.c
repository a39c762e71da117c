/* See engine/sieve.h.
 *
 * The happy path: create() lists the passes; sieve_add() puts each row into the scratch space of the first.
 * sieve_run() -> on_turn(), which takes some rows of the present pass in its order, has judge() look at each,
 * and puts what is left into the scratch space of the next pass; behind the last pass done() is called. The
 * ways out: scratch space that fails ends it with the error; sieve_destroy().
 *
 * A row that would go is a candidate. Keep rules also count others, which are witnesses; they go no further
 * than the last pass that counts. A candidate that a rule keeps is told at once and is a witness from then
 * on. */
#include "engine/sieve.h"

#include "base/buf.h"
#include "base/mem.h"
#include "policy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_A_TURN 500
#define PASSES_MAX  (PER_COUNT + 2)
#define PACKED_MAX  SCRATCH_RECORD_MAX

enum pass_kind { PASS_KEEP, PASS_PER_THING, PASS_ORDER };

struct pass {
    enum pass_kind kind;
    enum keep_per per; /* PASS_KEEP */
};

struct sieve {
    struct sieve_config config;
    struct pass passes[PASSES_MAX];
    int count, at;
    struct sorter *reading, *writing;
    struct env_timer turn;
    bool running, paused;
    struct job_execution previous; /* of this pass */
    bool begun;                    /* it has one */
    struct keep_group group;
    int64_t of_thing; /* candidates of previous.thing_name so far */
    struct err failure;
};

/* --- rows as bytes ------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, int64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
    }
    buf_append(out, bytes, sizeof bytes);
}

static int64_t take_number(const char **at)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number = number << 8 | (unsigned char)*(*at)++;
    }
    return (int64_t)number;
}

static void put_text(struct buf *out, const char *text)
{
    buf_append(out, text, strlen(text) + 1);
}

static void take_text(const char **at, char *text)
{
    strcpy(text, *at);
    *at += strlen(*at) + 1;
}

static void put_time(struct buf *out, const struct timestamp *time)
{
    put_number(out, time->ms);
    put_text(out, time->text);
}

static void take_time(const char **at, struct timestamp *time)
{
    time->ms = take_number(at);
    take_text(at, time->text);
}

static void pack(struct buf *out, const struct job_execution *execution, bool candidate)
{
    const struct fingerprint *fingerprint = &execution->fingerprint;
    buf_char(out, candidate ? 1 : 0);
    buf_char(out, (char)fingerprint->status);
    put_number(out, execution->number);
    put_number(out, fingerprint->version_number);
    put_time(out, &fingerprint->queued_at);
    put_time(out, &fingerprint->started_at);
    put_time(out, &fingerprint->last_updated_at);
    put_text(out, execution->job_id);
    put_text(out, execution->thing_name);
}

/* Only what pack() wrote comes here. */
static bool unpack(const char *at, struct job_execution *execution)
{
    struct fingerprint *fingerprint = &execution->fingerprint;
    bool candidate = *at++ == 1;
    *execution = (struct job_execution){0};
    fingerprint->status = (enum execution_status) * at++;
    execution->number = take_number(&at);
    fingerprint->version_number = take_number(&at);
    take_time(&at, &fingerprint->queued_at);
    take_time(&at, &fingerprint->started_at);
    take_time(&at, &fingerprint->last_updated_at);
    take_text(&at, execution->job_id);
    take_text(&at, execution->thing_name);
    return candidate;
}

/* --- the order of a pass ------------------------------------------------------------------------------- */

/* The same order as keep_compare(): bytes of negated numbers fall where the numbers rise. No time and no
 * execution number is below 0. */
static void put_moment(struct buf *out, const struct policy *policy, const struct job_execution *execution,
                       bool newest_first)
{
    int64_t ms = policy_age_time(policy, &execution->fingerprint)->ms;
    put_number(out, newest_first ? ~ms & INT64_MAX : ms);
    put_number(out, newest_first ? ~execution->number & INT64_MAX : execution->number);
    put_text(out, execution->job_id);
    put_text(out, execution->thing_name);
}

static void put_key(struct buf *out, const struct sieve *sieve, const struct pass *pass,
                    const struct job_execution *execution)
{
    const struct policy *policy = sieve->config.policy;
    if (pass->kind == PASS_PER_THING || (pass->kind == PASS_KEEP && pass->per != PER_JOB)) {
        put_text(out, pass->per == PER_TARGET ? "" : execution->thing_name);
    }
    if (pass->kind == PASS_KEEP && (pass->per == PER_JOB || pass->per == PER_JOB_AND_THING)) {
        put_text(out, execution->job_id);
    }
    put_moment(out, policy, execution, pass->kind == PASS_KEEP || policy->order == ORDER_NEWEST_FIRST);
}

static int put(struct sieve *sieve, const struct pass *pass, const struct job_execution *execution,
               bool candidate, struct err *err)
{
    struct buf key, value;
    buf_init(&key, PACKED_MAX);
    buf_init(&value, PACKED_MAX);
    put_key(&key, sieve, pass, execution);
    pack(&value, execution, candidate);
    struct scratch_record record = {
        .key = key.data, .key_length = key.length, .value = value.data, .value_length = value.length};
    int result = sieve->config.scratch->add(sieve->writing, &record, err);
    buf_finish(&key);
    buf_finish(&value);
    return result;
}

/* --- passes -------------------------------------------------------------------------------------------- */

bool sieve_needed(const struct policy *policy)
{
    return keep_counts(policy) || policy->per_thing > 0 || policy->order != ORDER_LISTED;
}

bool sieve_wants(const struct policy *policy, const struct verdict *verdict)
{
    return verdict->delete || verdict->undecided || (verdict->counts && keep_counts(policy));
}

static void list_passes(struct sieve *sieve)
{
    const struct policy *policy = sieve->config.policy;
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(policy, (enum keep_per)per)) {
            sieve->passes[sieve->count++] = (struct pass){.kind = PASS_KEEP, .per = (enum keep_per)per};
        }
    }
    if (policy->per_thing > 0) {
        sieve->passes[sieve->count++] = (struct pass){.kind = PASS_PER_THING};
    }
    if (policy->order != ORDER_LISTED) {
        sieve->passes[sieve->count++] = (struct pass){.kind = PASS_ORDER};
    }
}

static void tell(struct sieve *sieve, const struct job_execution *execution, const struct keep_rule *rule,
                 bool later)
{
    struct verdict verdict = {.undecided = true};
    policy_explain_deletion(sieve->config.policy, execution, &verdict);
    keep_settle(&verdict, rule);
    if (later) {
        verdict.delete = verdict.force = false;
        verdict.cause = CAUSE_LIMIT;
        snprintf(verdict.reason, sizeof verdict.reason, "left for the next time by limits.per_thing");
    }
    sieve->config.row(sieve->config.owner, execution, &verdict, later);
}

/* Whether the candidate is one still. */
static bool count_of_group(struct sieve *sieve, const struct pass *pass,
                           const struct job_execution *execution, bool candidate)
{
    if (!sieve->begun || !keep_together(pass->per, execution, &sieve->previous)) {
        keep_begin(&sieve->group, sieve->config.policy, pass->per);
    }
    const struct keep_rule *rule = keep_next(&sieve->group, execution);
    if (candidate && rule != NULL) {
        tell(sieve, execution, rule, false);
    }
    return candidate && rule == NULL;
}

static bool count_of_thing(struct sieve *sieve, const struct job_execution *execution)
{
    if (!sieve->begun || strcmp(execution->thing_name, sieve->previous.thing_name) != 0) {
        sieve->of_thing = 0;
    }
    bool within = sieve->of_thing < sieve->config.policy->per_thing;
    sieve->of_thing += within;
    if (!within) {
        tell(sieve, execution, NULL, true);
    }
    return within;
}

/* One row of the present pass, and then on to the next. */
static int judge(struct sieve *sieve, const struct job_execution *execution, bool candidate, struct err *err)
{
    const struct pass *pass = &sieve->passes[sieve->at];
    const struct pass *next = sieve->at + 1 < sieve->count ? pass + 1 : NULL;
    if (pass->kind == PASS_KEEP) {
        candidate = count_of_group(sieve, pass, execution, candidate);
    } else if (pass->kind == PASS_PER_THING) {
        candidate = count_of_thing(sieve, execution);
    }
    sieve->previous = *execution;
    sieve->begun = true;
    if (next != NULL && (candidate || next->kind == PASS_KEEP)) {
        return put(sieve, next, execution, candidate, err);
    }
    if (candidate) {
        tell(sieve, execution, NULL, false);
    }
    return 0;
}

/* --- running ------------------------------------------------------------------------------------------- */

static void finish(struct sieve *sieve, const struct err *err)
{
    sieve->running = false;
    sieve->config.done(sieve->config.owner, err);
}

static void go_on(struct sieve *sieve)
{
    const struct env *env = sieve->config.env;
    env->start(env->ctx, &sieve->turn, env->mono_ns(env->ctx));
}

/* What was written is read from now on. -1 when there is no space to write to; `at` is the pass to read. */
static int turn_over(struct sieve *sieve, int at, struct err *err)
{
    const struct scratch *scratch = sieve->config.scratch;
    scratch->close(sieve->reading);
    sieve->reading = sieve->writing;
    sieve->writing = NULL;
    sieve->begun = false;
    sieve->at = at;
    if (at + 1 >= sieve->count) {
        return 0;
    }
    sieve->writing = scratch->open(scratch->ctx, err);
    return sieve->writing != NULL ? 0 : -1;
}

/* Some rows of the present pass: 1 when there may be more, 0 behind the last. */
static int take_rows(struct sieve *sieve, struct err *err)
{
    int result = 1;
    for (int i = 0; i < ROWS_A_TURN && result == 1 && !sieve->paused && sieve->failure.code == ERR_NONE;
         i++) {
        struct scratch_record record;
        struct job_execution execution;
        result = sieve->config.scratch->next(sieve->reading, &record, err);
        if (result == 1) {
            bool candidate = unpack(record.value, &execution);
            result = judge(sieve, &execution, candidate, err) == 0 ? 1 : -1;
        }
    }
    return result;
}

static void on_turn(struct env_timer *timer)
{
    struct sieve *sieve = timer->owner;
    struct err err = sieve->failure;
    if (err.code != ERR_NONE || sieve->reading == NULL) { /* without a row there is nothing to read */
        finish(sieve, &err);
        return;
    }
    int result = take_rows(sieve, &err);
    if (result == 0 && sieve->at + 1 < sieve->count) {
        result = turn_over(sieve, sieve->at + 1, &err) == 0 ? 1 : -1;
    }
    if (result != 1) {
        finish(sieve, &err);
    } else if (!sieve->paused) {
        go_on(sieve);
    }
}

struct sieve *sieve_create(const struct sieve_config *config)
{
    struct sieve *sieve = mem_zalloc(sizeof *sieve);
    sieve->config = *config;
    sieve->turn = (struct env_timer){.fire = on_turn, .owner = sieve};
    list_passes(sieve);
    return sieve;
}

int sieve_add(struct sieve *sieve, const struct job_execution *execution, const struct verdict *verdict,
              struct err *err)
{
    const struct scratch *scratch = sieve->config.scratch;
    if (scratch == NULL) {
        return err_set(err, ERR_INTERNAL, "there is no scratch space for keep rules");
    }
    if (sieve->writing == NULL && (sieve->writing = scratch->open(scratch->ctx, err)) == NULL) {
        return -1;
    }
    return put(sieve, &sieve->passes[0], execution, verdict->delete || verdict->undecided, err);
}

void sieve_run(struct sieve *sieve)
{
    sieve->running = true;
    if (sieve->writing != NULL) {
        turn_over(sieve, 0, &sieve->failure);
    }
    go_on(sieve);
}

void sieve_pause(struct sieve *sieve, bool pause)
{
    bool resumed = sieve->paused && !pause;
    sieve->paused = pause;
    if (resumed && sieve->running) {
        go_on(sieve);
    }
}

void sieve_cancel(struct sieve *sieve)
{
    if (sieve->running) {
        err_set(&sieve->failure, ERR_CANCELED, "canceled");
        go_on(sieve);
    }
}

void sieve_destroy(struct sieve *sieve)
{
    if (sieve == NULL) {
        return;
    }
    const struct scratch *scratch = sieve->config.scratch;
    sieve->config.env->stop(sieve->config.env->ctx, &sieve->turn);
    if (scratch != NULL) {
        scratch->close(sieve->reading);
        scratch->close(sieve->writing);
    }
    free(sieve);
}
