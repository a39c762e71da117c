/* See sim/simulation.h. */
#include "sim/simulation.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "engine/report.h"
#include "model/outcome.h"
#include "sim/actors.h"
#include "sim/bookkeeper.h"
#include "sim/oracle.h"
#include "sim/process.h"
#include "sim/wire.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAULTS_NS    (3 * 3600 * TIME_NS_PER_SECOND)
#define HEALED_NS    (24 * 3600 * TIME_NS_PER_SECOND)
#define STEPS_MAX    300000 /* and so many for each execution of the fleet: */
#define STEPS_EACH   1000
#define SKEW_BAD_MS  55000
#define SITE_STREAMS UINT64_C(1000000) /* from one site's streams of random numbers to the next one's */

void sim_break(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->broken[0]) {
        return;
    }
    va_start(args, format);
    vsnprintf(sim->broken, sizeof sim->broken, format, args);
    va_end(args);
    sim->broken_step = sim->steps;
    sim_tell(sim, "BROKEN: %s", sim->broken);
}

void sim_tell(const struct sim *sim, const char *format, ...)
{
    va_list args;
    if (!sim->trace) {
        return;
    }
    printf("# step %" PRId64 " at %.3f s: ", sim->steps,
           (double)(virtual_mono_ns(sim->world) / TIME_NS_PER_MS) / 1000.0);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

int64_t sim_service_ms(const struct sim *sim)
{
    return SIM_START_MS + virtual_mono_ns(sim->world) / TIME_NS_PER_MS + sim->scenario->skew_ms;
}

int64_t sim_wall_ms(const struct sim *sim)
{
    const struct env *env = virtual_env(sim->world);
    return env->wall_ms(env->ctx);
}

void site_stream(const struct site *site, uint64_t part, struct random *random)
{
    scenario_stream(site->sim->scenario, part + (uint64_t)site->number * SITE_STREAMS, random);
}

/* --- accidents -------------------------------------------------------------------------------------------
 */

static void on_resume(void *ctx)
{
    struct sim *sim = ctx;
    if (virtual_mono_ns(sim->world) >= sim->paused_until_ns) { /* else there was another one meanwhile */
        process_pause(sim->process, false);
    }
}

static void pause_deletions(struct sim *sim, int64_t ms)
{
    int64_t until_ns = virtual_mono_ns(sim->world) + ms * TIME_NS_PER_MS;
    sim->paused_until_ns = until_ns > sim->paused_until_ns ? until_ns : sim->paused_until_ns;
    process_pause(sim->process, true);
    virtual_at(sim->world, until_ns, on_resume, sim);
}

static void happen(struct sim *sim, const struct accident *accident)
{
    static const enum disk_trouble troubles[ACCIDENT_COUNT] = {[ACCIDENT_DISK_READ] = DISK_READ_ERROR,
                                                               [ACCIDENT_DISK_WRITE] = DISK_WRITE_ERROR,
                                                               [ACCIDENT_DISK_SHORT] = DISK_SHORT_WRITE,
                                                               [ACCIDENT_DISK_SYNC] = DISK_SYNC_ERROR,
                                                               [ACCIDENT_DISK_DEATH] = DISK_DEATH};
    sim->totals.accidents[accident->kind]++;
    sim_tell(sim, "accident %s: %" PRId64, accident_name(accident->kind), accident->amount);
    switch (accident->kind) {
    case ACCIDENT_KILL:
        process_kill(sim->process);
        return;
    case ACCIDENT_STANDSTILL:
        virtual_stand_still(sim->world, virtual_mono_ns(sim->world) + accident->amount * TIME_NS_PER_MS);
        return;
    case ACCIDENT_WALL_STEP:
        virtual_set_wall(sim->world, accident->amount);
        return;
    case ACCIDENT_RELOAD:
        process_reload(sim->process);
        return;
    case ACCIDENT_CANCEL:
    case ACCIDENT_HURRY:
        process_cancel(sim->process, accident->kind == ACCIDENT_HURRY);
        return;
    case ACCIDENT_PAUSE:
        pause_deletions(sim, accident->amount);
        return;
    case ACCIDENT_CREDENTIALS:
        for (int i = 0; i < sim->site_count; i++) {
            wire_expire_credentials(sim->sites[i].wire, accident->amount);
        }
        return;
    case ACCIDENT_DISK_FULL:
        disk_limit(sim->disk, disk_size(sim->disk) + accident->amount + 1);
        sim->full_until = process_restarts(sim->process) + 2;
        return;
    default:
        disk_trouble(sim->disk, troubles[accident->kind], accident->amount);
        return;
    }
}

static bool is_due(const struct sim *sim, const struct accident *accident, int64_t before)
{
    int64_t at = accident->at_deletion;
    return at > 0 ? before < at && at <= sim->totals.deletions : accident->at_step == sim->steps;
}

/* before: so many deletions there had been before this step. */
static void have_accidents(struct sim *sim, int64_t before)
{
    const struct scenario *scenario = sim->scenario;
    for (int i = 0; i < scenario->accident_count && !sim->healed; i++) {
        if (is_due(sim, &scenario->accidents[i], before)) {
            happen(sim, &scenario->accidents[i]);
        }
    }
    if (disk_died(sim->disk)) {
        process_kill(sim->process);
    }
    if (process_restarts(sim->process) > sim->full_until) {
        disk_limit(sim->disk, 0);
    }
}

/* --- the two phases --------------------------------------------------------------------------------------
 */

static void heal(struct sim *sim)
{
    int64_t skew_ms = sim->scenario->skew_ms;
    sim_tell(sim, "everything heals");
    sim->healed = true;
    sim->healed_ms = sim_service_ms(sim);
    disk_trouble(sim->disk, DISK_FINE, 0);
    disk_limit(sim->disk, 0);
    shelf_rate(sim->shelf, 0);
    virtual_set_wall(sim->world, skew_ms > SKEW_BAD_MS || skew_ms < -SKEW_BAD_MS ? skew_ms : 0);
    process_heal(sim->process);
    sim->paused_until_ns = 0;
    process_pause(sim->process, false);
}

static bool step(struct sim *sim)
{
    int64_t before = sim->totals.deletions;
    if (!virtual_step(sim->world) || sim->broken[0]) {
        return false;
    }
    sim->steps++;
    have_accidents(sim, before);
    if (sim->steps > sim->site_count * (STEPS_MAX + STEPS_EACH * sim->scenario->executions)) {
        sim_break(sim, "progress: more than %" PRId64 " events", sim->steps);
    }
    return !sim->broken[0];
}

static void run_phases(struct sim *sim)
{
    while (process_runs(sim->process) < sim->scenario->runs * sim->site_count &&
           virtual_mono_ns(sim->world) < FAULTS_NS) {
        if (!step(sim)) {
            break;
        }
    }
    if (!sim->broken[0]) {
        heal(sim);
    }
    int64_t until_ns = virtual_mono_ns(sim->world) + HEALED_NS;
    while (!process_over(sim->process) && virtual_mono_ns(sim->world) < until_ns) {
        if (!step(sim)) {
            break;
        }
    }
    if (!sim->broken[0] && !process_over(sim->process)) {
        sim_break(sim, "progress: it does not end");
    }
    while (virtual_pending(sim->world, false) > 0 && step(sim)) {
    }
}

static void judge(struct sim *sim)
{
    size_t waiting = 0;
    bookkeeper_verify(sim);
    for (int i = 0; i < sim->site_count; i++) {
        const struct policy *policies[SCENARIO_POLICIES_MAX];
        int64_t from_ms;
        int count = process_swept(sim->process, &sim->sites[i], policies, &from_ms);
        oracle_judge(sim->sites[i].oracle, policies, count, from_ms);
        waiting += wire_waiting(sim->sites[i].wire);
    }
    if (waiting > 0 || virtual_pending(sim->world, true) > 0) {
        sim_break(sim, "progress: %zu calls and %zu timers are left", waiting,
                  virtual_pending(sim->world, true));
    }
}

/* --- the world -------------------------------------------------------------------------------------------
 */

static struct fleet *make_fleet(const struct scenario *scenario, int site)
{
    bool alike = scenario->extras[EXTRA_ALIKE] > 0;
    struct fleet_config config = {.seed = scenario->seed + (alike ? 0 : (uint64_t)site * SITE_STREAMS),
                                  .things = scenario->things,
                                  .jobs = scenario->jobs,
                                  .executions = scenario->executions,
                                  .now_ms = SIM_START_MS - TIME_MS_PER_HOUR,
                                  .quota_kind = scenario->quota_kind,
                                  .reuse_numbers = true};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota[i] =
            scenario->counted ? operation_default_quota((enum operation)i) * scenario->speed : -1;
    }
    return fleet_create(&config);
}

static void build_sites(struct sim *sim)
{
    sim->site_count = sim->scenario->extras[EXTRA_SITES] > 0 ? SCENARIO_SITES_MAX : 1;
    for (int i = 0; i < sim->site_count; i++) {
        struct site *site = &sim->sites[i];
        *site = (struct site){.sim = sim, .number = i, .fleet = make_fleet(sim->scenario, i)};
        site->oracle = oracle_create(site);
        site->wire = wire_create(site);
        site->actors = actors_create(site);
    }
}

static void build(struct sim *sim, const struct scenario *scenario)
{
    struct virtual_config world = {
        .seed = scenario->seed, .start_ms = SIM_START_MS, .skew_ms = scenario->skew_ms};
    sim->scenario = scenario;
    sim->world = virtual_create(&world);
    sim->disk = disk_create("simulated", scenario->seed);
    sim->shelf = shelf_create(scenario->seed);
    shelf_rate(sim->shelf, scenario->extras[EXTRA_ARCHIVE_TROUBLE]);
    build_sites(sim);
    sim->process = process_create(sim);
}

static void tear_down(struct sim *sim)
{
    sim->healed = true;
    process_abandon(sim->process); /* when a rule broke it is still there */
    while (virtual_step(sim->world)) {
    }
    process_destroy(sim->process);
    for (int i = 0; i < sim->site_count; i++) {
        actors_destroy(sim->sites[i].actors);
        wire_destroy(sim->sites[i].wire);
        oracle_destroy(sim->sites[i].oracle);
        fleet_destroy(sim->sites[i].fleet);
    }
    virtual_destroy(sim->world);
    disk_destroy(sim->disk);
    shelf_destroy(sim->shelf);
}

static void add(struct sim_totals *totals, const struct sim_totals *more)
{
    const int64_t *from = (const int64_t *)more;
    int64_t *to = (int64_t *)totals;
    for (size_t i = 0; i < sizeof *totals / sizeof *to; i++) {
        to[i] += from[i];
    }
}

void simulation_run(const struct scenario *scenario, const struct policy *policy, bool trace,
                    struct sim_totals *totals, struct simulation *result)
{
    struct sim *sim = mem_zalloc(sizeof *sim);
    sim->trace = trace;
    build(sim, scenario);
    if (policy) {
        process_use_policy(sim->process, policy);
    }
    run_phases(sim);
    if (!sim->broken[0]) {
        judge(sim);
    }
    *result = (struct simulation){.hash = virtual_trace_hash(sim->world)};
    text_copy(result->broken, sizeof result->broken, sim->broken);
    result->broken_step = sim->broken_step;
    sim->totals.seeds = 1;
    sim->totals.shelf_failures = shelf_failures(sim->shelf);
    sim->totals.events = sim->steps;
    sim->totals.virtual_ms = virtual_mono_ns(sim->world) / TIME_NS_PER_MS;
    if (totals) {
        add(totals, &sim->totals);
    }
    tear_down(sim);
    free(sim);
}

/* Whether it still fails without this part, and by the same rule. */
static bool fails_without(struct scenario *scenario, int part, const char *rule)
{
    struct scenario smaller = *scenario;
    struct simulation result;
    if (!scenario_drop(&smaller, part)) {
        return false;
    }
    simulation_run(&smaller, NULL, false, NULL, &result);
    if (strncmp(result.broken, rule, strcspn(rule, ":") + 1) != 0) {
        return false;
    }
    *scenario = smaller;
    return true;
}

void simulation_shrink(struct scenario *scenario, const char *rule)
{
    bool less = true;
    while (less) {
        less = false;
        for (int part = 0; part < SCENARIO_PARTS; part++) {
            less = fails_without(scenario, part, rule) || less;
        }
    }
}

void simulation_print(const struct sim_totals *totals, struct buf *out)
{
    int64_t faults = 0;
    for (int i = FAULT_REFUSED; i < FAULT_COUNT; i++) {
        faults += totals->faults[i];
    }
    buf_printf(out,
               "# %" PRId64 " seeds, %" PRId64 " events, %" PRId64 " virtual hours, %" PRId64
               " runs, %" PRId64 " of them beside another, %" PRId64 " restarts, %" PRId64
               " runs forgotten\n",
               totals->seeds, totals->events, totals->virtual_ms / TIME_MS_PER_HOUR, totals->runs,
               totals->beside, totals->restarts, totals->forgotten);
    int64_t hit = totals->in_trip + totals->late + totals->twice + totals->stale;
    buf_printf(out, "# %" PRId64 " deletions; newcomers hit, which cannot be prevented: %" PRId64,
               totals->deletions, hit);
    buf_printf(out, ", %" PRId64 " in a million\n",
               totals->deletions ? hit * 1000000 / totals->deletions : 0);
    buf_printf(out,
               "#   %" PRId64 " within a minute, %" PRId64 " late, %" PRId64 " by a second delivery, %" PRId64
               " after a stale look; of these %" PRId64 " were queued\n",
               totals->in_trip, totals->late, totals->twice, totals->stale, totals->queued);
    buf_printf(out, "#   %" PRId64 " documents archived, %" PRId64 " failures of their disk\n",
               totals->archived, totals->shelf_failures);
    buf_printf(out, "#   %" PRId64 " deleted with force had gone on after the look\n", totals->changed);
    buf_printf(
        out, "#   %" PRId64 " sent that a grace had held back, %" PRId64 " held back to the end of a pause\n",
        totals->graced, totals->paused);
    buf_printf(out, "#   %" PRId64 " runs gone on with whose time was over before they got through\n",
               totals->settled);
    buf_printf(out, "# %" PRId64 " faults:", faults);
    for (int i = FAULT_REFUSED; i < FAULT_COUNT; i++) {
        buf_printf(out, " %s %" PRId64, fault_name((enum fault)i), totals->faults[i]);
    }
    buf_text(out, "\n# actors:");
    for (int i = 0; i < ACTOR_COUNT; i++) {
        buf_printf(out, " %s %" PRId64, actor_name((enum actor)i), totals->acts[i]);
    }
    buf_text(out, "\n# accidents:");
    for (int i = 0; i < ACCIDENT_COUNT; i++) {
        buf_printf(out, " %s %" PRId64, accident_name((enum accident_kind)i), totals->accidents[i]);
    }
    buf_text(out, "\n# rows:");
    for (int i = 1; i < OUTCOME_COUNT; i++) {
        buf_printf(out, " %s %" PRId64, outcome_name((enum outcome)i), totals->outcomes[i]);
    }
    buf_text(out, "\n# runs:");
    for (int i = SWEEP_FINISHED; i <= SWEEP_FAILED; i++) {
        buf_printf(out, " %s %" PRId64, sweep_end_name((enum sweep_end)i), totals->ends[i]);
    }
    buf_char(out, '\n');
}
