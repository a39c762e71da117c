/* Shared files, the environment, the provider and the endpoints that follow from them. */
#include "tap.h"

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/ini.h"
#include "aws/profile.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const VARIABLES[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_SECURITY_TOKEN",
                                        "AWS_CREDENTIAL_EXPIRATION",
                                        "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE",
                                        "AWS_ROLE_ARN",
                                        "AWS_WEB_IDENTITY_TOKEN_FILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_CONFIG_FILE",
                                        "AWS_SHARED_CREDENTIALS_FILE"};

/* A home of its own with an empty ~/.aws, and none of AWS's variables. */
static int start(void **state)
{
    char path[128];
    char *home = mem_strdup("/tmp/jobsweep-home-XXXXXX");
    *state = home;
    for (size_t i = 0; i < sizeof VARIABLES / sizeof VARIABLES[0]; i++) {
        unsetenv(VARIABLES[i]);
    }
    if (mkdtemp(home) == NULL) {
        return -1;
    }
    setenv("HOME", home, 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    snprintf(path, sizeof path, "%s/.aws", home);
    return mkdir(path, 0700);
}

static int stop(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.aws/credentials", (char *)*state);
    unlink(path);
    snprintf(path, sizeof path, "%s/.aws/config", (char *)*state);
    unlink(path);
    snprintf(path, sizeof path, "%s/.aws", (char *)*state);
    rmdir(path);
    rmdir(*state);
    free(*state);
    return 0;
}

static void write_file(void **state, const char *name, const char *text, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/.aws/%s", (char *)*state, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

/* --- ini
 * ----------------------------------------------------------------------------------------------------- */

static void check_value(const char *text, const char *key, const char *expected)
{
    struct err err = {0};
    struct ini *ini = ini_parse("f", text, strlen(text), &err);
    if (ini == NULL) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(ini_section(ini, 0), "default");
    const char *value = ini_get(ini, 0, key);
    assert_non_null(value);
    assert_string_equal(value, expected);
    ini_free(ini);
}

static void values_are_read_as_the_aws_cli_reads_them(void **state)
{
    (void)state;
    check_value("[default]\nregion = eu-west-1\n", "region", "eu-west-1");
    check_value("[default]\nREGION=eu-west-1", "region", "eu-west-1");
    check_value("[default]\nregion : eu-west-1\n", "region", "eu-west-1");
    check_value("[default]\r\nregion = eu-west-1\r\n", "region", "eu-west-1");
    check_value("# c\n; c\n\n[default] trailing\nregion = x\n", "region", "x");
    check_value("[default]\nregion = eu-west-1 # not a comment\n", "region", "eu-west-1 # not a comment");
    check_value("[default]\nregion = eu-west-1;x\n", "region", "eu-west-1;x");
    check_value("[default]\nregion =\n", "region", "");
    check_value("[default]\nk = a=b:c\n", "k", "a=b:c");
    check_value("[default]\nk = one\n  two\n\tthree\n", "k", "one\ntwo\nthree");
    check_value("[default]\nk = one\n\n  two\n\nx = 1\n", "k", "one\n\ntwo");
    check_value("[default]\nk = one\n  # a comment\n  two\n", "k", "one\ntwo");
    check_value("[default]\n  k = one\n  x = two\n", "x", "two");
    check_value("[default]\niot =\n  endpoint_url = http://localhost\n", "iot",
                "\nendpoint_url = http://localhost");
    check_value("[default]\nk = 100%\n", "k", "100%");
}

/* As many as fit into the largest file: found at once, or this would take minutes. */
static void a_file_of_very_many_keys_and_sections_is_read(void **state)
{
    enum { COUNT = 40000 };
    struct err err = {0};
    struct buf text;
    char name[16];
    (void)state;
    buf_init(&text, INI_FILE_MAX);
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&text, "[s%d]\n", i);
    }
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&text, "k%d=%d\n", i, i);
    }
    struct ini *ini = ini_parse("f", buf_string(&text), text.length, &err);
    assert_non_null(ini);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "k%d", i);
        assert_string_equal(ini_get(ini, COUNT - 1, name), name + 1);
        snprintf(name, sizeof name, "s%d", i);
        assert_string_equal(ini_section(ini, (size_t)i), name);
    }
    assert_null(ini_section(ini, COUNT));
    ini_free(ini);
    buf_finish(&text);
}

static void malformed_files_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"region = x\n", "f:1: text before the first [section]"},
        {"[default]\nregion\n", "f:2: neither a [section] nor a key with '=' or ':'"},
        {"[default]\n= x\n", "f:2: neither a [section] nor a key with '=' or ':'"},
        {"[default]\na=1\nA=2\n", "f:3: this key was there before in its section"},
        {"[a]\n[b]\n[a]\n", "f:3: this section was there before"},
        {"[default\n", "f:1: a section's name ends with ']'"},
        {"[]\n", "f:1: a section's name ends with ']'"},
        {"\xef\xbb\xbf[default]\n", "f:0: a byte order mark; save the file without one"},
    };
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(ini_parse("f", bad[i].text, strlen(bad[i].text), &err));
        assert_string_equal(err.msg, bad[i].message);
        assert_int_equal(err.code, ERR_SYNTAX);
    }
    assert_null(ini_parse("f", "[a]\nb=\0\n", 8, &err));
    assert_string_equal(err.msg, "f:2: a NUL byte");
}

/* --- profiles
 * ------------------------------------------------------------------------------------------------ */

static void profiles_are_found_by_the_names_of_each_file(void **state)
{
    struct err err;
    write_file(state, "credentials", "[default]\naws_access_key_id=D\n[fleet]\naws_access_key_id=C\n", 0600);
    write_file(state, "config",
               "[default]\nregion=r0\n[profile fleet]\nregion=r1\naws_access_key_id=K\n[profile \"two "
               "words\"]\nregion=r2\n"
               "[bare]\nregion=r3\n[profile a b]\nregion=r4\n[profile 'open]\nregion=r5\n[services "
               "fleet]\nregion=r6\n",
               0644);
    struct profiles *profiles = profiles_load(&err);
    assert_non_null(profiles);
    assert_string_equal(profiles_get(profiles, "default", "region"), "r0");
    assert_string_equal(profiles_get(profiles, "fleet", "region"), "r1");
    assert_string_equal(profiles_get(profiles, "fleet", "aws_access_key_id"),
                        "C"); /* the credentials file wins */
    assert_string_equal(profiles_get(profiles, "two words", "region"), "r2");
    assert_null(profiles_get(profiles, "bare", "region"));
    assert_false(profiles_has(profiles, "bare"));
    assert_false(profiles_has(profiles, "a"));
    assert_false(profiles_has(profiles, "a b"));
    assert_false(profiles_has(profiles, "open"));
    assert_true(profiles_has(profiles, "fleet"));
    assert_null(profiles_get(profiles, "fleet", "output"));
    assert_non_null(strstr(profiles_origin(profiles, "fleet", "region"), "/.aws/config"));
    profiles_free(profiles);
}

static void the_later_of_two_default_sections_counts(void **state)
{
    struct err err;
    write_file(state, "config", "[default]\nregion=r0\noutput=json\n[profile default]\nregion=r1\n", 0644);
    struct profiles *profiles = profiles_load(&err);
    assert_string_equal(profiles_get(profiles, "default", "region"), "r1");
    assert_null(profiles_get(profiles, "default", "output"));
    profiles_free(profiles);
}

static void missing_files_are_empty_and_odd_ones_are_refused(void **state)
{
    struct err err;
    struct profiles *profiles = profiles_load(&err);
    assert_non_null(profiles);
    assert_false(profiles_has(profiles, "default"));
    profiles_free(profiles);
    write_file(state, "credentials", "[default]\n", 0640);
    assert_null(profiles_load(&err));
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_non_null(strstr(err.msg, "chmod 600"));
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/zero", 1);
    assert_null(profiles_load(&err));
    assert_int_equal(err.code, ERR_INVALID);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/other", 1);
    write_file(state, "other", "[default]\naws_access_key_id=O\n", 0600);
    profiles = profiles_load(&err);
    assert_string_equal(profiles_get(profiles, "default", "aws_access_key_id"), "O");
    profiles_free(profiles);
    char path[128];
    snprintf(path, sizeof path, "%s/.aws/other", (char *)*state);
    unlink(path);
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
    write_file(state, "credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=s\n", 0600);
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
    write_file(state, "credentials", "[default]\naws_secret_access_key=s\n", 0600);
    asked = ask_once(NULL);
    assert_string_equal(asked.err.msg,
                        "Partial credentials found in shared-credentials-file, missing: aws_access_key_id");
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
    assert_string_equal(asked.err.msg,
                        "no credentials found; environment: AWS_ACCESS_KEY_ID is not set; "
                        "web identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set; "
                        "profile 'default': not in ~/.aws/config or ~/.aws/credentials; "
                        "container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set; "
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
    write_file(state, "config", keys, 0600);
    assert_int_equal(ask_once(NULL).err.code, ERR_NONE);
    write_file(state, "config", keys, 0644);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_CREDENTIALS);
    assert_non_null(strstr(asked.err.msg, "config: others may read this file (mode 0644)"));
    write_file(state, "credentials", keys, 0600);
    assert_int_equal(ask_once(NULL).err.code, ERR_NONE); /* the config file's are not taken then */
}

static void keys_are_taken_from_one_file(void **state)
{
    write_file(state, "credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=s\n", 0600);
    write_file(state, "config", "[default]\naws_access_key_id=G\naws_session_token=left-over\n", 0600);
    struct asked asked = ask_once(NULL);
    assert_int_equal(asked.err.code, ERR_NONE);
    assert_string_equal(asked.access_key, "F");
    assert_string_equal(asked.token, "");
    write_file(state, "credentials", "[default]\naws_access_key_id=F\n", 0600);
    write_file(state, "config", "[default]\naws_secret_access_key=s\n", 0600);
    assert_non_null(strstr(ask_once(NULL).err.msg, "missing: aws_secret_access_key"));
}

static void a_broken_file_is_an_error_and_not_an_absence(void **state)
{
    write_file(state, "credentials", "[default\n", 0600);
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

/* --- endpoints
 * ----------------------------------------------------------------------------------------------- */

static void each_partition_has_its_suffix(void **state)
{
    static const char *const cases[][2] = {
        {"eu-west-1", "https://iot.eu-west-1.amazonaws.com"},
        {"us-gov-west-1", "https://iot.us-gov-west-1.amazonaws.com"},
        {"cn-north-1", "https://iot.cn-north-1.amazonaws.com.cn"},
        {"us-iso-east-1", "https://iot.us-iso-east-1.c2s.ic.gov"},
        {"us-isob-east-1", "https://iot.us-isob-east-1.sc2s.sgov.gov"},
        {"eu-isoe-west-1", "https://iot.eu-isoe-west-1.cloud.adc-e.uk"},
        {"us-isof-south-1", "https://iot.us-isof-south-1.csp.hci.ic.gov"},
        {"eusc-de-east-1", "https://iot.eusc-de-east-1.amazonaws.eu"},
        {"mars-north-9", "https://iot.mars-north-9.amazonaws.com"},
    };
    struct err err;
    char url[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(endpoint_url("iot", cases[i][0], url, sizeof url, &err), 0);
        assert_string_equal(url, cases[i][1]);
    }
    assert_int_equal(endpoint_url("iot", "eu-west-1.evil.com", url, sizeof url, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(endpoint_url("iot", "eu-west-1", url, 10, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
}

static void the_region_is_looked_for_in_order(void **state)
{
    char region[64];
    struct err err;
    assert_int_equal(endpoint_region(NULL, region, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    write_file(state, "config", "[default]\nregion=r-0\n[profile p]\nregion=r-1\n[profile bad]\nregion=r 1\n",
               0644);
    assert_int_equal(endpoint_region(NULL, region, &err), 0);
    assert_string_equal(region, "r-0");
    assert_int_equal(endpoint_region("p", region, &err), 0);
    assert_string_equal(region, "r-1");
    assert_int_equal(endpoint_region("bad", region, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    setenv("AWS_DEFAULT_REGION", "r-2", 1);
    endpoint_region("p", region, &err);
    assert_string_equal(region, "r-2");
    setenv("AWS_REGION", "r-3", 1);
    endpoint_region("p", region, &err);
    assert_string_equal(region, "r-3");
    setenv("AWS_REGION", "us east", 1);
    assert_int_equal(endpoint_region("p", region, &err), -1);
    assert_non_null(strstr(err.msg, "AWS_REGION"));
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_the_aws_cli_reads_them),
        cmocka_unit_test(a_file_of_very_many_keys_and_sections_is_read),
        cmocka_unit_test(malformed_files_are_refused_with_their_line),
        HOME_TEST(profiles_are_found_by_the_names_of_each_file),
        HOME_TEST(the_later_of_two_default_sections_counts),
        HOME_TEST(missing_files_are_empty_and_odd_ones_are_refused),
        HOME_TEST(the_environment_comes_first),
        HOME_TEST(what_is_half_there_is_an_error_that_names_the_other_half),
        HOME_TEST(keys_with_impossible_characters_are_refused),
        HOME_TEST(when_there_are_none_the_message_says_who_was_asked),
        HOME_TEST(a_secret_in_a_config_file_that_others_can_read_is_refused),
        HOME_TEST(keys_are_taken_from_one_file),
        HOME_TEST(a_broken_file_is_an_error_and_not_an_absence),
        HOME_TEST(expiry_is_obeyed),
        HOME_TEST(credentials_that_the_service_calls_expired_are_asked_for_again),
        cmocka_unit_test(each_partition_has_its_suffix),
        HOME_TEST(the_region_is_looked_for_in_order),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
