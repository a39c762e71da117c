/* Names, states, times and fingerprints. */
#include "model/partition.h"
#include "tap.h"

#include "model/call.h"
#include "model/job_execution.h"
#include "model/outcome.h"

#include <string.h>

static void names_keep_to_their_patterns(void **state)
{
    static const char *const good_things[] = {"a", "gw:1", "A_b-9", ":::"};
    static const char *const bad_things[] = {"",    "..",         "a/b",   "a b", "a%2e",
                                             "a.b", "gr\xc3\xbc", "a\r\n", "{}",  "a?force=true"};
    char longest[THING_NAME_MAX + 2];
    (void)state;
    for (size_t i = 0; i < sizeof good_things / sizeof good_things[0]; i++) {
        assert_true(thing_name_valid(good_things[i]));
    }
    for (size_t i = 0; i < sizeof bad_things / sizeof bad_things[0]; i++) {
        assert_false(thing_name_valid(bad_things[i]));
        assert_false(job_id_valid(bad_things[i]));
    }
    memset(longest, 'x', sizeof longest);
    longest[THING_NAME_MAX + 1] = '\0';
    assert_false(thing_name_valid(longest));
    longest[THING_NAME_MAX] = '\0';
    assert_true(thing_name_valid(longest));
    longest[JOB_ID_MAX + 1] = '\0';
    assert_false(job_id_valid(longest));
    longest[JOB_ID_MAX] = '\0';
    assert_true(job_id_valid(longest));
    assert_false(job_id_valid("a:b"));
}

static void a_region_can_never_name_another_host(void **state)
{
    static const char *const bad[] = {
        "", "eu-west-1.evil.com", "-eu", "eu-", "EU-WEST-1", "eu west", "eu/west", "a@b"};
    (void)state;
    assert_true(region_valid("eu-west-1"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(region_valid(bad[i]));
    }
    assert_true(account_id_valid("123456789012"));
    assert_false(account_id_valid("12345678901"));
    assert_false(account_id_valid("1234567890123"));
    assert_false(account_id_valid("12345678901x"));
}

static void only_six_states_are_terminal(void **state)
{
    int terminal = 0;
    (void)state;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        terminal += execution_status_terminal((enum execution_status)status);
        if (status != EXECUTION_UNKNOWN) {
            assert_int_equal(execution_status_parse(execution_status_name((enum execution_status)status)),
                             status);
        }
    }
    assert_int_equal(terminal, 6);
    assert_false(execution_status_terminal(EXECUTION_QUEUED));
    assert_false(execution_status_terminal(EXECUTION_IN_PROGRESS));
    assert_false(execution_status_terminal(EXECUTION_UNKNOWN));
    assert_int_equal(execution_status_parse("UNKNOWN"), EXECUTION_UNKNOWN);
    assert_int_equal(execution_status_parse("succeeded"), EXECUTION_UNKNOWN);
    assert_int_equal(job_status_parse("DELETION_IN_PROGRESS"), JOB_DELETION_IN_PROGRESS);
    assert_int_equal(job_status_parse("GONE"), JOB_UNKNOWN);
}

static void times_keep_their_text_and_give_milliseconds(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1560787023.636", INT64_C(1560787023636)}, {"1.621884415241E9", INT64_C(1621884415241)},
                {"1621884415", INT64_C(1621884415000)},     {"0.001", 1},
                {"16e8", INT64_C(1600000000000)},           {"1560787023.6369", INT64_C(1560787023636)},
                {"9999999999.999", INT64_C(9999999999999)}};
    static const char *const bad[] = {"",
                                      "0",
                                      "-1",
                                      "NaN",
                                      "Infinity",
                                      "1e308",
                                      "1e-9",
                                      "1560787023636",
                                      ".5",
                                      "5.",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "\"1\"",
                                      "1 ",
                                      "1e99999999999999999999",
                                      "0.0001",
                                      "10000000000",
                                      "1.6218844152410000000000000000000E9"};
    struct timestamp timestamp;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(timestamp_parse(good[i].text, &timestamp));
        assert_true(timestamp.ms == good[i].ms);
        assert_string_equal(timestamp.text, good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(timestamp_parse(bad[i], &timestamp));
        assert_false(timestamp_present(&timestamp));
    }
}

static struct fingerprint example(void)
{
    struct fingerprint fingerprint = {.status = EXECUTION_FAILED, .version_number = 3};
    timestamp_parse("1560787023.636", &fingerprint.queued_at);
    timestamp_parse("1560787024", &fingerprint.started_at);
    timestamp_parse("1560787025.1", &fingerprint.last_updated_at);
    return fingerprint;
}

static void every_field_of_a_fingerprint_counts(void **state)
{
    struct fingerprint a = example(), b = example();
    (void)state;
    assert_null(fingerprint_difference(&a, &b));
    b.status = EXECUTION_SUCCEEDED;
    assert_string_equal(fingerprint_difference(&a, &b), "status");
    b = example();
    timestamp_parse("1560787023.6360", &b.queued_at); /* the same moment, another text */
    assert_string_equal(fingerprint_difference(&a, &b), "queuedAt");
    b = example();
    b.started_at = (struct timestamp){0};
    assert_string_equal(fingerprint_difference(&a, &b), "startedAt");
    b = example();
    timestamp_parse("1560787025.2", &b.last_updated_at);
    assert_string_equal(fingerprint_difference(&a, &b), "lastUpdatedAt");
    b = example();
    b.version_number = 4;
    assert_string_equal(fingerprint_difference(&a, &b), "versionNumber");
    b.version_number = 0; /* a list does not tell it */
    assert_null(fingerprint_difference(&a, &b));
}

static void each_region_has_its_partition(void **state)
{
    static const struct {
        const char *region, *partition;
    } rows[] = {
        {"eu-west-1", "aws"},
        {"cn-north-1", "aws-cn"},
        {"us-gov-west-1", "aws-us-gov"},
        {"us-iso-east-1", "aws-iso"},
        {"us-isob-east-1", "aws-iso-b"},
        {"eu-isoe-west-1", "aws-iso-e"},
        {"us-isof-south-1", "aws-iso-f"},
        {"eusc-de-east-1", "aws-eusc"},
        {"aws-cn-global", "aws-cn"},
        {"", "aws"},
        {"xx-new-1", "aws"},
        {"eusc-fr-east-1", "aws"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(partition_of_region(rows[i].region), rows[i].partition);
    }
}

static void a_region_that_is_nearly_another_is_taken_for_a_mistake(void **state)
{
    static const struct {
        const char *region, *meant;
    } rows[] = {
        {"eu-wets-1", "eu-west-1"},
        {"ue-west-1", "eu-west-1"},
        {"us-east-1a", "us-east-1"},
        {"euwest-1", "eu-west-1"},
        {"ap-southeast", "ap-southeast-1"},
        {"us-gov-wes-1", "us-gov-west-1"},
        {"eu-west-1", NULL},
        {"eu-west-9", NULL},      /* in a place that is known */
        {"mx-southwest-1", NULL}, /* in an area that is known */
        {"xx-newplace-1", NULL},  /* far from all */
        {"fips-us-east-1", NULL},
        {"aws-global", NULL},
        {"local", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *meant = partition_mistaken_region(rows[i].region);
        assert_int_equal(meant == NULL, rows[i].meant == NULL);
        if (meant != NULL) {
            assert_string_equal(meant, rows[i].meant);
        }
    }
}

static void operations_and_outcomes_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < OPERATION_COUNT; i++) {
        assert_int_equal(operation_parse(operation_name((enum operation)i)), i);
        assert_true(operation_default_quota((enum operation)i) > 0);
    }
    assert_int_equal(operation_parse("deleteJobExecution"), OPERATION_COUNT);
    assert_false(operation_is_read(OPERATION_DELETE_EXECUTION));
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        assert_non_null(outcome_name((enum outcome)i));
    }
    for (int i = 0; i < ANSWER_CLASS_COUNT; i++) {
        assert_non_null(answer_class_name((enum answer_class)i));
    }
}

static void where_no_credentials_could_be_had_their_sentence_stands_alone(void **state)
{
    struct call call;
    struct err err;
    (void)state;
    call_init(&call, OPERATION_GET_CALLER_IDENTITY);
    call.answer.class = ANSWER_DENIED;
    strcpy(call.answer.code, "NoCredentials");
    strcpy(call.answer.message, "profile 'ops' is not known");
    assert_true(call_lacked_credentials(&call));
    assert_int_equal(call_error(&call, &err), -1);
    assert_int_equal(err.code, ERR_CREDENTIALS);
    assert_string_equal(err.msg, "profile 'ops' is not known");
    call.answer.http_status = 403; /* a service's own word */
    assert_false(call_lacked_credentials(&call));
    call_error(&call, &err);
    assert_string_equal(err.msg, "GetCallerIdentity: NoCredentials: profile 'ops' is not known");
    call_finish(&call);
}

static void a_call_moves_on_to_its_next_page(void **state)
{
    struct call call;
    (void)state;
    call_init(&call, OPERATION_LIST_JOBS);
    assert_int_equal(call.max_results, PAGE_MAX);
    call.page.next_token = strdup("t1");
    call.page.jobs = calloc(1, sizeof *call.page.jobs);
    call.page.count = 1;
    call_next_page(&call);
    assert_string_equal(call.next_token, "t1");
    assert_null(call.page.jobs);
    assert_int_equal(call.page.count, 0);
    call_next_page(&call);
    assert_null(call.next_token);
    call_finish(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_keep_to_their_patterns),
        cmocka_unit_test(a_region_can_never_name_another_host),
        cmocka_unit_test(only_six_states_are_terminal),
        cmocka_unit_test(times_keep_their_text_and_give_milliseconds),
        cmocka_unit_test(every_field_of_a_fingerprint_counts),
        cmocka_unit_test(each_region_has_its_partition),
        cmocka_unit_test(a_region_that_is_nearly_another_is_taken_for_a_mistake),
        cmocka_unit_test(operations_and_outcomes_have_names),
        cmocka_unit_test(where_no_credentials_could_be_had_their_sentence_stands_alone),
        cmocka_unit_test(a_call_moves_on_to_its_next_page),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
