/* What became of a run, for people. */
#ifndef APP_REPORT_VIEW_H
#define APP_REPORT_VIEW_H

#include "app/tally.h"
#include "app/view.h"
#include "base/buf.h"
#include "engine/report.h"

#define REPORT_REASONS_MAX 100 /* different ones, of report_reason(), are told apart */

/* "protected: legal hold 42, by jobsweep.yaml:9:5": what is counted of a row that was settled like this; ""
 * where nothing but the outcome is to be said. What the service says is shortened to its code, so that there
 * are few. */
void report_reason(enum outcome outcome, const struct answer *answer, struct buf *out);

/* Appends what a run did: how it ended, its outcomes, why rows were left, its calls. reasons may be NULL. */
void report_view(const char *policy, const char *target, const struct report *report,
                 const struct tally *reasons, const struct view_style *style, struct buf *out);

/* Appends a line for one that failed, with the beginning of its error: it was told in full where it happened.
 */
void report_view_failure(const char *policy, const char *target, const struct report *report,
                         struct buf *out);

#endif
