/* The decision on one execution: pure, the clock is an argument. */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "model/job.h"
#include "model/job_execution.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct verdict {
    bool delete;
    bool force;                       /* of one that goes: it is IN_PROGRESS, and needs force */
    char reason[PLAN_REASON_MAX + 1]; /* the clauses that decided, as they stand in the policy; no times of
                                         rows, so that a million rows share a few reasons */
};

/* job may be NULL when nothing is known of it: then only the id can leave it out. server_now_ms is the
 * service's clock. An execution that is not terminal (IN_PROGRESS with force: true apart), has no usable time
 * of the age field, or any time that lies in the future (more than 5 minutes: verdict reason "... in the
 * future") is kept, whatever the policy says; so is one exactly as old as the policy asks, and everything
 * where the policy has no age. */
void policy_decide(const struct policy *policy, const struct job *job, const struct job_execution *execution,
                   int64_t server_now_ms, struct verdict *verdict);

/* Whether a job can hold anything that the policy selects. Its id must be in match.job_id; exclude wins. And
 * these are left out unless an include pattern names them: jobs of a namespace (such as Greengrass
 * deployments) and CONTINUOUS jobs that are neither completed nor cancelled by a pattern that is exactly the
 * id, without wildcards; AFR_OTA-* jobs by that, or by a matching pattern that itself begins with AFR_OTA-.
 * reason may be NULL. */
bool policy_wants_job(const struct policy *policy, const struct job *job, char reason[PLAN_REASON_MAX + 1]);
bool policy_wants_thing(const struct policy *policy, const char *thing_name);

/* '*' any run, '?' any one character; whole-string; linear in time for each '*'. */
bool glob_match(const char *pattern, const char *text);
/* A pattern without wildcards names one thing; NULL-terminated use is the caller's. */
bool glob_literal(const char *pattern);

#endif
