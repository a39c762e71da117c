/* See app/catch_up.h. */
#include "app/catch_up.h"

#include "app/last_runs.h"
#include "base/mem.h"
#include "policy/timetable.h"

#include <stdlib.h>

struct catch_up {
    int64_t now_ms;
    void (*missed)(void *owner, const char *policy, const char *target, int64_t due_ms);
    void (*done)(void *owner);
    void *owner;
    struct last_runs *last_runs;
};

static bool wants(const struct policy *policy)
{
    return policy->scheduled && policy->catch_up == CATCH_UP_ONCE;
}

static bool on_last_run(void *owner, const struct policy *policy, const struct target *target,
                        const struct ledger_request *last)
{
    struct catch_up *catch_up = owner;
    int64_t due_ms = timetable_next(policy, last->found.started_ms);
    if (due_ms >= 0 && due_ms <= catch_up->now_ms) {
        catch_up->missed(catch_up->owner, policy->name, target->name, due_ms);
    }
    return true;
}

static void on_done(void *owner)
{
    struct catch_up *catch_up = owner;
    catch_up->done(catch_up->owner);
}

struct catch_up *catch_up_start(struct ledger *ledger, struct config *config, int64_t now_ms,
                                void (*missed)(void *owner, const char *policy, const char *target,
                                               int64_t due_ms),
                                void (*done)(void *owner), void *owner)
{
    struct catch_up *catch_up = mem_zalloc(sizeof *catch_up);
    *catch_up = (struct catch_up){.now_ms = now_ms, .missed = missed, .done = done, .owner = owner};
    catch_up->last_runs = last_runs_start(&(struct last_runs_config){.ledger = ledger,
                                                                     .config = config,
                                                                     .wants = wants,
                                                                     .found = on_last_run,
                                                                     .done = on_done,
                                                                     .owner = catch_up});
    if (catch_up->last_runs == NULL) {
        catch_up_destroy(catch_up);
        return NULL;
    }
    return catch_up;
}

void catch_up_destroy(struct catch_up *catch_up)
{
    if (catch_up != NULL) {
        last_runs_destroy(catch_up->last_runs);
        free(catch_up);
    }
}
