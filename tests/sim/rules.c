/* See sim/rules.h. Nothing of daemon/ is called here. */
#include "sim/rules.h"

#include <fnmatch.h>
#include <string.h>

#define FUTURE_MS 300000

bool rules_terminal(enum execution_status status)
{
    return status == EXECUTION_SUCCEEDED || status == EXECUTION_FAILED || status == EXECUTION_TIMED_OUT ||
           status == EXECUTION_REJECTED || status == EXECUTION_REMOVED || status == EXECUTION_CANCELED;
}

bool rules_same(const struct fingerprint *a, const struct fingerprint *b)
{
    bool told = a->version_number != 0 && b->version_number != 0;
    return a->status == b->status && strcmp(a->queued_at.text, b->queued_at.text) == 0 &&
           strcmp(a->started_at.text, b->started_at.text) == 0 &&
           strcmp(a->last_updated_at.text, b->last_updated_at.text) == 0 &&
           !(told && a->version_number != b->version_number);
}

static bool any_fits(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (fnmatch(list->patterns[i], text, 0) == 0)
            return true;
    return false;
}

static bool fits(const struct name_match *match, const char *text)
{
    return !any_fits(&match->exclude, text) && (match->include.count == 0 || any_fits(&match->include, text));
}

static bool named(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->patterns[i], text) == 0)
            return true;
    return false;
}

/* Jobs that a policy must name to reach. */
static bool guarded(const struct policy *policy, const struct job *job, const char *job_id)
{
    const struct pattern_list *list = &policy->match.job_id.include;
    bool over = job && (job->status == JOB_COMPLETED || job->status == JOB_CANCELED ||
                        job->status == JOB_DELETION_IN_PROGRESS);
    bool ota = strncmp(job_id, "AFR_OTA-", 8) == 0;
    if (named(list, job_id))
        return false;
    for (size_t i = 0; i < list->count && ota; i++)
        if (strncmp(list->patterns[i], "AFR_OTA-", 8) == 0 && fnmatch(list->patterns[i], job_id, 0) == 0)
            ota = false;
    return ota || (job && (job->namespace_id[0] != '\0' || (job->continuous && !over)));
}

static const struct timestamp *age_time(const struct policy *policy, const struct fingerprint *print)
{
    return policy->match.age_field == AGE_QUEUED_AT    ? &print->queued_at
           : policy->match.age_field == AGE_STARTED_AT ? &print->started_at
                                                       : &print->last_updated_at;
}

static const char *ignore_for_time(const struct policy *policy, const struct fingerprint *print,
                                   int64_t service_ms)
{
    const struct timestamp *const times[] = {&print->queued_at, &print->started_at, &print->last_updated_at};
    for (int i = 0; i < 3; i++)
        if (times[i]->text[0] && times[i]->ms > service_ms + FUTURE_MS)
            return "a time lies in the future";
    return age_time(policy, print)->text[0] ? NULL : "its age is not known";
}

const char *rules_ignore(const struct policy *policy, const struct job *job,
                         const struct job_execution *execution, int64_t service_ms)
{
    const struct fingerprint *print = &execution->fingerprint;
    bool forced = policy->force && print->status == EXECUTION_IN_PROGRESS;
    if (!rules_terminal(print->status) && !forced)
        return "it is not terminal";
    if (!(policy->match.status_bits >> print->status & 1u))
        return "its status is not named";
    if (!fits(&policy->match.job_id, execution->job_id))
        return "its job is not in scope";
    if (!fits(&policy->match.thing, execution->thing_name))
        return "its thing is not in scope";
    if (guarded(policy, job, execution->job_id))
        return "its job is not named";
    return ignore_for_time(policy, print, service_ms);
}

static bool protected(const struct policy *policy, const struct job_execution *execution, int64_t service_ms)
{
    for (size_t i = 0; policy->protect && i < policy->protect->count; i++) {
        const struct protect_rule *rule = &policy->protect->rules[i];
        if ((rule->job_ids.count == 0 || any_fits(&rule->job_ids, execution->job_id)) &&
            (rule->things.count == 0 || any_fits(&rule->things, execution->thing_name)) &&
            (rule->until_ms == 0 || service_ms < rule->until_ms)) {
            return true;
        }
    }
    return false;
}

/* Rows that a person named: that is all that there is to match. */
static const char *keep_named(const struct policy *policy, enum execution_status status)
{
    bool forced = policy->force && status == EXECUTION_IN_PROGRESS;
    return rules_terminal(status) || forced ? NULL : "it is not terminal";
}

const char *rules_keep(const struct policy *policy, const struct job *job,
                       const struct job_execution *execution, int64_t service_ms)
{
    if (protected(policy, execution, service_ms)) {
        return "it is protected";
    }
    if (policy->match.status_bits == 0) {
        return keep_named(policy, execution->fingerprint.status);
    }

    const char *why = rules_ignore(policy, job, execution, service_ms);
    int64_t age_ms = service_ms - age_time(policy, &execution->fingerprint)->ms;
    if (why || (policy->match.older_than_ms == 0 && policy->keep_count > 0))
        return why;
    return age_ms > policy->match.older_than_ms ? NULL : "it is too young";
}

bool rules_settled(const struct job *job)
{
    return !job->continuous && !job->retries && (job->status == JOB_COMPLETED || job->status == JOB_CANCELED);
}
