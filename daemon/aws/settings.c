/* See aws/settings.h. Order and sentences: botocore's configprovider, args, session and exceptions. */
#include "aws/settings.h"

#include "base/mem.h"
#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_BYTES 64

struct settings {
    const struct environment *env;
    struct profiles *profiles;
    char *profile;
};

/* Variables come before the profile's key, but for `late`, which comes behind it. */
static const struct {
    const char *variables[2], *key, *late;
} TABLE[] = {
    [SETTING_REGION] = {{"AWS_REGION", "AWS_DEFAULT_REGION"}, "region", NULL},
    [SETTING_CA_BUNDLE] = {{"AWS_CA_BUNDLE"}, "ca_bundle", "REQUESTS_CA_BUNDLE"},
    [SETTING_USE_FIPS] = {{"AWS_USE_FIPS_ENDPOINT"}, "use_fips_endpoint", NULL},
    [SETTING_USE_DUAL_STACK] = {{"AWS_USE_DUALSTACK_ENDPOINT"}, "use_dualstack_endpoint", NULL},
    [SETTING_IGNORE_ENDPOINT_URLS] = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"},
                                      "ignore_configured_endpoint_urls",
                                      NULL},
    [SETTING_RETRY_MODE] = {{"AWS_RETRY_MODE"}, "retry_mode", NULL},
    [SETTING_MAX_ATTEMPTS] = {{"AWS_MAX_ATTEMPTS"}, "max_attempts", NULL},
};

/* --- the profile
 * --------------------------------------------------------------------------------------------- */

struct settings *settings_load(const struct environment *env, const char *profile, struct err *err)
{
    struct settings *settings = mem_zalloc(sizeof *settings);
    const char *named = profile != NULL ? profile : environment_get(env, "AWS_PROFILE");
    named = named != NULL ? named : environment_get(env, "AWS_DEFAULT_PROFILE");
    settings->env = env;
    settings->profile = mem_strdup(named != NULL ? named : "default");
    settings->profiles = profiles_load_settings(env, err);
    if (settings->profiles == NULL) {
        settings_free(settings);
        return NULL;
    }
    if (named != NULL && !profiles_has(settings->profiles, named)) {
        err_set(err, ERR_NOT_FOUND, "The config profile (%s) could not be found", named);
        settings_free(settings);
        return NULL;
    }
    return settings;
}

void settings_free(struct settings *settings)
{
    if (settings == NULL) {
        return;
    }
    profiles_free(settings->profiles);
    free(settings->profile);
    free(settings);
}

const char *settings_profile(const struct settings *settings)
{
    return settings->profile;
}

const struct profiles *settings_profiles(const struct settings *settings)
{
    return settings->profiles;
}

/* --- single settings
 * ----------------------------------------------------------------------------------------- */

static const char *from_variable(const struct settings *settings, const char *variable, const char **where)
{
    const char *value = variable != NULL ? environment_get(settings->env, variable) : NULL;
    *where = value != NULL ? variable : NULL;
    return value;
}

static const char *from_profile(const struct settings *settings, const char *key, const char **where)
{
    const char *value = profiles_get(settings->profiles, settings->profile, key);
    bool there = value != NULL && *value != '\0';
    *where = there ? profiles_origin(settings->profiles, settings->profile, key) : NULL;
    return there ? value : NULL;
}

const char *settings_get(const struct settings *settings, enum setting setting, const char **where)
{
    const char *ignored, **at = where != NULL ? where : &ignored;
    const char *value = from_variable(settings, TABLE[setting].variables[0], at);
    value = value != NULL ? value : from_variable(settings, TABLE[setting].variables[1], at);
    value = value != NULL ? value : from_profile(settings, TABLE[setting].key, at);
    return value != NULL ? value : from_variable(settings, TABLE[setting].late, at);
}

static bool is_true(const char *value)
{
    return value != NULL && strcasecmp(value, "true") == 0;
}

bool settings_is_true(const struct settings *settings, enum setting setting)
{
    return is_true(settings_get(settings, setting, NULL));
}

int settings_region(const struct settings *settings, const char *explicit_region, struct settings_region *out,
                    struct err *err)
{
    const char *given = explicit_region;
    out->where = NULL;
    if (given == NULL && settings != NULL) {
        given = settings_get(settings, SETTING_REGION, &out->where);
    }
    if (given == NULL) {
        return err_set(err, ERR_NOT_FOUND,
                       "You must specify a region. You can also configure your region by running \"aws "
                       "configure\".");
    }
    if (endpoint_check_region(given, err) != 0) {
        return -1;
    }
    out->fips = endpoint_strip_fips(given, out->name);
    return endpoint_check_region(out->name, err);
}

/* --- endpoints
 * ----------------------------------------------------------------------------------------------- */

/* "sso-oidc" becomes prefix, then SSO_OIDC or sso_oidc. */
static void make_name(char out[NAME_MAX_BYTES], const char *prefix, const char *service, bool capitals)
{
    size_t used = (size_t)snprintf(out, NAME_MAX_BYTES, "%s", prefix);
    for (; *service != '\0' && used + 1 < NAME_MAX_BYTES; service++) {
        bool letter = *service >= 'a' && *service <= 'z';
        out[used++] = *service == '-' ? '_' : letter && capitals ? (char)(*service - 'a' + 'A') : *service;
    }
    out[used] = '\0';
}

/* Names of variables that outlive the call. */
static const char *service_variable(const char *service)
{
    static const char *const names[] = {"AWS_ENDPOINT_URL_IOT", "AWS_ENDPOINT_URL_STS",
                                        "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC",
                                        "AWS_ENDPOINT_URL_SERVICE_QUOTAS"};
    char wanted[NAME_MAX_BYTES];
    make_name(wanted, "AWS_ENDPOINT_URL_", service, true);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], wanted) == 0) {
            return names[i];
        }
    }
    return NULL;
}

/* The section that the profile names with `services`. *url stays NULL where it says nothing. */
static int from_services(const struct settings *settings, const char *service, const char **url,
                         struct err *err)
{
    const struct profiles *profiles = settings->profiles;
    const char *name = profiles_get(profiles, settings->profile, "services");
    char key[NAME_MAX_BYTES];
    if (name == NULL) {
        return 0;
    }
    if (!profiles_has_section(profiles, PROFILES_SERVICES, name)) {
        return err_set(err, ERR_INVALID,
                       "The profile is configured to use the services section but the \"%s\" services "
                       "configuration does not exist.",
                       name);
    }
    make_name(key, "", service, false);
    *url = profiles_nested(profiles, PROFILES_SERVICES, name, key, "endpoint_url");
    *url = *url != NULL && **url != '\0' ? *url : NULL;
    return 0;
}

static int find_url(const struct settings *settings, const char *service, const char **url,
                    const char **where, struct err *err)
{
    *url = NULL;
    if (settings_is_true(settings, SETTING_IGNORE_ENDPOINT_URLS)) {
        return 0;
    }
    *url = from_variable(settings, service_variable(service), where);
    *url = *url != NULL ? *url : from_variable(settings, "AWS_ENDPOINT_URL", where);
    if (*url != NULL) {
        return 0;
    }
    if (from_services(settings, service, url, err) != 0) {
        return -1;
    }
    if (*url != NULL) {
        *where = profiles_config_path(settings->profiles);
    } else {
        *url = from_profile(settings, "endpoint_url", where);
    }
    return 0;
}

int settings_endpoint(const struct settings *settings, const char *service,
                      const struct settings_region *region, const char *explicit_url,
                      struct settings_endpoint *out, struct err *err)
{
    struct endpoint_query query = {
        .service = service, .region = region->name, .url = explicit_url, .fips = region->fips};
    out->where = NULL;
    if (settings != NULL) {
        query.fips = query.fips || settings_is_true(settings, SETTING_USE_FIPS);
        query.dual_stack = settings_is_true(settings, SETTING_USE_DUAL_STACK);
    }
    if (settings != NULL && explicit_url == NULL &&
        find_url(settings, service, &query.url, &out->where, err) != 0) {
        return -1;
    }
    return endpoint_resolve(&query, out->url, sizeof out->url, err);
}

/* --- retries
 * ------------------------------------------------------------------------------------------------- */

/* As Python's int(), but for '_' between digits. What is too large for an int becomes the largest. */
static bool read_integer(const char *text, int *value)
{
    text += strspn(text, " \t");
    bool minus = *text == '-';
    text += *text == '-' || *text == '+' ? 1 : 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits + strspn(text + digits, " \t")] != '\0') {
        return false;
    }
    long long number = strtoll(text, NULL, 10);
    number = number > INT_MAX ? INT_MAX : number;
    *value = (int)(minus ? -number : number);
    return true;
}

int settings_retries(const struct settings *settings, struct settings_retries *out, struct err *err)
{
    const char *attempts = settings_get(settings, SETTING_MAX_ATTEMPTS, NULL);
    const char *mode = settings_get(settings, SETTING_RETRY_MODE, NULL);
    *out = (struct settings_retries){.adaptive = mode != NULL && strcmp(mode, "adaptive") == 0,
                                     .max_attempts = 3};
    if (attempts != NULL && !read_integer(attempts, &out->max_attempts)) {
        return err_set(err, ERR_INVALID, "invalid literal for int() with base 10: '%s'", attempts);
    }
    if (out->max_attempts < 1) {
        return err_set(
            err, ERR_INVALID,
            "Value provided to \"max_attempts\": %d must be an integer greater than or equal to one.",
            out->max_attempts);
    }
    if (mode != NULL && !out->adaptive && strcmp(mode, "standard") != 0) {
        return err_set(
            err, ERR_INVALID,
            "Invalid value provided to \"mode\": \"%s\" must be one of: \"standard\" or \"adaptive\"", mode);
    }
    return 0;
}
