/* See app/catch_up.h. The ledger is asked about one pair after the other. */
#include "app/catch_up.h"

#include "base/mem.h"
#include "base/text.h"
#include "policy/timetable.h"

#include <stdlib.h>

struct catch_up {
    struct ledger *ledger;
    struct config *config;
    int64_t now_ms;
    void (*missed)(void *owner, const char *policy, const char *target, int64_t due_ms);
    void (*done)(void *owner);
    void *owner;
    size_t policy, target; /* the pair that is asked about: a policy, and the number of one of its targets */
    struct run_header header;
    struct ledger_request request;
};

/* Moves on to the first pair, from this one on, that is to be asked about; false at the end. */
static bool find_pair(struct catch_up *catch_up)
{
    const struct config *config = catch_up->config;
    for (; catch_up->policy < config->policy_count; catch_up->policy++, catch_up->target = 0) {
        const struct policy *policy = &config->policies[catch_up->policy];
        bool asked = policy->scheduled && policy->catch_up == CATCH_UP_ONCE;
        if (asked && catch_up->target < policy->target_count) {
            return true;
        }
    }
    return false;
}

static const struct target *target_of(const struct catch_up *catch_up)
{
    const struct config *config = catch_up->config;
    return &config->targets[config->policies[catch_up->policy].targets[catch_up->target]];
}

static void on_last_run(struct ledger_request *request);

static void ask(struct catch_up *catch_up)
{
    catch_up->header = (struct run_header){0};
    text_copy(catch_up->header.policy, sizeof catch_up->header.policy,
              catch_up->config->policies[catch_up->policy].name);
    text_copy(catch_up->header.target, sizeof catch_up->header.target, target_of(catch_up)->name);
    catch_up->request = (struct ledger_request){
        .operation = LEDGER_LAST_RUN, .header = &catch_up->header, .done = on_last_run, .owner = catch_up};
    catch_up->ledger->submit(catch_up->ledger->ctx, &catch_up->request);
}

static void on_last_run(struct ledger_request *request)
{
    struct catch_up *catch_up = request->owner;
    if (request->err.code == ERR_NONE && request->run != 0) {
        const struct policy *policy = &catch_up->config->policies[catch_up->policy];
        int64_t due_ms = timetable_next(policy, request->found.started_ms);
        if (due_ms >= 0 && due_ms <= catch_up->now_ms) {
            catch_up->missed(catch_up->owner, policy->name, target_of(catch_up)->name, due_ms);
        }
    }
    catch_up->target++;
    if (request->err.code == ERR_NONE && find_pair(catch_up)) {
        ask(catch_up);
    } else {
        catch_up->done(catch_up->owner);
    }
}

struct catch_up *catch_up_start(struct ledger *ledger, struct config *config, int64_t now_ms,
                                void (*missed)(void *owner, const char *policy, const char *target,
                                               int64_t due_ms),
                                void (*done)(void *owner), void *owner)
{
    struct catch_up *catch_up = mem_zalloc(sizeof *catch_up);
    catch_up->ledger = ledger;
    catch_up->config = config_ref(config);
    catch_up->now_ms = now_ms;
    catch_up->missed = missed;
    catch_up->done = done;
    catch_up->owner = owner;
    if (!find_pair(catch_up)) {
        catch_up_destroy(catch_up);
        return NULL;
    }
    ask(catch_up);
    return catch_up;
}

void catch_up_destroy(struct catch_up *catch_up)
{
    if (catch_up != NULL) {
        config_unref(catch_up->config);
        free(catch_up);
    }
}
