/* How the last runs ended. */
#include "tap.h"

#include "app/results.h"
#include "config_text.h"

#include <stdio.h>
#include <string.h>

static struct config *config; /* policies p, q and old, in a, b and c */

static int load(void **state)
{
    (void)state;
    config =
        config_from_text("version: 1\n"
                         "targets: {a: {region: eu-west-1}, b: {region: us-east-1}, c: {region: us-west-2}}\n"
                         "policies:\n"
                         "  - {name: p, targets: [a, b, c], match: {age: {older_than: 30d}}}\n"
                         "  - {name: q, targets: [a, b, c], match: {age: {older_than: 30d}}}\n"
                         "  - {name: old, targets: [a, b, c], match: {age: {older_than: 30d}}}\n");
    return 0;
}

static int unload(void **state)
{
    (void)state;
    config_unref(config);
    return 0;
}

static void note(struct results *results, const char *policy, const char *target, enum sweep_end end)
{
    struct report report = {.end = end, .listed = 7, .selected = 3, .started_ms = 10, .ended_ms = 20};
    report.outcomes[OUTCOME_DELETED] = 3;
    if (end == SWEEP_FAILED)
        err_set(&report.err, ERR_CONNECT, "%s does not answer", target);
    results_note(results, config, policy, target, &report, end == SWEEP_FAILED ? EXIT_FAILED : EXIT_FINE);
}

static void add_name(void *ctx, const char *policy, const char *target, const struct result *result)
{
    char *names = ctx;
    assert_int_equal(result->status, EXIT_FAILED);
    strcat(strcat(strcat(strcat(names, policy), "/"), target), " ");
}

static void the_last_of_each_pair_is_kept(void **state)
{
    struct results *results = results_create();
    (void)state;
    assert_null(results_find(results, "old", "a"));
    note(results, "old", "a", SWEEP_FAILED);
    note(results, "old", "b", SWEEP_FINISHED);
    const struct result *found = results_find(results, "old", "a");
    struct report report = result_report(found);
    assert_int_equal(report.end, SWEEP_FAILED);
    assert_string_equal(report.err.msg, "a does not answer");
    assert_true(report.listed == 7 && report.selected == 3 && report.outcomes[OUTCOME_DELETED] == 3);
    assert_true(report.started_ms == 10 && report.ended_ms == 20);
    note(results, "old", "a", SWEEP_FINISHED);
    report = result_report(results_find(results, "old", "a"));
    assert_int_equal(report.end, SWEEP_FINISHED);
    assert_int_equal(report.err.code, ERR_NONE);
    assert_null(results_find(results, "new", "a"));
    results_destroy(results);
}

static void those_that_failed_come_with_the_latest_first(void **state)
{
    struct results *results = results_create();
    char names[256] = "";
    (void)state;
    assert_int_equal(results_failed(results, 3, add_name, names), 0);
    note(results, "p", "a", SWEEP_FAILED);
    note(results, "p", "b", SWEEP_FAILED);
    note(results, "p", "c", SWEEP_FINISHED);
    note(results, "q", "a", SWEEP_FAILED);
    note(results, "p", "a", SWEEP_FAILED);
    assert_int_equal(results_failed(results, 2, add_name, names), 3);
    assert_string_equal(names, "p/a q/a ");
    results_destroy(results);
}

static void what_is_not_configured_any_more_is_forgotten(void **state)
{
    struct results *results = results_create();
    struct config *less =
        config_from_text("version: 1\n"
                         "targets: {a: {region: eu-west-1}, b: {region: us-east-1}}\n"
                         "policies: [{name: p, targets: [a], match: {age: {older_than: 30d}}}]\n");
    (void)state;
    note(results, "p", "a", SWEEP_FINISHED);
    note(results, "p", "b", SWEEP_FINISHED);
    note(results, "q", "a", SWEEP_FINISHED);
    results_prune(results, less);
    assert_non_null(results_find(results, "p", "a"));
    assert_null(results_find(results, "p", "b"));
    assert_null(results_find(results, "q", "a"));
    config_unref(less);
    results_destroy(results);
}

static void a_run_that_outlived_its_policy_leaves_no_result(void **state)
{
    struct results *results = results_create();
    (void)state;
    note(results, "gone", "a", SWEEP_FAILED);
    note(results, "p", "gone", SWEEP_FAILED);
    assert_null(results_find(results, "gone", "a"));
    assert_int_equal(results_failed(results, 3, add_name, NULL), 0);
    results_destroy(results);
}

static void what_an_earlier_process_did_is_recalled_until_it_is_done_again(void **state)
{
    struct results *results = results_create();
    struct report report = {.end = SWEEP_STOPPED, .selected = 9, .started_ms = 1, .ended_ms = 5};
    char names[256] = "";
    (void)state;
    note(results, "p", "a", SWEEP_FAILED); /* ended at 20 */
    results_recall(results, config, "p", "a", &report);
    results_recall(results, config, "gone", "a", &report);
    assert_false(results_find(results, "p", "a")->recalled);
    assert_null(results_find(results, "gone", "a"));
    report.end = SWEEP_LIMITED;
    results_recall(results, config, "q", "a", &report);
    const struct result *found = results_find(results, "q", "a");
    assert_true(found->recalled && !found->failed && found->end == SWEEP_LIMITED && found->selected == 9);
    report.end = SWEEP_GUARDED;
    results_recall(results, config, "q", "b", &report);
    assert_true(results_find(results, "q", "b")->failed);
    assert_int_equal(results_failed(results, 1, add_name, names), 2);
    assert_string_equal(names, "p/a "); /* the other ended before */
    note(results, "q", "b", SWEEP_FINISHED);
    assert_int_equal(results_failed(results, 0, add_name, names), 1);
    results_destroy(results);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_last_of_each_pair_is_kept, load, unload),
    cmocka_unit_test_setup_teardown(those_that_failed_come_with_the_latest_first, load, unload),
    cmocka_unit_test_setup_teardown(what_is_not_configured_any_more_is_forgotten, load, unload),
    cmocka_unit_test_setup_teardown(a_run_that_outlived_its_policy_leaves_no_result, load, unload),
    cmocka_unit_test_setup_teardown(what_an_earlier_process_did_is_recalled_until_it_is_done_again, load,
                                    unload),
};

TAP_MAIN(tests)
