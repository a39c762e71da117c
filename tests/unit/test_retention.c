/* Random policies over random fleets: the evaluator, which sees one execution at a time, against the
 * sentences of the manual, applied to everything at once. What is not known may only keep more. JOBSWEEP_SEED
 * is the first case, JOBSWEEP_CASES how many. */
#include "retention_sentences.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- the evaluator ------------------------------------------------------------------------------------- */

static struct verdict verdicts[FLEET_MAX];
static const struct keep_rule *kept_by[FLEET_MAX];
static enum keep_per sorting_by;

static int by_group(const void *left, const void *right)
{
    const struct job_execution *a = &world.fleet[*(const int *)left], *b = &world.fleet[*(const int *)right];
    int thing = strcmp(a->thing_name, b->thing_name), job = strcmp(a->job_id, b->job_id);
    if (sorting_by != PER_TARGET && sorting_by != PER_JOB && thing != 0) {
        return thing;
    }
    if (sorting_by != PER_TARGET && sorting_by != PER_THING && job != 0) {
        return job;
    }
    return keep_compare(&world.policy, a, b);
}

static void walk_groups(enum keep_per per)
{
    int order[FLEET_MAX], count = 0;
    struct keep_group group;
    for (int i = 0; i < world.count; i++) {
        if (verdicts[i].counts) {
            order[count++] = i;
        }
    }
    sorting_by = per;
    qsort(order, (size_t)count, sizeof order[0], by_group);
    for (int i = 0; i < count; i++) {
        const struct job_execution *execution = &world.fleet[order[i]];
        if (i == 0 || !keep_together(per, execution, &world.fleet[order[i - 1]])) {
            keep_begin(&group, &world.policy, per);
        }
        const struct keep_rule *rule = keep_next(&group, execution);
        kept_by[order[i]] = kept_by[order[i]] != NULL ? kept_by[order[i]] : rule;
    }
}

static void evaluate(void)
{
    for (int i = 0; i < world.count; i++) {
        const struct job *job = world_job_of(&world.fleet[i]);
        struct match_facts facts = {.job = world.job_known[job - world.jobs] ? job : NULL,
                                    .thing = world.things_known ? world_thing_fact : NULL};
        policy_decide(&world.policy, &facts, &world.fleet[i], NOW, &verdicts[i]);
        assert_false(verdicts[i].delete &&verdicts[i].undecided);
        kept_by[i] = NULL;
    }
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(&world.policy, (enum keep_per)per)) {
            walk_groups((enum keep_per)per);
        }
    }
    for (int i = 0; i < world.count; i++) {
        keep_settle(&verdicts[i], kept_by[i]);
        assert_false(verdicts[i].undecided);
        assert_true(verdicts[i].reason[0] != '\0');
    }
}

static bool all_known(void)
{
    bool known = world.things_known;
    for (int i = 0; i < 5; i++) {
        known &= world.job_known[i];
    }
    return known;
}

static void compare(uint64_t seed, int totals[3])
{
    bool known = all_known();
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *execution = &world.fleet[i];
        /* A job that nothing is known of is left out by its id alone: nothing is promised there. */
        if (!world.job_known[world_job_of(execution) - world.jobs]) {
            continue;
        }
        bool said = said_delete(execution);
        totals[0]++;
        totals[1] += said;
        totals[2] += kept_by[i] != NULL && !verdicts[i].delete;
        if (known ? verdicts[i].delete != said : verdicts[i].delete &&!said && world.policy.keep_count == 0) {
            fail_msg("JOBSWEEP_SEED=%llu: %s/%s/%d: %s (%s), but the sentences say %s",
                     (unsigned long long)seed, execution->job_id, execution->thing_name,
                     (int)execution->number, verdicts[i].delete ? "goes" : "stays", verdicts[i].reason,
                     said ? "it goes" : "it stays");
        }
        if (known && kept_by[i] != NULL && !said_rule(kept_by[i], execution)) {
            fail_msg("JOBSWEEP_SEED=%llu: '%s' does not hold", (unsigned long long)seed, verdicts[i].reason);
        }
    }
}

static void the_evaluator_agrees_with_the_sentences(void **state)
{
    (void)state;
    int totals[3] = {0};
    int64_t first = number_from("JOBSWEEP_SEED", 1), cases = number_from("JOBSWEEP_CASES", 5000);
    print_message("# JOBSWEEP_SEED=%lld JOBSWEEP_CASES=%lld\n", (long long)first, (long long)cases);
    world_load();
    for (int64_t seed = first; seed < first + cases; seed++) {
        world_draw((uint64_t)seed);
        setenv("TZ", world.zone_name, 1);
        tzset();
        evaluate();
        compare((uint64_t)seed, totals);
    }
    print_message("# %d executions, %d go, %d kept by a rule that counts\n", totals[0], totals[1], totals[2]);
    world_unload();
    if (cases >= 1000) { /* else all might agree because nothing ever goes */
        assert_true(totals[1] > totals[0] / 100 && totals[2] > totals[0] / 100);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_evaluator_agrees_with_the_sentences),
};

TAP_MAIN(tests)
