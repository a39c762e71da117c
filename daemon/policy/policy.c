/* See policy/policy.h. */
#include "policy/policy.h"

#include "policy/glob.h"
#include "policy/zone.h"

#include <stdlib.h>
#include <string.h>

struct config *config_ref(struct config *config)
{
    config->references++;
    return config;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

void pattern_list_finish(struct pattern_list *list)
{
    free_texts(list->patterns, list->count);
    *list = (struct pattern_list){0};
}

static void finish_names(struct name_match *names)
{
    pattern_list_finish(&names->include);
    pattern_list_finish(&names->exclude);
}

static void finish_blocks(struct match *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        match_finish(&blocks[i]);
    }
    free(blocks);
}

void match_finish(struct match *match)
{
    finish_names(&match->job_id);
    finish_names(&match->thing);
    pattern_list_finish(&match->groups);
    pattern_list_finish(&match->types);
    for (size_t i = 0; i < match->attributes.count; i++) {
        free(match->attributes.items[i].name);
        free(match->attributes.items[i].value);
    }
    free(match->attributes.items);
    free(match->namespace_id);
    free(match->query);
    finish_blocks(match->any_of, match->any_of_count); /* as deep as a file nests */
    finish_blocks(match->none_of, match->none_of_count);
    *match = (struct match){0};
}

static void protect_finish(struct protect_rule *rule)
{
    pattern_list_finish(&rule->job_ids);
    pattern_list_finish(&rule->things);
    pattern_list_finish(&rule->groups);
    free(rule->reason);
}

void target_finish(struct target *target)
{
    pattern_list_finish(&target->accounts);
    pattern_list_finish(&target->regions);
    free(target->profile);
    free(target->role_arn);
    free(target->external_id);
    free(target->session_name);
    free(target->endpoint_url);
    free(target->ca_bundle);
}

void policy_finish(struct policy *policy)
{
    free(policy->description);
    free(policy->canonical);
    free(policy->selection);
    pattern_list_finish(&policy->target_names);
    free(policy->targets);
    free(policy->cron_text);
    free(policy->timezone);
    zone_destroy(policy->zone);
    match_finish(&policy->match);
    free(policy->keep);
    pattern_list_finish(&policy->finish_exec);
    free(policy->archive_directory);
}

void config_unref(struct config *config)
{
    if (config == NULL || --config->references > 0) {
        return;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        target_finish(&config->targets[i]);
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        policy_finish(&config->policies[i]);
    }
    for (size_t i = 0; i < config->protect.count; i++) {
        protect_finish(&config->protect.rules[i]);
    }
    free(config->targets);
    free(config->policies);
    free(config->protect.rules);
    free(config->state_directory);
    free(config->control_socket);
    free_texts(config->files, config->file_count);
    free(config);
}

const struct policy *config_policy(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->policy_count; i++) {
        if (strcmp(config->policies[i].name, name) == 0) {
            return &config->policies[i];
        }
    }
    return NULL;
}

const struct target *config_target(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->target_count; i++) {
        if (strcmp(config->targets[i].name, name) == 0) {
            return &config->targets[i];
        }
    }
    return NULL;
}

bool target_is_called(const struct target *target, const char *name)
{
    return strcmp(target->name, name) == 0 || strcmp(target->entry, name) == 0 ||
           glob_match(name, target->name);
}
