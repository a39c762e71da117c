/* The deletions of a sweep, see engine/sweep_private.h.
 *
 * The happy path: sweep_delete() -> on_protected(), of rows that were selected before, whose things the
 * registry is asked about anew -> begin_deleting() -> engine/apply until every row is settled (on_applied())
 * -> the archive is closed -> done(). The ways out: groups that cannot be read, no archive, a deleter that
 * stops itself; where something may have been sent before, that is settled all the same. */
#include "base/time.h"
#include "engine/steps.h"
#include "engine/sweep_private.h"

#include <stdio.h>

static void on_settled(void *owner, const struct plan_row *row, enum outcome outcome,
                       const struct answer *answer, bool earlier)
{
    struct sweep *sweep = owner;
    sweep->report.outcomes[outcome]++;
    sweep->settled++;
    if (sweep->config.observer.settled != NULL && !earlier) {
        sweep->config.observer.settled(sweep->config.observer.owner, row, outcome, answer);
    }
}

static void on_applied(void *owner)
{
    struct sweep *sweep = owner;
    enum answer_class why;
    const struct err *stopped = apply_stopped(sweep->apply, &why);
    if (stopped->code != ERR_NONE) {
        sweep_end_as(sweep, SWEEP_STOPPED, stopped, why);
    } else if (apply_expired(sweep->apply)) {
        struct err err;
        err_set(&err, ERR_EXPIRED, "the plan has expired");
        sweep_end_as(sweep, SWEEP_STOPPED, &err, ANSWER_DONE);
    }
    sweep_archive_end(sweep, sweep->deleted);
}

int64_t sweep_longest_ns(const struct sweep *sweep)
{
    return quarantine_longest_ns(sweep->config.target->signature_life_ms);
}

/* Nothing is sent while a request of an earlier run may still take effect: it could be about the same (job,
 * thing). Whatever the ledger and the service's clock say of it, that was before this run began. */
static int64_t when_to_begin(struct sweep *sweep, int64_t left_ns)
{
    int64_t now_ns = sweep_mono_ns(sweep), latest_ns = sweep->began_ns + sweep_longest_ns(sweep);
    int64_t begin_ns = now_ns + left_ns < latest_ns ? now_ns + left_ns : latest_ns;
    int64_t seconds = (begin_ns - now_ns + TIME_NS_PER_SECOND - 1) / TIME_NS_PER_SECOND;
    if (seconds > 0) {
        char text[96];
        snprintf(text, sizeof text, "waits %lld s for a lost request of an earlier run", (long long)seconds);
        sweep_warn(sweep, text);
    }
    return begin_ns;
}

/* What was listed just now was judged just now; what was given or planned earlier may be protected since. */
static const struct protect_list *find_protected(const struct sweep *sweep)
{
    bool judged = sweep->config.source == NULL && !sweep->begun;
    return judged ? NULL : sweep->config.policy->protect;
}

static void begin_deleting(struct sweep *sweep)
{
    const struct sweep_config *config = &sweep->config;
    struct err err;
    if (sweep_archive_begin(sweep, &err) !=
        0) { /* what may have been sent is settled, and nothing more sent */
        sweep_end_as(sweep, SWEEP_FAILED, &err, ANSWER_DONE);
        sweep->settle_only = true;
    }
    struct apply_config apply = {.deleter = {.env = config->env,
                                             .dispatcher = config->dispatcher,
                                             .ledger = config->ledger,
                                             .run = sweep->run,
                                             .policy = config->policy,
                                             .signature_life_ms = config->target->signature_life_ms,
                                             .until_ms = config->until_ms,
                                             .facts = sweep->facts,
                                             .settle_only = sweep->settle_only,
                                             .given = config->source != NULL,
                                             .protect = find_protected(sweep),
                                             .things = sweep->things,
                                             .archivist = sweep->archivist},
                                 .again = sweep->begun,
                                 .rows = sweep->report.selected,
                                 .begin_ns = sweep->begin_ns,
                                 .owner = sweep,
                                 .settled = on_settled,
                                 .done = on_applied};
    sweep_set_state(sweep, STATE_DELETING);
    sweep->apply = apply_start(&apply);
}

/* Where the groups cannot be read nothing more is sent, but what may have been sent is settled still. So it
 * is where the time of a run that was resumed was over meanwhile. */
static void on_protected(void *owner)
{
    struct sweep *sweep = owner;
    enum answer_class why;
    const struct err *failure = things_failure(sweep->things, &why);
    bool canceled = sweep->ended, failed = failure->code != ERR_NONE && !sweep->settle_only;
    if (failed) {
        sweep_end_as(sweep, SWEEP_FAILED, failure, why);
        sweep->settle_only = true;
    }
    if (canceled || (failed && !sweep->begun)) {
        sweep->deleted(sweep);
    } else {
        begin_deleting(sweep);
    }
}

void sweep_delete(struct sweep *sweep, int64_t left_ns, void (*done)(struct sweep *sweep))
{
    sweep->deleted = done;
    bool sends = sweep->report.selected > 0 && !sweep->settle_only;
    sweep->begin_ns = when_to_begin(sweep, left_ns);
    if (sends && find_protected(sweep) != NULL && things_needed(sweep->things)) {
        sweep_set_state(sweep, STATE_PROTECTING);
        things_start(sweep->things, on_protected, sweep);
    } else {
        begin_deleting(sweep);
    }
}
