/* See engine/sieve.h.
 *
 * The happy path: create() lists the passes; sieve_add() puts each row into the scratch space of the first.
 * sieve_run() -> on_turn(), which takes some rows of the present pass in its order, has judge() look at each,
 * and puts what is left into the scratch space of the next pass; behind the last pass done() is called. In
 * the pass of the grace, rows go to the ledger instead (engine/grace_walk), and on_known() puts them into the
 * next pass; on_walked() ends that pass. The ways out: scratch space or a ledger that fails ends it with the
 * error, once nothing is with the ledger any more; sieve_cancel(); sieve_destroy().
 *
 * A row that would go is a candidate. Keep rules also count others, which are witnesses; they go no further
 * than the last pass that counts. A candidate that a rule keeps is told at once and is a witness from then
 * on. */
#include "engine/sieve.h"

#include "base/buf.h"
#include "base/mem.h"
#include "engine/grace_walk.h"
#include "policy/grace.h"
#include "policy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_A_TURN 500
#define PASSES_MAX  (PER_COUNT + 3)
#define PACKED_MAX  SCRATCH_RECORD_MAX

enum pass_kind { PASS_KEEP, PASS_GRACE, PASS_PER_THING, PASS_ORDER };

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
    int64_t now_ms;
    struct grace_walk *walk;       /* of the pass of the grace, until it has ended */
    bool walk_paused, walk_ended;  /* too much is with the ledger; no further row comes */
    bool of_ledger;                /* the failure is */
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
    if (pass->kind == PASS_GRACE) {
        uint8_t grace[GRACE_KEY_BYTES];
        grace_key(sieve->config.grace.sha256, execution, grace);
        buf_append(out, grace, sizeof grace);
        return;
    }
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
    return keep_counts(policy) || policy->grace_ms > 0 || policy->per_thing > 0 ||
           policy->order != ORDER_LISTED;
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
    if (policy->grace_ms > 0) {
        sieve->passes[sieve->count++] = (struct pass){.kind = PASS_GRACE};
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

/* Out of the present pass. */
static int pass_on(struct sieve *sieve, const struct job_execution *execution, bool candidate,
                   struct err *err)
{
    const struct pass *next = sieve->at + 1 < sieve->count ? &sieve->passes[sieve->at + 1] : NULL;
    if (next != NULL && (candidate || next->kind == PASS_KEEP)) {
        return put(sieve, next, execution, candidate, err);
    }
    if (candidate) {
        tell(sieve, execution, NULL, false);
    }
    return 0;
}

/* One row of the present pass, and then on to the next. */
static int judge(struct sieve *sieve, const struct job_execution *execution, bool candidate, struct err *err)
{
    const struct pass *pass = &sieve->passes[sieve->at];
    if (pass->kind == PASS_KEEP) {
        candidate = count_of_group(sieve, pass, execution, candidate);
    } else if (pass->kind == PASS_PER_THING) {
        candidate = count_of_thing(sieve, execution);
    }
    sieve->previous = *execution;
    sieve->begun = true;
    return pass_on(sieve, execution, candidate, err);
}

/* --- running ------------------------------------------------------------------------------------------- */

static void finish(struct sieve *sieve)
{
    sieve->running = false;
    sieve->config.done(sieve->config.owner, &sieve->failure, sieve->of_ledger);
}

static void go_on(struct sieve *sieve)
{
    const struct env *env = sieve->config.env;
    env->start(env->ctx, &sieve->turn, env->mono_ns(env->ctx));
}

static void begin_walk(struct sieve *sieve);

/* What was written is read from now on; `at` is the pass to read. A failure where there is no space to write
 * to. */
static void turn_over(struct sieve *sieve, int at)
{
    const struct scratch *scratch = sieve->config.scratch;
    scratch->close(sieve->reading);
    sieve->reading = sieve->writing;
    sieve->writing = NULL;
    sieve->begun = false;
    sieve->at = at;
    if (at + 1 < sieve->count) {
        sieve->writing = scratch->open(scratch->ctx, &sieve->failure);
    }
    if (sieve->passes[at].kind == PASS_GRACE) {
        begin_walk(sieve);
    }
}

/* Behind the last row of the present pass, or when something failed. */
static void end_pass(struct sieve *sieve)
{
    bool last = sieve->at + 1 >= sieve->count;
    if (sieve->failure.code != ERR_NONE || last) {
        finish(sieve);
        return;
    }
    turn_over(sieve, sieve->at + 1);
    go_on(sieve);
}

/* Some rows of the present pass: 1 when there may be more, 0 behind the last. */
static int take_rows(struct sieve *sieve)
{
    int result = sieve->reading != NULL && sieve->failure.code == ERR_NONE; /* without a row there is none */
    for (int i = 0; i < ROWS_A_TURN && result == 1 && !sieve->paused && !sieve->walk_paused &&
                    sieve->failure.code == ERR_NONE;
         i++) {
        struct scratch_record record;
        struct job_execution execution;
        result = sieve->config.scratch->next(sieve->reading, &record, &sieve->failure);
        if (result != 1) {
            break;
        }
        bool candidate = unpack(record.value, &execution);
        if (sieve->walk != NULL) {
            grace_walk_add(sieve->walk, record.key, &execution);
        } else if (judge(sieve, &execution, candidate, &sieve->failure) != 0) {
            result = -1;
        }
    }
    return result;
}

static void on_turn(struct env_timer *timer)
{
    struct sieve *sieve = timer->owner;
    if (sieve->walk_ended) { /* on_walked() goes on */
        return;
    }
    if (take_rows(sieve) == 1 && sieve->failure.code == ERR_NONE) {
        if (!sieve->paused && !sieve->walk_paused) {
            go_on(sieve);
        }
    } else if (sieve->walk != NULL) {
        sieve->walk_ended = true;
        grace_walk_end(sieve->walk, sieve->failure.code == ERR_NONE);
    } else {
        end_pass(sieve);
    }
}

/* --- the grace ----------------------------------------------------------------------------------------- */

static void on_known(void *owner, const struct job_execution *execution, int64_t since_ms)
{
    struct sieve *sieve = owner;
    struct verdict verdict = {0};
    if (sieve->failure.code != ERR_NONE) {
        return;
    }
    if (grace_over(sieve->config.policy, since_ms, sieve->now_ms)) {
        pass_on(sieve, execution, true, &sieve->failure);
        return;
    }
    grace_explain(sieve->config.policy, since_ms, &verdict);
    sieve->config.row(sieve->config.owner, execution, &verdict, false);
}

static void on_walk_paused(void *owner, bool pause)
{
    struct sieve *sieve = owner;
    bool resumed = sieve->walk_paused && !pause;
    sieve->walk_paused = pause;
    if (resumed && !sieve->paused) {
        go_on(sieve);
    }
}

static void on_walked(void *owner, const struct err *err)
{
    struct sieve *sieve = owner;
    grace_walk_destroy(sieve->walk);
    sieve->walk = NULL;
    sieve->walk_ended = sieve->walk_paused = false;
    if (err->code != ERR_NONE && sieve->failure.code == ERR_NONE) {
        sieve->failure = *err;
        sieve->of_ledger = true;
    }
    end_pass(sieve);
}

static void begin_walk(struct sieve *sieve)
{
    const struct grace_source *grace = &sieve->config.grace;
    sieve->walk = grace_walk_create(&(struct grace_walk_config){.ledger = grace->ledger,
                                                                .run = grace->run,
                                                                .header = grace->header,
                                                                .now_ms = sieve->now_ms,
                                                                .owner = sieve,
                                                                .pause = on_walk_paused,
                                                                .row = on_known,
                                                                .done = on_walked});
}

/* --- the sieve ----------------------------------------------------------------------------------------- */

struct sieve *sieve_create(const struct sieve_config *config)
{
    struct sieve *sieve = mem_zalloc(sizeof *sieve);
    sieve->config = *config;
    sieve->turn = (struct env_timer){.fire = on_turn, .owner = sieve};
    list_passes(sieve);
    return sieve;
}

static int check_means(const struct sieve *sieve, struct err *err)
{
    if (sieve->config.scratch == NULL) {
        return err_set(err, ERR_INTERNAL, "there is no scratch space for rows that must be seen together");
    }
    if (sieve->config.policy->grace_ms > 0 && sieve->config.grace.sha256 == NULL) {
        return err_set(err, ERR_INTERNAL, "there is no digest for rows in their grace");
    }
    return 0;
}

int sieve_add(struct sieve *sieve, const struct job_execution *execution, const struct verdict *verdict,
              struct err *err)
{
    const struct scratch *scratch = sieve->config.scratch;
    if (check_means(sieve, err) != 0) {
        return -1;
    }
    if (sieve->writing == NULL && (sieve->writing = scratch->open(scratch->ctx, err)) == NULL) {
        return -1;
    }
    return put(sieve, &sieve->passes[0], execution, verdict->delete || verdict->undecided, err);
}

/* That nothing is selected, the ledger must hear too. */
void sieve_run(struct sieve *sieve, int64_t now_ms)
{
    sieve->running = true;
    sieve->now_ms = now_ms;
    if (sieve->writing == NULL && sieve->config.policy->grace_ms == 0) {
        sieve->at = sieve->count;
    } else if (check_means(sieve, &sieve->failure) == 0) {
        turn_over(sieve, 0);
    }
    go_on(sieve);
}

void sieve_pause(struct sieve *sieve, bool pause)
{
    bool resumed = sieve->paused && !pause;
    sieve->paused = pause;
    if (resumed && sieve->running && !sieve->walk_paused) {
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
    grace_walk_destroy(sieve->walk);
    if (scratch != NULL) {
        scratch->close(sieve->reading);
        scratch->close(sieve->writing);
    }
    free(sieve);
}
