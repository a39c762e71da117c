/* The decisions about one row, as tables. */
#include "base/time.h"
#include "engine/guard.h"
#include "engine/steps.h"
#include "tap.h"

#include <string.h>

#define LIFE_MS 300000

/* --- what was found --- */

static struct job_execution execution_of(enum execution_status status)
{
    struct job_execution execution = {.job_id = "fw-1", .thing_name = "gw-1", .number = 7};
    execution.fingerprint.status = status;
    execution.fingerprint.version_number = 3;
    timestamp_parse("1700000000.125", &execution.fingerprint.queued_at);
    timestamp_parse("1700000001.125", &execution.fingerprint.started_at);
    timestamp_parse("1700000002.125", &execution.fingerprint.last_updated_at);
    return execution;
}

/* Changes one thing of what DescribeJobExecution shows. */
static void change(struct call *call, int what)
{
    struct fingerprint *fingerprint = &call->execution.fingerprint;
    switch (what) {
    case 1:
        strcpy(call->execution.job_id, "fw-2");
        return;
    case 2:
        strcpy(call->execution.thing_name, "gw-2");
        return;
    case 3:
        call->execution.number = 8;
        return;
    case 4:
        fingerprint->status = EXECUTION_FAILED;
        return;
    case 5:
        timestamp_parse("1700000000.126", &fingerprint->queued_at);
        return;
    case 6:
        timestamp_parse("1700000001.126", &fingerprint->started_at);
        return;
    case 7:
        timestamp_parse("1700000002.1250", &fingerprint->last_updated_at); /* the same moment, another text */
        return;
    case 8:
        fingerprint->version_number = 4;
        return;
    case 9:
        fingerprint->version_number = 0; /* not told: not compared */
        return;
    case 10:
        memset(&fingerprint->started_at, 0, sizeof fingerprint->started_at);
        return;
    default:
        return;
    }
}

static void what_stands_under_the_number_is_told_by_every_field(void **state)
{
    static const enum found finished[] = {FOUND_SAME,  FOUND_NO_ANSWER, FOUND_NO_ANSWER, FOUND_NO_ANSWER,
                                          FOUND_OTHER, FOUND_OTHER,     FOUND_OTHER,     FOUND_OTHER,
                                          FOUND_OTHER, FOUND_SAME,      FOUND_OTHER};
    static const enum found running[] = {FOUND_SAME,  FOUND_NO_ANSWER, FOUND_NO_ANSWER, FOUND_NO_ANSWER,
                                         FOUND_MOVED, FOUND_OTHER,     FOUND_MOVED,     FOUND_MOVED,
                                         FOUND_MOVED, FOUND_SAME,      FOUND_MOVED};
    (void)state;
    for (int what = 0; what < 11; what++) {
        struct call call = {.answer = {.class = ANSWER_DONE}};
        struct job_execution planned = execution_of(EXECUTION_SUCCEEDED);
        call.execution = planned;
        change(&call, what);
        assert_int_equal(step_found(&call, &planned), finished[what]);
        planned = execution_of(EXECUTION_IN_PROGRESS);
        call.execution = planned;
        change(&call, what);
        assert_int_equal(step_found(&call, &planned), running[what]);
    }
}

static void only_a_whole_answer_says_what_is_there(void **state)
{
    (void)state;
    for (int class = 0; class < ANSWER_CLASS_COUNT; class ++) {
        struct job_execution planned = execution_of(EXECUTION_SUCCEEDED);
        struct call call = {.answer = {.class = (enum answer_class) class}, .execution = planned};
        enum found expected = class == ANSWER_DONE   ? FOUND_SAME
                              : class == ANSWER_GONE ? FOUND_NONE
                                                     : FOUND_NO_ANSWER;
        assert_int_equal(step_found(&call, &planned), expected);
    }
}

/* --- how it may be sent --- */

/* number 0 asks for the newest, which must have a number then. */
static void a_description_is_of_what_was_asked_for(void **state)
{
    static const struct {
        int64_t asked, found;
        bool same;
    } rows[] = {{7, 7, true}, {7, 8, false}, {0, 7, true}, {0, 0, false}, {7, 0, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct job_execution asked = execution_of(EXECUTION_UNKNOWN);
        struct call call = {.answer = {.class = ANSWER_DONE}, .execution = execution_of(EXECUTION_FAILED)};
        asked.number = rows[i].asked;
        call.execution.number = rows[i].found;
        assert_int_equal(step_describes(&call, &asked), rows[i].same);
        call.answer.class = ANSWER_AMBIGUOUS;
        assert_false(step_describes(&call, &asked));
        for (int what = 1; what <= 2; what++) { /* of another job, of another thing */
            call =
                (struct call){.answer = {.class = ANSWER_DONE}, .execution = execution_of(EXECUTION_FAILED)};
            change(&call, what);
            assert_false(step_describes(&call, &asked));
        }
    }
}

static void what_cannot_be_sent_is_gone_changed_or_failed(void **state)
{
    (void)state;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        struct plan_row plan = {.execution = execution_of((enum execution_status)status)};
        const char *word = NULL;
        assert_int_equal(step_unsendable(&plan, &word), OUTCOME_STATE_CHANGED);
        assert_string_equal(word, "NotFinished");
        plan.force = true;
        assert_int_equal(step_unsendable(&plan, &word), OUTCOME_FAILED);
    }
    struct plan_row none = {.execution = {.job_id = "fw-1", .thing_name = "gw-1", .number = 7}};
    const char *word = NULL;
    assert_int_equal(step_unsendable(&none, &word), OUTCOME_GONE);
    assert_string_equal(word, "NotFound");
}

static void force_needs_plan_and_policy_and_a_running_execution(void **state)
{
    (void)state;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        for (int said = 0; said < 4; said++) {
            struct plan_row plan = {.execution = execution_of((enum execution_status)status),
                                    .force = said & 1};
            enum sending expected = SENDING_NEVER;
            if (execution_status_terminal((enum execution_status)status))
                expected = SENDING_PLAIN;
            else if (status == EXECUTION_IN_PROGRESS && said == 3)
                expected = SENDING_FORCED;
            assert_int_equal(step_sending(&plan, said & 2), expected);
        }
    }
}

/* --- after each answer --- */

static void expect(struct step step, enum step_kind kind, enum outcome outcome, bool refused)
{
    assert_int_equal(step.kind, kind);
    if (kind == STEP_SETTLE)
        assert_int_equal(step.outcome, outcome);
    assert_int_equal(step.refused, refused);
}

static void the_check_decides_before_the_intent(void **state)
{
    static const struct {
        enum found found;
        int lost;
        enum step_kind kind;
        enum outcome outcome;
        bool refused;
    } table[] = {
        {FOUND_SAME, 0, STEP_SEND, 0, false},
        {FOUND_SAME, 2, STEP_SEND, 0, false},
        {FOUND_OTHER, 0, STEP_SETTLE, OUTCOME_REPLACED, false},
        {FOUND_OTHER, 1, STEP_SETTLE, OUTCOME_DELETED_PRESUMED, false},
        {FOUND_MOVED, 0, STEP_SETTLE, OUTCOME_STATE_CHANGED, false},
        {FOUND_MOVED, 1, STEP_SETTLE, OUTCOME_STATE_CHANGED, false},
        {FOUND_NONE, 0, STEP_SETTLE, OUTCOME_GONE, false},
        {FOUND_NONE, 1, STEP_SETTLE, OUTCOME_DELETED_PRESUMED, false},
        {FOUND_NO_ANSWER, 0, STEP_SETTLE, OUTCOME_FAILED, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct history history = {.lost = table[i].lost};
        expect(step_after_check(table[i].found, &history), table[i].kind, table[i].outcome, table[i].refused);
    }
}

static void the_look_decides_after_the_quarantine(void **state)
{
    static const struct {
        enum found found;
        int lost;
        enum step_kind kind;
        enum outcome outcome;
    } table[] = {
        {FOUND_SAME, 1, STEP_SEND, 0},
        {FOUND_SAME, 2, STEP_SEND, 0},
        {FOUND_SAME, 3, STEP_SETTLE, OUTCOME_FAILED}, /* three attempts were made */
        {FOUND_SAME, 4, STEP_SETTLE, OUTCOME_FAILED},
        {FOUND_OTHER, 1, STEP_SETTLE, OUTCOME_DELETED_PRESUMED},
        {FOUND_MOVED, 1, STEP_SETTLE, OUTCOME_STATE_CHANGED},
        {FOUND_NONE, 1, STEP_SETTLE, OUTCOME_DELETED_PRESUMED},
        {FOUND_NO_ANSWER, 1, STEP_LOOK_AGAIN, 0},
        {FOUND_NO_ANSWER, 3, STEP_LOOK_AGAIN, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct history history = {.lost = table[i].lost};
        expect(step_after_look(table[i].found, &history), table[i].kind, table[i].outcome, false);
    }
}

static void each_class_of_answer_has_its_step(void **state)
{
    static const struct {
        enum answer_class class;
        struct history before;
        enum step_kind kind;
        enum outcome outcome;
        bool refused;
        struct history after;
    } table[] = {
        {ANSWER_DONE, {0}, STEP_SETTLE, OUTCOME_DELETED, false, {0}},
        {ANSWER_DONE, {2, 3, 1}, STEP_SETTLE, OUTCOME_DELETED, false, {2, 0, 1}},
        {ANSWER_GONE, {0}, STEP_SETTLE, OUTCOME_GONE, false, {0}},
        {ANSWER_GONE, {1, 0, 0}, STEP_SETTLE, OUTCOME_DELETED_PRESUMED, false, {1, 0, 0}},
        {ANSWER_STATE, {0}, STEP_SETTLE, OUTCOME_STATE_CHANGED, false, {0}},
        {ANSWER_THROTTLED, {0}, STEP_AGAIN, 0, false, {0}},
        {ANSWER_THROTTLED, {1, 5, 1}, STEP_AGAIN, 0, false, {1, 0, 1}},
        {ANSWER_EXPIRED, {0}, STEP_AGAIN, 0, false, {0, 0, 1}},
        {ANSWER_EXPIRED, {0, 0, 2}, STEP_AGAIN, 0, false, {0, 0, 3}}, /* sessions that end one after the other
                                                                       */
        {ANSWER_EXPIRED, {0, 0, 3}, STEP_SETTLE, OUTCOME_FAILED, true, {0, 0, 4}},
        {ANSWER_SKEWED, {0}, STEP_AGAIN, 0, false, {0, 0, 1}},
        {ANSWER_SKEWED, {0, 0, 1}, STEP_SETTLE, OUTCOME_FAILED, true, {0, 0, 2}},
        {ANSWER_DENIED, {0}, STEP_SETTLE, OUTCOME_FAILED, true, {0}},
        {ANSWER_INVALID, {0}, STEP_SETTLE, OUTCOME_FAILED, true, {0}},
        {ANSWER_NOT_SENT, {0}, STEP_AGAIN, 0, false, {0, 1, 0}},
        {ANSWER_NOT_SENT,
         {0, DELETER_UNSENT_MAX - 1, 0},
         STEP_SETTLE,
         OUTCOME_FAILED,
         true,
         {0, DELETER_UNSENT_MAX, 0}},
        {ANSWER_AMBIGUOUS, {0}, STEP_QUARANTINE, 0, false, {1, 0, 0}},
        {ANSWER_AMBIGUOUS, {2, 4, 1}, STEP_QUARANTINE, 0, false, {3, 0, 1}},
        {ANSWER_CLASS_COUNT, {0}, STEP_QUARANTINE, 0, false, {1, 0, 0}}, /* what nobody knows */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct history history = table[i].before;
        expect(step_after_send(table[i].class, false, &history), table[i].kind, table[i].outcome,
               table[i].refused);
        assert_int_equal(history.lost, table[i].after.lost);
        assert_int_equal(history.unsent, table[i].after.unsent);
        assert_int_equal(history.refreshed, table[i].after.refreshed);
    }
}

static void what_the_gate_withheld_counts_for_nothing(void **state)
{
    struct history history = {.unsent = DELETER_UNSENT_MAX - 1};
    (void)state;
    expect(step_after_send(ANSWER_NOT_SENT, true, &history), STEP_AGAIN, 0, false);
    assert_int_equal(history.unsent, DELETER_UNSENT_MAX - 1);
    expect(step_after_send(ANSWER_AMBIGUOUS, true, &history), STEP_QUARANTINE, 0, false); /* in doubt */
}

/* --- verify: risky --- */

static void only_a_job_at_its_end_makes_the_check_needless(void **state)
{
    (void)state;
    for (int status = 0; status <= JOB_SCHEDULED; status++) {
        for (int bits = 0; bits < 8; bits++) {
            struct job job = {.status = (enum job_status)status,
                              .described = bits & 1,
                              .continuous = bits & 2,
                              .retries = bits & 4};
            bool over = status == JOB_COMPLETED || status == JOB_CANCELED;
            assert_int_equal(step_check_needless(&job), over && bits == 1);
        }
    }
}

/* --- clocks --- */

static void a_set_clock_is_told_from_a_slow_one(void **state)
{
    static const struct {
        int64_t mono_ms, wall_ms;
        bool stepped;
    } table[] = {
        {60000, 60000, false}, {60000, 61000, false}, {60000, 59000, false},
        {60000, 61001, true},  {60000, 58999, true},  {0, -3600000, true},
        {0, 0, false},         {3600000, 0, true}, /* stood still */
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct clock_sample then = {.mono_ns = 5 * TIME_NS_PER_SECOND, .wall_ms = 1767225600000};
        struct clock_sample now = {.mono_ns = then.mono_ns + table[i].mono_ms * TIME_NS_PER_MS,
                                   .wall_ms = then.wall_ms + table[i].wall_ms};
        assert_int_equal(clock_stepped(&then, &now), table[i].stepped);
    }
}

static void a_quarantine_covers_signature_and_skew_on_either_side(void **state)
{
    (void)state;
    assert_int_equal(quarantine_ns(LIFE_MS, 0) / TIME_NS_PER_MS, LIFE_MS + 2000);
    assert_int_equal(quarantine_ns(LIFE_MS, 60000) / TIME_NS_PER_MS, LIFE_MS + 62000);
    assert_int_equal(quarantine_ns(LIFE_MS, -60000) / TIME_NS_PER_MS, LIFE_MS + 62000);
    assert_int_equal(quarantine_longest_ns(LIFE_MS), quarantine_ns(LIFE_MS, GUARD_SKEW_MAX_MS));
    assert_int_equal(quarantine_longest_ns(1000), quarantine_ns(1000, 1000)); /* loopback, in tests */
}

static void what_is_left_of_a_lost_request_is_told_by_the_services_clock(void **state)
{
    static const int64_t now = 1767225600000;
    static const struct {
        int64_t signed_ms, service_ms, left_ms;
    } table[] = {
        {0, now, 0},
        {0, 0, 0},
        {now, now, LIFE_MS + 2000},
        {now - 1, now, LIFE_MS + 1999},
        {now - 100000, now, 202000},
        {now - 302000, now, 0},
        {now - 301999, now, 1},
        {now - 100000000, now, 0},
        {now + 30000, now, LIFE_MS + 32000},
        {now + 60000, now, LIFE_MS + 62000},
        {now + 60001, now, LIFE_MS + 62000},
        {INT64_MAX, now, LIFE_MS + 62000},
        {INT64_MIN, now, LIFE_MS + 62000},
        {-1, now, LIFE_MS + 62000},
        {now - 100000000, 0, LIFE_MS + 62000}, /* the service's clock is not known */
        {1, 0, LIFE_MS + 62000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t left_ns = quarantine_left_ns(table[i].signed_ms, table[i].service_ms, LIFE_MS);
        assert_int_equal(left_ns, table[i].left_ms * TIME_NS_PER_MS);
    }
}

/* --- room --- */

static void ten_seconds_of_rows_are_taken_up(void **state)
{
    static const struct {
        int64_t rate;
        size_t active, held, room;
    } table[] = {
        {9950, 0, 0, 99},   {9950, 90, 90, 9}, {9950, 99, 99, 0}, {9950, 120, 120, 0}, {9950, 0, 4090, 6},
        {9950, 0, 5000, 0}, {20, 0, 0, 8},     {0, 0, 0, 8},      {20, 8, 8, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        assert_int_equal(step_room(table[i].rate, table[i].active, table[i].held, 4096), table[i].room);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_stands_under_the_number_is_told_by_every_field),
    cmocka_unit_test(only_a_whole_answer_says_what_is_there),
    cmocka_unit_test(a_description_is_of_what_was_asked_for),
    cmocka_unit_test(what_cannot_be_sent_is_gone_changed_or_failed),
    cmocka_unit_test(force_needs_plan_and_policy_and_a_running_execution),
    cmocka_unit_test(the_check_decides_before_the_intent),
    cmocka_unit_test(the_look_decides_after_the_quarantine),
    cmocka_unit_test(each_class_of_answer_has_its_step),
    cmocka_unit_test(what_the_gate_withheld_counts_for_nothing),
    cmocka_unit_test(only_a_job_at_its_end_makes_the_check_needless),
    cmocka_unit_test(a_set_clock_is_told_from_a_slow_one),
    cmocka_unit_test(a_quarantine_covers_signature_and_skew_on_either_side),
    cmocka_unit_test(what_is_left_of_a_lost_request_is_told_by_the_services_clock),
    cmocka_unit_test(ten_seconds_of_rows_are_taken_up),
};

TAP_MAIN(tests)
