/* What is wrong with a configuration: all of it at once, each with its place, the offending line, what is
 * allowed and the nearest known word. */
#ifndef POLICY_DIAGNOSTICS_H
#define POLICY_DIAGNOSTICS_H

#include "base/buf.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define DIAGNOSTICS_MAX 100 /* more are counted, not kept */
/* Characters of the offending line; of a longer one the part around the place. With what is put around it it
 * fits a terminal of 80 columns, so that the caret stands below its place. */
#define DIAGNOSTIC_SOURCE_MAX 70

struct diagnostic {
    char *file;
    int line, column; /* 0: the file as a whole */
    bool warning;
    char *message; /* one line, made visible */
    char *source;  /* the line's text, made visible, cut to its maximum; NULL when there is none */
    int caret;     /* characters of source in front of the place */
};

struct diagnostics {
    struct diagnostic *items; /* sorted by file, line, column once loading is done */
    size_t count;
    size_t errors, warnings; /* all of them, kept or not */
};

void diagnostics_init(struct diagnostics *diagnostics);
void diagnostics_finish(struct diagnostics *diagnostics);

/* Copies all that it is given. place->column counts characters (code points) of source, from 1; source is the
 * whole line, which may end in a line feed, or NULL. */
void diagnostics_add(struct diagnostics *diagnostics, const struct place *place, bool warning,
                     const char *source, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* False when another would only be counted: then nobody needs to look for a nearest word. */
bool diagnostics_room(const struct diagnostics *diagnostics);
void diagnostics_sort(struct diagnostics *diagnostics);

/* "FILE:LINE:COL: error: message", the line and a caret under it; everything made visible. At the end, how
 * many more there are that were not kept. */
void diagnostics_print(const struct diagnostics *diagnostics, struct buf *out);

#endif
