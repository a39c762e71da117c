/* From a tree to values, as the schema says: what is known where, what is missing, which kind is wanted. */
#ifndef POLICY_READER_H
#define POLICY_READER_H

#include "policy/diagnostics.h"
#include "policy/policy.h"
#include "policy/schema.h"
#include "policy/yaml.h"

#include <stdbool.h>

struct reader {
    struct config *config; /* what is being filled; its targets are complete before policies are read */
    const struct yaml_file *file;    /* the nodes belong to */
    struct diagnostics *diagnostics; /* NULL: silent, for what was already complained about */
    bool main_file;
    bool in_defaults; /* only what policies inherit is allowed, and nothing is required */
    bool incomplete;  /* a file could not be read: no complaints about what it may hold */
};

/* Where a node stands. */
struct place reader_place(const struct reader *reader, const struct yaml_node *node);

/* Complains about a node. */
void reader_error(const struct reader *reader, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void reader_warn(const struct reader *reader, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "unknown WHAT 'text', did you mean 'nearest'? Allowed: ..." for a node with text; known ends with NULL. */
void reader_unknown(const struct reader *reader, const struct yaml_node *node, const char *what,
                    const char *const *known);

/* Reads the keys of a map into the object of the scope. prefix: "" for the scope's own map. Goes on after
 * faults, so that all are found. */
void reader_map(const struct reader *reader, enum schema_scope scope, const char *prefix,
                const struct yaml_node *map, void *object);

/* Whether the map has a key that is not known and was taken for this one: that has been told, so that nobody
 * says besides that it is missing. */
bool reader_misspelt(const struct reader *reader, enum schema_scope scope, const char *prefix,
                     const struct yaml_node *map, const char *name);

/* Sets the defaults of a scope. */
void reader_fill(const struct reader *reader, enum schema_scope scope, void *object);

#endif
