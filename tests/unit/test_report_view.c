/* What became of a run as people see it: golden texts. */
#include "printed.h"
#include "tap.h"

#include "app/report_view.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

static const struct view_style PLAIN = {0}, RICH = {.utf8 = true, .color = true};

#define NOW INT64_C(1795687200000) /* 2026-11-26T10:00:00Z */

static void a_report_says_how_it_ended_and_what_became_of_each(void **state)
{
    struct report report = {.end = SWEEP_STOPPED,
                            .listed = 12345,
                            .selected = 1000,
                            .remaining = 7,
                            .skipped = 1,
                            .started_ms = NOW,
                            .ended_ms = NOW + 90 * TIME_MS_PER_SECOND};
    struct buf out;
    (void)state;
    err_set(&report.err, ERR_IO, "the disk\nis full");
    report.outcomes[OUTCOME_DELETED] = 900;
    report.outcomes[OUTCOME_FAILED] = 1;
    report.outcomes[OUTCOME_NOT_ATTEMPTED] = 99;
    report.calls[OPERATION_DELETE_EXECUTION] = 901;
    report.calls[OPERATION_DESCRIBE_EXECUTION] = 950;
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &PLAIN, &out);
    prints(&out, "old in eu: stopped before its end: the disk\\x0ais full\n"
                 "  listed                 12,345\n"
                 "  selected                1,000\n"
                 "    deleted                 900\n"
                 "    failed                    1\n"
                 "    not_attempted            99\n"
                 "  left for later              7\n"
                 "  skipped                     1\n"
                 "  calls    DescribeJobExecution 950, DeleteJobExecution 901\n"
                 "  took     1 min 30 s\n"
                 "\n");
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &RICH, &out);
    prints(&out, "\033[1mold in eu:\033[0m stopped before its end: the disk\\x0ais full\n"
                 "  listed                 12,345\n"
                 "  selected                1,000\n"
                 "\033[32m    deleted                 900\033[0m\n"
                 "\033[31m    failed                    1\033[0m\n"
                 "    not_attempted            99\n"
                 "  left for later              7\n"
                 "  skipped                     1\n"
                 "  calls    DescribeJobExecution 950, DeleteJobExecution 901\n"
                 "  took     1 min 30 s\n"
                 "\n");
}

static void what_was_archived_and_what_was_not_stands_there(void **state)
{
    struct report report = {.end = SWEEP_FINISHED,
                            .listed = 3000,
                            .selected = 1200,
                            .archive = {.executions = 1150, .jobs = 12, .missing = 50},
                            .started_ms = NOW,
                            .ended_ms = NOW + 90 * TIME_MS_PER_SECOND};
    struct buf out;
    (void)state;
    report.outcomes[OUTCOME_DELETED] = 1200;
    strcpy(report.archive.file, "/srv/archive\x1b[2J/old-20261126T100000Z-run-7.jsonl.zst");
    err_set(&report.archive.err, ERR_ARCHIVE, "archive '/srv/\x1b[2J': No space left on device");
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &PLAIN, &out);
    prints(&out, "old in eu: finished\n"
                 "  listed                  3,000\n"
                 "  selected                1,200\n"
                 "    deleted               1,200\n"
                 "  archived                1,150  and 12 of their jobs, in "
                 "/srv/archive\\x1b[2J/old-20261126T100000Z-run-7.jsonl.zst\n"
                 "  not archived               50  archive '/srv/\\x1b[2J': No space left on device\n"
                 "  took     1 min 30 s\n"
                 "\n");
}

static void what_was_not_begun_took_no_time(void **state)
{
    const struct report report = {.end = SWEEP_CANCELED, .ended_ms = NOW};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &PLAIN, &out);
    prints(&out, "old in eu: canceled\n"
                 "  took     nothing: not begun\n"
                 "\n");
}

static void what_came_to_no_plan_has_selected_nothing_that_counts(void **state)
{
    struct report report = {.end = SWEEP_FAILED, .started_ms = NOW, .ended_ms = NOW + 8};
    struct buf out;
    (void)state;
    err_set(&report.err, ERR_CREDENTIALS, "no keys");
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &PLAIN, &out);
    prints(&out, "old in eu: failed, nothing was deleted: no keys\n"
                 "  took     8 ms\n"
                 "\n");
    report.listed = 7;
    report.calls[OPERATION_LIST_JOBS] = 1;
    buf_init(&out, 4096);
    report_view("old", "eu", &report, NULL, &PLAIN, &out);
    prints(&out, "old in eu: failed, nothing was deleted: no keys\n"
                 "  listed                      7\n"
                 "  calls    ListJobs 1\n"
                 "  took     8 ms\n"
                 "\n");
}

static void each_end_has_its_words(void **state)
{
    static const struct {
        enum sweep_end end;
        const char *words;
        enum sweep_limit limit;
    } rows[] = {
        {SWEEP_FINISHED, "old in eu: finished\n", LIMIT_ROWS},
        {SWEEP_PLANNED, "old in eu: only planned\n", LIMIT_ROWS},
        {SWEEP_GUARDED, "old in eu: stopped by a guard, nothing was deleted\n", LIMIT_ROWS},
        {SWEEP_LIMITED, "old in eu: stopped by a limit, more remains\n", LIMIT_ROWS},
        {SWEEP_LIMITED, "old in eu: stopped by the window, 1,234 remain\n", LIMIT_WINDOW},
        {SWEEP_LIMITED, "old in eu: stopped by the max_duration, 1,234 remain\n", LIMIT_DURATION},
        {SWEEP_STOPPED, "old in eu: stopped before its end\n", LIMIT_ROWS},
        {SWEEP_CANCELED, "old in eu: canceled\n", LIMIT_ROWS},
        {SWEEP_FAILED, "old in eu: failed, nothing was deleted\n", LIMIT_ROWS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct report report = {.end = rows[i].end,
                                      .limit = rows[i].limit,
                                      .remaining = 1000,
                                      .outcomes = {[OUTCOME_NOT_ATTEMPTED] = 234}};
        struct buf out;
        buf_init(&out, 4096);
        report_view("old", "eu", &report, NULL, &PLAIN, &out);
        assert_int_equal(strncmp(buf_string(&out), rows[i].words, strlen(rows[i].words)), 0);
        buf_finish(&out);
    }
}

static void why_rows_were_left_stands_below_their_number(void **state)
{
    const struct answer held = {
        .class = ANSWER_NOT_SENT, .code = "Protected", .message = "legal hold, by a:1:1"};
    const struct answer long_held = {
        .class = ANSWER_NOT_SENT, .code = "Protected", .message = "audit, by a:2:1"};
    const struct answer refused = {
        .class = ANSWER_INVALID, .code = "InvalidRequestException", .message = "of gw-1"};
    const struct answer done = {.class = ANSWER_DONE};
    const struct answer canceled = {.class = ANSWER_NOT_SENT, .code = "Canceled"};
    const struct answer withheld = {.class = ANSWER_NOT_SENT, .code = "Withheld"};
    const struct view_style narrow = {.columns = 40};
    struct report report = {
        .end = SWEEP_FINISHED, .listed = 8, .selected = 8, .started_ms = NOW, .ended_ms = NOW};
    struct tally *reasons = tally_create(REPORT_REASONS_MAX);
    const struct {
        enum outcome outcome;
        const struct answer *answer;
    } rows[] = {{OUTCOME_PROTECTED, &held},         {OUTCOME_PROTECTED, &long_held},
                {OUTCOME_PROTECTED, &held},         {OUTCOME_FAILED, &refused},
                {OUTCOME_DELETED, &done},           {OUTCOME_REPLACED, &done},
                {OUTCOME_NOT_ATTEMPTED, NULL},      {OUTCOME_FAILED, &refused},
                {OUTCOME_NOT_ATTEMPTED, &canceled}, {OUTCOME_NOT_ATTEMPTED, &withheld}};
    struct buf out, reason;
    (void)state;
    buf_init(&reason, 512);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        report.outcomes[rows[i].outcome]++;
        buf_reset(&reason);
        report_reason(rows[i].outcome, rows[i].answer, &reason);
        if (reason.length > 0)
            tally_add(reasons, buf_string(&reason), 1);
    }
    buf_finish(&reason);
    buf_init(&out, 4096);
    report_view("old", "eu", &report, reasons, &narrow, &out);
    tally_destroy(reasons);
    prints(&out, "old in eu: finished\n"
                 "  listed                      8\n"
                 "  selected                    8\n"
                 "    deleted                   1\n"
                 "    replaced                  1\n"
                 "    protected                 3\n"
                 "      2 legal hold, by a:1:1\n"
                 "      1 audit, by a:2:1\n"
                 "    failed                    2\n"
                 "      2 InvalidRequestException\n"
                 "    not_attempted             3\n"
                 "  took     0 ms\n"
                 "\n");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_report_says_how_it_ended_and_what_became_of_each),
    cmocka_unit_test(what_was_archived_and_what_was_not_stands_there),
    cmocka_unit_test(what_was_not_begun_took_no_time),
    cmocka_unit_test(what_came_to_no_plan_has_selected_nothing_that_counts),
    cmocka_unit_test(each_end_has_its_words),
    cmocka_unit_test(why_rows_were_left_stands_below_their_number),
};

TAP_MAIN(tests)
