/* See policy/match.h. Every question is asked so that doubt keeps the execution. */
#include "policy/match.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/clauses.h"
#include "policy/glob.h"
#include "policy/keep.h"

#include <stdio.h>
#include <string.h>

#define FUTURE_TOLERANCE_MS (5 * TIME_MS_PER_MINUTE) /* more is a clock that is wrong */

const char *verdict_cause_name(enum verdict_cause cause)
{
    static const char *const names[CAUSE_COUNT] = {
        [CAUSE_MATCH] = "match",     [CAUSE_STATE] = "state",   [CAUSE_LEFT_OUT] = "left_out",
        [CAUSE_NO_TIME] = "no_time", [CAUSE_FUTURE] = "future", [CAUSE_PROTECTED] = "protected",
        [CAUSE_KEEP] = "keep",       [CAUSE_GRACE] = "grace",   [CAUSE_LIMIT] = "limit",
        [CAUSE_GIVEN] = "given",
    };
    return names[cause];
}

/* --- jobs that are left out unless they are named ------------------------------------------------------- */

static bool named_literally(const struct pattern_list *include, const char *job_id)
{
    for (size_t i = 0; i < include->count; i++) {
        if (strcmp(include->patterns[i], job_id) == 0) {
            return true;
        }
    }
    return false;
}

static bool named_as_ota(const struct pattern_list *include, const char *job_id)
{
    for (size_t i = 0; i < include->count; i++) {
        const char *pattern = include->patterns[i];
        if (strncmp(pattern, OTA_PREFIX, strlen(OTA_PREFIX)) == 0 && glob_match(pattern, job_id)) {
            return true;
        }
    }
    return false;
}

/* A continuous job goes on giving new things the work until it is completed or cancelled. */
static bool still_running(const struct job *job)
{
    return job->continuous && job->status != JOB_COMPLETED && job->status != JOB_CANCELED &&
           job->status != JOB_DELETION_IN_PROGRESS;
}

/* The policy says what it is about: running jobs that go on giving out work. */
static bool asks_for_running(const struct match *match, const struct job *job)
{
    return match->job_selection == SELECTION_CONTINUOUS && (match->job_status_bits >> job->status & 1u) != 0;
}

static enum job_reserve reserved(const struct policy *policy, const struct job *job, struct finding *finding)
{
    const struct match *match = &policy->match;
    const struct pattern_list *include = &match->job_id.include;
    if (named_literally(include, job->job_id)) {
        return RESERVE_NONE;
    }
    finding->cause = CAUSE_LEFT_OUT;
    if (job->namespace_id[0] != '\0' && match->namespace_id == NULL) {
        finding_set(finding, NULL, "job of namespace %.32s, not named by its id", job->namespace_id);
        return RESERVE_NAMESPACE;
    }
    if (still_running(job) && !asks_for_running(match, job)) {
        finding_set(finding, NULL, "running CONTINUOUS job, not named by its id");
        return RESERVE_CONTINUOUS;
    }
    if (strncmp(job->job_id, OTA_PREFIX, strlen(OTA_PREFIX)) == 0 && !named_as_ota(include, job->job_id)) {
        finding_set(finding, NULL, OTA_PREFIX " job, not named");
        return RESERVE_OTA;
    }
    finding->cause = CAUSE_MATCH;
    return RESERVE_NONE;
}

enum job_reserve policy_reserves_job(const struct policy *policy, const struct job *job)
{
    struct subject subject = {.job_id = job->job_id, .job = job, .ageless = true};
    struct finding nobody_asks = {0};
    return match_holds(&policy->match, &subject, &nobody_asks) == TRUTH_NO
               ? RESERVE_NONE
               : reserved(policy, job, &nobody_asks);
}

bool policy_wants_job(const struct policy *policy, const struct job *job)
{
    struct subject subject = {.job_id = job->job_id, .job = job, .ageless = true};
    struct finding nobody_asks = {0};
    return match_holds(&policy->match, &subject, &nobody_asks) != TRUTH_NO &&
           reserved(policy, job, &nobody_asks) == RESERVE_NONE;
}

bool policy_wants_thing(const struct policy *policy, const struct match_facts *facts, const char *thing_name)
{
    struct subject subject = {.thing_name = thing_name, .facts = facts, .ageless = true};
    struct finding nobody_asks = {0};
    return match_holds(&policy->match, &subject, &nobody_asks) != TRUTH_NO;
}

/* --- what beats every policy ---------------------------------------------------------------------------- */

static bool may_protect(const struct protect_rule *rule, const struct subject *subject)
{
    return (rule->until_ms == 0 || subject->now_ms < rule->until_ms) &&
           (rule->job_ids.count == 0 || glob_first(&rule->job_ids, subject->job_id) != NULL) &&
           (rule->things.count == 0 || glob_first(&rule->things, subject->thing_name) != NULL) &&
           (rule->groups.count == 0 || match_groups(subject, &rule->groups) != TRUTH_NO);
}

const struct protect_rule *protect_find(const struct protect_list *list, const struct match_facts *facts,
                                        const char *job_id, const char *thing_name, int64_t server_now_ms)
{
    struct subject subject = {
        .job_id = job_id, .thing_name = thing_name, .facts = facts, .now_ms = server_now_ms};
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (may_protect(&list->rules[i], &subject)) {
            return &list->rules[i];
        }
    }
    return NULL;
}

void protect_explain(const struct protect_rule *rule, char reason[PLAN_REASON_MAX + 1])
{
    snprintf(reason, PLAN_REASON_MAX + 1, "protected%s%s", rule->reason != NULL ? ": " : "",
             rule->reason != NULL ? rule->reason : "");
}

/* --- the decision --------------------------------------------------------------------------------------- */

const struct timestamp *policy_age_time(const struct policy *policy, const struct fingerprint *fingerprint)
{
    return age_field_time(policy->match.age_field, fingerprint);
}

static bool status_final(const struct policy *policy, enum execution_status status, struct finding *finding)
{
    bool forced = policy->force && status == EXECUTION_IN_PROGRESS;
    if (execution_status_terminal(status) || forced) {
        return true;
    }
    finding_set(finding, NULL, "status %s is not terminal", execution_status_name(status));
    finding->cause = CAUSE_STATE;
    return false;
}

static bool times_usable(const struct policy *policy, const struct subject *subject, struct finding *finding)
{
    for (int field = AGE_LAST_UPDATED_AT; field <= AGE_STARTED_AT; field++) {
        const struct timestamp *time = age_field_time((enum age_field)field, subject->fingerprint);
        if (timestamp_present(time) && time->ms - FUTURE_TOLERANCE_MS > subject->now_ms) {
            finding_set(finding, NULL, "%s in the future", age_field_name((enum age_field)field));
            finding->cause = CAUSE_FUTURE;
            return false;
        }
    }
    if (timestamp_present(policy_age_time(policy, subject->fingerprint))) {
        return true;
    }
    finding_set(finding, NULL, "no %s", age_field_name(policy->match.age_field));
    finding->cause = CAUSE_NO_TIME;
    return false;
}

/* Does the policy hold for it, whatever its age? */
static bool in_scope(const struct policy *policy, const struct subject *subject, struct finding *finding)
{
    struct subject ageless = *subject;
    struct job unknown = {.status = JOB_UNKNOWN};
    text_copy(unknown.job_id, sizeof unknown.job_id, subject->job_id);
    ageless.ageless = true;
    return status_final(policy, subject->fingerprint->status, finding) &&
           match_holds(&policy->match, &ageless, finding) == TRUTH_YES &&
           reserved(policy, subject->job != NULL ? subject->job : &unknown, finding) == RESERVE_NONE;
}

static bool protected(const struct policy *policy, const struct subject *subject, struct finding *finding)
{
    char reason[PLAN_REASON_MAX + 1];
    const struct protect_rule *rule =
        protect_find(policy->protect, subject->facts, subject->job_id, subject->thing_name, subject->now_ms);
    if (rule == NULL) {
        return false;
    }
    protect_explain(rule, reason);
    finding_set(finding, &rule->place, "%s", reason);
    finding->cause = CAUSE_PROTECTED;
    return true;
}

void policy_explain_deletion(const struct policy *policy, const struct job_execution *execution,
                             struct verdict *verdict)
{
    char age[48];
    struct buf text;
    const struct match *match = &policy->match;
    enum execution_status status = execution->fingerprint.status;
    buf_init(&text, PLAN_REASON_MAX);
    buf_printf(&text, "status %s%s", execution_status_name(status),
               execution_status_terminal(status) ? "" : " (force)");
    if (match->older_than_ms > 0) {
        buf_printf(&text, ", %s over %s",
                   match->age_field == AGE_LAST_UPDATED_AT ? "age" : age_field_name(match->age_field),
                   time_duration(match->older_than_ms, age));
    }
    if (policy->keep_count > 0) {
        buf_text(&text, ", no keep rule holds");
    }
    if (policy->grace_ms > 0) {
        buf_printf(&text, ", grace of %s over", time_duration(policy->grace_ms, age));
    }
    text_copy(verdict->reason, sizeof verdict->reason, buf_string(&text));
    buf_finish(&text);
    verdict->place = &policy->place;
    verdict->force = !execution_status_terminal(status);
}

void policy_each_clause(const struct policy *policy,
                        void (*each)(void *owner, const char *clause, const struct place *place), void *owner)
{
    char text[PLAN_REASON_MAX + 1], reason[PLAN_REASON_MAX + 1], age[48];
    if (match_each_clause(&policy->match, each, owner) == 0) {
        each(owner, "match", &policy->match.place);
    }
    for (size_t i = 0; i < policy->keep_count; i++) {
        keep_reason(&policy->keep[i], reason);
        snprintf(text, sizeof text, "not %.*s", (int)(sizeof text - sizeof "not "), reason);
        each(owner, text, &policy->keep[i].place);
    }
    if (policy->grace_ms > 0) {
        snprintf(text, sizeof text, "grace of %s over", time_duration(policy->grace_ms, age));
        each(owner, text, &policy->grace_place);
    }
}

static bool selected(const struct policy *policy, const struct subject *subject, struct finding *finding)
{
    if (!match_aged(&policy->match) && policy->keep_count == 0) {
        finding_set(finding, NULL, "the policy has no age"); /* loading refuses such a policy */
        return false;
    }
    if (match_holds(&policy->match, subject, finding) != TRUTH_YES || protected(policy, subject, finding)) {
        return false;
    }
    const struct keep_rule *rule =
        keep_within(policy, policy_age_time(policy, subject->fingerprint)->ms, subject->now_ms);
    if (rule != NULL) {
        finding->place = &rule->place;
        finding->cause = CAUSE_KEEP;
        keep_reason(rule, finding->reason);
    }
    return rule == NULL;
}

void policy_decide(const struct policy *policy, const struct match_facts *facts,
                   const struct job_execution *execution, int64_t server_now_ms, struct verdict *verdict)
{
    *verdict = (struct verdict){0};
    struct finding finding = {.reason = verdict->reason};
    struct subject subject = {.job_id = execution->job_id,
                              .job = facts != NULL ? facts->job : NULL,
                              .thing_name = execution->thing_name,
                              .fingerprint = &execution->fingerprint,
                              .facts = facts,
                              .now_ms = server_now_ms};
    if (subject.job != NULL && strcmp(subject.job->job_id, execution->job_id) != 0) {
        subject.job = NULL;
    }
    verdict->counts = in_scope(policy, &subject, &finding) && times_usable(policy, &subject, &finding);
    if (!verdict->counts || !selected(policy, &subject, &finding)) {
        verdict->place = finding.place;
        verdict->cause = finding.cause;
        return;
    }
    verdict->undecided = keep_counts(policy);
    verdict->delete = !verdict->undecided;
    policy_explain_deletion(policy, execution, verdict);
}
