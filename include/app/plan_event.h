/* A plan for programs: what app/plan_view.h shows to people. */
#ifndef APP_PLAN_EVENT_H
#define APP_PLAN_EVENT_H

#include "app/plan_count.h"
#include "base/buf.h"
#include "engine/report.h"

/* Appends {"event":"plan",...} and a line feed; man/jobsweep.1 has its members. */
void plan_event(const struct plan_count *count, const struct report *report, struct buf *out);

#endif
