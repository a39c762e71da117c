/* The decision on one execution: pure, the clock is an argument. What a policy cannot know is unknown, and
 * what is unknown keeps the execution. */
#ifndef POLICY_MATCH_H
#define POLICY_MATCH_H

#include "model/job.h"
#include "model/job_execution.h"
#include "model/ledger.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define OTA_PREFIX "AFR_OTA-" /* of jobs that FreeRTOS OTA updates make */

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/* What only the service knows of a thing. */
enum thing_fact {
    THING_IN_GROUP,      /* value: the group's name */
    THING_OF_TYPE,       /* value: the type's name */
    THING_HAS_ATTRIBUTE, /* name, value */
    THING_IN_QUERY       /* value: the query of the fleet index */
};

/* What is known besides the execution itself. Zeroed: nothing. */
struct match_facts {
    const struct job *job; /* NULL: nothing is known of its job */
    /* NULL: nothing is known of things. */
    enum truth (*thing)(void *owner, const char *thing_name, enum thing_fact fact, const char *name,
                        const char *value);
    void *owner;
};

/* What decided, for whoever counts. */
enum verdict_cause {
    CAUSE_MATCH,     /* `match`: it holds, or a clause of it does not */
    CAUSE_STATE,     /* it is not finished */
    CAUSE_LEFT_OUT,  /* its job is left out unless it is named: see enum job_reserve */
    CAUSE_NO_TIME,   /* it lacks the time that its age is counted from */
    CAUSE_FUTURE,    /* a time of it lies in the future */
    CAUSE_PROTECTED, /* `protect` */
    CAUSE_KEEP,      /* a rule of `keep` */
    CAUSE_GRACE,     /* it has not been selected for as long as `grace` asks */
    CAUSE_LIMIT,     /* `limits` leave it for the next time */
    CAUSE_GIVEN,     /* it was given, and cannot be deleted as it is */
    CAUSE_COUNT
};
const char *verdict_cause_name(enum verdict_cause cause); /* "match", "state", ... */

struct verdict {
    bool delete;
    bool force;  /* of one that goes: it is IN_PROGRESS, and needs force */
    bool counts; /* keep rules count it: the policy holds for it whatever its age */
    enum verdict_cause cause;
    bool undecided; /* it goes unless a keep rule that counts holds: see keep_settle(). Not deleted yet */
    char reason[PLAN_REASON_MAX + 1]; /* the clauses that decided, as they stand in the policy; no times of
                                         rows, so that a million rows share a few reasons */
    const struct place *place;        /* of the clause that decided; NULL where no single one did */
};

/* facts may be NULL; a job that is not the execution's counts as not known. server_now_ms is the service's
 * clock. An execution that is not terminal (IN_PROGRESS with force: true apart), has no usable time of the
 * age field, or any time that lies in the future (more than 5 minutes: verdict reason "... in the future") is
 * kept, whatever the policy says; so is one exactly as old as the policy asks, everything that `protect`
 * names or may name, and everything where the policy has neither age nor keep. */
void policy_decide(const struct policy *policy, const struct match_facts *facts,
                   const struct job_execution *execution, int64_t server_now_ms, struct verdict *verdict);

/* What a verdict says of an execution that goes: reason, place, force. The rest of it stays. */
void policy_explain_deletion(const struct policy *policy, const struct job_execution *execution,
                             struct verdict *verdict);

/* Hands over what an execution that goes had to pass, in order, each with its place: the clauses of match
 * ("match.status"; "match" where it has none), the keep rules ("not kept by last: 5, per: thing") and the
 * grace.
 */
void policy_each_clause(const struct policy *policy,
                        void (*each)(void *owner, const char *clause, const struct place *place),
                        void *owner);

/* Whether a job can hold anything that the policy selects: false only if nothing of it can match. And
 * these are left out unless an include pattern names them: jobs of a namespace (such as Greengrass
 * deployments) and CONTINUOUS jobs that are neither completed nor cancelled by a pattern that is exactly the
 * id, without wildcards; AFR_OTA-* jobs by that, or by a matching pattern that itself begins with AFR_OTA-.
 * match.namespace_id names the jobs of its namespace; match.job names running continuous jobs if it gives
 * both their status and target_selection: CONTINUOUS. */
bool policy_wants_job(const struct policy *policy, const struct job *job);
/* Why a job is left out that `match` would take: it is of a kind that must be named. RESERVE_NONE for every
 * other job, also one that does not match. */
enum job_reserve { RESERVE_NONE, RESERVE_NAMESPACE, RESERVE_CONTINUOUS, RESERVE_OTA, RESERVE_COUNT };
enum job_reserve policy_reserves_job(const struct policy *policy, const struct job *job);
/* Whether the policy may select anything of a thing, by its name and what is known of things; facts may be
 * NULL. */
bool policy_wants_thing(const struct policy *policy, const struct match_facts *facts, const char *thing_name);

/* "protected: " and the rule's reason: what a verdict says of it. */
void protect_explain(const struct protect_rule *rule, char reason[PLAN_REASON_MAX + 1]);
/* The first rule that protects the execution, or may because the facts are not known; NULL when none does. */
const struct protect_rule *protect_find(const struct protect_list *list, const struct match_facts *facts,
                                        const char *job_id, const char *thing_name, int64_t server_now_ms);

/* The time that the policy's age counts from; not present where the service did not tell it. */
const struct timestamp *policy_age_time(const struct policy *policy, const struct fingerprint *fingerprint);

#endif
