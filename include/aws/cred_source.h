/* The sources of credentials as the provider uses them: each is made for one asking (a step of the plan), is
 * asked once, and is thrown away. */
#ifndef AWS_CRED_SOURCE_H
#define AWS_CRED_SOURCE_H

#include "aws/cred_plan.h"
#include "aws/credentials.h"
#include "aws/sso_cache.h"
#include "model/names.h"

/* One asking: the source fills credentials, or fault and err, then calls done() exactly once (possibly before
 * fetch returns). found is false with CREDENTIALS_OK when the source has none, which is no error: err.msg
 * then says in few words why. */
struct credentials_fetch {
    struct credentials credentials;
    int64_t skew_ms;                  /* that their end was corrected by: what its clock is ahead of ours */
    char account[ACCOUNT_LENGTH + 1]; /* of cred_identity() alone */
    char region[64];                  /* of cred_instance_region() alone */
    bool found;
    enum credentials_fault fault;
    struct err err; /* as in struct credentials_waiter */
    void (*done)(struct credentials_fetch *fetch);
    void *owner;
};

struct credentials_source {
    void (*fetch)(struct credentials_source *source, struct credentials_fetch *fetch);
    /* A wish, while it is being asked: done() still comes, later. NULL: it never takes time. */
    void (*cancel)(struct credentials_source *source);
    void (*destroy)(struct credentials_source *source); /* after done() */
};

/* All take what the plan says (step) and outlive neither it nor config. with: the credentials to assume the
 * role with, copied. */

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN (or the older AWS_SECURITY_TOKEN, which
 * botocore asks first), AWS_CREDENTIAL_EXPIRATION; an empty value counts as unset; half a pair is
 * CREDENTIALS_PARTIAL. */
struct credentials_source *cred_environment(void);
/* aws_access_key_id, aws_secret_access_key, aws_session_token of the profile, all from the credentials file
 * or else all from the config file (aws/profile.h), which must not be open to others then. */
struct credentials_source *cred_keys(const struct cred_step *step);
/* Runs the command, without a shell, and reads {"Version":1,"AccessKeyId",...} from its standard output,
 * which is shown to nobody. */
struct credentials_source *cred_process(const struct credentials_config *config,
                                        const struct cred_step *step);
/* GetRoleCredentials of IAM Identity Center with the token that `aws sso login` left in ~/.aws/sso/cache. A
 * token of an sso-session with less than 15 minutes left is refreshed and written back; where that cannot be,
 * it is left in kept, the caller's, and used from there until the file has a newer one. */
struct credentials_source *cred_sso(const struct credentials_config *config, const struct cred_step *step,
                                    struct sso_kept *kept);
/* AssumeRole with credentials (signed), or AssumeRoleWithWebIdentity with the token file as it is now
 * (unsigned; `with` NULL). Three attempts; a refusal because of our clock is answered once by the server's.
 */
struct credentials_source *cred_sts(const struct credentials_config *config, const struct cred_step *step,
                                    const struct credentials *with);
/* Yields no credentials but the account that `with` are of, by GetCallerIdentity; as cred_sts(). */
struct credentials_source *cred_identity(const struct credentials_config *config,
                                         const struct credentials *with);
/* The endpoint of ECS, EKS Pod Identity and their like: 2 s an attempt, three attempts. */
struct credentials_source *cred_container(const struct credentials_config *config,
                                          const struct cred_step *step);
/* The instance metadata service: version 2, version 1 where it may be. Has none where nobody answers. */
struct credentials_source *cred_instance(const struct credentials_config *config,
                                         const struct cred_step *step);
/* The same service; yields no credentials but the region of the zone that the instance is in. */
struct credentials_source *cred_instance_region(const struct credentials_config *config,
                                                const struct cred_step *step);

#endif
