/* See aws/session_cache.h. */
#include "aws/session_cache.h"

#include "aws/cli_cache.h"
#include "aws/cred_check.h"
#include "aws/json.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"

#include <inttypes.h>
#include <string.h>

#define FOLDER     "cli/cache"
#define NAME_BYTES ((size_t)64 * 1024)
#define LEFT_MS    (15 * TIME_MS_PER_MINUTE)

/* --- names --- */

/* A character as Python's json writes it, in ASCII. */
static void put_code(struct buf *out, uint32_t code)
{
    static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";
    const char *special = code < 0x80 && code != 0 ? strchr(plain, (int)code) : NULL;
    if (special != NULL) {
        buf_printf(out, "\\%c", escaped[special - plain]);
    } else if (code >= 0x20 && code < 0x7f) {
        buf_char(out, (char)code);
    } else if (code < 0x10000) {
        buf_printf(out, "\\u%04" PRIx32, code);
    } else {
        buf_printf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((code - 0x10000) >> 10),
                   0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

/* A byte that is no UTF-8 is half a surrogate pair to Python. */
static void put_text(struct buf *out, const char *text)
{
    size_t left = strlen(text), size;
    uint32_t code;
    buf_char(out, '"');
    for (; left > 0; text += size, left -= size) {
        size = text_utf8_next(text, left, &code);
        if (size == 0) {
            size = 1;
            code = 0xdc00 + (unsigned char)*text;
        }
        put_code(out, code);
    }
    buf_char(out, '"');
}

/* style: what stands between members, and behind a key. */
static void put_member(struct buf *out, const char *const style[2], const char *key, const char *value)
{
    if (value != NULL) {
        buf_text(out, out->length > 1 ? style[0] : "");
        put_text(out, key);
        buf_text(out, style[1]);
        put_text(out, value);
    }
}

static void name_role(const struct cred_step *step, struct buf *name)
{
    static const char *const style[2] = {", ", ": "};
    if (step->duration_s != 0) {
        buf_printf(name, "\"DurationSeconds\": %" PRId64, step->duration_s);
    }
    put_member(name, style, "ExternalId", step->external_id);
    put_member(name, style, "RoleArn", step->role_arn);
    put_member(name, style, "RoleSessionName", step->session_name);
    put_member(name, style, "SerialNumber", step->mfa_serial);
}

static void name_sso(const struct cred_step *step, struct buf *name)
{
    static const char *const style[2] = {",", ":"};
    put_member(name, style, "accountId", step->sso_account);
    put_member(name, style, "roleName", step->sso_role);
    put_member(name, style, "sessionName", step->sso_session);
    put_member(name, style, "startUrl", step->sso_session == NULL ? step->sso_start_url : NULL);
}

/* Parameters in the order of their names; false: nothing that is kept. */
static bool make_name(const struct cred_step *step, struct buf *name)
{
    bool role = (step->kind == CRED_ROLE || step->kind == CRED_WEB_IDENTITY) && step->policy == NULL;
    if (!role && step->kind != CRED_SSO) {
        return false;
    }
    buf_char(name, '{');
    role ? name_role(step, name) : name_sso(step, name);
    return buf_char(name, '}') && !name->overflow;
}

/* --- reading --- */

static bool take(const struct cred_step *step, const struct json_value *object, int64_t now_ms,
                 struct credentials *credentials)
{
    static const char *const required[] = {"SessionToken", NULL};
    struct credentials_fetch fetch = {0};
    char source[64];
    struct cred_found found = {
        .source = source, .provider = "cache", .names = {"AccessKeyId", "SecretAccessKey", "SessionToken"}};
    int64_t expires_ms;
    if (!cli_cache_time(json_string(json_get(object, "Expiration")), &expires_ms) ||
        expires_ms - now_ms < LEFT_MS) {
        return false;
    }
    cred_step_source(step, source);
    credentials_accept_json(&fetch, &found, object, required);
    *credentials = fetch.credentials;
    credentials->expires_ms = expires_ms;
    return fetch.found;
}

static bool read_session(const struct cred_step *step, const char *name, int64_t now_ms,
                         struct credentials *credentials)
{
    struct buf text;
    struct err ignored;
    bool found = false;
    buf_init_secret(&text, CLI_CACHE_FILE_MAX);
    if (cli_cache_read(FOLDER, name, &text, &ignored) == 0) {
        struct json_doc *doc = json_parse_secret(buf_string(&text), text.length, &ignored);
        found = doc != NULL && take(step, json_get(json_root(doc), "Credentials"), now_ms, credentials);
        json_free(doc);
    }
    buf_finish(&text);
    return found;
}

bool session_cache_read(const struct cred_step *step, int64_t now_ms, struct credentials *credentials)
{
    struct buf name;
    buf_init(&name, NAME_BYTES);
    bool found = make_name(step, &name) && read_session(step, buf_string(&name), now_ms, credentials);
    buf_finish(&name);
    return found;
}

/* --- writing --- */

static void write_session(const struct cred_step *step, const char *name,
                          const struct credentials *credentials, int64_t expires_ms)
{
    struct buf text;
    struct err ignored;
    char account[ACCOUNT_LENGTH + 1], expires[21];
    bool sso = step->kind == CRED_SSO;
    time_rfc3339(expires_ms, expires);
    bool known = cred_step_account(step, account);
    buf_init_secret(&text, CLI_CACHE_FILE_MAX);
    buf_text(&text, sso ? "{\"ProviderType\": \"sso\", \"Credentials\": {" : "{\"Credentials\": {");
    cli_cache_member(&text, "AccessKeyId", credentials->access_key);
    cli_cache_member(&text, "SecretAccessKey", credentials->secret_key);
    cli_cache_member(&text, "SessionToken", credentials->session_token);
    cli_cache_member(&text, "Expiration", expires);
    cli_cache_member(&text, "AccountId", known ? account : NULL);
    if (buf_text(&text, "}}") && !text.overflow) {
        cli_cache_write(FOLDER, name, &text, &ignored);
    }
    buf_finish(&text);
}

/* A clock that is wrong now may be right when the file is read. */
void session_cache_write(const struct cred_step *step, const struct credentials *credentials, int64_t skew_ms)
{
    int64_t expires_ms = credentials->expires_ms + (skew_ms < 0 ? skew_ms : 0);
    struct buf name;
    buf_init(&name, NAME_BYTES);
    if (credentials->expires_ms != 0 && credentials->session_token != NULL && make_name(step, &name)) {
        write_session(step, buf_string(&name), credentials, expires_ms);
    }
    buf_finish(&name);
}
