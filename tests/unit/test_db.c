/* Where a database may lie: behind links, as the state of a service with DynamicUser= does, but not be one.
 */
#include "tap.h"

#include "base/mem.h"
#include "ledger/db.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* private/state, and the links: state -> private/state, private/state/link.db -> elsewhere.db */
struct scene {
    char root[64], before[PATH_MAX];
};

static char *at(const struct scene *scene, const char *name, char *path)
{
    snprintf(path, 256, "%s/%s", scene->root, name);
    return path;
}

static int start(void **state)
{
    struct scene *scene = mem_zalloc(sizeof *scene);
    char path[256], other[256];
    *state = scene;
    strcpy(scene->root, "/tmp/jobsweep-db-XXXXXX");
    if (getcwd(scene->before, sizeof scene->before) == NULL || mkdtemp(scene->root) == NULL ||
        mkdir(at(scene, "private", path), 0700) != 0 || mkdir(at(scene, "private/state", path), 0700) != 0)
        return -1;
    return symlink("private/state", at(scene, "state", path)) != 0 ||
           symlink(at(scene, "elsewhere.db", other), at(scene, "private/state/link.db", path)) != 0;
}

static int stop(void **state)
{
    static const char *const names[] = {"private/state/link.db",  "private/state/a.db",
                                        "private/state/a.db-wal", "private/state/a.db-shm",
                                        "elsewhere.db",           "state"};
    struct scene *scene = *state;
    char path[256];
    int result = chdir(scene->before);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(at(scene, names[i], path));
    rmdir(at(scene, "private/state", path));
    rmdir(at(scene, "private", path));
    rmdir(scene->root);
    free(scene);
    return result;
}

static void opens(const char *path, bool read_only)
{
    struct err err;
    struct db *db = db_open(path, NULL, read_only, &err);
    if (db == NULL)
        fail_msg("%s: %s", path, err.msg);
    if (!read_only)
        assert_int_equal(db_execute(db, "CREATE TABLE IF NOT EXISTS t (x)", &err), 0);
    db_close(db);
}

static void refused(const char *path, bool read_only, enum err_code code)
{
    struct err err = {0};
    assert_null(db_open(path, NULL, read_only, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.msg, path));
}

static void the_folder_may_be_reached_by_a_link(void **state)
{
    char path[256];
    struct stat status;
    opens(at(*state, "state/a.db", path), false);
    opens(at(*state, "state/a.db", path), true);
    assert_int_equal(stat(at(*state, "private/state/a.db", path), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

static void a_path_may_be_relative(void **state)
{
    char path[256];
    assert_int_equal(chdir(at(*state, "state", path)), 0);
    opens("a.db", false);
    opens("./a.db", false);
    opens("../state/a.db", true);
    assert_int_equal(access(at(*state, "private/state/a.db", path), F_OK), 0);
}

static void the_file_itself_may_be_no_link(void **state)
{
    char path[256];
    opens(at(*state, "state/a.db", path), false);
    refused(at(*state, "state/link.db", path), false, ERR_IO);
    refused(at(*state, "private/state/link.db", path), false, ERR_IO);
    assert_int_not_equal(access(at(*state, "elsewhere.db", path), F_OK), 0); /* nothing was made there */
    unlink(at(*state, "private/state/link.db", path));
    assert_int_equal(symlink("a.db", path), 0);
    refused(at(*state, "state/link.db", path), true, ERR_IO);
}

static void folders_and_files_that_are_not_there_are_named(void **state)
{
    char path[256];
    refused(at(*state, "nothing/a.db", path), false, ERR_IO);
    refused(at(*state, "state/a.db", path), true, ERR_NOT_FOUND);
    refused("", false, ERR_IO);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_folder_may_be_reached_by_a_link, start, stop),
    cmocka_unit_test_setup_teardown(a_path_may_be_relative, start, stop),
    cmocka_unit_test_setup_teardown(the_file_itself_may_be_no_link, start, stop),
    cmocka_unit_test_setup_teardown(folders_and_files_that_are_not_there_are_named, start, stop),
};

TAP_MAIN(tests)
