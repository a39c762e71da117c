/* Sorting through a file: random records against qsort(), in memory and out of it; folders without room. */
#include "base/mem.h"
#include "base/random.h"
#include "ledger/sorter.h"
#include "seed.h"
#include "tap.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/jobsweep-sorter-XXXXXX";
static struct sorter_place place;
static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    place = (struct sorter_place){.folder = folder, .memory_bytes = 64 * 1024};
    sorter_scratch(&scratch, &place);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(folder); /* fails where something was left behind */
}

struct record {
    unsigned char bytes[300];
    size_t key_length, value_length;
};

static int compare(const void *left, const void *right)
{
    const struct record *a = left, *b = right;
    size_t length = a->key_length < b->key_length ? a->key_length : b->key_length;
    int order = memcmp(a->bytes, b->bytes, length);
    return order != 0 ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

static void draw(struct random *random, struct record *record, size_t number)
{
    record->key_length = (size_t)random_below(random, 40);
    record->value_length = sizeof number + (size_t)random_below(random, 200);
    for (size_t i = 0; i < record->key_length; i++) {
        record->bytes[i] = (unsigned char)(random_below(random, 4) * 85);
    }
    memset(record->bytes + record->key_length, (int)number, record->value_length);
    memcpy(record->bytes + record->key_length, &number, sizeof number);
}

/* Keys must come in order, each record once and whole. */
static void sort_so_many(struct random *random, size_t count)
{
    struct record *records = mem_calloc(count + 1, sizeof *records);
    bool *seen = mem_calloc(count + 1, sizeof *seen);
    struct record *sorted = mem_calloc(count + 1, sizeof *sorted);
    struct err err;
    struct sorter *sorter = scratch.open(scratch.ctx, &err);
    for (size_t i = 0; i < count; i++) {
        draw(random, &records[i], i);
        sorted[i] = records[i];
        struct scratch_record record = {.key = records[i].bytes,
                                        .key_length = records[i].key_length,
                                        .value = records[i].bytes + records[i].key_length,
                                        .value_length = records[i].value_length};
        assert_int_equal(scratch.add(sorter, &record, &err), 0);
    }
    qsort(sorted, count, sizeof *sorted, compare);
    for (size_t i = 0; i < count; i++) {
        struct scratch_record record;
        size_t number;
        assert_int_equal(scratch.next(sorter, &record, &err), 1);
        assert_int_equal(record.key_length, sorted[i].key_length);
        assert_memory_equal(record.key, sorted[i].bytes, record.key_length);
        memcpy(&number, record.value, sizeof number);
        assert_true(number < count && !seen[number]);
        seen[number] = true;
        assert_int_equal(record.value_length, records[number].value_length);
        assert_memory_equal(record.value, records[number].bytes + records[number].key_length,
                            record.value_length);
        assert_int_equal(record.key_length, records[number].key_length);
    }
    struct scratch_record none;
    assert_int_equal(scratch.next(sorter, &none, &err), 0);
    assert_int_equal(scratch.next(sorter, &none, &err), 0);
    scratch.close(sorter);
    free(records);
    free(sorted);
    free(seen);
}

static void records_come_back_in_order(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 100, 300, 400, 500, 3000, 20000};
    struct random random;
    uint64_t seed = seed_from(20261126);
    random_seed(&random, seed);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        sort_so_many(&random, counts[i]);
    }
    for (int i = 0; i < 50; i++) {
        sort_so_many(&random, (size_t)random_below(&random, 2000));
    }
}

static int fill(struct sorter *sorter, struct err *err)
{
    char bytes[500] = {0};
    struct scratch_record record = {.key = bytes, .value = bytes, .key_length = 100, .value_length = 400};
    int result = 0;
    for (int i = 0; i < 1000 && result == 0; i++) {
        result = scratch.add(sorter, &record, err);
    }
    return result;
}

static void a_folder_that_is_missing_is_told(void **state)
{
    (void)state;
    struct err err;
    place.folder = "/tmp/jobsweep-no-such-folder";
    struct sorter *sorter = scratch.open(scratch.ctx, &err);
    assert_int_equal(fill(sorter, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.msg, "scratch space in /tmp/jobsweep-no-such-folder cannot be made: "
                                 "No such file or directory");
    scratch.close(sorter);
    place.folder = folder;
}

static void what_was_not_sorted_leaves_nothing_behind(void **state)
{
    (void)state;
    struct err err;
    struct sorter *sorter = scratch.open(scratch.ctx, &err);
    assert_int_equal(fill(sorter, &err), 0);
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, NULL, alphasort);
    assert_int_equal(found, 2); /* "." and ".." */
    free(entries[0]);
    free(entries[1]);
    free(entries);
    scratch.close(sorter);
    scratch.close(NULL);
}

static void a_record_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct err err;
    char bytes[SCRATCH_RECORD_MAX] = {0};
    struct scratch_record record = {
        .key = bytes, .value = bytes, .key_length = SCRATCH_RECORD_MAX, .value_length = 1};
    struct sorter *sorter = scratch.open(scratch.ctx, &err);
    assert_int_equal(scratch.add(sorter, &record, &err), -1);
    record.value_length = 0;
    assert_int_equal(scratch.add(sorter, &record, &err), 0);
    assert_int_equal(scratch.next(sorter, &record, &err), 1);
    assert_int_equal(scratch.add(sorter, &record, &err), -1); /* no more once they are read */
    scratch.close(sorter);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(records_come_back_in_order),
    cmocka_unit_test(a_folder_that_is_missing_is_told),
    cmocka_unit_test(what_was_not_sorted_leaves_nothing_behind),
    cmocka_unit_test(a_record_that_is_too_large_is_refused),
};

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
