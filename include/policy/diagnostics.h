/* What is wrong with a configuration: all of it at once, each with its place, the offending line, what is
 * allowed and the nearest known word. */
#ifndef POLICY_DIAGNOSTICS_H
#define POLICY_DIAGNOSTICS_H

#include "base/buf.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define DIAGNOSTICS_MAX 100 /* more are counted, not kept */

struct diagnostic {
    char *file;
    int line, column; /* 0: the file as a whole */
    bool warning;
    char *message;
    char *source; /* the line's text, NULL when there is none */
};

struct diagnostics {
    struct diagnostic *items; /* sorted by file, line, column once loading is done */
    size_t count;
    size_t errors, warnings; /* all of them, kept or not */
};

void diagnostics_init(struct diagnostics *diagnostics);
void diagnostics_finish(struct diagnostics *diagnostics);
void diagnostics_add(struct diagnostics *diagnostics, const struct place *place, bool warning,
                     const char *source, const char *format, ...) __attribute__((format(printf, 5, 6)));
void diagnostics_sort(struct diagnostics *diagnostics);

/* "FILE:LINE:COL: error: message", the line and a caret under it; everything made visible. */
void diagnostics_print(const struct diagnostics *diagnostics, struct buf *out);

#endif
