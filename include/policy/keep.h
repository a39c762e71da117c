/* Keep rules: what stays although it matches. A rule that counts sees the executions of one group (of a
 * thing, of a job, ...) from the newest to the oldest and needs a few words of memory, however many there
 * are.
 *
 * Which executions count: those that the policy's match holds for whatever their age (verdict.counts): an
 * execution that is too young to go is still one of the newest five. One with a time in the future or without
 * the time that the policy's age is counted from stays by itself, and does not count. */
#ifndef POLICY_KEEP_H
#define POLICY_KEEP_H

#include "base/buf.h"
#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Has the policy a rule that counts? */
bool keep_counts(const struct policy *policy);
/* Has it one for executions put together like this? */
bool keep_uses(const struct policy *policy, enum keep_per per);

/* The first rule of the kind `within` that holds for a time, or NULL. */
const struct keep_rule *keep_within(const struct policy *policy, int64_t time_ms, int64_t now_ms);

/* Below 0 when a comes before b: newest first by the policy's age field, then by the higher execution number,
 * by job id, by thing name. An order of all executions, the same every time. */
int keep_compare(const struct policy *policy, const struct job_execution *a, const struct job_execution *b);
/* Are they of one group? per is none of PER_NOTHING. */
bool keep_together(enum keep_per per, const struct job_execution *a, const struct job_execution *b);

struct keep_state { /* of one rule in one group */
    int64_t kept;   /* executions, days, weeks or months */
    int64_t period; /* the last one seen */
};

struct keep_group {
    const struct policy *policy;
    enum keep_per per;
    struct keep_state states[KEEP_RULES_MAX];
};

void keep_begin(struct keep_group *group, const struct policy *policy, enum keep_per per);
/* The next execution of the group that counts, in the order of keep_compare(): the first rule of this `per`
 * that holds for it, or NULL. Equal executions must not come twice. */
const struct keep_rule *keep_next(struct keep_group *group, const struct job_execution *execution);

/* Ends a verdict that was undecided: rule is the one that holds, or NULL. One that was decided stays. */
void keep_settle(struct verdict *verdict, const struct keep_rule *rule);

/* "kept by last: 5, per: thing"; reason may be NULL. */
void keep_reason(const struct keep_rule *rule, char reason[PLAN_REASON_MAX + 1]);
const char *keep_per_name(enum keep_per per); /* "thing", "[thing, job]" */
const char *keep_kind_name(enum keep_kind kind);

#endif
