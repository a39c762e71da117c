/* Any bytes as the header lines of an answer, cut at line ends as libcurl cuts them. What is kept is
 * printable and fits, the headers' size is bounded, and the Date, if it is one, is a moment. */
#include "../../daemon/net/message.h"
#include "base/time.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_text(const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    require(length < size);
    for (size_t i = 0; i < length; i++) {
        require(text[i] >= ' ' && text[i] <= '~');
    }
}

static void check(const struct reply *reply, const struct http_request *request)
{
    struct err err;
    int64_t ms;
    check_text(request->error_type, sizeof(request->error_type));
    check_text(request->request_id, sizeof(request->request_id));
    check_text(request->date, sizeof(request->date));
    check_text(request->retry_after, sizeof(request->retry_after));
    check_text(request->x_retry_after, sizeof(request->x_retry_after));
    require(reply->complete == (request->status != 0));
    require(request->status == 0 || (request->status >= 200 && request->status <= 999));
    require(reply->framed || (!reply->chunked && reply->length < 0) || reply->status == 0);
    if (!time_parse_http(request->date, &ms, &err)) {
        require(ms > -INT64_C(62135596800000) - 1 && ms < INT64_C(253402300800000));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request;
    struct reply reply = {0};
    int failed = 0;

    http_request_init(&request);
    for (size_t at = 0; at < size && !failed;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - data) - at + 1 : size - at;
        failed = message_header(&reply, &request, (const char *)data + at, length);
        require(!failed || request.err.code == ERR_TOO_BIG || request.err.code == ERR_BROKEN);
        require(failed || reply.bytes <= REPLY_HEADER_BYTES);
        check(&reply, &request);
        at += length;
    }
    http_request_finish(&request);
    return 0;
}
