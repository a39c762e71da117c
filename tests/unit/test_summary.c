/* What many runs come to together. */
#include "config_text.h"
#include "printed.h"
#include "tap.h"

#include "app/events.h"
#include "app/summary.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

static const struct view_style PLAIN = {0}, NARROW = {.columns = 40};
static const char CONFIG[] = "version: 1\n"
                             "targets:\n"
                             "  eu: {region: eu-west-1, account: \"123456789012\"}\n"
                             "  same: {region: eu-west-1, account: \"123456789012\"}\n"
                             "  us: {region: us-east-1, account: \"123456789012\"}\n"
                             "policies:\n"
                             "  - {name: old, targets: [eu], match: {age: {older_than: 30d}}}\n"
                             "  - {name: failed, targets: [eu], match: {age: {older_than: 30d}}}\n";

/* Three plans, two of them in one place, and one that could not be made. */
static struct summary *plans(const struct config *config)
{
    struct summary *summary = summary_create();
    struct report report = {
        .end = SWEEP_PLANNED, .listed = 2000, .selected = 995, .in_grace = 2, .remaining = 3};
    const struct report failed = {.end = SWEEP_FAILED, .listed = 7};
    struct plan_cost cost;
    report.outcomes[OUTCOME_NOT_ATTEMPTED] = 995;
    report.calls[OPERATION_LIST_JOBS] = 3;
    plan_cost(&config->policies[0], &config->targets[0], 995, 0, &cost);
    summary_add(summary, &config->policies[0], &config->targets[0], &report, &cost);
    summary_add(summary, &config->policies[1], &config->targets[1], &report, &cost);
    report.selected = report.outcomes[OUTCOME_NOT_ATTEMPTED] = 1990;
    plan_cost(&config->policies[0], &config->targets[2], 1200, 0, &cost);
    summary_add(summary, &config->policies[0], &config->targets[2], &report, &cost);
    summary_add(summary, &config->policies[1], &config->targets[2], &failed, NULL);
    return summary;
}

static void plans_are_sorted_and_summed(void **state)
{
    struct summary *summary = plans(*state);
    struct buf out;
    buf_init(&out, 4096);
    summary_print(summary, true, &PLAIN, &out);
    prints(&out, "4 plans, 1 did not end well\n"
                 "                     SELECTED     LISTED  AT THE QUOTA\n"
                 "  old in us             1,990      2,000  2 min 1 s\n"
                 "  failed in same          995      2,000  1 min 40 s\n"
                 "  old in eu               995      2,000  1 min 40 s\n"
                 "  failed in us              -          7  failed\n"
                 "  all                   3,980      6,007  3 min 20 s\n"
                 "  2,012 kept, 6 in their grace, 9 left for later by limits\n"
                 "  9 calls made; deleting takes 6,380\n"
                 "  targets go on side by side; the slowest is same, with 3 min 20 s\n"
                 "\n");
    buf_init(&out, 4096);
    summary_print(summary, true, &NARROW, &out);
    assert_non_null(strstr(buf_string(&out), "  old in us\n"
                                             "          1,990      2,000  2 min 1 s\n"));
    buf_finish(&out);
    summary_destroy(summary);
}

static void programs_get_the_same_sums(void **state)
{
    struct summary *summary = plans(*state);
    struct summary_sum sum;
    struct buf out;
    summary_sum(summary, &sum);
    buf_init(&out, 4096);
    events_summary(&out, &sum);
    prints(&out, "{\"event\":\"sum\",\"runs\":4,\"failed\":1,\"listed\":6007,\"selected\":3980,\"kept\":2012,"
                 "\"in_grace\":6,\"remaining\":9,\"skipped\":0,\"calls\":9,\"deleting_calls\":6380,"
                 "\"deleting_ms\":200000,"
                 "\"slowest_target\":\"same\"}\n");
    summary_destroy(summary);
}

static void many_runs_are_cut_but_for_their_sum(void **state)
{
    const struct config *config = *state;
    struct summary *summary = summary_create();
    struct buf out;
    for (int i = 0; i < SUMMARY_SHOWN + 5; i++) {
        struct report report = {.end = SWEEP_FINISHED, .listed = 100, .selected = 10 + i};
        report.outcomes[OUTCOME_DELETED] = 10;
        report.outcomes[OUTCOME_GONE] = i;
        summary_add(summary, &config->policies[0], &config->targets[0], &report, NULL);
    }
    buf_init(&out, 65536);
    summary_print(summary, false, &PLAIN, &out);
    const char *text = buf_string(&out);
    assert_non_null(strstr(text, "25 runs\n"
                                 "                     SELECTED    DELETED  END\n"
                                 "  old in eu                34         10  finished\n"));
    assert_non_null(strstr(text, "  old in eu                15         10  finished\n"
                                 "  5 more                   60         50  \n"
                                 "  all                     550        250  \n"
                                 "  300 gone\n"
                                 "  1,950 kept, 0 left for later by limits\n"
                                 "  0 calls made\n"));
    buf_finish(&out);
    summary_destroy(summary);
    summary_destroy(NULL);
}

static const struct CMUnitTest tests[] = {
    CONFIG_TEST(plans_are_sorted_and_summed, CONFIG),
    CONFIG_TEST(programs_get_the_same_sums, CONFIG),
    CONFIG_TEST(many_runs_are_cut_but_for_their_sum, CONFIG),
};

TAP_MAIN(tests)
