/* Where the control socket is: the daemon and who looks for it must come to the same. */
#include "tap.h"

#include "app/config_file.h"
#include "app/control_place.h"
#include "app/state_directory.h"
#include "policy/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *text, *runtime, *path;
} places[] = {
    {CONFIG_FILE_DEFAULT, "", NULL, "/run/jobsweep/control.sock"},
    {CONFIG_FILE_DEFAULT, "", "/run/other", "/run/other/control.sock"},
    {CONFIG_FILE_DEFAULT, "", "/run/a:/run/b", "/run/jobsweep/control.sock"},
    {CONFIG_FILE_DEFAULT, "", "run", "/run/jobsweep/control.sock"},
    {CONFIG_FILE_DEFAULT, "state_directory: /srv/state\n", "/run/other", "/srv/state/control.sock"},
    {"own.yaml", "state_directory: " STATE_DIRECTORY_SYSTEM "\n", NULL, "/run/jobsweep/control.sock"},
    {"own.yaml", "", NULL, "/home/somebody/.local/state/jobsweep/control.sock"},
    {"own.yaml", "control: {socket: /x/y}\n", "/run/other", "/x/y"},
    {"own.yaml", "control: {socket: none}\n", NULL, SOCKET_NONE},
};

static struct config *load(const char *name, const char *text)
{
    char whole[512];
    struct diagnostics diagnostics;
    diagnostics_init(&diagnostics);
    snprintf(whole, sizeof whole, "version: 1\n%s", text);
    struct config *config = config_load_text(name, whole, strlen(whole), &diagnostics);
    diagnostics_finish(&diagnostics);
    assert_non_null(config);
    return config;
}

static void set_environment(const char *runtime)
{
    setenv("HOME", "/home/somebody", 1);
    unsetenv("XDG_STATE_HOME");
    unsetenv("RUNTIME_DIRECTORY");
    if (runtime != NULL)
        setenv("RUNTIME_DIRECTORY", runtime, 1);
}

static void the_place_follows_from_the_configuration(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[SOCKET_PATH_MAX + 1];
        struct err err;
        set_environment(places[i].runtime);
        struct config *config = load(places[i].name, places[i].text);
        assert_int_equal(control_place(config, path, &err), 0);
        assert_string_equal(path, places[i].path);
        config_unref(config);
    }
}

static void a_state_directory_that_is_too_deep_for_a_socket_is_told(void **state)
{
    char text[256], path[SOCKET_PATH_MAX + 1];
    struct err err;
    (void)state;
    set_environment(NULL);
    for (int more = 0; more < 2; more++) {
        int length = SOCKET_PATH_MAX - (int)strlen("/control.sock") - 1 + more;
        snprintf(text, sizeof text, "state_directory: /%0*d\n", length, 7);
        struct config *config = load("own.yaml", text);
        assert_int_equal(control_place(config, path, &err), -more);
        config_unref(config);
    }
    assert_int_equal(err.code, ERR_TOO_BIG);
    assert_non_null(strstr(err.msg, "set control.socket"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_place_follows_from_the_configuration),
    cmocka_unit_test(a_state_directory_that_is_too_deep_for_a_socket_is_told),
};

TAP_MAIN(tests)
