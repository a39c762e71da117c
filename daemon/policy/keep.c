/* See policy/keep.h. */
#include "policy/keep.h"

#include "base/time.h"
#include "policy/zone.h"

#include <stdio.h>
#include <string.h>

#define NO_PERIOD INT64_MIN

static const char *const PERS[PER_COUNT] = {[PER_NOTHING] = "",
                                            [PER_TARGET] = "target",
                                            [PER_THING] = "thing",
                                            [PER_JOB] = "job",
                                            [PER_JOB_AND_THING] = "[thing, job]"};
static const char *const KINDS[KEEP_KIND_COUNT] = {[KEEP_LAST] = "last",
                                                   [KEEP_WITHIN] = "within",
                                                   [KEEP_DAILY] = "daily",
                                                   [KEEP_WEEKLY] = "weekly",
                                                   [KEEP_MONTHLY] = "monthly"};

const char *keep_per_name(enum keep_per per)
{
    return PERS[per];
}

const char *keep_kind_name(enum keep_kind kind)
{
    return KINDS[kind];
}

bool keep_uses(const struct policy *policy, enum keep_per per)
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        if (policy->keep[i].kind != KEEP_WITHIN && policy->keep[i].per == per) {
            return true;
        }
    }
    return false;
}

bool keep_counts(const struct policy *policy)
{
    for (int per = PER_TARGET; per < PER_COUNT; per++) {
        if (keep_uses(policy, (enum keep_per)per)) {
            return true;
        }
    }
    return false;
}

const struct keep_rule *keep_within(const struct policy *policy, int64_t time_ms, int64_t now_ms)
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        const struct keep_rule *rule = &policy->keep[i];
        if (rule->kind == KEEP_WITHIN && now_ms - time_ms <= rule->within_ms) {
            return rule;
        }
    }
    return NULL;
}

int keep_compare(const struct policy *policy, const struct job_execution *a, const struct job_execution *b)
{
    int64_t a_ms = policy_age_time(policy, &a->fingerprint)->ms;
    int64_t b_ms = policy_age_time(policy, &b->fingerprint)->ms;
    if (a_ms != b_ms) {
        return a_ms > b_ms ? -1 : 1;
    }
    if (a->number != b->number) {
        return a->number > b->number ? -1 : 1;
    }
    int order = strcmp(a->job_id, b->job_id);
    return order != 0 ? order : strcmp(a->thing_name, b->thing_name);
}

bool keep_together(enum keep_per per, const struct job_execution *a, const struct job_execution *b)
{
    bool by_thing = per == PER_THING || per == PER_JOB_AND_THING;
    bool by_job = per == PER_JOB || per == PER_JOB_AND_THING;
    return (!by_thing || strcmp(a->thing_name, b->thing_name) == 0) &&
           (!by_job || strcmp(a->job_id, b->job_id) == 0);
}

void keep_begin(struct keep_group *group, const struct policy *policy, enum keep_per per)
{
    *group = (struct keep_group){.policy = policy, .per = per};
    for (size_t i = 0; i < KEEP_RULES_MAX; i++) {
        group->states[i].period = NO_PERIOD;
    }
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Which day, week (from Monday on) or month the moment is in, counted from some first one. */
static int64_t period_of(enum keep_kind kind, const struct zone *zone, int64_t ms)
{
    struct time_civil civil;
    int64_t local_ms = ms + zone_offset_ms(zone, ms);
    int64_t day = floor_div(local_ms, TIME_MS_PER_DAY);
    if (kind == KEEP_DAILY) {
        return day;
    }
    if (kind == KEEP_WEEKLY) {
        return floor_div(day + 3, 7); /* 1970-01-01 was a Thursday */
    }
    time_to_civil(local_ms, &civil);
    return (int64_t)civil.year * 12 + civil.month;
}

static int64_t wanted(const struct keep_rule *rule)
{
    return rule->kind == KEEP_LAST     ? rule->last
           : rule->kind == KEEP_DAILY  ? rule->daily
           : rule->kind == KEEP_WEEKLY ? rule->weekly
                                       : rule->monthly;
}

/* Of each period only its newest execution, which comes first, is kept. */
static bool holds(const struct keep_rule *rule, struct keep_state *state, const struct zone *zone, int64_t ms)
{
    int64_t period = rule->kind == KEEP_LAST ? NO_PERIOD : period_of(rule->kind, zone, ms);
    if (rule->kind != KEEP_LAST && period == state->period) {
        return false;
    }
    state->period = period;
    if (state->kept >= wanted(rule)) {
        return false;
    }
    state->kept++;
    return true;
}

const struct keep_rule *keep_next(struct keep_group *group, const struct job_execution *execution)
{
    const struct policy *policy = group->policy;
    const struct keep_rule *first = NULL;
    int64_t ms = policy_age_time(policy, &execution->fingerprint)->ms;
    for (size_t i = 0; i < policy->keep_count && i < KEEP_RULES_MAX; i++) {
        const struct keep_rule *rule = &policy->keep[i];
        if (rule->kind == KEEP_WITHIN || rule->per != group->per) {
            continue;
        }
        bool kept = holds(rule, &group->states[i], policy->zone, ms);
        first = kept && first == NULL ? rule : first;
    }
    return first;
}

void keep_settle(struct verdict *verdict, const struct keep_rule *rule)
{
    if (!verdict->undecided) {
        return;
    }
    verdict->undecided = false;
    verdict->delete = rule == NULL;
    if (rule != NULL) {
        verdict->force = false;
        verdict->place = &rule->place;
        verdict->cause = CAUSE_KEEP;
        keep_reason(rule, verdict->reason);
    }
}

void keep_reason(const struct keep_rule *rule, char reason[PLAN_REASON_MAX + 1])
{
    char within[48];
    if (reason == NULL) {
        return;
    }
    if (rule->kind == KEEP_WITHIN) {
        snprintf(reason, PLAN_REASON_MAX + 1, "kept by within: %s", time_duration(rule->within_ms, within));
        return;
    }
    snprintf(reason, PLAN_REASON_MAX + 1, "kept by %s: %lld, per: %s", KINDS[rule->kind],
             (long long)wanted(rule), PERS[rule->per]);
}
