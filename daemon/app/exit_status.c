/* From reports to one exit status. */
#include "app/exit_status.h"

#include <stddef.h>

/* The engine sends nothing without a record: it stops, with the ledger's own error (model/ledger.h). */
static bool ledger_failed(const struct report *report)
{
    return report->end == SWEEP_STOPPED && (report->err.code == ERR_IO || report->err.code == ERR_INTERNAL);
}

enum exit_status exit_status_of_start(const struct err *err)
{
    switch (err->code) {
    case ERR_LOCKED:
        return EXIT_LOCKED;
    case ERR_IO:
        return EXIT_LEDGER;
    default:
        return EXIT_FAILED;
    }
}

enum exit_status exit_status_of(const struct report *report, bool detailed)
{
    switch (report->end) {
    case SWEEP_PLANNED:
        return detailed && report->selected > 0 ? EXIT_HAS_ROWS : EXIT_FINE;
    case SWEEP_FINISHED:
        return report_failed(report) ? EXIT_SOME_FAILED : EXIT_FINE;
    case SWEEP_LIMITED:
        return report_failed(report) ? EXIT_SOME_FAILED : EXIT_LIMITED;
    case SWEEP_GUARDED:
        return EXIT_GUARDED;
    case SWEEP_STOPPED:
        if (ledger_failed(report)) {
            return EXIT_LEDGER;
        }
        if (report->err.code == ERR_EXPIRED) {
            return EXIT_STALE;
        }
        return report_denied(report) ? EXIT_DENIED : EXIT_FAILED;
    case SWEEP_FAILED:
        return report_denied(report) ? EXIT_DENIED : EXIT_FAILED;
    case SWEEP_CANCELED:
        break;
    }
    return EXIT_FAILED;
}

static size_t rank(enum exit_status status)
{
    static const enum exit_status order[] = {EXIT_FINE,        EXIT_HAS_ROWS, EXIT_LIMITED,     EXIT_GUARDED,
                                             EXIT_SOME_FAILED, EXIT_FAILED,   EXIT_STALE,       EXIT_DENIED,
                                             EXIT_USAGE,       EXIT_LOCKED,   EXIT_INTERRUPTED, EXIT_LEDGER};
    size_t count = sizeof order / sizeof order[0];
    for (size_t i = 0; i < count; i++) {
        if (order[i] == status) {
            return i;
        }
    }
    return count;
}

enum exit_status exit_status_worse(enum exit_status a, enum exit_status b)
{
    return rank(a) < rank(b) ? b : a;
}
