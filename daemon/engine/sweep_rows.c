/* The rows of a sweep, see engine/sweep_private.h.
 *
 * The happy path: sweep_take_rows() -> on_listed() or on_given() for each row, and on to engine/selector ->
 * on_supplied() -> the selector's end, which calls done(). The ways out: a list that cannot be had
 * (on_supplied()), a ledger or scratch space that fails (on_unselected()); done() comes in any case. */
#include "engine/sweep_private.h"

static void on_pause(void *owner, bool pause)
{
    struct sweep *sweep = owner;
    if (sweep->state == STATE_SUPPLYING) {
        supply_pause(sweep->supply, pause);
    }
}

static void on_unselected(void *owner, const struct err *err, bool of_ledger)
{
    struct sweep *sweep = owner;
    sweep_end_as(sweep, of_ledger ? SWEEP_STOPPED : SWEEP_FAILED, err, ANSWER_DONE);
    if (sweep->state == STATE_SUPPLYING) {
        supply_cancel(sweep->supply);
    }
}

static int64_t service_now_ms(const struct sweep *sweep)
{
    int64_t known_ms = dispatcher_service_ms(sweep->config.dispatcher);
    return known_ms != 0 ? known_ms : sweep->config.env->wall_ms(sweep->config.env->ctx);
}

static void on_listed(void *owner, const struct job *job, const struct job_execution *execution)
{
    struct sweep *sweep = owner;
    if (!sweep->ended) {
        selector_add(sweep->selector, job, execution, service_now_ms(sweep));
    }
}

static void on_given(void *owner, const struct plan_row *row)
{
    struct sweep *sweep = owner;
    if (!sweep->ended) {
        things_only(sweep->things, row->execution.thing_name);
        selector_take(sweep->selector, row, service_now_ms(sweep), sweep_deletes(sweep));
    }
}

static void tell_row(void *owner, const struct job_execution *execution, const struct verdict *verdict)
{
    struct sweep *sweep = owner;
    if (sweep->config.observer.row != NULL) {
        sweep->config.observer.row(sweep->config.observer.owner, execution, verdict);
    }
}

static void on_route(void *owner, const struct route *route)
{
    struct sweep *sweep = owner;
    if (sweep->config.observer.route != NULL) {
        sweep->config.observer.route(sweep->config.observer.owner, route);
    }
}

static void on_supplied(void *owner)
{
    struct sweep *sweep = owner;
    struct supply_view view;
    supply_view(sweep->supply, &view);
    sweep->report.skipped += view.skipped;
    if (view.err.code == ERR_CANCELED) {
        sweep_end_as(sweep, SWEEP_CANCELED, NULL, ANSWER_DONE);
    } else if (view.err.code != ERR_NONE) {
        sweep_end_as(sweep, SWEEP_FAILED, &view.err, view.why);
    }
    sweep_set_state(sweep, STATE_SELECTING);
    /* Of a list that is not complete too: for the record. */
    selector_finish(sweep->selector, !sweep->ended, service_now_ms(sweep));
}

void sweep_take_rows(struct sweep *sweep, void (*done)(void *owner))
{
    const struct sweep_config *config = &sweep->config;
    const struct selector_config selector = {.env = config->env,
                                             .ledger = config->ledger,
                                             .scratch = config->scratch,
                                             .run = sweep->run,
                                             .header = &sweep->header,
                                             .sha256 = config->sha256,
                                             .policy = config->policy,
                                             .things = sweep->things,
                                             .given = config->source != NULL,
                                             .report = &sweep->report,
                                             .owner = sweep,
                                             .pause = on_pause,
                                             .row = tell_row,
                                             .warning = sweep_warn,
                                             .failed = on_unselected,
                                             .done = done};
    const struct supply_config supply = {.env = config->env,
                                         .dispatcher = config->dispatcher,
                                         .policy = config->policy,
                                         .facts = sweep->facts,
                                         .things = sweep->things,
                                         .source = config->source,
                                         .only_thing = config->only_thing,
                                         .owner = sweep,
                                         .route = on_route,
                                         .listed = on_listed,
                                         .given = on_given,
                                         .warning = sweep_warn,
                                         .aside = sweep->config.observer.aside,
                                         .done = on_supplied};
    sweep->selector = selector_create(&selector);
    sweep_set_state(sweep, STATE_SUPPLYING);
    sweep->supply = supply_start(&supply);
}
