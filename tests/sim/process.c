/* See sim/process.h.
 *
 * The happy path: start() opens the ledger and has the oracle look at it; ask_for_open_run() -> on_open_run()
 * -> resume() for each run that an earlier process left -> wait_for_turn() -> on_turn() -> begin() ->
 * on_done()
 * -> on_ended() -> wait_for_turn() and so on.
 * The ways out: a ledger that fails ends the process (leave()), and start() comes again later; process_kill()
 * cuts the wire and the power, and lets what is left of the objects wind up unheard. */
#include "sim/process.h"

#include "aws/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/sweep.h"
#include "ledger/sorter.h"
#include "sim/bookkeeper.h"
#include "sim/configs.h"
#include "sim/gift.h"
#include "sim/librarian.h"
#include "sim/oracle.h"
#include "sim/wire.h"

#include <stdlib.h>
#include <string.h>

#define WIND_UP_EVENTS 2000000
#define TRIES_MAX      12
#define RESTART_MS     30000
#define SCRATCH_BYTES  (1024u * 1024)

/* What the configuration calls the target. Each name has lanes of its own, as app/link has. */
struct name {
    struct target target, look_only; /* the same, as a reload may make it */
    struct dispatcher *dispatcher;
};

struct process {
    struct sim *sim;
    struct random random;
    struct random extras; /* so that what a seed has besides does not move the rest */
    struct configs *configs;
    struct bookkeeper *bookkeeper;
    struct librarian *librarian;
    struct name names[SCENARIO_NAMES_MAX];
    int name_count, name; /* name: of the present run */
    struct gift *gifts;   /* all that there were */
    struct policy nobody; /* behind a run of rows that a person named, when it is resumed */
    struct sweep *sweep;
    struct ledger_request open_run, rates;
    struct run_header site; /* whose rates they are */
    struct report report;
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

static int64_t below_extra(struct process *process, int64_t bound)
{
    return (int64_t)random_below(&process->extras, (uint64_t)bound);
}

/* --- the end of a process ----------------------------------------------------------------------------- */

static void start(void *ctx);

static void let_go(struct process *process)
{
    sweep_destroy(process->sweep);
    for (int i = 0; i < process->name_count; i++) {
        dispatcher_destroy(process->names[i].dispatcher);
        process->names[i].dispatcher = NULL;
    }
    librarian_destroy(process->librarian);
    bookkeeper_close(process->bookkeeper);
    process->sweep = NULL;
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

/* --- sweeps ------------------------------------------------------------------------------------------- */

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
        process->rates.rates[i] =
            dispatcher_learned_rate(process->names[process->name].dispatcher, (enum operation)i);
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

static bool looks_only(const struct process *process)
{
    return configs_plan_only(process->configs) && !process->sim->healed;
}

static struct sweep_config describe_sweep(struct process *process)
{
    struct name *name = &process->names[process->name];
    return (struct sweep_config){
        .env = virtual_env(process->sim->world),
        .dispatcher = name->dispatcher,
        .ledger = bookkeeper_face(process->bookkeeper),
        .archive = librarian_face(process->librarian),
        .scratch = &process->scratch,
        .sha256 = crypto_sha256,
        .target = looks_only(process) ? &name->look_only : &name->target,
        .observer = {
            .owner = process, .row = on_row, .planned = on_planned, .settled = on_settled, .done = on_done}};
}

static void begin(struct process *process, const struct sweep_config *config,
                  const struct ledger_request *found)
{
    struct oracle_run run = {.policy = config->policy,
                             .look_only = looks_only(process),
                             .given = config->source || (found && gift_is_origin(found->found.origin)),
                             .until_ms = config->until_ms,
                             .resumed = found ? found->run : 0};
    process->done = false;
    oracle_run_begins(process->sim->oracle, &run);
    sim_tell(process->sim, "run begins: %s%s%s%s%s", config->policy->name, found ? ", resumed" : "",
             run.given ? ", given" : "", run.look_only ? ", looks only" : "",
             process->name ? ", other name" : "");
    process->sweep = found ? sweep_resume(config, found) : sweep_start(config);
}

static void sweep_on(struct process *process, int policy)
{
    struct sweep_config config = describe_sweep(process);
    config.policy = configs_policy(process->configs, policy, &config.policy_sha256);
    begin(process, &config, NULL);
}

/* Behind rows that were named stands no policy: what was sent is settled, the rest is left. So it is with a
 * plan that has expired. */
static void resume(struct process *process, const struct ledger_request *found)
{
    struct sweep_config config = describe_sweep(process);
    int policy = configs_find(process->configs, found->found.policy);
    config.until_ms = gift_until_ms(found->found.origin);
    process->nobody = gift_nobody(found->found.policy);
    config.policy = &process->nobody;
    if (policy >= 0 && (config.until_ms == 0 || config.until_ms > sim_wall_ms(process->sim))) {
        config.policy = configs_policy(process->configs, policy, &config.policy_sha256);
    }
    begin(process, &config, found);
}

static void sweep_given(struct process *process, int policy)
{
    struct sweep_config config = describe_sweep(process);
    bool planned = below_extra(process, 2) == 0;
    const struct policy *own = configs_policy(process->configs, policy, &config.policy_sha256);
    struct gift *gift = gift_draw(process->sim, &process->extras, planned ? own : NULL);
    gift->older = process->gifts;
    process->gifts = gift;
    gift->named.protect = own->protect; /* the configuration's */
    config.policy = planned ? own : &gift->named;
    config.policy_sha256 = planned ? config.policy_sha256 : NULL;
    config.source = &gift->source;
    config.origin = gift->origin;
    config.until_ms = gift->until_ms;
    begin(process, &config, NULL);
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
    if (process->name_count > 1) {
        process->name = (int)below_extra(process, process->name_count);
    }
    int percent = process->sim->scenario->extras[EXTRA_GIVEN];
    if (process->round_ms == 0 && percent > 0 && below_extra(process, 100) < percent) {
        sweep_given(process, policy);
    } else {
        sweep_on(process, policy);
    }
}

static void wait_for_turn(struct process *process)
{
    struct turn *turn = mem_alloc(sizeof *turn);
    *turn = (struct turn){.process = process, .number = ++process->turn_number};
    int64_t wait_ms = below(process, 4) > 0 ? below(process, 5000) : below(process, 600000);
    int64_t at_ns = now_ns(process) + wait_ms * TIME_NS_PER_MS;
    virtual_at_process(process->sim->world, at_ns, on_turn, turn);
}

/* --- starting ----------------------------------------------------------------------------------------- */

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
    if (request->run != 0) {
        resume(process, request);
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
    for (int i = 0; i < OPERATION_COUNT * process->name_count; i++) {
        int operation = i % OPERATION_COUNT;
        if (request->rates[operation] > 0) {
            dispatcher_set_learned_rate(process->names[i / OPERATION_COUNT].dispatcher,
                                        (enum operation)operation, request->rates[operation]);
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
    for (int i = 0; i < process->name_count; i++) {
        process->names[i].dispatcher =
            dispatcher_create(virtual_env(sim->world), wire_service(sim->wire), &config);
    }
    ask_for_rates(process, LEDGER_GET_RATES, on_rates);
}

/* --- the face ----------------------------------------------------------------------------------------- */

static void name_target(struct process *process)
{
    static const char *const names[SCENARIO_NAMES_MAX] = {"simulated", "another-name"};
    int count = process->sim->scenario->extras[EXTRA_TARGET_NAMES];
    process->name_count = count > 1 ? count : 1;
    for (int i = 0; i < process->name_count; i++) {
        struct target *target = &process->names[i].target;
        *target = (struct target){
            .account = "123456789012", .region = "eu-west-1", .signature_life_ms = SIM_LIFE_MS};
        text_copy(target->name, sizeof target->name, names[i]);
        process->names[i].look_only = *target;
        process->names[i].look_only.plan_only = true;
    }
    text_copy(process->site.account, sizeof process->site.account, process->names[0].target.account);
    text_copy(process->site.region, sizeof process->site.region, process->names[0].target.region);
}

struct process *process_create(struct sim *sim)
{
    struct process *process = mem_zalloc(sizeof *process);
    process->sim = sim;
    process->configs = configs_create(sim);
    name_target(process);
    process->place = (struct sorter_place){.folder = "/var/tmp", .memory_bytes = SCRATCH_BYTES};
    sorter_scratch(&process->scratch, &process->place);
    scenario_stream(sim->scenario, 500, &process->random);
    scenario_stream(sim->scenario, 510, &process->extras);
    virtual_at(sim->world, 0, start, process);
    return process;
}

void process_destroy(struct process *process)
{
    if (!process) {
        return;
    }
    while (process->gifts) {
        struct gift *gift = process->gifts;
        process->gifts = gift->older;
        gift_destroy(gift);
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
