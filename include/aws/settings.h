/* What the environment and the shared files say for one profile, each setting in the AWS CLI's order: what is
 * given explicitly, then the environment, then the profile. An empty variable counts as unset. Where the AWS
 * CLI has a sentence for what is wrong, err has that sentence. */
#ifndef AWS_SETTINGS_H
#define AWS_SETTINGS_H

#include "aws/endpoint.h"
#include "aws/environment.h"
#include "aws/profile.h"
#include "base/err.h"

#include <stdbool.h>

struct settings;

/* profile: the one that is asked for explicitly; NULL: AWS_PROFILE, then AWS_DEFAULT_PROFILE, then "default".
 * env: NULL for the process's; else it outlives the settings. -1 as profiles_load_settings(), and
 * ERR_NOT_FOUND, "The config profile (x) could not be found", for a profile that is named, explicitly or by a
 * variable, and is in no file. */
struct settings *settings_load(const struct environment *env, const char *profile, struct err *err);
void settings_free(struct settings *settings); /* takes NULL */

const char *settings_profile(const struct settings *settings); /* the one in effect */
const struct profiles *settings_profiles(const struct settings *settings);

enum setting {
    SETTING_REGION,               /* AWS_REGION, AWS_DEFAULT_REGION, region */
    SETTING_CA_BUNDLE,            /* AWS_CA_BUNDLE, ca_bundle, REQUESTS_CA_BUNDLE */
    SETTING_USE_FIPS,             /* AWS_USE_FIPS_ENDPOINT, use_fips_endpoint */
    SETTING_USE_DUAL_STACK,       /* AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint */
    SETTING_IGNORE_ENDPOINT_URLS, /* AWS_IGNORE_CONFIGURED_ENDPOINT_URLS, ignore_configured_endpoint_urls */
    SETTING_RETRY_MODE,           /* AWS_RETRY_MODE, retry_mode */
    SETTING_MAX_ATTEMPTS          /* AWS_MAX_ATTEMPTS, max_attempts */
};

/* The value, valid until settings_free(); NULL when it is set nowhere. where, unless NULL, becomes the name
 * of the variable or the path of the file that has it; as long valid. */
const char *settings_get(const struct settings *settings, enum setting setting, const char **where);
/* As botocore reads a boolean: "true" in any case is true, everything else and nothing is false. */
bool settings_is_true(const struct settings *settings, enum setting setting);

struct settings_region {
    char name[64];     /* to sign with, and to name hosts with */
    bool fips;         /* it was a pseudo-region such as fips-us-east-1 */
    const char *where; /* the variable or the file that has it; NULL: it was explicit, or there is none */
};
/* explicit_region: NULL for that of the settings, which may be NULL otherwise. where is set in any case. -1
 * with ERR_NOT_FOUND, "You must specify a region. You can also configure your region by running "aws
 * configure".", or ERR_INVALID as endpoint_check_region(). */
int settings_region(const struct settings *settings, const char *explicit_region, struct settings_region *out,
                    struct err *err);

struct settings_endpoint {
    char url[ENDPOINT_URL_MAX];
    const char *where; /* the variable or the file that has it; NULL: it was explicit, or is the region's */
};
/* service: as struct endpoint_query. explicit_url, unless NULL; else AWS_ENDPOINT_URL_<SERVICE>,
 * AWS_ENDPOINT_URL, the profile's `services` section, the profile's endpoint_url, unless
 * SETTING_IGNORE_ENDPOINT_URLS; else by region. settings NULL: nothing is set. -1 with ERR_INVALID as
 * endpoint_resolve(), or for a `services` section that does not exist. */
int settings_endpoint(const struct settings *settings, const char *service,
                      const struct settings_region *region, const char *explicit_url,
                      struct settings_endpoint *out, struct err *err);

struct settings_retries {
    bool adaptive;    /* else standard */
    int max_attempts; /* the first one included; 3 when nothing is set */
};
/* -1 with ERR_INVALID: retry_mode is neither "standard" nor "adaptive", max_attempts is no number or below
 * 1. */
int settings_retries(const struct settings *settings, struct settings_retries *out, struct err *err);

#endif
