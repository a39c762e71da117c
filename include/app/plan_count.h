/* What a plan amounts to, counted row by row while it is made: for people (app/plan_view.h) and for programs
 * (app/plan_event.h). */
#ifndef APP_PLAN_COUNT_H
#define APP_PLAN_COUNT_H

#include "app/tally.h"
#include "engine/route.h"
#include "model/job.h"
#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_AGES 7

struct sample_row {
    struct job_execution execution;
    struct verdict verdict;
};

struct kept { /* executions that stay for one reason */
    const char *reason;
    const struct place *place; /* of the clause that decided; NULL where no single one did */
    enum verdict_cause cause;
    int64_t count;
};

/* A job that is left out because the policy does not name it. */
struct left_out {
    const char *job_id;
    char namespace_id[NAMESPACE_ID_MAX + 1];
    int64_t executions; /* in the states that the policy is about, whatever their age; -1: not listed */
};

struct plan_count {
    const struct policy *policy;
    const struct target *target;
    int64_t now_ms;
    bool routed;
    struct route route;
    int64_t selected;
    int64_t by_status[EXECUTION_STATUS_COUNT], by_age[PLAN_AGES]; /* of the selected */
    int64_t by_cause[CAUSE_COUNT];                                /* of the kept */
    struct tally *jobs;                                           /* of the selected */
    struct tally *skipped;                                        /* rows of answers, by what is wrong */
    struct sample_row *sample;                                    /* of the selected: the first ones */
    size_t sample_count;
    struct plan_count_rest *rest; /* plan_count.c's */
};

/* policy and target outlive it. now_ms: the present, for ages. sample: how many of the selected rows are
 * kept. */
struct plan_count *plan_count_create(const struct policy *policy, const struct target *target, int64_t now_ms,
                                     size_t sample);
void plan_count_destroy(struct plan_count *count); /* takes NULL */

void plan_count_route(struct plan_count *count, const struct route *route);
void plan_count_row(struct plan_count *count, const struct job_execution *execution,
                    const struct verdict *verdict);
/* See engine/aside.h. */
void plan_count_left_out(struct plan_count *count, const struct job *job, enum job_reserve why, bool listed);
void plan_count_skipped(struct plan_count *count, const char *why, int64_t rows);

/* "under 1 d", ...; the last one is of those without the time that their age is counted from. */
const char *plan_age_name(size_t age);
/* Why others stay: first the policy's keep rules in their order, those that keep nothing, too, then the rest,
 * the greatest first; *size: how many. The caller frees. */
struct kept *plan_count_kept(const struct plan_count *count, size_t *size);
/* Without those that go later: that are in their grace, or left by limits. */
int64_t plan_count_kept_sum(const struct plan_count *count);
/* The jobs left out for this, those with the most executions first. The caller frees. */
struct left_out *plan_count_reserved(const struct plan_count *count, enum job_reserve why, size_t *size);

#endif
