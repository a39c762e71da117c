/* A plan for people. */
#ifndef APP_PLAN_VIEW_H
#define APP_PLAN_VIEW_H

#include "app/plan_count.h"
#include "app/view.h"
#include "engine/report.h"

/* Appends the whole view: a sample of the rows, counts by status, job (the ten greatest, the rest summed) and
 * age as bars, what is kept by which rule, what is left out, and what it takes to list and to delete. */
void plan_view_print(const struct plan_count *count, const struct report *report,
                     const struct view_style *style, struct buf *out);

/* Appends one line for one execution: verdict, job, thing, number, status, last update, reason; more lines
 * where the style's columns are too few. */
void view_row(const struct job_execution *execution, const struct verdict *verdict,
              const struct view_style *style, struct buf *out);

#endif
