/* The life of HTTP requests and clients: cancel and destroy after any number of turns of the loop, what
 * done() may do, and which addresses make an origin. */
#include "certificate.h"
#include "http_fixture.h"
#include "tap.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT 4

static struct authority authority;

/* The four ways a request may take: over plain TCP, over TLS, to a server that stalls, to an unknown host. */
enum way { WAY_PLAIN, WAY_TLS, WAY_STALLED, WAY_UNKNOWN, WAY_COUNT };
#define TURNS 50

static void drip(struct peer *peer, const char *request)
{
    (void)request;
    peer_drip(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static void stall(struct peer *peer, const char *request)
{
    (void)peer, (void)request;
}

static void open_way(struct fixture *fixture, enum way way)
{
    const struct http_limits limits = {.connections = 2};
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct err err;
    fixture_open(fixture, way == WAY_TLS ? authority_server(&authority, "127.0.0.1", 3600) : NULL,
                 "127.0.0.1", &limits, &options);
    fixture->server.on_request = way == WAY_STALLED ? stall : drip;
    if (way == WAY_UNKNOWN)
        fixture->origin = http_origin_create(fixture->client, "https://host.invalid", NULL, &err);
    assert_non_null(fixture->origin);
}

/* What was not sent was not seen, and nothing is answered that was canceled. */
static void check(const struct ask asks[COUNT], const struct fixture *fixture)
{
    int sent = 0;
    for (int i = 0; i < COUNT; i++) {
        const struct http_request *request = &asks[i].request;
        assert_int_equal(asks[i].done, 1);
        if (request->err.code == ERR_NONE)
            assert_int_equal(request->status, 200);
        else if (request->err.code == ERR_CANCELED)
            assert_int_equal(request->status, 0);
        else
            assert_int_equal(request->err.code, ERR_RESOLVE);
        sent += request->sent == HTTP_MAYBE_SENT;
    }
    assert_true(fixture->server.requests <= sent);
}

static void settle(struct fixture *fixture)
{
    for (int i = 0; i < 5; i++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

static void a_client_can_be_destroyed_after_any_number_of_turns(void **state)
{
    (void)state;
    for (enum way way = 0; way < WAY_COUNT; way++) {
        for (int turns = 0; turns <= TURNS; turns++) {
            struct fixture fixture;
            struct ask asks[COUNT];
            open_way(&fixture, way);
            for (int i = 0; i < COUNT; i++)
                ask_once(&fixture, &asks[i], "DELETE", "/x");
            for (int i = 0; i < turns && (way != WAY_STALLED || i < 8); i++)
                uv_run(&fixture.loop, way == WAY_STALLED ? UV_RUN_NOWAIT : UV_RUN_ONCE);
            fixture_destroy(&fixture);
            fixture_run(&fixture);
            settle(&fixture);
            check(asks, &fixture);
            for (int i = 0; i < COUNT; i++)
                ask_finish(&asks[i]);
            fixture_close(&fixture);
        }
    }
}

/* A listener that takes nothing any more: who connects to it waits. */
static int crowded_port(int fds[4])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    for (int i = 0; i < 4; i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fds[0], (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fds[0], 0), 0);
    assert_int_equal(getsockname(fds[0], (struct sockaddr *)&address, &length), 0);
    for (int i = 1; i < 4; i++)
        connect(fds[i], (struct sockaddr *)&address, length);
    return ntohs(address.sin_port);
}

/* libcurl closes a socket that it is still connecting without a word. */
static void a_client_is_gone_although_it_was_connecting(void **state)
{
    struct fixture fixture;
    struct http_stats stats = {0};
    struct ask ask;
    struct err err;
    int fds[4];
    char url[64];
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", crowded_port(fds));
    fixture.origin = http_origin_create(fixture.client, url, NULL, &err);
    assert_non_null(fixture.origin);
    ask_once(&fixture, &ask, "DELETE", "/x");
    while (stats.open == 0) {
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
        http_client_stats(fixture.client, &stats);
    }
    ask_cancel(&ask);
    fixture_run(&fixture);
    assert_int_equal(ask.request.err.code, ERR_CANCELED);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_finish(&ask);
    fixture_close(&fixture);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
}

static void a_request_can_be_canceled_after_any_number_of_turns(void **state)
{
    (void)state;
    for (enum way way = 0; way < WAY_COUNT; way++) {
        for (int turns = 0; turns <= TURNS; turns++) {
            struct fixture fixture;
            struct ask asks[COUNT];
            open_way(&fixture, way);
            for (int i = 0; i < COUNT; i++)
                ask_once(&fixture, &asks[i], "DELETE", "/x");
            for (int i = 0; i < turns; i++)
                uv_run(&fixture.loop, way == WAY_STALLED ? UV_RUN_NOWAIT : UV_RUN_ONCE);
            for (int i = 0; i < COUNT; i += way == WAY_STALLED ? 1 : 2) {
                ask_cancel(&asks[i]);
                ask_cancel(&asks[i]);
            }
            fixture_run(&fixture);
            settle(&fixture);
            check(asks, &fixture);
            for (int i = 0; i < COUNT; i++) {
                ask_cancel(&asks[i]); /* too late: nothing happens */
                ask_finish(&asks[i]);
            }
            fixture_close(&fixture);
        }
    }
}

static void a_canceled_request_says_so(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    open_way(&fixture, WAY_STALLED);
    ask_once(&fixture, &ask, "DELETE", "/x");
    ask_cancel(&ask);
    fixture_run(&fixture);
    assert_int_equal(ask.request.err.code, ERR_CANCELED);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_once(&fixture, &ask, "DELETE", "/x");
    while (fixture.server.requests == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    ask_cancel(&ask);
    fixture_run(&fixture);
    assert_int_equal(ask.request.err.code, ERR_CANCELED);
    assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void a_refused_request_is_answered_from_the_loop(void **state)
{
    struct fixture fixture;
    struct ask ask;
    struct err err;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    ask_submit(&fixture, &ask, "GET", "/x");
    fixture_run(&fixture);
    err_set(&err, ERR_CREDENTIALS, "no credentials");
    ask.request.origin = NULL;
    http_refuse(fixture.client, &ask.request, &err);
    assert_int_equal(ask.done, 1);
    fixture_run(&fixture);
    assert_int_equal(ask.done, 2);
    assert_int_equal(ask.request.err.code, ERR_CREDENTIALS);
    assert_string_equal(ask.request.err.msg, "no credentials");
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    assert_int_equal(ask.request.status, 0);
    assert_string_equal(buf_string(&ask.request.body_in), "");
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void without_a_descriptor_left_nothing_is_sent(void **state)
{
    struct fixture fixture;
    struct ask ask;
    struct rlimit before, none;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3; /* new ones only; those that are open stay */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    ask_once(&fixture, &ask, "DELETE", "/x");
    fixture_run(&fixture);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.request.err.code, ERR_CONNECT);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_finish(&ask);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_NONE);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void on_turn(uv_prepare_t *prepare)
{
    *(int *)prepare->data += 1;
}

static void on_bell(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* A connection that the server has closed stays readable for ever, and nobody wants to read it. */
static void an_idle_client_lets_the_loop_sleep(void **state)
{
    struct fixture fixture;
    struct ask ask;
    uv_prepare_t prepare;
    uv_timer_t timer;
    int turns = 0;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    ask_expect(&fixture, &ask, "GET", "/x", ERR_NONE);
    ask_finish(&ask);
    http_server_close(&fixture.server);
    uv_prepare_init(&fixture.loop, &prepare);
    prepare.data = &turns;
    uv_prepare_start(&prepare, on_turn);
    uv_unref((uv_handle_t *)&prepare);
    uv_timer_init(&fixture.loop, &timer);
    uv_timer_start(&timer, on_bell, 30, 0);
    fixture_run(&fixture);
    assert_in_range(turns, 1, 20);
    uv_close((uv_handle_t *)&prepare, NULL);
    fixture_close(&fixture);
}

/* --- inside done() -------------------------------------------------------------------------------------- */

static void on_done_again(struct http_request *request)
{
    struct ask *ask = request->owner;
    if (++ask->done < 5)
        http_submit(ask->fixture->client, request);
}

static void done_may_submit_the_request_again(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    ask_submit(&fixture, &ask, "GET", "/x");
    ask.request.done = on_done_again;
    fixture_run(&fixture);
    assert_int_equal(ask.done, 5);
    assert_int_equal(fixture.server.requests, 5);
    assert_int_equal(fixture.server.connections, 1);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void on_done_free(struct http_request *request)
{
    struct ask *ask = request->owner;
    http_request_finish(request);
    free(ask);
}

static void done_may_free_the_request(void **state)
{
    struct fixture fixture;
    struct ask *ask = malloc(sizeof(*ask));
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    ask_submit(&fixture, ask, "GET", "/x");
    ask->request.done = on_done_free;
    fixture_run(&fixture);
    fixture_close(&fixture);
}

static void on_done_destroy(struct http_request *request)
{
    struct ask *ask = request->owner;
    if (++ask->done == 1) {
        fixture_destroy(ask->fixture);
        assert_int_equal(ask->fixture->closed, 0);
    }
}

static void done_may_destroy_the_client(void **state)
{
    struct fixture fixture;
    struct ask asks[COUNT];
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    for (int i = 0; i < COUNT; i++) {
        ask_submit(&fixture, &asks[i], "GET", "/x");
        if (i == 0)
            asks[i].request.done = on_done_destroy;
    }
    fixture_run(&fixture);
    assert_int_equal(fixture.closed, 1);
    check(asks, &fixture);
    for (int i = 0; i < COUNT; i++)
        ask_finish(&asks[i]);
    fixture_close(&fixture);
}

static void on_done_cancel_the_next(struct http_request *request)
{
    struct ask *ask = request->owner;
    ask->done++;
    ask_cancel(ask + 1);
}

static void done_may_cancel_another_request(void **state)
{
    struct fixture fixture;
    struct ask asks[COUNT];
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    for (int i = 0; i < COUNT; i++) {
        ask_submit(&fixture, &asks[i], "GET", "/x");
        if (i + 1 < COUNT)
            asks[i].request.done = on_done_cancel_the_next;
    }
    fixture_run(&fixture);
    check(asks, &fixture);
    for (int i = 0; i < COUNT; i++)
        ask_finish(&asks[i]);
    fixture_close(&fixture);
}

/* --- addresses ------------------------------------------------------------------------------------------ */

static void good_addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *url, *host, *base, *query;
    } table[] = {
        {"https://iot.eu-west-1.amazonaws.com", "iot.eu-west-1.amazonaws.com", "", ""},
        {"https://IOT.example.com:443/", "iot.example.com", "", ""},
        {"https://iot.example.com:8443/base/path//", "iot.example.com:8443", "/base/path", ""},
        {"http://127.0.0.1:80", "127.0.0.1", "", ""},
        {"http://127.9.8.7:1", "127.9.8.7:1", "", ""},
        {"http://localhost:65535/x%20y", "localhost:65535", "/x%20y", ""},
        {"http://[::1]:81", "[::1]:81", "", ""},
        {"https://[2001:db8::1]", "[2001:db8::1]", "", ""},
        {"https://10.0.0.1", "10.0.0.1", "", ""},
        {"https://iot.example.com?x=1&y", "iot.example.com", "", "x=1&y"},
        {"https://iot.example.com/a/?b=%2F", "iot.example.com", "/a", "b=%2F"},
        {"https://iot.example.com/a?", "iot.example.com", "/a", ""},
    };
    struct fixture fixture;
    struct err err;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct http_origin *origin = http_origin_create(fixture.client, table[i].url, NULL, &err);
        assert_non_null(origin);
        assert_string_equal(http_origin_host(origin), table[i].host);
        assert_string_equal(http_origin_base(origin), table[i].base);
        assert_string_equal(http_origin_query(origin), table[i].query);
    }
    fixture_close(&fixture);
}

static void bad_addresses_are_refused(void **state)
{
    static const char *const table[] = {
        "",
        "iot.example.com",
        "ftp://iot.example.com",
        "HTTPS://iot.example.com",
        "https://",
        "https:///path",
        "https://user:secret@iot.example.com",
        "https://iot.example.com:",
        "https://iot.example.com:0",
        "https://iot.example.com:65536",
        "https://iot.example.com:-1",
        "https://iot.example.com:80:81",
        "https://iot.example.com#x",
        "https://iot.example.com?x#y",
        "https://iot.example.com/a?b c",
        "https://iot.example.com/a?b@c",
        "https://iot.example.com/a?b?c",
        "https://iot.example.com/a b",
        "https://iot.example.com\\@evil.com",
        "https://iot..example.com",
        "https://-iot.example.com",
        "https://iot_x.example.com",
        "https://iot.example.com\r\n",
        "https://[::1",
        "https://[::1]x",
        "https://[]",
        "https://\x69\xc3\xb6t.example.com",
        "http://iot.example.com",
        "http://10.0.0.1",
        "http://127.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://127.1",
        "https://2130706433",
        "https://0x7f.1",
        "https://0x7f000001",
        "https://010.0.0.1",
        "https://1.2.3.4.5",
        "https://256.0.0.1",
        "https://iot.example.0",
        "http://[2001:db8::1]",
        "http://0.0.0.0",
    };
    struct fixture fixture;
    struct err err;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        err.code = ERR_NONE;
        assert_null(http_origin_create(fixture.client, table[i], NULL, &err));
        assert_int_equal(err.code, ERR_INVALID);
        assert_null(strstr(err.msg, "secret"));
    }
    fixture_close(&fixture);
}

static void link_local_addresses_may_be_plain_where_that_is_said(void **state)
{
    static const struct {
        const char *url;
        bool may;
    } table[] = {
        {"http://169.254.169.254", true},   {"http://169.254.170.23:80", true},
        {"http://[fd00:ec2::254]", true},   {"http://169.253.0.1", false},
        {"http://[fd00:ec3::1]", false},    {"http://[fe80::1]", false},
        {"http://metadata.example", false},
    };
    static const struct http_origin_options options = {.plain_link_local = true};
    struct fixture fixture;
    struct err err;
    (void)state;
    open_way(&fixture, WAY_PLAIN);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        assert_null(http_origin_create(fixture.client, table[i].url, NULL, &err));
        assert_int_equal(http_origin_create(fixture.client, table[i].url, &options, &err) != NULL,
                         table[i].may);
    }
    fixture_close(&fixture);
}

static int make_authority(void **state)
{
    (void)state;
    authority_create(&authority);
    return 0;
}

static int remove_authority(void **state)
{
    (void)state;
    authority_destroy(&authority);
    return 0;
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_client_can_be_destroyed_after_any_number_of_turns, make_authority),
    cmocka_unit_test(a_client_is_gone_although_it_was_connecting),
    cmocka_unit_test(a_request_can_be_canceled_after_any_number_of_turns),
    cmocka_unit_test(a_canceled_request_says_so),
    cmocka_unit_test(a_refused_request_is_answered_from_the_loop),
    cmocka_unit_test(without_a_descriptor_left_nothing_is_sent),
    cmocka_unit_test(an_idle_client_lets_the_loop_sleep),
    cmocka_unit_test(done_may_submit_the_request_again),
    cmocka_unit_test(done_may_free_the_request),
    cmocka_unit_test(done_may_destroy_the_client),
    cmocka_unit_test(done_may_cancel_another_request),
    cmocka_unit_test(good_addresses_are_taken_apart),
    cmocka_unit_test(link_local_addresses_may_be_plain_where_that_is_said),
    cmocka_unit_test_teardown(bad_addresses_are_refused, remove_authority),
};

TAP_MAIN(tests)
