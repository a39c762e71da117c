/* The HTTP client against a server that answers well and badly. */
#include "http_fixture.h"
#include "resolver.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Amzn-RequestId: r-1\r\n\r\nhello"

/* --- scripts of the server: the text to send is in server.text --- */

static const char *text_of(struct peer *peer)
{
    return peer_server(peer)->text;
}

static void say(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, text_of(peer));
}

static void drip(struct peer *peer, const char *request)
{
    (void)request;
    peer_drip(peer, text_of(peer));
}

static void say_and_close(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, text_of(peer));
    peer_close(peer);
}

static void say_and_reset(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, text_of(peer));
    peer_reset(peer);
}

static void stall(struct peer *peer, const char *request)
{
    (void)peer, (void)request;
}

static void echo(struct peer *peer, const char *request)
{
    peer_answer(peer, 200, request);
}

static void flood(struct peer *peer, const char *request)
{
    char chunk[4096];
    (void)request;
    memset(chunk, 'x', sizeof(chunk));
    peer_say(peer, text_of(peer));
    for (int i = 0; i < 64; i++)
        peer_send(peer, chunk, sizeof(chunk));
}

/* One request with the answer that a script gives; the ask stays for further looks. */
static void one(struct ask *ask, void (*script)(struct peer *, const char *), const char *text,
                enum err_code code)
{
    struct fixture fixture;
    const struct http_limits limits = {.reply_bytes = 65536};
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.server.on_request = script;
    fixture.server.text = text;
    ask_expect(&fixture, ask, "DELETE", "/x", code);
    assert_int_equal(fixture.server.requests, 1);
    assert_int_equal(ask->request.sent, HTTP_MAYBE_SENT);
    fixture_close(&fixture);
}

/* --- answers --- */

static void an_answer_arrives_with_its_body_and_headers(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, say,
        "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\nDate: Tue, 24 Nov 2026 03:15:00 GMT\r\n"
        "x-amzn-errortype: Throttling\x01"
        "Exception:http://x\r\nX-AMZN-REQUESTID:   r-1  \r\nRetry-After: 3\r\nx-amz-retry-after: "
        "250\r\n\r\n{}",
        ERR_NONE);
    assert_int_equal(ask.request.status, 400);
    assert_string_equal(buf_string(&ask.request.body_in), "{}");
    assert_string_equal(ask.request.error_type, "ThrottlingException:http://x");
    assert_string_equal(ask.request.request_id, "r-1");
    assert_string_equal(ask.request.date, "Tue, 24 Nov 2026 03:15:00 GMT");
    assert_string_equal(ask.request.retry_after, "3");
    assert_string_equal(ask.request.x_retry_after, "250");
    ask_finish(&ask);
}

static void an_answer_split_into_single_bytes_is_the_same_answer(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, drip, HELLO, ERR_NONE);
    assert_string_equal(buf_string(&ask.request.body_in), "hello");
    assert_string_equal(ask.request.request_id, "r-1");
    ask_finish(&ask);
}

static void a_chunked_answer_is_put_together_and_its_trailers_ignored(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, drip,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n"
        "x-amzn-ErrorType: Forged\r\n\r\n",
        ERR_NONE);
    assert_string_equal(buf_string(&ask.request.body_in), "hello");
    assert_string_equal(ask.request.error_type, "");
    ask_finish(&ask);
}

static void informational_answers_are_skipped_and_their_headers_forgotten(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, say, "HTTP/1.1 103 Early\r\nx-amzn-ErrorType: Early\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" HELLO,
        ERR_NONE);
    assert_int_equal(ask.request.status, 200);
    assert_string_equal(ask.request.error_type, "");
    ask_finish(&ask);
}

static void a_redirect_is_not_followed(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, say, "HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", ERR_NONE);
    assert_int_equal(ask.request.status, 307);
    ask_finish(&ask);
}

static void compressed_content_is_handed_over_as_it_is(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, say, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", ERR_NONE);
    assert_string_equal(buf_string(&ask.request.body_in), "abc");
    ask_finish(&ask);
}

static void an_answer_followed_by_a_reset_is_still_an_answer(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, say_and_reset, HELLO, ERR_NONE);
    assert_string_equal(buf_string(&ask.request.body_in), "hello");
    ask_finish(&ask);
}

static void a_body_cut_short_is_broken_but_keeps_status_and_headers(void **state)
{
#define KEPT "HTTP/1.1 200 OK\r\nX-Amzn-RequestId: r-1\r\n"
    static const char *const texts[] = {
        KEPT "Content-Length: 50\r\n\r\nhello",
        KEPT "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        KEPT "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n",
        KEPT "Connection: close\r\n\r\nhello",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ask ask;
        one(&ask, say_and_close, texts[i], ERR_BROKEN);
        assert_int_equal(ask.request.status, 200);
        assert_string_equal(ask.request.request_id, "r-1");
        ask_finish(&ask);
    }
}

static void headers_cut_short_are_broken_and_leave_nothing(void **state)
{
    static const char *const texts[] = {
        "",
        "HTT",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nx-amzn-ErrorType: Half\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        for (int reset = 0; reset <= 1; reset++) {
            struct ask ask;
            one(&ask, reset ? say_and_reset : say_and_close, texts[i], ERR_BROKEN);
            assert_int_equal(ask.request.status, 0);
            assert_string_equal(ask.request.error_type, "");
            ask_finish(&ask);
        }
    }
}

static void what_is_no_http_is_broken(void **state)
{
    static const char *const texts[] = {
        "<html>hello</html>\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nwhatever",
        "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: banana\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ask ask;
        one(&ask, say_and_close, texts[i], ERR_BROKEN);
        assert_string_equal(buf_string(&ask.request.body_in), "");
        ask_finish(&ask);
    }
}

static void a_body_over_the_limit_is_refused_while_it_comes(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, flood, "HTTP/1.1 200 OK\r\nContent-Length: 262144\r\n\r\n", ERR_TOO_BIG);
    assert_int_equal(ask.request.status, 200);
    assert_true(ask.request.body_in.length <= 65536);
    ask_finish(&ask);
    one(&ask, flood, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000\r\n", ERR_TOO_BIG);
    ask_finish(&ask);
}

static void flood_headers(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 10000; i++)
        peer_say(peer, text_of(peer));
    peer_say(peer, "\r\n");
}

static void headers_over_the_limit_are_refused_while_they_come(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, flood_headers, "X-Many: 1\r\n", ERR_TOO_BIG);
    assert_int_equal(ask.request.status, 0);
    ask_finish(&ask);
}

static void flood_informational(struct peer *peer, const char *request)
{
    (void)request;
    for (int i = 0; i < 10000; i++)
        peer_say(peer, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void a_flood_of_informational_answers_is_refused(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, flood_informational, "", ERR_TOO_BIG);
    assert_int_equal(ask.request.status, 0);
    ask_finish(&ask);
}

static void a_header_without_an_end_is_refused(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, flood, "HTTP/1.1 200 OK\r\nX-Long: ", ERR_BROKEN);
    ask_finish(&ask);
}

/* Whether the answer had come as far as it would when the time was over: on a busy machine it may not. */
static bool stalls(const char *text, int status, int64_t request_ms)
{
    const struct http_limits limits = {.request_ms = request_ms};
    struct fixture fixture;
    struct ask ask;
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.server.on_request = say;
    fixture.server.text = text;
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_TIMEOUT);
    bool arrived = ask.request.sent == HTTP_MAYBE_SENT && ask.request.status == status;
    ask_finish(&ask);
    fixture_close(&fixture);
    return arrived;
}

static void a_server_that_stalls_runs_into_the_time_limit(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 200 OK\r\nContent-",
                                        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int status = i == 2 ? 200 : 0;
        int64_t request_ms = 30;
        for (; !stalls(texts[i], status, request_ms); request_ms *= 4)
            assert_in_range(request_ms, 30, 30000);
    }
}

/* --- connections --- */

static void a_refused_connection_means_not_sent(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    http_server_refuse(&fixture.server);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_CONNECT);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void an_unknown_host_means_not_sent(void **state)
{
    struct fixture fixture;
    struct ask ask;
    struct err err;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.origin = http_origin_create(fixture.client, "https://host.invalid", NULL, &err);
    ask_expect(&fixture, &ask, "DELETE", "/x", ERR_RESOLVE);
    assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
    assert_true(resolver_unknown() > fixture.unknown_names);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void connections_are_used_again(void **state)
{
    struct fixture fixture;
    struct ask ask;
    struct http_stats stats;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = echo;
    for (int i = 0; i < 50; i++) {
        ask_expect(&fixture, &ask, i % 2 ? "DELETE" : "GET", "/x", ERR_NONE);
        ask_finish(&ask);
    }
    http_client_stats(fixture.client, &stats);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(stats.open, 1);
    assert_int_equal(stats.requests, 50);
    assert_int_equal(fixture.server.connections, 1);
    fixture_close(&fixture);
}

static void many_requests_share_few_connections(void **state)
{
    enum { COUNT = 500 };
    static struct ask asks[COUNT];
    struct fixture fixture;
    const struct http_limits limits = {.connections = 3};
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.server.on_request = echo;
    for (int i = 0; i < COUNT; i++)
        ask_submit(&fixture, &asks[i], "GET", "/x");
    fixture_run(&fixture);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].request.err.code, ERR_NONE);
        ask_finish(&asks[i]);
    }
    assert_int_equal(fixture.server.connections, 3);
    fixture_close(&fixture);
}

/* Whether the first one had left when the time was over: on a busy machine it may not. */
static bool waits(int64_t request_ms)
{
    struct fixture fixture;
    struct ask first, second;
    const struct http_limits limits = {.connections = 1, .request_ms = request_ms};
    fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
    fixture.server.on_request = stall;
    ask_submit(&fixture, &first, "GET", "/x");
    ask_submit(&fixture, &second, "GET", "/y");
    fixture_run(&fixture);
    bool left = first.request.sent == HTTP_MAYBE_SENT;
    assert_int_equal(first.request.err.code, ERR_TIMEOUT);
    assert_int_equal(second.request.err.code, ERR_TIMEOUT);
    assert_int_equal(second.request.sent, HTTP_NOT_SENT);
    assert_in_range(fixture.server.requests, 0, left);
    left = left && fixture.server.requests == 1;
    ask_finish(&first);
    ask_finish(&second);
    fixture_close(&fixture);
    return left;
}

static void waiting_for_a_connection_counts_as_time(void **state)
{
    (void)state;
    for (int64_t request_ms = 30; !waits(request_ms); request_ms *= 4)
        assert_in_range(request_ms, 30, 30000);
}

static void an_unasked_second_answer_is_never_taken_for_the_next_one(void **state)
{
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = say;
    fixture.server.text = HELLO "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    for (int i = 0; i < 20; i++) {
        ask_expect(&fixture, &ask, "GET", "/x", ERR_NONE);
        assert_string_equal(buf_string(&ask.request.body_in), "hello");
        ask_finish(&ask);
    }
    fixture_close(&fixture);
}

/* --- at most once --- */

/* Answers the first request of a connection and hangs up on the second one; counts each target. */
static void hang_up_on_the_second(struct peer *peer, const char *request)
{
    int number;
    if (sscanf(request, "%*s /d/%d ", &number) == 1)
        ((int *)peer_server(peer)->owner)[number]++;
    if (peer_requests(peer) == 1)
        peer_answer(peer, 200, "{}");
    else
        peer_close(peer);
}

static void a_deletion_goes_out_once_when_the_server_hangs_up(void **state)
{
    enum { COUNT = 1000 };
    static int seen[COUNT];
    struct fixture fixture;
    struct http_stats stats;
    struct ask ask;
    char target[32];
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = hang_up_on_the_second;
    fixture.server.owner = seen;
    for (int i = 0; i < COUNT; i++) {
        ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
        ask_finish(&ask);
        snprintf(target, sizeof(target), "/d/%d", i);
        ask_expect(&fixture, &ask, "DELETE", target, ERR_BROKEN);
        assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
        assert_int_equal(ask.request.status, 0);
        assert_int_equal(seen[i], 1);
        ask_finish(&ask);
    }
    http_client_stats(fixture.client, &stats);
    assert_int_equal(stats.withheld, COUNT);
    fixture_close(&fixture);
}

static void without_the_guard_libcurl_sends_again(void **state)
{
    enum { COUNT = 100 };
    static int seen[COUNT];
    struct fixture fixture;
    struct ask ask;
    char target[32];
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = hang_up_on_the_second;
    fixture.server.owner = seen;
    ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
    ask_finish(&ask);
    for (int i = 0; i < COUNT; i++) {
        snprintf(target, sizeof(target), "/d/%d", i);
        ask_expect(&fixture, &ask, "GET", target, ERR_NONE);
        assert_int_equal(seen[i], 2);
        ask_finish(&ask);
    }
    fixture_close(&fixture);
}

/* --- what goes out --- */

static void the_target_goes_out_byte_for_byte(void **state)
{
    struct fixture fixture;
    struct ask ask;
    char head[256];
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = echo;
    ask_expect(&fixture, &ask, "DELETE", "/a%3Ab%2F../c/./d%c3?x=%7E&y", ERR_NONE);
    snprintf(head, sizeof(head),
             "DELETE /a%%3Ab%%2F../c/./d%%c3?x=%%7E&y HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
             http_origin_host(fixture.origin));
    assert_string_equal(buf_string(&ask.request.body_in), head);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void on_done_nothing(struct http_request *request)
{
    *(int *)request->owner += 1;
}

static void headers_and_a_body_go_out_and_nothing_else(void **state)
{
    struct fixture fixture;
    struct http_request request;
    int done = 0;
    char wanted[256];
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture.server.on_request = echo;
    http_request_init(&request);
    request.origin = fixture.origin;
    request.method = "POST";
    request.target = "/";
    request.body = "Action=Get";
    request.body_length = 10;
    request.done = on_done_nothing;
    request.owner = &done;
    assert_true(http_request_header(&request, "X-Amz-Date", "20261124T031500Z"));
    assert_true(http_request_header(&request, "X-Empty", ""));
    for (int i = 0; i < 2; i++) {
        http_submit(fixture.client, &request);
        fixture_run(&fixture);
        assert_int_equal(done, i + 1);
        assert_int_equal(request.err.code, ERR_NONE);
        snprintf(wanted, sizeof(wanted),
                 "POST / HTTP/1.1\r\nHost: %s\r\nX-Amz-Date: 20261124T031500Z\r\nX-Empty:\r\n"
                 "Content-Length: 10\r\n\r\nAction=Get",
                 http_origin_host(fixture.origin));
        assert_string_equal(buf_string(&request.body_in), wanted);
    }
    http_request_finish(&request);
    fixture_close(&fixture);
}

static void a_request_that_could_forge_lines_never_leaves(void **state)
{
    static const char *const targets[] = {"", "x", "/a b", "/a\r\nX: y", "/a#b", "/\x80"};
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        ask_expect(&fixture, &ask, "DELETE", targets[i], ERR_INVALID);
        assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
        ask_finish(&ask);
    }
    ask_expect(&fixture, &ask, "TRACE", "/", ERR_INVALID);
    ask_finish(&ask);
    ask_submit(&fixture, &ask, "GET", "/");
    ask_cancel(&ask);
    fixture_run(&fixture);
    ask.request.header_count = 0;
    http_request_header(&ask.request, "X-Amz-Security-Token", "abc\r\nX-Forged: 1");
    http_submit(fixture.client, &ask.request);
    fixture_run(&fixture);
    assert_int_equal(ask.request.err.code, ERR_INVALID);
    assert_null(strstr(ask.request.err.msg, "abc"));
    ask_finish(&ask);
    assert_int_equal(fixture.server.connections, 0);
    fixture_close(&fixture);
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_answer_arrives_with_its_body_and_headers),
    cmocka_unit_test(an_answer_split_into_single_bytes_is_the_same_answer),
    cmocka_unit_test(a_chunked_answer_is_put_together_and_its_trailers_ignored),
    cmocka_unit_test(informational_answers_are_skipped_and_their_headers_forgotten),
    cmocka_unit_test(a_redirect_is_not_followed),
    cmocka_unit_test(compressed_content_is_handed_over_as_it_is),
    cmocka_unit_test(an_answer_followed_by_a_reset_is_still_an_answer),
    cmocka_unit_test(a_body_cut_short_is_broken_but_keeps_status_and_headers),
    cmocka_unit_test(headers_cut_short_are_broken_and_leave_nothing),
    cmocka_unit_test(what_is_no_http_is_broken),
    cmocka_unit_test(a_body_over_the_limit_is_refused_while_it_comes),
    cmocka_unit_test(headers_over_the_limit_are_refused_while_they_come),
    cmocka_unit_test(a_flood_of_informational_answers_is_refused),
    cmocka_unit_test(a_header_without_an_end_is_refused),
    cmocka_unit_test(a_server_that_stalls_runs_into_the_time_limit),
    cmocka_unit_test(a_refused_connection_means_not_sent),
    cmocka_unit_test(an_unknown_host_means_not_sent),
    cmocka_unit_test(connections_are_used_again),
    cmocka_unit_test(many_requests_share_few_connections),
    cmocka_unit_test(waiting_for_a_connection_counts_as_time),
    cmocka_unit_test(an_unasked_second_answer_is_never_taken_for_the_next_one),
    cmocka_unit_test(a_deletion_goes_out_once_when_the_server_hangs_up),
    cmocka_unit_test(without_the_guard_libcurl_sends_again),
    cmocka_unit_test(the_target_goes_out_byte_for_byte),
    cmocka_unit_test(headers_and_a_body_go_out_and_nothing_else),
    cmocka_unit_test(a_request_that_could_forge_lines_never_leaves),
};

TAP_MAIN(tests)
