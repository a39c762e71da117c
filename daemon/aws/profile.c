/* See aws/profile.h. */
#include "aws/profile.h"

#include "aws/ini.h"
#include "aws/secret_file.h"
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

#define PATH_BYTES   4096
#define NONE         SIZE_MAX
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#define SHELL_SPACE  " \t\r\n"

struct file {
    char path[PATH_BYTES];
    struct ini *ini;    /* NULL for a file that does not exist */
    struct err exposed; /* why no secret may be taken from it; ERR_NONE when it is closed to others */
};

struct profiles {
    struct file credentials, config;
};

/* --- reading
 * ------------------------------------------------------------------------------------------------- */

/* The home folder, which need not be set. */
static const char *home(const struct environment *env)
{
    const char *value = environment_get(env, "HOME");
    return value != NULL ? value : "";
}

/* Appends the variable that stands at '$': "$NAME" or "${NAME}". What is none, or is not set, stays as it is.
 * Returns what is behind it. */
static const char *expand_variable(const struct environment *env, const char *at, struct buf *path)
{
    bool braces = at[1] == '{';
    const char *name = at + (braces ? 2 : 1);
    size_t length = strspn(name, NAME_LETTERS);
    const char *end = name + length + (braces ? 1 : 0);
    char *variable = mem_strndup(name, length);
    const char *value =
        length > 0 && (!braces || name[length] == '}') ? environment_get(env, variable) : NULL;
    free(variable);
    if (value == NULL) {
        buf_char(path, '$');
        return at + 1;
    }
    buf_text(path, value);
    return end;
}

static void expand_path(const struct environment *env, const char *given, struct buf *path)
{
    bool tilde = given[0] == '~' && (given[1] == '/' || given[1] == '\0');
    if (tilde) {
        buf_text(path, home(env));
        given++;
    }
    while (*given != '\0') {
        if (*given == '$') {
            given = expand_variable(env, given, path);
        } else {
            buf_char(path, *given++);
        }
    }
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

static struct profiles *load(const struct environment *env, bool secret, struct err *err)
{
    struct profiles *profiles = mem_zalloc(sizeof *profiles);
    *err = (struct err){0};
    if (find_paths(env, profiles, err) != 0 || load_file(&profiles->credentials, secret, err) != 0 ||
        load_file(&profiles->config, false, err) != 0) {
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
    ini_free(profiles->credentials.ini);
    ini_free(profiles->config.ini);
    free(profiles);
}

/* --- looking up
 * ---------------------------------------------------------------------------------------------- */

/* Splitting a header into words as a shell does, or rather Python's shlex.split(): quotes group, a backslash
 * takes the next character as it is, but between double quotes only one of '"' and '\'. */
struct splitter {
    const char *at;
    struct buf word;
    bool failed; /* an open quote, or nothing behind a backslash */
};

/* Takes what is between quotes; at is behind the first. */
static void take_quoted(struct splitter *splitter, char quote)
{
    while (*splitter->at != '\0' && *splitter->at != quote) {
        bool escape =
            quote == '"' && *splitter->at == '\\' && (splitter->at[1] == '"' || splitter->at[1] == '\\');
        splitter->at += escape ? 1 : 0;
        buf_char(&splitter->word, *splitter->at++);
    }
    splitter->failed = *splitter->at == '\0';
    splitter->at += splitter->failed ? 0 : 1;
}

/* False when there is no word left, or it failed. */
static bool next_word(struct splitter *splitter)
{
    splitter->at += strspn(splitter->at, SHELL_SPACE);
    buf_reset(&splitter->word);
    if (*splitter->at == '\0') {
        return false;
    }
    while (!splitter->failed && *splitter->at != '\0' && strchr(SHELL_SPACE, *splitter->at) == NULL) {
        char c = *splitter->at++;
        if (c == '"' || c == '\'') {
            take_quoted(splitter, c);
        } else if (c == '\\' && *splitter->at == '\0') {
            splitter->failed = true;
        } else {
            buf_char(&splitter->word, c == '\\' ? *splitter->at++ : c);
        }
    }
    return !splitter->failed;
}

/* Whether the second of exactly two words is name. The first may be anything: what counts is how the header
 * begins. */
static bool has_name(const char *header, const char *name)
{
    struct splitter splitter = {.at = header};
    buf_init(&splitter.word, strlen(header));
    bool same = next_word(&splitter) && next_word(&splitter) && strcmp(buf_string(&splitter.word), name) == 0;
    bool more = same && next_word(&splitter);
    same = same && !more && !splitter.failed;
    buf_finish(&splitter.word);
    return same;
}

static bool is_config_section(const char *header, enum profiles_kind kind, const char *name)
{
    static const char *const begins[] = {[PROFILES_PROFILE] = "profile",
                                         [PROFILES_SSO_SESSION] = "sso-session",
                                         [PROFILES_SERVICES] = "services"};
    if (kind == PROFILES_PROFILE && strcmp(header, "default") == 0) {
        return strcmp(name, "default") == 0;
    }
    return strncmp(header, begins[kind], strlen(begins[kind])) == 0 && has_name(header, name);
}

/* The last section of that name replaces those before it, as in the AWS CLI. */
static size_t find_config_section(const struct profiles *profiles, enum profiles_kind kind, const char *name)
{
    const struct ini *ini = profiles->config.ini;
    size_t found = NONE;
    const char *header;
    for (size_t i = 0; ini != NULL && (header = ini_section(ini, i)) != NULL; i++) {
        found = is_config_section(header, kind, name) ? i : found;
    }
    return found;
}

static size_t find_credentials_section(const struct profiles *profiles, const char *name)
{
    const struct ini *ini = profiles->credentials.ini;
    const char *header;
    for (size_t i = 0; ini != NULL && (header = ini_section(ini, i)) != NULL; i++) {
        if (strcmp(header, name) == 0) {
            return i;
        }
    }
    return NONE;
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
