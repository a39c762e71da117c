/* See aws/sso_cache.h. */
#include "aws/sso_cache.h"

#include "aws/cred_check.h"
#include "aws/crypto.h"
#include "aws/environment.h"
#include "aws/json.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define PATH_BYTES     4096

static void wipe_text(char *text)
{
    if (text != NULL) {
        mem_wipe(text, strlen(text));
        free(text);
    }
}

void sso_token_finish(struct sso_token *token)
{
    wipe_text(token->access_token);
    wipe_text(token->refresh_token);
    wipe_text(token->client_id);
    wipe_text(token->client_secret);
    *token = (struct sso_token){0};
}

static char *copy(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

void sso_token_copy(struct sso_token *to, const struct sso_token *from)
{
    *to = *from;
    to->access_token = copy(from->access_token);
    to->refresh_token = copy(from->refresh_token);
    to->client_id = copy(from->client_id);
    to->client_secret = copy(from->client_secret);
}

void sso_kept_finish(struct sso_kept *kept)
{
    free(kept->name);
    kept->name = NULL;
    sso_token_finish(&kept->token);
}

static void find_path(const char *name, const char *end, char path[PATH_BYTES])
{
    const char *home = environment_get(NULL, "HOME");
    char hash[41];
    crypto_sha1_hex(name, strlen(name), hash);
    snprintf(path, PATH_BYTES, "%s/.aws/sso/cache/%s.json%s", home != NULL ? home : "", hash, end);
}

/* --- reading --- */

static char *take_text(const struct json_value *root, const char *key)
{
    const char *text = json_string(json_get(root, key));
    return text != NULL && *text != '\0' ? mem_strdup(text) : NULL;
}

/* "2026-11-26T21:00:00Z"; versions of the AWS CLI before 2.0.23 wrote "...UTC". False when it is neither. */
static bool take_time(const struct json_value *root, const char *key, int64_t *ms)
{
    const char *text = json_string(json_get(root, key));
    char copy[48];
    struct err ignored;
    if (text == NULL || !text_copy(copy, sizeof copy, text)) {
        return false;
    }
    size_t length = strlen(copy);
    if (length > 3 && strcmp(copy + length - 3, "UTC") == 0) {
        text_copy(copy + length - 3, 2, "Z");
    }
    return time_parse_rfc3339(copy, ms, &ignored) == 0;
}

static bool take_token(struct sso_token *token, const struct json_value *root)
{
    token->access_token = take_text(root, "accessToken");
    token->refresh_token = take_text(root, "refreshToken");
    token->client_id = take_text(root, "clientId");
    token->client_secret = take_text(root, "clientSecret");
    if (!take_time(root, "registrationExpiresAt", &token->registration_expires_ms)) {
        token->registration_expires_ms = 0;
    }
    return token->access_token != NULL && take_time(root, "expiresAt", &token->expires_ms);
}

static int read_token(const char *name, const struct buf *text, struct sso_token *token, struct err *err)
{
    struct err ignored;
    struct json_doc *doc = json_parse_secret(buf_string(text), text->length, &ignored);
    bool valid = doc != NULL && take_token(token, json_root(doc));
    json_free(doc);
    if (valid) {
        return 0;
    }
    sso_token_finish(token);
    return err_set(err, ERR_SYNTAX, "Token for %.200s is invalid", name);
}

int sso_cache_read(const char *name, struct sso_token *token, struct err *err)
{
    char path[PATH_BYTES];
    struct buf text;
    *token = (struct sso_token){0};
    find_path(name, "", path);
    buf_init_secret(&text, FILE_MAX_BYTES);
    int result = credentials_read_file(path, true, &text, err);
    if (result == 0) {
        result = read_token(name, &text, token, err);
    } else if (err->code == ERR_NOT_FOUND) {
        err_set(err, ERR_NOT_FOUND, "Token for %.200s does not exist", name);
    }
    buf_finish(&text);
    return result;
}

/* --- writing --- */

static void add_member(struct buf *text, const char *key, const char *value)
{
    if (value != NULL) {
        buf_text(text, text->length > 0 ? ", " : "{");
        text_json(text, key);
        buf_text(text, ": ");
        text_json(text, value);
    }
}

static void write_text(struct buf *text, const char *start_url, const char *region,
                       const struct sso_token *token)
{
    char expires[21], registration[21];
    time_rfc3339(token->expires_ms, expires);
    time_rfc3339(token->registration_expires_ms, registration);
    add_member(text, "startUrl", start_url);
    add_member(text, "region", region);
    add_member(text, "accessToken", token->access_token);
    add_member(text, "expiresAt", expires);
    add_member(text, "clientId", token->client_id);
    add_member(text, "clientSecret", token->client_secret);
    add_member(text, "registrationExpiresAt", registration);
    add_member(text, "refreshToken", token->refresh_token);
    buf_char(text, '}');
}

static int write_all(int fd, const struct buf *text)
{
    size_t written = 0;
    while (written < text->length) {
        ssize_t count = write(fd, text->data + written, text->length - written);
        if (count <= 0) {
            return -1;
        }
        written += (size_t)count;
    }
    return fsync(fd);
}

int sso_cache_write(const char *name, const char *start_url, const char *region,
                    const struct sso_token *token, struct err *err)
{
    char path[PATH_BYTES], beside[PATH_BYTES];
    struct buf text;
    find_path(name, "", path);
    find_path(name, ".XXXXXX", beside);
    int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600 */
    if (fd < 0) {
        return err_set(err, ERR_IO, "%s: %s", path, err_errno(errno));
    }
    buf_init_secret(&text, FILE_MAX_BYTES);
    write_text(&text, start_url, region, token);
    bool failed = write_all(fd, &text) != 0;
    failed = close(fd) != 0 || failed || rename(beside, path) != 0;
    int number = errno;
    buf_finish(&text);
    if (!failed) {
        return 0;
    }
    unlink(beside);
    return err_set(err, ERR_IO, "%s: %s", path, err_errno(number));
}
