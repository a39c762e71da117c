/* The way to one target. */
#include "app/link.h"

#include "aws/client.h"
#include "aws/credentials.h"
#include "aws/settings.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct link {
    struct link_config config; /* but for session_policy */
    char region[REGION_MAX + 1];
    char *session_policy; /* of the credentials */
    struct credentials_provider *credentials;
    struct aws_client *client;
    struct dispatcher *dispatcher;
    int64_t full_rates[OPERATION_COUNT];
};

/* The region of the settings; where it is wrong, err says where it stands. */
static int take_region(const struct settings *settings, char region[64], struct err *err)
{
    struct settings_region found;
    if (settings_region(settings, NULL, &found, err) == 0) {
        text_copy(region, sizeof found.name, found.name);
        return 0;
    }
    return found.where != NULL
               ? err_context(err, "%s", found.where)
               : err_set(err, err->code,
                         "no region: give the target one, set AWS_REGION, or set 'region' in profile '%s'",
                         settings_profile(settings));
}

int link_find_region(const struct target *target, char region[64], struct err *err)
{
    if (target->region[0] != '\0') {
        struct settings_region found;
        if (settings_region(NULL, target->region, &found, err) != 0) {
            return -1;
        }
        text_copy(region, sizeof found.name, found.name);
        return 0;
    }
    struct settings *settings = settings_load(NULL, target->profile, err);
    int result = settings != NULL ? take_region(settings, region, err) : -1;
    settings_free(settings);
    return result;
}

static uint64_t on_random(void *ctx)
{
    const struct env *env = ctx;
    return env->random(env->ctx, RANDOM_CREDENTIALS);
}

static int64_t on_wall_ms(void *ctx)
{
    const struct env *env = ctx;
    return env->wall_ms(env->ctx);
}

/* As the target has it, because a pseudo-region such as fips-us-east-1 says more than the region; NULL: that
 * of the settings, for the same reason. */
static const char *given_region(const struct target *target)
{
    return target->region[0] != '\0' ? target->region : NULL;
}

static struct credentials_provider *make_credentials(struct link *link, const char *session_policy)
{
    const struct target *target = link->config.target;
    const struct credentials_role role = {.role_arn = target->role_arn,
                                          .external_id = target->external_id,
                                          .session_name = target->session_name,
                                          .session_policy = session_policy};
    const struct credentials_config credentials = {.loop = world_loop(link->config.world),
                                                   .http = world_http(link->config.world),
                                                   .wall_ms = on_wall_ms,
                                                   .random = on_random,
                                                   .ctx = (void *)(uintptr_t)world_env(link->config.world),
                                                   .profile = target->profile,
                                                   .region = given_region(target),
                                                   .ca_bundle = target->ca_bundle,
                                                   .account = target->account,
                                                   .logged = world_is_service(link->config.world),
                                                   .role = target->role_arn != NULL ? &role : NULL,
                                                   .pace = link->config.pace};
    free(link->session_policy);
    link->session_policy = session_policy != NULL ? mem_strdup(session_policy) : NULL;
    return credentials_provider_create(&credentials);
}

/* Every call of the client comes from the dispatcher. */
static void on_answered(void *owner, const struct call *call)
{
    const struct link *link = owner;
    const struct dispatch *dispatch = call->owner;
    metrics_answered(link->config.metrics, link->config.target, call, dispatch->attempts > 1);
}

static struct aws_client *make_client(struct link *link, const struct link_config *config, struct err *err)
{
    const struct env *env = world_env(config->world);
    struct settings *settings = settings_load(NULL, config->target->profile, err);
    if (settings == NULL) {
        return NULL;
    }
    const struct aws_client_config client = {.http = world_http(config->world),
                                             .credentials = link->credentials,
                                             .wall_ms = env->wall_ms,
                                             .ctx = env->ctx,
                                             .settings = settings,
                                             .region = given_region(config->target),
                                             .endpoint_url = config->target->endpoint_url,
                                             .ca_bundle = config->target->ca_bundle,
                                             .with_quotas = config->with_quotas,

                                             .answered = config->metrics != NULL ? on_answered : NULL,
                                             .owner = link};
    struct aws_client *made = aws_client_create(&client, err);
    settings_free(settings);
    return made;
}

static struct dispatcher *make_dispatcher(const struct link *link, const struct link_config *config)
{
    struct dispatcher_config dispatcher = {.share_permille = config->target->share_permille,
                                           .exclusive = config->target->exclusive,
                                           .concurrency = config->target->concurrency,
                                           .read_attempts = config->read_attempts,
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
    link->config = *config;
    link->credentials = make_credentials(link, config->session_policy);
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
    free(link->session_policy);
    free(link);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

void link_scope(struct link *link, const char *session_policy)
{
    if (same_text(link->session_policy, session_policy)) {
        return;
    }
    struct credentials_provider *before = link->credentials;
    link->credentials = make_credentials(link, session_policy);
    aws_client_set_credentials(link->client, link->credentials);
    credentials_provider_destroy(before);
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

const struct target *link_target(const struct link *link)
{
    return link->config.target;
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

struct credentials_provider *link_credentials(const struct link *link)
{
    return link->credentials;
}

int link_compare_account(const struct target *target, const struct call *identity, struct err *err)
{
    if (identity->answer.class != ANSWER_DONE) {
        call_error(identity, err);
        return call_lacked_credentials(identity)
                   ? -1
                   : err_context(err, "the account of the credentials is not known");
    }
    if (target->account[0] == '\0' || strcmp(identity->account, target->account) == 0) {
        return 0;
    }
    return err_set(err, ERR_CREDENTIALS, "the credentials belong to account %s, not to %s as the target says",
                   identity->account, target->account);
}
