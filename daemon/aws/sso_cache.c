/* See aws/sso_cache.h. */
#include "aws/sso_cache.h"

#include "aws/cli_cache.h"
#include "aws/json.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER "sso/cache"

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

/* --- reading --- */

static char *take_text(const struct json_value *root, const char *key)
{
    const char *text = json_string(json_get(root, key));
    return text != NULL && *text != '\0' ? mem_strdup(text) : NULL;
}

static bool take_time(const struct json_value *root, const char *key, int64_t *ms)
{
    return cli_cache_time(json_string(json_get(root, key)), ms);
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
    struct buf text;
    *token = (struct sso_token){0};
    buf_init_secret(&text, CLI_CACHE_FILE_MAX);
    int result = cli_cache_read(FOLDER, name, &text, err);
    if (result == 0) {
        result = read_token(name, &text, token, err);
    } else if (err->code == ERR_NOT_FOUND) {
        err_set(err, ERR_NOT_FOUND, "Token for %.200s does not exist", name);
    }
    buf_finish(&text);
    return result;
}

/* --- writing --- */

static void write_text(struct buf *text, const char *start_url, const char *region,
                       const struct sso_token *token)
{
    char expires[21], registration[21];
    time_rfc3339(token->expires_ms, expires);
    time_rfc3339(token->registration_expires_ms, registration);
    buf_char(text, '{');
    cli_cache_member(text, "startUrl", start_url);
    cli_cache_member(text, "region", region);
    cli_cache_member(text, "accessToken", token->access_token);
    cli_cache_member(text, "expiresAt", expires);
    cli_cache_member(text, "clientId", token->client_id);
    cli_cache_member(text, "clientSecret", token->client_secret);
    cli_cache_member(text, "registrationExpiresAt", registration);
    cli_cache_member(text, "refreshToken", token->refresh_token);
    buf_char(text, '}');
}

int sso_cache_write(const char *name, const char *start_url, const char *region,
                    const struct sso_token *token, struct err *err)
{
    struct buf text;
    buf_init_secret(&text, CLI_CACHE_FILE_MAX);
    write_text(&text, start_url, region, token);
    int result = cli_cache_write(FOLDER, name, &text, err);
    buf_finish(&text);
    return result;
}
