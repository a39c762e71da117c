/* Plans and reports as people see them: golden texts, with and without UTF-8 and colour. */
#include "config_text.h"
#include "tap.h"

#include "app/view.h"
#include "base/text.h"
#include "base/time.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct view_style PLAIN = {0}, UTF8 = {.utf8 = true}, RICH = {.utf8 = true, .color = true};
static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  eu: {region: eu-west-1, account: \"123456789012\"}\n"
    "  fast: {region: eu-west-1, share: 0.5, quotas: {DeleteJobExecution: 100}}\n"
    "policies:\n"
    "  - {name: old, targets: [eu], match: {age: {older_than: 30d}}}\n"
    "  - {name: quick, targets: [eu], verify: risky, match: {age: {older_than: 30d}}}\n";

#define NOW INT64_C(1795687200000) /* 2026-11-26T10:00:00Z */

static int load(void **state)
{
    *state = config_from_text(CONFIG);
    return *state == NULL;
}

static int unload(void **state)
{
    config_unref(*state);
    return 0;
}

static void prints(struct buf *out, const char *expected)
{
    if (strcmp(buf_string(out), expected) != 0)
        fail_msg("printed:\n%sexpected:\n%s", buf_string(out), expected);
    buf_finish(out);
}

static struct job_execution execution(const char *job, const char *thing, enum execution_status status,
                                      int64_t age_ms)
{
    struct job_execution made = {.number = 1, .fingerprint = {.status = status}};
    char text[32];
    text_copy(made.job_id, sizeof made.job_id, job);
    text_copy(made.thing_name, sizeof made.thing_name, thing);
    snprintf(text, sizeof text, "%lld", (long long)((NOW - age_ms) / 1000));
    assert_true(timestamp_parse(text, &made.fingerprint.last_updated_at));
    return made;
}

static void add_row(struct plan_view *view, const char *job, enum execution_status status, int64_t days,
                    const char *kept)
{
    struct verdict verdict = {.delete = kept == NULL};
    text_copy(verdict.reason, sizeof verdict.reason, kept != NULL ? kept : "age over 30d");
    struct job_execution row = execution(job, "gw-1", status, days * TIME_MS_PER_DAY);
    plan_view_row(view, &row, &verdict);
}

static struct plan_view *example(const struct config *config, size_t rows_kept)
{
    struct plan_view *view = plan_view_create(&config->policies[0], &config->targets[0], NOW, rows_kept);
    plan_view_route(view, "by job, 3 lists", 5);
    for (int i = 0; i < 6; i++)
        add_row(view, "fw-1", EXECUTION_SUCCEEDED, 40, NULL);
    add_row(view, "fw-2", EXECUTION_FAILED, 100, NULL);
    add_row(view, "fw-2", EXECUTION_FAILED, 400, NULL);
    add_row(view, "fw-3", EXECUTION_SUCCEEDED, 1, "younger than 30d");
    return view;
}

static void print_example(const struct config *config, size_t rows_kept, const struct view_style *style,
                          struct buf *out)
{
    struct plan_view *view = example(config, rows_kept);
    struct report report = {.end = SWEEP_PLANNED, .listed = 9, .selected = 8};
    report.calls[OPERATION_LIST_JOBS] = 1;
    report.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB] = 3;
    buf_init(out, 65536);
    plan_view_print(view, &report, style, out);
    plan_view_destroy(view);
}

static void a_plan_in_plain_characters(void **state)
{
    struct buf out;
    print_example(*state, 1, &PLAIN, &out);
    prints(&out, "old in eu: 8 of 9 job executions would be deleted\n"
                 "\n"
                 "         JOB  THING NO. STATUS    LAST UPDATE          REASON\n"
                 "  delete fw-1 gw-1    1 SUCCEEDED 2026-10-17T10:00:00Z age over 30d\n"
                 "  and 7 more (--verbose shows all)\n"
                 "\n"
                 "  status   SUCCEEDED    ##############################          6  75.0 %\n"
                 "           FAILED       ##########                              2  25.0 %\n"
                 "  job      fw-1         ##############################          6  75.0 %\n"
                 "           fw-2         ##########                              2  25.0 %\n"
                 "  age      30 d to 90 d ##############################          6  75.0 %\n"
                 "           90 d to 1 y  #####                                   1  12.5 %\n"
                 "           over 1 y     #####                                   1  12.5 %\n"
                 "  kept              1  younger than 30d\n"
                 "  route    by job, 3 lists\n"
                 "  listing  4 calls made\n"
                 "  deleting 16 calls, 804 ms at the quota\n"
                 "\n");
}

static void a_table_ends_at_the_edge_of_the_terminal(void **state)
{
    const struct view_style narrow = {.columns = 63}, wide = {.columns = 200};
    struct buf out, unclipped;
    print_example(*state, 1, &narrow, &out);
    assert_non_null(strstr(buf_string(&out),
                           "         JOB  THING NO. STATUS    LAST UPDATE          REASON\n"
                           "  delete fw-1 gw-1    1 SUCCEEDED 2026-10-17T10:00:00Z age over\n"
                           "  and 7 more"));
    buf_finish(&out);
    print_example(*state, 1, &wide, &out);
    print_example(*state, 1, &PLAIN, &unclipped);
    assert_string_equal(buf_string(&out), buf_string(&unclipped));
    buf_finish(&out);
    buf_finish(&unclipped);
}

static void a_plan_with_blocks(void **state)
{
    struct buf out;
    print_example(*state, 0, &UTF8, &out);
    prints(&out, "old in eu: 8 of 9 job executions would be deleted\n"
                 "\n"
                 "  status   SUCCEEDED    ██████████████████████████████          6  75.0 %\n"
                 "           FAILED       ██████████                              2  25.0 %\n"
                 "  job      fw-1         ██████████████████████████████          6  75.0 %\n"
                 "           fw-2         ██████████                              2  25.0 %\n"
                 "  age      30 d to 90 d ██████████████████████████████          6  75.0 %\n"
                 "           90 d to 1 y  █████                                   1  12.5 %\n"
                 "           over 1 y     █████                                   1  12.5 %\n"
                 "  kept              1  younger than 30d\n"
                 "  route    by job, 3 lists\n"
                 "  listing  4 calls made\n"
                 "  deleting 16 calls, 804 ms at the quota\n"
                 "\n");
}

static void a_plan_in_colour(void **state)
{
    struct buf out;
    print_example(*state, 0, &RICH, &out);
    prints(&out, "\033[1mold in eu\033[0m: 8 of 9 job executions would be deleted\n"
                 "\n"
                 "  status   SUCCEEDED    \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
                 "           FAILED       \033[36m██████████\033[0m                              2  25.0 %\n"
                 "  job      fw-1         \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
                 "           fw-2         \033[36m██████████\033[0m                              2  25.0 %\n"
                 "  age      30 d to 90 d \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
                 "           90 d to 1 y  \033[36m█████\033[0m                                   1  12.5 %\n"
                 "           over 1 y     \033[36m█████\033[0m                                   1  12.5 %\n"
                 "  kept              1  younger than 30d\n"
                 "  route    by job, 3 lists\n"
                 "  listing  4 calls made\n"
                 "  deleting 16 calls, 804 ms at the quota\n"
                 "\n");
}

static void a_plan_of_nothing(void **state)
{
    const struct config *config = *state;
    struct plan_view *view = plan_view_create(&config->policies[0], &config->targets[0], NOW, 5);
    struct report report = {.end = SWEEP_PLANNED, .listed = 0};
    struct buf out;
    buf_init(&out, 65536);
    plan_view_print(view, &report, &PLAIN, &out);
    plan_view_destroy(view);
    plan_view_destroy(NULL);
    prints(&out, "old in eu: 0 of 0 job executions would be deleted\n"
                 "\n"
                 "  listing  0 calls made\n"
                 "\n");
}

static void the_rest_of_many_jobs_and_reasons_is_counted(void **state)
{
    const struct config *config = *state;
    struct plan_view *view = plan_view_create(&config->policies[0], &config->targets[0], NOW, 0);
    struct report report = {.end = SWEEP_PLANNED, .listed = 20, .selected = 12, .remaining = 3, .skipped = 2};
    struct buf out;
    char name[32];
    for (int i = 0; i < 12; i++) {
        snprintf(name, sizeof name, "job-%02d", i);
        add_row(view, name, EXECUTION_CANCELED, 31, NULL);
    }
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "reason %d", i);
        add_row(view, "kept", EXECUTION_CANCELED, 31, name);
    }
    add_row(view, "kept", EXECUTION_CANCELED, 31, "left for the next time by limits.per_run");
    buf_init(&out, 65536);
    plan_view_print(view, &report, &PLAIN, &out);
    plan_view_destroy(view);
    const char *text = buf_string(&out);
    assert_null(strstr(text, "per_run")); /* said once, in its own line */
    assert_non_null(strstr(text, "job-09"));
    assert_null(strstr(text, "job-10"));
    assert_non_null(strstr(text, "and 2 more jobs\n"));
    assert_non_null(strstr(text, "reason 5\n"));
    assert_null(strstr(text, "reason 6"));
    assert_non_null(strstr(text, "for 2 more reasons\n"));
    assert_non_null(strstr(text, "  later             3  match and are left for later by limits\n"));
    assert_non_null(strstr(text, "  skipped           2  rows of answers that make no sense\n"));
    buf_finish(&out);
}

static void what_a_service_sends_cannot_move_the_cursor(void **state)
{
    struct job_execution row = execution("fw\033[2J", "gw\r\n1\x7f", EXECUTION_FAILED, 0);
    struct verdict verdict = {.delete = false, .reason = "a\nb"};
    struct buf out;
    (void)state;
    buf_init(&out, 1024);
    view_row(&row, &verdict, &out);
    prints(&out, "  keep   fw\\x1b[2J            gw\\x0d\\x0a1\\x7f         1 FAILED      "
                 "2026-11-26T10:00:00Z a\\x0ab\n");
}

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
    view_report("old", "eu", &report, &PLAIN, &out);
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
    view_report("old", "eu", &report, &RICH, &out);
    prints(&out, "\033[1mold in eu\033[0m: stopped before its end: the disk\\x0ais full\n"
                 "  listed                 12,345\n"
                 "  selected                1,000\n"
                 "\033[32m    deleted                 900\n"
                 "\033[0m\033[31m    failed                    1\n"
                 "\033[0m\033[0m    not_attempted            99\n"
                 "\033[0m  left for later              7\n"
                 "  skipped                     1\n"
                 "  calls    DescribeJobExecution 950, DeleteJobExecution 901\n"
                 "  took     1 min 30 s\n"
                 "\n");
}

static void what_was_not_begun_took_no_time(void **state)
{
    const struct report report = {.end = SWEEP_CANCELED, .ended_ms = NOW};
    struct buf out;
    (void)state;
    buf_init(&out, 4096);
    view_report("old", "eu", &report, &PLAIN, &out);
    prints(&out, "old in eu: canceled\n"
                 "  listed                      0\n"
                 "  selected                    0\n"
                 "  took     nothing: not begun\n"
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
        view_report("old", "eu", &report, &PLAIN, &out);
        assert_int_equal(strncmp(buf_string(&out), rows[i].words, strlen(rows[i].words)), 0);
        buf_finish(&out);
    }
}

static void the_time_is_that_of_the_slower_lane(void **state)
{
    const struct config *config = *state;
    const struct policy *checked = &config->policies[0], *unchecked = &config->policies[1];
    int64_t calls;
    (void)state;
    /* 9.95 deletions a second, and as many checks */
    assert_int_equal(view_deletion_ms(checked, &config->targets[0], 995, &calls), 100000);
    assert_int_equal(calls, 1990);
    assert_int_equal(view_deletion_ms(unchecked, &config->targets[0], 995, &calls), 100000);
    assert_int_equal(calls, 995);
    /* 50 deletions a second, but 5 checks */
    assert_int_equal(view_deletion_ms(checked, &config->targets[1], 1000, &calls), 200000);
    assert_int_equal(view_deletion_ms(unchecked, &config->targets[1], 1000, &calls), 20000);
    assert_int_equal(view_deletion_ms(checked, &config->targets[1], 0, &calls), 0);
    assert_int_equal(calls, 0);
}

static void colour_is_for_terminals_only_and_only_if_wanted(void **state)
{
    char path[64];
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(terminal >= 0);
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_int_equal(grantpt(terminal), 0);
    assert_int_equal(unlockpt(terminal), 0);
    assert_int_equal(ptsname_r(terminal, path, sizeof path), 0);
    int screen = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(screen >= 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_true(view_style_of(screen).color);
    assert_false(view_style_of(file).color);
    setenv("NO_COLOR", "", 1); /* empty is not set, as no-color.org has it */
    assert_true(view_style_of(screen).color);
    setenv("NO_COLOR", "0", 1);
    assert_false(view_style_of(screen).color);
    unsetenv("NO_COLOR");
    setenv("TERM", "dumb", 1);
    assert_false(view_style_of(screen).color);
    unsetenv("TERM");
    assert_false(view_style_of(screen).color);
    assert_false(view_style_of(screen).utf8); /* the "C" locale, without setlocale() */
    close(screen);
    close(file);
    close(terminal);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_plan_in_plain_characters, load, unload),
    cmocka_unit_test_setup_teardown(a_table_ends_at_the_edge_of_the_terminal, load, unload),
    cmocka_unit_test_setup_teardown(a_plan_with_blocks, load, unload),
    cmocka_unit_test_setup_teardown(a_plan_in_colour, load, unload),
    cmocka_unit_test_setup_teardown(a_plan_of_nothing, load, unload),
    cmocka_unit_test_setup_teardown(the_rest_of_many_jobs_and_reasons_is_counted, load, unload),
    cmocka_unit_test(what_a_service_sends_cannot_move_the_cursor),
    cmocka_unit_test(a_report_says_how_it_ended_and_what_became_of_each),
    cmocka_unit_test(what_was_not_begun_took_no_time),
    cmocka_unit_test(each_end_has_its_words),
    cmocka_unit_test_setup_teardown(the_time_is_that_of_the_slower_lane, load, unload),
    cmocka_unit_test(colour_is_for_terminals_only_and_only_if_wanted),
};

TAP_MAIN(tests)
