/* That a daemon is paused: whatever is in the file, its being there says so. */
#include "tap.h"

#include "app/pause_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A disk on which no name is durable: in the place of libc's. */
static bool folders_fail, names_fail;

int fsync(int fd)
{
    struct stat status;
    errno = EIO;
    return folders_fail && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) ? -1
                                                                              : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    errno = EIO;
    return names_fail ? -1 : (int)syscall(SYS_rename, from, to);
}

#define AT_MS INT64_C(1795737600000)

static int begin(void **state)
{
    char *folder = strdup("/tmp/jobsweep-pause-XXXXXX");
    assert_non_null(mkdtemp(folder));
    *state = folder;
    return 0;
}

static void name_file(void **state, char path[128])
{
    snprintf(path, 128, "%s/" PAUSE_FILE, (const char *)*state);
}

static int end(void **state)
{
    char path[128];
    name_file(state, path);
    unlink(path);
    strcat(path, ".new");
    unlink(path);
    assert_int_equal(rmdir(*state), 0);
    free(*state);
    return 0;
}

static void what_was_stored_is_there_until_it_is_removed(void **state)
{
    struct pause pause = {.paused = true, .since_ms = AT_MS, .user = 1000}, found;
    struct err err;
    char text[80], path[128];
    struct stat status;
    pause_load(*state, &found);
    assert_false(found.paused);
    for (int i = 0; i < 2; i++) { /* the second replaces the first */
        pause.user += i;
        assert_int_equal(pause_store(*state, &pause, &err), 0);
        pause_load(*state, &found);
        assert_true(found.paused);
        assert_true(found.since_ms == AT_MS && found.user == 1000 + i);
    }
    assert_string_equal(pause_text(&found, text), "since 2026-11-27T00:00:00Z, by user 1001");
    found.user = 0;
    assert_string_equal(pause_text(&found, text), "since 2026-11-27T00:00:00Z, by root");
    name_file(state, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(pause_remove(*state, &pause, &err), 0);
    pause_load(*state, &found);
    assert_false(found.paused);
    assert_int_equal(pause_remove(*state, &pause, &err), 0); /* what is not there is no failure */
}

static void a_file_that_says_nothing_of_use_says_paused(void **state)
{
    static const char *const texts[] = {
        "", "\n", "{", "[]", "{\"paused_at\":1,\"user\":\"x\"}", "\xff\xfe", "not paused", "null\n"};
    char path[128], text[80];
    name_file(state, path);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pause found;
        FILE *file = fopen(path, "w");
        fputs(texts[i], file);
        fclose(file);
        pause_load(*state, &found);
        assert_true(found.paused);
        assert_true(found.since_ms == 0 && found.user == -1);
        assert_string_equal(pause_text(&found, text), "since an unknown time");
    }
}

static void what_is_no_file_says_paused_and_is_waited_for_by_nobody(void **state)
{
    struct pause found;
    char path[128];
    name_file(state, path);
    assert_int_equal(symlink("/dev/null", path), 0);
    pause_load(*state, &found);
    assert_true(found.paused);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    pause_load(*state, &found);
    assert_true(found.paused);
}

static void what_cannot_be_stored_is_told(void **state)
{
    struct pause pause = {.paused = true, .since_ms = AT_MS};
    struct err err;
    char folder[128];
    snprintf(folder, sizeof folder, "%s/none", (const char *)*state);
    assert_int_equal(pause_store(folder, &pause, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_non_null(strstr(err.msg, folder));
}

static void a_pause_that_cannot_be_taken_off_the_disk_for_good_stays(void **state)
{
    const struct pause pause = {.paused = true, .since_ms = AT_MS, .user = 7};
    struct pause found;
    struct err err;
    assert_int_equal(pause_store(*state, &pause, &err), 0);
    folders_fail = true;
    assert_int_equal(pause_remove(*state, &pause, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_null(strstr(err.msg, "the next start"));
    pause_load(*state, &found);
    assert_true(found.paused && found.since_ms == AT_MS && found.user == 7);
    names_fail = true;
    assert_int_equal(pause_remove(*state, &pause, &err), -1);
    assert_non_null(strstr(err.msg, "the next start is not paused: "));
    folders_fail = names_fail = false;
    pause_load(*state, &found);
    assert_false(found.paused);
    assert_int_equal(pause_remove(*state, &pause, &err), 0);
}

#define PAUSE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static const struct CMUnitTest tests[] = {
    PAUSE_TEST(what_was_stored_is_there_until_it_is_removed),
    PAUSE_TEST(a_file_that_says_nothing_of_use_says_paused),
    PAUSE_TEST(what_is_no_file_says_paused_and_is_waited_for_by_nobody),
    PAUSE_TEST(what_cannot_be_stored_is_told),
    PAUSE_TEST(a_pause_that_cannot_be_taken_off_the_disk_for_good_stays),
};

TAP_MAIN(tests)
