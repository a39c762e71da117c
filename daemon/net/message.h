/* What an HTTP request may hold before it leaves, and what is read of an answer's header lines. Pure. */
#ifndef NET_MESSAGE_H
#define NET_MESSAGE_H

#include "net/http.h"

#define REPLY_HEADER_BYTES ((size_t)64 * 1024) /* of one answer, informational (1xx) answers included */

/* ERR_INVALID unless method, target and headers are safe to be put on the wire as they are. */
int message_check(const struct http_request *request, struct err *err);

#define MESSAGE_LINES_MAX (HTTP_HEADERS_MAX + 5)
/* Appends the request's header lines, each with its NUL, as libcurl takes them: "Name:" takes away one that
 * it would add, "Name;" is an empty one. -1 with ERR_TOO_BIG where lines has no room. */
int message_lines(const struct http_request *request, const char *host, struct buf *lines, struct err *err);

/* How far an answer's headers have come. */
struct reply {
    size_t bytes;   /* of all header lines so far */
    int status;     /* of the header block that is being read */
    int64_t length; /* by Content-Length; -1: it was not there */
    bool chunked;
    bool framed;   /* the end of the body can be told from the end of the connection */
    bool complete; /* the headers of the final answer have all come: request.status is set */
};

/* Empties the answered half of a request, but for what is known of its sending. */
void message_clear(struct http_request *request, enum http_sent sent);
/* Empties what was taken from header lines: of headers that did not come whole. */
void message_forget_fields(struct http_request *request);
/* Takes one header line, CRLF and all. -1 with request.err when the answer must be dropped: ERR_TOO_BIG or
 * ERR_BROKEN. Lines after the end of the headers (trailers) only count. */
int message_header(struct reply *reply, struct http_request *request, const char *line, size_t length);

/* Copies what fits of text, leaving out all but printable ASCII. */
void message_printable(char *to, size_t size, const char *from, size_t length);

#endif
