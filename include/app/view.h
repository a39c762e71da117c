/* Plans and reports for people: tables and bars. Whatever comes from the service is made visible first. */
#ifndef APP_VIEW_H
#define APP_VIEW_H

#include "base/buf.h"
#include "engine/report.h"
#include "model/job_execution.h"
#include "policy/match.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct view_style {
    bool utf8;   /* bars of block characters, else of '#' */
    bool color;  /* escape sequences for colour */
    int columns; /* lines of tables end here; 0: never */
};

/* The style for this stream: colour on a terminal only, unless NO_COLOR is set to anything, or TERM is
 * "dumb". setlocale() was called. */
struct view_style view_style_of(int fd);

/* How wide the terminal of this stream is; 80 if it does not say, 0 if the stream leads to none. */
int view_columns(int fd);

/* What a plan amounts to, counted row by row. */
struct plan_view;

/* policy and target outlive it. now_ms: the present, for ages. rows_kept: how many of the selected rows are
 * kept to be shown as a sample. */
struct plan_view *plan_view_create(const struct policy *policy, const struct target *target, int64_t now_ms,
                                   size_t rows_kept);
void plan_view_destroy(struct plan_view *view); /* takes NULL */
/* text is copied. */
void plan_view_route(struct plan_view *view, const char *text, int64_t calls);
void plan_view_row(struct plan_view *view, const struct job_execution *execution,
                   const struct verdict *verdict);
/* Appends the whole view: a sample of the rows, counts by status, job (the ten greatest) and age as bars, why
 * others are kept, what it would cost at the target's quotas. */
void plan_view_print(const struct plan_view *view, const struct report *report,
                     const struct view_style *style, struct buf *out);

/* Appends one line for one execution: verdict, job, thing, number, status, last update, reason. */
void view_row(const struct job_execution *execution, const struct verdict *verdict, struct buf *out);

/* Appends what a sweep did: how it ended, its outcomes, its calls. */
void view_report(const char *policy, const char *target, const struct report *report,
                 const struct view_style *style, struct buf *out);

/* Appends a line for one that failed, with the beginning of its error: it was told in full where it happened.
 */
void view_failure(const char *policy, const char *target, const struct report *report, struct buf *out);

/* Milliseconds that deleting so many takes at the target's quotas, every one checked first unless the policy
 * says otherwise; *calls is how many calls that is. */
int64_t view_deletion_ms(const struct policy *policy, const struct target *target, int64_t executions,
                         int64_t *calls);

#endif
