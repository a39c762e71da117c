/* See app/aws_arguments.h. The AWS CLI has three parsers in a row, each of which leaves the words that it
 * does not know to the next one: the global options with the service's name, the operation's name, the
 * operation's options. Since every parser takes unique prefixes of its own options, `--e` is --endpoint-url,
 * which comes first, and never --execution-number. */
#include "app/aws_arguments.h"

#include "app/argparse.h"
#include "app/py_value.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SERVICE   "iot"
#define OPERATION "delete-job-execution"

#define TIMEOUT_S     60                    /* botocore's */
#define TIMEOUT_MAX_S (INT64_C(20) * 86400) /* what fits libcurl's milliseconds everywhere */

const char *const AWS_OUTPUTS[] = {"json", "text", "table", "yaml", "yaml-stream", "off", NULL};
static const char *const colors[] = {"on", "off", "auto", NULL};
static const char *const binary_formats[] = {"base64", "raw-in-base64-out", NULL};
static const char *const skeletons[] = {"input", "output", "yaml-input", NULL};

enum global {
    DEBUG,
    ENDPOINT_URL,
    NO_VERIFY_SSL,
    NO_PAGINATE,
    OUTPUT,
    QUERY,
    PROFILE,
    REGION,
    COLOR,
    NO_SIGN_REQUEST,
    CA_BUNDLE,
    READ_TIMEOUT,
    CONNECT_TIMEOUT,
    BINARY_FORMAT,
    NO_PAGER,
    AUTO_PROMPT,
    NO_AUTO_PROMPT,
    ERROR_FORMAT,
    VERSION,
    COMMAND,
    GLOBALS
};

/* In the AWS CLI's order, which shows where a prefix is ambiguous. */
static const struct argparse_rule global_rules[GLOBALS] = {
    [DEBUG] = {.name = "--debug"},
    [ENDPOINT_URL] = {.name = "--endpoint-url", .takes = ARGPARSE_ONE},
    [NO_VERIFY_SSL] = {.name = "--no-verify-ssl"},
    [NO_PAGINATE] = {.name = "--no-paginate"},
    [OUTPUT] = {.name = "--output", .takes = ARGPARSE_ONE, .choices = AWS_OUTPUTS},
    [QUERY] = {.name = "--query", .takes = ARGPARSE_ONE},
    [PROFILE] = {.name = "--profile", .takes = ARGPARSE_ONE},
    [REGION] = {.name = "--region", .takes = ARGPARSE_ONE},
    [COLOR] = {.name = "--color", .takes = ARGPARSE_ONE, .choices = colors},
    [NO_SIGN_REQUEST] = {.name = "--no-sign-request"},
    [CA_BUNDLE] = {.name = "--ca-bundle", .takes = ARGPARSE_ONE},
    [READ_TIMEOUT] = {.name = "--cli-read-timeout", .takes = ARGPARSE_ONE},
    [CONNECT_TIMEOUT] = {.name = "--cli-connect-timeout", .takes = ARGPARSE_ONE},
    [BINARY_FORMAT] = {.name = "--cli-binary-format", .takes = ARGPARSE_ONE, .choices = binary_formats},
    [NO_PAGER] = {.name = "--no-cli-pager"},
    [AUTO_PROMPT] = {.name = "--cli-auto-prompt"},
    [NO_AUTO_PROMPT] = {.name = "--no-cli-auto-prompt"},
    [ERROR_FORMAT] = {.name = "--cli-error-format", .takes = ARGPARSE_ONE, .choices = AWS_ERROR_FORMATS},
    [VERSION] = {.name = "--version"},
    [COMMAND] = {.name = "command", .takes = ARGPARSE_ONE, .required = true},
};

enum option {
    JOB_ID,
    THING_NAME,
    EXECUTION_NUMBER,
    FORCE,
    NO_FORCE,
    NAMESPACE_ID,
    INPUT_JSON,
    INPUT_YAML,
    SKELETON,
    HELP,
    OPTIONS
};

static const struct argparse_rule option_rules[OPTIONS] = {
    [JOB_ID] = {.name = "--job-id", .takes = ARGPARSE_ONE, .required = true},
    [THING_NAME] = {.name = "--thing-name", .takes = ARGPARSE_ONE, .required = true},
    [EXECUTION_NUMBER] = {.name = "--execution-number",
                          .takes = ARGPARSE_ONE,
                          .required = true,
                          .integer = true},
    [FORCE] = {.name = "--force"},
    [NO_FORCE] = {.name = "--no-force"},
    [NAMESPACE_ID] = {.name = "--namespace-id", .takes = ARGPARSE_ONE},
    [INPUT_JSON] = {.name = "--cli-input-json", .takes = ARGPARSE_ONE},
    [INPUT_YAML] = {.name = "--cli-input-yaml", .takes = ARGPARSE_ONE},
    [SKELETON] = {.name = "--generate-cli-skeleton", .takes = ARGPARSE_MAYBE, .choices = skeletons},
    [HELP] = {.name = "help", .takes = ARGPARSE_MAYBE},
};

struct reading {
    struct aws_arguments *arguments;
    const char *command; /* the positional of the parser at work */
    const char *help;
};

/* --- taking ----------------------------------------------------------------------------------------------
 */

static bool *global_flag(struct aws_arguments *arguments, size_t rule)
{
    switch (rule) {
    case DEBUG:
        return &arguments->debug;
    case NO_VERIFY_SSL:
        return &arguments->no_verify_ssl;
    case NO_PAGINATE:
        return &arguments->no_paginate;
    case NO_SIGN_REQUEST:
        return &arguments->no_sign_request;
    case NO_PAGER:
        return &arguments->no_cli_pager;
    case AUTO_PROMPT:
        return &arguments->cli_auto_prompt;
    case NO_AUTO_PROMPT:
        return &arguments->no_cli_auto_prompt;
    default:
        return NULL;
    }
}

static const char **global_text(struct reading *reading, size_t rule)
{
    struct aws_arguments *arguments = reading->arguments;
    const char **const texts[GLOBALS] = {[ENDPOINT_URL] = &arguments->endpoint_url,
                                         [OUTPUT] = &arguments->output,
                                         [QUERY] = &arguments->query,
                                         [PROFILE] = &arguments->profile,
                                         [REGION] = &arguments->region,
                                         [COLOR] = &arguments->color,
                                         [CA_BUNDLE] = &arguments->ca_bundle,
                                         [READ_TIMEOUT] = &arguments->cli_read_timeout,
                                         [CONNECT_TIMEOUT] = &arguments->cli_connect_timeout,
                                         [BINARY_FORMAT] = &arguments->cli_binary_format,
                                         [ERROR_FORMAT] = &arguments->cli_error_format,
                                         [COMMAND] = &reading->command};
    return texts[rule];
}

static bool take_global(void *ctx, size_t rule, const char *value)
{
    struct reading *reading = ctx;
    bool *flag = global_flag(reading->arguments, rule);
    if (rule == VERSION) {
        reading->arguments->request = AWS_REQUEST_VERSION;
        return false; /* printed at once, whatever is wrong behind it */
    }
    if (flag != NULL) {
        *flag = true;
    } else {
        *global_text(reading, rule) = value;
    }
    return true;
}

static bool take_command(void *ctx, size_t rule, const char *value)
{
    struct reading *reading = ctx;
    (void)rule;
    reading->command = value;
    return true;
}

static bool take_option(void *ctx, size_t rule, const char *value)
{
    struct reading *reading = ctx;
    struct aws_arguments *arguments = reading->arguments;
    const char **const texts[OPTIONS] = {[JOB_ID] = &arguments->job_id,
                                         [THING_NAME] = &arguments->thing_name,
                                         [EXECUTION_NUMBER] = &arguments->execution_number,
                                         [NAMESPACE_ID] = &arguments->namespace_id,
                                         [INPUT_JSON] = &arguments->cli_input_json,
                                         [INPUT_YAML] = &arguments->cli_input_yaml,
                                         [SKELETON] = &arguments->skeleton,
                                         [HELP] = &reading->help};
    if (rule == FORCE || rule == NO_FORCE) {
        arguments->force = rule == FORCE ? AWS_SWITCH_ON : AWS_SWITCH_OFF;
    } else {
        *texts[rule] = rule == SKELETON && value == NULL ? "input" : value;
    }
    return true;
}

/* --- the three parsers -----------------------------------------------------------------------------------
 */

struct words {
    const char **list;
    size_t count;
};

static bool fail_usage(struct aws_failure *failure, const struct buf *wrong)
{
    buf_printf(&failure->message, "%s", buf_string(wrong));
    return aws_failure_parameters(failure, "\n\n%s", AWS_FAILURE_USAGE);
}

/* Leaves in words what the table does not know. */
static bool read_with(const struct argparse_table *table, struct words *words, enum argparse_end *end,
                      struct aws_failure *failure)
{
    struct buf wrong;
    const char **rest = mem_calloc(words->count + 1, sizeof *rest);
    size_t rest_count = 0;
    buf_init(&wrong, AWS_FAILURE_TEXT_MAX);
    *end = argparse_read(table, words->list, words->count, rest, &rest_count, &wrong);
    if (*end == ARGPARSE_WRONG) {
        fail_usage(failure, &wrong);
    }
    buf_finish(&wrong);
    free(words->list);
    *words = (struct words){rest, rest_count};
    return *end == ARGPARSE_READ;
}

/* Where the AWS CLI looks for the word as such: `--cli-input-json={}` and a prefix do not lift the demand for
 * the options that must be there. */
static bool required_lifted(const struct words *words)
{
    bool skeleton_seen = false;
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->list[i], "--cli-input-json") == 0 ||
            strcmp(words->list[i], "--cli-input-yaml") == 0) {
            return true;
        }
        if (skeleton_seen || strcmp(words->list[i], "--generate-cli-skeleton") != 0) {
            continue;
        }
        skeleton_seen = true;
        if (i + 1 == words->count || strcmp(words->list[i + 1], "output") != 0) {
            return true;
        }
    }
    return false;
}

static bool fail_unknown(struct aws_failure *failure, const struct words *words)
{
    aws_failure_parameters(failure, "Unknown options: ");
    failure->kind = AWS_UNKNOWN_OPTIONS;
    for (size_t i = 0; i < words->count; i++) {
        buf_text(&failure->message, i > 0 ? ", " : "");
        buf_text(&failure->message, words->list[i]);
    }
    return false;
}

static bool read_options(struct reading *reading, struct words *words, struct aws_failure *failure)
{
    struct argparse_rule rules[OPTIONS];
    const struct argparse_table table = {rules, OPTIONS, take_option, reading};
    enum argparse_end end;
    bool lifted = required_lifted(words);
    if (words->count == 1 && (strcmp(words->list[0], "help") == 0 || strcmp(words->list[0], "--help") == 0)) {
        reading->arguments->request = AWS_REQUEST_HELP;
        return true;
    }
    memcpy(rules, option_rules, sizeof rules);
    for (size_t i = 0; i < OPTIONS; i++) {
        rules[i].required = rules[i].required && !lifted;
    }
    if (!read_with(&table, words, &end, failure)) {
        return false;
    }
    if (reading->help != NULL && strcmp(reading->help, "help") == 0) {
        reading->arguments->request = AWS_REQUEST_HELP;
        return true;
    }
    if (reading->help != NULL) {
        words->list[words->count++] = reading->help; /* there is room: it was not left over */
    }
    return words->count == 0 || fail_unknown(failure, words);
}

static bool read_operation(struct reading *reading, struct words *words, struct aws_failure *failure)
{
    static const char *const operations[] = {OPERATION, NULL};
    static const struct argparse_rule rule = {
        .name = "operation", .takes = ARGPARSE_ONE, .required = true, .choices = operations};
    const struct argparse_table table = {&rule, 1, take_command, reading};
    enum argparse_end end;
    return read_with(&table, words, &end, failure) && read_options(reading, words, failure);
}

/* --- whose command it is ---------------------------------------------------------------------------------
 */

/* The global option that a word is, or begins like if no other does; GLOBALS for none. */
static size_t global_of(const char *word)
{
    size_t length = strcspn(word, "="), found = GLOBALS;
    for (size_t i = 0; i < COMMAND; i++) {
        if (strncmp(global_rules[i].name, word, length) != 0) {
            continue;
        }
        if (strlen(global_rules[i].name) == length) {
            return i;
        }
        if (found != GLOBALS) {
            return GLOBALS;
        }
        found = i;
    }
    return found;
}

/* The place of "iot" or of the operation behind global options; count when it is not there. An option that
 * the AWS CLI does not have is one of another command of ours. */
static int find_command(int count, char *const *words)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(words[i], OPERATION) == 0 || strcmp(words[i], SERVICE) == 0) {
            return i;
        }
        if (strcmp(words[i], "--force") == 0 || strcmp(words[i], "--no-force") == 0) {
            continue;
        }
        size_t rule = strncmp(words[i], "--", 2) == 0 && words[i][2] != '\0' ? global_of(words[i]) : GLOBALS;
        if (rule == GLOBALS) {
            return count;
        }
        i += global_rules[rule].takes == ARGPARSE_ONE && strchr(words[i], '=') == NULL;
    }
    return count;
}

bool aws_arguments_are_ours(int count, char *const *words)
{
    return find_command(count, words) < count;
}

/* "iot" is put in front of the operation where it is left out, so that everything else is as it is for aws.
 */
static void copy_words(struct words *words, int count, char *const *from)
{
    int command = find_command(count, from);
    *words = (struct words){.list = mem_calloc((size_t)count + 2, sizeof *words->list)};
    for (int i = 0; i < count; i++) {
        if (i == command && strcmp(from[i], OPERATION) == 0) {
            words->list[words->count++] = SERVICE;
        }
        words->list[words->count++] = from[i];
    }
}

/* --- what the global options say -------------------------------------------------------------------------
 */

/* As urllib.parse.urlparse(): what stands in front of the first ':', if no character speaks against it. */
static bool has_scheme(const char *url)
{
    size_t length = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
    return length > 0 && url[length] == ':';
}

static bool read_timeout(const char *text, int64_t *seconds, struct aws_failure *failure)
{
    struct buf digits;
    *seconds = TIMEOUT_S;
    if (text == NULL) {
        return true;
    }
    buf_init(&digits, PY_INT_DIGITS_MAX + 1);
    bool good = py_int(text, strlen(text), &digits);
    if (good && (digits.length > 9 || atoll(buf_string(&digits)) > TIMEOUT_MAX_S)) {
        *seconds = buf_string(&digits)[0] == '-' ? -1 : TIMEOUT_MAX_S;
    } else if (good) {
        *seconds = atoll(buf_string(&digits));
    } else {
        py_repr_text(&digits, text, strlen(text));
        aws_failure_other(failure, "invalid literal for int() with base 10: %s", buf_string(&digits));
    }
    buf_finish(&digits);
    return good;
}

/* In the AWS CLI's order. --query is read, but not as an expression: there is nothing that it could choose.
 */
static bool check_globals(struct aws_arguments *arguments, struct aws_failure *failure)
{
    if (arguments->cli_auto_prompt && arguments->no_cli_auto_prompt) {
        return aws_failure_parameters(
            failure, "Both --cli-auto-prompt and --no-cli-auto-prompt cannot be specified at the same time.");
    }
    if (arguments->query != NULL && arguments->query[0] == '\0') {
        return aws_failure_parameters(
            failure, "Bad value for --query : Invalid JMESPath expression: cannot be empty.");
    }
    if (arguments->endpoint_url != NULL && !has_scheme(arguments->endpoint_url)) {
        return aws_failure_parameters(
            failure,
            "Bad value for --endpoint-url \"%s\": scheme is missing.  Must be of the "
            "form http://<hostname>/ or https://<hostname>/",
            arguments->endpoint_url);
    }
    return read_timeout(arguments->cli_read_timeout, &arguments->read_timeout_s, failure) &&
           read_timeout(arguments->cli_connect_timeout, &arguments->connect_timeout_s, failure);
}

bool aws_arguments_read(struct aws_arguments *arguments, int count, char *const *words,
                        struct aws_failure *failure)
{
    struct reading reading = {.arguments = arguments};
    const struct argparse_table table = {global_rules, GLOBALS, take_global, &reading};
    struct words left;
    enum argparse_end end;
    *arguments = (struct aws_arguments){0};
    copy_words(&left, count, words);
    bool read = read_with(&table, &left, &end, failure);
    if (read) {
        arguments->globals_read = true;
        read = check_globals(arguments, failure) && read_operation(&reading, &left, failure);
    }
    free(left.list);
    return read || end == ARGPARSE_STOPPED;
}

/* --- help ------------------------------------------------------------------------------------------------
 */

static void help_rules(const struct argparse_rule *rules, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        static const char *const values[] = {
            [ARGPARSE_NOTHING] = "", [ARGPARSE_ONE] = " <value>", [ARGPARSE_MAYBE] = " [<value>]"};
        if (rules[i].name[0] == '-') {
            buf_printf(out, "  %s%s", rules[i].name, values[rules[i].takes]);
            for (size_t j = 0; rules[i].choices != NULL && rules[i].choices[j] != NULL; j++) {
                buf_printf(out, "%s%s", j == 0 ? ": " : ", ", rules[i].choices[j]);
            }
            buf_text(out, rules[i].required ? " (required)\n" : "\n");
        }
    }
}

void aws_arguments_help(struct buf *out)
{
    buf_text(out, "Usage: jobsweep [OPTION...] delete-job-execution [OPTION...]\n\n"
                  "Deletes one job execution, now: `aws iot delete-job-execution`, option for\n"
                  "option, with its messages and exit statuses. Reads no configuration of jobsweep\n"
                  "and keeps no record.\n\n"
                  "Options:\n");
    help_rules(option_rules, OPTIONS, out);
    buf_text(out, "  These may also stand in front of the command:\n");
    help_rules(global_rules, GLOBALS, out);
    buf_text(out, "\nSee also: man jobsweep-delete-job-execution\n");
}

/* HELP and COMMAND are words without dashes, the last of their tables. */
const struct argparse_rule *aws_arguments_option(size_t index)
{
    if (index < HELP) {
        return &option_rules[index];
    }
    return index - HELP < COMMAND ? &global_rules[index - HELP] : NULL;
}
