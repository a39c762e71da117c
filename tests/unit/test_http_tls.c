/* The HTTP client over TLS: which servers it believes, and what it says when it does not. */
#include "certificate.h"
#include "http_fixture.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600L

static struct authority authority, stranger;

static void echo(struct peer *peer, const char *request)
{
    peer_answer(peer, 200, request);
}

/* One DELETE to a server that presents `context`; what is written to the server is counted by it. */
static void one(struct ask *ask, SSL_CTX *context, const struct http_origin_options *options,
                enum err_code code)
{
    struct fixture fixture;
    fixture_open(&fixture, context, "127.0.0.1", NULL, options);
    fixture.server.on_request = echo;
    ask_expect(&fixture, ask, "DELETE", "/x", code);
    assert_int_equal(fixture.server.requests, code == ERR_NONE);
    assert_int_equal(ask->request.sent, code == ERR_NONE ? HTTP_MAYBE_SENT : HTTP_NOT_SENT);
    fixture_close(&fixture);
}

static void a_server_with_a_good_certificate_is_believed(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct ask ask;
    (void)state;
    one(&ask, authority_server(&authority, "127.0.0.1", HOUR), &options, ERR_NONE);
    assert_int_equal(ask.request.status, 200);
    ask_finish(&ask);
}

static void a_connection_over_tls_is_used_again(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, authority_server(&authority, "localhost", HOUR), "localhost", NULL, &options);
    fixture.server.on_request = echo;
    for (int i = 0; i < 20; i++) {
        ask_expect(&fixture, &ask, "DELETE", "/x", ERR_NONE);
        ask_finish(&ask);
    }
    assert_int_equal(fixture.server.connections, 1);
    fixture_close(&fixture);
}

static void a_server_that_cannot_prove_its_name_gets_nothing(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    SSL_CTX *const contexts[] = {
        authority_server(&stranger, "127.0.0.1", HOUR),    /* another authority */
        authority_server(&authority, "127.0.0.2", HOUR),   /* another address */
        authority_server(&authority, "example.com", HOUR), /* another name */
        authority_server(&authority, "127.0.0.1", -HOUR),  /* expired */
    };
    static const char *const words[] = {"certificate", "subject name", "subject name", "expired"};
    (void)state;
    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        struct ask ask;
        one(&ask, contexts[i], &options, ERR_TLS);
        assert_non_null(strstr(ask.request.err.msg, words[i]));
        ask_finish(&ask);
    }
}

static void the_system_does_not_know_our_authority(void **state)
{
    struct ask ask;
    (void)state;
    one(&ask, authority_server(&authority, "127.0.0.1", HOUR), NULL, ERR_TLS);
    ask_finish(&ask);
}

static void old_versions_of_tls_are_refused(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    SSL_CTX *context = authority_server(&authority, "127.0.0.1", HOUR);
    struct ask ask;
    (void)state;
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    one(&ask, context, &options, ERR_TLS);
    ask_finish(&ask);
}

static void tls_1_2_is_enough(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    SSL_CTX *context = authority_server(&authority, "127.0.0.1", HOUR);
    struct ask ask;
    (void)state;
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    one(&ask, context, &options, ERR_NONE);
    ask_finish(&ask);
}

static void no_verify_believes_anybody(void **state)
{
    const struct http_origin_options options = {.no_verify = true};
    struct ask ask;
    (void)state;
    one(&ask, authority_server(&stranger, "example.com", -HOUR), &options, ERR_NONE);
    ask_finish(&ask);
}

static void a_certificate_bundle_that_is_not_there_is_named(void **state)
{
    const struct http_origin_options options = {.ca_bundle = "/nonexistent/ca.pem"};
    struct fixture fixture;
    struct err err;
    (void)state;
    fixture_open(&fixture, NULL, "127.0.0.1", NULL, NULL);
    assert_null(http_origin_create(fixture.client, "https://example.com", &options, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, options.ca_bundle));
    fixture_close(&fixture);
}

/* --- handshakes that do not come to an end
 * ------------------------------------------------------------------ */

static void ignore(struct peer *peer, const char *bytes, size_t length)
{
    (void)peer, (void)bytes, (void)length;
}

static void babble(struct peer *peer, const char *bytes, size_t length)
{
    (void)bytes, (void)length;
    peer_say(peer, "220 mail.example.com ESMTP\r\n");
}

static void reset(struct peer *peer, const char *bytes, size_t length)
{
    (void)bytes, (void)length;
    peer_reset(peer);
}

static void a_handshake_that_fails_means_not_sent(void **state)
{
    static const struct {
        void (*script)(struct peer *, const char *, size_t);
        int64_t connect_ms;
        enum err_code code;
    } table[] = {{ignore, 50, ERR_TIMEOUT}, {babble, 0, ERR_TLS}, {reset, 0, ERR_TLS}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct http_limits limits = {.connect_ms = table[i].connect_ms};
        struct fixture fixture;
        struct ask ask;
        struct err err;
        char url[64];
        fixture_open(&fixture, NULL, "127.0.0.1", &limits, NULL);
        fixture.server.on_bytes = table[i].script;
        snprintf(url, sizeof(url), "https://127.0.0.1:%d", fixture.server.port);
        fixture.origin = http_origin_create(fixture.client, url, NULL, &err);
        ask_expect(&fixture, &ask, "DELETE", "/x", table[i].code);
        assert_int_equal(ask.request.sent, HTTP_NOT_SENT);
        ask_finish(&ask);
        fixture_close(&fixture);
    }
}

static void close_inside_the_body(struct peer *peer, const char *request)
{
    (void)request;
    peer_say(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"executions\": [");
    peer_close(peer);
}

static void a_body_without_length_is_broken_because_it_may_be_cut(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct fixture fixture;
    struct ask ask;
    (void)state;
    fixture_open(&fixture, authority_server(&authority, "127.0.0.1", HOUR), "127.0.0.1", NULL, &options);
    fixture.server.on_request = close_inside_the_body;
    ask_expect(&fixture, &ask, "GET", "/x", ERR_BROKEN);
    assert_int_equal(ask.request.status, 200);
    ask_finish(&ask);
    fixture_close(&fixture);
}

static void hang_up_on_the_second(struct peer *peer, const char *request)
{
    *(int *)peer_server(peer)->owner += strncmp(request, "DELETE ", 7) == 0;
    if (peer_requests(peer) == 1)
        peer_answer(peer, 200, "{}");
    else
        peer_close(peer);
}

static void a_deletion_over_tls_goes_out_once_when_the_server_hangs_up(void **state)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    struct fixture fixture;
    struct ask ask;
    int deletions = 0;
    (void)state;
    fixture_open(&fixture, authority_server(&authority, "127.0.0.1", HOUR), "127.0.0.1", NULL, &options);
    fixture.server.on_request = hang_up_on_the_second;
    fixture.server.owner = &deletions;
    for (int i = 0; i < 100; i++) {
        ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
        ask_finish(&ask);
        ask_expect(&fixture, &ask, "DELETE", "/x", ERR_BROKEN);
        assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
        assert_int_equal(deletions, i + 1);
        ask_finish(&ask);
    }
    fixture_close(&fixture);
}

static int make_authorities(void **state)
{
    (void)state;
    authority_create(&authority);
    authority_create(&stranger);
    return 0;
}

static int remove_authorities(void **state)
{
    (void)state;
    authority_destroy(&authority);
    authority_destroy(&stranger);
    return 0;
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(a_server_with_a_good_certificate_is_believed, make_authorities),
    cmocka_unit_test(a_connection_over_tls_is_used_again),
    cmocka_unit_test(a_server_that_cannot_prove_its_name_gets_nothing),
    cmocka_unit_test(the_system_does_not_know_our_authority),
    cmocka_unit_test(old_versions_of_tls_are_refused),
    cmocka_unit_test(tls_1_2_is_enough),
    cmocka_unit_test(no_verify_believes_anybody),
    cmocka_unit_test(a_certificate_bundle_that_is_not_there_is_named),
    cmocka_unit_test(a_handshake_that_fails_means_not_sent),
    cmocka_unit_test(a_body_without_length_is_broken_because_it_may_be_cut),
    cmocka_unit_test_teardown(a_deletion_over_tls_goes_out_once_when_the_server_hangs_up, remove_authorities),
};

TAP_MAIN(tests)
