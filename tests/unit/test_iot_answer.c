/* What an answer means, for a deletion and for a read. */
#include "aws/iot.h"
#include "tap.h"
#include "unit/answers.h"

#include <stdio.h>
#include <string.h>

static struct call asked(enum operation operation)
{
    struct call call;

    call_init(&call, operation);
    text_copy(call.job_id, sizeof(call.job_id), "fw-1");
    text_copy(call.thing_name, sizeof(call.thing_name), "gw-1");
    call.number = 1;
    return call;
}

static struct answer decode(enum operation operation, const struct http_request *request)
{
    struct call call = asked(operation);
    iot_decode(&call, request);
    struct answer answer = call.answer;
    call_finish(&call);
    return answer;
}

/* --- errors of the service --- */

struct error_case {
    int status;
    const char *code;
    enum answer_class class;
};

static const struct error_case ERRORS[] = {
    {400, "InvalidRequestException", ANSWER_INVALID},
    {400, "InvalidQueryException", ANSWER_INVALID},
    {400, "IndexNotReadyException", ANSWER_INVALID},
    {400, "ThrottlingException", ANSWER_THROTTLED},
    {429, "ThrottlingException", ANSWER_THROTTLED},
    {503, "ThrottlingException", ANSWER_THROTTLED},
    {503, "SlowDown", ANSWER_THROTTLED},
    {429, "TooManyRequestsException", ANSWER_THROTTLED},
    {429, "SomethingNew", ANSWER_THROTTLED},
    {410, "LimitExceededException", ANSWER_THROTTLED},
    {404, "ResourceNotFoundException", ANSWER_GONE},
    {404, "NoSuchRoute", ANSWER_INVALID},
    {409, "InvalidStateTransitionException", ANSWER_STATE},
    {409, "VersionConflictException", ANSWER_INVALID},
    {503, "ServiceUnavailableException", ANSWER_AMBIGUOUS},
    {400, "ServiceUnavailableException", ANSWER_AMBIGUOUS},
    {500, "InternalFailureException", ANSWER_AMBIGUOUS},
    {500, "ResourceNotFoundException", ANSWER_AMBIGUOUS},
    {502, "AccessDeniedException", ANSWER_AMBIGUOUS},
    {400, "RequestTimeout", ANSWER_AMBIGUOUS},
    {401, "UnauthorizedException", ANSWER_DENIED},
    {400, "InvalidQueryException", ANSWER_INVALID},
    {400, "IndexNotReadyException", ANSWER_INVALID},
    {403, "AccessDeniedException", ANSWER_DENIED},
    {400, "AccessDeniedException", ANSWER_DENIED},
    {403, "ForbiddenException", ANSWER_DENIED},
    {403, "UnrecognizedClientException", ANSWER_EXPIRED},
    {403, "InvalidSignatureException", ANSWER_DENIED},
    {403, "SignatureDoesNotMatch", ANSWER_DENIED},
    {403, "MissingAuthenticationTokenException", ANSWER_DENIED},
    {403, "IncompleteSignatureException", ANSWER_DENIED},
    {403, "SomethingNew", ANSWER_DENIED},
    {403, "ExpiredTokenException", ANSWER_EXPIRED},
    {400, "ExpiredToken", ANSWER_EXPIRED},
    {403, "RequestExpired", ANSWER_SKEWED},
    {403, "RequestInTheFuture", ANSWER_SKEWED},
    {403, "RequestTimeTooSkewed", ANSWER_SKEWED},
};

static void the_code_decides_before_the_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++) {
        if (iot_classify(ERRORS[i].code, ERRORS[i].status) != ERRORS[i].class) {
            fail_msg("%s with %d", ERRORS[i].code, ERRORS[i].status);
        }
    }
    assert_int_equal(iot_classify("", 400), ANSWER_INVALID);
    assert_int_equal(iot_classify("", 401), ANSWER_DENIED);
    assert_int_equal(iot_classify("", 403), ANSWER_DENIED);
    assert_int_equal(iot_classify("", 404), ANSWER_INVALID);
    assert_int_equal(iot_classify("", 429), ANSWER_THROTTLED);
    assert_int_equal(iot_classify("", 500), ANSWER_AMBIGUOUS);
    assert_int_equal(iot_classify("", 504), ANSWER_AMBIGUOUS);
    assert_int_equal(iot_classify("", 301), ANSWER_INVALID);
    assert_int_equal(iot_classify("", 101), ANSWER_INVALID);
}

static void an_error_of_the_service_means_the_same_for_deletions_and_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ERRORS) / sizeof(ERRORS[0]); i++) {
        struct http_request request;
        answer_make(&request, ERRORS[i].status, ERRORS[i].code, "{\"message\":\"why\"}");
        struct answer deletion = decode(OPERATION_DELETE_EXECUTION, &request);
        struct answer read = decode(OPERATION_DESCRIBE_EXECUTION, &request);
        if (deletion.class != ERRORS[i].class || read.class != ERRORS[i].class) {
            fail_msg("%s with %d", ERRORS[i].code, ERRORS[i].status);
        }
        assert_string_equal(deletion.code, ERRORS[i].code);
        assert_string_equal(deletion.message, "why");
        assert_string_equal(deletion.request_id, "7f3e1c52-0000");
        assert_int_equal(deletion.http_status, ERRORS[i].status);
        answer_free(&request);
    }
}

static void the_code_is_found_where_botocore_finds_it(void **state)
{
    static const struct {
        const char *header, *body, *code;
    } cases[] = {
        {"A:", "{\"code\":\"B\",\"__type\":\"C\"}", "A"},
        {"com.amazonaws.iot#A:http://internal.amazon.com/coral/x#y/", "", "A"},
        {"", "{\"code\":\"B\",\"Code\":\"D\",\"__type\":\"C\"}", "B"},
        {"", "{\"Code\":\"D\",\"__type\":\"C\"}", "D"},
        {"", "{\"__type\":\"C\"}", "C"},
        {"", "{\"__type\":\"com.aws.iot#C\"}", "C"},
        {"", "{\"__type\":\"a#b#C:x#y\"}", "C"},
        {"", "{\"code\":7,\"__type\":\"C\"}", "C"},
        {"", "{\"message\":\"m\"}", "418"},
        {"", "", "418"},
        {"", "<html>", "418"},
        {"", "[\"code\"]", "418"},
        {"", "{\"code\":\"\"}", "418"},
        {"", "{\"code\":\"what now?\\n\"}", "418"},
        {":A", "", "418"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        answer_make(&request, 418, cases[i].header, cases[i].body);
        assert_string_equal(decode(OPERATION_LIST_JOBS, &request).code, cases[i].code);
        answer_free(&request);
    }
}

static void a_code_longer_than_its_place_is_none(void **state)
{
    char body[300];
    struct http_request request;
    (void)state;

    memset(body, 'a', sizeof(body));
    memcpy(body, "{\"code\":\"", 9);
    strcpy(body + 250, "\"}");
    answer_make(&request, 400, "", body);
    assert_string_equal(decode(OPERATION_LIST_JOBS, &request).code, "400");
    answer_free(&request);
}

static void a_signature_refused_for_its_time_is_skew(void **state)
{
    static const struct {
        const char *code, *message;
        enum answer_class class;
    } cases[] = {
        {"InvalidSignatureException", "Signature expired: 20150830T123600Z is now earlier than x",
         ANSWER_SKEWED},
        {"InvalidSignatureException", "Signature not yet current: 20150830T123600Z is still later",
         ANSWER_SKEWED},
        {"SignatureDoesNotMatch", "Signature expired: 20150830T123600Z", ANSWER_SKEWED},
        {"InvalidSignatureException", "The request signature we calculated does not match", ANSWER_DENIED},
        {"AccessDeniedException", "your account expired", ANSWER_DENIED},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        char body[200];
        snprintf(body, sizeof(body), "{\"message\":\"%s\"}", cases[i].message);
        answer_make(&request, 403, cases[i].code, body);
        assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, cases[i].class);
        assert_int_equal(decode(OPERATION_LIST_JOBS, &request).class, cases[i].class);
        answer_free(&request);
    }
}

/* --- deletions --- */

static void a_deletion_is_done_when_the_service_says_so(void **state)
{
    static const char *const bodies[] = {"", "{}", "\n", " {} \n", "{\"new\":[1]}"};
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct http_request request;
        answer_make(&request, 200, "", bodies[i]);
        struct answer answer = decode(OPERATION_DELETE_EXECUTION, &request);
        assert_int_equal(answer.class, ANSWER_DONE);
        assert_string_equal(answer.code, "");
        answer_free(&request);
    }
    struct http_request request;
    answer_make_strange(&request, 200, "{}");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_DONE);
    answer_free(&request);
}

static void a_deletion_answered_with_anything_else_is_ambiguous(void **state)
{
    static const char *const bodies[] = {
        "<html>Please log in</html>", "null", "[]", "\"ok\"", "ok", "{}x", "{\"a\":", "{\"a\":01}"};
    struct http_request request;
    (void)state;

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        answer_make(&request, 200, "", bodies[i]);
        struct answer answer = decode(OPERATION_DELETE_EXECUTION, &request);
        assert_int_equal(answer.class, ANSWER_AMBIGUOUS);
        assert_string_equal(answer.code, "UnreadableAnswer");
        assert_true(answer.message[0]);
        answer_free(&request);
    }
    answer_make_strange(&request, 200, "");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_AMBIGUOUS);
    answer_free(&request);
    answer_make_strange(&request, 200, "{\"status\":\"ok\"}");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_AMBIGUOUS);
    answer_free(&request);
    answer_make(&request, 200, "", "{}");
    for (int i = 0; i < 70000; i++) {
        buf_char(&request.body_in, ' ');
    }
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_AMBIGUOUS);
    answer_free(&request);
}

static void a_deletion_refused_by_a_stranger_is_ambiguous(void **state)
{
    static const struct {
        int status;
        const char *body;
    } cases[] = {{404, "<html>nothing here</html>"},
                 {404, "{\"message\":\"no route\"}"},
                 {403, "<html>blocked</html>"},
                 {404, "{\"code\":\"ResourceNotFoundException\"}"},
                 {429, "slow down"},
                 {407, ""},
                 {400, ""},
                 {301, ""},
                 {307, ""},
                 {304, ""},
                 {101, ""},
                 {100, ""},
                 {0, ""},
                 {500, ""},
                 {502, "<html>"}};
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        answer_make_strange(&request, cases[i].status, cases[i].body);
        if (decode(OPERATION_DELETE_EXECUTION, &request).class != ANSWER_AMBIGUOUS) {
            fail_msg("%d %s", cases[i].status, cases[i].body);
        }
        answer_free(&request);
    }
}

static void a_redirect_of_a_deletion_is_ambiguous_even_with_a_code(void **state)
{
    struct http_request request;
    (void)state;

    answer_make(&request, 307, "TemporaryRedirect", "");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_AMBIGUOUS);
    assert_int_equal(decode(OPERATION_LIST_JOBS, &request).class, ANSWER_INVALID);
    answer_free(&request);
    answer_make(&request, 404, "", ""); /* a request id but no code */
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).class, ANSWER_AMBIGUOUS);
    answer_free(&request);
}

static void a_read_refused_without_a_code_is_judged_by_its_status(void **state)
{
    struct http_request request;
    (void)state;

    answer_make_strange(&request, 404, "<html>");
    struct answer answer = decode(OPERATION_DESCRIBE_EXECUTION, &request);
    assert_int_equal(answer.class, ANSWER_INVALID); /* not GONE */
    assert_string_equal(answer.code, "404");
    assert_string_equal(answer.message, "HTTP status 404 without an error code of AWS");
    answer_free(&request);
    answer_make_strange(&request, 302, "");
    assert_int_equal(decode(OPERATION_DESCRIBE_EXECUTION, &request).class, ANSWER_INVALID);
    answer_free(&request);
}

/* --- no answer --- */

static void without_an_answer_it_matters_whether_anything_was_sent(void **state)
{
    static const struct {
        enum err_code code;
        enum http_sent sent;
        enum answer_class class;
        const char *word;
    } cases[] = {
        {ERR_RESOLVE, HTTP_NOT_SENT, ANSWER_NOT_SENT, "NameResolution"},
        {ERR_CONNECT, HTTP_NOT_SENT, ANSWER_NOT_SENT, "Connect"},
        {ERR_TLS, HTTP_NOT_SENT, ANSWER_NOT_SENT, "Tls"},
        {ERR_TIMEOUT, HTTP_NOT_SENT, ANSWER_NOT_SENT, "Timeout"},
        {ERR_CANCELED, HTTP_NOT_SENT, ANSWER_NOT_SENT, "Canceled"},
        {ERR_CREDENTIALS, HTTP_NOT_SENT, ANSWER_DENIED, "NoCredentials"},
        {ERR_UNAVAILABLE, HTTP_NOT_SENT, ANSWER_NOT_SENT, "CredentialsUnavailable"},
        {ERR_INVALID, HTTP_NOT_SENT, ANSWER_INVALID, "InvalidCall"},
        {ERR_TIMEOUT, HTTP_MAYBE_SENT, ANSWER_AMBIGUOUS, "Timeout"},
        {ERR_BROKEN, HTTP_MAYBE_SENT, ANSWER_AMBIGUOUS, "ConnectionBroken"},
        {ERR_CANCELED, HTTP_MAYBE_SENT, ANSWER_AMBIGUOUS, "Canceled"},
        {ERR_TOO_BIG, HTTP_MAYBE_SENT, ANSWER_AMBIGUOUS, "AnswerTooBig"},
        {ERR_INVALID, HTTP_MAYBE_SENT, ANSWER_AMBIGUOUS, "TransportFailure"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_request request;
        answer_make(&request, 200, "ThrottlingException", "{}"); /* the part that came does not count */
        request.sent = cases[i].sent;
        err_set(&request.err, cases[i].code, "why");
        struct answer answer = decode(OPERATION_DELETE_EXECUTION, &request);
        assert_int_equal(answer.class, cases[i].class);
        assert_string_equal(answer.code, cases[i].word);
        bool left_alone = cases[i].code == ERR_CANCELED && cases[i].sent != HTTP_NOT_SENT;
        assert_string_equal(answer.message, left_alone ? "its answer was not waited for" : "why");
        answer_free(&request);
    }
}

/* --- headers --- */

static int64_t retry_after(const char *ms, const char *seconds)
{
    struct http_request request;

    answer_make(&request, 429, "ThrottlingException", "");
    text_copy(request.x_retry_after, sizeof(request.x_retry_after), ms);
    text_copy(request.retry_after, sizeof(request.retry_after), seconds);
    const struct answer answer = decode(OPERATION_LIST_JOBS, &request);
    answer_free(&request);
    return answer.retry_after_ms;
}

static void retry_after_is_read_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(retry_after("", ""), 0);
    assert_int_equal(retry_after("1500", "9"), 1500);
    assert_int_equal(retry_after("", "9"), 9000);
    assert_int_equal(retry_after("-5", "9"), 9000);
    assert_int_equal(retry_after("x", "Tue, 24 Nov 2026 03:15:00 GMT"), 0);
    assert_int_equal(retry_after("", "1.5"), 0);
    assert_int_equal(retry_after("", "9223372036854775807"), 3600000);
    assert_int_equal(retry_after("9223372036854775807", ""), 3600000);
    assert_int_equal(retry_after("99999999999999999999", ""), 0);
}

static void the_server_date_is_read_or_left_out(void **state)
{
    struct http_request request;
    (void)state;

    answer_make(&request, 200, "", "");
    text_copy(request.date, sizeof(request.date), "Tue, 24 Nov 2026 03:15:00 GMT");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).server_date_ms, 1795490100000);
    text_copy(request.date, sizeof(request.date), "yesterday");
    assert_int_equal(decode(OPERATION_DELETE_EXECUTION, &request).server_date_ms, 0);
    answer_free(&request);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_code_decides_before_the_status),
    cmocka_unit_test(an_error_of_the_service_means_the_same_for_deletions_and_reads),
    cmocka_unit_test(the_code_is_found_where_botocore_finds_it),
    cmocka_unit_test(a_code_longer_than_its_place_is_none),
    cmocka_unit_test(a_signature_refused_for_its_time_is_skew),
    cmocka_unit_test(a_deletion_is_done_when_the_service_says_so),
    cmocka_unit_test(a_deletion_answered_with_anything_else_is_ambiguous),
    cmocka_unit_test(a_deletion_refused_by_a_stranger_is_ambiguous),
    cmocka_unit_test(a_redirect_of_a_deletion_is_ambiguous_even_with_a_code),
    cmocka_unit_test(a_read_refused_without_a_code_is_judged_by_its_status),
    cmocka_unit_test(without_an_answer_it_matters_whether_anything_was_sent),
    cmocka_unit_test(retry_after_is_read_within_bounds),
    cmocka_unit_test(the_server_date_is_read_or_left_out),
};

TAP_MAIN(tests)
