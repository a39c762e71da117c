/* See sim/oracle.h. This file judges calls: what is sent, what the service carries out, what comes back. */
#include "sim/oracle.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "sim/actors.h"
#include "sim/bookkeeper.h"
#include "sim/oracle_model.h"
#include "sim/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_SECONDS 10
#define CHECK_LIFE_NS  (60 * TIME_NS_PER_SECOND + 2 * TIME_NS_PER_MS) /* clocks are read in milliseconds */
#define SKEW_MAX_MS    60000
#define LOST_MAX       3 /* sendings of a row whose answer was lost */
#define LATE_MS        (SIM_TIMEOUT_NS / TIME_NS_PER_MS + 1000)
#define REFUSALS_MAX   10
#define IN_TRIP_MS     60000
#define AFTERMATH_EACH 200 /* sendings; fewer of large fleets: the whole disk is copied */
#define NEVER_SEEN_MS  INT64_MAX

/* --- numbers for names -----------------------------------------------------------------------------------
 */

static const char *slot_key(char key[256], const char *job_id, const char *thing_name, int64_t number)
{
    snprintf(key, 256, "%s/%s/%lld", job_id, thing_name, (long long)number);
    return key;
}

static void *room_for(void *array, uint32_t *room, uint32_t index, size_t size)
{
    if (index < *room) {
        return array;
    }
    uint32_t before = *room;
    *room = index * 2 + 64;
    array = mem_realloc(array, *room, size);
    memset((char *)array + before * size, 0, (*room - before) * size);
    return array;
}

uint32_t oracle_find_slot(const struct oracle *oracle, const char *job_id, const char *thing_name,
                          int64_t number)
{
    char key[256];
    return names_find(oracle->slot_names, slot_key(key, job_id, thing_name, number));
}

uint32_t oracle_slot(struct oracle *oracle, const struct job_execution *execution)
{
    char key[256];
    slot_key(key, execution->job_id, execution->thing_name, execution->number);
    uint32_t index = names_intern(oracle->slot_names, key);
    bool fresh = index >= oracle->slot_room || oracle->slots[index].pair == 0;
    oracle->slots = room_for(oracle->slots, &oracle->slot_room, index, sizeof *oracle->slots);
    if (fresh) {
        *strrchr(key, '/') = '\0';
        uint32_t pair = names_intern(oracle->pair_names, key) + 1;
        oracle->pairs = room_for(oracle->pairs, &oracle->pair_room, pair, sizeof(struct attempt *));
        oracle->slots[index].pair = pair;
    }
    return index;
}

/* --- budget ----------------------------------------------------------------------------------------------
 */

static int64_t quota(const struct sim *sim, enum operation operation)
{
    return (int64_t)operation_default_quota(operation) * sim->scenario->speed;
}

void oracle_started(struct oracle *oracle)
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        oracle->ring_counts[i] = 0;
        memset(oracle->rings[i], 0, (size_t)oracle->ring_sizes[i] * sizeof(int64_t));
    }
    oracle->latest_skew_ms = 0;
    oracle->frozen = false;
}

/* So many sendings in the ring: the oldest must lie a window back. */
static void check_budget(struct oracle *oracle, enum operation operation)
{
    int64_t now_ns = virtual_mono_ns(oracle->sim->world);
    int64_t *oldest =
        &oracle->rings[operation][oracle->ring_counts[operation]++ % oracle->ring_sizes[operation]];
    if (*oldest != 0 && now_ns - *oldest < WINDOW_SECONDS * TIME_NS_PER_SECOND) {
        sim_break(oracle->sim, "budget: more than %lld %s in %d s", (long long)oracle->ring_sizes[operation],
                  operation_name(operation), WINDOW_SECONDS);
    }
    *oldest = now_ns;
}

/* --- what is sent ----------------------------------------------------------------------------------------
 */

static bool may_live(const struct sim *sim, const struct attempt *attempt)
{
    bool over = attempt->answered && attempt->class != ANSWER_AMBIGUOUS;
    return !over && sim_service_ms(sim) - attempt->signed_at_ms <= SIM_LIFE_MS;
}

static void check_pair(struct oracle *oracle, const struct slot *slot)
{
    for (const struct attempt *other = oracle->pairs[slot->pair]; other; other = other->next_of_pair) {
        if (may_live(oracle->sim, other)) {
            sim_break(oracle->sim, "no double send: %s has a live attempt",
                      names_text(oracle->pair_names, slot->pair - 1));
            return;
        }
        if (sim_service_ms(oracle->sim) - other->sent_ms > 2 * SIM_LIFE_MS) {
            return;
        }
    }
}

static void check_look(struct oracle *oracle, const struct call *call, const struct slot *slot,
                       const struct shadow_row *row)
{
    struct job job;
    bool needless = oracle->policy->verify_risky && !oracle->resuming && !row->doubted &&
                    !oracle->looks_at_each && !oracle->policy->archive_directory &&
                    fleet_know_job(oracle->site->fleet, call->job_id, &job) && rules_settled(&job);
    if (!slot->checked && !needless) {
        sim_break(oracle->sim, "check: %s/%s/%lld is sent unseen", call->job_id, call->thing_name,
                  (long long)call->number);
    } else if (!needless && virtual_mono_ns(oracle->sim->world) - slot->asked_ns > CHECK_LIFE_NS) {
        sim_break(oracle->sim, "check: the look at %s/%s is too old", call->job_id, call->thing_name);
    }
}

/* A process that stands still may find much to be due when it goes on. */
static int64_t stood_most_ms(const struct scenario *scenario)
{
    int64_t sum_ms = 0;
    for (int i = 0; i < scenario->accident_count; i++) {
        sum_ms += scenario->accidents[i].kind == ACCIDENT_STANDSTILL ? scenario->accidents[i].amount : 0;
    }
    return sum_ms;
}

/* One that is resumed first waits for what its process sent: for as long as a signature may live, by a clock
 * that may be a minute off, and then some. */
static bool is_overtime(const struct oracle *oracle, int64_t *run_ms)
{
    int64_t most_ms = oracle->policy->max_duration_ms + stood_most_ms(oracle->sim->scenario) +
                      (oracle->resuming ? SIM_LIFE_MS + 62 * TIME_MS_PER_SECOND : 0);
    *run_ms = (virtual_mono_ns(oracle->sim->world) - oracle->began_ns) / TIME_NS_PER_MS;
    return oracle->policy->max_duration_ms > 0 && *run_ms > most_ms;
}

static void check_duration(struct oracle *oracle)
{
    int64_t run_ms;
    if (is_overtime(oracle, &run_ms)) {
        sim_break(oracle->sim, "guards: sent %lld ms after the run began", (long long)run_ms);
    }
}

static void check_guards(struct oracle *oracle, const struct shadow_run *run)
{
    const struct policy *policy = oracle->policy;
    struct sim *sim = oracle->sim;
    if (!policy->enforce) {
        sim_break(sim, "guards: the policy only observes");
    }
    if (oracle->paused) {
        sim_break(sim, "guards: sent during a pause");
    }
    if (oracle->look_only) {
        sim_break(sim, "guards: the target allows no more than plans");
    }
    if (run->policy != policy) {
        sim_break(sim, "one configuration: the run goes on with another policy than it began with");
    }
    if (!run->planned) {
        sim_break(sim, "guards: sent before the plan was judged");
    }
    if (run->planned && run->matched > policy->selected_over) {
        sim_break(sim, "guards: the plan is over abort_if");
    }
    if (policy->per_run > 0 && run->count > policy->per_run) {
        sim_break(sim, "guards: more rows than limits.per_run");
    }
    check_duration(oracle);
    if (oracle->refusals >= REFUSALS_MAX) {
        sim_break(sim, "guards: sent after a run of refusals");
    }
    if (oracle->canceled) {
        sim_break(sim, "guards: sent after it was canceled");
    }
    if (oracle->frozen) {
        sim_break(sim, "guards: sent after the ledger failed");
    }
    /* An answer that waited while we stood still proves nothing, and one that is late shows less. */
    int64_t skew_ms = sim_service_ms(sim) - sim_wall_ms(sim);
    if (llabs(oracle->latest_skew_ms) > SKEW_MAX_MS && llabs(skew_ms) > SKEW_MAX_MS + LATE_MS) {
        sim_break(sim, "guards: sent with a clock that is %lld ms off", (long long)skew_ms);
    }
}

/* Looks at what a crash right now would leave. */
static void check_disk(struct oracle *oracle, const struct call *call, const struct shadow_row *row)
{
    const struct slot *slot = &oracle->slots[row->slot];
    static struct plan_row found;
    if (!bookkeeper_aftermath_row(oracle->sim, slot->run, slot->row, &found) || !found.open ||
        found.attempts != row->intents) {
        sim_break(oracle->sim, "intent first: a crash would lose the intent of %s/%s/%lld", call->job_id,
                  call->thing_name, (long long)call->number);
    }
}

static void check_intent(struct oracle *oracle, const struct call *call, const struct shadow_row *row)
{
    if (row->intents != row->results + 1 || row->intents_asked != row->intents) {
        sim_break(oracle->sim, "intent first: %d intents, %d results of %s/%s/%lld", row->intents,
                  row->results, call->job_id, call->thing_name, (long long)call->number);
    }
    if (row->outcome_asked != OUTCOME_PENDING) {
        sim_break(oracle->sim, "no double send: a settled row is sent");
    }
    bool closely =
        oracle->sends++ % (AFTERMATH_EACH + AFTERMATH_EACH * oracle->sim->scenario->executions / 1000) == 0;
    if (closely) {
        check_disk(oracle, call, row);
    }
    oracle_check_archive(oracle, call, &oracle->slots[row->slot], closely);
    bool running = row->print.status == EXECUTION_IN_PROGRESS && oracle->policy->force;
    if (row->lost >= LOST_MAX) {
        sim_break(oracle->sim, "no double send: a row is sent again after %d answers were lost", row->lost);
    }
    if (call->force != running) {
        sim_break(oracle->sim, "eligible: force is %d", call->force);
    }
    if (oracle->until_ms != 0 && call->signed_at_ms >= oracle->until_ms) {
        sim_break(oracle->sim, "guards: sent after the plan had expired");
    }
    if (!running && !rules_terminal(row->print.status)) {
        sim_break(oracle->sim, "eligible: the plan's row is not terminal");
    }
}

static struct attempt *note_attempt(struct oracle *oracle, const struct call *call, struct slot *slot,
                                    uint32_t index)
{
    struct attempt *attempt = mem_alloc(sizeof *attempt);
    *attempt = (struct attempt){.oracle = oracle,
                                .slot = index,
                                .run = slot->run,
                                .row = slot->row,
                                .meant = slot->meant,
                                .force = call->force,
                                .state_ms = slot->state_ms,
                                .signed_at_ms = call->signed_at_ms,
                                .sent_ms = sim_service_ms(oracle->sim),
                                .next = oracle->attempts,
                                .next_of_pair = oracle->pairs[slot->pair]};
    oracle->attempts = oracle->pairs[slot->pair] = slot->latest = attempt;
    return attempt;
}

/* Within one process: the next one may not know of the answer. */
static void check_final(struct oracle *oracle, const struct slot *slot, const struct shadow_row *row)
{
    const struct attempt *before = slot->latest;
    if (!before || !before->answered || row->doubted) {
        return;
    }
    if (before->class == ANSWER_DONE || before->class == ANSWER_GONE || before->class == ANSWER_STATE ||
        before->class == ANSWER_DENIED || before->class == ANSWER_INVALID) {
        sim_break(oracle->sim, "no double send: %s is sent after the answer %s",
                  names_text(oracle->slot_names, before->slot), answer_class_name(before->class));
    }
}

static struct attempt *check_deletion(struct oracle *oracle, const struct call *call)
{
    uint32_t index = oracle_find_slot(oracle, call->job_id, call->thing_name, call->number);
    struct slot *slot = index == UINT32_MAX ? NULL : &oracle->slots[index];
    struct shadow_row *row = slot ? oracle_shadow_row(oracle, slot->run, slot->row) : NULL;
    struct shadow_run *run = row ? oracle_shadow(oracle, slot->run) : NULL;
    if (!row || slot->run != oracle->run) {
        sim_break(oracle->sim, "eligible: %s/%s/%lld is not in the plan", call->job_id, call->thing_name,
                  (long long)call->number);
        return NULL;
    }
    check_intent(oracle, call, row);
    check_guards(oracle, run);
    check_look(oracle, call, slot, row);
    check_pair(oracle, slot);
    if (!oracle->given) { /* a plan in a file holds only what was over its grace */
        oracle_grace_check(oracle, run->policy, row);
    }
    check_final(oracle, slot, row);
    if (slot->state_ms == NEVER_SEEN_MS) {
        slot->state_ms = run->began_ms; /* the listing was the last look */
    }
    return note_attempt(oracle, call, slot, index);
}

struct attempt *oracle_sent(struct oracle *oracle, const struct call *call)
{
    oracle->calls[call->operation]++;
    check_budget(oracle, call->operation);
    return call->operation == OPERATION_DELETE_EXECUTION ? check_deletion(oracle, call) : NULL;
}

static const char *why_stay(struct oracle *oracle)
{
    int64_t run_ms;
    return oracle->paused                 ? "during a pause"
           : oracle->canceled             ? "although its run is canceled"
           : oracle->frozen               ? "although the ledger has failed"
           : is_overtime(oracle, &run_ms) ? "after its run's time"
                                          : NULL;
}

void oracle_leaves(struct oracle *oracle, struct attempt *attempt)
{
    const struct slot *slot = &oracle->slots[attempt->slot];
    const char *name = names_text(oracle->slot_names, attempt->slot), *why = why_stay(oracle);
    if (why) {
        sim_break(oracle->sim, "guards: %s leaves %s", name, why);
    }
    if (slot->checked && virtual_mono_ns(oracle->sim->world) - slot->asked_ns > CHECK_LIFE_NS) {
        sim_break(oracle->sim, "check: %s leaves, and the look at it is too old", name);
    }
    attempt->sent_ms = sim_service_ms(oracle->sim);
}

void oracle_paused(struct oracle *oracle, bool paused, int64_t waiting)
{
    int64_t run_ms;
    oracle->paused = paused;
    if (paused || !oracle->policy) {
        return;
    }
    oracle->looks_at_each = oracle->looks_at_each || oracle->deleting;
    oracle->sim->totals.paused += waiting;
    if (waiting > 0 && (oracle->canceled || is_overtime(oracle, &run_ms))) {
        sim_break(oracle->sim, "progress: a run that shall end waits for the end of a pause");
    }
}

void oracle_repeat(const struct attempt *attempt, struct call *call)
{
    const struct oracle *oracle = attempt->oracle;
    char key[256];
    call_init(call, OPERATION_DELETE_EXECUTION);
    snprintf(key, sizeof key, "%s", names_text(oracle->slot_names, attempt->slot));
    char *thing = strchr(key, '/'), *number = strrchr(key, '/');
    *thing++ = *number++ = '\0';
    text_copy(call->job_id, sizeof call->job_id, key);
    text_copy(call->thing_name, sizeof call->thing_name, thing);
    call->number = strtoll(number, NULL, 10);
    call->signed_at_ms = attempt->signed_at_ms;
    call->force = attempt->force;
}

/* --- what is carried out ---------------------------------------------------------------------------------
 */

static void check_eligible(struct oracle *oracle, const struct attempt *attempt,
                           const struct fleet_execution *lost)
{
    const struct policy *policy = oracle_shadow(oracle, attempt->run)->policy;
    const struct job_execution *execution = &lost->execution;
    struct job job;
    bool known = fleet_know_job(oracle->site->fleet, execution->job_id, &job);
    const char *why = rules_keep(policy, known ? &job : NULL, execution, sim_service_ms(oracle->sim));
    if (attempt->force && execution->fingerprint.last_updated_at.ms >= attempt->state_ms) {
        oracle->sim->totals.changed++; /* it went on after our last look */
    } else if (why) {
        sim_break(oracle->sim, "eligible: %s/%s/%lld should be kept: %s", execution->job_id,
                  execution->thing_name, (long long)execution->number, why);
    }
}

/* Another one was hit. That cannot be prevented where somebody else had deleted the one that was meant after
 * our last look; where one request is carried out twice; or where the look showed what was there before our
 * own deletion. */
static void judge_hit(struct oracle *oracle, const struct attempt *attempt,
                      const struct fleet_execution *lost)
{
    struct sim *sim = oracle->sim;
    const struct fault_plan *faults = sim->scenario->faults;
    struct fleet_execution meant = {0};
    bool known = fleet_identity(oracle->site->fleet, attempt->meant, &meant) && meant.deleted_ms != 0;
    bool since = known && meant.deleted_ms >= attempt->state_ms;
    bool theirs = actors_took(oracle->site->actors, attempt->meant);
    bool in_trip = sim_service_ms(sim) - attempt->sent_ms <= IN_TRIP_MS;
    sim_tell(sim, "a newcomer is hit: %s/%s/%lld", lost->execution.job_id, lost->execution.thing_name,
             (long long)lost->execution.number);
    sim->totals.queued += lost->execution.fingerprint.status == EXECUTION_QUEUED;
    if (known && attempt->executed > 1 && faults[FAULT_TWICE].ppm > 0) {
        sim->totals.twice++;
    } else if (since && theirs) {
        *(in_trip ? &sim->totals.in_trip : &sim->totals.late) += 1;
    } else if (since && faults[FAULT_STALE].ppm > 0) {
        sim->totals.stale++;
    } else {
        sim_break(sim, "right target: %s/%s/%lld is another incarnation", lost->execution.job_id,
                  lost->execution.thing_name, (long long)lost->execution.number);
    }
}

static void note_kill(struct oracle *oracle, struct attempt *attempt, uint64_t identity)
{
    if (identity >= oracle->killed_room) {
        size_t room = identity * 2 + 64;
        oracle->killed_by = mem_realloc(oracle->killed_by, room, sizeof(struct attempt *));
        memset(&oracle->killed_by[oracle->killed_room], 0,
               (room - oracle->killed_room) * sizeof(struct attempt *));
        oracle->killed_room = room;
    }
    oracle->killed_by[identity] = attempt;
}

static bool may_have_deleted(enum outcome outcome)
{
    return outcome == OUTCOME_PENDING || outcome == OUTCOME_DELETED || outcome == OUTCOME_DELETED_PRESUMED ||
           outcome == OUTCOME_UNKNOWN;
}

void oracle_executed(struct oracle *oracle, struct attempt *attempt, uint64_t identity)
{
    struct sim *sim = oracle->sim;
    struct fleet_execution lost;
    struct shadow_row *row = oracle_shadow_row(oracle, attempt->run, attempt->row);
    sim->totals.deletions++;
    attempt->executed++;
    note_kill(oracle, attempt, identity);
    fleet_identity(oracle->site->fleet, identity, &lost);
    if (identity != attempt->meant) {
        judge_hit(oracle, attempt, &lost);
    } else {
        check_eligible(oracle, attempt, &lost);
    }
    row->executed = true;
    if (!may_have_deleted(row->outcome_asked)) {
        sim_break(sim, "audited: %s/%s/%lld goes after it was told as %s", lost.execution.job_id,
                  lost.execution.thing_name, (long long)lost.execution.number,
                  outcome_name(row->outcome_asked));
    }
}

/* --- what comes back -------------------------------------------------------------------------------------
 */

static bool is_refusal(enum answer_class class)
{
    return class == ANSWER_DENIED || class == ANSWER_INVALID;
}

static void note_look(struct oracle *oracle, const struct oracle_view *view)
{
    const struct call *call = view->call;
    uint32_t index = oracle_find_slot(oracle, call->job_id, call->thing_name, call->number);
    struct slot *slot = index == UINT32_MAX ? NULL : &oracle->slots[index];
    struct shadow_row *row = slot ? oracle_shadow_row(oracle, slot->run, slot->row) : NULL;
    if (row && !row->doubted && is_refusal(call->answer.class)) {
        oracle->refusals++;
    }
    if (!row || call->answer.class != ANSWER_DONE || call->execution.number != call->number) {
        return;
    }
    struct fingerprint shown = call->execution.fingerprint;
    int64_t version = shown.version_number;
    shown.version_number = 0;
    slot->checked = rules_same(&shown, &row->print) && (slot->version == 0 || slot->version == version);
    if (!slot->checked) {
        return;
    }
    if (slot->version == 0) { /* lists do not tell the version: the first look says which one is meant */
        slot->version = version;
        slot->meant = view->shown;
    }
    slot->asked_ns = view->sent_ns;
    slot->state_ms = view->as_of_ms;
}

static void note_deletion(struct oracle *oracle, const struct oracle_view *view)
{
    struct attempt *attempt = view->attempt;
    enum answer_class class = view->call->answer.class;
    attempt->answered = true;
    attempt->class = class;
    if (class == ANSWER_AMBIGUOUS) {
        oracle->slots[attempt->slot].checked = false;
        oracle_shadow_row(oracle, attempt->run, attempt->row)->doubted = true;
        oracle_shadow_row(oracle, attempt->run, attempt->row)->lost++;
    }
    oracle->refusals = is_refusal(class) ? oracle->refusals + 1 : 0;
}

void oracle_answered(struct oracle *oracle, const struct oracle_view *view)
{
    const struct answer *answer = &view->call->answer;
    enum operation operation = view->call->operation;
    bool about_row = operation == OPERATION_DESCRIBE_EXECUTION || operation == OPERATION_DELETE_EXECUTION;
    if (about_row && answer->server_date_ms != 0) {
        oracle->latest_skew_ms = answer->server_date_ms - answer->received_ms;
    }
    if (operation == OPERATION_DESCRIBE_EXECUTION) {
        note_look(oracle, view);
    }
    if (view->attempt) {
        note_deletion(oracle, view);
    }
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct oracle *oracle_create(const struct site *site)
{
    struct oracle *oracle = mem_zalloc(sizeof *oracle);
    oracle->site = site;
    oracle->sim = site->sim;
    oracle->slot_names = names_create();
    oracle->pair_names = names_create();
    oracle->graces = oracle_graces_create();
    for (int i = 0; i < OPERATION_COUNT; i++) {
        oracle->ring_sizes[i] = quota(oracle->sim, (enum operation)i) * WINDOW_SECONDS + 2;
        oracle->rings[i] = mem_calloc((size_t)oracle->ring_sizes[i], sizeof(int64_t));
    }
    return oracle;
}

void oracle_destroy(struct oracle *oracle)
{
    if (!oracle) {
        return;
    }
    names_destroy(oracle->slot_names);
    names_destroy(oracle->pair_names);
    oracle_graces_destroy(oracle->graces);
    kept_finish(&oracle->listing);
    while (oracle->attempts) {
        struct attempt *attempt = oracle->attempts;
        oracle->attempts = attempt->next;
        free(attempt);
    }
    for (int64_t i = 0; i < oracle->run_count; i++) {
        free(oracle->runs[i].rows);
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        free(oracle->rings[i]);
    }
    free(oracle->slots);
    free(oracle->pairs);
    free(oracle->killed_by);
    free(oracle->runs);
    free(oracle);
}
