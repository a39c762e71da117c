/* One file of the AWS CLI, as Python's RawConfigParser reads it: sections with keys and values, in order. */
#ifndef AWS_INI_H
#define AWS_INI_H

#include "base/err.h"

#include <stddef.h>

#define INI_FILE_MAX (1024 * 1024)

struct ini;

/* Rules: '=' or ':' ends a key, the first of them; keys become lower case; lines whose first character is '#'
 * or ';' are comments, nothing else is; a line that is indented deeper than the key before it continues its
 * value; a repeated key or section, a line without '=' or ':', text before the first section and a byte order
 * mark are ERR_SYNTAX with "NAME:LINE: ...". NULL then. NUL bytes are refused too. */
struct ini *ini_parse(const char *name, const char *text, size_t length, struct err *err);
void ini_free(struct ini *ini); /* wipes what it held; takes NULL */

/* The section's header as it stands between the brackets; NULL behind the last one. */
const char *ini_section(const struct ini *ini, size_t section);
/* NULL when the key is not there. Lines of a value are joined by '\n'. */
const char *ini_get(const struct ini *ini, size_t section, const char *key);

#endif
