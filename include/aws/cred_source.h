/* One place where credentials come from, asked once and thrown away: the provider's side of the sources. */
#ifndef AWS_CRED_SOURCE_H
#define AWS_CRED_SOURCE_H

#include "aws/credentials.h"

/* One asking: the source fills credentials, or err and fault, then calls done() (possibly before fetch
 * returns). found is false with ERR_NONE when the source simply has none. */
struct credentials_fetch {
    struct credentials credentials;
    bool found;
    enum credentials_fault fault;
    struct err err;
    void (*done)(struct credentials_fetch *fetch);
    void *owner;
};

struct credentials_source {
    const char *name;
    void (*fetch)(struct credentials_source *source, struct credentials_fetch *fetch);
    void (*destroy)(struct credentials_source *source);
};

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (or the older AWS_SECURITY_TOKEN),
 * AWS_CREDENTIAL_EXPIRATION; an empty value counts as unset; half a pair is ERR_CREDENTIALS. */
struct credentials_source *credentials_from_environment(void);
/* aws_access_key_id, aws_secret_access_key, aws_session_token of the profile, all from the credentials file
 * or else all from the config file (aws/profile.h), which must not be open to others then. A profile that
 * needs another source (role_arn, sso_*, credential_process, ...) and has no keys is ERR_CREDENTIALS that
 * names it. */
struct credentials_source *credentials_from_shared_files(const char *profile, bool profile_is_explicit);

#endif
