/* Plans as people and programs see them: golden texts, with and without UTF-8 and colour. */
#include "config_text.h"
#include "printed.h"
#include "tap.h"

#include "app/plan_event.h"
#include "app/plan_view.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct view_style PLAIN = {0}, UTF8 = {.utf8 = true}, RICH = {.utf8 = true, .color = true};
static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  eu: {region: eu-west-1, account: \"123456789012\"}\n"
    "  fast: {region: eu-west-1, share: 0.5, quotas: {DeleteJobExecution: 100}}\n"
    "policies:\n"
    "  - {name: old, targets: [eu], match: {age: {older_than: 30d}}}\n"
    "  - name: keeps\n"
    "    targets: [eu]\n"
    "    match: {age: {older_than: 30d}}\n"
    "    keep: [{last: 5, per: thing}, {within: 7d}]\n"
    "    limits: {per_run: 100}\n"
    "    schedule: {cron: \"0 1 * * *\", window: \"01:00-01:01\", max_duration: 2h}\n";

#define NOW INT64_C(1795687200000) /* 2026-11-26T10:00:00Z */

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

static void add_row(struct plan_count *count, const char *job, enum execution_status status, int64_t days,
                    const char *kept)
{
    struct verdict verdict = {.delete = kept == NULL};
    text_copy(verdict.reason, sizeof verdict.reason, kept != NULL ? kept : "age over 30d");
    struct job_execution row = execution(job, "gw-1", status, days * TIME_MS_PER_DAY);
    plan_count_row(count, &row, &verdict);
}

static struct plan_count *example(const struct config *config, size_t rows_kept)
{
    struct plan_count *count = plan_count_create(&config->policies[0], &config->targets[0], NOW, rows_kept);
    const struct route route = {.jobs = 3, .things = -1, .calls = 5, .other_calls = -1, .other_least = 40};
    plan_count_route(count, &route);
    for (int i = 0; i < 6; i++)
        add_row(count, "fw-1", EXECUTION_SUCCEEDED, 40, NULL);
    add_row(count, "fw-2", EXECUTION_FAILED, 100, NULL);
    add_row(count, "fw-2", EXECUTION_FAILED, 400, NULL);
    add_row(count, "fw-3", EXECUTION_SUCCEEDED, 1, "younger than 30d");
    return count;
}

static void print_example(const struct config *config, size_t rows_kept, const struct view_style *style,
                          struct buf *out)
{
    struct plan_count *count = example(config, rows_kept);
    struct report report = {.end = SWEEP_PLANNED, .listed = 9, .selected = 8};
    report.calls[OPERATION_LIST_JOBS] = 1;
    report.calls[OPERATION_LIST_EXECUTIONS_FOR_JOB] = 3;
    buf_init(out, 65536);
    plan_view_print(count, &report, style, out);
    plan_count_destroy(count);
}

static void a_plan_in_plain_characters(void **state)
{
    struct buf out;
    print_example(*state, 1, &PLAIN, &out);
    prints(&out,
           "old in eu: 8 of 9 job executions would be deleted\n"
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
           "  route    by job: 3 jobs, about 5 calls (by thing: at least 40, more than jobs, and counted no "
           "further)\n"
           "  listing  4 calls made\n"
           "  deleting 16 calls, 804 ms at the quota: 9.95 deletions a second, each looked at before, 9.95 a "
           "second\n"
           "\n");
}

/* Columns on the screen, of the longest line. */
static int widest(const char *text)
{
    int most = 0, columns = 0;
    for (; *text != '\0'; text++) {
        columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xc0) != 0x80);
        most = columns > most ? columns : most;
    }
    return most;
}

static void a_plan_fits_the_terminal_and_nothing_is_lost(void **state)
{
    struct buf out, endless;
    print_example(*state, 1, &PLAIN, &endless);
    for (int columns = 40; columns < 130; columns++) {
        const struct view_style style = {.columns = columns};
        print_example(*state, 1, &style, &out);
        assert_true(widest(buf_string(&out)) <= columns);
        const char *row = strstr(buf_string(&out), "  delete fw-1 gw-1 ");
        assert_non_null(row);
        assert_non_null(strstr(row, "30d\n"));
        if (columns > widest(buf_string(&endless)))
            assert_string_equal(buf_string(&out), buf_string(&endless));
        buf_finish(&out);
    }
    buf_finish(&endless);
}

static void a_plan_on_a_narrow_terminal(void **state)
{
    const struct view_style narrow = {.columns = 40};
    struct buf out;
    print_example(*state, 1, &narrow, &out);
    prints(&out, "old in eu: 8 of 9 job executions would\n"
                 "  be deleted\n"
                 "\n"
                 "  delete fw-1 gw-1 1 SUCCEEDED\n"
                 "         2026-10-17T10:00:00Z age over\n"
                 "         30d\n"
                 "  and 7 more (--verbose shows all)\n"
                 "\n"
                 "  status\n"
                 "    SUCCEEDED    ############          6\n"
                 "    FAILED       ####                  2\n"
                 "  job\n"
                 "    fw-1         ############          6\n"
                 "    fw-2         ####                  2\n"
                 "  age\n"
                 "    30 d to 90 d ############          6\n"
                 "    90 d to 1 y  ##                    1\n"
                 "    over 1 y     ##                    1\n"
                 "  kept              1  younger than 30d\n"
                 "  route    by job: 3 jobs, about 5 calls\n"
                 "           (by thing: at least 40, more\n"
                 "           than jobs, and counted no\n"
                 "           further)\n"
                 "  listing  4 calls made\n"
                 "  deleting 16 calls, 804 ms at the\n"
                 "           quota: 9.95 deletions a\n"
                 "           second, each looked at\n"
                 "           before, 9.95 a second\n"
                 "\n");
}

static void a_plan_with_blocks(void **state)
{
    struct buf out;
    print_example(*state, 0, &UTF8, &out);
    prints(&out,
           "old in eu: 8 of 9 job executions would be deleted\n"
           "\n"
           "  status   SUCCEEDED    ██████████████████████████████          6  75.0 %\n"
           "           FAILED       ██████████                              2  25.0 %\n"
           "  job      fw-1         ██████████████████████████████          6  75.0 %\n"
           "           fw-2         ██████████                              2  25.0 %\n"
           "  age      30 d to 90 d ██████████████████████████████          6  75.0 %\n"
           "           90 d to 1 y  █████                                   1  12.5 %\n"
           "           over 1 y     █████                                   1  12.5 %\n"
           "  kept              1  younger than 30d\n"
           "  route    by job: 3 jobs, about 5 calls (by thing: at least 40, more than jobs, and counted no "
           "further)\n"
           "  listing  4 calls made\n"
           "  deleting 16 calls, 804 ms at the quota: 9.95 deletions a second, each looked at before, 9.95 a "
           "second\n"
           "\n");
}

static void a_plan_in_colour(void **state)
{
    struct buf out;
    print_example(*state, 0, &RICH, &out);
    prints(&out,
           "\033[1mold in eu:\033[0m 8 of 9 job executions would be deleted\n"
           "\n"
           "  status   SUCCEEDED    \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
           "           FAILED       \033[36m██████████\033[0m                              2  25.0 %\n"
           "  job      fw-1         \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
           "           fw-2         \033[36m██████████\033[0m                              2  25.0 %\n"
           "  age      30 d to 90 d \033[36m██████████████████████████████\033[0m          6  75.0 %\n"
           "           90 d to 1 y  \033[36m█████\033[0m                                   1  12.5 %\n"
           "           over 1 y     \033[36m█████\033[0m                                   1  12.5 %\n"
           "  kept              1  younger than 30d\n"
           "  route    by job: 3 jobs, about 5 calls (by thing: at least 40, more than jobs, and counted no "
           "further)\n"
           "  listing  4 calls made\n"
           "  deleting 16 calls, 804 ms at the quota: 9.95 deletions a second, each looked at before, 9.95 a "
           "second\n"
           "\n");
}

static void a_plan_of_nothing(void **state)
{
    const struct config *config = *state;
    struct plan_count *count = plan_count_create(&config->policies[0], &config->targets[0], NOW, 5);
    struct report report = {.end = SWEEP_PLANNED, .listed = 0};
    struct buf out;
    buf_init(&out, 65536);
    plan_view_print(count, &report, &PLAIN, &out);
    plan_count_destroy(count);
    plan_count_destroy(NULL);
    prints(&out, "old in eu: 0 of 0 job executions would be deleted\n"
                 "\n"
                 "  listing  0 calls made\n"
                 "\n");
}

static void the_rest_of_many_jobs_and_reasons_is_counted(void **state)
{
    const struct config *config = *state;
    struct plan_count *count = plan_count_create(&config->policies[0], &config->targets[0], NOW, 0);
    struct report report = {.end = SWEEP_PLANNED, .listed = 25, .selected = 15, .remaining = 3, .skipped = 7};
    struct job_execution row = execution("kept", "gw-1", EXECUTION_FAILED, 0);
    struct verdict later = {.cause = CAUSE_LIMIT, .reason = "left for the next time by limits.per_run"};
    struct verdict future = {.cause = CAUSE_FUTURE, .reason = "queued_at in the future"};
    struct buf out;
    char name[32];
    for (int i = 0; i < 15; i++) {
        snprintf(name, sizeof name, "job-%02d", i < 12 ? i : 0);
        add_row(count, name, EXECUTION_CANCELED, 31, NULL);
    }
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof name, "reason %d", i < 8 ? i : 7);
        add_row(count, "kept", EXECUTION_CANCELED, 31, name);
    }
    plan_count_row(count, &row, &later);
    plan_count_row(count, &row, &future);
    plan_count_skipped(count, "its status is none that is known", 5);
    buf_init(&out, 65536);
    plan_view_print(count, &report, &PLAIN, &out);
    plan_count_destroy(count);
    const char *text = buf_string(&out);
    assert_null(strstr(text, "per_run")); /* said once, in its own line */
    assert_non_null(
        strstr(text, "  job      job-00       ##############################          4  26.7 %\n"));
    assert_non_null(strstr(text, "job-09"));
    assert_null(strstr(text, "job-10"));
    assert_non_null(
        strstr(text, "           2 more jobs  ###############                         2  13.3 %\n"));
    assert_non_null(strstr(text, "  kept              2  reason 7\n"));
    assert_non_null(strstr(text, "reason 4\n"));
    assert_null(strstr(text, "reason 6"));
    assert_non_null(strstr(text, "                    2  for 2 more reasons\n"));
    assert_non_null(strstr(
        text,
        "  future            1  kept, as a time of it lies in the future: a clock is wrong somewhere\n"));
    assert_non_null(strstr(text, "  later             3  match and are left for later by limits\n"));
    assert_non_null(strstr(text, "  skipped           5  rows of answers: its status is none that is known\n"
                                 "                    2  rows of answers that make no sense\n"));
    buf_finish(&out);
}

/* Of the policy that has keep rules. */
static struct plan_count *kept_and_left_out(const struct config *config)
{
    const struct policy *policy = &config->policies[1];
    struct plan_count *count = plan_count_create(policy, &config->targets[0], NOW, 0);
    struct job_execution row = execution("fw-1", "gw-1", EXECUTION_FAILED, 40 * TIME_MS_PER_DAY);
    struct verdict kept = {
        .cause = CAUSE_KEEP, .reason = "kept by within: 7d", .place = &policy->keep[1].place};
    struct verdict going = {.delete = true, .reason = "status FAILED"};
    struct verdict waiting = {.cause = CAUSE_GRACE, .reason = "in its grace"};
    const struct job running = {.job_id = "c-1", .continuous = true, .status = JOB_IN_PROGRESS};
    const struct job ota = {.job_id = "AFR_OTA-1"};
    struct job named = {.job_id = "gg-1", .described = true, .namespace_id = "aws-gg"};
    named.counts[EXECUTION_SUCCEEDED] = 1200;
    named.counts[EXECUTION_QUEUED] = 5; /* never deleted */
    for (int i = 0; i < 1200; i++)
        plan_count_row(count, &row, &going);
    for (int i = 0; i < 3; i++)
        plan_count_row(count, &row, &kept);
    plan_count_row(count, &row, &waiting);
    plan_count_left_out(count, &running, RESERVE_CONTINUOUS, false);
    plan_count_left_out(count, &ota, RESERVE_OTA, false);
    plan_count_left_out(count, &ota, RESERVE_OTA, true); /* one that was listed tells more than none */
    plan_count_left_out(count, &ota, RESERVE_OTA, true);
    plan_count_left_out(count, &named, RESERVE_NAMESPACE, false);
    return count;
}

static void each_keep_rule_tells_what_it_keeps_and_each_kind_of_job_what_is_left_out(void **state)
{
    const struct config *config = *state;
    struct plan_count *count = kept_and_left_out(config);
    struct report report = {.end = SWEEP_PLANNED, .listed = 5103, .selected = 1200, .remaining = 3900};
    struct buf out;
    char kept[512];
    const char *file = config->files[0];
    buf_init(&out, 65536);
    plan_view_print(count, &report, &PLAIN, &out);
    plan_count_destroy(count);
    const char *text = buf_string(&out);
    snprintf(kept, sizeof kept,
             "  kept              0  kept by last: 5, per: thing (%s:10)\n"
             "                    3  kept by within: 7d (%s:10)\n",
             file, file);
    assert_non_null(strstr(text, kept));
    assert_non_null(
        strstr(text, "  left out             those of 1 running CONTINUOUS job, not listed: c-1\n"
                     "                       if they are meant: match.job: {status: [IN_PROGRESS], "
                     "target_selection: CONTINUOUS}, or their ids in match.job_id.include\n"
                     "                    2  of 1 AFR_OTA-* job: AFR_OTA-1 (2)\n"
                     "                       if they are meant: \"AFR_OTA-*\" in match.job_id.include\n"
                     "                1,200  of 1 job of a namespace, such as a Greengrass deployment: gg-1 "
                     "(1,200)\n"
                     "                       if they are meant: match.namespace_id, or their ids in "
                     "match.job_id.include\n"));
    assert_non_null(strstr(
        text,
        "  waiting           1  match and are in their grace, which begins with a run, not with a plan\n"));
    assert_non_null(strstr(text, "           the window of 1m is too short for it\n"
                                 "           about 51 runs until all 5,100 are deleted\n"));
    buf_finish(&out);
}

static void programs_are_told_the_same(void **state)
{
    const struct config *config = *state;
    struct plan_count *count = kept_and_left_out(config);
    struct report report = {.end = SWEEP_PLANNED, .listed = 5103, .selected = 1200, .remaining = 3900};
    struct buf out, quoted;
    char expected[4096];
    buf_init(&quoted, 512);
    text_json(&quoted, config->files[0]);
    buf_init(&out, 65536);
    plan_event(count, &report, &out);
    plan_count_destroy(count);
    const char *file = buf_string(&quoted);
    snprintf(
        expected, sizeof expected,
        "{\"event\":\"plan\",\"policy\":\"keeps\",\"target\":\"eu\",\"listed\":5103,\"selected\":1200,\"in_"
        "grace\":1,"
        "\"remaining\":3900,\"by_status\":{\"FAILED\":1200},\"by_job\":{\"fw-1\":1200},\"other_jobs\":0,"
        "\"of_other_jobs\":0,\"by_age\":{\"under 1 d\":0,\"1 d to 7 d\":0,\"7 d to 30 d\":0,"
        "\"30 d to 90 d\":1200,\"90 d to 1 y\":0,\"over 1 y\":0,\"not known\":0},\"kept\":3,\"protected\":0,"
        "\"in_the_future\":0,\"kept_by\":[{\"count\":0,\"cause\":\"keep\",\"reason\":\"kept by last: 5, per: "
        "thing\",\"file\":%s,\"line\":10,\"column\":12},{\"count\":3,\"cause\":\"keep\",\"reason\":\"kept by "
        "within: "
        "7d\",\"file\":%s,\"line\":10,\"column\":35}],\"kept_by_others\":0,\"left_out\":{\"namespace\":{"
        "\"jobs\":1,\"first\":[{\"job_id\":\"gg-1\",\"namespace_id\":\"aws-gg\",\"executions\":1200}]},"
        "\"running_continuous\":{\"jobs\":1,\"first\":[{\"job_id\":\"c-1\",\"executions\":null}]},\"afr_"
        "ota\":{"
        "\"jobs\":1,\"first\":[{\"job_id\":\"AFR_OTA-1\",\"executions\":2}]}},\"skipped\":0,\"skipped_for\":{"
        "},"
        "\"route\":null,\"listing_calls\":0,\"deleting\":{\"calls\":2400,\"deletions\":1200,\"looks\":1200,"
        "\"deletions_per_1000_s\":9950,\"looks_per_1000_s\":9950,\"ms\":120603,\"limit\":\"window\","
        "\"allowed_ms\":60000,\"fits\":false,\"runs\":51}}\n",
        file, file);
    prints(&out, expected);
    buf_finish(&quoted);
}

static void what_a_service_sends_cannot_move_the_cursor(void **state)
{
    struct job_execution row = execution("fw\033[2J", "gw\r\n1\x7f", EXECUTION_FAILED, 0);
    struct verdict verdict = {.delete = false, .reason = "a\nb"};
    struct buf out;
    (void)state;
    buf_init(&out, 1024);
    view_row(&row, &verdict, &PLAIN, &out);
    prints(&out, "  keep   fw\\x1b[2J            gw\\x0d\\x0a1\\x7f         1 FAILED      "
                 "2026-11-26T10:00:00Z a\\x0ab\n");
}

static const struct CMUnitTest tests[] = {
    CONFIG_TEST(a_plan_in_plain_characters, CONFIG),
    CONFIG_TEST(a_plan_fits_the_terminal_and_nothing_is_lost, CONFIG),
    CONFIG_TEST(a_plan_on_a_narrow_terminal, CONFIG),
    CONFIG_TEST(a_plan_with_blocks, CONFIG),
    CONFIG_TEST(a_plan_in_colour, CONFIG),
    CONFIG_TEST(a_plan_of_nothing, CONFIG),
    CONFIG_TEST(the_rest_of_many_jobs_and_reasons_is_counted, CONFIG),
    CONFIG_TEST(each_keep_rule_tells_what_it_keeps_and_each_kind_of_job_what_is_left_out, CONFIG),
    CONFIG_TEST(programs_are_told_the_same, CONFIG),
    cmocka_unit_test(what_a_service_sends_cannot_move_the_cursor),
};

TAP_MAIN(tests)
