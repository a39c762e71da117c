/* What the ledger is asked and confirms, kept apart: after a crash it must hold at least what it confirmed,
 * and at most what it was asked. See sim/oracle.h. */
#include "base/mem.h"
#include "sim/oracle_model.h"
#include "sim/rules.h"

#include <string.h>

#define CLOCK_STEPS_MS 900000

struct shadow_run *oracle_shadow(const struct oracle *oracle, int64_t run)
{
    return run >= 1 && run <= oracle->run_count ? &oracle->runs[run - 1] : NULL;
}

struct shadow_row *oracle_shadow_row(const struct oracle *oracle, int64_t run, int64_t row)
{
    const struct shadow_run *shadow = oracle_shadow(oracle, run);
    return shadow && row >= 0 && row < shadow->count ? &shadow->rows[row] : NULL;
}

int64_t oracle_runs(const struct sim *sim)
{
    int64_t most = 0;
    for (int i = 0; i < sim->site_count; i++) {
        most = sim->sites[i].oracle->run_count > most ? sim->sites[i].oracle->run_count : most;
    }
    return most;
}

/* One whose beginning nobody confirmed is whoever's who goes on with it. */
struct oracle *oracle_of_run(const struct sim *sim, int64_t run)
{
    for (int i = 1; i < sim->site_count; i++) {
        const struct shadow_run *shadow = oracle_shadow(sim->sites[i].oracle, run);
        if (shadow && shadow->policy) {
            return sim->sites[i].oracle;
        }
    }
    return sim->sites[0].oracle;
}

/* --- plans -----------------------------------------------------------------------------------------------
 */

void oracle_add_run(struct oracle *oracle, int64_t run)
{
    if (run < 1 || (run <= oracle->run_count && oracle->runs[run - 1].count > 0)) {
        sim_break(oracle->sim, "audited: run %lld begins twice", (long long)run);
        return;
    }
    if (run > oracle->run_room) {
        oracle->runs = mem_realloc(oracle->runs, (size_t)run * 2 + 8, sizeof *oracle->runs);
        oracle->run_room = run * 2 + 8;
    }
    while (oracle->run_count < run) {
        oracle->runs[oracle->run_count++] = (struct shadow_run){0};
    }
    oracle->runs[run - 1] = (struct shadow_run){.policy = oracle->policy, .began_ms = oracle->began_ms};
    oracle->run = run;
}

static void add_row(struct oracle *oracle, int64_t run, const struct plan_row *row)
{
    struct shadow_run *shadow = oracle_shadow(oracle, run);
    if (shadow->count == shadow->room) {
        shadow->room = shadow->room * 2 + 32;
        shadow->rows = mem_realloc(shadow->rows, (size_t)shadow->room, sizeof *shadow->rows);
    }
    uint32_t index = oracle_slot(oracle, &row->execution);
    if (oracle->slots[index].run == run) {
        sim_break(oracle->sim, "accounting: the plan has %s twice", names_text(oracle->slot_names, index));
    }
    shadow->rows[shadow->count] = (struct shadow_row){.slot = index, .print = row->execution.fingerprint};
    shadow->rows[shadow->count].meant = fleet_find_print(oracle->site->fleet, &row->execution);
    bool never_was = oracle->given && row->execution.fingerprint.status == EXECUTION_UNKNOWN;
    if (shadow->rows[shadow->count].meant == 0 && !never_was) {
        sim_break(oracle->sim, "eligible: the plan has %s, which never was",
                  names_text(oracle->slot_names, index));
    }
    oracle_point(oracle, run, shadow->count++);
}

void oracle_point(struct oracle *oracle, int64_t run, int64_t number)
{
    const struct shadow_row *row = &oracle_shadow(oracle, run)->rows[number];
    struct slot *slot = &oracle->slots[row->slot];
    if (slot->run == run && slot->row == number) {
        return;
    }
    *slot = (struct slot){.pair = slot->pair,
                          .listed = slot->listed,
                          .run = run,
                          .row = number,
                          .meant = row->meant,
                          .version = row->print.version_number,
                          .state_ms = INT64_MAX};
}

/* --- results ---------------------------------------------------------------------------------------------
 */

static bool is_gone(const struct oracle *oracle, uint64_t identity)
{
    struct fleet_execution meant;
    return fleet_identity(oracle->site->fleet, identity, &meant) && meant.deleted_ms != 0;
}

/* It has gone on since it was planned: only what was in progress does. */
static bool has_changed(const struct oracle *oracle, const struct shadow_row *row, uint64_t identity)
{
    struct fleet_execution meant;
    return fleet_identity(oracle->site->fleet, identity, &meant) &&
           strcmp(meant.execution.fingerprint.last_updated_at.text, row->print.last_updated_at.text) != 0;
}

static bool may_have_deleted(enum outcome outcome)
{
    return outcome == OUTCOME_PENDING || outcome == OUTCOME_DELETED || outcome == OUTCOME_DELETED_PRESUMED ||
           outcome == OUTCOME_UNKNOWN;
}

/* Whether the outcome is the truth, as far as it can be known. */
static const char *outcome_flaw(const struct oracle *oracle, const struct ledger_request *request,
                                const struct shadow_row *row)
{
    const struct slot *slot = &oracle->slots[row->slot];
    const struct attempt *latest = slot->latest;
    bool given_pending = row->meant == 0 || !rules_terminal(row->print.status);
    const struct fault_plan *faults = oracle->sim->scenario->faults;
    bool answered = latest && latest->answered && request->attempt > 0;
    /* A read may show what stood there before the list did. */
    bool lies = faults[FAULT_GONE].ppm > 0 || faults[FAULT_STALE].ppm > 0,
         twice = faults[FAULT_TWICE].ppm > 0;
    if (row->executed && !may_have_deleted(request->outcome) &&
        !(twice && request->outcome == OUTCOME_GONE)) {
        return "it was deleted by us";
    }
    switch (request->outcome) {
    case OUTCOME_DELETED:
        return answered && latest->class == ANSWER_DONE ? NULL : "no answer said so";
    case OUTCOME_DELETED_PRESUMED:
    case OUTCOME_GONE:
        return lies || is_gone(oracle, slot->meant) || row->meant == 0 ? NULL : "it is still there";
    case OUTCOME_REPLACED:
        return lies || is_gone(oracle, slot->meant) || has_changed(oracle, row, slot->meant)
                   ? NULL
                   : "it is the same";
    case OUTCOME_STATE_CHANGED:
        return given_pending || (answered && latest->class == ANSWER_STATE) || is_gone(oracle, slot->meant) ||
                       has_changed(oracle, row, slot->meant)
                   ? NULL
                   : "nothing says so";
    case OUTCOME_FAILED: /* one that was sent was allowed to be, when its run began */
        if (row->intents == 0 && row->meant != 0 && !rules_terminal(row->print.status) && oracle->policy &&
            !oracle->policy->force) {
            return "it had not finished, and nobody said force";
        }
        return request->answer.class != ANSWER_GONE ? NULL : "it is gone";
    default:
        return NULL;
    }
}

static void ask_result(struct oracle *oracle, const struct ledger_request *request, struct shadow_row *row)
{
    const char *flaw = outcome_flaw(oracle, request, row);
    const struct slot *slot = &oracle->slots[row->slot];
    bool waits = slot->latest && !slot->latest->answered && request->attempt > 0 &&
                 slot->latest->run == request->run && request->answer.class != ANSWER_AMBIGUOUS &&
                 request->answer.class != ANSWER_NOT_SENT;
    if (flaw) {
        sim_break(oracle->sim, "audited: %s is told as %s, and %s", names_text(oracle->slot_names, row->slot),
                  outcome_name(request->outcome), flaw);
    }
    if (waits) {
        sim_break(oracle->sim, "audited: %s has a result before its answer",
                  names_text(oracle->slot_names, row->slot));
    }
    if (row->outcome_asked != OUTCOME_PENDING) {
        sim_break(oracle->sim, "accounting: %s is settled twice", names_text(oracle->slot_names, row->slot));
    }
    row->results_asked = (int16_t)(row->results_asked + (request->attempt > 0));
    row->outcome_asked = request->outcome;
}

/* --- requests --------------------------------------------------------------------------------------------
 */

void oracle_asks(struct oracle *oracle, const struct ledger_request *request)
{
    struct shadow_row *row = oracle_shadow_row(oracle, request->run, request->row);
    if (request->operation == LEDGER_ADD_ROWS) {
        for (size_t i = 0; i < request->count; i++) {
            add_row(oracle, request->run, &request->rows[i]);
        }
    }
    if (request->operation == LEDGER_COUNT_GRACES) {
        oracle_grace_asked(oracle);
    }
    if (request->operation == LEDGER_INTENT && row) {
        row->intents_asked++;
        oracle->deleting = true;
    }
    if (request->operation == LEDGER_RESULT && row) {
        ask_result(oracle, request, row);
    }
}

void oracle_recorded(struct oracle *oracle, const struct ledger_request *request)
{
    struct shadow_run *run = oracle_shadow(oracle, request->run);
    struct shadow_row *row = oracle_shadow_row(oracle, request->run, request->row);
    if (request->err.code != ERR_NONE) {
        oracle->frozen = oracle->frozen || request->err.code == ERR_IO;
        return;
    }
    if (request->operation == LEDGER_START_RUN) {
        oracle_add_run(oracle, request->run);
    } else if (request->operation == LEDGER_ADD_ROWS) {
        run->confirmed += (int64_t)request->count;
    } else if (request->operation == LEDGER_INTENT) {
        row->intents++;
    } else if (request->operation == LEDGER_COUNT_GRACES) {
        oracle_grace_recorded(oracle);
    } else if (request->operation == LEDGER_END_RUN) {
        run->ended_ms = sim_service_ms(oracle->sim);
    }
    if (request->operation != LEDGER_RESULT) {
        return;
    }
    row->results = (int16_t)(row->results + (request->attempt > 0));
    row->outcome = request->outcome;
}

void oracle_crashed(struct oracle *oracle)
{
    struct shadow_run *run = oracle_shadow(oracle, oracle->run);
    for (int64_t i = 0; run && i < run->count; i++) {
        run->rows[i].told = OUTCOME_PENDING;
    }
    oracle->run = 0;
    oracle->policy = NULL;
    for (uint32_t i = 0; i < names_count(oracle->slot_names); i++) {
        oracle->slots[i].checked = oracle->slots[i].archived = false;
        const struct shadow_row *row = oracle_shadow_row(oracle, oracle->slots[i].run, oracle->slots[i].row);
        oracle->slots[i].version = row ? row->print.version_number : 0; /* else only the process knew it */
    }
}

/* --- after a restart -------------------------------------------------------------------------------------
 */

static bool within(int found, int confirmed, int asked)
{
    return found >= confirmed && found <= asked;
}

void oracle_found_row(struct oracle *oracle, int64_t run, int64_t number, const struct plan_row *found)
{
    struct shadow_row *row = oracle_shadow_row(oracle, run, number);
    int results = found->attempts - found->open;
    if (!row) {
        sim_break(oracle->sim, "audited: run %lld has a row %lld that nobody wrote", (long long)run,
                  (long long)number);
        return;
    }
    bool settled = found->outcome == row->outcome ||
                   (row->outcome == OUTCOME_PENDING && found->outcome == row->outcome_asked);
    if (!within(found->attempts, row->intents, row->intents_asked) ||
        !within(results, row->results, row->results_asked) || !settled) {
        sim_break(oracle->sim,
                  "audited: %s of run %lld: %d intents, %d results, %s on record; confirmed were %d, %d, %s",
                  names_text(oracle->slot_names, row->slot), (long long)run, found->attempts, results,
                  outcome_name(found->outcome), row->intents, row->results, outcome_name(row->outcome));
    }
    row->intents = row->intents_asked = (int16_t)found->attempts;
    row->results = row->results_asked = (int16_t)results;
    row->doubted = row->doubted || found->attempts > 0;
    row->outcome = row->outcome_asked = found->outcome;
}

/* The ledger may forget a run that ended long enough ago, by a clock that may have been set meanwhile. */
static bool may_be_forgotten(const struct oracle *oracle, const struct shadow_run *run)
{
    int64_t retain_ms = oracle->sim->scenario->retain_ms;
    int64_t ago_ms = sim_service_ms(oracle->sim) - run->ended_ms;
    return retain_ms > 0 && run->ended_ms != 0 && ago_ms + CLOCK_STEPS_MS >= retain_ms;
}

void oracle_found_run(struct oracle *oracle, int64_t run, int64_t rows, bool open)
{
    struct shadow_run *shadow = oracle_shadow(oracle, run);
    if (rows == 0 && !shadow) { /* nobody confirmed its beginning */
        return;
    }
    if (rows == 0 && may_be_forgotten(oracle, shadow)) {
        oracle->sim->totals.forgotten += !shadow->forgotten;
        shadow->forgotten = true;
        return;
    }
    if (!open && shadow->ended_ms == 0) { /* its end was on the disk and not confirmed yet */
        shadow->ended_ms = sim_service_ms(oracle->sim);
    }
    if (rows < shadow->confirmed || rows > shadow->count) {
        sim_break(oracle->sim, "audited: %lld rows of run %lld are on record, confirmed were %lld",
                  (long long)rows, (long long)run, (long long)shadow->confirmed);
    } else {
        shadow->count = shadow->confirmed = rows;
    }
}
