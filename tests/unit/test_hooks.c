/* on_finish: what a run counts as, what its program is told, and how many run at once. */
#include "app/hooks.h"
#include "base/buf.h"
#include "base/log.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene {
    uv_loop_t loop;
    struct hooks *hooks;
    struct policy policy;
    struct target target;
    struct run run;
    int idle;
    char folder[64];
};

static void on_idle(void *owner)
{
    ((struct scene *)owner)->idle++;
}

static void begin(struct scene *scene)
{
    *scene = (struct scene){.policy = {.name = "old"},
                            .target = {.name = "eu", .account = "123456789012", .region = "eu-west-1"},
                            .folder = "/tmp/jobsweep-hooks-XXXXXX"};
    assert_non_null(mkdtemp(scene->folder));
    signal(SIGPIPE, SIG_IGN); /* as the programs do */
    log_setup(LOG_ERROR, LOG_TEXT);
    scene->run = (struct run){.policy = &scene->policy,
                              .target = &scene->target,
                              .report = {.started_ms = 1767225600000,
                                         .ended_ms = 1767225660000,
                                         .listed = 100,
                                         .selected = 10,
                                         .remaining = 5,
                                         .in_grace = 7,
                                         .outcomes = {[OUTCOME_DELETED] = 7, [OUTCOME_NOT_ATTEMPTED] = 3}}};
    scene->run.report.end = SWEEP_LIMITED;
    uv_loop_init(&scene->loop);
    scene->hooks = hooks_create(&scene->loop, on_idle, scene);
}

static void finish(struct scene *scene)
{
    char command[128];
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(hooks_count(scene->hooks), 0);
    hooks_destroy(scene->hooks);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    snprintf(command, sizeof command, "rm -r %s", scene->folder);
    assert_int_equal(system(command), 0);
}

static void exec_shell(struct scene *scene, char *line)
{
    static char *arguments[3] = {(char *)"/bin/sh", (char *)"-c", NULL};
    arguments[2] = line;
    scene->policy.finish_exec = (struct pattern_list){.patterns = arguments, .count = 3};
}

static void read_all(const struct scene *scene, const char *name, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", scene->folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

static void each_end_has_its_result(void **state)
{
    static const struct {
        enum sweep_end end;
        int64_t failed;
        enum run_result result;
    } rows[] = {
        {SWEEP_FINISHED, 0, RESULT_SUCCESS}, {SWEEP_PLANNED, 0, RESULT_SUCCESS},
        {SWEEP_FINISHED, 1, RESULT_FAILURE}, {SWEEP_LIMITED, 0, RESULT_LIMITED},
        {SWEEP_LIMITED, 1, RESULT_FAILURE},  {SWEEP_GUARDED, 0, RESULT_ABORTED},
        {SWEEP_CANCELED, 0, RESULT_ABORTED}, {SWEEP_STOPPED, 0, RESULT_FAILURE},
        {SWEEP_FAILED, 0, RESULT_FAILURE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct report report = {.end = rows[i].end, .outcomes = {[OUTCOME_FAILED] = rows[i].failed}};
        assert_int_equal(hooks_result(&report), rows[i].result);
    }
}

static void the_program_is_told_what_came_of_the_run_and_no_secret(void **state)
{
    struct scene scene;
    char line[256], text[2048];
    (void)state;
    begin(&scene);
    setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
    setenv("NOTIFY_SOCKET", "/run/x", 1);
    snprintf(line, sizeof line, "cd %s && env -u PWD -u OLDPWD -u SHLVL -u _ | sort > env && cat > report",
             scene.folder);
    exec_shell(&scene, line);
    hooks_finish_run(scene.hooks, &scene.run);
    assert_int_equal(hooks_count(scene.hooks), 1);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    assert_int_equal(scene.idle, 1);
    read_all(&scene, "report", text, sizeof text);
    assert_string_equal(
        text,
        "{\"policy\":\"old\",\"target\":\"eu\",\"account\":\"123456789012\",\"region\":\"eu-west-1\","
        "\"outcome\":\"limited\",\"end\":\"limit\",\"started_at\":\"2026-01-01T00:00:00Z\","
        "\"ended_at\":\"2026-01-01T00:01:00Z\",\"listed\":100,\"selected\":10,\"remaining\":5,\"in_grace\":7,"
        "\"outcomes\":{\"deleted\":7,\"deleted_presumed\":0,\"gone\":0,\"state_changed\":0,"
        "\"replaced\":0,\"protected\":0,\"failed\":0,\"unknown\":0,\"not_attempted\":3},"
        "\"error\":null}\n");
    read_all(&scene, "env", text, sizeof text);
    assert_non_null(strstr(text, "JOBSWEEP_ACCOUNT=123456789012\nJOBSWEEP_DELETED=7\nJOBSWEEP_FAILED=0\n"
                                 "JOBSWEEP_OUTCOME=limited\nJOBSWEEP_POLICY=old\nJOBSWEEP_REGION=eu-west-1\n"
                                 "JOBSWEEP_REMAINING=8\nJOBSWEEP_SELECTED=10\nJOBSWEEP_TARGET=eu\n"));
    assert_null(strstr(text, "AWS_"));
    assert_null(strstr(text, "NOTIFY_SOCKET"));
    unsetenv("AWS_SECRET_ACCESS_KEY");
    unsetenv("NOTIFY_SOCKET");
    finish(&scene);
}

static void it_is_started_only_when_it_is_wanted(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    hooks_finish_run(scene.hooks, &scene.run); /* it has no program */
    exec_shell(&scene, (char *)"exit 0");
    scene.policy.finish_when = 1u << RESULT_FAILURE | 1u << RESULT_ABORTED;
    hooks_finish_run(scene.hooks, &scene.run);
    scene.policy.finish_when = 0;
    scene.run.report.started_ms = 0; /* it never began */
    hooks_finish_run(scene.hooks, &scene.run);
    assert_int_equal(hooks_count(scene.hooks), 0);
    scene.run.report.started_ms = 1;
    scene.policy.finish_when = 1u << RESULT_LIMITED;
    hooks_finish_run(scene.hooks, &scene.run);
    assert_int_equal(hooks_count(scene.hooks), 1);
    finish(&scene);
    assert_int_equal(scene.idle, 1);
}

/* Each leaves a file, and counts the files of those that run now. */
static void of_many_a_few_run_at_once_and_all_in_the_end(void **state)
{
    enum { MANY = 30 };
    struct scene scene;
    char line[256], text[4096];
    (void)state;
    begin(&scene);
    snprintf(line, sizeof line, "cd %s && touch on-$$ && ls | grep -c on- >> seen && rm on-$$", scene.folder);
    exec_shell(&scene, line);
    for (int i = 0; i < MANY; i++) {
        hooks_finish_run(scene.hooks, &scene.run);
    }
    assert_int_equal(hooks_count(scene.hooks), MANY);
    uv_run(&scene.loop, UV_RUN_DEFAULT);
    read_all(&scene, "seen", text, sizeof text);
    int lines = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        assert_in_range(atoi(at), 1, 8);
        lines++;
    }
    assert_int_equal(lines, MANY);
    assert_int_equal(scene.idle, 1);
    finish(&scene);
}

static void a_program_that_fails_or_is_not_there_harms_nothing(void **state)
{
    struct scene scene;
    char *nowhere[] = {(char *)"/nowhere/at/all"};
    (void)state;
    begin(&scene);
    exec_shell(&scene, (char *)"echo out; echo err >&2; exit 9");
    hooks_finish_run(scene.hooks, &scene.run);
    scene.policy.finish_exec = (struct pattern_list){.patterns = nowhere, .count = 1};
    hooks_finish_run(scene.hooks, &scene.run);
    finish(&scene);
    assert_int_equal(scene.idle, 1);
}

static void taken_back_none_runs_on(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene);
    exec_shell(&scene, (char *)"while :; do sleep 1; done");
    for (int i = 0; i < 20; i++) {
        hooks_finish_run(scene.hooks, &scene.run);
    }
    hooks_cancel(scene.hooks);
    finish(&scene);
    assert_int_equal(scene.idle, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_end_has_its_result),
    cmocka_unit_test(the_program_is_told_what_came_of_the_run_and_no_secret),
    cmocka_unit_test(it_is_started_only_when_it_is_wanted),
    cmocka_unit_test(of_many_a_few_run_at_once_and_all_in_the_end),
    cmocka_unit_test(a_program_that_fails_or_is_not_there_harms_nothing),
    cmocka_unit_test(taken_back_none_runs_on),
};

TAP_MAIN(tests)
