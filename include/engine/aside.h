/* What a listing leaves aside, told while it is found: jobs that a policy must name, and rows of answers that
 * break a rule. */
#ifndef ENGINE_ASIDE_H
#define ENGINE_ASIDE_H

#include "model/call.h"
#include "model/job.h"
#include "policy/match.h"

#include <stdint.h>

struct aside {
    void *owner;
    /* A job that is not listed, once. */
    void (*job)(void *owner, const struct job *job, enum job_reserve why);
    /* An execution of such a job that was listed all the same, because things are: once, too. Of the job only
     * its id may be known. */
    void (*execution)(void *owner, const struct job *job, enum job_reserve why);
    /* Rows of answers, and why; a literal. */
    void (*skipped)(void *owner, const char *why, int64_t rows);
};

/* Each tells what there is to be told, if anybody listens: aside may be NULL, and so may what is in it. */
void aside_job(const struct aside *aside, const struct policy *policy, const struct job *job);
void aside_execution(const struct aside *aside, const struct policy *policy, const struct job *job);
void aside_page(const struct aside *aside, const struct page *page);
void aside_skip(const struct aside *aside, const char *why, int64_t rows);

#endif
