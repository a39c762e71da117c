/* What ran last, by the runs of a ledger in memory. */
#include "app/last_runs.h"
#include "past_runs.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

struct scene {
    struct past_runs past;
    struct last_runs *last_runs;
    int wanted;      /* how many it wants to hear of */
    char found[512]; /* "POLICY TARGET STARTED ENDED NOTE;" for each */
    int done;
};

static bool on_found(void *owner, const struct policy *policy, const struct target *target,
                     const struct ledger_request *last)
{
    struct scene *scene = owner;
    size_t length = strlen(scene->found);
    snprintf(scene->found + length, sizeof scene->found - length, "%s %s %d %d %s;", policy->name,
             target->name, (int)last->found.started_ms, (int)last->ended_ms, last->note);
    return --scene->wanted > 0;
}

static void on_done(void *owner)
{
    struct scene *scene = owner;
    scene->done++;
    last_runs_destroy(scene->last_runs);
    scene->last_runs = NULL;
}

static void begin(struct scene *scene, const char *policies)
{
    *scene = (struct scene){.wanted = 100};
    past_runs_begin(&scene->past, policies);
}

static void start(struct scene *scene, bool (*wants)(const struct policy *policy))
{
    scene->last_runs = last_runs_start(&(struct last_runs_config){.ledger = scene->past.ledger,
                                                                  .config = scene->past.config,
                                                                  .wants = wants,
                                                                  .found = on_found,
                                                                  .done = on_done,
                                                                  .owner = scene});
    past_runs_answer(&scene->past);
}

#define AGE "match: {age: {older_than: 1d}}"
#define TWO                                                                                                  \
    "[{name: old, targets: [eu, us], " AGE "}, {name: new, targets: [us], " AGE "}, {name: never, targets: " \
    "[eu], " AGE "}]"

static void each_pair_that_ran_is_told_with_its_latest_run(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    past_runs_add(&scene.past, "old", "eu", 1, 2);
    past_runs_add(&scene.past, "old", "eu", 3, 4);
    past_runs_add(&scene.past, "new", "us", 5, 0);
    past_runs_add(&scene.past, "gone", "us", 7, 8);
    start(&scene, NULL);
    assert_string_equal(scene.found, "old eu 3 4 finished;new us 5 0 ;");
    assert_int_equal(scene.done, 1);
    past_runs_end(&scene.past);
}

static void a_plan_that_was_only_shown_is_no_run(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    past_runs_add(&scene.past, "old", "eu", 1, 2);
    past_runs_show(&scene.past, "old", "eu", 3);
    past_runs_show(&scene.past, "old", "eu", 5);
    past_runs_show(&scene.past, "new", "us", 7);
    start(&scene, NULL);
    assert_string_equal(scene.found, "old eu 1 2 finished;");
    past_runs_end(&scene.past);
}

static void who_has_heard_enough_hears_no_more(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    past_runs_add(&scene.past, "old", "eu", 1, 2);
    past_runs_add(&scene.past, "old", "us", 3, 4);
    scene.wanted = 1;
    start(&scene, NULL);
    assert_string_equal(scene.found, "old eu 1 2 finished;");
    assert_int_equal(scene.done, 1);
    past_runs_end(&scene.past);
}

static bool is_new(const struct policy *policy)
{
    return strcmp(policy->name, "new") == 0;
}

static void only_policies_that_are_wanted_are_asked_about(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, TWO);
    past_runs_add(&scene.past, "old", "eu", 1, 2);
    past_runs_add(&scene.past, "new", "us", 3, 4);
    start(&scene, is_new);
    assert_string_equal(scene.found, "new us 3 4 finished;");
    past_runs_end(&scene.past);
}

static void without_policies_nothing_is_asked(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "[]");
    start(&scene, NULL);
    assert_null(scene.last_runs);
    assert_int_equal(scene.done, 0);
    past_runs_end(&scene.past);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_pair_that_ran_is_told_with_its_latest_run),
    cmocka_unit_test(a_plan_that_was_only_shown_is_no_run),
    cmocka_unit_test(who_has_heard_enough_hears_no_more),
    cmocka_unit_test(only_policies_that_are_wanted_are_asked_about),
    cmocka_unit_test(without_policies_nothing_is_asked),
};

TAP_MAIN(tests)
