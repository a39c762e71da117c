/* What a document of policy/iam.h allows, by an evaluator of its own: all that a sweep of the policy would
 * call, and nothing outside of it. */
#include "seed.h"
#include "tap.h"

#include "aws/json.h"
#include "base/random.h"
#include "config_text.h"
#include "policy/glob.h"
#include "policy/iam.h"
#include "policy/match.h"

#include <stdio.h>
#include <string.h>

#define SITE  "arn:aws:iot:eu-west-1:123456789012:"
#define CASES 100
#define ROWS  40

/* --- an evaluator of IAM, as far as these documents go --- */

/* IAM's wildcards, in the plainest way there is. */
static bool fits(const char *pattern, const char *text)
{
    if (*pattern == '*') {
        return fits(pattern + 1, text) || (*text != '\0' && fits(pattern, text + 1));
    }
    if (*pattern == '\0' || *text == '\0') {
        return *pattern == *text;
    }
    return (*pattern == '?' || *pattern == *text) && fits(pattern + 1, text + 1);
}

/* A text, or any of a list of texts. */
static bool one_fits(const struct json_value *value, const char *text)
{
    if (json_string(value) != NULL) {
        return fits(json_string(value), text);
    }
    assert_true(json_is_array(value));
    for (size_t i = 0; i < json_count(value); i++) {
        if (fits(json_string(json_at(value, i)), text)) {
            return true;
        }
    }
    return false;
}

static bool decided(const struct json_value *statements, const char *effect, const char *action,
                    const char *resource)
{
    for (size_t i = 0; i < json_count(statements); i++) {
        const struct json_value *statement = json_at(statements, i);
        if (strcmp(json_string(json_get(statement, "Effect")), effect) == 0 &&
            one_fits(json_get(statement, "Action"), action) &&
            one_fits(json_get(statement, "Resource"), resource)) {
            return true;
        }
    }
    return false;
}

static bool allows(const char *document, const char *action, const char *resource)
{
    struct err err;
    struct json_doc *doc = json_parse(document, strlen(document), &err);
    assert_non_null(doc);
    assert_string_equal(json_string(json_get(json_root(doc), "Version")), "2012-10-17");
    const struct json_value *statements = json_get(json_root(doc), "Statement");
    bool allowed =
        decided(statements, "Allow", action, resource) && !decided(statements, "Deny", action, resource);
    json_free(doc);
    return allowed;
}

/* An action on an execution is authorised on its job and on its thing. */
static bool allows_both(const char *document, const char *action, const char *job, const char *thing)
{
    char job_arn[256], thing_arn[256];
    snprintf(job_arn, sizeof job_arn, SITE "job/%s", job);
    snprintf(thing_arn, sizeof thing_arn, SITE "thing/%s", thing);
    return allows(document, action, job_arn) && allows(document, action, thing_arn);
}

static bool allows_job(const char *document, const char *action, const char *job)
{
    char arn[256];
    snprintf(arn, sizeof arn, SITE "job/%s", job);
    return allows(document, action, arn);
}

static bool allows_thing(const char *document, const char *action, const char *thing)
{
    char arn[256];
    snprintf(arn, sizeof arn, SITE "thing/%s", thing);
    return allows(document, action, arn);
}

/* --- documents --- */

static struct iam_scope scope_of(const struct policy *policy)
{
    return (struct iam_scope){.policy = policy,
                              .partition = "aws",
                              .region = "eu-west-1",
                              .account = "123456789012",
                              .deletes = policy->enforce};
}

static const char *document_of(const struct iam_scope *scopes, size_t count, size_t max, unsigned *widened)
{
    static char text[1 << 20];
    struct buf out;
    buf_init(&out, sizeof text - 1);
    iam_print(scopes, count, false, max, &out, widened);
    assert_false(out.overflow);
    strcpy(text, buf_string(&out));
    buf_finish(&out);
    return text;
}

static struct config *policies(const char *text)
{
    char all[65536];
    snprintf(all, sizeof all,
             "version: 1\ntargets: {t: {account: \"123456789012\", region: eu-west-1}}\npolicies:\n%s", text);
    return config_from_text(all);
}

#define POLICY(name, match)                                                                                  \
    "  - {name: " name ", targets: [t], mode: enforce, match: {age: {older_than: 30d}" match "}}\n"

static void a_session_may_do_what_its_policy_needs_and_no_more(void **state)
{
    (void)state;
    struct config *config =
        policies(POLICY("p", ", job_id: {include: [\"fw-*\"], exclude: [\"fw-golden-*\"]}, thing: {include: "
                             "[\"gw-??\"], exclude: [gw-00]}"));
    struct iam_scope scope = scope_of(&config->policies[0]);
    const char *document = document_of(&scope, 1, IAM_SESSION_MAX, NULL);
    assert_string_equal(
        document,
        "{\"Version\":\"2012-10-17\",\"Statement\":["
        "{\"Effect\":\"Allow\",\"Action\":[\"iot:ListJobs\",\"iot:ListThings\"],\"Resource\":\"*\"},"
        "{\"Effect\":\"Allow\",\"Action\":[\"iot:DescribeJob\",\"iot:ListJobExecutionsForJob\"],\"Resource\":"
        "\"" SITE "job/fw-*\"},"
        "{\"Effect\":\"Allow\",\"Action\":\"iot:ListJobExecutionsForThing\",\"Resource\":\"" SITE
        "thing/gw-??\"},"
        "{\"Effect\":\"Allow\",\"Action\":[\"iot:DescribeJobExecution\",\"iot:DeleteJobExecution\"],"
        "\"Resource\":[\"" SITE "job/fw-*\",\"" SITE "thing/gw-??\"]},"
        "{\"Effect\":\"Deny\",\"Action\":\"iot:DeleteJobExecution\",\"Resource\":[\"" SITE
        "job/fw-golden-*\",\"" SITE "thing/gw-00\"]}]}");
    assert_true(allows_both(document, "iot:DeleteJobExecution", "fw-1", "gw-01"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "fw-golden-1", "gw-01"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "fw-1", "gw-00"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "fw-1", "gw-001"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "cfg-1", "gw-01"));
    assert_false(allows_job(document, "iot:DeleteJob", "fw-1"));
    assert_false(allows_job(document, "iot:CancelJob", "fw-1"));
    assert_false(allows_both(document, "iot:CancelJobExecution", "fw-1", "gw-01"));
    assert_false(allows(document, "iot:DescribeJob", "arn:aws:iot:us-east-1:123456789012:job/fw-1"));
    assert_false(allows(document, "iot:DescribeJob", "arn:aws:iot:eu-west-1:210987654321:job/fw-1"));
    assert_false(allows(document, "iot:DescribeJob", "arn:aws-cn:iot:eu-west-1:123456789012:job/fw-1"));
    config_unref(config);
}

static void where_nothing_is_deleted_the_session_cannot_delete(void **state)
{
    (void)state;
    struct config *config = policies(POLICY("p", ""));
    struct iam_scope scope = scope_of(&config->policies[0]);
    scope.deletes = false;
    const char *document = document_of(&scope, 1, IAM_SESSION_MAX, NULL);
    assert_null(strstr(document, "DeleteJobExecution"));
    assert_false(allows_both(document, "iot:DescribeJobExecution", "any", "any"));
    scope.settles = true; /* what an earlier run sent may be looked at, even where the policy has changed */
    document = document_of(&scope, 1, IAM_SESSION_MAX, NULL);
    assert_null(strstr(document, "DeleteJobExecution"));
    assert_true(allows_both(document, "iot:DescribeJobExecution", "any", "any"));
    config_unref(config);
    config = policies(POLICY("p", ", job_id: {include: [fw-*]}, thing: {include: [gw-*]}"));
    scope = scope_of(&config->policies[0]);
    scope.deletes = false;
    scope.explains = true; /* lists what the policy leaves out */
    document = document_of(&scope, 1, IAM_SESSION_MAX, NULL);
    assert_true(allows_job(document, "iot:DescribeJob", "any"));
    assert_true(allows_thing(document, "iot:ListJobExecutionsForThing", "any"));
    assert_null(strstr(document, "DeleteJobExecution"));
    config_unref(config);
}

static void an_unknown_account_or_region_is_any(void **state)
{
    (void)state;
    struct config *config = policies(POLICY("p", ""));
    struct iam_scope scope = scope_of(&config->policies[0]);
    scope.account = scope.region = "";
    scope.partition = "aws-cn";
    const char *document = document_of(&scope, 1, 0, NULL);
    assert_true(allows(document, "iot:DescribeJob", "arn:aws-cn:iot:cn-north-1:111111111111:job/x"));
    assert_false(allows(document, "iot:DescribeJob", "arn:aws:iot:eu-west-1:111111111111:job/x"));
    config_unref(config);
}

/* What one policy excludes another may delete: in one document only what both exclude is denied. */
static void policies_that_share_a_document_deny_what_all_of_them_exclude(void **state)
{
    (void)state;
    struct config *config =
        policies(POLICY("a", ", job_id: {exclude: [both, mine]}") POLICY("b", ", job_id: {exclude: [both]}"));
    struct iam_scope scopes[2] = {scope_of(&config->policies[0]), scope_of(&config->policies[1])};
    const char *document = document_of(scopes, 2, 0, NULL);
    assert_false(allows_both(document, "iot:DeleteJobExecution", "both", "t"));
    assert_true(allows_both(document, "iot:DeleteJobExecution", "mine", "t"));
    scopes[1].region = "us-east-1"; /* elsewhere it does not matter */
    document = document_of(scopes, 2, 0, NULL);
    assert_false(allows_both(document, "iot:DeleteJobExecution", "mine", "t"));
    scopes[1].region = ""; /* anywhere, so here too */
    document = document_of(scopes, 2, 0, NULL);
    assert_true(allows_both(document, "iot:DeleteJobExecution", "mine", "t"));
    config_unref(config);
}

static void blocks_of_any_of_bound_a_policy_if_each_of_them_does(void **state)
{
    (void)state;
    struct config *config = policies(
        POLICY("both", ", any_of: [{job_id: {include: [fw-*]}}, {any_of: [{job_id: {include: [cfg-*]}}]}]")
            POLICY("one", ", any_of: [{job_id: {include: [fw-*]}}, {thing: {include: [gw-*]}}]"));
    struct iam_scope scope = scope_of(&config->policies[0]);
    const char *document = document_of(&scope, 1, 0, NULL);
    assert_true(allows_both(document, "iot:DeleteJobExecution", "fw-1", "any"));
    assert_true(allows_both(document, "iot:DeleteJobExecution", "cfg-1", "any"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "other", "any"));
    scope = scope_of(&config->policies[1]);
    document = document_of(&scope, 1, 0, NULL);
    assert_true(allows_both(document, "iot:DeleteJobExecution", "other", "gw-1"));
    config_unref(config);
}

static void what_is_protected_for_good_is_denied(void **state)
{
    (void)state;
    struct config *config =
        policies(POLICY("p", "") "protect:\n"
                                 "  - {job_id: [audit-*]}\n"
                                 "  - {thing: [lab-*]}\n"
                                 "  - {job_id: [held-*], until: \"2099-01-01T00:00:00Z\"}\n"
                                 "  - {job_id: [pair-*], thing: [pair-*]}\n");
    struct iam_scope scope = scope_of(&config->policies[0]);
    const char *document = document_of(&scope, 1, 0, NULL);
    assert_false(allows_both(document, "iot:DeleteJobExecution", "audit-1", "gw"));
    assert_false(allows_both(document, "iot:DeleteJobExecution", "fw", "lab-1"));
    assert_true(allows_both(document, "iot:DescribeJobExecution", "audit-1", "lab-1"));
    assert_true(allows_both(document, "iot:DeleteJobExecution", "held-1", "gw"));
    assert_true(allows_both(document, "iot:DeleteJobExecution", "pair-1", "gw"));
    config_unref(config);
}

/* Patterns of which so many fit into the 2,048 characters of a session policy. */
static unsigned widened_with(const char *kind, const char *list, int count, const char **document)
{
    static char text[32768];
    size_t length = (size_t)snprintf(text, sizeof text, ", %s: {%s: [", kind, list);
    for (int i = 0; i < count; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%sa-pattern-of-some-length-%03d*",
                                   i > 0 ? ", " : "", i);
    }
    snprintf(text + length, sizeof text - length, "]}");
    char policy[33000];
    snprintf(policy, sizeof policy,
             "  - {name: p, targets: [t], mode: enforce, match: {age: {older_than: 30d}%s}}\n", text);
    struct config *config = policies(policy);
    struct iam_scope scope = scope_of(&config->policies[0]);
    unsigned widened;
    *document = document_of(&scope, 1, IAM_SESSION_MAX, &widened);
    assert_in_range(strlen(*document), 1, IAM_SESSION_MAX);
    config_unref(config);
    return widened;
}

static void what_does_not_fit_into_a_session_is_widened_and_told(void **state)
{
    (void)state;
    const char *document;
    assert_int_equal(widened_with("job_id", "exclude", 3, &document), 0);
    assert_int_equal(widened_with("job_id", "exclude", 60, &document), IAM_EXCLUDES);
    assert_null(strstr(document, "Deny"));
    assert_int_equal(widened_with("thing", "include", 60, &document), IAM_EXCLUDES | IAM_THINGS);
    assert_true(allows_both(document, "iot:DeleteJobExecution", "job", "thing"));
    assert_int_equal(widened_with("job_id", "include", 60, &document), IAM_EXCLUDES | IAM_JOBS);
    assert_true(allows_both(document, "iot:DeleteJobExecution", "job", "thing"));
    assert_false(allows(document, "iot:DeleteJobExecution", "arn:aws:iot:us-east-1:123456789012:job/job"));
}

/* Whoever teaches the engine another call must say here who may be asked for it. */
static void every_operation_of_the_engine_is_in_the_document(void **state)
{
    (void)state;
    char group[] = "site-berlin", *groups[] = {group}, query[] = "attributes.x:y";
    struct match none = {.query = query};
    struct policy policy = {.enforce = true,
                            .match = {.groups = {groups, 1}, .none_of = &none, .none_of_count = 1}};
    struct iam_scope scope = scope_of(&policy);
    const char *document = document_of(&scope, 1, 0, NULL);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        char action[64];
        snprintf(action, sizeof action, "\"iot:%s\"", operation_name((enum operation)i));
        if ((strstr(document, action) != NULL) != (i < OPERATION_GET_CALLER_IDENTITY)) {
            fail_msg("%s", action);
        }
    }
    assert_true(allows(document, "iot:ListThingsInThingGroup", SITE "thinggroup/site-berlin"));
    assert_false(allows(document, "iot:ListThingsInThingGroup", SITE "thinggroup/site-paris"));
    assert_true(allows(document, "iot:SearchIndex", SITE "index/AWS_Things"));
    assert_false(allows(document, "iot:SearchIndex", SITE "index/AWS_ThingGroups"));
    policy.match.none_of_count = 0; /* nobody asks for these then */
    document = document_of(&scope, 1, 0, NULL);
    assert_null(strstr(document, "SearchIndex"));
    assert_null(strstr(document, "DescribeThing"));
}

/* --- random policies and rows --- */

#define LISTS 8 /* of patterns: four of the policy, two of each block */

struct draw {
    struct random random;
    char patterns[LISTS][4][12];
    char *lists[LISTS][4];
    struct match blocks[2];
    struct policy policy;
};

static uint64_t below(struct draw *draw, uint64_t bound)
{
    return random_below(&draw->random, bound);
}

static void draw_text(struct draw *draw, const char *letters, char *to, size_t max)
{
    size_t length = 1 + below(draw, max);
    for (size_t i = 0; i < length; i++) {
        to[i] = letters[below(draw, strlen(letters))];
    }
    to[length] = '\0';
}

static void draw_list(struct draw *draw, int index, struct pattern_list *list)
{
    list->patterns = draw->lists[index];
    list->count = below(draw, 4);
    for (size_t i = 0; i < list->count; i++) {
        draw_text(draw, "ab*?-", draw->patterns[index][i], 4);
        draw->lists[index][i] = draw->patterns[index][i];
    }
}

static bool any_glob(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (glob_match(list->patterns[i], text)) {
            return true;
        }
    }
    return false;
}

static bool names(const struct name_match *match, const char *text)
{
    return (match->include.count == 0 || any_glob(&match->include, text)) && !any_glob(&match->exclude, text);
}

static void check_row(const char *document, const struct policy *policy, const char *job, const char *thing)
{
    struct job wanted = {0};
    strcpy(wanted.job_id, job);
    bool in_job = names(&policy->match.job_id, job), in_thing = names(&policy->match.thing, thing);
    if (policy->match.any_of_count == 0) {
        assert_int_equal(allows_both(document, "iot:DeleteJobExecution", job, thing), in_job && in_thing);
    } else if (!in_job || !in_thing) {
        assert_false(allows_both(document, "iot:DeleteJobExecution", job, thing));
    }
    if (policy_wants_job(policy, &wanted)) {
        assert_true(allows_job(document, "iot:DescribeJob", job));
        assert_true(allows_job(document, "iot:ListJobExecutionsForJob", job));
    }
    if (policy_wants_thing(policy, NULL, thing)) {
        assert_true(allows_thing(document, "iot:ListJobExecutionsForThing", thing));
    }
    if (policy_wants_job(policy, &wanted) && policy_wants_thing(policy, NULL, thing)) {
        assert_true(allows_both(document, "iot:DescribeJobExecution", job, thing));
        assert_true(allows_both(document, "iot:DeleteJobExecution", job, thing));
    }
}

static void documents_allow_exactly_what_their_policies_select(void **state)
{
    (void)state;
    static struct draw draw;
    uint64_t seed = seed_from(1);
    random_seed(&draw.random, seed);
    for (int i = 0; i < CASES; i++) {
        draw.policy = (struct policy){.enforce = true};
        draw_list(&draw, 0, &draw.policy.match.job_id.include);
        draw_list(&draw, 1, &draw.policy.match.job_id.exclude);
        draw_list(&draw, 2, &draw.policy.match.thing.include);
        draw_list(&draw, 3, &draw.policy.match.thing.exclude);
        draw_list(&draw, 4, &draw.blocks[0].job_id.include);
        draw_list(&draw, 5, &draw.blocks[0].thing.include);
        draw_list(&draw, 6, &draw.blocks[1].job_id.include);
        draw_list(&draw, 7, &draw.blocks[1].thing.exclude);
        draw.policy.match.any_of = draw.blocks;
        draw.policy.match.any_of_count = below(&draw, 3);
        struct iam_scope scope = scope_of(&draw.policy);
        unsigned widened;
        const char *document = document_of(&scope, 1, IAM_SESSION_MAX, &widened);
        assert_int_equal(widened, 0);
        for (int j = 0; j < ROWS; j++) {
            char job[8], thing[8];
            draw_text(&draw, "ab-", job, 4);
            draw_text(&draw, "ab-", thing, 4);
            check_row(document, &draw.policy, job, thing);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_session_may_do_what_its_policy_needs_and_no_more),
    cmocka_unit_test(where_nothing_is_deleted_the_session_cannot_delete),
    cmocka_unit_test(an_unknown_account_or_region_is_any),
    cmocka_unit_test(policies_that_share_a_document_deny_what_all_of_them_exclude),
    cmocka_unit_test(blocks_of_any_of_bound_a_policy_if_each_of_them_does),
    cmocka_unit_test(what_is_protected_for_good_is_denied),
    cmocka_unit_test(what_does_not_fit_into_a_session_is_widened_and_told),
    cmocka_unit_test(every_operation_of_the_engine_is_in_the_document),
    cmocka_unit_test(documents_allow_exactly_what_their_policies_select),
};

TAP_MAIN(tests)
