/* See policy/clauses.h. Every question is asked so that doubt keeps the execution. */
#include "policy/clauses.h"

#include "base/text.h"
#include "base/time.h"
#include "policy/glob.h"
#include "policy/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum truth because(const struct finding *finding, enum truth truth, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum truth because(const struct finding *finding, enum truth truth, const char *format, ...)
{
    if (finding->reason != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(finding->reason, PLAN_REASON_MAX + 1, format, args);
        va_end(args);
    }
    return truth;
}

/* --- clauses: each is asked only where it is given ------------------------------------------------------ */

static enum truth ask_status(const struct match *match, const struct subject *subject,
                             const struct finding *finding)
{
    if (match->status_bits == 0) {
        return TRUTH_YES;
    }
    if (subject->fingerprint == NULL) {
        return TRUTH_UNKNOWN;
    }
    enum execution_status status = subject->fingerprint->status;
    return (match->status_bits & EXECUTION_BIT(status)) != 0
               ? TRUTH_YES
               : because(finding, TRUTH_NO, "status %s not listed", execution_status_name(status));
}

static enum truth ask_exclude(const struct pattern_list *list, const char *what, const char *text,
                              const struct finding *finding)
{
    if (list->count == 0) {
        return TRUTH_YES;
    }
    const char *pattern = text != NULL ? glob_first(list, text) : NULL;
    return text == NULL      ? TRUTH_UNKNOWN
           : pattern == NULL ? TRUTH_YES
                             : because(finding, TRUTH_NO, "%s excluded by %s", what, pattern);
}

static enum truth ask_include(const struct pattern_list *list, const char *what, const char *text,
                              const struct finding *finding)
{
    if (list->count == 0) {
        return TRUTH_YES;
    }
    return text == NULL                     ? TRUTH_UNKNOWN
           : glob_first(list, text) != NULL ? TRUTH_YES
                                            : because(finding, TRUTH_NO, "%s not included", what);
}

static enum truth ask_job_exclude(const struct match *match, const struct subject *subject,
                                  const struct finding *finding)
{
    return ask_exclude(&match->job_id.exclude, "job_id", subject->job_id, finding);
}

static enum truth ask_job_include(const struct match *match, const struct subject *subject,
                                  const struct finding *finding)
{
    return ask_include(&match->job_id.include, "job_id", subject->job_id, finding);
}

static enum truth ask_thing_exclude(const struct match *match, const struct subject *subject,
                                    const struct finding *finding)
{
    return ask_exclude(&match->thing.exclude, "thing", subject->thing_name, finding);
}

static enum truth ask_thing_include(const struct match *match, const struct subject *subject,
                                    const struct finding *finding)
{
    return ask_include(&match->thing.include, "thing", subject->thing_name, finding);
}

static enum truth ask_job_status(const struct match *match, const struct subject *subject,
                                 const struct finding *finding)
{
    if (match->job_status_bits == 0) {
        return TRUTH_YES;
    }
    if (subject->job == NULL || subject->job->status == JOB_UNKNOWN) {
        return because(finding, TRUTH_UNKNOWN, "the job's status is not known");
    }
    return (match->job_status_bits >> subject->job->status & 1u) != 0
               ? TRUTH_YES
               : because(finding, TRUTH_NO, "job status %s not listed",
                         job_status_name(subject->job->status));
}

static enum truth ask_job_selection(const struct match *match, const struct subject *subject,
                                    const struct finding *finding)
{
    if (match->job_selection == SELECTION_ANY) {
        return TRUTH_YES;
    }
    const struct job *job = subject->job;
    if (job == NULL ||
        (job->status == JOB_UNKNOWN && !job->described)) { /* there may be no more than an id */
        return because(finding, TRUTH_UNKNOWN, "the job's target selection is not known");
    }
    return job->continuous == (match->job_selection == SELECTION_CONTINUOUS)
               ? TRUTH_YES
               : because(finding, TRUTH_NO, "job is %s", job->continuous ? "CONTINUOUS" : "SNAPSHOT");
}

static enum truth ask_namespace(const struct match *match, const struct subject *subject,
                                const struct finding *finding)
{
    const struct job *job = subject->job;
    if (match->namespace_id == NULL) {
        return TRUTH_YES;
    }
    if (job == NULL || (!job->described && job->namespace_id[0] == '\0')) {
        return because(finding, TRUTH_UNKNOWN, "the job's namespace is not known");
    }
    return strcmp(job->namespace_id, match->namespace_id) == 0
               ? TRUTH_YES
               : because(finding, TRUTH_NO, "job not of namespace %s", match->namespace_id);
}

static enum truth thing_is(const struct subject *subject, enum thing_fact fact, const char *name,
                           const char *value)
{
    const struct match_facts *facts = subject->facts;
    if (facts == NULL || facts->thing == NULL || subject->thing_name == NULL) {
        return TRUTH_UNKNOWN;
    }
    return facts->thing(facts->owner, subject->thing_name, fact, name, value);
}

/* Any of the names: one that holds is enough, whatever is not known of the others. */
static enum truth thing_is_any(const struct subject *subject, enum thing_fact fact,
                               const struct pattern_list *values)
{
    enum truth best = TRUTH_NO;
    for (size_t i = 0; i < values->count && best != TRUTH_YES; i++) {
        enum truth truth = thing_is(subject, fact, NULL, values->patterns[i]);
        best = truth != TRUTH_NO ? truth : best;
    }
    return best;
}

static enum truth tell_thing(enum truth truth, const char *what, const struct finding *finding)
{
    return truth == TRUTH_YES       ? truth
           : truth == TRUTH_UNKNOWN ? because(finding, truth, "the thing's %s not known", what)
                                    : because(finding, truth, "thing by its %s not matched", what);
}

static enum truth ask_group(const struct match *match, const struct subject *subject,
                            const struct finding *finding)
{
    return match->groups.count == 0
               ? TRUTH_YES
               : tell_thing(thing_is_any(subject, THING_IN_GROUP, &match->groups), "group", finding);
}

static enum truth ask_type(const struct match *match, const struct subject *subject,
                           const struct finding *finding)
{
    return match->types.count == 0
               ? TRUTH_YES
               : tell_thing(thing_is_any(subject, THING_OF_TYPE, &match->types), "type", finding);
}

static enum truth ask_attribute(const struct match *match, const struct subject *subject,
                                const struct finding *finding)
{
    enum truth worst = TRUTH_YES;
    for (size_t i = 0; i < match->attributes.count && worst != TRUTH_NO; i++) {
        const struct attribute *wanted = &match->attributes.items[i];
        enum truth truth = thing_is(subject, THING_HAS_ATTRIBUTE, wanted->name, wanted->value);
        worst = truth != TRUTH_YES ? truth : worst;
    }
    return tell_thing(worst, "attributes", finding);
}

static enum truth ask_query(const struct match *match, const struct subject *subject,
                            const struct finding *finding)
{
    return match->query == NULL
               ? TRUTH_YES
               : tell_thing(thing_is(subject, THING_IN_QUERY, NULL, match->query), "query", finding);
}

static const char *const AGE_FIELDS[] = {[AGE_LAST_UPDATED_AT] = "last_updated_at",
                                         [AGE_QUEUED_AT] = "queued_at",
                                         [AGE_STARTED_AT] = "started_at"};

const char *age_field_name(enum age_field field)
{
    return AGE_FIELDS[field];
}

const struct timestamp *age_field_time(enum age_field field, const struct fingerprint *fingerprint)
{
    return field == AGE_QUEUED_AT    ? &fingerprint->queued_at
           : field == AGE_STARTED_AT ? &fingerprint->started_at
                                     : &fingerprint->last_updated_at;
}

static enum truth ask_age(const struct match *match, const struct subject *subject,
                          const struct finding *finding)
{
    char age[48];
    if (match->older_than_ms == 0) {
        return TRUTH_YES;
    }
    if (subject->ageless) {
        return subject->negated ? TRUTH_NO : TRUTH_YES;
    }
    if (subject->fingerprint == NULL) {
        return TRUTH_UNKNOWN;
    }
    const char *field = AGE_FIELDS[match->age_field];
    const struct timestamp *time = age_field_time(match->age_field, subject->fingerprint);
    if (!timestamp_present(time)) {
        return because(finding, TRUTH_UNKNOWN, "no %s", field);
    }
    return subject->now_ms - time->ms > match->older_than_ms
               ? TRUTH_YES
               : because(finding, TRUTH_NO, "%s not over %s ago", field,
                         time_duration(match->older_than_ms, age));
}

/* Like lists: one block that holds is enough. */
static enum truth any_holds(const struct match *blocks, size_t count, const struct subject *subject,
                            const struct match **which)
{
    struct finding nobody_asks = {0};
    enum truth best = TRUTH_NO;
    for (size_t i = 0; i < count && best != TRUTH_YES; i++) {
        enum truth truth = match_holds(&blocks[i], subject, &nobody_asks);
        if (truth != TRUTH_NO) {
            best = truth;
            *which = &blocks[i];
        }
    }
    return best;
}

static enum truth ask_any_of(const struct match *match, const struct subject *subject,
                             const struct finding *finding)
{
    const struct match *which = NULL;
    if (match->any_of_count == 0) {
        return TRUTH_YES;
    }
    enum truth truth = any_holds(match->any_of, match->any_of_count, subject, &which);
    return truth == TRUTH_YES  ? truth
           : truth == TRUTH_NO ? because(finding, truth, "no block of any_of holds")
                               : because(finding, truth, "whether any_of holds is not known");
}

static enum truth ask_none_of(const struct match *match, const struct subject *subject,
                              const struct finding *finding)
{
    const struct match *which = NULL;
    struct subject inner = *subject;
    if (match->none_of_count == 0) {
        return TRUTH_YES;
    }
    inner.negated = !subject->negated;
    enum truth truth = any_holds(match->none_of, match->none_of_count, &inner, &which);
    if (truth == TRUTH_NO) {
        return TRUTH_YES;
    }
    int number = (int)(which - match->none_of) + 1;
    return truth == TRUTH_YES
               ? because(finding, TRUTH_NO, "block %d of none_of holds", number)
               : because(finding, truth, "whether block %d of none_of holds is not known", number);
}

static enum truth (*const CLAUSES[CLAUSE_COUNT])(const struct match *match, const struct subject *subject,
                                                 const struct finding *finding) = {
    [CLAUSE_STATUS] = ask_status,
    [CLAUSE_JOB_EXCLUDE] = ask_job_exclude,
    [CLAUSE_JOB_INCLUDE] = ask_job_include,
    [CLAUSE_THING_EXCLUDE] = ask_thing_exclude,
    [CLAUSE_THING_INCLUDE] = ask_thing_include,
    [CLAUSE_JOB_STATUS] = ask_job_status,
    [CLAUSE_JOB_SELECTION] = ask_job_selection,
    [CLAUSE_NAMESPACE] = ask_namespace,
    [CLAUSE_GROUP] = ask_group,
    [CLAUSE_TYPE] = ask_type,
    [CLAUSE_ATTRIBUTE] = ask_attribute,
    [CLAUSE_QUERY] = ask_query,
    [CLAUSE_ANY_OF] = ask_any_of,
    [CLAUSE_NONE_OF] = ask_none_of,
    [CLAUSE_AGE] = ask_age,
};

static const struct place *place_of(const struct match *match, int clause)
{
    return match->places[clause].line > 0 ? &match->places[clause]
           : match->place.line > 0        ? &match->place
                                          : NULL;
}

/* A clause that does not hold decides, else the first whose answer is not known. */
enum truth match_holds(const struct match *match, const struct subject *subject, struct finding *finding)
{
    enum truth result = TRUTH_YES;
    for (int i = 0; i < CLAUSE_COUNT && result != TRUTH_NO; i++) {
        char reason[PLAN_REASON_MAX + 1] = "not known";
        struct finding found = {.reason = finding->reason != NULL ? reason : NULL};
        enum truth truth = CLAUSES[i](match, subject, &found);
        if (truth == TRUTH_YES || (truth == TRUTH_UNKNOWN && result == TRUTH_UNKNOWN)) {
            continue;
        }
        result = truth;
        finding->place = place_of(match, i);
        if (finding->reason != NULL) {
            text_copy(finding->reason, PLAN_REASON_MAX + 1, reason);
        }
    }
    return result;
}

size_t match_each_clause(const struct match *match,
                         void (*each)(void *owner, const char *clause, const struct place *place),
                         void *owner)
{
    size_t count, told = 0;
    const struct schema_row *rows = schema_rows(&count);
    for (size_t i = 0; i < count; i++) {
        bool clause = rows[i].scope == SCHEMA_MATCH && rows[i].place != 0;
        const struct place *place =
            clause ? (const void *)((const char *)match + rows[i].place) : &match->place;
        if (clause && place->line > 0) {
            each(owner, rows[i].path, place);
            told++;
        }
    }
    return told;
}

bool match_aged(const struct match *match)
{
    size_t aged = 0;
    while (aged < match->any_of_count && match_aged(&match->any_of[aged])) { /* as deep as a file nests */
        aged++;
    }
    return match->older_than_ms > 0 || (aged > 0 && aged == match->any_of_count);
}

enum truth match_groups(const struct subject *subject, const struct pattern_list *groups)
{
    return thing_is_any(subject, THING_IN_GROUP, groups);
}

void finding_set(struct finding *finding, const struct place *place, const char *format, ...)
{
    finding->place = place;
    if (finding->reason != NULL) {
        va_list args;
        va_start(args, format);
        vsnprintf(finding->reason, PLAN_REASON_MAX + 1, format, args);
        va_end(args);
    }
}
