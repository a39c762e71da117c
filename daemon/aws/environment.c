/* See aws/environment.h. */
#include "aws/environment.h"

#include <stddef.h>
#include <stdlib.h>

const char *environment_get(const struct environment *env, const char *name)
{
    const char *value = env != NULL && env->get != NULL ? env->get(env->ctx, name) : getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}
