/* See app/metrics.h: what is counted. */
#include "app/metrics.h"

#include "app/metrics_private.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is there --- */

struct metrics *metrics_create(int64_t started_ms)
{
    struct metrics *metrics = mem_zalloc(sizeof *metrics);
    metrics->started_ms = started_ms;
    return metrics;
}

static void forget(struct metrics *metrics, bool all)
{
    struct metrics_pair *pair, *next_pair;
    struct metrics_place *place, *next_place;
    HASH_ITER (hh, metrics->pairs, pair, next_pair) {
        if (all || !pair->configured) {
            HASH_DEL(metrics->pairs, pair);
            free(pair);
        }
    }
    HASH_ITER (hh, metrics->places, place, next_place) {
        if (all || !place->configured) {
            HASH_DEL(metrics->places, place);
            free(place->calls);
            free(place);
        }
    }
}

void metrics_destroy(struct metrics *metrics)
{
    if (metrics != NULL) {
        forget(metrics, true);
    }
    free(metrics);
}

/* Targets of one entry are neighbours in the file, and mostly in a policy too. */
static bool entries_fit(const struct config *config)
{
    size_t entries = 0, pairs = 0;
    for (size_t i = 0; i < config->target_count; i++) {
        entries += i == 0 || strcmp(config->targets[i].entry, config->targets[i - 1].entry) != 0;
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        for (size_t j = 0; j < policy->target_count; j++) {
            const char *entry = config->targets[policy->targets[j]].entry;
            pairs += j == 0 || strcmp(entry, config->targets[policy->targets[j - 1]].entry) != 0;
        }
    }
    return entries <= METRICS_SERIES_MAX && pairs <= METRICS_SERIES_MAX;
}

static enum metrics_level level_for(const struct config *config)
{
    size_t pairs = 0;
    for (size_t i = 0; i < config->policy_count; i++) {
        pairs += config->policies[i].target_count;
    }
    if (config->target_count <= METRICS_SERIES_MAX && pairs <= METRICS_SERIES_MAX) {
        return LEVEL_TARGET;
    }
    return entries_fit(config) ? LEVEL_ENTRY : LEVEL_ALL;
}

static const char *label_of(const struct metrics *metrics, const struct target *target)
{
    return metrics->level == LEVEL_TARGET  ? target->name
           : metrics->level == LEVEL_ENTRY ? target->entry
                                           : "*";
}

static struct metrics_pair *find_pair(const struct metrics *metrics, const struct policy *policy,
                                      const struct target *target, char name[PAIR_NAME_MAX + 1])
{
    struct metrics_pair *pair;
    snprintf(name, PAIR_NAME_MAX + 1, "%s/%s", policy->name, label_of(metrics, target));
    HASH_FIND_STR(metrics->pairs, name, pair);
    return pair;
}

static struct metrics_place *find_place(const struct metrics *metrics, const struct target *target)
{
    struct metrics_place *place;
    HASH_FIND_STR(metrics->places, label_of(metrics, target), place);
    return place;
}

static void keep_place(struct metrics *metrics, const struct target *target)
{
    struct metrics_place *place = find_place(metrics, target);
    if (place == NULL) {
        place = mem_zalloc(sizeof *place);
        text_copy(place->target, sizeof place->target, label_of(metrics, target));
        HASH_ADD_STR(metrics->places, target, place);
    }
    place->configured = true;
}

static void keep_pair(struct metrics *metrics, const struct policy *policy, const struct target *target)
{
    char name[PAIR_NAME_MAX + 1];
    struct metrics_pair *pair = find_pair(metrics, policy, target, name);
    if (pair == NULL) {
        pair = mem_zalloc(sizeof *pair);
        text_copy(pair->name, sizeof pair->name, name);
        text_copy(pair->policy, sizeof pair->policy, policy->name);
        text_copy(pair->target, sizeof pair->target, label_of(metrics, target));
        HASH_ADD_STR(metrics->pairs, name, pair);
    }
    pair->configured = true;
}

static void keep_all(struct metrics *metrics, const struct config *config)
{
    for (size_t i = 0; i < config->target_count; i++) {
        keep_place(metrics, &config->targets[i]);
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct policy *policy = &config->policies[i];
        for (size_t j = 0; j < policy->target_count; j++) {
            keep_pair(metrics, policy, &config->targets[policy->targets[j]]);
        }
    }
}

void metrics_configured(struct metrics *metrics, const struct config *config, int64_t now_ms)
{
    metrics->loaded_ms = now_ms;
    metrics->refused = false;
    metrics->level = level_for(config);
    for (struct metrics_pair *pair = metrics->pairs; pair != NULL; pair = pair->hh.next) {
        pair->configured = false;
    }
    for (struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        place->configured = false;
    }
    if (config->metrics.port != 0) {
        keep_all(metrics, config);
    }
    forget(metrics, false);
}

void metrics_refused(struct metrics *metrics)
{
    metrics->refused = true;
}

/* --- counting --- */

void metrics_settled(struct metrics *metrics, const struct policy *policy, const struct target *target,
                     enum outcome outcome)
{
    char name[PAIR_NAME_MAX + 1];
    struct metrics_pair *pair = metrics != NULL ? find_pair(metrics, policy, target, name) : NULL;
    if (pair != NULL && outcome != OUTCOME_NOT_ATTEMPTED) {
        pair->executions[outcome]++;
    }
}

void metrics_ended(struct metrics *metrics, const struct policy *policy, const struct target *target,
                   enum run_result result, const struct report *report)
{
    char name[PAIR_NAME_MAX + 1];
    struct metrics_pair *pair = metrics != NULL ? find_pair(metrics, policy, target, name) : NULL;
    if (pair == NULL) {
        return;
    }
    pair->ended = true;
    pair->runs[result]++;
    pair->listed = report->listed;
    pair->selected = report->selected;
    if (report->end != SWEEP_PLANNED) { /* a plan attempts nothing */
        pair->executions[OUTCOME_NOT_ATTEMPTED] += report->outcomes[OUTCOME_NOT_ATTEMPTED];
    }
    pair->archived_executions += report->archive.executions;
    pair->archived_jobs += report->archive.jobs;
    pair->archive_missing += report->archive.missing;
    if (result == RESULT_SUCCESS || result == RESULT_LIMITED) {
        pair->success_ms = report->ended_ms;
    }
}

static struct metrics_calls *calls_of(const struct metrics *metrics, const struct target *target)
{
    struct metrics_place *place = metrics != NULL ? find_place(metrics, target) : NULL;
    if (place == NULL) {
        return NULL;
    }
    if (place->calls == NULL) {
        place->calls = mem_zalloc(sizeof *place->calls);
    }
    return place->calls;
}

void metrics_answered(struct metrics *metrics, const struct target *target, const struct call *call,
                      bool repeated)
{
    struct metrics_calls *calls = calls_of(metrics, target);
    if (calls != NULL) {
        calls->answers[call->operation][call->answer.class]++;
        calls->repeated[call->operation] += repeated;
    }
}

/* --- looking --- */

void metrics_look(struct metrics *metrics)
{
    for (struct metrics_place *place = metrics->places; place != NULL; place = place->hh.next) {
        place->end_ms = 0;
        if (place->calls != NULL) {
            memset(place->calls->lanes, 0, sizeof place->calls->lanes);
        }
    }
}

void metrics_lane(struct metrics *metrics, const struct target *target, enum operation operation,
                  const struct lane_view *view)
{
    struct metrics_calls *calls = view->sent > 0 || view->waiting > 0 ? calls_of(metrics, target) : NULL;
    if (calls == NULL) {
        return;
    }
    struct metrics_lane *lane = &calls->lanes[operation];
    int64_t rate = view->rate_per_1000s > 0 ? view->rate_per_1000s : 1;
    int64_t wait_ms = view->waiting * 1000 * TIME_MS_PER_SECOND / rate;
    lane->seen = true;
    lane->rate_per_1000s += view->rate_per_1000s;
    lane->waiting += view->waiting;
    lane->wait_ms = wait_ms > lane->wait_ms ? wait_ms : lane->wait_ms;
    lane->episodes += view->episode;
}

void metrics_credentials(struct metrics *metrics, const struct target *target, int64_t end_ms)
{
    struct metrics_place *place = end_ms > 0 ? find_place(metrics, target) : NULL;
    if (place != NULL && (place->end_ms == 0 || end_ms < place->end_ms)) {
        place->end_ms = end_ms;
    }
}
