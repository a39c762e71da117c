/* What a run reports, and what is left in the end. See sim/oracle.h. */
#include "base/mem.h"
#include "base/time.h"
#include "sim/actors.h"
#include "sim/oracle_model.h"
#include "sim/rules.h"

#include <string.h>

void oracle_run_begins(struct oracle *oracle, const struct oracle_run *begun)
{
    int64_t resumed = begun->resumed;
    oracle->run = resumed;
    oracle->resuming = resumed != 0;
    oracle->policy = begun->policy;
    oracle->look_only = begun->look_only;
    oracle->given = begun->given;
    oracle->until_ms = begun->until_ms;
    oracle->began_ms = sim_service_ms(oracle->sim);
    oracle->began_ns = virtual_mono_ns(oracle->sim->world);
    oracle->listings++;
    kept_finish(&oracle->listing);
    oracle->canceled = oracle->planned = oracle->unarchived = false;
    oracle->deleting = oracle->looks_at_each = false;
    oracle->refusals = 0;
    oracle_grace_begins(oracle);
    memset(oracle->calls, 0, sizeof oracle->calls);
    if (resumed == 0) {
        return;
    }
    struct shadow_run *run = oracle_shadow(oracle, resumed);
    if (!run || !run->policy) { /* its beginning was on the disk and not confirmed yet */
        oracle_add_run(oracle, resumed);
        run = oracle_shadow(oracle, resumed);
    }
    for (int64_t i = 0; i < run->count; i++) { /* a later run may have had some of the slots */
        oracle_point(oracle, resumed, i);
    }
}

/* --- what is selected ------------------------------------------------------------------------------------
 */

static void note_listed(struct oracle *oracle, const struct job *job, const struct job_execution *execution,
                        bool selected, int64_t now_ms)
{
    uint32_t index = oracle_slot(oracle, execution);
    struct slot *slot = &oracle->slots[index];
    struct kept_row row = {
        .execution = *execution,
        .counts = !rules_ignore(oracle->policy, job, execution, now_ms),
        .goes = !rules_keep(oracle->policy, job, execution, now_ms),
        .surely = !rules_keep(oracle->policy, job, execution, oracle->began_ms - 2 * TIME_MS_PER_SECOND),
        .selected = selected};
    if (slot->listed == oracle->listings) {
        sim_break(oracle->sim, "accounting: %s/%s/%lld is told twice", execution->job_id,
                  execution->thing_name, (long long)execution->number);
    }
    slot->listed = oracle->listings;
    kept_add(&oracle->listing, &row);
}

/* A decision follows the configuration that the run began with. */
void oracle_listed(struct oracle *oracle, const struct job_execution *execution, bool selected, bool waits)
{
    struct job job;
    int64_t now_ms = sim_service_ms(oracle->sim) + 2 * TIME_MS_PER_SECOND;
    bool together = kept_needed(oracle->policy) && !oracle->given;
    if (oracle->policy->grace_ms > 0 && !oracle->given && (selected || waits)) {
        oracle_grace_selects(oracle, execution);
        selected = true;
    }
    if (!selected && !together) {
        return;
    }
    bool known = fleet_know_job(oracle->site->fleet, execution->job_id, &job);
    const char *why = rules_keep(oracle->policy, known ? &job : NULL, execution, now_ms);
    if (why && selected) {
        sim_break(oracle->sim, "one configuration: %s/%s/%lld was selected: %s", execution->job_id,
                  execution->thing_name, (long long)execution->number, why);
    }
    if (together) {
        note_listed(oracle, known ? &job : NULL, execution, selected, now_ms);
    }
}

static void tell_flaw(struct oracle *oracle, const struct kept_row *row, const char *flaw)
{
    if (flaw) {
        sim_break(oracle->sim, "kept: %s/%s/%lld: %s", row->execution.job_id, row->execution.thing_name,
                  (long long)row->execution.number, flaw);
    }
}

/* What keep rules and limits make of the whole listing. */
static void check_together(struct oracle *oracle)
{
    const struct kept_row *row = NULL;
    kept_mark(&oracle->listing, oracle->policy, sim_service_ms(oracle->sim) + 2 * TIME_MS_PER_SECOND);
    const char *flaw = kept_flaw(&oracle->listing, oracle->policy, &row);
    tell_flaw(oracle, row, flaw);
    kept_mark(&oracle->listing, oracle->policy, oracle->began_ms - 2 * TIME_MS_PER_SECOND);
    flaw = kept_missing(&oracle->listing, oracle->policy, &row);
    tell_flaw(oracle, row, flaw);
    kept_finish(&oracle->listing);
}

void oracle_planned(struct oracle *oracle, const struct report *so_far)
{
    struct shadow_run *run = oracle_shadow(oracle, oracle->run);
    oracle->planned = run->planned = true;
    run->matched = so_far->selected + so_far->remaining;
    if (run->count != so_far->selected) {
        sim_break(oracle->sim, "accounting: the plan has %lld rows, %lld are on record",
                  (long long)so_far->selected, (long long)run->count);
    }
    if (kept_needed(oracle->policy) && !oracle->given) {
        check_together(oracle);
    }
}

void oracle_settled(struct oracle *oracle, const struct plan_row *plan, enum outcome outcome)
{
    const struct job_execution *execution = &plan->execution;
    uint32_t index = oracle_find_slot(oracle, execution->job_id, execution->thing_name, execution->number);
    struct shadow_row *row =
        index == UINT32_MAX ? NULL : oracle_shadow_row(oracle, oracle->run, oracle->slots[index].row);
    if (!row || row->told != OUTCOME_PENDING) {
        sim_break(oracle->sim, "accounting: a row is settled that is none, or twice");
        return;
    }
    row->told = outcome;
    if (row->executed && outcome == OUTCOME_NOT_ATTEMPTED) {
        sim_break(oracle->sim, "audited: %s is told as %s, and was deleted by us",
                  names_text(oracle->slot_names, index), outcome_name(outcome));
    }
    if (!oracle->frozen && row->outcome != outcome) {
        sim_break(oracle->sim, "audited: %s is told as %s, on record is %s",
                  names_text(oracle->slot_names, index), outcome_name(outcome), outcome_name(row->outcome));
    }
    if (oracle->sim->healed && !oracle->resuming &&
        (outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_FAILED) &&
        oracle->began_ms > oracle->sim->healed_ms) {
        sim_break(oracle->sim, "progress: %s is %s although everything healed",
                  names_text(oracle->slot_names, index), outcome_name(outcome));
    }
}

void oracle_canceled(struct oracle *oracle)
{
    oracle->canceled = true;
}

static void count_rows(const struct shadow_run *run, int64_t counted[OUTCOME_COUNT])
{
    for (int64_t i = 0; i < run->count; i++) {
        const struct shadow_row *row = &run->rows[i];
        enum outcome outcome = row->told != OUTCOME_PENDING ? row->told : row->outcome;
        counted[outcome != OUTCOME_PENDING ? outcome : OUTCOME_NOT_ATTEMPTED]++;
    }
}

static void check_accounts(struct oracle *oracle, const struct report *report)
{
    struct sim *sim = oracle->sim;
    const struct shadow_run *run = oracle_shadow(oracle, oracle->run);
    int64_t counted[OUTCOME_COUNT] = {0};
    if (report_outcome_sum(report) != report->selected || report->outcomes[OUTCOME_PENDING] != 0) {
        sim_break(sim, "accounting: %lld selected, %lld settled", (long long)report->selected,
                  (long long)report_outcome_sum(report));
    }
    if (!oracle->resuming && report->listed < report->selected + report->remaining + report->in_grace) {
        sim_break(sim, "accounting: more selected than listed");
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (report->calls[i] != oracle->calls[i]) {
            sim_break(sim, "accounting: %lld of %lld calls of %s were counted", (long long)report->calls[i],
                      (long long)oracle->calls[i], operation_name((enum operation)i));
        }
    }
    /* A plan of given rows says what would become of them, and that is not on record. */
    bool foretold = oracle->given && (oracle->look_only || !oracle->policy->enforce);
    if (!run || foretold || !(oracle->planned || oracle->resuming)) {
        return;
    }
    count_rows(run, counted);
    bool cut = oracle->resuming && !report->recorded; /* it has not read all that is on record */
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        if (cut ? i != OUTCOME_NOT_ATTEMPTED && counted[i] < report->outcomes[i]
                : counted[i] != report->outcomes[i]) {
            sim_break(sim, "accounting: %lld rows are %s, the report says %lld", (long long)counted[i],
                      outcome_name((enum outcome)i), (long long)report->outcomes[i]);
        }
    }
}

/* What ends by itself is at its end, however it ends: else nothing new may begin there. */
static void check_record(struct oracle *oracle, const struct shadow_run *run, const struct report *report)
{
    struct sim *sim = oracle->sim;
    bool may_be_open = oracle->frozen || (oracle->resuming && oracle->canceled);
    if (report->recorded != (run->ended_ms != 0)) {
        sim_break(sim, "audited: the end of a run is told as %s", report->recorded ? "recorded" : "open");
    }
    if (!report->recorded && !may_be_open) {
        sim_break(sim, "audited: a run ended as %s without a record of it", sweep_end_name(report->end));
    }
    sim->totals.settled +=
        oracle->resuming && report->limit != LIMIT_ROWS && report->outcomes[OUTCOME_NOT_ATTEMPTED] > 0;
}

void oracle_run_ends(struct oracle *oracle, const struct report *report)
{
    struct sim *sim = oracle->sim;
    struct shadow_run *run = oracle_shadow(oracle, oracle->run);
    check_accounts(oracle, report);
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        sim->totals.outcomes[i] += report->outcomes[i];
    }
    sim->totals.ends[report->end]++;
    sim->totals.runs++;
    for (int64_t i = 0; run && i < run->count; i++) { /* what was told without a record may come again */
        run->rows[i].told = OUTCOME_PENDING;
    }
    if (run) {
        check_record(oracle, run, report);
    }
}

/* --- the end ---------------------------------------------------------------------------------------------
 */

struct judgement {
    struct oracle *oracle;
    const struct policy *policy; /* whose rest it is */
    struct kept rest;
    int64_t from_ms;
};

static void judge_loss(void *ctx, const struct fleet_execution *lost)
{
    struct judgement *judgement = ctx;
    struct oracle *oracle = judgement->oracle;
    bool ours = lost->identity < oracle->killed_room && oracle->killed_by[lost->identity];
    if (!ours && !actors_took(oracle->site->actors, lost->identity)) {
        sim_break(oracle->sim, "audited: identity %llu went, and nobody did it",
                  (unsigned long long)lost->identity);
    }
    if (!ours) {
        return;
    }
    const struct attempt *attempt = oracle->killed_by[lost->identity];
    const struct shadow_row *row = oracle_shadow_row(oracle, attempt->run, attempt->row);
    bool told = row->outcome == OUTCOME_DELETED || row->outcome == OUTCOME_DELETED_PRESUMED ||
                row->outcome == OUTCOME_UNKNOWN || (row->outcome == OUTCOME_GONE && attempt->executed > 0);
    if (!told) {
        sim_break(oracle->sim, "audited: %s/%s/%lld was deleted by us, on record is %s",
                  lost->execution.job_id, lost->execution.thing_name, (long long)lost->execution.number,
                  outcome_name(row->outcome));
    }
}

static void add_rest(void *ctx, const struct fleet_execution *left)
{
    struct judgement *judgement = ctx;
    const struct job_execution *execution = &left->execution;
    struct job job;
    if (fleet_know_job(judgement->oracle->site->fleet, execution->job_id, &job)) {
        const struct policy *policy = judgement->policy;
        struct kept_row row = {.execution = *execution,
                               .counts = !rules_ignore(policy, &job, execution, judgement->from_ms),
                               .goes = !rules_keep(policy, &job, execution, judgement->from_ms)};
        kept_add(&judgement->rest, &row);
    }
}

/* What later sweeps took away can only make keep rules hold for more of the rest. */
static void judge_rest(struct judgement *judgement)
{
    struct sim *sim = judgement->oracle->sim;
    struct kept *rest = &judgement->rest;
    fleet_each(judgement->oracle->site->fleet, false, add_rest, judgement);
    kept_mark(rest, judgement->policy, judgement->from_ms);
    for (size_t i = 0; i < rest->count; i++) {
        const struct job_execution *execution = &rest->rows[i].execution;
        if (rest->rows[i].goes && !rest->rows[i].kept) {
            sim_break(sim, "progress: %s/%s/%lld is left by %s", execution->job_id, execution->thing_name,
                      (long long)execution->number, judgement->policy->name);
        }
    }
    kept_finish(rest);
}

void oracle_judge(struct oracle *oracle, const struct policy *const policies[], int count, int64_t from_ms)
{
    struct judgement judgement = {.oracle = oracle, .from_ms = from_ms - 2000};
    fleet_each(oracle->site->fleet, true, judge_loss, &judgement);
    oracle_judge_archive(oracle);
    for (int i = 0; i < count; i++) {
        judgement.policy = policies[i];
        if (policies[i]->enforce) {
            judge_rest(&judgement);
        }
    }
}
