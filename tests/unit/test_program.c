/* Running a program: what it said, how it ended, and every way of ending it. */
#include "base/mem.h"
#include "net/program.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct world {
    uv_loop_t loop;
    struct program_run run;
    int done;
    bool inside;
};

static void on_done(struct program_run *run)
{
    struct world *world = run->owner;
    assert_false(world->inside);
    world->done++;
}

static void begin(struct world *world, const char *const *arguments, int64_t timeout_ms)
{
    memset(world, 0, sizeof *world);
    uv_loop_init(&world->loop);
    world->run = (struct program_run){.arguments = arguments,
                                      .timeout_ms = timeout_ms,
                                      .output_max = 100,
                                      .errors_max = 10,
                                      .done = on_done,
                                      .owner = world};
    world->inside = true;
    program_start(&world->loop, &world->run);
    world->inside = false;
}

static void finish(struct world *world)
{
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(world->done, 1);
    assert_null(world->run.impl);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static void run_shell(struct world *world, const char *line)
{
    const char *const arguments[] = {"sh", "-c", line, NULL};
    begin(world, arguments, 60000);
    finish(world);
}

static void what_systemd_told_us_is_not_told_to_it(void **state)
{
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS",
                                        "LISTEN_PID"};
    struct world world;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv(names[i], "x", 1);
    }
    setenv("NOTIFY_SOCKET_NOT", "kept", 1);
    run_shell(&world,
              "echo \"$NOTIFY_SOCKET$WATCHDOG_USEC$WATCHDOG_PID$LISTEN_FDS$LISTEN_PID\" $NOTIFY_SOCKET_NOT");
    assert_string_equal(buf_string(&world.run.output), " kept\n");
    program_finish(&world.run);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    unsetenv("NOTIFY_SOCKET_NOT");
}

static void what_it_says_is_read(void **state)
{
    struct world world;
    (void)state;
    run_shell(&world, "printf out; printf err >&2; exit 3");
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_string_equal(buf_string(&world.run.output), "out");
    assert_string_equal(buf_string(&world.run.errors), "err");
    assert_int_equal(world.run.exit_status, 3);
    assert_int_equal(world.run.exit_signal, 0);
    program_finish(&world.run);
}

static void nothing_is_said_and_nothing_is_asked(void **state)
{
    struct world world;
    (void)state;
    run_shell(&world, "cat"); /* its standard input is empty */
    assert_int_equal(world.run.exit_status, 0);
    assert_string_equal(buf_string(&world.run.output), "");
    program_finish(&world.run);
}

static void begin_with(struct world *world, const char *line, const char *input,
                       const char *const *environment)
{
    const char *const arguments[] = {"/bin/sh", "-c", line, NULL};
    memset(world, 0, sizeof *world);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&world->loop);
    world->run = (struct program_run){.arguments = arguments,
                                      .input = input,
                                      .environment = environment,
                                      .timeout_ms = 60000,
                                      .output_max = 20,
                                      .errors_max = 10,
                                      .cuts_output = true,
                                      .done = on_done,
                                      .owner = world};
    program_start(&world->loop, &world->run);
    finish(world);
}

static void it_gets_the_input_and_the_environment_that_are_given(void **state)
{
    static const char *const environment[] = {"WHO=me", NULL};
    struct world world;
    (void)state;
    setenv("SECRET", "x", 1);
    begin_with(&world, "cat; printf \"$WHO$SECRET\"", "in\n", environment);
    unsetenv("SECRET");
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_string_equal(buf_string(&world.run.output), "in\nme");
    program_finish(&world.run);
}

/* More than a pipe holds, so that it cannot all be written. */
static void input_that_is_not_read_does_no_harm(void **state)
{
    enum { BYTES = 1000000 };
    struct world world;
    char *input = mem_alloc(BYTES + 1);
    (void)state;
    memset(input, 'x', BYTES);
    input[BYTES] = '\0';
    begin_with(&world, "exit 3", input, NULL);
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_int_equal(world.run.exit_status, 3);
    program_finish(&world.run);
    free(input);
}

static void output_is_cut_where_that_is_wanted(void **state)
{
    struct world world;
    (void)state;
    begin_with(&world, "printf 0123456789012345678901234567890123456789; exit 4", NULL, NULL);
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_string_equal(buf_string(&world.run.output), "01234567890123456789");
    assert_int_equal(world.run.exit_status, 4);
    program_finish(&world.run);
}

/* Its end and what it said are there before we look, and so is the end of its time. */
static void what_ended_in_time_is_not_late_because_we_are(void **state)
{
    const char *const arguments[] = {"printf", "in time", NULL};
    struct world world;
    siginfo_t ended;
    (void)state;
    begin(&world, arguments, 1);
    assert_int_equal(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT), 0);
    for (uint64_t began = uv_now(&world.loop); uv_now(&world.loop) < began + 2;) {
        uv_update_time(&world.loop);
    }
    finish(&world);
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_string_equal(buf_string(&world.run.output), "in time");
    program_finish(&world.run);
}

/* Whether it was as far as to be asked to end: its time may be over before, on a busy machine. */
static bool takes_too_long(const char *line, int64_t timeout_ms, int64_t grace_ms, int status, int number)
{
    const char *const arguments[] = {"sh", "-c", line, NULL};
    struct world world;
    memset(&world, 0, sizeof world);
    uv_loop_init(&world.loop);
    world.run = (struct program_run){.arguments = arguments,
                                     .timeout_ms = timeout_ms,
                                     .grace_ms = grace_ms,
                                     .output_max = 100,
                                     .errors_max = 10,
                                     .done = on_done,
                                     .owner = &world};
    program_start(&world.loop, &world.run);
    finish(&world);
    assert_int_equal(world.run.err.code, ERR_TIMEOUT);
    bool ready = strncmp(buf_string(&world.run.output), "on", 2) == 0;
    if (ready) {
        assert_int_equal(world.run.exit_status, status);
        assert_int_equal(world.run.exit_signal, number);
    }
    program_finish(&world.run);
    return ready;
}

/* The first program ends when asked, the second one does not care and is killed. */
static void a_program_that_takes_too_long_is_asked_to_end_and_then_killed(void **state)
{
    static const char *const lines[] = {
        "trap 'printf bye; exit 5' TERM; printf on; while :; do sleep 0.01; done",
        "trap '' TERM; printf on; while :; do sleep 0.01; done"};
    (void)state;
    int64_t timeout_ms = 100;
    for (; !takes_too_long(lines[0], timeout_ms, 60000, 5, 0); timeout_ms *= 4) {
        assert_in_range(timeout_ms, 100, 30000);
    }
    for (timeout_ms = 100; !takes_too_long(lines[1], timeout_ms, 100, 0, SIGKILL); timeout_ms *= 4) {
        assert_in_range(timeout_ms, 100, 30000);
    }
}

static void arguments_are_not_looked_at(void **state)
{
    const char *const arguments[] = {"printf", "%s|", "$HOME", "a b", "", "*", NULL};
    struct world world;
    (void)state;
    begin(&world, arguments, 60000);
    finish(&world);
    assert_string_equal(buf_string(&world.run.output), "$HOME|a b||*|");
    program_finish(&world.run);
}

static void a_signal_is_told(void **state)
{
    struct world world;
    (void)state;
    run_shell(&world, "kill -TERM $$");
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_int_equal(world.run.exit_signal, SIGTERM);
    program_finish(&world.run);
}

static void what_is_no_program_cannot_be_started(void **state)
{
    static const struct {
        const char *name;
        enum err_code code;
    } cases[] = {{"/nonexistent/program", ERR_NOT_FOUND},
                 {"no-such-program-anywhere", ERR_NOT_FOUND},
                 {"/etc/passwd", ERR_PERMISSION}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const arguments[] = {cases[i].name, NULL};
        struct world world;
        begin(&world, arguments, 60000);
        finish(&world);
        assert_int_equal(world.run.err.code, cases[i].code);
        assert_string_not_equal(world.run.err.msg, "");
        program_finish(&world.run);
    }
}

static void too_much_output_ends_it(void **state)
{
    struct world world;
    (void)state;
    run_shell(&world, "exec cat /dev/zero");
    assert_int_equal(world.run.err.code, ERR_TOO_BIG);
    assert_int_equal(world.run.exit_signal, SIGKILL);
    program_finish(&world.run);
}

static void too_many_errors_are_cut(void **state)
{
    struct world world;
    (void)state;
    run_shell(&world, "head -c 100000 /dev/zero | tr '\\0' x >&2; printf ok");
    assert_int_equal(world.run.err.code, ERR_NONE);
    assert_string_equal(buf_string(&world.run.errors), "xxxxxxxxxx");
    assert_string_equal(buf_string(&world.run.output), "ok");
    program_finish(&world.run);
}

/* The child of the program, which it tells by its output; 0 if it ended before. */
static pid_t read_child(struct world *world)
{
    while (strchr(buf_string(&world->run.output), '\n') == NULL && world->done == 0) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    return (pid_t)atoi(buf_string(&world->run.output));
}

/* A process that was killed is gone once whoever adopted it has taken notice. */
static bool is_alive(pid_t pid)
{
    char path[64], line[256] = "", state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    if (fgets(line, sizeof line, file) != NULL) {
        const char *end = strrchr(line, ')');
        state = end != NULL ? end[2] : '?';
    }
    fclose(file);
    return state != 'Z' && state != 'X';
}

static const char *const PARENT[] = {"sh", "-c", "tail -f /dev/null >/dev/null & echo $!; wait", NULL};

static void canceled_it_ends_with_what_it_started(void **state)
{
    struct world world;
    (void)state;
    begin(&world, PARENT, 60000);
    pid_t child = read_child(&world);
    assert_true(is_alive(child));
    world.inside = true;
    program_cancel(&world.run);
    program_cancel(&world.run); /* twice is once */
    world.inside = false;
    finish(&world);
    assert_int_equal(world.run.err.code, ERR_CANCELED);
    assert_int_equal(world.run.exit_signal, SIGKILL);
    for (int i = 0; i < 60000 && is_alive(child); i++) {
        usleep(1000); /* the kernel's time between a signal and its effect */
    }
    assert_false(is_alive(child));
    program_finish(&world.run);
}

static void after_its_time_it_is_ended(void **state)
{
    struct world world;
    (void)state;
    begin(&world, PARENT, 1);
    finish(&world);
    assert_int_equal(world.run.err.code, ERR_TIMEOUT);
    program_finish(&world.run);
}

/* The process that it left behind; 0 if its time was over before it had told of one. */
static pid_t leaves_its_output_open(int64_t timeout_ms)
{
    const char *const arguments[] = {"sh", "-c", "tail -f /dev/null & echo $!", NULL};
    struct world world;
    begin(&world, arguments, timeout_ms);
    pid_t child = read_child(&world);
    finish(&world);
    assert_int_equal(world.run.err.code, ERR_TIMEOUT);
    program_finish(&world.run);
    return child;
}

/* The program has ended, but what it left behind holds its output open: that does not count as an end. */
static void output_that_stays_open_runs_into_the_time_limit(void **state)
{
    pid_t child;
    (void)state;
    for (int64_t timeout_ms = 100; (child = leaves_its_output_open(timeout_ms)) == 0; timeout_ms *= 4) {
        assert_in_range(timeout_ms, 100, 30000);
    }
    kill(child, SIGKILL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_it_says_is_read),
    cmocka_unit_test(what_systemd_told_us_is_not_told_to_it),
    cmocka_unit_test(nothing_is_said_and_nothing_is_asked),
    cmocka_unit_test(it_gets_the_input_and_the_environment_that_are_given),
    cmocka_unit_test(input_that_is_not_read_does_no_harm),
    cmocka_unit_test(output_is_cut_where_that_is_wanted),
    cmocka_unit_test(what_ended_in_time_is_not_late_because_we_are),
    cmocka_unit_test(a_program_that_takes_too_long_is_asked_to_end_and_then_killed),
    cmocka_unit_test(arguments_are_not_looked_at),
    cmocka_unit_test(a_signal_is_told),
    cmocka_unit_test(what_is_no_program_cannot_be_started),
    cmocka_unit_test(too_much_output_ends_it),
    cmocka_unit_test(too_many_errors_are_cut),
    cmocka_unit_test(canceled_it_ends_with_what_it_started),
    cmocka_unit_test(after_its_time_it_is_ended),
    cmocka_unit_test(output_that_stays_open_runs_into_the_time_limit),
};

TAP_MAIN(tests)
