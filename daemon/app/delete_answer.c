/* See app/delete_answer.h; botocore/parsers.py. */
#include "app/delete_answer.h"

#include "app/aws_failure.h"
#include "aws/json.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SPACE " \t\r\n\v\f"

void delete_answer_init(struct delete_answer *answer)
{
    *answer = (struct delete_answer){.code = ""};
    buf_init(&answer->message, AWS_FAILURE_TEXT_MAX / 2);
}

void delete_answer_finish(struct delete_answer *answer)
{
    buf_finish(&answer->message);
}

/* --- errors ----------------------------------------------------------------------------------------------
 */

static const char *reason_of(int status)
{
    static const char *const reasons[] = {"Internal Server Error",
                                          "Not Implemented",
                                          "Bad Gateway",
                                          "Service Unavailable",
                                          "Gateway Timeout",
                                          "HTTP Version Not Supported",
                                          "Variant Also Negotiates",
                                          "Insufficient Storage",
                                          "Loop Detected",
                                          "",
                                          "Not Extended",
                                          "Network Authentication Required"};
    size_t at = (size_t)(status - 500);
    return at < sizeof reasons / sizeof reasons[0] ? reasons[at] : "";
}

/* An error of the service's front end, which says nothing else. */
static bool is_generic(const struct http_request *request)
{
    const char *body = buf_string(&request->body_in);
    body += strspn(body, SPACE);
    return request->status >= 500 && (*body == '\0' || strncmp(body, "<html>", 6) == 0);
}

static void set_code(struct delete_answer *answer, const char *raw)
{
    size_t length = strcspn(raw, ":");
    const char *hash = memrchr(raw, '#', length);
    const char *from = hash != NULL ? hash + 1 : raw;
    snprintf(answer->code, sizeof answer->code, "%.*s", (int)(raw + length - from), from);
}

static const char *either(const struct json_value *object, const char *key, const char *other_key)
{
    const char *text = json_string(json_get(object, key));
    return text != NULL ? text : json_string(json_get(object, other_key));
}

static void read_error(struct delete_answer *answer, const struct http_request *request)
{
    struct err ignored; /* a body that is no JSON is the message itself */
    struct json_doc *doc = json_parse(buf_string(&request->body_in), request->body_in.length, &ignored);
    const struct json_value *body = doc != NULL ? json_root(doc) : NULL;
    const char *message = doc != NULL ? either(body, "message", "Message") : buf_string(&request->body_in);
    const char *code = request->error_type[0] != '\0' ? request->error_type : either(body, "code", "Code");
    if (code == NULL) {
        code = json_string(json_get(body, "__type"));
    }
    if (code != NULL) {
        set_code(answer, code);
    }
    buf_text(&answer->message, message != NULL ? message : "");
    json_free(doc);
}

/* --- answers ---------------------------------------------------------------------------------------------
 */

/* A deletion is answered with nothing or an empty object. Anything else that does not bear the service's mark
 * comes from somebody in between, who may or may not have passed the request on. */
static bool is_foreign(const struct http_request *request)
{
    const char *body = buf_string(&request->body_in);
    size_t before = strspn(body, SPACE), length = request->body_in.length;
    bool empty = before == length || strcmp(body + before, "{}") == 0;
    return !empty && request->request_id[0] == '\0' && request->error_type[0] == '\0';
}

void delete_answer_read(struct delete_answer *answer, const struct http_request *request)
{
    bool answered = request->err.code == ERR_NONE;
    buf_reset(&answer->message);
    answer->code[0] = '\0';
    answer->attempt = (struct delete_attempt){.status = answered ? request->status : 0,
                                              .code = answer->code,
                                              .maybe_sent = !answered && request->sent != HTTP_NOT_SENT,
                                              .connect_timed = request->err.code == ERR_TIMEOUT,
                                              .unreadable = answered && is_foreign(request)};
    if (!answered || request->status / 100 == 2) {
        return;
    }
    if (is_generic(request)) {
        buf_text(&answer->message, reason_of(request->status));
    } else {
        read_error(answer, request);
    }
    if (answer->code[0] == '\0') {
        snprintf(answer->code, sizeof answer->code, "%d", request->status);
    }
}

void delete_answer_explain(const struct http_request *request, const char *url, struct buf *out)
{
    bool sent = request->sent != HTTP_NOT_SENT;
    switch (request->err.code) {
    case ERR_RESOLVE:
    case ERR_CONNECT:
        buf_printf(out, "Could not connect to the endpoint URL: \"%s\"", url);
        break;
    case ERR_TIMEOUT:
        buf_printf(out, "%s timeout on endpoint URL: \"%s\"", sent ? "Read" : "Connect", url);
        break;
    case ERR_TLS:
        buf_printf(out, "SSL validation failed for %s %s", url, request->err.msg);
        break;
    case ERR_BROKEN:
        buf_printf(
            out, "Connection was closed before we received a valid response from endpoint URL: \"%s\".", url);
        break;
    default:
        buf_printf(out, "%s: %s", url, request->err.msg);
        break;
    }
}
