/* A YAML file as a small tree with places, of the part of YAML that a configuration needs: one document of
 * maps, lists and single values. Anchors, aliases, tags, merge keys, directives and everything above a limit
 * (see policy/load.h) are refused. Values stay text: what they mean is the schema's business. */
#ifndef POLICY_YAML_H
#define POLICY_YAML_H

#include "policy/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_VALUE, NODE_LIST, NODE_MAP };

struct yaml_node {
    enum node_kind kind;
    int line, column; /* from 1; columns count characters */
    char *text;       /* NODE_VALUE; never holds a NUL */
    bool plain;       /* NODE_VALUE: written without quotes */
    size_t count;     /* children; a map has its keys (all NODE_VALUE) and values in turn */
    struct yaml_node *first, *last, *next;
};

struct yaml_file {
    const char *name; /* the caller's */
    char *text;
    struct yaml_node *root; /* NULL when the file was refused */
    struct yaml_node *nodes;
    size_t node_count;
};

/* Reads text of `length` bytes (copied). Adds what is wrong to diagnostics; after most faults file->root is
 * NULL, a repeated key alone leaves the tree in place. Work and memory are linear in the length. */
void yaml_parse(struct yaml_file *file, const char *name, const char *text, size_t length,
                struct diagnostics *diagnostics);
void yaml_finish(struct yaml_file *file);

/* The value of a key; NULL when the map has none, or map is NULL or no map. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
/* Is it null: nothing at all, or one of YAML's words for it without quotes? */
bool yaml_is_null(const struct yaml_node *node);

/* Adds a diagnostic that points at the node, or at the file as a whole where node is NULL. */
void yaml_complain(const struct yaml_file *file, struct diagnostics *diagnostics,
                   const struct yaml_node *node, bool warning, const char *message);

#endif
