/* Runs that an earlier process did not end. */
#include "app/leftovers.h"

#include "app/plan_file.h"
#include "app/selection.h"
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

const struct run_header *leftovers_header(const struct leftovers *leftovers, size_t index)
{
    return &leftovers->items[index]->found.found;
}

/* --- whose they are today ------------------------------------------------------------------------------ */

/* A plan that was applied is not gone on with once it has expired. */
static bool expired(const struct run_header *header, int64_t now_ms)
{
    int64_t expires_ms = plan_file_origin_expires_ms(header->origin);
    return expires_ms != 0 && expires_ms <= now_ms;
}

int leftovers_fill(struct leftovers *leftovers, size_t index, struct config *config, int64_t now_ms,
                   struct run *run, struct err *err)
{
    struct leftover *item = leftovers->items[index];
    const struct run_header *header = &item->found.found;
    char began[21];
    time_rfc3339(header->started_ms, began);
    const struct target *target = selection_target(config, header);
    if (target == NULL) {
        return err_set(
            err, ERR_NOT_FOUND,
            "run %lld of policy %s, begun %s in target %s, was interrupted and stays open: no target is "
            "configured for account %s in %s",
            (long long)item->found.run, header->policy, began, header->target, header->account,
            header->region);
    }
    const struct policy *policy =
        expired(header, now_ms) ? NULL : selection_policy(config, header->policy, target);
    run->config = config;
    run->policy = policy != NULL ? policy : &item->no_policy;
    run->target = target;
    run->resumed = &item->found;
    run->until_ms = plan_file_origin_expires_ms(header->origin);
    run->plan_only = false;
    return 0;
}
