/* The decision on one execution, as tables; globs against a naive reference. */
#include "base/random.h"
#include "policy/glob.h"
#include "policy/match.h"
#include "seed.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000)
#define NOW (INT64_C(20000) * DAY)

static struct timestamp at(int64_t ms)
{
    struct timestamp timestamp = {.ms = ms};
    snprintf(timestamp.text, sizeof timestamp.text, "%lld.%03lld", (long long)(ms / 1000),
             (long long)(ms % 1000));
    return timestamp;
}

static struct policy policy_of(unsigned status_bits, int64_t older_than_ms)
{
    return (struct policy){.name = "p",
                           .match = {.status_bits = status_bits, .older_than_ms = older_than_ms}};
}

static struct job_execution execution_of(const char *job_id, const char *thing, enum execution_status status,
                                         int64_t updated_ms)
{
    struct job_execution execution = {.number = 1, .fingerprint = {.status = status}};
    snprintf(execution.job_id, sizeof execution.job_id, "%s", job_id);
    snprintf(execution.thing_name, sizeof execution.thing_name, "%s", thing);
    if (updated_ms != 0) {
        execution.fingerprint.last_updated_at = at(updated_ms);
    }
    return execution;
}

static void expect(const struct policy *policy, const struct job *job, const struct job_execution *execution,
                   bool delete, const char *reason)
{
    struct verdict verdict;
    struct match_facts facts = {.job = job};
    memset(&verdict, 0xff, sizeof verdict);
    policy_decide(policy, &facts, execution, NOW, &verdict);
    assert_string_equal(verdict.reason, reason);
    assert_int_equal(verdict.delete, delete);
}

static void only_terminal_statuses_that_are_listed_go(void **state)
{
    (void)state;
    static const struct {
        enum execution_status status;
        bool delete;
        const char *reason;
    } table[] = {
        {EXECUTION_UNKNOWN, false, "status UNKNOWN is not terminal"},
        {EXECUTION_QUEUED, false, "status QUEUED is not terminal"},
        {EXECUTION_IN_PROGRESS, false, "status IN_PROGRESS is not terminal"},
        {EXECUTION_SUCCEEDED, true, "status SUCCEEDED, age over 30d"},
        {EXECUTION_FAILED, false, "status FAILED not listed"},
        {EXECUTION_TIMED_OUT, true, "status TIMED_OUT, age over 30d"},
        {EXECUTION_REJECTED, false, "status REJECTED not listed"},
        {EXECUTION_REMOVED, false, "status REMOVED not listed"},
        {EXECUTION_CANCELED, false, "status CANCELED not listed"},
    };
    struct policy policy =
        policy_of(EXECUTION_BIT(EXECUTION_SUCCEEDED) | EXECUTION_BIT(EXECUTION_TIMED_OUT), 30 * DAY);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct job_execution execution = execution_of("j", "t", table[i].status, NOW - 31 * DAY);
        expect(&policy, NULL, &execution, table[i].delete, table[i].reason);
    }
}

static void bits_of_other_statuses_never_delete(void **state)
{
    (void)state;
    struct policy policy = policy_of(~0u, 30 * DAY);
    for (int status = EXECUTION_UNKNOWN; status <= EXECUTION_IN_PROGRESS; status++) {
        struct verdict verdict;
        struct job_execution execution =
            execution_of("j", "t", (enum execution_status)status, NOW - 31 * DAY);
        policy_decide(&policy, NULL, &execution, NOW, &verdict);
        assert_false(verdict.delete);
    }
}

static void force_lets_listed_running_ones_go_and_no_others(void **state)
{
    (void)state;
    static const struct {
        enum execution_status status;
        unsigned bits;
        bool delete, force;
        const char *reason;
    } table[] = {
        {EXECUTION_UNKNOWN, ~0u, false, false, "status UNKNOWN is not terminal"},
        {EXECUTION_QUEUED, ~0u, false, false, "status QUEUED is not terminal"},
        {EXECUTION_IN_PROGRESS, ~0u, true, true, "status IN_PROGRESS (force), age over 30d"},
        {EXECUTION_IN_PROGRESS, EXECUTION_TERMINAL_BITS, false, false, "status IN_PROGRESS not listed"},
        {EXECUTION_SUCCEEDED, ~0u, true, false, "status SUCCEEDED, age over 30d"},
        {EXECUTION_TIMED_OUT, ~0u, true, false, "status TIMED_OUT, age over 30d"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct policy policy = policy_of(table[i].bits, 30 * DAY);
        struct job_execution execution = execution_of("j", "t", table[i].status, NOW - 31 * DAY);
        struct verdict verdict = {.force = true};
        policy.force = true;
        policy_decide(&policy, NULL, &execution, NOW, &verdict);
        assert_int_equal(verdict.force, table[i].force);
        expect(&policy, NULL, &execution, table[i].delete, table[i].reason);
    }
}

static void age_counts_from_the_chosen_time(void **state)
{
    (void)state;
    static const struct {
        int64_t updated_ms;
        bool delete;
        const char *reason;
    } table[] = {
        {NOW - 30 * DAY - 1, true, "status FAILED, age over 30d"},
        {NOW - 30 * DAY, false, "last_updated_at not over 30d ago"},
        {NOW - 1, false, "last_updated_at not over 30d ago"},
        {NOW, false, "last_updated_at not over 30d ago"},
        {NOW + 300000, false, "last_updated_at not over 30d ago"},
        {NOW + 300001, false, "last_updated_at in the future"},
        {INT64_MAX - DAY, false, "last_updated_at in the future"},
        {0, false, "no last_updated_at"},
    };
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, 30 * DAY);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, table[i].updated_ms);
        expect(&policy, NULL, &execution, table[i].delete, table[i].reason);
    }
}

static void other_age_fields_are_named_in_the_reason(void **state)
{
    (void)state;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, 90 * 60000);
    struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, NOW);
    execution.fingerprint.queued_at = at(NOW - 2 * DAY);
    policy.match.age_field = AGE_QUEUED_AT;
    expect(&policy, NULL, &execution, true, "status FAILED, queued_at over 1h30m");
    policy.match.age_field = AGE_STARTED_AT;
    expect(&policy, NULL, &execution, false, "no started_at");
    execution.fingerprint.started_at = at(NOW - DAY);
    expect(&policy, NULL, &execution, true, "status FAILED, started_at over 1h30m");
}

static void any_time_in_the_future_keeps_the_execution(void **state)
{
    (void)state;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, NOW - 2 * DAY);
    execution.fingerprint.queued_at = at(NOW + DAY);
    expect(&policy, NULL, &execution, false, "queued_at in the future");
}

static void a_clock_that_says_nothing_keeps_everything(void **state)
{
    (void)state;
    struct verdict verdict;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, NOW - 2 * DAY);
    policy_decide(&policy, NULL, &execution, 0, &verdict);
    assert_false(verdict.delete);
}

static void a_policy_without_age_deletes_nothing(void **state)
{
    (void)state;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, 0);
    struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, NOW - 2 * DAY);
    expect(&policy, NULL, &execution, false, "the policy has no age");
}

#define LIST(...)                                                                                            \
    {                                                                                                        \
        .patterns = (char **)(const char *[]){__VA_ARGS__},                                                  \
        .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)                                      \
    }

static void names_must_be_included_and_not_excluded(void **state)
{
    (void)state;
    static const struct {
        const char *job_id, *thing;
        bool delete;
        const char *reason;
    } table[] = {
        {"fw-1", "gw-1", true, "status FAILED, age over 1d"},
        {"FW-1", "gw-1", false, "job_id not included"},
        {"xfw-1", "gw-1", false, "job_id not included"},
        {"fw-golden-2", "gw-1", false, "job_id excluded by fw-golden-*"},
        {"fw-1", "gw:1", false, "thing not included"},
        {"fw-1", "gw-9", false, "thing excluded by *9"},
        {"fw-1", "lab", true, "status FAILED, age over 1d"},
    };
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    policy.match.job_id.include = (struct pattern_list)LIST("fw-*");
    policy.match.job_id.exclude = (struct pattern_list)LIST("fw-golden-*");
    policy.match.thing.include = (struct pattern_list)LIST("gw-?", "lab");
    policy.match.thing.exclude = (struct pattern_list)LIST("*9");
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct job_execution execution =
            execution_of(table[i].job_id, table[i].thing, EXECUTION_FAILED, NOW - 2 * DAY);
        expect(&policy, NULL, &execution, table[i].delete, table[i].reason);
        bool thing_wanted = table[i].delete || strncmp(table[i].reason, "job", 3) == 0;
        assert_int_equal(policy_wants_thing(&policy, NULL, table[i].thing), thing_wanted);
    }
}

static void a_long_pattern_does_not_overflow_the_reason(void **state)
{
    (void)state;
    char pattern[257];
    memset(pattern, '*', 256);
    pattern[256] = '\0';
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    policy.match.thing.exclude = (struct pattern_list)LIST(pattern);
    struct verdict verdict;
    struct job_execution execution = execution_of("j", "t", EXECUTION_FAILED, NOW - 2 * DAY);
    policy_decide(&policy, NULL, &execution, NOW, &verdict);
    assert_false(verdict.delete);
    assert_int_equal(strlen(verdict.reason), PLAN_REASON_MAX);
}

/* include: one pattern, NULL for none. */
static const struct job_case {
    const char *job_id;
    enum job_status status;
    bool continuous;
    const char *namespace_id, *include;
    const char *reason; /* NULL: wanted */
} JOBS[] = {
    {"fw-1", JOB_IN_PROGRESS, false, "", NULL, NULL},
    {"fw-1", JOB_COMPLETED, true, "", NULL, NULL},
    {"fw-1", JOB_CANCELED, true, "", NULL, NULL},
    {"fw-1", JOB_DELETION_IN_PROGRESS, true, "", NULL, NULL},
    {"fw-1", JOB_IN_PROGRESS, true, "", NULL, "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_SCHEDULED, true, "", NULL, "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_UNKNOWN, true, "", NULL, "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_IN_PROGRESS, true, "", "fw-*", "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_IN_PROGRESS, true, "", "fw-?", "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_IN_PROGRESS, true, "", "*", "running CONTINUOUS job, not named by its id"},
    {"fw-1", JOB_IN_PROGRESS, true, "", "fw-1", NULL},
    {"fw-1", JOB_COMPLETED, false, "aws-gg", NULL, "job of namespace aws-gg, not named by its id"},
    {"fw-1", JOB_COMPLETED, false, "aws-gg", "fw*", "job of namespace aws-gg, not named by its id"},
    {"fw-1", JOB_COMPLETED, false, "aws-gg", "fw-1", NULL},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", NULL, "AFR_OTA- job, not named"},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "*", "AFR_OTA- job, not named"},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "AFR_*", "AFR_OTA- job, not named"},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "AFR_OTA?1", "AFR_OTA- job, not named"},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "AFR_OTA-*", NULL},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "AFR_OTA-1", NULL},
    {"AFR_OTA-1", JOB_COMPLETED, false, "", "AFR_OTA-2", "job_id not included"},
    {"AFR_OTA-1", JOB_IN_PROGRESS, true, "", "AFR_OTA-*", "running CONTINUOUS job, not named by its id"},
    {"AFR_OTA-1", JOB_COMPLETED, false, "ns", "AFR_OTA-*", "job of namespace ns, not named by its id"},
    {"AFR_OTA-1", JOB_IN_PROGRESS, true, "ns", "AFR_OTA-1", NULL},
    {"AFR_OTA", JOB_COMPLETED, false, "", NULL, NULL},
    {"afr_ota-1", JOB_COMPLETED, false, "", NULL, NULL},
};

static void reserved_jobs_are_left_out_unless_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof JOBS / sizeof JOBS[0]; i++) {
        const struct job_case *row = &JOBS[i];
        char *patterns[] = {(char *)row->include};
        struct job job = {.status = row->status, .continuous = row->continuous};
        struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
        struct job_execution execution = execution_of(row->job_id, "t", EXECUTION_FAILED, NOW - 2 * DAY);
        snprintf(job.job_id, sizeof job.job_id, "%s", row->job_id);
        snprintf(job.namespace_id, sizeof job.namespace_id, "%s", row->namespace_id);
        policy.match.job_id.include =
            (struct pattern_list){.patterns = patterns, .count = row->include != NULL};
        assert_int_equal(policy_wants_job(&policy, &job), row->reason == NULL);
        expect(&policy, &job, &execution, row->reason == NULL,
               row->reason != NULL ? row->reason : "status FAILED, age over 1d");
    }
}

static void exclude_beats_a_literal_name(void **state)
{
    (void)state;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    policy.match.job_id.include = (struct pattern_list)LIST("fw-1");
    policy.match.job_id.exclude = (struct pattern_list)LIST("fw-*");
    struct job job = {.job_id = "fw-1", .status = JOB_COMPLETED};
    assert_false(policy_wants_job(&policy, &job));
}

static void an_unknown_job_is_judged_by_its_id_alone(void **state)
{
    (void)state;
    struct policy policy = policy_of(EXECUTION_TERMINAL_BITS, DAY);
    struct job_execution execution = execution_of("AFR_OTA-7", "t", EXECUTION_FAILED, NOW - 2 * DAY);
    expect(&policy, NULL, &execution, false, "AFR_OTA- job, not named");
    struct job other = {.job_id = "other", .status = JOB_COMPLETED};
    expect(&policy, &other, &execution, false, "AFR_OTA- job, not named");
}

static void globs_match_whole_strings(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } table[] = {
        {"", "", true},           {"", "a", false},     {"*", "", true},       {"*", "abc", true},
        {"?", "", false},         {"?", "a", true},     {"?", "ab", false},    {"a", "a", true},
        {"a", "A", false},        {"a*", "a", true},    {"a*", "ba", false},   {"*a", "ba", true},
        {"*a", "ab", false},      {"a*b", "ab", true},  {"a*b", "axxb", true}, {"a*b", "axxbx", false},
        {"**", "x", true},        {"a**b", "ab", true}, {"*?", "", false},     {"*?", "a", true},
        {"?*?", "a", false},      {"?*?", "ab", true},  {"*ab*", "aab", true}, {"*aab", "aaab", true},
        {"a.c", "abc", false},    {"[ab]", "a", false}, {"a\\*", "a*", false}, {"*-*-*", "a-b", false},
        {"*-*-*", "a-b-c", true}, {"*.*", "a", false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(glob_match(table[i].pattern, table[i].text), table[i].match);
    }
    assert_true(glob_literal("a-b_c:d"));
    assert_false(glob_literal("a*"));
    assert_false(glob_literal("a?"));
}

/* The definition itself; exponential, for short strings. */
static bool naive_match(const char *pattern, const char *text)
{
    if (*pattern == '\0') {
        return *text == '\0';
    }
    if (*pattern == '*') {
        return naive_match(pattern + 1, text) || (*text != '\0' && naive_match(pattern, text + 1));
    }
    return *text != '\0' && (*pattern == '?' || *pattern == *text) && naive_match(pattern + 1, text + 1);
}

static void random_text(struct random *random, const char *letters, size_t max, char *out)
{
    size_t length = random_below(random, max + 1);
    for (size_t i = 0; i < length; i++) {
        out[i] = letters[random_below(random, strlen(letters))];
    }
    out[length] = '\0';
}

static void globs_agree_with_the_definition(void **state)
{
    (void)state;
    struct random random;
    int matches = 0;
    random_seed(&random, seed_from(20261124));
    for (int i = 0; i < 200000; i++) {
        char pattern[9], text[11];
        random_text(&random, "ab*?*", 8, pattern);
        random_text(&random, "ab", 10, text);
        bool wanted = naive_match(pattern, text);
        matches += wanted;
        if (glob_match(pattern, text) != wanted) {
            fail_msg("pattern '%s', text '%s'", pattern, text);
        }
    }
    assert_in_range(matches, 20000, 180000);
}

static void many_stars_do_not_explode(void **state)
{
    (void)state;
    char text[129];
    memset(text, 'a', 128);
    text[128] = '\0';
    /* The definition would need more steps than there are atoms. */
    assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_terminal_statuses_that_are_listed_go),
    cmocka_unit_test(bits_of_other_statuses_never_delete),
    cmocka_unit_test(force_lets_listed_running_ones_go_and_no_others),
    cmocka_unit_test(age_counts_from_the_chosen_time),
    cmocka_unit_test(other_age_fields_are_named_in_the_reason),
    cmocka_unit_test(any_time_in_the_future_keeps_the_execution),
    cmocka_unit_test(a_clock_that_says_nothing_keeps_everything),
    cmocka_unit_test(a_policy_without_age_deletes_nothing),
    cmocka_unit_test(names_must_be_included_and_not_excluded),
    cmocka_unit_test(a_long_pattern_does_not_overflow_the_reason),
    cmocka_unit_test(reserved_jobs_are_left_out_unless_named),
    cmocka_unit_test(exclude_beats_a_literal_name),
    cmocka_unit_test(an_unknown_job_is_judged_by_its_id_alone),
    cmocka_unit_test(globs_match_whole_strings),
    cmocka_unit_test(globs_agree_with_the_definition),
    cmocka_unit_test(many_stars_do_not_explode),
};

TAP_MAIN(tests)
