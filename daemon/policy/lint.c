/* See policy/lint.h. Says only what is sure: a policy that is covered in a way that this does not see goes
 * without a warning. */
#include "policy/lint.h"

#include "base/mem.h"
#include "base/time.h"
#include "policy/glob.h"
#include "policy/keep.h"
#include "policy/match.h"

#include <stdio.h>
#include <stdlib.h>
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

/* How much a rule of this kind must keep, of the same group, to keep all that the other does. The newest of a
 * week is the newest of its day, and before the k-th week there are at most 7 (k - 1) days that count; so it
 * is with months, but not with weeks that reach over the end of a month. */
static int64_t needed(enum keep_kind kind, const struct keep_rule *rule)
{
    int64_t number = number_of(rule);
    if (kind == rule->kind) {
        return number;
    }
    if (kind == KEEP_WITHIN || rule->kind == KEEP_WITHIN) {
        return INT64_MAX;
    }
    return number == 1                                        ? 1 /* the newest of all */
           : kind == KEEP_DAILY && rule->kind == KEEP_WEEKLY  ? 7 * (number - 1) + 1
           : kind == KEEP_DAILY && rule->kind == KEEP_MONTHLY ? 31 * (number - 1) + 1
                                                              : INT64_MAX;
}

/* Whether groups of the one are parts of groups of the other: what is among the newest of a whole is among
 * the newest of its part. */
static bool parts_of(enum keep_per part, enum keep_per whole)
{
    return part == whole || part == PER_JOB_AND_THING || whole == PER_TARGET;
}

static bool keeps_all(const struct keep_rule *wide, const struct keep_rule *narrow)
{
    bool grouped = wide->kind == KEEP_WITHIN || parts_of(wide->per, narrow->per);
    return grouped && number_of(wide) >= needed(wide->kind, narrow);
}

/* The least age that match lets go, by the policy's own time: of any_of the youngest block counts. */
static int64_t least_age_ms(const struct match *match, enum age_field field)
{
    int64_t own_ms = match->age_field == field ? match->older_than_ms : 0;
    int64_t youngest_ms = match->any_of_count > 0 ? INT64_MAX : 0;
    for (size_t i = 0; i < match->any_of_count; i++) {
        int64_t block_ms = least_age_ms(&match->any_of[i], field); /* as deep as a file nests */
        youngest_ms = block_ms < youngest_ms ? block_ms : youngest_ms;
    }
    return own_ms > youngest_ms ? own_ms : youngest_ms;
}

/* What is younger than the age cannot go in any case. */
static void lint_within(const struct linting *linting, const struct policy *policy,
                        const struct keep_rule *rule)
{
    char message[MESSAGE_MAX], within[48], age[48];
    int64_t least_ms = least_age_ms(&policy->match, policy->match.age_field);
    if (rule->kind != KEEP_WITHIN || rule->within_ms > least_ms) {
        return;
    }
    snprintf(
        message, sizeof message,
        "this rule never decides anything: 'within: %s' keeps what is too young for 'older_than: %s' anyway",
        time_duration(rule->within_ms, within), time_duration(least_ms, age));
    tell(linting, &rule->place, message);
}

static void lint_repeated(const struct linting *linting, const struct policy *policy, size_t number)
{
    const struct keep_rule *rule = &policy->keep[number];
    for (size_t i = 0; i < policy->keep_count; i++) {
        const struct keep_rule *other = &policy->keep[i];
        bool first = i < number || !keeps_all(rule, other); /* of two that keep the same, the later is told */
        if (i != number && first && keeps_all(other, rule)) {
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

static bool has_pattern(const struct pattern_list *list, const char *pattern)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->patterns[i], pattern) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether one of the patterns covers this one. */
static bool any_covers(const struct pattern_list *wide, const char *narrow)
{
    for (size_t i = 0; i < wide->count; i++) {
        if (glob_covers(wide->patterns[i], narrow)) {
            return true;
        }
    }
    return false;
}

static bool list_covers(const struct pattern_list *wide, const struct pattern_list *narrow)
{
    for (size_t i = 0; i < narrow->count; i++) {
        if (!any_covers(wide, narrow->patterns[i])) {
            return false;
        }
    }
    return true;
}

/* Of the other's names none is left out here: what is included there is here, what is excluded here is there.
 */
static bool names_cover(const struct name_match *wide, const struct name_match *narrow)
{
    bool included = wide->include.count == 0 ||
                    (narrow->include.count > 0 && list_covers(&wide->include, &narrow->include));
    return included && list_covers(&narrow->exclude, &wide->exclude);
}

static bool targets_cover(const struct config *config, const struct policy *wide, const struct policy *narrow)
{
    bool *covered = mem_calloc(config->target_count + 1, sizeof *covered);
    size_t count = 0;
    for (size_t i = 0; i < wide->target_count; i++) {
        covered[wide->targets[i]] = true;
    }
    while (count < narrow->target_count && covered[narrow->targets[count]]) {
        count++;
    }
    free(covered);
    return count == narrow->target_count;
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

/* Jobs that are left out elsewhere and that the narrow one names: by their ids, by their namespace, or as
 * what they are. See policy/match.h. */
static bool names_reserved(const struct match *wide, const struct match *narrow)
{
    const struct pattern_list *include = &narrow->job_id.include;
    for (size_t i = 0; i < include->count; i++) {
        const char *pattern = include->patterns[i];
        bool names = glob_literal(pattern) || strncmp(pattern, OTA_PREFIX, strlen(OTA_PREFIX)) == 0;
        if (names && !has_pattern(&wide->job_id.include, pattern)) {
            return true;
        }
    }
    return narrow->namespace_id != NULL ||
           (narrow->job_selection == SELECTION_CONTINUOUS && narrow->job_status_bits != 0);
}

/* What the daemon never starts does not stand in for what it does, nor what still waits out a grace for what
 * does not. */
static bool covers(const struct config *config, const struct policy *wide, const struct policy *narrow)
{
    const struct match *a = &wide->match, *b = &narrow->match;
    return plain(wide) && wide->grace_ms <= narrow->grace_ms && (wide->enforce || !narrow->enforce) &&
           (wide->scheduled || !narrow->scheduled) && (b->status_bits & ~a->status_bits) == 0 &&
           names_cover(&a->job_id, &b->job_id) && names_cover(&a->thing, &b->thing) &&
           !names_reserved(a, b) && a->age_field == b->age_field &&
           a->older_than_ms <= least_age_ms(b, b->age_field) && targets_cover(config, wide, narrow);
}

static void lint_covered(const struct linting *linting, const struct config *config, size_t number)
{
    const struct policy *policy = &config->policies[number];
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *other = &config->policies[i];
        bool first = i < number || !covers(config, policy, other);
        if (i != number && covers(config, other, policy) && first) {
            char message[MESSAGE_MAX];
            snprintf(message, sizeof message,
                     "the policy '%s' (%.120s:%d) selects all that the policy '%s' selects", other->name,
                     other->place.file, other->place.line, policy->name);
            tell(linting, &policy->place, message);
            return;
        }
    }
}

/* --- policies that nothing fits --------------------------------------------------------------------------
 */

static void lint_names(const struct linting *linting, const struct match *match,
                       const struct name_match *names, enum match_clause clause, const char *what)
{
    char message[MESSAGE_MAX];
    if (names->include.count > 0 && list_covers(&names->exclude, &names->include)) {
        snprintf(message, sizeof message,
                 "nothing can match: 'exclude' leaves out every %s that 'include' names", what);
        tell(linting, &match->places[clause], message);
    }
}

static void lint_match(const struct linting *linting, const struct match *match)
{
    lint_names(linting, match, &match->job_id, CLAUSE_JOB_INCLUDE, "job");
    lint_names(linting, match, &match->thing, CLAUSE_THING_INCLUDE, "thing");
    for (size_t i = 0; i < match->any_of_count; i++) {
        lint_match(linting, &match->any_of[i]);
    }
    for (size_t i = 0; i < match->none_of_count; i++) {
        lint_match(linting, &match->none_of[i]);
    }
}

void lint_policies(const struct config *config,
                   void (*tell_one)(void *owner, const struct place *place, const char *message), void *owner)
{
    struct linting linting = {.tell = tell_one, .owner = owner};
    if (config->target_count == 0 && config->file_count > 0) {
        const struct place first = {.file = config->files[0], .line = 1, .column = 1};
        tell(&linting, &first, "there is no target: nothing can be planned or deleted");
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        for (size_t j = 0; j < policy->keep_count; j++) {
            lint_within(&linting, policy, &policy->keep[j]);
            lint_repeated(&linting, policy, j);
        }
        lint_match(&linting, &policy->match);
        lint_covered(&linting, config, i);
    }
}
