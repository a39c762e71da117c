/* See app/archive_report.h. */
#include "app/archive_report.h"

#include "base/log.h"
#include "base/text.h"

#include <inttypes.h>

static bool is_empty(const struct report *report)
{
    return report->archive.file[0] == '\0' && report->archive.missing == 0;
}

void archive_report_text(const struct report *report, struct buf *out)
{
    const struct archivist_view *archive = &report->archive;
    char number[32];
    if (archive->file[0] != '\0') {
        buf_printf(out, "  %-18s %10s", "archived", text_thousands(number, archive->executions));
        buf_printf(out, "  and %s of their jobs, in ", text_thousands(number, archive->jobs));
        text_visible(out, archive->file);
        buf_char(out, '\n');
    }
    if (archive->missing > 0) {
        buf_printf(out, "  %-18s %10s  ", "not archived", text_thousands(number, archive->missing));
        text_visible(out, archive->err.msg);
        buf_char(out, '\n');
    }
}

void archive_report_json(const struct report *report, struct buf *out)
{
    const struct archivist_view *archive = &report->archive;
    if (is_empty(report)) {
        return;
    }
    buf_text(out, ",\"archive\":{\"file\":");
    if (archive->file[0] != '\0') {
        text_json(out, archive->file);
    } else {
        buf_text(out, "null");
    }
    buf_printf(out, ",\"executions\":%" PRId64 ",\"jobs\":%" PRId64 ",\"missing\":%" PRId64 "}",
               archive->executions, archive->jobs, archive->missing);
}

void archive_report_log(const char *policy, const char *target, const struct report *report)
{
    const struct archivist_view *archive = &report->archive;
    if (!is_empty(report)) {
        log_event(archive->missing > 0 ? LOG_WARNING : LOG_INFO, "archived",
                  "policy=%s target=%s file=%s executions=%lld jobs=%lld missing=%lld", policy, target,
                  archive->file, (long long)archive->executions, (long long)archive->jobs,
                  (long long)archive->missing);
    }
}
