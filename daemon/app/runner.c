/* Sweeps of (policy, target) pairs.
 *
 * The happy path: runner_submit() -> WAITING -> begin() when it is the first in its target and at its site ->
 * the link to the target is reused, or made and given the paces learned before (LOADING, on_loaded()) ->
 * TURN: on_turn() -> CHECKING: on_identity() compares the account -> SWEEPING: on_swept() -> SAVING the
 * paces: on_saved() -> ENDED -> finish(), which calls done(). All steps that call back out are taken by
 * on_pump(), from the loop.
 *
 * The ways out: no region, no link, no identity, another account, or a site with a run that could not be
 * resumed end the run as SWEEP_FAILED before anything is listed; runner_cancel() ends those that wait, and
 * asks those under way, which then end by themselves. */
#include "app/runner.h"

#include "app/hooks.h"
#include "app/metrics.h"
#include "app/places.h"
#include "app/scope.h"
#include "aws/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct runner {
    struct runner_config config;
    const struct env *env;
    struct places *places;
    struct env_timer pump;
    struct run *runs;               /* in the order of their submission */
    struct run *ready;              /* that have ended, or may begin */
    struct sweep_progress finished; /* of those that are done, since the runner was idle */
    bool paused;
};

static void set_state(struct run *run, enum run_state state)
{
    run->state = state;
}

static int64_t wall_ms(const struct runner *runner)
{
    return runner->env->wall_ms(runner->env->ctx);
}

static void kick(struct runner *runner)
{
    if (!runner->pump.armed) {
        runner->env->start(runner->env->ctx, &runner->pump, runner->env->mono_ns(runner->env->ctx));
    }
}

/* Where two runs meet, the one that was submitted first goes first. */
static bool may_begin(const struct run *run)
{
    if (run->canceled || run->refused.code != ERR_NONE) {
        return true;
    }
    if (run->runner->paused && run->resumed == NULL) {
        return false;
    }
    return run->place->runs == run && (run->site == NULL || run->site->runs == run);
}

/* Has the pump look at it, if there is anything to be done with it. */
static void look_at(struct runner *runner, struct run *run)
{
    bool due = run != NULL && (run->state == RUN_ENDED || (run->state == RUN_WAITING && may_begin(run)));
    if (due && !run->listed) {
        run->listed = true;
        DL_APPEND2(runner->ready, run, ready_prev, ready_next);
        kick(runner);
    }
}

/* --- the end of a run ---------------------------------------------------------------------------------- */

static void end(struct runner *runner, struct run *run)
{
    set_state(run, RUN_ENDED);
    look_at(runner, run);
}

/* Before its sweep began. */
static void end_early(struct runner *runner, struct run *run, enum sweep_end how, enum answer_class why,
                      const struct err *err)
{
    run->report.end = how;
    run->report.why = why;
    if (err != NULL) {
        run->report.err = *err;
    }
    run->report.ended_ms = wall_ms(runner);
    end(runner, run);
}

static void count_finished(struct runner *runner, const struct run *run)
{
    struct sweep_progress last = {0};
    if (run->sweep != NULL) {
        sweep_progress(run->sweep, &last);
    }
    runner->finished.runs_done++;
    runner->finished.pages += last.pages;
    runner->finished.jobs += last.jobs;
    runner->finished.jobs_listed += last.jobs_listed;
    runner->finished.listed += run->report.listed;
    if (run->report.end == SWEEP_PLANNED || run->report.end == SWEEP_FAILED) {
        return;
    }
    runner->finished.selected += run->report.selected;
    runner->finished.settled += run->report.selected;
}

/* A run that was canceled tells nothing of its target. */
static void note_end(const struct run *run)
{
    if (run->report.end != SWEEP_CANCELED) {
        places_note(run->place, run->report.end == SWEEP_FAILED && report_denied(&run->report));
    }
}

/* Others in its target and at its site may begin. */
static void leave(struct runner *runner, struct run *run)
{
    struct target_state *place = run->place;
    DL_DELETE(runner->runs, run);
    DL_DELETE2(place->runs, run, target_prev, target_next);
    look_at(runner, place->runs);
    if (run->site != NULL) {
        DL_DELETE2(run->site->runs, run, site_prev, site_next);
        look_at(runner, run->site->runs);
    }
    if (place->runs == NULL) {
        places_rest(place);
    }
}

static void finish(struct runner *runner, struct run *run)
{
    struct config *config = run->config;
    count_finished(runner, run);
    metrics_ended(runner->config.metrics, run->policy, run->target, hooks_result(&run->report), &run->report);
    note_end(run);
    if (run->resumed != NULL && !run->settled && run->site != NULL) {
        run->site->unsettled++;
    }
    sweep_destroy(run->sweep);
    run->sweep = NULL;
    call_finish(&run->identity.call);
    leave(runner, run);
    run->place = NULL;
    set_state(run, RUN_OUTSIDE);
    run->done(run); /* the run may be gone now */
    config_unref(config);
}

/* --- sweeping ------------------------------------------------------------------------------------------ */

/* The site's paces; a ledger that fails has told the sweep, or will. */
static void ask_rates(struct run *run, enum ledger_operation operation,
                      void (*done)(struct ledger_request *request))
{
    struct ledger *ledger = world_ledger(run->runner->config.world);
    text_copy(run->where.account, sizeof run->where.account, run->target->account);
    text_copy(run->where.region, sizeof run->where.region, link_region(run->place->link));
    run->request =
        (struct ledger_request){.operation = operation, .header = &run->where, .done = done, .owner = run};
    if (operation == LEDGER_SET_RATES) {
        link_learned(run->place->link, run->request.rates);
    }
    ledger->submit(ledger->ctx, &run->request);
}

static void on_saved(struct ledger_request *request)
{
    struct run *run = request->owner;
    end(run->runner, run);
}

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer)
{
    struct run *run = owner;
    metrics_settled(run->runner->config.metrics, run->policy, run->target, outcome);
    if (run->observer.settled != NULL) {
        run->observer.settled(run, row, outcome, answer);
    }
}

static void on_swept(void *owner, const struct report *report)
{
    struct run *run = owner;
    run->report = *report;
    run->settled = report->recorded;
    set_state(run, RUN_SAVING);
    ask_rates(run, LEDGER_SET_RATES, on_saved);
}

static void sweep(struct runner *runner, struct run *run)
{
    char sha256[2 * CRYPTO_SHA256_BYTES + 1];
    const char *canonical = run->policy->canonical;
    crypto_sha256_hex(canonical, strlen(canonical), sha256);
    struct sweep_config config = {.env = runner->env,
                                  .dispatcher = link_dispatcher(run->place->link),
                                  .ledger = world_ledger(runner->config.world),
                                  .archive = world_archive(runner->config.world),
                                  .scratch = world_scratch(runner->config.world),
                                  .sha256 = crypto_sha256,
                                  .policy = run->policy,
                                  .target = run->target,
                                  .policy_sha256 = sha256,
                                  .account = run->target->account,
                                  .region = link_region(run->place->link),
                                  .source = run->source,
                                  .origin = run->origin,
                                  .until_ms = run->until_ms,
                                  .plan_only = run->plan_only,
                                  .only_thing = run->only_thing,
                                  .observer = run->observer};
    config.observer.owner = run;
    config.observer.settled = on_settled;
    config.observer.done = on_swept;
    text_copy(run->host, sizeof run->host, link_host(run->place->link, OPERATION_DELETE_EXECUTION));
    set_state(run, RUN_SWEEPING);
    run->sweep = run->resumed != NULL ? sweep_resume(&config, run->resumed) : sweep_start(&config);
}

/* --- whose account it is ------------------------------------------------------------------------------- */

static void on_identity(struct dispatch *dispatch)
{
    struct run *run = dispatch->owner;
    struct runner *runner = run->runner;
    struct err err;
    if (run->canceled) {
        end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
    } else if (link_compare_account(run->target, &run->identity.call, &err) != 0) {
        end_early(runner, run, SWEEP_FAILED, dispatch->call.answer.class, &err);
    } else {
        sweep(runner, run);
    }
}

static void ask_account(struct run *run)
{
    call_finish(&run->identity.call);
    run->identity = (struct dispatch){.done = on_identity, .owner = run};
    call_init(&run->identity.call, OPERATION_GET_CALLER_IDENTITY);
    text_copy(run->host, sizeof run->host, link_host(run->place->link, OPERATION_GET_CALLER_IDENTITY));
    set_state(run, RUN_CHECKING);
    dispatcher_submit(link_dispatcher(run->place->link), &run->identity);
}

static void on_turn(struct credentials_turn *turn)
{
    struct run *run = turn->owner;
    const struct credentials_pace *pace = places_pace(run->runner->places);
    pace->release(pace->ctx, turn);
    ask_account(run);
}

static void check_account(struct run *run)
{
    const struct credentials_pace *pace = places_pace(run->runner->places);
    run->turn = (struct credentials_turn){.granted = on_turn, .owner = run};
    set_state(run, RUN_TURN);
    pace->acquire(pace->ctx, &run->turn);
}

/* --- beginning ----------------------------------------------------------------------------------------- */

static void go_on(struct runner *runner, struct run *run)
{
    if (run->canceled) {
        end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
    } else if (run->target->account[0] != '\0') {
        check_account(run);
    } else {
        sweep(runner, run);
    }
}

static void on_loaded(struct ledger_request *request)
{
    struct run *run = request->owner;
    if (request->err.code == ERR_NONE) {
        link_learn(run->place->link, request->rates);
    }
    go_on(run->runner, run);
}

static void load_rates(struct run *run)
{
    set_state(run, RUN_LOADING);
    ask_rates(run, LEDGER_GET_RATES, on_loaded);
}

/* A link whose sessions can do what this run needs. */
static int reach(struct run *run, bool *fresh, struct err *err)
{
    char warning[SCOPE_WARNING_MAX];
    const struct scope_use use = {.deletes =
                                      run->policy->enforce && !run->target->plan_only && !run->plan_only,
                                  .settles = run->resumed != NULL || run->source != NULL,
                                  .explains = run->only_thing != NULL};
    char *scope = scope_session_policy(run->policy, run->target, use, warning);
    int result = places_reach(run->place, run->config, run->target, scope, fresh, err);
    free(scope);
    if (warning[0] != '\0' && run->observer.warning != NULL) {
        run->observer.warning(run, warning);
    }
    return result;
}

static void begin(struct runner *runner, struct run *run)
{
    struct err err;
    bool fresh;
    run->report.started_ms = wall_ms(runner);
    run->misconfigured = reach(run, &fresh, &err) != 0;
    if (run->misconfigured) {
        end_early(runner, run, SWEEP_FAILED, ANSWER_DONE, &err);
    } else if (fresh) {
        load_rates(run);
    } else {
        go_on(runner, run);
    }
}

/* A run that was left open may have sent a request that can still be executed. Whoever submits runs tries it
 * again first (app/tasks.c). */
static bool is_barred(struct run *run)
{
    if (run->resumed != NULL || run->site->unsettled == 0) {
        return false;
    }
    err_set(&run->refused, ERR_INVALID, "a run that was interrupted must be settled first, and could not be");
    return true;
}

static void act(struct runner *runner, struct run *run)
{
    if (run->state == RUN_ENDED) {
        finish(runner, run);
    } else if (run->canceled) {
        end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
    } else if (!may_begin(run)) {
        return; /* paused since it was listed */
    } else if (run->refused.code != ERR_NONE || is_barred(run)) {
        end_early(runner, run, SWEEP_FAILED, ANSWER_DONE, &run->refused);
    } else {
        begin(runner, run);
    }
}

static void on_pump(struct env_timer *timer)
{
    struct runner *runner = timer->owner;
    struct run *run;
    while ((run = runner->ready) != NULL) {
        DL_DELETE2(runner->ready, run, ready_prev, ready_next);
        run->listed = false;
        act(runner, run);
    }
}

/* --- the face ------------------------------------------------------------------------------------------ */

struct runner *runner_create(const struct runner_config *config)
{
    struct runner *runner = mem_zalloc(sizeof *runner);
    runner->config = *config;
    runner->env = world_env(config->world);
    runner->places = places_create(&(struct places_config){.world = config->world,
                                                           .episode = config->episode,
                                                           .owner = config->owner,
                                                           .metrics = config->metrics});
    runner->pump = (struct env_timer){.fire = on_pump, .owner = runner};
    return runner;
}

void runner_destroy(struct runner *runner)
{
    if (runner == NULL) {
        return;
    }
    runner->env->stop(runner->env->ctx, &runner->pump);
    places_destroy(runner->places);
    free(runner);
}

static void find_place(struct runner *runner, struct run *run)
{
    char region[64];
    if (run->resumed != NULL && run->site != NULL && !run->settled) {
        run->site->unsettled--; /* it is tried again */
    }
    run->runner = runner;
    run->place = places_target(runner->places, run->target->name);
    run->site = NULL;
    run->refused = (struct err){0};
    run->misconfigured = link_find_region(run->target, region, &run->refused) != 0;
    if (!run->misconfigured) {
        run->site = places_site(runner->places, run->target->account, region);
    }
}

void runner_submit(struct runner *runner, struct run *run)
{
    if (runner->runs == NULL) {
        runner->finished = (struct sweep_progress){0};
    }
    runner->finished.runs++;
    run->config = config_ref(run->config);
    run->report = (struct report){0};
    run->host[0] = '\0';
    run->identity = (struct dispatch){0};
    run->canceled = false;
    run->listed = false;
    run->sweep = NULL;
    find_place(runner, run);
    run->settled = false;
    set_state(run, RUN_WAITING);
    DL_APPEND(runner->runs, run);
    DL_APPEND2(run->place->runs, run, target_prev, target_next);
    if (run->site != NULL) {
        DL_APPEND2(run->site->runs, run, site_prev, site_next);
    }
    look_at(runner, run);
}

void runner_pause(struct runner *runner, bool pause)
{
    struct run *run;
    runner->paused = pause;
    places_hold(runner->places, pause);
    DL_FOREACH (runner->runs, run) {
        look_at(runner, run);
    }
}

void runner_cancel(struct runner *runner, bool hurry)
{
    struct run *run;
    const struct credentials_pace *pace = places_pace(runner->places);
    DL_FOREACH (runner->runs, run) {
        run->canceled = true;
        if (run->state == RUN_TURN) {
            pace->release(pace->ctx, &run->turn);
            end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
        } else if (run->state == RUN_CHECKING) {
            dispatcher_cancel(link_dispatcher(run->place->link), &run->identity);
        } else if (run->state == RUN_SWEEPING) {
            sweep_cancel(run->sweep, hurry);
        }
        look_at(runner, run);
    }
}

/* By half a signature's life and ten seconds more than the life itself: the clocks may be a minute apart, and
 * the first look may go unanswered. */
int64_t runner_drain_ms(const struct runner *runner)
{
    const struct run *run;
    int64_t longest_ms = 0;
    DL_FOREACH (runner->runs, run) {
        int64_t drain_ms = run->target->signature_life_ms * 3 / 2 + 10 * TIME_MS_PER_SECOND;
        if (drain_ms > longest_ms) {
            longest_ms = drain_ms;
        }
    }
    return longest_ms;
}

int64_t runner_rest_ms(const struct runner *runner, const char *target)
{
    const struct target_state *place = places_known(runner->places, target);
    return place != NULL ? places_rest_ms(place) : 0;
}

bool runner_has(const struct runner *runner, const char *policy, const char *target)
{
    const struct target_state *place = places_known(runner->places, target);
    const struct run *run;
    for (run = place != NULL ? place->runs : NULL; run != NULL; run = run->target_next) {
        if (run->resumed == NULL && strcmp(run->policy->name, policy) == 0) {
            return true;
        }
    }
    return false;
}

size_t runner_count(const struct runner *runner)
{
    const struct run *run;
    size_t count;
    DL_COUNT(runner->runs, run, count);
    return count;
}

void runner_renew(struct runner *runner)
{
    places_renew(runner->places);
}

void runner_each_place(const struct runner *runner,
                       void (*each)(void *owner, const struct target_state *place), void *owner)
{
    places_each(runner->places, each, owner);
}

static void add_progress(struct sweep_progress *sum, const struct sweep_progress *one)
{
    sum->deleting = sum->deleting || one->deleting;
    sum->listed += one->listed;
    sum->selected += one->selected;
    sum->settled += one->settled;
    sum->quarantined += one->quarantined;
    sum->pages += one->pages;
    sum->calls += one->calls;
    sum->runs_listing += !one->deleting;
    sum->jobs += one->jobs;
    sum->jobs_listed += one->jobs_listed;
    if (one->waiting_ms > sum->waiting_ms) {
        sum->waiting_ms = one->waiting_ms;
    }
    if (one->quarantined_ms > sum->quarantined_ms) {
        sum->quarantined_ms = one->quarantined_ms;
    }
    if (one->remaining_ms > sum->remaining_ms) {
        sum->remaining_ms = one->remaining_ms;
    }
}

void runner_progress(const struct runner *runner, struct sweep_progress *progress)
{
    const struct run *run;
    bool begun = true, lists_to_delete = false; /* each of them, any of them */
    *progress = runner->finished;
    progress->remaining_ms = -1;
    DL_FOREACH (runner->runs, run) {
        struct sweep_progress one;
        begun = begun && run->state >= RUN_SWEEPING;
        if (run->state != RUN_SWEEPING) {
            continue;
        }
        sweep_progress(run->sweep, &one);
        add_progress(progress, &one);
        lists_to_delete = lists_to_delete || (!one.deleting && !run->plan_only);
    }
    if (!begun || (progress->deleting && lists_to_delete)) {
        progress->remaining_ms = -1;
    }
}
