/* Sessions of roles in ~/.aws/cli/cache, where the AWS CLI keeps them from one call to the next: for roles of
 * profiles, web identities, and IAM Identity Center. Names of files are botocore's cache keys
 * (credentials.py, _create_cache_key()), so that each finds what the other has put there. */
#ifndef AWS_SESSION_CACHE_H
#define AWS_SESSION_CACHE_H

#include "aws/cred_plan.h"
#include "aws/credentials.h"

/* The session that such a step has left, if a quarter of an hour of it is left, as the AWS CLI wants. false:
 * there is none, others can read the file, or what it says makes no sense. */
bool session_cache_read(const struct cred_step *step, int64_t now_ms, struct credentials *credentials);
/* Keeps what such a step has yielded; does nothing for other steps, and where it cannot. skew_ms: what AWS's
 * clock is ahead of ours, by which their end was corrected; the file has the earlier of both ends. */
void session_cache_write(const struct cred_step *step, const struct credentials *credentials,
                         int64_t skew_ms);

#endif
