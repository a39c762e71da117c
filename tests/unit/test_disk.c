/* The simulated disk: what a crash keeps and takes, and how it fails. */
#include "tap.h"

#include "ledger/db.h"
#include "sim/disk.h"

#include <stdio.h>
#include <string.h>

#define PATH "d/ledger.db"

static struct db *open_db(struct disk *disk)
{
    struct err err = {0};
    struct db *db = db_open(PATH, disk_name(disk), false, &err);
    if (!db)
        fail_msg("%s", err.msg);
    return db;
}

static int run(struct db *db, const char *sql)
{
    struct err err;
    return db_execute(db, sql, &err);
}

static int64_t count_rows(struct db *db)
{
    struct db_statement *statement = NULL;
    struct err err;
    statement = db_use(db, &statement, "SELECT count(*) FROM t", &err);
    if (!statement || db_step(statement, &err) != 1)
        return -1;
    int64_t count = db_int(statement, 0);
    db_reset(statement);
    return count;
}

/* A table with this many committed rows, one transaction each. */
static struct db *make_rows(struct disk *disk, int rows)
{
    struct db *db = open_db(disk);
    assert_int_equal(run(db, "CREATE TABLE IF NOT EXISTS t (a INTEGER, b BLOB)"), 0);
    for (int i = 0; i < rows; i++)
        assert_int_equal(run(db, "INSERT INTO t VALUES (1, randomblob(600))"), 0);
    return db;
}

static void what_was_committed_survives_every_crash(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct disk *disk = disk_create("crash", seed);
        struct db *db = make_rows(disk, (int)(seed % 20));
        run(db, "BEGIN; INSERT INTO t VALUES (2, randomblob(5000))"); /* not committed */
        disk_crash(disk);
        assert_int_equal(run(db, "COMMIT"), -1);
        db_close(db);
        db = open_db(disk);
        assert_int_equal(count_rows(db), seed % 20);
        db_close(db);
        disk_destroy(disk);
    }
}

static void without_syncs_a_crash_takes_a_random_part(void **state)
{
    int lost = 0, kept = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct disk *disk = disk_create("lossy", seed);
        struct db *db = make_rows(disk, 1);
        run(db, "PRAGMA synchronous = OFF");
        for (int i = 0; i < 10; i++)
            assert_int_equal(run(db, "INSERT INTO t VALUES (3, randomblob(600))"), 0);
        assert_false(disk_log_synced(disk));
        disk_crash(disk);
        db_close(db);
        db = open_db(disk);
        int64_t left = count_rows(db);
        assert_true(left >= 1 && left <= 11);
        lost += left < 11;
        kept += left > 1;
        db_close(db);
        disk_destroy(disk);
    }
    assert_true(lost > 10);
    assert_true(kept > 10);
}

static void the_aftermath_is_the_worst_crash_and_changes_nothing(void **state)
{
    struct disk *disk = disk_create("before", 5), *after;
    struct db *db = make_rows(disk, 3), *copy;
    (void)state;
    run(db, "PRAGMA synchronous = OFF");
    run(db, "INSERT INTO t VALUES (4, x'00')");
    after = disk_aftermath(disk, "after");
    copy = open_db(after);
    assert_int_equal(count_rows(copy), 3);
    db_close(copy);
    disk_destroy(after);
    assert_int_equal(count_rows(db), 4);
    db_close(db);
    disk_destroy(disk);
}

static void each_trouble_befalls_it_once(void **state)
{
    static const enum disk_trouble troubles[] = {DISK_WRITE_ERROR, DISK_SHORT_WRITE, DISK_SYNC_ERROR};
    (void)state;
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        struct disk *disk = disk_create("trouble", 9);
        struct db *db = make_rows(disk, 2);
        disk_trouble(disk, troubles[i], 0);
        assert_int_equal(run(db, "INSERT INTO t VALUES (5, randomblob(600))"), -1);
        assert_int_equal(disk_failures(disk, troubles[i]), 1);
        db_close(db);
        db = open_db(disk);
        assert_int_equal(run(db, "INSERT INTO t VALUES (6, randomblob(600))"), 0);
        assert_int_equal(count_rows(db), 3);
        db_close(db);
        disk_destroy(disk);
    }
}

static void a_full_disk_takes_nothing_more_until_there_is_room(void **state)
{
    struct disk *disk = disk_create("full", 11);
    struct db *db = make_rows(disk, 2);
    (void)state;
    disk_limit(disk, disk_size(disk) + 100);
    assert_int_equal(run(db, "INSERT INTO t VALUES (7, randomblob(60000))"), -1);
    assert_true(disk_failures(disk, DISK_FINE) > 0);
    disk_limit(disk, 0);
    assert_int_equal(run(db, "INSERT INTO t VALUES (7, randomblob(60000))"), 0);
    assert_int_equal(count_rows(db), 3);
    db_close(db);
    disk_destroy(disk);
}

static void a_dead_disk_answers_nothing_until_it_has_crashed(void **state)
{
    struct disk *disk = disk_create("dead", 13);
    struct db *db = make_rows(disk, 2);
    (void)state;
    disk_trouble(disk, DISK_DEATH, 1);
    assert_int_equal(run(db, "INSERT INTO t VALUES (8, randomblob(600))"), -1);
    assert_true(disk_died(disk));
    assert_int_equal(run(db, "INSERT INTO t VALUES (8, randomblob(600))"), -1);
    disk_crash(disk);
    db_close(db);
    db = open_db(disk);
    assert_int_equal(count_rows(db), 2);
    db_close(db);
    disk_destroy(disk);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_committed_survives_every_crash),
    cmocka_unit_test(without_syncs_a_crash_takes_a_random_part),
    cmocka_unit_test(the_aftermath_is_the_worst_crash_and_changes_nothing),
    cmocka_unit_test(each_trouble_befalls_it_once),
    cmocka_unit_test(a_full_disk_takes_nothing_more_until_there_is_room),
    cmocka_unit_test(a_dead_disk_answers_nothing_until_it_has_crashed),
};

TAP_MAIN(tests)
