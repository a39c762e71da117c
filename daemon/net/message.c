/* Checks on requests and the reading of answers' header lines. libcurl has taken the answer apart into lines
 * and refused what is no HTTP; nothing but the few headers of struct http_request is kept. */
#include "message.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_token(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '-' || text[length] == '_')
        length++;
    return length > 0 && text[length] == '\0';
}

/* A header's value: printable ASCII, so that nothing can end the line early. */
static bool is_value(const char *text)
{
    while (is_printable(*text))
        text++;
    return *text == '\0';
}

static bool is_target(const char *text)
{
    if (text[0] != '/')
        return false;
    while (is_printable(*text) && *text != ' ' && *text != '#')
        text++;
    return *text == '\0';
}

static bool is_method(const char *method)
{
    static const char *const known[] = {"GET", "DELETE", "PUT", "POST"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i]) == 0)
            return true;
    }
    return false;
}

/* These are written by the client itself; a second one would let two readers see two messages. */
static bool is_reserved(const char *name)
{
    return strcasecmp(name, "Host") == 0 || strcasecmp(name, "Content-Length") == 0 ||
           strcasecmp(name, "Transfer-Encoding") == 0;
}

int message_check(const struct http_request *request, struct err *err)
{
    if (!request->origin)
        return err_set(err, ERR_INVALID, "a request needs an origin");
    if (!request->method || !is_method(request->method))
        return err_set(err, ERR_INVALID, "a request's method must be GET, DELETE, PUT or POST");
    if (!request->target || !is_target(request->target))
        return err_set(err, ERR_INVALID, "a request's target must begin with '/' and be percent-encoded");
    if (request->header_count > HTTP_HEADERS_MAX)
        return err_set(err, ERR_INVALID, "more than %d request headers", HTTP_HEADERS_MAX);
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (!is_token(name) || is_reserved(name))
            return err_set(err, ERR_INVALID, "request header %zu has a name that is not allowed", i + 1);
        if (!is_value(request->headers[i].value))
            return err_set(err, ERR_INVALID, "request header %s holds a character that is not allowed", name);
    }
    return 0;
}

void message_printable(char *to, size_t size, const char *from, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length && kept + 1 < size; i++) {
        if (is_printable(from[i]))
            to[kept++] = from[i];
    }
    to[kept] = '\0';
}

void message_forget_fields(struct http_request *request)
{
    request->error_type[0] = '\0';
    request->request_id[0] = '\0';
    request->date[0] = '\0';
    request->retry_after[0] = '\0';
    request->x_retry_after[0] = '\0';
}

void message_clear(struct http_request *request, enum http_sent sent)
{
    request->err.code = ERR_NONE;
    request->err.msg[0] = '\0';
    request->sent = sent;
    request->status = 0;
    message_forget_fields(request);
    buf_reset(&request->body_in);
}

static bool is_named(const char *name, const char *line, size_t length)
{
    return strlen(name) == length && strncasecmp(line, name, length) == 0;
}

static void keep_field(struct reply *reply, struct http_request *request, const char *line, size_t length)
{
    const struct {
        const char *name;
        char *to;
        size_t size;
    } fields[] = {
        {"x-amzn-ErrorType", request->error_type, sizeof(request->error_type)},
        {"x-amzn-RequestId", request->request_id, sizeof(request->request_id)},
        {"Date", request->date, sizeof(request->date)},
        {"Retry-After", request->retry_after, sizeof(request->retry_after)},
        {"x-amz-retry-after", request->x_retry_after, sizeof(request->x_retry_after)},
    };
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return;
    size_t name = (size_t)(colon - line);
    if (is_named("Content-Length", line, name) || is_named("Transfer-Encoding", line, name))
        reply->framed = true;
    const char *value = colon + 1, *end = line + length;
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        /* the first of two equal headers counts */
        if (is_named(fields[i].name, line, name) && fields[i].to[0] == '\0')
            message_printable(fields[i].to, fields[i].size, value, (size_t)(end - value));
    }
}

/* "HTTP/1.1 200 OK": 200; 0 when there is no such number. */
static int read_status(const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    if (!space || line + length - space < 4)
        return 0;
    int status = 0;
    for (int i = 1; i <= 3; i++) {
        if (!isdigit((unsigned char)space[i]))
            return 0;
        status = status * 10 + (space[i] - '0');
    }
    return status;
}

static int end_headers(struct reply *reply, struct http_request *request)
{
    /* 101 would make libcurl hand over the rest of the connection as a body */
    if (reply->status == 101)
        return err_set(&request->err, ERR_BROKEN, "the server changed the protocol unasked (status 101)");
    if (reply->status >= 200) {
        reply->complete = true;
        request->status = reply->status;
    }
    return 0;
}

int message_header(struct reply *reply, struct http_request *request, const char *line, size_t length)
{
    reply->bytes += length;
    if (reply->bytes > REPLY_HEADER_BYTES)
        return err_set(&request->err, ERR_TOO_BIG, "the answer's headers are larger than %zu bytes",
                       REPLY_HEADER_BYTES);
    if (reply->complete)
        return 0;
    if (length >= 6 && memcmp(line, "HTTP/", 5) == 0) {
        reply->status = read_status(line, length);
        /* HTTP/2 frames every body; these two have none */
        reply->framed = line[5] != '1' || reply->status == 204 || reply->status == 304;
        message_forget_fields(request);
        return 0;
    }
    if (line[0] == '\r' || line[0] == '\n')
        return end_headers(reply, request);
    keep_field(reply, request, line, length);
    return 0;
}
