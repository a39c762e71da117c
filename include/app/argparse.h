/* Words of a command line, read as Python's argparse reads them (3.11, parse_known_args): because scripts
 * that were written for the AWS CLI rely on it, unique prefixes, `--name=value`, what counts as a value and
 * what is left over included. Pure. Options have long names only. */
#ifndef APP_ARGPARSE_H
#define APP_ARGPARSE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum argparse_takes {
    ARGPARSE_NOTHING,
    ARGPARSE_ONE,  /* a value */
    ARGPARSE_MAYBE /* a value or none */
};

struct argparse_rule {
    const char *name; /* "--job-id"; without dashes: a positional, of which a table has one at most */
    enum argparse_takes takes;
    bool required;
    bool integer;               /* the value must be one to Python's int() */
    const char *const *choices; /* ends with NULL; NULL: any value */
};

struct argparse_table {
    const struct argparse_rule *rules;
    size_t count;
    /* Called for each option in order, and for the positional (with NULL for one that may lack). False ends
     * the reading. */
    bool (*take)(void *ctx, size_t rule, const char *value);
    void *ctx;
};

enum argparse_end { ARGPARSE_READ, ARGPARSE_STOPPED, ARGPARSE_WRONG };

/* rest (room for `count` words) gets the words that the table does not know, in argparse's order.
 * what_is_wrong is appended to for ARGPARSE_WRONG: argparse's sentence, or the AWS CLI's for a value that is
 * none of the choices. */
enum argparse_end argparse_read(const struct argparse_table *table, const char *const *words, size_t count,
                                const char **rest, size_t *rest_count, struct buf *what_is_wrong);

#endif
