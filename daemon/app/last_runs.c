/* See app/last_runs.h. The ledger is asked about one pair after the other, so that nobody waits long for it.
 */
#include "app/last_runs.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

struct last_runs {
    struct last_runs_config config;
    size_t policy, target; /* the pair that is asked about: a policy, and the number of one of its targets */
    struct run_header header;
    struct ledger_request request;
};

static const struct policy *policy_of(const struct last_runs *last_runs)
{
    return &last_runs->config.config->policies[last_runs->policy];
}

static const struct target *target_of(const struct last_runs *last_runs)
{
    return &last_runs->config.config->targets[policy_of(last_runs)->targets[last_runs->target]];
}

/* The pair, from this one on, that is to be asked about; false at the end. */
static bool find_pair(struct last_runs *last_runs)
{
    const struct last_runs_config *config = &last_runs->config;
    for (; last_runs->policy < config->config->policy_count; last_runs->policy++, last_runs->target = 0) {
        const struct policy *policy = policy_of(last_runs);
        bool wanted = config->wants == NULL || config->wants(policy);
        if (wanted && last_runs->target < policy->target_count) {
            return true;
        }
    }
    return false;
}

static void on_last_run(struct ledger_request *request);

static void ask(struct last_runs *last_runs)
{
    struct ledger *ledger = last_runs->config.ledger;
    struct run_header *header = &last_runs->header;
    *header = (struct run_header){0};
    text_copy(header->policy, sizeof header->policy, policy_of(last_runs)->name);
    text_copy(header->target, sizeof header->target, target_of(last_runs)->name);
    last_runs->request = (struct ledger_request){
        .operation = LEDGER_LAST_RUN, .header = header, .done = on_last_run, .owner = last_runs};
    ledger->submit(ledger->ctx, &last_runs->request);
}

static void on_last_run(struct ledger_request *request)
{
    struct last_runs *last_runs = request->owner;
    const struct last_runs_config *config = &last_runs->config;
    bool goes_on = request->err.code == ERR_NONE;
    if (goes_on && request->run != 0) {
        goes_on = config->found(config->owner, policy_of(last_runs), target_of(last_runs), request);
    }
    last_runs->target++;
    if (goes_on && find_pair(last_runs)) {
        ask(last_runs);
    } else {
        config->done(config->owner);
    }
}

struct last_runs *last_runs_start(const struct last_runs_config *config)
{
    struct last_runs *last_runs = mem_zalloc(sizeof *last_runs);
    last_runs->config = *config;
    config_ref(config->config);
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
        config_unref(last_runs->config.config);
        free(last_runs);
    }
}
