/* See sim/kept.h. */
#include "sim/kept.h"

#include "base/mem.h"
#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PERIOD_TEXT 16

bool kept_needed(const struct policy *policy)
{
    return policy->keep_count > 0 || policy->per_thing > 0 || policy->order != ORDER_LISTED;
}

void kept_add(struct kept *kept, const struct kept_row *row)
{
    if (kept->count == kept->room) {
        kept->room = kept->room * 2 + 64;
        kept->rows = mem_realloc(kept->rows, kept->room, sizeof *kept->rows);
    }
    kept->rows[kept->count++] = *row;
}

void kept_finish(struct kept *kept)
{
    free(kept->rows);
    *kept = (struct kept){0};
}

/* --- sorted ----------------------------------------------------------------------------------------------
 */

struct order {
    const struct policy *policy;
    enum keep_per per;
};

static int64_t time_of(const struct policy *policy, const struct job_execution *execution)
{
    const struct fingerprint *print = &execution->fingerprint;
    return policy->match.age_field == AGE_QUEUED_AT    ? print->queued_at.ms
           : policy->match.age_field == AGE_STARTED_AT ? print->started_at.ms
                                                       : print->last_updated_at.ms;
}

static int by_number(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* 0 only for rows of one group. */
static int by_group(enum keep_per per, const struct job_execution *a, const struct job_execution *b)
{
    int things = strcmp(a->thing_name, b->thing_name), jobs = strcmp(a->job_id, b->job_id);
    switch (per) {
    case PER_THING:
        return things;
    case PER_JOB:
        return jobs;
    case PER_JOB_AND_THING:
        return things != 0 ? things : jobs;
    default:
        return 0;
    }
}

/* The newer one first; of the same time the one with the higher number, then by job and thing. */
static int by_newness(const struct policy *policy, const struct job_execution *a,
                      const struct job_execution *b)
{
    int times = by_number(time_of(policy, b), time_of(policy, a)), numbers = by_number(b->number, a->number);
    int jobs = strcmp(a->job_id, b->job_id);
    return times != 0     ? times
           : numbers != 0 ? numbers
           : jobs != 0    ? jobs
                          : strcmp(a->thing_name, b->thing_name);
}

static int compare(const void *left, const void *right, void *ctx)
{
    const struct order *order = ctx;
    const struct job_execution *a = &(*(struct kept_row *const *)left)->execution;
    const struct job_execution *b = &(*(struct kept_row *const *)right)->execution;
    int groups = by_group(order->per, a, b);
    return groups != 0 ? groups : by_newness(order->policy, a, b);
}

/* --- keep rules ------------------------------------------------------------------------------------------
 */

/* The C library's view of the calendar. */
static void name_period(const struct keep_rule *rule, int64_t ms, char text[PERIOD_TEXT])
{
    time_t seconds = ms / TIME_MS_PER_SECOND;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    if (rule->kind == KEEP_DAILY) {
        strftime(text, PERIOD_TEXT, "%Y-%m-%d", &tm);
    } else if (rule->kind == KEEP_WEEKLY) {
        strftime(text, PERIOD_TEXT, "%G-%V", &tm);
    } else {
        strftime(text, PERIOD_TEXT, "%Y-%m", &tm);
    }
}

static int64_t wanted(const struct keep_rule *rule)
{
    switch (rule->kind) {
    case KEEP_DAILY:
        return rule->daily;
    case KEEP_WEEKLY:
        return rule->weekly;
    case KEEP_MONTHLY:
        return rule->monthly;
    default:
        return rule->last;
    }
}

/* The rows that count, sorted. A period begins with its newest row, which is what the rule keeps of it. */
static void mark_counted(struct kept_row **rows, size_t count, const struct policy *policy,
                         const struct keep_rule *rule)
{
    char before[PERIOD_TEXT] = "", period[PERIOD_TEXT];
    int64_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool begins = i == 0 || by_group(rule->per, &rows[i - 1]->execution, &rows[i]->execution) != 0;
        if (begins) {
            kept = 0;
        }
        bool first = true;
        if (rule->kind != KEEP_LAST) {
            name_period(rule, time_of(policy, &rows[i]->execution), period);
            first = begins || strcmp(before, period) != 0;
            memcpy(before, period, sizeof before);
        }
        kept += first;
        rows[i]->kept = rows[i]->kept || (first && kept <= wanted(rule));
    }
}

static void mark_rule(struct kept *kept, const struct policy *policy, const struct keep_rule *rule)
{
    struct kept_row **rows = mem_calloc(kept->count + 1, sizeof *rows);
    struct order order = {.policy = policy, .per = rule->per};
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++) {
        if (kept->rows[i].counts) {
            rows[count++] = &kept->rows[i];
        }
    }
    qsort_r(rows, count, sizeof *rows, compare, &order);
    mark_counted(rows, count, policy, rule);
    free(rows);
}

void kept_mark(struct kept *kept, const struct policy *policy, int64_t service_ms)
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        const struct keep_rule *rule = &policy->keep[i];
        if (rule->kind != KEEP_WITHIN) {
            mark_rule(kept, policy, rule);
            continue;
        }
        for (size_t row = 0; row < kept->count; row++) {
            int64_t age_ms = service_ms - time_of(policy, &kept->rows[row].execution);
            kept->rows[row].kept = kept->rows[row].kept || age_ms <= rule->within_ms;
        }
    }
}

/* --- what was selected -----------------------------------------------------------------------------------
 */

static const struct kept_row *find_over_limit(const struct kept *kept, const struct policy *policy)
{
    struct kept_row **rows = mem_calloc(kept->count + 1, sizeof *rows);
    struct order order = {.policy = policy, .per = PER_THING};
    const struct kept_row *over = NULL;
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++) {
        if (kept->rows[i].selected) {
            rows[count++] = &kept->rows[i];
        }
    }
    qsort_r(rows, count, sizeof *rows, compare, &order);
    for (size_t i = (size_t)policy->per_thing; i < count && !over; i++) {
        const struct job_execution *first = &rows[i - (size_t)policy->per_thing]->execution;
        over = by_group(PER_THING, first, &rows[i]->execution) == 0 ? rows[i] : NULL;
    }
    free(rows);
    return over;
}

static bool in_order(const struct policy *policy, const struct job_execution *before,
                     const struct job_execution *after)
{
    int64_t first = time_of(policy, before), second = time_of(policy, after);
    return policy->order == ORDER_LISTED ||
           (policy->order == ORDER_OLDEST_FIRST ? first <= second : first >= second);
}

const char *kept_flaw(const struct kept *kept, const struct policy *policy, const struct kept_row **row)
{
    const struct kept_row *before = NULL;
    for (size_t i = 0; i < kept->count; i++) {
        *row = &kept->rows[i];
        if (!(*row)->selected) {
            continue;
        }
        if ((*row)->kept) {
            return "a keep rule holds for it";
        }
        if (before && !in_order(policy, &before->execution, &(*row)->execution)) {
            return "it is not in the policy's order";
        }
        before = *row;
    }
    *row = policy->per_thing > 0 ? find_over_limit(kept, policy) : NULL;
    return *row ? "there are more of its thing than limits.per_thing" : NULL;
}

const char *kept_missing(const struct kept *kept, const struct policy *policy, const struct kept_row **row)
{
    struct order order = {.policy = policy, .per = PER_THING};
    const struct kept_row **rows = mem_calloc(kept->count + 1, sizeof *rows);
    int64_t selected = 0, of_thing = 0;
    size_t from = 0;
    for (size_t i = 0; i < kept->count; i++) {
        rows[i] = &kept->rows[i];
        selected += rows[i]->selected;
    }
    *row = NULL;
    qsort_r(rows, kept->count, sizeof *rows, compare, &order);
    for (size_t i = 0; i < kept->count && !*row; i++) {
        if (i == from) { /* the first of its thing */
            for (of_thing = 0;
                 from < kept->count && by_group(PER_THING, &rows[i]->execution, &rows[from]->execution) == 0;
                 from++) {
                of_thing += rows[from]->selected;
            }
        }
        bool waits = rows[i]->surely && !rows[i]->kept && !rows[i]->selected;
        *row = waits && (policy->per_thing == 0 || of_thing < policy->per_thing) ? rows[i] : NULL;
    }
    free(rows);
    bool full = policy->per_run > 0 && selected >= policy->per_run;
    return *row && !full ? "nothing holds it back, and it was not selected" : NULL;
}
