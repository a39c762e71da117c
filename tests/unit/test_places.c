/* What is kept of targets: links while they are needed. Nothing listens where the targets are. */
#include "tap.h"

#include "app/places.h"
#include "config_text.h"

#include <stdlib.h>

static const char CONFIG[] =
    "version: 1\n"
    "targets:\n"
    "  all: {accounts: [\"111111111111\", \"222222222222\"], region: eu-west-1,\n"
    "        role_arn: \"arn:aws:iam::{account}:role/sweep\", endpoint_url: \"http://127.0.0.1:1\"}\n";

struct stage {
    struct world *world;
    struct places *places;
    struct config *config, *other;
};

static int begin(void **state)
{
    struct err err;
    struct stage *stage = calloc(1, sizeof *stage);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1", 1);
    stage->world = world_create(&(struct world_config){.program = "test"}, &err);
    stage->places = places_create(&(struct places_config){.world = stage->world, .idle_ns = 1});
    stage->config = config_from_text(CONFIG);
    stage->other = config_from_text(CONFIG);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;
    places_destroy(stage->places);
    config_unref(stage->config);
    config_unref(stage->other);
    world_destroy(stage->world);
    free(stage);
    return 0;
}

/* Whether the link was made anew. */
static bool reach(struct stage *stage, struct config *config, size_t index, const char *session_policy)
{
    struct err err;
    bool fresh;
    const struct target *target = &config->targets[index];
    struct target_state *place = places_target(stage->places, target->name);
    assert_int_equal(places_reach(place, config, target, session_policy, &fresh, &err), 0);
    assert_non_null(place->link);
    return fresh;
}

static struct target_state *place_of(struct stage *stage, size_t index)
{
    return places_target(stage->places, stage->config->targets[index].name);
}

static void a_link_is_let_go_when_no_run_needs_it(void **state)
{
    struct stage *stage = *state;
    assert_null(places_known(stage->places, "all/111111111111"));
    assert_true(reach(stage, stage->config, 0, NULL));
    assert_true(reach(stage, stage->config, 1, NULL));
    assert_int_equal(stage->config->references, 3);
    places_rest(place_of(stage, 0));
    while (place_of(stage, 0)->link != NULL) {
        uv_run(world_loop(stage->world), UV_RUN_ONCE);
    }
    assert_non_null(place_of(stage, 1)->link);
    assert_int_equal(stage->config->references, 2);
    assert_true(reach(stage, stage->config, 0, NULL));
}

static void a_link_that_is_needed_again_stays(void **state)
{
    struct stage *stage = *state;
    reach(stage, stage->config, 0, NULL);
    reach(stage, stage->config, 1, NULL);
    places_rest(place_of(stage, 0));
    places_rest(place_of(stage, 1));
    assert_false(reach(stage, stage->config, 0, NULL));
    while (place_of(stage, 1)->link != NULL) {
        uv_run(world_loop(stage->world), UV_RUN_ONCE);
    }
    assert_non_null(place_of(stage, 0)->link);
}

static void another_configuration_and_a_reload_make_it_anew_another_session_does_not(void **state)
{
    struct stage *stage = *state;
    assert_true(reach(stage, stage->config, 0, "{}"));
    const struct credentials_provider *first = link_credentials(place_of(stage, 0)->link);
    assert_false(reach(stage, stage->config, 0, "{}"));
    assert_ptr_equal(link_credentials(place_of(stage, 0)->link), first);
    const struct dispatcher *lanes = link_dispatcher(place_of(stage, 0)->link);
    assert_false(reach(stage, stage->config, 0, "{ }"));
    assert_ptr_not_equal(link_credentials(place_of(stage, 0)->link), first);
    assert_ptr_equal(link_dispatcher(place_of(stage, 0)->link), lanes);
    assert_true(reach(stage, stage->other, 0, "{ }"));
    assert_false(reach(stage, stage->other, 0, NULL));
    places_renew(stage->places);
    assert_true(reach(stage, stage->other, 0, NULL));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_link_is_let_go_when_no_run_needs_it, begin, end),
    cmocka_unit_test_setup_teardown(a_link_that_is_needed_again_stays, begin, end),
    cmocka_unit_test_setup_teardown(another_configuration_and_a_reload_make_it_anew_another_session_does_not,
                                    begin, end),
};

TAP_MAIN(tests)
