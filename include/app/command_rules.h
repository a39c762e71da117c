/* What both programs can be told, as tables: the commands, their operands and their options. Reading command
 * lines (app/options.h) and --help (app/options_help.c) come from these. */
#ifndef APP_COMMAND_RULES_H
#define APP_COMMAND_RULES_H

#include "app/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX          64 /* no more than these */
#define COMMAND_BIT(command) (UINT64_C(1) << (command))

/* What stands behind a command. */
enum operands {
    OPERANDS_NONE,
    OPERANDS_POLICIES,
    OPERANDS_FILE,     /* one */
    OPERANDS_FILE_OR,  /* one, or standard input */
    OPERANDS_EXAMPLES, /* files, one at least */
    OPERANDS_VERIFY,   /* the word "verify", or nothing */
    OPERANDS_COMMAND,  /* another command, or nothing */
    OPERANDS_SHELL     /* the name of a shell */
};

struct command_rule {
    const char *name, *shown; /* shown: the operands, for the usage */
    enum operands operands;
    const char *summary, *text;
    const char *instead; /* said where it takes no such operand; NULL: nothing */
    const char *missing; /* said where an operand is missing; NULL */
};

struct option_rule {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: takes none */
    uint64_t commands;    /* COMMAND_BIT()s */
    const char *text;
};

const struct command_rule *command_rule(enum command command);
const struct option_rule *option_rules(size_t *count);
/* The rule as it is for this command: some options mean something else to one than to the others. */
struct option_rule option_rule_for(size_t index, enum command command);
bool option_fits(size_t index, enum command command);

#endif
