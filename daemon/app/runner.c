/* Sweeps of (policy, target) pairs.
 *
 * The happy path: runner_submit() -> WAITING -> begin() when its target and its site have no other run -> the
 * link to the target is reused, or made and given the paces learned before (LOADING, on_loaded()) ->
 * CHECKING: on_identity() compares the account -> SWEEPING: on_swept() -> SAVING the paces: on_saved() ->
 * ENDED -> finish(), which calls done(). All steps that call back out are taken by on_pump(), from the loop.
 *
 * The ways out: no region, no link, no identity, another account, or a site with a run that could not be
 * resumed end the run as SWEEP_FAILED before anything is listed; runner_cancel() ends those that wait, and
 * asks those under way, which then end by themselves. */
#include "app/runner.h"

#include "app/link.h"
#include "aws/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* An account in a region: what two targets may share without knowing of each other. */
struct site {
    char account[ACCOUNT_LENGTH + 1], region[64];
    size_t unsettled; /* runs of an earlier process that were tried here, and are still open */
    struct site *next;
};

/* What is kept of a target between its runs. */
struct target_state {
    struct runner *runner;
    char name[POLICY_NAME_MAX + 1];
    struct link *link;
    struct config *config; /* that the link was made by: a run with another one needs another link */
    bool stale;            /* the link is made anew before the next run */
    struct target_state *next;
};

struct runner {
    struct runner_config config;
    const struct env *env;
    struct env_timer pump;
    struct run *runs; /* in the order of their submission */
    struct target_state *targets;
    struct site *sites;
    struct sweep_progress finished; /* of those that are done, since the runner was idle */
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

/* --- the end of a run ---------------------------------------------------------------------------------- */

static void end(struct runner *runner, struct run *run)
{
    set_state(run, RUN_ENDED);
    kick(runner);
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
    runner->finished.listed += run->report.listed;
    if (run->report.end == SWEEP_PLANNED || run->report.end == SWEEP_FAILED) {
        return;
    }
    runner->finished.selected += run->report.selected;
    runner->finished.settled += run->report.selected;
}

static void finish(struct runner *runner, struct run *run)
{
    struct config *config = run->config;
    count_finished(runner, run);
    if (run->resumed != NULL && !run->settled && run->site != NULL) {
        run->site->unsettled++;
    }
    sweep_destroy(run->sweep);
    run->sweep = NULL;
    call_finish(&run->identity.call);
    run->place = NULL;
    DL_DELETE(runner->runs, run);
    set_state(run, RUN_OUTSIDE);
    run->done(run); /* the run may be gone now */
    config_unref(config);
}

/* --- sweeping ------------------------------------------------------------------------------------------ */

/* The site's paces; a ledger that fails has told the sweep, or will. */
static void ask_rates(struct run *run, enum ledger_operation operation,
                      void (*done)(struct ledger_request *request))
{
    struct ledger *ledger = world_ledger(run->place->runner->config.world);
    text_copy(run->where.account, sizeof run->where.account, run->site->account);
    text_copy(run->where.region, sizeof run->where.region, run->site->region);
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
    end(run->place->runner, run);
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
                                  .scratch = world_scratch(runner->config.world),
                                  .policy = run->policy,
                                  .target = run->target,
                                  .policy_sha256 = sha256,
                                  .account = run->target->account,
                                  .region = link_region(run->place->link),
                                  .plan_only = run->plan_only,
                                  .only_thing = run->only_thing,
                                  .observer = run->observer};
    config.observer.owner = run;
    config.observer.done = on_swept;
    text_copy(run->host, sizeof run->host, link_host(run->place->link, OPERATION_DELETE_EXECUTION));
    set_state(run, RUN_SWEEPING);
    run->sweep = run->resumed != NULL ? sweep_resume(&config, run->resumed) : sweep_start(&config);
}

/* --- whose account it is ------------------------------------------------------------------------------- */

static int compare_account(const struct run *run, struct err *err)
{
    const struct call *call = &run->identity.call;
    if (call->answer.class != ANSWER_DONE) {
        call_error(call, err);
        return err_context(err, "whose account this is could not be asked");
    }
    if (strcmp(call->account, run->target->account) == 0) {
        return 0;
    }
    return err_set(err, ERR_CREDENTIALS, "the credentials belong to account %s, not to %s as the target says",
                   call->account, run->target->account);
}

static void on_identity(struct dispatch *dispatch)
{
    struct run *run = dispatch->owner;
    struct runner *runner = run->place->runner;
    struct err err;
    if (run->canceled) {
        end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
    } else if (compare_account(run, &err) != 0) {
        end_early(runner, run, SWEEP_FAILED, dispatch->call.answer.class, &err);
    } else {
        sweep(runner, run);
    }
}

static void check_account(struct run *run)
{
    call_finish(&run->identity.call);
    run->identity = (struct dispatch){.done = on_identity, .owner = run};
    call_init(&run->identity.call, OPERATION_GET_CALLER_IDENTITY);
    text_copy(run->host, sizeof run->host, link_host(run->place->link, OPERATION_GET_CALLER_IDENTITY));
    set_state(run, RUN_CHECKING);
    dispatcher_submit(link_dispatcher(run->place->link), &run->identity);
}

/* --- beginning ----------------------------------------------------------------------------------------- */

static void on_episode(void *owner, enum operation operation, bool begins, int64_t rate_before,
                       int64_t rate_now)
{
    const struct target_state *target = owner;
    const struct runner_config *config = &target->runner->config;
    if (config->episode != NULL) {
        config->episode(config->owner, target->name, operation, begins, rate_before, rate_now);
    }
}

static struct target_state *target_state(struct runner *runner, const char *name)
{
    struct target_state *target;
    LL_FOREACH (runner->targets, target) {
        if (strcmp(target->name, name) == 0) {
            return target;
        }
    }
    target = mem_zalloc(sizeof *target);
    target->runner = runner;
    text_copy(target->name, sizeof target->name, name);
    LL_PREPEND(runner->targets, target);
    return target;
}

static struct site *find_site(struct runner *runner, const char *account, const char *region)
{
    struct site *site;
    LL_FOREACH (runner->sites, site) {
        if (strcmp(site->account, account) == 0 && strcmp(site->region, region) == 0) {
            return site;
        }
    }
    site = mem_zalloc(sizeof *site);
    text_copy(site->account, sizeof site->account, account);
    text_copy(site->region, sizeof site->region, region);
    LL_PREPEND(runner->sites, site);
    return site;
}

static void close_link(struct target_state *state)
{
    link_destroy(state->link);
    config_unref(state->config);
    state->link = NULL;
    state->config = NULL;
}

/* Runs of two configurations may stand in line for one name, which need not mean the same target in both. */
static bool has_link(const struct target_state *state, const struct run *run)
{
    return state->link != NULL && !state->stale && state->config == run->config;
}

static int open_link(struct runner *runner, struct target_state *state, const struct run *run,
                     struct err *err)
{
    const struct link_config config = {
        .world = runner->config.world, .target = run->target, .episode = on_episode, .owner = state};
    close_link(state);
    state->stale = false;
    state->config = config_ref(run->config);
    state->link = link_create(&config, err);
    return state->link != NULL ? 0 : -1;
}

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
    go_on(run->place->runner, run);
}

static void load_rates(struct run *run)
{
    set_state(run, RUN_LOADING);
    ask_rates(run, LEDGER_GET_RATES, on_loaded);
}

static void begin(struct runner *runner, struct run *run, struct target_state *state)
{
    struct err err;
    bool fresh = !has_link(state, run);
    run->place = state;
    run->report.started_ms = wall_ms(runner);
    run->misconfigured = fresh && open_link(runner, state, run, &err) != 0;
    if (run->misconfigured) {
        end_early(runner, run, SWEEP_FAILED, ANSWER_DONE, &err);
    } else if (fresh) {
        load_rates(run);
    } else {
        go_on(runner, run);
    }
}

static bool meet(const struct run *a, const struct run *b)
{
    return (a->site != NULL && a->site == b->site) || strcmp(a->target->name, b->target->name) == 0;
}

/* Where two meet, the one that was submitted first goes first. */
static bool may_begin(const struct runner *runner, const struct run *run)
{
    const struct run *before = runner->runs;
    if (run->canceled || run->refused.code != ERR_NONE) {
        return true;
    }
    while (before != run && !meet(before, run)) {
        before = before->next;
    }
    return before == run;
}

/* A run that was left open may have sent a request that can still be executed. */
static bool is_barred(struct run *run)
{
    if (run->resumed != NULL || run->site->unsettled == 0) {
        return false;
    }
    err_set(&run->refused, ERR_INVALID, "a run that was interrupted must be settled first, and could not be");
    return true;
}

/* The first run that has ended, or that may begin; NULL when there is none. */
static struct run *ready(struct runner *runner)
{
    struct run *run;
    DL_FOREACH (runner->runs, run) {
        if (run->state == RUN_ENDED) {
            return run;
        }
        if (run->state == RUN_WAITING && may_begin(runner, run)) {
            return run;
        }
    }
    return NULL;
}

static void on_pump(struct env_timer *timer)
{
    struct runner *runner = timer->owner;
    struct run *run;
    while ((run = ready(runner)) != NULL) {
        if (run->state == RUN_ENDED) {
            finish(runner, run);
        } else if (run->canceled) {
            end_early(runner, run, SWEEP_CANCELED, ANSWER_DONE, NULL);
        } else if (run->refused.code != ERR_NONE || is_barred(run)) {
            end_early(runner, run, SWEEP_FAILED, ANSWER_DONE, &run->refused);
        } else {
            begin(runner, run, target_state(runner, run->target->name));
        }
    }
}

/* --- the face ------------------------------------------------------------------------------------------ */

struct runner *runner_create(const struct runner_config *config)
{
    struct runner *runner = mem_zalloc(sizeof *runner);
    runner->config = *config;
    runner->env = world_env(config->world);
    runner->pump.fire = on_pump;
    runner->pump.owner = runner;
    return runner;
}

void runner_destroy(struct runner *runner)
{
    struct target_state *target, *next;
    struct site *site, *next_site;
    if (runner == NULL) {
        return;
    }
    runner->env->stop(runner->env->ctx, &runner->pump);
    LL_FOREACH_SAFE (runner->targets, target, next) {
        close_link(target);
        free(target);
    }
    LL_FOREACH_SAFE (runner->sites, site, next_site)
        free(site);
    free(runner);
}

static void find_place(struct runner *runner, struct run *run)
{
    char region[64];
    if (run->resumed != NULL && run->site != NULL && !run->settled) {
        run->site->unsettled--; /* it is tried again */
    }
    run->site = NULL;
    run->refused = (struct err){0};
    run->misconfigured = link_find_region(run->target, region, &run->refused) != 0;
    if (!run->misconfigured) {
        run->site = find_site(runner, run->target->account, region);
    }
}

void runner_submit(struct runner *runner, struct run *run)
{
    if (runner->runs == NULL) {
        runner->finished = (struct sweep_progress){0};
    }
    run->config = config_ref(run->config);
    run->report = (struct report){0};
    run->host[0] = '\0';
    run->identity = (struct dispatch){0};
    run->canceled = false;
    run->place = NULL;
    run->sweep = NULL;
    find_place(runner, run);
    run->settled = false;
    set_state(run, RUN_WAITING);
    DL_APPEND(runner->runs, run);
    kick(runner);
}

void runner_cancel(struct runner *runner, bool hurry)
{
    struct run *run;
    DL_FOREACH (runner->runs, run) {
        run->canceled = true;
        if (run->state == RUN_CHECKING) {
            dispatcher_cancel(link_dispatcher(run->place->link), &run->identity);
        } else if (run->state == RUN_SWEEPING) {
            sweep_cancel(run->sweep, hurry);
        }
    }
    kick(runner);
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

bool runner_has(const struct runner *runner, const char *policy, const char *target)
{
    const struct run *run;
    DL_FOREACH (runner->runs, run) {
        if (run->resumed == NULL && strcmp(run->policy->name, policy) == 0 &&
            strcmp(run->target->name, target) == 0) {
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
    struct target_state *target;
    LL_FOREACH (runner->targets, target) {
        target->stale = true;
    }
}

static void add_progress(struct sweep_progress *sum, const struct sweep_progress *one)
{
    sum->deleting = sum->deleting || one->deleting;
    sum->listed += one->listed;
    sum->selected += one->selected;
    sum->settled += one->settled;
    sum->quarantined += one->quarantined;
    sum->jobs += one->jobs;
    sum->jobs_listed += one->jobs_listed;
    if (one->waiting_ms > sum->waiting_ms) {
        sum->waiting_ms = one->waiting_ms;
    }
    if (one->remaining_ms > sum->remaining_ms) {
        sum->remaining_ms = one->remaining_ms;
    }
}

void runner_progress(const struct runner *runner, struct sweep_progress *progress)
{
    const struct run *run;
    *progress = runner->finished;
    progress->remaining_ms = -1;
    DL_FOREACH (runner->runs, run) {
        struct sweep_progress one;
        if (run->state != RUN_SWEEPING) {
            continue;
        }
        sweep_progress(run->sweep, &one);
        add_progress(progress, &one);
    }
}
