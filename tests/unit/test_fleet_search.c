/* Queries of SearchIndex: which things match, and which queries are refused. And what the generator gives
 * things. */
#include "tap.h"

#include "base/text.h"
#include "sim/fleet_admin.h"
#include "sim/fleet_registry.h"
#include "sim/fleet_search.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1795500000123)

static const struct fleet_thing_about GATEWAY = {
    .name = "gw-000005:radio",
    .type = "type-1",
    .group = "group-2",
    .id = "0d2a",
    .attribute_count = 2,
    .attributes = {{"site", "berlin"}, {"Model No", "X 1"}},
};

static void a_query_says_which_things_it_wants(void **state)
{
    static const struct {
        const char *query;
        bool matches;
    } cases[] = {
        {"*", true},
        {"berlin", true},
        {"BERLIN", true},
        {"type-1", true},
        {"osaka", false},
        {"thingName:gw*", true},
        {"thingName:GW-0000??\\:radio", true},
        {"thingName:gw-0000??", false},
        {"thingName:\"gw-000005:radio\"", true},
        {"thingName:\"gw*\"", false},
        {"thingName:gw\\*", false},
        {"thingName:*radio", true},
        {"thingTypeName:type-1", true},
        {"thingTypeName:type", false},
        {"thingGroupNames:group-2", true},
        {"thingGroupNames:group-1", false},
        {"thingId:0d*", true},
        {"attributes.site:berlin", true},
        {"attributes.site:ber*n", true},
        {"attributes.Site:berlin", false},
        {"attributes.site:\"X 1\"", false},
        {"attributes.Model\\ No:\"X 1\"", true},
        {"attributes.none:*", false},
        {"thingName:gw* attributes.site:berlin", true},
        {"thingName:gw* attributes.site:osaka", false},
        {"thingName:gw* AND attributes.site:osaka", false},
        {"thingName:x OR attributes.site:berlin", true},
        {"thingName:x OR thingName:y", false},
        {"NOT thingName:x", true},
        {"NOT NOT thingName:x", false},
        {"thingName:gw* AND NOT attributes.site:berlin", false},
        {"thingName:gw* -osaka", true},
        {"thingName:(gw* AND -plasma)", true},
        {"thingName:(x OR gw*)", true},
        {"thingName:(x OR y) OR berlin", true},
        {"berlin OR osaka AND lima", true}, /* AND binds closer */
        {"(berlin OR osaka) AND lima", false},
        {"lima AND osaka OR berlin", true},
        {"NOT (osaka OR lima)", true},
        {" ( ( berlin ) ) ", true},
        {"ANDREA OR berlin", true},
    };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct search *search = search_parse(cases[i].query, &err);
        if (!search || search_matches(search, &GATEWAY) != cases[i].matches) {
            print_message("# %s: %s\n", cases[i].query, search ? "the other way" : err.msg);
            fail();
        }
        search_free(search);
    }
}

static void a_query_that_makes_no_sense_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        " ",
        "AND",
        "a AND",
        "OR b",
        "a OR",
        "NOT",
        "-",
        "(a",
        "a)",
        "()",
        "thingName:",
        ":a",
        "thingname:a",
        "attributes.:a",
        "connectivity.connected:true",
        "shadow.reported.x:1",
        "thing*:a",
        "thingName:gw:radio",
        "thingName:(thingName:a)",
        "thingName:[a TO b]",
        "attributes.x:>5",
        "a@b",
        "a/b",
        "a\\",
        "\"a",
        "\"\"",
        "*a AND *b",
        "a b c d e f g h i j k l m",
        "((((((((((((((((((a))))))))))))))))))",
    };
    char text[1200];
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct search *search = search_parse(cases[i], &err);
        if (search) {
            print_message("# taken: '%s'\n", cases[i]);
            fail();
        }
        assert_non_null(strstr(err.msg, "Invalid query"));
    }
    memset(text, 'a', sizeof(text));
    text[1001] = '\0';
    assert_null(search_parse(text, &err));
    text[1000] = '\0';
    struct search *search = search_parse(text, &err);
    assert_non_null(search);
    search_free(search);
    text[0] = '*';
    assert_null(search_parse(text, &err)); /* too long for a leading wildcard */
}

/* --- what things are --- */

static struct fleet *make(int types, int attributes)
{
    struct fleet_config config = {.seed = 7,
                                  .things = 200,
                                  .jobs = 2,
                                  .executions = 300,
                                  .groups = 5,
                                  .now_ms = NOW,
                                  .thing_types = types,
                                  .thing_attributes = attributes};
    return fleet_create(&config);
}

static void types_and_attributes_come_from_the_seed(void **state)
{
    struct fleet *fleet = make(3, 7), *again = make(3, 7), *bare = make(0, 0);
    struct fleet_thing_about about, other;
    int types[3] = {0};
    (void)state;

    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof(name), i % 16 == 5 ? "gw-%06d:radio" : "gw-%06d", i);
        assert_true(fleet_thing_about(fleet, name, &about) && fleet_thing_about(again, name, &other));
        assert_string_equal(about.type, other.type);
        assert_int_equal(about.attribute_count, 7);
        for (size_t k = 0; k < 7; k++) {
            assert_string_equal(about.attributes[k].name, other.attributes[k].name);
            assert_string_equal(about.attributes[k].value, other.attributes[k].value);
        }
        types[about.type[5] - '0']++;
        assert_true(fleet_thing_about(bare, name, &other));
        assert_null(other.type);
        assert_int_equal(other.attribute_count, 0);
        assert_string_equal(about.group, other.group);
        assert_string_equal(about.id, other.id);
    }
    assert_true(types[0] > 30 && types[1] > 30 && types[2] > 30);
    fleet_destroy(fleet);
    fleet_destroy(again);
    fleet_destroy(bare);
}

/* So that every seed of the simulator stays what it was. */
static void they_move_nothing_else(void **state)
{
    struct fleet *rich = make(3, 6), *bare = make(0, 0);
    struct fleet_execution a, b;
    (void)state;

    assert_int_equal(fleet_identities(rich), fleet_identities(bare));
    for (uint64_t identity = 1; identity <= fleet_identities(bare); identity++) {
        assert_true(fleet_identity(rich, identity, &a) && fleet_identity(bare, identity, &b));
        assert_string_equal(a.execution.thing_name, b.execution.thing_name);
        assert_null(fingerprint_difference(&a.execution.fingerprint, &b.execution.fingerprint));
    }
    fleet_destroy(rich);
    fleet_destroy(bare);
}

static void attributes_are_set_changed_and_taken_away(void **state)
{
    struct fleet *fleet = make(0, 2);
    struct fleet_thing_about about;
    char name[16];
    (void)state;

    assert_false(fleet_thing_set_attribute(fleet, "nobody", "a", "b"));
    assert_true(fleet_thing_set_attribute(fleet, "gw-000001", "ring", "mine"));
    assert_true(fleet_thing_set_attribute(fleet, "gw-000001", "new", "one"));
    assert_true(fleet_thing_set_attribute(fleet, "gw-000001", "site", ""));
    assert_true(fleet_thing_set_attribute(fleet, "gw-000001", "never", ""));
    assert_true(fleet_thing_about(fleet, "gw-000001", &about));
    assert_int_equal(about.attribute_count, 2);
    assert_string_equal(about.attributes[0].name, "new");
    assert_string_equal(about.attributes[1].value, "mine");
    assert_true(fleet_thing_about(fleet, "gw-000002", &about)); /* a neighbour in memory */
    assert_int_equal(about.attribute_count, 2);
    assert_string_equal(about.attributes[0].name, "site");
    for (int i = 0; i < FLEET_ATTRIBUTES_MAX - 2; i++) {
        snprintf(name, sizeof(name), "more%d", i);
        assert_true(fleet_thing_set_attribute(fleet, "gw-000002", name, "x"));
    }
    assert_false(fleet_thing_set_attribute(fleet, "gw-000002", "too many", "x"));
    fleet_destroy(fleet);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_query_says_which_things_it_wants),
    cmocka_unit_test(a_query_that_makes_no_sense_is_refused),
    cmocka_unit_test(types_and_attributes_come_from_the_seed),
    cmocka_unit_test(they_move_nothing_else),
    cmocka_unit_test(attributes_are_set_changed_and_taken_away),
};

TAP_MAIN(tests)
