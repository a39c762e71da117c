/* See aws/credentials.h.
 *
 * The happy path: get() finds fresh credentials and answers at once; or it queues the waiter, asks the first
 * source, and each source's answer either serves all waiters or leads to the next source.
 *
 * The ways out: a source that fails ends the asking (as in the AWS CLI, so that broken settings are not
 * hidden by a source further down); when no source has any, every waiter learns which were asked. Nothing of
 * a failure is kept: the next get() asks again. */
#include "aws/credentials.h"

#include "aws/cred_source.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define FRESH_MS    60000 /* credentials with less left are asked for anew */
#define SOURCES_MAX 4

struct credentials_provider {
    struct credentials_config config;
    struct credentials_source *sources[SOURCES_MAX];
    int source_count;
    struct credentials credentials;
    bool have;
    struct credentials_waiter *waiters;
    bool asking;
    int at;         /* the source that is being asked */
    int64_t now_ms; /* of the get() that asked */
    struct credentials_fetch fetch;
};

void credentials_init(struct credentials *credentials)
{
    *credentials = (struct credentials){0};
}

static void wipe_text(char *text)
{
    if (text != NULL) {
        mem_wipe(text, strlen(text));
        free(text);
    }
}

void credentials_finish(struct credentials *credentials)
{
    wipe_text(credentials->access_key);
    wipe_text(credentials->secret_key);
    wipe_text(credentials->session_token);
    credentials_init(credentials);
}

void credentials_copy(struct credentials *to, const struct credentials *from)
{
    *to = *from;
    to->access_key = mem_strdup(from->access_key);
    to->secret_key = mem_strdup(from->secret_key);
    to->session_token = from->session_token != NULL ? mem_strdup(from->session_token) : NULL;
}

struct credentials_provider *credentials_provider_create(const struct credentials_config *config)
{
    struct credentials_provider *provider = mem_zalloc(sizeof *provider);
    const char *profile = config->profile;
    provider->config = *config;
    const char *chosen = profile != NULL ? profile : getenv("AWS_PROFILE");
    if (profile == NULL) {
        provider->sources[provider->source_count++] = credentials_from_environment();
    }
    bool named = chosen != NULL && *chosen != '\0';
    provider->sources[provider->source_count++] =
        credentials_from_shared_files(named ? chosen : "default", named);
    return provider;
}

void credentials_provider_destroy(struct credentials_provider *provider)
{
    if (provider == NULL) {
        return;
    }
    for (int i = 0; i < provider->source_count; i++) {
        provider->sources[i]->destroy(provider->sources[i]);
    }
    credentials_finish(&provider->credentials);
    free(provider);
}

static void serve_waiters(struct credentials_provider *provider, const struct err *err)
{
    provider->asking = false;
    while (provider->waiters != NULL) {
        struct credentials_waiter *waiter = provider->waiters;
        DL_DELETE(provider->waiters, waiter);
        waiter->credentials = err == NULL ? &provider->credentials : NULL;
        waiter->err = err == NULL ? (struct err){0} : *err;
        waiter->done(waiter);
    }
}

static void none_had_any(struct credentials_provider *provider)
{
    struct buf names;
    struct err err;
    buf_init(&names, 256);
    for (int i = 0; i < provider->source_count; i++) {
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", provider->sources[i]->name);
    }
    err_set(&err, ERR_CREDENTIALS, "no credentials found; asked: %s", buf_string(&names));
    buf_finish(&names);
    serve_waiters(provider, &err);
}

static bool expired(const struct credentials *credentials, int64_t now_ms)
{
    return credentials->expires_ms != 0 && credentials->expires_ms <= now_ms;
}

static void ask_source(struct credentials_provider *provider);

static void on_fetched(struct credentials_fetch *fetch)
{
    struct credentials_provider *provider = fetch->owner;
    if (fetch->err.code != ERR_NONE) {
        struct err err = fetch->err;
        credentials_finish(&fetch->credentials);
        serve_waiters(provider, &err);
    } else if (fetch->found && expired(&fetch->credentials, provider->now_ms)) {
        struct err err;
        err_set(&err, ERR_CREDENTIALS, "the credentials of the %s have expired", fetch->credentials.source);
        credentials_finish(&fetch->credentials);
        serve_waiters(provider, &err);
    } else if (fetch->found) {
        credentials_finish(&provider->credentials);
        provider->credentials = fetch->credentials;
        provider->have = true;
        serve_waiters(provider, NULL);
    } else {
        provider->at++;
        ask_source(provider);
    }
}

static void ask_source(struct credentials_provider *provider)
{
    if (provider->at == provider->source_count) {
        none_had_any(provider);
        return;
    }
    provider->fetch = (struct credentials_fetch){.done = on_fetched, .owner = provider};
    provider->sources[provider->at]->fetch(provider->sources[provider->at], &provider->fetch);
}

static bool fresh(const struct credentials_provider *provider, int64_t now_ms)
{
    const struct credentials *credentials = &provider->credentials;
    return provider->have && (credentials->expires_ms == 0 || credentials->expires_ms - now_ms >= FRESH_MS);
}

void credentials_get(struct credentials_provider *provider, struct credentials_waiter *waiter)
{
    int64_t now_ms = provider->config.wall_ms(provider->config.ctx);
    DL_APPEND(provider->waiters, waiter);
    if (fresh(provider, now_ms)) {
        serve_waiters(provider, NULL);
    } else if (!provider->asking) {
        provider->asking = true;
        provider->at = 0;
        provider->now_ms = now_ms;
        ask_source(provider);
    }
}

void credentials_expired(struct credentials_provider *provider, const char *access_key)
{
    if (provider->have && strcmp(provider->credentials.access_key, access_key) == 0) {
        provider->have = false;
    }
}

const char *credentials_fault_name(enum credentials_fault fault)
{
    static const char *const names[CREDENTIALS_FAULT_COUNT] = {
        [CREDENTIALS_OK] = "",
        [CREDENTIALS_NONE] = "NoCredentials",
        [CREDENTIALS_PARTIAL] = "PartialCredentials",
        [CREDENTIALS_PROFILE_NOT_FOUND] = "ProfileNotFound",
        [CREDENTIALS_CONFIG_PARSE] = "ConfigParseError",
        [CREDENTIALS_INVALID_CONFIG] = "InvalidConfig",
        [CREDENTIALS_RETRIEVAL] = "CredentialRetrieval",
    };
    return names[fault];
}
