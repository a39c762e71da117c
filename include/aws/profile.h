/* The shared files of the AWS CLI, ~/.aws/config and ~/.aws/credentials, read as the AWS CLI reads them
 * (aws/ini.h has the rules of one file). Values of the credentials file win, key by key. */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "aws/environment.h"
#include "base/err.h"

#include <stdbool.h>

struct profiles;

/* AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else the files under $HOME/.aws; "~", "~/" and "$NAME",
 * "${NAME}" in such a path mean what they mean to a shell. A missing file and /dev/null are empty ones; a
 * file that cannot be read, is over 1 MiB or is malformed (ERR_SYNTAX) is an error that names file and line.
 * A credentials file that others can read is refused (aws/secret_file.h).
 *
 * What was read of a version of a file is shared by all who load it again (aws/shared_file.h), and its
 * secrets are left out: the values of aws_secret_access_key, aws_session_token and aws_security_token are "".
 */
struct profiles *profiles_load(struct err *err);
/* The same from another environment (NULL: the process's). For settings alone: a credentials file that others
 * can read is taken; profiles_reveal() still refuses its secrets. */
struct profiles *profiles_load_settings(const struct environment *env, struct err *err);
void profiles_free(struct profiles *profiles); /* wipes; takes NULL */
/* Rewords an ERR_SYNTAX of the two above as the AWS CLI says it: "Unable to parse config file: PATH". Other
 * errors stay. The environment is the one they were read from. */
void profiles_reword(const struct environment *env, struct err *err);

/* A profile is [default] or [profile NAME] of the config file, the last of them, and [NAME] of the
 * credentials file. Names are split from headers as a shell does: [profile "my name"]. */
bool profiles_has(const struct profiles *profiles, const char *profile);
/* NULL when the profile or the key is not there, or is a map. Keys in lower case. Valid until
 * profiles_free(). */
const char *profiles_get(const struct profiles *profiles, const char *profile, const char *key);
/* The path of the file that has the value; NULL as above. */
const char *profiles_origin(const struct profiles *profiles, const char *profile, const char *key);
/* The value of key in the file that has leader, whatever the other one says; NULL as above. */
const char *profiles_beside(const struct profiles *profiles, const char *profile, const char *leader,
                            const char *key);
/* Reads the file that has the value of key once more, with its secrets, for this struct alone: pointers into
 * it are no longer valid. -1 as profiles_load(), and with ERR_PERMISSION where the file is open to others. */
int profiles_reveal(struct profiles *profiles, const char *profile, const char *key, struct err *err);

/* Sections of the config file. */
enum profiles_kind {
    PROFILES_PROFILE,     /* as profiles_get(), the credentials file included */
    PROFILES_SSO_SESSION, /* [sso-session NAME] */
    PROFILES_SERVICES     /* [services NAME] */
};
/* Of services, one without a key counts as none. */
bool profiles_has_section(const struct profiles *profiles, enum profiles_kind kind, const char *name);
const char *profiles_section(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                             const char *key);
/* From a map: of "iot =\n  endpoint_url = x", subkey "endpoint_url" of key "iot". NULL when there is none. */
const char *profiles_nested(const struct profiles *profiles, enum profiles_kind kind, const char *name,
                            const char *key, const char *subkey);
/* The path of the config file; valid until profiles_free(). */
const char *profiles_config_path(const struct profiles *profiles);

#endif
