/* See app/results.h. There may be ten thousand: the sentence of an error is kept only where there is one. */
#include "app/results.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEY_MAX (POLICY_NAME_MAX + TARGET_NAME_MAX + 2)

struct entry {
    char *policy, *target; /* key is both, a line feed between them */
    char *key;
    struct result result;
    UT_hash_handle hh;
};

struct results {
    struct entry *entries;
    uint64_t numbers;
};

static void make_key(char key[KEY_MAX], const char *policy, const char *target)
{
    snprintf(key, KEY_MAX, "%s\n%s", policy, target);
}

struct results *results_create(void)
{
    return mem_zalloc(sizeof(struct results));
}

static void forget(struct results *results, struct entry *entry)
{
    HASH_DEL(results->entries, entry);
    free(entry->result.error);
    free(entry->policy);
    free(entry->target);
    free(entry->key);
    free(entry);
}

void results_destroy(struct results *results)
{
    struct entry *entry, *next;
    if (results == NULL) {
        return;
    }
    HASH_ITER (hh, results->entries, entry, next) {
        forget(results, entry);
    }
    free(results);
}

static struct entry *find(const struct results *results, const char *policy, const char *target)
{
    char key[KEY_MAX];
    struct entry *entry;
    make_key(key, policy, target);
    HASH_FIND_STR(results->entries, key, entry);
    return entry;
}

static struct entry *make(struct results *results, const char *policy, const char *target)
{
    char key[KEY_MAX];
    struct entry *entry = mem_zalloc(sizeof *entry);
    make_key(key, policy, target);
    entry->policy = mem_strdup(policy);
    entry->target = mem_strdup(target);
    entry->key = mem_strdup(key);
    HASH_ADD_KEYPTR(hh, results->entries, entry->key, strlen(entry->key), entry);
    return entry;
}

static bool is_configured(const struct config *config, const char *policy_name, const char *target)
{
    const struct policy *policy = config_policy(config, policy_name);
    for (size_t i = 0; policy != NULL && i < policy->target_count; i++) {
        if (strcmp(config->targets[policy->targets[i]].name, target) == 0) {
            return true;
        }
    }
    return false;
}

void results_note(struct results *results, const struct config *config, const char *policy,
                  const char *target, const struct report *report, enum exit_status status)
{
    struct entry *entry = find(results, policy, target);
    if (!is_configured(config, policy, target)) {
        return;
    }
    entry = entry != NULL ? entry : make(results, policy, target);
    free(entry->result.error);
    entry->result = (struct result){.status = status,
                                    .number = ++results->numbers,
                                    .failed = report_failed(report),
                                    .end = report->end,
                                    .limit = report->limit,
                                    .listed = report->listed,
                                    .selected = report->selected,
                                    .remaining = report->remaining,
                                    .started_ms = report->started_ms,
                                    .ended_ms = report->ended_ms};
    memcpy(entry->result.outcomes, report->outcomes, sizeof entry->result.outcomes);
    memcpy(entry->result.calls, report->calls, sizeof entry->result.calls);
    if (report->err.code != ERR_NONE) {
        entry->result.error = mem_strdup(report->err.msg);
    }
}

void results_recall(struct results *results, const struct config *config, const char *policy,
                    const char *target, const struct report *report)
{
    if (find(results, policy, target) != NULL || !is_configured(config, policy, target)) {
        return;
    }
    bool fine = report->end == SWEEP_FINISHED || report->end == SWEEP_PLANNED || report->end == SWEEP_LIMITED;
    make(results, policy, target)->result = (struct result){.number = ++results->numbers,
                                                            .recalled = true,
                                                            .failed = !fine,
                                                            .end = report->end,
                                                            .limit = report->limit,
                                                            .selected = report->selected,
                                                            .started_ms = report->started_ms,
                                                            .ended_ms = report->ended_ms};
}

const struct result *results_find(const struct results *results, const char *policy, const char *target)
{
    const struct entry *entry = find(results, policy, target);
    return entry != NULL ? &entry->result : NULL;
}

struct report result_report(const struct result *result)
{
    struct report report = {.end = result->end,
                            .limit = result->limit,
                            .listed = result->listed,
                            .selected = result->selected,
                            .remaining = result->remaining,
                            .started_ms = result->started_ms,
                            .ended_ms = result->ended_ms};
    memcpy(report.outcomes, result->outcomes, sizeof report.outcomes);
    memcpy(report.calls, result->calls, sizeof report.calls);
    if (result->error != NULL) {
        err_set(&report.err, ERR_INVALID, "%s", result->error);
    }
    return report;
}

void results_prune(struct results *results, const struct config *config)
{
    struct entry *entry, *next;
    HASH_ITER (hh, results->entries, entry, next) {
        if (!is_configured(config, entry->policy, entry->target)) {
            forget(results, entry);
        }
    }
}

static bool is_earlier(const struct result *a, const struct result *b)
{
    return a->ended_ms != b->ended_ms ? a->ended_ms < b->ended_ms : a->number < b->number;
}

/* The latest failed one that is earlier than `below`; NULL: of all. */
static const struct entry *latest_failed(const struct results *results, const struct result *below)
{
    const struct entry *found = NULL;
    for (const struct entry *entry = results->entries; entry != NULL; entry = entry->hh.next) {
        if (entry->result.failed && (below == NULL || is_earlier(&entry->result, below)) &&
            (found == NULL || is_earlier(&found->result, &entry->result))) {
            found = entry;
        }
    }
    return found;
}

size_t results_failed(const struct results *results, size_t most,
                      void (*each)(void *ctx, const char *policy, const char *target,
                                   const struct result *result),
                      void *ctx)
{
    const struct entry *entry;
    size_t count = 0;
    const struct result *below = NULL;
    for (size_t i = 0; i < most && (entry = latest_failed(results, below)) != NULL; i++) {
        each(ctx, entry->policy, entry->target, &entry->result);
        below = &entry->result;
    }
    for (entry = results->entries; entry != NULL; entry = entry->hh.next) {
        count += entry->result.failed;
    }
    return count;
}
