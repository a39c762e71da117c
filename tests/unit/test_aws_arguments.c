/* The command line of delete-job-execution, against what Python's argparse makes of the same words. */
#include "tap.h"

#include "argument_cases.h"

#include "app/aws_arguments.h"
#include "app/close_match.h"
#include "app/py_value.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 32

static void add(struct buf *out, const char *name, const char *value)
{
    if (value != NULL) {
        buf_printf(out, "%s%s=", out->length > 0 ? " " : "", name);
        buf_text(out, value);
    }
}

static void add_flag(struct buf *out, const char *name, bool on)
{
    if (on) {
        buf_printf(out, "%s%s", out->length > 0 ? " " : "", name);
    }
}

static void add_number(struct buf *out, const char *value)
{
    struct buf digits;
    if (value == NULL) {
        return;
    }
    buf_init(&digits, PY_INT_DIGITS_MAX);
    assert_true(py_int(value, strlen(value), &digits));
    add(out, "number", buf_string(&digits));
    buf_finish(&digits);
}

static void describe_globals(const struct aws_arguments *a, struct buf *out)
{
    add_flag(out, "debug", a->debug);
    add(out, "endpoint", a->endpoint_url);
    add_flag(out, "unverified", a->no_verify_ssl);
    add_flag(out, "unpaged", a->no_paginate);
    add(out, "output", a->output);
    add(out, "query", a->query);
    add(out, "profile", a->profile);
    add(out, "region", a->region);
    add(out, "color", a->color);
    add_flag(out, "unsigned", a->no_sign_request);
    add(out, "ca", a->ca_bundle);
    add(out, "read", a->cli_read_timeout);
    add(out, "connect", a->cli_connect_timeout);
    add(out, "binary", a->cli_binary_format);
    add_flag(out, "pagerless", a->no_cli_pager);
    add(out, "errors", a->cli_error_format);
}

static void describe(const struct aws_arguments *a, struct buf *out)
{
    static const char *const forces[] = {NULL, "on", "off"};
    if (a->request != AWS_REQUEST_DELETE) {
        buf_text(out, a->request == AWS_REQUEST_HELP ? "help" : "version");
        return;
    }
    describe_globals(a, out);
    add(out, "job", a->job_id);
    add(out, "thing", a->thing_name);
    add_number(out, a->execution_number);
    add(out, "force", forces[a->force]);
    add(out, "namespace", a->namespace_id);
    add(out, "json", a->cli_input_json);
    add(out, "yaml", a->cli_input_yaml);
    add(out, "skeleton", a->skeleton);
}

/* What is wrong, without the usage behind it. */
static void describe_failure(const struct aws_failure *failure, struct buf *out)
{
    const char *text = buf_string(&failure->message);
    const char *usage = strstr(text, AWS_FAILURE_USAGE);
    size_t length = usage != NULL ? (size_t)(usage - text) - 2 : strlen(text);
    assert_int_equal(failure->exit, EXIT_AWS_PARAMETERS);
    buf_text(out, "! ");
    buf_append(out, text, length);
}

static int split(char *text, char *words[WORDS_MAX])
{
    int count = 0;
    for (char *at = text; at != NULL; count++) {
        assert_in_range(count, 0, WORDS_MAX - 1);
        words[count] = strsep(&at, "|");
    }
    return count;
}

static void read_words(const char *text, struct buf *out)
{
    char copy[1024], *words[WORDS_MAX];
    struct aws_arguments arguments;
    struct aws_failure failure;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    int count = split(copy, words);
    buf_init(out, 8192);
    aws_failure_init(&failure);
    if (!aws_arguments_are_ours(count, words)) {
        fail_msg("%s: not for this command", text);
    }
    if (aws_arguments_read(&arguments, count, words, &failure)) {
        describe(&arguments, out);
    } else {
        describe_failure(&failure, out);
    }
    aws_failure_finish(&failure);
}

/* These are told before the operation's options are looked at, which argparse alone does not do. */
static bool is_told_earlier(const char *found)
{
    return strstr(found, "Bad value for --") != NULL;
}

static void words_are_read_as_argparse_reads_them(void **state)
{
    size_t earlier = 0, count = sizeof ARGUMENT_CASES / sizeof ARGUMENT_CASES[0];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct buf found;
        read_words(ARGUMENT_CASES[i].words, &found);
        if (is_told_earlier(buf_string(&found))) {
            earlier++;
        } else if (strcmp(buf_string(&found), ARGUMENT_CASES[i].result) != 0) {
            fail_msg("%s:\n  %s\nis not\n  %s", ARGUMENT_CASES[i].words, buf_string(&found),
                     ARGUMENT_CASES[i].result);
        }
        buf_finish(&found);
    }
    assert_true(count > 300 && earlier < count / 10);
}

static void what_global_options_say_is_checked_before_the_rest(void **state)
{
    static const struct {
        const char *words, *start;
        enum exit_status exit;
    } cases[] = {
        {"delete-job-execution|--endpoint-url|1|--bogus",
         "Bad value for --endpoint-url \"1\": scheme is missing.  ", EXIT_AWS_PARAMETERS},
        {"delete-job-execution|--query|", "Bad value for --query : ", EXIT_AWS_PARAMETERS},
        {"delete-job-execution|--cli-read-timeout|x", "invalid literal for int() with base 10: 'x'",
         EXIT_AWS_OTHER},
        {"delete-job-execution|--job-id=--", "argument --job-id: expected one argument", EXIT_AWS_PARAMETERS},
        {"delete-job-execution|--cli-auto-prompt|--no-cli-auto-prompt", "Both --cli-auto-prompt and ",
         EXIT_AWS_PARAMETERS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[256], *words[WORDS_MAX];
        struct aws_arguments arguments;
        struct aws_failure failure;
        strcpy(copy, cases[i].words);
        aws_failure_init(&failure);
        assert_false(aws_arguments_read(&arguments, split(copy, words), words, &failure));
        assert_int_equal(failure.exit, cases[i].exit);
        assert_memory_equal(buf_string(&failure.message), cases[i].start, strlen(cases[i].start));
        aws_failure_finish(&failure);
    }
}

static void timeouts_are_seconds_of_any_size(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = {{"0", 0},
                 {" +7 ", 7},
                 {"1_0", 10},
                 {"-1", -1},
                 {"2000000", 1728000},
                 {"99999999999999999999", 1728000},
                 {"-99999999999999999999", -1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[128], *words[WORDS_MAX];
        struct aws_arguments arguments;
        struct aws_failure failure;
        snprintf(copy, sizeof copy, "delete-job-execution|--cli-read-timeout|%s|help", cases[i].text);
        aws_failure_init(&failure);
        assert_true(aws_arguments_read(&arguments, split(copy, words), words, &failure));
        assert_int_equal(arguments.read_timeout_s, cases[i].seconds);
        assert_int_equal(arguments.connect_timeout_s, 60);
        aws_failure_finish(&failure);
    }
}

static void the_command_is_told_from_others(void **state)
{
    static const struct {
        const char *words;
        bool ours;
    } cases[] = {
        {"delete-job-execution", true},
        {"iot|list-jobs", true},
        {"--region|iot|delete-job-execution", true},
        {"--profile|delete-job-execution|iot", true},
        {"--reg=x|--debug|iot", true},
        {"--force|delete-job-execution", true},
        {"--profile|delete-job-execution", false},
        {"sweep|iot", false},
        {"--target|iot|sweep", false},
        {"-c|iot|plan", false},
        {"--version", false},
        {"--help", false},
        {"--|iot", false},
        {"--n|iot", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char copy[128], *words[WORDS_MAX];
        strcpy(copy, cases[i].words);
        if (aws_arguments_are_ours(split(copy, words), words) != cases[i].ours) {
            fail_msg("%s", cases[i].words);
        }
    }
}

static void likeness_is_difflibs(void **state)
{
    static const struct {
        const char *a, *b;
        double ratio;
    } cases[] = {{"text", "text", 1},
                 {"", "", 1},
                 {"", "a", 0},
                 {"abcd", "bcde", 0.75},
                 {"yaml", "yml", 6.0 / 7},
                 {"private", "privet", 0.769230769},
                 {"input", "ouput", 0.6},
                 {"json", "jsn", 6.0 / 7}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double difference = close_match_ratio(cases[i].a, cases[i].b) - cases[i].ratio;
        if (difference > 1e-6 || difference < -1e-6) {
            fail_msg("%s and %s: %g is not %g", cases[i].a, cases[i].b,
                     close_match_ratio(cases[i].a, cases[i].b), cases[i].ratio);
        }
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(words_are_read_as_argparse_reads_them),
    cmocka_unit_test(what_global_options_say_is_checked_before_the_rest),
    cmocka_unit_test(timeouts_are_seconds_of_any_size),
    cmocka_unit_test(the_command_is_told_from_others),
    cmocka_unit_test(likeness_is_difflibs),
};

TAP_MAIN(tests)
