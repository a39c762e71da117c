/* Guards and the pure decisions of the deleter, as tables. */
#include "base/time.h"
#include "engine/deleter.h"
#include "engine/guard.h"
#include "engine/report.h"
#include "engine/retry.h"
#include "engine/steps.h"
#include "tap.h"

#include <string.h>

static void a_plan_may_be_as_large_as_selected_over_and_no_larger(void **state)
{
    struct policy policy = {.selected_over = 10000};
    struct err err;
    (void)state;
    assert_int_equal(guard_plan(&policy, 0, 0, &err), 0);
    assert_int_equal(guard_plan(&policy, 10000, 0, &err), 0);
    assert_int_equal(guard_plan(&policy, 10001, 20000, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg,
                        "10,001 job executions match, more than abort_if.selected_over allows (10,000)");
}

static void percent_is_of_the_executions_in_scope(void **state)
{
    struct policy policy = {.selected_over = 1000000, .selected_over_percent = 50};
    struct err err;
    (void)state;
    assert_int_equal(guard_plan(&policy, 500, 1000, &err), 0);
    assert_int_equal(guard_plan(&policy, 501, 1001, &err), -1);
    assert_int_equal(guard_plan(&policy, 501, 1002, &err), 0);
    assert_int_equal(guard_plan(&policy, 1, 1, &err), -1);
    assert_string_equal(err.msg, "1 of 1 job executions in scope match, more than "
                                 "abort_if.selected_over_percent allows (50 %)");
    assert_int_equal(guard_plan(&policy, 0, 0, &err), 0);
    assert_int_equal(guard_plan(&policy, 7, 0, &err), 0); /* not known */
    policy.selected_over_percent = 0;
    assert_int_equal(guard_plan(&policy, 7, 7, &err), 0);
}

static void per_run_takes_exactly_so_many(void **state)
{
    struct policy limited = {.per_run = 3}, unlimited = {.per_run = 0};
    (void)state;
    assert_true(guard_takes(&limited, 2));
    assert_false(guard_takes(&limited, 3));
    assert_true(guard_takes(&unlimited, 1000000000));
}

static void a_clock_more_than_a_minute_off_stops_deletion(void **state)
{
    static const struct {
        int64_t skew_ms;
        int result;
    } table[] = {{0, 0}, {60000, 0}, {-60000, 0}, {60001, -1}, {-60001, -1}, {3600000, -1}};
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(guard_clock(true, table[i].skew_ms, &err), table[i].result);
    }
    assert_non_null(strstr(err.msg, "behind"));
}

static void ten_refusals_in_a_row_are_a_run(void **state)
{
    struct guard_run run = {0};
    (void)state;
    for (int i = 1; i < GUARD_REFUSALS_MAX; i++) {
        assert_false(guard_refused(&run));
    }
    guard_answered(&run);
    for (int i = 1; i < GUARD_REFUSALS_MAX; i++) {
        assert_false(guard_refused(&run));
    }
    assert_true(guard_refused(&run));
}

static void each_answer_to_a_deletion_has_one_meaning(void **state)
{
    static const struct {
        enum answer_class class;
        int lost;
        bool withheld;
        int refreshed, unsent;
        struct step step;
    } table[] = {
        {ANSWER_DONE, 0, false, 0, 0, {STEP_SETTLE, OUTCOME_DELETED, false}},
        {ANSWER_DONE, 1, false, 0, 0, {STEP_SETTLE, OUTCOME_DELETED, false}},
        {ANSWER_GONE, 0, false, 0, 0, {STEP_SETTLE, OUTCOME_GONE, false}},
        {ANSWER_GONE, 1, false, 0, 0, {STEP_SETTLE, OUTCOME_DELETED_PRESUMED, false}},
        {ANSWER_STATE, 0, false, 0, 0, {STEP_SETTLE, OUTCOME_STATE_CHANGED, false}},
        {ANSWER_THROTTLED, 2, false, 0, 0, {STEP_AGAIN, 0, false}},
        {ANSWER_NOT_SENT, 0, true, 0, 100, {STEP_AGAIN, 0, false}},
        {ANSWER_NOT_SENT, 0, false, 0, 0, {STEP_AGAIN, 0, false}},
        {ANSWER_NOT_SENT, 0, false, 0, DELETER_UNSENT_MAX - 1, {STEP_SETTLE, OUTCOME_FAILED, true}},
        {ANSWER_EXPIRED, 0, false, 0, 0, {STEP_AGAIN, 0, false}},
        {ANSWER_EXPIRED, 0, false, RETRY_EXPIRED_MAX - 1, 0, {STEP_AGAIN, 0, false}},
        {ANSWER_EXPIRED, 0, false, RETRY_EXPIRED_MAX, 0, {STEP_SETTLE, OUTCOME_FAILED, true}},
        {ANSWER_SKEWED, 0, false, 0, 0, {STEP_AGAIN, 0, false}},
        {ANSWER_SKEWED, 0, false, 1, 0, {STEP_SETTLE, OUTCOME_FAILED, true}},
        {ANSWER_DENIED, 0, false, 0, 0, {STEP_SETTLE, OUTCOME_FAILED, true}},
        {ANSWER_INVALID, 0, false, 0, 0, {STEP_SETTLE, OUTCOME_FAILED, true}},
        {ANSWER_AMBIGUOUS, 0, false, 0, 0, {STEP_QUARANTINE, 0, false}},
        {ANSWER_AMBIGUOUS, 2, true, 0, 0, {STEP_QUARANTINE, 0, false}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct history history = {
            .lost = table[i].lost, .unsent = table[i].unsent, .refreshed = table[i].refreshed};
        struct step step = step_after_send(table[i].class, table[i].withheld, &history);
        assert_int_equal(step.kind, table[i].step.kind);
        assert_int_equal(step.outcome, table[i].step.outcome);
        assert_int_equal(step.refused, table[i].step.refused);
        assert_int_equal(history.lost, table[i].lost + (table[i].class == ANSWER_AMBIGUOUS));
    }
}

static void what_stands_under_the_number_decides(void **state)
{
    struct history fresh = {0}, lost = {.lost = 1}, spent = {.lost = DELETER_ATTEMPTS_MAX};
    (void)state;
    assert_int_equal(step_after_check(FOUND_SAME, &fresh).kind, STEP_SEND);
    assert_int_equal(step_after_check(FOUND_OTHER, &fresh).outcome, OUTCOME_REPLACED);
    assert_int_equal(step_after_check(FOUND_NONE, &fresh).outcome, OUTCOME_GONE);
    assert_int_equal(step_after_check(FOUND_NONE, &lost).outcome, OUTCOME_DELETED_PRESUMED);
    assert_int_equal(step_after_check(FOUND_NO_ANSWER, &fresh).outcome, OUTCOME_FAILED);
    assert_true(step_after_check(FOUND_NO_ANSWER, &fresh).refused);
    assert_int_equal(step_after_look(FOUND_SAME, &lost).kind, STEP_SEND);
    assert_int_equal(step_after_look(FOUND_SAME, &spent).outcome, OUTCOME_FAILED);
    assert_int_equal(step_after_look(FOUND_OTHER, &lost).outcome, OUTCOME_DELETED_PRESUMED);
    assert_int_equal(step_after_look(FOUND_NONE, &lost).outcome, OUTCOME_DELETED_PRESUMED);
    assert_int_equal(step_after_look(FOUND_NO_ANSWER, &lost).kind, STEP_LOOK_AGAIN);
}

static void a_check_is_needless_only_where_nothing_new_can_appear(void **state)
{
    const struct job good = {.status = JOB_COMPLETED, .described = true};
    struct job job = good;
    (void)state;
    assert_true(step_check_needless(&job));
    job.status = JOB_CANCELED;
    assert_true(step_check_needless(&job));
    job.status = JOB_IN_PROGRESS;
    assert_false(step_check_needless(&job));
    job = good;
    job.continuous = true;
    assert_false(step_check_needless(&job));
    job = good;
    job.retries = true;
    assert_false(step_check_needless(&job));
    job = good;
    job.described = false;
    assert_false(step_check_needless(&job));
}

static void a_set_clock_is_noticed_and_suspend_is_not_a_step(void **state)
{
    struct clock_sample then = {.mono_ns = 5 * TIME_NS_PER_SECOND, .wall_ms = 1000000};
    struct clock_sample later = {.mono_ns = 1205 * TIME_NS_PER_SECOND, .wall_ms = 2200000};
    (void)state;
    assert_false(clock_stepped(&then, &later));
    later.wall_ms += 1001;
    assert_true(clock_stepped(&then, &later));
    later.wall_ms -= 2002;
    assert_true(clock_stepped(&then, &later));
}

static void quarantine_outlasts_the_signature_by_the_skew_either_way(void **state)
{
    (void)state;
    assert_true(quarantine_ns(300000, 0) > 300 * TIME_NS_PER_SECOND);
    assert_true(quarantine_ns(300000, 40000) > 340 * TIME_NS_PER_SECOND);
    assert_true(quarantine_ns(300000, -40000) > 340 * TIME_NS_PER_SECOND);
}

static void a_report_is_bad_when_anything_was_left_open(void **state)
{
    struct report report = {.end = SWEEP_FINISHED, .selected = 3};
    (void)state;
    report.outcomes[OUTCOME_DELETED] = 2;
    report.outcomes[OUTCOME_REPLACED] = 1;
    assert_int_equal(report_outcome_sum(&report), 3);
    assert_false(report_failed(&report));
    report.outcomes[OUTCOME_UNKNOWN] = 1;
    assert_true(report_failed(&report));
    report.outcomes[OUTCOME_UNKNOWN] = 0;
    report.end = SWEEP_GUARDED;
    assert_true(report_failed(&report));
    assert_string_equal(sweep_end_name(SWEEP_GUARDED), "guard");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_plan_may_be_as_large_as_selected_over_and_no_larger),
    cmocka_unit_test(percent_is_of_the_executions_in_scope),
    cmocka_unit_test(per_run_takes_exactly_so_many),
    cmocka_unit_test(a_clock_more_than_a_minute_off_stops_deletion),
    cmocka_unit_test(ten_refusals_in_a_row_are_a_run),
    cmocka_unit_test(each_answer_to_a_deletion_has_one_meaning),
    cmocka_unit_test(what_stands_under_the_number_decides),
    cmocka_unit_test(a_check_is_needless_only_where_nothing_new_can_appear),
    cmocka_unit_test(a_set_clock_is_noticed_and_suspend_is_not_a_step),
    cmocka_unit_test(quarantine_outlasts_the_signature_by_the_skew_either_way),
    cmocka_unit_test(a_report_is_bad_when_anything_was_left_open),
};

TAP_MAIN(tests)
