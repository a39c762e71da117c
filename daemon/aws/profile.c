/* See aws/profile.h. */
#include "aws/profile.h"

#include "aws/ini.h"
#include "aws/secret_file.h"
#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define NONE       SIZE_MAX

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

static int find_path(struct file *file, const char *variable, const char *name, struct err *err)
{
    const char *given = getenv(variable);
    const char *home = getenv("HOME");
    bool tilde = given != NULL && strncmp(given, "~/", 2) == 0;
    int length;
    if (given != NULL && *given != '\0' && !tilde) {
        length = snprintf(file->path, sizeof file->path, "%s", given);
    } else if (tilde) {
        length = snprintf(file->path, sizeof file->path, "%s/%s", home != NULL ? home : "", given + 2);
    } else {
        length = snprintf(file->path, sizeof file->path, "%s/.aws/%s", home != NULL ? home : "", name);
    }
    return (size_t)length < sizeof file->path
               ? 0
               : err_set(err, ERR_TOO_BIG, "the path in %s is too long", variable);
}

static int check_file(struct file *file, int fd, bool secret, struct err *err)
{
    struct stat status;
    if (secret_file_check(file->path, fd, &file->exposed) != 0 && secret) {
        *err = file->exposed;
        return -1;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return err_set(err, ERR_INVALID, "%s: not a regular file", file->path);
    }
    if (status.st_size > INI_FILE_MAX) {
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

static int load_file(struct file *file, const char *variable, const char *name, bool secret, struct err *err)
{
    if (find_path(file, variable, name, err) != 0) {
        return -1;
    }
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        return missing ? 0 : err_set(err, ERR_PERMISSION, "%s: %s", file->path, err_errno(errno));
    }
    int result = check_file(file, fd, secret, err);
    if (result == 0) {
        result = read_file(file, fd, err);
    }
    close(fd);
    return result;
}

struct profiles *profiles_load(struct err *err)
{
    struct profiles *profiles = mem_zalloc(sizeof *profiles);
    *err = (struct err){0};
    if (load_file(&profiles->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials", true, err) != 0 ||
        load_file(&profiles->config, "AWS_CONFIG_FILE", "config", false, err) != 0) {
        profiles_free(profiles);
        return NULL;
    }
    return profiles;
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

/* The next word of a header as a shell splits it: quotes group, a backslash takes the next character as it
 * is. Returns what is behind it; NULL when there is no word left or a quote is open. */
static const char *shell_word(const char *at, char *word, size_t size)
{
    char quote = '\0';
    size_t used = 0;
    at += strspn(at, " \t");
    if (*at == '\0') {
        return NULL;
    }
    for (; *at != '\0' && (quote != '\0' || !isspace((unsigned char)*at)); at++) {
        if (quote == '\0' && (*at == '"' || *at == '\'')) {
            quote = *at;
            continue;
        }
        if (*at == quote) {
            quote = '\0';
            continue;
        }
        at += *at == '\\' && quote != '\'' && at[1] != '\0';
        if (used + 1 < size) {
            word[used++] = *at;
        }
    }
    word[used] = '\0';
    return quote == '\0' ? at : NULL;
}

/* Whether a header of the config file is [KIND NAME], with just two words. */
static bool names_section(const char *header, const char *kind, const char *name)
{
    char first[256], second[256], third[2];
    const char *at = shell_word(header, first, sizeof first);
    if (at == NULL || strcmp(first, kind) != 0 || (at = shell_word(at, second, sizeof second)) == NULL) {
        return false;
    }
    at += strspn(at, " \t");
    return *at == '\0' && shell_word(at, third, sizeof third) == NULL && strcmp(second, name) == 0;
}

static bool names_profile(const char *header, const char *profile)
{
    return strcmp(header, "default") == 0 ? strcmp(profile, "default") == 0
                                          : names_section(header, "profile", profile);
}

/* The last section that is this profile's replaces those before it, as in the AWS CLI. */
static size_t find_section(const struct file *file, const char *profile, bool bare_names)
{
    size_t found = NONE;
    const char *header;
    for (size_t i = 0; file->ini != NULL && (header = ini_section(file->ini, i)) != NULL; i++) {
        if (bare_names ? strcmp(header, profile) == 0 : names_profile(header, profile)) {
            found = i;
        }
    }
    return found;
}

/* The value, and the file that has it. */
static const char *look_up(const struct profiles *profiles, const char *profile, const char *key,
                           const struct file **where)
{
    const struct file *files[] = {&profiles->credentials, &profiles->config};
    for (int i = 0; i < 2; i++) {
        size_t section = find_section(files[i], profile, i == 0);
        const char *value = section != NONE ? ini_get(files[i]->ini, section, key) : NULL;
        if (value != NULL) {
            *where = files[i];
            return value;
        }
    }
    return NULL;
}

bool profiles_has(const struct profiles *profiles, const char *profile)
{
    return find_section(&profiles->credentials, profile, true) != NONE ||
           find_section(&profiles->config, profile, false) != NONE;
}

const char *profiles_get(const struct profiles *profiles, const char *profile, const char *key)
{
    const struct file *where;
    return look_up(profiles, profile, key, &where);
}

const char *profiles_origin(const struct profiles *profiles, const char *profile, const char *key)
{
    const struct file *where = NULL;
    return look_up(profiles, profile, key, &where) != NULL ? where->path : NULL;
}

int profiles_check_secret(const struct profiles *profiles, const char *profile, const char *key,
                          struct err *err)
{
    const struct file *where;
    if (look_up(profiles, profile, key, &where) == NULL || where->exposed.code == ERR_NONE) {
        return 0;
    }
    *err = where->exposed;
    return -1;
}

static size_t find_kind(const struct file *file, enum profiles_kind kind, const char *name)
{
    const char *word = kind == PROFILES_SSO_SESSION ? "sso-session" : "services";
    size_t found = NONE;
    const char *header;
    for (size_t i = 0; file->ini != NULL && (header = ini_section(file->ini, i)) != NULL; i++) {
        found = names_section(header, word, name) ? i : found;
    }
    return found;
}

bool profiles_has_section(const struct profiles *profiles, enum profiles_kind kind, const char *name)
{
    return kind == PROFILES_PROFILE ? profiles_has(profiles, name)
                                    : find_kind(&profiles->config, kind, name) != NONE;
}

const char *profiles_section(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key)
{
    if (kind == PROFILES_PROFILE) {
        return profiles_get(profiles, name, key);
    }
    size_t section = find_kind(&profiles->config, kind, name);
    return section != NONE ? ini_get(profiles->config.ini, section, key) : NULL;
}

const char *profiles_config_path(const struct profiles *profiles)
{
    return profiles->config.path;
}
