/* Requests on the control socket: what is taken, and what is said of all else. */
#include "tap.h"

#include "app/control_request.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *line, *means; /* NULL: the same */
} good[] = {
    {"{\"command\":\"status\"}", NULL},
    {"{\"command\":\"status\",\"all\":true}", NULL},
    {"{\"command\":\"status\",\"all\":false}", "{\"command\":\"status\"}"},
    {" { \"all\" : true , \"command\" : \"status\" } ", "{\"command\":\"status\",\"all\":true}"},
    {"{\"command\":\"run\",\"policies\":[\"old\"]}", NULL},
    {"{\"command\":\"run\",\"policies\":[\"old\",\"n w\"],\"target\":\"prod/*\",\"wait\":false}", NULL},
    {"{\"command\":\"run\",\"policies\":[\"old\"],\"wait\":true}",
     "{\"command\":\"run\",\"policies\":[\"old\"]}"},
    {"{\"command\":\"pause\"}", NULL},
    {"{\"command\":\"resume\"}", NULL},
    {"{\"command\":\"reload\"}", NULL},
};

static void good_requests_are_read_and_printed_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct control_request request;
        struct err err;
        struct buf out;
        if (control_request_parse(&request, good[i].line, strlen(good[i].line), &err) != 0)
            fail_msg("%s: %s", good[i].line, err.msg);
        buf_init(&out, 1024);
        control_request_print(&request, &out);
        assert_int_equal(out.data[out.length - 1], '\n');
        out.data[out.length - 1] = '\0';
        assert_string_equal(buf_string(&out), good[i].means != NULL ? good[i].means : good[i].line);
        buf_finish(&out);
        control_request_finish(&request);
    }
}

static const struct {
    const char *line, *says; /* a part of the message */
} bad[] = {
    {"", "the request is no JSON: "},
    {"status", "the request is no JSON: "},
    {"{\"command\":\"status\"", "the request is no JSON: "},
    {"{\"command\":\"status\"}{}", "the request is no JSON: "},
    {"{\"command\":\"sta\\u0000tus\"}", "the request is no JSON: "},
    {"[]", "the request must be an object"},
    {"null", "the request must be an object"},
    {"{}", "\"command\" is missing"},
    {"{\"command\":\"stop\"}", "unknown command \"stop\""},
    {"{\"command\":\"Status\"}", "unknown command \"Status\""},
    {"{\"command\":1}", "unknown command \"\""},
    {"{\"command\":null}", "unknown command \"\""},
    {"{\"command\":\"status\",\"al\":true}", "\"al\" is not known"},
    {"{\"command\":\"status\",\"all\":1}", "\"all\" must be true or false"},
    {"{\"command\":\"status\",\"all\":null}", "\"all\" must be true or false"},
    {"{\"command\":\"status\",\"policies\":[\"a\"]}", "status does not take all of this"},
    {"{\"command\":\"pause\",\"all\":true}", "pause does not take all of this"},
    {"{\"command\":\"resume\",\"wait\":false}", "resume does not take all of this"},
    {"{\"command\":\"reload\",\"target\":\"a\"}", "reload does not take all of this"},
    {"{\"command\":\"run\"}", "\"policies\" is missing"},
    {"{\"command\":\"run\",\"policies\":[]}", "\"policies\" must be a list of 1 to 1000 names, once"},
    {"{\"command\":\"run\",\"policies\":\"a\"}", "\"policies\" must be a list of 1 to 1000 names, once"},
    {"{\"command\":\"run\",\"policies\":[\"\"]}", "\"policies\" must be a list of names"},
    {"{\"command\":\"run\",\"policies\":[\"a\",1]}", "\"policies\" must be a list of names"},
    {"{\"command\":\"run\",\"policies\":[\"a\"],\"target\":\"\"}", "\"target\" is not known, or not as"},
    {"{\"command\":\"run\",\"policies\":[\"a\"],\"wait\":\"no\"}", "\"wait\" must be true or false"},
};

static void all_else_is_refused_with_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct control_request request;
        struct err err;
        if (control_request_parse(&request, bad[i].line, strlen(bad[i].line), &err) == 0)
            fail_msg("%s: taken", bad[i].line);
        if (strstr(err.msg, bad[i].says) == NULL)
            fail_msg("%s: %s", bad[i].line, err.msg);
        control_request_finish(&request);
    }
}

static void names_are_bounded_in_number_and_length(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct control_request request;
        struct err err;
        struct buf line;
        buf_init(&line, CONTROL_LINE_MAX);
        buf_text(&line, "{\"command\":\"run\",\"policies\":[");
        for (int i = 0; i < CONTROL_POLICIES_MAX + more; i++)
            buf_printf(&line, "%s\"%d\"", i > 0 ? "," : "", i);
        buf_text(&line, "]}");
        assert_int_equal(control_request_parse(&request, line.data, line.length, &err), -more);
        control_request_finish(&request);
        buf_reset(&line);
        buf_printf(&line, "{\"command\":\"run\",\"policies\":[\"%0*d\"]}", CONTROL_NAME_MAX + more, 7);
        assert_int_equal(control_request_parse(&request, line.data, line.length, &err), -more);
        control_request_finish(&request);
        buf_finish(&line);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(good_requests_are_read_and_printed_again),
    cmocka_unit_test(all_else_is_refused_with_what_is_wrong),
    cmocka_unit_test(names_are_bounded_in_number_and_length),
};

TAP_MAIN(tests)
