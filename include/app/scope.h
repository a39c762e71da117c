/* What a policy needs in a target, as IAM sees it: from the configuration to policy/iam.h. */
#ifndef APP_SCOPE_H
#define APP_SCOPE_H

#include "policy/iam.h"
#include "policy/policy.h"

#include <stdbool.h>

#define SCOPE_WARNING_MAX 256

struct scope {
    struct iam_scope iam; /* points into this struct and the configuration */
    char region[REGION_MAX + 1], partition[32];
};

/* What is done with the policy, besides planning: see struct iam_scope. */
struct scope_use {
    bool deletes, settles, explains;
};

/* The region as the target's calls have it, "" where none is found; the partition as its role says, else as
 * its region. */
void scope_init(struct scope *scope, const struct policy *policy, const struct target *target,
                struct scope_use use);

/* The session policy for a role of this target, as JSON, which the caller frees. NULL when the session is to
 * have all that the role has, or there is no role. warning gets what was widened so that it fits, or "". */
char *scope_session_policy(const struct policy *policy, const struct target *target, struct scope_use use,
                           char warning[SCOPE_WARNING_MAX]);

#endif
