/* The command lines of both programs. */
#include "app/options.h"

#include "app/command_rules.h"
#include "base/text.h"

#include <getopt.h>
#include <string.h>

#define LONG_BASE 256 /* above any letter */

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
        return err_set(err, ERR_INVALID, "--format takes text or json (test: junit, too), not \"%s\"", value);
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
        {"socket", &options->socket},
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
    } else if (strcmp(name, "next") == 0) {
        if (!text_int64(value, 1, SCHEDULE_NEXT_MAX, &options->next)) {
            return err_set(err, ERR_INVALID, "--next takes a number from 1 to %d, not \"%s\"",
                           SCHEDULE_NEXT_MAX, value);
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
        {"watch", &options->watch},
        {"no-wait", &options->no_wait},
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
    const struct option_rule *rules;
    size_t count; /* of them */
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 2];
    bool given[OPTIONS_MAX];
};

/* The leading ':' of the short options has a missing argument told apart from an unknown option. */
static void make_tables(struct reading *reading)
{
    char *letter = reading->shorts;
    *letter++ = ':';
    reading->rules = option_rules(&reading->count);
    for (size_t i = 0; i < reading->count; i++) {
        const struct option_rule *rule = &reading->rules[i];
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

static size_t rule_of(const struct reading *reading, int value)
{
    size_t i = 0;
    if (value >= LONG_BASE) {
        return (size_t)(value - LONG_BASE);
    }
    while (i < reading->count && reading->rules[i].letter != value) {
        i++;
    }
    return i;
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
static int refuse_option(const struct reading *reading, char **argv, struct err *err)
{
    const char *word = argv[optind > 1 ? optind - 1 : 1];
    const char *names[OPTIONS_MAX + 1] = {NULL};
    char name[64];
    if (optopt > 0 && optopt < LONG_BASE && strncmp(word, "--", 2) != 0) {
        return err_set(err, ERR_INVALID, "unknown option -%c", optopt);
    }
    if (optopt >= LONG_BASE) {
        return err_set(err, ERR_INVALID, "option --%s takes no value",
                       reading->rules[rule_of(reading, optopt)].name);
    }
    for (size_t i = 0; i < reading->count; i++) {
        names[i] = reading->rules[i].name;
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
            return refuse_option(reading, argv, err);
        }
        size_t rule = rule_of(reading, value == ':' ? optopt : value);
        const char *name = reading->rules[rule].name;
        if (value == ':') {
            return err_set(err, ERR_INVALID, "option --%s needs a value: %s", name,
                           reading->rules[rule].argument);
        }
        reading->given[rule] = true;
        bool *flag = flag_of(options, name);
        if (flag != NULL) {
            *flag = true;
        } else if (set_with_value(options, name, optarg, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int find_command(const char *word, enum command *command, struct err *err)
{
    const char *names[COMMAND_HELP + 2] = {NULL};
    for (int i = 0; i <= COMMAND_HELP; i++) {
        names[i] = command_rule((enum command)i)->name;
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
    const struct command_rule *rule = command_rule(command);
    return err_set(err, ERR_INVALID, "%s takes no \"%s\"%s", rule->name, operand,
                   rule->instead != NULL ? rule->instead : "");
}

/* operands are those behind the command's name. */
static int read_file(struct options *options, char **operands, size_t count, struct err *err)
{
    const struct command_rule *rule = command_rule(options->command);
    bool standard_input = count == 0 || strcmp(operands[0], "-") == 0;
    if (count > 1) {
        return refuse_operand(options->command, operands[1], err);
    }
    if (rule->missing != NULL && standard_input && !options->help) {
        return err_set(err, ERR_INVALID, "%s", rule->missing);
    }
    options->file = standard_input ? NULL : operands[0];
    return 0;
}

static int read_behind(struct options *options, char **operands, size_t count, struct err *err)
{
    const struct command_rule *rule = command_rule(options->command);
    switch (rule->operands) {
    case OPERANDS_POLICIES:
        options->policies = operands;
        options->policy_count = count;
        return count > 0 || rule->missing == NULL || options->help
                   ? 0
                   : err_set(err, ERR_INVALID, "%s", rule->missing);
    case OPERANDS_FILE:
    case OPERANDS_FILE_OR:
        return read_file(options, operands, count, err);
    case OPERANDS_EXAMPLES:
        options->files = operands;
        options->file_count = count;
        return count > 0 || options->help ? 0 : err_set(err, ERR_INVALID, "%s", rule->missing);
    case OPERANDS_VERIFY:
        options->verify = count == 1 && strcmp(operands[0], "verify") == 0;
        return count == 0 || options->verify ? 0 : refuse_operand(options->command, operands[count - 1], err);
    case OPERANDS_SHELL:
        options->names = count == 1 && strcmp(operands[0], "policies") == 0;
        if (options->help || options->names ||
            (count == 1 && shell_parse(operands[0], &options->shell) == 0)) {
            return 0;
        }
        return err_set(err, ERR_INVALID, "%s", rule->missing);
    case OPERANDS_COMMAND:
        if (count == 1) {
            return find_command(operands[0], &options->topic, err);
        }
        break;
    case OPERANDS_NONE:
        break;
    }
    return count == 0 ? 0 : refuse_operand(options->command, operands[count - 1], err);
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
    return read_behind(options, operands + 1, count - 1, err);
}

/* What the tables cannot say. */
static int check_sense(const struct options *options, struct err *err)
{
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
    if (options->command == COMMAND_COMPLETION && options->config != NULL && !options->names) {
        return err_set(err, ERR_INVALID, "completion takes --config only with policies");
    }
    if (options->check && options->once) {
        return err_set(err, ERR_INVALID, "--check and --once exclude each other");
    }
    return 0;
}

static int check_fit(const struct options *options, const struct reading *reading, struct err *err)
{
    for (size_t i = 0; i < reading->count; i++) {
        if (!reading->given[i] || option_fits(i, options->command)) {
            continue;
        }
        const char *name = command_rule(options->command)->name;
        return err_set(err, ERR_INVALID, "%s does not take --%s",
                       name[0] != '\0'                      ? name
                       : options->command == COMMAND_DAEMON ? "jobsweepd"
                                                            : "jobsweep without a command",
                       reading->rules[i].name);
    }
    return check_sense(options, err);
}

/* Then an option of its own would be blamed, which are not known here. Asked before getopt moves the words.
 */
static bool delete_one_behind_options(int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (argv[1][0] == '-' && strcmp(argv[i], command_rule(COMMAND_DELETE_ONE)->name) == 0) {
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
                                .next = 1,
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
