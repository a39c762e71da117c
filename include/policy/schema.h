/* Every key of the configuration, once: one table from which parsing, defaults, ranges, the texts of errors,
 * the canonical form, the JSON Schema and the manual's list of keys come. */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "base/buf.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_scope {
    SCHEMA_FILE,     /* the top level of a file; fields of struct config */
    SCHEMA_TARGET,   /* under targets.NAME; fields of struct target */
    SCHEMA_POLICY,   /* an item of policies, and defaults; fields of struct policy */
    SCHEMA_MATCH,    /* match, and the blocks of any_of and none_of; fields of struct match */
    SCHEMA_KEEP,     /* an item of keep; fields of struct keep_rule */
    SCHEMA_PROTECT,  /* an item of protect; fields of struct protect_rule */
    SCHEMA_EXAMPLES, /* a file of examples; fields of struct examples */
    SCHEMA_TEST,     /* an item of tests; fields of struct example_test */
    SCHEMA_GIVEN     /* an item of given; fields of struct example */
};

#define SCHEMA_REQUIRED  1u  /* the map that it belongs to must hold it */
#define SCHEMA_INHERITED 2u  /* may stand in `defaults` too */
#define SCHEMA_NULLABLE  4u  /* `null` says that it is not given */
#define SCHEMA_MAIN_ONLY 8u  /* not in the files of policies.d */
#define SCHEMA_SINGLE    16u /* a list that may be written as its only item */
#define SCHEMA_TERSE     32u /* not printed where it was not given */
#define SCHEMA_SELECTS   64u /* of a policy: it decides what is selected */

struct value_type; /* policy/values.h */

struct schema_row {
    enum schema_scope scope;
    const char *path; /* parts joined by '.': "match.age.older_than" */
    const struct value_type *type;
    unsigned flags;
    const char *fallback; /* the default as it would stand in the file; NULL: none */
    int64_t min, max; /* of numbers; of durations in ms; of texts in bytes; of lists in items (min only) */
    const char *const *words; /* all that is allowed, in the order of the enum's values; ends with NULL */
    size_t offset;            /* of its field */
    size_t place;             /* of a struct place that is told where the key stands; 0: none */
    const char *description;  /* for people; of a row of value_later: empty */
    const char *why;          /* what goes wrong without it, for SCHEMA_REQUIRED; NULL */
};

const struct schema_row *schema_rows(size_t *count); /* in the order in which they are printed */
/* The row of prefix + key (prefix: "" or "match."); NULL when there is none. */
const struct schema_row *schema_find(enum schema_scope scope, const char *prefix, const char *key);
/* Is the row a direct part of the map that prefix names? */
bool schema_belongs(const struct schema_row *row, enum schema_scope scope, const char *prefix);
const char *schema_name(const struct schema_row *row); /* the last part of its path */
bool schema_later(const struct schema_row *row);       /* known, and refused */

/* Appends all values of the object as one JSON object on one line, {"PATH":VALUE,...}, with the defaults, in
 * the order of the table; a policy's match stands among its own values. */
void schema_print(const struct config *config, enum schema_scope scope, const void *object, struct buf *out);
/* The same of what decides what a policy selects, and of no more. */
void schema_print_selection(const struct config *config, const struct policy *policy, struct buf *out);
/* Appends the value of one row alone. */
void schema_print_row(const struct config *config, const struct schema_row *row, const void *object,
                      struct buf *out);

#endif
