/* What survey and lister leave aside is told: on the scripted service of sim/listing.h. */
#include "sim/listing.h"
#include "tap.h"

#include <string.h>

struct told {
    int jobs, executions;
    int64_t counted; /* by the last job itself */
    enum job_reserve why;
    char job_id[JOB_ID_MAX + 1], skipped[128];
    int64_t skipped_rows;
};

static void on_job(void *owner, const struct job *job, enum job_reserve why)
{
    struct told *told = owner;
    told->jobs++;
    told->why = why;
    told->counted = job->described ? job->counts[EXECUTION_SUCCEEDED] : -1;
    strcpy(told->job_id, job->job_id);
}

static void on_execution(void *owner, const struct job *job, enum job_reserve why)
{
    struct told *told = owner;
    told->executions++;
    told->why = why;
    strcpy(told->job_id, job->job_id);
}

static void on_skipped(void *owner, const char *why, int64_t rows)
{
    struct told *told = owner;
    strcpy(told->skipped, why);
    told->skipped_rows += rows;
}

static void listen(struct listing *test, struct told *told)
{
    *told = (struct told){0};
    test->aside = (struct aside){told, on_job, on_execution, on_skipped};
}

static void a_job_that_must_be_named_is_told_once_with_its_own_counts(void **state)
{
    struct listing test;
    struct told told;
    (void)state;
    listing_begin(&test, 3, 50, NAMESPACED);
    listen(&test, &told);
    listing_run(&test);
    assert_int_equal(test.rows, 100);
    assert_int_equal(told.jobs, 1);
    assert_int_equal(told.executions, 0);
    assert_int_equal(told.counted, 50);
    assert_int_equal(told.why, RESERVE_NAMESPACE);
    assert_string_equal(told.job_id, "job-0");
    listing_finish(&test);
}

static void where_things_are_listed_each_execution_of_it_is_told(void **state)
{
    static const char *const names[] = {"thing-2", "thing-3", NULL};
    struct listing test;
    struct told told;
    (void)state;
    listing_begin(&test, 12, 1000, NAMESPACED);
    test.per_pair = 2;
    listen(&test, &told);
    rig_patterns(&test.policy.match.thing.include, names);
    listing_run(&test);
    assert_true(survey_result(test.survey)->route.by_thing);
    assert_int_equal(test.rows, 44);
    assert_int_equal(told.executions, 4);
    assert_int_equal(told.why, RESERVE_NAMESPACE);
    assert_string_equal(told.job_id, "job-0");
    listing_finish(&test);
}

static void rows_that_come_twice_are_told_once(void **state)
{
    static const char *const names[] = {"thing-2", NULL};
    static const char *const jobs[] = {"job-1*", NULL};
    struct listing test;
    struct told told;
    (void)state;
    listing_begin(&test, 12, 1000, ROWS_TWICE);
    listen(&test, &told);
    rig_patterns(&test.policy.match.thing.include, names);
    rig_patterns(&test.policy.match.job_id.include, jobs);
    listing_run(&test);
    assert_int_equal(test.rows, 3);
    assert_int_equal(told.jobs + told.executions, 0); /* not asked for, which is not left out */
    assert_int_equal(told.skipped_rows, 0);
    listing_finish(&test);
}

static void rows_in_a_state_that_is_not_known_are_skipped_and_others_are_not(void **state)
{
    struct listing test;
    struct told told;
    (void)state;
    listing_begin(&test, 1, 6, FILTER_IGNORED);
    listen(&test, &told);
    const struct lister_view *view = listing_run(&test);
    assert_int_equal(told.skipped_rows, view->pages); /* one of each page */
    assert_int_equal(view->skipped, told.skipped_rows);
    assert_string_equal(told.skipped, "its status is none that is known");
    listing_finish(&test);
}

static void rows_of_another_scope_are_told_with_their_reason(void **state)
{
    struct listing test;
    struct told told;
    (void)state;
    listing_begin(&test, 1, 6, OTHER_SCOPE);
    listen(&test, &told);
    assert_int_equal(listing_run(&test)->skipped, 2);
    assert_int_equal(told.skipped_rows, 2);
    assert_string_equal(told.skipped, "a row of another job");
    listing_finish(&test);
}

static void a_policy_reserves_what_it_matches_and_does_not_name(void **state)
{
    static const char *const ota[] = {"AFR_OTA-*", NULL}, *const others[] = {"fw-*", NULL};
    struct policy policy;
    struct job job = {.job_id = "AFR_OTA-1", .status = JOB_COMPLETED};
    (void)state;
    rig_policy(&policy);
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_OTA);
    rig_patterns(&policy.match.job_id.include, ota);
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_NONE);
    rig_patterns(&policy.match.job_id.include, others);
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_NONE); /* it does not match */
    job = (struct job){.job_id = "fw-1", .status = JOB_IN_PROGRESS, .continuous = true};
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_CONTINUOUS);
    job.status = JOB_CANCELED;
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_NONE);
    strcpy(job.namespace_id, "aws-gg");
    assert_int_equal(policy_reserves_job(&policy, &job), RESERVE_NAMESPACE);
}

/* By its id alone nothing is known of a job: it must be looked at. */
static void a_job_of_which_only_the_id_is_known_may_be_of_either_selection(void **state)
{
    struct policy policy;
    struct job job = {.job_id = "fw-1"};
    (void)state;
    rig_policy(&policy);
    policy.match.job_selection = SELECTION_CONTINUOUS;
    assert_true(policy_wants_job(&policy, &job));
    job.described = true;
    job.status = JOB_COMPLETED;
    assert_false(policy_wants_job(&policy, &job));
    job.continuous = true;
    assert_true(policy_wants_job(&policy, &job));
    policy.match.job_selection = SELECTION_SNAPSHOT;
    assert_false(policy_wants_job(&policy, &job));
    job = (struct job){.job_id = "fw-1", .status = JOB_COMPLETED};
    assert_true(policy_wants_job(&policy, &job));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_that_must_be_named_is_told_once_with_its_own_counts),
    cmocka_unit_test(where_things_are_listed_each_execution_of_it_is_told),
    cmocka_unit_test(rows_that_come_twice_are_told_once),
    cmocka_unit_test(rows_in_a_state_that_is_not_known_are_skipped_and_others_are_not),
    cmocka_unit_test(rows_of_another_scope_are_told_with_their_reason),
    cmocka_unit_test(a_policy_reserves_what_it_matches_and_does_not_name),
    cmocka_unit_test(a_job_of_which_only_the_id_is_known_may_be_of_either_selection),
};

TAP_MAIN(tests)
