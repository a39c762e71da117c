/* Where the rows of a plan come from: a listing of what the policy covers (engine/survey.h, then
 * engine/lister.h), or rows that were given (engine/given.h). To the sweep it is the same. */
#ifndef ENGINE_SUPPLY_H
#define ENGINE_SUPPLY_H

#include "base/err.h"
#include "engine/aside.h"
#include "engine/dispatcher.h"
#include "engine/env.h"
#include "engine/facts.h"
#include "engine/given.h"
#include "engine/route.h"
#include "engine/things.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct supply;

struct supply_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    const struct policy *policy;
    struct facts *facts;
    struct things *things;           /* of a listing: see struct survey_config */
    const struct row_source *source; /* NULL: list what the policy covers */
    const char *only_thing;          /* of a listing: as struct survey_config; NULL: what the policy wants */
    void *owner;
    /* The route of a listing. May cancel. */
    void (*route)(void *owner, const struct route *route);
    /* An execution in scope, of a listing: see struct lister_config. */
    void (*listed)(void *owner, const struct job *job, const struct job_execution *execution);
    /* A row that was given: see struct given_config. */
    void (*given)(void *owner, const struct plan_row *row);
    void (*warning)(void *owner, const char *text);
    struct aside aside;        /* of a listing */
    void (*done)(void *owner); /* once; never from inside supply_start(), _pause() or _cancel() */
};

struct supply_view {
    struct err err;              /* ERR_NONE, ERR_CANCELED, or why there are not all rows */
    enum answer_class why;       /* the answer behind err; ANSWER_DONE when it was none */
    int64_t skipped;             /* rows of answers that broke a rule */
    int64_t scopes, scopes_done; /* jobs or things of a listing; 0 when not known */
    int64_t pages;               /* of a listing, that have come */
    enum operation operation;    /* of the calls that are still to be made */
    int64_t calls_left;          /* -1: not known */
};

struct supply *supply_start(const struct supply_config *config);
void supply_pause(struct supply *supply, bool pause); /* as lister_pause() */
void supply_cancel(struct supply *supply);            /* a wish: done() still comes */
void supply_destroy(struct supply *supply);           /* after done(); takes NULL */

void supply_view(const struct supply *supply, struct supply_view *view);

#endif
