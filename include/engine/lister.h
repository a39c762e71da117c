/* Listing the executions in scope along a route: several listings at a time, each page by page. Whatever the
 * service was asked to filter is checked again here, since a plan must not rest on a filter that was ignored.
 */
#ifndef ENGINE_LISTER_H
#define ENGINE_LISTER_H

#include "base/err.h"
#include "engine/aside.h"
#include "engine/dispatcher.h"
#include "engine/facts.h"
#include "engine/survey.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define LISTER_WORKERS 16 /* listings at a time; each has one page under way */

struct lister;

struct lister_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    const struct policy *policy;
    struct facts *facts;
    const struct things *things; /* NULL: the policy asks nothing of them */
    bool everything; /* rows that the policy does not want come too; job is NULL where it is gone */
    const struct survey_result *survey; /* of a survey that succeeded; outlives the lister */
    void *owner;
    /* An execution in scope: of a job and a thing that the policy wants, in a state that it names; each one
     * once. job is what DescribeJob said. */
    void (*row)(void *owner, const struct job *job, const struct job_execution *execution);
    void (*warning)(void *owner, const char *text);
    const struct aside *aside; /* told what is not taken; outlives the lister */
    void (*done)(void *owner); /* once; never from inside lister_start(), _pause() or _cancel() */
};

struct lister_view {
    struct err err;              /* ERR_NONE, ERR_CANCELED, or why the list is not complete */
    enum answer_class why;       /* the answer behind err; ANSWER_DONE when it was none */
    int64_t skipped;             /* rows that broke a rule or were not asked for */
    int64_t scopes, scopes_done; /* jobs or things */
    int64_t pages;               /* that have come */
};

struct lister *lister_start(const struct lister_config *config);
/* While paused no further page is asked for; rows of pages under way still come. */
void lister_pause(struct lister *lister, bool pause);
void lister_cancel(struct lister *lister);  /* a wish: done() still comes */
void lister_destroy(struct lister *lister); /* after done(); takes NULL */

const struct lister_view *lister_view(const struct lister *lister);

#endif
