/* See engine/supply.h.
 *
 * The happy path of a listing: the survey (on_surveyed()) -> the route is told -> the lister (on_done());
 * of given rows: engine/given (on_done()). The ways out: a survey that fails, or route() that cancels, ends
 * it before anything is listed; the others end by themselves. */
#include "engine/supply.h"

#include "base/mem.h"
#include "engine/lister.h"
#include "engine/survey.h"

#include <stdlib.h>

struct supply {
    struct supply_config config;
    struct survey *survey; /* of a listing */
    struct lister *lister; /* after its survey */
    struct given *given;
    bool canceled, surveyed;
};

static void on_done(void *owner)
{
    struct supply *supply = owner;
    supply->config.done(supply->config.owner);
}

static void on_warning(void *owner, const char *text)
{
    struct supply *supply = owner;
    supply->config.warning(supply->config.owner, text);
}

static void on_listed(void *owner, const struct job *job, const struct job_execution *execution)
{
    struct supply *supply = owner;
    supply->config.listed(supply->config.owner, job, execution);
}

static void on_given(void *owner, const struct plan_row *row)
{
    struct supply *supply = owner;
    supply->config.given(supply->config.owner, row);
}

static void on_surveyed(void *owner)
{
    struct supply *supply = owner;
    const struct supply_config *config = &supply->config;
    const struct survey_result *survey = survey_result(supply->survey);
    supply->surveyed = true;
    if (survey->err.code == ERR_NONE) {
        supply->config.route(supply->config.owner, &survey->route);
    }
    if (survey->err.code != ERR_NONE || supply->canceled) {
        on_done(supply);
        return;
    }
    struct lister_config lister = {.env = config->env,
                                   .dispatcher = config->dispatcher,
                                   .policy = config->policy,
                                   .facts = config->facts,
                                   .things = config->things,
                                   .everything = config->only_thing != NULL,
                                   .survey = survey,
                                   .owner = supply,
                                   .row = on_listed,
                                   .warning = on_warning,
                                   .aside = &config->aside,
                                   .done = on_done};
    supply->lister = lister_start(&lister);
}

static void start_given(struct supply *supply)
{
    const struct given_config given = {.env = supply->config.env,
                                       .dispatcher = supply->config.dispatcher,
                                       .source = supply->config.source,
                                       .owner = supply,
                                       .row = on_given,
                                       .done = on_done};
    supply->given = given_start(&given);
}

static void start_survey(struct supply *supply)
{
    const struct supply_config *config = &supply->config;
    const struct survey_config survey = {.env = config->env,
                                         .dispatcher = config->dispatcher,
                                         .policy = config->policy,
                                         .facts = config->facts,
                                         .things = config->things,
                                         .only_thing = config->only_thing,
                                         .owner = supply,
                                         .warning = on_warning,
                                         .aside = &config->aside,
                                         .done = on_surveyed};
    supply->survey = survey_start(&survey);
}

/* --- the face --- */

struct supply *supply_start(const struct supply_config *config)
{
    struct supply *supply = mem_zalloc(sizeof *supply);
    supply->config = *config;
    if (config->source != NULL) {
        start_given(supply);
    } else {
        start_survey(supply);
    }
    return supply;
}

void supply_pause(struct supply *supply, bool pause)
{
    if (supply->given != NULL) {
        given_pause(supply->given, pause);
    } else if (supply->lister != NULL) {
        lister_pause(supply->lister, pause);
    }
}

void supply_cancel(struct supply *supply)
{
    supply->canceled = true;
    if (supply->given != NULL) {
        given_cancel(supply->given);
    } else if (supply->lister != NULL) {
        lister_cancel(supply->lister);
    } else if (!supply->surveyed) {
        survey_cancel(supply->survey);
    }
}

void supply_destroy(struct supply *supply)
{
    if (supply == NULL) {
        return;
    }
    given_destroy(supply->given);
    lister_destroy(supply->lister);
    survey_destroy(supply->survey);
    free(supply);
}

/* --- how far it is --- */

static void view_given(const struct supply *supply, struct supply_view *view)
{
    const struct given_view *given = given_view(supply->given);
    view->err = given->err;
    view->why = given->why;
    view->operation = OPERATION_DESCRIBE_EXECUTION;
    view->calls_left = supply->config.source->count - given->taken;
}

static void view_lister(const struct supply *supply, struct supply_view *view)
{
    const struct lister_view *lister = lister_view(supply->lister);
    const struct route *route = &survey_result(supply->survey)->route;
    view->err = lister->err;
    view->why = lister->why;
    view->skipped += lister->skipped;
    view->scopes = lister->scopes;
    view->scopes_done = lister->scopes_done;
    view->pages = lister->pages;
    view->operation =
        route->by_thing ? OPERATION_LIST_EXECUTIONS_FOR_THING : OPERATION_LIST_EXECUTIONS_FOR_JOB;
    if (lister->scopes > 0) {
        view->calls_left = route->calls * (lister->scopes - lister->scopes_done) / lister->scopes;
    }
}

void supply_view(const struct supply *supply, struct supply_view *view)
{
    *view = (struct supply_view){.calls_left = -1};
    if (supply->given != NULL) {
        view_given(supply, view);
        return;
    }
    if (supply->surveyed) {
        const struct survey_result *survey = survey_result(supply->survey);
        view->err = survey->err;
        view->why = survey->why;
        view->skipped = survey->skipped;
    }
    if (supply->lister != NULL) {
        view_lister(supply, view);
    } else if (supply->canceled && view->err.code == ERR_NONE) {
        err_set(&view->err, ERR_CANCELED, "canceled");
    }
}
