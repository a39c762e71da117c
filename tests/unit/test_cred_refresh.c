/* When credentials are asked for again, by whom, and what happens meanwhile. */
#include "aws/cred_window.h"
#include "base/time.h"
#include "cred_world.h"
#include "tap.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define KEYS CRED_KEYS_UNTIL
#define LIFE CRED_LIFE

static void open_container(struct cred_world *world, const char *const *answers)
{
    cred_world_open_container(world, answers);
    cred_world_provider(world, NULL);
}

/* Turns the loop until so many requests have been answered and the provider knows. */
static void settle(struct cred_world *world, int requests)
{
    while (world->server.requests < requests) {
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    uv_run(&world->loop, UV_RUN_DEFAULT);
}

/* --- the windows --- */

static void the_windows_shrink_with_the_life(void **state)
{
    static const struct {
        int64_t life_s, early_s, late_s, last_s; /* before the end */
    } cases[] = {
        {12 * 3600, 900, 600, 60}, {3600, 900, 600, 60}, {900, 225, 150, 60},
        {60, 15, 10, 4},           {8, 2, 1, 0},         {0, 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cred_window window;
        int64_t end = CRED_NOW + cases[i].life_s * 1000;
        cred_window_set(&window, CRED_NOW, end, 0);
        assert_int_equal((end - window.early_ms) / 1000, cases[i].early_s);
        assert_int_equal((end - window.late_ms) / 1000, cases[i].late_s);
        assert_int_equal((end - window.last_ms) / 1000, cases[i].last_s);
        cred_window_set(&window, CRED_NOW, end, UINT64_MAX - 12345);
        assert_true(end - window.early_ms <= cases[i].early_s * 1000);
        assert_true(window.early_ms <= window.late_ms && window.late_ms <= window.last_ms);
    }
}

static void what_never_ends_stays_fresh(void **state)
{
    struct cred_window window;
    (void)state;
    cred_window_set(&window, CRED_NOW, 0, 7);
    assert_int_equal(cred_window_phase(&window, INT64_MAX), CRED_FRESH);
}

/* --- the provider --- */

static void however_many_wait_one_asks(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), NULL};
    struct cred_world world, other;
    (void)state;
    open_container(&world, answers);
    cred_world_begin(&world);
    other = world;
    struct credentials_waiter second = world.waiter;
    second.owner = &other;
    credentials_get(world.provider, &second);
    while (world.done == 0 || other.done == 0) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    assert_int_equal(world.server.requests, 1);
    assert_string_equal(world.found, "K1 SK TK container");
    assert_string_equal(other.found, "K1 SK TK container");
    cred_world_close(&world);
}

static void near_their_end_they_are_asked_for_in_the_background(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T15:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 15 * TIME_MS_PER_MINUTE - 1;
    cred_world_expect(&world, "K1", 1);
    world.now_ms += 1;
    cred_world_begin(&world);
    assert_int_equal(world.done, 1); /* at once, with the old ones */
    assert_string_equal(world.found, "K1 SK TK container");
    cred_world_begin(&world);
    assert_int_equal(world.done, 1);
    settle(&world, 2);
    cred_world_expect(&world, "K2", 2);
    cred_world_close(&world);
}

static void very_near_their_end_the_new_ones_are_waited_for(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T15:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 10 * TIME_MS_PER_MINUTE;
    cred_world_begin(&world);
    assert_int_equal(world.done, 0);
    cred_world_wait(&world);
    assert_string_equal(world.found, "K2 SK TK container");
    cred_world_close(&world);
}

static void a_refresh_that_fails_leaves_the_old_ones_in_use(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), "500 x", "500 x", "500 x",
                                          KEYS("K2", "2026-11-24T15:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 9 * TIME_MS_PER_MINUTE;
    cred_world_expect(&world, "K1", 4); /* waited for three attempts, and went on */
    cred_world_expect(&world, "K1", 4); /* not again at once */
    world.now_ms += TIME_MS_PER_MINUTE;
    cred_world_expect(&world, "K2", 5);
    cred_world_close(&world);
}

static void when_the_old_ones_end_the_failure_is_told(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), "500 x", NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 59 * TIME_MS_PER_SECOND;
    cred_world_ask(&world);
    assert_string_equal(world.found, "");
    assert_int_equal(world.fault, CREDENTIALS_RETRIEVAL);
    assert_int_equal(world.server.requests, 4);
    cred_world_ask(&world); /* nothing of a failure is kept */
    assert_int_equal(world.server.requests, 7);
    cred_world_close(&world);
}

static void what_is_still_expired_after_a_refresh_is_an_error(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE;
    cred_world_ask(&world);
    assert_string_equal(
        world.err.msg,
        "Credentials were refreshed, but the refreshed credentials are still expired. (container)");
    cred_world_close(&world);
}

static void what_the_service_refuses_is_asked_for_once_more(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"),
                                          KEYS("K2", "2026-11-24T09:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    credentials_expired(world.provider, "K1");
    cred_world_expect(&world, "K2", 2);
    credentials_expired(world.provider, "K1"); /* a late answer to the old ones */
    cred_world_expect(&world, "K2", 2);
    cred_world_close(&world);
}

/* Lives of a quarter of an hour, used all the time: each is asked for once. */
static void short_lives_do_not_make_it_ask_all_the_time(void **state)
{
    static const char *const answers[] = {
        KEYS("K1", "2026-11-24T03:30:00Z"), KEYS("K2", "2026-11-24T03:45:00Z"),
        KEYS("K3", "2026-11-24T04:00:00Z"), KEYS("K4", "2026-11-24T04:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    for (int second = 0; second < 45 * 60; second++) {
        world.now_ms = CRED_NOW + second * TIME_MS_PER_SECOND;
        cred_world_ask(&world);
        assert_string_not_equal(world.found, "");
        uv_run(&world.loop, UV_RUN_DEFAULT);
    }
    assert_int_equal(world.server.requests, 4);
    cred_world_close(&world);
}

static void given_up_in_the_middle_nothing_is_left(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), "HANG", NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 14 * TIME_MS_PER_MINUTE;
    cred_world_begin(&world);
    while (world.server.requests < 2) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    cred_world_close(&world); /* the leak check, and that the loop ends, are the test */
}

static void given_up_during_a_pause_nothing_is_left(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), "500 x", NULL};
    struct cred_world world;
    (void)state;
    cred_world_open_container(&world, answers);
    struct credentials_config config = cred_world_config(&world);
    config.pause_ms = TIME_MS_PER_HOUR;
    cred_world_provider(&world, &config);
    cred_world_expect(&world, "K1", 1);
    world.now_ms = CRED_NOW + LIFE - 14 * TIME_MS_PER_MINUTE;
    cred_world_begin(&world);
    while (uv_loop_alive(&world.loop) && world.server.requests < 2) {
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    for (int i = 0; i < 10; i++) {
        uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    cred_world_close(&world);
}

static void a_program_that_is_given_up_is_ended(void **state)
{
    struct cred_world world;
    (void)state;
    cred_world_open(&world, NULL);
    cred_world_file(&world, ".aws/config", "[profile p]\ncredential_process = cat HOME/fifo\n", 0600);
    char path[128];
    snprintf(path, sizeof path, "%s/fifo", world.home);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct credentials_config config = cred_world_config(&world);
    config.profile = "p";
    cred_world_provider(&world, &config);
    cred_world_begin(&world);
    uv_run(&world.loop, UV_RUN_NOWAIT);
    world.waiter.done = NULL; /* does not come: the provider goes */
    cred_world_close(&world);
    assert_int_equal(world.done, 0);
}

/* --- particular sources --- */

static void expired_keys_of_an_instance_are_used_on(void **state)
{
    static const char *const answers[] = {
        "200 t", "200 r",
        "200 {\"Code\":\"Success\",\"AccessKeyId\":\"K1\",\"SecretAccessKey\":\"SK\",\"Token\":\"TK\","
        "\"Expiration\":\"2026-11-24T03:00:00Z\"}",
        NULL};
    struct cred_world world;
    (void)state;
    cred_world_open(&world, answers);
    cred_world_variable(&world, "AWS_EC2_METADATA_DISABLED", "false");
    cred_world_variable(&world, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:PORT");
    cred_world_provider(&world, NULL);
    world.chance = 8 * TIME_MS_PER_MINUTE - 1;
    cred_world_expect(&world, "K1", 3);
    assert_int_equal(world.expires_ms, CRED_NOW + 25 * TIME_MS_PER_MINUTE - 1);
    cred_world_close(&world);
}

static void a_token_file_is_read_at_each_refresh(void **state)
{
    static const char *const answers[] = {KEYS("K1", "2026-11-24T09:15:00Z"), NULL};
    struct cred_world world;
    (void)state;
    open_container(&world, answers);
    cred_world_variable(&world, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "HOME/token");
    cred_world_file(&world, "token", "first", 0644);
    cred_world_expect(&world, "K1", 1);
    cred_world_file(&world, "token", "second", 0644);
    credentials_expired(world.provider, "K1");
    cred_world_expect(&world, "K1", 2);
    assert_non_null(strstr(buf_string(&world.requests), "Authorization: first"));
    assert_non_null(strstr(buf_string(&world.requests), "Authorization: second"));
    cred_world_close(&world);
}

static void a_new_sso_token_is_kept_for_the_aws_cli(void **state)
{
    static const char *const answers[] = {CRED_SSO_TOKEN, CRED_SSO_KEYS, NULL};
    char path[256], text[1024] = "";
    struct stat status;
    struct cred_world world;
    (void)state;
    cred_world_open_sso(&world, answers, CRED_SSO_UNTIL("2026-11-24T03:20:00Z"));
    cred_world_provider(&world, NULL);
    cred_world_expect(&world, "AK", 2);
    snprintf(path, sizeof path, "%s/%s", world.home, CRED_SSO_FILE);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    assert_true(fread(text, 1, sizeof text - 1, stream) > 0);
    fclose(stream);
    assert_string_equal(text,
                        "{\"startUrl\": \"https://u\", \"region\": \"eu-west-1\", \"accessToken\": \"NEW\", "
                        "\"expiresAt\": \"2026-11-24T11:15:00Z\", \"clientId\": \"CI\", "
                        "\"clientSecret\": \"CS\", \"registrationExpiresAt\": \"2027-01-01T00:00:00Z\", "
                        "\"refreshToken\": \"RT2\"}");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    cred_world_close(&world);
}

/* Refuses to refresh, as somebody else just did it. */
static void on_request_too_late(struct peer *peer, const char *request)
{
    struct cred_world *world = peer_server(peer)->owner;
    buf_text(&world->requests, request);
    if (strncmp(request, "POST /token", 11) == 0) {
        cred_world_file(world, CRED_SSO_FILE,
                        "{\"accessToken\":\"OTHER\",\"expiresAt\":\"2026-11-24T11:15:00Z\"}", 0600);
        peer_answer(peer, 400, "{\"error\":\"invalid_grant\"}");
    } else {
        peer_answer(peer, 200, &CRED_SSO_KEYS[strlen("200 ")]);
    }
}

static void an_sso_token_that_somebody_else_refreshed_serves(void **state)
{
    struct cred_world world;
    (void)state;
    cred_world_open_sso(&world, NULL, CRED_SSO_ENDED);
    world.server.on_request = on_request_too_late;
    cred_world_provider(&world, NULL);
    cred_world_expect(&world, "AK", 2);
    assert_non_null(strstr(buf_string(&world.requests), "x-amz-sso_bearer_token: OTHER"));
    cred_world_close(&world);
}

/* As with a read-only folder, which would not stop root. */
static void a_new_sso_token_that_cannot_be_written_is_used_on(void **state)
{
    static const char *const answers[] = {CRED_SSO_TOKEN, CRED_SSO_KEYS, NULL};
    struct rlimit before, none;
    struct cred_world world;
    (void)state;
    cred_world_open_sso(&world, answers, CRED_SSO_ENDED);
    cred_world_provider(&world, NULL);
    getrlimit(RLIMIT_FSIZE, &before);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    cred_world_expect(&world, "AK", 2);
    setrlimit(RLIMIT_FSIZE, &before);
    credentials_expired(world.provider, "AK");
    cred_world_expect(&world, "AK", 3); /* the portal alone: the file's refresh token is used up */
    assert_null(strstr(buf_string(&world.requests), "x-amz-sso_bearer_token: OLD"));
    cred_world_file(&world, CRED_SSO_FILE,
                    "{\"accessToken\":\"LOGIN\",\"expiresAt\":\"2026-11-25T11:15:00Z\"}", 0600);
    credentials_expired(world.provider, "AK");
    cred_world_expect(&world, "AK", 4);
    assert_non_null(strstr(buf_string(&world.requests), "x-amz-sso_bearer_token: LOGIN"));
    cred_world_close(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_windows_shrink_with_the_life),
    cmocka_unit_test(what_never_ends_stays_fresh),
    cmocka_unit_test(however_many_wait_one_asks),
    cmocka_unit_test(near_their_end_they_are_asked_for_in_the_background),
    cmocka_unit_test(very_near_their_end_the_new_ones_are_waited_for),
    cmocka_unit_test(a_refresh_that_fails_leaves_the_old_ones_in_use),
    cmocka_unit_test(when_the_old_ones_end_the_failure_is_told),
    cmocka_unit_test(what_is_still_expired_after_a_refresh_is_an_error),
    cmocka_unit_test(what_the_service_refuses_is_asked_for_once_more),
    cmocka_unit_test(short_lives_do_not_make_it_ask_all_the_time),
    cmocka_unit_test(given_up_in_the_middle_nothing_is_left),
    cmocka_unit_test(given_up_during_a_pause_nothing_is_left),
    cmocka_unit_test(a_program_that_is_given_up_is_ended),
    cmocka_unit_test(expired_keys_of_an_instance_are_used_on),
    cmocka_unit_test(a_token_file_is_read_at_each_refresh),
    cmocka_unit_test(a_new_sso_token_is_kept_for_the_aws_cli),
    cmocka_unit_test(an_sso_token_that_somebody_else_refreshed_serves),
    cmocka_unit_test(a_new_sso_token_that_cannot_be_written_is_used_on),
};

TAP_MAIN(tests)
