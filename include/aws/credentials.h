/* Credentials and where they come from. A source is one place (the environment, a shared file, ...); a
 * provider keeps one target's credentials fresh, asking one source at a time and once at a time, however many
 * wait. */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token; /* NULL when there is none */
    int64_t expires_ms;  /* wall clock; 0: never */
    char source[64];     /* for people: "environment", "profile fleet in ~/.aws/credentials" */
};
void credentials_init(struct credentials *credentials);
void credentials_finish(struct credentials *credentials); /* wipes and frees */
void credentials_copy(struct credentials *to, const struct credentials *from);

/* One asking: the source fills credentials or err, then calls done() (possibly before fetch returns). found
 * is false with ERR_NONE when the source simply has none, so that the next one is asked. */
struct credentials_fetch {
    struct credentials credentials;
    bool found;
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
 * or else all from the config file (aws/profile.h), which must not be open to others then. Warns by err
 * nothing; a profile that needs another source (role_arn, sso_*, credential_process, ...) and has no keys is
 * ERR_CREDENTIALS that names it. */
struct credentials_source *credentials_from_shared_files(const char *profile, bool profile_is_explicit);

struct credentials_provider;
/* The standard order as far as it is built: environment (unless profile is given), shared files. profile may
 * be NULL: AWS_PROFILE, then "default". */
struct credentials_provider *credentials_provider_create(const char *profile);
void credentials_provider_destroy(
    struct credentials_provider *provider); /* takes NULL; no waiter may be left */

struct credentials_waiter {
    const struct credentials *credentials; /* valid inside done() only; NULL with err */
    struct err err;                        /* which sources were asked, and why each did not serve */
    void (*done)(struct credentials_waiter *waiter);
    void *owner;
    struct credentials_waiter *prev, *next;
};
/* Calls done() exactly once, before it returns when the credentials are at hand and fresh (at least 60 s
 * left), else when they have come. */
void credentials_get(struct credentials_provider *provider, int64_t now_ms,
                     struct credentials_waiter *waiter);
/* The service called these expired: the next get asks the source again. */
void credentials_expired(struct credentials_provider *provider, const char *access_key);

#endif
