/* Checks on requests, their header lines, and the reading of answers' header lines. libcurl has taken the
 * answer apart into lines and refused what is no HTTP; nothing but the few headers of struct http_request is
 * kept. */
#include "message.h"

#include "base/text.h"

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
    while (isalnum((unsigned char)text[length]) || text[length] == '-' || text[length] == '_') {
        length++;
    }
    return length > 0 && text[length] == '\0';
}

/* A header's value: printable ASCII, so that nothing can end the line early. */
static bool is_value(const char *text)
{
    while (is_printable(*text)) {
        text++;
    }
    return *text == '\0';
}

static bool is_target(const char *text)
{
    if (text[0] != '/') {
        return false;
    }
    while (is_printable(*text) && *text != ' ' && *text != '#') {
        text++;
    }
    return *text == '\0';
}

static bool is_method(const char *method)
{
    static const char *const known[] = {"GET", "DELETE", "PUT", "POST"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i]) == 0) {
            return true;
        }
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
    if (!request->origin) {
        return err_set(err, ERR_INVALID, "a request needs an origin");
    }
    if (!request->method || !is_method(request->method)) {
        return err_set(err, ERR_INVALID, "a request's method must be GET, DELETE, PUT or POST");
    }
    if (!request->target || !is_target(request->target)) {
        return err_set(err, ERR_INVALID, "a request's target must begin with '/' and be percent-encoded");
    }
    if (request->header_count > HTTP_HEADERS_MAX) {
        return err_set(err, ERR_INVALID, "more than %d request headers", HTTP_HEADERS_MAX);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const char *name = request->headers[i].name;
        if (!is_token(name) || is_reserved(name)) {
            return err_set(err, ERR_INVALID, "request header %zu has a name that is not allowed", i + 1);
        }
        if (!is_value(request->headers[i].value)) {
            return err_set(err, ERR_INVALID, "request header %s holds a character that is not allowed", name);
        }
    }
    return 0;
}

/* Not with printf(), which leaves pieces on the stack. */
static void add_line(struct buf *lines, const char *name, const char *value)
{
    buf_text(lines, name);
    if (value == NULL) {
        buf_char(lines, ':');
    } else {
        buf_text(lines, value[0] == '\0' ? ";" : ": ");
    }
    buf_append(lines, value != NULL ? value : "", value != NULL ? strlen(value) + 1 : 1);
}

static bool has_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

int message_lines(const struct http_request *request, const char *host, struct buf *lines, struct err *err)
{
    add_line(lines, "Host", host);
    for (size_t i = 0; i < request->header_count; i++) {
        add_line(lines, request->headers[i].name, request->headers[i].value);
    }
    if (!has_header(request, "Accept")) {
        add_line(lines, "Accept", NULL);
    }
    if (request->body != NULL) {
        add_line(lines, "Expect", NULL);
        if (!has_header(request, "Content-Type")) {
            add_line(lines, "Content-Type", NULL);
        }
    } else if (strcmp(request->method, "GET") != 0) {
        add_line(lines, "Content-Length", "0");
    }
    return lines->overflow
               ? err_set(err, ERR_TOO_BIG, "the request's headers are larger than %zu bytes", lines->max)
               : 0;
}

void message_printable(char *to, size_t size, const char *from, size_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < length && kept + 1 < size; i++) {
        if (is_printable(from[i])) {
            to[kept++] = from[i];
        }
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

struct field {
    const char *name, *value; /* white space around the value is left out */
    size_t name_length, value_length;
};

static bool read_field(struct field *field, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length), *end = line + length;
    if (!colon) {
        return false;
    }
    const char *value = colon + 1;
    while (value < end && isspace((unsigned char)*value)) {
        value++;
    }
    while (end > value && isspace((unsigned char)end[-1])) {
        end--;
    }
    *field = (struct field){line, value, (size_t)(colon - line), (size_t)(end - value)};
    return true;
}

static bool read_length(const struct field *field, int64_t *length)
{
    char digits[24];
    if (field->value_length >= sizeof(digits)) {
        return false;
    }
    memcpy(digits, field->value, field->value_length);
    digits[field->value_length] = '\0';
    return text_int64(digits, 0, INT64_MAX, length);
}

/* Where the body ends has to be said clearly, or what is cut could pass for whole. */
static int read_framing(struct reply *reply, struct http_request *request, const struct field *field)
{
    int64_t length = reply->length;
    bool states_length = is_named("Content-Length", field->name, field->name_length);
    bool states_coding = is_named("Transfer-Encoding", field->name, field->name_length);
    if (!states_length && !states_coding) {
        return 0;
    }
    if (states_length && (!read_length(field, &length) || (reply->length >= 0 && reply->length != length))) {
        return err_set(&request->err, ERR_BROKEN, "the answer has a Content-Length that makes no sense");
    }
    if (states_coding && (reply->chunked || !is_named("chunked", field->value, field->value_length))) {
        return err_set(&request->err, ERR_BROKEN, "the answer has a Transfer-Encoding other than chunked");
    }
    reply->length = length;
    reply->chunked |= states_coding;
    reply->framed = true;
    if (reply->chunked && reply->length >= 0) {
        return err_set(&request->err, ERR_BROKEN, "the answer has two lengths: chunked and Content-Length");
    }
    return 0;
}

static void keep_field(struct http_request *request, const struct field *field)
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
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        /* the first of two equal headers counts */
        if (is_named(fields[i].name, field->name, field->name_length) && fields[i].to[0] == '\0') {
            message_printable(fields[i].to, fields[i].size, field->value, field->value_length);
        }
    }
}

/* "HTTP/1.1 200 OK": 200; 0 when there is no such number. */
static int read_status(const char *line, size_t length)
{
    const char *space = memchr(line, ' ', length);
    if (!space || line + length - space < 4) {
        return 0;
    }
    int status = 0;
    for (int i = 1; i <= 3; i++) {
        if (!isdigit((unsigned char)space[i])) {
            return 0;
        }
        status = status * 10 + (space[i] - '0');
    }
    return status;
}

static int end_headers(struct reply *reply, struct http_request *request)
{
    /* 101 would make libcurl hand over the rest of the connection as a body */
    if (reply->status == 101) {
        return err_set(&request->err, ERR_BROKEN, "the server changed the protocol unasked (status 101)");
    }
    if (reply->status >= 200) {
        reply->complete = true;
        request->status = reply->status;
    }
    return 0;
}

int message_header(struct reply *reply, struct http_request *request, const char *line, size_t length)
{
    struct field field;
    reply->bytes += length;
    if (reply->bytes > REPLY_HEADER_BYTES) {
        return err_set(&request->err, ERR_TOO_BIG, "the answer's headers are larger than %zu bytes",
                       REPLY_HEADER_BYTES);
    }
    if (reply->complete) {
        return 0;
    }
    if (length >= 6 && memcmp(line, "HTTP/", 5) == 0) {
        reply->status = read_status(line, length);
        /* HTTP/2 frames every body; these two have none */
        reply->framed = line[5] != '1' || reply->status == 204 || reply->status == 304;
        reply->length = -1;
        reply->chunked = false;
        message_forget_fields(request);
        return 0;
    }
    if (line[0] == '\r' || line[0] == '\n') {
        return end_headers(reply, request);
    }
    if (!read_field(&field, line, length)) {
        return 0;
    }
    keep_field(request, &field);
    return read_framing(reply, request, &field);
}
