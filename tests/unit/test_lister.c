/* Survey and lister against the scripted service of sim/listing.h. */
#include "engine/pager.h"
#include "sim/listing.h"
#include "tap.h"

#include <string.h>

static void every_row_of_every_job_comes_once(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 7, 50, STRAIGHT);
    test.per_pair = 2;
    const struct lister_view *view = listing_run(&test);
    assert_int_equal(view->err.code, ERR_NONE);
    assert_int_equal(test.rows, 700);
    assert_int_equal(view->scopes, 7);
    assert_int_equal(view->scopes_done, 7);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], 7);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 0);
    listing_finish(&test);
}

static void a_fleet_without_jobs_is_listed_at_once(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 0, 5, STRAIGHT);
    assert_int_equal(listing_run(&test)->err.code, ERR_NONE);
    assert_int_equal(test.rows, 0);
    listing_finish(&test);
}

static void named_jobs_are_not_searched_for(void **state)
{
    static const char *const names[] = {"job-2", "job-3", "job-2", "no job", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 9, 4, STRAIGHT);
    rig_patterns(&test.policy.match.job_id.include, names);
    listing_run(&test);
    assert_int_equal(test.rows, 8);
    assert_int_equal(test.rig.calls[OPERATION_LIST_JOBS], 0);
    listing_finish(&test);
}

static void a_few_named_things_are_listed_by_thing_and_each_job_described_once(void **state)
{
    static const char *const names[] = {"thing-2", "thing-3", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 12, 1000, STRAIGHT);
    rig_patterns(&test.policy.match.thing.include, names);
    listing_run(&test);
    assert_true(survey_result(test.survey)->route.by_thing);
    assert_int_equal(test.rows, 24);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], 12);
    assert_int_equal(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB], 0);
    listing_finish(&test);
}

static void few_things_and_many_jobs_are_listed_by_thing(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 40, 5, STRAIGHT);
    listing_run(&test);
    assert_true(survey_result(test.survey)->route.by_thing);
    assert_int_equal(test.rows, 200);
    listing_finish(&test);
}

static void asking_for_things_is_given_up_once_there_are_more_than_jobs(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 30, 5000, STRAIGHT);
    assert_false(listing_survey(&test)->route.by_thing);
    assert_int_equal(test.rig.calls[OPERATION_LIST_THINGS], 10); /* pages of 3 */
    listing_finish(&test);
}

static void without_permission_for_things_the_jobs_are_listed(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 25, 2, THINGS_DENIED);
    assert_int_equal(listing_run(&test)->err.code, ERR_NONE);
    assert_false(survey_result(test.survey)->route.by_thing);
    assert_int_equal(test.rows, 50);
    listing_finish(&test);
}

static void a_job_that_appears_twice_is_listed_once(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 5, 4, JOBS_TWICE);
    assert_int_equal(listing_run(&test)->scopes, 5);
    assert_int_equal(test.rows, 20);
    listing_finish(&test);
}

static void a_listing_that_would_not_end_fails(void **state)
{
    static const enum twist twists[] = {SAME_TOKEN, TOKEN_CYCLE, EMPTY_FOREVER, NEVER_ENDING};
    (void)state;
    for (size_t i = 0; i < sizeof twists / sizeof twists[0]; i++) {
        struct listing test;
        listing_begin(&test, 2, 4, twists[i]);
        const struct lister_view *view = listing_run(&test);
        assert_int_equal(view->err.code, ERR_BROKEN);
        assert_int_equal(view->why, ANSWER_DONE);
        assert_true(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB] <= 2 * PAGER_PAGES_MAX);
        listing_finish(&test);
    }
}

static void rows_that_come_twice_count_once(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 3, 10, ROWS_TWICE);
    listing_run(&test);
    assert_int_equal(test.rows, 30);
    listing_finish(&test);
}

static void rows_of_another_scope_are_left_alone_and_counted(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 1, 6, OTHER_SCOPE);
    const struct lister_view *view = listing_run(&test);
    assert_int_equal(test.rows, 6);
    assert_int_equal(view->skipped, 2); /* one for each page */
    assert_int_equal(test.warnings, 1); /* said once */
    listing_finish(&test);
}

static void rows_that_the_reader_left_out_are_counted(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 1, 6, BROKEN_ROWS);
    assert_int_equal(listing_run(&test)->skipped, 4);
    assert_int_equal(test.warnings, 1);
    listing_finish(&test);
}

static void a_filter_that_the_service_ignores_is_applied_here(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 2, 6, FILTER_IGNORED);
    listing_run(&test);
    assert_int_equal(test.rows, 12);
    listing_finish(&test);
}

static void things_that_the_policy_leaves_out_do_not_come(void **state)
{
    static const char *const include[] = {"thing-1*", NULL}, *const exclude[] = {"thing-11", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 2, 30, STRAIGHT);
    rig_patterns(&test.policy.match.thing.include, include);
    rig_patterns(&test.policy.match.thing.exclude, exclude);
    listing_run(&test);
    assert_int_equal(test.rows, 2 * 10); /* 1, 10, 12 .. 19 */
    listing_finish(&test);
}

static void a_refused_page_fails_the_list(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 4, 9, LIST_DENIED);
    const struct lister_view *view = listing_run(&test);
    assert_int_equal(view->err.code, ERR_PERMISSION);
    assert_int_equal(view->why, ANSWER_DENIED);
    assert_non_null(strstr(view->err.msg, "ListJobExecutionsForJob"));
    listing_finish(&test);
}

static void a_job_that_cannot_be_described_fails_either_route(void **state)
{
    static const char *const names[] = {"thing-2", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 4, 9, DESCRIBE_DENIED);
    assert_int_equal(listing_survey(&test)->err.code, ERR_PERMISSION);
    assert_int_equal(survey_result(test.survey)->why, ANSWER_DENIED);
    listing_finish(&test);
    listing_begin(&test, 4, 9, DESCRIBE_DENIED);
    rig_patterns(&test.policy.match.thing.include, names);
    const struct lister_view *view = listing_run(&test);
    assert_int_equal(view->err.code, ERR_PERMISSION);
    assert_int_equal(view->why, ANSWER_DENIED);
    assert_int_equal(test.rows, 0);
    listing_finish(&test);
}

static void an_answer_about_another_job_is_no_answer(void **state)
{
    struct listing test;
    (void)state;
    listing_begin(&test, 2, 2, DESCRIBE_WRONG);
    assert_int_equal(listing_survey(&test)->err.code, ERR_BROKEN);
    listing_finish(&test);
}

static void a_namespace_that_only_describe_job_tells_leaves_the_job_out(void **state)
{
    static const char *const names[] = {"thing-2", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 4, 9, NAMESPACED);
    assert_int_equal(listing_run(&test)->scopes, 3);
    assert_int_equal(test.rows, 27);
    listing_finish(&test);
    listing_begin(&test, 4, 9, NAMESPACED);
    rig_patterns(&test.policy.match.thing.include, names);
    listing_run(&test);
    assert_int_equal(test.rows, 3);
    listing_finish(&test);
}

static void what_vanishes_meanwhile_ends_its_own_scope_only(void **state)
{
    static const char *const names[] = {"thing-0", "thing-1", "thing-2", NULL};
    struct listing test;
    (void)state;
    listing_begin(&test, 4, 9, JOB_GONE);
    assert_int_equal(listing_run(&test)->err.code, ERR_NONE);
    assert_int_equal(test.rows, 27);
    listing_finish(&test);
    listing_begin(&test, 4, 9, THING_GONE);
    rig_patterns(&test.policy.match.thing.include, names);
    assert_int_equal(listing_run(&test)->err.code, ERR_NONE);
    assert_int_equal(test.rows, 8);
    assert_int_equal(test.warnings, 1);
    listing_finish(&test);
}

static void a_paused_list_asks_for_nothing_more_until_it_goes_on(void **state)
{
    struct listing test;
    bool never = false;
    (void)state;
    listing_begin(&test, 3, 300, STRAIGHT);
    listing_survey(&test);
    listing_start(&test);
    while (test.rows < 30)
        assert_true(virtual_step(test.rig.world));
    lister_pause(test.lister, true);
    rig_run(&test.rig, &never, 600);
    int64_t calls = test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB];
    assert_true(test.rows < 60);
    rig_run(&test.rig, &never, 600);
    assert_int_equal(test.rig.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB], calls);
    lister_pause(test.lister, false);
    assert_true(rig_run(&test.rig, &test.listed, 600));
    assert_int_equal(test.rows, 900);
    listing_finish(&test);
}

/* Cancels after so many events; false when it was done before. */
static bool cancel_after(int events, bool by_thing)
{
    static const char *const names[] = {"thing-0", "thing-1", NULL};
    struct listing test;
    listing_begin(&test, 5, 12, STRAIGHT);
    if (by_thing)
        rig_patterns(&test.policy.match.thing.include, names);
    listing_start_survey(&test);
    for (int i = 0; i < events && !test.listed; i++) {
        if (test.surveyed && !test.lister)
            listing_start(&test);
        assert_true(virtual_step(test.rig.world));
    }
    bool canceled = !test.listed;
    if (!test.surveyed) {
        survey_cancel(test.survey);
        assert_true(rig_run(&test.rig, &test.surveyed, 600));
        assert_int_equal(survey_result(test.survey)->err.code, ERR_CANCELED);
    } else if (test.lister && !test.listed) {
        lister_cancel(test.lister);
        assert_false(test.listed);
        assert_true(rig_run(&test.rig, &test.listed, 600));
        assert_int_equal(lister_view(test.lister)->err.code, ERR_CANCELED);
        assert_int_equal(test.done_calls, 1);
    }
    listing_finish(&test);
    return canceled;
}

static void a_cancel_at_any_moment_ends_it_once(void **state)
{
    (void)state;
    for (int by_thing = 0; by_thing < 2; by_thing++) {
        int events = 0;
        while (cancel_after(events, by_thing)) {
            events++;
        }
        assert_in_range(events, 15, 10000);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_row_of_every_job_comes_once),
    cmocka_unit_test(a_fleet_without_jobs_is_listed_at_once),
    cmocka_unit_test(named_jobs_are_not_searched_for),
    cmocka_unit_test(a_few_named_things_are_listed_by_thing_and_each_job_described_once),
    cmocka_unit_test(few_things_and_many_jobs_are_listed_by_thing),
    cmocka_unit_test(asking_for_things_is_given_up_once_there_are_more_than_jobs),
    cmocka_unit_test(without_permission_for_things_the_jobs_are_listed),
    cmocka_unit_test(a_job_that_appears_twice_is_listed_once),
    cmocka_unit_test(a_listing_that_would_not_end_fails),
    cmocka_unit_test(rows_that_come_twice_count_once),
    cmocka_unit_test(rows_of_another_scope_are_left_alone_and_counted),
    cmocka_unit_test(rows_that_the_reader_left_out_are_counted),
    cmocka_unit_test(a_filter_that_the_service_ignores_is_applied_here),
    cmocka_unit_test(things_that_the_policy_leaves_out_do_not_come),
    cmocka_unit_test(a_refused_page_fails_the_list),
    cmocka_unit_test(a_job_that_cannot_be_described_fails_either_route),
    cmocka_unit_test(an_answer_about_another_job_is_no_answer),
    cmocka_unit_test(a_namespace_that_only_describe_job_tells_leaves_the_job_out),
    cmocka_unit_test(what_vanishes_meanwhile_ends_its_own_scope_only),
    cmocka_unit_test(a_paused_list_asks_for_nothing_more_until_it_goes_on),
    cmocka_unit_test(a_cancel_at_any_moment_ends_it_once),
};

TAP_MAIN(tests)
