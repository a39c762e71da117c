/* Credentials from the environment and the shared files, and the provider that asks for them. */
#include "home.h"
#include "tap.h"

#include "aws/credentials.h"

#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    return home_start(state) != 0 ? -1 : setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

/* --- the provider
 * -------------------------------------------------------------------------------------------- */

struct asked {
    char access_key[64], token[64], source[64];
    struct err err;
    int done;
};

static void on_credentials(struct credentials_waiter *waiter)
{
    struct asked *asked = waiter->owner;
    asked->done++;
    asked->err = waiter->err;
    if (waiter->credentials != NULL) {
        const char *token = waiter->credentials->session_token;
        snprintf(asked->access_key, sizeof asked->access_key, "%s", waiter->credentials->access_key);
        snprintf(asked->token, sizeof asked->token, "%s", token != NULL ? token : "");
        snprintf(asked->source, sizeof asked->source, "%s", waiter->credentials->source);
    }
}

static int64_t clock_ms;

static int64_t wall(void *ctx)
{
    (void)ctx;
    return clock_ms;
}

static struct credentials_provider *make_provider(const char *profile)
{
    return credentials_provider_create(&(struct credentials_config){.wall_ms = wall, .profile = profile});
}

static struct asked ask(struct credentials_provider *provider, int64_t now_ms)
{
    struct asked asked = {.done = 0};
    struct credentials_waiter waiter = {.done = on_credentials, .owner = &asked};
    clock_ms = now_ms;
    credentials_get(provider, &waiter);
    assert_int_equal(asked.done, 1);
    return asked;
}

static struct asked ask_once(const char *profile)
{
    struct credentials_provider *provider = make_provider(profile);
    struct asked asked = ask(provider, 1000);
    credentials_provider_destroy(provider);
    return asked;
}

static void the_environment_comes_first(void **state)
{
    home_write(state, "credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=s\n", 0600);
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_SESSION_TOKEN", "t", 1);
    struct asked asked = ask_once(NULL);
    assert_string_equal(asked.access_key, "E");
    assert_string_equal(asked.token, "t");
    assert_string_equal(asked.source, "environment");
    setenv("AWS_SECURITY_TOKEN", "older", 1);
    asked = ask_once(NULL);
    assert_string_equal(asked.token, "older");
    asked = ask_once("default"); /* an explicit profile leaves the environment out */
    assert_string_equal(asked.access_key, "F");
    assert_string_equal(asked.source, "profile 'default'");
}

static void what_is_half_there_is_an_error_that_names_the_other_half(void **state)
{
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "", 1); /* empty is unset */
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_CREDENTIALS);
    assert_string_equal(asked.err.msg, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_ACCESS_KEY_ID");
    home_write(state, "credentials", "[default]\naws_secret_access_key=s\n", 0600);
    asked = ask_once(NULL); /* no key at all, as for the AWS CLI */
    assert_non_null(strstr(asked.err.msg, "no credentials found; "));
    assert_non_null(strstr(asked.err.msg, "profile 'default': has no keys and names no other source"));
    home_write(state, "credentials", "[default]\naws_access_key_id=F\n", 0600);
    asked = ask_once(NULL);
    assert_string_equal(
        asked.err.msg,
        "Partial credentials found in shared-credentials-file, missing: aws_secret_access_key");
}

static void keys_with_impossible_characters_are_refused(void **state)
{
    static const char *const bad[] = {"a b", "a\nX-Amz: y", "a\r", "gr\xc3\xbcn", "\x7f"};
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "E", 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        setenv("AWS_SECRET_ACCESS_KEY", bad[i], 1);
        struct asked asked = ask_once(NULL);
        assert_int_equal(asked.err.code, ERR_CREDENTIALS);
        assert_null(strstr(asked.err.msg, bad[i])); /* the secret itself is never shown */
    }
}

static void when_there_are_none_the_message_says_who_was_asked(void **state)
{
    (void)state;
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_CREDENTIALS);
    assert_string_equal(asked.err.msg, "no credentials found; environment: AWS_ACCESS_KEY_ID is not set; "
                                       "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; "
                                       "profile 'default': not in ~/.aws/config or ~/.aws/credentials; "
                                       "container: AWS_CONTAINER_CREDENTIALS_* not set; "
                                       "instance metadata: disabled by AWS_EC2_METADATA_DISABLED");
    asked = ask_once("nosuch");
    assert_string_equal(asked.err.msg, "The config profile (nosuch) could not be found");
    setenv("AWS_PROFILE", "nosuch2", 1);
    asked = ask_once(NULL);
    assert_string_equal(asked.err.msg, "The config profile (nosuch2) could not be found");
}

static void a_secret_in_a_config_file_that_others_can_read_is_refused(void **state)
{
    static const char keys[] = "[default]\naws_access_key_id=F\naws_secret_access_key=s\n";
    home_write(state, "config", keys, 0600);
    assert_int_equal(ask_once(NULL).err.code, ERR_NONE);
    home_write(state, "config", keys, 0644);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_CREDENTIALS);
    assert_non_null(strstr(asked.err.msg, "config: others may read this file (mode 0644)"));
    home_write(state, "credentials", keys, 0600);
    assert_int_equal(ask_once(NULL).err.code, ERR_NONE); /* the config file's are not taken then */
}

static void keys_are_taken_from_one_file(void **state)
{
    home_write(state, "credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=s\n", 0600);
    home_write(state, "config", "[default]\naws_access_key_id=G\naws_session_token=left-over\n", 0600);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_NONE);
    assert_string_equal(asked.access_key, "F");
    assert_string_equal(asked.token, "");
    home_write(state, "credentials", "[default]\naws_access_key_id=F\n", 0600);
    home_write(state, "config", "[default]\naws_secret_access_key=s\n", 0600);
    assert_non_null(strstr(ask_once(NULL).err.msg, "missing: aws_secret_access_key"));
}

static void a_secret_alone_does_not_hide_the_keys_of_the_other_file(void **state)
{
    home_write(state, "credentials", "[default]\naws_secret_access_key=other\naws_session_token=other\n",
               0600);
    home_write(state, "config", "[default]\naws_access_key_id=G\naws_secret_access_key=s\n", 0600);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_NONE);
    assert_string_equal(asked.access_key, "G");
    assert_string_equal(asked.token, "");
    home_write(state, "config", "[default]\naws_access_key_id=G\n", 0600);
    assert_string_equal(ask_once(NULL).err.msg,
                        "Partial credentials found in config-file, missing: aws_secret_access_key");
}

static void a_broken_file_is_an_error_and_not_an_absence(void **state)
{
    home_write(state, "credentials", "[default\n", 0600);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_CREDENTIALS);
    assert_non_null(strstr(asked.err.msg, "credentials:1: "));
}

static void expiry_is_obeyed(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "E1", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_CREDENTIAL_EXPIRATION", "1970-01-01T01:00:00Z", 1);
    struct credentials_provider *provider = make_provider(NULL);
    assert_string_equal(ask(provider, 1000).access_key, "E1");
    setenv("AWS_ACCESS_KEY_ID", "E2", 1);
    assert_string_equal(ask(provider, 2700000).access_key,
                        "E1"); /* a quarter of its life left: still fresh */
    assert_string_equal(ask(provider, 2700300).access_key, "E2");
    struct asked late = ask(provider, 3600000);
    assert_int_equal(late.err.code, ERR_CREDENTIALS);
    assert_string_equal(
        late.err.msg,
        "Credentials were refreshed, but the refreshed credentials are still expired. (environment)");
    setenv("AWS_CREDENTIAL_EXPIRATION", "tomorrow", 1);
    assert_int_equal(ask(provider, 3600000).err.code, ERR_CREDENTIALS);
    credentials_provider_destroy(provider);
}

static void credentials_that_the_service_calls_expired_are_asked_for_again(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "E1", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    struct credentials_provider *provider = make_provider(NULL);
    assert_string_equal(ask(provider, 1).access_key, "E1");
    setenv("AWS_ACCESS_KEY_ID", "E2", 1);
    credentials_expired(provider, "E0"); /* an answer to older credentials */
    assert_string_equal(ask(provider, 2).access_key, "E1");
    credentials_expired(provider, "E1");
    assert_string_equal(ask(provider, 3).access_key, "E2");
    credentials_provider_destroy(provider);
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, start, home_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOME_TEST(the_environment_comes_first),
        HOME_TEST(what_is_half_there_is_an_error_that_names_the_other_half),
        HOME_TEST(keys_with_impossible_characters_are_refused),
        HOME_TEST(when_there_are_none_the_message_says_who_was_asked),
        HOME_TEST(a_secret_in_a_config_file_that_others_can_read_is_refused),
        HOME_TEST(keys_are_taken_from_one_file),
        HOME_TEST(a_secret_alone_does_not_hide_the_keys_of_the_other_file),
        HOME_TEST(a_broken_file_is_an_error_and_not_an_absence),
        HOME_TEST(expiry_is_obeyed),
        HOME_TEST(credentials_that_the_service_calls_expired_are_asked_for_again),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
