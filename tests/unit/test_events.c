/* What --format json prints, line by line. */
#include "printed.h"
#include "tap.h"

#include "app/events.h"
#include "base/text.h"

#include <string.h>

static void a_row_is_one_line_whatever_its_texts_hold(void **state)
{
    struct job_execution execution = {
        .job_id = "fw-1", .thing_name = "gw:1", .number = 3, .fingerprint = {.status = EXECUTION_TIMED_OUT}};
    struct verdict verdict = {.delete = true, .reason = "age over \"30d\"\nand more\x1b"};
    struct buf out;
    (void)state;
    assert_true(timestamp_parse("1795687200.5", &execution.fingerprint.last_updated_at));
    buf_init(&out, 4096);
    events_row(&out, "old", "eu", &execution, &verdict);
    prints(
        &out,
        "{\"event\":\"row\",\"policy\":\"old\",\"target\":\"eu\",\"job_id\":\"fw-1\",\"thing_name\":\"gw:1\","
        "\"execution_number\":3,\"status\":\"TIMED_OUT\",\"queued_at\":null,\"started_at\":null,"
        "\"last_updated_at\":\"2026-11-26T10:00:00Z\",\"verdict\":\"delete\","
        "\"reason\":\"age over \\\"30d\\\"\\nand more\\u001b\",\"cause\":\"match\"}\n");
    verdict = (struct verdict){.delete = false, .cause = CAUSE_LIMIT, .reason = "bad \xff byte"};
    execution.number = INT64_MAX;
    buf_init(&out, 4096);
    events_row(&out, "old", "eu", &execution, &verdict);
    assert_non_null(strstr(buf_string(&out), "\"execution_number\":9223372036854775807,"));
    assert_non_null(
        strstr(buf_string(&out),
               "\"verdict\":\"keep\",\"reason\":\"bad \xef\xbf\xbd byte\",\"cause\":\"limit\"}\n"));
    assert_true(text_is_utf8(out.data, out.length));
    buf_finish(&out);
}

static void a_report_has_every_outcome(void **state)
{
    struct report report = {.selected = 10};
    struct buf out;
    (void)state;
    report.outcomes[OUTCOME_DELETED] = 7;
    report.outcomes[OUTCOME_UNKNOWN] = 3;
    buf_init(&out, 4096);
    events_report(&out, report.selected, report.outcomes, 5);
    prints(
        &out,
        "{\"event\":\"report\",\"selected\":10,\"outcomes\":{\"deleted\":7,\"deleted_presumed\":0,\"gone\":0,"
        "\"state_changed\":0,\"replaced\":0,\"protected\":0,\"failed\":0,\"unknown\":3,\"not_attempted\":0},"
        "\"exit\":5}\n");
}

static void a_row_that_was_settled_says_what_became_of_it(void **state)
{
    const struct answer held = {.class = ANSWER_NOT_SENT, .code = "Protected", .message = "legal\nhold"};
    const struct answer done = {.class = ANSWER_DONE};
    struct plan_row row = {.execution = {.job_id = "fw-1", .thing_name = "gw-1", .number = 3},
                           .reason = "age over 30d"};
    struct buf out;
    (void)state;
    row.execution.fingerprint.status = EXECUTION_FAILED;
    buf_init(&out, 4096);
    events_settled(&out, "old", "eu", &row, OUTCOME_PROTECTED, &held);
    events_settled(&out, "old", "eu", &row, OUTCOME_DELETED, &done);
    prints(
        &out,
        "{\"event\":\"row\",\"policy\":\"old\",\"target\":\"eu\",\"job_id\":\"fw-1\",\"thing_name\":\"gw-1\","
        "\"execution_number\":3,\"status\":\"FAILED\",\"queued_at\":null,\"started_at\":null,"
        "\"last_updated_at\":null,\"verdict\":\"delete\",\"reason\":\"age over 30d\",\"cause\":\"match\","
        "\"outcome\":\"protected\",\"code\":\"Protected\",\"message\":\"legal\\nhold\"}\n"
        "{\"event\":\"row\",\"policy\":\"old\",\"target\":\"eu\",\"job_id\":\"fw-1\",\"thing_name\":\"gw-1\","
        "\"execution_number\":3,\"status\":\"FAILED\",\"queued_at\":null,\"started_at\":null,"
        "\"last_updated_at\":null,\"verdict\":\"delete\",\"reason\":\"age over 30d\",\"cause\":\"match\","
        "\"outcome\":\"deleted\",\"code\":null,\"message\":null}\n");
}

static void what_became_of_a_policy_adds_up_and_says_why(void **state)
{
    struct report report = {
        .end = SWEEP_FINISHED, .listed = 12, .selected = 10, .remaining = 1, .skipped = 4};
    struct tally *reasons = tally_create(5);
    struct buf out;
    (void)state;
    report.outcomes[OUTCOME_DELETED] = 7;
    report.outcomes[OUTCOME_PROTECTED] = 3;
    tally_add(reasons, "protected: legal hold, by a.yaml:9:5", 3);
    buf_init(&out, 4096);
    events_target(&out, "old", "eu", &report, reasons, 0);
    tally_destroy(reasons);
    prints(&out,
           "{\"event\":\"target\",\"policy\":\"old\",\"target\":\"eu\",\"end\":\"finished\",\"listed\":12,"
           "\"selected\":10,\"remaining\":1,\"skipped\":4,\"outcomes\":{\"deleted\":7,\"deleted_presumed\":0,"
           "\"gone\":0,\"state_changed\":0,\"replaced\":0,\"protected\":3,\"failed\":0,\"unknown\":0,"
           "\"not_attempted\":0},\"reasons\":[{\"outcome\":\"protected\",\"reason\":\"legal hold, by "
           "a.yaml:9:5\",\"count\":3}],\"error\":null,\"exit\":0}\n");
}

static void mistakes_have_their_place_and_their_number(void **state)
{
    struct diagnostic diagnostic = {.file = (char *)"a \"b\".yaml",
                                    .line = 2,
                                    .column = 14,
                                    .warning = false,
                                    .message = (char *)"what is it"};
    struct diagnostics diagnostics = {.errors = 1, .warnings = 2};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    events_diagnostic(&out, &diagnostic);
    diagnostic.warning = true;
    events_diagnostic(&out, &diagnostic);
    events_check(&out, &diagnostics, NULL, 2);
    prints(&out, "{\"event\":\"diagnostic\",\"file\":\"a "
                 "\\\"b\\\".yaml\",\"line\":2,\"column\":14,\"severity\":\"error\","
                 "\"message\":\"what is it\"}\n"
                 "{\"event\":\"diagnostic\",\"file\":\"a "
                 "\\\"b\\\".yaml\",\"line\":2,\"column\":14,\"severity\":\"warning\","
                 "\"message\":\"what is it\"}\n"
                 "{\"event\":\"check\",\"errors\":1,\"warnings\":2,\"exit\":2}\n");
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(a_row_is_one_line_whatever_its_texts_hold),
                                          cmocka_unit_test(a_report_has_every_outcome),
                                          cmocka_unit_test(a_row_that_was_settled_says_what_became_of_it),
                                          cmocka_unit_test(what_became_of_a_policy_adds_up_and_says_why),
                                          cmocka_unit_test(mistakes_have_their_place_and_their_number)};

TAP_MAIN(tests)
