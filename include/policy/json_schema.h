/* The configuration as a JSON Schema (draft 2020-12), from the same table that reads it: for editors, and for
 * those who write configurations with programs. It knows each key, its kind, its range and its words; what
 * only holds for several keys together is said by `jobsweep check` alone. */
#ifndef POLICY_JSON_SCHEMA_H
#define POLICY_JSON_SCHEMA_H

#include "base/buf.h"

/* Appends the schema as one JSON object, in lines. */
void json_schema_print(struct buf *out);

#endif
