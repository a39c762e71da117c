/* See policy/policy.h. */
#include "policy/policy.h"

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

static void finish_names(struct name_match *names)
{
    free_texts(names->include.patterns, names->include.count);
    free_texts(names->exclude.patterns, names->exclude.count);
}

static void finish_target(struct target *target)
{
    free(target->profile);
    free(target->endpoint_url);
    free(target->ca_bundle);
}

void policy_finish(struct policy *policy)
{
    free(policy->description);
    free(policy->canonical);
    free(policy->targets);
    free(policy->cron_text);
    finish_names(&policy->job_id);
    finish_names(&policy->thing);
}

void config_unref(struct config *config)
{
    if (config == NULL || --config->references > 0) {
        return;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        finish_target(&config->targets[i]);
    }
    for (size_t i = 0; i < config->policy_count; i++) {
        policy_finish(&config->policies[i]);
    }
    free(config->targets);
    free(config->policies);
    free(config->state_directory);
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
