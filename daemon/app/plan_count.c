/* See app/plan_count.h. */
#include "app/plan_count.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"
#include "base/time.h"
#include "policy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASONS_MAX 1000 /* they are few, unless something is wrong */
#define KEY_MAX     4096

static const struct {
    const char *name;
    int64_t below_ms;
} ages[PLAN_AGES] = {
    {"under 1 d", TIME_MS_PER_DAY},
    {"1 d to 7 d", 7 * TIME_MS_PER_DAY},
    {"7 d to 30 d", 30 * TIME_MS_PER_DAY},
    {"30 d to 90 d", 90 * TIME_MS_PER_DAY},
    {"90 d to 1 y", 365 * TIME_MS_PER_DAY},
    {"over 1 y", INT64_MAX},
    {"not known", INT64_MAX},
};

struct reason { /* of a number of `reasons` */
    size_t length;
    const struct place *place;
    enum verdict_cause cause;
};

struct left { /* of a number of `left` */
    char namespace_id[NAMESPACE_ID_MAX + 1];
    enum job_reserve why;
    int64_t told, listed; /* by the job's own counts, -1 where it has none; as rows */
};

struct plan_count_rest {
    size_t sample_room;
    struct tally *reasons; /* "reason (file:line)" */
    struct reason *of_reasons;
    size_t reason_room;
    struct names *left;
    struct left *of_left;
    size_t left_room;
};

struct plan_count *plan_count_create(const struct policy *policy, const struct target *target, int64_t now_ms,
                                     size_t sample)
{
    struct plan_count *count = mem_zalloc(sizeof *count);
    count->policy = policy;
    count->target = target;
    count->now_ms = now_ms;
    count->jobs = tally_create(0);
    count->skipped = tally_create(REASONS_MAX);
    count->sample = mem_calloc(sample + 1, sizeof count->sample[0]);
    count->rest = mem_zalloc(sizeof *count->rest);
    count->rest->sample_room = sample;
    count->rest->reasons = tally_create(REASONS_MAX);
    count->rest->left = names_create();
    return count;
}

void plan_count_destroy(struct plan_count *count)
{
    if (count == NULL) {
        return;
    }
    tally_destroy(count->jobs);
    tally_destroy(count->skipped);
    tally_destroy(count->rest->reasons);
    names_destroy(count->rest->left);
    free(count->rest->of_reasons);
    free(count->rest->of_left);
    free(count->rest);
    free(count->sample);
    free(count);
}

void plan_count_route(struct plan_count *count, const struct route *route)
{
    count->route = *route;
    count->routed = true;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

const char *plan_age_name(size_t age)
{
    return ages[age].name;
}

static size_t age_of(const struct plan_count *count, const struct fingerprint *fingerprint)
{
    const struct timestamp *time = policy_age_time(count->policy, fingerprint);
    size_t age = 0;
    if (!timestamp_present(time)) {
        return PLAN_AGES - 1;
    }
    while (count->now_ms - time->ms >= ages[age].below_ms) {
        age++;
    }
    return age;
}

/* The array that goes with a table of numbers has room for this one. */
static void *make_room(void *items, size_t *room, uint32_t number, size_t size)
{
    size_t more = *room == 0 ? 16 : 2 * *room;
    if (number < *room) {
        return items;
    }
    items = mem_realloc(items, more, size);
    memset((char *)items + *room * size, 0, (more - *room) * size);
    *room = more;
    return items;
}

/* It goes some other time: such rows have counts of their own. */
static bool waits(enum verdict_cause cause)
{
    return cause == CAUSE_LIMIT || cause == CAUSE_GRACE;
}

static void count_reason(struct plan_count *count, const struct verdict *verdict)
{
    struct plan_count_rest *rest = count->rest;
    const struct place *place = verdict->place;
    struct buf key;
    buf_init(&key, KEY_MAX);
    buf_text(&key, verdict->reason);
    if (place != NULL && place->line > 0) { /* the same words may stand in two blocks */
        buf_printf(&key, " (%s:%d:%d)", place->file, place->line, place->column);
    }
    uint32_t number = tally_add(rest->reasons, buf_string(&key), 1);
    rest->of_reasons = make_room(rest->of_reasons, &rest->reason_room, number, sizeof rest->of_reasons[0]);
    rest->of_reasons[number] = (struct reason){strlen(verdict->reason), place, verdict->cause};
    buf_finish(&key);
}

void plan_count_row(struct plan_count *count, const struct job_execution *execution,
                    const struct verdict *verdict)
{
    if (!verdict->delete) {
        count->by_cause[verdict->cause]++;
        if (!waits(verdict->cause)) {
            count_reason(count, verdict);
        }
        return;
    }
    count->selected++;
    count->by_status[execution->fingerprint.status]++;
    count->by_age[age_of(count, &execution->fingerprint)]++;
    tally_add(count->jobs, execution->job_id, 1);
    if (count->sample_count < count->rest->sample_room) {
        count->sample[count->sample_count++] = (struct sample_row){*execution, *verdict};
    }
}

void plan_count_skipped(struct plan_count *count, const char *why, int64_t rows)
{
    tally_add(count->skipped, why, rows);
}

/* --- what is left out ---------------------------------------------------------------------------------- */

static int64_t wanted(const struct policy *policy, const struct job *job)
{
    int64_t sum = 0;
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        bool asked = (policy->match.status_bits & EXECUTION_BIT(status)) != 0;
        sum += asked ? job->counts[status] : 0;
    }
    return sum;
}

void plan_count_left_out(struct plan_count *count, const struct job *job, enum job_reserve why, bool listed)
{
    struct plan_count_rest *rest = count->rest;
    uint32_t known = names_count(rest->left), number = names_intern(rest->left, job->job_id);
    rest->of_left = make_room(rest->of_left, &rest->left_room, number, sizeof rest->of_left[0]);
    struct left *left = &rest->of_left[number];
    if (number == known) {
        *left = (struct left){.why = why, .told = -1};
    }
    if (job->described) {
        left->why = why;
        left->told = wanted(count->policy, job);
        text_copy(left->namespace_id, sizeof left->namespace_id, job->namespace_id);
    }
    left->listed += listed;
}

static int compare_left(const void *a, const void *b)
{
    const struct left_out *left = a, *right = b;
    if (left->executions != right->executions) {
        return left->executions > right->executions ? -1 : 1;
    }
    return strcmp(left->job_id, right->job_id);
}

struct left_out *plan_count_reserved(const struct plan_count *count, enum job_reserve why, size_t *size)
{
    const struct plan_count_rest *rest = count->rest;
    uint32_t all = names_count(rest->left);
    struct left_out *found = mem_calloc(all + 1, sizeof *found);
    *size = 0;
    for (uint32_t i = 0; i < all; i++) {
        const struct left *left = &rest->of_left[i];
        if (left->why != why) {
            continue;
        }
        struct left_out *one = &found[(*size)++];
        one->job_id = names_text(rest->left, i);
        one->executions = left->listed > 0 ? left->listed : left->told;
        text_copy(one->namespace_id, sizeof one->namespace_id, left->namespace_id);
    }
    qsort(found, *size, sizeof *found, compare_left);
    return found;
}

/* --- what is kept -------------------------------------------------------------------------------------- */

int64_t plan_count_kept_sum(const struct plan_count *count)
{
    int64_t sum = 0;
    for (int cause = 0; cause < CAUSE_COUNT; cause++) {
        sum += waits((enum verdict_cause)cause) ? 0 : count->by_cause[cause];
    }
    return sum;
}

/* The rules themselves; what they keep is added by find_rule(). */
static size_t put_rules(const struct policy *policy, struct kept *kept, char (*words)[PLAN_REASON_MAX + 1])
{
    for (size_t i = 0; i < policy->keep_count; i++) {
        keep_reason(&policy->keep[i], words[i]);
        kept[i] = (struct kept){words[i], &policy->keep[i].place, CAUSE_KEEP, 0};
    }
    return policy->keep_count;
}

static struct kept *find_rule(struct kept *kept, size_t rules, const struct reason *reason)
{
    for (size_t i = 0; i < rules && reason->cause == CAUSE_KEEP; i++) {
        if (kept[i].place == reason->place) {
            return &kept[i];
        }
    }
    return NULL;
}

/* The texts lie behind the array, so that one free() is enough. */
struct kept *plan_count_kept(const struct plan_count *count, size_t *size)
{
    const struct plan_count_rest *rest = count->rest;
    size_t all, rules = count->policy->keep_count;
    struct counted *counted = tally_sorted(rest->reasons, &all);
    size_t most = rules + all;
    struct kept *kept = mem_zalloc((most + 1) * (sizeof *kept + PLAN_REASON_MAX + 1));
    char(*words)[PLAN_REASON_MAX + 1] = (char(*)[PLAN_REASON_MAX + 1])(kept + most + 1);
    *size = put_rules(count->policy, kept, words);
    for (size_t i = 0; i < all; i++) {
        const struct reason *reason = &rest->of_reasons[counted[i].number];
        struct kept *rule = find_rule(kept, rules, reason);
        if (rule != NULL) {
            rule->count += counted[i].count;
            continue;
        }
        snprintf(words[*size], sizeof words[0], "%.*s", (int)reason->length, counted[i].text);
        kept[*size] = (struct kept){words[*size], reason->place, reason->cause, counted[i].count};
        ++*size;
    }
    free(counted);
    return kept;
}
