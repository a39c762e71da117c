/* See app/whoami.h.
 *
 * The happy path: begin() makes a link -> on_turn() -> on_identity() compares the account ->
 * on_credentials() keeps where they come from -> the caller's follow(), where there is one -> finish(), which
 * lets the link go and begins with the next.
 *
 * The ways out: no link, no answer, and no credentials are kept as the target's error and end it the same
 * way.
 */
#include "app/whoami.h"

#include "app/link.h"
#include "app/sts_pace.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

#define AT_ONCE      64
#define FEW_ATTEMPTS 3 /* somebody waits for the answer */

/* A session that can be asked for its name and for nothing else. */
static const char NOTHING_ELSE[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:GetCallerIdentity\","
    "\"Resource\":\"*\"}]}";

struct asking {
    struct whoami *whoami;
    struct identity *identity;
    struct link *link;
    struct whoami_visit visit;
    struct credentials_turn turn;
    struct dispatch dispatch;
    struct credentials_waiter waiter;
    struct env_timer end; /* a link is not destroyed by what calls from inside of it */
};

struct whoami {
    struct whoami_config config;
    const struct env *env;
    struct sts_pace *pace;
    struct identity *identities;
    size_t count, begun, ended;
};

static void begin_some(struct whoami *whoami);

static void on_end(struct env_timer *timer)
{
    struct asking *asking = timer->owner;
    struct whoami *whoami = asking->whoami;
    call_finish(&asking->dispatch.call);
    link_destroy(asking->link);
    free(asking);
    whoami->ended++;
    begin_some(whoami);
    if (whoami->ended == whoami->count) {
        world_stop(whoami->config.world);
    }
}

static void finish(struct asking *asking)
{
    const struct env *env = asking->whoami->env;
    asking->end = (struct env_timer){.fire = on_end, .owner = asking};
    env->start(env->ctx, &asking->end, env->mono_ns(env->ctx));
}

static void on_credentials(struct credentials_waiter *waiter)
{
    struct asking *asking = waiter->owner;
    struct identity *identity = asking->identity;
    if (waiter->credentials != NULL) {
        text_copy(identity->source, sizeof identity->source, waiter->credentials->source);
        identity->expires_ms = waiter->credentials->expires_ms;
    } else if (identity->err.code == ERR_NONE) {
        identity->err = waiter->err;
        identity->status = EXIT_DENIED;
    }
    if (asking->whoami->config.follow == NULL || identity->err.code != ERR_NONE) {
        finish(asking);
        return;
    }
    asking->visit = (struct whoami_visit){.identity = identity,
                                          .number = (size_t)(identity - asking->whoami->identities),
                                          .link = asking->link,
                                          .asking = asking};
    asking->whoami->config.follow(asking->whoami->config.owner, &asking->visit);
}

void whoami_leave(struct whoami_visit *visit)
{
    finish(visit->asking);
}

/* An answer that never came says nothing about the credentials. */
static enum exit_status status_of(const struct call *call, int compared)
{
    bool silent = call->answer.class == ANSWER_NOT_SENT || call->answer.class == ANSWER_AMBIGUOUS;
    return compared == 0                                   ? EXIT_FINE
           : silent || call->answer.class == ANSWER_SKEWED ? EXIT_FAILED
                                                           : EXIT_DENIED;
}

static void on_identity(struct dispatch *dispatch)
{
    struct asking *asking = dispatch->owner;
    struct identity *identity = asking->identity;
    int compared = link_compare_account(identity->target, &dispatch->call, &identity->err);
    identity->status = status_of(&dispatch->call, compared);
    if (dispatch->call.answer.class != ANSWER_DONE) {
        finish(asking);
        return;
    }
    text_copy(identity->account, sizeof identity->account, dispatch->call.account);
    text_copy(identity->arn, sizeof identity->arn, dispatch->call.arn);
    asking->waiter = (struct credentials_waiter){.done = on_credentials, .owner = asking};
    credentials_get(link_credentials(asking->link), &asking->waiter);
}

static void on_turn(struct credentials_turn *turn)
{
    struct asking *asking = turn->owner;
    const struct credentials_pace *pace = sts_pace_face(asking->whoami->pace, STS_LAST);
    pace->release(pace->ctx, turn);
    asking->dispatch = (struct dispatch){.done = on_identity, .owner = asking};
    call_init(&asking->dispatch.call, OPERATION_GET_CALLER_IDENTITY);
    dispatcher_submit(link_dispatcher(asking->link), &asking->dispatch);
}

static void begin(struct whoami *whoami, struct identity *identity)
{
    struct asking *asking = mem_zalloc(sizeof *asking);
    const struct credentials_pace *pace = sts_pace_face(whoami->pace, STS_LAST);
    const struct target *target = identity->target;
    const char *session =
        whoami->config.session_policy != NULL ? whoami->config.session_policy : NOTHING_ELSE;
    const struct link_config link = {.world = whoami->config.world,
                                     .target = target,
                                     .pace = sts_pace_face(whoami->pace, STS_FIRST),
                                     .session_policy = target->unscoped ? NULL : session,
                                     .with_quotas = whoami->config.follow != NULL,
                                     .read_attempts = whoami->config.follow != NULL ? FEW_ATTEMPTS : 0};
    asking->whoami = whoami;
    asking->identity = identity;
    asking->turn = (struct credentials_turn){.granted = on_turn, .owner = asking};
    asking->link = link_create(&link, &identity->err);
    if (asking->link == NULL) {
        identity->status = EXIT_USAGE;
        finish(asking);
        return;
    }
    text_copy(identity->region, sizeof identity->region, link_region(asking->link));
    text_copy(identity->host, sizeof identity->host, link_host(asking->link, OPERATION_LIST_JOBS));
    pace->acquire(pace->ctx, &asking->turn);
}

static void begin_some(struct whoami *whoami)
{
    while (whoami->begun < whoami->count && whoami->begun - whoami->ended < AT_ONCE) {
        begin(whoami, &whoami->identities[whoami->begun++]);
    }
}

struct identity *whoami_ask(const struct whoami_config *config, size_t *count)
{
    const struct config *targets = config->config;
    struct whoami whoami = {.config = *config, .env = world_env(config->world)};
    whoami.identities = mem_calloc(targets->target_count + 1, sizeof *whoami.identities);
    for (size_t i = 0; i < targets->target_count; i++) {
        const struct target *target = &targets->targets[i];
        if (config->target_name == NULL || target_is_called(target, config->target_name)) {
            whoami.identities[whoami.count++].target = target;
        }
    }
    whoami.pace = sts_pace_create(whoami.env);
    begin_some(&whoami);
    if (whoami.count > 0) {
        world_run(config->world);
    }
    sts_pace_destroy(whoami.pace);
    *count = whoami.count;
    return whoami.identities;
}
