/* See app/command_rules.h. */
#include "app/command_rules.h"

#include <string.h>

#define BIT(command) COMMAND_BIT(command)
#define LISTING      (BIT(COMMAND_PLAN) | BIT(COMMAND_SWEEP))
#define ROWS         BIT(COMMAND_DELETE_ROWS)
#define RUNNING      (LISTING | BIT(COMMAND_APPLY) | ROWS)
#define HISTORY      BIT(COMMAND_HISTORY)
#define EXPLAIN      BIT(COMMAND_EXPLAIN)
#define TEST         BIT(COMMAND_TEST)
#define WHOAMI       BIT(COMMAND_WHOAMI)
#define IAM_POLICY   BIT(COMMAND_IAM_POLICY)
#define STATUS       BIT(COMMAND_STATUS)
#define RUN          BIT(COMMAND_RUN)
#define SCHEDULE     BIT(COMMAND_SCHEDULE)
#define DAEMON_ASKED (STATUS | RUN | BIT(COMMAND_PAUSE) | BIT(COMMAND_RESUME) | BIT(COMMAND_RELOAD))
#define ALL                                                                                                  \
    (RUNNING | DAEMON_ASKED | SCHEDULE | HISTORY | EXPLAIN | TEST | WHOAMI | IAM_POLICY |                    \
     BIT(COMMAND_SCHEMA) | BIT(COMMAND_COMPLETION) | BIT(COMMAND_CHECK) | BIT(COMMAND_HELP) |                \
     BIT(COMMAND_DAEMON) | BIT(COMMAND_NONE))

/* By enum command. */
static const struct command_rule commands[] = {
    [COMMAND_PLAN] = {.name = "plan",
                      .shown = "[POLICY...]",
                      .operands = OPERANDS_POLICIES,
                      .summary = "show what policies would delete; delete nothing",
                      .text =
                          "Lists the job executions that the policies cover and says which of them would\n"
                          "be deleted and why. Without POLICY: all policies. Nothing is deleted."},
    [COMMAND_SWEEP] = {.name = "sweep",
                       .shown = "[POLICY...]",
                       .operands = OPERANDS_POLICIES,
                       .summary = "delete what policies select",
                       .text =
                           "Lists, decides, compares with the guards and deletes. A policy deletes only\n"
                           "where its mode is enforce and its target allows it; otherwise it is planned.\n"
                           "Without POLICY: all policies that enforce; what would go is shown first, and\n"
                           "asked about unless --yes. Ctrl-C ends it: what was sent is settled first."},
    [COMMAND_APPLY] =
        {.name = "apply",
         .shown = "FILE",
         .operands = OPERANDS_FILE,
         .summary = "delete what a plan in a file says",
         .text = "Deletes the rows of a plan that jobsweep plan -o wrote: exactly those, each only\n"
                 "if it is still as it was planned. Nothing is deleted, and the exit status is 9,\n"
                 "once the plan has expired, or where one of its policies is another one by now.",
         .missing = "apply needs the file of a plan (jobsweep plan -o FILE)"},
    [COMMAND_DELETE_ROWS] =
        {.name = "delete-job-executions",
         .shown = "[FILE]",
         .operands = OPERANDS_FILE_OR,
         .summary = "delete the job executions that a file names",
         .text = "Reads rows (job_id, thing_name, execution_number) from FILE or standard input:\n"
                 "CSV with a header, JSON Lines, or the JSON of aws iot\n"
                 "list-job-executions-for-*. Without a number the newest is meant. Nothing is\n"
                 "deleted when a row is wrong. Only finished job executions go, and those\n"
                 "IN_PROGRESS with --force. Asks on the terminal unless --yes."},
    [COMMAND_CHECK] = {.name = "check",
                       .shown = "",
                       .summary = "say all that is wrong with the configuration",
                       .text =
                           "Reads the configuration as the daemon would. Connects to nothing, but with\n"
                           "--online asks each target whose credentials it has and which of the calls that\n"
                           "its policies need are allowed. Nothing is changed, so deletion is not tested.",
                       .instead = "; a configuration is named with --config"},
    [COMMAND_HISTORY] =
        {.name = "history",
         .shown = "[verify]",
         .operands = OPERANDS_VERIFY,
         .summary = "show what was done, from the ledger",
         .text = "Shows the job executions that sweeps have settled, oldest first. Works while\n"
                 "the daemon runs. history verify tells whether the ledger is as it was written:\n"
                 "the first record that was changed, is missing or out of order, if there is one,\n"
                 "and exit status 1.",
         .instead = ", only verify; a thing is named with --thing, a job with --job"},
    [COMMAND_DELETE_ONE] = {.name = "delete-job-execution",
                            .shown = "",
                            .summary = "delete one, as `aws iot delete-job-execution` does",
                            .text = ""},
    [COMMAND_EXPLAIN] =
        {.name = "explain",
         .shown = "--thing NAME --job ID",
         .summary = "say what policies make of an execution, and why",
         .text = "Looks at the executions of --job on --thing and says for each policy whether it\n"
                 "would delete them, by which clause, and where that stands. Deletes nothing.",
         .instead = "; a thing is named with --thing, a job with --job"},
    [COMMAND_TEST] = {.name = "test",
                      .shown = "FILE...",
                      .operands = OPERANDS_EXAMPLES,
                      .summary = "test policies on examples",
                      .text =
                          "Each FILE holds job executions and what policies are expected to make of them.\n"
                          "Connects to nothing. Exit status 1 when an expectation is not met. --format\n"
                          "takes junit too, for continuous integration.",
                      .missing = "test needs a file of examples"},
    [COMMAND_SCHEMA] = {.name = "schema",
                        .shown = "",
                        .summary = "print the JSON Schema of the configuration",
                        .text = "For editors and programs that write configurations. Connects to nothing."},
    [COMMAND_WHOAMI] =
        {.name = "whoami",
         .shown = "",
         .summary = "show who the credentials of each target say we are",
         .text = "Asks STS, for each target, whose credentials it has: the account, the ARN, where\n"
                 "they come from and when they expire. Exit status 8 where they cannot be used.",
         .instead = "; a target is named with --target"},
    [COMMAND_IAM_POLICY] =
        {.name = "iam-policy",
         .shown = "[POLICY...]",
         .operands = OPERANDS_POLICIES,
         .summary = "print the least IAM policy that policies need",
         .text = "Prints what IAM must allow for the policies where they run, as a policy\n"
                 "document; the sessions of roles are limited to the same. Connects to nothing."},
    [COMMAND_STATUS] =
        {.name = "status",
         .shown = "",
         .summary = "show what the running daemon does",
         .text = "Asks the daemon what runs, what is next, what failed, whether it is paused, and\n"
                 "whether the last reload was refused. Exit status 7 when it is not reached.",
         .instead = "; a configuration is named with --config"},
    [COMMAND_RUN] = {.name = "run",
                     .shown = "POLICY...",
                     .operands = OPERANDS_POLICIES,
                     .summary = "have the running daemon sweep policies now",
                     .text =
                         "As jobsweep sweep, but in the daemon, by its configuration. Waits for the end,\n"
                         "and ends with the exit status of a sweep. Ctrl-C leaves the run going.",
                     .missing = "run needs the names of policies"},
    [COMMAND_PAUSE] = {.name = "pause",
                       .shown = "",
                       .summary = "have the running daemon delete nothing more",
                       .text =
                           "Until jobsweep resume, also when the daemon is started again: no deletion is\n"
                           "sent, no run begins, and what is due meanwhile is left out. What was sent is\n"
                           "settled."},
    [COMMAND_RESUME] = {.name = "resume",
                        .shown = "",
                        .summary = "have a paused daemon go on",
                        .text =
                            "Runs that were held go on; what they looked at long ago is looked at again.\n"
                            "Policies with catch_up: once make up for what was left out."},
    [COMMAND_RELOAD] = {.name = "reload",
                        .shown = "",
                        .summary = "have the running daemon read its configuration",
                        .text =
                            "All of it or, where anything is wrong, nothing of it: then what is wrong is\n"
                            "said as by jobsweep check, and the exit status is 2."},
    [COMMAND_SCHEDULE] = {.name = "schedule",
                          .shown = "[POLICY...]",
                          .operands = OPERANDS_POLICIES,
                          .summary = "show when policies run next",
                          .text =
                              "Shows when policies run next: the first time as the daemon has it, where one\n"
                              "runs; the rest, and all without a daemon, by the configuration."},
    [COMMAND_COMPLETION] =
        {.name = "completion",
         .shown = "bash|zsh|fish",
         .operands = OPERANDS_SHELL,
         .summary = "print what the shell needs to complete commands",
         .text = "make install puts these scripts where the shells look for them. Without that:\n"
                 "source <(jobsweep completion bash). The scripts ask jobsweep completion policies\n"
                 "for the names of the policies.",
         .missing = "completion needs the name of a shell: bash, zsh or fish"},
    [COMMAND_HELP] = {.name = "help",
                      .shown = "[COMMAND]",
                      .operands = OPERANDS_COMMAND,
                      .summary = "show the help of a command",
                      .text = "Without COMMAND: of jobsweep as a whole."},
    [COMMAND_DAEMON] = {.name = "",
                        .shown = "",
                        .summary = "",
                        .text = "Sweeps by the schedules of its policies."},
    [COMMAND_NONE] = {.name = "",
                      .shown = "COMMAND [OPTION...]",
                      .summary = "",
                      .text = "Deletes finished AWS IoT job executions by policy."},
};

static const struct option_rule options[] = {
    {"config", 'c', "FILE", ALL & ~(BIT(COMMAND_HELP) | BIT(COMMAND_SCHEMA) | BIT(COMMAND_NONE)),
     "read this configuration"},
    {"target", 0, "NAME", LISTING | RUN | ROWS | EXPLAIN | WHOAMI | IAM_POLICY | BIT(COMMAND_CHECK),
     "in these targets only; patterns as in prod/*"},
    {"thing", 0, "NAME", HISTORY | EXPLAIN | ROWS, "of this thing"},
    {"job", 0, "ID", HISTORY | EXPLAIN | ROWS, "of this job"},
    {"execution-number", 0, "N", EXPLAIN, "this execution only; else all of the job there"},
    {"policy", 0, "NAME", HISTORY | EXPLAIN, "by this policy"},
    {"since", 0, "TIME", HISTORY, "since then: a duration back (12h), a day, a time"},
    {"outcome", 0, "OUTCOME", HISTORY, "with this outcome: deleted, failed, ..."},
    {"output", 'o', "FILE", BIT(COMMAND_PLAN), "write the plan there, for jobsweep apply"},
    {"expires", 0, "DURATION", BIT(COMMAND_PLAN), "how long that plan may be applied (24h)"},
    {"format", 0, "text|json",
     RUNNING | DAEMON_ASKED | SCHEDULE | HISTORY | EXPLAIN | TEST | WHOAMI | BIT(COMMAND_CHECK),
     "text (default), or one JSON object a line"},
    {"detailed-exitcode", 0, NULL, BIT(COMMAND_PLAN), "exit with 3 when anything would be deleted"},
    {"yes", 0, NULL, BIT(COMMAND_SWEEP) | ROWS, "do not ask (sweep: all policies that enforce)"},
    {"force", 0, NULL, ROWS, "delete those IN_PROGRESS, too"},
    {"dry-run", 0, NULL, ROWS, "show what would be deleted; delete nothing"},
    {"socket", 0, "PATH", DAEMON_ASKED, "of the daemon; else as the configuration says"},
    {"watch", 0, NULL, STATUS, "again every two seconds, until Ctrl-C"},
    {"no-wait", 0, NULL, RUN, "do not wait for the end"},
    {"next", 0, "N", SCHEDULE, "so many firings of each policy (1)"},
    {"quiet", 'q', NULL,
     RUNNING | DAEMON_ASKED | SCHEDULE | HISTORY | EXPLAIN | TEST | WHOAMI | IAM_POLICY | BIT(COMMAND_CHECK),
     "no progress, no notes, only results and errors"},
    {"verbose", 'v', NULL, RUNNING | STATUS | HISTORY, "each job execution with its verdict; each record"},
    {"online", 0, NULL, BIT(COMMAND_CHECK), "ask the targets, too; changes nothing"},
    {"check", 0, NULL, BIT(COMMAND_DAEMON), "say what is wrong with the configuration, and exit"},
    {"once", 0, NULL, BIT(COMMAND_DAEMON), "sweep every policy now, once, and exit"},
    {"log-level", 0, "LEVEL", BIT(COMMAND_DAEMON), "the least: debug, info, warning or error"},
    {"log-format", 0, "FORMAT", BIT(COMMAND_DAEMON), "auto, text, journal or json"},
    {"help", 'h', NULL, ALL, "show this help"},
    {"version", 0, NULL, BIT(COMMAND_NONE) | BIT(COMMAND_DAEMON), "show the version"},
};

#define OPTIONS (sizeof options / sizeof options[0])
_Static_assert(OPTIONS <= OPTIONS_MAX, "OPTIONS_MAX is too small");

/* Where an option means something else to a command than to the others. */
static const struct {
    uint64_t commands;
    const char *name, *argument, *text;
} other_texts[] = {
    {ROWS, "target", "NAME", "in this target; needed where there are several"},
    {BIT(COMMAND_COMPLETION), "config", "FILE", "with policies: of this configuration"},
    {BIT(COMMAND_CHECK), "target", "NAME", "with --online: in these targets only"},
    {ROWS, "thing", "NAME", "rows that name no thing are of this one"},
    {ROWS, "job", "ID", "rows that name no job are of this one"},
    {ROWS, "yes", NULL, "do not ask"},
    {BIT(COMMAND_APPLY) | ROWS, "verbose", NULL, "each job execution with what came of it"},
    {HISTORY, "verbose", NULL, "each record"},
    {LISTING, "verbose", NULL, "each job execution with its verdict"},
    {STATUS, "verbose", NULL, "each policy in each target"},
    {TEST, "format", "text|json|junit", "text (default), JSON, or JUnit's XML"},
};

const struct command_rule *command_rule(enum command command)
{
    return &commands[command];
}

const struct option_rule *option_rules(size_t *count)
{
    *count = OPTIONS;
    return options;
}

struct option_rule option_rule_for(size_t index, enum command command)
{
    struct option_rule rule = options[index];
    for (size_t i = 0; i < sizeof other_texts / sizeof other_texts[0]; i++) {
        if ((other_texts[i].commands & BIT(command)) != 0 && strcmp(other_texts[i].name, rule.name) == 0) {
            rule.argument = other_texts[i].argument;
            rule.text = other_texts[i].text;
        }
    }
    return rule;
}

bool option_fits(size_t index, enum command command)
{
    return (options[index].commands & BIT(command)) != 0;
}
