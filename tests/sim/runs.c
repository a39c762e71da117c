/* See sim/process_model.h.
 *
 * The happy path: runs_start() -> on_rates() -> ask_for_open_run() -> on_open_run() -> resume() for each run
 * that an earlier process left -> wait_for_turn() -> on_turn() -> begin() -> on_done() -> on_ended() ->
 * after_run() -> wait_for_turn() and so on. The ways out: where the ledger has failed or the process is to
 * end, the run that ends has it end (process_end_soon()); of a process that was killed nobody hears. */
#include "aws/crypto.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/sweep.h"
#include "sim/oracle.h"
#include "sim/process_model.h"
#include "sim/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES_MAX       12
#define SHORT_PER_1000S 2000 /* deletions, where the time is short: listing takes less of it */

static int64_t below(struct runs *runs, int64_t bound)
{
    return (int64_t)random_below(&runs->random, (uint64_t)bound);
}

static int64_t below_extra(struct runs *runs, int64_t bound)
{
    return (int64_t)random_below(&runs->extras, (uint64_t)bound);
}

static void start_timer(struct runs *runs, struct env_timer *timer, int64_t after_ns)
{
    const struct env *env = virtual_env(runs->sim->world);
    env->start(env->ctx, timer, virtual_mono_ns(runs->sim->world) + after_ns);
}

/* --- sweeps ------------------------------------------------------------------------------------------- */

static void wait_for_turn(struct runs *runs);
static void ask_for_open_run(struct runs *runs, int64_t after);
static void after_run(struct ledger_request *request);

static void ask_for_rates(struct runs *runs, enum ledger_operation operation,
                          void (*done)(struct ledger_request *request))
{
    struct ledger *ledger = bookkeeper_face(runs->process->bookkeeper, runs->site);
    runs->asking = true;
    runs->rates =
        (struct ledger_request){.operation = operation, .header = &runs->where, .done = done, .owner = runs};
    for (int i = 0; i < OPERATION_COUNT && operation == LEDGER_SET_RATES; i++) {
        runs->rates.rates[i] = runs->asked[i] =
            dispatcher_learned_rate(runs->names[runs->name].dispatcher, (enum operation)i);
    }
    ledger->submit(ledger->ctx, &runs->rates);
}

static bool swept_all(const struct runs *runs)
{
    const struct report *report = &runs->report;
    return report->end == SWEEP_FINISHED || report->end == SWEEP_PLANNED || report->end == SWEEP_GUARDED;
}

/* The last round goes from policy to policy; each is swept until nothing is left. */
static void count_round(struct runs *runs)
{
    if (!runs->sim->healed || runs->round_ms == 0) {
        return;
    }
    if (runs->report.end == SWEEP_FINISHED && runs->report.in_grace > 0) {
        runs->tries = 0; /* it takes its time */
    } else if (swept_all(runs)) {
        runs->finished[runs->policy] = runs->report.end == SWEEP_FINISHED;
        runs->policy++;
        runs->tries = 0;
    } else if (runs->report.end != SWEEP_LIMITED && ++runs->tries > TRIES_MAX) {
        sim_break(runs->sim, "progress: sweeps end as %s: %s", sweep_end_name(runs->report.end),
                  runs->report.err.msg);
        runs->policy++;
    }
}

static void on_ended(struct env_timer *timer)
{
    struct runs *runs = timer->owner;
    if (runs->process->dead) {
        return;
    }
    oracle_run_ends(runs->site->oracle, &runs->report);
    sweep_destroy(runs->sweep);
    runs->sweep = NULL;
    runs->done = false;
    runs->process->run_count++;
    ask_for_rates(runs, LEDGER_SET_RATES, after_run);
}

/* What is kept of a run besides: the paces that it learned. */
static void after_run(struct ledger_request *request)
{
    struct runs *runs = request->owner;
    int64_t run = runs->open_run.run;
    runs->asking = false;
    if (runs->process->dead) {
        return;
    }
    if (request->err.code == ERR_NONE) {
        memcpy(runs->kept, runs->asked, sizeof runs->kept);
    }
    if (run == 0) {
        count_round(runs);
    }
    if (bookkeeper_failed(runs->process->bookkeeper) || runs->process->leaving) {
        process_end_soon(runs->process);
    } else if (run != 0) {
        ask_for_open_run(runs, run);
    } else {
        wait_for_turn(runs);
    }
}

static void on_done(void *owner, const struct report *report)
{
    struct runs *runs = owner;
    runs->done = true;
    runs->report = *report;
    sim_tell(runs->sim, "run ends at site %d: %s %s", runs->site->number, sweep_end_name(report->end),
             report->err.msg);
    start_timer(runs, &runs->ended, 0);
}

static void on_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct runs *runs = owner;
    if (!runs->process->dead) {
        bool waits = verdict->cause == CAUSE_GRACE || verdict->cause == CAUSE_LIMIT;
        oracle_listed(runs->site->oracle, execution, verdict->delete, waits);
    }
}

static void on_planned(void *owner, const struct report *so_far)
{
    struct runs *runs = owner;
    if (!runs->process->dead) {
        oracle_planned(runs->site->oracle, so_far);
    }
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct runs *runs = owner;
    (void)answer;
    if (runs->process->dead) {
        return;
    }
    sim_tell(runs->sim, "settled %s/%s/%lld: %s", row->execution.job_id, row->execution.thing_name,
             (long long)row->execution.number, outcome_name(outcome));
    oracle_settled(runs->site->oracle, row, outcome);
}

static bool looks_only(const struct runs *runs)
{
    return configs_plan_only(runs->process->configs) && !runs->sim->healed;
}

static struct sweep_config describe_sweep(struct runs *runs)
{
    struct name *name = &runs->names[runs->name];
    return (struct sweep_config){
        .env = virtual_env(runs->sim->world),
        .dispatcher = name->dispatcher,
        .ledger = bookkeeper_face(runs->process->bookkeeper, runs->site),
        .archive = librarian_face(runs->process->librarian),
        .scratch = &runs->process->scratch,
        .sha256 = crypto_sha256,
        .target = looks_only(runs) ? &name->look_only : &name->target,
        .observer = {
            .owner = runs, .row = on_row, .planned = on_planned, .settled = on_settled, .done = on_done}};
}

static void begin(struct runs *runs, const struct sweep_config *config, const struct ledger_request *found)
{
    struct oracle_run run = {.policy = config->policy,
                             .look_only = looks_only(runs),
                             .given = config->source || (found && gift_is_origin(found->found.origin)),
                             .until_ms = config->until_ms,
                             .resumed = found ? found->run : 0};
    runs->done = false;
    runs->sim->totals.beside += process_sweeps(runs->process);
    oracle_run_begins(runs->site->oracle, &run);
    sim_tell(runs->sim, "run begins at site %d: %s%s%s%s%s", runs->site->number, config->policy->name,
             found ? ", resumed" : "", run.given ? ", given" : "", run.look_only ? ", looks only" : "",
             runs->name ? ", other name" : "");
    runs->sweep = found ? sweep_resume(config, found) : sweep_start(config);
}

static void sweep_on(struct runs *runs, int policy)
{
    struct sweep_config config = describe_sweep(runs);
    config.policy = configs_policy(runs->process->configs, policy, &config.policy_sha256);
    begin(runs, &config, NULL);
}

/* Behind rows that were named stands no policy: what was sent is settled, the rest is left. So it is with a
 * plan that has expired. */
static void resume(struct runs *runs, const struct ledger_request *found)
{
    struct sweep_config config = describe_sweep(runs);
    int policy = configs_find(runs->process->configs, found->found.policy);
    config.until_ms = gift_until_ms(found->found.origin);
    runs->nobody = gift_nobody(found->found.policy);
    config.policy = &runs->nobody;
    if (policy >= 0 && (config.until_ms == 0 || config.until_ms > sim_wall_ms(runs->sim))) {
        config.policy = configs_policy(runs->process->configs, policy, &config.policy_sha256);
    }
    begin(runs, &config, found);
}

static void sweep_given(struct runs *runs, int policy)
{
    struct sweep_config config = describe_sweep(runs);
    bool planned = below_extra(runs, 2) == 0;
    const struct policy *own = configs_policy(runs->process->configs, policy, &config.policy_sha256);
    struct gift *gift = gift_draw(runs->site, &runs->extras, planned ? own : NULL);
    gift->older = runs->gifts;
    runs->gifts = gift;
    gift->named.protect = own->protect; /* the configuration's */
    config.policy = planned ? own : &gift->named;
    config.policy_sha256 = planned ? config.policy_sha256 : NULL;
    config.source = &gift->source;
    config.origin = gift->origin;
    config.until_ms = gift->until_ms;
    begin(runs, &config, NULL);
}

static void sweep_next(struct runs *runs)
{
    int policy = runs->policy, percent = runs->sim->scenario->extras[EXTRA_GIVEN];
    runs->open_run.run = 0;
    if (runs->round_ms == 0) {
        runs->policy = (runs->policy + 1) % configs_count(runs->process->configs);
    }
    if (runs->name_count > 1) {
        runs->name = (int)below_extra(runs, runs->name_count);
    }
    if (runs->round_ms == 0 && percent > 0 && below_extra(runs, 100) < percent) {
        sweep_given(runs, policy);
    } else {
        sweep_on(runs, policy);
    }
}

static void on_turn(struct env_timer *timer)
{
    struct runs *runs = timer->owner;
    if (runs->process->leaving) {
        process_end(runs->process);
        return;
    }
    if (runs->sim->healed && runs->round_ms == 0) {
        runs->round_ms = sim_service_ms(runs->sim);
        runs->policy = 0;
    }
    runs->over = runs->round_ms != 0 && runs->policy >= configs_count(runs->process->configs);
    if (runs->over) {
        process_end(runs->process);
        return;
    }
    runs->waits = runs->process->paused;
    if (!runs->waits) {
        sweep_next(runs);
    }
}

static void wait_for_turn(struct runs *runs)
{
    int64_t wait_ms = below(runs, 4) > 0 ? below(runs, 5000) : below(runs, 600000);
    start_timer(runs, &runs->turn, wait_ms * TIME_NS_PER_MS);
}

/* --- starting ----------------------------------------------------------------------------------------- */

static bool is_ours(const struct runs *runs, const struct run_header *found)
{
    return strcmp(found->account, runs->where.account) == 0 && strcmp(found->region, runs->where.region) == 0;
}

static void on_open_run(struct ledger_request *request)
{
    struct runs *runs = request->owner;
    runs->asking = false;
    if (runs->process->dead) {
        return;
    }
    if (request->err.code != ERR_NONE) {
        runs->process->leaving = true;
        process_end_soon(runs->process);
        return;
    }
    if (request->run != 0 && !is_ours(runs, &request->found)) {
        ask_for_open_run(runs, request->run);
    } else if (request->run != 0) {
        resume(runs, request);
    } else {
        wait_for_turn(runs);
    }
}

static void ask_for_open_run(struct runs *runs, int64_t after)
{
    struct ledger *ledger = bookkeeper_face(runs->process->bookkeeper, runs->site);
    runs->asking = true;
    runs->open_run = (struct ledger_request){
        .operation = LEDGER_OPEN_RUN, .from = after, .done = on_open_run, .owner = runs};
    ledger->submit(ledger->ctx, &runs->open_run);
}

static void check_rates(struct runs *runs, const int64_t rates[OPERATION_COUNT])
{
    size_t size = sizeof runs->kept;
    if (memcmp(rates, runs->kept, size) != 0 && memcmp(rates, runs->found, size) != 0 &&
        memcmp(rates, runs->asked, size) != 0) {
        sim_break(runs->sim, "paces: those that are on record are not this site's");
    }
    memcpy(runs->found, rates, size);
}

static void on_rates(struct ledger_request *request)
{
    struct runs *runs = request->owner;
    runs->asking = false;
    if (runs->process->dead) {
        return;
    }
    if (request->err.code == ERR_NONE) {
        check_rates(runs, request->rates);
    }
    for (int i = 0; i < OPERATION_COUNT * runs->name_count; i++) {
        int operation = i % OPERATION_COUNT;
        if (request->rates[operation] > 0) {
            dispatcher_set_learned_rate(runs->names[i / OPERATION_COUNT].dispatcher,
                                        (enum operation)operation, request->rates[operation]);
        }
    }
    ask_for_open_run(runs, 0);
}

/* --- the face ----------------------------------------------------------------------------------------- */

static void name_target(struct runs *runs)
{
    static const char *const names[SCENARIO_NAMES_MAX] = {"simulated", "another-name"};
    const int *extras = runs->sim->scenario->extras;
    bool other = runs->site->number > 0;
    int count = extras[EXTRA_TARGET_NAMES];
    runs->name_count = count > 1 ? count : 1;
    for (int i = 0; i < runs->name_count; i++) {
        struct target *target = &runs->names[i].target;
        *target = (struct target){
            .account = "123456789012", .region = "eu-west-1", .signature_life_ms = SIM_LIFE_MS};
        snprintf(target->name, sizeof target->name, "%s%s", names[i], other ? "/other" : "");
        if (other && extras[EXTRA_SITES] == 1) {
            text_copy(target->region, sizeof target->region, "us-east-1");
        } else if (other) {
            text_copy(target->account, sizeof target->account, "210987654321");
        }
        runs->names[i].look_only = *target;
        runs->names[i].look_only.plan_only = true;
    }
    text_copy(runs->where.account, sizeof runs->where.account, runs->names[0].target.account);
    text_copy(runs->where.region, sizeof runs->where.region, runs->names[0].target.region);
}

void runs_init(struct runs *runs, struct process *process, const struct site *site)
{
    runs->process = process;
    runs->sim = site->sim;
    runs->site = site;
    runs->ended = (struct env_timer){.fire = on_ended, .owner = runs};
    runs->turn = (struct env_timer){.fire = on_turn, .owner = runs};
    name_target(runs);
    site_stream(site, 500, &runs->random);
    site_stream(site, 510, &runs->extras);
}

void runs_finish(struct runs *runs)
{
    gifts_destroy(runs->gifts);
}

void runs_start(struct runs *runs)
{
    struct dispatcher_config config = {.concurrency = 64};
    oracle_started(runs->site->oracle);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota_per_1000s[i] =
            (int64_t)operation_default_quota((enum operation)i) * 1000 * runs->sim->scenario->speed;
    }
    if (runs->sim->scenario->extras[EXTRA_SHORT] > 0) {
        config.quota_per_1000s[OPERATION_DELETE_EXECUTION] = SHORT_PER_1000S;
    }
    for (int i = 0; i < runs->name_count; i++) {
        runs->names[i].dispatcher =
            dispatcher_create(virtual_env(runs->sim->world), wire_service(runs->site->wire), &config);
        dispatcher_hold(runs->names[i].dispatcher, runs->process->paused);
    }
    ask_for_rates(runs, LEDGER_GET_RATES, on_rates);
}

bool runs_under_way(const struct runs *runs)
{
    return runs->asking || (runs->sweep && !runs->done);
}

bool runs_cancel(struct runs *runs, bool hurry)
{
    if (!runs->sweep || runs->done) {
        return false;
    }
    oracle_canceled(runs->site->oracle);
    sweep_cancel(runs->sweep, hurry);
    return true;
}

/* Of a process that is down there is nothing to hold. */
void runs_pause(struct runs *runs)
{
    bool pause = runs->process->paused;
    int64_t waiting = 0;
    int names = runs->names[0].dispatcher ? runs->name_count : 0;
    for (int i = 0; i < names; i++) {
        struct lane_view lane;
        dispatcher_lane(runs->names[i].dispatcher, OPERATION_DELETE_EXECUTION, &lane);
        waiting += lane.waiting;
    }
    oracle_paused(runs->site->oracle, pause, waiting);
    for (int i = 0; i < names; i++) {
        dispatcher_hold(runs->names[i].dispatcher, pause);
    }
    if (!pause && runs->waits) {
        runs->waits = false;
        wait_for_turn(runs);
    }
}

void runs_kill(struct runs *runs)
{
    const struct env *env = virtual_env(runs->sim->world);
    env->stop(env->ctx, &runs->turn);
    oracle_crashed(runs->site->oracle);
    wire_cut(runs->site->wire);
    if (runs->sweep && !runs->done) {
        sweep_cancel(runs->sweep, true);
    }
}

void runs_let_go(struct runs *runs)
{
    const struct env *env = virtual_env(runs->sim->world);
    env->stop(env->ctx, &runs->turn);
    sweep_destroy(runs->sweep);
    runs->sweep = NULL;
    runs->done = runs->waits = false;
    for (int i = 0; i < runs->name_count; i++) {
        dispatcher_destroy(runs->names[i].dispatcher);
        runs->names[i].dispatcher = NULL;
    }
}
