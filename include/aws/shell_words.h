/* A command line split into words as Python's shlex.split() does, which the AWS CLI uses: quotes group, a
 * backslash takes the next character as it is (within double quotes only '"' and itself), '#' is no comment.
 */
#ifndef AWS_SHELL_WORDS_H
#define AWS_SHELL_WORDS_H

#include "base/err.h"

#define SHELL_WORDS_MAX 256

/* The words, NULL behind the last, in one piece of memory for free(). NULL with ERR_SYNTAX: "No closing
 * quotation", "No escaped character"; or ERR_TOO_BIG. */
const char **shell_words(const char *line, struct err *err);

#endif
