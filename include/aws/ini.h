/* One file of the AWS CLI, as Python's RawConfigParser reads it and botocore's configloader after it:
 * sections with keys and values, in order. */
#ifndef AWS_INI_H
#define AWS_INI_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define INI_FILE_MAX (1024 * 1024)

struct ini;

/* Rules: UTF-8; a line ends with LF, CR LF or CR; '=' or ':' ends a key, the first of them; keys become lower
 * case (ASCII); lines whose first character is '#' or ';' are comments, nothing else is; a line that is
 * indented deeper than the key before it continues its value; quotes and '%' mean nothing. A header is "[",
 * anything, and the last "]" of its line. What [DEFAULT] holds is in every section that has no own. A value
 * whose first line is empty is a map of "k = v" lines, one level deep.
 *
 * A repeated key or section, a line without '=' or ':', text before the first section, a line of a map
 * without '=', a byte order mark and bytes that are no UTF-8 are ERR_SYNTAX with "NAME:LINE: ...". NULL then.
 * NUL bytes are refused too, which Python would take. */
struct ini *ini_parse(const char *name, const char *text, size_t length, struct err *err);
void ini_free(struct ini *ini); /* wipes what it held; takes NULL */
/* Wipes the values of a key wherever it stands: it is still there, as "" or as an empty map. */
void ini_hide(struct ini *ini, const char *key);

/* The section's header as it stands between the brackets; NULL behind the last one. [DEFAULT] is none. */
const char *ini_section(const struct ini *ini, size_t section);
/* Whether ini_get() finds no key at all there. */
bool ini_section_empty(const struct ini *ini, size_t section);
/* NULL when the key is not there. Lines of a value are joined by '\n'; that of a map begins with one. */
const char *ini_get(const struct ini *ini, size_t section, const char *key);
/* Of a map, the value of a key, whose case counts; the last one of several. NULL when there is none. */
const char *ini_nested(const struct ini *ini, size_t section, const char *key, const char *subkey);

/* Calls each() for every key that ini_get() finds in the section, in no order; subkey is NULL for a value
 * that is no map. */
void ini_each(const struct ini *ini, size_t section,
              void (*each)(void *ctx, const char *key, const char *subkey, const char *value), void *ctx);

#endif
