/* The shared files of the AWS CLI together: which section is whose, which file wins, where they are. */
#include "home.h"
#include "tap.h"

#include "aws/profile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void profiles_are_found_by_the_names_of_each_file(void **state)
{
    struct err err;
    home_write(state, "credentials", "[default]\naws_access_key_id=D\n[fleet]\naws_access_key_id=C\n", 0600);
    home_write(state, "config",
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
    home_write(state, "config", "[default]\nregion=r0\noutput=json\n[profile default]\nregion=r1\n", 0644);
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
    home_write(state, "credentials", "[default]\n", 0640);
    assert_null(profiles_load(&err));
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_non_null(strstr(err.msg, "chmod 600"));
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/zero", 1);
    assert_null(profiles_load(&err));
    assert_int_equal(err.code, ERR_INVALID);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/other", 1);
    home_write(state, "other", "[default]\naws_access_key_id=O\n", 0600);
    profiles = profiles_load(&err);
    assert_string_equal(profiles_get(profiles, "default", "aws_access_key_id"), "O");
    profiles_free(profiles);
}

static void names_are_split_as_a_shell_splits_them(void **state)
{
    static const struct {
        const char *header, *name; /* NULL: the header is nobody's */
    } cases[] = {
        {"profile \"my name\"", "my name"},
        {"profile 'my name'", "my name"},
        {"profile my\\ name", "my name"},
        {"profile my' 'name", "my name"},
        {"profile \"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
        {"profile ''", ""},
        {"\"profile\" q", NULL}, /* begins otherwise */
        {"profiles q", "q"},     /* begins so */
        {"profile q ''", NULL},  /* three words */
        {"profile q\\", NULL},
        {"profile 'q", NULL},
        {"profile\tq", "q"},
        {" profile q", NULL},
        {" default ", NULL},
        {"profile", NULL},
    };
    struct err err;
    char text[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = cases[i].name != NULL ? cases[i].name : "q";
        snprintf(text, sizeof text, "[%s]\nregion=r\n", cases[i].header);
        home_write(state, "config", text, 0644);
        struct profiles *profiles = profiles_load(&err);
        assert_non_null(profiles);
        const char *region = profiles_get(profiles, name, "region");
        if ((region != NULL) != (cases[i].name != NULL)) {
            fail_msg("[%s]", cases[i].header);
        }
        assert_false(profiles_has(profiles, "default"));
        profiles_free(profiles);
    }
}

static void other_sections_have_names_of_their_own(void **state)
{
    struct err err;
    home_write(state, "config",
               "[sso-session s]\nsso_region=eu-west-1\nsso_start_url=https://x\n[services s]\niot =\n"
               "  endpoint_url = https://a\nflat = b\n[profile s]\nregion=r\n[services s ]\nsts =\n  "
               "endpoint_url = c\n",
               0644);
    home_write(state, "credentials", "[services s]\nregion=no\n[sso-session x]\nregion=no\n", 0600);
    struct profiles *profiles = profiles_load(&err);
    assert_non_null(profiles);
    assert_string_equal(profiles_section(profiles, PROFILES_SSO_SESSION, "s", "sso_region"), "eu-west-1");
    assert_null(profiles_section(profiles, PROFILES_SSO_SESSION, "s", "region"));
    assert_false(profiles_has_section(profiles, PROFILES_SSO_SESSION, "x"));
    assert_true(profiles_has_section(profiles, PROFILES_SERVICES, "s"));
    assert_null(
        profiles_nested(profiles, PROFILES_SERVICES, "s", "iot", "endpoint_url")); /* the later one counts */
    assert_string_equal(profiles_nested(profiles, PROFILES_SERVICES, "s", "sts", "endpoint_url"), "c");
    assert_null(profiles_section(profiles, PROFILES_SERVICES, "s", "sts")); /* a map is no value */
    assert_string_equal(profiles_get(profiles, "services s", "region"), "no");
    profiles_free(profiles);
}

static void the_credentials_file_wins_key_by_key(void **state)
{
    struct err err;
    home_write(state, "config", "[profile p]\nregion=r1\noutput=json\nm =\n  a = 1\n", 0644);
    home_write(state, "credentials", "[DEFAULT]\noutput=text\n[p]\nregion=r2\nm =\n  b = 2\n", 0600);
    struct profiles *profiles = profiles_load(&err);
    assert_string_equal(profiles_get(profiles, "p", "region"), "r2");
    assert_non_null(strstr(profiles_origin(profiles, "p", "region"), "/credentials"));
    assert_string_equal(profiles_get(profiles, "p", "output"), "text");
    assert_string_equal(profiles_nested(profiles, PROFILES_PROFILE, "p", "m", "b"), "2");
    assert_null(profiles_nested(profiles, PROFILES_PROFILE, "p", "m", "a")); /* one map replaces the other */
    assert_null(profiles_get(profiles, "p", "m"));
    assert_null(profiles_origin(profiles, "p", "m"));
    profiles_free(profiles);
}

static void paths_are_expanded(void **state)
{
    static const char *const good[] = {"~/.aws/c", "$HOME/.aws/c", "${HOME}/.aws/c", "${HOME}/.$DIR/c",
                                       "$TILDE/.aws/c"}; /* botocore replaces variables first */
    static const char *const odd[] = {"$/.aws/c", "${HOME/.aws/c", "$NOSUCH/c", "/dev/null", "~x/c"};
    struct err err;
    setenv("DIR", "aws", 1);
    setenv("TILDE", "~", 1);
    home_write(state, "c", "[default]\nregion=r\n", 0644);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        setenv("AWS_CONFIG_FILE", good[i], 1);
        struct profiles *profiles = profiles_load(&err);
        assert_non_null(profiles);
        assert_string_equal(profiles_get(profiles, "default", "region"), "r");
        profiles_free(profiles);
    }
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        setenv("AWS_CONFIG_FILE", odd[i], 1);
        struct profiles *profiles = profiles_load(&err);
        assert_non_null(profiles); /* as if it were not there */
        assert_string_equal(profiles_config_path(profiles), odd[i]);
        assert_false(profiles_has(profiles, "default"));
        profiles_free(profiles);
    }
}

static void a_malformed_file_can_be_told_in_the_words_of_the_aws_cli(void **state)
{
    struct err err;
    char expected[192];
    home_write(state, "config", "garbage\n[profile a\n", 0644);
    assert_null(profiles_load(&err));
    assert_int_equal(err.code, ERR_SYNTAX);
    assert_non_null(strstr(err.msg, "/.aws/config:1: text before"));
    profiles_reword(NULL, &err);
    assert_int_equal(err.code, ERR_SYNTAX);
    snprintf(expected, sizeof expected, "Unable to parse config file: %s/.aws/config", (char *)*state);
    assert_string_equal(err.msg, expected);
    home_write(state, "config", "", 0644);
    home_write(state, "credentials", "[a]\nx\n", 0600);
    assert_null(profiles_load_settings(NULL, &err));
    profiles_reword(NULL, &err);
    snprintf(expected, sizeof expected, "Unable to parse config file: %s/.aws/credentials", (char *)*state);
    assert_string_equal(err.msg, expected);
    err_set(&err, ERR_NOT_FOUND, "x");
    profiles_reword(NULL, &err);
    assert_string_equal(err.msg, "x");
}

static void settings_may_be_read_from_an_open_file_but_no_secrets(void **state)
{
    struct err err;
    home_write(state, "credentials", "[default]\nregion=r\naws_secret_access_key=s\n", 0644);
    assert_null(profiles_load(&err));
    struct profiles *profiles = profiles_load_settings(NULL, &err);
    assert_non_null(profiles);
    assert_string_equal(profiles_get(profiles, "default", "region"), "r");
    assert_int_equal(profiles_reveal(profiles, "default", "aws_secret_access_key", &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_string_equal(profiles_get(profiles, "default", "aws_secret_access_key"), "");
    profiles_free(profiles);
}

/* Sets when it was last written. */
static void age_config(void **state, int seconds)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL) - seconds}};
    char path[128];
    snprintf(path, sizeof path, "%s/.aws/config", (char *)*state);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_version_of_a_file_is_parsed_once_for_all_who_read_it(void **state)
{
    struct err err;
    (void)state;
    setenv("AWS_CONFIG_FILE", "tests/fuzz/corpus/ini/plain", 1); /* older than this test, by all its times */
    struct profiles *first = profiles_load(&err);
    struct profiles *second = profiles_load_settings(NULL, &err);
    const char *kept = profiles_get(first, "fleet", "region");
    assert_non_null(kept);
    assert_ptr_equal(profiles_get(second, "fleet", "region"), kept);
    profiles_free(first);
    profiles_free(second);
    struct profiles *third = profiles_load(&err);
    assert_ptr_equal(profiles_get(third, "fleet", "region"), kept);
    profiles_free(third);
}

static void what_is_written_to_a_file_is_seen_by_the_next_who_reads_it(void **state)
{
    static const char *const values[] = {"r1", "r2", "r3"}; /* of one size */
    char text[64];
    struct err err;
    struct profiles *held[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "[profile a]\nregion=%s\n", values[i]);
        home_write(state, "config", text, 0644);
        if (i > 0) {
            age_config(state, 60); /* to the times of the version before, as far as a program can */
        }
        held[i] = profiles_load(&err);
        assert_non_null(held[i]);
        assert_string_equal(profiles_get(held[i], "a", "region"), values[i]);
    }
    for (int i = 0; i < 3; i++) { /* who has read an older one goes on with it */
        assert_string_equal(profiles_get(held[i], "a", "region"), values[i]);
        profiles_free(held[i]);
    }
}

static void versions_that_are_too_young_to_be_told_apart_are_read_anew(void **state)
{
    static const int ages_s[] = {0, 60}; /* the times of the second were set just now */
    struct err err;
    for (size_t i = 0; i < sizeof ages_s / sizeof ages_s[0]; i++) {
        home_write(state, "config", "[profile a]\nregion=r1\n", 0644);
        age_config(state, ages_s[i]);
        struct profiles *first = profiles_load(&err), *second = profiles_load(&err);
        assert_ptr_not_equal(profiles_get(first, "a", "region"), profiles_get(second, "a", "region"));
        profiles_free(first);
        profiles_free(second);
    }
}

static void secrets_are_left_out_until_they_are_asked_for(void **state)
{
    struct err err;
    home_write(state, "credentials",
               "[DEFAULT]\naws_session_token=t0\n[a]\naws_access_key_id=A\naws_secret_access_key=s1\n"
               "[b]\naws_secret_access_key=\n  x = y\n",
               0600);
    home_write(state, "config", "[profile a]\naws_session_token=t1\nregion=r\n", 0600);
    struct profiles *profiles = profiles_load(&err), *other = profiles_load(&err);
    assert_string_equal(profiles_get(profiles, "a", "aws_access_key_id"), "A");
    assert_string_equal(profiles_get(profiles, "a", "aws_secret_access_key"), "");
    assert_string_equal(profiles_get(profiles, "a", "aws_session_token"), "");
    assert_null(profiles_get(profiles, "b", "aws_secret_access_key")); /* a map still */
    assert_null(profiles_nested(profiles, PROFILES_PROFILE, "b", "aws_secret_access_key", "x"));
    assert_int_equal(profiles_reveal(profiles, "a", "aws_access_key_id", &err), 0);
    assert_string_equal(profiles_get(profiles, "a", "aws_secret_access_key"), "s1");
    assert_string_equal(profiles_get(profiles, "a", "aws_session_token"), "t0");
    assert_string_equal(profiles_get(profiles, "a", "region"), "r");
    assert_string_equal(profiles_get(other, "a", "aws_secret_access_key"), "");
    assert_int_equal(profiles_reveal(other, "a", "nosuch", &err), 0);
    profiles_free(profiles);
    profiles_free(other);
}

static void a_file_that_is_gone_when_its_secrets_are_asked_for_is_empty(void **state)
{
    struct err err;
    char path[128];
    home_write(state, "credentials", "[a]\naws_access_key_id=A\naws_secret_access_key=s1\n", 0600);
    struct profiles *profiles = profiles_load(&err);
    snprintf(path, sizeof path, "%s/.aws/credentials", (char *)*state);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(profiles_reveal(profiles, "a", "aws_access_key_id", &err), 0);
    assert_null(profiles_get(profiles, "a", "aws_access_key_id"));
    assert_false(profiles_has(profiles, "a"));
    profiles_free(profiles);
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, home_start, home_stop)

static const struct CMUnitTest tests[] = {
    HOME_TEST(profiles_are_found_by_the_names_of_each_file),
    HOME_TEST(the_later_of_two_default_sections_counts),
    HOME_TEST(missing_files_are_empty_and_odd_ones_are_refused),
    HOME_TEST(names_are_split_as_a_shell_splits_them),
    HOME_TEST(other_sections_have_names_of_their_own),
    HOME_TEST(the_credentials_file_wins_key_by_key),
    HOME_TEST(paths_are_expanded),
    HOME_TEST(a_malformed_file_can_be_told_in_the_words_of_the_aws_cli),
    HOME_TEST(settings_may_be_read_from_an_open_file_but_no_secrets),
    HOME_TEST(a_version_of_a_file_is_parsed_once_for_all_who_read_it),
    HOME_TEST(what_is_written_to_a_file_is_seen_by_the_next_who_reads_it),
    HOME_TEST(versions_that_are_too_young_to_be_told_apart_are_read_anew),
    HOME_TEST(secrets_are_left_out_until_they_are_asked_for),
    HOME_TEST(a_file_that_is_gone_when_its_secrets_are_asked_for_is_empty),
};

TAP_MAIN(tests)
