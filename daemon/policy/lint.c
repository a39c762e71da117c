/* See policy/lint.h. Says only what is sure: a policy that is covered in a way that this does not see goes
 * without a warning. */
#include "policy/lint.h"

#include "base/time.h"
#include "policy/keep.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 400

struct linting {
    void (*tell)(void *owner, const struct place *place, const char *message);
    void *owner;
};

static void tell(const struct linting *linting, const struct place *place, const char *message)
{
    linting->tell(linting->owner, place, message);
}

/* --- keep rules ---------------------------------------------------------------------------------------- */

static int64_t number_of(const struct keep_rule *rule)
{
    const int64_t numbers[KEEP_KIND_COUNT] = {[KEEP_LAST] = rule->last,
                                              [KEEP_WITHIN] = rule->within_ms,
                                              [KEEP_DAILY] = rule->daily,
                                              [KEEP_WEEKLY] = rule->weekly,
                                              [KEEP_MONTHLY] = rule->monthly};
    return numbers[rule->kind];
}

/* What is younger than the age cannot go in any case. */
static void lint_within(const struct linting *linting, const struct policy *policy,
                        const struct keep_rule *rule)
{
    char message[MESSAGE_MAX], within[48], age[48];
    if (rule->kind != KEEP_WITHIN || rule->within_ms > policy->match.older_than_ms) {
        return;
    }
    snprintf(
        message, sizeof message,
        "this rule never decides anything: 'within: %s' keeps what is too young for 'older_than: %s' anyway",
        time_duration(rule->within_ms, within), time_duration(policy->match.older_than_ms, age));
    tell(linting, &rule->place, message);
}

static void lint_repeated(const struct linting *linting, const struct policy *policy, size_t number)
{
    const struct keep_rule *rule = &policy->keep[number];
    for (size_t i = 0; i < policy->keep_count; i++) {
        const struct keep_rule *other = &policy->keep[i];
        bool more = number_of(other) > number_of(rule) || (number_of(other) == number_of(rule) && i < number);
        if (i != number && other->kind == rule->kind && other->per == rule->per && more) {
            char message[MESSAGE_MAX];
            snprintf(message, sizeof message,
                     "this rule never decides anything: the one at line %d keeps all that it does",
                     other->place.line);
            tell(linting, &rule->place, message);
            return;
        }
    }
}

/* --- policies that others cover ------------------------------------------------------------------------- */

static bool same_list(const struct pattern_list *a, const struct pattern_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->patterns[i], b->patterns[i]) == 0;
    }
    return same;
}

/* Of the other's names none is left out here. */
static bool names_cover(const struct name_match *wide, const struct name_match *narrow)
{
    return (wide->include.count == 0 || same_list(&wide->include, &narrow->include)) &&
           (wide->exclude.count == 0 || same_list(&wide->exclude, &narrow->exclude));
}

static bool has_target(const struct policy *policy, size_t target)
{
    for (size_t i = 0; i < policy->target_count; i++) {
        if (policy->targets[i] == target) {
            return true;
        }
    }
    return false;
}

static bool targets_cover(const struct policy *wide, const struct policy *narrow)
{
    for (size_t i = 0; i < narrow->target_count; i++) {
        if (!has_target(wide, narrow->targets[i])) {
            return false;
        }
    }
    return true;
}

/* Nothing but status, names and age. */
static bool plain(const struct policy *policy)
{
    const struct match *match = &policy->match;
    return policy->keep_count == 0 && match->older_than_ms > 0 && match->any_of_count == 0 &&
           match->none_of_count == 0 && match->job_status_bits == 0 &&
           match->job_selection == SELECTION_ANY && match->namespace_id == NULL && match->groups.count == 0 &&
           match->types.count == 0 && match->attributes.count == 0 && match->query == NULL;
}

/* What would go under the narrow one may still be in the grace of the wide one. A job that is named by its id
 * may be of those that are left out elsewhere. */
static bool covers(const struct policy *wide, const struct policy *narrow)
{
    const struct match *a = &wide->match, *b = &narrow->match;
    bool named = b->job_id.include.count > 0 && !same_list(&a->job_id.include, &b->job_id.include);
    return plain(wide) && wide->grace_ms <= narrow->grace_ms && (wide->enforce || !narrow->enforce) &&
           targets_cover(wide, narrow) && (b->status_bits & ~a->status_bits) == 0 &&
           names_cover(&a->job_id, &b->job_id) && !named && names_cover(&a->thing, &b->thing) &&
           b->namespace_id == NULL && a->age_field == b->age_field && a->older_than_ms <= b->older_than_ms &&
           b->older_than_ms > 0;
}

static void lint_covered(const struct linting *linting, const struct config *config, size_t number)
{
    const struct policy *policy = &config->policies[number];
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *other = &config->policies[i];
        bool first = i < number || !covers(policy, other);
        if (i != number && covers(other, policy) && first) {
            char message[MESSAGE_MAX];
            snprintf(message, sizeof message,
                     "all that the policy '%s' selects the policy '%s' selects too (%.120s:%d)", policy->name,
                     other->name, other->place.file, other->place.line);
            tell(linting, &policy->place, message);
            return;
        }
    }
}

void lint_policies(const struct config *config,
                   void (*tell_one)(void *owner, const struct place *place, const char *message), void *owner)
{
    struct linting linting = {.tell = tell_one, .owner = owner};
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        for (size_t j = 0; j < policy->keep_count; j++) {
            lint_within(&linting, policy, &policy->keep[j]);
            lint_repeated(&linting, policy, j);
        }
        lint_covered(&linting, config, i);
    }
}
