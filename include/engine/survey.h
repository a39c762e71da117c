/* Finding out what is to be listed, before anything is: what the policy asks of things, the jobs in question,
 * what DescribeJob says of them, the things where that may be cheaper, and the route that follows. */
#ifndef ENGINE_SURVEY_H
#define ENGINE_SURVEY_H

#include "base/err.h"
#include "engine/aside.h"
#include "engine/dispatcher.h"
#include "engine/facts.h"
#include "engine/route.h"
#include "engine/things.h"
#include "policy/policy.h"

#include <stddef.h>
#include <stdint.h>

struct survey;

struct survey_config {
    const struct env *env;
    struct dispatcher *dispatcher;
    const struct policy *policy;
    struct facts *facts;    /* filled for every job of a route by job */
    struct things *things;  /* found out first, if the policy asks anything of them; NULL: it does not */
    const char *only_thing; /* NULL, or what alone is to be listed, whatever the policy wants */
    void *owner;
    void (*warning)(void *owner, const char *text);
    const struct aside *aside; /* told what is not listed; outlives the survey */
    void (*done)(void *owner); /* once; never from inside survey_start() or survey_cancel() */
};

struct survey_result {
    struct route route;
    struct err err; /* ERR_NONE, ERR_CANCELED, or why nothing can be listed */
    enum answer_class why;
    int64_t skipped;              /* rows of answers that broke a rule */
    char (*jobs)[JOB_ID_MAX + 1]; /* by job: those to list */
    size_t job_count;
    char (*things)[THING_NAME_MAX + 1]; /* by thing: those to list */
    size_t thing_count;
};

struct survey *survey_start(const struct survey_config *config);
void survey_cancel(struct survey *survey);  /* a wish: done() still comes */
void survey_destroy(struct survey *survey); /* after done(); takes NULL */

/* Valid once done, until survey_destroy(). */
const struct survey_result *survey_result(const struct survey *survey);

#endif
