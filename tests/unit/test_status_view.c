/* What people see of the daemon's answer, line for line. */
#include "tap.h"

#include "app/control_events.h"
#include "app/status_view.h"

#include <stdio.h>
#include <string.h>

static const char *const LINES[] = {
    "{\"event\":\"daemon\",\"version\":\"9\",\"pid\":7,\"started_at\":\"2026-11-27T00:00:00Z\","
    "\"now\":\"2026-11-27T02:00:00Z\",\"files\":[\"/etc/j\\u001b.yaml\",\"b\"],\"file_count\":3,"
    "\"loaded_at\":\"2026-11-27T01:00:00Z\",\"policies\":2,\"targets\":1,"
    "\"reload_failed_at\":\"2026-11-27T01:59:00Z\",\"paused\":true,\"paused_at\":\"2026-11-27T01:30:00Z\","
    "\"paused_by\":0,\"stopping\":false,\"state_directory\":\"/s\",\"ledger\":\"writable\",\"runs\":3}",
    "{\"event\":\"diagnostic\",\"file\":\"a.yaml\",\"line\":3,\"column\":5,\"severity\":\"error\","
    "\"message\":\"no\",\"source\":\"  x: y\",\"caret\":4}",
    "{\"event\":\"run\",\"policy\":\"old\",\"target\":\"t\\u0007\",\"mode\":\"enforce\",\"resumed\":true,"
    "\"state\":\"deleting\",\"selected\":5000,\"settled\":1200,\"quarantined\":3,\"rate_per_1000s\":9900,"
    "\"remaining_ms\":380000,\"throttled\":true}",
    "{\"event\":\"run\",\"policy\":\"looks\",\"target\":\"t\",\"mode\":\"observe\",\"resumed\":false,"
    "\"state\":\"listing\",\"listed\":77,\"remaining_ms\":null}",
    "{\"event\":\"policy\",\"policy\":\"b\",\"mode\":\"observe\",\"targets\":1,"
    "\"next_at\":\"2026-11-27T04:00:00Z\"}",
    "{\"event\":\"policy\",\"policy\":\"a\",\"mode\":\"enforce\",\"targets\":2,"
    "\"next_at\":\"2026-11-27T03:00:00Z\"}",
    "{\"event\":\"policy\",\"policy\":\"never\",\"mode\":\"enforce\",\"targets\":2,\"next_at\":null}",
    "{\"event\":\"result\",\"policy\":\"old\",\"target\":\"t\",\"end\":\"failed\","
    "\"ended_at\":\"2026-11-27T01:00:00Z\",\"selected\":9,\"outcomes\":{\"deleted\":8,\"failed\":1},"
    "\"error\":\"no\\nanswer\"}",
    "{\"event\":\"failures\",\"count\":2}",
    "{\"event\":\"something new\"}",
    "{\"event\":\"pair\",\"policy\":\"old\",\"target\":\"t\",\"runs\":true,\"rests_ms\":60000}",
    "{\"event\":\"result\",\"policy\":\"old\",\"target\":\"t\",\"end\":\"finished\","
    "\"ended_at\":\"2026-11-27T01:00:00Z\",\"selected\":0,\"outcomes\":{}}",
};

static const char TEXT[] =
    "jobsweepd 9, process 7, since 2026-11-27T00:00:00Z (2 h ago)\n"
    "state: /s\n"
    "paused since 2026-11-27T01:30:00Z (30 min ago) by root: nothing is deleted (jobsweep resume)\n"
    "configuration: /etc/j\\x1b.yaml and 2 more, loaded 2026-11-27T01:00:00Z (1 h ago), 2 policies, "
    "1 target\n"
    "the reload of 2026-11-27T01:59:00Z (1 min ago) was refused, and this configuration stays in force:\n"
    "a.yaml:3:5: error: no\n"
    "      x: y\n"
    "        ^\n"
    "now:\n"
    "  old in t\\x07: deleting (interrupted before), settled 1,200 of 5,000, 3 to be verified, 9 a second, "
    "about 6 min 20 s left, throttled\n"
    "  looks in t: listing (observes), listed 77\n"
    "  and 1 more\n"
    "next:\n"
    "  a: 2026-11-27T03:00:00Z (in 1 h), 2 targets\n"
    "  b: 2026-11-27T04:00:00Z (in 2 h), 1 target (observes)\n"
    "last runs that did not end well:\n"
    "  old in t: failed, 2026-11-27T01:00:00Z (1 h ago), selected 9, deleted 8, failed 1: no\\x0aanswer\n"
    "  and 1 more\n"
    "each policy in each target:\n"
    "  old in t, runs now, left alone for 1 min, because it failed before\n"
    "    last: old in t: finished, 2026-11-27T01:00:00Z (1 h ago), selected 0\n";

static void take(struct status_view *view, const char *line)
{
    struct err err;
    struct json_doc *doc = json_parse(line, strlen(line), &err);
    if (doc == NULL)
        fail_msg("%s: %s", line, err.msg);
    status_view_line(view, json_root(doc));
    json_free(doc);
}

static void all_of_it_is_shown_in_its_order_and_nothing_raw(void **state)
{
    struct status_view *view = status_view_create(true);
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++)
        take(view, LINES[i]);
    status_view_print(view, &out);
    assert_string_equal(buf_string(&out), TEXT);
    buf_finish(&out);
    status_view_destroy(view);
}

static void what_happens_in_the_same_second_is_now(void **state)
{
    struct status_view *view = status_view_create(false);
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    take(view, "{\"event\":\"daemon\",\"version\":\"9\",\"pid\":7,\"started_at\":\"2026-11-27T02:00:00Z\","
               "\"now\":\"2026-11-27T02:00:00Z\",\"files\":[\"a\"],\"loaded_at\":\"2026-11-27T01:59:59Z\"}");
    status_view_print(view, &out);
    assert_non_null(strstr(buf_string(&out), "since 2026-11-27T02:00:00Z (now)\n"));
    assert_non_null(strstr(buf_string(&out), "loaded 2026-11-27T01:59:59Z (1 s ago)"));
    buf_finish(&out);
    status_view_destroy(view);
}

static void many_policies_are_counted(void **state)
{
    struct status_view *view = status_view_create(false);
    struct buf out;
    (void)state;
    buf_init(&out, 65536);
    for (int i = 0; i < 1003; i++) { /* more than a configuration can have */
        char line[256];
        snprintf(line, sizeof line,
                 "{\"event\":\"policy\",\"policy\":\"p%d\",\"next_at\":\"2026-11-27T%02d:00:00Z\"}", i,
                 i % 24);
        take(view, line);
    }
    status_view_print(view, &out);
    assert_non_null(strstr(buf_string(&out), "  and 990 more\n"));
    assert_null(strstr(buf_string(&out), "T01:"));
    buf_finish(&out);
    status_view_destroy(view);
}

static void what_one_side_writes_of_a_run_the_other_reads(void **state)
{
    (void)state;
    for (int end = SWEEP_FINISHED; end <= SWEEP_FAILED; end++) {
        struct report report = {.end = (enum sweep_end)end,
                                .limit = end == SWEEP_LIMITED ? LIMIT_WINDOW : LIMIT_ROWS,
                                .listed = 11,
                                .selected = 6,
                                .remaining = 2,
                                .started_ms = 1795737600000,
                                .skipped = 4,
                                .ended_ms = 1795737601234},
                      found;
        struct buf out;
        struct err err;
        enum exit_status status;
        for (int i = OUTCOME_DELETED; i < OUTCOME_COUNT; i++)
            report.outcomes[i] = i;
        report.calls[OPERATION_LIST_JOBS] = 3;
        report.calls[OPERATION_DELETE_EXECUTION] = 6;
        report.archive = (struct archivist_view){.executions = 5, .jobs = 1, .file = "/a/\xc3\xa9.zst"};
        report.started_ms = end == SWEEP_CANCELED ? 0 : report.started_ms; /* it never began */
        if (end == SWEEP_FAILED)
            err_set(&report.err, ERR_INVALID, "a \"reason\"\x1b");
        buf_init(&out, 8192);
        control_event_result(&out, "p", "t", &report, EXIT_LIMITED);
        struct json_doc *doc = json_parse(out.data, out.length, &err);
        assert_non_null(doc);
        control_read_result(json_root(doc), &found, &status);
        assert_int_equal(status, EXIT_LIMITED);
        assert_int_equal(found.end, report.end);
        assert_int_equal(found.limit, report.limit);
        assert_string_equal(found.err.msg, report.err.msg);
        assert_memory_equal(found.outcomes, report.outcomes, sizeof found.outcomes);
        assert_true(found.listed == 11 && found.selected == 6 && found.remaining == 2);
        assert_int_equal(found.started_ms, report.started_ms);
        assert_int_equal(found.ended_ms, end == SWEEP_CANCELED ? 1795737601000 : report.ended_ms);
        assert_memory_equal(found.calls, report.calls, sizeof found.calls);
        assert_true(found.skipped == 4 && found.archive.executions == 5 && found.archive.jobs == 1);
        assert_string_equal(found.archive.file, report.archive.file);
        json_free(doc);
        buf_finish(&out);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_of_it_is_shown_in_its_order_and_nothing_raw),
    cmocka_unit_test(what_happens_in_the_same_second_is_now),
    cmocka_unit_test(many_policies_are_counted),
    cmocka_unit_test(what_one_side_writes_of_a_run_the_other_reads),
};

TAP_MAIN(tests)
