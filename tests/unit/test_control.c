/* The server of the control socket against clients that behave, and clients that do not. */
#include "tap.h"

#include "app/control.h"
#include "app/control_request.h"
#include "app/control_socket.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TURNS_MAX 1000000

struct stage {
    char folder[64], path[128], other[128];
    uv_loop_t loop;
    struct control *control;
    int requests, gone, written, quiet;
    bool hold;                     /* do not end a reply */
    bool endless;                  /* as long as it is read */
    size_t answer;                 /* bytes of each */
    size_t longest;                /* line that came */
    struct control_client *client; /* the latest that asked */
};

static void send_bytes(struct control_client *client, size_t count)
{
    struct buf text;
    buf_init(&text, count + 1);
    for (size_t i = 0; i < count; i++)
        buf_char(&text, 'x');
    control_send(client, &text);
    buf_finish(&text);
}

static void on_request(void *owner, struct control_client *client, const char *line, size_t length)
{
    struct stage *stage = owner;
    stage->requests++;
    stage->client = client;
    stage->longest = length > stage->longest ? length : stage->longest;
    assert_true(control_user(client) == geteuid());
    assert_null(control_data(client));
    if (stage->answer > 0)
        send_bytes(client, stage->answer);
    struct buf text;
    buf_init(&text, CONTROL_LINE_MAX + 16);
    buf_printf(&text, "<%.*s>", (int)(length < 100 ? length : 100), line);
    control_send(client, &text);
    buf_finish(&text);
    if (!stage->hold)
        control_end(client);
    else
        control_set_data(client, stage);
}

static void on_written(void *owner, struct control_client *client)
{
    struct stage *stage = owner;
    stage->written++;
    if (stage->endless)
        send_bytes(client, 50000);
}

static void on_gone(void *owner, struct control_client *client)
{
    struct stage *stage = owner;
    (void)client;
    stage->gone++;
}

static void on_quiet(void *owner)
{
    struct stage *stage = owner;
    assert_true(control_quiet(stage->control));
    stage->quiet++;
}

static void open_server(struct stage *stage, uint64_t line_ms, uint64_t reply_ms)
{
    struct err err = {0};
    stage->control = control_create(&(struct control_config){.loop = &stage->loop,
                                                             .line_ms = line_ms,
                                                             .reply_ms = reply_ms,
                                                             .owner = stage,
                                                             .request = on_request,
                                                             .written = on_written,
                                                             .gone = on_gone,
                                                             .quiet = on_quiet});
    assert_null(control_path(stage->control));
    if (control_listen(stage->control, stage->path, &err) != 0)
        fail_msg("%s", err.msg);
    assert_string_equal(control_path(stage->control), stage->path);
}

static int begin(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    strcpy(stage->folder, "/tmp/jobsweep-control-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    snprintf(stage->path, sizeof stage->path, "%s/control.sock", stage->folder);
    snprintf(stage->other, sizeof stage->other, "%s/other.sock", stage->folder);
    uv_loop_init(&stage->loop);
    *state = stage;
    return 0;
}

static int end(void **state)
{
    struct stage *stage = *state;
    control_destroy(stage->control);
    uv_run(&stage->loop, UV_RUN_DEFAULT); /* nothing may keep it */
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    assert_int_equal(access(stage->path, F_OK), -1);
    unlink(stage->other);
    assert_int_equal(rmdir(stage->folder), 0);
    free(stage);
    return 0;
}

static int connect_to(const char *path)
{
    struct err err;
    int fd = control_socket_connect(path, 60, &err);
    if (fd < 0)
        fail_msg("%s", err.msg);
    return fd;
}

static void put(int fd, const char *text, size_t length)
{
    assert_int_equal(send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT), length);
}

/* Turns the loop until so many bytes have come, or the other side has closed; how many there were. */
static size_t take(struct stage *stage, int fd, char *text, size_t most)
{
    size_t length = 0;
    for (int i = 0; i < TURNS_MAX && length < most; i++) {
        uv_run(&stage->loop, UV_RUN_NOWAIT);
        ssize_t count = recv(fd, text + length, most - length, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN))
            break;
        length += count > 0 ? (size_t)count : 0;
    }
    return length;
}

static void expect(struct stage *stage, int fd, const char *text)
{
    char found[256];
    size_t length = take(stage, fd, found, strlen(text));
    found[length] = '\0';
    assert_string_equal(found, text);
}

static void expect_closed(struct stage *stage, int fd)
{
    char rest[65536];
    size_t length;
    do
        length = take(stage, fd, rest, sizeof rest);
    while (length == sizeof rest);
    assert_true(recv(fd, rest, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN);
    close(fd);
}

static void lines_are_answered_in_their_order_however_they_come(void **state)
{
    struct stage *stage = *state;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\ntwo\nth", 10);
    expect(stage, fd, "<one><two>");
    for (const char *at = "ree\n\nfive\n"; *at != '\0'; at++) {
        put(fd, at, 1);
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    }
    expect(stage, fd, "<three><><five>");
    put(fd, "a\0b\n", 4);
    take(stage, fd, (char[8]){0}, 3);
    assert_int_equal(stage->longest, 5);
    close(fd);
}

static void who_stops_sending_still_gets_his_answers(void **state)
{
    struct stage *stage = *state;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\ntwo\nhalf", 12);
    shutdown(fd, SHUT_WR);
    expect(stage, fd, "<one><two>");
    expect_closed(stage, fd);
    assert_int_equal(stage->requests, 2);
}

static void a_reply_may_take_longer_than_a_line(void **state)
{
    struct stage *stage = *state;
    stage->hold = true;
    open_server(stage, 1, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\ntwo\n", 8);
    expect(stage, fd, "<one>");
    for (int i = 0; i < 100; i++)
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    assert_int_equal(stage->requests, 1);
    assert_true(control_idle(stage->client));
    send_bytes(stage->client, 3);
    stage->hold = false;
    control_end(stage->client);
    expect(stage, fd, "xxx<two>");
    expect_closed(stage, fd); /* the next line does not come */
    assert_int_equal(stage->gone, 0);
}

/* What makes us late may be a slow disk: his line is in the socket, and the timer is due before it is read.
 */
static void who_was_in_time_is_not_late_because_the_server_is(void **state)
{
    struct stage *stage = *state;
    open_server(stage, 1, 0);
    int fd = connect_to(stage->path);
    uv_run(&stage->loop, UV_RUN_NOWAIT);
    put(fd, "one\n", 4);
    for (uint64_t accepted = uv_now(&stage->loop); uv_now(&stage->loop) < accepted + 2;)
        uv_update_time(&stage->loop);
    expect(stage, fd, "<one>");
    expect_closed(stage, fd);
}

static void half_a_line_and_silence_are_given_up(void **state)
{
    struct stage *stage = *state;
    open_server(stage, 20, 0);
    int half = connect_to(stage->path), silent = connect_to(stage->path);
    put(half, "hal", 3);
    expect_closed(stage, half);
    expect_closed(stage, silent);
    assert_int_equal(stage->requests, 0);
}

static void a_line_that_is_too_long_is_not_read_to_its_end(void **state)
{
    struct stage *stage = *state;
    static char line[CONTROL_LINE_MAX + 2];
    open_server(stage, 0, 0);
    memset(line, 'x', sizeof line);
    line[CONTROL_LINE_MAX] = '\n';
    int fd = connect_to(stage->path);
    for (size_t sent = 0; sent < CONTROL_LINE_MAX + 1;) {
        ssize_t count = send(fd, line + sent, CONTROL_LINE_MAX + 1 - sent, MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    }
    char text[102];
    assert_int_equal(take(stage, fd, text, sizeof text), 102);
    assert_int_equal(stage->longest, CONTROL_LINE_MAX);
    line[CONTROL_LINE_MAX] = 'x';
    for (int i = 0; i < TURNS_MAX; i++) {
        if (send(fd, line, sizeof line, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            break;
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    }
    expect_closed(stage, fd);
    assert_int_equal(stage->requests, 1);
}

static void who_reads_nothing_is_dropped_in_the_middle_of_his_reply(void **state)
{
    struct stage *stage = *state;
    stage->hold = stage->endless = true;
    open_server(stage, 0, 20);
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    for (int i = 0; i < TURNS_MAX && stage->gone == 0; i++)
        uv_run(&stage->loop, UV_RUN_ONCE);
    assert_int_equal(stage->gone, 1);
    assert_true(stage->written > 0);
    expect_closed(stage, fd);
}

static void a_long_reply_goes_piece_by_piece_and_then_it_is_quiet(void **state)
{
    struct stage *stage = *state;
    static char text[65536 + 1];
    const size_t all = CONTROL_REPLY_MAX - 16;
    stage->answer = all;
    open_server(stage, 0, 0);
    assert_true(control_quiet(stage->control));
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    for (size_t taken = 0; taken < all;) {
        size_t most = all - taken < sizeof text - 1 ? all - taken : sizeof text - 1;
        assert_int_equal(take(stage, fd, text, most), most);
        assert_int_equal(strspn(text, "x"), most);
        assert_true(taken > all / 2 || (stage->quiet == 0 && !control_quiet(stage->control)));
        taken += most;
        memset(text, 0, sizeof text);
    }
    expect(stage, fd, "<one>");
    for (int i = 0; i < TURNS_MAX && stage->quiet == 0; i++)
        uv_run(&stage->loop, UV_RUN_NOWAIT);
    assert_int_equal(stage->quiet, 1);
    close(fd);
}

static void who_leaves_in_the_middle_of_his_reply_is_gone_once(void **state)
{
    struct stage *stage = *state;
    stage->hold = stage->endless = true;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    expect(stage, fd, "<one>");
    close(fd);
    for (int i = 0; i < TURNS_MAX && stage->gone == 0; i++)
        uv_run(&stage->loop, UV_RUN_ONCE);
    assert_int_equal(stage->gone, 1);
}

static void a_reply_that_is_too_long_to_be_kept_drops_its_client(void **state)
{
    struct stage *stage = *state;
    stage->answer = CONTROL_REPLY_MAX + 1;
    stage->hold = true;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    expect_closed(stage, fd);
    assert_int_equal(stage->gone, 1);
}

static void one_more_than_there_may_be_is_turned_away(void **state)
{
    struct stage *stage = *state;
    int fds[CONTROL_CLIENTS_MAX];
    char text[256];
    open_server(stage, 0, 0);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        fds[i] = connect_to(stage->path);
        put(fds[i], "a\n", 2);
        expect(stage, fds[i], "<a>");
    }
    int extra = connect_to(stage->path);
    text[take(stage, extra, text, sizeof text - 1)] = '\0';
    assert_non_null(strstr(text, "too many clients at once"));
    assert_non_null(strstr(text, "\"exit\":7"));
    close(extra);
    close(fds[0]);
    uv_run(&stage->loop, UV_RUN_NOWAIT);
    int next = connect_to(stage->path);
    put(next, "b\n", 2);
    expect(stage, next, "<b>");
    close(next);
    for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
        close(fds[i]);
}

static void it_moves_with_its_clients(void **state)
{
    struct stage *stage = *state;
    struct err err;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    expect(stage, fd, "<one>");
    assert_int_equal(control_listen(stage->control, stage->other, &err), 0);
    assert_int_equal(access(stage->path, F_OK), -1);
    put(fd, "two\n", 4);
    expect(stage, fd, "<two>");
    char folder[160];
    snprintf(folder, sizeof folder, "%s/folder", stage->folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(control_listen(stage->control, folder, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    assert_int_equal(rmdir(folder), 0);
    assert_string_equal(control_path(stage->control), stage->other);
    int second = connect_to(stage->other);
    put(second, "three\n", 6);
    expect(stage, second, "<three>");
    assert_int_equal(control_listen(stage->control, NULL, &err), 0);
    assert_null(control_path(stage->control));
    assert_int_equal(access(stage->other, F_OK), -1);
    close(fd);
    close(second);
}

static void only_a_socket_that_nobody_listens_on_is_replaced(void **state)
{
    struct stage *stage = *state;
    struct err err;
    struct stat status;
    open_server(stage, 0, 0);
    assert_int_equal(stat(stage->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(control_socket_listen(stage->path, &err), -1);
    assert_int_equal(err.code, ERR_LOCKED);
    int bound = control_socket_listen(stage->other, &err); /* as if its process had ended */
    assert_true(bound >= 0);
    close(bound);
    bound = control_socket_listen(stage->other, &err);
    assert_true(bound >= 0);
    close(bound);
    unlink(stage->other);
    FILE *file = fopen(stage->other, "w");
    fclose(file);
    assert_int_equal(control_socket_listen(stage->other, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
    unlink(stage->other);
    assert_int_equal(symlink(stage->path, stage->other), 0);
    assert_int_equal(control_socket_listen(stage->other, &err), -1);
    assert_int_equal(err.code, ERR_INVALID);
}

static void a_folder_that_is_not_ours_alone_is_refused(void **state)
{
    struct stage *stage = *state;
    struct err err;
    char below[256];
    open_server(stage, 0, 0);
    snprintf(below, sizeof below, "%s/open", stage->folder);
    assert_int_equal(mkdir(below, 0700), 0);
    assert_int_equal(chmod(below, 0770), 0);
    strcat(below, "/x.sock");
    assert_int_equal(control_socket_listen(below, &err), -1);
    assert_int_equal(err.code, ERR_PERMISSION);
    *strrchr(below, '/') = '\0';
    assert_int_equal(rmdir(below), 0);
    snprintf(below, sizeof below, "%s/no/such/x.sock", stage->folder);
    assert_int_equal(control_socket_listen(below, &err), -1);
    assert_int_equal(err.code, ERR_IO);
    assert_int_equal(control_socket_connect(below, 1, &err), -1);
    assert_int_equal(err.code, ERR_NOT_FOUND);
    memset(below, 'x', 200);
    below[0] = '/';
    below[200] = '\0';
    assert_int_equal(control_socket_listen(below, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
}

static void its_end_is_the_end_of_replies(void **state)
{
    struct stage *stage = *state;
    stage->hold = true;
    open_server(stage, 0, 0);
    int fd = connect_to(stage->path);
    put(fd, "one\n", 4);
    expect(stage, fd, "<one>");
    control_destroy(stage->control);
    stage->control = NULL;
    assert_int_equal(stage->gone, 1);
    expect_closed(stage, fd);
}

#define CONTROL_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

static const struct CMUnitTest tests[] = {
    CONTROL_TEST(lines_are_answered_in_their_order_however_they_come),
    CONTROL_TEST(who_stops_sending_still_gets_his_answers),
    CONTROL_TEST(a_reply_may_take_longer_than_a_line),
    CONTROL_TEST(who_was_in_time_is_not_late_because_the_server_is),
    CONTROL_TEST(half_a_line_and_silence_are_given_up),
    CONTROL_TEST(a_line_that_is_too_long_is_not_read_to_its_end),
    CONTROL_TEST(who_reads_nothing_is_dropped_in_the_middle_of_his_reply),
    CONTROL_TEST(a_long_reply_goes_piece_by_piece_and_then_it_is_quiet),
    CONTROL_TEST(who_leaves_in_the_middle_of_his_reply_is_gone_once),
    CONTROL_TEST(a_reply_that_is_too_long_to_be_kept_drops_its_client),
    CONTROL_TEST(one_more_than_there_may_be_is_turned_away),
    CONTROL_TEST(it_moves_with_its_clients),
    CONTROL_TEST(only_a_socket_that_nobody_listens_on_is_replaced),
    CONTROL_TEST(a_folder_that_is_not_ours_alone_is_refused),
    CONTROL_TEST(its_end_is_the_end_of_replies),
};

TAP_MAIN(tests)
