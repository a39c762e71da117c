/* What IAM must allow for a policy in a target, and no more: as a policy document, for sessions of a role and
 * for people. Patterns of the configuration mean the same in IAM's resources, where '*' and '?' are what they
 * are here, so that they can be taken over as they are. What else a policy asks (statuses, ages, types,
 * blocks of none_of) IAM cannot see: there the document allows more than the policy selects. */
#ifndef POLICY_IAM_H
#define POLICY_IAM_H

#include "base/buf.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define IAM_SESSION_MAX 2048 /* characters of a session policy: AssumeRole takes no more */

struct iam_scope {
    const struct policy *policy;
    const char *partition;        /* "aws" */
    const char *region, *account; /* "" stands for any */
    bool deletes;                 /* the policy enforces, and the target allows it */
    bool settles;  /* rows that are given, or that an earlier run may have sent, are looked at, whatever they
                      are: DescribeJobExecution on all */
    bool explains; /* what the policy leaves out is listed, too */
};

/* What was left out or widened so that the document fits. */
enum iam_widened { IAM_EXCLUDES = 1, IAM_THINGS = 2, IAM_JOBS = 4 };

/* Appends one document for all scopes together: what each needs, and a denial of deletions that all of a
 * region in an account exclude. pretty: for people, on many lines. max: characters at most, by leaving out
 * the exclusions, then by allowing every thing or every job, then both; 0: any length. widened may be NULL.
 */
void iam_print(const struct iam_scope *scopes, size_t count, bool pretty, size_t max, struct buf *out,
               unsigned *widened);

/* The same as pairs of an operation and a resource ("*", or an ARN whose end may hold '*' and '?'), each
 * once, in the order of the document. What is denied there is left out. DescribeJobExecution and
 * DeleteJobExecution come with jobs and with things: one of each is needed together. */
void iam_needs(const struct iam_scope *scopes, size_t count,
               void (*need)(void *ctx, enum operation operation, const char *resource), void *ctx);

#endif
