/* What shells complete after `jobsweep`: made from the tables of commands and options, so that it cannot say
 * anything else than they. */
#ifndef APP_COMPLETION_H
#define APP_COMPLETION_H

#include "base/buf.h"

enum shell { SHELL_BASH, SHELL_ZSH, SHELL_FISH, SHELL_COUNT };

/* -1 for any other word than "bash", "zsh" and "fish". */
int shell_parse(const char *word, enum shell *shell);
/* Appends the script. */
void completion_print(enum shell shell, struct buf *out);

#endif
