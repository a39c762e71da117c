/* Finished HTTP requests as the client would hand them to iot_decode(), made by hand. */
#ifndef TESTS_ANSWERS_H
#define TESTS_ANSWERS_H

#include "base/text.h"
#include "net/http.h"

#include <string.h>

#define ANSWER_BYTES_MAX (4 * 1024 * 1024)

/* A complete answer; error_type is x-amzn-ErrorType ("" for none). It bears a request id. */
static inline void answer_make(struct http_request *request, int status, const char *error_type,
                               const char *body)
{
    *request = (struct http_request){.sent = HTTP_MAYBE_SENT, .status = status};
    text_copy(request->error_type, sizeof(request->error_type), error_type);
    text_copy(request->request_id, sizeof(request->request_id), "7f3e1c52-0000");
    buf_init(&request->body_in, ANSWER_BYTES_MAX);
    buf_text(&request->body_in, body);
}

/* The same from something on the way that is not the service. */
static inline void answer_make_strange(struct http_request *request, int status, const char *body)
{
    answer_make(request, status, "", body);
    request->request_id[0] = '\0';
}

static inline void answer_free(struct http_request *request)
{
    buf_finish(&request->body_in);
}

#endif
