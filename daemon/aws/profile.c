/* See aws/profile.h. */
#include "aws/profile.h"

#include "aws/expand_path.h"
#include "aws/ini.h"
#include "aws/secret_file.h"
#include "aws/shell_words.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <uthash.h>

#define PATH_BYTES 4096
#define NONE       SIZE_MAX

struct file {
    char path[PATH_BYTES];
    struct ini *ini;    /* NULL for a file that does not exist */
    struct err exposed; /* why no secret may be taken from it; ERR_NONE when it is closed to others */
};

/* A section of the config file by its kind and name: "0name", see key_of(). */
struct named {
    char *key;
    size_t section;
    UT_hash_handle hh;
};

struct profiles {
    struct file credentials, config;
    struct named *in_config, *in_credentials; /* of the latter the key is the name */
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

static int find_path(const struct environment *env, struct file *file, const char *variable, const char *name,
                     struct err *err)
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

/* As the AWS CLI, which takes only regular files for files: /dev/null is how one says "none". */
static bool is_null_device(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static int check_file(struct file *file, const struct stat *status, int fd, bool secret, struct err *err)
{
    if (secret_file_check(file->path, fd, &file->exposed) != 0 && secret) {
        *err = file->exposed;
        return -1;
    }
    if (!S_ISREG(status->st_mode)) {
        return err_set(err, ERR_INVALID, "%s: not a regular file", file->path);
    }
    if (status->st_size > INI_FILE_MAX) {
        return err_set(err, ERR_TOO_BIG, "%s: over %d bytes", file->path, INI_FILE_MAX);
    }
    return 0;
}

static int read_file(struct file *file, int fd, struct err *err)
{
    char *text = mem_alloc(INI_FILE_MAX + 1);
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used <= INI_FILE_MAX) {
        got = read(fd, text + used, INI_FILE_MAX + 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        err_set(err, ERR_IO, "%s: %s", file->path, err_errno(errno));
    } else {
        file->ini = ini_parse(file->path, text, used, err);
    }
    mem_wipe(text, used);
    free(text);
    return file->ini != NULL ? 0 : -1;
}

static int load_file(struct file *file, bool secret, struct err *err)
{
    struct stat status;
    int result = 0;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return missing ? 0 : err_set(err, ERR_PERMISSION, "%s: %s", file->path, err_errno(errno));
    }
    if (fstat(fd, &status) != 0) {
        result = err_set(err, ERR_IO, "%s: %s", file->path, err_errno(errno));
    } else if (!is_null_device(&status)) {
        result = check_file(file, &status, fd, secret, err) == 0 ? read_file(file, fd, err) : -1;
    }
    close(fd);
    return result;
}

static int find_paths(const struct environment *env, struct profiles *profiles, struct err *err)
{
    return find_path(env, &profiles->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials", err) != 0 ||
                   find_path(env, &profiles->config, "AWS_CONFIG_FILE", "config", err) != 0
               ? -1
               : 0;
}

/* --- sections by their names --- */

static const char *const HEADERS[] = {
    [PROFILES_PROFILE] = "profile", [PROFILES_SSO_SESSION] = "sso-session", [PROFILES_SERVICES] = "services"};

static struct named *find_named(struct named *table, const char *key)
{
    struct named *named;
    HASH_FIND_STR(table, key, named);
    return named;
}

/* The last section of a name replaces those before it, as in the AWS CLI. */
static void put_named(struct named **table, char *key, size_t section)
{
    struct named *named = find_named(*table, key);
    if (named != NULL) {
        free(key);
    } else {
        named = mem_zalloc(sizeof *named);
        named->key = key;
        HASH_ADD_KEYPTR(hh, *table, named->key, strlen(named->key), named);
    }
    named->section = section;
}

static void free_named(struct named **table)
{
    struct named *named, *next;
    HASH_ITER (hh, *table, named, next) {
        HASH_DEL(*table, named);
        free(named->key);
        free(named);
    }
}

/* A character for the kind, then the name. */
static char *key_of(enum profiles_kind kind, const char *name)
{
    size_t size = strlen(name) + 2;
    char *key = mem_alloc(size);
    key[0] = (char)('0' + kind);
    memcpy(key + 1, name, size - 1);
    return key;
}

/* Whether it has exactly two words as a shell splits them. The first may be anything: what counts is how the
 * header begins. */
static char *key_of_words(enum profiles_kind kind, const char *header)
{
    struct err ignored;
    const char **words = shell_words(header, &ignored);
    bool two = words != NULL && words[0] != NULL && words[1] != NULL && words[2] == NULL;
    char *key = two ? key_of(kind, words[1]) : NULL;
    free(words);
    return key;
}

/* NULL: no section of ours. */
static char *key_of_header(const char *header)
{
    if (strcmp(header, "default") == 0) {
        return key_of(PROFILES_PROFILE, header);
    }
    for (size_t kind = 0; kind < sizeof HEADERS / sizeof HEADERS[0]; kind++) {
        if (strncmp(header, HEADERS[kind], strlen(HEADERS[kind])) == 0) {
            return key_of_words((enum profiles_kind)kind, header);
        }
    }
    return NULL;
}

static void index_sections(struct profiles *profiles)
{
    const struct ini *config = profiles->config.ini, *credentials = profiles->credentials.ini;
    const char *header;
    for (size_t i = 0; config != NULL && (header = ini_section(config, i)) != NULL; i++) {
        char *key = key_of_header(header);
        if (key != NULL) {
            put_named(&profiles->in_config, key, i);
        }
    }
    for (size_t i = 0; credentials != NULL && (header = ini_section(credentials, i)) != NULL; i++) {
        put_named(&profiles->in_credentials, mem_strdup(header), i);
    }
}

static struct profiles *load(const struct environment *env, bool secret, struct err *err)
{
    struct profiles *profiles = mem_zalloc(sizeof *profiles);
    *err = (struct err){0};
    if (find_paths(env, profiles, err) != 0 || load_file(&profiles->credentials, secret, err) != 0 ||
        load_file(&profiles->config, false, err) != 0) {
        profiles_free(profiles);
        return NULL;
    }
    index_sections(profiles);
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
static bool is_about(const char *msg, const struct file *file)
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
    const struct file *file = is_about(err->msg, &paths.config)        ? &paths.config
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
    free_named(&profiles->in_credentials);
    free_named(&profiles->in_config);
    ini_free(profiles->credentials.ini);
    ini_free(profiles->config.ini);
    free(profiles);
}

/* --- looking up
 * ---------------------------------------------------------------------------------------------- */

static size_t section_of(const struct named *named)
{
    return named != NULL ? named->section : NONE;
}

static size_t find_config_section(const struct profiles *profiles, enum profiles_kind kind, const char *name)
{
    char *key = key_of(kind, name);
    size_t section = section_of(find_named(profiles->in_config, key));
    free(key);
    return section;
}

static size_t find_credentials_section(const struct profiles *profiles, const char *name)
{
    return section_of(find_named(profiles->in_credentials, name));
}

/* Where a key is found: the section of a file. */
struct place {
    const struct file *file; /* NULL: nowhere */
    size_t section;
};

static struct place find_key(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key)
{
    size_t section = kind == PROFILES_PROFILE ? find_credentials_section(profiles, name) : NONE;
    if (section != NONE && ini_get(profiles->credentials.ini, section, key) != NULL) {
        return (struct place){&profiles->credentials, section};
    }
    section = find_config_section(profiles, kind, name);
    if (section != NONE && ini_get(profiles->config.ini, section, key) != NULL) {
        return (struct place){&profiles->config, section};
    }
    return (struct place){NULL, 0};
}

bool profiles_has_section(const struct profiles *profiles, enum profiles_kind kind, const char *name)
{
    size_t section = find_config_section(profiles, kind, name);
    if (section != NONE) {
        return kind != PROFILES_SERVICES || !ini_section_empty(profiles->config.ini, section);
    }
    return kind == PROFILES_PROFILE && find_credentials_section(profiles, name) != NONE;
}

const char *profiles_section(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key)
{
    struct place place = find_key(profiles, kind, name, key);
    const char *value = place.file != NULL ? ini_get(place.file->ini, place.section, key) : NULL;
    return value != NULL && *value != '\n' ? value : NULL; /* a map is no value */
}

const char *profiles_nested(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                            const char *key, const char *subkey)
{
    struct place place = find_key(profiles, kind, name, key);
    return place.file != NULL ? ini_nested(place.file->ini, place.section, key, subkey) : NULL;
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
    struct place place = find_key(profiles, PROFILES_PROFILE, profile, leader);
    const char *value = place.file != NULL ? ini_get(place.file->ini, place.section, key) : NULL;
    return value != NULL && *value != '\n' ? value : NULL;
}

const char *profiles_config_path(const struct profiles *profiles)
{
    return profiles->config.path;
}

int profiles_check_secret(const struct profiles *profiles, const char *profile, const char *key,
                          struct err *err)
{
    struct place place = find_key(profiles, PROFILES_PROFILE, profile, key);
    if (place.file == NULL || place.file->exposed.code == ERR_NONE) {
        return 0;
    }
    *err = place.file->exposed;
    return -1;
}
