/* Requests for credentials take turns: none leaves without one, and each is given back. */
#include "cred_world.h"
#include "tap.h"

#include <string.h>

struct gate {
    struct credentials_turn *waiting;
    int acquired, released;
};

static void acquire(void *ctx, struct credentials_turn *turn)
{
    struct gate *gate = ctx;
    gate->acquired++;
    gate->waiting = turn;
}

static void release(void *ctx, struct credentials_turn *turn)
{
    struct gate *gate = ctx;
    (void)turn;
    gate->released++;
}

/* With the gate as its pace. */
static void make_provider(struct cred_world *world, struct credentials_pace *pace)
{
    struct credentials_config config = cred_world_config(world);
    config.pace = pace;
    cred_world_provider(world, &config);
}

static void a_role_waits_for_its_turn(void **state)
{
    static const char *const answers[] = {CRED_ROLE_KEYS("AssumeRole"), NULL};
    struct gate gate = {0};
    struct credentials_pace pace = {&gate, acquire, release};
    struct cred_world world;
    (void)state;
    cred_world_open_role(&world, answers);
    make_provider(&world, &pace);
    cred_world_begin(&world);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(gate.acquired, 1);
    assert_int_equal(world.server.requests, 0);
    gate.waiting->granted(gate.waiting);
    cred_world_wait(&world);
    assert_string_equal(world.found, "AK SK TK role top");
    assert_int_equal(gate.released, 1);
    assert_non_null(strstr(buf_string(&world.requests), "&Policy=%7B%22Version%22%3A%222012-10-17%22%7D"));
    assert_non_null(strstr(buf_string(&world.requests), "Credential=EK/"));
    cred_world_close(&world);
}

static void a_turn_that_is_no_longer_wanted_is_given_back(void **state)
{
    struct gate gate = {0};
    struct credentials_pace pace = {&gate, acquire, release};
    struct cred_world world;
    (void)state;
    cred_world_open_role(&world, NULL);
    make_provider(&world, &pace);
    cred_world_begin(&world);
    assert_int_equal(gate.acquired, 1);
    cred_world_close(&world);
    assert_int_equal(gate.released, 1);
    assert_int_equal(world.done, 0);
}

static void each_attempt_has_a_turn_of_its_own(void **state)
{
    static const char *const answers[] = {"503 x", "503 x", "503 x", NULL};
    struct gate gate = {0};
    struct credentials_pace pace = {&gate, acquire, release};
    struct cred_world world;
    (void)state;
    cred_world_open_role(&world, answers);
    make_provider(&world, &pace);
    cred_world_begin(&world);
    for (int attempt = 1; attempt <= 3; attempt++) {
        while (gate.acquired < attempt) {
            uv_run(&world.loop, UV_RUN_ONCE);
        }
        assert_int_equal(world.server.requests, attempt - 1);
        assert_int_equal(gate.released, attempt - 1);
        gate.waiting->granted(gate.waiting);
    }
    cred_world_wait(&world);
    assert_int_equal(world.server.requests, 3);
    assert_int_equal(gate.released, 3);
    assert_int_equal(world.fault, CREDENTIALS_SERVICE);
    assert_int_equal(world.err.code, ERR_UNAVAILABLE);
    cred_world_close(&world);
}

static const char *const sso_answers[] = {CRED_SSO_TOKEN, CRED_SSO_KEYS, NULL};

static void an_sso_session_waits_for_a_turn_for_the_token_and_one_for_the_keys(void **state)
{
    struct gate gate = {0};
    struct credentials_pace pace = {&gate, acquire, release};
    struct cred_world world;
    (void)state;
    cred_world_open_sso(&world, sso_answers, CRED_SSO_ENDED);
    make_provider(&world, &pace);
    cred_world_begin(&world);
    for (int request = 1; request <= 2; request++) {
        while (gate.acquired < request) {
            uv_run(&world.loop, UV_RUN_ONCE);
        }
        uv_run(&world.loop, UV_RUN_NOWAIT);
        assert_int_equal(world.server.requests, request - 1);
        assert_int_equal(gate.released, request - 1);
        gate.waiting->granted(gate.waiting);
    }
    cred_world_wait(&world);
    assert_int_equal(gate.acquired, 2);
    assert_int_equal(gate.released, 2);
    assert_memory_equal(world.found, "AK ", 3);
    cred_world_close(&world);
}

static void a_token_that_came_while_it_waited_is_not_asked_for(void **state)
{
    struct gate gate = {0};
    struct credentials_pace pace = {&gate, acquire, release};
    struct cred_world world;
    (void)state;
    cred_world_open_sso(&world, sso_answers, CRED_SSO_ENDED);
    make_provider(&world, &pace);
    cred_world_begin(&world);
    cred_world_file(&world, CRED_SSO_FILE,
                    "{\"accessToken\":\"LOGIN\",\"expiresAt\":\"2026-11-25T11:15:00Z\"}", 0600);
    gate.waiting->granted(gate.waiting);
    assert_int_equal(gate.acquired, 2);
    assert_int_equal(world.server.requests, 0);
    cred_world_close(&world);
    assert_int_equal(gate.released, 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_role_waits_for_its_turn),
    cmocka_unit_test(a_turn_that_is_no_longer_wanted_is_given_back),
    cmocka_unit_test(each_attempt_has_a_turn_of_its_own),
    cmocka_unit_test(an_sso_session_waits_for_a_turn_for_the_token_and_one_for_the_keys),
    cmocka_unit_test(a_token_that_came_while_it_waited_is_not_asked_for),
};

TAP_MAIN(tests)
