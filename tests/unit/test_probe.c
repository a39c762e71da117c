/* The calls of `check --online`. */
#include "app/probe.h"

#include "policy/glob.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static uint64_t counted;

static uint64_t next_number(void *ctx)
{
    (void)ctx;
    return ++counted * 0x9e3779b97f4a7c15U;
}

static struct iam_scope scope_of(const struct policy *policy, bool deletes)
{
    return (struct iam_scope){.policy = policy,
                              .partition = "aws",
                              .region = "eu-west-1",
                              .account = "123456789012",
                              .deletes = deletes};
}

static void a_name_fits_its_pattern_and_the_length_of_names(void **state)
{
    static const struct {
        const char *pattern;
        bool made_up;
    } cases[] = {
        {"fw-1", false},
        {"*", true},
        {"fw-*", true},
        {"*-fw-*-x", true},
        {"gw-?", true},
        {"??????", true},
        {"**", true},
        {"a*b?c*", true},
        {"fw-0123456789012345678901234567890123456789012345678901234567*", true},
        {"0123456789012345678901234567890123456789012345678901234567890123", false},
        {"0123456789012345678901234567890123456789012345678901234567890123*", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[JOB_ID_MAX + 1];
        bool made_up = probe_name(cases[i].pattern, JOB_ID_MAX, next_number(NULL), name);
        assert_true(job_id_valid(name));
        if (strlen(cases[i].pattern) <= JOB_ID_MAX) {
            assert_int_equal(made_up, cases[i].made_up);
            assert_true(glob_match(cases[i].pattern, name));
        }
    }
}

static void two_names_of_a_pattern_differ(void **state)
{
    char a[JOB_ID_MAX + 1], b[JOB_ID_MAX + 1];
    (void)state;
    probe_name("fw-*", JOB_ID_MAX, next_number(NULL), a);
    probe_name("fw-*", JOB_ID_MAX, next_number(NULL), b);
    assert_string_not_equal(a, b);
}

static const struct probe *find(const struct probe_list *list, enum operation operation, const char *resource)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->probes[i].operation == operation && strcmp(list->probes[i].resource, resource) == 0) {
            return &list->probes[i];
        }
    }
    fail_msg("%s on %s is not asked", operation_name(operation), resource);
    return NULL;
}

static void no_deletion_is_ever_among_the_calls(void **state)
{
    char job[] = "fw-1", *jobs[] = {job}, thing[] = "gw-1", *things[] = {thing};
    const struct policy policy = {
        .enforce = true, .match = {.job_id = {.include = {jobs, 1}}, .thing = {.include = {things, 1}}}};
    const struct iam_scope scope = scope_of(&policy, true);
    struct probe_list list;
    (void)state;
    probe_list_init(&list, &scope, 1, next_number, NULL);
    assert_true(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        struct call call;
        probe_ask(&list.probes[i], &call);
        assert_true(operation_is_read(call.operation));
        assert_false(call.force);
        call_finish(&call);
    }
    assert_true(list.needed[OPERATION_DELETE_EXECUTION]);
    find(&list, OPERATION_DESCRIBE_EXECUTION, "job/fw-1 and thing/gw-1");
    probe_list_finish(&list);
}

static void each_job_and_each_thing_is_asked_for_once(void **state)
{
    char a[] = "a-*", b[] = "b-*", c[] = "c", *jobs[] = {a, b, c}, thing[] = "gw-?", *things[] = {thing};
    const struct policy policy = {
        .enforce = true, .match = {.job_id = {.include = {jobs, 3}}, .thing = {.include = {things, 1}}}};
    const struct iam_scope scopes[] = {scope_of(&policy, true), scope_of(&policy, true)};
    struct probe_list list;
    (void)state;
    probe_list_init(&list, scopes, 2, next_number, NULL);
    find(&list, OPERATION_LIST_JOBS, "*");
    find(&list, OPERATION_DESCRIBE_JOB, "job/a-*");
    find(&list, OPERATION_DESCRIBE_EXECUTION, "job/a-* and thing/gw-?");
    find(&list, OPERATION_DESCRIBE_EXECUTION, "job/b-* and thing/gw-?");
    assert_true(find(&list, OPERATION_DESCRIBE_JOB, "job/b-*")->made_up);
    assert_false(find(&list, OPERATION_DESCRIBE_JOB, "job/c")->made_up);
    /* ListJobs, ListThings; DescribeJob, ListJobExecutionsForJob, DescribeJobExecution three times each;
     * ListJobExecutionsForThing */
    assert_int_equal(list.count, 12);
    probe_list_finish(&list);
}

static void what_is_answered_says_whether_the_call_is_allowed(void **state)
{
    static const struct {
        enum operation operation;
        enum answer_class class;
        enum probe_result result;
        enum exit_status status;
    } cases[] = {
        {OPERATION_DESCRIBE_JOB, ANSWER_DONE, PROBE_ALLOWED, EXIT_FINE},
        {OPERATION_DESCRIBE_JOB, ANSWER_GONE, PROBE_ALLOWED, EXIT_FINE},
        {OPERATION_DESCRIBE_JOB, ANSWER_DENIED, PROBE_DENIED, EXIT_DENIED},
        {OPERATION_DESCRIBE_JOB, ANSWER_EXPIRED, PROBE_DENIED, EXIT_DENIED},
        {OPERATION_DESCRIBE_JOB, ANSWER_NOT_SENT, PROBE_OPEN, EXIT_FAILED},
        {OPERATION_DESCRIBE_JOB, ANSWER_AMBIGUOUS, PROBE_OPEN, EXIT_FAILED},
        {OPERATION_DESCRIBE_JOB, ANSWER_SKEWED, PROBE_OPEN, EXIT_FAILED},
        {OPERATION_LIST_THINGS_IN_GROUP, ANSWER_GONE, PROBE_MISSING, EXIT_FAILED},
        {OPERATION_SEARCH_INDEX, ANSWER_INVALID, PROBE_MISSING, EXIT_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call call;
        struct probe probe = {
            .operation = cases[i].operation, .resource = "job/fw-*", .job_id = "fw-made-up"};
        probe_ask(&probe, &call);
        call.answer.class = cases[i].class;
        probe_take(&probe, &call);
        call_finish(&call);
        assert_int_equal(probe.result, cases[i].result);
        assert_int_equal(probe.status, cases[i].status);
        assert_int_equal(probe.err.code == ERR_NONE, cases[i].result == PROBE_ALLOWED);
        if (cases[i].result == PROBE_DENIED) { /* the pattern of the policy, not what was made up */
            assert_non_null(strstr(probe.err.msg, "iot:DescribeJob on job/fw-*: "));
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_name_fits_its_pattern_and_the_length_of_names),
    cmocka_unit_test(two_names_of_a_pattern_differ),
    cmocka_unit_test(no_deletion_is_ever_among_the_calls),
    cmocka_unit_test(each_job_and_each_thing_is_asked_for_once),
    cmocka_unit_test(what_is_answered_says_whether_the_call_is_allowed),
};

TAP_MAIN(tests)
