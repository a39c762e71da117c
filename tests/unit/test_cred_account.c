/* Whose the credentials are that come later. */
#include "cred_world.h"
#include "tap.h"

#include <string.h>

#define KEYS CRED_KEYS_UNTIL
#define IDENTITY(account)                                                                                    \
    "200 <GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::" account                     \
    ":user/u</Arn><Account>" account "</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
#define OURS   "123456789012"
#define THEIRS "210987654321"

static void open_pinned(struct cred_world *world, const char *const *answers, const char *account)
{
    cred_world_open_container(world, answers);
    cred_world_variable(world, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:PORT");
    struct credentials_config config = cred_world_config(world);
    config.account = account;
    cred_world_provider(world, &config);
    cred_world_expect(world, "K1", 1);
    credentials_identified(world->provider, "K1", OURS);
    world->now_ms = CRED_NOW + CRED_LIFE;
}

static void another_key_of_the_same_account_is_taken_when_sts_says_so(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T15:15:00Z"), IDENTITY(OURS), NULL};
    struct cred_world world;
    (void)state;
    open_pinned(&world, answers, OURS);
    cred_world_expect(&world, "K2", 3);
    assert_non_null(strstr(buf_string(&world.requests), "Credential=K2/"));
    cred_world_expect(&world, "K2", 3); /* asked once */
    cred_world_close(&world);
}

static void the_same_key_costs_no_question(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K1", "2026-11-24T15:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_pinned(&world, answers, OURS);
    cred_world_expect(&world, "K1", 2);
    cred_world_close(&world);
}

static void keys_of_another_account_are_handed_to_nobody(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T15:15:00Z"), IDENTITY(THEIRS), NULL};
    static const char *const configured[] = {OURS, NULL};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct cred_world world;
        open_pinned(&world, answers, configured[i]);
        cred_world_ask(&world);
        assert_string_equal(world.found, "");
        assert_string_equal(world.err.msg, "the new credentials of container belong to account " THEIRS
                                           ", not to " OURS " as before");
        cred_world_close(&world);
    }
}

static void keys_whose_account_cannot_be_asked_are_handed_to_nobody(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T15:15:00Z"),
                                          "503 x",
                                          "503 x",
                                          "503 x",
                                          NULL};
    struct cred_world world;
    (void)state;
    open_pinned(&world, answers, OURS);
    cred_world_ask(&world);
    assert_string_equal(world.found, "");
    assert_int_equal(world.fault, CREDENTIALS_SERVICE);
    assert_int_equal(world.server.requests, 5);
    cred_world_close(&world);
}

/* The answer was about K1, and K2 has come meanwhile. */
static void keys_that_came_while_others_were_asked_about_are_asked_for_again(void **state)
{
    static const char *const answers[] = {KEYS("K2", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T09:15:00Z"), IDENTITY(THEIRS), NULL};
    struct cred_world world;
    (void)state;
    cred_world_open_container(&world, answers);
    cred_world_variable(&world, "AWS_ENDPOINT_URL_STS", "http://127.0.0.1:PORT");
    cred_world_provider(&world, NULL);
    cred_world_expect(&world, "K2", 1);
    credentials_identified(world.provider, "K1", OURS);
    cred_world_ask(&world);
    assert_string_equal(world.found, "");
    cred_world_close(&world);
}

static void sessions_of_a_role_are_of_the_account_in_its_arn(void **state)
{
    static const char *const accounts[] = {"123456789012", "123456789013"};
    static const char *const answers[] = {CRED_ROLE_KEYS("AssumeRole"), IDENTITY("123456789012"), NULL};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct cred_world world;
        cred_world_open_role(&world, answers);
        cred_world_provider(&world, NULL);
        credentials_identified(world.provider, "K0", accounts[i]);
        cred_world_ask(&world);
        assert_string_equal(world.found, i == 0 ? "AK SK TK role top" : "");
        assert_int_equal(world.server.requests, i + 1);
        cred_world_close(&world);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(another_key_of_the_same_account_is_taken_when_sts_says_so),
    cmocka_unit_test(the_same_key_costs_no_question),
    cmocka_unit_test(keys_of_another_account_are_handed_to_nobody),
    cmocka_unit_test(keys_whose_account_cannot_be_asked_are_handed_to_nobody),
    cmocka_unit_test(keys_that_came_while_others_were_asked_about_are_asked_for_again),
    cmocka_unit_test(sessions_of_a_role_are_of_the_account_in_its_arn),
};

TAP_MAIN(tests)
