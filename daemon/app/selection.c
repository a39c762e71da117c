/* Which policies in which targets a command is about. */
#include "app/selection.h"

#include "app/link.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_TOLD 6
#define MEANT_MAX  1024

/* Names that hold the part, whatever its case, each once; *count: all of them, of which NAMES_TOLD are kept.
 */
static void find_names(const char *part, const char *const *known, const char *found[NAMES_TOLD],
                       size_t *count)
{
    *count = 0;
    for (size_t i = 0; known[i] != NULL; i++) {
        bool told = strcasestr(known[i], part) == NULL;
        for (size_t j = 0; j < *count && j < NAMES_TOLD && !told; j++) {
            told = strcmp(known[i], found[j]) == 0;
        }
        if (!told && *count < NAMES_TOLD) {
            found[*count] = known[i];
        }
        *count += !told;
    }
}

/* What may have been meant: a name that is spelt nearly so, else those that hold the word, else all, if they
 * are few. */
static void suggest(const char *name, const char *const *known, struct buf *out)
{
    const char *found[NAMES_TOLD] = {text_nearest(name, known)};
    size_t count = found[0] != NULL;
    bool meant = true;
    if (count == 0) {
        find_names(name, known, found, &count);
    }
    if (count == 0) {
        meant = false;
        find_names("", known, found, &count);
    }
    if (count == 0 || (!meant && count > NAMES_TOLD)) {
        return;
    }
    buf_text(out, meant ? "; did you mean " : "; it has ");
    for (size_t i = 0; i < count && i < NAMES_TOLD; i++) {
        bool last = i + 1 == count;
        buf_printf(out, "%s%s", i == 0 ? "" : !last ? ", " : meant ? " or " : " and ", found[i]);
    }
    buf_text(out, count > NAMES_TOLD ? ", ..." : "");
    buf_text(out, meant ? "?" : "");
}

static int unknown(const char *what, const char *name, const char **known, struct err *err)
{
    struct buf meant;
    buf_init(&meant, MEANT_MAX);
    suggest(name, known, &meant);
    free(known);
    err_set(err, ERR_NOT_FOUND, "the configuration has no %s \"%s\"%s", what, name, buf_string(&meant));
    buf_finish(&meant);
    return -1;
}

static int unknown_policy(const struct config *config, const char *name, struct err *err)
{
    const char **known = mem_calloc(config->policy_count + 1, sizeof *known);
    for (size_t i = 0; i < config->policy_count; i++) {
        known[i] = config->policies[i].name;
    }
    return unknown("policy", name, known, err);
}

/* Entries, and what they stand for. */
static int unknown_target(const struct config *config, const char *name, struct err *err)
{
    const char **known = mem_calloc(2 * config->target_count + 1, sizeof *known);
    for (size_t i = 0; i < config->target_count; i++) {
        known[i] = config->targets[i].entry;
        known[config->target_count + i] = config->targets[i].name;
    }
    return unknown("target", name, known, err);
}

static bool is_known(const struct config *config, const char *target_name)
{
    for (size_t i = 0; i < config->target_count; i++) {
        if (target_is_called(&config->targets[i], target_name)) {
            return true;
        }
    }
    return false;
}

int selection_check_target(const struct config *config, const char *target_name, struct err *err)
{
    return target_name == NULL || is_known(config, target_name) ? 0
                                                                : unknown_target(config, target_name, err);
}

/* How many pairs were added. */
static size_t add(struct selection *selection, const struct config *config, const struct policy *policy,
                  const char *only)
{
    size_t before = selection->count;
    size_t room = selection->count + policy->target_count;
    selection->pairs = mem_realloc(selection->pairs, room + 1, sizeof selection->pairs[0]);
    for (size_t i = 0; i < policy->target_count; i++) {
        const struct target *target = &config->targets[policy->targets[i]];
        if (only == NULL || target_is_called(target, only)) {
            selection->pairs[selection->count++] = (struct selected){.policy = policy, .target = target};
        }
    }
    return selection->count - before;
}

static bool has_policy(const struct selection *selection, const struct policy *policy)
{
    for (size_t i = 0; i < selection->count; i++) {
        if (selection->pairs[i].policy == policy) {
            return true;
        }
    }
    return false;
}

static int add_named(struct selection *selection, const struct config *config, const char *name,
                     const char *only, struct err *err)
{
    const struct policy *policy = config_policy(config, name);
    if (policy == NULL) {
        return unknown_policy(config, name, err);
    }
    if (has_policy(selection, policy) || add(selection, config, policy, only) > 0) {
        return 0;
    }
    return err_set(err, ERR_NOT_FOUND, "policy \"%s\" does not cover target \"%s\"", name,
                   only != NULL ? only : "");
}

int selection_make(struct selection *selection, const struct config *config, char *const *names, size_t count,
                   const char *target_name, bool only_enforcing, struct err *err)
{
    *selection = (struct selection){0};
    if (selection_check_target(config, target_name, err) != 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if (add_named(selection, config, names[i], target_name, err) != 0) {
            selection_finish(selection);
            return -1;
        }
    }
    for (size_t i = 0; count == 0 && i < config->policy_count; i++) {
        if (!only_enforcing || config->policies[i].enforce) {
            add(selection, config, &config->policies[i], target_name);
        }
    }
    return 0;
}

void selection_finish(struct selection *selection)
{
    free(selection->pairs);
    *selection = (struct selection){0};
}

bool selection_has(const struct selection *selection, const struct policy *policy,
                   const struct target *target, const char *origin)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *pair = &selection->pairs[i];
        if (pair->policy == policy && pair->target == target &&
            strcmp(pair->origin != NULL ? pair->origin : "", origin) == 0) {
            return true;
        }
    }
    return false;
}

bool selection_deletes(const struct selected *pair, const char **why_not)
{
    const char *why = !pair->policy->enforce    ? "the policy observes (mode: enforce would delete)"
                      : pair->target->plan_only ? "the target can only be looked at (allow: plan)"
                                                : NULL;
    if (why_not != NULL) {
        *why_not = why;
    }
    return why == NULL;
}

/* --- what was planned before -----------------------------------------------------------------------------
 */

bool selection_is_in(const struct target *target, const struct run_header *header)
{
    char region[64];
    struct err ignored; /* the target's own runs will tell */
    return strcmp(target->account, header->account) == 0 && link_find_region(target, region, &ignored) == 0 &&
           strcmp(region, header->region) == 0;
}

const struct target *selection_target(const struct config *config, const struct run_header *header)
{
    const struct target *found = config_target(config, header->target);
    if (found != NULL && selection_is_in(found, header)) {
        return found;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        if (selection_is_in(&config->targets[i], header)) {
            return &config->targets[i];
        }
    }
    return NULL;
}

const struct policy *selection_policy(const struct config *config, const char *name,
                                      const struct target *target)
{
    const struct policy *policy = config_policy(config, name);
    for (size_t i = 0; policy != NULL && i < policy->target_count; i++) {
        if (&config->targets[policy->targets[i]] == target) {
            return policy;
        }
    }
    return NULL;
}
