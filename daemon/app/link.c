/* The way to one target. */
#include "app/link.h"

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct link {
    char region[64];
    struct credentials_provider *credentials;
    struct aws_client *client;
    struct dispatcher *dispatcher;
    int64_t full_rates[OPERATION_COUNT];
};

int link_find_region(const struct target *target, char region[64], struct err *err)
{
    if (target->region[0] == '\0') {
        return endpoint_region(target->profile, region, err);
    }
    text_copy(region, sizeof target->region, target->region);
    return 0;
}

static struct aws_client *make_client(const struct link *link, const struct link_config *config,
                                      struct err *err)
{
    const struct env *env = world_env(config->world);
    const struct aws_client_config client = {.http = world_http(config->world),
                                             .credentials = link->credentials,
                                             .wall_ms = env->wall_ms,
                                             .ctx = env->ctx,
                                             .region = link->region,
                                             .endpoint_url = config->target->endpoint_url,
                                             .ca_bundle = config->target->ca_bundle};
    return aws_client_create(&client, err);
}

static struct dispatcher *make_dispatcher(const struct link *link, const struct link_config *config)
{
    struct dispatcher_config dispatcher = {.share_permille = config->target->share_permille,
                                           .concurrency = config->target->concurrency,
                                           .episode = config->episode,
                                           .episode_owner = config->owner};
    memcpy(dispatcher.quota_per_1000s, config->target->quota_per_1000s, sizeof dispatcher.quota_per_1000s);
    return dispatcher_create(world_env(config->world), aws_client_service(link->client), &dispatcher);
}

struct link *link_create(const struct link_config *config, struct err *err)
{
    struct link *link = mem_zalloc(sizeof *link);
    if (link_find_region(config->target, link->region, err) != 0) {
        goto fail;
    }
    if (config->target->role_arn != NULL) {
        err_set(err, ERR_INVALID, "role_arn is not known to this version of jobsweep");
        goto fail;
    }
    link->credentials = credentials_provider_create(config->target->profile);
    link->client = make_client(link, config, err);
    if (link->client == NULL) {
        goto fail;
    }
    link->dispatcher = make_dispatcher(link, config);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        link->full_rates[i] = dispatcher_learned_rate(link->dispatcher, (enum operation)i);
    }
    return link;
fail:
    link_destroy(link);
    return NULL;
}

void link_destroy(struct link *link)
{
    if (link == NULL) {
        return;
    }
    dispatcher_destroy(link->dispatcher);
    aws_client_destroy(link->client);
    credentials_provider_destroy(link->credentials);
    free(link);
}

void link_learned(const struct link *link, int64_t rates[OPERATION_COUNT])
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        int64_t rate = dispatcher_learned_rate(link->dispatcher, (enum operation)i);
        rates[i] = rate < link->full_rates[i] ? rate : 0;
    }
}

void link_learn(struct link *link, const int64_t rates[OPERATION_COUNT])
{
    for (int i = 0; i < OPERATION_COUNT; i++) {
        if (rates[i] > 0) {
            dispatcher_set_learned_rate(link->dispatcher, (enum operation)i, rates[i]);
        }
    }
}

struct dispatcher *link_dispatcher(const struct link *link)
{
    return link->dispatcher;
}

const char *link_region(const struct link *link)
{
    return link->region;
}

const char *link_host(const struct link *link, enum operation operation)
{
    return aws_client_host(link->client, operation);
}
