/* No archive, no deletion: what a policy archives is on the disk before the intent, of the state that was
 * looked at. The scripted service of sim/deletion.h checks that at each transmission. */
#include "base/time.h"
#include "engine/archivist.h"
#include "sim/deletion.h"
#include "sim/shelf.h"
#include "tap.h"

#include <string.h>

#define JOB       "{\"kind\":\"job\""
#define EXECUTION "{\"kind\":\"execution\""

static char directory[] = "/archive";

static void begin(struct deletion *test, int rows)
{
    deletion_begin(test, rows);
    test->policy.archive_directory = directory;
}

static void each_row_and_its_job_are_archived_before_it_goes(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 20);
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 20);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 20);
    assert_int_equal(deletion_lines(&test, JOB, true), 1);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], 1);
    deletion_finish(&test);
}

static void nothing_is_archived_of_what_is_not_to_go(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 3);
    test.exists[0] = false;
    deletion_start(&test);
    deletion_replace(&test, 1);
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcome[0], OUTCOME_GONE);
    assert_int_equal(test.outcome[1], OUTCOME_REPLACED);
    assert_int_equal(test.outcome[2], OUTCOME_DELETED);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 1);
    deletion_finish(&test);
}

static void verify_risky_looks_all_the_same(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 2);
    test.policy.verify_risky = true;
    facts_want(test.facts, "job-1");
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 2);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 2);
    deletion_finish(&test);
}

static void an_attempt_after_a_quarantine_needs_no_second_line(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1);
    test.deletes = "lD";
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 2);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 1);
    deletion_finish(&test);
}

static void another_process_archives_again_before_it_sends(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1);
    test.deletes = "lD";
    test.rig.ledger_fails_at = 2; /* the process ends with an intent that has no result */
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.sends[0], 1);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 1);
    deletion_restart(&test);
    assert_true(deletion_run(&test, 7200));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.sends[0], 2);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 2);
    assert_int_equal(deletion_lines(&test, JOB, true), 2);
    assert_int_equal(shelf_files(test.rig.shelf), 2);
    deletion_finish(&test);
}

/* --- where it cannot be ----------------------------------------------------------------------------------
 */

static void freezes(enum shelf_trouble trouble)
{
    struct deletion test;
    begin(&test, 10);
    shelf_trouble(test.rig.shelf, trouble, 0);
    assert_true(deletion_run(&test, 60));
    assert_int_equal(deleter_stopped(test.deleter, NULL)->code, ERR_ARCHIVE);
    assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], test.added);
    for (int i = 0; i < 10; i++) {
        struct ledger_row_state row;
        deletion_ledger(&test, i, &row);
        assert_int_equal(test.sends[i], 0);
        assert_int_equal(row.intents, 0);
    }
    deletion_finish(&test);
}

static void an_archive_that_cannot_be_written_stops_deletion(void **state)
{
    (void)state;
    freezes(SHELF_CREATE_ERROR);
    freezes(SHELF_WRITE_ERROR);
    freezes(SHELF_FULL);
    freezes(SHELF_SYNC_ERROR);
}

static void what_was_archived_before_it_failed_still_goes(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 60);
    shelf_trouble(test.rig.shelf, SHELF_SYNC_ERROR, 3);
    assert_true(deletion_run(&test, 600));
    assert_int_equal(deleter_stopped(test.deleter, NULL)->code, ERR_ARCHIVE);
    assert_in_range(test.outcomes[OUTCOME_DELETED], 1, 30);
    assert_int_equal(test.outcomes[OUTCOME_DELETED] + test.outcomes[OUTCOME_NOT_ATTEMPTED], test.settled);
    assert_in_range(deletion_lines(&test, EXECUTION, true), test.outcomes[OUTCOME_DELETED], 60);
    deletion_finish(&test);
}

static void what_is_optional_goes_without_and_is_told_once(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 10);
    test.policy.archive_optional = true;
    shelf_trouble(test.rig.shelf, SHELF_WRITE_ERROR, 0);
    assert_true(deletion_run(&test, 60));
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 10);
    assert_int_equal(test.warnings, 1);
    assert_int_equal(deletion_lines(&test, "{", false), 0);
    deletion_finish(&test);
}

/* A job whose description cannot be had. */
static void fails(const char *jobs, const char *describes, int rows, enum outcome outcome)
{
    struct deletion test;
    begin(&test, rows);
    test.jobs = jobs;
    test.describes = describes;
    assert_true(deletion_run(&test, 3600));
    for (int i = 0; i < rows; i++) {
        assert_int_equal(test.outcome[i], outcome);
        assert_int_equal(test.sends[i] > 0, outcome == OUTCOME_DELETED);
    }
    deletion_finish(&test);
}

static void a_row_whose_documents_cannot_be_had_fails_alone(void **state)
{
    (void)state;
    fails("=", "B", 1, OUTCOME_FAILED);
    fails("B", "=", 3, OUTCOME_FAILED);
    fails("A", "=", 3, OUTCOME_FAILED);
    fails("L", "=", 2, OUTCOME_FAILED);
    fails("LLT=", "=", 3, OUTCOME_DELETED);
    fails("G", "=", 3, OUTCOME_DELETED); /* of a job that is gone nothing can be said */
}

static void a_run_of_them_stops_the_rest(void **state)
{
    struct deletion test;
    enum answer_class why;
    (void)state;
    begin(&test, 30);
    test.jobs = "A";
    assert_true(deletion_run(&test, 3600));
    const struct err *err = deleter_stopped(test.deleter, &why);
    assert_int_not_equal(err->code, ERR_NONE);
    assert_int_equal(why, ANSWER_DENIED);
    assert_non_null(strstr(err->msg, "AccessDeniedException"));
    assert_in_range(test.outcomes[OUTCOME_FAILED], 10, 29);
    assert_int_equal(test.outcomes[OUTCOME_DELETED], 0);
    deletion_finish(&test);
}

/* Those of its credentials: no row is to blame. Three more times they are looked up. */
static void stops_at_once(const char *jobs, bool optional, enum answer_class class, int asked)
{
    struct deletion test;
    enum answer_class why;
    begin(&test, 30);
    test.jobs = jobs;
    test.policy.archive_optional = optional;
    assert_true(deletion_run(&test, 3600));
    assert_int_equal(deleter_stopped(test.deleter, &why)->code, ERR_CREDENTIALS);
    assert_int_equal(why, class);
    assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], test.added);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], asked);
    assert_int_equal(test.rig.calls[OPERATION_DELETE_EXECUTION], 0);
    assert_int_equal(test.warnings, 0);
    deletion_finish(&test);
}

static void without_credentials_it_stops_at_once(void **state)
{
    (void)state;
    stops_at_once("K", false, ANSWER_DENIED, 1);
    stops_at_once("K", true, ANSWER_DENIED, 1);
    stops_at_once("E", false, ANSWER_EXPIRED, 4);
    stops_at_once("E", true, ANSWER_EXPIRED, 4);
}

struct later { /* a row whose turn comes when the others are settled */
    struct archiving archiving;
    struct job_execution execution;
    bool done;
};

static void on_later(struct archiving *archiving)
{
    struct later *later = archiving->owner;
    later->done = true;
}

static enum err_code archive_later(struct deletion *test)
{
    struct later later = {.execution = test->stored[0]};
    later.archiving = (struct archiving){.document = strdup("{}"),
                                         .length = 2,
                                         .execution = &later.execution,
                                         .reason = "",
                                         .done = on_later,
                                         .owner = &later};
    archivist_submit(test->archivist, &later.archiving);
    assert_true(rig_run(&test->rig, &later.done, 600));
    archiving_finish(&later.archiving);
    return later.archiving.err.code;
}

static void a_job_that_could_not_be_described_is_asked_about_again(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 2);
    test.jobs = "LLLLLLLL=";
    assert_true(deletion_run(&test, 600));
    assert_int_equal(test.outcomes[OUTCOME_FAILED], 2);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], 8);
    assert_int_equal(archive_later(&test), ERR_NONE);
    assert_int_equal(archive_later(&test), ERR_NONE);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], 9);
    assert_int_equal(deletion_lines(&test, JOB, true), 1);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 2);
    deletion_finish(&test);
}

/* Three times, with eight tries each; one that is refused only once. */
static void it_is_not_asked_about_for_ever(void **state)
{
    static const struct {
        const char *jobs;
        int first, all;
    } cases[] = {{"L", 8, 24}, {"A", 1, 1}, {"B", 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct deletion test;
        begin(&test, 1);
        test.jobs = cases[i].jobs;
        assert_true(deletion_run(&test, 600));
        assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], cases[i].first);
        for (int row = 0; row < 5; row++) {
            assert_int_not_equal(archive_later(&test), ERR_NONE);
        }
        assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_JOB], cases[i].all);
        deletion_finish(&test);
    }
}

static void a_description_that_never_comes_does_not_hold_up_the_end(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 5);
    test.jobs = "T";
    deletion_start(&test);
    virtual_run(test.rig.world, NULL, NULL, virtual_mono_ns(test.rig.world) + 60 * TIME_NS_PER_SECOND);
    assert_int_equal(test.settled, 0);
    deleter_cancel(test.deleter, false);
    assert_true(deletion_run(&test, 60) || test.settled == 5);
    assert_int_equal(test.outcomes[OUTCOME_NOT_ATTEMPTED], 5);
    assert_int_equal(deletion_lines(&test, "{", false), 0);
    deletion_finish(&test);
}

/* --- slow ------------------------------------------------------------------------------------------------
 */

static void a_check_that_grew_old_in_the_archive_is_made_again(void **state)
{
    struct deletion test;
    (void)state;
    begin(&test, 1);
    librarian_destroy(test.rig.librarian);
    test.rig.librarian = librarian_create(&(struct librarian_config){
        .world = test.rig.world, .shelf = test.rig.shelf, .delay_ns = 90 * TIME_NS_PER_SECOND});
    assert_true(deletion_run(&test, 3600));
    assert_int_equal(test.outcome[0], OUTCOME_DELETED);
    assert_int_equal(test.rig.calls[OPERATION_DESCRIBE_EXECUTION], 2);
    assert_int_equal(deletion_lines(&test, EXECUTION, true), 1); /* the same again */
    deletion_finish(&test);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_row_and_its_job_are_archived_before_it_goes),
    cmocka_unit_test(nothing_is_archived_of_what_is_not_to_go),
    cmocka_unit_test(verify_risky_looks_all_the_same),
    cmocka_unit_test(an_attempt_after_a_quarantine_needs_no_second_line),
    cmocka_unit_test(another_process_archives_again_before_it_sends),
    cmocka_unit_test(an_archive_that_cannot_be_written_stops_deletion),
    cmocka_unit_test(what_was_archived_before_it_failed_still_goes),
    cmocka_unit_test(what_is_optional_goes_without_and_is_told_once),
    cmocka_unit_test(a_row_whose_documents_cannot_be_had_fails_alone),
    cmocka_unit_test(a_run_of_them_stops_the_rest),
    cmocka_unit_test(without_credentials_it_stops_at_once),
    cmocka_unit_test(a_job_that_could_not_be_described_is_asked_about_again),
    cmocka_unit_test(it_is_not_asked_about_for_ever),
    cmocka_unit_test(a_description_that_never_comes_does_not_hold_up_the_end),
    cmocka_unit_test(a_check_that_grew_old_in_the_archive_is_made_again),
};

TAP_MAIN(tests)
