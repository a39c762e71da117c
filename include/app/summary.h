/* What many runs come to together. */
#ifndef APP_SUMMARY_H
#define APP_SUMMARY_H

#include "app/plan_cost.h"
#include "app/view.h"
#include "base/names.h"
#include "engine/report.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct summary;

struct summary_sum {
    size_t runs, planned, failed; /* that had a plan; that did not end well, as report_failed() says */
    int64_t listed, selected, kept, in_grace, remaining, skipped;
    int64_t outcomes[OUTCOME_COUNT];
    int64_t calls;          /* that were made */
    int64_t deleting_calls; /* that deleting what is only planned takes */
    int64_t deleting_ms;    /* and the time at the quotas: targets go on side by side, so of the slowest */
    const struct target *slowest; /* NULL: nothing is planned */
};

struct summary *summary_create(void);
void summary_destroy(struct summary *summary); /* takes NULL */

/* A run has ended; policy and target outlive the summary. cost is NULL for one that deletes. */
void summary_add(struct summary *summary, const struct policy *policy, const struct target *target,
                 const struct report *report, const struct plan_cost *cost);
/* The sum over all; policies in one account and region go one behind the other. */
void summary_sum(const struct summary *summary, struct summary_sum *sum);

/* The number among these of the account and region that a target is in, whatever it is called. */
uint32_t summary_site(struct names *sites, const struct target *target);

/* Appends a table of the runs, those that select most first (SUMMARY_SHOWN of them), and the sum. */
void summary_print(const struct summary *summary, bool plan_only, const struct view_style *style,
                   struct buf *out);

#define SUMMARY_SHOWN 20

#endif
