/* One exit status from a report, and the worse of two. */
#include "tap.h"

#include "app/exit_status.h"

static void a_report_has_one_status(void **state)
{
    static const struct {
        enum sweep_end end;
        enum answer_class why;
        enum err_code code;
        int64_t selected, failed, unknown;
        enum exit_status status, detailed;
    } rows[] = {
        {SWEEP_PLANNED, ANSWER_DONE, ERR_NONE, 0, 0, 0, EXIT_FINE, EXIT_FINE},
        {SWEEP_PLANNED, ANSWER_DONE, ERR_NONE, 3, 0, 0, EXIT_FINE, EXIT_HAS_ROWS},
        {SWEEP_FINISHED, ANSWER_DONE, ERR_NONE, 0, 0, 0, EXIT_FINE, EXIT_FINE},
        {SWEEP_FINISHED, ANSWER_DONE, ERR_NONE, 3, 0, 0, EXIT_FINE, EXIT_FINE},
        {SWEEP_FINISHED, ANSWER_DONE, ERR_NONE, 3, 1, 0, EXIT_SOME_FAILED, EXIT_SOME_FAILED},
        {SWEEP_FINISHED, ANSWER_DONE, ERR_NONE, 3, 0, 1, EXIT_SOME_FAILED, EXIT_SOME_FAILED},
        {SWEEP_LIMITED, ANSWER_DONE, ERR_NONE, 3, 0, 0, EXIT_LIMITED, EXIT_LIMITED},
        {SWEEP_LIMITED, ANSWER_DONE, ERR_NONE, 3, 1, 0, EXIT_SOME_FAILED, EXIT_SOME_FAILED},
        {SWEEP_GUARDED, ANSWER_DONE, ERR_INVALID, 3, 0, 0, EXIT_GUARDED, EXIT_GUARDED},
        {SWEEP_STOPPED, ANSWER_DONE, ERR_IO, 3, 0, 0, EXIT_LEDGER, EXIT_LEDGER},
        {SWEEP_STOPPED, ANSWER_DONE, ERR_INTERNAL, 3, 0, 0, EXIT_LEDGER, EXIT_LEDGER},
        {SWEEP_STOPPED, ANSWER_DONE, ERR_INVALID, 3, 0, 0, EXIT_FAILED,
         EXIT_FAILED}, /* a clock that is off */
        {SWEEP_STOPPED, ANSWER_DONE, ERR_EXPIRED, 3, 0, 0, EXIT_STALE, EXIT_STALE},
        {SWEEP_STOPPED, ANSWER_DENIED, ERR_INVALID, 3, 1, 0, EXIT_DENIED, EXIT_DENIED},
        {SWEEP_STOPPED, ANSWER_THROTTLED, ERR_INVALID, 3, 0, 0, EXIT_FAILED, EXIT_FAILED},
        {SWEEP_FAILED, ANSWER_DONE, ERR_CREDENTIALS, 0, 0, 0, EXIT_DENIED, EXIT_DENIED},
        {SWEEP_FAILED, ANSWER_EXPIRED, ERR_IO, 0, 0, 0, EXIT_DENIED, EXIT_DENIED},
        {SWEEP_FAILED, ANSWER_DENIED, ERR_IO, 0, 0, 0, EXIT_DENIED, EXIT_DENIED},
        {SWEEP_FAILED, ANSWER_NOT_SENT, ERR_IO, 0, 0, 0, EXIT_FAILED, EXIT_FAILED},
        {SWEEP_CANCELED, ANSWER_DONE, ERR_NONE, 3, 0, 0, EXIT_FAILED, EXIT_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report report = {.end = rows[i].end, .why = rows[i].why, .selected = rows[i].selected};
        report.err.code = rows[i].code;
        report.outcomes[OUTCOME_FAILED] = rows[i].failed;
        report.outcomes[OUTCOME_UNKNOWN] = rows[i].unknown;
        int64_t rest = rows[i].selected - rows[i].failed - rows[i].unknown;
        bool deletes = rows[i].end == SWEEP_FINISHED || rows[i].end == SWEEP_LIMITED;
        report.outcomes[deletes ? OUTCOME_DELETED : OUTCOME_NOT_ATTEMPTED] = rest;
        if (exit_status_of(&report, false) != rows[i].status ||
            exit_status_of(&report, true) != rows[i].detailed)
            fail_msg("row %zu: %d and %d", i, exit_status_of(&report, false), exit_status_of(&report, true));
    }
}

static void the_worse_of_two_wins_whichever_comes_first(void **state)
{
    static const enum exit_status order[] = {EXIT_FINE,    EXIT_HAS_ROWS,    EXIT_LIMITED,
                                             EXIT_GUARDED, EXIT_SOME_FAILED, EXIT_FAILED,
                                             EXIT_DENIED,  EXIT_USAGE,       EXIT_INTERRUPTED};
    size_t count = sizeof order / sizeof order[0];
    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            assert_int_equal(exit_status_worse(order[i], order[j]), order[i > j ? i : j]);
    }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(a_report_has_one_status),
                                          cmocka_unit_test(the_worse_of_two_wins_whichever_comes_first)};

TAP_MAIN(tests)
