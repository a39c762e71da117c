/* See app/online.h.
 *
 * The happy path: app/whoami asks whose credentials a target has and calls on_visit() -> all probes go to the
 * target's lanes -> on_probe() keeps each answer -> leave(), with the last.
 *
 * The ways out: a target that whoami has an error for is not visited; whatever a probe is answered, it counts
 * as answered.
 */
#include "app/online.h"

#include "app/scope.h"
#include "app/selection.h"
#include "base/mem.h"
#include "engine/guard.h"

#include <stdlib.h>

/* Of roles: what the probes ask for, and nothing that deletes. */
static const char LOOK_ONLY[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"sts:GetCallerIdentity\","
    "\"iot:ListJobs\",\"iot:ListThings\",\"iot:DescribeJob\",\"iot:ListJobExecutionsForJob\","
    "\"iot:ListJobExecutionsForThing\",\"iot:DescribeThing\",\"iot:ListThingsInThingGroup\","
    "\"iot:SearchIndex\",\"iot:DescribeJobExecution\",\"servicequotas:GetServiceQuota\"],"
    "\"Resource\":\"*\"}]}";

struct asking {
    struct online *online;
    const struct env *env;
    const struct config *config;
};

struct visit {
    struct online_target *target;
    struct whoami_visit *whoami;
    struct dispatch *dispatches; /* by the number of the probe */
    size_t answered;
    struct dispatch quota;
    int quota_of; /* the operation that is next */
};

/* --- what is asked --- */

static uint64_t on_random(void *ctx)
{
    const struct env *env = ctx;
    return env->random(env->ctx, RANDOM_CREDENTIALS);
}

static bool covers(const struct policy *policy, const struct config *config, const struct target *target)
{
    for (size_t i = 0; i < policy->target_count; i++) {
        if (&config->targets[policy->targets[i]] == target) {
            return true;
        }
    }
    return false;
}

/* All that the policies need there, as one document: what several need is asked once. */
static void make_probes(const struct asking *asking, const struct target *target, struct probe_list *list)
{
    const struct config *config = asking->config;
    struct scope *scopes = mem_calloc(config->policy_count, sizeof *scopes);
    struct iam_scope *wanted = mem_calloc(config->policy_count, sizeof *wanted);
    size_t count = 0;
    for (size_t i = 0; i < config->policy_count; i++) {
        const struct selected pair = {.policy = &config->policies[i], .target = target};
        if (covers(pair.policy, config, target)) {
            scope_init(&scopes[count], pair.policy, target,
                       (struct scope_use){.deletes = selection_deletes(&pair, NULL)});
            wanted[count] = scopes[count].iam;
            count++;
        }
    }
    probe_list_init(list, wanted, count, on_random, (void *)(uintptr_t)asking->env);
    free(wanted);
    free(scopes);
}

/* --- asking --- */

static void worsen(struct online_target *target, enum exit_status status)
{
    target->status = exit_status_worse(target->status, status);
}

/* STS answers with a Date too, so that it is known even where no policy runs. */
static void look_at_clock(struct online_target *target, const struct dispatcher *dispatcher)
{
    target->clock_known = dispatcher_service_ms(dispatcher) != 0;
    target->skew_ms = dispatcher_skew_ms(dispatcher);
    if (guard_clock(target->clock_known, target->skew_ms, &target->clock) != 0) {
        worsen(target, EXIT_FAILED);
    }
}

static void leave(struct visit *visit)
{
    look_at_clock(visit->target, link_dispatcher(visit->whoami->link));
    whoami_leave(visit->whoami);
    free(visit->dispatches);
    free(visit);
}

/* --- quotas --- */

static bool has_quota(const struct visit *visit, enum operation operation)
{
    const char *service;
    return visit->target->probes.needed[operation] && operation_quota_code(operation, &service) != NULL;
}

static void take_quota(struct online_target *target, const struct call *call)
{
    const int64_t *configured = &target->identity->target->quota_per_1000s[call->quota_of];
    target->quotas[target->quota_count++] = (struct online_quota){
        .operation = call->quota_of,
        .configured = *configured != 0,
        .used = *configured != 0 ? *configured : (int64_t)operation_default_quota(call->quota_of) * 1000,
        .of_account = call->quota_per_1000s};
}

static void ask_quota(struct visit *visit);

static void on_quota(struct dispatch *dispatch)
{
    struct visit *visit = dispatch->owner;
    enum answer_class class = dispatch->call.answer.class;
    bool answered = class == ANSWER_DONE || class == ANSWER_GONE;
    if (answered) {
        take_quota(visit->target, &dispatch->call);
    } else {
        call_error(&dispatch->call, &visit->target->quotas_failed);
    }
    call_finish(&dispatch->call);
    visit->quota_of = answered ? visit->quota_of + 1 : OPERATION_COUNT;
    ask_quota(visit);
}

static void ask_quota(struct visit *visit)
{
    while (visit->quota_of < OPERATION_COUNT && !has_quota(visit, (enum operation)visit->quota_of)) {
        visit->quota_of++;
    }
    if (visit->quota_of == OPERATION_COUNT) {
        leave(visit);
        return;
    }
    visit->quota = (struct dispatch){.done = on_quota, .owner = visit};
    call_init(&visit->quota.call, OPERATION_GET_SERVICE_QUOTA);
    visit->quota.call.quota_of = (enum operation)visit->quota_of;
    dispatcher_submit(link_dispatcher(visit->whoami->link), &visit->quota);
}

/* --- permissions --- */

static void on_probe(struct dispatch *dispatch)
{
    struct visit *visit = dispatch->owner;
    struct probe *probe = &visit->target->probes.probes[dispatch - visit->dispatches];
    probe_take(probe, &dispatch->call);
    worsen(visit->target, probe->status);
    call_finish(&dispatch->call);
    visit->answered++;
    if (visit->answered == visit->target->probes.count) {
        ask_quota(visit);
    }
}

static void on_visit(void *owner, struct whoami_visit *whoami)
{
    const struct asking *asking = owner;
    struct visit *visit = mem_zalloc(sizeof *visit);
    visit->target = &asking->online->targets[whoami->number];
    visit->target->identity = whoami->identity;
    visit->whoami = whoami;
    make_probes(asking, whoami->identity->target, &visit->target->probes);
    size_t count = visit->target->probes.count;
    visit->dispatches = mem_calloc(count + 1, sizeof *visit->dispatches);
    for (size_t i = 0; i < count; i++) {
        visit->dispatches[i] = (struct dispatch){.done = on_probe, .owner = visit};
        probe_ask(&visit->target->probes.probes[i], &visit->dispatches[i].call);
        dispatcher_submit(link_dispatcher(whoami->link), &visit->dispatches[i]);
    }
    if (count == 0) {
        ask_quota(visit);
    }
}

/* --- the face --- */

void online_ask(struct online *online, struct world *world, const struct config *config,
                const char *target_name)
{
    struct asking asking = {.online = online, .env = world_env(world), .config = config};
    *online = (struct online){.targets = mem_calloc(config->target_count + 1, sizeof *online->targets)};
    online->identities = whoami_ask(&(struct whoami_config){.world = world,
                                                            .config = config,
                                                            .target_name = target_name,
                                                            .session_policy = LOOK_ONLY,
                                                            .follow = on_visit,
                                                            .owner = &asking},
                                    &online->count);
    for (size_t i = 0; i < online->count; i++) {
        struct online_target *target = &online->targets[i];
        target->identity = &online->identities[i];
        worsen(target, target->identity->status);
        online->failed += target->status != EXIT_FINE;
        online->status = exit_status_worse(online->status, target->status);
    }
}

void online_finish(struct online *online)
{
    for (size_t i = 0; i < online->count; i++) {
        probe_list_finish(&online->targets[i].probes);
    }
    free(online->targets);
    free(online->identities);
    *online = (struct online){0};
}
