/* Calls on their way out: paths, queries, and what is refused before it can leave. */
#include "aws/iot.h"
#include "aws/sts.h"
#include "base/random.h"
#include "base/text.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TARGET_MAX (3 * NEXT_TOKEN_MAX + 4096)

static struct call example(enum operation operation)
{
    struct call call;

    call_init(&call, operation);
    text_copy(call.job_id, sizeof(call.job_id), "fw-0001_a");
    text_copy(call.thing_name, sizeof(call.thing_name), "plant:7-gw_1");
    text_copy(call.group_name, sizeof(call.group_name), "north:all");
    call.query = "attributes.site:berlin";
    call.quota_of = OPERATION_DELETE_EXECUTION;
    call.max_results = 50;
    return call;
}

static void assert_target(const struct call *call, const char *expected_method, const char *expected)
{
    struct buf target, body;
    const char *method = "";
    struct err err;

    buf_init(&target, TARGET_MAX);
    buf_init(&body, TARGET_MAX);
    if (iot_encode(call, &method, &target, &body, &err)) {
        fail_msg("%s: %s", expected, err.msg);
    }
    assert_string_equal(buf_string(&target), expected);
    assert_string_equal(method, expected_method);
    if (call->operation == OPERATION_GET_CALLER_IDENTITY) {
        assert_string_equal(buf_string(&body), "Action=GetCallerIdentity&Version=2011-06-15");
    } else if (call->operation == OPERATION_GET_SERVICE_QUOTA) {
        assert_string_equal(buf_string(&body), "{\"ServiceCode\":\"iot\",\"QuotaCode\":\"L-4AB367B4\"}");
    } else if (call->operation != OPERATION_SEARCH_INDEX) {
        assert_int_equal(body.length, 0);
    }
    buf_finish(&target);
    buf_finish(&body);
}

static void assert_refused(const struct call *call)
{
    struct buf target, body;
    const char *method;
    struct err err = {ERR_NONE, ""};

    buf_init(&target, TARGET_MAX);
    buf_init(&body, TARGET_MAX);
    if (!iot_encode(call, &method, &target, &body, &err)) {
        fail_msg("encoded: %s", buf_string(&target));
    }
    assert_int_equal(err.code, ERR_INVALID);
    assert_true(err.msg[0]);
    buf_finish(&target);
    buf_finish(&body);
}

static void every_operation_has_its_wire_form(void **state)
{
    static const char *const expected[OPERATION_COUNT] = {
        [OPERATION_LIST_JOBS] = "/jobs?maxResults=50",
        [OPERATION_DESCRIBE_JOB] = "/jobs/fw-0001_a",
        [OPERATION_LIST_EXECUTIONS_FOR_JOB] = "/jobs/fw-0001_a/things?maxResults=50",
        [OPERATION_LIST_EXECUTIONS_FOR_THING] = "/things/plant%3A7-gw_1/jobs?maxResults=50",
        [OPERATION_LIST_THINGS] = "/things?maxResults=50",
        [OPERATION_LIST_THINGS_IN_GROUP] = "/thing-groups/north%3Aall/things?maxResults=50",
        [OPERATION_DESCRIBE_THING] = "/things/plant%3A7-gw_1",
        [OPERATION_SEARCH_INDEX] = "/indices/search",
        [OPERATION_DESCRIBE_EXECUTION] =
            "/things/plant%3A7-gw_1/jobs/fw-0001_a?executionNumber=9223372036854775807",
        [OPERATION_DELETE_EXECUTION] =
            "/things/plant%3A7-gw_1/jobs/fw-0001_a/executionNumber/9223372036854775807",
        [OPERATION_GET_CALLER_IDENTITY] = "/",
        [OPERATION_GET_SERVICE_QUOTA] = "/",
    };
    (void)state;

    for (int i = 0; i < OPERATION_COUNT; i++) {
        struct call call = example((enum operation)i);
        call.number = INT64_MAX;
        assert_target(&call,
                      i == OPERATION_DELETE_EXECUTION                                     ? "DELETE"
                      : i >= OPERATION_GET_CALLER_IDENTITY || i == OPERATION_SEARCH_INDEX ? "POST"
                                                                                          : "GET",
                      expected[i]);
    }
}

static void what_is_asked_for_goes_into_the_query(void **state)
{
    struct call call = example(OPERATION_LIST_JOBS);
    (void)state;

    call.job_status = JOB_COMPLETED;
    assert_target(&call, "GET", "/jobs?status=COMPLETED&maxResults=50");
    call = example(OPERATION_LIST_EXECUTIONS_FOR_JOB);
    call.status = EXECUTION_TIMED_OUT;
    assert_target(&call, "GET", "/jobs/fw-0001_a/things?status=TIMED_OUT&maxResults=50");
    call.operation = OPERATION_LIST_EXECUTIONS_FOR_THING;
    assert_target(&call, "GET", "/things/plant%3A7-gw_1/jobs?status=TIMED_OUT&maxResults=50");
    call = example(OPERATION_LIST_THINGS_IN_GROUP);
    call.recursive = true;
    assert_target(&call, "GET", "/thing-groups/north%3Aall/things?recursive=true&maxResults=50");
    call = example(OPERATION_DESCRIBE_EXECUTION);
    assert_target(&call, "GET", "/things/plant%3A7-gw_1/jobs/fw-0001_a");
    call = example(OPERATION_DELETE_EXECUTION);
    call.number = 1;
    call.force = true;
    assert_target(&call, "DELETE", "/things/plant%3A7-gw_1/jobs/fw-0001_a/executionNumber/1?force=true");
}

static void things_are_asked_for_by_type_and_attribute(void **state)
{
    struct call call = example(OPERATION_LIST_THINGS);
    (void)state;

    call.thing_type = "meter:2";
    assert_target(&call, "GET", "/things?maxResults=50&thingTypeName=meter%3A2");
    call.attribute_name = "a/b#c";
    call.attribute_value = "x=[1],@";
    assert_target(&call, "GET",
                  "/things?maxResults=50&attributeName=a%2Fb%23c&attributeValue=x%3D%5B1%5D%2C%40"
                  "&thingTypeName=meter%3A2");
    call.thing_type = "no type";
    assert_refused(&call);
}

static void assert_body(const struct call *call, const char *expected)
{
    struct buf target, body;
    const char *method;
    struct err err;

    buf_init(&target, TARGET_MAX);
    buf_init(&body, TARGET_MAX);
    assert_int_equal(iot_encode(call, &method, &target, &body, &err), 0);
    assert_string_equal(buf_string(&body), expected);
    buf_finish(&target);
    buf_finish(&body);
}

static void a_search_is_asked_in_json(void **state)
{
    struct call call = example(OPERATION_SEARCH_INDEX);
    (void)state;

    assert_body(&call, "{\"indexName\":\"AWS_Things\",\"queryString\":\"attributes.site:berlin\","
                       "\"maxResults\":50}");
    call.query = "a\"b\\c";
    call.next_token = (char[]){"t\"/\n="};
    assert_body(&call, "{\"indexName\":\"AWS_Things\",\"queryString\":\"a\\\"b\\\\c\","
                       "\"nextToken\":\"t\\\"/\\n=\",\"maxResults\":50}");
    call.max_results = SEARCH_MAX + 1;
    assert_refused(&call);
    call = example(OPERATION_SEARCH_INDEX);
    call.query = "";
    assert_refused(&call);
    call.query = NULL;
    assert_refused(&call);
    call.query = "\xff";
    assert_refused(&call);
}

static void tokens_with_odd_bytes_are_encoded_whole(void **state)
{
    struct call call = example(OPERATION_LIST_THINGS);
    (void)state;

    call.next_token = (char[]){"a+b/c==&force=true?#%\r\n \xc3\xbc\x7f"};
    assert_target(
        &call, "GET",
        "/things?maxResults=50&nextToken=a%2Bb%2Fc%3D%3D%26force%3Dtrue%3F%23%25%0D%0A%20%C3%BC%7F");
}

static void names_outside_their_pattern_never_leave(void **state)
{
    static const char *const bad[] = {"",    ".",      "..",         "../x", "a/b", "a%2fb", "a?force=true",
                                      "a b", "a\r\nb", "gr\xc3\xbc", "{}",   "a#b", "a&b"};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct call call = example(OPERATION_DELETE_EXECUTION);
        call.number = 1;
        text_copy(call.job_id, sizeof(call.job_id), bad[i]);
        assert_refused(&call);
        call = example(OPERATION_DELETE_EXECUTION);
        call.number = 1;
        text_copy(call.thing_name, sizeof(call.thing_name), bad[i]);
        assert_refused(&call);
        call = example(OPERATION_LIST_THINGS_IN_GROUP);
        text_copy(call.group_name, sizeof(call.group_name), bad[i]);
        assert_refused(&call);
    }
    struct call call = example(OPERATION_DESCRIBE_JOB);
    text_copy(call.job_id, sizeof(call.job_id), "a:b"); /* fine in a thing name only */
    assert_refused(&call);
}

static void numbers_outside_their_range_never_leave(void **state)
{
    struct call call = example(OPERATION_DELETE_EXECUTION);
    (void)state;

    call.number = 0;
    assert_refused(&call);
    call.number = -1;
    assert_refused(&call);
    call.operation = OPERATION_DESCRIBE_EXECUTION;
    assert_refused(&call);
    call = example(OPERATION_LIST_JOBS);
    call.max_results = 0;
    assert_refused(&call);
    call.max_results = PAGE_MAX + 1;
    assert_refused(&call);
    call = example(OPERATION_COUNT);
    assert_refused(&call);
}

static void a_token_over_its_bound_never_leaves(void **state)
{
    static char token[NEXT_TOKEN_MAX + 2];
    struct call call = example(OPERATION_LIST_JOBS);
    (void)state;

    memset(token, '/', NEXT_TOKEN_MAX);
    call.next_token = token;
    struct buf target, body;
    struct err err;
    const char *method;
    buf_init(&target, TARGET_MAX);
    buf_init(&body, TARGET_MAX);
    assert_int_equal(iot_encode(&call, &method, &target, &body, &err), 0);
    buf_finish(&target);

    buf_init(&target, NEXT_TOKEN_MAX); /* too small for what encoding makes of it */
    assert_int_equal(iot_encode(&call, &method, &target, &body, &err), -1);
    buf_finish(&target);
    call.operation = OPERATION_SEARCH_INDEX;
    call.query = "a";
    buf_init(&target, TARGET_MAX);
    buf_finish(&body);
    buf_init(&body, NEXT_TOKEN_MAX);
    assert_int_equal(iot_encode(&call, &method, &target, &body, &err), -1);
    buf_finish(&target);
    buf_finish(&body);
    call.operation = OPERATION_LIST_JOBS;

    token[NEXT_TOKEN_MAX] = '/';
    assert_refused(&call);
}

/* --- no force that was not asked for --- */

static const char *const PIECES[] = {"force", "=true", "?force=true", "&force=true",   "true", "a",
                                     "-",     "_",     ":",           "%26",           "/",    "..",
                                     "=",     "\n",    "9",           "%66orce%3Dtrue"};

static void random_text(struct random *random, char *out, size_t size)
{
    out[0] = '\0';
    for (uint64_t left = random_below(random, 5); left > 0; left--) {
        const char *piece = PIECES[random_below(random, sizeof(PIECES) / sizeof(PIECES[0]))];
        if (strlen(out) + strlen(piece) < size) {
            strcat(out, piece);
        }
    }
}

static void no_target_ever_forces_unless_asked(void **state)
{
    struct random random;
    const uint64_t start = seed_from((uint64_t)time(NULL));
    int encoded = 0;
    (void)state;

    random_seed(&random, start);
    for (int i = 0; i < 50000; i++) {
        struct call call;
        char token[64];
        struct buf target, body;
        const char *method;
        struct err err;

        call_init(&call, (enum operation)random_below(&random, OPERATION_COUNT));
        call.query = "force=true";
        call.attribute_name = call.attribute_value = "&force=true";
        random_text(&random, call.job_id, sizeof(call.job_id));
        random_text(&random, call.thing_name, sizeof(call.thing_name));
        random_text(&random, call.group_name, sizeof(call.group_name));
        random_text(&random, token, sizeof(token));
        call.next_token = random_below(&random, 2) ? token : NULL;
        call.recursive = random_below(&random, 2);
        call.number = (int64_t)random_below(&random, 3);
        call.force = random_below(&random, 4) == 0;
        buf_init(&target, TARGET_MAX);
        buf_init(&body, TARGET_MAX);
        if (!iot_encode(&call, &method, &target, &body, &err)) {
            const bool forces = strstr(buf_string(&target), "force=") != NULL;
            encoded++;
            assert_int_equal(forces, call.force && call.operation == OPERATION_DELETE_EXECUTION);
            assert_int_equal(strcspn(buf_string(&target), "\r\n #"), target.length);
        }
        buf_finish(&target);
        buf_finish(&body);
    }
    assert_true(encoded > 1000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_operation_has_its_wire_form),
    cmocka_unit_test(what_is_asked_for_goes_into_the_query),
    cmocka_unit_test(things_are_asked_for_by_type_and_attribute),
    cmocka_unit_test(a_search_is_asked_in_json),
    cmocka_unit_test(tokens_with_odd_bytes_are_encoded_whole),
    cmocka_unit_test(names_outside_their_pattern_never_leave),
    cmocka_unit_test(numbers_outside_their_range_never_leave),
    cmocka_unit_test(a_token_over_its_bound_never_leaves),
    cmocka_unit_test(no_target_ever_forces_unless_asked),
};

TAP_MAIN(tests)
