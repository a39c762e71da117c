/* Rows in a nameless file: they come back as they went in, in order, whatever their number, and what is there
 * twice is left out. */
#include "app/spool.h"
#include "ledger/sorter.h"
#include "tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_row(int64_t number, struct plan_row *row)
{
    struct fingerprint *fingerprint = &row->execution.fingerprint;
    *row = (struct plan_row){.execution.number = number, .force = number % 3 == 0};
    snprintf(row->execution.job_id, sizeof row->execution.job_id, "job-%d", (int)(number % 7));
    snprintf(row->execution.thing_name, sizeof row->execution.thing_name, "thing:%d", (int)(number % 1000));
    snprintf(row->reason, sizeof row->reason, "given in rows:%lld", (long long)number);
    fingerprint->status = (enum execution_status)(number % EXECUTION_STATUS_COUNT);
    fingerprint->version_number = number * 2;
    timestamp_parse("1560787023.636", &fingerprint->queued_at);
    timestamp_parse(number % 2 == 0 ? "1.621884415241E9" : "", &fingerprint->last_updated_at);
}

static void expect_row(const struct plan_row *row, int64_t number)
{
    struct plan_row wanted;
    make_row(number, &wanted);
    assert_string_equal(row->execution.job_id, wanted.execution.job_id);
    assert_string_equal(row->execution.thing_name, wanted.execution.thing_name);
    assert_int_equal(row->execution.number, number);
    assert_string_equal(row->reason, wanted.reason);
    assert_int_equal(row->force, wanted.force);
    assert_int_equal(row->execution.fingerprint.status, wanted.execution.fingerprint.status);
    assert_null(fingerprint_difference(&row->execution.fingerprint, &wanted.execution.fingerprint));
    assert_int_equal(row->execution.fingerprint.queued_at.ms, wanted.execution.fingerprint.queued_at.ms);
}

static struct spool *create(void)
{
    struct err err;
    struct spool *spool = spool_create(&err);
    if (spool == NULL) {
        fail_msg("%s", err.msg);
    }
    return spool;
}

static void add(struct spool_part *part, int64_t number)
{
    struct plan_row row;
    struct err err;
    make_row(number, &row);
    assert_int_equal(spool_add(part, &row, &err), 0);
}

static void rows_come_back_as_they_went_in(void **state)
{
    static const int64_t counts[] = {0, 1, 2, 500, 20000};
    struct spool *spool = create();
    struct spool_part *parts[5];
    (void)state;
    for (int i = 0; i < 5; i++) {
        parts[i] = spool_part(spool);
    }
    for (int64_t number = 0; number < 20000; number++) { /* in turns, so that their blocks lie mixed */
        for (int i = 0; i < 5; i++) {
            if (number < counts[i]) {
                add(parts[i], number);
            }
        }
    }
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 5; i++) {
            struct row_source source;
            struct plan_row row;
            struct err err;
            spool_source(parts[i], &source);
            assert_int_equal(source.count, counts[i]);
            for (int64_t number = 0; number < counts[i]; number++) {
                assert_int_equal(source.next(source.ctx, &row, &err), 1);
                expect_row(&row, number);
            }
            assert_int_equal(source.next(source.ctx, &row, &err), 0);
            assert_int_equal(source.next(source.ctx, &row, &err), 0);
        }
    }
    spool_destroy(spool);
}

static void the_longest_row_fits(void **state)
{
    struct spool *spool = create();
    struct spool_part *part = spool_part(spool);
    struct plan_row row = {0}, back;
    struct row_source source;
    struct err err;
    (void)state;
    memset(row.execution.job_id, 'j', JOB_ID_MAX);
    memset(row.execution.thing_name, 't', THING_NAME_MAX);
    memset(row.reason, 'r', PLAN_REASON_MAX);
    row.execution.number = INT64_MAX;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(spool_add(part, &row, &err), 0);
    }
    spool_source(part, &source);
    for (int i = 0; i < 500; i++) {
        assert_int_equal(source.next(source.ctx, &back, &err), 1);
        assert_memory_equal(&back, &row, sizeof row);
    }
    spool_destroy(spool);
}

struct repeats {
    int count;
};

static void on_repeated(void *ctx, const struct plan_row *row, const struct plan_row *earlier)
{
    struct repeats *repeats = ctx;
    repeats->count++;
    assert_string_equal(row->execution.job_id, earlier->execution.job_id);
    assert_string_equal(row->execution.thing_name, earlier->execution.thing_name);
    assert_int_equal(row->execution.number, earlier->execution.number);
    assert_string_equal(row->reason, "again");
    assert_string_not_equal(earlier->reason, "again");
}

/* Every third is there again, and the first of them a third time. */
static void what_is_there_twice_is_left_out(void **state)
{
    struct spool *spool = create();
    struct spool_part *part = spool_part(spool);
    struct row_source source;
    struct plan_row row;
    struct repeats repeats = {0};
    struct err err;
    (void)state;
    for (int64_t number = 0; number < 3000; number++) {
        add(part, number);
    }
    for (int64_t number = 0; number <= 3000; number += 3) {
        make_row(number % 3000, &row);
        strcpy(row.reason, "again");
        assert_int_equal(spool_add(part, &row, &err), 0);
    }
    assert_int_equal(spool_leave_out_repeated(part, on_repeated, &repeats, &err), 1001);
    assert_int_equal(repeats.count, 1001);
    assert_int_equal(spool_count(part), 3000);
    spool_source(part, &source);
    for (int64_t number = 0; number < 3000; number++) {
        assert_int_equal(source.next(source.ctx, &row, &err), 1);
        expect_row(&row, number);
    }
    assert_int_equal(source.next(source.ctx, &row, &err), 0);
    spool_destroy(spool);
}

static void a_missing_number_is_a_number_of_its_own(void **state)
{
    struct spool *spool = create();
    struct spool_part *part = spool_part(spool);
    struct err err;
    struct plan_row row = {.execution = {.job_id = "a", .thing_name = "b"}};
    (void)state;
    assert_int_equal(spool_add(part, &row, &err), 0);
    row.execution.number = 1;
    assert_int_equal(spool_add(part, &row, &err), 0);
    assert_int_equal(spool_leave_out_repeated(part, NULL, NULL, &err), 0);
    spool_destroy(spool);
}

static int count_files(const char *folder)
{
    int count = 0;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count - 2;
}

static void nobody_finds_the_file(void **state)
{
    char folder[] = "/tmp/jobsweep-spool-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    struct spool *spool = create();
    struct spool_part *part = spool_part(spool);
    for (int64_t number = 0; number < 2000; number++) {
        add(part, number);
    }
    assert_int_equal(count_files(folder), 0);
    spool_destroy(spool);
    assert_int_equal(rmdir(folder), 0);
    struct err err;
    assert_null(spool_create(&err));
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.msg, folder));
    unsetenv("TMPDIR");
}

static void rows_of_several_parts_are_counted_once_for_each_site(void **state)
{
    struct err err;
    struct spool *spool = create();
    struct spool_part *parts[3] = {spool_part(spool), spool_part(spool), spool_part(spool)};
    const uint32_t apart[] = {0, 1, 2}, pairwise[] = {4, 4, 7}, same[] = {4, 4, 4};
    struct row_source source;
    struct plan_row row;
    char folder[] = "/tmp/jobsweep-spool-XXXXXX";
    struct sorter_place place = {.folder = folder,
                                 .memory_bytes = 16 * 1024}; /* less than there is to sort */
    struct scratch scratch;
    (void)state;
    assert_non_null(mkdtemp(folder));
    sorter_scratch(&scratch, &place);
    for (int64_t number = 0; number < 5000; number++) {
        for (int i = 0; i < 3; i++) {
            if (i == 0 || number % (i + 1) == 0) { /* all, each second, each third */
                add(parts[i], number);
            }
        }
    }
    assert_int_equal(spool_count_repeated(parts, apart, 3, &scratch, &err), 0);
    assert_int_equal(spool_count_repeated(parts, pairwise, 3, &scratch, &err), 2500);
    assert_int_equal(spool_count_repeated(parts, same, 3, &scratch, &err), 2500 + 1667);
    assert_int_equal(spool_count_repeated(parts, same, 0, &scratch, &err), 0);
    spool_source(parts[1], &source);
    for (int64_t number = 0; number < 5000; number += 2) {
        assert_int_equal(source.next(source.ctx, &row, &err), 1);
        expect_row(&row, number);
    }
    assert_int_equal(source.next(source.ctx, &row, &err), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(spool_count_repeated(parts, same, 3, &scratch, &err), -1);
    assert_non_null(strstr(err.msg, folder));
    spool_destroy(spool);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(rows_come_back_as_they_went_in),
    cmocka_unit_test(the_longest_row_fits),
    cmocka_unit_test(what_is_there_twice_is_left_out),
    cmocka_unit_test(a_missing_number_is_a_number_of_its_own),
    cmocka_unit_test(rows_of_several_parts_are_counted_once_for_each_site),
    cmocka_unit_test(nobody_finds_the_file),
};

TAP_MAIN(tests)
