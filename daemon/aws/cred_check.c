/* See aws/cred_check.h. */
#include "aws/cred_check.h"

#include "aws/secret_file.h"
#include "aws/sigv4.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_MAX (64 * 1024)

enum { ACCESS_KEY, SECRET_KEY, TOKEN, EXPIRY };

void credentials_fail(struct credentials_fetch *fetch, const char *provider, const char *format, ...)
{
    char why[sizeof fetch->err.msg];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    fetch->fault = CREDENTIALS_RETRIEVAL;
    err_set(&fetch->err, ERR_CREDENTIALS, "Error when retrieving credentials from %s: %.400s", provider, why);
}

static bool is_missing(const char *value)
{
    return value == NULL || *value == '\0';
}

static bool printable(const char *text, size_t max)
{
    size_t length = 0;
    while (text[length] > ' ' && text[length] < 0x7f) {
        length++;
    }
    return text[length] == '\0' && length <= max;
}

static bool check(struct credentials_fetch *fetch, const struct cred_found *found)
{
    static const size_t max[3] = {SIGV4_ACCESS_KEY_MAX, SIGV4_SECRET_KEY_MAX, TOKEN_MAX};
    for (int i = ACCESS_KEY; i <= TOKEN; i++) {
        if (is_missing(found->values[i]) && i != TOKEN) {
            fetch->fault = CREDENTIALS_PARTIAL;
            err_set(&fetch->err, ERR_CREDENTIALS, "Partial credentials found in %s, missing: %s",
                    found->provider, found->names[i]);
            return false;
        }
        if (!is_missing(found->values[i]) && !printable(found->values[i], max[i])) {
            credentials_fail(fetch, found->provider,
                             "%s in the %s is too long or holds characters that no key has (white space, "
                             "control characters)",
                             found->names[i], found->source);
            return false;
        }
    }
    return true;
}

static bool read_expiry(struct credentials_fetch *fetch, const struct cred_found *found)
{
    struct err err;
    int64_t expires_ms = 0;
    if (!is_missing(found->values[EXPIRY]) &&
        time_parse_rfc3339(found->values[EXPIRY], &expires_ms, &err) != 0) {
        credentials_fail(fetch, found->provider, "%s: %s", found->names[EXPIRY], err.msg);
        return false;
    }
    fetch->credentials.expires_ms = expires_ms != 0 ? expires_ms - found->skew_ms : 0;
    fetch->skew_ms = found->skew_ms;
    return true;
}

void credentials_accept(struct credentials_fetch *fetch, const struct cred_found *found)
{
    if (!check(fetch, found) || !read_expiry(fetch, found)) {
        return;
    }
    struct credentials *credentials = &fetch->credentials;
    credentials->access_key = mem_strdup(found->values[ACCESS_KEY]);
    credentials->secret_key = mem_strdup(found->values[SECRET_KEY]);
    credentials->session_token = is_missing(found->values[TOKEN]) ? NULL : mem_strdup(found->values[TOKEN]);
    text_copy(credentials->source, sizeof credentials->source, found->source);
    fetch->found = true;
}

static bool has_required(const struct cred_found *found, const char *const required[], const char **missing)
{
    for (int i = ACCESS_KEY; i <= EXPIRY; i++) {
        bool needed = i <= SECRET_KEY;
        for (int k = 0; required != NULL && required[k] != NULL; k++) {
            needed = needed || (found->names[i] != NULL && strcmp(required[k], found->names[i]) == 0);
        }
        if (needed && is_missing(found->values[i])) {
            *missing = found->names[i];
            return false;
        }
    }
    return true;
}

void credentials_accept_json(struct credentials_fetch *fetch, struct cred_found *found,
                             const struct json_value *object, const char *const required[])
{
    const char *missing;
    for (int i = ACCESS_KEY; i <= EXPIRY; i++) {
        const struct json_value *value = found->names[i] != NULL ? json_get(object, found->names[i]) : NULL;
        found->values[i] = json_string(value);
        if (value != NULL && found->values[i] == NULL) {
            credentials_fail(fetch, found->provider, "'%s' in the response is no text", found->names[i]);
            return;
        }
    }
    if (!has_required(found, required, &missing)) {
        credentials_fail(fetch, found->provider, "Missing required key in response: '%s'", missing);
        return;
    }
    credentials_accept(fetch, found);
}

/* --- files --- */

static int check_file(const char *path, int fd, bool is_private, struct err *err)
{
    struct stat status;
    if (is_private) {
        return secret_file_check(path, fd, err);
    }
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode)
               ? 0
               : err_set(err, ERR_INVALID, "%s: not a regular file", path);
}

static int read_all(const char *path, int fd, struct buf *out, struct err *err)
{
    char chunk[4096];
    ssize_t got;
    do {
        got = read(fd, chunk, sizeof chunk);
        if (got > 0 && !buf_append(out, chunk, (size_t)got)) {
            got = -1;
            errno = EFBIG;
        }
    } while (got > 0);
    int number = errno;
    mem_wipe(chunk, sizeof chunk);
    if (got == 0) {
        return 0;
    }
    return out->overflow ? err_set(err, ERR_TOO_BIG, "%s: over %zu bytes", path, out->max)
                         : err_set(err, ERR_IO, "%s: %s", path, err_errno(number));
}

int credentials_read_file(const char *path, bool is_private, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s: %s", path, err_errno(errno));
    }
    int result = check_file(path, fd, is_private, err);
    if (result == 0) {
        result = read_all(path, fd, out, err);
    }
    close(fd);
    return result;
}
