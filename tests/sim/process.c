/* See sim/process.h.
 *
 * The happy path: start() opens the ledger and has the oracle look at it; ask_for_open_run() -> on_open_run()
 * -> sweep_resume() for each run that an earlier process left -> wait_for_turn() -> on_turn() ->
 * sweep_start()
 * -> on_done() -> on_ended() -> wait_for_turn() and so on.
 * The ways out: a ledger that fails ends the process (leave()), and start() comes again later; process_kill()
 * cuts the wire and the power, and lets what is left of the objects wind up unheard. */
#include "sim/process.h"

#include "aws/crypto.h"
#include "base/mem.h"
#include "base/time.h"
#include "engine/sweep.h"
#include "ledger/sorter.h"
#include "sim/bookkeeper.h"
#include "sim/configs.h"
#include "sim/librarian.h"
#include "sim/oracle.h"
#include "sim/wire.h"

#include <stdlib.h>
#include <string.h>

#define WIND_UP_EVENTS 2000000
#define TRIES_MAX      12
#define RESTART_MS     30000
#define SCRATCH_BYTES  (1024u * 1024)

struct process {
    struct sim *sim;
    struct random random;
    struct configs *configs;
    struct bookkeeper *bookkeeper;
    struct librarian *librarian;
    struct dispatcher *dispatcher;
    struct sweep *sweep;
    struct ledger_request open_run, rates;
    struct run_header site; /* whose rates they are */
    struct report report;
    struct target target, look_only; /* the same, as a reload may make it */
    struct sorter_place place;
    struct scratch scratch;
    bool asking, dead, done, over, closing;
    bool leaving;    /* it ends with the present run */
    int turn_number; /* turns that were planned before are void */
    int policy, runs, restarts;
    int swept, tries; /* policies of the last round, tries of the present one */
    bool finished[SCENARIO_POLICIES_MAX];
    int64_t round_ms;
};

static int64_t now_ns(const struct process *process)
{
    return virtual_mono_ns(process->sim->world);
}

static int64_t below(struct process *process, int64_t bound)
{
    return (int64_t)random_below(&process->random, (uint64_t)bound);
}

/* --- the end of a process --------------------------------------------------------------------------------
 */

static void start(void *ctx);

static void let_go(struct process *process)
{
    sweep_destroy(process->sweep);
    dispatcher_destroy(process->dispatcher);
    librarian_destroy(process->librarian);
    bookkeeper_close(process->bookkeeper);
    process->sweep = NULL;
    process->dispatcher = NULL;
    process->bookkeeper = NULL;
    process->librarian = NULL;
    process->leaving = false;
    if (virtual_pending(process->sim->world, true) > 0) {
        sim_break(process->sim, "progress: %zu timers or answers are left of a process",
                  virtual_pending(process->sim->world, true));
    }
}

static void start_later(struct process *process)
{
    process->restarts++;
    process->sim->totals.restarts++;
    virtual_at(process->sim->world, now_ns(process) + below(process, RESTART_MS) * TIME_NS_PER_MS, start,
               process);
}

/* In good order; from an event that is no callback of the engine. */
static void leave(struct process *process)
{
    sim_tell(process->sim, "the process ends");
    let_go(process);
    oracle_crashed(process->sim->oracle);
    if (process->closing) {
        process->over = true;
    } else {
        start_later(process);
    }
}

static bool is_wound_up(void *ctx)
{
    const struct process *process = ctx;
    return !process->asking && (process->done || !process->sweep) &&
           virtual_pending(process->sim->world, true) == 0;
}

void process_kill(struct process *process)
{
    struct sim *sim = process->sim;
    if (!process->bookkeeper) { /* it is down already */
        disk_crash(sim->disk);
        return;
    }
    sim_tell(sim, "the process is killed");
    process->dead = true;
    process->turn_number++;
    disk_crash(sim->disk);
    shelf_crash(sim->shelf);
    librarian_silence(process->librarian);
    oracle_crashed(sim->oracle);
    wire_cut(sim->wire);
    bookkeeper_fail(process->bookkeeper);
    if (process->sweep && !process->done) {
        sweep_cancel(process->sweep, true);
    }
    if (!virtual_wind_up(sim->world, is_wound_up, process, WIND_UP_EVENTS)) {
        sim_break(sim, "progress: a process that was killed does not end: %d %d %zu", process->asking,
                  process->done, virtual_pending(sim->world, true));
    }
    let_go(process);
    wire_restore(sim->wire);
    process->dead = process->done = false;
    start_later(process);
}

void process_abandon(struct process *process)
{
    process->over = true;
    process_kill(process);
}

static void on_leave(void *ctx)
{
    struct process *process = ctx;
    if (!process->dead) {
        leave(process);
    }
}

/* --- sweeps ----------------------------------------------------------------------------------------------
 */

static void wait_for_turn(struct process *process);
static void ask_for_open_run(struct process *process, int64_t after);
static void after_run(struct ledger_request *request);

static void ask_for_rates(struct process *process, enum ledger_operation operation,
                          void (*done)(struct ledger_request *request))
{
    struct ledger *ledger = bookkeeper_face(process->bookkeeper);
    process->asking = true;
    process->rates = (struct ledger_request){
        .operation = operation, .header = &process->site, .done = done, .owner = process};
    for (int i = 0; i < OPERATION_COUNT && operation == LEDGER_SET_RATES; i++) {
        process->rates.rates[i] = dispatcher_learned_rate(process->dispatcher, (enum operation)i);
    }
    ledger->submit(ledger->ctx, &process->rates);
}

static bool swept_all(const struct process *process)
{
    const struct report *report = &process->report;
    return report->end == SWEEP_FINISHED || report->end == SWEEP_PLANNED || report->end == SWEEP_GUARDED;
}

/* The last round goes from policy to policy; each is swept until nothing is left. */
static void count_round(struct process *process)
{
    if (!process->sim->healed || process->round_ms == 0) {
        return;
    }
    if (process->report.end == SWEEP_FINISHED && process->report.in_grace > 0) {
        process->tries = 0; /* it takes its time */
    } else if (swept_all(process)) {
        process->finished[process->policy] = process->report.end == SWEEP_FINISHED;
        process->policy++;
        process->tries = 0;
    } else if (process->report.end != SWEEP_LIMITED && ++process->tries > TRIES_MAX) {
        sim_break(process->sim, "progress: sweeps end as %s: %s", sweep_end_name(process->report.end),
                  process->report.err.msg);
        process->policy++;
    }
}

static void on_ended(void *ctx)
{
    struct process *process = ctx;
    struct sim *sim = process->sim;
    if (process->dead) {
        return;
    }
    oracle_run_ends(sim->oracle, &process->report);
    sweep_destroy(process->sweep);
    process->sweep = NULL;
    process->done = false;
    process->runs++;
    ask_for_rates(process, LEDGER_SET_RATES, after_run);
}

/* What is kept of a run besides: the paces that it learned. */
static void after_run(struct ledger_request *request)
{
    struct process *process = request->owner;
    int64_t run = process->open_run.run;
    process->asking = false;
    if (process->dead) {
        return;
    }
    if (run == 0) {
        count_round(process);
    }
    if (bookkeeper_failed(process->bookkeeper) || process->leaving) {
        virtual_at_process(process->sim->world, now_ns(process), on_leave, process);
    } else if (run != 0) {
        ask_for_open_run(process, run);
    } else {
        wait_for_turn(process);
    }
}

static void on_done(void *owner, const struct report *report)
{
    struct process *process = owner;
    process->done = true;
    process->report = *report;
    sim_tell(process->sim, "run ends: %s %s", sweep_end_name(report->end), report->err.msg);
    virtual_at_process(process->sim->world, now_ns(process), on_ended, process);
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct process *process = owner;
    if (!process->dead) {
        bool waits = verdict->cause == CAUSE_GRACE || verdict->cause == CAUSE_LIMIT;
        oracle_listed(process->sim->oracle, execution, verdict->delete, waits);
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct process *process = owner;
    if (!process->dead) {
        oracle_planned(process->sim->oracle, so_far);
    }
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct process *process = owner;
    (void)answer;
    if (process->dead) {
        return;
    }
    sim_tell(process->sim, "settled %s/%s/%lld: %s", row->execution.job_id, row->execution.thing_name,
             (long long)row->execution.number, outcome_name(outcome));
    oracle_settled(process->sim->oracle, row, outcome);
}

static void sweep_on(struct process *process, int policy, const struct ledger_request *found)
{
    struct sim *sim = process->sim;
    bool look_only = configs_plan_only(process->configs) && !sim->healed;
    struct sweep_config config = {
        .env = virtual_env(sim->world),
        .dispatcher = process->dispatcher,
        .ledger = bookkeeper_face(process->bookkeeper),
        .archive = librarian_face(process->librarian),
        .scratch = &process->scratch,
        .sha256 = crypto_sha256,
        .target = look_only ? &process->look_only : &process->target,
        .observer = {
            .owner = process, .row = on_row, .planned = on_planned, .settled = on_settled, .done = on_done}};
    config.policy = configs_policy(process->configs, policy, &config.policy_sha256);
    process->done = false;
    oracle_run_begins(sim->oracle, config.policy, look_only, found ? found->run : 0);
    sim_tell(sim, "run begins: %s%s%s", config.policy->name, found ? ", resumed" : "",
             look_only ? ", looks only" : "");
    process->sweep = found ? sweep_resume(&config, found) : sweep_start(&config);
}

struct turn {
    struct process *process;
    int number;
};

static void on_turn(void *ctx)
{
    struct turn *turn = ctx;
    struct process *process = turn->process;
    bool is_void = turn->number != process->turn_number;
    free(turn);
    if (is_void || process->dead) {
        return;
    }
    if (process->leaving) {
        leave(process);
        return;
    }
    if (process->sim->healed && process->round_ms == 0) {
        process->round_ms = sim_service_ms(process->sim);
        process->policy = 0;
    }
    if (process->round_ms != 0 && process->policy >= configs_count(process->configs)) {
        process->closing = true;
        leave(process);
        return;
    }
    process->open_run.run = 0;
    int policy = process->policy;
    if (process->round_ms == 0) {
        process->policy = (process->policy + 1) % configs_count(process->configs);
    }
    sweep_on(process, policy, NULL);
}

static void wait_for_turn(struct process *process)
{
    struct turn *turn = mem_alloc(sizeof *turn);
    *turn = (struct turn){.process = process, .number = ++process->turn_number};
    int64_t wait_ms = below(process, 4) > 0 ? below(process, 5000) : below(process, 600000);
    int64_t at_ns = now_ns(process) + wait_ms * TIME_NS_PER_MS;
    virtual_at_process(process->sim->world, at_ns, on_turn, turn);
}

/* --- starting --------------------------------------------------------------------------------------------
 */

static void on_open_run(struct ledger_request *request)
{
    struct process *process = request->owner;
    process->asking = false;
    if (process->dead) {
        return;
    }
    if (request->err.code != ERR_NONE) {
        virtual_at_process(process->sim->world, now_ns(process), on_leave, process);
        return;
    }
    int policy = request->run != 0 ? configs_find(process->configs, request->found.policy) : -1;
    if (policy >= 0) {
        sweep_on(process, policy, request);
    } else {
        wait_for_turn(process);
    }
}

static void ask_for_open_run(struct process *process, int64_t after)
{
    struct ledger *ledger = bookkeeper_face(process->bookkeeper);
    process->asking = true;
    process->open_run = (struct ledger_request){
        .operation = LEDGER_OPEN_RUN, .from = after, .done = on_open_run, .owner = process};
    ledger->submit(ledger->ctx, &process->open_run);
}

static void on_archived(void *ctx, const struct archive_request *request)
{
    struct process *process = ctx;
    sim_tell(process->sim, "archived operation %d, run %lld, row %lld: %s", (int)request->operation,
             (long long)request->run, (long long)request->row, request->err.msg);
    oracle_archived(process->sim->oracle, request);
}

static void on_rates(struct ledger_request *request)
{
    struct process *process = request->owner;
    process->asking = false;
    if (process->dead) {
        return;
    }
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (request->rates[i] > 0) {
            dispatcher_set_learned_rate(process->dispatcher, (enum operation)i, request->rates[i]);
        }
    }
    ask_for_open_run(process, 0);
}

static void start(void *ctx)
{
    struct process *process = ctx;
    struct sim *sim = process->sim;
    struct dispatcher_config config = {.concurrency = 64};
    if (process->over) {
        return;
    }
    process->bookkeeper = bookkeeper_open(sim);
    if (!process->bookkeeper) {
        start_later(process);
        return;
    }
    process->librarian = librarian_create(
        &(struct librarian_config){.world = sim->world,
                                   .shelf = sim->shelf,
                                   .delay_ns = sim->healed ? TIME_NS_PER_MS : sim->scenario->commit_ns,
                                   .answered = on_archived,
                                   .ctx = process});
    sim_tell(sim, "the process starts");
    oracle_started(sim->oracle);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota_per_1000s[i] =
            (int64_t)operation_default_quota((enum operation)i) * 1000 * sim->scenario->speed;
    }
    process->dispatcher = dispatcher_create(virtual_env(sim->world), wire_service(sim->wire), &config);
    ask_for_rates(process, LEDGER_GET_RATES, on_rates);
}

/* --- the face --------------------------------------------------------------------------------------------
 */

struct process *process_create(struct sim *sim)
{
    struct process *process = mem_zalloc(sizeof *process);
    process->sim = sim;
    process->configs = configs_create(sim);
    process->target = (struct target){.name = "simulated",
                                      .account = "123456789012",
                                      .region = "eu-west-1",
                                      .signature_life_ms = SIM_LIFE_MS};
    process->look_only = process->target;
    process->look_only.plan_only = true;
    memcpy(process->site.account, process->target.account, sizeof process->site.account);
    memcpy(process->site.region, process->target.region, sizeof process->site.region);
    process->place = (struct sorter_place){.folder = "/var/tmp", .memory_bytes = SCRATCH_BYTES};
    sorter_scratch(&process->scratch, &process->place);
    scenario_stream(sim->scenario, 500, &process->random);
    virtual_at(sim->world, 0, start, process);
    return process;
}

void process_destroy(struct process *process)
{
    if (!process) {
        return;
    }
    configs_destroy(process->configs);
    free(process);
}

void process_reload(struct process *process)
{
    configs_reload(process->configs);
}

void process_cancel(struct process *process, bool hurry)
{
    if (!process->sweep || process->done) {
        return;
    }
    process->leaving = true;
    oracle_canceled(process->sim->oracle);
    sweep_cancel(process->sweep, hurry);
}

void process_heal(struct process *process)
{
    process->tries = 0;
    process->leaving = true;
}

int process_runs(const struct process *process)
{
    return process->runs;
}

int process_restarts(const struct process *process)
{
    return process->restarts;
}

bool process_over(const struct process *process)
{
    return process->over;
}

int process_swept(const struct process *process, const struct policy **policies, int64_t *from_ms)
{
    int count = 0;
    *from_ms = process->round_ms;
    for (int i = 0; i < configs_count(process->configs); i++) {
        if (process->finished[i]) {
            policies[count++] = configs_policy(process->configs, i, NULL);
        }
    }
    return count;
}

void process_use_policy(struct process *process, const struct policy *policy)
{
    configs_use(process->configs, policy);
}
