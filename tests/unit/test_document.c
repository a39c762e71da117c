/* What is kept of an answer that is wanted as it was sent. */
#include "aws/iot.h"
#include "tap.h"
#include "unit/answers.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT                                                                                             \
    "{\"job\":{\"jobId\":\"fw-1\",\"status\":\"COMPLETED\",\"targetSelection\":\"SNAPSHOT\","                \
    "\r\n\"new\\nmember\""                                                                                   \
    ":1.50}\n}"

static struct call documented(const char *body, bool wanted)
{
    struct http_request request;
    struct call call;

    call_init(&call, OPERATION_DESCRIBE_JOB);
    text_copy(call.job_id, sizeof(call.job_id), "fw-1");
    call.wants_document = wanted;
    answer_make(&request, 200, "", body);
    iot_decode(&call, &request);
    answer_free(&request);
    return call;
}

static void a_document_is_kept_as_it_was_sent_on_one_line(void **state)
{
    struct call call = documented(DOCUMENT, true);
    (void)state;

    assert_int_equal(call.answer.class, ANSWER_DONE);
    assert_string_equal(call.document,
                        "{\"job\":{\"jobId\":\"fw-1\",\"status\":\"COMPLETED\",\"targetSelection\":"
                        "\"SNAPSHOT\",  \"new\\nmember\":1.50} }");
    assert_int_equal(call.document_length, strlen(call.document));
    call_again(&call);
    assert_null(call.document);
    assert_true(call.wants_document);
    call_finish(&call);
}

static void nothing_is_kept_of_what_nobody_wants_or_what_cannot_be_read(void **state)
{
    struct call call = documented(DOCUMENT, false);
    (void)state;

    assert_null(call.document);
    call_finish(&call);
    call = documented("{\"job\":{\"jobId\":\"fw-2\"}}", true);
    assert_int_equal(call.answer.class, ANSWER_AMBIGUOUS);
    assert_null(call.document);
    call_finish(&call);
    call = documented("{\"job\":{\"jobId\":\"fw-1\",\"description\":\"a\nb\"}}", true);
    assert_int_equal(call.answer.class, ANSWER_AMBIGUOUS);
    assert_null(call.document);
    call_finish(&call);
}

static void a_document_over_its_bound_is_not_kept(void **state)
{
    static char body[CALL_DOCUMENT_MAX + 2];
    (void)state;

    for (size_t length = CALL_DOCUMENT_MAX; length <= CALL_DOCUMENT_MAX + 1; length++) {
        int used = snprintf(body, sizeof(body), "{\"job\":{\"jobId\":\"fw-1\"}}");
        memset(body + used, ' ', length - (size_t)used);
        body[length] = '\0';
        struct call call = documented(body, true);
        assert_int_equal(call.answer.class, ANSWER_DONE);
        assert_int_equal(call.document != NULL, length == CALL_DOCUMENT_MAX);
        call_finish(&call);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_document_is_kept_as_it_was_sent_on_one_line),
    cmocka_unit_test(nothing_is_kept_of_what_nobody_wants_or_what_cannot_be_read),
    cmocka_unit_test(a_document_over_its_bound_is_not_kept),
};

TAP_MAIN(tests)
