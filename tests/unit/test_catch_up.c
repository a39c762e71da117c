/* Which firings were missed while the daemon was down, by the runs of a ledger in memory. */
#include "app/catch_up.h"
#include "base/time.h"
#include "past_runs.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

struct scene {
    struct past_runs past;
    struct catch_up *catch_up;
    char missed[512]; /* "POLICY TARGET DUE;" for each */
    int done;
};

static int64_t at(const char *text)
{
    struct err err;
    int64_t ms;
    assert_int_equal(time_parse_rfc3339(text, &ms, &err), 0);
    return ms;
}

static void on_missed(void *owner, const char *policy, const char *target, int64_t due_ms)
{
    struct scene *scene = owner;
    char due[21];
    time_rfc3339(due_ms, due);
    size_t length = strlen(scene->missed);
    snprintf(scene->missed + length, sizeof scene->missed - length, "%s %s %s;", policy, target, due);
}

static void on_done(void *owner)
{
    struct scene *scene = owner;
    scene->done++;
    catch_up_destroy(scene->catch_up);
    scene->catch_up = NULL;
}

static void begin(struct scene *scene, const char *catch_up)
{
    char text[1024];
    snprintf(text, sizeof text,
             "\n"
             "  - {name: free, targets: [eu], match: {age: {older_than: 1d}}}\n"
             "  - {name: night, targets: [eu, us], match: {age: {older_than: 1d}},"
             " schedule: {cron: \"15 2 * * *\", catch_up: %s}}\n"
             "  - {name: week, targets: [us], match: {age: {older_than: 1d}},"
             " schedule: {cron: \"@weekly\", catch_up: %s}}\n",
             catch_up, catch_up);
    *scene = (struct scene){0};
    past_runs_begin(&scene->past, text);
}

static void ran(struct scene *scene, const char *policy, const char *target, const char *when)
{
    past_runs_add(&scene->past, policy, target, at(when), 0);
}

static void start(struct scene *scene, const char *now)
{
    scene->catch_up =
        catch_up_start(scene->past.ledger, scene->past.config, at(now), on_missed, on_done, scene);
    past_runs_answer(&scene->past);
}

static void what_came_since_the_last_run_was_missed_once(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "once");
    ran(&scene, "night", "eu", "2026-11-20T02:15:04Z"); /* six firings ago */
    ran(&scene, "night", "us", "2026-11-20T02:15:04Z");
    ran(&scene, "night", "us", "2026-11-26T02:15:04Z"); /* today */
    ran(&scene, "week", "us", "2026-11-22T00:00:01Z");  /* this week */
    ran(&scene, "free", "eu", "2026-01-01T00:00:00Z");
    start(&scene, "2026-11-26T12:00:00Z");
    assert_string_equal(scene.missed, "night eu 2026-11-21T02:15:00Z;");
    assert_int_equal(scene.done, 1);
    past_runs_end(&scene.past);
}

static void a_pair_that_never_ran_has_missed_nothing(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "once");
    ran(&scene, "night", "us", "2026-11-24T02:15:04Z");
    start(&scene, "2026-11-26T12:00:00Z");
    assert_string_equal(scene.missed, "night us 2026-11-25T02:15:00Z;");
    assert_int_equal(scene.done, 1);
    past_runs_end(&scene.past);
}

static void a_firing_that_is_due_right_now_counts_and_one_to_come_does_not(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "once");
    ran(&scene, "night", "eu", "2026-11-25T02:15:04Z");
    start(&scene, "2026-11-26T02:14:59.999Z");
    assert_string_equal(scene.missed, "");
    start(&scene, "2026-11-26T02:15:00Z");
    assert_string_equal(scene.missed, "night eu 2026-11-26T02:15:00Z;");
    past_runs_end(&scene.past);
}

static void nobody_is_asked_where_nothing_is_made_up_for(void **state)
{
    static const char *const words[] = {"asleep", "never"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene scene;
        begin(&scene, words[i]);
        ran(&scene, "night", "eu", "2026-11-20T02:15:04Z");
        start(&scene, "2026-11-26T12:00:00Z");
        assert_null(scene.catch_up);
        assert_string_equal(scene.missed, "");
        assert_int_equal(scene.done, 0);
        past_runs_end(&scene.past);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_came_since_the_last_run_was_missed_once),
    cmocka_unit_test(a_pair_that_never_ran_has_missed_nothing),
    cmocka_unit_test(a_firing_that_is_due_right_now_counts_and_one_to_come_does_not),
    cmocka_unit_test(nobody_is_asked_where_nothing_is_made_up_for),
};

TAP_MAIN(tests)
