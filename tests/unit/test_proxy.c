/* Which proxy of the environment an address is asked through. Python's urllib is asked the same in
 * tests/e2e/settings_oracle.py. */
#include "tap.h"

#include "../../daemon/net/proxy.h"

#include <string.h>

#define TLS "https://iot.eu-west-1.amazonaws.com"

/* environ is not const either. */
static void find(const char *const *environment, const struct url *url, struct buf *proxy)
{
    proxy_find((char *const *)(uintptr_t)environment, url, proxy);
}

static void the_proxy_is_chosen_as_urllib_chooses_it(void **state)
{
    static const struct {
        const char *environment[5];
        const char *url, *proxy;
    } table[] = {
        {{NULL}, TLS, ""},
        {{"https_proxy=http://p:1"}, TLS, "http://p:1"},
        {{"HTTPS_PROXY=http://p:1"}, TLS, "http://p:1"},
        {{"http_proxy=http://p:1", "all_proxy=http://p:1", "xhttps_proxy=x", "https_proxyx=x"}, TLS, ""},
        {{"HTTPS_PROXY=http://p:1", "https_proxy=http://p:2"}, TLS, "http://p:2"},
        {{"https_proxy=http://p:2", "HTTPS_PROXY=http://p:1"}, TLS, "http://p:2"},
        {{"https_proxy=", "HTTPS_PROXY=http://p:1"}, TLS, ""},
        {{"HTTPS_PROXY=", "https_proxy=http://p:2"}, TLS, "http://p:2"},
        {{"https_proxy=p:1"}, TLS, "http://p:1"},
        {{"https_proxy=//p:1"}, TLS, "http://p:1"},
        {{"https_proxy=user:a://b@p:1"}, TLS, "http://user:a://b@p:1"},
        {{"https_proxy=https://p"}, TLS, "https://p"},
        {{"https_proxy=p", "no_proxy=amazonaws.com"}, TLS, ""},
        {{"https_proxy=p", "no_proxy= x , .AmazonAWS.com "}, TLS, ""},
        {{"https_proxy=p", "no_proxy=zonaws.com"}, TLS, "http://p"},
        {{"https_proxy=p", "no_proxy=*.amazonaws.com"}, TLS, "http://p"},
        {{"https_proxy=p", "no_proxy=*"}, TLS, ""},
        {{"https_proxy=p", "no_proxy=*,x"}, TLS, "http://p"},
        {{"https_proxy=p", "no_proxy=,. ,"}, TLS, "http://p"},
        {{"https_proxy=p", "NO_PROXY=amazonaws.com", "no_proxy="}, TLS, "http://p"},
        {{"https_proxy=p", "no_proxy=h:8443"}, "https://h:8443", ""},
        {{"https_proxy=p", "no_proxy=h"}, "https://h:8443", ""},
        {{"https_proxy=p", "no_proxy=h:8444"}, "https://h:8443", "http://p"},
        {{"https_proxy=p", "no_proxy=10.0.0.0/8"}, "https://10.0.0.1", "http://p"},
        {{"https_proxy=p", "no_proxy=[2001:db8::1]"}, "https://[2001:db8::1]:8443", ""},
        {{"https_proxy=p"}, "https://127.0.0.1", ""},
        {{"https_proxy=p"}, "https://localhost", ""},
        {{"https_proxy=p"}, "https://169.254.169.254", ""},
        {{"https_proxy=p"}, "https://[fd00:ec2::254]", ""},
        {{"https_proxy=p"}, "https://[fd00:ec3::254]", "http://p"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct url url;
        struct err err;
        struct buf proxy;
        buf_init_secret(&proxy, 64);
        assert_int_equal(url_parse(table[i].url, false, &url, &err), 0);
        find(table[i].environment, &url, &proxy);
        if (strcmp(buf_string(&proxy), table[i].proxy) != 0) {
            fail_msg("row %zu: '%s' is not '%s'", i, buf_string(&proxy), table[i].proxy);
        }
        buf_finish(&proxy);
    }
}

static void a_cgi_program_does_not_believe_a_variable_that_a_client_can_set(void **state)
{
    static const char *const environment[] = {"REQUEST_METHOD=GET", "HTTP_PROXY=evil", NULL};
    static const char *const own[] = {"REQUEST_METHOD=GET", "HTTP_PROXY=evil", "http_proxy=good", NULL};
    struct url url = {.authority = "h"};
    struct buf proxy;
    (void)state;
    buf_init(&proxy, 64);
    find(environment, &url, &proxy);
    assert_string_equal(buf_string(&proxy), "");
    find(environment + 1, &url, &proxy);
    assert_string_equal(buf_string(&proxy), "http://evil");
    buf_reset(&proxy);
    find(own, &url, &proxy);
    assert_string_equal(buf_string(&proxy), "http://good");
    buf_finish(&proxy);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_proxy_is_chosen_as_urllib_chooses_it),
    cmocka_unit_test(a_cgi_program_does_not_believe_a_variable_that_a_client_can_set),
};

TAP_MAIN(tests)
