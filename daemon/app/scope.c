/* See app/scope.h. */
#include "app/scope.h"

#include "app/link.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/partition.h"

#include <stdio.h>
#include <string.h>

/* "arn:PARTITION:iam:...": policy/check.h has seen to it. */
static void find_partition(struct scope *scope, const struct target *target)
{
    if (target->role_arn == NULL) {
        text_copy(scope->partition, sizeof scope->partition, partition_of_region(scope->region));
        return;
    }
    const char *from = target->role_arn + strlen("arn:");
    snprintf(scope->partition, sizeof scope->partition, "%.*s", (int)strcspn(from, ":"), from);
}

void scope_init(struct scope *scope, const struct policy *policy, const struct target *target,
                struct scope_use use)
{
    struct err ignored; /* a target without a region has no calls, and no session */
    if (link_find_region(target, scope->region, &ignored) != 0) {
        scope->region[0] = '\0';
    }
    find_partition(scope, target);
    scope->iam = (struct iam_scope){.policy = policy,
                                    .partition = scope->partition,
                                    .region = scope->region,
                                    .account = target->account,
                                    .deletes = use.deletes,
                                    .settles = use.settles,
                                    .explains = use.explains};
}

static void describe(unsigned widened, char warning[SCOPE_WARNING_MAX])
{
    const char *kinds = (widened & IAM_JOBS) == 0     ? "thing"
                        : (widened & IAM_THINGS) == 0 ? "job"
                                                      : "job and thing";
    warning[0] = '\0';
    if (widened != 0) {
        snprintf(
            warning, SCOPE_WARNING_MAX,
            "the patterns of the policy do not fit into the %d characters of a session policy: the session "
            "of the role may delete what is excluded%s%s",
            IAM_SESSION_MAX, (widened & (IAM_JOBS | IAM_THINGS)) != 0 ? ", and of every " : "",
            (widened & (IAM_JOBS | IAM_THINGS)) != 0 ? kinds : "");
    }
}

char *scope_session_policy(const struct policy *policy, const struct target *target, struct scope_use use,
                           char warning[SCOPE_WARNING_MAX])
{
    struct scope scope;
    struct buf text;
    unsigned widened;
    warning[0] = '\0';
    if (target->role_arn == NULL || target->unscoped) {
        return NULL;
    }
    scope_init(&scope, policy, target, use);
    buf_init(&text, (size_t)IAM_SESSION_MAX * 4);
    iam_print(&scope.iam, 1, false, IAM_SESSION_MAX, &text, &widened);
    describe(widened, warning);
    char *copy = mem_strdup(buf_string(&text));
    buf_finish(&text);
    return copy;
}
