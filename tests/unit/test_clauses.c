/* The clauses of match one by one, with what is known and what is not; protect; verdicts that keep rules end.
 */
#include "policy/keep.h"
#include "policy/match.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000)
#define NOW (INT64_C(20000) * DAY)
#define LIST(...)                                                                                            \
    {                                                                                                        \
        .patterns = (char **)(const char *[]){__VA_ARGS__},                                                  \
        .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)                                      \
    }

static struct policy policy_of(void)
{
    return (struct policy){.name = "p",
                           .match = {.status_bits = EXECUTION_TERMINAL_BITS, .older_than_ms = 30 * DAY}};
}

static struct job_execution execution_of(int64_t age_ms)
{
    struct job_execution execution = {
        .job_id = "fw-1", .thing_name = "gw-1", .number = 1, .fingerprint = {.status = EXECUTION_FAILED}};
    execution.fingerprint.last_updated_at = (struct timestamp){.ms = NOW - age_ms, .text = "1"};
    return execution;
}

static enum truth answers[4];

static enum truth answer(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                         const char *value)
{
    assert_ptr_equal(owner, answers);
    assert_string_equal(thing_name, "gw-1");
    assert_int_equal(name != NULL, fact == THING_HAS_ATTRIBUTE);
    assert_non_null(value);
    return answers[fact];
}

static void expect(const struct policy *policy, const struct job *job, bool things_known, bool delete,
                   const char *reason)
{
    struct job_execution execution = execution_of(31 * DAY);
    struct match_facts facts = {
        .job = job, .thing = things_known ? answer : NULL, .owner = things_known ? answers : NULL};
    struct verdict verdict;
    policy_decide(policy, &facts, &execution, NOW, &verdict);
    assert_string_equal(verdict.reason, reason);
    assert_int_equal(verdict.delete, delete);
}

#define GOES "status FAILED, age over 30d"

static void what_is_not_known_of_a_thing_keeps(void **state)
{
    (void)state;
    static char name[] = "tier", value[] = "edge", query[] = "x:1";
    struct attribute attribute = {name, value};
    static const struct {
        const char *unknown, *no;
    } table[] = {
        [THING_IN_GROUP] = {"the thing's group not known", "thing by its group not matched"},
        [THING_OF_TYPE] = {"the thing's type not known", "thing by its type not matched"},
        [THING_HAS_ATTRIBUTE] = {"the thing's attributes not known", "thing by its attributes not matched"},
        [THING_IN_QUERY] = {"the thing's query not known", "thing by its query not matched"},
    };
    for (int fact = THING_IN_GROUP; fact <= THING_IN_QUERY; fact++) {
        struct policy policy = policy_of();
        struct pattern_list names = LIST("a");
        policy.match.groups = fact == THING_IN_GROUP ? names : (struct pattern_list){0};
        policy.match.types = fact == THING_OF_TYPE ? names : (struct pattern_list){0};
        policy.match.attributes = (struct attribute_list){&attribute, fact == THING_HAS_ATTRIBUTE};
        policy.match.query = fact == THING_IN_QUERY ? query : NULL;
        expect(&policy, NULL, false, false, table[fact].unknown);
        answers[fact] = TRUTH_UNKNOWN;
        expect(&policy, NULL, true, false, table[fact].unknown);
        answers[fact] = TRUTH_NO;
        expect(&policy, NULL, true, false, table[fact].no);
        answers[fact] = TRUTH_YES;
        expect(&policy, NULL, true, true, GOES);
        assert_true(
            policy_wants_thing(&policy, NULL, "gw-1")); /* by its name alone nothing speaks against it */
    }
}

static void what_is_not_known_of_a_job_keeps(void **state)
{
    (void)state;
    static char gg[] = "gg";
    struct job job = {.job_id = "fw-1", .status = JOB_COMPLETED, .described = true};
    struct policy policy = policy_of();
    policy.match.job_status_bits = 1u << JOB_COMPLETED;
    expect(&policy, NULL, false, false, "the job's status is not known");
    expect(&policy, &job, false, true, GOES);
    job.status = JOB_CANCELED;
    expect(&policy, &job, false, false, "job status CANCELED not listed");
    assert_false(policy_wants_job(&policy, &job));
    policy = policy_of();
    policy.match.job_selection = SELECTION_SNAPSHOT;
    expect(&policy, NULL, false, false, "the job's target selection is not known");
    expect(&policy, &job, false, true, GOES);
    job.continuous = true;
    expect(&policy, &job, false, false, "job is CONTINUOUS");
    policy = policy_of();
    policy.match.namespace_id = gg;
    expect(&policy, NULL, false, false, "the job's namespace is not known");
    expect(&policy, &job, false, false, "job not of namespace gg");
    job.described = false;
    expect(&policy, &job, false, false, "the job's namespace is not known");
    assert_true(policy_wants_job(&policy, &job)); /* it may turn out to be of it */
    strcpy(job.namespace_id, "gg");
    expect(&policy, &job, false, true, GOES); /* which names it */
}

static void running_continuous_jobs_are_named_by_status_and_selection_together(void **state)
{
    (void)state;
    struct job job = {.job_id = "fw-1", .status = JOB_IN_PROGRESS, .continuous = true, .described = true};
    struct policy policy = policy_of();
    policy.match.job_selection = SELECTION_CONTINUOUS;
    expect(&policy, &job, false, false, "running CONTINUOUS job, not named by its id");
    policy.match.job_status_bits = 1u << JOB_COMPLETED | 1u << JOB_IN_PROGRESS;
    expect(&policy, &job, false, true, GOES);
}

static void blocks_are_ored_in_any_of_and_in_none_of(void **state)
{
    (void)state;
    struct match blocks[2] = {{.status_bits = EXECUTION_BIT(EXECUTION_FAILED), .older_than_ms = 40 * DAY},
                              {.job_id = {.include = LIST("other")}}};
    struct policy policy = policy_of();
    policy.match.any_of = blocks;
    policy.match.any_of_count = 2;
    expect(&policy, NULL, false, false, "no block of any_of holds");
    blocks[1].job_id.include = (struct pattern_list)LIST("fw-?");
    expect(&policy, NULL, false, true, GOES);
    policy = policy_of();
    policy.match.none_of = blocks;
    policy.match.none_of_count = 2;
    expect(&policy, NULL, false, false, "block 2 of none_of holds");
    blocks[1].job_status_bits = 1u << JOB_COMPLETED;
    expect(&policy, NULL, false, false, "whether block 2 of none_of holds is not known");
    blocks[1].job_id.include = (struct pattern_list)LIST("other");
    expect(&policy, NULL, false, true, GOES);
}

static void a_job_that_no_block_can_hold_for_is_not_listed(void **state)
{
    (void)state;
    struct job job = {.job_id = "fw-1", .status = JOB_COMPLETED};
    struct match blocks[2] = {{.job_id = {.include = LIST("a*")}}, {.job_id = {.include = LIST("b*")}}};
    struct policy policy = policy_of();
    policy.match.any_of = blocks;
    policy.match.any_of_count = 2;
    assert_false(policy_wants_job(&policy, &job));
    blocks[1].job_id.include = (struct pattern_list)LIST("fw-*");
    blocks[1].status_bits = EXECUTION_BIT(EXECUTION_FAILED); /* not known yet */
    assert_true(policy_wants_job(&policy, &job));
}

static void protect_beats_the_policy_until_its_end(void **state)
{
    (void)state;
    static char reason[] = "legal hold 42";
    struct protect_rule rule = {.place = {.file = "f", .line = 7}, .job_ids = LIST("fw-*")};
    struct protect_list protect = {&rule, 1};
    struct policy policy = policy_of();
    policy.protect = &protect;
    expect(&policy, NULL, false, false, "protected");
    rule.reason = reason;
    expect(&policy, NULL, false, false, "protected: legal hold 42");
    rule.until_ms = NOW + 1;
    expect(&policy, NULL, false, false, "protected: legal hold 42");
    rule.until_ms = NOW;
    expect(&policy, NULL, false, true, GOES);
    rule = (struct protect_rule){.things = LIST("gw-2"), .job_ids = LIST("fw-*")};
    expect(&policy, NULL, false, true, GOES);
    rule = (struct protect_rule){.groups = LIST("pilot")};
    expect(&policy, NULL, false, false, "protected"); /* for all that is known */
    answers[THING_IN_GROUP] = TRUTH_NO;
    expect(&policy, NULL, true, true, GOES);
    assert_null(protect_find(NULL, NULL, "a", "b", NOW));
}

static void the_place_of_the_clause_is_told(void **state)
{
    (void)state;
    struct policy policy = policy_of();
    struct job_execution execution = execution_of(DAY);
    struct verdict verdict;
    policy.place = (struct place){.file = "f", .line = 2, .column = 5};
    policy.match.places[CLAUSE_AGE] = (struct place){.file = "f", .line = 9, .column = 3};
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_int_equal(verdict.place->line, 9);
    execution = execution_of(31 * DAY);
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_int_equal(verdict.place->line, 2);
    execution.fingerprint.status = EXECUTION_QUEUED;
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_null(verdict.place);
}

static void nothing_goes_before_the_keep_rules_have_spoken(void **state)
{
    (void)state;
    struct keep_rule rules[] = {{.kind = KEEP_LAST, .per = PER_THING, .last = 5},
                                {.kind = KEEP_WITHIN, .within_ms = 40 * DAY}};
    struct policy policy = policy_of();
    struct job_execution execution = execution_of(31 * DAY);
    struct verdict verdict;
    policy.keep = rules;
    policy.keep_count = 1;
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_true(verdict.counts && verdict.undecided && !verdict.delete);
    keep_settle(&verdict, &rules[0]);
    assert_false(verdict.delete);
    assert_string_equal(verdict.reason, "kept by last: 5, per: thing");
    keep_settle(&verdict, NULL); /* decided stays decided */
    assert_false(verdict.delete);
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    keep_settle(&verdict, NULL);
    assert_true(verdict.delete);
    assert_string_equal(verdict.reason, "status FAILED, age over 30d, no keep rule holds");
    policy.keep_count = 2;
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_true(verdict.counts && !verdict.undecided && !verdict.delete);
    assert_string_equal(verdict.reason, "kept by within: 40d");
    policy.keep_count = 1;
    execution = execution_of(DAY);
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_true(verdict.counts && !verdict.undecided && !verdict.delete); /* too young, and it counts */
    execution = execution_of(-DAY);
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_false(verdict.counts || verdict.delete);
    assert_string_equal(verdict.reason, "last_updated_at in the future");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_not_known_of_a_thing_keeps),
    cmocka_unit_test(what_is_not_known_of_a_job_keeps),
    cmocka_unit_test(running_continuous_jobs_are_named_by_status_and_selection_together),
    cmocka_unit_test(blocks_are_ored_in_any_of_and_in_none_of),
    cmocka_unit_test(a_job_that_no_block_can_hold_for_is_not_listed),
    cmocka_unit_test(protect_beats_the_policy_until_its_end),
    cmocka_unit_test(the_place_of_the_clause_is_told),
    cmocka_unit_test(nothing_goes_before_the_keep_rules_have_spoken),
};

TAP_MAIN(tests)
