/* The policies that iotsim judges by. */
#include "sim/iotsim_iam.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define JOB "arn:aws:iot:eu-west-1:123456789012:job/fw-1"

static struct iam_policy *read_policy(const char *text, struct err *err)
{
    struct json_doc *doc = json_parse(text, strlen(text), err);
    struct iam_policy *policy = doc ? iam_policy_read(json_root(doc), err) : NULL;
    json_free(doc);
    return policy;
}

static void a_policy_allows_denies_or_says_nothing(void **state)
{
    static const struct {
        const char *statement; /* within {"Statement": ...} */
        enum iam_verdict verdict;
    } cases[] = {
#define ALLOW(action, resource) "{\"Effect\":\"Allow\",\"Action\":" action ",\"Resource\":" resource "}"
#define DENY(action, resource)  "{\"Effect\":\"Deny\",\"Action\":" action ",\"Resource\":" resource "}"
        {ALLOW("\"*\"", "\"*\""), IAM_ALLOWED},
        {ALLOW("\"iot:*\"", "\"*\""), IAM_ALLOWED},
        {ALLOW("\"iot:DeleteJobExecution\"", "\"" JOB "\""), IAM_ALLOWED},
        {ALLOW("\"IOT:deletejobexecution\"", "\"*\""), IAM_ALLOWED},
        {ALLOW("\"iot:Delete*Execution\"", "\"arn:aws:iot:*:123456789012:job/*\""), IAM_ALLOWED},
        {ALLOW("\"iot:DeleteJobExecutio?\"", "\"*job/fw-?\""), IAM_ALLOWED},
        {ALLOW("[\"iot:List*\",\"iot:Delete*\"]", "[\"x\",\"*:job/fw-1\"]"), IAM_ALLOWED},
        {ALLOW("\"iot:DeleteJobExecution?\"", "\"*\""), IAM_SILENT},
        {ALLOW("\"iot:DeleteJob\"", "\"*\""), IAM_SILENT},
        {ALLOW("\"iot:*\"", "\"*:job/FW-1\""), IAM_SILENT},
        {ALLOW("\"iot:*\"", "\"arn:aws:iot:eu-west-1:123456789012:thing/*\""), IAM_SILENT},
        {ALLOW("\"sts:*\"", "\"*\""), IAM_SILENT},
        {DENY("\"iot:*\"", "\"*\""), IAM_DENIED},
        {DENY("\"iot:List*\"", "\"*\""), IAM_SILENT},
        {"[" ALLOW("\"*\"", "\"*\"") "," DENY("\"iot:Delete*\"", "\"*\"") "]", IAM_DENIED},
        {"[" DENY("\"iot:Delete*\"", "\"*\"") "," ALLOW("\"*\"", "\"*\"") "]", IAM_DENIED},
        {"[" DENY("\"iot:Delete*\"", "\"*:job/other\"") "," ALLOW("\"*\"", "\"*\"") "]", IAM_ALLOWED},
        {"{\"Sid\":\"x\",\"Effect\":\"Allow\",\"Action\":\"**\",\"Resource\":\"a*:*:*1\"}", IAM_ALLOWED},
    };
    char text[1024];
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "{\"Version\":\"2012-10-17\",\"Statement\":%s}", cases[i].statement);
        struct iam_policy *policy = read_policy(text, &err);
        if (!policy || iam_judge(policy, "iot:DeleteJobExecution", JOB) != cases[i].verdict) {
            print_message("# %s: %s\n", text, policy ? "another verdict" : err.msg);
            fail();
        }
        iam_policy_free(policy);
    }
}

static void what_is_not_known_is_refused(void **state)
{
    static const char *const cases[] = {
        "1",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[1]}",
        "{\"Statement\":{}}",
        "{\"Version\":\"2026-01-01\",\"Statement\":" ALLOW("\"*\"", "\"*\"") "}",
        "{\"Version\":2012,\"Statement\":" ALLOW("\"*\"", "\"*\"") "}",
        "{\"Other\":1,\"Statement\":" ALLOW("\"*\"", "\"*\"") "}",
        "{\"Statement\":" ALLOW("\"\"", "\"*\"") "}",
        "{\"Statement\":" ALLOW("[]", "\"*\"") "}",
        "{\"Statement\":" ALLOW("\"*\"", "[1]") "}",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\"}}",
        "{\"Statement\":{\"Effect\":\"Permit\",\"Action\":\"*\",\"Resource\":\"*\"}}",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"NotAction\":\"a\"}}",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"NotResource\":\"a\"}}",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{}}}",
        "{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Principal\":\"*\"}}",
    };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct iam_policy *policy = read_policy(cases[i], &err);
        if (policy) {
            print_message("# taken: %s\n", cases[i]);
            fail();
        }
        assert_true(err.msg[0] != '\0');
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_policy_allows_denies_or_says_nothing),
    cmocka_unit_test(what_is_not_known_is_refused),
};

TAP_MAIN(tests)
