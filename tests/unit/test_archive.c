/* The archive: what was confirmed can be read whatever happens later, a file that failed is never written
 * again, and a group is synced once. The first tests are on a disk in memory, the others on the system's. */
#include "tap.h"

#include "base/mem.h"
#include "ledger/archive.h"
#include "sim/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REQUESTS_MAX 1000

struct archive_world {
    struct shelf *shelf;
    struct archive_writer *writer;
    char directory[128]; /* where the archive is, below a folder that is gone behind the test */
    struct archive_request requests[REQUESTS_MAX];
    struct job_execution executions[REQUESTS_MAX];
    char documents[REQUESTS_MAX][64];
    char file[ARCHIVE_PATH_MAX + 1];
    int count, done;
    int order[REQUESTS_MAX]; /* in which they were answered */
    int64_t now_ms;
    sem_t woken;
};

static const struct run_header header = {
    .policy = "old", .target = "prod", .account = "123456789012", .region = "eu-west-1"};

static void on_wake(void *ctx)
{
    struct archive_world *world = ctx;
    sem_post(&world->woken);
}

static int64_t wall_ms(void *ctx)
{
    const struct archive_world *world = ctx;
    return world->now_ms;
}

static void open_archive(struct archive_world *world, bool threaded, bool on_shelf)
{
    const struct archive_writer_config config = {.threaded = threaded,
                                                 .wake = on_wake,
                                                 .wall_ms = wall_ms,
                                                 .ctx = world,
                                                 .disk = on_shelf ? shelf_disk(world->shelf) : NULL};
    archive_writer_destroy(world->writer);
    world->writer = archive_writer_create(&config);
}

static int start(void **state)
{
    struct archive_world *world = mem_zalloc(sizeof *world);
    char folder[] = "/tmp/jobsweep-archive-XXXXXX";
    world->shelf = shelf_create(1);
    world->now_ms = INT64_C(1795738530000); /* 2026-11-27T00:15:30Z */
    sem_init(&world->woken, 0, 0);
    assert_non_null(mkdtemp(folder));
    snprintf(world->directory, sizeof world->directory, "%s/archive", folder);
    open_archive(world, false, true);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int stop(void **state)
{
    struct archive_world *world = *state;
    archive_writer_destroy(world->writer);
    shelf_destroy(world->shelf);
    *strrchr(world->directory, '/') = '\0';
    nftw(world->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    sem_destroy(&world->woken);
    free(world);
    return 0;
}

/* --- requests --- */

static void on_done(struct archive_request *request)
{
    struct archive_world *world = request->owner;
    world->order[world->done++] = (int)(request - world->requests);
}

static struct archive_request *submit(struct archive_world *world, enum archive_operation operation,
                                      int64_t run, int64_t row)
{
    int number = world->count++;
    struct archive_request *request = &world->requests[number];
    struct job_execution *execution = &world->executions[number];
    snprintf(execution->job_id, sizeof execution->job_id, "fw-%d", (int)(row % 7));
    snprintf(execution->thing_name, sizeof execution->thing_name, "gw-%d", (int)row);
    execution->number = row + 1;
    snprintf(world->documents[number], sizeof world->documents[number],
             "{\"execution\":{\"executionNumber\":%d}}", (int)row + 1);
    *request = (struct archive_request){.operation = operation,
                                        .directory = world->directory,
                                        .run = run,
                                        .header = &header,
                                        .execution = execution,
                                        .reason = "age over \"30d\"",
                                        .row = row,
                                        .document = world->documents[number],
                                        .length = strlen(world->documents[number]),
                                        .file = world->file,
                                        .done = on_done,
                                        .owner = world};
    archive_writer_face(world->writer)->submit(archive_writer_face(world->writer)->ctx, request);
    return request;
}

static void work(struct archive_world *world)
{
    archive_writer_work(world->writer);
    archive_writer_drain(world->writer);
    assert_int_equal(world->done, world->count);
}

static enum err_code add(struct archive_world *world, int64_t run, int64_t row)
{
    const struct archive_request *request = submit(world, ARCHIVE_EXECUTION, run, row);
    work(world);
    return request->err.code;
}

static const char *close_run(struct archive_world *world, int64_t run)
{
    strcpy(world->file, "?");
    assert_int_equal(submit(world, ARCHIVE_CLOSE, run, 0)->err.code, ERR_NONE);
    work(world);
    return world->file;
}

static void assert_lines(const struct archive_world *world, size_t file, bool synced, int lines)
{
    struct buf text;
    char expected[64];
    const char *at;
    buf_init(&text, 1024 * 1024);
    shelf_read(world->shelf, file, synced, &text);
    at = buf_string(&text);
    for (int i = 0; i < lines; i++) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        snprintf(expected, sizeof expected, "{\"execution\":{\"executionNumber\":%d}}}", i + 1);
        assert_memory_equal(end - strlen(expected), expected, strlen(expected));
        at = end + 1;
    }
    assert_null(strchr(at, '\n')); /* of a frame that is torn there may be a part */
    buf_finish(&text);
}

/* --- what is written --- */

static void a_line_says_what_it_is_about_and_holds_the_document_as_it_came(void **state)
{
    struct archive_world *world = *state;
    struct buf text;
    submit(world, ARCHIVE_JOB, 12, 3);
    submit(world, ARCHIVE_EXECUTION, 12, 3);
    work(world);
    assert_string_equal(shelf_name(world->shelf, 0) + strlen(world->directory),
                        "/old-20261127T001530Z-run-12.jsonl.zst");
    buf_init(&text, 65536);
    assert_true(shelf_read(world->shelf, 0, true, &text));
    assert_string_equal(
        buf_string(&text),
        "{\"kind\":\"job\",\"run\":12,\"policy\":\"old\",\"target\":\"prod\",\"account\":\"123456789012\","
        "\"region\":\"eu-west-1\",\"job_id\":\"fw-3\",\"archived_at\":\"2026-11-27T00:15:30Z\","
        "\"document\":{\"execution\":{\"executionNumber\":4}}}\n"
        "{\"kind\":\"execution\",\"run\":12,\"row\":3,\"policy\":\"old\",\"target\":\"prod\","
        "\"account\":\"123456789012\",\"region\":\"eu-west-1\",\"job_id\":\"fw-3\",\"thing_name\":\"gw-3\","
        "\"execution_number\":4,\"reason\":\"age over \\\"30d\\\"\",\"archived_at\":\"2026-11-27T00:15:30Z\","
        "\"document\":{\"execution\":{\"executionNumber\":4}}}\n");
    buf_finish(&text);
    assert_string_equal(close_run(world, 12), shelf_name(world->shelf, 0));
    assert_int_equal(shelf_open_files(world->shelf), 0);
}

static void what_waits_together_is_one_frame_and_one_sync(void **state)
{
    struct archive_world *world = *state;
    for (int row = 0; row < 300; row++) {
        submit(world, ARCHIVE_EXECUTION, 1, row);
    }
    work(world);
    assert_int_equal(shelf_syncs(world->shelf), 1);
    assert_false(shelf_unsynced(world->shelf));
    assert_lines(world, 0, true, 300);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(world->order[i], i);
    }
}

static void each_run_has_a_file_and_its_own_order(void **state)
{
    struct archive_world *world = *state;
    for (int row = 0; row < 20; row++) {
        submit(world, ARCHIVE_EXECUTION, 1, row);
        submit(world, ARCHIVE_EXECUTION, 2, row);
    }
    work(world);
    assert_int_equal(shelf_files(world->shelf), 2);
    assert_int_equal(shelf_syncs(world->shelf), 2);
    assert_lines(world, 0, true, 20);
    assert_lines(world, 1, true, 20);
    assert_string_equal(close_run(world, 2), shelf_name(world->shelf, 1));
    assert_int_equal(add(world, 1, 20), ERR_NONE); /* the other goes on */
    assert_lines(world, 0, true, 21);
}

static void a_run_without_documents_has_no_file(void **state)
{
    struct archive_world *world = *state;
    assert_string_equal(close_run(world, 7), "");
    assert_int_equal(shelf_files(world->shelf), 0);
}

static void another_process_begins_another_file(void **state)
{
    struct archive_world *world = *state;
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    open_archive(world, false, true);
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    assert_int_equal(shelf_files(world->shelf), 2);
    assert_string_equal(shelf_name(world->shelf, 1) + strlen(world->directory),
                        "/old-20261127T001530Z-run-1-2.jsonl.zst");
}

/* --- what goes wrong --- */

/* The machine stops while a frame is written: a part of it, or nothing, is there afterwards. */
static bool tear(struct archive_world *world, uint64_t seed)
{
    const struct archive_disk *disk;
    static const char frame[] = "\x28\xb5\x2f\xfd\x04\x58\x21\x00\x00\x61\x62\x63\x64";
    struct buf text;
    archive_writer_destroy(world->writer);
    world->writer = NULL;
    shelf_destroy(world->shelf);
    world->shelf = shelf_create(seed);
    open_archive(world, false, true);
    for (int row = 0; row < 5; row++) {
        assert_int_equal(add(world, 1, row), ERR_NONE);
    }
    disk = shelf_disk(world->shelf);
    assert_int_equal(disk->write(disk->ctx, 0, frame, sizeof frame), sizeof frame);
    shelf_crash(world->shelf);
    buf_init(&text, 65536);
    bool torn = !shelf_read(world->shelf, 0, false, &text);
    buf_finish(&text);
    return torn;
}

static void a_torn_end_takes_nothing_that_was_confirmed(void **state)
{
    struct archive_world *world = *state;
    int torn = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        torn += tear(world, seed);
        assert_lines(world, 0, false, 5);
    }
    assert_in_range(torn, 25, 49);
}

static void assert_frozen(struct archive_world *world, int lines)
{
    struct archive_request *request = submit(world, ARCHIVE_EXECUTION, 1, lines);
    work(world);
    assert_int_equal(request->err.code, ERR_ARCHIVE);
    for (int i = 0; i < SHELF_TROUBLE_COUNT; i++) {
        shelf_trouble(world->shelf, (enum shelf_trouble)i, -1);
    }
    struct archive_request *later = submit(world, ARCHIVE_EXECUTION, 1, lines);
    work(world);
    assert_int_equal(later->err.code, ERR_ARCHIVE); /* although the disk is well again */
    assert_string_equal(later->err.msg, request->err.msg);
    assert_int_equal(add(world, 2, 0), ERR_NONE); /* other runs have files of their own */
    if (lines > 0) {
        assert_lines(world, 0, false, lines);
    }
    close_run(world, 1);
}

static void a_write_that_fails_freezes_the_run(void **state)
{
    struct archive_world *world = *state;
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    shelf_trouble(world->shelf, SHELF_WRITE_ERROR, 0);
    assert_frozen(world, 1);
}

static void a_disk_that_is_full_freezes_the_run_and_leaves_no_half_line(void **state)
{
    struct archive_world *world = *state;
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    shelf_trouble(world->shelf, SHELF_FULL, 0);
    submit(world, ARCHIVE_EXECUTION, 1, 1);
    assert_frozen(world, 1);
    assert_non_null(strstr(world->requests[1].err.msg, "No space left on device"));
}

static void a_sync_that_fails_freezes_the_run(void **state)
{
    struct archive_world *world = *state;
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    assert_int_equal(add(world, 1, 1), ERR_NONE);
    shelf_trouble(world->shelf, SHELF_SYNC_ERROR, 0);
    assert_frozen(world, 2);
}

static void a_file_that_cannot_be_begun_is_not_tried_again(void **state)
{
    struct archive_world *world = *state;
    shelf_trouble(world->shelf, SHELF_CREATE_ERROR, 0);
    assert_frozen(world, 0);
    assert_string_equal(world->file, "");
}

static void writes_that_take_half_are_gone_on_with(void **state)
{
    struct archive_world *world = *state;
    shelf_trouble(world->shelf, SHELF_SHORT_WRITE, 0);
    for (int row = 0; row < 30; row++) {
        assert_int_equal(add(world, 1, row), ERR_NONE);
    }
    assert_lines(world, 0, true, 30);
}

/* --- the thread --- */

static void wait_for(struct archive_world *world, int done)
{
    while (world->done < done) {
        struct timespec end;
        clock_gettime(CLOCK_REALTIME, &end);
        end.tv_sec += 30;
        assert_int_equal(sem_timedwait(&world->woken, &end), 0);
        archive_writer_drain(world->writer);
    }
}

static void the_thread_answers_all_in_order_and_ends(void **state)
{
    struct archive_world *world = *state;
    open_archive(world, true, true);
    for (int row = 0; row < 500; row++) {
        submit(world, ARCHIVE_EXECUTION, 1, row);
    }
    submit(world, ARCHIVE_CLOSE, 1, 0);
    wait_for(world, 501);
    for (int i = 0; i < 501; i++) {
        assert_int_equal(world->order[i], i);
        assert_int_equal(world->requests[i].err.code, ERR_NONE);
    }
    assert_string_equal(world->file, shelf_name(world->shelf, 0));
    assert_lines(world, 0, true, 500);
    assert_in_range(shelf_syncs(world->shelf), 1, 50);
}

static void a_thread_that_was_never_needed_was_never_begun(void **state)
{
    struct archive_world *world = *state;
    open_archive(world, true, true);
}

/* --- the system's disk --- */

static void files_and_folder_are_their_owners_alone(void **state)
{
    struct archive_world *world = *state;
    struct stat status;
    open_archive(world, false, false);
    umask(0);
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    assert_int_equal(add(world, 1, 1), ERR_NONE);
    close_run(world, 1);
    assert_int_equal(stat(world->directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(lstat(world->file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_true(S_ISREG(status.st_mode));
    assert_int_not_equal(status.st_size, 0);
}

static void assert_refused(struct archive_world *world, const char *why)
{
    static int64_t run = 100;
    struct archive_request *request = submit(world, ARCHIVE_EXECUTION, ++run, 0);
    work(world);
    assert_int_equal(request->err.code, ERR_ARCHIVE);
    if (strstr(request->err.msg, why) == NULL) {
        fail_msg("'%s' is not in: %s", why, request->err.msg);
    }
}

static void folders_that_others_could_change_are_refused(void **state)
{
    struct archive_world *world = *state;
    char elsewhere[160], path[160];
    open_archive(world, false, false);
    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", world->directory);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(symlink(elsewhere, world->directory), 0);
    assert_refused(world, "is a symbolic link");
    assert_int_equal(unlink(world->directory), 0);
    assert_int_equal(mkdir(world->directory, 0700), 0);
    assert_int_equal(chmod(world->directory, 0770), 0);
    assert_refused(world, "can be written by its group (chmod g-w)");
    assert_int_equal(chmod(world->directory, 01777), 0);
    assert_refused(world, "can be written by everybody (chmod go-w)");
    assert_int_equal(chmod(world->directory, 0755), 0);
    assert_int_equal(add(world, 99, 0), ERR_NONE);
    strcpy(path, world->directory);
    strcat(world->directory, "/a/b");
    assert_refused(world, "No such file or directory"); /* parents are not made */
    strcpy(world->directory, path);
}

static void whoever_waits_with_a_link_under_the_files_name_gets_nothing(void **state)
{
    struct archive_world *world = *state;
    char link[256], target[256];
    struct stat status;
    open_archive(world, false, false);
    assert_int_equal(mkdir(world->directory, 0700), 0);
    snprintf(target, sizeof target, "%s/target", world->directory);
    snprintf(link, sizeof link, "%s/old-20261127T001530Z-run-1.jsonl.zst", world->directory);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(add(world, 1, 0), ERR_NONE);
    assert_int_equal(lstat(target, &status), -1);
    assert_non_null(strstr(close_run(world, 1), "-run-1-2.jsonl.zst"));
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
    struct archive_world *world = *state;
    if (geteuid() != 0) {
        skip(); /* only root can make one */
    }
    open_archive(world, false, false);
    assert_int_equal(mkdir(world->directory, 0700), 0);
    assert_int_equal(chown(world->directory, 12345, 12345), 0);
    struct stat status;
    assert_int_equal(add(world, 1, 0), ERR_NONE); /* root writes there, as its owner */
    close_run(world, 1);
    assert_int_equal(stat(world->file, &status), 0);
    assert_int_equal(status.st_uid, 12345);
    *strrchr(world->directory, '/') = '\0';
    assert_int_equal(chmod(world->directory, 0755), 0);
    strcat(world->directory, "/archive");
    assert_int_equal(chmod(world->directory, 0755), 0);
    assert_int_equal(seteuid(54321), 0);
    open_archive(world, false, false);
    struct archive_request *request = submit(world, ARCHIVE_EXECUTION, 2, 0);
    archive_writer_work(world->writer);
    archive_writer_drain(world->writer);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(request->err.code, ERR_ARCHIVE);
    assert_non_null(strstr(request->err.msg, "belongs to another user"));
}

#define ON_A_DISK(test) cmocka_unit_test_setup_teardown(test, start, stop)

static const struct CMUnitTest tests[] = {
    ON_A_DISK(a_line_says_what_it_is_about_and_holds_the_document_as_it_came),
    ON_A_DISK(what_waits_together_is_one_frame_and_one_sync),
    ON_A_DISK(each_run_has_a_file_and_its_own_order),
    ON_A_DISK(a_run_without_documents_has_no_file),
    ON_A_DISK(another_process_begins_another_file),
    ON_A_DISK(a_torn_end_takes_nothing_that_was_confirmed),
    ON_A_DISK(a_write_that_fails_freezes_the_run),
    ON_A_DISK(a_disk_that_is_full_freezes_the_run_and_leaves_no_half_line),
    ON_A_DISK(a_sync_that_fails_freezes_the_run),
    ON_A_DISK(a_file_that_cannot_be_begun_is_not_tried_again),
    ON_A_DISK(writes_that_take_half_are_gone_on_with),
    ON_A_DISK(the_thread_answers_all_in_order_and_ends),
    ON_A_DISK(a_thread_that_was_never_needed_was_never_begun),
    ON_A_DISK(files_and_folder_are_their_owners_alone),
    ON_A_DISK(folders_that_others_could_change_are_refused),
    ON_A_DISK(whoever_waits_with_a_link_under_the_files_name_gets_nothing),
    ON_A_DISK(a_folder_of_somebody_else_is_refused),
};

TAP_MAIN(tests)
