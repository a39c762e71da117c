/* What is counted and how it is told: the text of a page, sample by sample. */
#include "tap.h"

#include "app/exposition.h"
#include "app/metrics.h"
#include "base/buf.h"
#include "config_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define LISTEN         "metrics: {listen: \"127.0.0.1:9809\"}\n"
#define POLICY(name, targets)                                                                                \
    "  - {name: " name ", targets: [" targets "], match: {age: {older_than: 30d}}}\n"

static const char TWO[] = "version: 1\n" LISTEN "targets:\n"
                          "  east: {account: \"111111111111\", region: us-east-1}\n"
                          "  west: {account: \"222222222222\", region: us-west-1}\n"
                          "policies:\n" POLICY("old", "east, west") POLICY("new", "west");

struct stage {
    struct metrics *metrics;
    struct config *config;
    struct metrics_state state;
    struct buf page;
};

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    stage->metrics = metrics_create(1000);
    stage->config = config_from_text(TWO);
    metrics_configured(stage->metrics, stage->config, 2500);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;
    metrics_destroy(stage->metrics);
    config_unref(stage->config);
    buf_finish(&stage->page);
    free(stage);
    return 0;
}

static void take(struct stage *stage, const char *text)
{
    config_unref(stage->config);
    stage->config = config_from_text(text);
    metrics_configured(stage->metrics, stage->config, 5000);
}

static void print(struct stage *stage)
{
    buf_finish(&stage->page);
    buf_init(&stage->page, PAGE_MAX_BYTES);
    metrics_print(stage->metrics, &stage->state, &stage->page);
    assert_false(stage->page.overflow);
}

/* The value of a sample by its name and labels, as they stand in the page; NULL: there is none. */
static const char *value_of(struct stage *stage, const char *sample)
{
    static char value[64];
    char wanted[256];
    print(stage);
    snprintf(wanted, sizeof wanted, "\n%s ", sample);
    const char *found = strstr(buf_string(&stage->page), wanted);
    if (found == NULL) {
        return NULL;
    }
    found += strlen(wanted);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(found, "\n"), found);
    return value;
}

#define assert_sample(stage, sample, wanted)                                                                 \
    do {                                                                                                     \
        const char *found_ = value_of(stage, sample);                                                        \
        assert_non_null(found_);                                                                             \
        assert_string_equal(found_, wanted);                                                                 \
    } while (0)

static size_t count_of(struct stage *stage, const char *name)
{
    size_t count = 0;
    char wanted[128];
    print(stage);
    snprintf(wanted, sizeof wanted, "\n%s{", name);
    for (const char *at = buf_string(&stage->page); (at = strstr(at, wanted)) != NULL; at++) {
        count++;
    }
    return count;
}

static const struct policy *policy(const struct stage *stage, const char *name)
{
    return config_policy(stage->config, name);
}

static const struct target *target(const struct stage *stage, const char *name)
{
    return config_target(stage->config, name);
}

static void answer(struct stage *stage, const char *name, enum operation operation, enum answer_class class,
                   bool repeated)
{
    struct call call = {.operation = operation, .answer = {.class = class}};
    metrics_answered(stage->metrics, target(stage, name), &call, repeated);
}

/* --- tests --- */

static void labels_are_escaped(void **state)
{
    struct buf out;
    const struct exposition_label labels[] = {
        {"a", "back\\slash \"quoted\"\nline"}, {"b", "\xc3\xa9\xff{},="}, {NULL, NULL}};
    (void)state;
    buf_init(&out, 1000);
    exposition_family(&out, EXPOSITION_COUNTER, "x_total", "Words.");
    exposition_integer(&out, "x_total", labels, -7);
    exposition_thousandths(&out, "y", NULL, -1);
    exposition_thousandths(&out, "y", NULL, 1234567);
    assert_string_equal(
        buf_string(&out),
        "# HELP x_total Words.\n# TYPE x_total counter\n"
        "x_total{a=\"back\\\\slash \\\"quoted\\\"\\nline\",b=\"\xc3\xa9\xef\xbf\xbd{},=\"} -7\n"
        "y -0.001\ny 1234.567\n");
    buf_finish(&out);
}

static void counters_of_what_is_configured_begin_at_zero(void **state)
{
    struct stage *stage = *state;
    assert_sample(stage, "jobsweep_runs_total{policy=\"old\",target=\"west\",result=\"failure\"}", "0");
    assert_sample(stage, "jobsweep_executions_total{policy=\"new\",target=\"west\",outcome=\"unknown\"}",
                  "0");
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), 3 * RESULT_COUNT);
    assert_int_equal(count_of(stage, "jobsweep_run_last_success_timestamp_seconds"), 0);
    assert_int_equal(count_of(stage, "jobsweep_plan_listed_executions"), 0);
    assert_sample(stage, "process_start_time_seconds", "1.000");
    assert_sample(stage, "jobsweep_config_loaded_timestamp_seconds", "2.500");
}

static void runs_and_their_rows_are_counted_by_policy_and_target(void **state)
{
    struct stage *stage = *state;
    struct report report = {.end = SWEEP_FINISHED, .listed = 20, .selected = 5, .ended_ms = 9876};
    report.outcomes[OUTCOME_NOT_ATTEMPTED] = 3;
    report.archive = (struct archivist_view){.executions = 2, .jobs = 1, .missing = 4};
    for (int i = 0; i < 2; i++) {
        metrics_settled(stage->metrics, policy(stage, "old"), target(stage, "east"), OUTCOME_DELETED);
    }
    metrics_settled(stage->metrics, policy(stage, "old"), target(stage, "east"), OUTCOME_NOT_ATTEMPTED);
    metrics_ended(stage->metrics, policy(stage, "old"), target(stage, "east"), RESULT_LIMITED, &report);
    report = (struct report){.end = SWEEP_FAILED, .ended_ms = 20000};
    metrics_ended(stage->metrics, policy(stage, "new"), target(stage, "west"), RESULT_FAILURE, &report);
    report = (struct report){.end = SWEEP_PLANNED, .selected = 8, .ended_ms = 20000};
    report.outcomes[OUTCOME_NOT_ATTEMPTED] = 8;
    metrics_ended(stage->metrics, policy(stage, "old"), target(stage, "west"), RESULT_SUCCESS, &report);
#define EAST "{policy=\"old\",target=\"east\""
#define WEST "{policy=\"old\",target=\"west\""
    assert_sample(stage, "jobsweep_executions_total" EAST ",outcome=\"deleted\"}", "2");
    assert_sample(stage, "jobsweep_executions_total" EAST ",outcome=\"not_attempted\"}", "3");
    assert_sample(stage, "jobsweep_executions_total" WEST ",outcome=\"not_attempted\"}", "0");
    assert_sample(stage, "jobsweep_runs_total" EAST ",result=\"limited\"}", "1");
    assert_sample(stage, "jobsweep_archive_executions_total" EAST "}", "2");
    assert_sample(stage, "jobsweep_archive_jobs_total" EAST "}", "1");
    assert_sample(stage, "jobsweep_archive_missing_total" EAST "}", "4");
    assert_sample(stage, "jobsweep_archive_missing_total" WEST "}", "0");
    assert_sample(stage, "jobsweep_runs_total{policy=\"new\",target=\"west\",result=\"failure\"}", "1");
    assert_sample(stage, "jobsweep_run_last_success_timestamp_seconds" EAST "}", "9.876");
    assert_null(
        value_of(stage, "jobsweep_run_last_success_timestamp_seconds{policy=\"new\",target=\"west\"}"));
    assert_sample(stage, "jobsweep_plan_listed_executions" EAST "}", "20");
    assert_sample(stage, "jobsweep_plan_selected_executions" WEST "}", "8");
}

static void calls_are_counted_by_target_operation_and_answer(void **state)
{
    struct stage *stage = *state;
    answer(stage, "east", OPERATION_DELETE_EXECUTION, ANSWER_DONE, false);
    answer(stage, "east", OPERATION_DELETE_EXECUTION, ANSWER_DONE, false);
    answer(stage, "east", OPERATION_LIST_JOBS, ANSWER_THROTTLED, false);
    answer(stage, "east", OPERATION_LIST_JOBS, ANSWER_DONE, true);
#define CALL(operation) "{target=\"east\",operation=\"" operation "\""
    assert_sample(stage, "jobsweep_requests_total" CALL("DeleteJobExecution") ",answer=\"done\"}", "2");
    assert_sample(stage, "jobsweep_requests_total" CALL("ListJobs") ",answer=\"throttled\"}", "1");
    assert_sample(stage, "jobsweep_request_retries_total" CALL("ListJobs") "}", "1");
    assert_sample(stage, "jobsweep_request_retries_total" CALL("DeleteJobExecution") "}", "0");
    assert_int_equal(count_of(stage, "jobsweep_requests_total"), 3);
}

static void what_a_look_saw_is_gone_with_the_next(void **state)
{
    struct stage *stage = *state;
    const struct lane_view lane = {.rate_per_1000s = 2000, .waiting = 5, .sent = 1, .episode = true};
    const struct lane_view unused = {.rate_per_1000s = 2000};
    metrics_look(stage->metrics);
    metrics_lane(stage->metrics, target(stage, "east"), OPERATION_LIST_JOBS, &lane);
    metrics_lane(stage->metrics, target(stage, "west"), OPERATION_LIST_JOBS, &unused);
    metrics_credentials(stage->metrics, target(stage, "west"), 123456);
    metrics_credentials(stage->metrics, target(stage, "east"), 0);
    assert_sample(stage, "jobsweep_lane_requests_per_second" CALL("ListJobs") "}", "2.000");
    assert_sample(stage, "jobsweep_lane_waiting_requests" CALL("ListJobs") "}", "5");
    assert_sample(stage, "jobsweep_lane_wait_seconds" CALL("ListJobs") "}", "2.500");
    assert_sample(stage, "jobsweep_lane_throttled" CALL("ListJobs") "}", "1");
    assert_int_equal(count_of(stage, "jobsweep_lane_throttled"), 1);
    assert_sample(stage, "jobsweep_credentials_expiry_timestamp_seconds{target=\"west\"}", "123.456");
    assert_int_equal(count_of(stage, "jobsweep_credentials_expiry_timestamp_seconds"), 1);
    metrics_look(stage->metrics);
    assert_int_equal(count_of(stage, "jobsweep_lane_throttled"), 0);
    assert_int_equal(count_of(stage, "jobsweep_credentials_expiry_timestamp_seconds"), 0);
}

static void a_reload_keeps_what_is_still_there_and_forgets_the_rest(void **state)
{
    struct stage *stage = *state;
    struct report report = {.end = SWEEP_FINISHED};
    struct config *before = config_ref(stage->config);
    metrics_ended(stage->metrics, policy(stage, "old"), target(stage, "east"), RESULT_SUCCESS, &report);
    metrics_ended(stage->metrics, policy(stage, "new"), target(stage, "west"), RESULT_SUCCESS, &report);
    answer(stage, "east", OPERATION_LIST_JOBS, ANSWER_DONE, false);
    answer(stage, "west", OPERATION_LIST_JOBS, ANSWER_DONE, false);
    metrics_refused(stage->metrics);
    assert_sample(stage, "jobsweep_config_last_reload_successful", "0");
    take(stage, "version: 1\n" LISTEN "targets:\n  east: {account: \"111111111111\", region: us-east-1}\n"
                "policies:\n" POLICY("old", "east"));
    assert_sample(stage, "jobsweep_config_last_reload_successful", "1");
    assert_sample(stage, "jobsweep_runs_total{policy=\"old\",target=\"east\",result=\"success\"}", "1");
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), RESULT_COUNT);
    assert_int_equal(count_of(stage, "jobsweep_requests_total"), 1);
    /* a run of the configuration before comes to its end */
    metrics_ended(stage->metrics, config_policy(before, "new"), config_target(before, "west"), RESULT_SUCCESS,
                  &report);
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), RESULT_COUNT);
    config_unref(before);
}

static void without_an_address_nothing_is_counted(void **state)
{
    struct stage *stage = *state;
    struct report report = {.end = SWEEP_FINISHED};
    take(stage, "version: 1\ntargets:\n  east: {account: \"111111111111\", region: us-east-1}\n"
                "policies:\n" POLICY("old", "east"));
    metrics_ended(stage->metrics, policy(stage, "old"), target(stage, "east"), RESULT_SUCCESS, &report);
    answer(stage, "east", OPERATION_LIST_JOBS, ANSWER_DONE, false);
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), 0);
    assert_int_equal(count_of(stage, "jobsweep_requests_total"), 0);
    metrics_settled(NULL, policy(stage, "old"), target(stage, "east"), OUTCOME_DELETED);
    metrics_ended(NULL, policy(stage, "old"), target(stage, "east"), RESULT_SUCCESS, &report);
}

/* A configuration of so many entries, of as many targets each, in a policy each. */
static void take_many(struct stage *stage, int entries, int accounts)
{
    struct buf text;
    buf_init(&text, (size_t)1024 * 1024);
    buf_text(&text, "version: 1\n" LISTEN "targets:\n");
    for (int i = 0; i < entries; i++) {
        buf_printf(&text, "  e%d: {region: us-east-1, accounts: [", i);
        for (int j = 0; j < accounts; j++) {
            buf_printf(&text, "%s\"%06d%06d\"", j > 0 ? "," : "", i, j);
        }
        buf_text(&text, "]}\n");
    }
    buf_text(&text, "policies:\n");
    for (int i = 0; i < entries; i++) {
        buf_printf(&text, "  - {name: p%d, targets: [e%d], match: {age: {older_than: 30d}}}\n", i, i);
    }
    assert_false(text.overflow);
    take(stage, buf_string(&text));
    buf_finish(&text);
}

static void many_targets_are_told_by_their_entry_or_together(void **state)
{
    struct stage *stage = *state;
    const struct lane_view lane = {.rate_per_1000s = 1000, .waiting = 1, .sent = 1};
    take_many(stage, 1, METRICS_SERIES_MAX);
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), METRICS_SERIES_MAX * RESULT_COUNT);
    take_many(stage, 2, METRICS_SERIES_MAX / 2 + 1);
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), 2 * RESULT_COUNT);
    metrics_look(stage->metrics);
    for (size_t i = 0; i < stage->config->target_count; i++) {
        const struct target *one = &stage->config->targets[i];
        struct call call = {.operation = OPERATION_LIST_JOBS};
        metrics_answered(stage->metrics, one, &call, false);
        metrics_lane(stage->metrics, one, OPERATION_LIST_JOBS, &lane);
        metrics_credentials(stage->metrics, one, 5000 + (int64_t)i);
    }
    assert_sample(stage, "jobsweep_requests_total{target=\"e1\",operation=\"ListJobs\",answer=\"done\"}",
                  "251");
    assert_sample(stage, "jobsweep_lane_requests_per_second{target=\"e0\",operation=\"ListJobs\"}",
                  "251.000");
    assert_sample(stage, "jobsweep_lane_wait_seconds{target=\"e0\",operation=\"ListJobs\"}", "1.000");
    assert_sample(stage, "jobsweep_credentials_expiry_timestamp_seconds{target=\"e0\"}", "5.000");
    take_many(stage, METRICS_SERIES_MAX + 1, 1);
    assert_int_equal(count_of(stage, "jobsweep_runs_total"), (METRICS_SERIES_MAX + 1) * RESULT_COUNT);
    assert_sample(stage, "jobsweep_runs_total{policy=\"p500\",target=\"*\",result=\"success\"}", "0");
    struct call call = {.operation = OPERATION_LIST_JOBS};
    metrics_answered(stage->metrics, &stage->config->targets[0], &call, false);
    metrics_answered(stage->metrics, &stage->config->targets[500], &call, false);
    assert_sample(stage, "jobsweep_requests_total{target=\"*\",operation=\"ListJobs\",answer=\"done\"}", "2");
}

static void commits_are_a_cumulative_histogram(void **state)
{
    struct stage *stage = *state;
    stage->state.ledger.commits[0] = 3;
    stage->state.ledger.commits[4] = 2;
    stage->state.ledger.commits[LEDGER_COMMIT_BOUNDS] = 1;
    stage->state.ledger.commits_ns = 6500000000;
    stage->state.ledger.short_of_space = true;
#define COMMITS "jobsweep_ledger_commit_duration_seconds"
    assert_sample(stage, COMMITS "_bucket{le=\"0.001\"}", "3");
    assert_sample(stage, COMMITS "_bucket{le=\"0.01\"}", "3");
    assert_sample(stage, COMMITS "_bucket{le=\"0.02\"}", "5");
    assert_sample(stage, COMMITS "_bucket{le=\"5\"}", "5");
    assert_sample(stage, COMMITS "_bucket{le=\"+Inf\"}", "6");
    assert_sample(stage, COMMITS "_count", "6");
    assert_sample(stage, COMMITS "_sum", "6.500");
    assert_sample(stage, "jobsweep_ledger_short_of_space", "1");
    assert_sample(stage, "jobsweep_ledger_frozen", "0");
    for (size_t i = 0; i < LEDGER_COMMIT_BOUNDS; i++) { /* the bounds are those that are told */
        char sample[128];
        snprintf(sample, sizeof sample, COMMITS "_bucket{le=\"%g\"}",
                 (double)ledger_commit_bounds_ns[i] / 1e9);
        assert_non_null(value_of(stage, sample));
    }
}

static void the_process_is_looked_at(void **state)
{
    struct process_usage usage;
    (void)state;
    process_look(&usage);
    assert_true(usage.resident_bytes > 100000 && usage.open_fds >= 3 && usage.max_fds >= usage.open_fds);
    assert_true(usage.cpu_ms >= 0);
}

#define STAGE(test) cmocka_unit_test_setup_teardown(test, begin, end)
static const struct CMUnitTest tests[] = {
    cmocka_unit_test(labels_are_escaped),
    STAGE(counters_of_what_is_configured_begin_at_zero),
    STAGE(runs_and_their_rows_are_counted_by_policy_and_target),
    STAGE(calls_are_counted_by_target_operation_and_answer),
    STAGE(what_a_look_saw_is_gone_with_the_next),
    STAGE(a_reload_keeps_what_is_still_there_and_forgets_the_rest),
    STAGE(without_an_address_nothing_is_counted),
    STAGE(many_targets_are_told_by_their_entry_or_together),
    STAGE(commits_are_a_cumulative_histogram),
    cmocka_unit_test(the_process_is_looked_at),
};

TAP_MAIN(tests)
