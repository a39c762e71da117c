/* See sim/process.h. What happens at one site is in runs.c.
 *
 * The happy path: start() opens the ledger and has the oracles look at it; the runs of the sites begin, and
 * the last that ends after all has healed closes the process: process_end(). The ways out: a ledger that
 * fails ends the process (leave()), and start() comes again later; process_kill() cuts the wire and the
 * power, and lets what is left of the objects wind up unheard. */
#include "sim/process.h"

#include "base/mem.h"
#include "base/time.h"
#include "sim/oracle.h"
#include "sim/process_model.h"
#include "sim/wire.h"

#include <stdlib.h>

#define WIND_UP_EVENTS 2000000
#define RESTART_MS     30000
#define SCRATCH_BYTES  (1024u * 1024)

static int64_t now_ns(const struct process *process)
{
    return virtual_mono_ns(process->sim->world);
}

static int site_count(const struct process *process)
{
    return process->sim->site_count;
}

/* --- the end of a process ----------------------------------------------------------------------------- */

static void start(void *ctx);

static void let_go(struct process *process)
{
    for (int i = 0; i < site_count(process); i++) {
        runs_let_go(&process->runs[i]);
    }
    librarian_destroy(process->librarian);
    bookkeeper_close(process->bookkeeper);
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
    int64_t wait_ms = (int64_t)random_below(&process->runs[0].random, RESTART_MS);
    process->restarts++;
    process->sim->totals.restarts++;
    virtual_at(process->sim->world, now_ns(process) + wait_ms * TIME_NS_PER_MS, start, process);
}

static bool all_over(const struct process *process)
{
    for (int i = 0; i < site_count(process); i++) {
        if (!process->runs[i].over) {
            return false;
        }
    }
    return true;
}

bool process_sweeps(const struct process *process)
{
    for (int i = 0; i < site_count(process); i++) {
        if (process->runs[i].sweep) {
            return true;
        }
    }
    return false;
}

static bool asks(const struct process *process)
{
    for (int i = 0; i < site_count(process); i++) {
        if (process->runs[i].asking) {
            return true;
        }
    }
    return false;
}

/* In good order. */
static void leave(struct process *process)
{
    sim_tell(process->sim, "the process ends");
    let_go(process);
    for (int i = 0; i < site_count(process); i++) {
        oracle_crashed(process->sim->sites[i].oracle);
    }
    process->over = all_over(process);
    if (!process->over) {
        start_later(process);
    }
}

void process_end(struct process *process)
{
    bool wanted = process->leaving || bookkeeper_failed(process->bookkeeper) || all_over(process);
    if (wanted && !process_sweeps(process) && !asks(process)) {
        leave(process);
    }
}

static void on_end(struct env_timer *timer)
{
    process_end(timer->owner);
}

void process_end_soon(struct process *process)
{
    const struct env *env = virtual_env(process->sim->world);
    process->leaving = true;
    env->start(env->ctx, &process->end, now_ns(process));
}

static bool is_wound_up(void *ctx)
{
    const struct process *process = ctx;
    for (int i = 0; i < site_count(process); i++) {
        if (runs_under_way(&process->runs[i])) {
            return false;
        }
    }
    return virtual_pending(process->sim->world, true) == 0;
}

void process_kill(struct process *process)
{
    struct sim *sim = process->sim;
    const struct env *env = virtual_env(sim->world);
    if (!process->bookkeeper) { /* it is down already */
        disk_crash(sim->disk);
        return;
    }
    sim_tell(sim, "the process is killed");
    process->dead = true;
    env->stop(env->ctx, &process->end);
    disk_crash(sim->disk);
    shelf_crash(sim->shelf);
    librarian_silence(process->librarian);
    bookkeeper_fail(process->bookkeeper);
    for (int i = 0; i < site_count(process); i++) {
        runs_kill(&process->runs[i]);
    }
    if (!virtual_wind_up(sim->world, is_wound_up, process, WIND_UP_EVENTS)) {
        sim_break(sim, "progress: a process that was killed does not end: %zu",
                  virtual_pending(sim->world, true));
    }
    let_go(process);
    for (int i = 0; i < site_count(process); i++) {
        wire_restore(sim->sites[i].wire);
    }
    process->dead = false;
    start_later(process);
}

void process_abandon(struct process *process)
{
    process->over = true;
    process_kill(process);
}

/* --- starting ----------------------------------------------------------------------------------------- */

static void on_archived(void *ctx, const struct archive_request *request)
{
    struct process *process = ctx;
    sim_tell(process->sim, "archived operation %d, run %lld, row %lld: %s", (int)request->operation,
             (long long)request->run, (long long)request->row, request->err.msg);
    oracle_archived(oracle_of_run(process->sim, request->run), request);
}

static void start(void *ctx)
{
    struct process *process = ctx;
    struct sim *sim = process->sim;
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
    for (int i = 0; i < site_count(process); i++) {
        runs_start(&process->runs[i]);
    }
}

/* --- the face ----------------------------------------------------------------------------------------- */

struct process *process_create(struct sim *sim)
{
    struct process *process = mem_zalloc(sizeof *process);
    process->sim = sim;
    process->configs = configs_create(sim);
    process->place = (struct sorter_place){.folder = "/var/tmp", .memory_bytes = SCRATCH_BYTES};
    sorter_scratch(&process->scratch, &process->place);
    process->end = (struct env_timer){.fire = on_end, .owner = process};
    for (int i = 0; i < site_count(process); i++) {
        runs_init(&process->runs[i], process, &sim->sites[i]);
    }
    virtual_at(sim->world, 0, start, process);
    return process;
}

void process_destroy(struct process *process)
{
    if (!process) {
        return;
    }
    for (int i = 0; i < site_count(process); i++) {
        runs_finish(&process->runs[i]);
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
    for (int i = 0; i < site_count(process); i++) {
        process->leaving = runs_cancel(&process->runs[i], hurry) || process->leaving;
    }
}

void process_pause(struct process *process, bool pause)
{
    if (process->paused == pause) {
        return;
    }
    process->paused = pause;
    for (int i = 0; i < site_count(process); i++) {
        runs_pause(&process->runs[i]);
    }
}

void process_heal(struct process *process)
{
    for (int i = 0; i < site_count(process); i++) {
        process->runs[i].tries = 0;
    }
    configs_heal(process->configs);
    process->leaving = true;
}

int process_runs(const struct process *process)
{
    return process->run_count;
}

int process_restarts(const struct process *process)
{
    return process->restarts;
}

bool process_over(const struct process *process)
{
    return process->over;
}

int process_swept(const struct process *process, const struct site *site, const struct policy **policies,
                  int64_t *from_ms)
{
    const struct runs *runs = &process->runs[site->number];
    int count = 0;
    *from_ms = runs->round_ms;
    for (int i = 0; i < configs_count(process->configs); i++) {
        if (runs->finished[i]) {
            policies[count++] = configs_policy(process->configs, i, NULL);
        }
    }
    return count;
}

void process_use_policy(struct process *process, const struct policy *policy)
{
    configs_use(process->configs, policy);
}
