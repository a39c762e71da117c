/* See policy/match.h. Every question is asked so that doubt keeps the execution. */
#include "policy/match.h"

#include "base/text.h"
#include "base/time.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FUTURE_TOLERANCE_MS (5 * TIME_MS_PER_MINUTE) /* more is a clock that is wrong */
#define OTA_PREFIX          "AFR_OTA-"               /* jobs that FreeRTOS OTA updates make */

static bool refuse(char *reason, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Always false, so that `return refuse(...)` reads well. */
static bool refuse(char *reason, const char *format, ...)
{
    if (reason != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(reason, PLAN_REASON_MAX + 1, format, args);
        va_end(args);
    }
    return false;
}

bool glob_match(const char *pattern, const char *text)
{
    const char *star = NULL, *taken = text; /* the last '*', and how far it reaches at least */
    while (*text != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            taken = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star + 1;
            text = ++taken;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool glob_literal(const char *pattern)
{
    return strpbrk(pattern, "*?") == NULL;
}

static const char *first_match(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (glob_match(list->patterns[i], text)) {
            return list->patterns[i];
        }
    }
    return NULL;
}

/* what: "job_id" or "thing", for the reason. */
static bool name_wanted(const struct name_match *match, const char *what, const char *text, char *reason)
{
    const char *excluded = first_match(&match->exclude, text);
    if (excluded != NULL) {
        return refuse(reason, "%s excluded by %s", what, excluded);
    }
    if (match->include.count > 0 && first_match(&match->include, text) == NULL) {
        return refuse(reason, "%s not included", what);
    }
    return true;
}

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

bool policy_wants_job(const struct policy *policy, const struct job *job, char reason[PLAN_REASON_MAX + 1])
{
    if (!name_wanted(&policy->job_id, "job_id", job->job_id, reason)) {
        return false;
    }
    const struct pattern_list *include = &policy->job_id.include;
    if (named_literally(include, job->job_id)) {
        return true;
    }
    if (job->namespace_id[0] != '\0') {
        return refuse(reason, "job of namespace %.32s, not named by its id", job->namespace_id);
    }
    if (still_running(job)) {
        return refuse(reason, "running CONTINUOUS job, not named by its id");
    }
    if (strncmp(job->job_id, OTA_PREFIX, strlen(OTA_PREFIX)) == 0 && !named_as_ota(include, job->job_id)) {
        return refuse(reason, OTA_PREFIX " job, not named");
    }
    return true;
}

bool policy_wants_thing(const struct policy *policy, const char *thing_name)
{
    return name_wanted(&policy->thing, "thing", thing_name, NULL);
}

static bool status_wanted(const struct policy *policy, enum execution_status status, char *reason)
{
    bool forced = policy->force && status == EXECUTION_IN_PROGRESS;
    if (!execution_status_terminal(status) && !forced) {
        return refuse(reason, "status %s is not terminal", execution_status_name(status));
    }
    if ((policy->status_bits & EXECUTION_BIT(status)) == 0) {
        return refuse(reason, "status %s not listed", execution_status_name(status));
    }
    return true;
}

static const char *const AGE_FIELDS[] = {[AGE_LAST_UPDATED_AT] = "last_updated_at",
                                         [AGE_QUEUED_AT] = "queued_at",
                                         [AGE_STARTED_AT] = "started_at"};

static bool times_past(const struct timestamp *const times[], int64_t now_ms, char *reason)
{
    for (size_t i = 0; i < sizeof AGE_FIELDS / sizeof AGE_FIELDS[0]; i++) {
        if (timestamp_present(times[i]) && times[i]->ms - FUTURE_TOLERANCE_MS > now_ms) {
            return refuse(reason, "%s in the future", AGE_FIELDS[i]);
        }
    }
    return true;
}

static bool old_enough(const struct policy *policy, const struct fingerprint *fingerprint, int64_t now_ms,
                       char *reason)
{
    const struct timestamp *const times[] = {[AGE_LAST_UPDATED_AT] = &fingerprint->last_updated_at,
                                             [AGE_QUEUED_AT] = &fingerprint->queued_at,
                                             [AGE_STARTED_AT] = &fingerprint->started_at};
    const struct timestamp *time = times[policy->age_field];
    char age[48];
    if (!times_past(times, now_ms, reason)) {
        return false;
    }
    if (policy->older_than_ms <= 0) {
        return refuse(reason, "the policy has no age"); /* loading refuses such a policy */
    }
    if (!timestamp_present(time)) {
        return refuse(reason, "no %s", AGE_FIELDS[policy->age_field]);
    }
    if (now_ms - time->ms <= policy->older_than_ms) {
        return refuse(reason, "%s not over %s ago", AGE_FIELDS[policy->age_field],
                      time_duration(policy->older_than_ms, age));
    }
    return true;
}

void policy_decide(const struct policy *policy, const struct job *job, const struct job_execution *execution,
                   int64_t server_now_ms, struct verdict *verdict)
{
    struct job unknown = {.status = JOB_UNKNOWN};
    const struct fingerprint *fingerprint = &execution->fingerprint;
    char age[48];
    verdict->delete = verdict->force = false;
    if (job == NULL || strcmp(job->job_id, execution->job_id) != 0) {
        text_copy(unknown.job_id, sizeof unknown.job_id, execution->job_id);
        job = &unknown;
    }
    if (!status_wanted(policy, fingerprint->status, verdict->reason) ||
        !policy_wants_job(policy, job, verdict->reason) ||
        !name_wanted(&policy->thing, "thing", execution->thing_name, verdict->reason) ||
        !old_enough(policy, fingerprint, server_now_ms, verdict->reason)) {
        return;
    }
    verdict->delete = true;
    verdict->force = !execution_status_terminal(fingerprint->status);
    snprintf(verdict->reason, sizeof verdict->reason, "status %s%s, %s over %s",
             execution_status_name(fingerprint->status), verdict->force ? " (force)" : "",
             policy->age_field == AGE_LAST_UPDATED_AT ? "age" : AGE_FIELDS[policy->age_field],
             time_duration(policy->older_than_ms, age));
}
