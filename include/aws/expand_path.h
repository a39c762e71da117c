/* Paths as Python's os.path has them, which the AWS CLI uses. */
#ifndef AWS_EXPAND_PATH_H
#define AWS_EXPAND_PATH_H

#include "aws/environment.h"
#include "base/buf.h"

/* Appends the path with "~" or "~name" at its start replaced, as os.path.expanduser(): a user that is not
 * known stays as it is written. env: as for environment_get(). */
void expand_home(const struct environment *env, const char *path, struct buf *out);
/* Appends the path with "$NAME" and "${NAME}" replaced, as os.path.expandvars(): a variable that is not set
 * stays as it is written. */
void expand_variables(const struct environment *env, const char *path, struct buf *out);

#endif
