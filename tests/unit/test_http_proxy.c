/* The HTTP client through proxies: when one is asked, that its password is in no message, and that a deletion
 * goes out once behind it too. */
#include "certificate.h"
#include "http_fixture.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR   3600L
#define SECRET "hunter2"

static struct authority authority;

/* Nothing of the user's proxies. */
static int clear(void **state)
{
    static const char *const names[] = {"https_proxy", "http_proxy", "no_proxy", "all_proxy",
                                        "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        unsetenv(names[i]);
    }
    return 0;
}

static void echo(struct peer *peer, const char *request)
{
    peer_answer(peer, 200, request);
}

static void set_proxy(const char *scheme, int port)
{
    char url[128];
    snprintf(url, sizeof(url), "%s://user:%s@127.0.0.1:%d", scheme, SECRET, port);
    setenv("https_proxy", url, 1);
    setenv("http_proxy", url, 1);
}

static void refuse_tunnel(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"user:" SECRET "@x\"\r\n"
                   "x-amzn-ErrorType: Forged\r\nContent-Length: 0\r\n\r\n");
}

static void close_tunnel(struct peer *peer, const char *request)
{
    (void)request;
    peer_close(peer);
}

static void a_proxy_that_refuses_means_not_sent_and_keeps_its_password(void **state)
{
    static const struct {
        const char *scheme;
        void (*script)(struct peer *, const char *);
        enum err_code code;
    } table[] = {
        {"http", refuse_tunnel, ERR_CONNECT},
        {"http", close_tunnel, ERR_CONNECT},
        {"bogus", close_tunnel, ERR_CONNECT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fixture fixture;
        struct ask ask;
        struct err err;
        fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
        fixture.server.on_request = table[i].script;
        set_proxy(table[i].scheme, fixture.server.port);
        fixture.origin = http_origin_create(fixture.client, "https://host.invalid", NULL, &err);
        ask_expect(&fixture, &ask, "DELETE", "/x", table[i].code);
        assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
        assert_int_equal(ask.request.status, 0);
        assert_string_equal(ask.request.error_type, "");
        assert_null(strstr(ask.request.err.msg, SECRET));
        ask_finish(&ask);
        fixture_close(&fixture);
    }
}

/* The proxy and the server behind it in one: after CONNECT the same connection speaks TLS. */
static struct {
    SSL_CTX *context;
    int tunnels, deletions;
    char connect[512]; /* the last CONNECT */
} proxied;

static bool open_tunnel(struct peer *peer, const char *request)
{
    if (strncmp(request, "CONNECT ", 8) != 0) {
        proxied.deletions += strncmp(request, "DELETE ", 7) == 0;
        return false;
    }
    proxied.tunnels++;
    snprintf(proxied.connect, sizeof(proxied.connect), "%s", request);
    peer_say(peer, "HTTP/1.1 200 Established\r\nx-amzn-ErrorType: Forged\r\n\r\n");
    peer_start_tls(peer, proxied.context);
    return true;
}

static void answer_through_tunnel(struct peer *peer, const char *request)
{
    if (!open_tunnel(peer, request)) {
        echo(peer, request);
    }
}

static void hang_up_on_the_second(struct peer *peer, const char *request)
{
    if (open_tunnel(peer, request)) {
        return;
    }
    if (strncmp(request, "DELETE ", 7) == 0) {
        peer_close(peer);
    } else {
        peer_answer(peer, 200, "{}");
    }
}

static void hang_up_half_way(struct peer *peer, const char *request)
{
    if (open_tunnel(peer, request)) {
        return;
    }
    peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
    peer_close(peer);
}

/* A client of https://host.invalid, which is only there behind the proxy that the environment names. */
static void open_proxied(struct fixture *fixture, void (*script)(struct peer *, const char *))
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct err err;
    memset(&proxied, 0, sizeof(proxied));
    proxied.context = authority_server(&authority, "host.invalid", HOUR);
    fixture_open(fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture->server.on_request = script;
    set_proxy("http", fixture->server.port);
    fixture->origin = http_origin_create(fixture->client, "https://host.invalid", &options, &err);
    assert_non_null(fixture->origin);
}

static void close_proxied(struct fixture *fixture)
{
    fixture_close(fixture);
    SSL_CTX_free(proxied.context);
}

static void a_request_through_a_proxy_is_answered_by_the_server_behind_it(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    open_proxied(&fixture, answer_through_tunnel);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_NONE);
    assert_string_equal(ask.request.error_type, "");
    assert_string_equal(buf_string(&ask.request.body_in),
                        "DELETE /x HTTP/1.1\r\nHost: host.invalid\r\nContent-Length: 0\r\n\r\n");
    ask_finish(&ask);
    assert_non_null(strstr(proxied.connect, "CONNECT host.invalid:443 "));
    assert_non_null(strstr(proxied.connect, "Proxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n"));
    close_proxied(&fixture);
}

static void a_deletion_through_a_proxy_goes_out_once(void **state)
{
    struct fixture fixture;
    struct http_stats stats;
    struct ask ask;
    (void)state;
    open_proxied(&fixture, hang_up_on_the_second);
    for (int i = 0; i < 20; i++) {
        ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
        ask_finish(&ask);
        ask_expect(&fixture, &ask, "DELETE", "/x", ERR_BROKEN); /* on the same tunnel, which dies */
        assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
        assert_int_equal(proxied.deletions, i + 1);
        assert_null(strstr(ask.request.err.msg, SECRET));
        ask_finish(&ask);
    }
    http_client_stats(fixture.client, &stats);
    assert_int_equal(stats.withheld, 20); /* libcurl dug new tunnels for them */
    fixture.server.on_request = hang_up_half_way;
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_BROKEN);
    assert_int_equal(proxied.deletions, 21);
    assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
    ask_finish(&ask);
    close_proxied(&fixture);
}

/* The name behind a proxy is the proxy's to resolve: without it, host.invalid is not found. */
static void expect_direct(struct fixture *fixture, struct ask *ask)
{
    ask_expect(fixture, ask, "GET", "/x", ERR_RESOLVE);
    assert_int_equal(proxied.tunnels, 0);
    ask_finish(ask);
}

static void what_no_proxy_excepts_is_asked_straight(void **state)
{
    static const struct {
        const char *variable, *value;
    } table[] = {
        {"no_proxy", "x, .invalid"}, {"NO_PROXY", "host.invalid"}, {"no_proxy", "*"}, {"https_proxy", ""}};
    struct ask ask;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fixture fixture;
        struct err err;
        clear(state);
        open_proxied(&fixture, answer_through_tunnel);
        setenv("all_proxy", getenv("https_proxy"), 1); /* which botocore does not look at */
        setenv(table[i].variable, table[i].value, 1);
        fixture.origin = http_origin_create(fixture.client, "https://host.invalid", NULL, &err);
        expect_direct(&fixture, &ask);
        close_proxied(&fixture);
    }
}

static void a_variable_in_capitals_counts_where_there_is_none_in_lower_case(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct fixture fixture;
    struct ask ask;
    struct err err;
    clear(state);
    open_proxied(&fixture, answer_through_tunnel);
    setenv("HTTPS_PROXY", getenv("https_proxy"), 1);
    unsetenv("https_proxy");
    fixture.origin = http_origin_create(fixture.client, "https://host.invalid", &options, &err);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_NONE);
    assert_int_equal(proxied.tunnels, 1);
    ask_finish(&ask);
    close_proxied(&fixture);
}

static void a_request_may_go_past_the_proxy(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    open_proxied(&fixture, answer_through_tunnel);
    for (int i = 0; i < 3; i++) { /* the handle is used again, either way */
        ask_submit(&fixture, &ask, "GET", "/x");
        ask.request.no_proxy = true;
        fixture_run(&fixture);
        assert_int_equal(ask.request.err.code, ERR_RESOLVE);
        assert_int_equal(proxied.tunnels, i > 0 ? 1 : 0);
        ask_finish(&ask);
        ask_expect(&fixture, &ask, "GET", "/x", ERR_NONE);
        ask_finish(&ask);
    }
    close_proxied(&fixture);
}

static void a_loopback_address_is_never_asked_through_a_proxy(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct ask ask;
    (void)state;
    set_proxy("http", 1);
    for (int tls = 0; tls < 2; tls++) {
        struct fixture fixture;
        SSL_CTX *context = tls != 0 ? authority_server(&authority, "127.0.0.1", HOUR) : NULL;
        fixture_open(&fixture, context, "127.0.0.1", NULL, tls != 0 ? &options : NULL);
        fixture.server.on_request = echo;
        ask_expect(&fixture, &ask, "DELETE", "/x", ERR_NONE);
        assert_int_equal(fixture.server.requests, 1);
        ask_finish(&ask);
        fixture_close(&fixture);
    }
}

static int make_authority(void **state)
{
    clear(state);
    authority_create(&authority);
    return 0;
}

static int remove_authority(void **state)
{
    (void)state;
    authority_destroy(&authority);
    return 0;
}

#define PROXY_TEST(test) cmocka_unit_test_setup(test, clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROXY_TEST(a_proxy_that_refuses_means_not_sent_and_keeps_its_password),
        PROXY_TEST(a_request_through_a_proxy_is_answered_by_the_server_behind_it),
        PROXY_TEST(a_deletion_through_a_proxy_goes_out_once),
        PROXY_TEST(what_no_proxy_excepts_is_asked_straight),
        PROXY_TEST(a_variable_in_capitals_counts_where_there_is_none_in_lower_case),
        PROXY_TEST(a_request_may_go_past_the_proxy),
        PROXY_TEST(a_loopback_address_is_never_asked_through_a_proxy),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_authority, remove_authority);
}
