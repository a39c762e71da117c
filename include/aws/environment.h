/* Variables of the environment, read through one function, so that a test can give its own. */
#ifndef AWS_ENVIRONMENT_H
#define AWS_ENVIRONMENT_H

struct environment {
    const char *(*get)(void *ctx, const char *name); /* NULL: the process's own */
    void *ctx;
};

/* The value; NULL when the variable is not set or is empty. env may be NULL: the process's own. */
const char *environment_get(const struct environment *env, const char *name);

#endif
