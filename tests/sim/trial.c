/* See sim/trial.h. Looks at every call and every ledger request as they pass; what the fleet lost is judged
 * at the end, when no request of ours can be under way any more. */
#include "sim/trial.h"

#include "base/mem.h"
#include "base/time.h"
#include "sim/trial_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNATURE_MS   300000
#define WINDOW_SECONDS 10
#define HEAL_SECONDS   1800

static void broken(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void broken(struct trial *trial, const char *format, ...)
{
    va_list args;
    if (trial->broken[0])
        return;
    va_start(args, format);
    vsnprintf(trial->broken, sizeof trial->broken, format, args);
    va_end(args);
}

static const char *row_key(char key[256], const char *job_id, const char *thing_name, int64_t number)
{
    snprintf(key, 256, "%s/%s/%lld", job_id, thing_name, (long long)number);
    return key;
}

static struct trial_row *find_row(struct trial *trial, const char *job_id, const char *thing_name,
                                  int64_t number)
{
    char key[256];
    uint32_t at = names_find(trial->row_names, row_key(key, job_id, thing_name, number));
    return at == UINT32_MAX ? NULL : &trial->rows[at];
}

static struct trial_pair *find_pair(struct trial *trial, const struct call *call)
{
    char key[256];
    uint32_t at = names_intern(trial->pair_names, row_key(key, call->job_id, call->thing_name, 0));
    if (at >= trial->pair_room) {
        size_t room = at * 2 + 16;
        trial->pairs = mem_realloc(trial->pairs, room, sizeof *trial->pairs);
        memset(&trial->pairs[trial->pair_room], 0, (room - trial->pair_room) * sizeof *trial->pairs);
        trial->pair_room = room;
    }
    return &trial->pairs[at];
}

/* --- each call -------------------------------------------------------------------------------------------
 */

/* So many sendings in the ring: the oldest must lie a window back. */
static void check_budget(struct trial *trial, const struct call *call)
{
    enum operation operation = call->operation;
    int64_t now_ns = virtual_mono_ns(trial->rig.world);
    size_t allowed = (size_t)operation_default_quota(operation) * WINDOW_SECONDS + 2;
    int64_t *ring = trial->sent_at_ns[operation];
    size_t slot = (size_t)trial->ring_sent[operation]++ % allowed;
    if (ring[slot] != 0 && now_ns - ring[slot] < WINDOW_SECONDS * TIME_NS_PER_SECOND)
        broken(trial, "budget: more than %zu %s in %d s", allowed, operation_name(operation), WINDOW_SECONDS);
    ring[slot] = now_ns;
}

static void check_pair(struct trial *trial, const struct call *call)
{
    struct trial_pair *pair = find_pair(trial, call);
    int64_t now_ms = trial_service_ms(trial);
    bool over =
        pair->sent_ms == 0 || (pair->answered && !pair->ambiguous) || now_ms - pair->sent_ms > SIGNATURE_MS;
    if (!over)
        broken(trial, "one live attempt: %s/%s has two", call->job_id, call->thing_name);
    *pair = (struct trial_pair){.sent_ms = now_ms};
}

static void check_deletion(struct trial *trial, const struct call *call)
{
    struct trial_row *row = find_row(trial, call->job_id, call->thing_name, call->number);
    struct ledger_row_state state;
    struct plan_row plan;
    if (call->force)
        broken(trial, "force was sent");
    if (!row || !trial->planned) {
        broken(trial, "eligible: %s/%s/%lld was not in the plan", call->job_id, call->thing_name,
               (long long)call->number);
        return;
    }
    ledger_memory_row(trial->rig.memory, 1, row - trial->rows, &plan, &state);
    if (state.intents < UINT8_MAX && state.intents != state.results + 1)
        broken(trial, "intent first: %d intents, %d results of %s/%s", state.intents, state.results,
               call->job_id, call->thing_name);
    if (!execution_status_terminal(plan.execution.fingerprint.status))
        broken(trial, "eligible: not terminal");
    row->sends[row->send_count % TRIAL_SENDS_MAX] =
        (struct trial_send){.check_ms = row->check_ms, .sent_ms = trial_service_ms(trial)};
    row->send_count++;
    check_pair(trial, call);
}

static void on_sent(struct rig *rig, const struct call *call)
{
    struct trial *trial = rig->ctx;
    check_budget(trial, call);
    if (call->operation == OPERATION_DELETE_EXECUTION)
        check_deletion(trial, call);
}

static void on_answered(struct rig *rig, const struct call *call)
{
    struct trial *trial = rig->ctx;
    if (call->operation == OPERATION_DELETE_EXECUTION) {
        struct trial_pair *pair = find_pair(trial, call);
        pair->answered = true;
        pair->ambiguous = call->answer.class == ANSWER_AMBIGUOUS;
    }
    if (call->operation == OPERATION_DESCRIBE_EXECUTION && call->answer.class == ANSWER_DONE) {
        struct trial_row *row = find_row(trial, call->job_id, call->thing_name, call->number);
        if (row) /* at the earliest when it was asked */
            row->check_ms = call->signed_at_ms + trial_skew_ms(trial);
    }
    if (trial->mischief)
        trial_mischief(trial, call);
}

/* --- the sweep's observer --------------------------------------------------------------------------------
 */

/* Which incarnation the plan means, if it is still there. */
static void identify(struct trial *trial, struct trial_row *row)
{
    const struct job_execution *execution = &row->plan.execution;
    struct fleet_execution found;
    uint64_t identity =
        fleet_find(trial->fleet, execution->job_id, execution->thing_name, execution->number, &found);
    if (identity && !fingerprint_difference(&found.execution.fingerprint, &execution->fingerprint))
        row->identity = identity;
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct trial *trial = owner;
    char key[256];
    trial->planned = true;
    trial->rows = mem_calloc((size_t)so_far->selected + 1, sizeof *trial->rows);
    for (int64_t i = 0; i < so_far->selected; i++) {
        struct trial_row *row = &trial->rows[i];
        struct ledger_row_state state;
        row->check_ms = INT64_MAX;
        if (!ledger_memory_row(trial->rig.memory, 1, i, &row->plan, &state))
            broken(trial, "the ledger lacks row %lld", (long long)i);
        const struct job_execution *execution = &row->plan.execution;
        if (names_intern(trial->row_names,
                         row_key(key, execution->job_id, execution->thing_name, execution->number)) != i)
            broken(trial, "the plan has %s twice", key);
        identify(trial, row);
    }
}

static void on_settled(void *owner, const struct plan_row *plan, enum outcome outcome,
                       const struct answer *answer)
{
    struct trial *trial = owner;
    const struct job_execution *execution = &plan->execution;
    struct trial_row *row = find_row(trial, execution->job_id, execution->thing_name, execution->number);
    (void)answer;
    if (row->told != OUTCOME_PENDING)
        broken(trial, "a row is settled twice");
    row->told = outcome;
}

static void on_done(void *owner, const struct report *report)
{
    struct trial *trial = owner;
    if (trial->done)
        broken(trial, "done twice");
    trial->report = *report;
    trial->done = true;
}

/* --- the judgement ---------------------------------------------------------------------------------------
 */

/* A newcomer was hit. That cannot be prevented where the one that was meant was still there at the check of a
 * request that could run at this moment. */
static void judge_hit(struct trial *trial, const struct trial_row *row, const struct fleet_execution *lost)
{
    struct fleet_execution meant = {0};
    bool known = row->identity != 0 && fleet_identity(trial->fleet, row->identity, &meant);
    for (int i = 0; i < row->send_count && i < TRIAL_SENDS_MAX; i++) {
        const struct trial_send *send = &row->sends[i];
        int64_t after_ms = lost->deleted_ms - send->sent_ms;
        bool may_run = after_ms >= 0 && after_ms <= SIGNATURE_MS + 1000;
        if (!known || !may_run || meant.deleted_ms < send->check_ms)
            continue;
        if (after_ms <= 60000)
            trial->hits.in_trip++;
        else
            trial->hits.late++;
        return;
    }
    broken(trial, "right target: another incarnation of %s/%s/%lld was deleted", lost->execution.job_id,
           lost->execution.thing_name, (long long)lost->execution.number);
}

static void judge_loss(void *ctx, const struct fleet_execution *lost)
{
    struct trial *trial = ctx;
    struct verdict verdict;
    if (lost->identity < trial->theirs_room && trial->theirs[lost->identity])
        return;
    const struct job_execution *execution = &lost->execution;
    struct trial_row *row = find_row(trial, execution->job_id, execution->thing_name, execution->number);
    if (!row) {
        broken(trial, "eligible: %s/%s is gone and was not selected", execution->job_id,
               execution->thing_name);
        return;
    }
    trial->hits.sent++;
    row->ours++;
    if (fingerprint_difference(&row->plan.execution.fingerprint, &execution->fingerprint)) {
        judge_hit(trial, row, lost);
        return;
    }
    policy_decide(&trial->policy, trial_job(trial, execution->job_id), execution, lost->deleted_ms, &verdict);
    if (!verdict.delete || !policy_wants_thing(&trial->policy, execution->thing_name))
        broken(trial, "eligible: %s/%s should be kept: %s", execution->job_id, execution->thing_name,
               verdict.reason);
}

static void judge_row(struct trial *trial, int64_t number, int64_t counted[OUTCOME_COUNT])
{
    struct trial_row *row = &trial->rows[number];
    struct ledger_row_state state;
    struct plan_row plan;
    ledger_memory_row(trial->rig.memory, 1, number, &plan, &state);
    enum outcome outcome = row->told == OUTCOME_PENDING ? OUTCOME_NOT_ATTEMPTED : row->told;
    counted[outcome]++;
    if (trial->rig.ledger_fails_at == 0 && state.outcome != row->told)
        broken(trial, "audited: row %lld is %s in the ledger and %s in the report", (long long)number,
               outcome_name(state.outcome), outcome_name(row->told));
    bool may_be_lost =
        outcome == OUTCOME_DELETED || outcome == OUTCOME_DELETED_PRESUMED || outcome == OUTCOME_UNKNOWN;
    if (row->ours > 0 && !may_be_lost)
        broken(trial, "audited: row %lld was deleted by us and is told as %s", (long long)number,
               outcome_name(outcome));
    if (row->ours == 0 && outcome == OUTCOME_DELETED)
        broken(trial, "audited: row %lld is told as deleted and was not", (long long)number);
    if (row->ours > 1)
        broken(trial, "no double send: row %lld was deleted %d times", (long long)number, row->ours);
}

static void judge_rest(struct trial *trial)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        struct lane_view lane;
        dispatcher_lane(trial->rig.dispatcher, (enum operation)i, &lane);
        if (lane.waiting + lane.in_flight != 0)
            broken(trial, "a call is left in the dispatcher");
        if (trial->report.calls[i] != trial->rig.calls[i])
            broken(trial, "%lld %s were counted", (long long)trial->report.calls[i],
                   operation_name((enum operation)i));
    }
}

static void judge(struct trial *trial)
{
    const struct report *report = &trial->report;
    int64_t counted[OUTCOME_COUNT] = {0};
    if (report_outcome_sum(report) != report->selected || report->outcomes[OUTCOME_PENDING] != 0)
        broken(trial, "accounting: %lld selected, %lld settled", (long long)report->selected,
               (long long)report_outcome_sum(report));
    if (report->listed < report->selected + report->remaining)
        broken(trial, "accounting: more selected than listed");
    fleet_each(trial->fleet, true, judge_loss, trial);
    for (int64_t i = 0; trial->planned && i < report->selected; i++)
        judge_row(trial, i, counted);
    for (int i = 0; trial->planned && i < OUTCOME_COUNT; i++)
        if (counted[i] != report->outcomes[i])
            broken(trial, "accounting: %lld rows are %s, the report says %lld", (long long)counted[i],
                   outcome_name((enum outcome)i), (long long)report->outcomes[i]);
    bool may_delete = report->end == SWEEP_FINISHED || report->end == SWEEP_LIMITED ||
                      report->end == SWEEP_STOPPED || report->end == SWEEP_CANCELED;
    if (!may_delete && trial->hits.sent > 0)
        broken(trial, "guards: a sweep that ended as %s deleted", sweep_end_name(report->end));
    if (trial->policy.per_run > 0 && report->selected > trial->policy.per_run)
        broken(trial, "guards: limits.per_run was exceeded");
    if (report->end == SWEEP_FINISHED && report->outcomes[OUTCOME_UNKNOWN] > 0)
        broken(trial, "progress: rows are unknown though the service healed");
    judge_rest(trial);
}

/* --- the face --------------------------------------------------------------------------------------------
 */

void trial_begin(struct trial *trial, uint64_t seed, bool calm)
{
    *trial = (struct trial){.seed = seed};
    random_seed(&trial->random, seed);
    trial->rig.ctx = trial;
    trial->rig.sent = on_sent;
    trial->rig.answered = on_answered;
    trial->row_names = names_create();
    trial->pair_names = names_create();
    for (int i = 0; i < OPERATION_COUNT; i++)
        trial->sent_at_ns[i] = mem_calloc(
            (size_t)operation_default_quota((enum operation)i) * WINDOW_SECONDS + 2, sizeof(int64_t));
    trial_make_world(trial, calm);
}

static void wait_for_end(struct trial *trial)
{
    bool never = false;
    if (!rig_run(&trial->rig, &trial->done, HEAL_SECONDS)) {
        trial_heal(trial);
        if (!rig_run(&trial->rig, &trial->done, 24 * 3600)) {
            broken(trial, "progress: it does not end");
            return;
        }
    }
    trial_heal(trial);
    rig_run(&trial->rig, &never, 2 * SIGNATURE_MS / 1000); /* what was lost may still be carried out */
}

void trial_sweep(struct trial *trial)
{
    struct sweep_config config = {
        .env = &trial->rig.env,
        .dispatcher = trial->rig.dispatcher,
        .ledger = &trial->rig.ledger,
        .policy = &trial->policy,
        .target = &trial->target,
        .observer = {.owner = trial, .planned = on_planned, .settled = on_settled, .done = on_done}};
    trial->sweep = sweep_start(&config);
    wait_for_end(trial);
    if (trial->done)
        judge(trial);
}

static void expect_kept(void *ctx, const struct fleet_execution *left)
{
    struct trial *trial = ctx;
    const struct job_execution *execution = &left->execution;
    const struct job *job = trial_job(trial, execution->job_id);
    struct verdict verdict;
    policy_decide(&trial->policy, job, execution, trial->report.started_ms + trial_skew_ms(trial) - 1000,
                  &verdict);
    if (verdict.delete &&policy_wants_job(&trial->policy, job, NULL) &&
        policy_wants_thing(&trial->policy, execution->thing_name))
        broken(trial, "progress: %s/%s/%lld is left", execution->job_id, execution->thing_name,
               (long long)execution->number);
}

void trial_expect_clean(struct trial *trial)
{
    fleet_each(trial->fleet, false, expect_kept, trial);
}

void trial_finish(struct trial *trial)
{
    if (trial->done)
        sweep_destroy(trial->sweep);
    for (int i = 0; i < OPERATION_COUNT; i++)
        free(trial->sent_at_ns[i]);
    names_destroy(trial->row_names);
    names_destroy(trial->pair_names);
    free(trial->rows);
    free(trial->pairs);
    free(trial->theirs);
    rig_finish(&trial->rig);
    fleet_destroy(trial->fleet);
}
