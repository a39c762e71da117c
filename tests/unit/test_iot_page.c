/* Pages, jobs and executions as they come back: good rows, bad rows, broken answers. */
#include "aws/iot.h"
#include "base/mem.h"
#include "tap.h"
#include "unit/answers.h"

#include <stdio.h>
#include <string.h>

#define FOR_JOB   OPERATION_LIST_EXECUTIONS_FOR_JOB
#define FOR_THING OPERATION_LIST_EXECUTIONS_FOR_THING
#define ARN       "arn:aws:iot:us-east-1:123456789012:thing/"

/* Decodes body as the answer to a call about job "fw-1" and thing "gw:1". */
static struct call answered(enum operation operation, const char *body)
{
    struct http_request request;
    struct call call;

    call_init(&call, operation);
    text_copy(call.job_id, sizeof(call.job_id), "fw-1");
    text_copy(call.thing_name, sizeof(call.thing_name), "gw:1");
    answer_make(&request, 200, "", body);
    iot_decode(&call, &request);
    answer_free(&request);
    return call;
}

static void assert_unreadable(enum operation operation, const char *body)
{
    struct call call = answered(operation, body);

    if (call.answer.class != ANSWER_AMBIGUOUS) {
        fail_msg("%s: %s", answer_class_name(call.answer.class), body);
    }
    assert_string_equal(call.answer.code, "UnreadableAnswer");
    assert_int_equal(call.page.count, 0);
    assert_null(call.page.next_token);
    assert_string_equal(call.execution.job_id, "");
    assert_string_equal(call.job.job_id, "");
    call_finish(&call);
}

/* --- good ones --- */

static void a_page_of_a_job_names_the_things(void **state)
{
    struct call call = answered(
        FOR_JOB, "{\"executionSummaries\":[{\"thingArn\":\"" ARN
                 "a:b\",\"jobExecutionSummary\":{\"status\":\"SUCCEEDED\","
                 "\"queuedAt\":1560787023.636,\"startedAt\":1560787024,\"lastUpdatedAt\":1.621884415241E9,"
                 "\"executionNumber\":3,\"retryAttempt\":0}}],\"nextToken\":\"t/1=\"}");
    const struct job_execution *row = &call.page.executions[0];
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_int_equal(call.page.count, 1);
    assert_int_equal(call.page.skipped, 0);
    assert_string_equal(call.page.next_token, "t/1=");
    assert_string_equal(row->job_id, "fw-1");
    assert_string_equal(row->thing_name, "a:b");
    assert_int_equal(row->number, 3);
    assert_int_equal(row->fingerprint.status, EXECUTION_SUCCEEDED);
    assert_string_equal(row->fingerprint.queued_at.text, "1560787023.636");
    assert_int_equal(row->fingerprint.queued_at.ms, 1560787023636);
    assert_string_equal(row->fingerprint.started_at.text, "1560787024");
    assert_string_equal(row->fingerprint.last_updated_at.text, "1.621884415241E9");
    assert_int_equal(row->fingerprint.last_updated_at.ms, 1621884415241);
    assert_int_equal(row->fingerprint.version_number, 0);
    call_finish(&call);
}

static void a_page_of_a_thing_names_the_jobs(void **state)
{
    struct call call =
        answered(FOR_THING, "{\"executionSummaries\":[{\"jobId\":\"x_1\",\"jobExecutionSummary\":"
                            "{\"status\":\"QUEUED\",\"executionNumber\":1}}],\"nextToken\":null}");
    (void)state;

    assert_int_equal(call.page.count, 1);
    assert_null(call.page.next_token);
    assert_string_equal(call.page.executions[0].job_id, "x_1");
    assert_string_equal(call.page.executions[0].thing_name, "gw:1");
    assert_false(timestamp_present(&call.page.executions[0].fingerprint.last_updated_at));
    call_finish(&call);
}

static void pages_of_jobs_and_things_are_read(void **state)
{
    struct call call =
        answered(OPERATION_LIST_JOBS,
                 "{\"jobs\":[{\"jobId\":\"a\",\"status\":\"COMPLETED\",\"targetSelection\":\"SNAPSHOT\","
                 "\"createdAt\":1560787023.6},{\"jobId\":\"b\",\"targetSelection\":\"CONTINUOUS\","
                 "\"status\":\"NEW\"},{\"jobId\":\"c\"}]}");
    (void)state;

    assert_int_equal(call.page.count, 3);
    assert_int_equal(call.page.jobs[0].status, JOB_COMPLETED);
    assert_false(call.page.jobs[0].continuous);
    assert_false(call.page.jobs[0].described);
    assert_int_equal(call.page.jobs[0].created_at.ms, 1560787023600);
    assert_true(call.page.jobs[1].continuous);
    assert_int_equal(call.page.jobs[1].status, JOB_UNKNOWN);
    assert_true(call.page.jobs[2].continuous); /* not told: the careful guess */
    call_finish(&call);

    call = answered(OPERATION_LIST_THINGS,
                    "{\"things\":[{\"thingName\":\"a:1\",\"version\":1},{\"thingName\":\"b\"}]}");
    assert_int_equal(call.page.count, 2);
    assert_string_equal(call.page.things[0], "a:1");
    assert_string_equal(call.page.things[1], "b");
    call_finish(&call);

    call = answered(OPERATION_LIST_THINGS_IN_GROUP, "{\"things\":[\"a:1\",\"b\"],\"nextToken\":\"\"}");
    assert_int_equal(call.page.count, 2);
    assert_string_equal(call.page.things[1], "b");
    assert_null(call.page.next_token);
    call_finish(&call);
}

static void what_a_search_finds_is_read(void **state)
{
    struct call call =
        answered(OPERATION_SEARCH_INDEX,
                 "{\"things\":[{\"thingName\":\"a:1\",\"thingGroupNames\":[\"g\"],\"attributes\":"
                 "{\"x\":\"y\"}},{\"thingName\":\"b\"}],\"thingGroups\":null,\"nextToken\":\"t\"}");
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_int_equal(call.page.count, 2);
    assert_string_equal(call.page.things[0], "a:1");
    assert_string_equal(call.page.next_token, "t");
    call_finish(&call);
    assert_unreadable(OPERATION_SEARCH_INDEX, "{\"thingGroups\":[]}");
    assert_unreadable(OPERATION_SEARCH_INDEX, "{\"things\":{}}");
}

static void a_described_thing_is_the_one_asked_for(void **state)
{
    struct call call = answered(OPERATION_DESCRIBE_THING, "{\"thingName\":\"gw:1\",\"version\":1}");
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    call_finish(&call);
    assert_unreadable(OPERATION_DESCRIBE_THING, "{\"thingName\":\"gw:2\"}");
    assert_unreadable(OPERATION_DESCRIBE_THING, "{}");
    assert_unreadable(OPERATION_DESCRIBE_THING, "[]");
}

static void a_quota_is_a_number_of_requests(void **state)
{
    static const struct {
        const char *value;
        int64_t per_1000s;
    } good[] = {{"10.0", 10000}, {"12.5", 12500}, {"1.0E2", 100000}, {"3", 3000}};
    static const char *const bad[] = {"{\"Quota\":{}}",
                                      "{}",
                                      "{\"Quota\":{\"Value\":\"10\"}}",
                                      "{\"Quota\":{\"Value\":0}}",
                                      "{\"Quota\":{\"Value\":-1}}",
                                      "{\"Quota\":{\"Value\":1e300}}"};
    char body[64];
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(body, sizeof(body), "{\"Quota\":{\"Value\":%s}}", good[i].value);
        struct call call = answered(OPERATION_GET_SERVICE_QUOTA, body);
        assert_int_equal(call.answer.class, ANSWER_DONE);
        assert_int_equal(call.quota_per_1000s, good[i].per_1000s);
        call_finish(&call);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_unreadable(OPERATION_GET_SERVICE_QUOTA, bad[i]);
    }
}

/* The answer to ListThings for this type and attribute. */
static struct call filtered(const char *type, const char *name, const char *value, const char *body)
{
    struct http_request request;
    struct call call;

    call_init(&call, OPERATION_LIST_THINGS);
    call.thing_type = type;
    call.attribute_name = name;
    call.attribute_value = value;
    answer_make(&request, 200, "", body);
    iot_decode(&call, &request);
    answer_free(&request);
    return call;
}

static void a_filter_that_was_ignored_is_applied_here(void **state)
{
    static const char body[] = "{\"things\":[{\"thingName\":\"a\",\"thingTypeName\":\"t\",\"attributes\":"
                               "{\"n\":\"v\"}},{\"thingName\":\"b\",\"thingTypeName\":\"u\",\"attributes\":"
                               "{\"n\":\"w\"}},{\"thingName\":\"c\"}]}";
    (void)state;

    struct call call = filtered("t", NULL, NULL, body);
    assert_int_equal(call.page.count, 1);
    assert_int_equal(call.page.skipped, 2);
    assert_string_equal(call.page.things[0], "a");
    call_finish(&call);
    call = filtered(NULL, "n", "w", body);
    assert_int_equal(call.page.count, 1);
    assert_string_equal(call.page.things[0], "b");
    assert_non_null(strstr(call.page.skipped_why, "attribute"));
    assert_int_equal(call.page.skips[0].count, 2); /* of one reason */
    assert_int_equal(call.page.skips[1].count, 0);
    call_finish(&call);
    call = filtered(NULL, "n", NULL, body);
    assert_int_equal(call.page.count, 2);
    call_finish(&call);
}

static void an_empty_page_may_leave_out_its_rows(void **state)
{
    static const char *const bodies[] = {"{\"executionSummaries\":[],\"nextToken\":\"t\"}",
                                         "{\"nextToken\":\"t\"}",
                                         "{\"executionSummaries\":null,\"nextToken\":\"t\"}"};
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct call call = answered(FOR_JOB, bodies[i]);
        assert_int_equal(call.answer.class, ANSWER_DONE);
        assert_int_equal(call.page.count, 0);
        assert_string_equal(call.page.next_token, "t");
        call_finish(&call);
    }
    struct call call = answered(FOR_JOB, "{}");
    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_null(call.page.next_token);
    call_finish(&call);
}

/* --- bad rows --- */

struct row_case {
    const char *row, *why;
};

static void assert_skipped(enum operation operation, const char *key, const char *good,
                           const struct row_case *bad)
{
    char body[2048];

    snprintf(body, sizeof(body), "{\"%s\":[%s,%s,%s]}", key, good, bad->row, good);
    struct call call = answered(operation, body);
    if (call.answer.class != ANSWER_DONE || call.page.count != 2 || call.page.skipped != 1) {
        fail_msg("%s: %s, %zu rows, %zu skipped (%s)", bad->row, answer_class_name(call.answer.class),
                 call.page.count, call.page.skipped, call.answer.message);
    }
    assert_memory_equal(call.page.skipped_why, "row 2: ", 7);
    assert_int_equal(call.page.skips[0].count, 1);
    assert_string_equal(call.page.skips[0].why, call.page.skipped_why + 7);
    assert_int_equal(call.page.skips[1].count, 0);
    if (strstr(call.page.skipped_why, bad->why) == NULL) {
        fail_msg("%s: %s", bad->row, call.page.skipped_why);
    }
    call_finish(&call);
}

#define SUMMARY(members) "{\"jobId\":\"j\",\"jobExecutionSummary\":{" members "}}"
#define TIMED(time)      SUMMARY("\"executionNumber\":1,\"lastUpdatedAt\":" time)
#define THING(arn)       "{\"thingArn\":" arn ",\"jobExecutionSummary\":{\"executionNumber\":1}}"
#define JOB(id)          "{\"jobId\":" id ",\"jobExecutionSummary\":{\"executionNumber\":1}}"

static void rows_with_a_bad_number_or_time_are_skipped_and_counted(void **state)
{
    static const struct row_case bad[] = {
        {SUMMARY("\"executionNumber\":0"), "executionNumber"},
        {SUMMARY("\"executionNumber\":-1"), "executionNumber"},
        {SUMMARY("\"executionNumber\":9223372036854775808"), "executionNumber"},
        {SUMMARY("\"executionNumber\":99999999999999999999999"), "executionNumber"},
        {SUMMARY("\"executionNumber\":1e3"), "executionNumber"},
        {SUMMARY("\"executionNumber\":\"1\""), "executionNumber"},
        {SUMMARY("\"executionNumber\":1.0"), "executionNumber"},
        {SUMMARY("\"executionNumber\":null"), "executionNumber"},
        {SUMMARY(""), "executionNumber"},
        {"{\"jobId\":\"j\"}", "executionNumber"},
        {"{\"jobId\":\"j\",\"jobExecutionSummary\":[1]}", "executionNumber"},
        {"{}", "jobId"},
        {"null", "jobId"},
        {"7", "jobId"},
        {TIMED("\"1560787023\""), "lastUpdatedAt"},
        {TIMED("1e308"), "lastUpdatedAt"},
        {TIMED("1560787023636"), "lastUpdatedAt"}, /* milliseconds */
        {TIMED("0"), "lastUpdatedAt"},
        {TIMED("-5"), "lastUpdatedAt"},
        {TIMED("true"), "lastUpdatedAt"},
        {TIMED("99999999999999999999"), "lastUpdatedAt"},
        {TIMED("1560787023.00000000000000000000000000001"), "lastUpdatedAt"},
        {SUMMARY("\"executionNumber\":1,\"queuedAt\":\"x\""), "queuedAt"},
        {SUMMARY("\"executionNumber\":1,\"startedAt\":[]"), "startedAt"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_skipped(FOR_THING, "executionSummaries", SUMMARY("\"executionNumber\":1"), &bad[i]);
    }
}

static void rows_with_a_name_outside_its_pattern_are_skipped_and_counted(void **state)
{
    static const struct row_case bad_things[] = {
        {THING("\"" ARN "\""), "thing name"},
        {THING("\"" ARN "a/b\""), "thing name"},
        {THING("\"" ARN "..\""), "thing name"},
        {THING("\"" ARN "%2e%2e\""), "thing name"},
        {THING("\"" ARN "a\\r\\nb\""), "thing name"},
        {THING("\"" ARN "gr\xc3\xbc\""), "thing name"},
        {THING("\"" ARN "a:thing/b\""), "thing name"},
        {THING("\"thing/a\""), "thing name"},
        {THING("\"x:thing/a\""), "thing name"},
        {THING("\"a\""), "thing name"},
        {THING("\"arn:aws:iot:r:1:job/a\""), "thing name"},
        {THING("7"), "thing name"},
        {THING("null"), "thing name"},
    };
    static const struct row_case bad_jobs[] = {
        {JOB("\"../\""), "jobId"},
        {JOB("\"a?force=true\""), "jobId"},
        {JOB("\"x/y\""), "jobId"},
        {JOB("\"\""), "jobId"},
        {JOB("\"a:b\""), "jobId"},
        {JOB("7"), "jobId"},
        {JOB("\"12345678901234567890123456789012345678901234567890123456789012345\""), "jobId"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad_things) / sizeof(bad_things[0]); i++) {
        assert_skipped(FOR_JOB, "executionSummaries", THING("\"" ARN "a:b\""), &bad_things[i]);
    }
    for (size_t i = 0; i < sizeof(bad_jobs) / sizeof(bad_jobs[0]); i++) {
        assert_skipped(FOR_THING, "executionSummaries", JOB("\"a\""), &bad_jobs[i]);
        assert_skipped(OPERATION_LIST_JOBS, "jobs", JOB("\"a\""), &bad_jobs[i]);
    }
    assert_skipped(OPERATION_LIST_JOBS, "jobs", JOB("\"a\""),
                   &(struct row_case){"{\"jobId\":\"a\",\"createdAt\":\"now\"}", "createdAt"});
    assert_skipped(OPERATION_LIST_THINGS, "things", "{\"thingName\":\"a\"}",
                   &(struct row_case){"{\"thingName\":\"{}\"}", "thing name"});
    assert_skipped(OPERATION_LIST_THINGS, "things", "{\"thingName\":\"a\"}",
                   &(struct row_case){"\"a\"", "thing name"});
    assert_skipped(OPERATION_SEARCH_INDEX, "things", "{\"thingName\":\"a\"}",
                   &(struct row_case){"{\"thingName\":\"a/b\"}", "thing name"});
    assert_skipped(OPERATION_LIST_THINGS_IN_GROUP, "things", "\"a\"",
                   &(struct row_case){"{\"thingName\":\"a\"}", "thing name"});
}

static void a_thing_name_of_128_characters_is_read_and_one_of_129_is_not(void **state)
{
    char name[THING_NAME_MAX + 2], body[512];
    (void)state;

    memset(name, 'a', sizeof(name));
    name[THING_NAME_MAX] = '\0';
    snprintf(body, sizeof(body), "{\"executionSummaries\":[" THING("\"" ARN "%s\"") "]}", name);
    struct call call = answered(FOR_JOB, body);
    assert_int_equal(call.page.count, 1);
    assert_string_equal(call.page.executions[0].thing_name, name);
    call_finish(&call);

    snprintf(body, sizeof(body), "{\"executionSummaries\":[" THING("\"" ARN "%sa\"") "]}", name);
    call = answered(FOR_JOB, body);
    assert_int_equal(call.page.count, 0);
    assert_int_equal(call.page.skipped, 1);
    call_finish(&call);
}

static void an_unknown_status_is_kept_as_unknown(void **state)
{
    static const char *const rows[] = {SUMMARY("\"executionNumber\":1,\"status\":\"FOO\""),
                                       SUMMARY("\"executionNumber\":1,\"status\":\"succeeded\""),
                                       SUMMARY("\"executionNumber\":1,\"status\":3"),
                                       SUMMARY("\"executionNumber\":1,\"status\":\"UNKNOWN\""),
                                       SUMMARY("\"executionNumber\":1")};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body), "{\"executionSummaries\":[%s]}", rows[i]);
        struct call call = answered(FOR_THING, body);
        assert_int_equal(call.page.count, 1);
        assert_int_equal(call.page.executions[0].fingerprint.status, EXECUTION_UNKNOWN);
        call_finish(&call);
    }
}

/* --- broken answers --- */

static void an_answer_of_another_shape_is_unreadable(void **state)
{
    static const char *const bodies[] = {"",
                                         "null",
                                         "[]",
                                         "7",
                                         "<html>log in</html>",
                                         "{\"message\":\"log in\"}",
                                         "{\"executionSummaries\":{}}",
                                         "{\"executionSummaries\":\"none\"}",
                                         "{\"executionSummaries\":[]}x",
                                         "{\"executionSummaries\":[",
                                         "{\"executionSummaries\":[],\"nextToken\":5}",
                                         "{\"executionSummaries\":[],\"nextToken\":{}}",
                                         "{\"executionSummaries\":[NaN]}",
                                         "{\"executionSummaries\":[{\"jobId\":\"a\\u0000b\"}]}",
                                         "{\"jobs\":[]}"};
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_unreadable(FOR_JOB, bodies[i]);
    }
    assert_unreadable(OPERATION_DESCRIBE_JOB, "{}");
    assert_unreadable(OPERATION_DESCRIBE_JOB, "{\"job\":[]}");
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, "{}");
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, "");
}

static char *page_of(int rows)
{
    struct buf body;

    buf_init(&body, ANSWER_BYTES_MAX);
    for (int i = 0; i < rows; i++) {
        buf_printf(&body, "%s\"gw-%d\"", i ? "," : "{\"things\":[", i);
    }
    buf_text(&body, "]}");
    return body.data;
}

static void a_page_of_more_rows_than_the_service_may_send_is_unreadable(void **state)
{
    char *body = page_of(PAGE_MAX);
    struct call call = answered(OPERATION_LIST_THINGS_IN_GROUP, body);
    (void)state;

    assert_int_equal(call.page.count, PAGE_MAX);
    call_finish(&call);
    free(body);
    body = page_of(PAGE_MAX + 1);
    assert_unreadable(OPERATION_LIST_THINGS_IN_GROUP, body);
    free(body);
}

static void a_token_over_its_bound_is_unreadable(void **state)
{
    struct buf body;
    (void)state;

    buf_init(&body, ANSWER_BYTES_MAX);
    buf_text(&body, "{\"things\":[],\"nextToken\":\"");
    for (int i = 0; i < NEXT_TOKEN_MAX; i++) {
        buf_char(&body, 'x');
    }
    buf_text(&body, "\"}");
    struct call call = answered(OPERATION_LIST_THINGS, buf_string(&body));
    assert_int_equal(strlen(call.page.next_token), NEXT_TOKEN_MAX);
    call_finish(&call);
    body.data[body.length - 2] = 'x';
    body.data[body.length - 1] = '"';
    buf_char(&body, '}');
    assert_unreadable(OPERATION_LIST_THINGS, buf_string(&body));
    buf_finish(&body);
}

/* --- descriptions --- */

#define EXECUTION(id, arn, number)                                                                           \
    "{\"execution\":{\"jobId\":\"" id "\",\"status\":\"FAILED\",\"thingArn\":\"" arn                         \
    "\",\"queuedAt\":1560787023.636,\"lastUpdatedAt\":1560787024.5,\"executionNumber\":" number              \
    ",\"versionNumber\":4,\"statusDetails\":{\"detailsMap\":{\"a\":\"b\"}}}}"

static void an_execution_is_described(void **state)
{
    struct call call = answered(OPERATION_DESCRIBE_EXECUTION, EXECUTION("fw-1", ARN "gw:1", "2"));
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_string_equal(call.execution.job_id, "fw-1");
    assert_string_equal(call.execution.thing_name, "gw:1");
    assert_int_equal(call.execution.number, 2);
    assert_int_equal(call.execution.fingerprint.status, EXECUTION_FAILED);
    assert_int_equal(call.execution.fingerprint.version_number, 4);
    assert_string_equal(call.execution.fingerprint.last_updated_at.text, "1560787024.5");
    call_finish(&call);
}

static void the_description_of_another_execution_is_unreadable(void **state)
{
    struct http_request request;
    struct call call;
    (void)state;

    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, EXECUTION("fw-2", ARN "gw:1", "2"));
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, EXECUTION("fw-1", ARN "gw", "2"));
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, EXECUTION("fw-1", ARN "gw:1", "0"));
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION,
                      "{\"execution\":{\"jobId\":\"fw-1\",\"executionNumber\":1}}");
    assert_unreadable(OPERATION_DESCRIBE_EXECUTION, "{\"execution\":{\"jobId\":\"fw-1\",\"thingArn\":\"" ARN
                                                    "gw:1\",\"executionNumber\":1,\"versionNumber\":\"1\"}}");

    call_init(&call, OPERATION_DESCRIBE_EXECUTION);
    text_copy(call.job_id, sizeof(call.job_id), "fw-1");
    text_copy(call.thing_name, sizeof(call.thing_name), "gw:1");
    call.number = 3;
    answer_make(&request, 200, "", EXECUTION("fw-1", ARN "gw:1", "2"));
    iot_decode(&call, &request);
    assert_int_equal(call.answer.class, ANSWER_AMBIGUOUS);
    answer_free(&request);
    call_finish(&call);
}

static void a_job_is_described(void **state)
{
    struct call call = answered(
        OPERATION_DESCRIBE_JOB,
        "{\"job\":{\"jobId\":\"fw-1\",\"status\":\"IN_PROGRESS\",\"targetSelection\":\"SNAPSHOT\","
        "\"namespaceId\":\"n_1\","
        "\"jobExecutionsRetryConfig\":{\"criteriaList\":[]},\"jobProcessDetails\":{"
        "\"numberOfSucceededThings\":7,"
        "\"numberOfTimedOutThings\":2,\"numberOfFailedThings\":-1,\"numberOfRemovedThings\":\"x\"}}}");
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_true(call.job.described);
    assert_true(call.job.retries);
    assert_false(call.job.continuous);
    assert_string_equal(call.job.namespace_id, "n_1");
    assert_int_equal(call.job.status, JOB_IN_PROGRESS);
    assert_int_equal(call.job.counts[EXECUTION_SUCCEEDED], 7);
    assert_int_equal(call.job.counts[EXECUTION_TIMED_OUT], 2);
    assert_int_equal(call.job.counts[EXECUTION_FAILED], 0);
    assert_int_equal(call.job.counts[EXECUTION_REMOVED], 0);
    call_finish(&call);

    call = answered(OPERATION_DESCRIBE_JOB, "{\"job\":{\"jobId\":\"fw-1\",\"namespaceId\":null}}");
    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_string_equal(call.job.namespace_id, "");
    assert_false(call.job.retries);
    call_finish(&call);
}

static void the_description_of_another_job_is_unreadable(void **state)
{
    (void)state;
    assert_unreadable(OPERATION_DESCRIBE_JOB, "{\"job\":{\"jobId\":\"fw-2\"}}");
    assert_unreadable(OPERATION_DESCRIBE_JOB, "{\"job\":{\"jobId\":\"fw-1\",\"namespaceId\":\"a/b\"}}");
    assert_unreadable(OPERATION_DESCRIBE_JOB, "{\"job\":{\"jobId\":\"fw-1\",\"namespaceId\":1}}");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_page_of_a_job_names_the_things),
    cmocka_unit_test(a_page_of_a_thing_names_the_jobs),
    cmocka_unit_test(pages_of_jobs_and_things_are_read),
    cmocka_unit_test(what_a_search_finds_is_read),
    cmocka_unit_test(a_described_thing_is_the_one_asked_for),
    cmocka_unit_test(a_quota_is_a_number_of_requests),
    cmocka_unit_test(a_filter_that_was_ignored_is_applied_here),
    cmocka_unit_test(an_empty_page_may_leave_out_its_rows),
    cmocka_unit_test(rows_with_a_bad_number_or_time_are_skipped_and_counted),
    cmocka_unit_test(rows_with_a_name_outside_its_pattern_are_skipped_and_counted),
    cmocka_unit_test(a_thing_name_of_128_characters_is_read_and_one_of_129_is_not),
    cmocka_unit_test(an_unknown_status_is_kept_as_unknown),
    cmocka_unit_test(an_answer_of_another_shape_is_unreadable),
    cmocka_unit_test(a_page_of_more_rows_than_the_service_may_send_is_unreadable),
    cmocka_unit_test(a_token_over_its_bound_is_unreadable),
    cmocka_unit_test(an_execution_is_described),
    cmocka_unit_test(the_description_of_another_execution_is_unreadable),
    cmocka_unit_test(a_job_is_described),
    cmocka_unit_test(the_description_of_another_job_is_unreadable),
};

TAP_MAIN(tests)
