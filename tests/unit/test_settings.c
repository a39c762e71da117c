/* Settings: what wins over what, and what is refused. Each test's environment is a list of its own; its files
 * are in a home of its own. */
#include "home.h"
#include "tap.h"

#include "aws/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLES_MAX 8

/* "NAME=value" */
struct list {
    const char *variables[VARIABLES_MAX];
};

static const char *from_list(void *ctx, const char *name)
{
    const struct list *list = ctx;
    size_t length = strlen(name);
    for (int i = 0; i < VARIABLES_MAX && list->variables[i] != NULL; i++) {
        if (strncmp(list->variables[i], name, length) == 0 && list->variables[i][length] == '=') {
            return list->variables[i] + length + 1;
        }
    }
    return strcmp(name, "HOME") == 0 ? getenv(name) : NULL;
}

struct world {
    struct list list;
    struct environment env;
    struct settings *settings;
};

/* Loads what these variables and the files say. */
static struct settings *load(struct world *world, const char *profile, const struct list *list)
{
    struct err err;
    world->list = *list;
    world->env = (struct environment){.get = from_list, .ctx = &world->list};
    world->settings = settings_load(&world->env, profile, &err);
    if (world->settings == NULL) {
        fail_msg("%s", err.msg);
    }
    return world->settings;
}

static void assert_value(struct world *world, enum setting setting, const char *value, const char *where)
{
    const char *found_where;
    const char *found = settings_get(world->settings, setting, &found_where);
    if (value == NULL) {
        assert_null(found);
        assert_null(found_where);
        return;
    }
    assert_non_null(found);
    assert_string_equal(found, value);
    assert_non_null(strstr(found_where, where)); /* the end of a path, or the variable */
}

#define LIST(...) (&(const struct list){{__VA_ARGS__}})

static void the_profile_is_named_by_the_caller_or_by_variables(void **state)
{
    static const struct {
        const char *given;
        struct list list;
        const char *expected;
    } cases[] = {
        {NULL, {{NULL}}, "default"},
        {NULL, {{"AWS_DEFAULT_PROFILE=b"}}, "b"},
        {NULL, {{"AWS_DEFAULT_PROFILE=b", "AWS_PROFILE=a"}}, "a"},
        {NULL, {{"AWS_DEFAULT_PROFILE=b", "AWS_PROFILE="}}, "b"},
        {"b", {{"AWS_PROFILE=a"}}, "b"},
    };
    home_write(state, "config", "[profile a]\n[profile b]\n", 0644);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        load(&world, cases[i].given, &cases[i].list);
        assert_string_equal(settings_profile(world.settings), cases[i].expected);
        assert_true(profiles_has(settings_profiles(world.settings), "a"));
        settings_free(world.settings);
    }
}

static void a_profile_that_is_named_must_exist(void **state)
{
    struct list list = {{"AWS_PROFILE=nosuch"}};
    const struct environment env = {.get = from_list, .ctx = &list};
    struct err err;
    (void)state;
    assert_null(settings_load(&env, NULL, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg, "The config profile (nosuch) could not be found");
    assert_null(settings_load(&env, "default", &err));
    assert_string_equal(err.msg, "The config profile (default) could not be found");
    list = (struct list){{NULL}};
    struct settings *settings = settings_load(&env, NULL, &err);
    assert_non_null(settings);
    settings_free(settings);
}

static void variables_come_before_the_profile(void **state)
{
    struct world world;
    home_write(
        state, "config",
        "[default]\nregion=r-0\nca_bundle=/c0\nretry_mode=adaptive\nmax_attempts=7\nuse_fips_endpoint=TRUE\n"
        "use_dualstack_endpoint=yes\n",
        0644);
    load(&world, NULL, LIST("REQUESTS_CA_BUNDLE=/r"));
    assert_value(&world, SETTING_REGION, "r-0", "/.aws/config");
    assert_value(&world, SETTING_CA_BUNDLE, "/c0", "/.aws/config");
    assert_true(settings_is_true(world.settings, SETTING_USE_FIPS));
    assert_false(
        settings_is_true(world.settings, SETTING_USE_DUAL_STACK)); /* "true" is the one word for it */
    assert_false(settings_is_true(world.settings, SETTING_IGNORE_ENDPOINT_URLS));
    settings_free(world.settings);

    load(&world, NULL,
         LIST("AWS_DEFAULT_REGION=r-1", "AWS_CA_BUNDLE=/c1", "AWS_USE_FIPS_ENDPOINT=false",
              "AWS_USE_DUALSTACK_ENDPOINT=True"));
    assert_value(&world, SETTING_REGION, "r-1", "AWS_DEFAULT_REGION");
    assert_value(&world, SETTING_CA_BUNDLE, "/c1", "AWS_CA_BUNDLE");
    assert_false(settings_is_true(world.settings, SETTING_USE_FIPS));
    assert_true(settings_is_true(world.settings, SETTING_USE_DUAL_STACK));
    settings_free(world.settings);

    load(&world, NULL, LIST("AWS_DEFAULT_REGION=r-1", "AWS_REGION=r-2", "AWS_CA_BUNDLE="));
    assert_value(&world, SETTING_REGION, "r-2", "AWS_REGION");
    assert_value(&world, SETTING_CA_BUNDLE, "/c0", "/.aws/config");
    settings_free(world.settings);

    home_write(state, "config", "[default]\nregion=\n", 0644);
    load(&world, NULL, LIST("REQUESTS_CA_BUNDLE=/r"));
    assert_value(&world, SETTING_REGION, NULL, NULL);
    assert_value(&world, SETTING_CA_BUNDLE, "/r", "REQUESTS_CA_BUNDLE");
    settings_free(world.settings);
}

static void the_region_is_looked_for_in_order(void **state)
{
    struct settings_region region;
    struct world world;
    struct err err;
    home_write(state, "config",
               "[default]\nregion=r-0\n[profile p]\nregion=fips-us-east-1\n[profile bad]\nregion=r 1\n",
               0644);
    load(&world, NULL, LIST(NULL));
    assert_int_equal(settings_region(world.settings, NULL, &region, &err), 0);
    assert_string_equal(region.name, "r-0");
    assert_false(region.fips);
    assert_int_equal(settings_region(world.settings, "r-9", &region, &err), 0);
    assert_string_equal(region.name, "r-9");
    assert_null(region.where);
    settings_free(world.settings);

    load(&world, "p", LIST(NULL));
    assert_int_equal(settings_region(world.settings, NULL, &region, &err), 0);
    assert_string_equal(region.name, "us-east-1");
    assert_true(region.fips);
    settings_free(world.settings);

    load(&world, "bad", LIST(NULL));
    assert_int_equal(settings_region(world.settings, NULL, &region, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_non_null(strstr(region.where, "/.aws/config"));
    settings_free(world.settings);

    home_write(state, "config", "", 0644);
    load(&world, NULL, LIST(NULL));
    assert_int_equal(settings_region(world.settings, NULL, &region, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_string_equal(err.msg,
                        "You must specify a region. You can also configure your region by running \"aws "
                        "configure\".");
    assert_null(region.where);
    settings_free(world.settings);
    assert_int_equal(settings_region(NULL, NULL, &region, &err), -1);
    assert_int_equal(settings_region(NULL, "us east", &region, &err), -1);
    assert_string_equal(err.msg, "Provided region_name 'us east' doesn't match a supported format.");
}

/* --- endpoints
 * ----------------------------------------------------------------------------------------------- */

#define SERVICES                                                                                             \
    "[services s]\niot =\n  endpoint_url = https://si\nsso_oidc =\n  endpoint_url = https://so\nsts =\n  "   \
    "other = 1\n"

static void assert_endpoint(void **state, const char *config, const struct list *list, const char *service,
                            const char *explicit_url, const char *expected, const char *where)
{
    const struct settings_region region = {.name = "eu-west-1"};
    struct settings_endpoint endpoint;
    struct world world;
    struct err err = {0};
    home_write(state, "config", config, 0644);
    load(&world, NULL, list);
    int result = settings_endpoint(world.settings, service, &region, explicit_url, &endpoint, &err);
    if (result != 0) {
        assert_string_equal(err.msg, expected);
        assert_int_equal(err.code, ERR_INVALID);
    } else {
        assert_string_equal(endpoint.url, expected);
        assert_true((where == NULL) == (endpoint.where == NULL));
        assert_true(where == NULL || strstr(endpoint.where, where) != NULL);
    }
    settings_free(world.settings);
}

static void the_address_of_a_service_is_looked_for_in_order(void **state)
{
    static const char both[] = "[default]\nservices = s\nendpoint_url = https://p\n" SERVICES;
    static const char regional[] = "https://iot.eu-west-1.amazonaws.com";
    const struct list *nothing = LIST(NULL);
    assert_endpoint(state, "", nothing, "iot", NULL, regional, NULL);
    assert_endpoint(state, "[default]\nendpoint_url = https://p\n", nothing, "iot", NULL, "https://p",
                    "/config");
    assert_endpoint(state, both, nothing, "iot", NULL, "https://si", "/config");
    assert_endpoint(state, both, nothing, "sso-oidc", NULL, "https://so", "/config");
    assert_endpoint(state, both, nothing, "sts", NULL, "https://p", "/config");
    assert_endpoint(state, both, nothing, "sso", NULL, "https://p", "/config");
    assert_endpoint(state, both, LIST("AWS_ENDPOINT_URL=https://e"), "iot", NULL, "https://e",
                    "AWS_ENDPOINT_URL");
    assert_endpoint(state, both, LIST("AWS_ENDPOINT_URL=https://e", "AWS_ENDPOINT_URL_IOT=https://i"), "iot",
                    NULL, "https://i", "AWS_ENDPOINT_URL_IOT");
    assert_endpoint(state, both, LIST("AWS_ENDPOINT_URL=https://e", "AWS_ENDPOINT_URL_IOT=https://i"), "sts",
                    NULL, "https://e", "AWS_ENDPOINT_URL");
    assert_endpoint(state, both,
                    LIST("AWS_ENDPOINT_URL_SSO_OIDC=https://o", "AWS_ENDPOINT_URL_SSO=https://s"), "sso-oidc",
                    NULL, "https://o", "AWS_ENDPOINT_URL_SSO_OIDC");
    assert_endpoint(state, both, LIST("AWS_ENDPOINT_URL_IOT=https://i"), "iot", "https://x", "https://x",
                    NULL);
    assert_endpoint(state, both, LIST("AWS_ENDPOINT_URL_IOT=", "AWS_ENDPOINT_URL="), "iot", NULL,
                    "https://si", "/config");
}

static void configured_addresses_may_be_ignored_but_not_explicit_ones(void **state)
{
    static const char config[] = "[default]\nservices = nosuch\nendpoint_url = https://p\n"
                                 "ignore_configured_endpoint_urls = true\n";
    static const char regional[] = "https://iot.eu-west-1.amazonaws.com";
    const struct list *nothing = LIST(NULL);
    assert_endpoint(state, config, nothing, "iot", NULL, regional, NULL);
    assert_endpoint(state, config, LIST("AWS_ENDPOINT_URL=https://e"), "iot", NULL, regional, NULL);
    assert_endpoint(state, config, nothing, "iot", "https://x", "https://x", NULL);
    assert_endpoint(state, config,
                    LIST("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "AWS_ENDPOINT_URL=https://e"), "iot",
                    NULL, "https://e", "AWS_ENDPOINT_URL");
    assert_endpoint(state, "",
                    LIST("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=True", "AWS_ENDPOINT_URL_IOT=https://i"), "iot",
                    NULL, regional, NULL);
}

static void a_services_section_must_exist(void **state)
{
    static const char missing[] =
        "The profile is configured to use the services section but the \"nosuch\" services "
        "configuration does not exist.";
    static const char config[] = "[default]\nservices = nosuch\nendpoint_url = https://p\n";
    assert_endpoint(state, config, LIST(NULL), "iot", NULL, missing, NULL);
    assert_endpoint(state, "[default]\nservices = nosuch\n[services nosuch]\n", LIST(NULL), "iot", NULL,
                    missing, NULL);
    assert_endpoint(state, config, LIST("AWS_ENDPOINT_URL=https://e"), "iot", NULL, "https://e",
                    "AWS_ENDPOINT_URL");
}

static void contradictions_are_refused(void **state)
{
    static const char fips[] = "Invalid Configuration: FIPS and custom endpoint are not supported";
    static const char dual[] = "Invalid Configuration: Dualstack and custom endpoint are not supported";
    const struct list *both = LIST("AWS_USE_FIPS_ENDPOINT=true", "AWS_USE_DUALSTACK_ENDPOINT=true");
    assert_endpoint(state, "", both, "iot", NULL, "https://iot-fips.eu-west-1.api.aws", NULL);
    assert_endpoint(state, "", both, "iot", "https://x", fips, NULL);
    assert_endpoint(state, "[default]\nendpoint_url = https://p\n", both, "iot", NULL, fips, NULL);
    assert_endpoint(state, "[default]\nuse_dualstack_endpoint = true\n", LIST("AWS_ENDPOINT_URL=https://e"),
                    "iot", NULL, dual, NULL);
    assert_endpoint(state, "[default]\nuse_fips_endpoint = true\n", LIST("AWS_USE_FIPS_ENDPOINT=false"),
                    "iot", "https://x", "https://x", NULL);
}

/* --- retries
 * ------------------------------------------------------------------------------------------------- */

static void retries_are_read_and_checked(void **state)
{
    static const char attempts[] =
        "Value provided to \"max_attempts\": %s must be an integer greater than or equal to one.";
    static const struct {
        const char *mode, *attempts;
        bool adaptive;
        int number; /* 0: refused */
    } cases[] = {
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=1", false, 1},
        {"AWS_RETRY_MODE=adaptive", "AWS_MAX_ATTEMPTS= +12 ", true, 12},
        {"AWS_RETRY_MODE=", "AWS_MAX_ATTEMPTS=", false, 3},
        {"AWS_RETRY_MODE=bogus", "AWS_MAX_ATTEMPTS=1", false, 0},
        {"AWS_RETRY_MODE=legacy", "AWS_MAX_ATTEMPTS=1", false, 0},
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=0", false, 0},
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=-3", false, 0},
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=1.5", false, 0},
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=-", false, 0},
        {"AWS_RETRY_MODE=standard", "AWS_MAX_ATTEMPTS=99999999999999999999", false, 2147483647},
    };
    char expected[128];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct settings_retries retries;
        struct world world;
        struct err err;
        load(&world, NULL, LIST(cases[i].mode, cases[i].attempts));
        assert_int_equal(settings_retries(world.settings, &retries, &err), cases[i].number > 0 ? 0 : -1);
        if (cases[i].number > 0) {
            assert_int_equal(retries.max_attempts, cases[i].number);
            assert_int_equal(retries.adaptive, cases[i].adaptive);
        } else if (strstr(cases[i].mode, "standard") == NULL) {
            snprintf(
                expected, sizeof expected,
                "Invalid value provided to \"mode\": \"%s\" must be one of: \"standard\" or \"adaptive\"",
                strchr(cases[i].mode, '=') + 1);
            assert_string_equal(err.msg, expected);
        }
        settings_free(world.settings);
    }
    struct settings_retries retries;
    struct world world;
    struct err err;
    home_write(state, "config", "[default]\nmax_attempts = 0\n", 0644);
    load(&world, NULL, LIST(NULL));
    assert_int_equal(settings_retries(world.settings, &retries, &err), -1);
    snprintf(expected, sizeof expected, attempts, "0");
    assert_string_equal(err.msg, expected);
    settings_free(world.settings);
}

#define HOME_TEST(test) cmocka_unit_test_setup_teardown(test, home_start, home_stop)

static const struct CMUnitTest tests[] = {
    HOME_TEST(the_profile_is_named_by_the_caller_or_by_variables),
    HOME_TEST(a_profile_that_is_named_must_exist),
    HOME_TEST(variables_come_before_the_profile),
    HOME_TEST(the_region_is_looked_for_in_order),
    HOME_TEST(the_address_of_a_service_is_looked_for_in_order),
    HOME_TEST(configured_addresses_may_be_ignored_but_not_explicit_ones),
    HOME_TEST(a_services_section_must_exist),
    HOME_TEST(contradictions_are_refused),
    HOME_TEST(retries_are_read_and_checked),
};

TAP_MAIN(tests)
