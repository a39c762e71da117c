/* The HTTP client over HTTP/2: against a server of a few frames that behaves badly on purpose, and against
 * nghttpx where it is installed. */
#include "certificate.h"
#include "http_fixture.h"
#include "tap.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOUR 3600L

static struct authority authority;

/* --- a server of frames (RFC 9113) --- */

#define PREFACE_BYTES    24
#define FRAME_HEAD_BYTES 9
#define REFUSED_STREAM   7

enum frame { FRAME_DATA, FRAME_HEADERS, FRAME_RST_STREAM = 3, FRAME_SETTINGS = 4, FRAME_GOAWAY = 7 };
enum { FLAG_ACK = 1, FLAG_END_STREAM = 1, FLAG_END_HEADERS = 4 };

struct session {
    bool greeted; /* the preface has been taken off */
    unsigned char bytes[65536];
    size_t length;
    int streams; /* opened on this connection */
};

/* What the server does with the n-th request of a connection, n from 1. */
struct script {
    void (*on_stream)(struct peer *peer, int n, uint32_t stream);
    int streams; /* opened on all connections */
};

static void send_frame(struct peer *peer, enum frame type, int flags, uint32_t stream, const void *payload,
                       size_t length)
{
    unsigned char frame[FRAME_HEAD_BYTES + 64] = {0, 0, (unsigned char)length, (unsigned char)type,
                                                  (unsigned char)flags};
    uint32_t order = htonl(stream);
    memcpy(frame + 5, &order, 4);
    if (length > 0)
        memcpy(frame + FRAME_HEAD_BYTES, payload, length);
    peer_send(peer, (char *)frame, FRAME_HEAD_BYTES + length);
}

static void answer(struct peer *peer, uint32_t stream)
{
    static const char status_200[] = "\x88"; /* the static table's entry 8, RFC 7541 appendix A */
    send_frame(peer, FRAME_HEADERS, FLAG_END_STREAM | FLAG_END_HEADERS, stream, status_200, 1);
}

static void go_away(struct peer *peer, uint32_t last_stream)
{
    const uint32_t payload[2] = {htonl(last_stream), 0};
    send_frame(peer, FRAME_GOAWAY, 0, 0, payload, sizeof(payload));
}

static void refuse_stream(struct peer *peer, uint32_t stream)
{
    const uint32_t payload = htonl(REFUSED_STREAM);
    send_frame(peer, FRAME_RST_STREAM, 0, stream, &payload, sizeof(payload));
}

static void take_frame(struct peer *peer, struct session *session, const unsigned char *head)
{
    struct script *script = peer_server(peer)->owner;
    uint32_t stream;
    memcpy(&stream, head + 5, 4);
    if (head[3] == FRAME_SETTINGS && !(head[4] & FLAG_ACK)) {
        send_frame(peer, FRAME_SETTINGS, 0, 0, NULL, 0);
        send_frame(peer, FRAME_SETTINGS, FLAG_ACK, 0, NULL, 0);
    }
    if (head[3] == FRAME_HEADERS) {
        script->streams++;
        script->on_stream(peer, ++session->streams, ntohl(stream));
    }
}

static void on_bytes(struct peer *peer, const char *bytes, size_t length)
{
    struct session *session = peer_data(peer, sizeof(*session));
    assert_true(session->length + length <= sizeof(session->bytes));
    memcpy(session->bytes + session->length, bytes, length);
    session->length += length;
    size_t at = session->greeted ? 0 : PREFACE_BYTES;
    if (session->length < at)
        return;
    session->greeted = true;
    while (session->length >= at + FRAME_HEAD_BYTES) {
        const unsigned char *head = session->bytes + at;
        size_t whole = FRAME_HEAD_BYTES + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
        if (session->length < at + whole)
            break;
        take_frame(peer, session, head);
        at += whole;
    }
    session->length -= at;
    memmove(session->bytes, session->bytes + at, session->length);
}

static int choose_h2(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                     const unsigned char *offered, unsigned offered_length, void *unused)
{
    static const unsigned char h2[] = "\2h2";
    (void)ssl, (void)unused;
    int found =
        SSL_select_next_proto((unsigned char **)(uintptr_t)chosen, length, h2, 3, offered, offered_length);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static void open_h2(struct fixture *fixture, struct script *script)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    SSL_CTX *context = authority_server(&authority, "127.0.0.1", HOUR);
    SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
    fixture_open(fixture, context, "127.0.0.1", NULL, &options);
    fixture->server.on_bytes = on_bytes;
    fixture->server.owner = script;
}

/* --- tests --- */

static void answer_all(struct peer *peer, int n, uint32_t stream)
{
    (void)n;
    answer(peer, stream);
}

static void requests_share_one_connection(void **state)
{
    enum { COUNT = 30 };
    struct script script = {.on_stream = answer_all};
    struct fixture fixture;
    struct ask asks[COUNT];
    (void)state;
    open_h2(&fixture, &script);
    ask_expect(&fixture, &asks[0], "GET", "/x", ERR_NONE);
    assert_int_equal(asks[0].request.status, 200);
    ask_finish(&asks[0]);
    for (int i = 0; i < COUNT; i++)
        ask_once(&fixture, &asks[i], "DELETE", "/x");
    fixture_run(&fixture);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].request.err.code, ERR_NONE);
        assert_int_equal(asks[i].request.status, 200);
        ask_finish(&asks[i]);
    }
    assert_int_equal(script.streams, COUNT + 1);
    assert_int_equal(fixture.server.connections, 1);
    fixture_close(&fixture);
}

static void die_on_the_second(struct peer *peer, int n, uint32_t stream)
{
    if (n == 1)
        answer(peer, stream);
    else
        peer_close(peer);
}

static void go_away_on_the_second(struct peer *peer, int n, uint32_t stream)
{
    if (n == 1) {
        answer(peer, stream);
        return;
    }
    go_away(peer, stream - 2);
    peer_close(peer);
}

static void refuse_the_second(struct peer *peer, int n, uint32_t stream)
{
    if (n == 2)
        refuse_stream(peer, stream);
    else
        answer(peer, stream);
}

static void say_goodbye_on_the_second(struct peer *peer, int n, uint32_t stream)
{
    if (n == 1)
        answer(peer, stream);
    else
        go_away(peer, stream - 2);
}

/* The ways to leave a stream without an answer, and whether libcurl 7.88 would send the request again. */
static const struct {
    void (*on_stream)(struct peer *peer, int n, uint32_t stream);
    bool again;
} BAD[] = {
    {die_on_the_second, false},
    {go_away_on_the_second, false},
    {say_goodbye_on_the_second, false},
    {refuse_the_second, true},
};

static void a_deletion_goes_out_once_however_its_stream_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        for (int round = 0; round < 20; round++) {
            struct script script = {.on_stream = BAD[i].on_stream};
            struct fixture fixture;
            struct ask ask;
            open_h2(&fixture, &script);
            ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
            ask_finish(&ask);
            ask_expect(&fixture, &ask, "DELETE", "/x", ERR_BROKEN);
            assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
            assert_int_equal(ask.request.status, 0);
            assert_int_equal(script.streams, 2);
            ask_finish(&ask);
            fixture_close(&fixture);
            assert_int_equal(script.streams, 2);
        }
    }
}

static void without_the_guard_libcurl_opens_another_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct script script = {.on_stream = BAD[i].on_stream};
        struct fixture fixture;
        struct ask ask;
        open_h2(&fixture, &script);
        ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
        ask_finish(&ask);
        ask_submit(&fixture, &ask, "GET", "/x");
        fixture_run(&fixture);
        assert_int_equal(ask.done, 1);
        assert_int_equal(script.streams, BAD[i].again ? 3 : 2);
        assert_int_equal(ask.request.err.code, BAD[i].again ? ERR_NONE : ERR_BROKEN);
        ask_finish(&ask);
        fixture_close(&fixture);
    }
}

static void die_on_the_fifth(struct peer *peer, int n, uint32_t stream)
{
    if (n == 1)
        answer(peer, stream);
    else if (n == 5)
        peer_reset(peer);
}

static void deletions_that_share_a_connection_die_with_it_once_each(void **state)
{
    enum { COUNT = 4 };
    struct script script = {.on_stream = die_on_the_fifth};
    struct fixture fixture;
    struct ask asks[COUNT];
    (void)state;
    open_h2(&fixture, &script);
    ask_expect(&fixture, &asks[0], "GET", "/warm", ERR_NONE);
    ask_finish(&asks[0]);
    for (int i = 0; i < COUNT; i++)
        ask_once(&fixture, &asks[i], "DELETE", "/x");
    fixture_run(&fixture);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].request.err.code, ERR_BROKEN);
        assert_int_equal(asks[i].request.sent, HTTP_MAYBE_SENT);
        ask_finish(&asks[i]);
    }
    assert_int_equal(script.streams, 1 + COUNT);
    fixture_close(&fixture);
}

/* Takes two deletions back after so many turns of the loop; how many of them had left. */
static int recall_two(void (*on_stream)(struct peer *peer, int n, uint32_t stream), bool warm, int turns)
{
    struct script script = {.on_stream = on_stream};
    struct fixture fixture;
    struct ask asks[2];
    int left = 0;
    open_h2(&fixture, &script);
    if (warm) {
        ask_expect(&fixture, &asks[0], "GET", "/warm", ERR_NONE);
        ask_finish(&asks[0]);
    }
    ask_once(&fixture, &asks[0], "DELETE", "/x");
    ask_once(&fixture, &asks[1], "DELETE", "/y");
    fixture_turns(&fixture, turns);
    for (int i = 0; i < 2; i++)
        http_recall(fixture.client, &asks[i].request);
    fixture_run(&fixture);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(asks[i].done, 1);
        assert_int_equal(asks[i].request.sent == HTTP_NOT_SENT, asks[i].request.err.code == ERR_CANCELED);
        left += asks[i].request.sent == HTTP_MAYBE_SENT;
        ask_finish(&asks[i]);
    }
    fixture_close(&fixture);
    assert_int_equal(script.streams, warm + left);
    return left;
}

/* Over a new connection, one that is warm, and one that dies of the request. */
static void what_is_taken_back_has_opened_no_stream(void **state)
{
    static const struct {
        void (*on_stream)(struct peer *peer, int n, uint32_t stream);
        bool warm;
    } ways[] = {{answer_all, false}, {answer_all, true}, {refuse_the_second, true}};
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int turns = 0;
        assert_int_equal(recall_two(ways[i].on_stream, ways[i].warm, turns), 0);
        while (turns < 200 && recall_two(ways[i].on_stream, ways[i].warm, turns) < 2)
            turns++;
        assert_in_range(turns, 1, 199);
    }
}

/* --- nghttpx --- */

static pid_t nghttpx_pid; /* 0: not running */

struct front {
    int port;
    char certificate[80];
    int kill_on_delete; /* a signal, or 0 */
    int deletions;
};

static int local_socket(int port, struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int free_port(void)
{
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    int fd = local_socket(0, &address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Five seconds at most. */
static void await_listener(int port)
{
    int failed = -1;
    for (int i = 0; i < 500 && failed; i++) {
        struct sockaddr_in address;
        int fd = local_socket(port, &address);
        failed = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
        if (failed)
            poll(NULL, 0, 10);
    }
    assert_int_equal(failed, 0);
}

static const char *find_nghttpx(void)
{
    static const char *const paths[] = {"/usr/sbin/nghttpx", "/usr/bin/nghttpx"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    }
    return NULL;
}

/* Between the client and the fixture's server, which speaks plain HTTP/1.1, nghttpx speaks HTTP/2. */
static void open_front(struct fixture *fixture, struct front *front)
{
    const struct http_origin_options options = {.ca_bundle = authority.path};
    char frontend[64], backend[64], url[64];
    struct err err;
    fixture_open(fixture, NULL, "127.0.0.1", NULL, NULL);
    fixture->server.owner = front;
    front->port = free_port();
    snprintf(front->certificate, sizeof(front->certificate), "%s-server", authority.path);
    authority_write_server(&authority, "127.0.0.1", front->certificate);
    snprintf(frontend, sizeof(frontend), "-f127.0.0.1,%d", front->port);
    snprintf(backend, sizeof(backend), "-b127.0.0.1,%d", fixture->server.port);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", front->port);
    const char *const arguments[] = {
        "nghttpx", "--conf=/dev/null", "--single-process", "--no-ocsp", "-LFATAL", frontend,
        backend,   front->certificate, front->certificate, NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int failed =
        posix_spawn(&nghttpx_pid, find_nghttpx(), &actions, NULL, (char **)(uintptr_t)arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(failed, 0);
    await_listener(front->port);
    fixture->origin = http_origin_create(fixture->client, url, &options, &err);
    assert_non_null(fixture->origin);
}

/* Also a teardown: a test that failed has left it running. */
static int stop_nghttpx(void **state)
{
    (void)state;
    if (nghttpx_pid > 0) {
        kill(nghttpx_pid, SIGKILL);
        waitpid(nghttpx_pid, NULL, 0);
    }
    nghttpx_pid = 0;
    return 0;
}

static void close_front(struct fixture *fixture, struct front *front)
{
    stop_nghttpx(NULL);
    unlink(front->certificate);
    fixture_close(fixture);
}

static void on_backend_request(struct peer *peer, const char *request)
{
    struct front *front = peer_server(peer)->owner;
    bool is_deletion = strncmp(request, "DELETE ", 7) == 0;
    front->deletions += is_deletion;
    if (is_deletion && front->kill_on_delete)
        kill(nghttpx_pid, front->kill_on_delete);
    if (!is_deletion || front->kill_on_delete != SIGKILL)
        peer_answer(peer, 200, request);
}

static void nghttpx_passes_the_requests_of_one_connection(void **state)
{
    enum { COUNT = 30 };
    struct front front = {0};
    struct fixture fixture;
    struct http_stats stats;
    struct ask asks[COUNT];
    (void)state;
    if (!find_nghttpx())
        skip();
    open_front(&fixture, &front);
    fixture.server.on_request = on_backend_request;
    ask_expect(&fixture, &asks[0], "GET", "/a%3Ab?x=%7E", ERR_NONE);
    assert_memory_equal(buf_string(&asks[0].request.body_in), "GET /a%3Ab?x=%7E ", 17);
    ask_finish(&asks[0]);
    for (int i = 0; i < COUNT; i++)
        ask_once(&fixture, &asks[i], "DELETE", "/x");
    fixture_run(&fixture);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(asks[i].request.err.code, ERR_NONE);
        assert_int_equal(asks[i].request.status, 200);
        ask_finish(&asks[i]);
    }
    http_client_stats(fixture.client, &stats);
    assert_int_equal(stats.connections, 1);
    assert_int_equal(front.deletions, COUNT);
    close_front(&fixture, &front);
}

static void a_deletion_goes_out_once_when_nghttpx_dies_or_says_goodbye(void **state)
{
    static const int signals[] = {SIGKILL, SIGQUIT};
    (void)state;
    if (!find_nghttpx())
        skip();
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct front front = {.kill_on_delete = signals[i]};
        struct fixture fixture;
        struct ask ask;
        open_front(&fixture, &front);
        fixture.server.on_request = on_backend_request;
        ask_expect(&fixture, &ask, "GET", "/warm", ERR_NONE);
        ask_finish(&ask);
        ask_expect(&fixture, &ask, "DELETE", "/x", signals[i] == SIGKILL ? ERR_BROKEN : ERR_NONE);
        assert_int_equal(ask.request.sent, HTTP_MAYBE_SENT);
        assert_int_equal(front.deletions, 1);
        ask_finish(&ask);
        close_front(&fixture, &front);
    }
}

static int make_authority(void **state)
{
    (void)state;
    authority_create(&authority);
    return 0;
}

static int remove_authority(void **state)
{
    stop_nghttpx(state);
    authority_destroy(&authority);
    return 0;
}

const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(requests_share_one_connection, make_authority),
    cmocka_unit_test(a_deletion_goes_out_once_however_its_stream_ends),
    cmocka_unit_test(without_the_guard_libcurl_opens_another_stream),
    cmocka_unit_test(deletions_that_share_a_connection_die_with_it_once_each),
    cmocka_unit_test(what_is_taken_back_has_opened_no_stream),
    cmocka_unit_test_teardown(nghttpx_passes_the_requests_of_one_connection, stop_nghttpx),
    cmocka_unit_test_teardown(a_deletion_goes_out_once_when_nghttpx_dies_or_says_goodbye, remove_authority),
};

TAP_MAIN(tests)
