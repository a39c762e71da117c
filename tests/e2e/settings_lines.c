/* Answers questions that settings_oracle.py asks Python as well, one a line; fields are separated by tabs,
 * and those marked * are in hexadecimal:
 *
 * ini FILE*                                           sections and keys, or "refused"
 * get CONFIG-PATH CREDENTIALS-PATH KIND NAME* KEY* SUBKEY*   "=VALUE*", "none" or "refused"; SUBKEY may be
 * empty has CONFIG-PATH CREDENTIALS-PATH KIND NAME*         "yes", "no" or "refused" host SERVICE REGION FIPS
 * DUAL-STACK                 an address, or what is wrong proxy URL ENTRY* ... an address or nothing */
#include "../../daemon/net/proxy.h"
#include "aws/endpoint.h"
#include "aws/ini.h"
#include "aws/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 32
#define LINE_BYTES ((size_t)1 << 20)

static void print_hex(const char *text)
{
    for (; *text != '\0'; text++) {
        printf("%02x", (unsigned char)*text);
    }
}

/* In place; the length. */
static size_t decode_hex(char *field)
{
    size_t length = strlen(field) / 2;
    for (size_t i = 0; i < length; i++) {
        const char digits[3] = {field[2 * i], field[2 * i + 1], '\0'};
        field[i] = (char)strtoul(digits, NULL, 16);
    }
    field[length] = '\0';
    return length;
}

/* --- files
 * --------------------------------------------------------------------------------------------------- */

static void print_entry(void *ctx, const char *key, const char *subkey, const char *value)
{
    (void)ctx;
    printf("\tk");
    print_hex(key);
    if (subkey != NULL) {
        printf(".");
        print_hex(subkey);
    }
    printf("=");
    print_hex(value);
}

static void answer_ini(char **field)
{
    struct err err;
    size_t length = decode_hex(field[1]);
    struct ini *ini = ini_parse("f", field[1], length, &err);
    printf(ini != NULL ? "ok" : "refused");
    for (size_t i = 0; ini != NULL && ini_section(ini, i) != NULL; i++) {
        printf("\ts");
        print_hex(ini_section(ini, i));
        ini_each(ini, i, print_entry, NULL);
    }
    ini_free(ini);
}

struct paths {
    const char *config, *credentials;
};

static const char *from_paths(void *ctx, const char *name)
{
    const struct paths *paths = ctx;
    return strcmp(name, "AWS_CONFIG_FILE") == 0               ? paths->config
           : strcmp(name, "AWS_SHARED_CREDENTIALS_FILE") == 0 ? paths->credentials
                                                              : NULL;
}

static enum profiles_kind kind_of(const char *word)
{
    return strcmp(word, "profile") == 0       ? PROFILES_PROFILE
           : strcmp(word, "sso-session") == 0 ? PROFILES_SSO_SESSION
                                              : PROFILES_SERVICES;
}

/* The files are read once for all questions on them that come in a row. */
static struct {
    char config[4096], credentials[4096];
    struct profiles *profiles;
} last;

static struct profiles *load(const char *config, const char *credentials)
{
    struct paths paths = {config, credentials};
    const struct environment env = {.get = from_paths, .ctx = &paths};
    struct err err;
    if (strcmp(last.config, config) != 0 || strcmp(last.credentials, credentials) != 0) {
        profiles_free(last.profiles);
        snprintf(last.config, sizeof last.config, "%s", config);
        snprintf(last.credentials, sizeof last.credentials, "%s", credentials);
        last.profiles = profiles_load_settings(&env, &err);
    }
    return last.profiles;
}

static void answer_profiles(char **field)
{
    enum profiles_kind kind = kind_of(field[3]);
    const char *value = NULL;
    const struct profiles *profiles = load(field[1], field[2]);
    decode_hex(field[4]);
    if (profiles == NULL) {
        printf("refused");
    } else if (strcmp(field[0], "has") == 0) {
        printf(profiles_has_section(profiles, kind, field[4]) ? "yes" : "no");
    } else {
        bool nested = decode_hex(field[5]) + decode_hex(field[6]) > 0 && *field[6] != '\0';
        value = nested ? profiles_nested(profiles, kind, field[4], field[5], field[6])
                       : profiles_section(profiles, kind, field[4], field[5]);
        printf(value != NULL ? "=" : "none");
        print_hex(value != NULL ? value : "");
    }
}

/* --- addresses
 * ----------------------------------------------------------------------------------------------- */

static void answer_host(char **field)
{
    const struct endpoint_query query = {
        .service = field[1], .region = field[2], .fips = *field[3] == '1', .dual_stack = *field[4] == '1'};
    char url[ENDPOINT_URL_MAX];
    struct err err;
    printf("%s", endpoint_resolve(&query, url, sizeof url, &err) == 0 ? url : err.msg);
}

static void answer_proxy(char **field, size_t count)
{
    struct url url;
    struct err err;
    struct buf proxy;
    buf_init(&proxy, 4096);
    for (size_t i = 2; i < count; i++) {
        decode_hex(field[i]);
    }
    if (url_parse(field[1], false, &url, &err) == 0) {
        proxy_find(field + 2, &url, &proxy);
    }
    printf("%s", buf_string(&proxy));
    buf_finish(&proxy);
}

static bool answer(char **field, size_t count)
{
    if (strcmp(field[0], "ini") == 0 && count == 2) {
        answer_ini(field);
    } else if ((strcmp(field[0], "get") == 0 && count == 7) || (strcmp(field[0], "has") == 0 && count == 5)) {
        answer_profiles(field);
    } else if (strcmp(field[0], "host") == 0 && count == 5) {
        answer_host(field);
    } else if (strcmp(field[0], "proxy") == 0 && count >= 2) {
        answer_proxy(field, count);
    } else {
        return false;
    }
    printf("\n");
    return true;
}

int main(void)
{
    char *line = malloc(LINE_BYTES);
    bool good = line != NULL;
    while (good && fgets(line, LINE_BYTES, stdin) != NULL) {
        char *field[FIELDS_MAX] = {NULL}, *at = line;
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        while (at != NULL && count + 1 < FIELDS_MAX) {
            field[count++] = strsep(&at, "\t");
        }
        good = at == NULL && answer(field, count);
    }
    profiles_free(last.profiles);
    free(line);
    return good ? 0 : 2;
}
