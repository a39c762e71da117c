/* See aws/expand_path.h. */
#include "aws/expand_path.h"

#include "base/mem.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char *home_of(const struct environment *env, const char *name)
{
    const char *home = *name == '\0' ? environment_get(env, "HOME") : NULL;
    if (home != NULL) {
        return home;
    }
    const struct passwd *user = *name == '\0' ? getpwuid(getuid()) : getpwnam(name);
    return user != NULL ? user->pw_dir : NULL;
}

void expand_home(const struct environment *env, const char *path, struct buf *out)
{
    size_t length = strcspn(path, "/");
    char *name = mem_strndup(path + (path[0] == '~'), length - (path[0] == '~'));
    const char *home = path[0] == '~' ? home_of(env, name) : NULL;
    free(name);
    if (home == NULL) {
        buf_text(out, path);
        return;
    }
    size_t home_length = strlen(home);
    while (home_length > 0 && home[home_length - 1] == '/') {
        home_length--;
    }
    buf_append(out, home, home_length);
    buf_text(out, home_length == 0 && path[length] == '\0' ? "/" : path + length);
}

/* The length of "$NAME" or "${NAME}" here, and the name; 0 when it is neither. */
static size_t variable(const char *at, const char **name, size_t *length)
{
    bool braces = at[0] == '$' && at[1] == '{';
    *name = at + 1 + braces;
    if (at[0] != '$') {
        return 0;
    }
    if (braces) {
        *length = strcspn(*name, "}");
        return (*name)[*length] == '}' ? *length + 3 : 0;
    }
    *length = strspn(*name, NAME_LETTERS);
    return *length > 0 ? *length + 1 : 0;
}

/* One that is empty is set, to this module. */
static const char *value_of(const struct environment *env, const char *name)
{
    return env != NULL && env->get != NULL ? env->get(env->ctx, name) : getenv(name);
}

void expand_variables(const struct environment *env, const char *path, struct buf *out)
{
    while (*path != '\0') {
        const char *name;
        size_t length, size = variable(path, &name, &length);
        char *copy = size > 0 ? mem_strndup(name, length) : NULL;
        const char *value = copy != NULL ? value_of(env, copy) : NULL;
        if (value != NULL) {
            buf_text(out, value);
        } else {
            size = size > 0 ? size : 1;
            buf_append(out, path, size);
        }
        path += size;
        free(copy);
    }
}
