/* See engine/aside.h. */
#include "engine/aside.h"

static void tell(const struct aside *aside, const struct policy *policy, const struct job *job,
                 void (*what)(void *owner, const struct job *job, enum job_reserve why))
{
    enum job_reserve why = what != NULL ? policy_reserves_job(policy, job) : RESERVE_NONE;
    if (why != RESERVE_NONE) {
        what(aside->owner, job, why);
    }
}

void aside_job(const struct aside *aside, const struct policy *policy, const struct job *job)
{
    if (aside != NULL) {
        tell(aside, policy, job, aside->job);
    }
}

void aside_execution(const struct aside *aside, const struct policy *policy, const struct job *job)
{
    if (aside != NULL) {
        tell(aside, policy, job, aside->execution);
    }
}

void aside_page(const struct aside *aside, const struct page *page)
{
    for (int i = 0; i < PAGE_SKIPS_MAX && page->skips[i].count > 0; i++) {
        aside_skip(aside, page->skips[i].why, (int64_t)page->skips[i].count);
    }
}

void aside_skip(const struct aside *aside, const char *why, int64_t rows)
{
    if (aside != NULL && aside->skipped != NULL) {
        aside->skipped(aside->owner, why, rows);
    }
}
