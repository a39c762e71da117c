/* What is told of the archive: by a report, by the log. Nothing where nothing was archived. */
#ifndef APP_ARCHIVE_REPORT_H
#define APP_ARCHIVE_REPORT_H

#include "base/buf.h"
#include "engine/report.h"

/* Lines of a report: how many documents, in which file; how many deletions went on without, and why. */
void archive_report_text(const struct report *report, struct buf *out);
/* ',"archive":{"file":...,"executions":N,"jobs":N,"missing":N}', a member of an object of a report. */
void archive_report_json(const struct report *report, struct buf *out);
void archive_report_log(const char *policy, const char *target, const struct report *report);

#endif
