/* Which policies in which targets a command is about. */
#include "tap.h"

#include "app/selection.h"
#include "base/buf.h"
#include "config_text.h"

#include <string.h>

static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  eu: {region: eu-west-1, account: \"123456789012\"}\n"
    "  us: {region: us-east-1, account: \"123456789012\"}\n"
    "  look: {region: us-east-1, account: \"123456789012\", allow: plan}\n"
    "policies:\n"
    "  - {name: old, targets: [eu, us], mode: enforce, match: {age: {older_than: 30d}}}\n"
    "  - {name: watched, targets: [eu], match: {age: {older_than: 30d}}}\n"
    "  - {name: both, targets: [us, look], mode: enforce, match: {age: {older_than: 30d}}}\n";

/* names: separated by spaces. The pairs as "POLICY/TARGET ...", or the error. */
static void select_as(const struct config *config, const char *names, const char *target, bool only_enforcing,
                      const char *expected)
{
    char words[128], *list[8];
    size_t count = 0;
    struct selection selection;
    struct err err = {0};
    struct buf text;
    buf_init(&text, 1024);
    strcpy(words, names);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        list[count++] = word;
    if (selection_make(&selection, config, list, count, target, only_enforcing, &err) != 0) {
        assert_int_equal(err.code, ERR_NOT_FOUND);
        assert_null(selection.pairs);
        buf_text(&text, err.msg);
    }
    for (size_t i = 0; i < selection.count; i++)
        buf_printf(&text, "%s%s/%s", i > 0 ? " " : "", selection.pairs[i].policy->name,
                   selection.pairs[i].target->name);
    assert_string_equal(buf_string(&text), expected);
    buf_finish(&text);
    selection_finish(&selection);
}

static void without_names_it_is_all_of_them(void **state)
{
    select_as(*state, "", NULL, false, "old/eu old/us watched/eu both/us both/look");
    select_as(*state, "", NULL, true, "old/eu old/us both/us both/look");
    select_as(*state, "", "eu", false, "old/eu watched/eu");
    select_as(*state, "", "eu", true, "old/eu");
    select_as(*state, "", "look", true, "both/look");
}

static void names_are_taken_in_their_order_and_once(void **state)
{
    select_as(*state, "both old", NULL, false, "both/us both/look old/eu old/us");
    select_as(*state, "old both old", NULL, false, "old/eu old/us both/us both/look");
    select_as(*state, "watched", NULL, true, "watched/eu"); /* named, it is planned at least */
    select_as(*state, "both old", "us", false, "both/us old/us");
}

static void a_part_of_a_name_is_refused_with_those_that_hold_it(void **state)
{
    static const char TEXT[] =
        "version: 1\ntargets:\n"
        "  prod-eu: {account: \"111111111111\"}\n"
        "  prod-us: {account: \"222222222222\"}\n"
        "  all-of-them: {accounts: [\"333333333333\"], regions: [a, b, c, d, e, f, g]}\n";
    struct config *config = config_from_text(TEXT);
    (void)state;
    assert_non_null(config);
    select_as(config, "", "prod", false,
              "the configuration has no target \"prod\"; did you mean prod-eu or prod-us?");
    select_as(config, "", "EU", false, "the configuration has no target \"EU\"; did you mean prod-eu?");
    select_as(config, "", "333333", false,
              "the configuration has no target \"333333\"; did you mean all-of-them/333333333333/a, "
              "all-of-them/333333333333/b, all-of-them/333333333333/c, all-of-them/333333333333/d, "
              "all-of-them/333333333333/e, all-of-them/333333333333/f, ...?");
    select_as(config, "", "staging", false, "the configuration has no target \"staging\"");
    select_as(config, "old", NULL, false, "the configuration has no policy \"old\"");
    config_unref(config);
}

static void unknown_names_are_refused_with_the_nearest(void **state)
{
    select_as(*state, "odl", NULL, false, "the configuration has no policy \"odl\"; did you mean old?");
    select_as(*state, "old nothing", NULL, false,
              "the configuration has no policy \"nothing\"; it has old, watched and both");
    select_as(*state, "", "lok", false, "the configuration has no target \"lok\"; did you mean look?");
    select_as(*state, "old", "mars", false,
              "the configuration has no target \"mars\"; it has eu, us and look");
    select_as(*state, "old watched", "us", false, "policy \"watched\" does not cover target \"us\"");
}

static void a_sweep_deletes_only_where_both_allow_it(void **state)
{
    struct selection selection;
    struct err err;
    const char *why;
    assert_int_equal(selection_make(&selection, *state, NULL, 0, NULL, false, &err), 0);
    assert_int_equal(selection.count, 5);
    assert_true(selection_deletes(&selection.pairs[0], &why));
    assert_null(why);
    assert_false(selection_deletes(&selection.pairs[2], &why));
    assert_non_null(strstr(why, "the policy observes"));
    assert_true(selection_deletes(&selection.pairs[3], NULL));
    assert_false(selection_deletes(&selection.pairs[4], &why));
    assert_non_null(strstr(why, "can only be looked at"));
    selection_finish(&selection);
}

static void a_configuration_without_policies_selects_nothing(void **state)
{
    struct config *empty = config_from_text("version: 1\n");
    (void)state;
    select_as(empty, "", NULL, false, "");
    select_as(empty, "old", NULL, false, "the configuration has no policy \"old\"");
    config_unref(empty);
}

static void an_entry_stands_for_all_of_its_targets_and_a_pattern_for_some(void **state)
{
    (void)state;
    struct config *config = config_from_text(
        "version: 1\n"
        "targets:\n"
        "  prod: {accounts: [\"111111111111\", \"222222222222\"], regions: [eu-west-1, us-east-1]}\n"
        "  test: {account: \"333333333333\", region: eu-west-1}\n"
        "policies:\n"
        "  - {name: wide, targets: [prod, test], match: {age: {older_than: 30d}}}\n");
    select_as(config, "", "prod", false,
              "wide/prod/111111111111/eu-west-1 wide/prod/111111111111/us-east-1 "
              "wide/prod/222222222222/eu-west-1 wide/prod/222222222222/us-east-1");
    select_as(config, "wide", "*/us-east-1", false,
              "wide/prod/111111111111/us-east-1 wide/prod/222222222222/us-east-1");
    select_as(config, "wide", "prod/222222222222/eu-west-1", false, "wide/prod/222222222222/eu-west-1");
    select_as(config, "", "test", false, "wide/test");
    select_as(config, "", "prdo", false, "the configuration has no target \"prdo\"; did you mean prod?");
    select_as(config, "", "prod/*/eu-west-2", false,
              "the configuration has no target \"prod/*/eu-west-2\"; it has prod, test, "
              "prod/111111111111/eu-west-1, prod/111111111111/us-east-1, prod/222222222222/eu-west-1 and "
              "prod/222222222222/us-east-1");
    config_unref(config);
}

static const struct CMUnitTest tests[] = {
    CONFIG_TEST(without_names_it_is_all_of_them, CONFIG),
    CONFIG_TEST(names_are_taken_in_their_order_and_once, CONFIG),
    cmocka_unit_test(a_part_of_a_name_is_refused_with_those_that_hold_it),
    CONFIG_TEST(unknown_names_are_refused_with_the_nearest, CONFIG),
    CONFIG_TEST(a_sweep_deletes_only_where_both_allow_it, CONFIG),
    cmocka_unit_test(an_entry_stands_for_all_of_its_targets_and_a_pattern_for_some),
    cmocka_unit_test(a_configuration_without_policies_selects_nothing),
};

TAP_MAIN(tests)
