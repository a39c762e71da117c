/* See registry_world.h. */
#include "unit/registry_world.h"

#include "base/text.h"
#include "base/time.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static void on_done(void *owner, const struct report *report)
{
    struct registry *test = owner;
    test->report = *report;
    test->done = true;
}

static void on_warning(void *owner, const char *text)
{
    struct registry *test = owner;
    text_copy(test->warned, sizeof test->warned, text);
}

void registry_begin_with(struct registry *test, int things, int jobs, int executions)
{
    struct fleet_config config = {.seed = 7,
                                  .things = things,
                                  .jobs = jobs,
                                  .executions = executions,
                                  .groups = 7,
                                  .thing_types = 3,
                                  .thing_attributes = 4,
                                  .now_ms = RIG_START_MS - TIME_MS_PER_HOUR};
    struct virtual_config world = {.seed = 7,
                                   .start_ms = RIG_START_MS,
                                   .latency_min_ns = 20 * TIME_NS_PER_MS,
                                   .latency_max_ns = 300 * TIME_NS_PER_MS};
    for (int i = 0; i < OPERATION_COUNT; i++) {
        config.quota[i] = -1;
    }
    *test = (struct registry){.target = {.name = "simulated", .signature_life_ms = 300000}};
    test->fleet = world.fleet = fleet_create(&config);
    rig_init(&test->rig, &world, NULL);
    test->rig.ctx = test;
    rig_policy(&test->policy);
    test->policy.match.status_bits = EXECUTION_TERMINAL_BITS;
}

void registry_begin(struct registry *test)
{
    registry_begin_with(test, 60, 4, 1200);
}

void registry_finish(struct registry *test)
{
    sweep_destroy(test->sweep);
    rig_finish(&test->rig);
    fleet_destroy(test->fleet);
    free(test->eligible);
}

struct sweep_config registry_config_of(struct registry *test)
{
    return (struct sweep_config){.env = &test->rig.env,
                                 .dispatcher = test->rig.dispatcher,
                                 .ledger = &test->rig.ledger,
                                 .policy = &test->policy,
                                 .target = &test->target,
                                 .policy_sha256 = SHA,
                                 .observer = {.owner = test, .warning = on_warning, .done = on_done}};
}

void registry_start(struct registry *test)
{
    struct sweep_config config = registry_config_of(test);
    test->done = false;
    test->sweep = sweep_start(&config);
}

void registry_sweep(struct registry *test)
{
    registry_start(test);
    assert_true(rig_run(&test->rig, &test->done, 86400));
    assert_int_equal(report_outcome_sum(&test->report), test->report.selected);
}

/* --- whose executions go ------------------------------------------------------------------------------- */

struct wanted {
    struct registry *test;
    bool (*thing)(const struct registry *test, const struct fleet_thing_about *thing);
    int64_t count;
};

static void judge(void *ctx, const struct fleet_execution *found)
{
    struct wanted *wanted = ctx;
    struct registry *test = wanted->test;
    const struct job_execution *execution = &found->execution;
    const struct fingerprint *print = &execution->fingerprint;
    struct fleet_thing_about thing;
    struct job job;
    bool eligible = fleet_thing_about(test->fleet, execution->thing_name, &thing) && /* it exists */
                    wanted->thing(test, &thing) && execution_status_terminal(print->status) &&
                    RIG_START_MS - print->last_updated_at.ms > test->policy.match.older_than_ms &&
                    fleet_know_job(test->fleet, execution->job_id, &job) &&
                    policy_wants_job(&test->policy, &job);
    test->eligible[found->identity] = eligible;
    wanted->count += eligible;
}

/* Sweeps, and compares with what should go, execution by execution. */
void registry_assert_goes(struct registry *test,
                          bool (*thing)(const struct registry *test, const struct fleet_thing_about *thing))
{
    struct wanted wanted = {.test = test, .thing = thing};
    uint64_t count = fleet_identities(test->fleet);
    test->eligible = calloc(count + 1, sizeof *test->eligible);
    fleet_each(test->fleet, false, judge, &wanted);
    assert_in_range(wanted.count, 10, 800);
    registry_sweep(test);
    assert_int_equal(test->report.end, SWEEP_FINISHED);
    assert_int_equal(test->report.selected, wanted.count);
    for (uint64_t i = 1; i <= count; i++) {
        struct fleet_execution found;
        fleet_identity(test->fleet, i, &found);
        assert_int_equal(found.deleted_ms != 0, test->eligible[i]);
    }
}

bool registry_within(const struct registry *test, const struct fleet_thing_about *thing, const char *group)
{
    struct fleet_group_about about;
    if (thing->group == NULL || strcmp(thing->group, group) == 0) {
        return thing->group != NULL;
    }
    fleet_group_about(test->fleet, thing->group, &about);
    for (size_t i = 0; i < about.ancestor_count; i++) {
        if (strcmp(about.ancestors[i], group) == 0) {
            return true;
        }
    }
    return false;
}

bool registry_in_group_1(const struct registry *test, const struct fleet_thing_about *thing)
{
    return registry_within(test, thing, "group-1");
}

bool registry_not_in_group_1(const struct registry *test, const struct fleet_thing_about *thing)
{
    return !registry_within(test, thing, "group-1");
}

void registry_protect_group_1(struct registry *test)
{
    static const char *const groups[] = {"group-1", NULL};
    rig_patterns(&test->rule.groups, groups);
    test->protect = (struct protect_list){&test->rule, 1};
    test->policy.protect = &test->protect;
}
