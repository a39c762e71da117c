/* Survey and lister on a scripted service of JOBS x THINGS executions that can misbehave. */
#ifndef SIM_LISTING_H
#define SIM_LISTING_H

#include "engine/lister.h"
#include "engine/survey.h"
#include "sim/rig.h"

enum twist {
    STRAIGHT,
    SAME_TOKEN,      /* every page of executions has the same next token */
    TOKEN_CYCLE,     /* A-B-A */
    EMPTY_FOREVER,   /* empty pages with ever new tokens */
    NEVER_ENDING,    /* pages of one row with ever new tokens */
    ROWS_TWICE,      /* each row appears twice */
    OTHER_SCOPE,     /* each page has one row of another job and thing */
    FILTER_IGNORED,  /* each page has a row in another state, and one in an unknown one */
    BROKEN_ROWS,     /* the answer's reader has left rows out */
    LIST_DENIED,     /* the second listing of executions is refused */
    DESCRIBE_DENIED, /* DescribeJob is refused */
    DESCRIBE_WRONG,  /* DescribeJob tells of another job */
    NAMESPACED,      /* job-0 belongs to a namespace */
    JOB_GONE,        /* job-1 vanishes before it is listed */
    THING_GONE,      /* thing-1 does not exist */
    THINGS_DENIED,   /* ListThings is refused */
    JOBS_TWICE       /* ListJobs names each job twice */
};

struct listing {
    struct rig rig;
    struct policy policy;
    struct facts *facts;
    struct survey *survey;
    struct lister *lister;
    enum twist twist;
    int jobs, things, page_size;
    int per_pair; /* rows of each */
    bool surveyed, listed;
    int done_calls, rows, warnings, executions_lists;
    char last_row[256];
    struct aside aside; /* of both; nobody listens unless it is set */
};

/* Pages of three rows, one row for each pair; the policy of rig_policy(). Change what should be different. */
void listing_begin(struct listing *test, int jobs, int things, enum twist twist);
void listing_start_survey(struct listing *test);
void listing_start(struct listing *test); /* the lister, after the survey */
/* Runs the survey to its end. */
const struct survey_result *listing_survey(struct listing *test);
/* Runs survey and lister to their ends. */
const struct lister_view *listing_run(struct listing *test);
void listing_finish(struct listing *test);

#endif
