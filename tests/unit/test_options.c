/* Command lines, good and bad, and the help that is made from the same table. */
#include "tap.h"

#include "app/options.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 12

struct line {
    char text[256];
    char *argv[WORDS_MAX + 2];
    int argc;
    struct options options;
    struct err err;
    int result;
};

/* Words are separated by single spaces; "''" is an empty one. The first word is the program. */
static void parse(struct line *line, const char *text)
{
    *line = (struct line){0};
    assert_true(strlen(text) < sizeof line->text);
    strcpy(line->text, text);
    for (char *word = strtok(line->text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(line->argc < WORDS_MAX);
        line->argv[line->argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    enum program program = strcmp(line->argv[0], "jobsweepd") == 0 ? PROGRAM_JOBSWEEPD : PROGRAM_JOBSWEEP;
    line->result = options_parse(&line->options, program, line->argc, line->argv, &line->err);
}

static void add(struct buf *out, bool given, const char *word)
{
    if (given)
        buf_printf(out, " %s", word);
}

static const char *const commands[] = {[COMMAND_PLAN] = "plan",
                                       [COMMAND_SWEEP] = "sweep",
                                       [COMMAND_APPLY] = "apply",
                                       [COMMAND_DELETE_ROWS] = "delete-job-executions",
                                       [COMMAND_CHECK] = "check",
                                       [COMMAND_HISTORY] = "history",
                                       [COMMAND_DELETE_ONE] = "delete-job-execution",
                                       [COMMAND_EXPLAIN] = "explain",
                                       [COMMAND_TEST] = "test",
                                       [COMMAND_SCHEMA] = "schema",
                                       [COMMAND_WHOAMI] = "whoami",
                                       [COMMAND_IAM_POLICY] = "iam-policy",
                                       [COMMAND_STATUS] = "status",
                                       [COMMAND_RUN] = "run",
                                       [COMMAND_PAUSE] = "pause",
                                       [COMMAND_RESUME] = "resume",
                                       [COMMAND_RELOAD] = "reload",
                                       [COMMAND_SCHEDULE] = "schedule",
                                       [COMMAND_COMPLETION] = "completion",
                                       [COMMAND_HELP] = "help",
                                       [COMMAND_DAEMON] = "daemon",
                                       [COMMAND_NONE] = "none"};

/* What is said to, and of, a daemon. */
static void describe_asking(const struct options *options, struct buf *out)
{
    add(out, options->watch, "watch");
    add(out, options->no_wait, "no-wait");
    if (options->socket != NULL)
        buf_printf(out, " socket=%s", options->socket);
    if (options->shell != SHELL_BASH)
        buf_printf(out, " shell=%d", (int)options->shell);
    add(out, options->names, "names");
    if (options->next != 1)
        buf_printf(out, " next=%d", (int)options->next);
}

/* All that differs from the defaults, in words. */
static void describe(const struct options *options, struct buf *out)
{
    buf_text(out, commands[options->command]);
    if (options->topic != COMMAND_NONE)
        buf_printf(out, " topic=%s", commands[options->topic]);
    if (options->config != NULL)
        buf_printf(out, " config=%s", options->config);
    if (options->target != NULL)
        buf_printf(out, " target=%s", options->target);
    if (options->log_level_given)
        buf_printf(out, " level=%s", log_level_words[options->log_level]);
    if (options->log_format_given)
        buf_printf(out, " log=%s", log_format_words[options->log_format]);
    add(out, options->format == OUTPUT_JSON, "json");
    add(out, options->format == OUTPUT_JUNIT, "junit");
    if (options->command == COMMAND_EXPLAIN && options->thing != NULL && options->job != NULL)
        buf_printf(out, " %s on %s #%d", options->job, options->thing, (int)options->execution_number);
    for (size_t i = 0; i < options->file_count; i++)
        buf_printf(out, " <%s>", options->files[i]);
    add(out, options->detailed_exitcode, "detailed");
    if (options->file != NULL)
        buf_printf(out, " file=%s", options->file);
    if (options->output != NULL)
        buf_printf(out, " output=%s", options->output);
    if (options->expires != NULL)
        buf_printf(out, " expires=%s", options->expires);
    if (options->command == COMMAND_DELETE_ROWS && options->job != NULL)
        buf_printf(out, " job=%s", options->job);
    add(out, options->force, "force");
    add(out, options->dry_run, "dry");
    add(out, options->yes, "yes");
    add(out, options->quiet, "quiet");
    add(out, options->verbose, "verbose");
    add(out, options->check, "checking");
    add(out, options->once, "once");
    describe_asking(options, out);
    add(out, options->online, "online");
    add(out, options->help, "help");
    add(out, options->version, "version");
    for (size_t i = 0; i < options->policy_count; i++)
        buf_printf(out, " [%s]", options->policies[i]);
}

static const struct {
    const char *line, *means;
} good[] = {
    {"jobsweep plan", "plan"},
    {"jobsweep sweep", "sweep"},
    {"jobsweep check", "check"},
    {"jobsweep whoami --target prod/* --format json -q", "whoami target=prod/* json quiet"},
    {"jobsweep iam-policy old --target prod", "iam-policy target=prod [old]"},
    {"jobsweep help", "help"},
    {"jobsweep help plan", "help topic=plan"},
    {"jobsweep --help", "none help"},
    {"jobsweep -h", "none help"},
    {"jobsweep --version", "none version"},
    {"jobsweep plan --version", "plan version"},
    {"jobsweep plan --help", "plan help"},
    {"jobsweep --help plan", "plan help"},
    {"jobsweep plan a b", "plan [a] [b]"},
    {"jobsweep plan a --quiet b", "plan quiet [a] [b]"},
    {"jobsweep --quiet plan a", "plan quiet [a]"},
    {"jobsweep -c x.yaml plan", "plan config=x.yaml"},
    {"jobsweep plan -cx.yaml", "plan config=x.yaml"},
    {"jobsweep plan --config=x.yaml", "plan config=x.yaml"},
    {"jobsweep plan --config x.yaml --config y.yaml", "plan config=y.yaml"},
    {"jobsweep plan --conf x.yaml", "plan config=x.yaml"},
    {"jobsweep plan --config=", "plan config="},
    {"jobsweep sweep --target eu old", "sweep target=eu [old]"},
    {"jobsweep sweep --yes", "sweep yes"},
    {"jobsweep sweep --format json", "sweep json"},
    {"jobsweep sweep --format=text", "sweep"},
    {"jobsweep check --format json", "check json"},
    {"jobsweep check --online --target prod/*", "check target=prod/* online"},
    {"jobsweep plan --detailed-exitcode", "plan detailed"},
    {"jobsweep plan -qc x.yaml", "plan config=x.yaml quiet"},
    {"jobsweep plan -v", "plan verbose"},
    {"jobsweep plan -- --target", "plan [--target]"},
    {"jobsweep -- plan -- -v", "plan [--] [-v]"},
    {"jobsweep plan ''", "plan []"},
    {"jobsweep plan -", "plan [-]"},
    {"jobsweep plan -o p.jsonl", "plan output=p.jsonl"},
    {"jobsweep plan --output p.jsonl --expires 2h old", "plan output=p.jsonl expires=2h [old]"},
    {"jobsweep apply p.jsonl", "apply file=p.jsonl"},
    {"jobsweep apply --help", "apply help"},
    {"jobsweep apply p.jsonl --format json -q", "apply json file=p.jsonl quiet"},
    {"jobsweep delete-job-executions", "delete-job-executions"},
    {"jobsweep delete-job-executions -", "delete-job-executions"},
    {"jobsweep delete-job-executions rows.csv --target eu --yes",
     "delete-job-executions target=eu file=rows.csv yes"},
    {"jobsweep delete-job-executions --job fw-1 --force --dry-run",
     "delete-job-executions job=fw-1 force dry"},
    {"jobsweep schema", "schema"},
    {"jobsweep test a.yaml b.yaml --format junit", "test junit <a.yaml> <b.yaml>"},
    {"jobsweep test --help", "test help"},
    {"jobsweep test -h", "test help"},
    {"jobsweep explain --thing gw-1 --job fw-1", "explain fw-1 on gw-1 #0"},
    {"jobsweep explain --job fw-1 --execution-number 7 --thing gw-1 -q", "explain fw-1 on gw-1 #7 quiet"},
    {"jobsweep explain --help", "explain help"},
    {"jobsweep status --watch -v --format json", "status json verbose watch"},
    {"jobsweep status --socket /run/x", "status socket=/run/x"},
    {"jobsweep run old new --target prod/* --no-wait", "run target=prod/* no-wait [old] [new]"},
    {"jobsweep run --help", "run help"},
    {"jobsweep pause -q", "pause quiet"},
    {"jobsweep resume", "resume"},
    {"jobsweep reload -c x.yaml", "reload config=x.yaml"},
    {"jobsweep schedule --next 5 old", "schedule next=5 [old]"},
    {"jobsweep completion bash", "completion"},
    {"jobsweep completion fish", "completion shell=2"},
    {"jobsweep completion policies -c x.yaml", "completion config=x.yaml names"},
    {"jobsweepd", "daemon"},
    {"jobsweepd -c x.yaml", "daemon config=x.yaml"},
    {"jobsweepd --check", "daemon checking"},
    {"jobsweepd --once", "daemon once"},
    {"jobsweepd --log-level debug", "daemon level=debug"},
    {"jobsweepd --log-level error --log-format json", "daemon level=error log=json"},
    {"jobsweepd --log-format text", "daemon log=text"},
    {"jobsweepd --log-format journal", "daemon log=journal"},
    {"jobsweepd --log-format auto --log-level info", "daemon level=info log=auto"},
    {"jobsweepd --help", "daemon help"},
    {"jobsweepd --version", "daemon version"},
};

static void good_lines_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct line line;
        struct buf text;
        parse(&line, good[i].line);
        if (line.result != 0)
            fail_msg("%s: %s", good[i].line, line.err.msg);
        buf_init(&text, 1024);
        describe(&line.options, &text);
        if (strcmp(buf_string(&text), good[i].means) != 0)
            fail_msg("%s: %s, not %s", good[i].line, buf_string(&text), good[i].means);
        buf_finish(&text);
    }
}

static const struct {
    const char *line, *message;
} bad[] = {
    {"jobsweep test", "test needs a file of examples"},
    {"jobsweep plan --format junit", "--format junit is for test alone"},
    {"jobsweep schema -c x.yaml", "schema does not take --config"},
    {"jobsweep explain", "explain needs --thing and --job"},
    {"jobsweep explain --thing gw-1", "explain needs --thing and --job"},
    {"jobsweep explain gw-1", "explain takes no \"gw-1\"; a thing is named with --thing, a job with --job"},
    {"jobsweep explain --thing a --job b --execution-number 0",
     "--execution-number takes a number above 0, not \"0\""},
    {"jobsweep", "which command? see jobsweep --help"},
    {"jobsweep ''", "unknown command \"\"; see jobsweep --help"},
    {"jobsweep paln", "unknown command \"paln\"; did you mean plan?"},
    {"jobsweep Plan", "unknown command \"Plan\"; did you mean plan?"},
    {"jobsweep delete", "unknown command \"delete\"; see jobsweep --help"},
    {"jobsweep help paln", "unknown command \"paln\"; did you mean plan?"},
    {"jobsweep help plan sweep", "help takes no \"sweep\""},
    {"jobsweep check old", "check takes no \"old\"; a configuration is named with --config"},
    {"jobsweep whoami prod", "whoami takes no \"prod\"; a target is named with --target"},
    {"jobsweep iam-policy --format json", "iam-policy does not take --format"},
    {"jobsweep history gw-1",
     "history takes no \"gw-1\", only verify; a thing is named with --thing, a job with --job"},
    {"jobsweep plan --tagret eu", "unknown or ambiguous option \"--tagret\"; did you mean --target?"},
    {"jobsweep plan --frobnicate", "unknown or ambiguous option \"--frobnicate\""},
    {"jobsweep plan --ver", "unknown or ambiguous option \"--ver\""},
    {"jobsweep plan -x", "unknown option -x"},
    {"jobsweep plan -qx", "unknown option -x"},
    {"jobsweep plan --quiet=yes", "option --quiet takes no value"},
    {"jobsweep plan --target", "option --target needs a value: NAME"},
    {"jobsweep plan -c", "option --config needs a value: FILE"},
    {"jobsweep plan --format xml", "--format takes text or json (test: junit, too), not \"xml\""},
    {"jobsweep plan --format JSON", "--format takes text or json (test: junit, too), not \"JSON\""},
    {"jobsweep plan --format ''", "--format takes text or json (test: junit, too), not \"\""},
    {"jobsweep plan --yes", "plan does not take --yes"},
    {"jobsweep sweep --detailed-exitcode", "sweep does not take --detailed-exitcode"},
    {"jobsweep check --target eu", "check takes --target only with --online"},
    {"jobsweep check --verbose", "check does not take --verbose"},
    {"jobsweep help --config x", "help does not take --config"},
    {"jobsweep apply", "apply needs the file of a plan (jobsweep plan -o FILE)"},
    {"jobsweep apply -", "apply needs the file of a plan (jobsweep plan -o FILE)"},
    {"jobsweep apply a b", "apply takes no \"b\""},
    {"jobsweep apply --yes a", "apply does not take --yes"},
    {"jobsweep apply --target eu a", "apply does not take --target"},
    {"jobsweep delete-job-executions a b", "delete-job-executions takes no \"b\""},
    {"jobsweep delete-job-executionz", "unknown command \"delete-job-executionz\"; did you mean "
                                       "delete-job-executions?"},
    {"jobsweep sweep --force", "sweep does not take --force"},
    {"jobsweep sweep -o p", "sweep does not take --output"},
    {"jobsweep plan --expires 2h", "--expires is about the plan of --output"},
    {"jobsweep plan --once", "plan does not take --once"},
    {"jobsweep -c x.yaml delete-job-execution --job-id a --thing-name b --execution-number 1",
     "delete-job-execution reads no configuration: -c and --target do not belong to it (they do to "
     "delete-job-executions)"},
    {"jobsweep --target eu delete-job-execution --job-id a",
     "delete-job-execution reads no configuration: -c and --target do not belong to it (they do to "
     "delete-job-executions)"},
    {"jobsweep plan delete-job-execution --job-id a", "unknown or ambiguous option \"--job-id\""},
    {"jobsweep --help --quiet", "jobsweep without a command does not take --quiet"},
    {"jobsweep plan --quiet --verbose", "--quiet and --verbose exclude each other"},
    {"jobsweep completion", "completion needs the name of a shell: bash, zsh or fish"},
    {"jobsweep completion tcsh", "completion needs the name of a shell: bash, zsh or fish"},
    {"jobsweep completion policies zsh", "completion needs the name of a shell: bash, zsh or fish"},
    {"jobsweep completion bash -c x.yaml", "completion takes --config only with policies"},
    {"jobsweep completion bash zsh", "completion needs the name of a shell: bash, zsh or fish"},
    {"jobsweep run", "run needs the names of policies"},
    {"jobsweep run old --yes", "run does not take --yes"},
    {"jobsweep status old", "status takes no \"old\"; a configuration is named with --config"},
    {"jobsweep pause now", "pause takes no \"now\""},
    {"jobsweep pause --watch", "pause does not take --watch"},
    {"jobsweep schedule --next 0", "--next takes a number from 1 to 1000, not \"0\""},
    {"jobsweep schedule --next 1001", "--next takes a number from 1 to 1000, not \"1001\""},
    {"jobsweep check --socket /run/x", "check does not take --socket"},
    {"jobsweepd plan", "jobsweepd takes no \"plan\""},
    {"jobsweepd --yes", "jobsweepd does not take --yes"},
    {"jobsweepd --check --once", "--check and --once exclude each other"},
    {"jobsweepd --log-level loud", "--log-level takes debug, info, warning or error, not \"loud\""},
    {"jobsweepd --log-level ''", "--log-level takes debug, info, warning or error, not \"\""},
    {"jobsweepd --log-format xml", "--log-format takes auto, text, journal or json, not \"xml\""},
};

static void bad_lines_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct line line;
        parse(&line, bad[i].line);
        if (line.result == 0)
            fail_msg("%s: taken", bad[i].line);
        assert_int_equal(line.err.code, ERR_INVALID);
        if (strcmp(line.err.msg, bad[i].message) != 0)
            fail_msg("%s: %s", bad[i].line, line.err.msg);
    }
}

static void one_reading_leaves_nothing_for_the_next(void **state)
{
    struct line line;
    (void)state;
    parse(&line, "jobsweep plan --quiet --target eu a");
    parse(&line, "jobsweep sweep b");
    assert_false(line.options.quiet);
    assert_null(line.options.target);
    assert_int_equal(line.options.policy_count, 1);
    assert_string_equal(line.options.policies[0], "b");
}

static const struct {
    enum command command;
    const char *usage;
    const char *has[4], *has_not[4];
} help_rows[] = {
    {COMMAND_PLAN,
     "Usage: jobsweep plan [OPTION...] [POLICY...]\n",
     {"--detailed-exitcode", "-c, --config FILE", "--target NAME", NULL},
     {"--yes", "--once", "--version", NULL}},
    {COMMAND_SWEEP, "Usage: jobsweep sweep [OPTION...] [POLICY...]\n", {"--yes", NULL}, {"--detailed", NULL}},
    {COMMAND_APPLY,
     "Usage: jobsweep apply [OPTION...] FILE\n",
     {"--quiet", "-c, --config FILE", "what came of it", NULL},
     {"--force", "--target", "verdict", NULL}},
    {COMMAND_DELETE_ROWS,
     "Usage: jobsweep delete-job-executions [OPTION...] [FILE]\n",
     {"in this target; needed", "rows that name no thing", "do not ask\n", NULL},
     {"--output", "in these targets", "enforce", NULL}},
    {COMMAND_EXPLAIN,
     "Usage: jobsweep explain [OPTION...] --thing NAME --job ID\n",
     {"of this thing\n", NULL},
     {"rows that", NULL}},
    {COMMAND_HISTORY,
     "Usage: jobsweep history [OPTION...] [verify]\n",
     {"each record\n", "Exit status: 0 ", NULL},
     {"rows that", "verdict", NULL}},
    {COMMAND_TEST,
     "Usage: jobsweep test [OPTION...] FILE...\n",
     {"--format text|json|junit", NULL},
     {"--yes", NULL}},
    {COMMAND_HELP,
     "Usage: jobsweep help [OPTION...] [COMMAND]\n\nWithout COMMAND",
     {"--help", NULL},
     {"--config", NULL}},
    {COMMAND_CHECK,
     "Usage: jobsweep check [OPTION...]\n",
     {"--format text|json", "--online", "--target", NULL},
     {"--yes", NULL}},
    {COMMAND_RUN,
     "Usage: jobsweep run [OPTION...] POLICY...\n",
     {"--no-wait", "--socket PATH", "--target NAME", NULL},
     {"--watch", "--yes", NULL}},
    {COMMAND_STATUS,
     "Usage: jobsweep status [OPTION...]\n",
     {"--watch", "each policy in each target\n", NULL},
     {"--no-wait", "--target", NULL}},
    {COMMAND_DAEMON,
     "Usage: jobsweepd [OPTION...]\n",
     {"--log-level LEVEL", "--once", "See also: man jobsweepd\n", NULL},
     {"--yes", "Commands:", NULL}},
    {COMMAND_NONE,
     "Usage: jobsweep COMMAND [OPTION...]\n",
     {"Commands:", "  plan ", "  help ", NULL},
     {"--target", NULL}},
};

static void the_help_names_what_its_command_takes_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof help_rows / sizeof help_rows[0]; i++) {
        struct buf out;
        buf_init(&out, 16384);
        options_help(help_rows[i].command, &out);
        const char *text = buf_string(&out);
        assert_int_equal(strncmp(text, help_rows[i].usage, strlen(help_rows[i].usage)), 0);
        for (int j = 0; help_rows[i].has[j] != NULL; j++)
            assert_non_null(strstr(text, help_rows[i].has[j]));
        for (int j = 0; help_rows[i].has_not[j] != NULL; j++)
            assert_null(strstr(text, help_rows[i].has_not[j]));
        buf_finish(&out);
    }
}

static void no_line_of_the_help_is_wider_than_a_terminal(void **state)
{
    (void)state;
    for (enum command command = COMMAND_PLAN; command <= COMMAND_NONE; command++) {
        struct buf out;
        buf_init(&out, 16384);
        options_help(command, &out);
        const char *line = buf_string(&out);
        assert_true(strlen(line) > 0);
        for (size_t length; *line != '\0'; line += length + (line[length] == '\n')) {
            length = strcspn(line, "\n");
            if (length > 80)
                fail_msg("%zu columns: %.*s", length, (int)length, line);
        }
        buf_finish(&out);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(good_lines_are_read),
    cmocka_unit_test(bad_lines_are_refused_with_what_is_wrong),
    cmocka_unit_test(one_reading_leaves_nothing_for_the_next),
    cmocka_unit_test(the_help_names_what_its_command_takes_and_nothing_else),
    cmocka_unit_test(no_line_of_the_help_is_wider_than_a_terminal),
};

TAP_MAIN(tests)
