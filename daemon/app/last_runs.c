/* See app/last_runs.h. The ledger is asked about one pair after the other, so that nobody waits long for it.
 */
#include "app/last_runs.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

struct last_runs {
    struct ledger *ledger;
    struct config *config;
    bool (*found)(void *owner, const char *policy, const char *target, const struct ledger_request *last);
    void (*done)(void *owner);
    void *owner;
    size_t policy, target; /* the pair that is asked about: a policy, and the number of one of its targets */
    struct run_header header;
    struct ledger_request request;
};

/* The pair, from this one on; false at the end. */
static bool find_pair(struct last_runs *last_runs)
{
    const struct config *config = last_runs->config;
    while (last_runs->policy < config->policy_count &&
           last_runs->target >= config->policies[last_runs->policy].target_count) {
        last_runs->policy++;
        last_runs->target = 0;
    }
    return last_runs->policy < config->policy_count;
}

static void on_last_run(struct ledger_request *request);

static void ask(struct last_runs *last_runs)
{
    const struct config *config = last_runs->config;
    const struct policy *policy = &config->policies[last_runs->policy];
    const struct target *target = &config->targets[policy->targets[last_runs->target]];
    last_runs->header = (struct run_header){0};
    text_copy(last_runs->header.policy, sizeof last_runs->header.policy, policy->name);
    text_copy(last_runs->header.target, sizeof last_runs->header.target, target->name);
    last_runs->request = (struct ledger_request){
        .operation = LEDGER_LAST_RUN, .header = &last_runs->header, .done = on_last_run, .owner = last_runs};
    last_runs->ledger->submit(last_runs->ledger->ctx, &last_runs->request);
}

static void on_last_run(struct ledger_request *request)
{
    struct last_runs *last_runs = request->owner;
    const struct run_header *header = &last_runs->header;
    bool goes_on = request->err.code == ERR_NONE;
    if (goes_on && request->run != 0) {
        goes_on = last_runs->found(last_runs->owner, header->policy, header->target, request);
    }
    last_runs->target++;
    if (goes_on && find_pair(last_runs)) {
        ask(last_runs);
    } else {
        last_runs->done(last_runs->owner);
    }
}

struct last_runs *last_runs_start(struct ledger *ledger, struct config *config,
                                  bool (*found)(void *owner, const char *policy, const char *target,
                                                const struct ledger_request *last),
                                  void (*done)(void *owner), void *owner)
{
    struct last_runs *last_runs = mem_zalloc(sizeof *last_runs);
    last_runs->ledger = ledger;
    last_runs->config = config_ref(config);
    last_runs->found = found;
    last_runs->done = done;
    last_runs->owner = owner;
    if (!find_pair(last_runs)) {
        last_runs_destroy(last_runs);
        return NULL;
    }
    ask(last_runs);
    return last_runs;
}

void last_runs_destroy(struct last_runs *last_runs)
{
    if (last_runs != NULL) {
        config_unref(last_runs->config);
        free(last_runs);
    }
}
