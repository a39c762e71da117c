/* Which files may hold secrets: modes, and what a service manager passes. */
#include "tap.h"

#include "aws/secret_file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with: passed/keys, passed/inner/, other/keys, passed/link -> other/keys, alias -> passed. */
struct place {
    char root[64];
};

static char *at(const struct place *place, const char *name, char *path)
{
    snprintf(path, 256, "%s/%s", place->root, name);
    return path;
}

static void make_file(const struct place *place, const char *name, mode_t mode)
{
    char path[256];
    int fd = open(at(place, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static int start(void **state)
{
    char path[256], other[256];
    struct place *place = mem_zalloc(sizeof *place);
    *state = place;
    strcpy(place->root, "/tmp/jobsweep-secret-XXXXXX");
    if (mkdtemp(place->root) == NULL || mkdir(at(place, "passed", path), 0750) != 0 ||
        mkdir(at(place, "passed/inner", path), 0750) != 0 || mkdir(at(place, "other", path), 0750) != 0)
        return -1;
    make_file(place, "passed/keys", 0440);
    make_file(place, "passed/inner/keys", 0440);
    make_file(place, "other/keys", 0440);
    setenv("CREDENTIALS_DIRECTORY", at(place, "passed", path), 1);
    return symlink(at(place, "other/keys", other), at(place, "passed/link", path)) != 0 ||
           symlink("passed", at(place, "alias", path)) != 0;
}

static int stop(void **state)
{
    static const char *const names[] = {"passed/link", "passed/keys", "passed/hard", "passed/inner/keys",
                                        "other/keys",  "alias",       NULL};
    static const char *const folders[] = {"passed/inner", "passed", "other", "", NULL};
    struct place *place = *state;
    char path[256];
    unsetenv("CREDENTIALS_DIRECTORY");
    for (int i = 0; names[i] != NULL; i++)
        unlink(at(place, names[i], path));
    for (int i = 0; folders[i] != NULL; i++)
        rmdir(at(place, folders[i], path));
    free(place);
    return 0;
}

static enum err_code check_path(const char *path)
{
    struct err err = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    int result = secret_file_check(path, fd, &err);
    close(fd);
    if (result == 0)
        return ERR_NONE;
    assert_non_null(strstr(err.msg, path));
    return err.code;
}

static enum err_code check(void **state, const char *name)
{
    char path[256];
    return check_path(at(*state, name, path));
}

static void a_file_of_its_owner_alone_is_fine_anywhere(void **state)
{
    static const struct {
        mode_t mode;
        enum err_code code;
    } rows[] = {{0600, ERR_NONE},       {0400, ERR_NONE},       {0640, ERR_PERMISSION},
                {0604, ERR_PERMISSION}, {0440, ERR_PERMISSION}, {0620, ERR_PERMISSION},
                {0601, ERR_PERMISSION}, {0666, ERR_PERMISSION}};
    char path[256];
    unsetenv("CREDENTIALS_DIRECTORY");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(chmod(at(*state, "other/keys", path), rows[i].mode), 0);
        assert_int_equal(check(state, "other/keys"), rows[i].code);
    }
}

static void a_folder_is_no_file(void **state)
{
    assert_int_equal(check(state, "other"), ERR_INVALID);
}

static void what_the_manager_passed_may_be_open_to_its_group(void **state)
{
    static const struct {
        mode_t mode;
        enum err_code code;
    } rows[] = {{0440, ERR_NONE},       {0640, ERR_NONE},       {0444, ERR_PERMISSION},
                {0441, ERR_PERMISSION}, {0460, ERR_PERMISSION}, {0446, ERR_PERMISSION}};
    char path[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(chmod(at(*state, "passed/keys", path), rows[i].mode), 0);
        assert_int_equal(check(state, "passed/keys"), rows[i].code);
    }
}

static void without_the_managers_word_it_may_not(void **state)
{
    char path[256];
    static const char *const words[] = {"", "passed", "/nowhere", "/", NULL};
    for (int i = 0; words[i] != NULL; i++) {
        setenv("CREDENTIALS_DIRECTORY", words[i], 1);
        assert_int_equal(check(state, "passed/keys"), ERR_PERMISSION);
    }
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(check(state, "passed/keys"), ERR_PERMISSION);
    setenv("CREDENTIALS_DIRECTORY", at(*state, "passed/keys", path), 1); /* no folder */
    assert_int_equal(check(state, "passed/keys"), ERR_PERMISSION);
}

static void a_folder_that_others_may_enter_or_write_is_no_promise(void **state)
{
    static const struct {
        mode_t mode;
        enum err_code code;
    } rows[] = {{0700, ERR_NONE},       {0550, ERR_NONE},       {0755, ERR_PERMISSION},
                {0751, ERR_PERMISSION}, {0770, ERR_PERMISSION}, {01777, ERR_PERMISSION}};
    char path[256];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(chmod(at(*state, "passed", path), rows[i].mode), 0);
        assert_int_equal(check(state, "passed/keys"), rows[i].code);
    }
    assert_int_equal(chmod(at(*state, "passed", path), 0750), 0);
}

static void links_lead_nowhere_and_no_path_leads_out(void **state)
{
    char path[256], hard[256];
    assert_int_equal(check(state, "passed/link"), ERR_PERMISSION); /* its target lies elsewhere */
    assert_int_equal(check(state, "passed/../other/keys"), ERR_PERMISSION);
    assert_int_equal(check(state, "passed/inner/keys"), ERR_PERMISSION); /* not in the folder itself */
    assert_int_equal(check(state, "passed/inner/../keys"), ERR_NONE);    /* the same file by another path */
    assert_int_equal(check(state, "alias/keys"), ERR_NONE);
    setenv("CREDENTIALS_DIRECTORY", at(*state, "alias", path), 1); /* who made this link is not known */
    assert_int_equal(check(state, "passed/keys"), ERR_PERMISSION);
    setenv("CREDENTIALS_DIRECTORY", at(*state, "passed", path), 1);
    assert_int_equal(link(at(*state, "other/keys", path), at(*state, "passed/hard", hard)), 0);
    assert_int_equal(check(state, "passed/hard"), ERR_PERMISSION); /* it has another name elsewhere */
}

static void a_path_that_was_changed_after_the_opening_is_refused(void **state)
{
    char path[256], other[256];
    struct err err;
    int fd = open(at(*state, "other/keys", other), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(secret_file_check(at(*state, "passed/keys", path), fd, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    close(fd);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_file_of_its_owner_alone_is_fine_anywhere, start, stop),
    cmocka_unit_test_setup_teardown(a_folder_is_no_file, start, stop),
    cmocka_unit_test_setup_teardown(what_the_manager_passed_may_be_open_to_its_group, start, stop),
    cmocka_unit_test_setup_teardown(without_the_managers_word_it_may_not, start, stop),
    cmocka_unit_test_setup_teardown(a_folder_that_others_may_enter_or_write_is_no_promise, start, stop),
    cmocka_unit_test_setup_teardown(links_lead_nowhere_and_no_path_leads_out, start, stop),
    cmocka_unit_test_setup_teardown(a_path_that_was_changed_after_the_opening_is_refused, start, stop),
};

TAP_MAIN(tests)
