/* See retention_sentences.h. */
#include "retention_sentences.h"

#include <fnmatch.h>
#include <string.h>
#include <time.h>

/* What a clause about age is taken for. A time that was not told counts against deletion: in none_of too. */
enum reach { AS_AGED, AS_AGED_IN_NONE_OF, WIDEST, NARROWEST };

static bool fits(const struct pattern_list *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (fnmatch(list->patterns[i], text, 0) == 0) {
            return true;
        }
    }
    return false;
}

static const struct timestamp *said_time(enum age_field field, const struct job_execution *execution)
{
    const struct timestamp *const times[] = {&execution->fingerprint.last_updated_at,
                                             &execution->fingerprint.queued_at,
                                             &execution->fingerprint.started_at};
    return times[field];
}

static bool said_groups(const struct pattern_list *groups, const struct job_execution *execution)
{
    bool within = groups->count == 0;
    for (size_t i = 0; i < groups->count; i++) {
        within |= world_within(world_thing_number(execution->thing_name), groups->patterns[i]);
    }
    return within;
}

static bool said_thing(const struct match *match, int thing)
{
    bool typed = match->types.count == 0;
    for (size_t i = 0; i < match->types.count; i++) {
        typed |= world.type_of[thing] == match->types.patterns[i][1] - '0';
    }
    return typed && (match->query == NULL || world_found(thing, match->query));
}

static bool said_names(const struct match *match, const struct job_execution *execution)
{
    const struct job *job = world_job_of(execution);
    int thing = world_thing_number(execution->thing_name);
    bool attributes = (match->attributes.count < 1 || world.tier_of[thing] == 0) &&
                      (match->attributes.count < 2 || (world.queries[thing] & 1) != 0);
    return (match->status_bits == 0 || (match->status_bits >> execution->fingerprint.status & 1u) != 0) &&
           (match->job_id.include.count == 0 || fits(&match->job_id.include, execution->job_id)) &&
           !fits(&match->job_id.exclude, execution->job_id) &&
           (match->thing.include.count == 0 || fits(&match->thing.include, execution->thing_name)) &&
           !fits(&match->thing.exclude, execution->thing_name) &&
           (match->job_status_bits == 0 || (match->job_status_bits >> job->status & 1u) != 0) &&
           (match->job_selection == SELECTION_ANY ||
            (match->job_selection == SELECTION_CONTINUOUS) == job->continuous) &&
           (match->namespace_id == NULL || strcmp(match->namespace_id, job->namespace_id) == 0) &&
           said_thing(match, thing) && said_groups(&match->groups, execution) && attributes;
}

static bool said_match(const struct match *match, const struct job_execution *execution, enum reach reach)
{
    bool any = match->any_of_count == 0, none = true, aged = true;
    static const enum reach inside_of_none_of[] = {AS_AGED_IN_NONE_OF, AS_AGED, NARROWEST, WIDEST};
    for (size_t i = 0; i < match->any_of_count; i++) {
        any |= said_match(&match->any_of[i], execution, reach);
    }
    for (size_t i = 0; i < match->none_of_count; i++) {
        none &= !said_match(&match->none_of[i], execution, inside_of_none_of[reach]);
    }
    if (match->older_than_ms > 0) {
        const struct timestamp *time = said_time(match->age_field, execution);
        bool told = time->text[0] != '\0', over = told && world.now_ms - time->ms > match->older_than_ms;
        aged =
            reach == WIDEST || (reach == AS_AGED && over) || (reach == AS_AGED_IN_NONE_OF && (over || !told));
    }
    return said_names(match, execution) && any && none && aged;
}

/* Running continuous jobs, those of a namespace and AFR_OTA-* jobs, unless they are named. */
static bool said_reserved(const struct job_execution *execution)
{
    const struct match *match = &world.policy.match;
    const struct job *job = world_job_of(execution);
    bool running = job->continuous && job->status == JOB_IN_PROGRESS, named_ota = false;
    bool asked =
        match->job_selection == SELECTION_CONTINUOUS && (match->job_status_bits >> JOB_IN_PROGRESS & 1u) != 0;
    for (size_t i = 0; i < match->job_id.include.count; i++) {
        const char *pattern = match->job_id.include.patterns[i];
        if (strcmp(pattern, execution->job_id) == 0) {
            return false;
        }
        named_ota |= strncmp(pattern, "AFR_OTA-", 8) == 0 && fnmatch(pattern, execution->job_id, 0) == 0;
    }
    return (strncmp(execution->job_id, "AFR_OTA-", 8) == 0 && !named_ota) ||
           (job->namespace_id[0] != '\0' && match->namespace_id == NULL) || (running && !asked);
}

bool said_counts(const struct job_execution *execution)
{
    enum execution_status status = execution->fingerprint.status;
    bool final = execution_status_terminal(status) || (world.policy.force && status == EXECUTION_IN_PROGRESS);
    for (int field = 0; field < 3; field++) {
        const struct timestamp *time = said_time((enum age_field)field, execution);
        if (time->text[0] != '\0' && time->ms > world.now_ms + 5 * 60000) {
            return false;
        }
    }
    return final && said_match(&world.policy.match, execution, WIDEST) && !said_reserved(execution) &&
           said_time(world.policy.match.age_field, execution)->text[0] != '\0';
}

static bool said_protected(const struct job_execution *execution)
{
    for (size_t i = 0; i < world.protect.count; i++) {
        const struct protect_rule *rule = &world.rules[i];
        if ((rule->job_ids.count == 0 || fits(&rule->job_ids, execution->job_id)) &&
            (rule->things.count == 0 || fits(&rule->things, execution->thing_name)) &&
            said_groups(&rule->groups, execution) && (rule->until_ms == 0 || world.now_ms < rule->until_ms)) {
            return true;
        }
    }
    return false;
}

static bool same_group(enum keep_per per, const struct job_execution *a, const struct job_execution *b)
{
    bool things = strcmp(a->thing_name, b->thing_name) == 0, jobs = strcmp(a->job_id, b->job_id) == 0;
    return per == PER_TARGET || (per == PER_THING && things) || (per == PER_JOB && jobs) || (things && jobs);
}

/* The C library's view of the calendar. */
static void label_of(const struct keep_rule *rule, const struct job_execution *execution, char label[32])
{
    struct tm tm;
    time_t seconds = said_time(world.policy.match.age_field, execution)->ms / 1000;
    localtime_r(&seconds, &tm);
    strftime(label, 32,
             rule->kind == KEEP_DAILY    ? "%Y-%m-%d"
             : rule->kind == KEEP_WEEKLY ? "%G-%V"
                                         : "%Y-%m",
             &tm);
}

bool said_newer(const struct job_execution *a, const struct job_execution *b)
{
    int64_t x = said_time(world.policy.match.age_field, a)->ms;
    int64_t y = said_time(world.policy.match.age_field, b)->ms;
    if (x != y) {
        return x > y;
    }
    if (a->number != b->number) {
        return a->number > b->number;
    }
    int order = strcmp(a->job_id, b->job_id);
    return order != 0 ? order < 0 : strcmp(a->thing_name, b->thing_name) < 0;
}

/* last: fewer than so many of the group are newer. daily and the like: none of its day is newer, and fewer
 * than so many days of the group are. */
bool said_rule(const struct keep_rule *rule, const struct job_execution *execution)
{
    char labels[FLEET_MAX][32], mine[32];
    int newer_ones = 0, newer_labels = 0;
    if (rule->kind == KEEP_WITHIN) {
        return world.now_ms - said_time(world.policy.match.age_field, execution)->ms <= rule->within_ms;
    }
    label_of(rule, execution, mine);
    for (int i = 0; i < world.count; i++) {
        const struct job_execution *other = &world.fleet[i];
        if (!said_counts(other) || !same_group(rule->per, other, execution) ||
            !said_newer(other, execution)) {
            continue;
        }
        bool known = false;
        label_of(rule, other, labels[newer_labels]);
        for (int j = 0; j < newer_labels; j++) {
            known |= strcmp(labels[j], labels[newer_labels]) == 0;
        }
        if (rule->kind != KEEP_LAST && strcmp(labels[newer_labels], mine) == 0) {
            return false;
        }
        newer_labels += !known;
        newer_ones++;
    }
    return (rule->kind == KEEP_LAST ? newer_ones : newer_labels) < rule->last;
}

static bool said_aged(const struct match *match)
{
    bool all = match->any_of_count > 0;
    for (size_t i = 0; i < match->any_of_count; i++) {
        all &= said_aged(&match->any_of[i]);
    }
    return all || match->older_than_ms > 0;
}

bool said_usable(void)
{
    return said_aged(&world.policy.match) || world.policy.keep_count > 0;
}

bool said_delete(const struct job_execution *execution)
{
    if (!said_usable() || !said_counts(execution) || !said_match(&world.policy.match, execution, AS_AGED) ||
        said_protected(execution)) {
        return false;
    }
    for (size_t i = 0; i < world.policy.keep_count; i++) {
        if (said_rule(&world.keep[i], execution)) {
            return false;
        }
    }
    return true;
}
