/* What the HTTP client bears: servers that drip or never answer, answers whose length is a lie, names that
 * nobody knows, and endpoints that are dead beside endpoints that are not. */
#include "http_fixture.h"
#include "resolver.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void answer(struct peer *peer, const char *request)
{
    (void)request;
    peer_answer(peer, 200, "hello");
}

static void stall(struct peer *peer, const char *request)
{
    (void)peer, (void)request;
}

static void say_and_close(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, peer_server(peer)->text);
    peer_close(peer);
}

/* --- framing --- */

static void an_answer_with_doubtful_framing_is_broken(void **state)
{
    static const struct {
        const char *headers, *body;
        enum err_code code;
    } table[] = {
        {"Content-Length: 2\r\n", "{}", ERR_NONE},
        {"Content-Length:2\r\nContent-Length:  2 \r\n", "{}", ERR_NONE},
        {"Content-Length: 2\r\nContent-Length: 5\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 5\r\nContent-Length: 2\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 2abc\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 2, 2\r\n", "{}", ERR_BROKEN},
        {"Content-Length: -1\r\n", "{}", ERR_BROKEN},
        {"Content-Length: +2\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 0x2\r\n", "{}", ERR_BROKEN},
        {"Content-Length:\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 9223372036854775807\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 9223372036854775808\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 99999999999999999999999999\r\n", "{}", ERR_BROKEN},
        {"Content-Length: 3\r\n", "{}", ERR_BROKEN},
        {"Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", ERR_NONE},
        {"Transfer-Encoding: Chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", ERR_NONE},
        {"Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n", ERR_BROKEN},
        {"Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n", ERR_BROKEN},
        {"Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n", ERR_BROKEN},
        {"Transfer-Encoding: identity\r\n", "{}", ERR_BROKEN},
        {"Transfer-Encoding: gzip\r\n", "{}", ERR_BROKEN},
        {"Transfer-Encoding: chunked, identity\r\n", "{}", ERR_BROKEN},
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", ERR_BROKEN},
        {"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "2\r\n{}\r\n0\r\n\r\n", ERR_BROKEN},
        {"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", ERR_BROKEN},
        {"", "{}", ERR_BROKEN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct fixture fixture;
        struct ask ask;
        char text[256];
        fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
        fixture.server.on_request = say_and_close;
        fixture.server.text = text;
        snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n%s", table[i].headers, table[i].body);
        print_message("# row %zu of the table\n", i);
        ask_expect(&fixture, &ask, "DELETE", "/x", table[i].code);
        assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
        if (table[i].code == ERR_NONE)
            assert_string_equal(buf_string(&ask.request.body_in), "{}");
        ask_finish(&ask);
        fixture_close(&fixture);
    }
}

/* --- too slow --- */

/* Sends the server's text first, then a byte at each tick, far fewer a second than the limit. */
struct trickle {
    uv_timer_t timer;
    struct peer *peer;
    struct ask *ask;
};

static void on_tick(uv_timer_t *timer)
{
    struct trickle *trickle = timer->data;
    if (trickle->ask->done) /* the connection went in the turn before */
        uv_timer_stop(timer);
    else if (trickle->peer)
        peer_say(trickle->peer, "a");
}

static void begin_trickle(struct peer *peer, const char *request)
{
    struct trickle *trickle = peer_server(peer)->owner;
    (void)request;
    peer_say(peer, peer_server(peer)->text);
    trickle->peer = peer;
}

/* Whether the answer had come as far as it would when it was given up: on a busy machine it may not. */
static bool drips(const char *text, int status, int64_t slow_ms)
{
    const struct http_limits limits = {.slow_ms = slow_ms, .request_ms = 600000};
    struct fixture fixture;
    struct ask ask;
    struct trickle trickle = {.ask = &ask};
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.server.on_request = begin_trickle;
    fixture.server.text = text;
    fixture.server.owner = &trickle;
    uv_timer_init(&fixture.loop, &trickle.timer);
    uv_unref((uv_handle_t *)&trickle.timer);
    trickle.timer.data = &trickle;
    memset(&ask, 0, sizeof(ask));
    uv_timer_start(&trickle.timer, on_tick, 200, 200);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_TIMEOUT);
    assert_non_null(strstr(ask.request.err.msg, "too slow"));
    bool arrived = ask.request.sent == HTTP_MAYBE_SENT && ask.request.status == status;
    ask_finish(&ask);
    uv_close((uv_handle_t *)&trickle.timer, NULL);
    fixture_close(&fixture);
    return arrived;
}

static void an_answer_that_drips_is_given_up(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nX-Slow: ",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int64_t slow_ms = 1000; !drips(texts[i], i == 1 ? 200 : 0, slow_ms); slow_ms *= 4)
            assert_in_range(slow_ms, 1000, 30000);
    }
}

/* --- names --- */

static void a_name_that_nobody_resolves_in_time_means_not_sent(void **state)
{
    const struct http_limits limits = {.connect_ms = 30};
    struct fixture fixture;
    struct ask ask;
    struct err err;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.origin = http_origin_create(fixture.client, "https://host.invalid", NULL, &err);
    resolver_hold();
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_TIMEOUT);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_finish(&ask);
    fixture_close(&fixture); /* does not wait for the resolver, which is still held */
    resolver_release();
}

static void a_request_can_be_canceled_while_its_name_is_looked_up(void **state)
{
    struct fixture fixture;
    struct ask ask;
    struct err err;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.origin = http_origin_create(fixture.client, "https://host.invalid", NULL, &err);
    resolver_hold();
    ask_once(&fixture, &ask, "DELETE", "/x");
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    resolver_await();
    ask_cancel(&ask);
    fixture_run(&fixture);
    assert_int_equal(ask.done, 1);
    assert_int_equal(ask.request.err.code, ERR_CANCELED);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_finish(&ask);
    fixture_close(&fixture);
    resolver_release();
}

/* --- dead endpoints --- */

#define EACH 8 /* requests */
#define DEAD 3 /* endpoints */

struct endpoint {
    struct http_server server;
    struct http_origin *origin;
    struct ask asks[EACH];
};

static void open_endpoint(struct fixture *fixture, struct endpoint *endpoint,
                          void (*script)(struct peer *, const char *))
{
    char url[64];
    struct err err;
    http_server_open(&endpoint->server, &fixture->loop, NULL);
    endpoint->server.on_request = script;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d", endpoint->server.port);
    endpoint->origin = http_origin_create(fixture->client, url, NULL, &err);
    assert_non_null(endpoint->origin);
}

static void submit_all(struct fixture *fixture, struct endpoint *endpoint)
{
    fixture->origin = endpoint->origin;
    for (int i = 0; i < EACH; i++)
        ask_once(fixture, &endpoint->asks[i], "DELETE", "/x");
}

static int count_done(const struct endpoint *endpoint)
{
    int done = 0;
    for (int i = 0; i < EACH; i++)
        done += endpoint->asks[i].done;
    return done;
}

static void finish_endpoint(struct endpoint *endpoint)
{
    for (int i = 0; i < EACH; i++) {
        assert_int_equal(endpoint->asks[i].done, 1);
        ask_finish(&endpoint->asks[i]);
    }
    http_server_close(&endpoint->server);
}

/* Three endpoints take every request and answer none, each before the next one comes: what is free becomes
 * fewer, and yet each gets some. The fourth gets all its answers while the others still wait. */
static void dead_endpoints_leave_connections_for_the_living(void **state)
{
    static const int share[DEAD] = {4, 4, 2};
    const struct http_limits limits = {.connections = 4, .all_connections = 12, .request_ms = 600000};
    static struct endpoint dead[DEAD], alive;
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    alarm(60); /* or this would wait for ever where it fails */
    for (int i = 0; i < DEAD; i++) {
        open_endpoint(&fixture, &dead[i], stall);
        submit_all(&fixture, &dead[i]);
        while (dead[i].server.requests < share[i])
            uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    open_endpoint(&fixture, &alive, answer);
    submit_all(&fixture, &alive);
    while (count_done(&alive) < EACH)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    for (int i = 0; i < DEAD; i++) {
        assert_int_equal(count_done(&dead[i]), 0);
        assert_int_equal(dead[i].server.requests, share[i]);
    }
    for (int i = 0; i < EACH; i++)
        assert_int_equal(alive.asks[i].request.status, 200);
    fixture_destroy(&fixture);
    fixture_run(&fixture);
    for (int i = 0; i < DEAD; i++)
        finish_endpoint(&dead[i]);
    finish_endpoint(&alive);
    fixture_close(&fixture);
    alarm(0);
}

/* The same bound stands over new connections and over those that are there. */
static void a_request_whose_time_to_leave_is_over_never_leaves(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = answer;
    for (int requests = 0; requests < 3; requests++) {
        ask_once(&fixture, &ask, "DELETE", "/x");
        ask.request.leave_by_ns = 1;
        fixture_run(&fixture);
        assert_int_equal(ask.request.err.code, ERR_TIMEOUT);
        assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
        assert_int_equal(fixture.server.requests, requests);
        ask_finish(&ask);
        ask_once(&fixture, &ask, "DELETE", "/x");
        ask.request.leave_by_ns = INT64_MAX;
        fixture_run(&fixture);
        assert_int_equal(ask.request.err.code, ERR_NONE);
        ask_finish(&ask);
    }
    fixture_close(&fixture);
}

/* With one connection for all, everybody's turn comes. */
static void endpoints_take_turns(void **state)
{
    const struct http_limits limits = {.connections = 1, .all_connections = 1};
    static struct endpoint endpoints[2];
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    for (int i = 0; i < 2; i++) {
        open_endpoint(&fixture, &endpoints[i], answer);
        submit_all(&fixture, &endpoints[i]);
    }
    while (count_done(&endpoints[0]) + count_done(&endpoints[1]) < 2 * EACH) {
        uv_run(&fixture.loop, UV_RUN_ONCE);
        assert_in_range(count_done(&endpoints[0]) - count_done(&endpoints[1]) + 1, 0, 2);
    }
    finish_endpoint(&endpoints[0]);
    finish_endpoint(&endpoints[1]);
    fixture_close(&fixture);
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_answer_with_doubtful_framing_is_broken),
    cmocka_unit_test(an_answer_that_drips_is_given_up),
    cmocka_unit_test(a_name_that_nobody_resolves_in_time_means_not_sent),
    cmocka_unit_test(a_request_can_be_canceled_while_its_name_is_looked_up),
    cmocka_unit_test(dead_endpoints_leave_connections_for_the_living),
    cmocka_unit_test(a_request_whose_time_to_leave_is_over_never_leaves),
    cmocka_unit_test(endpoints_take_turns),
};

TAP_MAIN(tests)
