/* What --help prints, from the tables. */
#include "app/aws_arguments.h"
#include "app/command_rules.h"
#include "base/text.h"

static void help_options(enum command command, struct buf *out)
{
    size_t count;
    option_rules(&count);
    buf_text(out, "\nOptions:\n");
    for (size_t i = 0; i < count; i++) {
        struct option_rule rule = option_rule_for(i, command);
        char name[64];
        if (!option_fits(i, command)) {
            continue;
        }
        struct buf text;
        buf_init(&text, sizeof name - 1);
        if (rule.letter != 0) {
            buf_printf(&text, "-%c, ", rule.letter);
        } else {
            buf_text(&text, "    ");
        }
        buf_printf(&text, "--%s%s%s", rule.name, rule.argument != NULL ? " " : "",
                   rule.argument != NULL ? rule.argument : "");
        text_copy(name, sizeof name, buf_string(&text));
        buf_finish(&text);
        buf_printf(out, "  %-26s %s\n", name, rule.text);
    }
}

void options_help(enum command command, struct buf *out)
{
    const struct command_rule *rule = command_rule(command);
    bool daemon = command == COMMAND_DAEMON;
    if (command == COMMAND_DELETE_ONE) {
        aws_arguments_help(out);
        return;
    }
    buf_printf(out, "Usage: %s%s%s%s%s%s\n\n%s%s", daemon ? "jobsweepd" : "jobsweep",
               rule->name[0] != '\0' ? " " : "", rule->name, command == COMMAND_NONE ? "" : " [OPTION...]",
               rule->shown[0] != '\0' ? " " : "", rule->shown, rule->text, rule->text[0] != '\0' ? "\n" : "");
    if (command == COMMAND_NONE) {
        buf_text(out, "\nCommands:\n");
        for (int i = COMMAND_PLAN; i <= COMMAND_HELP; i++) {
            buf_printf(out, "  %-26s %s\n", command_rule((enum command)i)->name,
                       command_rule((enum command)i)->summary);
        }
    }
    help_options(command, out);
    const char *manual = daemon ? "jobsweepd" : "jobsweep";
    buf_printf(out, "\nExit status: 0 when all went well; each other one is in man %s.\nSee also: man %s\n",
               manual, manual);
}
