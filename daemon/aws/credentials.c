/* See aws/credentials.h.
 *
 * The happy path: get() finds fresh credentials and answers at once. Near their end it asks in the background
 * and still answers with what is there. Without any, or very near the end, the waiters queue: the plan says
 * which source comes first and which roles are assumed with what it yields; step by step each is asked, and
 * the last one's answer serves all waiters. Once it is known whose they are, another access key is only taken
 * when STS names the same account for it.
 *
 * The ways out: a step that fails ends the asking, as in the AWS CLI, so that broken settings are not hidden
 * by a source further down. Old credentials that still last are used on then, which is logged once, and the
 * next asking is put off a little. Without such every waiter gets the error, of which nothing is kept: the
 * next get() asks again. destroy() gives up what is being asked, and the struct goes with its last callback.
 */
#include "aws/credentials.h"

#include "aws/cred_plan.h"
#include "aws/cred_source.h"
#include "aws/cred_window.h"
#include "aws/session_cache.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum provider_state { PROVIDER_IDLE, PROVIDER_ASKING, PROVIDER_CLOSING };

struct credentials_provider {
    enum provider_state state;
    struct credentials_config config; /* its strings are ours */
    struct credentials_role role;
    struct credentials credentials;
    bool have;
    bool refused; /* the service does not take these any more */
    struct cred_window window;
    int64_t not_before_ms; /* no other asking before this, as long as the old credentials last */
    bool warned;           /* that they could not be refreshed */
    struct credentials_waiter *waiters;
    /* of the asking under way */
    struct cred_plan plan;
    int at; /* the step */
    struct credentials_source *source;
    struct credentials_fetch fetch;
    struct credentials between; /* what the step before yielded, or whose account is being asked */
    /* whose they must be; verified: an access key that is theirs, NULL before the first is known */
    char account[ACCOUNT_LENGTH + 1];
    char *verified;
    struct sso_kept kept;
};

/* --- credentials --- */

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
    *credentials = (struct credentials){0};
}

void credentials_copy(struct credentials *to, const struct credentials *from)
{
    *to = *from;
    to->access_key = mem_strdup(from->access_key);
    to->secret_key = mem_strdup(from->secret_key);
    to->session_token = from->session_token != NULL ? mem_strdup(from->session_token) : NULL;
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
        [CREDENTIALS_SERVICE] = "ClientError",
    };
    return names[fault];
}

/* --- the provider --- */

static void set_state(struct credentials_provider *provider, enum provider_state state)
{
    provider->state = state;
}

static int64_t now_ms(const struct credentials_provider *provider)
{
    return provider->config.wall_ms(provider->config.ctx);
}

static char *copy(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

struct credentials_provider *credentials_provider_create(const struct credentials_config *config)
{
    struct credentials_provider *provider = mem_zalloc(sizeof *provider);
    provider->config = *config;
    provider->config.profile = copy(config->profile);
    provider->config.region = copy(config->region);
    provider->config.sts_endpoint_url = copy(config->sts_endpoint_url);
    provider->config.ca_bundle = copy(config->ca_bundle);
    text_copy(provider->account, sizeof provider->account, config->account != NULL ? config->account : "");
    provider->config.account = provider->account;
    if (config->role != NULL) {
        provider->role = (struct credentials_role){.role_arn = copy(config->role->role_arn),
                                                   .external_id = copy(config->role->external_id),
                                                   .session_name = copy(config->role->session_name),
                                                   .duration_s = config->role->duration_s,
                                                   .session_policy = copy(config->role->session_policy)};
        provider->config.role = &provider->role;
    }
    return provider;
}

static void free_provider(struct credentials_provider *provider)
{
    const char *texts[] = {provider->config.profile,          provider->config.region,
                           provider->config.sts_endpoint_url, provider->config.ca_bundle,
                           provider->role.role_arn,           provider->role.external_id,
                           provider->role.session_name,       provider->role.session_policy};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free((char *)(uintptr_t)texts[i]);
    }
    credentials_finish(&provider->credentials);
    free(provider->verified);
    sso_kept_finish(&provider->kept);
    free(provider);
}

void credentials_provider_destroy(struct credentials_provider *provider)
{
    if (provider == NULL) {
        return;
    }
    if (provider->state == PROVIDER_IDLE) {
        free_provider(provider);
        return;
    }
    set_state(provider, PROVIDER_CLOSING);
    provider->source->cancel(provider->source); /* one that takes time has it */
}

/* --- serving --- */

static void serve(struct credentials_provider *provider, enum credentials_fault fault, const struct err *err)
{
    while (provider->waiters != NULL) {
        struct credentials_waiter *waiter = provider->waiters;
        DL_DELETE(provider->waiters, waiter);
        waiter->credentials = err == NULL ? &provider->credentials : NULL;
        waiter->fault = fault;
        waiter->err = err == NULL ? (struct err){0} : *err;
        waiter->done(waiter);
    }
}

static bool lasts(const struct credentials_provider *provider)
{
    return provider->have && !provider->refused &&
           cred_window_phase(&provider->window, now_ms(provider)) != CRED_LAST;
}

static void stop_asking(struct credentials_provider *provider)
{
    credentials_finish(&provider->between);
    cred_plan_finish(&provider->plan);
    set_state(provider, PROVIDER_IDLE);
}

static void fail(struct credentials_provider *provider, enum credentials_fault fault, const struct err *err)
{
    stop_asking(provider);
    if (!lasts(provider)) {
        serve(provider, fault, err);
        return;
    }
    if (!provider->warned) {
        log_event(LOG_WARNING, "credentials not refreshed, the old ones are used", "source=%s reason=%s",
                  provider->credentials.source, err->msg);
    }
    provider->warned = true;
    provider->not_before_ms =
        now_ms(provider) + cred_window_rest_ms(now_ms(provider), provider->credentials.expires_ms);
    serve(provider, CREDENTIALS_OK, NULL);
}

static void fail_expired(struct credentials_provider *provider, struct credentials *credentials)
{
    struct err err;
    if (provider->have) {
        err_set(&err, ERR_CREDENTIALS,
                "Credentials were refreshed, but the refreshed credentials are still expired. (%s)",
                credentials->source);
    } else {
        err_set(&err, ERR_CREDENTIALS, "the credentials of the %s have expired", credentials->source);
    }
    credentials_finish(credentials);
    fail(provider, CREDENTIALS_RETRIEVAL, &err);
}

static void verify(struct credentials_provider *provider, const char *access_key)
{
    free(provider->verified);
    provider->verified = mem_strdup(access_key);
}

static void install(struct credentials_provider *provider, struct credentials *credentials)
{
    const struct credentials_config *config = &provider->config;
    int64_t now = now_ms(provider);
    if (provider->verified != NULL) {
        verify(provider, credentials->access_key);
    }
    credentials_finish(&provider->credentials);
    provider->credentials = *credentials;
    provider->have = true;
    provider->refused = provider->warned = false;
    provider->not_before_ms = 0;
    cred_window_set(&provider->window, now, credentials->expires_ms,
                    config->random != NULL ? config->random(config->ctx) : 0);
    stop_asking(provider);
    serve(provider, CREDENTIALS_OK, NULL);
}

/* --- whose they are --- */

/* Files, programs and services can hand out another account's at any time; a role's sessions are the role's.
 */
static bool is_known(const struct credentials_provider *provider, const struct credentials *credentials)
{
    const struct cred_step *last = &provider->plan.steps[provider->plan.count - 1];
    const bool role = last->kind == CRED_ROLE || last->kind == CRED_WEB_IDENTITY;
    char account[ACCOUNT_LENGTH + 1];
    return provider->verified == NULL || strcmp(provider->verified, credentials->access_key) == 0 ||
           (role && cred_step_account(last, account) && strcmp(account, provider->account) == 0);
}

static void fail_other_account(struct credentials_provider *provider, const char *account)
{
    struct err err;
    err_set(&err, ERR_CREDENTIALS, "the new credentials of %s belong to account %s, not to %s as before",
            provider->between.source, account, provider->account);
    fail(provider, CREDENTIALS_RETRIEVAL, &err);
}

/* false when the provider was on its way out, and is gone. */
static bool end_step(struct credentials_provider *provider)
{
    provider->source->destroy(provider->source);
    provider->source = NULL;
    if (provider->state == PROVIDER_CLOSING) {
        stop_asking(provider);
        free_provider(provider);
        return false;
    }
    return true;
}

static void on_identity(struct credentials_fetch *fetch)
{
    struct credentials_provider *provider = fetch->owner;
    if (!end_step(provider)) {
        return;
    }
    if (fetch->fault != CREDENTIALS_OK) {
        struct err err = fetch->err;
        fail(provider, fetch->fault, &err);
    } else if (strcmp(fetch->account, provider->account) != 0) {
        fail_other_account(provider, fetch->account);
    } else {
        struct credentials credentials = provider->between;
        provider->between = (struct credentials){0};
        install(provider, &credentials);
    }
}

static void succeed(struct credentials_provider *provider, struct credentials *credentials)
{
    if (credentials->expires_ms != 0 && credentials->expires_ms <= now_ms(provider)) {
        fail_expired(provider, credentials);
    } else if (is_known(provider, credentials)) {
        install(provider, credentials);
    } else {
        credentials_finish(&provider->between);
        provider->between = *credentials;
        provider->source = cred_identity(&provider->config, &provider->between);
        provider->fetch = (struct credentials_fetch){.done = on_identity, .owner = provider};
        provider->source->fetch(provider->source, &provider->fetch);
    }
}

void credentials_identified(struct credentials_provider *provider, const char *access_key,
                            const char *account)
{
    if (provider->account[0] == '\0') {
        text_copy(provider->account, sizeof provider->account, account);
    }
    if (provider->verified != NULL || strcmp(provider->account, account) != 0) {
        return;
    }
    verify(provider, access_key);
    if (provider->have && strcmp(provider->credentials.access_key, access_key) != 0) {
        provider->refused = true; /* they came while STS was being asked about others */
    }
}

/* --- asking --- */

/* reason: why the last source had none; "" when none was asked. */
static void fail_none(struct credentials_provider *provider, const char *reason)
{
    const struct cred_plan *plan = &provider->plan;
    const struct cred_step *next = &plan->steps[provider->at + 1];
    struct err err;
    if (plan->count > 1 && next->profile != NULL) { /* a role of a profile, and its source is named there */
        err_set(&err, ERR_CREDENTIALS,
                "Error when retrieving credentials from Ec2InstanceMetadata: No credentials found in "
                "credential_source referenced in profile %.100s (%s)",
                next->profile, reason);
        fail(provider, CREDENTIALS_RETRIEVAL, &err);
        return;
    }
    err_set(&err, ERR_CREDENTIALS, "no credentials found; %s%s%.80s", plan->passed,
            reason[0] != '\0' ? "; " : "", reason);
    fail(provider, CREDENTIALS_NONE, &err);
}

static void ask_step(struct credentials_provider *provider);

/* The step has yielded these. */
static void advance(struct credentials_provider *provider, struct credentials *found)
{
    if (++provider->at == provider->plan.count) {
        succeed(provider, found);
        return;
    }
    credentials_finish(&provider->between);
    provider->between = *found;
    ask_step(provider);
}

static void on_fetched(struct credentials_fetch *fetch)
{
    struct credentials_provider *provider = fetch->owner;
    struct credentials found = fetch->credentials;
    fetch->credentials = (struct credentials){0};
    if (!end_step(provider)) {
        credentials_finish(&found);
        return;
    }
    if (fetch->fault != CREDENTIALS_OK) {
        struct err err = fetch->err;
        fail(provider, fetch->fault, &err);
    } else if (!fetch->found) {
        fail_none(provider, fetch->err.msg);
    } else {
        if (provider->config.cli_cache) {
            session_cache_write(&provider->plan.steps[provider->at], &found, fetch->skew_ms);
        }
        advance(provider, &found);
    }
}

static struct credentials_source *make_source(struct credentials_provider *provider,
                                              const struct cred_step *step)
{
    switch (step->kind) {
    case CRED_KEYS:
        return cred_keys(step);
    case CRED_PROCESS:
        return cred_process(&provider->config, step);
    case CRED_SSO:
        return cred_sso(&provider->config, step, &provider->kept);
    case CRED_WEB_IDENTITY:
        return cred_sts(&provider->config, step, NULL);
    case CRED_CONTAINER:
        return cred_container(&provider->config, step);
    case CRED_INSTANCE:
        return cred_instance(&provider->config, step);
    case CRED_ROLE:
        return cred_sts(&provider->config, step, &provider->between);
    default:
        return cred_environment();
    }
}

static void ask_step(struct credentials_provider *provider)
{
    provider->source = make_source(provider, &provider->plan.steps[provider->at]);
    provider->fetch = (struct credentials_fetch){.done = on_fetched, .owner = provider};
    provider->source->fetch(provider->source, &provider->fetch);
}

/* From the last step whose session the AWS CLI or an earlier call has kept, as the AWS CLI. */
static void begin(struct credentials_provider *provider)
{
    const bool may = provider->config.cli_cache && !provider->refused;
    struct credentials kept;
    for (int i = provider->plan.count - 1; may && i >= 0; i--) {
        if (session_cache_read(&provider->plan.steps[i], now_ms(provider), &kept)) {
            provider->at = i;
            advance(provider, &kept);
            return;
        }
    }
    ask_step(provider);
}

/* The files are read at each asking, so that new settings and keys are found without a restart. */
static void ask(struct credentials_provider *provider)
{
    enum credentials_fault fault = CREDENTIALS_CONFIG_PARSE;
    struct err err;
    struct profiles *profiles = profiles_load(&err);
    set_state(provider, PROVIDER_ASKING);
    provider->at = 0;
    int result = -1;
    if (profiles != NULL) {
        result = cred_plan_make(&provider->plan, profiles, NULL, provider->config.profile,
                                provider->config.role, provider->config.ask_code != NULL, &fault, &err);
    }
    profiles_free(profiles);
    if (result != 0) {
        err.code = ERR_CREDENTIALS;
        fail(provider, fault, &err);
    } else if (provider->plan.count == 0) {
        fail_none(provider, "");
    } else {
        begin(provider);
    }
}

void credentials_get(struct credentials_provider *provider, struct credentials_waiter *waiter)
{
    int64_t now = now_ms(provider);
    enum cred_phase phase =
        provider->have && !provider->refused ? cred_window_phase(&provider->window, now) : CRED_LAST;
    bool put_off = phase != CRED_LAST && now < provider->not_before_ms;
    DL_APPEND(provider->waiters, waiter);
    if (phase != CRED_FRESH && !put_off && provider->state == PROVIDER_IDLE) {
        ask(provider);
    }
    /* what is left has to wait, unless these will do */
    if (phase == CRED_FRESH || phase == CRED_EARLY || put_off) {
        serve(provider, CREDENTIALS_OK, NULL);
    }
}

int64_t credentials_end_ms(const struct credentials_provider *provider)
{
    return provider->have ? provider->credentials.expires_ms : 0;
}

void credentials_expired(struct credentials_provider *provider, const char *access_key)
{
    if (provider->have && strcmp(provider->credentials.access_key, access_key) == 0) {
        provider->refused = true;
    }
}
