/* See aws/shared_file.h. */
#include "aws/shared_file.h"

#include "aws/secret_file.h"
#include "aws/shell_words.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#define SETTLED_S 2 /* some file systems tell times in steps of two seconds */

static const char *const SECRETS[] = {"aws_secret_access_key", "aws_session_token", "aws_security_token"};

/* A section by its kind and name: "0name", see key_of(). */
struct named {
    char *key;
    size_t section;
    UT_hash_handle hh;
};

struct version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed;
    bool settled; /* when it was seen */
};

struct shared_parse {
    int users;
    struct version version;
    struct ini *ini;
    struct named *sections;
};

/* By kind; each is one of its users. */
static struct shared_parse *latest[SHARED_FILE_CREDENTIALS + 1];

/* --- versions --- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_version(const struct version *a, const struct version *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           same_time(&a->written, &b->written) && same_time(&a->changed, &b->changed);
}

/* By both times: when it was written can be set to anything, and some file systems do not tell the other. */
static bool is_settled(const struct stat *status)
{
    struct timespec now;
    time_t last = status->st_mtime > status->st_ctime ? status->st_mtime : status->st_ctime;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 && last + SETTLED_S < now.tv_sec;
}

static struct version version_of(const struct stat *status)
{
    return (struct version){.device = status->st_dev,
                            .inode = status->st_ino,
                            .size = status->st_size,
                            .written = status->st_mtim,
                            .changed = status->st_ctim,
                            .settled = is_settled(status)};
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
static char *key_of_header(enum shared_file_kind file, const char *header)
{
    if (file == SHARED_FILE_CREDENTIALS || strcmp(header, "default") == 0) {
        return key_of(PROFILES_PROFILE, header);
    }
    for (size_t kind = 0; kind < sizeof HEADERS / sizeof HEADERS[0]; kind++) {
        if (strncmp(header, HEADERS[kind], strlen(HEADERS[kind])) == 0) {
            return key_of_words((enum profiles_kind)kind, header);
        }
    }
    return NULL;
}

static void index_sections(struct shared_parse *parse, enum shared_file_kind kind)
{
    const char *header;
    for (size_t i = 0; (header = ini_section(parse->ini, i)) != NULL; i++) {
        char *key = key_of_header(kind, header);
        if (key != NULL) {
            put_named(&parse->sections, key, i);
        }
    }
}

size_t shared_file_section(const struct shared_file *file, enum profiles_kind kind, const char *name)
{
    if (file->parse == NULL) {
        return SHARED_FILE_NONE;
    }
    char *key = key_of(kind, name);
    const struct named *named = find_named(file->parse->sections, key);
    free(key);
    return named != NULL ? named->section : SHARED_FILE_NONE;
}

const struct ini *shared_file_ini(const struct shared_file *file)
{
    return file->parse != NULL ? file->parse->ini : NULL;
}

/* --- sharing --- */

static void leave(struct shared_parse *parse)
{
    if (parse != NULL && --parse->users == 0) {
        free_named(&parse->sections);
        ini_free(parse->ini);
        free(parse);
    }
}

static struct shared_parse *join(struct shared_parse *parse)
{
    parse->users++;
    return parse;
}

static void keep(enum shared_file_kind kind, struct shared_parse *parse)
{
    leave(latest[kind]);
    latest[kind] = parse->version.settled ? join(parse) : NULL;
}

void shared_file_release(struct shared_file *file)
{
    leave(file->parse);
    file->parse = NULL;
}

/* --- reading --- */

/* As the AWS CLI, which takes only regular files for files: /dev/null is how one says "none". */
static bool is_null_device(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static int check_file(struct shared_file *file, const struct stat *status, int fd, bool closed,
                      struct err *err)
{
    file->exposed = (struct err){0};
    if (secret_file_check(file->path, fd, &file->exposed) != 0 && closed) {
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

static struct ini *parse_text(const struct shared_file *file, int fd, struct err *err)
{
    char *text = mem_alloc(INI_FILE_MAX + 1);
    struct ini *ini = NULL;
    size_t used = 0;
    ssize_t got = 1;
    while (got > 0 && used <= INI_FILE_MAX) {
        got = read(fd, text + used, INI_FILE_MAX + 1 - used);
        used += got > 0 ? (size_t)got : 0;
    }
    if (got < 0) {
        err_set(err, ERR_IO, "%s: %s", file->path, err_errno(errno));
    } else {
        ini = ini_parse(file->path, text, used, err);
    }
    mem_wipe(text, used);
    free(text);
    return ini;
}

static struct shared_parse *parse_file(const struct shared_file *file, const struct version *version, int fd,
                                       struct err *err)
{
    struct ini *ini = parse_text(file, fd, err);
    if (ini == NULL) {
        return NULL;
    }
    struct shared_parse *parse = mem_zalloc(sizeof *parse);
    *parse = (struct shared_parse){.users = 1, .version = *version, .ini = ini};
    index_sections(parse, file->kind);
    return parse;
}

static int parse_or_share(struct shared_file *file, const struct version *version, int fd, struct err *err)
{
    struct shared_parse *before = latest[file->kind];
    if (before != NULL && same_version(&before->version, version)) {
        file->parse = join(before);
        return 0;
    }
    file->parse = parse_file(file, version, fd, err);
    if (file->parse == NULL) {
        return -1;
    }
    for (size_t i = 0; i < sizeof SECRETS / sizeof SECRETS[0]; i++) {
        ini_hide(file->parse->ini, SECRETS[i]);
    }
    keep(file->kind, file->parse);
    return 0;
}

static int parse_revealed(struct shared_file *file, const struct version *version, int fd, struct err *err)
{
    file->parse = parse_file(file, version, fd, err);
    return file->parse != NULL ? 0 : -1;
}

/* parse: one of the two above. */
static int open_and(struct shared_file *file, bool closed,
                    int (*parse)(struct shared_file *file, const struct version *version, int fd,
                                 struct err *err),
                    struct err *err)
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
        const struct version version = version_of(&status);
        result = check_file(file, &status, fd, closed, err) == 0 ? parse(file, &version, fd, err) : -1;
    }
    close(fd);
    return result;
}

int shared_file_read(struct shared_file *file, bool closed, struct err *err)
{
    return open_and(file, closed, parse_or_share, err);
}

int shared_file_reveal(struct shared_file *file, struct err *err)
{
    struct shared_parse *before = file->parse;
    file->parse = NULL;
    if (open_and(file, true, parse_revealed, err) != 0) {
        file->parse = before;
        return -1;
    }
    leave(before);
    return 0;
}
