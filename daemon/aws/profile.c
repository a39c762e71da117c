/* See aws/profile.h. */
#include "aws/profile.h"

#include "aws/expand_path.h"
#include "aws/ini.h"
#include "aws/shared_file.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct profiles {
    struct shared_file credentials, config;
};

/* --- reading
 * ------------------------------------------------------------------------------------------------- */

/* The home folder, which need not be set. */
static const char *home(const struct environment *env)
{
    const char *value = environment_get(env, "HOME");
    return value != NULL ? value : "";
}

/* In botocore's order, which is not that of a shell. */
static void expand_path(const struct environment *env, const char *given, struct buf *path)
{
    struct buf with_variables;
    buf_init(&with_variables, path->max);
    expand_variables(env, given, &with_variables);
    path->overflow = path->overflow || with_variables.overflow;
    expand_home(env, buf_string(&with_variables), path);
    buf_finish(&with_variables);
}

static int find_path(const struct environment *env, struct shared_file *file, const char *variable,
                     const char *name, struct err *err)
{
    const char *given = environment_get(env, variable);
    struct buf path;
    buf_init(&path, sizeof file->path - 1);
    if (given != NULL) {
        expand_path(env, given, &path);
    } else {
        buf_printf(&path, "%s/.aws/%s", home(env), name);
    }
    bool fits = !path.overflow && text_copy(file->path, sizeof file->path, buf_string(&path));
    buf_finish(&path);
    return fits ? 0 : err_set(err, ERR_TOO_BIG, "the path in %s is too long", variable);
}

static int find_paths(const struct environment *env, struct profiles *profiles, struct err *err)
{
    return find_path(env, &profiles->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials", err) != 0 ||
                   find_path(env, &profiles->config, "AWS_CONFIG_FILE", "config", err) != 0
               ? -1
               : 0;
}

static struct profiles *load(const struct environment *env, bool secret, struct err *err)
{
    struct profiles *profiles = mem_zalloc(sizeof *profiles);
    profiles->credentials.kind = SHARED_FILE_CREDENTIALS;
    *err = (struct err){0};
    if (find_paths(env, profiles, err) != 0 || shared_file_read(&profiles->credentials, secret, err) != 0 ||
        shared_file_read(&profiles->config, false, err) != 0) {
        profiles_free(profiles);
        return NULL;
    }
    return profiles;
}

struct profiles *profiles_load(struct err *err)
{
    return load(NULL, true, err);
}

struct profiles *profiles_load_settings(const struct environment *env, struct err *err)
{
    return load(env, false, err);
}

/* Whether a message of ini_parse() is about this file. */
static bool is_about(const char *msg, const struct shared_file *file)
{
    size_t length = strlen(file->path);
    return strncmp(msg, file->path, length) == 0 && msg[length] == ':';
}

void profiles_reword(const struct environment *env, struct err *err)
{
    struct profiles paths = {0};
    struct err ignored;
    if (err->code != ERR_SYNTAX || find_paths(env, &paths, &ignored) != 0) {
        return;
    }
    const struct shared_file *file = is_about(err->msg, &paths.config)        ? &paths.config
                                     : is_about(err->msg, &paths.credentials) ? &paths.credentials
                                                                              : NULL;
    if (file != NULL) {
        err_set(err, ERR_SYNTAX, "Unable to parse config file: %s", file->path);
    }
}

void profiles_free(struct profiles *profiles)
{
    if (profiles == NULL) {
        return;
    }
    shared_file_release(&profiles->credentials);
    shared_file_release(&profiles->config);
    free(profiles);
}

/* --- looking up
 * ---------------------------------------------------------------------------------------------- */

/* Where a key is found: the section of a file. */
struct place {
    const struct shared_file *file; /* NULL: nowhere */
    size_t section;
};

static const char *get(struct place place, const char *key)
{
    return place.file != NULL ? ini_get(shared_file_ini(place.file), place.section, key) : NULL;
}

static struct place find_in(const struct shared_file *file, enum profiles_kind kind, const char *name,
                            const char *key)
{
    struct place place = {file, shared_file_section(file, kind, name)};
    return place.section != SHARED_FILE_NONE && get(place, key) != NULL ? place : (struct place){NULL, 0};
}

static struct place find_key(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key)
{
    struct place nowhere = {NULL, 0};
    struct place place =
        kind == PROFILES_PROFILE ? find_in(&profiles->credentials, kind, name, key) : nowhere;
    return place.file != NULL ? place : find_in(&profiles->config, kind, name, key);
}

bool profiles_has_section(const struct profiles *profiles, enum profiles_kind kind, const char *name)
{
    size_t section = shared_file_section(&profiles->config, kind, name);
    if (section != SHARED_FILE_NONE) {
        return kind != PROFILES_SERVICES || !ini_section_empty(shared_file_ini(&profiles->config), section);
    }
    return kind == PROFILES_PROFILE &&
           shared_file_section(&profiles->credentials, kind, name) != SHARED_FILE_NONE;
}

const char *profiles_section(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key)
{
    const char *value = get(find_key(profiles, kind, name, key), key);
    return value != NULL && *value != '\n' ? value : NULL; /* a map is no value */
}

const char *profiles_nested(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                            const char *key, const char *subkey)
{
    struct place place = find_key(profiles, kind, name, key);
    return place.file != NULL ? ini_nested(shared_file_ini(place.file), place.section, key, subkey) : NULL;
}

bool profiles_has(const struct profiles *profiles, const char *profile)
{
    return profiles_has_section(profiles, PROFILES_PROFILE, profile);
}

const char *profiles_get(const struct profiles *profiles, const char *profile, const char *key)
{
    return profiles_section(profiles, PROFILES_PROFILE, profile, key);
}

const char *profiles_origin(const struct profiles *profiles, const char *profile, const char *key)
{
    struct place place = find_key(profiles, PROFILES_PROFILE, profile, key);
    return profiles_get(profiles, profile, key) != NULL ? place.file->path : NULL;
}

const char *profiles_beside(const struct profiles *profiles, const char *profile, const char *leader,
                            const char *key)
{
    const char *value = get(find_key(profiles, PROFILES_PROFILE, profile, leader), key);
    return value != NULL && *value != '\n' ? value : NULL;
}

const char *profiles_config_path(const struct profiles *profiles)
{
    return profiles->config.path;
}

int profiles_reveal(struct profiles *profiles, const char *profile, const char *key, struct err *err)
{
    const struct shared_file *file = find_key(profiles, PROFILES_PROFILE, profile, key).file;
    if (file == NULL) {
        return 0;
    }
    return shared_file_reveal(file == &profiles->config ? &profiles->config : &profiles->credentials, err);
}
