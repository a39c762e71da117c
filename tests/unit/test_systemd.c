/* What the service manager is told, on a socket of the test. */
#include "tap.h"

#include "app/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct manager {
    char folder[64], path[96];
    int fd;
};

static int listen_at(struct manager *manager, const char *name, size_t length)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, length);
    manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return manager->fd < 0 || bind(manager->fd, (struct sockaddr *)&address, size) != 0;
}

static int start(void **state)
{
    struct manager *manager = calloc(1, sizeof *manager);
    *state = manager;
    if (manager == NULL)
        return -1;
    strcpy(manager->folder, "/tmp/jobsweep-notify-XXXXXX");
    if (mkdtemp(manager->folder) == NULL)
        return -1;
    snprintf(manager->path, sizeof manager->path, "%s/notify", manager->folder);
    setenv("NOTIFY_SOCKET", manager->path, 1);
    return listen_at(manager, manager->path, strlen(manager->path) + 1);
}

static int stop(void **state)
{
    struct manager *manager = *state;
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unsetenv(names[i]);
    close(manager->fd);
    unlink(manager->path);
    rmdir(manager->folder);
    free(manager);
    return 0;
}

/* The next datagram is exactly this; NULL: there is none. */
static void told(const struct manager *manager, const char *expected)
{
    char text[1024] = "";
    ssize_t got = recv(manager->fd, text, sizeof text - 1, 0);
    if (expected == NULL) {
        assert_int_equal(got, -1);
        assert_int_equal(errno, EAGAIN);
        return;
    }
    assert_int_equal(got, strlen(expected));
    assert_string_equal(text, expected);
}

static void a_state_is_one_datagram_without_an_end(void **state)
{
    struct err err;
    assert_int_equal(systemd_notify(&err, "%s", "READY=1"), 0);
    assert_int_equal(systemd_notify(&err, "RELOADING=1\nMONOTONIC_USEC=%lld", 17LL), 0);
    told(*state, "READY=1");
    told(*state, "RELOADING=1\nMONOTONIC_USEC=17");
    told(*state, NULL);
}

static void an_abstract_socket_works_as_well(void **state)
{
    struct manager *manager = *state;
    struct err err;
    char name[108];
    close(manager->fd);
    int length = snprintf(name, sizeof name, "@jobsweep-test-%ld", (long)getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    name[0] = '\0';
    assert_int_equal(listen_at(manager, name, (size_t)length), 0);
    assert_int_equal(systemd_notify(&err, "WATCHDOG=1"), 0);
    told(manager, "WATCHDOG=1");
}

static void without_a_manager_nothing_is_told_and_nothing_fails(void **state)
{
    struct err err;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(systemd_notify(&err, "READY=1"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(systemd_notify(&err, "READY=1"), 0);
    told(*state, NULL);
}

static void addresses_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"notify", "/", "@", "vsock:2:1234", "./notify"};
    char path[128];
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_int_equal(systemd_notify(&err, "READY=1"), -1);
        assert_int_equal(err.code, ERR_INVALID);
    }
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[108] = '\0'; /* one more than fits */
    setenv("NOTIFY_SOCKET", path, 1);
    assert_int_equal(systemd_notify(&err, "READY=1"), -1);
    assert_int_equal(err.code, ERR_INVALID);
    told(*state, NULL);
}

static void a_manager_that_is_gone_or_does_not_read_is_an_error_and_no_wait(void **state)
{
    struct manager *manager = *state;
    struct err err = {0};
    int sent = 0;
    while (sent < 100000 && systemd_notify(&err, "WATCHDOG=1") == 0)
        sent++;
    assert_in_range(sent, 1, 99999);
    assert_int_equal(err.code, ERR_UNAVAILABLE);
    told(manager, "WATCHDOG=1");
    unlink(manager->path);
    assert_int_equal(systemd_notify(&err, "READY=1"), -1);
    assert_int_equal(err.code, ERR_IO);
}

static void what_is_too_long_is_refused_not_cut(void **state)
{
    char text[600];
    struct err err;
    memset(text, 'x', sizeof text - 1);
    text[511] = '\0';
    assert_int_equal(systemd_notify(&err, "%s", text), 0);
    told(*state, text);
    text[511] = 'x';
    text[512] = '\0';
    assert_int_equal(systemd_notify(&err, "%s", text), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    told(*state, NULL);
}

static void the_watchdog_is_due_in_half_of_its_time_for_this_process_only(void **state)
{
    char own[32];
    const struct {
        const char *pid, *usec;
        int64_t ns;
    } rows[] = {
        {NULL, NULL, 0},
        {NULL, "2000000", INT64_C(1000000000)},
        {own, "2000000", INT64_C(1000000000)},
        {own, "1", 500},
        {"1", "2000000", 0},
        {"", "2000000", 0},
        {"x", "2000000", 0},
        {own, "", 0},
        {own, "0", 0},
        {own, "-5", 0},
        {own, "5s", 0},
        {own, "9223372036854775807", 0},
        {own, NULL, 0},
    };
    (void)state;
    snprintf(own, sizeof own, "%ld", (long)getpid());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsetenv("WATCHDOG_PID");
        unsetenv("WATCHDOG_USEC");
        if (rows[i].pid != NULL)
            setenv("WATCHDOG_PID", rows[i].pid, 1);
        if (rows[i].usec != NULL)
            setenv("WATCHDOG_USEC", rows[i].usec, 1);
        assert_int_equal(systemd_watchdog_ns(), rows[i].ns);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_state_is_one_datagram_without_an_end, start, stop),
    cmocka_unit_test_setup_teardown(an_abstract_socket_works_as_well, start, stop),
    cmocka_unit_test_setup_teardown(without_a_manager_nothing_is_told_and_nothing_fails, start, stop),
    cmocka_unit_test_setup_teardown(addresses_that_are_none_are_refused, start, stop),
    cmocka_unit_test_setup_teardown(a_manager_that_is_gone_or_does_not_read_is_an_error_and_no_wait, start,
                                    stop),
    cmocka_unit_test_setup_teardown(what_is_too_long_is_refused_not_cut, start, stop),
    cmocka_unit_test_setup_teardown(the_watchdog_is_due_in_half_of_its_time_for_this_process_only, start,
                                    stop),
};

TAP_MAIN(tests)
