/* The shared files of the AWS CLI, ~/.aws/config and ~/.aws/credentials, read as the AWS CLI reads them
 * (Python's RawConfigParser): '=' or ':' between key and value, full-line comments only ('#', ';'), keys in
 * lower case, an indented line continues the value before it, a repeated key or section is an error, values
 * of the credentials file win. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/err.h"

#include <stdbool.h>

struct profiles;

/* AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else the files under $HOME/.aws. A missing file is an
 * empty one; a file that cannot be read, is over 1 MiB or is malformed is an error that names file and line.
 * A credentials file that others can read is refused (aws/secret_file.h). */
struct profiles *profiles_load(struct err *err);
void profiles_free(struct profiles *profiles); /* wipes; takes NULL */

bool profiles_has(const struct profiles *profiles, const char *profile);
/* NULL when the profile or the key is not there. Keys in lower case. Valid until profiles_free(). */
const char *profiles_get(const struct profiles *profiles, const char *profile, const char *key);
/* The path of the file that has the value; NULL as above. */
const char *profiles_origin(const struct profiles *profiles, const char *profile, const char *key);
/* For a secret: -1 with ERR_PERMISSION when the file that has the value is open to others. */
int profiles_check_secret(const struct profiles *profiles, const char *profile, const char *key,
                          struct err *err);

/* Sections of the config file. */
enum profiles_kind {
    PROFILES_PROFILE,     /* as profiles_get(), the credentials file included */
    PROFILES_SSO_SESSION, /* [sso-session NAME] */
    PROFILES_SERVICES     /* [services NAME] */
};
bool profiles_has_section(const struct profiles *profiles, enum profiles_kind kind, const char *name);
const char *profiles_section(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key);
/* The path of the config file; valid until profiles_free(). */
const char *profiles_config_path(const struct profiles *profiles);

#endif
