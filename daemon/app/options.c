/* The command lines of both programs. */
#include "app/options.h"

#include "app/aws_arguments.h"
#include "base/text.h"

#include <getopt.h>
#include <string.h>

#define BIT(command) (1u << (command))
#define LISTING      (BIT(COMMAND_PLAN) | BIT(COMMAND_SWEEP))
#define ROWS         BIT(COMMAND_DELETE_ROWS)
#define RUNNING      (LISTING | BIT(COMMAND_APPLY) | ROWS)
#define HISTORY      BIT(COMMAND_HISTORY)
#define EXPLAIN      BIT(COMMAND_EXPLAIN)
#define TEST         BIT(COMMAND_TEST)
#define WHOAMI       BIT(COMMAND_WHOAMI)
#define IAM_POLICY   BIT(COMMAND_IAM_POLICY)
#define ALL                                                                                                  \
    (RUNNING | HISTORY | EXPLAIN | TEST | WHOAMI | IAM_POLICY | BIT(COMMAND_SCHEMA) | BIT(COMMAND_CHECK) |   \
     BIT(COMMAND_HELP) | BIT(COMMAND_DAEMON) | BIT(COMMAND_NONE))
#define LONG_BASE 256 /* above any letter */

struct command_rule {
    const char *name, *operands, *summary, *text;
};

/* By enum command. */
static const struct command_rule command_rules[] = {
    [COMMAND_PLAN] = {"plan", "[POLICY...]", "show what policies would delete; delete nothing",
                      "Lists the job executions that the policies cover and says which of them would\n"
                      "be deleted and why. Without POLICY: all policies. Nothing is deleted."},
    [COMMAND_SWEEP] = {"sweep", "[POLICY...]", "delete what policies select",
                       "Lists, decides, compares with the guards and deletes. A policy deletes only\n"
                       "where its mode is enforce and its target allows it; otherwise it is planned.\n"
                       "Without POLICY: all policies that enforce, after a question on the terminal, or\n"
                       "with --yes. Ctrl-C ends it: what was sent is settled first."},
    [COMMAND_APPLY] = {"apply", "FILE", "delete what a plan in a file says",
                       "Deletes the rows of a plan that jobsweep plan -o wrote: exactly those, each only\n"
                       "if it is still as it was planned. Nothing is deleted, and the exit status is 9,\n"
                       "once the plan has expired, or where one of its policies is another one by now."},
    [COMMAND_DELETE_ROWS] =
        {"delete-job-executions", "[FILE]", "delete the job executions that a file names",
         "Reads rows (job_id, thing_name, execution_number) from FILE or standard input:\n"
         "CSV with a header, JSON Lines, or the JSON of aws iot\n"
         "list-job-executions-for-*. Without a number the newest is meant. Nothing is\n"
         "deleted when a row is wrong. Only finished job executions go, and those\n"
         "IN_PROGRESS with --force. Asks on the terminal unless --yes."},
    [COMMAND_CHECK] = {"check", "", "say all that is wrong with the configuration",
                       "Reads the configuration as the daemon would. Connects to nothing, but with\n"
                       "--online asks each target whose credentials it has and which of the calls that\n"
                       "its policies need are allowed. Nothing is changed, so deletion is not tested."},
    [COMMAND_HISTORY] = {"history", "[verify]", "show what was done, from the ledger",
                         "Shows the job executions that sweeps have settled, oldest first. Works while\n"
                         "the daemon runs. history verify tells whether the ledger is as it was written:\n"
                         "the first record that was changed, is missing or out of order, if there is one,\n"
                         "and exit status 1."},
    [COMMAND_DELETE_ONE] = {"delete-job-execution", "", "delete one, as `aws iot delete-job-execution` does",
                            ""},
    [COMMAND_EXPLAIN] = {"explain", "", "say what policies make of an execution, and why",
                         "Looks at the executions of --job on --thing and says for each policy whether it\n"
                         "would delete them, by which clause, and where that stands. Deletes nothing."},
    [COMMAND_TEST] = {"test", "FILE...", "test policies on examples",
                      "Each FILE holds job executions and what policies are expected to make of them.\n"
                      "Connects to nothing. Exit status 1 when an expectation is not met. --format\n"
                      "takes junit too, for continuous integration."},
    [COMMAND_SCHEMA] = {"schema", "", "print the JSON Schema of the configuration",
                        "For editors and programs that write configurations. Connects to nothing."},
    [COMMAND_WHOAMI] = {"whoami", "", "show who the credentials of each target say we are",
                        "Asks STS, for each target, whose credentials it has: the account, the ARN, where\n"
                        "they come from and when they expire. Exit status 8 where they cannot be used."},
    [COMMAND_IAM_POLICY] = {"iam-policy", "[POLICY...]", "print the least IAM policy that policies need",
                            "Prints what IAM must allow for the policies where they run, as a policy\n"
                            "document; the sessions of roles are limited to the same. Connects to nothing."},
    [COMMAND_HELP] = {"help", "[COMMAND]", "show the help of a command",
                      "Without COMMAND: of jobsweep as a whole."},
    [COMMAND_DAEMON] = {"", "", "", "Sweeps by the schedules of its policies."},
    [COMMAND_NONE] = {"", "COMMAND [OPTION...]", "", "Deletes finished AWS IoT job executions by policy."},
};

struct option_rule {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: takes none */
    unsigned commands;
    const char *text;
};

static const struct option_rule option_rules[] = {
    {"config", 'c', "FILE", ALL & ~(BIT(COMMAND_HELP) | BIT(COMMAND_SCHEMA) | BIT(COMMAND_NONE)),
     "read this configuration"},
    {"target", 0, "NAME", LISTING | ROWS | EXPLAIN | WHOAMI | IAM_POLICY | BIT(COMMAND_CHECK),
     "in these targets only; patterns as in prod/*"},
    {"thing", 0, "NAME", HISTORY | EXPLAIN | ROWS, "of this thing"},
    {"job", 0, "ID", HISTORY | EXPLAIN | ROWS, "of this job"},
    {"execution-number", 0, "N", EXPLAIN, "this execution only; else all of the job there"},
    {"policy", 0, "NAME", HISTORY | EXPLAIN, "by this policy"},
    {"since", 0, "TIME", HISTORY, "since then: a duration back (12h), a day, a time"},
    {"outcome", 0, "OUTCOME", HISTORY, "with this outcome: deleted, failed, ..."},
    {"output", 'o', "FILE", BIT(COMMAND_PLAN), "write the plan there, for jobsweep apply"},
    {"expires", 0, "DURATION", BIT(COMMAND_PLAN), "how long that plan may be applied (24h)"},
    {"format", 0, "text|json", RUNNING | HISTORY | EXPLAIN | TEST | WHOAMI | BIT(COMMAND_CHECK),
     "text (default), or one JSON object a line"},
    {"detailed-exitcode", 0, NULL, BIT(COMMAND_PLAN), "exit with 3 when anything would be deleted"},
    {"yes", 0, NULL, BIT(COMMAND_SWEEP) | ROWS, "do not ask (sweep: all policies that enforce)"},
    {"force", 0, NULL, ROWS, "delete those IN_PROGRESS, too"},
    {"dry-run", 0, NULL, ROWS, "show what would be deleted; delete nothing"},
    {"quiet", 'q', NULL, RUNNING | HISTORY | EXPLAIN | TEST | WHOAMI | IAM_POLICY | BIT(COMMAND_CHECK),
     "no progress, no notes, only results and errors"},
    {"verbose", 'v', NULL, RUNNING | HISTORY, "each job execution with its verdict; each record"},
    {"online", 0, NULL, BIT(COMMAND_CHECK), "ask the targets, too; changes nothing"},
    {"check", 0, NULL, BIT(COMMAND_DAEMON), "say what is wrong with the configuration, and exit"},
    {"once", 0, NULL, BIT(COMMAND_DAEMON), "sweep every policy now, once, and exit"},
    {"log-level", 0, "LEVEL", BIT(COMMAND_DAEMON), "the least: debug, info, warning or error"},
    {"log-format", 0, "FORMAT", BIT(COMMAND_DAEMON), "auto, text, journal or json"},
    {"help", 'h', NULL, ALL, "show this help"},
    {"version", 0, NULL, BIT(COMMAND_NONE) | BIT(COMMAND_DAEMON), "show the version"},
};

#define RULES (sizeof option_rules / sizeof option_rules[0])

/* Where an option means something else to a command than to the others. */
static const struct {
    unsigned commands;
    const char *name, *argument, *text;
} other_texts[] = {
    {ROWS, "target", "NAME", "in this target; needed where there are several"},
    {BIT(COMMAND_CHECK), "target", "NAME", "with --online: in these targets only"},
    {ROWS, "thing", "NAME", "rows that name no thing are of this one"},
    {ROWS, "job", "ID", "rows that name no job are of this one"},
    {ROWS, "yes", NULL, "do not ask"},
    {BIT(COMMAND_APPLY) | ROWS, "verbose", NULL, "each job execution with what came of it"},
    {HISTORY, "verbose", NULL, "each record"},
    {LISTING, "verbose", NULL, "each job execution with its verdict"},
    {TEST, "format", "text|json|junit", "text (default), JSON, or JUnit's XML"},
};

static const struct option_rule *find_rule(size_t index, enum command command, struct option_rule *rule)
{
    *rule = option_rules[index];
    for (size_t i = 0; i < sizeof other_texts / sizeof other_texts[0]; i++) {
        if ((other_texts[i].commands & BIT(command)) != 0 && strcmp(other_texts[i].name, rule->name) == 0) {
            rule->argument = other_texts[i].argument;
            rule->text = other_texts[i].text;
        }
    }
    return rule;
}

/* --- setting values ------------------------------------------------------------------------------------ */

static int set_format(struct options *options, const char *value, struct err *err)
{
    if (strcmp(value, "text") == 0) {
        options->format = OUTPUT_TEXT;
    } else if (strcmp(value, "json") == 0) {
        options->format = OUTPUT_JSON;
    } else if (strcmp(value, "junit") == 0) {
        options->format = OUTPUT_JUNIT;
    } else {
        return err_set(err, ERR_INVALID, "--format takes text or json, not \"%s\"", value);
    }
    return 0;
}

static const char **text_of(struct options *options, const char *name)
{
    const struct {
        const char *name, **text;
    } texts[] = {
        {"config", &options->config},   {"target", &options->target}, {"thing", &options->thing},
        {"job", &options->job},         {"policy", &options->policy}, {"since", &options->since},
        {"outcome", &options->outcome}, {"output", &options->output}, {"expires", &options->expires},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            return texts[i].text;
        }
    }
    return NULL;
}

static int set_with_value(struct options *options, const char *name, const char *value, struct err *err)
{
    const char **text = text_of(options, name);
    if (text != NULL) {
        *text = value;
    } else if (strcmp(name, "format") == 0) {
        return set_format(options, value, err);
    } else if (strcmp(name, "execution-number") == 0) {
        if (!text_int64(value, 1, INT64_MAX, &options->execution_number)) {
            return err_set(err, ERR_INVALID, "--execution-number takes a number above 0, not \"%s\"", value);
        }
    } else if (strcmp(name, "log-level") == 0) {
        if (log_level_parse(value, &options->log_level) != 0) {
            return err_set(err, ERR_INVALID, "--log-level takes debug, info, warning or error, not \"%s\"",
                           value);
        }
        options->log_level_given = true;
    } else if (strcmp(name, "log-format") == 0) {
        if (log_format_parse(value, &options->log_format) != 0) {
            return err_set(err, ERR_INVALID, "--log-format takes auto, text, journal or json, not \"%s\"",
                           value);
        }
        options->log_format_given = true;
    }
    return 0;
}

static bool *flag_of(struct options *options, const char *name)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"detailed-exitcode", &options->detailed_exitcode},
        {"yes", &options->yes},
        {"force", &options->force},
        {"dry-run", &options->dry_run},
        {"quiet", &options->quiet},
        {"verbose", &options->verbose},
        {"online", &options->online},
        {"check", &options->check},
        {"once", &options->once},
        {"help", &options->help},
        {"version", &options->version},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(flags[i].name, name) == 0) {
            return flags[i].flag;
        }
    }
    return NULL;
}

/* --- reading ------------------------------------------------------------------------------------------- */

struct reading {
    struct option longs[RULES + 1];
    char shorts[2 * RULES + 2];
    bool given[RULES];
};

/* The leading ':' of the short options has a missing argument told apart from an unknown option. */
static void make_tables(struct reading *reading)
{
    char *letter = reading->shorts;
    *letter++ = ':';
    for (size_t i = 0; i < RULES; i++) {
        const struct option_rule *rule = &option_rules[i];
        reading->longs[i].name = rule->name;
        reading->longs[i].has_arg = rule->argument == NULL ? no_argument : required_argument;
        reading->longs[i].val = LONG_BASE + (int)i;
        if (rule->letter == 0) {
            continue;
        }
        *letter++ = rule->letter;
        if (rule->argument != NULL) {
            *letter++ = ':';
        }
    }
}

static size_t rule_of(int value)
{
    if (value >= LONG_BASE) {
        return (size_t)(value - LONG_BASE);
    }
    for (size_t i = 0; i < RULES; i++) {
        if (option_rules[i].letter == value) {
            return i;
        }
    }
    return RULES;
}

static int refuse_word(const char *what, const char *word, const char *nearest, const char *prefix,
                       struct err *err)
{
    if (nearest == NULL) {
        return err_set(err, ERR_INVALID, "unknown %s \"%s\"", what, word);
    }
    return err_set(err, ERR_INVALID, "unknown %s \"%s\"; did you mean %s%s?", what, word, prefix, nearest);
}

/* getopt has moved past the word that it does not know, unless it stands inside of a group of letters. */
static int refuse_option(char **argv, struct err *err)
{
    const char *word = argv[optind > 1 ? optind - 1 : 1];
    const char *names[RULES + 1] = {NULL};
    char name[64];
    if (optopt > 0 && optopt < LONG_BASE && strncmp(word, "--", 2) != 0) {
        return err_set(err, ERR_INVALID, "unknown option -%c", optopt);
    }
    if (optopt >= LONG_BASE) {
        return err_set(err, ERR_INVALID, "option --%s takes no value", option_rules[rule_of(optopt)].name);
    }
    for (size_t i = 0; i < RULES; i++) {
        names[i] = option_rules[i].name;
    }
    text_copy(name, sizeof name, word + 2);
    return refuse_word("or ambiguous option", word, text_nearest(name, names), "--", err);
}

static int read_options(struct options *options, struct reading *reading, int argc, char **argv,
                        struct err *err)
{
    int value;
    opterr = 0;
    optind = 0; /* has glibc start over */
    while ((value = getopt_long(argc, argv, reading->shorts, reading->longs, NULL)) != -1) {
        if (value == '?') {
            return refuse_option(argv, err);
        }
        size_t rule = rule_of(value == ':' ? optopt : value);
        if (value == ':') {
            return err_set(err, ERR_INVALID, "option --%s needs a value: %s", option_rules[rule].name,
                           option_rules[rule].argument);
        }
        reading->given[rule] = true;
        bool *flag = flag_of(options, option_rules[rule].name);
        if (flag != NULL) {
            *flag = true;
        } else if (set_with_value(options, option_rules[rule].name, optarg, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int find_command(const char *word, enum command *command, struct err *err)
{
    const char *names[COMMAND_HELP + 2] = {NULL};
    for (int i = 0; i <= COMMAND_HELP; i++) {
        names[i] = command_rules[i].name;
    }
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(word, names[i]) == 0) {
            *command = (enum command)i;
            return 0;
        }
    }
    const char *nearest = text_nearest(word, names);
    if (nearest == NULL) {
        return err_set(err, ERR_INVALID, "unknown command \"%s\"; see jobsweep --help", word);
    }
    return refuse_word("command", word, nearest, "", err);
}

static int refuse_operand(enum command command, const char *operand, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s takes no \"%s\"%s", command_rules[command].name, operand,
                   command == COMMAND_CHECK    ? "; a configuration is named with --config"
                   : command == COMMAND_WHOAMI ? "; a target is named with --target"
                   : command == COMMAND_HISTORY || command == COMMAND_EXPLAIN
                       ? "; a thing is named with --thing, a job with --job"
                       : "");
}

static int read_file(struct options *options, char **operands, size_t count, struct err *err)
{
    bool standard_input = count == 1 || strcmp(operands[1], "-") == 0;
    if (count > 2) {
        return refuse_operand(options->command, operands[2], err);
    }
    if (options->command == COMMAND_APPLY && standard_input && !options->help) {
        return err_set(err, ERR_INVALID, "apply needs the file of a plan (jobsweep plan -o FILE)");
    }
    options->file = standard_input ? NULL : operands[1];
    return 0;
}

static int read_operands(struct options *options, enum program program, char **operands, size_t count,
                         struct err *err)
{
    if (program == PROGRAM_JOBSWEEPD) {
        return count == 0 ? 0 : err_set(err, ERR_INVALID, "jobsweepd takes no \"%s\"", operands[0]);
    }
    if (count == 0) {
        if (options->help || options->version) {
            return 0;
        }
        return err_set(err, ERR_INVALID, "which command? see jobsweep --help");
    }
    if (find_command(operands[0], &options->command, err) != 0) {
        return -1;
    }
    if (options->command == COMMAND_HELP && count == 2) {
        return find_command(operands[1], &options->topic, err);
    }
    options->verify = options->command == COMMAND_HISTORY && count == 2 && strcmp(operands[1], "verify") == 0;
    if (options->verify) {
        return 0;
    }
    if (options->command == COMMAND_TEST) {
        options->files = operands + 1;
        options->file_count = count - 1;
        return count > 1 || options->help ? 0 : err_set(err, ERR_INVALID, "test needs a file of examples");
    }
    if (options->command == COMMAND_HELP || options->command == COMMAND_CHECK ||
        options->command == COMMAND_HISTORY || options->command == COMMAND_EXPLAIN ||
        options->command == COMMAND_WHOAMI || options->command == COMMAND_SCHEMA) {
        return count == 1 ? 0 : refuse_operand(options->command, operands[count - 1], err);
    }
    if (options->command == COMMAND_APPLY || options->command == COMMAND_DELETE_ROWS) {
        return read_file(options, operands, count, err);
    }
    options->policies = operands + 1;
    options->policy_count = count - 1;
    return 0;
}

static int check_fit(const struct options *options, const struct reading *reading, struct err *err)
{
    for (size_t i = 0; i < RULES; i++) {
        if (!reading->given[i] || (option_rules[i].commands & BIT(options->command)) != 0) {
            continue;
        }
        const char *name = command_rules[options->command].name;
        return err_set(err, ERR_INVALID, "%s does not take --%s",
                       name[0] != '\0'                      ? name
                       : options->command == COMMAND_DAEMON ? "jobsweepd"
                                                            : "jobsweep without a command",
                       option_rules[i].name);
    }
    if (options->quiet && options->verbose) {
        return err_set(err, ERR_INVALID, "--quiet and --verbose exclude each other");
    }
    if (options->verify && (options->thing != NULL || options->job != NULL || options->policy != NULL ||
                            options->since != NULL || options->outcome != NULL)) {
        return err_set(err, ERR_INVALID,
                       "history verify takes the ledger as a whole: no thing, job, policy, time "
                       "or outcome");
    }
    if (options->expires != NULL && options->output == NULL) {
        return err_set(err, ERR_INVALID, "--expires is about the plan of --output");
    }
    if (options->command == COMMAND_EXPLAIN && !options->help &&
        (options->thing == NULL || options->job == NULL)) {
        return err_set(err, ERR_INVALID, "explain needs --thing and --job");
    }
    if (options->format == OUTPUT_JUNIT && options->command != COMMAND_TEST) {
        return err_set(err, ERR_INVALID, "--format junit is for test alone");
    }
    if (options->command == COMMAND_CHECK && options->target != NULL && !options->online) {
        return err_set(err, ERR_INVALID, "check takes --target only with --online");
    }
    if (options->check && options->once) {
        return err_set(err, ERR_INVALID, "--check and --once exclude each other");
    }
    return 0;
}

/* Then an option of its own would be blamed, which are not known here. Asked before getopt moves the words.
 */
static bool delete_one_behind_options(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (argv[1][0] == '-' && strcmp(argv[i], command_rules[COMMAND_DELETE_ONE].name) == 0) {
            return true;
        }
    }
    return false;
}

int options_parse(struct options *options, enum program program, int argc, char **argv, struct err *err)
{
    struct reading reading = {0};
    *options = (struct options){.command = program == PROGRAM_JOBSWEEPD ? COMMAND_DAEMON : COMMAND_NONE,
                                .topic = COMMAND_NONE,
                                .log_level = LOG_INFO};
    make_tables(&reading);
    bool behind = program == PROGRAM_JOBSWEEP && delete_one_behind_options(argc, argv);
    if (read_options(options, &reading, argc, argv, err) != 0) {
        return !behind
                   ? -1
                   : err_set(err, ERR_INVALID,
                             "delete-job-execution reads no configuration: -c and --target do not belong to "
                             "it (they do to delete-job-executions)");
    }
    if (read_operands(options, program, argv + optind, (size_t)(argc - optind), err) != 0) {
        return -1;
    }
    if (options->version && options->command < COMMAND_DAEMON) {
        return 0; /* with a command too: nobody can mean anything else */
    }
    return check_fit(options, &reading, err);
}

/* --- help ---------------------------------------------------------------------------------------------- */

static void help_options(enum command command, struct buf *out)
{
    buf_text(out, "\nOptions:\n");
    for (size_t i = 0; i < RULES; i++) {
        struct option_rule own;
        const struct option_rule *rule = find_rule(i, command, &own);
        char name[64];
        if ((rule->commands & BIT(command)) == 0) {
            continue;
        }
        struct buf text;
        buf_init(&text, sizeof name - 1);
        if (rule->letter != 0) {
            buf_printf(&text, "-%c, ", rule->letter);
        } else {
            buf_text(&text, "    ");
        }
        buf_printf(&text, "--%s%s%s", rule->name, rule->argument != NULL ? " " : "",
                   rule->argument != NULL ? rule->argument : "");
        text_copy(name, sizeof name, buf_string(&text));
        buf_finish(&text);
        buf_printf(out, "  %-26s %s\n", name, rule->text);
    }
}

void options_help(enum command command, struct buf *out)
{
    const struct command_rule *rule = &command_rules[command];
    bool daemon = command == COMMAND_DAEMON;
    if (command == COMMAND_DELETE_ONE) {
        aws_arguments_help(out);
        return;
    }
    buf_printf(out, "Usage: %s%s%s%s%s%s\n\n%s%s", daemon ? "jobsweepd" : "jobsweep",
               rule->name[0] != '\0' ? " " : "", rule->name, command == COMMAND_NONE ? "" : " [OPTION...]",
               rule->operands[0] != '\0' ? " " : "", rule->operands, rule->text,
               rule->text[0] != '\0' ? "\n" : "");
    if (command == COMMAND_NONE) {
        buf_text(out, "\nCommands:\n");
        for (int i = COMMAND_PLAN; i <= COMMAND_HELP; i++) {
            buf_printf(out, "  %-26s %s\n", command_rules[i].name, command_rules[i].summary);
        }
    }
    help_options(command, out);
    const char *manual = daemon ? "jobsweepd" : "jobsweep";
    buf_printf(out, "\nExit status: 0 when all went well; each other one is in man %s.\nSee also: man %s\n",
               manual, manual);
}
