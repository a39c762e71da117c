/* See app/completion.h. Each shell has a printer of its own; what an option's value may be is decided once,
 * in find_values(). Names of policies are asked for when they are needed: `jobsweep completion policies`, by
 * the configuration that the command line names, and whatever goes wrong there is silent. */
#include "app/completion.h"

#include "app/aws_arguments.h"
#include "app/command_rules.h"
#include "model/outcome.h"

#include <stdio.h>
#include <string.h>

enum values { VALUES_NONE, VALUES_FILES, VALUES_WORDS, VALUES_POLICIES };

static const char *const SHELLS[] = {[SHELL_BASH] = "bash", [SHELL_ZSH] = "zsh", [SHELL_FISH] = "fish"};

int shell_parse(const char *word, enum shell *shell)
{
    for (int i = 0; i < SHELL_COUNT; i++) {
        if (strcmp(SHELLS[i], word) == 0) {
            *shell = (enum shell)i;
            return 0;
        }
    }
    return -1;
}

/* --- what there is ------------------------------------------------------------------------------------- */

static bool is_offered(int command)
{
    return command <= COMMAND_HELP;
}

static const char *name_of(int command)
{
    return command_rule((enum command)command)->name;
}

static bool takes_files(int command)
{
    enum operands operands = command_rule((enum command)command)->operands;
    return operands == OPERANDS_FILE || operands == OPERANDS_FILE_OR || operands == OPERANDS_EXAMPLES;
}

static bool takes_policies(int command)
{
    return command_rule((enum command)command)->operands == OPERANDS_POLICIES;
}

static void add_word(struct buf *words, const char *word)
{
    buf_printf(words, "%s%s", words->length > 0 ? " " : "", word);
}

/* The words that may stand behind a command, options aside. */
static void find_operands(int command, struct buf *words)
{
    enum operands operands = command_rule((enum command)command)->operands;
    if (operands == OPERANDS_VERIFY) {
        add_word(words, "verify");
    }
    for (int i = 0; operands == OPERANDS_SHELL && i < SHELL_COUNT; i++) {
        add_word(words, SHELLS[i]);
    }
    for (int i = 0; operands == OPERANDS_COMMAND && is_offered(i); i++) {
        add_word(words, name_of(i));
    }
}

/* What the argument of an option can be; words are separated by spaces. */
static enum values find_values(const struct option_rule *rule, struct buf *words)
{
    const char *argument = rule->argument;
    if (strcmp(rule->name, "policy") == 0) {
        return VALUES_POLICIES;
    }
    if (strcmp(argument, "FILE") == 0 || strcmp(argument, "PATH") == 0) {
        return VALUES_FILES;
    }
    if (strcmp(argument, "OUTCOME") == 0) {
        for (int i = OUTCOME_DELETED; i < OUTCOME_COUNT; i++) {
            add_word(words, outcome_name((enum outcome)i));
        }
        return VALUES_WORDS;
    }
    if (strchr(argument, '|') == NULL) {
        return VALUES_NONE;
    }
    for (; *argument != '\0'; argument++) {
        buf_char(words, *argument == '|' ? ' ' : *argument);
    }
    return VALUES_WORDS;
}

/* --- bash ---------------------------------------------------------------------------------------------- */

static void bash_commands(struct buf *out)
{
    for (int i = 0; is_offered(i); i++) {
        buf_printf(out, "%s%s", i > 0 ? " " : "", name_of(i));
    }
}

static void bash_values(int command, struct buf *out)
{
    size_t count;
    option_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option_rule rule = option_rule_for(i, (enum command)command);
        struct buf words;
        if (!option_fits(i, (enum command)command) || rule.argument == NULL) {
            continue;
        }
        buf_init(&words, 1024);
        enum values values = find_values(&rule, &words);
        buf_printf(out, "    %s,--%s", name_of(command), rule.name);
        if (rule.letter != 0) {
            buf_printf(out, "|%s,-%c", name_of(command), rule.letter);
        }
        buf_printf(out, ") %s%s%s; return ;;\n",
                   values == VALUES_FILES      ? "files=1"
                   : values == VALUES_POLICIES ? "policies=1"
                                               : "words='",
                   buf_string(&words), values == VALUES_WORDS || values == VALUES_NONE ? "'" : "");
        buf_finish(&words);
    }
}

static void bash_options(int command, struct buf *out)
{
    size_t count;
    const struct option_rule *rules = option_rules(&count);
    const struct argparse_rule *rule;
    buf_printf(out, "    %s) words='", name_of(command));
    for (size_t i = 0; command == COMMAND_DELETE_ONE && (rule = aws_arguments_option(i)) != NULL; i++) {
        buf_printf(out, "%s ", rule->name);
    }
    for (size_t i = 0; i < count; i++) {
        if (option_fits(i, (enum command)command)) {
            buf_printf(out, "--%s ", rules[i].name);
        }
    }
    find_operands(command, out);
    buf_printf(out, "'%s ;;\n",
               takes_files(command)      ? "; files=1"
               : takes_policies(command) ? "; policies=1"
                                         : "");
}

/* A pattern of all options whose next word is their value. */
static void bash_valued(struct buf *out)
{
    size_t count, valued = 0;
    const struct option_rule *rules = option_rules(&count);
    for (size_t i = 0; i < count; i++) {
        if (rules[i].argument == NULL) {
            continue;
        }
        buf_printf(out, "%s--%s", valued++ > 0 ? "|" : "", rules[i].name);
        if (rules[i].letter != 0) {
            buf_printf(out, "|-%c", rules[i].letter);
        }
    }
}

static void print_bash(struct buf *out)
{
    buf_text(out, "# Completion of jobsweep for bash, made by: jobsweep completion bash\n"
                  "_jobsweep_find()\n{\n    case $1,$2 in\n");
    for (int i = 0; is_offered(i); i++) {
        bash_values(i, out);
    }
    buf_text(out, "    esac\n    case $1 in\n    '') words='--help --version ");
    bash_commands(out);
    buf_text(out, "' ;;\n");
    for (int i = 0; is_offered(i); i++) {
        bash_options(i, out);
    }
    buf_text(out,
             "    esac\n}\n"
             "_jobsweep()\n{\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} command= words= files= policies= config= option i\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        case ${COMP_WORDS[i]} in\n"
             "        ");
    bash_valued(out);
    buf_text(out,
             ")\n"
             "            option=${COMP_WORDS[i++]}\n"
             "            [[ ${COMP_WORDS[i]} == '=' ]] && ((++i))\n"
             "            [[ $option == -c || $option == --config ]] && "
             "config=${COMP_WORDS[i]/#~\\//$HOME/} ;;\n"
             "        -*) ;;\n"
             "        *) command=${command:-${COMP_WORDS[i]}} ;;\n"
             "        esac\n"
             "    done\n"
             "    _jobsweep_find \"$command\" \"${COMP_WORDS[COMP_CWORD-1]}\"\n"
             "    if [[ -n $policies && $cur != -* ]]; then\n"
             "        words+=\" $(jobsweep completion policies ${config:+-c \"$config\"} 2>/dev/null)\"\n"
             "    fi\n"
             "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
             "    if [[ -n $files && $cur != -* ]]; then\n"
             "        compopt -o filenames 2>/dev/null\n"
             "        COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
             "    fi\n"
             "}\n"
             "complete -F _jobsweep jobsweep\n");
}

/* --- zsh ----------------------------------------------------------------------------------------------- */

/* Inside of single quotes, and of the brackets of _arguments. */
static void zsh_text(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            buf_text(out, "'\\''");
        } else if (strchr("[]:\\", *text) != NULL) {
            buf_printf(out, "\\%c", *text);
        } else {
            buf_char(out, *text);
        }
    }
}

static void zsh_option(const struct option_rule *rule, const char *flag, struct buf *out)
{
    struct buf words;
    buf_init(&words, 1024);
    enum values values = rule->argument != NULL ? find_values(rule, &words) : VALUES_NONE;
    buf_printf(out, " \\\n            '%s[", flag);
    zsh_text(rule->text, out);
    buf_char(out, ']');
    if (rule->argument != NULL) {
        buf_printf(out, ":%s:", rule->name);
    }
    if (values == VALUES_FILES) {
        buf_text(out, "_files");
    } else if (values == VALUES_POLICIES) {
        buf_text(out, "_jobsweep_policies");
    } else if (values == VALUES_WORDS) {
        buf_printf(out, "(%s)", buf_string(&words));
    }
    buf_char(out, '\'');
    buf_finish(&words);
}

static void zsh_options(int command, struct buf *out)
{
    size_t count;
    option_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option_rule rule = option_rule_for(i, (enum command)command);
        char flag[64];
        if (!option_fits(i, (enum command)command)) {
            continue;
        }
        snprintf(flag, sizeof flag, "--%s", rule.name);
        zsh_option(&rule, flag, out);
        if (rule.letter != 0) {
            snprintf(flag, sizeof flag, "-%c", rule.letter);
            zsh_option(&rule, flag, out);
        }
    }
}

static void zsh_command(int command, struct buf *out)
{
    struct buf words;
    const struct argparse_rule *rule;
    buf_init(&words, 4096);
    find_operands(command, &words);
    buf_printf(out, "    %s)\n        _arguments -s", name_of(command));
    zsh_options(command, out);
    for (size_t i = 0; command == COMMAND_DELETE_ONE && (rule = aws_arguments_option(i)) != NULL; i++) {
        buf_printf(out, " \\\n            '%s%s'", rule->name,
                   rule->takes == ARGPARSE_NOTHING ? "" : ":value:");
    }
    if (takes_files(command)) {
        buf_text(out, " \\\n            '*:file:_files'");
    } else if (takes_policies(command)) {
        buf_text(out, " \\\n            '*:policy:_jobsweep_policies'");
    } else if (words.length > 0) {
        buf_printf(out, " \\\n            '*:word:(%s)'", buf_string(&words));
    }
    buf_text(out, "\n        ;;\n");
    buf_finish(&words);
}

static void print_zsh(struct buf *out)
{
    buf_text(out, "#compdef jobsweep\n"
                  "# Completion of jobsweep for zsh, made by: jobsweep completion zsh\n"
                  "_jobsweep_policies()\n{\n"
                  "    local config=${(Q)${opt_args[-c]:-$opt_args[--config]}}\n"
                  "    compadd -- ${(f)\"$(jobsweep completion policies ${config:+-c} ${config:+${~config}} "
                  "2>/dev/null)\"}\n"
                  "}\n"
                  "_jobsweep()\n{\n"
                  "    local -a commands=(");
    for (int i = 0; is_offered(i); i++) {
        buf_printf(out, "\n        '%s:", name_of(i));
        zsh_text(command_rule((enum command)i)->summary, out);
        buf_char(out, '\'');
    }
    buf_text(out, "\n    )\n"
                  "    if (( CURRENT == 2 )); then\n"
                  "        _describe -t commands command commands\n"
                  "        _arguments '--help' '--version'\n"
                  "        return\n"
                  "    fi\n"
                  "    local command=$words[2]\n"
                  "    words=(\"${(@)words[2,-1]}\")\n"
                  "    (( CURRENT-- ))\n"
                  "    case $command in\n");
    for (int i = 0; is_offered(i); i++) {
        zsh_command(i, out);
    }
    buf_text(out, "    esac\n}\n"
                  "_jobsweep \"$@\"\n");
}

/* --- fish ---------------------------------------------------------------------------------------------- */

#define FISH_POLICIES "(__jobsweep_policies)"

static void fish_text(const char *text, struct buf *out)
{
    buf_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\') {
            buf_char(out, '\\');
        }
        buf_char(out, *text);
    }
    buf_char(out, '\'');
}

static void fish_option(int command, const struct option_rule *rule, struct buf *out)
{
    struct buf words;
    buf_init(&words, 1024);
    buf_printf(out, "complete -c jobsweep -n '__fish_seen_subcommand_from %s' -l %s", name_of(command),
               rule->name);
    if (rule->letter != 0) {
        buf_printf(out, " -s %c", rule->letter);
    }
    if (rule->argument != NULL) {
        enum values values = find_values(rule, &words);
        buf_text(out, values == VALUES_FILES ? " -r -F" : " -x");
        if (values == VALUES_POLICIES) {
            add_word(&words, FISH_POLICIES);
        }
        if (words.length > 0) {
            buf_printf(out, " -a '%s'", buf_string(&words));
        }
    }
    buf_text(out, " -d ");
    fish_text(rule->text, out);
    buf_char(out, '\n');
    buf_finish(&words);
}

static void fish_command(int command, struct buf *out)
{
    size_t count;
    struct buf words;
    const struct argparse_rule *rule;
    buf_printf(out, "complete -c jobsweep -n __fish_use_subcommand -a %s -d ", name_of(command));
    fish_text(command_rule((enum command)command)->summary, out);
    buf_char(out, '\n');
    option_rules(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option_rule own = option_rule_for(i, (enum command)command);
        if (option_fits(i, (enum command)command)) {
            fish_option(command, &own, out);
        }
    }
    for (size_t i = 0; command == COMMAND_DELETE_ONE && (rule = aws_arguments_option(i)) != NULL; i++) {
        buf_printf(out, "complete -c jobsweep -n '__fish_seen_subcommand_from %s' -l %s%s\n",
                   name_of(command), rule->name + 2, rule->takes == ARGPARSE_NOTHING ? "" : " -x");
    }
    buf_init(&words, 4096);
    find_operands(command, &words);
    if (takes_policies(command)) {
        add_word(&words, FISH_POLICIES);
    }
    if (takes_files(command) || words.length > 0) {
        buf_printf(out, "complete -c jobsweep -n '__fish_seen_subcommand_from %s' %s%s%s\n", name_of(command),
                   takes_files(command) ? "-F" : "-a '", buf_string(&words), words.length > 0 ? "'" : "");
    }
    buf_finish(&words);
}

static void print_fish(struct buf *out)
{
    buf_text(out, "# Completion of jobsweep for fish, made by: jobsweep completion fish\n"
                  "function __jobsweep_policies\n"
                  "    set -l words (commandline -opc)\n"
                  "    set -l config\n"
                  "    for i in (seq (count $words))\n"
                  "        switch $words[$i]\n"
                  "            case -c --config\n"
                  "                set config -c (string replace -r '^~/' $HOME/ -- $words[(math $i + 1)])\n"
                  "            case '--config=*'\n"
                  "                set config -c (string sub -s 10 -- $words[$i])\n"
                  "        end\n"
                  "    end\n"
                  "    jobsweep completion policies $config 2>/dev/null\n"
                  "end\n"
                  "complete -c jobsweep -f\n"
                  "complete -c jobsweep -n __fish_use_subcommand -l help -s h\n"
                  "complete -c jobsweep -n __fish_use_subcommand -l version\n");
    for (int i = 0; is_offered(i); i++) {
        fish_command(i, out);
    }
}

void completion_print(enum shell shell, struct buf *out)
{
    static void (*const printers[])(struct buf * out) = {
        [SHELL_BASH] = print_bash, [SHELL_ZSH] = print_zsh, [SHELL_FISH] = print_fish};
    printers[shell](out);
}
