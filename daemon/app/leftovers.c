/* Runs that an earlier process did not end. */
#include "app/leftovers.h"

#include "app/link.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct leftover {
    struct ledger_request found;
    struct policy no_policy; /* observes */
};

struct leftovers {
    struct ledger *ledger;
    struct ledger_request request;
    void (*found)(void *owner);
    void *owner;
    struct leftover **items;
    size_t count;
};

static void on_open_run(struct ledger_request *request);

static void ask(struct leftovers *leftovers, int64_t after)
{
    leftovers->request = (struct ledger_request){
        .operation = LEDGER_OPEN_RUN, .from = after, .done = on_open_run, .owner = leftovers};
    leftovers->ledger->submit(leftovers->ledger->ctx, &leftovers->request);
}

static void on_open_run(struct ledger_request *request)
{
    struct leftovers *leftovers = request->owner;
    if (request->err.code != ERR_NONE || request->run == 0) {
        leftovers->found(leftovers->owner);
        return;
    }
    static char nothing[] = "";
    struct leftover *item = mem_zalloc(sizeof *item);
    item->no_policy.canonical = nothing;
    item->found = *request;
    text_copy(item->no_policy.name, sizeof item->no_policy.name, request->found.policy);
    leftovers->items = mem_realloc(leftovers->items, leftovers->count + 1, sizeof *leftovers->items);
    leftovers->items[leftovers->count++] = item;
    ask(leftovers, request->run);
}

struct leftovers *leftovers_find(struct ledger *ledger, void (*found)(void *owner), void *owner)
{
    struct leftovers *leftovers = mem_zalloc(sizeof *leftovers);
    leftovers->ledger = ledger;
    leftovers->found = found;
    leftovers->owner = owner;
    ask(leftovers, 0);
    return leftovers;
}

void leftovers_destroy(struct leftovers *leftovers)
{
    if (leftovers == NULL) {
        return;
    }
    for (size_t i = 0; i < leftovers->count; i++) {
        free(leftovers->items[i]);
    }
    free(leftovers->items);
    free(leftovers);
}

const struct err *leftovers_err(const struct leftovers *leftovers)
{
    return &leftovers->request.err;
}

size_t leftovers_count(const struct leftovers *leftovers)
{
    return leftovers->count;
}

/* --- whose they are today ------------------------------------------------------------------------------ */

static bool is_in(const struct target *target, const struct run_header *header)
{
    char region[64];
    struct err ignored; /* the target's own runs will tell */
    return strcmp(target->account, header->account) == 0 && link_find_region(target, region, &ignored) == 0 &&
           strcmp(region, header->region) == 0;
}

/* The target of the same name before any other. */
static const struct target *find_target(const struct config *config, const struct run_header *header)
{
    const struct target *found = config_target(config, header->target);
    if (found != NULL && is_in(found, header)) {
        return found;
    }
    for (size_t i = 0; i < config->target_count; i++) {
        if (is_in(&config->targets[i], header)) {
            return &config->targets[i];
        }
    }
    return NULL;
}

static const struct policy *find_policy(const struct config *config, const char *name,
                                        const struct target *target)
{
    const struct policy *policy = config_policy(config, name);
    for (size_t i = 0; policy != NULL && i < policy->target_count; i++) {
        if (&config->targets[policy->targets[i]] == target) {
            return policy;
        }
    }
    return NULL;
}

int leftovers_fill(struct leftovers *leftovers, size_t index, struct config *config, struct run *run,
                   struct err *err)
{
    struct leftover *item = leftovers->items[index];
    const struct run_header *header = &item->found.found;
    char began[21];
    time_rfc3339(header->started_ms, began);
    const struct target *target = find_target(config, header);
    if (target == NULL) {
        return err_set(
            err, ERR_NOT_FOUND,
            "run %lld of policy %s, begun %s in target %s, was interrupted and stays open: no target is "
            "configured for account %s in %s",
            (long long)item->found.run, header->policy, began, header->target, header->account,
            header->region);
    }
    const struct policy *policy = find_policy(config, header->policy, target);
    run->config = config;
    run->policy = policy != NULL ? policy : &item->no_policy;
    run->target = target;
    run->resumed = &item->found;
    run->plan_only = false;
    return 0;
}
