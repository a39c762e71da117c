/* The header lines of a request, as libcurl takes them. */
#include "tap.h"

#include "../../daemon/net/message.h"

#include <string.h>

/* The lines with '|' behind each. */
static int lines_of(const struct http_request *request, size_t room, struct buf *lines, struct err *err)
{
    buf_init(lines, room);
    int result = message_lines(request, "h:1", lines, err);
    for (size_t i = 0; i < lines->length; i++) {
        lines->data[i] = lines->data[i] == '\0' ? '|' : lines->data[i];
    }
    return result;
}

static void only_what_is_given_leaves(void **state)
{
    static const struct {
        struct http_request request;
        const char *lines;
    } cases[] = {
        {{.method = "GET"}, "Host: h:1|Accept:|"},
        {{.method = "DELETE"}, "Host: h:1|Accept:|Content-Length: 0|"},
        {{.method = "PUT", .headers = {{"X-A", ""}, {"accept", "a b"}}, .header_count = 2},
         "Host: h:1|X-A;|accept: a b|Content-Length: 0|"},
        {{.method = "POST", .body = "", .headers = {{"X-A", "b"}}, .header_count = 1},
         "Host: h:1|X-A: b|Accept:|Expect:|Content-Type:|"},
        {{.method = "POST", .body = "x", .headers = {{"Content-Type", "t"}}, .header_count = 1},
         "Host: h:1|Content-Type: t|Accept:|Expect:|"},
    };
    struct buf lines;
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(lines_of(&cases[i].request, 256, &lines, &err), 0);
        assert_string_equal(buf_string(&lines), cases[i].lines);
        buf_finish(&lines);
    }
}

static void lines_that_do_not_fit_are_refused(void **state)
{
    const struct http_request request = {.method = "GET"};
    struct buf lines;
    struct err err;
    (void)state;
    assert_int_equal(lines_of(&request, 18, &lines, &err), 0);
    buf_finish(&lines);
    assert_int_equal(lines_of(&request, 17, &lines, &err), -1);
    assert_int_equal(err.code, ERR_TOO_BIG);
    assert_string_equal(err.msg, "the request's headers are larger than 17 bytes");
    buf_finish(&lines);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(only_what_is_given_leaves),
    cmocka_unit_test(lines_that_do_not_fit_are_refused),
};

TAP_MAIN(tests)
