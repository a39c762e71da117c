/* STS: the two XML answers, and the strict reader under them. */
#include "aws/iot.h"
#include "aws/sts.h"
#include "aws/xml.h"
#include "tap.h"
#include "unit/answers.h"

#include <stdio.h>
#include <string.h>

#define NAMESPACE " xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\""

static const char IDENTITY[] = "<GetCallerIdentityResponse" NAMESPACE ">\n  <GetCallerIdentityResult>\n"
                               "    <Arn>arn:aws:iam::123456789012:user/a&amp;b</Arn>\n"
                               "    <UserId>AIDAEXAMPLE</UserId>\n    <Account>123456789012</Account>\n"
                               "  </GetCallerIdentityResult>\n  <ResponseMetadata>\n"
                               "    <RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId>\n"
                               "  </ResponseMetadata>\n</GetCallerIdentityResponse>\n";

static struct call answered(int status, const char *body)
{
    struct http_request request;
    struct call call;

    call_init(&call, OPERATION_GET_CALLER_IDENTITY);
    answer_make(&request, status, "", body);
    iot_decode(&call, &request);
    answer_free(&request);
    return call;
}

static void the_identity_is_read(void **state)
{
    struct call call = answered(200, IDENTITY);
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_string_equal(call.account, "123456789012");
    assert_string_equal(call.arn, "arn:aws:iam::123456789012:user/a&b");
    call_finish(&call);
}

static void an_error_of_sts_is_read_and_classified(void **state)
{
    static const struct {
        const char *code, *message;
        int status;
        enum answer_class class;
    } cases[] = {
        {"ExpiredToken", "The security token included in the request is expired", 403, ANSWER_EXPIRED},
        {"InvalidClientTokenId", "The security token included in the request is invalid", 403,
         ANSWER_EXPIRED},
        {"SignatureDoesNotMatch", "Signature expired: 20150830T123600Z is now earlier", 403, ANSWER_SKEWED},
        {"SignatureDoesNotMatch", "The request signature we calculated does not match", 403, ANSWER_DENIED},
        {"RegionDisabledException", "STS is not activated in this region", 403, ANSWER_DENIED},
        {"Throttling", "Rate exceeded", 400, ANSWER_THROTTLED},
        {"InternalFailure", "x", 500, ANSWER_AMBIGUOUS},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char body[512];
        snprintf(body, sizeof(body),
                 "<ErrorResponse" NAMESPACE "><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
                 "</Error><RequestId>r</RequestId></ErrorResponse>",
                 cases[i].code, cases[i].message);
        struct call call = answered(cases[i].status, body);
        assert_int_equal(call.answer.class, cases[i].class);
        assert_string_equal(call.answer.code, cases[i].code);
        assert_string_equal(call.answer.message, cases[i].message);
        call_finish(&call);
    }
}

static void an_error_that_is_no_such_xml_is_judged_by_its_status(void **state)
{
    struct call call = answered(403, "<html><body>blocked<br></body></html>");
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DENIED);
    assert_string_equal(call.answer.code, "403");
    call_finish(&call);
    call = answered(400, "<ErrorResponse><Error><Code>a b</Code></Error></ErrorResponse>");
    assert_string_equal(call.answer.code, "400");
    call_finish(&call);
}

static void an_identity_that_cannot_be_trusted_is_unreadable(void **state)
{
#define RESULT(inside)                                                                                       \
    "<GetCallerIdentityResponse><GetCallerIdentityResult>" inside                                            \
    "</GetCallerIdentityResult></GetCallerIdentityResponse>"
    static const char *const bodies[] = {
        "",
        "{}",
        "<html>log in</html>",
        RESULT(""),
        RESULT("<Account>123456789012</Account>"),
        RESULT("<Arn>a</Arn><Account>12345678901</Account>"),
        RESULT("<Arn>a</Arn><Account> 123456789012</Account>"),
        RESULT("<Arn>a</Arn><Account>12345678901x</Account>"),
        RESULT("<Arn>a</Arn><Account/>"),
        RESULT("<Arn>a</Arn><Account>123456789012</Account><Account>210987654321</Account>"),
        RESULT("<Arn>a</Arn><Account><b>123456789012</b></Account>"),
        RESULT("<Arn>a</Arn><Account>123456789012</Account>") "x",
        RESULT("<Arn>a</Arn><!-- x --><Account>123456789012</Account>"),
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><Account>123456789012</Account>",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct call call = answered(200, bodies[i]);
        if (call.answer.class != ANSWER_AMBIGUOUS) {
            fail_msg("%s", bodies[i]);
        }
        assert_string_equal(call.answer.code, "UnreadableAnswer");
        assert_string_equal(call.account, "");
        assert_string_equal(call.arn, "");
        call_finish(&call);
    }
}

/* --- the reader --- */

static void assert_text(const char *xml, const char *expected)
{
    struct buf text;
    struct err err;

    buf_init(&text, 64);
    if (xml_text(xml, strlen(xml), "a/b", &text, &err)) {
        fail_msg("%s: %s", xml, err.msg);
    }
    assert_string_equal(buf_string(&text), expected);
    buf_finish(&text);
}

static void assert_refused(const char *xml, enum err_code code)
{
    struct buf text;
    struct err err = {ERR_NONE, ""};

    buf_init(&text, 64);
    if (!xml_text(xml, strlen(xml), "a/b", &text, &err) || err.code != code) {
        fail_msg("%.80s: %d %s", xml, err.code, err.msg);
    }
    buf_finish(&text);
}

static void the_text_of_one_element_is_found(void **state)
{
    (void)state;
    assert_text("<a><b>x</b></a>", "x");
    assert_text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a x='>' y=\">\">\n<b /></a>\n", "");
}

static void what_is_well_formed_is_taken(void **state)
{
    (void)state;
    assert_text(" <?xml version=\"1.0\"?> <a y='>/'><c/><d><b>no</b></d><b z=\"/\" >x y</b ></a> ", "x y");
    assert_text("<a><b>&lt;&gt;&amp;&quot;&apos;&#39;&#x41;&#x7e;</b></a>", "<>&\"''A~");
    assert_text("<a><b>gr\xc3\xbc\xc3\x9f</b></a>", "gr\xc3\xbc\xc3\x9f");
}

static void what_is_not_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "<",
                                      "<a",
                                      "<a>",
                                      "<a/>x",
                                      "<a></b>",
                                      "<a><b></a></b>",
                                      "</a>",
                                      "<a></a",
                                      "<a></a>>",
                                      "<a><b>x</b></a><a/>",
                                      "<1/>",
                                      "<a <b/>>",
                                      "<a><b>&nbsp;</b></a>",
                                      "<a><b>&#0;</b></a>",
                                      "<a><b>&#x110000;</b></a>",
                                      "<a><b>&#;</b></a>",
                                      "<a><b>&amp</b></a>",
                                      "<a><b>&#-5;</b></a>",
                                      "<a><b>&#x+41;</b></a>",
                                      "<a><b>&",
                                      "<!DOCTYPE a><a/>",
                                      "<a><![CDATA[x]]></a>",
                                      "<a><!--x--></a>",
                                      "<a><?p x?></a>",
                                      "<?xml",
                                      "<a><b>\x01</b></a>",
                                      "<a \x01='x'/>",
                                      "<a><b>\xff</b></a>",
                                      "<a><b>x</b><b>x</b></a>",
                                      "<a><b>x<c/></b></a>",
                                      "<a/><b/>"};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_refused(bad[i], ERR_SYNTAX);
    }
    assert_refused("<a><c>x</c></a>", ERR_NOT_FOUND);
    assert_refused("<b>x</b>", ERR_NOT_FOUND);
}

static void what_is_too_big_is_refused(void **state)
{
    static char xml[XML_BYTES_MAX + 2];
    struct buf text;
    struct err err;
    (void)state;

    assert_refused("<a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a>", ERR_TOO_BIG);
    assert_refused("<a><b>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</b></a>",
                   ERR_TOO_BIG);
    memset(xml, ' ', sizeof(xml) - 1);
    assert_refused(xml, ERR_TOO_BIG);
    memset(xml, 'a', 200);
    xml[0] = '<';
    assert_refused(xml, ERR_TOO_BIG);
    buf_init(&text, 64);
    assert_int_equal(xml_text("<a>\0</a>", 8, "a", &text, &err), -1);
    buf_finish(&text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_identity_is_read),
    cmocka_unit_test(an_error_of_sts_is_read_and_classified),
    cmocka_unit_test(an_error_that_is_no_such_xml_is_judged_by_its_status),
    cmocka_unit_test(an_identity_that_cannot_be_trusted_is_unreadable),
    cmocka_unit_test(the_text_of_one_element_is_found),
    cmocka_unit_test(what_is_well_formed_is_taken),
    cmocka_unit_test(what_is_not_is_refused),
    cmocka_unit_test(what_is_too_big_is_refused),
};

TAP_MAIN(tests)
