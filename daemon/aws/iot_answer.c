/* See iot_decode() of aws/iot.h: what an answer means.
 *
 * An answer to a deletion decides what the ledger says for ever, so it has to be the service's own: it bears
 * x-amzn-RequestId or x-amzn-ErrorType, as every answer of AWS does. A captive portal, a proxy that inspects
 * TLS or a sinkhole can answer 200 with a page of its own or with nothing at all, 404, 403 or 301, and behind
 * a gateway the request may have been carried out all the same. Whatever cannot be recognised is ambiguous,
 * which costs a quarantine and a look, while believing it could record a deletion that never was. Reads are
 * repeated freely, so for them the body alone decides. */
#include "aws/iot.h"

#include "aws/iot_error.h"
#include "aws/iot_result.h"
#include "aws/json.h"
#include "aws/sts.h"
#include "base/text.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

#define DELETE_BODY_MAX     65536
#define RETRY_AFTER_MAX_MS  TIME_MS_PER_HOUR
#define RETRY_AFTER_MAX_SEC (RETRY_AFTER_MAX_MS / TIME_MS_PER_SECOND)

static void set_answer(struct answer *answer, enum answer_class class, const char *code, const char *message)
{
    answer->class = class;
    text_copy(answer->code, sizeof(answer->code), code);
    text_copy(answer->message, sizeof(answer->message), message);
}

/* --- no answer --- */

static const char *transport_code(enum err_code code)
{
    switch (code) {
    case ERR_CANCELED:
        return "Canceled";
    case ERR_TIMEOUT:
        return "Timeout";
    case ERR_RESOLVE:
        return "NameResolution";
    case ERR_CONNECT:
        return "Connect";
    case ERR_TLS:
        return "Tls";
    case ERR_TOO_BIG:
        return "AnswerTooBig";
    case ERR_BROKEN:
        return "ConnectionBroken";
    case ERR_UNAVAILABLE:
        return "CredentialsUnavailable";
    default:
        return "TransportFailure";
    }
}

static void no_answer(struct answer *answer, const struct http_request *request)
{
    const enum err_code code = request->err.code;

    if (request->sent != HTTP_NOT_SENT) {
        const char *message = code == ERR_CANCELED ? "its answer was not waited for" : request->err.msg;
        set_answer(answer, ANSWER_AMBIGUOUS, transport_code(code), message);
    } else if (code == ERR_CREDENTIALS) {
        set_answer(answer, ANSWER_DENIED, "NoCredentials", request->err.msg);
    } else if (code == ERR_INVALID || code == ERR_TOO_BIG) { /* sent again it would fail again */
        set_answer(answer, ANSWER_INVALID, "InvalidCall", request->err.msg);
    } else {
        set_answer(answer, ANSWER_NOT_SENT, transport_code(code), request->err.msg);
    }
}

/* --- success --- */

static bool is_own(const struct http_request *request)
{
    return request->request_id[0] || request->error_type[0];
}

/* DeleteJobExecution has no output: the body is empty or an empty object. Members that a later version might
 * add do no harm. An empty object without a request id is what emulators of AWS send, and no portal. */
static int delete_result_read(const struct http_request *request, const char *body, size_t length,
                              struct err *err)
{
    if (length > DELETE_BODY_MAX) {
        return err_set(err, ERR_TOO_BIG, "a deletion was answered with %zu bytes", length);
    }
    if (length == 2 && memcmp(body, "{}", 2) == 0) {
        return 0; /* what AWS IoT answers */
    }
    if (strspn(body, " \t\r\n") == length) {
        if (!is_own(request)) {
            return err_set(err, ERR_SYNTAX, "an empty answer without x-amzn-RequestId");
        }
        return 0;
    }

    struct json_doc *doc = json_parse(body, length, err);
    if (!doc) {
        return err_context(err, "a deletion was answered with");
    }
    const bool object = json_is_object(json_root(doc));
    json_free(doc);
    if (!object || !is_own(request)) {
        return err_set(err, ERR_SYNTAX, "a deletion was answered with JSON that is not the service's");
    }
    return 0;
}

static void success(struct call *call, const struct http_request *request)
{
    const char *body = buf_string(&request->body_in);
    const size_t length = request->body_in.length;
    struct err err;
    int failed;

    if (call->operation == OPERATION_DELETE_EXECUTION) {
        failed = delete_result_read(request, body, length, &err);
    } else if (call->operation == OPERATION_GET_CALLER_IDENTITY) {
        failed = sts_identity_read(call, body, length, &err);
    } else {
        failed = iot_result_read(call, body, length, &err);
    }

    if (failed) {
        set_answer(&call->answer, ANSWER_AMBIGUOUS, "UnreadableAnswer", err.msg);
    } else {
        call->answer.class = ANSWER_DONE;
    }
}

/* --- refusal --- */

/* "Signature expired: 20150830T123600Z is now earlier than ..." and "Signature not yet current: ..." come
 * under the codes of a wrong signature; AWS has no code of its own for them. */
static bool blames_clock(const struct answer *answer)
{
    if (strcmp(answer->code, "InvalidSignatureException") != 0 &&
        strcmp(answer->code, "SignatureDoesNotMatch") != 0) {
        return false;
    }
    return strcasestr(answer->message, "expired") || strcasestr(answer->message, "not yet current");
}

static enum answer_class refusal_class(const struct call *call, const struct http_request *request)
{
    const struct answer *answer = &call->answer;
    enum answer_class class = iot_classify(answer->code, request->status);

    if (class == ANSWER_DENIED && blames_clock(answer)) {
        class = ANSWER_SKEWED;
    }
    if (call->operation != OPERATION_DELETE_EXECUTION || class == ANSWER_AMBIGUOUS) {
        return class;
    }
    const bool refused = request->status / 100 == 4 || class == ANSWER_THROTTLED;
    return refused && answer->code[0] && is_own(request) ? class : ANSWER_AMBIGUOUS;
}

static void refusal(struct call *call, const struct http_request *request)
{
    struct answer *answer = &call->answer;

    if (call->operation == OPERATION_GET_CALLER_IDENTITY) {
        sts_error_read(answer, buf_string(&request->body_in), request->body_in.length);
    } else {
        iot_error_read(answer, request);
    }
    answer->class = refusal_class(call, request);
    if (!answer->code[0]) { /* as botocore does */
        snprintf(answer->code, sizeof(answer->code), "%d", request->status);
        if (!answer->message[0]) {
            snprintf(answer->message, sizeof(answer->message), "HTTP status %d without an error code of AWS",
                     request->status);
        }
    }
}

/* --- both --- */

/* Milliseconds from x-amz-retry-after, else seconds from Retry-After; a date or nonsense there counts as
 * nothing, more than an hour as an hour. */
static int64_t retry_after(const struct http_request *request)
{
    int64_t wanted;

    if (text_int64(request->x_retry_after, 0, INT64_MAX, &wanted)) {
        return wanted < RETRY_AFTER_MAX_MS ? wanted : RETRY_AFTER_MAX_MS;
    }
    if (text_int64(request->retry_after, 0, INT64_MAX, &wanted)) {
        return (wanted < RETRY_AFTER_MAX_SEC ? wanted : RETRY_AFTER_MAX_SEC) * TIME_MS_PER_SECOND;
    }
    return 0;
}

void iot_decode(struct call *call, const struct http_request *request)
{
    struct answer *answer = &call->answer;
    struct err ignored; /* of the date: none is as good as a wrong one */

    *answer = (struct answer){.http_status = request->status, .retry_after_ms = retry_after(request)};
    text_copy(answer->request_id, sizeof(answer->request_id), request->request_id);
    if (time_parse_http(request->date, &answer->server_date_ms, &ignored)) {
        answer->server_date_ms = 0;
    }

    if (request->err.code != ERR_NONE) {
        no_answer(answer, request);
    } else if (request->status / 100 == 2) {
        success(call, request);
    } else {
        refusal(call, request);
    }
}
