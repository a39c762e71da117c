/* Where the configuration is looked for. CONFIG_FILE_DEFAULT itself may or may not exist on this machine. */
#include "tap.h"

#include "app/config_file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
    char root[64], before[PATH_MAX]; /* the folder of the test, and where it began */
};

static char *at(const struct scene *scene, const char *name, char *path)
{
    snprintf(path, 256, "%s%s%s", scene->root, *name != '\0' ? "/" : "", name);
    return path;
}

/* Everything is looked for below one new folder, which is the working one too. */
static int start(void **state)
{
    static const char *const folders[] = {"xdg", "xdg/jobsweep", "home", "home/.config",
                                          "home/.config/jobsweep"};
    struct scene *scene = mem_zalloc(sizeof *scene);
    char path[256];
    *state = scene;
    strcpy(scene->root, "/tmp/jobsweep-config-XXXXXX");
    if (getcwd(scene->before, sizeof scene->before) == NULL || mkdtemp(scene->root) == NULL)
        return -1;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (mkdir(at(scene, folders[i], path), 0700) != 0)
            return -1;
    }
    setenv("HOME", at(scene, "home", path), 1);
    setenv("XDG_CONFIG_HOME", at(scene, "xdg", path), 1);
    return chdir(scene->root);
}

static int stop(void **state)
{
    static const char *const files[] = {"jobsweep.yaml", "xdg/jobsweep/jobsweep.yaml",
                                        "home/.config/jobsweep/jobsweep.yaml"};
    static const char *const folders[] = {"xdg/jobsweep", "xdg",  "home/.config/jobsweep",
                                          "home/.config", "home", ""};
    struct scene *scene = *state;
    char path[256];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        unlink(at(scene, files[i], path));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        rmdir(at(scene, folders[i], path));
    int result = chdir(scene->before);
    free(scene);
    return result;
}

static void make(void **state, const char *name)
{
    char path[256];
    int fd = open(at(*state, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void found(const char *explicit_path, bool system, const char *expected)
{
    char path[256];
    struct err err;
    if (config_file_find(explicit_path, system, path, sizeof path, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(path, expected);
}

static void the_file_that_was_named_is_taken_unseen(void **state)
{
    make(state, "jobsweep.yaml");
    found("/nowhere/x.yaml", true, "/nowhere/x.yaml");
    found("/nowhere/x.yaml", false, "/nowhere/x.yaml");
    found("", false, ""); /* its reading says that there is no such file */
}

static void a_user_has_three_places_in_this_order(void **state)
{
    char path[256];
    make(state, "home/.config/jobsweep/jobsweep.yaml");
    unsetenv("XDG_CONFIG_HOME");
    found(NULL, false, at(*state, "home/.config/jobsweep/jobsweep.yaml", path));
    setenv("XDG_CONFIG_HOME", at(*state, "xdg", path), 1);
    make(state, "xdg/jobsweep/jobsweep.yaml");
    found(NULL, false, at(*state, "xdg/jobsweep/jobsweep.yaml", path));
    make(state, "jobsweep.yaml");
    found(NULL, false, "jobsweep.yaml");
}

static void relative_folders_of_the_environment_are_ignored(void **state)
{
    char path[256];
    make(state, "xdg/jobsweep/jobsweep.yaml");
    make(state, "home/.config/jobsweep/jobsweep.yaml");
    setenv("XDG_CONFIG_HOME", "xdg", 1);
    found(NULL, false, at(*state, "home/.config/jobsweep/jobsweep.yaml", path));
    setenv("XDG_CONFIG_HOME", "", 1);
    found(NULL, false, at(*state, "home/.config/jobsweep/jobsweep.yaml", path));
}

static void the_system_looks_at_one_file_only(void **state)
{
    char path[256];
    struct err err;
    make(state, "xdg/jobsweep/jobsweep.yaml");
    if (access(CONFIG_FILE_DEFAULT, F_OK) == 0) {
        found(NULL, true, CONFIG_FILE_DEFAULT);
        return;
    }
    assert_int_equal(config_file_find(NULL, true, path, sizeof path, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg,
                        "no configuration: " CONFIG_FILE_DEFAULT " does not exist; name one with --config");
    make(state, "jobsweep.yaml");
    assert_int_equal(config_file_find(NULL, true, path, sizeof path, &err), -1);
    assert_string_equal(err.msg,
                        "no configuration: " CONFIG_FILE_DEFAULT " does not exist; name one with --config"
                        " (--config jobsweep.yaml for the one in this folder)");
}

static void nothing_found_names_every_place(void **state)
{
    char path[256], expected[512];
    struct err err;
    if (access(CONFIG_FILE_DEFAULT, F_OK) == 0) {
        found(NULL, false, CONFIG_FILE_DEFAULT);
        return;
    }
    assert_int_equal(config_file_find(NULL, false, path, sizeof path, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    snprintf(expected, sizeof expected,
             "no configuration: none of ./jobsweep.yaml, %s, " CONFIG_FILE_DEFAULT
             " exists; name one with --config",
             at(*state, "xdg/jobsweep/jobsweep.yaml", path));
    assert_string_equal(err.msg, expected);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("HOME");
    assert_int_equal(config_file_find(NULL, false, path, sizeof path, &err), -1);
    assert_string_equal(err.msg, "no configuration: none of ./jobsweep.yaml, " CONFIG_FILE_DEFAULT
                                 " exists; name one with --config");
}

static void a_path_that_is_too_long_is_refused_not_cut(void **state)
{
    char path[16], home[64];
    struct err err;
    (void)state;
    assert_int_equal(config_file_find("/0123456789abcde", true, path, sizeof path, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    assert_int_equal(config_file_find("/0123456789abcd", true, path, sizeof path, &err), 0);
    memset(home, 'x', sizeof home - 1);
    home[0] = '/';
    home[sizeof home - 1] = '\0';
    setenv("XDG_CONFIG_HOME", home, 1);
    assert_int_equal(config_file_find(NULL, false, path, sizeof path, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_file_that_was_named_is_taken_unseen, start, stop),
    cmocka_unit_test_setup_teardown(a_user_has_three_places_in_this_order, start, stop),
    cmocka_unit_test_setup_teardown(relative_folders_of_the_environment_are_ignored, start, stop),
    cmocka_unit_test_setup_teardown(the_system_looks_at_one_file_only, start, stop),
    cmocka_unit_test_setup_teardown(nothing_found_names_every_place, start, stop),
    cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_refused_not_cut, start, stop),
};

TAP_MAIN(tests)
