/* From regions to addresses. botocore's own rules are asked the same in tests/e2e/settings_oracle.py. */
#include "tap.h"

#include "aws/endpoint.h"

#include <stdio.h>
#include <string.h>

static void each_partition_has_its_hosts(void **state)
{
    enum { PLAIN, FIPS, DUAL, BOTH };
    static const struct {
        const char *service, *region;
        int kind;
        const char *host;
    } cases[] = {
        {"iot", "eu-west-1", PLAIN, "iot.eu-west-1.amazonaws.com"},
        {"iot", "us-east-1", FIPS, "iot-fips.us-east-1.amazonaws.com"},
        {"iot", "us-east-1", DUAL, "iot.us-east-1.api.aws"},
        {"iot", "us-east-1", BOTH, "iot-fips.us-east-1.api.aws"},
        {"iot", "us-gov-west-1", PLAIN, "iot.us-gov-west-1.amazonaws.com"},
        {"iot", "us-gov-west-1", FIPS, "iot-fips.us-gov-west-1.amazonaws.com"},
        {"sts", "us-gov-west-1", FIPS, "sts.us-gov-west-1.amazonaws.com"},
        {"sts", "us-gov-west-1", BOTH, "sts-fips.us-gov-west-1.api.aws"},
        {"sts", "us-west-2", FIPS, "sts-fips.us-west-2.amazonaws.com"},
        {"sts", "us-east-1", PLAIN, "sts.us-east-1.amazonaws.com"},
        {"sso", "eu-north-1", PLAIN, "portal.sso.eu-north-1.amazonaws.com"},
        {"sso", "us-gov-east-1", FIPS, "portal.sso.us-gov-east-1.amazonaws.com"},
        {"service-quotas", "eu-north-1", PLAIN, "servicequotas.eu-north-1.amazonaws.com"},
        {"sso-oidc", "eu-north-1", FIPS, "oidc-fips.eu-north-1.amazonaws.com"},
        {"iot", "cn-north-1", PLAIN, "iot.cn-north-1.amazonaws.com.cn"},
        {"iot", "cn-north-1", DUAL, "iot.cn-north-1.api.amazonwebservices.com.cn"},
        {"iot", "us-iso-east-1", PLAIN, "iot.us-iso-east-1.c2s.ic.gov"},
        {"iot", "us-isob-east-1", PLAIN, "iot.us-isob-east-1.sc2s.sgov.gov"},
        {"iot", "eu-isoe-west-1", PLAIN, "iot.eu-isoe-west-1.cloud.adc-e.uk"},
        {"iot", "us-isof-south-1", BOTH, "iot-fips.us-isof-south-1.api.aws.hci.ic.gov"},
        {"iot", "eusc-de-east-1", PLAIN, "iot.eusc-de-east-1.amazonaws.eu"},
        {"iot", "aws-cn-global", PLAIN, "iot.aws-cn-global.amazonaws.com.cn"},
        {"iot", "mars-north-9", PLAIN, "iot.mars-north-9.amazonaws.com"},
        {"iot", "cn-north", PLAIN, "iot.cn-north.amazonaws.com"}, /* no region of China: no number */
        {"iot", "cn-north-1a", PLAIN, "iot.cn-north-1a.amazonaws.com"},
        {"iot", "cn--1", PLAIN, "iot.cn--1.amazonaws.com"},
        {"iot", "eusc-fr-west-1", PLAIN, "iot.eusc-fr-west-1.amazonaws.com"},
    };
    char url[ENDPOINT_URL_MAX], expected[ENDPOINT_URL_MAX];
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct endpoint_query query = {.service = cases[i].service,
                                             .region = cases[i].region,
                                             .fips = cases[i].kind == FIPS || cases[i].kind == BOTH,
                                             .dual_stack = cases[i].kind == DUAL || cases[i].kind == BOTH};
        snprintf(expected, sizeof expected, "https://%s", cases[i].host);
        assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), 0);
        assert_string_equal(url, expected);
    }
}

static void an_address_that_does_not_fit_is_an_error(void **state)
{
    const struct endpoint_query query = {.service = "iot", .region = "eu-west-1"};
    char url[10];
    struct err err;
    (void)state;
    assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
}

static void a_configured_address_contradicts_fips_and_dual_stack(void **state)
{
    struct endpoint_query query = {
        .service = "iot", .region = "eu-west-1", .url = "http://localhost:1/x?y=z"};
    char url[ENDPOINT_URL_MAX];
    struct err err;
    (void)state;
    assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), 0);
    assert_string_equal(url, query.url);
    query.dual_stack = true;
    assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_string_equal(err.msg, "Invalid Configuration: Dualstack and custom endpoint are not supported");
    query.fips = true;
    assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), -1);
    assert_string_equal(err.msg, "Invalid Configuration: FIPS and custom endpoint are not supported");
    query = (struct endpoint_query){.service = "iot", .region = "us east", .url = "http://localhost"};
    assert_int_equal(endpoint_resolve(&query, url, sizeof url, &err), -1); /* it is signed with */
}

static void a_region_is_a_label_of_a_host_name(void **state)
{
    static const char *const bad[] = {"",    "us east",   "us.east",           "-us",      "us-",
                                      "123", "US-EAST-1", "us_east-1",         "\xc3\xa9", "a/b",
                                      "a@b", "a\nb",      "eu-west-1.evil.com"};
    char long_one[70] = "";
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(endpoint_check_region(bad[i], &err), -1);
        assert_int_equal(err.code, ERR_INVALID);
    }
    endpoint_check_region("us east", &err);
    assert_string_equal(err.msg, "Provided region_name 'us east' doesn't match a supported format.");
    memset(long_one, 'a', 63);
    assert_int_equal(endpoint_check_region(long_one, &err), 0);
    long_one[63] = 'a';
    assert_int_equal(endpoint_check_region(long_one, &err), -1);
    assert_int_equal(endpoint_check_region("eu-west-1", &err), 0);
}

static void pseudo_regions_ask_for_fips(void **state)
{
    static const struct {
        const char *given, *name;
        bool fips;
    } cases[] = {
        {"us-east-1", "us-east-1", false},
        {"fips-us-east-1", "us-east-1", true},
        {"us-east-1-fips", "us-east-1", true},
        {"us-fips-east-1", "us-east-1", true},
        {"fips", "fips", false},
        {"fips-fips-a", "a", true},
    };
    char name[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(endpoint_strip_fips(cases[i].given, name), cases[i].fips);
        assert_string_equal(name, cases[i].name);
    }
}

static void a_zone_is_in_a_region(void **state)
{
    static const char *const cases[][2] = {
        {"us-east-1a", "us-east-1"},
        {"us-gov-west-1b", "us-gov-west-1"},
        {"ap-southeast-11c", "ap-southeast-11"},
        {"us-west-2-lax-1a", "us-west-2"}, /* a local zone */
        {"us-east-1-wl1-bos-wlz-1", "us-east-1"},
        {"eu-west-1", "eu-west-1"},
        {"nowherea", "nowhere"}, /* as the AWS CLI cuts it */
        {"x", ""},
        {"", ""},
        {"a--1b", "a--1"},
        {"abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz",
         "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghi"},
    };
    char region[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        endpoint_zone_region(cases[i][0], region);
        assert_string_equal(region, cases[i][1]);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_partition_has_its_hosts),
    cmocka_unit_test(an_address_that_does_not_fit_is_an_error),
    cmocka_unit_test(a_configured_address_contradicts_fips_and_dual_stack),
    cmocka_unit_test(a_region_is_a_label_of_a_host_name),
    cmocka_unit_test(pseudo_regions_ask_for_fips),
    cmocka_unit_test(a_zone_is_in_a_region),
};

TAP_MAIN(tests)
