/* See sim/scenario.h. */
#include "sim/scenario.h"

#include "base/time.h"

#include <inttypes.h>
#include <string.h>

#define PPM                1000000
#define LOST_AGAIN_PERCENT 4
#define FIRST_ACCIDENTS    12 /* at most, of those that no part of its own brings */
#define PAUSES_MAX         3
#define SHORT_PERCENT      20
#define SHORT_KILLS_MAX    3

static const char *const FAULT_NAMES[FAULT_COUNT] = {
    "none",           "refused",       "dns",           "tls",          "reset-early",  "reset-sent",
    "reset-executed", "request-lost",  "answer-lost",   "answer-cut",   "answer-late",  "executed-late",
    "twice",          "throttled-400", "throttled-429", "500-executed", "500",          "503",
    "expired",        "skewed",        "denied",        "invalid",      "gone",         "state",
    "malformed",      "huge",          "token-loop",    "stale",        "other-answer", "short-page",
    "lost-again",     "leaves-late"};
static const char *const ACTOR_NAMES[ACTOR_COUNT] = {"deletes",    "rebirths", "twins",        "creates",
                                                     "progresses", "ambushes", "after-losses", "neighbour"};
static const char *const ACCIDENT_NAMES[ACCIDENT_COUNT] = {
    "kill",      "standstill", "wall-step",  "reload",    "cancel",     "hurry",     "credentials",
    "disk-read", "disk-write", "disk-short", "disk-sync", "disk-death", "disk-full", "pause"};
static const char *const EXTRA_NAMES[EXTRA_COUNT] = {"keep",
                                                     "per-thing",
                                                     "order",
                                                     "max-duration",
                                                     "archive",
                                                     "archive-optional",
                                                     "archive-trouble",
                                                     "grace",
                                                     "protect",
                                                     "given",
                                                     "names",
                                                     "sites",
                                                     "alike",
                                                     "short"};

const char *fault_name(enum fault fault)
{
    return FAULT_NAMES[fault];
}

const char *actor_name(enum actor actor)
{
    return ACTOR_NAMES[actor];
}

const char *accident_name(enum accident_kind kind)
{
    return ACCIDENT_NAMES[kind];
}

void scenario_stream(const struct scenario *scenario, uint64_t part, struct random *random)
{
    random_seed(random, scenario->seed * UINT64_C(0x9e3779b97f4a7c15) + part * UINT64_C(0xd1b54a32d192ed03));
}

/* --- drawing ---------------------------------------------------------------------------------------------
 */

static bool chance(struct random *random, unsigned percent)
{
    return random_below(random, 100) < percent;
}

static int64_t between(struct random *random, int64_t least, int64_t most)
{
    return least + (int64_t)random_below(random, (uint64_t)(most - least + 1));
}

/* Small numbers as often as large ones. */
static int64_t scale(struct random *random, int bits)
{
    return (int64_t)random_below(random, UINT64_C(1) << (1 + random_below(random, (uint64_t)bits)));
}

static void draw_fault(struct random *random, struct fault_plan *plan, enum fault fault, unsigned percent)
{
    bool final =
        fault == FAULT_DENIED || fault == FAULT_INVALID || fault == FAULT_TOKEN_LOOP || fault == FAULT_GONE;
    *plan = (struct fault_plan){0};
    if (!chance(random, final ? percent / 2 : percent)) {
        return;
    }
    plan->ppm = 100 + (int)random_below(random, final ? PPM / 200 : PPM / 12);
    if (!chance(random, final ? 75 : 25)) { /* final ones mean most when many come in a row */
        return;
    }
    plan->period_ms = between(random, 20, 1200) * TIME_MS_PER_SECOND;
    plan->active_ms = between(random, 1, 1 + plan->period_ms / 3);
    plan->ppm = chance(random, 50) ? PPM : PPM / 2;
}

/* The way as a whole is kept open for some of the time. */
static void draw_faults(struct random *random, struct scenario *scenario)
{
    unsigned percent = chance(random, 20) ? 0 : (unsigned)between(random, 5, 60);
    for (int i = FAULT_REFUSED; i < FAULT_SHORT_PAGE; i++) {
        draw_fault(random, &scenario->faults[i], (enum fault)i, percent);
    }
}

static void draw_actors(struct random *random, struct scenario *scenario)
{
    if (chance(random, 20)) {
        return;
    }
    for (int i = 0; i < ACTOR_COUNT; i++) {
        bool periodic = i < ACTOR_AMBUSHES;
        bool there = chance(random, 35);
        int64_t drawn =
            periodic ? between(random, 300, 20000) : between(random, 1, i == ACTOR_AMBUSHES ? 6 : 60);
        scenario->actor_every_ms[i] = there ? drawn : 0;
    }
}

static int64_t draw_amount(struct random *random, enum accident_kind kind)
{
    switch (kind) {
    case ACCIDENT_STANDSTILL:
        return chance(random, 50) ? between(random, 0, 20 * TIME_MS_PER_MINUTE) : between(random, 0, 70000);
    case ACCIDENT_WALL_STEP:
        return chance(random, 50) ? between(random, -59000, 59000) : between(random, -400000, 400000);
    case ACCIDENT_CREDENTIALS:
        return chance(random, 60) ? 0 : between(random, 0, 60000);
    case ACCIDENT_DISK_FULL:
        return between(random, 0, 100000);
    default:
        return scale(random, 10);
    }
}

static void draw_accidents(struct random *random, struct scenario *scenario)
{
    static const enum accident_kind kinds[] = {ACCIDENT_KILL,        ACCIDENT_KILL,       ACCIDENT_KILL,
                                               ACCIDENT_STANDSTILL,  ACCIDENT_STANDSTILL, ACCIDENT_WALL_STEP,
                                               ACCIDENT_WALL_STEP,   ACCIDENT_WALL_STEP,  ACCIDENT_RELOAD,
                                               ACCIDENT_RELOAD,      ACCIDENT_CANCEL,     ACCIDENT_HURRY,
                                               ACCIDENT_HURRY,       ACCIDENT_DISK_READ,  ACCIDENT_DISK_WRITE,
                                               ACCIDENT_CREDENTIALS, ACCIDENT_DISK_SYNC,  ACCIDENT_DISK_SHORT,
                                               ACCIDENT_DISK_DEATH,  ACCIDENT_DISK_DEATH, ACCIDENT_DISK_FULL};
    int count = chance(random, 30) ? 0 : (int)between(random, 1, FIRST_ACCIDENTS);
    for (int i = 0; i < count; i++) {
        struct accident *accident = &scenario->accidents[i];
        accident->kind = kinds[random_below(random, sizeof kinds / sizeof kinds[0])];
        accident->at_step = chance(random, 50) ? between(random, 0, 1500) : scale(random, 13);
        accident->amount = draw_amount(random, accident->kind);
    }
    scenario->accident_count = count;
}

static void draw_world(struct random *random, struct scenario *scenario, bool large)
{
    scenario->things = (int)(large ? between(random, 200, 2000) : between(random, 2, 13));
    scenario->jobs =
        (int)(large ? between(random, 20, 80) : between(random, 1, chance(random, 10) ? 40 : 14));
    scenario->executions = large ? between(random, 20000, 80000) : between(random, 20, 320);
    scenario->speed = (int)(large                ? between(random, 10, 100)
                            : chance(random, 20) ? between(random, 2, 8)
                                                 : 1);
    scenario->counted = chance(random, 50);
    scenario->quota_kind = (enum quota_kind)random_below(random, QUOTA_KIND_COUNT);
    scenario->page_max = (int)(large || chance(random, 60) ? 250 : between(random, 1, 20));
    scenario->skew_ms = chance(random, 80) ? between(random, -30000, 30000) : between(random, -70000, 70000);
    scenario->latency_min_ns = between(random, 2, 40) * TIME_NS_PER_MS;
    scenario->latency_max_ns =
        scenario->latency_min_ns + between(random, 1, chance(random, 20) ? 3000 : 400) * TIME_NS_PER_MS;
    scenario->commit_ns =
        (chance(random, 50) ? between(random, 0, 5) : between(random, 0, 300)) * TIME_NS_PER_MS;
    scenario->policies = (int)between(random, 1, SCENARIO_POLICIES_MAX);
    scenario->runs = (int)between(random, 1, large ? 3 : 5);
    scenario->risky = chance(random, 30);
    scenario->retain_ms = chance(random, 20) ? between(random, 10, 40) * TIME_MS_PER_MINUTE : 0;
}

/* What a small fleet suffers in minutes is spread over a large one, or nothing would ever be listed. */
static void stretch(struct random *random, struct scenario *scenario)
{
    scenario->faults[FAULT_DENIED].ppm = scenario->faults[FAULT_INVALID].ppm = 0;
    scenario->faults[FAULT_TOKEN_LOOP].ppm /= 100;
    for (int i = 0; i < FAULT_COUNT; i++) {
        scenario->faults[i].ppm /= 3;
    }
    for (int i = 0; i < scenario->accident_count; i++) {
        scenario->accidents[i].at_step = between(random, 0, 6 * scenario->executions);
    }
    scenario->runs += scenario->policies + 2;
    scenario->skew_ms /= 2;
}

/* A row is sent three times at most, over all the processes that try. Only a service that hears of no
 * deletion for an hour, and a process that is killed in that hour, bring a row to the end of its attempts. */
static void draw_lost_again(struct random *random, struct scenario *scenario)
{
    int kills = (int)between(random, 1, 4);
    scenario->faults[FAULT_LOST_AGAIN].ppm = (int)between(random, PPM / 2, PPM);
    for (int i = 0; i < kills && scenario->accident_count < FIRST_ACCIDENTS; i++) {
        scenario->accidents[scenario->accident_count++] = (struct accident){
            .kind = ACCIDENT_KILL, .at_step = between(random, 0, 40 * scenario->executions)};
    }
}

/* --- parts that came later --------------------------------------------------------------------------------
 */

static void draw_way(struct random *random, struct scenario *scenario)
{
    draw_fault(random, &scenario->faults[FAULT_SHORT_PAGE], FAULT_SHORT_PAGE, 25);
    if (chance(random, LOST_AGAIN_PERCENT)) {
        draw_lost_again(random, scenario);
    }
}

static void draw_language(struct random *random, struct scenario *scenario)
{
    for (int i = EXTRA_KEEP; i <= EXTRA_MAX_DURATION; i++) {
        scenario->extras[i] = chance(random, 25) ? (int)between(random, 20, 100) : 0;
    }
}

static void draw_archive(struct random *random, struct scenario *scenario)
{
    bool there = chance(random, 30), optional = chance(random, 30), trouble = chance(random, 60);
    scenario->extras[EXTRA_ARCHIVE] = there ? (int)between(random, 30, 100) : 0;
    scenario->extras[EXTRA_OPTIONAL] = there && optional ? (int)between(random, 20, 100) : 0;
    scenario->extras[EXTRA_ARCHIVE_TROUBLE] = there && trouble ? (int)between(random, 100, PPM / 20) : 0;
}

static void draw_grace(struct random *random, struct scenario *scenario)
{
    scenario->extras[EXTRA_GRACE] = chance(random, 15) ? (int)between(random, 40, 100) : 0;
}

static void draw_runs(struct random *random, struct scenario *scenario)
{
    scenario->extras[EXTRA_PROTECT] = chance(random, 25) ? (int)between(random, 20, 100) : 0;
    scenario->extras[EXTRA_GIVEN] = chance(random, 40) ? (int)between(random, 10, 70) : 0;
    scenario->extras[EXTRA_TARGET_NAMES] = chance(random, 25) ? SCENARIO_NAMES_MAX : 0;
}

static int64_t draw_pause(struct random *random)
{
    if (chance(random, 20)) {
        return between(random, 0, 90 * TIME_MS_PER_MINUTE);
    }
    return chance(random, 50) ? between(random, 0, 20 * TIME_MS_PER_MINUTE) : between(random, 0, 70000);
}

/* Little happens during one, so that a kill that shall fall into it must come soon. */
static void draw_pauses(struct random *random, struct scenario *scenario)
{
    int pauses = chance(random, 30) ? (int)between(random, 1, PAUSES_MAX) : 0;
    for (int i = 0; i < pauses; i++) {
        struct accident pause = {.kind = ACCIDENT_PAUSE,
                                 .at_step = between(random, 0, 4 * scenario->executions),
                                 .amount = draw_pause(random)};
        struct accident kill = {.kind = ACCIDENT_KILL, .at_step = pause.at_step + between(random, 1, 100)};
        scenario->accidents[scenario->accident_count++] = pause;
        if (chance(random, 40)) {
            scenario->accidents[scenario->accident_count++] = kill;
        }
    }
    scenario->risky = scenario->risky || (pauses > 0 && chance(random, 50));
}

static void draw_sites(struct random *random, struct scenario *scenario)
{
    bool there = chance(random, 20), alike = chance(random, 50);
    scenario->extras[EXTRA_SITES] = there ? (int)between(random, 1, 2) : 0;
    scenario->extras[EXTRA_ALIKE] = there && alike;
}

static void draw_keys(struct random *random, struct scenario *scenario)
{
    draw_fault(random, &scenario->faults[FAULT_LEAVES_LATE], FAULT_LEAVES_LATE, 25);
}

/* Runs that are killed, and whose time is over before they got through: what is left must be more than a lane
 * sends in ten seconds, or all of it is under way by then. */
static void draw_times(struct random *random, struct scenario *scenario)
{
    if (!chance(random, SHORT_PERCENT)) {
        return;
    }
    int kills = (int)between(random, 1, SHORT_KILLS_MAX);
    scenario->extras[EXTRA_SHORT] = (int)between(random, 50, 100);
    scenario->executions += between(random, 200, 600);
    scenario->runs += 3;
    for (int i = 0; i < kills; i++) {
        scenario->accidents[scenario->accident_count++] =
            (struct accident){.kind = ACCIDENT_KILL, .at_deletion = between(random, 1, 40)};
    }
}

/* What was thought of later: each part draws from a stream of its own, by its place here, so that the seeds
 * of before are what they were but for it. A new one goes to the end. */
static void (*const LATER[SCENARIO_LATER])(struct random *random, struct scenario *scenario) = {
    [PART_WAY] = draw_way,     [PART_LANGUAGE] = draw_language, [PART_ARCHIVE] = draw_archive,
    [PART_GRACE] = draw_grace, [PART_RUNS] = draw_runs,         [PART_PAUSES] = draw_pauses,
    [PART_SITES] = draw_sites, [PART_KEYS] = draw_keys,         [PART_TIMES] = draw_times,
};

static void draw_later(struct scenario *scenario, int parts)
{
    for (int i = 0; i < parts && i < SCENARIO_LATER; i++) {
        struct random random;
        scenario_stream(scenario, 1 + (uint64_t)i, &random);
        LATER[i](&random, scenario);
    }
}

void scenario_draw_first(struct scenario *scenario, uint64_t seed, bool large, int later)
{
    struct random random;
    *scenario = (struct scenario){.seed = seed};
    scenario_stream(scenario, 0, &random);
    draw_world(&random, scenario, large);
    if (later == SCENARIO_CALM) {
        return;
    }
    draw_faults(&random, scenario);
    draw_actors(&random, scenario);
    draw_accidents(&random, scenario);
    draw_later(scenario, later);
    if (large) {
        stretch(&random, scenario);
    }
}

void scenario_draw(struct scenario *scenario, uint64_t seed, bool calm, bool large)
{
    scenario_draw_first(scenario, seed, large, calm ? SCENARIO_CALM : SCENARIO_LATER);
}

/* --- taking away -----------------------------------------------------------------------------------------
 */

static bool halve(int64_t *value, int64_t least)
{
    if (*value / 2 < least) {
        return false;
    }
    *value /= 2;
    return true;
}

static bool drop_accident(struct scenario *scenario, int at)
{
    if (at >= scenario->accident_count) {
        return false;
    }
    scenario->accident_count--;
    memmove(&scenario->accidents[at], &scenario->accidents[at + 1],
            (size_t)(scenario->accident_count - at) * sizeof scenario->accidents[0]);
    return true;
}

static bool simplify(struct scenario *scenario, int what)
{
    int64_t runs = scenario->runs;
    bool changed = false;
    if (what == 0) {
        return halve(&scenario->executions, 1);
    }
    if (what == 1) {
        changed = halve(&runs, 1);
        scenario->runs = (int)runs;
    } else if (what == 2) {
        changed = scenario->counted;
        scenario->counted = false;
    } else {
        changed = scenario->page_max != 250;
        scenario->page_max = 250;
    }
    return changed;
}

bool scenario_drop(struct scenario *scenario, int part)
{
    if (part < FAULT_COUNT) {
        bool there = scenario->faults[part].ppm > 0;
        scenario->faults[part].ppm = 0;
        return there;
    }
    part -= FAULT_COUNT;
    if (part < ACTOR_COUNT) {
        bool there = scenario->actor_every_ms[part] > 0;
        scenario->actor_every_ms[part] = 0;
        return there;
    }
    part -= ACTOR_COUNT;
    if (part < SCENARIO_ACCIDENTS_MAX) {
        return drop_accident(scenario, SCENARIO_ACCIDENTS_MAX - 1 - part);
    }
    part -= SCENARIO_ACCIDENTS_MAX;
    if (part < EXTRA_COUNT) {
        bool there = scenario->extras[part] > 0;
        scenario->extras[part] = 0;
        return there;
    }
    return simplify(scenario, part - EXTRA_COUNT);
}

/* --- for people ------------------------------------------------------------------------------------------
 */

static void print_parts(const struct scenario *scenario, struct buf *out)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (scenario->faults[i].ppm > 0) {
            buf_printf(out, "#   fault %s: %d of a million, %" PRId64 " of %" PRId64 " ms\n", FAULT_NAMES[i],
                       scenario->faults[i].ppm, scenario->faults[i].active_ms, scenario->faults[i].period_ms);
        }
    }
    for (int i = 0; i < ACTOR_COUNT; i++) {
        if (scenario->actor_every_ms[i] > 0) {
            buf_printf(out, "#   actor %s: %" PRId64 "\n", ACTOR_NAMES[i], scenario->actor_every_ms[i]);
        }
    }
    for (int i = 0; i < EXTRA_COUNT; i++) {
        if (scenario->extras[i] > 0) {
            buf_printf(out, "#   %s: %d\n", EXTRA_NAMES[i], scenario->extras[i]);
        }
    }
    for (int i = 0; i < scenario->accident_count; i++) {
        const struct accident *accident = &scenario->accidents[i];
        bool deleting = accident->at_deletion > 0;
        buf_printf(out, "#   accident %s at %s %" PRId64 ": %" PRId64 "\n", ACCIDENT_NAMES[accident->kind],
                   deleting ? "deletion" : "step", deleting ? accident->at_deletion : accident->at_step,
                   accident->amount);
    }
}

void scenario_print(const struct scenario *scenario, struct buf *out)
{
    buf_printf(out, "#   %d things, %d jobs, %" PRId64 " executions, speed %d, %s, pages of %d\n",
               scenario->things, scenario->jobs, scenario->executions, scenario->speed,
               scenario->counted ? "counted" : "not counted", scenario->page_max);
    buf_printf(out, "#   skew %" PRId64 " ms, latency %" PRId64 "..%" PRId64 " ms, commit %" PRId64 " ms\n",
               scenario->skew_ms, scenario->latency_min_ns / TIME_NS_PER_MS,
               scenario->latency_max_ns / TIME_NS_PER_MS, scenario->commit_ns / TIME_NS_PER_MS);
    buf_printf(out, "#   %d policies%s, %d runs\n", scenario->policies, scenario->risky ? ", some risky" : "",
               scenario->runs);
    print_parts(scenario, out);
}
