/* A question that is asked on the terminal before something is deleted. */
#ifndef APP_QUESTION_H
#define APP_QUESTION_H

#include <stdbool.h>
#include <stdint.h>

enum question_answer {
    QUESTION_NO,
    QUESTION_YES,
    QUESTION_SIGNAL /* a signal that the process handles came instead; its handler has run */
};

/* Whether somebody can be asked: standard input and standard error are terminals. */
bool question_possible(void);

/* Writes "Delete these N job executions", where, and "? [y/N] " to standard error and waits for a line from
 * standard input, an hour at most. Anything but a yes is a no; what was typed before the question stood there
 * counts for nothing. Blocks. */
enum question_answer question_delete(int64_t rows, const char *where);

#endif
